"""Sections: mappings whose keys are those of a record of the language."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from graphnn.diagnostics import Span
from graphnn.spec._field_reader import NAME, VERSION, FieldReader, brief
from graphnn.spec.forms import key_names, keys_of, mapping_names, meant, readers_of
from graphnn.spec.reading.key_faults import is_empty, unindented
from graphnn.spec.values import Entry, Map, Scalar, Value, place_of


class SectionReader(FieldReader):
    """Takes sections apart; what does not fit goes to `findings`."""

    def record(self, record: type, body: Map) -> dict[str, Any]:
        """The fields of `record` that keys of `body` give, without those at fault or left out.

        Keys that are read by hand are not among them.
        """
        found = {}
        for name, read in readers_of(record):
            entry = body.entries.get(name)
            if entry is not None:
                value = read(self, entry, f"'{name}'")  # type: ignore[arg-type]
                if value is not None:
                    found[name] = value
        return found

    def section(
        self,
        record: type,
        value: Value,
        where: str,
        wanted: str,
        form: str = "",
        at: Value | None = None,
    ) -> Map | None:
        """`value` as the section that becomes `record`, with the keys that it lacks reported."""
        body = self.mapping(value, where, wanted, form)
        if body is None:
            return None
        body = self.keys(body, record, where)
        for key in keys_of(record):
            if key.required and key.name not in body:
                self.lacks(body, f"{where} has no '{key.name}'", key.required, at)
        return body

    def lacks(self, mapping: Map, message: str, help: str, at: Value | None = None) -> None:
        """Report that `mapping` lacks a key, unless one of its own keys is known to be at fault."""
        inside = [span for entry in mapping.entries.values() for span in _places(entry)]
        for fault in self.findings.faulty:
            if fault.touches(mapping.span) and not any(fault.touches(place) for place in inside):
                return
        first = next((entry.key for entry in mapping.entries.values()), mapping)
        self.findings.error("missing-key", message, (at or first).span, help=help)

    def keys(
        self,
        value: Map,
        record: type,
        where: str,
        elsewhere: Callable[[str], str] = lambda key: "",
        allowed: Collection[str] = (),
    ) -> Map:
        """Report every key of `value` that `record` does not have; `elsewhere` says where it goes.

        Parameters
        ----------
        value : Map
        record : type
        where : str
            What messages call `value`.
        elsewhere : callable
        allowed : collection of str
            The keys that may be there, where they are not all that the record has.

        Returns
        -------
        Map
            `value` with each such key under the allowed one that it seems to mean, so that what
            it holds is checked too and nothing is reported as missing.
        """
        names = allowed or key_names(record)
        value = self.indented(
            value, lambda entry: entry.key.value not in names, mappings=mapping_names(record)
        )
        value = self._beside(value, record, where, names)
        entries = {key: entry for key, entry in value.entries.items() if key in names}
        unused = [name for name in names if name not in entries]
        for key, entry in value.entries.items():
            if key not in names:
                other, help = meant(record, key, names, unused, elsewhere(key))
                self.unknown_key(entry, where, names, help)
                entries.setdefault(other or key, entry)
        return Map(entries, *place_of(value))

    def indented(
        self,
        value: Map,
        belongs: Callable[[Entry], bool],
        *,
        mappings: Collection[str] | None = None,
        needed: Collection[str] = (),
    ) -> Map:
        """Put what seems to belong to an empty key under it, and report that once.

        Parameters
        ----------
        value : Map
        belongs : callable
            Whether an entry after an empty one seems to belong to it.
        mappings : collection of str, optional
            The keys that take a mapping; by default all.
        needed : collection of str
            Keys one of which is among those that belong, if any.

        Returns
        -------
        Map
        """
        # Most mappings, of which a large file has many, hold nothing empty.
        if not _holds_null(value) or _in_brackets(value):
            return value
        given, entries = [*value.entries.items()], dict[str, Entry]()
        start = 0
        while start < len(given):
            (key, entry), stop = given[start], start + 1
            if is_empty(entry.value) and (mappings is None or key in mappings):
                while stop < len(given) and belongs(given[stop][1]):
                    stop += 1
            inside = dict(given[start + 1 : stop])
            if inside and (not needed or not inside.keys().isdisjoint(needed)):
                self.findings.add(unindented(entry.key))
                entry = Entry(entry.key, Map(inside, *place_of(entry.value)))
            else:
                stop = start + 1
            entries[key] = entry
            start = stop
        return Map(entries, *place_of(value))

    def _beside(self, value: Map, record: type, where: str, names: Collection[str]) -> Map:
        """Put mappings that are like those in the section before them there, and report each."""
        if value.entries.keys() <= {*names} or _in_brackets(value):
            return value
        entries, owner = dict[str, Entry](), ""
        inside, known = dict[str, Entry](), set[str]()  # what the owner holds, and keys of these
        for key, entry in value.entries.items():
            if key in names:
                owner, inside = key, _below(entry) if key in mapping_names(record) else {}
                known = {name for each in inside.values() for name in _keys(each)}
                moved = Map(inside, *place_of(entry.value)) if inside else entry.value
                entries[key] = Entry(entry.key, moved)
            elif (
                known.isdisjoint(_keys(entry))
                or not NAME.fullmatch(key)
                or any(meant(record, key, names, names))
            ):
                entries[key] = entry
            else:
                help = f"indent it like '{next(iter(inside))}', to put it under '{owner}'"
                self.unknown_key(entry, where, names, help)
                inside.setdefault(key, entry)
        return Map(entries, *place_of(value))

    def unknown_key(self, entry: Entry, where: str, names: Collection[str], help: str) -> None:
        """Report the key of `entry`, with `help`, or else with the `names` that there are."""
        listed = ", ".join(names)
        its = f"its keys are {listed}" if len(names) > 1 else f"its key is {listed}"
        message = f"{where} has no key '{entry.key.value}'"
        self.findings.error("unknown-key", message, entry.key.span, help=help or its)

    def version(self, document: Map, what: str) -> None:
        """Report a `document` that is not in this version of the language."""
        value = document.get("graphnn")
        if value is None:
            message = f"{what} does not state its version of the language"
            self.lacks(document, message, f"put 'graphnn: {VERSION}' at its top")
        elif not isinstance(value, Scalar) or type(value.value) is not int:
            help = f"write 'graphnn: {VERSION}', without quotes or a point"
            self.wrong("'graphnn'", f"the number {VERSION}", value, help)
        elif value.value != VERSION:
            message = f"{what} is in version {brief(value)} of the language"
            help = f"this graphnn reads version {VERSION}"
            self.findings.error("unknown-version", message, value.span, help=help)


def _holds_null(value: Map) -> bool:
    values = [entry.value for entry in value.entries.values()]
    return bool([each for each in values if isinstance(each, Scalar) and each.value is None])


def _below(entry: Entry) -> dict[str, Entry]:
    """What stands below the key of `entry`, by name."""
    value = entry.value
    return {} if not isinstance(value, Map) or _in_brackets(value) else dict(value.entries)


def _keys(entry: Entry) -> Collection[str]:
    """The keys in the value of `entry`."""
    return entry.value.entries if isinstance(entry.value, Map) else ()


def _in_brackets(value: Map) -> bool:
    """Whether `value` is written with brackets, or not written at all."""
    return value.span is None or value.source.line(value.line + 1)[value.column :][:1] == "{"


def _places(entry: Entry) -> list[Span]:
    return [span for span in (entry.key.span, entry.value.span) if span is not None]
