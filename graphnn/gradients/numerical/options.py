"""The options of a numerical gradient: what there is, its defaults, checks and help texts.

An option is one field of one record. The signatures of the functions that take it, and the options
of the command line, are derived from the record.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    get_args,
    get_type_hints,
    overload,
)

from graphnn.diagnostics import Diagnostic, UsageError, is_whole
from graphnn.execution import Mode, inputs_of
from graphnn.execution.network import Network, check_seed
from graphnn.execution.options import Typed
from graphnn.gradients._refusals import check_choice, check_progress
from graphnn.gradients.numerical.rules import DifferenceRule, Extrapolation, StepRule
from graphnn.gradients.numerical.selection import Entries

MAX_MEMORY = 256 << 20
Method = Literal["probes", "loop", "complex"]
RuleName = Literal["central", "forward"]
ExtrapolationName = Literal["compared", "richardson"]
Inputs = Mapping[str, Any] | None
Steps = float | Mapping[str, float] | str | StepRule


@dataclass(frozen=True, kw_only=True)
class GradientOptions:
    """How a numerical gradient is taken.

    Attributes
    ----------
    loss : str or iterable of str, optional
        As for `Network.loss`.
    only : str or iterable of str, optional
        Names of parameters; by default all.
    entries : int, str, iterable of str, or mapping, optional
        Which entries to take: how many, drawn at random from `seed`; or names such as
        ``a1.weight[3,7]``; or by parameter an index, with slices too, a list of them, an array of
        them in rows, or a mask. By default all.
    method : {"probes", "loop", "complex"}
        Many perturbations in one pass, computing only what moves; whole forward passes for
        each entry, as every course teaches it, which gives the same numbers; or the complex step
        ``Im f(x + ih) / h``, which subtracts nothing and is exact to rounding, where every op on
        the way is analytic (`Op.analytic`).
    rule : {"central", "forward"} or DifferenceRule
        Not for the complex step.
    order : {2, 4}, optional
        Of the central rule: how its truncation error shrinks with the step.
    step : float, mapping of str to float, {"balanced", "relative"}, or callable, optional
        How far entries are moved, for all parameters or by name, or a step rule: from the values
        of the parameter and the difference rule to a step. By default what balances truncation
        and rounding for the rule, see `DifferenceRule.default_step`; 1e-20 for the complex step.
    extrapolation : {"compared", "richardson"} or Extrapolation
        How derivatives at several steps are combined: the one at the smallest, its truncation
        error estimated from one at twice the step; or Richardson's extrapolation from three
        steps. Not for the complex step.
    estimate : bool
        Whether to estimate errors, which takes more probes; else they are NaN, and kinks are not
        located.
    mode : {"run", "train"}
        As for `graphnn.backprop`.
    seed : int
        Of the noise in training, which is the same for every probe, and of `entries` that are
        drawn.
    workers : int, optional
        How many share the work of ``method="probes"`` and ``"complex"``, this process among them;
        by default one for each core. They are processes on Linux, else threads.
    executor : concurrent.futures.Executor, optional
        Whose workers share the work instead: processes, or machines of Dask, Ray or MPI. `workers`
        is then the number of its workers. The network is sent to each worker once.
    max_memory : int
        Bytes that tables of probes may take at once.
    progress : callable, optional
        Called with the number of entries done and of all.

    Raises
    ------
    UsageError
        An option has an invalid value, whatever the network.
    """

    loss: Annotated[
        str | Iterable[str] | None,
        Typed(
            "Node whose mean is the loss; of several, their sum. May be repeated. By default that "
            "of 'train', else every loss op.",
            list[str] | None,
            "NODE",
        ),
    ] = None
    only: Annotated[
        str | Iterable[str] | None,
        Typed(
            "Take only this parameter, such as a1.weight. May be repeated.",
            list[str] | None,
            "PARAMETER",
        ),
    ] = None
    entries: Annotated[
        Entries | None,
        Typed(
            "Take only this many entries, drawn by --seed; or only this one, such as "
            "'a1.weight[3,7]'. May be repeated.",
            list[str] | None,
            "N|ENTRY",
        ),
    ] = None
    method: Annotated[
        Method, Typed("Many perturbations in one pass, a whole pass for each, or the complex step.")
    ] = "probes"
    rule: Annotated[RuleName | DifferenceRule, Typed("Difference rule.", RuleName)] = "central"
    order: Annotated[
        int | None, Typed("Order of the central rule; by default 2.", metavar="2|4")
    ] = None
    step: Annotated[
        Steps | None,
        Typed("How far each entry is moved; the default suits the rule.", float | None),
    ] = None
    extrapolation: Annotated[
        str | Extrapolation,
        Typed(
            "How derivatives at several steps are combined: two give an error estimate, three a "
            "better value.",
            ExtrapolationName,
        ),
    ] = "compared"
    estimate: bool = True
    mode: Annotated[
        Mode,
        Typed(
            "Compute as in a run, or as in training: with statistics of the batch, and with noise "
            "that is the same for every perturbation."
        ),
    ] = "run"
    seed: Annotated[
        int,
        Typed(
            "Seed of random inputs, where no others are found, of --entries, and of the noise of "
            "--mode train.",
            least=0,
        ),
    ] = 0
    workers: Annotated[
        int | None,
        Typed(
            "Processes that share the work, except of the method loop; by default one per core.",
            metavar="N",
            least=1,
        ),
    ] = None
    executor: Executor | None = None
    max_memory: Annotated[
        int, Typed("Memory that tables of probes may use.", metavar="MIB", least=1, unit=1 << 20)
    ] = MAX_MEMORY
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_progress(self.progress)
        check_choice("unknown-method", "method", self.method, get_args(Method))
        if faults := [*self._misshared()]:
            raise UsageError(*faults)

    def _misshared(self) -> Iterable[Diagnostic]:
        """What cannot share work, or has none to share."""
        if self.workers is not None and not is_whole(self.workers, 1):
            message = f"'workers' must be a whole number of at least 1, not {self.workers!r}"
            yield Diagnostic("bad-option", message, help="leave it out for one per core")
        if not is_whole(self.max_memory, 1):
            wanted = "a whole number of bytes, at least 1"
            message = f"'max_memory' must be {wanted}, not {self.max_memory!r}"
            yield Diagnostic("bad-option", message, help="leave it out for 256 MiB")
        if self.executor is None:
            return
        if not callable(getattr(self.executor, "submit", None)):
            message = f"'executor' needs a method 'submit', which {self.executor!r} does not have"
            help = "give a concurrent.futures.Executor, such as a ProcessPoolExecutor"
            yield Diagnostic("bad-option", message, help=help)
        elif self.method == "loop":
            message = "the method 'loop' cannot use an executor"
            help = "leave 'executor' out, or use the method 'probes'"
            yield Diagnostic("bad-option", message, help=help)


Given = ParamSpec("Given")
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class TakesOptions(Protocol[Given, Result_co]):
    """A function of a network and its inputs whose keywords are the fields of a record.

    Inputs may be keywords too, which no type can say beside the options.
    """

    @overload
    def __call__(
        self, network: Network, inputs: Inputs = None, /, *args: Given.args, **options: Given.kwargs
    ) -> Result_co: ...

    @overload
    def __call__(self, network: Network, inputs: Inputs = None, /, **named: Any) -> Result_co: ...


Body = Callable[[Network, dict[str, Any], Any], Result]


def takes(
    record: Callable[Given, GradientOptions],
) -> Callable[[Body[Result]], TakesOptions[Given, Result]]:
    """Give a function of network, inputs and a record the fields of the record as keywords.

    All other keywords are inputs by name.
    """

    def decorate(function: Body[Result]) -> TakesOptions[Given, Result]:
        hints = get_type_hints(record)
        keywords = {
            name: parameter.replace(annotation=hints[name])
            for name, parameter in inspect.signature(record).parameters.items()
        }

        def call(network: Network, inputs: Inputs = None, /, **named: Any) -> Result:
            given = {name: named.pop(name) for name in keywords if name in named}
            options: Any = functools.partial(record, **given)()  # type: ignore[call-arg]
            return function(network, inputs_of(network, inputs, named), options)

        shown = inspect.signature(call)
        network, inputs, named = shown.parameters.values()
        wrapped: Any = functools.wraps(function)(call)
        wrapped.__signature__ = shown.replace(
            parameters=[network, inputs, *keywords.values(), named],
            return_annotation=inspect.signature(function).return_annotation,
        )
        return cast(TakesOptions[Given, Result], wrapped)

    return decorate
