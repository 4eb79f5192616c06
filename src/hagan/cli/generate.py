"""`hagan generate`: new volumes of a run, marked as synthetic, each one repeatable.

Several processes make the volumes in turns and leave the folder that one of them would leave.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.progress import track

from hagan.errors import UsageError

if TYPE_CHECKING:
    from hagan.cli.together import Company
    from hagan.data.volume import Volume
    from hagan.inference.export import Exporter, Row
    from hagan.inference.sampler import Sampler


@dataclass(frozen=True)
class Generate:
    """Generate volumes with the spacing and intensity scale of the training data."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    out: tyro.conf.Positional[Path]
    """Folder for the volumes and manifest.json; an interrupted series is gone on with."""
    count: int = 16
    """Volumes."""
    seed: int = 0
    """Of the series; volume k of a seed never depends on how many there are."""
    label: int | None = None
    """Class of a conditional model, from 0; by default the classes in turn."""
    condition: Annotated[
        tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="NAME=VALUE")
    ] = ()
    """Number of a conditional model in the units of its table, such as age=70; give one of each. By
    default every volume takes those of a training scan."""
    format: Literal["nifti", "npy", "dicom", "bids"] = "nifti"
    """Of the files; dicom writes a series of marked CT or MR slices for each volume, bids NIfTI in
    the folders of a BIDS derivative."""
    truncation: float = 1.0
    """Below 1: more typical and less varied volumes; never for an evaluation."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    stream: Literal["auto", "always", "never"] = "auto"
    """Slab by slab: less memory, more time. auto: where the free memory does not hold a whole."""
    json: bool = False
    """Print the manifest's path and rows as JSON."""

    def run(self) -> int:
        """Generate; returns the exit code."""
        from hagan.cli.together import company

        with company() as together:
            return self._run(together)

    def _run(self, together: Company) -> int:
        from hagan.inference.export import GENERATED, MANIFEST, Exporter
        from hagan.inference.sampler import Sampler

        world = together.world
        with world.agreed():
            self._refuse_what_cannot_be()
            sampler = Sampler.from_run(
                self.model,
                together.device(self.device),
                self.stream,
                processes=world.size,
                encodes=False,
            )
            exporter = Exporter(
                self.out, sampler.loaded, kind=GENERATED, bids=self.format == "bids"
            )
            missing = self._missing(exporter, sampler)
        # One process may see a folder a moment later than another.
        missing = world.from_first(lambda: missing)
        console = Console(highlight=False, soft_wrap=True, quiet=self.json or not world.is_first)
        rounds = together.rounds(missing)
        hidden = not console.is_terminal or console.quiet
        for indices in track(rounds, "generating", console=console, disable=hidden):
            self._add(exporter, sampler, together, indices)
        if self.json and world.is_first:
            rows = [asdict(row) for row in exporter.manifest.rows]
            print(json.dumps({"manifest": str(self.out / MANIFEST), "rows": rows}, indent=2))
        console.print(
            f"Wrote {self.count} synthetic volumes and {MANIFEST} to {self.out}\n"
            f"Next: open them in any viewer, or hagan reconstruct {self.model} SCANS OUT"
        )
        return 0

    def _refuse_what_cannot_be(self) -> None:
        if self.count < 1 or self.seed < 0 or not 0 < self.truncation <= 1:
            raise UsageError("--count from 1, --seed from 0, --truncation above 0 and at most 1")

    def _missing(self, exporter: Exporter, sampler: Sampler) -> list[int]:
        """Numbers of the volumes that are still to be made.

        Raises:
            UsageError: The folder holds volumes that were made with other flags.
        """
        own = {self._file(row.index or 0, sampler) for row in exporter.manifest.rows}
        if any(row.file not in own for row in exporter.manifest.rows):
            raise UsageError(f"{self.out} holds files of another format; choose a new folder")
        missing = []
        for index in range(self.count):
            row = self._row(index, sampler)
            begun = exporter.manifest.row_of(row.file)
            if begun is not None and replace(begun, sha256="") != row:
                raise UsageError(
                    f"{self.out / row.file} was made with other flags; choose a new folder"
                )
            if begun is None or not (self.out / row.file).exists():
                missing.append(index)
        return missing

    def _row(self, index: int, sampler: Sampler) -> Row:
        """The manifest's row of a volume, but for the hash."""
        from hagan.inference.export import Row

        classes = sampler.loaded.model.num_classes
        label = index % classes if classes and self.label is None else self.label
        return Row(
            file=self._file(index, sampler),
            sha256="",
            seed=self.seed,
            index=index,
            label=label,
            truncation=self.truncation,
            conditions=sampler.conditions(
                index, seed=self.seed, label=label, asked=conditions_asked(self.condition)
            ),
        )

    def _file(self, index: int, sampler: Sampler) -> str:
        from hagan.inference.export import file_name

        geometry = sampler.geometry
        return file_name(index, self.format, None if geometry is None else geometry.protocol)

    def _add(
        self, exporter: Exporter, sampler: Sampler, together: Company, indices: Sequence[int]
    ) -> None:
        """Make one volume a process and write it, then the rows of all."""
        from hagan.inference.export import Row

        world, index = together.world, together.own(indices)
        row = None
        with ExitStack() as held:
            with world.agreed():
                if index is not None:
                    volume, row = held.enter_context(self._made(sampler, index))
            # Not before there is a volume: what fails at once leaves no folder.
            world.from_first(exporter.begin)
            with world.agreed():
                if row is not None:
                    exporter.write(volume, row)
        rows = [Row(**found) for found in world.gathered(row and asdict(row)) if found is not None]
        world.from_first(lambda: exporter.enter(rows))

    @contextmanager
    def _made(self, sampler: Sampler, index: int) -> Iterator[tuple[Volume, Row]]:
        """A volume and its row; slab by slab it never comes into memory whole."""
        from hagan.inference.export import hash_of

        row = self._row(index, sampler)
        asked: dict[str, Any] = {
            name: getattr(row, name) for name in ("seed", "label", "truncation", "conditions")
        }
        if sampler.streams:
            with sampler.sample_on_disk(index, folder=self.out, **asked) as (volume, sha256):
                yield volume, replace(row, sha256=sha256)
        else:
            volume = sampler.sample(index, **asked)
            yield volume, replace(row, sha256=hash_of(volume))


def conditions_asked(texts: Sequence[str]) -> dict[str, float]:
    """Numbers by name from NAME=VALUE.

    Raises:
        UsageError: One is something else, or a name comes twice.
    """
    asked: dict[str, float] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError as error:
            raise UsageError(f"--condition {text} must be NAME=NUMBER, such as age=70") from error
        if name in asked:
            raise UsageError(f"--condition {name} is given twice; each has one value")
        asked[name] = number
    return asked
