"""A progress bar for trainings started in Python, in terminals and in notebooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphnn.training.fitting.loop import Progress


@contextmanager
def shown(
    progress: Callable[[Progress], None] | bool,
) -> Iterator[Callable[[Progress], None] | None]:
    """What to call after every batch: `progress` itself, by True what shows a bar, or None."""
    if callable(progress):
        yield progress
    elif progress:
        with _bar() as show:
            yield show
    else:
        yield None


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a notebook lacks ipywidgets: then the bar is text
        from tqdm.auto import tqdm

        bar = tqdm(unit="batch", leave=True)

    def show(progress: Progress) -> None:
        bar.total = progress.epochs * progress.batches
        bar.set_description(f"epoch {progress.epoch}/{progress.epochs}", refresh=False)
        bar.set_postfix(progress.values, refresh=False)
        bar.update((progress.epoch - 1) * progress.batches + progress.batch - bar.n)

    with bar:
        yield show
