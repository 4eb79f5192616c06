"""The reference that cannot lag behind the code: commands, recipes' settings, public Python."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path
from typing import Any

import tyro
from sphinx.application import Sphinx

from hagan.cli.main import CODES, COMMANDS
from hagan.config.recipes import recipe, recipe_names

PUBLIC = {
    "Files and volumes": (
        *("hagan.data.volume", "hagan.data.formats", "hagan.data.scans", "hagan.data.prepare"),
        *("hagan.data.store", "hagan.data.dataset", "hagan.data.protocols"),
        *("hagan.data.phantom.cohort", "hagan.data.dicom_write"),
    ),
    "Models": ("hagan.models.gan", "hagan.models.build", "hagan.models.weights"),
    "Training": ("hagan.training.trainer", "hagan.training.plan"),
    "Using a model": (
        *("hagan.inference.sampler", "hagan.inference.reconstruct"),
        *("hagan.inference.latent_space", "hagan.inference.export", "hagan.inference.card"),
    ),
    "Judging volumes": (
        *("hagan.evaluation.frechet", "hagan.evaluation.mmd", "hagan.evaluation.kid"),
        *("hagan.evaluation.neighbours", "hagan.evaluation.ms_ssim", "hagan.evaluation.seams"),
        *("hagan.evaluation.significance", "hagan.evaluation.regression"),
        *("hagan.data.thorax_regions", "hagan.evaluation.brain_regions"),
    ),
    "Errors": ("hagan.errors",),
}
"""What a program may build on, by what it is for."""

_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_OUTSIDE = re.compile(r"\[([^\]]*)\]\((\.\./\.\./[^)]+\.md)\)")
NOTE = "*This page is made from the code.*\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir) / "reference" / "made"))
    app.connect("source-read", lambda app, name, content: _link_outside(content))
    return {"parallel_read_safe": True}


def _link_outside(content: list[str]) -> None:
    """Make downloads of links to pages that lie beside the documentation, such as figures."""
    content[0] = _OUTSIDE.sub(r"{download}`\1 <\2>`", content[0])


def write_pages(folder: Path) -> None:
    """Write every page; one that is as it was keeps its time, so that Sphinx skips it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"commands": commands(), "recipes": recipes(), "python": python()}.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def commands() -> str:
    """Help of every command."""
    parts = ["# Commands", NOTE, f"```text\n{CODES}\n```"]
    for name, (target, text) in COMMANDS.items():
        module, _, kind = target.partition(":")
        command = getattr(importlib.import_module(f"hagan.cli.{module}"), kind)
        parts.append(f"## hagan {name}\n\n{text[0].upper()}{text[1:]}.")
        parts.append(f"```text\n{help_of(command, f'hagan {name}')}\n```")
    return "\n\n".join(parts) + "\n"


def help_of(command: Any, prog: str) -> str:
    """What `--help` prints, without colours and in a hundred columns."""
    parser = tyro.extras.get_parser(command, prog=prog)
    return _ESCAPES.sub("", parser.format_help()).rstrip()


def recipes() -> str:
    """Every recipe and what its docstring or its settings say."""
    parts = ["# Recipes and settings", NOTE, "Names are `<model>-<side>`; each is listed once, at"]
    parts[-1] += " its smallest side. Any setting changes with `--set path=value`."
    seen = set()
    for name in sorted(recipe_names(), key=lambda name: (name.rsplit("-", 1)[0], _side(name))):
        family = name.rsplit("-", 1)[0]
        if family in seen:
            continue
        seen.add(family)
        sides = [n.rsplit("-", 1)[1] for n in recipe_names() if n.rsplit("-", 1)[0] == family]
        config = recipe(name)
        parts.append(f"## {family}\n\nSides: {', '.join(sorted(sides, key=int))}.")
        lines = ["| setting | value |", "|---|---|"]
        lines += [f"| `{path}` | `{value}` |" for path, value in settings(config.model, "model")]
        lines += [
            f"| `{path}` | `{value}` |" for path, value in settings(config.training, "training")
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def settings(config: Any, path: str) -> list[tuple[str, str]]:
    """Every setting of a configuration by its path."""
    found = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            found += settings(value, f"{path}.{field.name}")
        else:
            found.append((f"{path}.{field.name}", str(value)))
    return found


def _side(name: str) -> int:
    return int(name.rsplit("-", 1)[1])


def python() -> str:
    """Public modules."""
    parts = ["# Python", NOTE]
    for title, modules in PUBLIC.items():
        parts.append(f"## {title}")
        for module in modules:
            parts.append(f"### {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n```")
    return "\n\n".join(parts) + "\n"
