"""What a spec says, before any op is known: plain frozen records that keep their places.

Here is the record of a whole file; those of its sections stand in ``*_records.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from graphnn.diagnostics import FAULTY, Faulty, Names
from graphnn.spec import forms, schemas
from graphnn.spec._field_reader import VERSION
from graphnn.spec.block_records import BLOCKS, LIMITS, BlockCall, BlockSpec, LimitsSpec, SharedUse
from graphnn.spec.drawing_records import DRAW, DrawSpec
from graphnn.spec.example_records import EXAMPLES, ExampleSpec
from graphnn.spec.forms import Form, key, keys_of
from graphnn.spec.node_records import ALLOW, NODES, NodeSpec, Reference
from graphnn.spec.search_records import SEARCH, SearchSpec
from graphnn.spec.sizes import Size
from graphnn.spec.training_records import TRAIN, TrainSpec
from graphnn.spec.values import Entry, Map, Scalar

DType = Literal["float64", "float32"]
Layout = Literal["graphnn", "torch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsSpec:
    """A file with values for parameters, and how its arrays are matched with them."""

    file: Scalar = key(forms.FILE, "An .npz or .safetensors file.", required="write {file: NAME}")
    partial: bool = key(forms.TRUTH, "Whether it may lack some parameters.", False)
    layout: Layout | None = key(
        forms.words(Layout),
        "Whose names of parameters, and order of axes, it has.",
        None,
        otherwise="`graphnn`",
    )
    names: Mapping[str, Entry] = key(
        forms.PARAMETERS_BY_NAME,
        "For names in it, or what they begin with: a parameter or a node here; false for none.",
        dict,
    )


SIZES = Form(
    {
        **schemas.named({"anyOf": [schemas.SIZE, {"const": "free"}]}),
        "properties": {"batch": {"const": "free"}},
    },
    keys="size",
    defines=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A whole file.

    Attributes
    ----------
    document : Map
        The values it was built from.
    folder : Path
        Files that the spec names lie in this folder's tree.
    sizes : Names of Size
        ``batch`` included; a free one stands for itself.
    nodes : mapping of str to NodeSpec
        By full name, blocks unfolded, in the order of the file.
    outputs : tuple of Reference or None
        None leaves the choice to the graph.
    weights : WeightsSpec or None
    limits : LimitsSpec or None
    allow : tuple of Scalar
        Codes of warnings that are silenced.
    blocks : mapping of str to BlockSpec
    calls : mapping of str to BlockCall
        By full name, every use inside one of another included.
    aliases : mapping of str to str
        The node that the name of a use (``h``), or of one of its copies (``h.2``), stands for.
    shares : mapping of str to SharedUse
        By full name of a use, whose parameters its copies have; see `keeper`.
    faulty : mapping of str to tuple of Reference
        Full names of nodes and uses at fault, with what they read, where that is not in `nodes`.
    """

    document: Map
    folder: Path
    version: int = key(
        Form({"const": VERSION}),
        "Version of the language.",
        VERSION,
        name="graphnn",
        default=None,
        required=f"put 'graphnn: {VERSION}' at its top",
        is_of_blocks=True,
    )
    name: str = key(forms.TEXT, "Shown in tables and diagrams.", "", is_of_blocks=True)
    description: str = key(forms.TEXT, "Shown in tables.", "", is_of_blocks=True)
    sizes: Names[Size] = key(
        SIZES, "Named sizes: a whole number, or free for one that each run decides."
    )
    dtype: DType = key(forms.words(DType), "What it computes in.", "float64")
    blocks: Mapping[str, BlockSpec] = key(
        BLOCKS, "Pieces of graph to use as often as needed.", dict, is_of_blocks=True
    )
    nodes: Mapping[str, NodeSpec] = key(NODES, "Names and nodes.")
    limits: LimitsSpec | None = key(LIMITS, "How much the network may have at most.", None)
    outputs: tuple[Reference, ...] | None = key(
        forms.OUTPUTS, "What a run gives; by default the nodes that nothing reads but losses.", None
    )
    weights: WeightsSpec | None = key(
        forms.section(keys_of(WeightsSpec), lambda reader, entry, _: reader.weights(entry.value)),
        "Values for parameters, by their full names.",
        None,
    )
    examples: tuple[ExampleSpec, ...] = key(EXAMPLES, "Inputs with the outputs they must give.", ())
    train: TrainSpec | None = key(TRAIN, "How to train.", None)
    search: SearchSpec | None = key(
        SEARCH, "Settings to vary, by the names that --set takes.", None
    )
    draw: DrawSpec | None = key(DRAW, "How diagrams look.", None)
    allow: tuple[Scalar, ...] = key(forms.WARNINGS, ALLOW, ())
    calls: Mapping[str, BlockCall] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, SharedUse] = field(default_factory=dict)
    faulty: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)

    def find(self, name: str) -> NodeSpec | Faulty | None:
        """The node that `name` stands for; None where there is none.

        `FAULTY` where the name is that of a node or use at fault, or of one inside such a use.
        """
        name = self.aliases.get(name, name)
        if name in self.nodes:
            return self.nodes[name]
        parts = name.split(".") if self.faulty else ()
        prefixes = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
        return FAULTY if any(each in self.faulty for each in prefixes) else None


SPEC = forms.section(keys_of(NetworkSpec))
