"""Event files of a run, which TensorBoard shows while it lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from graphnn.diagnostics import TrainingError, UsageError, needing
from graphnn.training.fitting.measuring import Row

EVENTS = "events"
_VALIDATION = "validation_"


@contextmanager
def recorded(place: Path | None, wanted: bool, done: int) -> Iterator[Callable[[int, Row], None]]:
    """What takes the number and the row of each epoch, and writes them where that is `wanted`.

    Of a run that is resumed, so many epochs are `done`.

    Values on training and validation rows go to separate folders, so that TensorBoard draws
    both into one chart.

    Raises
    ------
    UsageError
        There is no folder to write to.
    TrainingError
        tensorboardX is not installed.
    """
    if not wanted:
        yield lambda epoch, row: None
        return
    if place is None:
        message = "event files need a folder: give one by folder="
        raise UsageError.of("bad-option", message)
    message = "event files need tensorboardX"
    with needing(TrainingError, "no-tensorboard", message, "tensorboard"):
        from tensorboardX import SummaryWriter
    with ExitStack() as stack:
        writers = {}
        for name in ("training", "validation"):
            # Names of files differ by the second alone, and a run may be resumed within one.
            writer = SummaryWriter(str(place / EVENTS / name), filename_suffix=f".{done}")
            writers[name] = stack.enter_context(writer)

        def write(epoch: int, row: Row) -> None:
            for name, value in row.items():
                kind = "validation" if name.startswith(_VALIDATION) else "training"
                writers[kind].add_scalar(name.removeprefix(_VALIDATION), value, epoch)
            for writer in writers.values():
                writer.flush()

        yield write
