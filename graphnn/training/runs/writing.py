"""Text that a trained network writes for the lines of text files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphnn.diagnostics import DataError, Source, TrainingError, UsageError, listed
from graphnn.execution.network import Network
from graphnn.ops import Array
from graphnn.spec.training_records import TrainSpec
from graphnn.spec.values import Map, Scalar
from graphnn.storage import files
from graphnn.training.data.dataset import source
from graphnn.training.data.decoding import decoded
from graphnn.training.data.sources.generated import Additions
from graphnn.training.data.sources.labelled_text import LabelledTexts
from graphnn.training.data.vocabulary import END, PAD, Token, characters, joined, numbered, words
from graphnn.training.fitting.measuring import Measuring

_SUFFIX = ".txt"
_READ = ("question", "reversed", "sequence", "text")
_MAX_FILE = 64 * files.MEBIBYTE
_BLANK = " "  # what generated tasks fill up with


@dataclass(frozen=True, slots=True)
class Written:
    """What a network makes of a line of text.

    Attributes
    ----------
    source : str
        The file, with the line's number.
    text : str
        The line.
    written : str
        What the network answers, or how it continues the text.
    """

    source: str
    text: str
    written: str


class Writer:
    """Reads lines of text as a network's training did, and gives text for each.

    A network trained on ``next`` continues each line, token by token; another answers it, and
    one that also reads ``previous`` does so token by token, each time with what it has written.

    Parameters
    ----------
    network : Network
        With the vocabulary of its training, which weights hold.
    spec : TrainSpec
        Its data are text, and its metric ``accuracy`` names the node with the scores of tokens.
    length : int
        How many tokens a network writes that continues a text.
    temperature : float
        0 writes the likeliest token; else each is drawn with its probability raised to
        ``1 / temperature``.
    seed : int
        Of what is drawn.

    Raises
    ------
    UsageError
        The network does not write text.
    TrainingError
        Its weights hold no vocabulary.
    """

    def __init__(
        self,
        network: Network,
        spec: TrainSpec,
        length: int = 100,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> None:
        measuring = Measuring(network, spec)
        kind, feeds = _feeds(spec)
        if measuring.classifying is None or not feeds:
            message = "the network does not write text"
            help = "train it on text, with a metric 'accuracy' of the node that scores tokens"
            raise UsageError.of("bad-option", message, help=help)
        self._network, self._node = network, measuring.classifying[0]
        self._executor = network.executor([self._node])
        self._by_words = kind == "words"
        roles = {name: feeds.get(name, "") for name in self._executor.plan.inputs}
        self._read = _one(roles, _READ, self._node)
        self._before = next((name for name, role in roles.items() if role == "previous"), None)
        others = [name for name in roles if name not in (self._read, self._before)]
        if others:
            message = f"'{self._node}' also reads {listed(others)}, which no text feeds"
            raise UsageError.of("wrong-inputs", message)
        known = network.classes or {}
        if self._read not in known:
            message = "the weights hold no vocabulary: which number stands for which token"
            raise TrainingError.of("different-classes", message)
        self._known = known[self._read]
        self._names = measuring.names(known) or self._known
        self._role = roles[self._read]
        self._length, self._temperature = length, temperature
        self._rng = np.random.default_rng(seed)

    def __call__(self, paths: Iterable[Path]) -> list[Written]:
        """What the network writes for every line of every file that is not blank.

        Raises
        ------
        DataError, FileError
            A file cannot be read, or a line has a token that training did not have.
        """
        return [each for path in paths for each in self._of_file(path)]

    def _of_file(self, path: Path) -> Iterable[Written]:
        text = decoded(str(path), files.read_bytes(path, _MAX_FILE), "text")
        start = 0
        for number, line in enumerate(text.text.split("\n"), 1):
            if line.strip():
                written = self._of_line(line, start, text)
                yield Written(f"{path}:{number}", line, written)
            start += len(line) + 1

    def _of_line(self, line: str, start: int, text: Source) -> str:
        split = words if self._by_words else characters
        tokens = [*split(line, start)]
        numbers = numbered(tokens, self._known, text, "word" if self._by_words else "character")
        if self._role == "text":
            found = self._going_on(numbers.tolist(), line)
        else:
            found = self._answer(self._filled(numbers.tolist(), tokens))
        return joined(found, self._names, " " if self._by_words else "").rstrip()

    def _filled(self, numbers: list[int], tokens: Sequence[Token]) -> Array:
        """A row of the input of the question, filled up as in training."""
        width = self._network.graph.nodes[self._read].shape[1]
        if isinstance(width, int) and len(numbers) > width:
            message = f"'{self._read}' takes {width} tokens, but the line has {len(numbers)}"
            raise DataError.of("wrong-width", message)
        fill = next((self._known.index(each) for each in (PAD, _BLANK) if each in self._known), 0)
        count = width if isinstance(width, int) else len(numbers)
        row = [*numbers, *[fill] * (count - len(numbers))]
        return np.array([row[::-1] if self._role == "reversed" else row], np.int64)

    def _answer(self, row: Array) -> list[int]:
        if self._before is None:
            return self._chosen(self._scores({self._read: row})[0])
        width = self._network.graph.nodes[self._before].shape[1]
        assert isinstance(width, int)
        start = self._known.index(Additions.start)
        before = np.full((1, width), start)
        found: list[int] = []
        for place in range(width):
            scores = self._scores({self._read: row, self._before: before})[0]
            found += self._chosen(scores[place : place + 1])
            before[0, 1 : len(found) + 1] = found[: width - 1]
        return found

    def _going_on(self, numbers: list[int], line: str) -> list[int]:
        """The tokens behind those of a line, each from the last ones before it."""
        shape = self._network.graph.nodes[self._read].shape
        width = shape[1] if isinstance(shape[1], int) else None
        sequence = len(self._network.graph.node(self._node).shape) > 2
        if END in self._known:
            numbers = [self._known.index(END), *numbers]
        if not sequence and width is not None and len(numbers) < width:
            message = (
                f"'{self._read}' takes {width} tokens, but the line '{line}' has {len(numbers)}"
            )
            raise DataError.of("wrong-width", message)
        found: list[int] = []
        for _ in range(self._length):
            every = [*numbers, *found][-(width or len(numbers) + len(found)) :]
            row = [*every, *[0] * ((width or 0) - len(every))]  # which no earlier place sees
            scores = self._scores({self._read: np.array([row], np.int64)})[0]
            last = scores[len(every) - 1 : len(every)] if sequence else scores[np.newaxis]
            found += self._chosen(last)
            if self._names[found[-1]] == END:
                break
        return found

    def _scores(self, inputs: Mapping[str, Array]) -> Array:
        (values,) = self._executor.run(inputs, self._network.arrays).values()
        return values

    def _chosen(self, scores: Array) -> list[int]:
        """A token for each row of scores, which are probabilities where any is drawn."""
        if self._temperature == 0:
            return [int(each) for each in scores.argmax(axis=-1)]
        logits = np.log(np.maximum(scores, np.finfo(scores.dtype).tiny)) / self._temperature
        shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        return [int(self._rng.choice(len(each), p=each)) for each in shares]


def are_lines(paths: Iterable[str | Path], spec: TrainSpec) -> bool:
    """Whether `paths` are text files, for a network whose training data are text."""
    every = [Path(path) for path in paths]
    kind, feeds = _feeds(spec)
    writes = bool(feeds) and kind != LabelledTexts.name
    return bool(every) and all(path.suffix == _SUFFIX for path in every) and writes


def _feeds(spec: TrainSpec) -> tuple[str, dict[str, str]]:
    """The kind of data, and what of it feeds each input, where that is said in one word."""
    if spec.data is None:
        return "", {}
    kind, value = source(spec.data)
    entries = value.entries if isinstance(value, Map) else {}
    words = {name: entry.value for name, entry in entries.items()}
    every = {n: str(v.value) for n, v in words.items() if isinstance(v, Scalar)}
    known = (*_READ, "previous", "answer", "next")
    return kind, {name: word for name, word in every.items() if word in known}


def _one(roles: Mapping[str, str], wanted: Sequence[str], node: str) -> str:
    """The input that text is read by."""
    found = [name for name, role in roles.items() if role in wanted]
    if len(found) != 1:
        message = f"'{node}' reads {len(found)} inputs of text, not one"
        raise UsageError.of("wrong-inputs", message)
    return found[0]
