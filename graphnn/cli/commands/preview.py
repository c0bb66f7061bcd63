"""``graphnn preview``: a diagram beside the text of its spec, which follows the file."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from graphnn import drawing
from graphnn.cli import terminal
from graphnn.cli.options import File, Settings, settings
from graphnn.cli.record_options import Chosen, taking
from graphnn.diagnostics import UsageError, needing
from graphnn.execution.weight_files import spec_file


@taking(drawing.DiagramOptions)
def preview(
    file: File,
    *,
    chosen: Chosen,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 for any that is free.")
    ] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    set: Settings = None,
) -> None:
    """Show the diagram and the faults of a spec in a browser while it is edited.

    The page is redrawn when the file, or one that it names, is saved. Only this machine can see
    it. A click on a node shows its line, a click on a fault its node. Ctrl-C ends it.
    """
    with needing(UsageError, "no-preview", "a preview needs {name}", "preview"):
        from graphnn.cli.preview.server import serve
        from graphnn.cli.preview.state import Preview

    def ready(address: str) -> None:
        terminal.line(f"{address}  (Ctrl-C ends it)")
        if browser:
            typer.launch(address)

    try:
        with suppress(KeyboardInterrupt):  # as it should end
            serve(Preview(spec_file(file), settings(set), chosen), port, ready)
    except OSError as error:
        message = f"port {port} cannot be used: {error.strerror}"
        raise UsageError.of("usage", message, help="choose another, or 0 for any") from None
