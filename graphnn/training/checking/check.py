"""Everything that can be found wrong with a spec without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphnn import graph
from graphnn.diagnostics import Diagnostic, Findings, SpecError
from graphnn.execution import diagnose_examples
from graphnn.execution.network import Network
from graphnn.execution.weight_files import spec_file
from graphnn.graph import lints
from graphnn.spec import DEFAULT, NO_NETWORK, build, reader
from graphnn.spec.model import NetworkSpec
from graphnn.spec.values import Map
from graphnn.storage import files
from graphnn.training._language import VOCABULARY, home
from graphnn.training.checking.kept import kept


def diagnose(path: str | Path, settings: Mapping[str, Any] | None = None) -> tuple[Diagnostic, ...]:
    """Errors and warnings of the spec file at `path`, by place.

    They are those of the network, of the arrays of its examples, and of what ``train`` and
    ``search`` ask for. Data that are not there are a warning: they may be elsewhere. A file of
    blocks is checked as such.

    Parameters
    ----------
    path : str or Path
        A YAML file, a JSON file by its suffix ``.json``, or the folder of a run for the spec in it.
    settings : mapping, optional
        As for `load`.

    Raises
    ------
    UsageError
        A setting names nothing.
    """
    file = spec_file(path)
    return diagnose_read(
        lambda findings: reader.read_file(file, findings=findings), home(file), settings
    )


def diagnose_text(
    text: str,
    settings: Mapping[str, Any] | None = None,
    *,
    name: str = "<text>",
    folder: str | Path = ".",
    json: bool = False,
    data: bool = True,
    buffers: Mapping[Path, str] | None = None,
) -> tuple[Diagnostic, ...]:
    """Errors and warnings of the spec in `text`, as `diagnose` gives those of a file.

    Parameters
    ----------
    text : str
        YAML, or JSON where `json` says so.
    settings : mapping, optional
    name : str, optional
        What the diagnostics call the text.
    folder : str or Path, optional
        Where the files that it names lie.
    json : bool, optional
    data : bool, optional
        Whether to read the data that ``train`` names, to see whether they fit.
    buffers : mapping of Path to str, optional
        By resolved path, texts to take blocks from in place of what these files hold.

    Raises
    ------
    UsageError
        A setting names nothing.
    """

    def read(findings: Findings) -> Map:
        return reader.read(text, name, json=json, findings=findings)

    return diagnose_read(read, files.as_path(folder), settings, data=data, buffers=buffers)


def diagnose_read(
    read: Callable[[Findings], Map],
    folder: Path,
    settings: Mapping[str, Any] | None = None,
    *,
    data: bool = True,
    buffers: Mapping[Path, str] | None = None,
) -> tuple[Diagnostic, ...]:
    """Errors and warnings of the spec that `read` gives, as `diagnose_text` gives those of a text.

    Parameters
    ----------
    read : callable
        Takes a `Findings` for what is wrong with the text, and gives its values.
    folder : Path
    settings, data, buffers
        As for `diagnose_text`.

    Raises
    ------
    UsageError
        A setting names nothing.
    """
    findings, document = Findings(DEFAULT.faults), None
    try:
        with kept(findings):
            document = read(findings)
        if document is None:
            return findings.sorted()
        spec = build.build(
            document, folder, findings, settings, vocabulary=VOCABULARY, buffers=buffers
        )
        _check(spec, findings, data=data)
    except SpecError as error:  # too many errors, which end the checking
        return error.diagnostics
    found = lints.silence(findings.sorted(), spec, complete=data)
    return tuple(each for each in found if each.code != NO_NETWORK)


def _check(spec: NetworkSpec, findings: Findings, *, data: bool) -> None:
    """What is wrong with the network, its examples, its training and its search."""
    checked, net = graph.check(spec, findings), None
    if not findings.errors:
        with kept(findings):
            net = Network(checked)
    if spec.train is None:
        _add(diagnose_examples(checked), findings)
    else:
        from graphnn.training.checking import training  # imports much, for one section

        training.check_declared(spec.train, findings)
        _add(diagnose_examples(checked), findings)
        sound = Network(replace(checked, spec=replace(spec, weights=None)))
        training.check_trained(sound, spec.train, findings, data=data)
    if net is not None:
        _add(lints.advise(net.graph), findings)
    if spec.search is not None:
        from graphnn.training.studies import checks

        _add(checks.diagnose(spec, findings.errors), findings)


def _add(found: Iterable[Diagnostic], findings: Findings) -> None:
    for each in found:
        findings.add(each)
