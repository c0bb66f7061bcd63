"""The section ``train`` of a spec."""

from __future__ import annotations

from graphnn.diagnostics import Findings
from graphnn.spec._field_reader import number_help, unlike
from graphnn.spec._nodes import NodeReader
from graphnn.spec._options import home_of, only_choice
from graphnn.spec.model import AugmentSpec, EarlyStoppingSpec, MetricSpec, OptimizerSpec, TrainSpec
from graphnn.spec.values import Entry, Map, Scalar, Value, scalar_value
from graphnn.spec.vocabulary import Vocabulary

_DATA = "the kind of data as its key: {mnist: {x: images, t: labels}}, or {csv: FILE}"


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

    def data(self, value: Value, what: str) -> Map | None:
        """A kind of data with what it takes."""
        return self.mapping(value, what, "a mapping such as {npz: FILE}", _DATA)

    def held_back(self, value: Value) -> Value:
        """Rows to hold back; those at fault stay, as some are meant."""
        number = scalar_value(value)
        if isinstance(value, Map):
            return value
        if isinstance(number, bool) or not isinstance(number, int | float):
            wanted = "rows to hold back are a number, a fraction, or data of their own"
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
