"""How the derivatives by each parameter are taken, as the options say."""

from __future__ import annotations

from collections.abc import Mapping

from graphnn.diagnostics import Diagnostic, UsageError
from graphnn.execution.network import Network
from graphnn.gradients.numerical import rules, selection
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
    extrapolation = rules.find_extrapolation(options.extrapolation)
    if options.method != "complex":
        steps = _steps(network, names, options, rule, rule.default_step())
        return {
            name: Differences(rule, step, extrapolation, options.estimate)
            for name, step in steps.items()
        }
    ruled = isinstance(options.step, str) or callable(options.step) or options.order is not None
    if ruled or (rule, extrapolation) != (rules.CENTRAL, rules.COMPARED):
        message = "the complex step has no rules, order or extrapolation"
        raise UsageError(Diagnostic("bad-option", message, help="leave them out"))
    steps = _steps(network, names, options, rule, TINY)
    return {name: ComplexStep(step, options.estimate) for name, step in steps.items()}


def _steps(
    network: Network,
    names: tuple[str, ...],
    options: GradientOptions,
    rule: DifferenceRule,
    default: float,
) -> dict[str, float]:
    step = options.step
    if isinstance(step, Mapping):
        selection.known(network, step)
        steps = {name: step.get(name, default) for name in names}
    elif isinstance(step, str) or callable(step):
        of = rules.find_step(step)
        steps = {name: of(network.parameters[name].astype(float), rule) for name in names}
    else:
        steps = dict.fromkeys(names, default if step is None else step)
    for value in steps.values():
        if not rules.is_step(value):
            raise UsageError(Diagnostic("bad-step", f"the step must be positive, not {value}"))
    return steps


def check_analytic(objective: Objective, names: tuple[str, ...]) -> None:
    """Refuse ops that the complex step by parameters `names` would pass, and that are not analytic.

    Raises
    ------
    UsageError
        With every such op.
    """
    plan = objective.executor(keep=True).plan
    reached: set[int | None] = {plan.parameters[name] for name in names if name in plan.parameters}
    faults = []
    for step in plan.steps:
        if not reached.isdisjoint(step.arguments):
            reached.add(step.output)
            if not step.op.analytic:
                message = (
                    f"the complex step cannot differentiate '{step.node}': "
                    f"{step.op.name} is not declared analytic"
                )
                help = "set 'analytic' in the op's class if it is, or use another method"
                faults.append(Diagnostic("not-analytic", message, help=help))
    if faults:
        raise UsageError(*faults)
