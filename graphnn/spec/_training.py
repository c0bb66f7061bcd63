"""The sections ``train`` and ``search`` of a spec."""

from __future__ import annotations

from graphnn.diagnostics import Findings, by_word, suggestion
from graphnn.spec._field_reader import brief, number_help, unlike
from graphnn.spec._nodes import NodeReader
from graphnn.spec._section_reader import SectionReader
from graphnn.spec.forms import bare, elsewhere, key_names, meant
from graphnn.spec.node_records import Reference
from graphnn.spec.search_records import RANGES, SearchedSpec, SearchKind, SearchSpec
from graphnn.spec.settings import home_of, only_choice
from graphnn.spec.training_records import (
    AugmentSpec,
    EarlyStoppingSpec,
    MetricSpec,
    OptimizerSpec,
    TrainSpec,
)
from graphnn.spec.values import Entry, Map, Scalar, Seq, Value, scalar_value
from graphnn.spec.vocabulary import Vocabulary

_DATA = "the kind of data as its key: {mnist: {x: images, t: labels}}, or {csv: FILE}"
_SEARCH_KEYS = key_names(SearchSpec)
_MOST_SEARCHED = 2**53  # a larger whole number would not keep its value as a float
_LARGEST = 1e300  # the difference of two bounds is finite
_BY = "search by uniform, log_uniform or choice"
_SUCH_AS = "a mapping such as {uniform: [0.1, 1.0]}"


class TrainReader(NodeReader):
    """Takes what a spec says of training apart."""

    def __init__(self, findings: Findings, vocabulary: Vocabulary) -> None:
        super().__init__(findings)
        self.vocabulary = vocabulary

    def train(self, entry: Entry) -> TrainSpec | None:
        """How to train."""
        body = self.mapping(entry.value, "'train'")
        if body is None:
            return None
        body = self.keys(body, TrainSpec, "'train'", lambda key: home_of(key, self.vocabulary))
        return TrainSpec(place=entry.key, **self.record(TrainSpec, body))

    def losses(self, value: Value, what: str) -> tuple[Reference, ...]:
        """Nodes to make small, by name, or with weights."""
        if not isinstance(value, Map):
            return self.listed(value, what)
        found = []
        for name, entry in value.entries.items():
            number = self.tolerance(entry.value, f"the weight of '{name}'")
            if number is not None and isinstance(entry.value, Scalar):
                found.append(Reference(name, entry.key, weight=entry.value))
        if not value.entries:
            message, help = "'loss' is empty", "name a node, or leave 'loss' out"
            self.findings.error("wrong-type", message, value.span, help=help)
        return tuple(found)

    def data(self, value: Value, what: str) -> Map | None:
        """A kind of data with what it takes."""
        return self.mapping(value, what, "a mapping such as {npz: FILE}", _DATA)

    def held_back(self, value: Value) -> Value:
        """Rows to hold back; those at fault stay, as some are meant."""
        number = scalar_value(value)
        if isinstance(value, Map):
            return value
        if isinstance(number, bool) or not isinstance(number, int | float):
            wanted = "rows to hold back are a number, a fraction, or separate data"
            problem = f"{wanted}, {unlike(value)}"
        elif isinstance(number, float) and not 0 < number < 1:
            problem = f"a fraction to hold back must be between 0 and 1, not {number}"
        elif isinstance(number, int) and number < 1:
            problem = f"at least 1 row must be held back, not {number}"
        else:
            return value
        help = number_help(value, whole=True) or number_help(value)
        help = help or "write a fraction, such as 0.1, or how many rows"
        self.findings.error("bad-split", problem, value.span, help=help)
        return value

    def augment(self, entry: Entry) -> AugmentSpec | None:
        """How images are changed."""
        wanted = "a mapping such as {shift: 2, rotate: 10}"
        options = self.mapping(entry.value, "'augment'", wanted)
        return None if options is None else AugmentSpec(entry.key, options)

    def early_stopping(self, value: Value) -> EarlyStoppingSpec | None:
        """When to stop."""
        where, wanted = "'early_stopping'", "a mapping such as {patience: 5}"
        body = self.section(EarlyStoppingSpec, value, where, wanted, "{patience: TEXT}")
        if body is None:
            return None
        found = {"patience": 1, **self.record(EarlyStoppingSpec, body)}
        return EarlyStoppingSpec(place=body, **found)

    def metrics(self, value: Value, what: str) -> tuple[MetricSpec, ...] | None:
        """Metrics with the nodes that they read."""
        wanted, form = "a mapping of metrics to the nodes they read", "{TEXT: [PREDICTION, TARGET]}"
        given = self.mapping(value, what, wanted, form)
        if given is None:
            return None
        return tuple(self._metric(name, entry) for name, entry in given.entries.items())

    def _metric(self, name: str, entry: Entry) -> MetricSpec:
        inputs, options = entry.value, dict[str, Entry]()
        if isinstance(inputs, Map) and "inputs" in inputs:
            options = {key: given for key, given in inputs.entries.items() if key != "inputs"}
            inputs = inputs.entries["inputs"].value
        nodes = self.listed(inputs, f"an input of '{name}'")
        return MetricSpec(entry.key, nodes, Map(options))

    def optimizer(self, value: Value) -> OptimizerSpec | None:
        """An optimizer, alone or with its options."""
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return OptimizerSpec(value, Map({}))
        if not isinstance(value, Map) or not value.entries:
            self.wrong("'optimizer'", "one optimizer, such as {sgd: {learning_rate: 0.1}}", value)
            return None
        kinds = self.vocabulary.choices.get("optimizer", {})
        entry = only_choice("optimizer", kinds, value, self.findings)
        if entry is None:
            return None
        what = f"the options of '{entry.key.value}'"
        options = self.mapping(entry.value, what, form="{learning_rate: TEXT}")
        return OptimizerSpec(entry.key, options or Map({}))


