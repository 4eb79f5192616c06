"""House rules: each module has its test, layers hold, only `cli` prints, docstrings are there."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "hagan"
TESTS = ROOT / "tests"

WITHOUT_TEST = {"__init__.py", "__main__.py"}
NO_CODE = {
    *("types.py", "config/models.py", "config/families/family.py", "models/baselines/reals.py"),
    *("training/batch_source.py", "app/found.py"),
}
"""Names and their legend only."""
COVERED_BY_CONTRACT = {"models/gan.py": "contract/test_gan.py"}
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "misc"}


def modules(source: Path) -> list[Path]:
    """Every module below a source folder, relative to it."""
    return sorted(path.relative_to(source) for path in source.rglob("*.py"))


def untested(source: Path, tests: Path) -> list[str]:
    """Modules without the test file that mirrors them."""
    missing = []
    for module in modules(source):
        name = module.as_posix()
        if module.name in WITHOUT_TEST or name in NO_CODE:
            continue
        mirrored = module.with_name(f"test_{module.name}").as_posix()
        if not (tests / COVERED_BY_CONTRACT.get(name, mirrored)).is_file():
            missing.append(name)
    return missing


def prints(source: Path) -> list[str]:
    """Calls of print and writes to the standard streams outside `cli`."""
    found = []
    for module in modules(source):
        if module.parts[0] == "cli":
            continue
        for node in ast.walk(parsed(source / module)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called == "print" or called.startswith(("sys.stdout.", "sys.stderr.", "Console")):
                found.append(f"{module.as_posix()}:{node.lineno} {called}")  # type: ignore[attr-defined]
    return found


def undocumented(source: Path) -> list[str]:
    """Modules and public functions, classes and methods without a docstring."""
    found = []
    for module in modules(source):
        tree = parsed(source / module)
        if ast.get_docstring(tree) is None:
            found.append(module.as_posix())
        found += [
            f"{module.as_posix()}:{node.lineno} {name}"
            for name, node in public(tree)
            if ast.get_docstring(node) is None
        ]
    return found


def public(
    tree: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public(node, f"{node.name}.")


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def test_every_module_has_its_test() -> None:
    assert untested(SOURCE, TESTS) == []


def test_every_mirrored_test_has_its_module() -> None:
    """A test of a module that was renamed would go on testing under the old name."""
    mirrored = [folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").exists()]
    strays = [
        path.relative_to(TESTS).as_posix()
        for folder in mirrored
        for path in sorted((TESTS / folder).rglob("test_*.py"))
        if path.name not in WITHOUT_MODULE and not has_module(path)
    ]
    assert strays == []


WITHOUT_MODULE = {"test_real_scans.py"}
"""Tests of a whole package."""


def has_module(test: Path) -> bool:
    """Whether a test is named after a module, or after a module and a part of its work."""
    folder = SOURCE / test.parent.relative_to(TESTS)
    name = test.stem.removeprefix("test_")
    return any(
        name == module.stem or name.startswith(f"{module.stem}_") for module in folder.glob("*.py")
    )


def test_no_module_is_a_room_for_things_without_a_home() -> None:
    names = {part for module in modules(SOURCE) for part in module.with_suffix("").parts}
    assert names & FORBIDDEN == set()


def test_every_folder_is_a_package() -> None:
    folders = {(SOURCE / module).parent for module in modules(SOURCE)}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_only_cli_prints() -> None:
    assert prints(SOURCE) == []


def test_public_things_have_docstrings() -> None:
    assert undocumented(SOURCE) == []


def test_no_handler_catches_everything() -> None:
    broad = [
        f"{module}:{node.lineno}"
        for module in modules(SOURCE)
        for node in ast.walk(parsed(SOURCE / module))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and not isinstance(node.body[-1], ast.Raise)
    ]
    assert broad == []


def test_layers_hold() -> None:
    """The contracts of import-linter in pyproject.toml."""
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def imported_by(*names: str) -> set[str]:
    """Top-level packages that are loaded after importing the given modules."""
    lines = [*(f"import {name}" for name in names), "import sys", "print(*sys.modules)"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.slow
def test_config_and_the_list_of_commands_load_no_heavy_package() -> None:
    """`hagan --help` and a mistyped command answer at once."""
    names = [f"hagan.config.{path.stem}" for path in (SOURCE / "config").glob("[!_]*.py")]
    assert len(names) >= 6
    loaded = imported_by("hagan.errors", "hagan.cli.main", *names)
    assert loaded & {"torch", "numpy", "scipy", "sklearn", "matplotlib", "nibabel"} == set()
    assert "torch" in imported_by("hagan.types"), "the check itself sees torch"


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ('"""A."""\n\nprint(1)\n', prints),
        ('"""A."""\n\nimport sys\n\nsys.stderr.write("a")\n', prints),
        ("X = 1\n", undocumented),
        ('"""A."""\n\ndef f() -> None:\n    pass\n', undocumented),
        (
            '"""A."""\n\nclass A:\n    """B."""\n\n    def f(self) -> None:\n        pass\n',
            undocumented,
        ),
    ],
)
def test_the_checks_find_what_they_look_for(text: str, check: object, tmp_path: Path) -> None:
    assert callable(check)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "planted.py").write_text(text)
    assert len(check(tmp_path)) == 1
    assert untested(tmp_path, tmp_path) == ["data/planted.py"]
    (tmp_path / "data" / "test_planted.py").touch()
    assert "data/planted.py" not in untested(tmp_path, tmp_path)
