"""What a spec asks for by name and options: one class each, found in the registry of its family."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from graphnn.diagnostics import Code, Findings, nearest, suggestion
from graphnn.graph import attribute_message
from graphnn.spec import brief
from graphnn.spec.values import Map, Scalar, Value, plain

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Memory = Annotated[float, Field(ge=0, lt=1)]  # the part of a running mean that stays


class Declared(BaseModel):
    """A frozen record of options. A subclass with a field `name` enters its family's registry.

    Attributes
    ----------
    family : str
        What a person calls such a thing, for messages.
    unknown_code, invalid_code : Code
        For an unknown name, and for an option at fault.
    registry : dict of str to class
        By name; each family has a separate one.
    elsewhere : tuple of str
        What it is called elsewhere, as `bare` gives it, but for what is spelt like its own name.
    also_called : dict of str to str
        Names that elsewhere stand for an option, with its name here.
    absent : dict of str to str
        Of a family: names elsewhere of what it has not, as `bare` gives them, with the nearest way
        to write it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    family: ClassVar[str]
    unknown_code: ClassVar[Code]
    invalid_code: ClassVar[Code]
    registry: ClassVar[dict[str, Any]]
    elsewhere: ClassVar[tuple[str, ...]] = ()
    also_called: ClassVar[Mapping[str, str]] = {}
    absent: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Enter the class in the registry."""
        super().__pydantic_init_subclass__(**kwargs)
        if field := cls.model_fields.get("name"):
            cls.registry[get_args(field.annotation)[0]] = cls

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Names of the options."""
        return tuple(key for key in cls.model_fields if key != "name")

    @property
    def title(self) -> str:
        """The name by which a spec asks for it."""
        return str(getattr(self, "name", self.family))


T = TypeVar("T", bound=Declared)


def find(base: type[T], name: Scalar, options: Value, findings: Findings) -> T | None:
    """The record of the family `base` that `name` and `options` ask for.

    Parameters
    ----------
    base : class
    name : Scalar
    options : Value
        A mapping, or it is at fault.
    findings : Findings
        Takes every fault; the result is None then.
    """
    kind: type[T] | None = base.registry.get(str(name.value))
    if kind is None:
        message = f"there is no {base.family} {brief(name)}"
        findings.error(base.unknown_code, message, name.span, help=_meant(base, str(name.value)))
        return None
    return read(kind, f"the {kind.family} '{name.value}'", name, options, findings)


def bare(name: str) -> str:
    """`name` in small letters and digits alone, so that ``StepLR`` and ``step_lr`` are the same."""
    return re.sub(r"[\W_]|optimizer$", "", name.lower())


def meant_by(base: type[Declared], name: str) -> str | None:
    """The member of a family that is called `name` elsewhere, or spelt most like it."""
    kinds = base.registry.items()
    called = {other: kind for kind, each in kinds for other in (bare(kind), *each.elsewhere)}
    return called.get(bare(name)) or nearest(name, base.registry)


def _meant(base: type[Declared], name: str) -> str:
    """Help where a family has no member `name`."""
    if help := base.absent.get(bare(name)) or _meant_option(base, name):
        return help
    found = meant_by(base, name)
    return f"did you mean '{found}'?" if found else f"the {base.family}s are {_names_of(base)}"


def _names_of(base: type[Declared]) -> str:
    return ", ".join(sorted(base.registry))


def _meant_option(base: type[Declared], name: str) -> str:
    """Help where `name` is not a member of a family, but an option of its members."""
    takers = [kind for kind, each in base.registry.items() if name in each.options()]
    if not takers:
        return ""
    all_do = len(takers) == len(base.registry)
    whose = f"each {base.family}" if all_do else " and ".join(takers)
    return f"it is an option of {whose}, as in {{{takers[0]}: {{{name}: ...}}}}"


def _meant_member(kind: type[Declared], name: str) -> str:
    """Help where `name` is not an option, but another member of the same family."""
    if name not in kind.registry:
        return ""
    article = "an" if kind.family[0] in "aeiou" else "a"
    written = f"{{{name}: ...}}" if name in kind.registry[name].options() else "..."
    return f"'{name}' is {article} {kind.family} itself, as in {{{name}: {written}}}"


def read(kind: type[T], subject: str, name: Scalar, options: Value, findings: Findings) -> T | None:
    """The record of the class `kind` with `options`.

    Parameters
    ----------
    kind : class
    subject : str
        What messages call it: ``the optimizer 'sgd'``.
    name : Scalar
        Where the text names it.
    options : Value
        A mapping, or it is at fault.
    findings : Findings
        Takes every fault; the result is None then.
    """
    if not isinstance(options, Map):
        message = f"the options of '{name.value}' must be a mapping, not {brief(options)}"
        findings.error(kind.invalid_code, message, options.span, help=_taken(kind))
        return None
    meant = _unknown(kind, subject, options, findings)
    given = {key: plain(value) for key, value in options.items() if key in kind.options()}
    try:
        found = kind.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["loc"][0] not in meant:
                _report(kind, subject, name, options, detail, findings)
        return None
    return None if meant else found


def _unknown(
    kind: type[Declared], subject: str, options: Map, findings: Findings
) -> set[str | None]:
    """Report every unknown option; what they seem to mean."""
    unknown = [key for key in options.entries if key not in kind.options()]
    for key in unknown:
        message = f"{subject} has no option '{key}'"
        help = _meant_member(kind, key) or _meant_key(kind, key)
        findings.error(kind.invalid_code, message, options.entries[key].key.span, help=help)
    return {_called(kind, key) or nearest(key, kind.options()) for key in unknown}


def _called(kind: type[Declared], name: str) -> str | None:
    """The option of `kind` that elsewhere is called `name`."""
    found = kind.also_called.get(name)
    return found if found in kind.options() else None


def _meant_key(kind: type[Declared], name: str) -> str:
    """Help where `name` is not an option: the one with that name elsewhere, or a similar one."""
    if found := _called(kind, name):
        return f"did you mean '{found}'?"
    return suggestion(name, kind.options(), _taken(kind))


def _report(
    kind: type[Declared],
    subject: str,
    name: Scalar,
    options: Map,
    detail: ErrorDetails,
    findings: Findings,
) -> None:
    key = str(detail["loc"][0])
    if detail["type"] == "missing":
        message = f"{subject} does not give its '{key}'"
        help = f"write it as {{{name.value}: {{{key}: ...}}}}"
        findings.error(kind.invalid_code, message, name.span, help=help)
        return
    value = options.entries[key].value
    message, help = attribute_message(f"'{key}' of '{name.value}'", value, detail, kind)
    findings.error(kind.invalid_code, message, value.span, help=help)


def _taken(kind: type[Declared]) -> str:
    return f"its options are {', '.join(kind.options())}" if kind.options() else "it has no options"
