"""What an editor asks: completion, hover, definition, rename, symbols; places are characters."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Literal

from graphnn.diagnostics import Span, UsageError
from graphnn.graph import Node
from graphnn.lsp import language, outline
from graphnn.lsp.document import Document
from graphnn.lsp.names import Mention, scope_of
from graphnn.ops import REGISTRY
from graphnn.spec import MAX_NAME, NAME
from graphnn.spec.forms import Form
from graphnn.spec.sizes import show
from graphnn.training import measures

Sort = Literal["key", "word", "node", "size", "block", "parameter"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to complete what is typed."""

    label: str
    sort: Sort
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A part of the text, which starts with its name: where the two end."""

    name: str
    detail: str
    start: int
    end: int
    name_end: int
    children: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A stretch of this text or, where `there` is set, a place in another file."""

    start: int
    end: int
    there: Span | None = None


# ------------------------------------------------------------------------------------ completion


def complete(document: Document, index: int) -> tuple[list[Offer], int]:
    """What may be typed at `index`, and how many characters before it that replaces."""
    place = outline.cursor(document.text[:index])
    offers = _keys(document, place) if place.key else _values(document, place)
    return list({offer.label: offer for offer in offers}.values()), len(place.prefix)


def _keys(document: Document, place: outline.Cursor) -> Iterator[Offer]:
    given = {token.text for token in document.tokens if token.key and token.path == place.path}
    given.discard(place.prefix)
    # A node has one of the two.
    given |= {"op", "block"} if {"op", "block"} & document.fields(place.path).keys() else set()
    for key, about in language.keys(place.path, document.fields).items():
        if key not in given:
            yield Offer(key, "key", _line(about.get("description", "")))
    form = language.form_at(place.path)
    if form is not None:
        yield from _named_keys(document, place.path, form, given)


def _named_keys(
    document: Document, path: outline.Path, form: Form, given: Set[str]
) -> Iterator[Offer]:
    """Keys that are names: sizes of a block, and nodes to draw or to give arrays for."""
    scope, rest = scope_of(path)
    if form.keys == "field":
        block = document.fields(path).get("block", "")
        for size in document.names.defined("size", block) if block else ():
            yield Offer(size, "size", f"a size of the block '{block}'")
    elif form.keys == "node" and rest[:1] == ("draw",):
        yield from (offer for offer in _nodes(document, scope) if offer.label not in given)
    elif form.keys == "node" and rest[:1] == ("examples",):
        yield from _arrays(document, scope, is_output=rest[-1] == "outputs")


def _arrays(document: Document, scope: str, *, is_output: bool) -> Iterator[Offer]:
    """The nodes that an example may give arrays for."""
    for offer in _nodes(document, scope):
        if is_output or document.fields(("nodes", offer.label)).get("op") == "input":
            yield offer


def _values(document: Document, place: outline.Cursor) -> Iterator[Offer]:
    for word, meaning in language.choices(place.path, document.fields).items():
        yield Offer(word, "word", _line(meaning))
    for key, about in language.keys(place.path, document.fields).items():
        yield Offer(key, "key", _line(about.get("description", "")))
    form = language.form_at(place.path)
    if form is not None:
        yield from _named(document, place.path, form)


def _named(document: Document, path: outline.Path, form: Form) -> Iterator[Offer]:
    """What the form of the place at `path` names."""
    scope, rest = scope_of(path)
    match form.names:
        case "block":
            for name in dict.fromkeys([*document.names.defined("block"), *document.blocks]):
                yield Offer(name, "block", _block_line(document, name))
        case "parameter":
            yield from _parameters(document)
        case "measure":
            train = document.spec.train if document.spec is not None else None
            for name in measures(train) if train is not None else ():
                yield Offer(name, "word", "what training measures")
        case "operand":
            yield from _operands(document, path)
        case "node" if not form.defines:
            yield from _nodes(document, scope, but=str(rest[1]) if rest[0] == "nodes" else "")
        case "size" if not form.defines and _takes_size(document, path, rest):
            for name in ("batch", *document.names.defined("size", scope)):
                yield Offer(name, "size", _size_line(document, name))


def _parameters(document: Document) -> Iterator[Offer]:
    for node in document.known.values():
        for parameter in node.parameters:
            yield Offer(f"{node.name}.{parameter}", "parameter")


