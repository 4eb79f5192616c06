"""`hagan card`: the model card of a run, to publish beside its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console


@dataclass(frozen=True)
class WriteCard:
    """Write the model card of a run: facts, data hash, figures with floors, intended use."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    out: Path | None = None
    """File to write; by default MODEL_CARD.md in the run folder or beside the weights file."""
    evaluation: Path | None = None
    """Folder that `hagan evaluate --out` wrote: its figures and floors come into the card."""
    licence: str = "other"
    """Licence of the weights, as model hubs name it, such as cc-by-4.0."""
    data: str = ""
    """The training data in a sentence or two: cohort, access terms, consent."""
    contact: str = ""
    """Whom to ask."""

    def run(self) -> int:
        """Write it; returns the exit code."""
        from hagan.data.files import make_folder, write_bytes_atomically

        folder = self.model if self.model.is_dir() else self.model.parent
        out = self.out or folder / "MODEL_CARD.md"
        text = self.text()
        make_folder(out.parent)
        write_bytes_atomically(out, text.encode())
        console = Console(highlight=False, soft_wrap=True, markup=False)
        console.print(f"Wrote {out}")
        if self.evaluation is None:
            console.print(
                f"It holds no figures. Next: hagan evaluate {self.model} --real STORE --out OUT, "
                "then this command with --evaluation OUT"
            )
        return 0

    def text(self) -> str:
        """The card as Markdown.

        Raises:
            BadInputError: No weights, or no results where they were said to be.
        """
        from hagan.inference.card import Card, read_results, training_scans, write_card
        from hagan.models.weights import load_model

        results = None if self.evaluation is None else read_results(self.evaluation)
        return write_card(
            load_model(self.model),
            Card(licence=self.licence, data=self.data, contact=self.contact),
            scans=training_scans(self.model),
            results=results,
        )
