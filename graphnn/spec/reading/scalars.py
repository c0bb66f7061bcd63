"""The YAML 1.2 core schema: what an unquoted word stands for."""

from __future__ import annotations

import math
import re

from graphnn.diagnostics import Code
from graphnn.spec.values import Plain

_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FORMER_WORDS = {  # YAML 1.1 took them for truth values, and Python writes some
    **dict.fromkeys(("true", "yes", "on", "y"), "true"),
    **dict.fromkeys(("false", "no", "off", "n"), "false"),
}
_NUMBER_STARTS = frozenset("-+.0123456789")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_GROUPED = re.compile(r"(?<=[0-9])[_'\s](?=[0-9])")  # marks between digits
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class NumberError(ValueError):
    """A word is a number that a spec cannot hold; `code` and `help` are those of the diagnostic."""

    def __init__(self, code: Code, message: str, help: str) -> None:
        super().__init__(message)
        self.code = code
        self.help = help


def resolve(word: str, longest: int) -> Plain:
    """What the unquoted `word` stands for: null, true or false, a number, or itself.

    Parameters
    ----------
    word : str
    longest : int
        Most characters that a number may have.

    Raises
    ------
    NumberError
        The word is a number that is not finite, overflows float64, or is too long.

    Notes
    -----
    YAML 1.2.2, section 10.3.2.
    """
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in _NUMBER_STARTS:
        return word
    if _NOT_FINITE.fullmatch(word):
        raise not_finite(word)
    for pattern, base in ((_DECIMAL, 10), (_OCTAL, 8), (_HEXADECIMAL, 16)):
        if pattern.fullmatch(word):
            return _integer(word, base, longest)
    if _FLOAT.fullmatch(word):
        return _float(word, longest)
    return word


def not_finite(word: str) -> NumberError:
    """The fault of a word such as ``.inf`` or ``NaN``."""
    return NumberError(
        "non-finite-number",
        f"'{word}' is not a finite number",
        "every number of a spec must be finite",
    )


def meant_truth(value: object) -> str:
    """``true`` or ``false`` where `value` is a text that means one, such as ``no``; or nothing."""
    return _FORMER_WORDS.get(value.lower(), "") if isinstance(value, str) else ""


def comma_help(text: str) -> str:
    """What to write in place of `text`, a number with commas such as ``1,000``."""
    parts = text.split(",")
    if all(len(part) == 3 for part in parts[1:]):
        return "leave the comma out, or write '.' where it is a decimal one"
    several = f"several numbers as [{shortened(', '.join(parts))}]"
    return (
        f"write {shortened('.'.join(parts))}, or {several}"
        if len(parts) == 2
        else f"write {several}"
    )


def meant_number(text: str) -> str:
    """The number that `text` means, such as ``1_000``, ``10%`` or ``1/3``; or nothing."""
    bare = _GROUPED.sub("", text.strip().replace("\u2212", "-"))
    if _FLOAT.fullmatch(bare):
        return bare
    if _FLOAT.fullmatch(bare.removesuffix("%")):
        return f"{float(bare[:-1]) / 100:.15g}"
    parts = bare.split("/")
    if len(parts) == 2 and all(_DECIMAL.fullmatch(part) for part in parts) and float(parts[1]):
        return str(float(parts[0]) / float(parts[1]))
    return ""


def shortened(text: str, length: int = 40) -> str:
    """`text`, or its start with dots when it is longer than `length`."""
    return text if len(text) <= length else f"{text[:length]}..."


def _integer(word: str, base: int, longest: int) -> int:
    if len(word) > longest:
        raise _too_long(word)
    try:
        value = int(word, base)
        float(value)  # what has no float64 would fail later, far from its place
    except OverflowError:
        raise _too_large(word) from None
    except ValueError:  # Python's own limit on digits may be lower than ours
        raise _too_long(word) from None
    return value


def _float(word: str, longest: int) -> float:
    if len(word) > longest:
        raise _too_long(word)
    value = float(word)
    if math.isinf(value):
        raise _too_large(word)
    return value


def _too_large(word: str) -> NumberError:
    return NumberError(
        "non-finite-number",
        f"'{shortened(word)}' is too large for a number",
        "the largest float64 is about 1.8e308",
    )


def _too_long(word: str) -> NumberError:
    return NumberError(
        "number-too-long",
        f"the number '{shortened(word)}' has {len(word):,} characters",
        "17 digits give any float64 exactly; put a text in quotes",
    )
