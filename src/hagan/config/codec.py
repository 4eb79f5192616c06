"""Configurations to JSON and back, strictly: a file of another version fails with a line."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hagan.errors import BadInputError, UsageError

ConfigT = TypeVar("ConfigT")

TYPE_KEY = "type"
"""Key under which a union of dataclasses keeps the name of its member."""


ADDED_LATER = "added later"
"""Key in the metadata of a field that older files lack; its default is what the code did before."""


def to_plain(config: object) -> Any:
    """A configuration as dicts, lists, strings and numbers; dataclasses carry their type's name."""
    if is_dataclass(config):
        plain = {TYPE_KEY: type(config).__name__}
        return plain | {f.name: to_plain(getattr(config, f.name)) for f in fields(config)}
    if isinstance(config, tuple | list):
        return [to_plain(item) for item in config]
    return config


@dataclass(frozen=True)
class _Source:
    """Where values come from, and whether all of them must be there."""

    name: str
    complete: bool

    def __str__(self) -> str:
        return self.name


def from_plain(kind: type[ConfigT], plain: Any, *, where: str, complete: bool = True) -> ConfigT:
    """A configuration of the given type from what `to_plain` gave.

    Args:
        kind: The dataclass to make.
        plain: Dicts, lists, strings and numbers.
        where: The file, for messages.
        complete: Whether a key that is not there is an error; otherwise its default is taken.

    Raises:
        BadInputError: A key is missing or unknown, or a value has the wrong type.
        UsageError: A value is out of range.
    """
    value: ConfigT = _decode(kind, plain, _Source(where, complete), kind.__name__)
    return value


def to_json(config: object) -> str:
    """A configuration as indented JSON with a final newline."""
    return json.dumps(to_plain(config), indent=2) + "\n"


def from_json(kind: type[ConfigT], text: str, *, where: str) -> ConfigT:
    """A configuration from JSON; raises as `from_plain` does, and for text that is not JSON."""
    try:
        plain = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInputError(f"{where}: not JSON ({error})") from error
    return from_plain(kind, plain, where=where)


def _decode(kind: Any, plain: Any, where: _Source, path: str) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), plain, where, path)
    if origin is Literal:
        if plain in get_args(kind):
            return plain
        raise _mismatch(where, path, f"one of {list(get_args(kind))}", plain)
    if origin is tuple:
        members = get_args(kind)
        if not isinstance(plain, list):
            raise _mismatch(where, path, "a list", plain)
        if members[-1] is Ellipsis:
            members = (members[0],) * len(plain)
        if len(members) != len(plain):
            raise _mismatch(where, path, f"{len(members)} entries", plain)
        return tuple(
            _decode(member, item, where, path) for member, item in zip(members, plain, strict=True)
        )
    if is_dataclass(kind):
        return _decode_dataclass(kind, plain, where, path)
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if kind is type(None) and plain is None:
        return None
    if isinstance(kind, type) and type(plain) is kind:
        return plain
    raise _mismatch(where, path, getattr(kind, "__name__", str(kind)), plain)


def _decode_union(members: tuple[Any, ...], plain: Any, where: _Source, path: str) -> Any:
    if plain is None and type(None) in members:
        return None
    kinds = [member for member in members if member is not type(None)]
    if not isinstance(plain, Mapping) and all(is_dataclass(kind) for kind in kinds):
        raise _mismatch(where, path, " or ".join(kind.__name__ for kind in kinds), plain)
    if isinstance(plain, Mapping):
        named = [k for k in kinds if getattr(k, "__name__", "") == plain.get(TYPE_KEY)]
        if TYPE_KEY in plain and not named:
            names = " or ".join(str(getattr(k, "__name__", k)) for k in kinds)
            raise _mismatch(where, path, names, plain[TYPE_KEY])
        kinds = named or kinds
    for kind in kinds[:-1]:
        try:
            return _decode(kind, plain, where, path)
        except BadInputError:
            continue
    return _decode(kinds[-1], plain, where, path)


def _decode_dataclass(kind: Any, plain: Any, where: _Source, path: str) -> Any:
    if not isinstance(plain, Mapping):
        raise _mismatch(where, path, kind.__name__, plain)
    given = {key: value for key, value in plain.items() if key != TYPE_KEY}
    if plain.get(TYPE_KEY, kind.__name__) != kind.__name__:
        raise _mismatch(where, path, kind.__name__, plain[TYPE_KEY])
    hints = get_type_hints(kind)
    names = {f.name for f in fields(kind)}
    needed = {f.name for f in fields(kind) if not f.metadata.get(ADDED_LATER)}
    if not where.complete:
        needed = {f.name for f in fields(kind) if f.default is f.default_factory is MISSING}
    for wrong, text in ((set(given) - names, "unknown"), (needed - set(given), "missing")):
        if wrong:
            raise BadInputError(
                f"{where}: {path}: {text} {sorted(wrong)}; the file is of another version of hagan "
                "or was edited"
            )
    try:
        return kind(
            **{name: _decode(hints[name], given[name], where, f"{path}.{name}") for name in given}
        )
    except UsageError as error:
        raise UsageError(f"{where}: {path}: {error}") from error


def _mismatch(where: _Source, path: str, expected: str, got: object) -> BadInputError:
    return BadInputError(f"{where}: {path}: expected {expected}, found {got!r}")
