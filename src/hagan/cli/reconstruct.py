"""`hagan reconstruct`: scan to code to volume, beside the scan as it was prepared.

Several processes rebuild the scans in turns and leave the folder that one of them would leave.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro
from rich.console import Console

from hagan.errors import BadInputError, ScanError, UsageError

if TYPE_CHECKING:
    from hagan.cli.together import Company
    from hagan.inference.export import Exporter, Row
    from hagan.inference.reconstruct import Scans
    from hagan.inference.sampler import Sampler


@dataclass(frozen=True)
class Reconstruct:
    """Rebuild scans from their latent codes. The results are patient data, and marked so."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    scans: tyro.conf.Positional[Path]
    """A store, a folder of scans, or one scan."""
    out: tyro.conf.Positional[Path]
    """Folder for NAME-rebuilt.nii.gz, NAME-prepared.nii.gz and manifest.json."""
    fold: str | None = None
    """i/n: of a store only the held-back subjects of fold i of n."""
    masks: Path | None = None
    """Of a folder: brain masks, matched by the start of the file name."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""

    stream: Literal["auto", "always", "never"] = "auto"
    """Slab by slab: less memory, more time. auto: where the free memory does not hold a whole."""

    def run(self) -> int:
        """Reconstruct; returns the exit code."""
        from hagan.cli.together import company

        with company() as together:
            return self._run(together)

    def _run(self, together: Company) -> int:
        import numpy as np

        from hagan.data.dataset import Fold
        from hagan.inference.export import MANIFEST, REBUILT, Exporter
        from hagan.inference.reconstruct import open_scans
        from hagan.inference.sampler import Sampler

        world = together.world
        with world.agreed():
            sampler = Sampler.from_run(
                self.model, together.device(self.device), self.stream, processes=world.size
            )
            fold = None if self.fold is None else Fold.parse(self.fold)
            exporter = Exporter(self.out, sampler.loaded, kind=REBUILT)
            scans = open_scans(self.scans, sampler, fold=fold, masks=self.masks)
        console = Console(highlight=False, soft_wrap=True, quiet=not world.is_first)
        errors: dict[str, float] = {}
        failed = 0
        for numbers in together.rounds(range(len(scans))):
            told = self._add(exporter, sampler, scans, together, numbers, errors)
            failed += len(told)
            for line in told:
                console.print(line, markup=False)
        if not errors:
            raise world.common(BadInputError(f"{self.scans}: no scan could be rebuilt"))
        mean = float(np.mean(list(errors.values())))
        console.print(
            f"Wrote {len(errors)} reconstructions beside their prepared scans to {self.out} "
            f"({MANIFEST} lists them); mean absolute error {mean:.4g} in the scans' "
            f"units{f'; {failed} scans failed' if failed else ''}\n"
            "Next: open a pair in any NIfTI viewer; both lie where the scan lies"
        )
        return BadInputError.exit_code if failed else 0

    def _add(
        self,
        exporter: Exporter,
        sampler: Sampler,
        scans: Scans,
        together: Company,
        numbers: Sequence[int],
        errors: dict[str, float],
    ) -> list[str]:
        """Rebuild one scan a process and write both volumes, then the rows of all.

        Args:
            exporter: Of the folder.
            sampler: The model.
            scans: All of them.
            together: The processes.
            numbers: Which scan each takes.
            errors: Of the scans that were rebuilt, by name of their files; gets those of the round.

        Returns:
            What is wrong with each scan that could not be.
        """
        from hagan.data.formats import write_scan
        from hagan.inference.export import Row
        from hagan.inference.reconstruct import conditions_of, label_of, reconstruction

        world = together.world
        rebuilt = label = conditions = row = None
        fault = source = None
        with ExitStack() as held:
            with world.agreed():
                number = together.own(numbers)
                scan = None if number is None else scans.prepared(number)
                if isinstance(scan, ScanError):
                    fault = str(scan)
                elif scan is not None:
                    rebuilt = held.enter_context(reconstruction(sampler, scan, self.out))
                    source, label = scan.name, label_of(sampler, scan)
                    conditions = conditions_of(sampler, scan)
            answers = world.gathered([fault, source, None if rebuilt is None else rebuilt.error])
            # Every process names the files of all, as a name depends on those before it.
            names: list[str | None] = []
            for _, of, error in answers:
                names.append(None if of is None else new_name(of, errors))
                if names[-1] is not None:
                    errors[names[-1]] = error
            name = names[world.rank]
            with world.agreed():
                if rebuilt is not None:
                    row = Row(
                        file=f"{name}-rebuilt.nii.gz",
                        sha256=rebuilt.sha256,
                        source=source,
                        label=label,
                        conditions=conditions,
                        mean_absolute_error=rebuilt.error,
                    )
                    self._refuse_another(exporter.manifest.row_of(row.file), row)
            if any(name is not None for name in names):
                world.from_first(exporter.begin)
            with world.agreed():
                if rebuilt is not None and row is not None:
                    exporter.write(rebuilt.volume, row)
                    write_scan(rebuilt.prepared, self.out / f"{name}-prepared.nii.gz")
        rows = [Row(**found) for found in world.gathered(row and asdict(row)) if found is not None]
        if rows:
            world.from_first(lambda: exporter.enter(rows))
        return [fault for fault, _, _ in answers if fault is not None]

    def _refuse_another(self, begun: Row | None, row: Row) -> None:
        if begun is not None and begun.source != row.source:
            raise UsageError(
                f"{self.out} holds a reconstruction of {begun.source} under the same name; "
                "choose a new folder"
            )


def new_name(scan: str, taken: Container[str]) -> str:
    """`file_name`, made another where two scans would have the same.

    Such are a/b.nii and a_b.nii, or one scan in two formats.
    """
    name = file_name(scan)
    while name in taken:
        name += "-again"
    return name


def file_name(scan: str) -> str:
    """A scan's name without folders and endings, so that it can name a file."""
    from hagan.data.formats import stem_of

    return stem_of(Path(scan.replace("/", "_")))
