"""Nodes that are not written: entries of what uses unstack, what they stack, weighted losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from graphnn.spec.block_records import BlockCall, BlockInstance
from graphnn.spec.model import NetworkSpec
from graphnn.spec.node_records import NodeSpec, Reference
from graphnn.spec.values import Entry, Scalar, Value, place_of


def unstacked(copy: BlockInstance) -> Iterator[NodeSpec]:
    """For each input that is unstacked, the entry of `copy`.

    They are named as in the definition of the block, and read what they read by its full name.
    """
    call = copy.call
    places = dict(zip(call.block.inputs, call.spec.inputs, strict=True))
    for name, along in call.spec.unstack.items():
        reference = Reference(copy.given[name], places[name].place)
        fields = {"axis": along.axis, "index": (copy.number or 1) - 1}
        yield NodeSpec(
            name=call.block.entry(name),
            place=along.place,
            op=_scalar("select", along.place),
            inputs=(reference,),
            inputs_place=reference.place,
            fields=_fields(fields, along.place),
            made_by="unstack",
        )


def stacked(call: BlockCall) -> Iterator[NodeSpec]:
    """For each output that is stacked, that of all copies, named as where the use stands."""
    for name, along in call.spec.stack.items():
        node = call.block.given[name].value
        yield NodeSpec(
            name=f"{call.spec.name}.{name}",
            place=along.place,
            op=_scalar("stack", along.place),
            inputs=tuple(Reference(f"{each.name}.{node}", along.place) for each in call.instances),
            inputs_place=along.place,
            fields=_fields({"axis": along.axis}, along.place),
            made_by="stack",
        )


def weigh_losses(spec: NetworkSpec) -> NetworkSpec:
    """`spec` with a node for each loss of another weight than 1, which takes its place."""
    train = spec.train
    if train is None or not any(each.weight for each in train.loss):
        return spec
    nodes, losses = dict(spec.nodes), []
    for each in train.loss:
        node = spec.find(each.name)
        if each.weight is None or each.weight.value == 1 or not isinstance(node, NodeSpec):
            losses.append(each)
            continue
        weighted = f"{each.name}.weighted"
        nodes[weighted] = NodeSpec(
            name=weighted,
            place=each.place,
            op=_scalar("weighted", each.place),
            inputs=(Reference(node.name, each.place),),
            inputs_place=each.place,
            fields={"weight": Entry(_scalar("weight", each.weight), each.weight)},
            made_by="loss",
        )
        losses.append(replace(each, name=weighted))
    return replace(spec, nodes=nodes, train=replace(train, loss=tuple(losses)))


def _fields(values: dict[str, int], place: Value) -> dict[str, Entry]:
    return {key: Entry(_scalar(key, place), _scalar(value, place)) for key, value in values.items()}


def _scalar(value: str | int, place: Value) -> Scalar:
    return Scalar(value, *place_of(place))
