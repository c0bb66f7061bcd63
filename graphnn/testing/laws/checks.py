"""The laws of ops applied to drawn cases: all at once, or one test item a law."""

from __future__ import annotations

import inspect
import unittest
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import hypothesis
import numpy as np

from graphnn.ops import Op
from graphnn.testing._strategies.arguments import class_of
from graphnn.testing.laws import derivatives, facts, passages, values
from graphnn.testing.laws.requirements import chosen
from graphnn.testing.strategies import OpCase, op_cases

Law = Callable[[OpCase], None]
LAWS: Mapping[str, Law] = {
    law.__name__: law
    for law in (
        values.inferred_shape_is_computed,
        values.symbolic_shape_is_computed,
        values.results_are_finite,
        derivatives.vjp_is_the_gradient,
        values.nothing_is_modified,
        facts.rows_alone_are_rows_together,
        facts.entries_in_place_depend_on_their_own,
        facts.planes_depend_on_their_own,
        derivatives.zero_cotangents_give_zeros,
        derivatives.unwanted_cotangents_change_nothing,
        derivatives.what_is_saved_changes_nothing,
        derivatives.continuation_is_analytic,
        values.serialises,
        values.float32_stays_float32,
        values.out_is_written,
        values.memory_is_shared_only_by_views,
        values.states_are_replaced_by_their_like,
        values.training_takes_the_same,
        passages.entries_along_axes_go_where_stated,
        facts.rows_keep_their_entries,
        facts.results_lie_in_the_interval,
        facts.results_lie_within_the_inputs,
        facts.entries_are_kept,
        facts.operands_change_places,
        facts.results_add_up_to_one,
        facts.missing_values_are_taken,
        facts.branch_changes_at_kinks_alone,
        facts.parameters_move_channels_as_stated,
        facts.results_of_many_moves_are_as_stated,
        facts.moved_blocks_spread_as_stated,
    )
}


@dataclass(frozen=True)
class OpLaw:
    """A law of an op, checked when it is called.

    Attributes
    ----------
    op : type of Op
    name : str
        One of the laws' names.
    skipped : str
        Why it is not checked; empty where it is.
    """

    op: type[Op]
    name: str
    skipped: str = ""

    @property
    def __name__(self) -> str:
        """What pytest calls an item with it."""
        return f"{self.op.name}-{self.name}"

    def __call__(self, settings: hypothesis.settings | None = None) -> None:
        """Draw cases of the op and raise `BrokenLaw` for the smallest that breaks the law.

        Parameters
        ----------
        settings : hypothesis.settings, optional
            By default those of the profile, without a deadline.
        """
        if self.skipped:
            raise unittest.SkipTest(self.skipped)  # which pytest reports as skipped
        _check(self.op, [self.name], settings)


def op_laws(op: type[Op] | str, *, skip: Mapping[str, str] | None = None) -> list[OpLaw]:
    """The laws of an op, for ``pytest.mark.parametrize``: call each to check it.

    Parameters
    ----------
    op : type of Op, or str
        A class, or the name of one that is registered.
    skip : mapping of str to str, optional
        As for `check_op`; those are reported as skipped.

    Returns
    -------
    list of OpLaw

    Raises
    ------
    UsageError
        As `check_op`.
    """
    chosen(LAWS, skip)
    op = class_of(op)
    return [OpLaw(op, name, (skip or {}).get(name, "")) for name in LAWS]


def check_op(
    op: type[Op] | str,
    *,
    skip: Mapping[str, str] | None = None,
    settings: hypothesis.settings | None = None,
) -> None:
    """Check that an op keeps every law: draw cases of it, and apply all laws to each.

    Parameters
    ----------
    op : type of Op, or str
        A class, or the name of one that is registered.
    skip : mapping of str to str, optional
        Names of laws that are not checked, each with the reason.
    settings : hypothesis.settings, optional
        By default those of the profile, without a deadline.

    Raises
    ------
    BrokenLaw
        A law is broken, by the smallest case found, which is noted in the error.
    UsageError
        `op` is not an op, or `skip` names an unknown law, or gives no reason.
    """
    _check(class_of(op), chosen(LAWS, skip), settings)


def law_by_law(op: type[Op], laws: Sequence[str]) -> Law:
    """What applies laws to a case of an op; once one is broken, that one alone.

    A case then shrinks to the smallest that breaks this law, and not to one of another.
    """
    broken: list[str] = []

    def check(case: OpCase) -> None:
        for name in broken or laws:
            try:
                with np.errstate(all="ignore"):
                    LAWS[name](case)
            except Exception as error:
                broken[:] = [name]
                error.add_note(f"'{op.name}' breaks the law '{name}': {LAWS[name].__doc__}")
                raise

    return check


def _check(op: type[Op], laws: Sequence[str], settings: hypothesis.settings | None) -> None:
    # A separate function, by which Hypothesis may write its cases down.
    apply = law_by_law(op, laws)

    def check(case: OpCase) -> None:
        apply(case)

    check.__name__ = f"{op.name}_{laws[0]}" if len(laws) == 1 else op.name  # shown with the case
    # Hypothesis keeps failures by source and signature, which are those of all ops and laws: it
    # would begin with a case of another, and leave it as it is.
    whose = f"{op.__module__}.{op.__qualname__}.{check.__name__}"
    taken = inspect.Parameter("case", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=whose)
    vars(check)["__signature__"] = inspect.Signature([taken])
    # What an explanation would point at are lines of the laws.
    phases = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]
    # Nobody has a function here that the decorator with a blob could be added to.
    default = hypothesis.settings(
        deadline=None, report_multiple_bugs=False, print_blob=False, phases=phases
    )
    (settings or default)(hypothesis.given(op_cases(op))(check))()