def _operands(document: Document, path: outline.Path) -> Iterator[Offer]:
    """The inputs or outputs of its block that a use may unstack or stack at `path`."""
    block = document.blocks.get(document.fields(path[:-1]).get("block", ""))
    if block is not None:
        for name in block.inputs if path[-1] == "unstack" else block.given:
            yield Offer(name, "node", f"of the block '{block.name}'")


def _takes_size(document: Document, path: outline.Path, rest: outline.Path) -> bool:
    """Whether an attribute of a node takes sizes; what else names them does."""
    return rest[:1] != ("nodes",) or language.takes_size(path, document.fields)


def _nodes(document: Document, scope: str, but: str = "") -> Iterator[Offer]:
    for name in document.names.defined("node", scope):
        if name != but:
            node = document.node(name) if not scope else None
            yield Offer(name, "node", f"{node.op.name} {show(node.shape)}" if node else "")


# ----------------------------------------------------------------------------------------- hover


def hover(document: Document, index: int) -> tuple[str, int, int] | None:
    """Hover text for `index`, in Markdown, and the range that it is about."""
    mention = document.names.at(index)
    if mention is not None and (text := _of_name(document, mention)):
        return text, mention.start, mention.end
    token = _token_at(document, index)
    if token is None:
        return None
    if not token.key and token.path[-1:] == ("op",):
        text = _of_op(token.text)
    else:
        path = (*token.path, token.text) if token.key else token.path
        text = _of_place(document, path)
        meaning = language.choices(token.path, document.fields).get(token.text, "")
        if not token.key and meaning and meaning not in text:
            text = f"`{token.text}`: {meaning}\n\n{text}"
    return (text, token.start, token.end) if text else None


def _token_at(document: Document, index: int) -> outline.Token | None:
    return next((t for t in document.tokens if t.start <= index <= t.end), None)


def _of_name(document: Document, mention: Mention) -> str:
    kind, scope, name = mention.name
    if kind == "size":
        return f"size `{name}`: {_size_line(document, name)}" if not scope else f"size `{name}`"
    if kind == "block":
        return _of_block(document, name)
    node = document.node(name) if not scope else None
    if node is not None:
        return _of_node(name, node)
    path = ("blocks", scope, "nodes", name) if scope else ("nodes", name)
    given = document.fields(path)
    what = given.get("op") or (f"block {given['block']}" if "block" in given else "")
    return f"**{name}**: {what}" if what else ""


def _of_node(name: str, node: Node) -> str:
    read = f" of {', '.join(f'`{name}`' for name in node.inputs)}" if node.inputs else ""
    inside = f"the output `{node.name}` of a block: " if name != node.name else ""
    lines = [f"**{name}**: {inside}{node.op.name}{read}", f"shape `{show(node.shape)}`"]
    if node.parameters:
        owners = {name: owner for name, owner in node.parameters.items() if owner}
        lines.append(f"parameters {', '.join(f'`{owner}`' for owner in owners.values())}")
    if node.spec.about:
        lines.append(node.spec.about)
    return "\n\n".join(lines)


def _of_block(document: Document, name: str) -> str:
    block = document.blocks.get(name)
    if block is None:
        return f"block `{name}`"
    lines = [f"block **{name}**: {', '.join(block.nodes)}"]
    for title, given in (("inputs", block.inputs), ("sizes", block.sizes)):
        if given:
            lines.append(f"{title} {', '.join(f'`{each}`' for each in given)}")
    return "\n\n".join([*lines, *([block.about] if block.about else [])])


def _of_op(name: str) -> str:
    op, text = REGISTRY.get(name), language.op_text(name)
    if op is None or not text:
        return ""
    rows = [f"**{name}** ({op.family})", text]
    for title, operands in (
        ("inputs", op.data_operands()),
        ("parameters", op.parameter_operands()),
    ):
        shown = [f"`{each.name}` [{', '.join(each.signature.split())}]" for each in operands]
        if shown:
            rows.append(f"{title}: {', '.join(shown)}")
    return "\n\n".join(rows)


def _of_place(document: Document, path: outline.Path) -> str:
    text, default = language.described(path, document.fields)
    if not text:
        return ""
    return f"`{path[-1]}`: {text}" + (f"\n\nby default `{default}`" if default is not None else "")


def _size_line(document: Document, name: str) -> str:
    if name == "batch":
        return "how many samples each run takes"
    size = document.sizes.get(name)
    return "" if size is None else str(size) if isinstance(size, int) else "free"


