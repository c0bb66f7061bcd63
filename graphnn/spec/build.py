"""Located values to a `NetworkSpec`; every fault that can be found without knowing ops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphnn.diagnostics import Findings, Names, UsageError, suggestion
from graphnn.spec import sizes
from graphnn.spec._draw import DrawReader
from graphnn.spec._field_reader import brief, free_size_help, number_help
from graphnn.spec._training import SearchReader, TrainReader
from graphnn.spec.blocks.block_files import NO_NETWORK, Buffers, inline, is_library
from graphnn.spec.blocks.definitions import BlockReader
from graphnn.spec.blocks.expansion import expand
from graphnn.spec.blocks.made_nodes import weigh_losses
from graphnn.spec.drawing_records import DrawSpec
from graphnn.spec.example_records import PROPERTIES, ExampleSpec, PropertySpec
from graphnn.spec.forms import keys_of
from graphnn.spec.model import NetworkSpec, WeightsSpec
from graphnn.spec.node_records import BlockCallSpec, NodeSpec, Reference
from graphnn.spec.settings import override
from graphnn.spec.values import Entry, Map, Scalar, Seq, Value, scalar_value
from graphnn.spec.vocabulary import NO_NAMES, Vocabulary
from graphnn.storage import gc_paused

_NODES = "list the network under 'nodes:', one name and op a line"
_SHOWN_KEYS = {"input": "x", "output": "y", "permutation": "1"}  # in the mapping that is wanted


@gc_paused()
def build(
    document: Map,
    folder: Path,
    findings: Findings,
    settings: Mapping[str, Any] | None = None,
    *,
    vocabulary: Vocabulary = NO_NAMES,
    buffers: Buffers | None = None,
) -> NetworkSpec:
    """The network that `document` describes; what is wrong with it goes to `findings`.

    Parameters
    ----------
    document : Map
        A whole file, as the reader gives it.
    folder : Path
        The folder of that file.
    findings : Findings
        Takes a diagnostic for each fault; the spec returned is whole even so, without the
        parts at fault.
    settings : mapping of str to value, optional
        Sizes and values of ``train`` and of nodes to replace; see `override`.
    vocabulary : Vocabulary, optional
        Where settings and what stands in a wrong place are looked up.
    buffers : mapping of Path to str, optional
        By resolved path, texts that blocks are taken from in place of what these files hold.

    Raises
    ------
    UsageError
        A setting leads nowhere, or to several places; or two exclude each other.
    SpecError
        It may lead to a block of a file that cannot be read.
    """
    return SpecReader(findings, vocabulary).network(document, folder, settings or {}, buffers)


def build_look(document: Value, findings: Findings) -> DrawSpec | None:
    """Looks of diagrams in a file for themselves: what else stands in the section ``draw``."""
    return SpecReader(findings, NO_NAMES).look(document, "a look")


class SpecReader(TrainReader, SearchReader, DrawReader):
    """Takes a whole file apart."""

    def network(
        self, document: Map, folder: Path, settings: Mapping[str, Any], buffers: Buffers | None
    ) -> NetworkSpec:
        """The network that `document` describes."""
        document = self.keys(document, NetworkSpec, "a spec")
        self.version(document, "the spec")
        document, whole = inline(document, folder, self.findings, buffers)
        # Blocks of files can be set like those that the spec writes itself.
        document = self._set(document, settings, whole=whole)
        wanted = "a mapping of names to blocks, or {file: NAME}"
        section = self.mapping(document.get("blocks"), "'blocks'", wanted, "{file: TEXT}")
        whole = whole and (section is not None or "blocks" not in document)
        ops = self.vocabulary.ops
        known = BlockReader(self.findings, ops, whole).all(section, folder)
        named = self._sizes(document)
        flat = expand(self._nodes(document), known, named, ops, self.findings)
        found = NetworkSpec(
            document=document,
            folder=folder,
            sizes=named,
            nodes=flat.nodes,
            blocks=known,
            calls=flat.calls,
            aliases=flat.aliases,
            shares=flat.shares,
            faulty=flat.faulty,
            **self.record(NetworkSpec, document),
        )
        return weigh_losses(found)

    def _set(self, document: Map, settings: Mapping[str, Any], *, whole: bool) -> Map:
        try:
            return override(document, settings, self.vocabulary)
        except UsageError:
            if not whole:
                self.findings.raise_errors()
            raise

    def _sizes(self, document: Map) -> Names[sizes.Size]:
        table: dict[str, sizes.Size] = {"batch": sizes.free("batch")}
        given = self.mapping(document.get("sizes"), "'sizes'")
        for name, entry in given.entries.items() if given else ():
            if not self.name(entry.key, "a size"):
                continue
            number = entry.value.value if isinstance(entry.value, Scalar) else None
            if name == "batch" and number != "free":
                message = f"'batch' cannot be fixed at {brief(entry.value)}"
                help = "use a size of another name, or leave 'batch' out"
                self.findings.error("batch-is-free", message, entry.value.span, help=help)
            elif number == "free":
                table[name] = sizes.free(name)
            elif type(number) is int and 1 <= number <= sizes.MAX_SIZE:
                table[name] = number
            else:
                wanted = "a whole number from 1 to 2**40, or free"
                help = number_help(entry.value, whole=True)
                if free_size_help(entry.value):
                    help = "write free for one that each run decides"
                self.wrong(f"the size '{name}'", wanted, entry.value, help)
        whole = given is not None or "sizes" not in document
        return Names(table, given.entries if given else (), any_faulty=not whole)

    def _nodes(self, document: Map) -> Names[NodeSpec | BlockCallSpec]:
        value = document.get("nodes")
        if value is None and is_library(document):
            at = document.entries["blocks"].key.span
            help = "name it in a spec, as in 'blocks: {file: NAME}', or add 'nodes'"
            self.findings.error(NO_NETWORK, "the file holds blocks, but no network", at, help=help)
        elif value is None:
            self.lacks(document, "the spec has no 'nodes'", _NODES)
        given = self.mapping(value, "'nodes'", "a mapping of names to nodes", "NAME: {op: ...}")
        return Names(self.nodes(given, "the spec", _NODES), given.entries) if given else Names({})

    def outputs(self, value: Value) -> tuple[Reference, ...]:
        """Nodes by name, each once."""
        references = self.listed(value, "an output")
        seen: dict[str, Reference] = {}
        for reference in references:
            if reference.name and reference.name in seen:
                message = f"'{reference.name}' is listed twice in 'outputs'"
                first = seen[reference.name].place
                self.twice("duplicate-output", message, reference.place, first)
            seen.setdefault(reference.name, reference)
        return tuple(reference for name, reference in seen.items() if name)

    def weights(self, value: Value) -> WeightsSpec | None:
        """A file of weights."""
        wanted = "a mapping {file: NAME}"
        given = self.mapping(value, "'weights'", wanted, "{file: TEXT}")
        if given is None:
            return None
        known = self.keys(given, WeightsSpec, "'weights'")
        found = self.record(WeightsSpec, known)
        file = known.get("file")
        if isinstance(file, Scalar) and isinstance(file.value, str):
            return WeightsSpec(file=file, **found)
        if file is not None or set(given.entries) <= {"partial"}:
            self.wrong("'weights'", wanted, file or given)
        return None

    def parameters_by_name(self, value: Value, what: str) -> Mapping[str, Entry] | None:
        """Parameters or nodes by names in a file, false for what is left out."""
        wanted = "a mapping of names in the file to parameters"
        given = self.mapping(value, what, wanted)
        for name, entry in given.entries.items() if given else ():
            target = scalar_value(entry.value)
            if target is not False and not (isinstance(target, str) and target):
                wanted = "the name of a parameter or a node, or false"
                self.wrong(f"'{name}' in {what}", wanted, entry.value)
        return None if given is None else given.entries

    def examples(self, value: Value) -> tuple[ExampleSpec, ...]:
        """A list of examples."""
        if not isinstance(value, Seq):
            help = "write [{inputs: ..., outputs: ...}], or in YAML start each with '- '"
            self.wrong("'examples'", "a list of examples", value, help)
            return ()
        found = [self._example(item) for item in value.items]
        return tuple(example for example in found if example)

    def _example(self, value: Value) -> ExampleSpec | None:
        wanted = "a mapping {inputs: ..., outputs: ...}"
        body = self.section(ExampleSpec, value, "an example", wanted)
        if body is None:
            return None
        if "outputs" not in body and "properties" not in body:
            help = "say what a node must give: 'outputs: {NODE: [...]}'"
            self.lacks(body, "an example has no 'outputs'", help)
        outputs = body.get("outputs")
        if isinstance(outputs, Map) and not outputs.entries:
            message = "an example expects no output"
            self.findings.error("no-outputs", message, body.span)
        return ExampleSpec(place=body, **self.record(ExampleSpec, body))

    def properties(self, value: Value, what: str) -> tuple[PropertySpec, ...] | None:
        """What is said of nodes for all values."""
        given = self.mapping(value, what, "a mapping such as {causal: {input: x, output: y}}")
        if given is None:
            return None
        if not given.entries:
            message, help = "'properties' is empty", f"there are {', '.join(PROPERTIES)}"
            self.findings.error("no-outputs", message, given.span, help=help)
        found = []
        for name, entry in given.entries.items():
            record = PROPERTIES.get(name)
            if record is None:
                unused = [each for each in PROPERTIES if each not in given.entries]
                help = suggestion(name, unused)
                self.unknown_key(entry, "'properties'", PROPERTIES, help)
                continue
            keys = [key.name for key in keys_of(record) if key.required]
            example = ", ".join(f"{key}: {_SHOWN_KEYS[key]}" for key in sorted(keys))
            wanted = f"a mapping such as {{{example}}}"
            body = self.section(record, entry.value, f"'{name}'", wanted, at=entry.key)
            if body is not None and all(key in body for key in keys):
                fields = self.record(record, body)
                if all(key in fields for key in keys):
                    found.append(record(place=entry.key, **fields))
        return tuple(found)

    def arrays(self, value: Value, what: str) -> Mapping[str, Entry] | None:
        """Arrays by names of nodes."""
        given = self.mapping(value, what, "a mapping of names to arrays")
        return None if given is None else given.entries
