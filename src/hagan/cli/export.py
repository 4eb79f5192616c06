"""`hagan export`: a trained model for other programs: safetensors, ONNX, or a folder for a hub."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from rich.console import Console

from hagan.cli.card import WriteCard
from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.models.weights import Loaded


@dataclass(frozen=True)
class Export:
    """Export a run's weights for use: one safetensors file, ONNX, or a folder for a model hub."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    out: tyro.conf.Positional[Path]
    """File ending in .safetensors or .onnx, or a new folder for --to hub."""
    to: Literal["safetensors", "onnx", "hub"] | None = None
    """What to write; by default what the name of OUT says, and a hub folder without a suffix."""
    evaluation: Path | None = None
    """For hub: folder that `hagan evaluate --out` wrote, whose figures come into the card."""
    licence: str = "other"
    """For hub: licence of the weights, such as cc-by-4.0."""
    data: str = ""
    """For hub: the training data in a sentence or two."""

    def run(self) -> int:
        """Write it; returns the exit code."""
        from hagan.data.files import make_folder
        from hagan.models.weights import load_model

        kind = self._kind()
        loaded = load_model(self.model)
        console = Console(highlight=False, soft_wrap=True, markup=False)
        if kind == "hub":
            self._write_hub(loaded)
            console.print(f"Wrote {self.out}: model.safetensors, config.json and README.md")
            console.print(f"Next: read {self.out / 'README.md'} before you share anything")
            return 0
        make_folder(self.out.parent)
        if kind == "safetensors":
            _copy(loaded.path, self.out)
            console.print(f"Wrote {self.out}, SHA-256 {loaded.sha256}")
            console.print(f"Next: hagan generate {self.out} OUT --count 16")
            return 0
        from hagan.inference.onnx_export import export_onnx

        apart = export_onnx(loaded, self.out)
        console.print(
            f"Wrote {self.out}: its volumes differ from hagan's by at most {apart:.1e} "
            "(intensities are in [-1, 1])"
        )
        return 0

    def _kind(self) -> Literal["safetensors", "onnx", "hub"]:
        named: dict[str, Literal["safetensors", "onnx", "hub"]] = {
            ".safetensors": "safetensors",
            ".onnx": "onnx",
            "": "hub",
        }
        by_name = named.get(self.out.suffix)
        kind = self.to or by_name
        if kind is None or (by_name != kind and not (kind == "hub" and by_name is None)):
            raise UsageError(
                f"{self.out}: name a file that ends in .safetensors or .onnx, or a folder for a hub"
            )
        if kind == "hub" and self.out.exists() and any(self.out.iterdir()):
            raise UsageError(f"{self.out} holds files; choose a new or an empty folder")
        return kind

    def _write_hub(self, loaded: Loaded) -> None:
        """A folder that can be uploaded as it is: weights, recipe, card; whole or not at all."""
        import json

        from hagan.config.codec import to_plain
        from hagan.data.files import atomic_folder

        card = WriteCard(
            self.model, evaluation=self.evaluation, licence=self.licence, data=self.data
        ).text()
        with atomic_folder(self.out) as beside:
            shutil.copyfile(loaded.path, beside / "model.safetensors")
            recipe = json.dumps(to_plain(loaded.config), indent=2) + "\n"
            (beside / "config.json").write_text(recipe, "utf-8")
            (beside / "README.md").write_text(card, "utf-8")


def _copy(source: Path, target: Path) -> None:
    from hagan.data.files import atomic_path

    with atomic_path(target) as temporary:
        shutil.copyfile(source, temporary)
