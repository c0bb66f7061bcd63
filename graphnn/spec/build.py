"""Located values to a `NetworkSpec`; every fault that can be told without knowing ops."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from pathlib import Path
from typing import Any

from graphnn.diagnostics import Findings, Names, Note, UsageError
from graphnn.spec import sizes
from graphnn.spec._choices import OPTIONS, home_of, only_choice
from graphnn.spec._field_reader import brief, number_help, unlike
from graphnn.spec._nodes import NodeReader
from graphnn.spec._search import search
from graphnn.spec.blocks.block_files import NO_NETWORK, inline, is_library
from graphnn.spec.blocks.definitions import blocks
from graphnn.spec.blocks.expansion import expand
from graphnn.spec.model import (
    TRAIN_KEYS,
    AugmentSpec,
    BlockCallSpec,
    EarlyStoppingSpec,
    ExampleSpec,
    MetricSpec,
    NetworkSpec,
    NodeSpec,
    OptimizerSpec,
    Reference,
    TrainSpec,
    WeightsSpec,
)
from graphnn.spec.settings import override
from graphnn.spec.values import Entry, Mapping, Scalar, Sequence, Value
from graphnn.storage import gc_paused

TOP_KEYS = (
    "graphnn",
    "name",
    "description",
    "sizes",
    "dtype",
    "blocks",
    "nodes",
    "outputs",
    "weights",
    "examples",
    "train",
    "search",
    "allow",
)
EXAMPLE_KEYS = ("about", "inputs", "outputs", "rtol", "atol")
STOPPING_KEYS = OPTIONS["early_stopping"] = ("patience", "metric")
WEIGHTS_KEYS = ("file", "partial")
_DATA = "the kind of data as its key: {mnist: {x: images, t: labels}}, or {csv: FILE}"
_NODES = "list the network under 'nodes:', one name and op a line"


@gc_paused()
def build(
    document: Mapping, folder: Path, findings: Findings, settings: Dict[str, Any] | None = None
) -> NetworkSpec:
    """The network that `document` describes; what is wrong with it goes to `findings`.

    Parameters
    ----------
    document : Mapping
        A whole file, as the reader gives it.
    folder : Path
        The folder of that file.
    findings : Findings
        Takes a diagnostic for each fault; the spec returned is whole even so, without the
        parts at fault.
    settings : mapping of str to value, optional
        Sizes and values of ``train`` and of nodes to replace; see `override`.

    Raises
    ------
    UsageError
        A setting leads nowhere, or to several places; or two exclude each other.
    SpecError
        It may lead to a block of a file that cannot be read.
    """
    return _Builder(findings).network(document, folder, settings or {})


class _Builder(NodeReader):
    def network(self, document: Mapping, folder: Path, settings: Dict[str, Any]) -> NetworkSpec:
        document = self.keys(document, TOP_KEYS, "a spec")
        self.version(document, "the spec")
        document, whole = inline(document, folder, self.findings)
        # Blocks of files can be set like those that the spec writes itself.
        document = self._set(document, settings, whole=whole)
        section = self.mapping(
            document.get("blocks"),
            "'blocks'",
            "a mapping of names to blocks, or {file: NAME}",
            "{file: TEXT}",
        )
        whole = whole and (section is not None or "blocks" not in document)
        known = blocks(section, folder, self.findings, whole=whole)
        named = self._sizes(document)
        flat = expand(self._nodes(document), known, named, self.findings)
        return NetworkSpec(
            document=document,
            folder=folder,
            name=self.text(document.get("name"), "'name'"),
            description=self.text(document.get("description"), "'description'"),
            sizes=named,
            dtype=self.choice(document.get("dtype"), "'dtype'", ("float64", "float32")),
            nodes=flat.nodes,
            outputs=self._outputs(document),
            weights=self._weights(document),
            examples=self._examples(document),
            train=self._train(document),
            search=search(document.entries["search"], self.findings)
            if "search" in document
            else None,
            allow=self.codes(document.get("allow")),
            blocks=known,
            uses=flat.uses,
            aliases=flat.aliases,
            faulty=flat.faulty,
        )

    def _set(self, document: Mapping, settings: Dict[str, Any], *, whole: bool) -> Mapping:
        try:
            return override(document, settings)
        except UsageError:
            if not whole:
                self.findings.raise_errors()
            raise

    def _sizes(self, document: Mapping) -> Names[sizes.Size]:
        table: dict[str, sizes.Size] = {"batch": sizes.free("batch")}
        given = self.mapping(document.get("sizes"), "'sizes'")
        for name, entry in given.entries.items() if given else ():
            if not self.name(entry.key, "a size"):
                continue
            number = entry.value.value if isinstance(entry.value, Scalar) else None
            if name == "batch" and number != "free":
                self.findings.error(
                    "batch-is-free",
                    f"'batch' cannot be fixed at {brief(entry.value)}",
                    entry.value.span,
                    help="use a size of another name, or leave 'batch' out",
                )
            elif number == "free":
                table[name] = sizes.free(name)
            elif type(number) is int and 1 <= number <= sizes.MAX_SIZE:
                table[name] = number
            else:
                wanted = "a whole number from 1 to 2**40, or free"
                self.wrong(f"the size '{name}'", wanted, entry.value, number_help(entry.value))
        whole = given is not None or "sizes" not in document
        return Names(table, given.entries if given else (), any_faulty=not whole)

    def _nodes(self, document: Mapping) -> Names[NodeSpec | BlockCallSpec]:
        value = document.get("nodes")
        if value is None and is_library(document):
            self.findings.error(
                NO_NETWORK,
                "the file holds blocks, but no network",
                document.entries["blocks"].key.span,
                help="name it in a spec, as in 'blocks: {file: NAME}', or add 'nodes'",
            )
        elif value is None:
            self.lacks(document, "the spec has no 'nodes'", _NODES)
        given = self.mapping(value, "'nodes'", "a mapping of names to nodes", "NAME: {op: ...}")
        return Names(self.nodes(given, "the spec", _NODES), given.entries) if given else Names({})

    def _outputs(self, document: Mapping) -> tuple[Reference, ...] | None:
        value = document.get("outputs")
        if value is None:
            return None
        references = self.listed(value, "an output")
        seen: dict[str, Reference] = {}
        for reference in references:
            if reference.name and reference.name in seen:
                self.findings.error(
                    "duplicate-output",
                    f"'{reference.name}' is listed twice in 'outputs'",
                    reference.place.span,
                    notes=[Note("it is first listed here", seen[reference.name].place.span)],
                )
            seen.setdefault(reference.name, reference)
        return tuple(reference for name, reference in seen.items() if name)

    def _weights(self, document: Mapping) -> WeightsSpec | None:
        given = self.mapping(
            document.get("weights"), "'weights'", "a mapping {file: NAME}", "{file: TEXT}"
        )
        if given is None:
            return None
        known = self.keys(given, WEIGHTS_KEYS, "'weights'")
        partial = self.boolean(known.get("partial"), "'partial'", False)
        file = known.get("file")
        if isinstance(file, Scalar) and isinstance(file.value, str):
            return WeightsSpec(file, partial)
        if file is not None or set(given.entries) <= {"partial"}:
            self.wrong("'weights'", "a mapping {file: NAME}", file or given)
        return None

    def _examples(self, document: Mapping) -> tuple[ExampleSpec, ...]:
        value = document.get("examples")
        if value is None:
            return ()
        if not isinstance(value, Sequence):
            self.wrong("'examples'", "a list of examples", value)
            return ()
        found = [self._example(item) for item in value.items]
        return tuple(example for example in found if example)

    def _example(self, value: Value) -> ExampleSpec | None:
        body = self.mapping(value, "an example", "a mapping {inputs: ..., outputs: ...}")
        if body is None:
            return None
        body = self.keys(body, EXAMPLE_KEYS, "an example")
        inputs = self.mapping(body.get("inputs"), "'inputs'", "a mapping of names to arrays")
        outputs = self.mapping(body.get("outputs"), "'outputs'", "a mapping of names to arrays")
        if "outputs" not in body:
            help = "say what a node must give: 'outputs: {NODE: [...]}'"
            self.lacks(body, "an example has no 'outputs'", help)
        elif outputs is not None and not outputs.entries:
            message = "an example says nothing of any output"
            self.findings.error("no-outputs", message, body.span)
        return ExampleSpec(
            place=body,
            about=self.text(body.get("about"), "'about'"),
            inputs=inputs.entries if inputs else {},
            outputs=outputs.entries if outputs else {},
            rtol=self.tolerance(body.get("rtol"), "'rtol'", 1e-7),
            atol=self.tolerance(body.get("atol"), "'atol'", 1e-9),
        )

    def _train(self, document: Mapping) -> TrainSpec | None:
        body = self.mapping(document.get("train"), "'train'")
        if body is None:
            return None
        body = self.keys(body, TRAIN_KEYS, "'train'", home_of)
        return TrainSpec(
            place=document.entries["train"].key,
            data=self.mapping(body.get("data"), "'data'", "a mapping such as {npz: FILE}", _DATA),
            loss=self.listed(body.get("loss"), "'loss'"),
            metrics=self._metrics(body),
            optimizer=self._optimizer(body),
            batch_size=self.whole(body.get("batch_size"), "'batch_size'", 100, 1),
            epochs=self.whole(body.get("epochs"), "'epochs'", 10, 1),
            seed=self.whole(body.get("seed"), "'seed'", 0, 0),
            validation=self._held_back(body.get("validation")),
            test=self._held_back(body.get("test")),
            rows=self._rows(body.get("rows")),
            gradient=self.choice(body.get("gradient"), "'gradient'", ("backprop", "numerical")),
            accumulate=self.whole(body.get("accumulate"), "'accumulate'", 1, 1),
            augment=self._augment(body),
            early_stopping=self._early_stopping(body.get("early_stopping")),
            keep=self.choice(body.get("keep"), "'keep'", ("last", "best")),
            stratify=self._name(body.get("stratify"), "'stratify'", "the name of an input"),
        )

    def _held_back(self, value: Value | None) -> Value | None:
        """Rows to hold back; those at fault stay: that some are meant is told by them too."""
        number = value.value if isinstance(value, Scalar) else None
        if value is None or isinstance(value, Mapping):
            return value
        if isinstance(number, bool) or not isinstance(number, int | float):
            problem = "rows to hold back are a number, a fraction, or data of their own, "
            problem += unlike(value)
        elif isinstance(number, float) and not 0 < number < 1:
            problem = f"a fraction to hold back lies between 0 and 1, not at {number}"
        elif isinstance(number, int) and number < 1:
            problem = f"at least 1 row is held back, not {number}"
        else:
            return value
        help = number_help(value) or "write a fraction, such as 0.1, or how many rows"
        self.findings.error("bad-split", problem, value.span, help=help)
        return value

    def _augment(self, train: Mapping) -> AugmentSpec | None:
        wanted = "a mapping such as {shift: 2, rotate: 10}"
        options = self.mapping(train.get("augment"), "'augment'", wanted)
        return None if options is None else AugmentSpec(train.entries["augment"].key, options)

    def _early_stopping(self, value: Value | None) -> EarlyStoppingSpec | None:
        wanted = "a mapping such as {patience: 5}"
        body = self.mapping(value, "'early_stopping'", wanted, "{patience: TEXT}")
        if body is None:
            return None
        body = self.keys(body, STOPPING_KEYS, "'early_stopping'")
        if "patience" not in body:
            help = "say after how many epochs without a better value to stop: {patience: 5}"
            self.lacks(body, "'early_stopping' has no 'patience'", help)
        patience = self.whole(body.get("patience"), "'patience'", 1, 1)
        metric = self._name(body.get("metric"), "'metric'", "the name of what is measured")
        return EarlyStoppingSpec(body, patience, metric or Scalar("validation_loss"))

    def _name(self, value: Value | None, what: str, wanted: str) -> Scalar | None:
        if value is None:
            return None
        if isinstance(value, Scalar) and isinstance(value.value, str) and value.value:
            return value
        self.wrong(what, wanted, value)
        return None

    def _rows(self, value: Value | None) -> Scalar | None:
        count = self.whole(value, "'rows'", 0, 1)
        return value if count and isinstance(value, Scalar) else None

    def _metrics(self, train: Mapping) -> tuple[MetricSpec, ...]:
        given = self.mapping(
            train.get("metrics"),
            "'metrics'",
            "a mapping of metrics to the nodes they read",
            "{TEXT: [PREDICTION, TARGET]}",
        )
        if given is None:
            return ()
        return tuple(self._metric(name, entry) for name, entry in given.entries.items())

    def _metric(self, name: str, entry: Entry) -> MetricSpec:
        inputs, options = entry.value, dict[str, Entry]()
        if isinstance(inputs, Mapping) and "inputs" in inputs:
            options = {key: given for key, given in inputs.entries.items() if key != "inputs"}
            inputs = inputs.entries["inputs"].value
        nodes = self.listed(inputs, f"an input of '{name}'")
        return MetricSpec(entry.key, nodes, Mapping(options))

    def _optimizer(self, train: Mapping) -> OptimizerSpec:
        value = train.get("optimizer")
        if isinstance(value, Scalar) and isinstance(value.value, str):
            return OptimizerSpec(value, Mapping({}))
        if isinstance(value, Mapping) and value.entries:
            if (entry := only_choice("optimizer", value, self.findings)) is not None:
                what = f"the options of '{entry.key.value}'"
                options = self.mapping(entry.value, what, form="{learning_rate: TEXT}")
                return OptimizerSpec(entry.key, options or Mapping({}))
        elif value is not None:
            self.wrong("'optimizer'", "one optimizer, such as {sgd: {learning_rate: 0.1}}", value)
        return OptimizerSpec(Scalar("sgd"), Mapping({}))