class SearchReader(SectionReader):
    """Takes the section ``search`` apart."""

    def search(self, entry: Entry) -> SearchSpec | None:
        """Which settings to vary; one at fault is left out."""
        body = self.mapping(entry.value, "'search'")
        if body is None:
            return None
        named = {name: found for name, found in body.entries.items() if name not in _SEARCH_KEYS}
        if not named:
            message = "'search' names no setting to vary"
            help = "add one, such as learning_rate: {log_uniform: [0.001, 1.0]}"
            self.findings.error("nothing-to-search", message, entry.key.span, help=help)
        settings = {name: self._setting(name, found) for name, found in named.items()}
        return SearchSpec(
            place=entry.key,
            settings={name: found for name, found in settings.items() if found},
            **self.record(SearchSpec, body),
        )

    def _setting(self, name: str, entry: Entry) -> SearchedSpec | None:
        value = entry.value
        if not isinstance(value, Map) or not value.entries:
            # A misspelt 'metric' looks like a setting with a strange range.
            help = meant(SearchSpec, name, _SEARCH_KEYS, _SEARCH_KEYS)[1]
            self.wrong(f"what '{name}' is searched over", _SUCH_AS, value, help or _BY)
            return None
        by, *more = value.entries.values()
        if isinstance(by.value, Map):
            message = f"what '{name}' is searched over must be {_SUCH_AS}, not settings"
            help = f"put '{by.key.value}' right below 'search'"
            self.findings.error("wrong-type", message, value.span, help=help)
            return None
        if more:
            message = f"'{name}' is searched over in {1 + len(more)} ways at once"
            self.findings.error("wrong-type", message, value.span, help="keep one of them")
            return None
        for kind in RANGES:
            if by.key.value == kind:
                choice = kind == "choice"
                found = self._choices(name, by) if choice else self._bounds(name, by, kind)
                return SearchedSpec(entry.key, kind, found) if found else None
        message = f"{brief(by.key)} is not a way to search"
        word = str(by.key.value)
        words = by_word(elsewhere(SearchedSpec, "keys")) | {bare(kind): kind for kind in RANGES}
        known = words.get(bare(word))
        help = f"did you mean '{known}'?" if known else suggestion(word, RANGES, _BY)
        self.findings.error("unknown-key", message, by.key.span, help=help)
        return None

    def _choices(self, name: str, by: Entry) -> tuple[Value, ...] | None:
        if not isinstance(by.value, Seq) or not by.value.items:
            self.wrong(f"the choice of '{name}'", "a list of values", by.value)
            return None
        from graphnn.spec.writing.layout import flow  # choices alone are written

        seen: dict[str, Value] = {}
        for item in by.value.items:
            if flow(item) in seen:
                message = f"{brief(item)} can be chosen twice for '{name}'"
                self.findings.error("duplicate-choice", message, item.span)
            seen.setdefault(flow(item), item)
        return tuple(seen.values())

    def _bounds(self, name: str, by: Entry, kind: SearchKind) -> tuple[Value, ...] | None:
        items = by.value.items if isinstance(by.value, Seq) else []
        if len(items) != 2:
            what, wanted = f"the range of '{name}'", "two numbers such as [0.1, 1.0]"
            if items:
                message = f"{what} must be {wanted}, not {len(items)}"
                self.findings.error("wrong-type", message, by.value.span)
            else:
                self.wrong(what, wanted, by.value, number_help(by.value))
            return None
        numbers = [self._bound(name, item) for item in items]
        if None in numbers:
            return None
        low, high = (number for number in numbers if number is not None)
        problem = ""
        if not low < high:
            problem = f"'{name}' cannot range from {low} to {high}"
            help = "the second bound is the larger one"
        elif kind == "log_uniform" and low <= 0:
            problem = f"'{name}' cannot range from {low} on a logarithmic scale"
            help = "use bounds above 0, or uniform"
        elif (
            max(abs(low), abs(high)) > _MOST_SEARCHED
            and isinstance(low, int)
            and isinstance(high, int)
        ):
            problem = f"'{name}' ranges beyond 2**53"
            help = "write a bound with a decimal point to search over all numbers between"
        if problem:
            self.findings.error("bad-range", problem, by.value.span, help=help)
            return None
        return tuple(items)

    def _bound(self, name: str, value: Value) -> int | float | None:
        number = scalar_value(value)
        if isinstance(number, bool) or not isinstance(number, int | float):
            self.wrong(f"a bound of '{name}'", "a number", value, number_help(value))
            return None
        if abs(number) > _LARGEST:
            self.findings.error("bad-range", f"'{name}' ranges beyond 1e300", value.span)
            return None
        return number