def _block_line(document: Document, name: str) -> str:
    block = document.blocks.get(name)
    return "" if block is None else f"of {', '.join(block.inputs)}"


def _line(text: str) -> str:
    return text.partition("\n")[0]


# ------------------------------------------------------------------- definition, rename, symbols


def definition(document: Document, index: int) -> Target | None:
    """Where the thing at `index` is defined: a name, a block of a file, or a file of blocks."""
    mention = document.names.at(index)
    if mention is None:
        return _file(document, index)
    found = document.names.definition(mention.name)
    if found is not None:
        return Target(found.start, found.end)
    kind, _, name = mention.name
    block = document.blocks.get(name) if kind == "block" else None
    if block is None or block.own:
        return None
    return Target(mention.start, mention.end, block.place.span)


def _file(document: Document, index: int) -> Target | None:
    """The start of the file of blocks that is named at `index`."""
    token = _token_at(document, index)
    if token is None or token.key or token.path[:2] != ("blocks", "file"):
        return None
    for file in document.block_files:
        if file.named.value == token.text and file.document is not None:
            return Target(token.start, token.end, Span(file.document.source, 1, 1, 1, 1))
    return None


def references(document: Document, index: int) -> list[Mention]:
    """Every mention of the name at `index`."""
    mention = document.names.at(index)
    return [] if mention is None else document.names.of(mention.name)


def rename(document: Document, index: int, new: str) -> list[Mention]:
    """The mentions to replace by `new`.

    Raises
    ------
    UsageError
        What stands there is not a name, `new` is not a name or is in use, or the text would
        no longer mean the same.
    """
    mention = document.names.at(index)
    if mention is None or document.names.definition(mention.name) is None:
        raise _refusal("here stands no name that this file defines")
    kind, scope, old = mention.name
    if old == "batch" or not NAME.fullmatch(new) or len(new) > MAX_NAME:
        raise _refusal(f"'{new}' cannot be the name of a {kind}")
    if new in document.names.defined(kind, scope) or (kind == "size" and new in ("batch", "free")):
        raise _refusal(f"there is a {kind} '{new}' already")
    found = document.names.of(mention.name)
    if document.spec is None:
        raise _refusal("the text cannot be read as it is: fix its errors first")
    after = document.changed(replaced(document.text, found, new))
    if _codes(after) != _codes(document):
        raise _refusal(f"'{old}' is mentioned in a way that cannot be followed")
    return found


def replaced(text: str, mentions: list[Mention], new: str) -> str:
    """`text` with every mention replaced."""
    for mention in sorted(mentions, key=lambda mention: -mention.start):
        text = text[: mention.start] + new + text[mention.end :]
    return text


def _codes(document: Document) -> list[str]:
    return sorted(found.code for found in document.diagnose(data=False))


def _refusal(message: str) -> UsageError:
    return UsageError.of("bad-rename", message)


def symbols(document: Document) -> tuple[Symbol, ...]:
    """Sections, with the nodes, sizes and blocks in them."""
    keys = sorted((t for t in document.tokens if t.key), key=lambda token: token.start)
    ends = _ends(document)
    listed: set[outline.Path] = {("nodes",), ("sizes",), ("blocks",)}
    listed |= {(*t.path, t.text, "nodes") for t in keys if t.path == ("blocks",)}
    wanted = [t for t in keys if not t.path or t.path in listed or _inside_block(t)]
    below: dict[outline.Path, list[outline.Token]] = {}
    for token in wanted:
        below.setdefault(token.path, []).append(token)

    def made(token: outline.Token) -> Symbol:
        path = (*token.path, token.text)
        given, alone = document.fields(path), document.fields(token.path).get(token.text, "")
        detail = given.get("op") or given.get("block") or alone
        children = tuple(made(child) for child in below.get(path, ()))  # four deep at most
        end = max(ends.get(path, token.end), token.end)
        return Symbol(token.text, detail, token.start, end, token.end, children)

    return tuple(made(token) for token in below.get((), ()))


def _inside_block(token: outline.Token) -> bool:
    return len(token.path) == 2 and token.path[0] == "blocks" and token.text == "nodes"


def _ends(document: Document) -> dict[outline.Path, int]:
    """Where the value at each path ends."""
    ends: dict[outline.Path, int] = {}
    for token in document.tokens:
        path = (*token.path, token.text) if token.key else token.path
        for length in range(1, min(len(path), 4) + 1):
            ends[path[:length]] = max(ends.get(path[:length], 0), token.end)
    return ends
