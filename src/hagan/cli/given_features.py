"""`hagan evaluate` of feature files: the statistics alone, as MONAI's FID is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.cli.evaluate import Evaluate


def evaluate_features(flags: Evaluate) -> int:
    """Compare feature files; returns the exit code."""
    from hagan.cli.results import print_tables, write_tables
    from hagan.data.files import make_folder
    from hagan.evaluation.given_features import compare_features, read_features
    from hagan.evaluation.tables import json_text

    assert flags.real is not None
    if flags.fold is not None or (flags.train is not None and flags.train.suffix != ".npz"):
        raise UsageError("features go with features: name --train as an .npz file, and no --fold")
    comparison = compare_features(
        [read_features(path, path.stem) for path in flags.fakes],
        read_features(flags.real, "real"),
        read_features(flags.train, "train") if flags.train else None,
        flags.config(),
    )
    make_folder(flags.out)
    write_tables(comparison, flags.out, flags.command)
    if flags.json:
        print(json_text(comparison, flags.command), end="")
        return 0
    console = Console(highlight=False, soft_wrap=True)
    print_tables(comparison, console)
    console.print(f"\nwrote results.json, results.csv and results.md to {flags.out}")
    return 0
