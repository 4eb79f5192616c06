"""Documents tell the truth: symbols exist, links resolve, commands parse, tables match the code."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hagan.cli.main import COMMANDS, parse
from hagan.config.codec import to_plain
from hagan.config.recipes import recipe, recipe_names
from hagan.data.check import WARNINGS
from hagan.errors import FAULTS, HaganError

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "hagan"
README = ROOT / "README.md"
MADE = ("made", "_build")
"""Folders of pages that Sphinx makes from the code."""
PAGES = [path for path in (ROOT / "docs").rglob("*.md") if not {*MADE} & {*path.parts}]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *PAGES])
CODES = ROOT / "docs" / "reference" / "error-codes.md"
PAPER = ROOT / "docs" / "explanation" / "paper-to-code.md"
RECIPES = ROOT / "docs" / "explanation" / "recipes.md"

SYMBOLS = (
    *("G^A", "G^L", "G^H", "D^H", "D^L", "E^H", "E^G", "S^H", "S^L", "Z", "Z-hat", "c", "r"),
    *("X^H", "X^L", "X-hat^H", "X-hat^H_r", "X-hat^L", "A", "A_r", "A-hat", "A-hat_v", "T_v"),
)
"""The paper's Table I."""


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(path: Path) -> list[list[str]]:
    """Cells of every table row."""
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("|") and not set(line) <= set("|-: ")
    ]


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


# Symbols.


def resolve(dotted: str) -> Any:
    """The object of a dotted path; for a dataclass field without a default, the field."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            fields = getattr(found, "__dataclass_fields__", {})
            found = fields[name] if name in fields else getattr(found, name)
        return found
    raise ModuleNotFoundError(dotted)


def paths_in(cell: str) -> list[str]:
    return [span for span in code_spans(cell) if span.startswith("hagan.")]


PATHS = sorted({path for document in DOCUMENTS for path in paths_in(document.read_text("utf-8"))})


@pytest.mark.parametrize("dotted", PATHS)
def test_symbol_exists(dotted: str) -> None:
    assert resolve(dotted) is not None


def test_a_symbol_that_does_not_exist_is_found() -> None:
    for wrong in (
        "hagan.models.ha_gan.HAGAN.encod",
        "hagan.model",
        "hagan.models.ha_gan.Pair.high",
    ):
        with pytest.raises((AttributeError, ModuleNotFoundError)):
            resolve(wrong)


def test_every_symbol_and_equation_of_the_paper_has_its_row_and_code() -> None:
    table = {row[0]: row for row in rows(PAPER)}
    for name in (*SYMBOLS, *(f"({number})" for number in range(1, 10))):
        assert name in table, name
        assert paths_in(table[name][2]), name


@pytest.mark.slow
def test_local_names_are_attributes_of_the_model() -> None:
    import torch

    from hagan.models.build import build_model

    with torch.device("meta"):
        model = build_model(recipe("hagan-paper-32").model)
    for symbol, _, code, name in (row for row in rows(PAPER) if len(row) == 4):
        (local,) = code_spans(name) or [""]
        if re.fullmatch(r"(generator|discriminator|encoder)\.\w+", local):
            kind = resolve(paths_in(code)[0])
            assert isinstance(model.get_submodule(local), kind), symbol


# Links.


def links(path: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            yield target.partition("#")[0]


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_relative_links_resolve(path: Path) -> None:
    missing = [target for target in links(path) if not (path.parent / target).exists()]
    assert missing == []


def test_every_document_is_linked_from_another() -> None:
    reached = {(path.parent / target).resolve() for path in DOCUMENTS for target in links(path)}
    unlinked = [short(path) for path in PAGES if path not in reached]
    assert unlinked == []


# Error codes.


def test_every_code_has_its_line_with_its_meaning_and_what_to_do() -> None:
    told = {code_spans(row[0])[0]: row for row in rows(CODES) if code_spans(row[0])}
    assert {code: row[1] for code, row in told.items()} == FAULTS | WARNINGS
    assert all(len(row[2]) > 15 for row in told.values())


def test_every_exit_code_is_told() -> None:
    told = {int(row[0]) for row in rows(CODES) if row[0].isdecimal()}
    kinds, codes = [HaganError], {0}
    while kinds:
        kind = kinds.pop()
        codes.add(kind.exit_code)
        kinds += kind.__subclasses__()
    assert told == codes
    in_readme = README.read_text("utf-8").split("## Exit codes")[1].split("## ")[0]
    assert {str(code) for code in codes - {1}} <= set(re.findall(r"\d+", in_readme))


# Recipes.


def test_the_table_of_recipes_is_what_the_recipes_are() -> None:
    names = ("hagan-paper", "hagan-official", "hagan")
    configs = [to_plain(recipe(f"{name}-128")) for name in names]
    checked = []
    for row in rows(RECIPES):
        if len(row) != 5 or row[0] == "choice":
            continue
        (setting,) = code_spans(row[1])
        checked.append(setting)
        for name, config, cell in zip(names, configs, row[2:], strict=True):
            value = config
            for key in setting.split("."):
                # A part that a recipe does without has no settings.
                value = None if value is None else value[key]
            assert json.loads(code_spans(cell)[0]) == value, f"{setting} of {name}"
    assert len(checked) == len(set(checked)) >= 20
    # Of a part that only some have, the table has every setting.
    parts = {name for name in differing(configs) if any(s.startswith(f"{name}.") for s in checked)}
    for part in parts:
        section, key = part.split(".")
        (own,) = (c[section][key] for c in configs if c[section][key] is not None)
        assert {f"{part}.{name}" for name in own if name != "type"} <= set(checked)
    assert differing(configs) - set(checked) - parts <= {
        "name",
        "model.adam_discriminator.beta2",
        "model.adam_encoder.beta2",
    }


def differing(plains: list[Any], prefix: str = "") -> set[str]:
    """Settings in which configurations differ."""
    first = plains[0]
    if isinstance(first, dict):
        return set().union(
            *(
                differing([p[key] for p in plains], f"{prefix}.{key}" if prefix else key)
                for key in first
            )
        )
    return set() if all(plain == first for plain in plains) else {prefix}


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_recipes_that_are_named_exist(path: Path) -> None:
    named = re.findall(r"\bhagan(?:-[a-z]+)*-\d+\b", path.read_text("utf-8"))
    assert {name for name in named if not name.startswith("hagan-weights")} <= set(recipe_names())


# Commands.


def blocks(text: str) -> Iterator[str]:
    """Lines of code blocks, fenced or indented."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or re.match(r" {4,}\S", line):
            yield line.strip()


