"""How the derivatives by each parameter are taken, as the options say."""

from __future__ import annotations

from collections.abc import Mapping

from graphnn.diagnostics import Diagnostic, UsageError
from graphnn.execution.network import Network
from graphnn.gradients._refusals import check_choice, known_parameters
from graphnn.gradients.numerical import rules
from graphnn.gradients.numerical.engine.base_pass import steps_from
from graphnn.gradients.numerical.estimates import TINY, ComplexStep, Differences, Scheme
from graphnn.gradients.numerical.objective import Objective
from graphnn.gradients.numerical.options import GradientOptions
from graphnn.gradients.numerical.rules import DifferenceRule


def choose(network: Network, names: tuple[str, ...], options: GradientOptions) -> dict[str, Scheme]:
    """A scheme for each of the parameters `names`.

    Raises
    ------
    UsageError
        The rule, the order, the extrapolation or a step is invalid.
    """
    rule = rules.find(options.rule, options.order)
    extrapolation = options.extrapolation
    if not isinstance(extrapolation, rules.Extrapolation):
        check_choice("unknown-extrapolation", "extrapolation", extrapolation, rules.EXTRAPOLATIONS)
        extrapolation = rules.EXTRAPOLATIONS[extrapolation]
    complex, step, estimate = options.method == "complex", options.step, options.estimate
    ruled = isinstance(step, str) or callable(step)
    plain = (rule, extrapolation, options.order) == (rules.CENTRAL, rules.COMPARED, None)
    if complex and (ruled or not plain):
        message = "the complex step has no rules, order or extrapolation"
        raise UsageError.of("bad-option", message, help="leave them out")
    steps = _steps(network, names, options, rule)
    if complex:
        return {name: ComplexStep(h, estimate) for name, h in steps.items()}
    if not estimate and extrapolation is rules.COMPARED:
        extrapolation = rules.ALONE
    return {name: Differences(rule, h, extrapolation, estimate) for name, h in steps.items()}


def _steps(
    network: Network, names: tuple[str, ...], options: GradientOptions, rule: DifferenceRule
) -> dict[str, float]:
    step, default = options.step, TINY if options.method == "complex" else rule.default_step()
    if isinstance(step, str):
        check_choice("unknown-step-rule", "step rule", step, rules.STEPS)
        step = rules.STEPS[step]
    if isinstance(step, Mapping):
        known_parameters(network, step)
        steps = {name: step.get(name, default) for name in names}
    elif callable(step):
        steps = {name: step(network.parameters[name].astype(float), rule) for name in names}
    else:
        steps = dict.fromkeys(names, default if step is None else step)
    for value in steps.values():
        if not rules.is_step(value):
            raise UsageError.of("bad-step", f"the step must be positive, not {value}")
    return steps


def check_analytic(objective: Objective, names: tuple[str, ...]) -> None:
    """Refuse ops that the complex step by parameters `names` would pass, and that are not analytic.

    Raises
    ------
    UsageError
        With every such op.
    """
    plan = objective.executor(keep=True).plan
    slots = [plan.parameters[name] for name in names if name in plan.parameters]
    help = "set 'analytic' in the op's class if it is, or use another method"
    message = "the complex step cannot differentiate '{}': {} is not declared analytic"
    faults = [
        Diagnostic("not-analytic", message.format(step.node, step.op.name), help=help)
        for step in steps_from(plan, slots)
        if not step.op.analytic
    ]
    if faults:
        raise UsageError(*faults)
