"""`hagan completion`: what a shell needs to complete commands, flags and their choices."""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro

Shell = Literal["bash", "zsh", "fish"]

_BASH = """\
_hagan() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" words=""
    if [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W "{commands} --help --version" -- "$current"))
        return
    fi
    case "${{COMP_WORDS[1]}} $before" in
{choices}
    esac
    if [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
        return
    fi
    case "${{COMP_WORDS[1]}}" in
{flags}
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}
complete -o filenames -F _hagan hagan
"""


@dataclass(frozen=True)
class Completion:
    """Print a script that completes commands, flags and choices; load it where your shell starts.

    bash: `source <(hagan completion bash)`; zsh: `source <(hagan completion zsh)`;
    fish: `hagan completion fish | source`.
    """

    shell: tyro.conf.Positional[Shell]
    """bash, zsh or fish."""

    def run(self) -> int:
        """Print it; returns the exit code."""
        print(script(self.shell), end="")
        return 0


@dataclass(frozen=True)
class Flag:
    """One flag of a command.

    Attributes:
        name: With its dashes.
        choices: What may follow; empty for anything.
    """

    name: str
    choices: tuple[str, ...] = ()


def script(shell: Shell) -> str:
    """The script of a shell.

    Args:
        shell: Which one.

    Returns:
        Its text.
    """
    from hagan.cli.main import COMMANDS

    flags, firsts = {}, {}
    for name, (target, _) in COMMANDS.items():
        module, _, kind = target.partition(":")
        command = getattr(importlib.import_module(f"hagan.cli.{module}"), kind)
        flags[name] = tuple(_flags(command))
        firsts[name] = _first_words(command)
    if shell == "fish":
        return _fish(flags, firsts, {name: text for name, (_, text) in COMMANDS.items()})
    bash = _BASH.format(
        commands=" ".join(flags),
        choices="\n".join(
            f'        "{name} {flag.name}") words="{" ".join(flag.choices)}" ;;'
            for name, found in flags.items()
            for flag in (*found, Flag(name, firsts[name]))
            if flag.choices
        ),
        flags="\n".join(
            f'        {name}) words="{" ".join(flag.name for flag in found)} --help" ;;'
            for name, found in flags.items()
        ),
    )
    load = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return load + bash


def _fish(
    flags: dict[str, tuple[Flag, ...]], firsts: dict[str, tuple[str, ...]], texts: dict[str, str]
) -> str:
    lines = ["complete -c hagan -e"]
    for name, text in texts.items():
        lines.append(f"complete -c hagan -n __fish_use_subcommand -a {name} -d {_quoted(text)}")
    for name, found in flags.items():
        if firsts[name]:
            words = _quoted(" ".join(firsts[name]))
            lines.append(f"complete -c hagan -n '__fish_seen_subcommand_from {name}' -a {words}")
        for flag in found:
            line = f"complete -c hagan -n '__fish_seen_subcommand_from {name}' -l {flag.name[2:]}"
            if flag.choices:
                line += f" -x -a {_quoted(' '.join(flag.choices))}"
            lines.append(line)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _flags(command: Any) -> Iterator[Flag]:
    """Flags of a command's dataclass, in its order; those of all forms where it has several."""
    seen = set()
    for kind in _members(command):
        hints = get_type_hints(kind, include_extras=True)
        for field in dataclasses.fields(kind):
            hint = hints[field.name]
            name = "--" + field.name.replace("_", "-")
            if "Positional" in repr(hint) or name in seen:
                continue
            seen.add(name)
            yield Flag(name, _choices(hint))
            if hint is bool:
                yield Flag(f"--no-{name[2:]}")


def _members(command: Any) -> tuple[Any, ...]:
    """The dataclass of a command, or those of its forms."""
    if dataclasses.is_dataclass(command):
        return (command,)
    return tuple(get_args(form)[0] for form in get_args(command))


def _first_words(command: Any) -> tuple[str, ...]:
    """Names of a command's forms, or the choices of its first positional argument."""
    if not dataclasses.is_dataclass(command):
        return tuple(get_args(form)[1].name for form in get_args(command))
    hint = next(iter(get_type_hints(command, include_extras=True).values()), None)
    return _choices(get_args(hint)[0]) if "Positional" in repr(hint) else ()


def _choices(hint: Any) -> tuple[str, ...]:
    """Words that a type names: of a Literal, also within a union with None."""
    if get_origin(hint) is Literal:
        return tuple(str(choice) for choice in get_args(hint) if choice is not None)
    if get_origin(hint) in (Union, types.UnionType):
        found: list[str] = []
        for part in get_args(hint):
            found += _choices(part)
        return tuple(found)
    return ()