def command_lines() -> list[tuple[str, str]]:
    return [
        (short(path), line)
        for path in DOCUMENTS
        for line in blocks(path.read_text("utf-8"))
        if re.match(r"(\S*/)?hagan ", line)
    ]


@pytest.mark.parametrize(("path", "line"), command_lines())
def test_command_line_parses(path: str, line: str) -> None:
    command = parse(shlex.split(line, comments=True)[1:])
    assert callable(command.run)


@pytest.mark.parametrize(
    "line", ["hagan nosuch", "hagan train", "hagan check", "hagan check a --nosuch"]
)
def test_a_wrong_command_line_is_found(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(shlex.split(line)[1:])
    assert caught.value.code == 2
    capsys.readouterr()


def test_commands_that_are_named_exist() -> None:
    for path in DOCUMENTS:
        for span in code_spans(path.read_text("utf-8")):
            match = re.match(r"hagan ([a-z][\w-]*)", span)
            assert not match or match[1] in COMMANDS, f"{short(path)}: {span}"


def settings_in(text: str) -> Iterator[str]:
    """Settings by their path, in running text or after --set."""
    for span in code_spans(text):
        if match := re.fullmatch(r"((?:model|training)(?:\.[a-z_0-9]+)+)(?:=\S+)?", span):
            yield match[1]
    for assignments in re.findall(r"--set((?: [a-z_0-9.]+=\S+)+)", text):
        for assignment in assignments.split():
            yield assignment.partition("=")[0]


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_settings_that_are_named_exist(path: Path) -> None:
    for setting in settings_in(path.read_text("utf-8")):
        if setting.endswith(".safetensors"):
            continue
        value = to_plain(recipe("hagan-64"))
        for key in setting.split("."):
            assert key in value, setting
            value = value[key]


@pytest.mark.parametrize("path", DOCUMENTS, ids=short)
def test_source_files_that_are_named_exist(path: Path) -> None:
    named = [s for s in code_spans(path.read_text("utf-8")) if re.fullmatch(r"[\w/]+/\w+\.py", s)]
    gone = {"data/phantom.py"}
    assert [name for name in named if not (SOURCE / name).exists() and name not in gone] == []


# README.


def test_readme_names_the_two_commands_and_is_short() -> None:
    text = README.read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "test"):
        assert f"    make {target} " in text
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert len(text.splitlines()) < 200


def test_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        spans = [*code_spans(text), *blocks(text)]
        named = {match[1] for span in spans if (match := re.match(r"make ([a-z-]+)", span))}
        assert named <= targets, short(path)


def snippets(path: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def test_python_in_documents_compiles_and_imports_what_exists() -> None:
    found = [(path, code) for path in DOCUMENTS for code in snippets(path)]
    assert any(path == README for path, _ in found)
    for path, code in found:
        tree = ast.parse(code, short(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{short(path)}: {alias.name}"


def test_documents_name_no_machine() -> None:
    for path in DOCUMENTS:
        assert not re.search(r"/(?:work|home|tmp|root|Users)/", path.read_text("utf-8")), short(
            path
        )


# Sphinx.


@pytest.mark.slow
def test_the_pages_build_without_a_warning(tmp_path: Path) -> None:
    """Every page in a table of contents, every link and every docstring as Sphinx reads them."""
    pytest.importorskip("furo", reason="needs the extra docs")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", ROOT / "docs"]
    told = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    commands = (tmp_path / "reference" / "made" / "commands.html").read_text("utf-8")
    assert all(f"hagan {name}" in commands for name in COMMANDS)


def test_every_code_is_raised_in_a_test() -> None:
    """A code without a test may never be raised, or for something else than it says."""
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if path.parent.name != "house"]
    named = set(re.findall(r"\b[EW]\d{3}\b", "".join(path.read_text("utf-8") for path in tests)))
    assert set(FAULTS | WARNINGS) <= named
