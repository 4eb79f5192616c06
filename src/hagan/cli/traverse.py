"""`hagan traverse`: volumes along a direction in latent space, and whether they are as asked."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro
from rich.console import Console

from hagan.config.evaluation import TRAVERSAL_PICTURE as PICTURE
from hagan.config.evaluation import TRAVERSAL_RESULTS as RESULTS
from hagan.errors import BadInputError, ScanError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hagan.data.volume import Volume
    from hagan.evaluation.outlines import Shown
    from hagan.evaluation.traversal import Agreement, Step
    from hagan.inference.export import Exporter
    from hagan.inference.latent_space import Direction
    from hagan.inference.sampler import Sampler

TABLE = "table.csv"

FAR = 2.0
"""Standard deviations of the prior a dimension, beyond which a moved code is no code any more."""


@dataclass(frozen=True, eq=False)
class Start:
    """A code that is moved."""

    name: str
    code: NDArray[Any]
    """[1, z], float64."""
    label: int | None = None
    conditions: dict[str, float] | None = None
    index: int | None = None
    """Of a drawn code."""
    source: str | None = None
    """The scan of an encoded one."""


@dataclass(frozen=True)
class Traverse:
    """Move latent codes along a direction, generate, and measure what came of it."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file: the one that the direction was fitted for."""
    direction: tyro.conf.Positional[Path]
    """From `hagan direction`."""
    out: tyro.conf.Positional[Path]
    """Folder for volumes, manifest.json, table.csv, results.json, traverse.png and films."""
    count: int = 4
    """Codes drawn from the prior, or scans that are taken."""
    seed: int = 0
    """Of the codes, as in `hagan generate`."""
    scans: Path | None = None
    """Edit these instead: a store, a folder of scans, or one scan. The results are patient data."""
    fold: str | None = None
    """i/n: of a store only the held-back subjects of fold i of n."""
    masks: Path | None = None
    """Of a folder: brain masks, matched by the start of the file name."""
    values: tuple[float, ...] = ()
    """What is asked for; by default --steps values over the range of the scans."""
    steps: int = 7
    """Values from the 5 % to the 95 % quantile of the scans."""
    hold: tuple[Path, ...] = ()
    """Directions whose predicted value shall not change."""
    along: Literal["data", "weights"] = "data"
    """data: the way on which the codes of scans spread; weights: the shortest way, the paper's."""
    label: int | None = None
    """Class of a conditional model, from 0, for drawn codes."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    json: bool = False
    """Print results.json."""

    def run(self) -> int:
        """Traverse; returns the exit code."""
        from hagan.cli.train import pick_device
        from hagan.inference.export import GENERATED, REBUILT, Exporter
        from hagan.inference.latent_space import Direction
        from hagan.inference.sampler import Sampler

        if self.count < 1 or self.steps < 2 or not all(map(math.isfinite, self.values)):
            raise UsageError("--count is at least 1, --steps at least 2, --values are numbers")
        direction = Direction.load(self.direction)
        held = [Direction.load(path) for path in self.hold]
        sampler = Sampler.from_run(
            self.model, pick_device(self.device), encodes=self.scans is not None
        )
        for path, one in zip((self.direction, *self.hold), (direction, *held), strict=True):
            if one.weights_sha256 != sampler.loaded.sha256:
                raise UsageError(
                    f"{path} was fitted for other weights than {self.model}; fit it again with "
                    "hagan direction"
                )
        console = Console(highlight=False, soft_wrap=True, quiet=self.json)
        failed: list[str] = []
        starts = self._starts(sampler, failed)
        exporter = Exporter(self.out, sampler.loaded, kind=REBUILT if self.scans else GENERATED)
        steps: list[Step] = []
        rows: list[tuple[str, list[Shown]]] = []
        for start in starts:
            way = self._way(sampler, exporter, start, direction, held)
            steps += [step for step, _ in way]
            rows.append((start.name, [shown for _, shown in way]))
        for line in failed:
            console.print(line, markup=False)
        results = self._write(direction, steps, rows)
        if self.json:
            print(json.dumps(results))
        self._tell(console, direction, results)
        return BadInputError.exit_code if failed else 0

    def _starts(self, sampler: Sampler, failed: list[str]) -> list[Start]:
        """The codes to move; scans that cannot be encoded are told."""
        from hagan.cli.reconstruct import new_name
        from hagan.data.dataset import Fold
        from hagan.inference.reconstruct import conditions_of, encode, label_of, open_scans

        if self.scans is None:
            if self.fold is not None or self.masks is not None:
                raise UsageError("--fold and --masks go with --scans")
            return [
                Start(
                    f"latent-{index:03d}",
                    sampler.latents(index, seed=self.seed).double().cpu().numpy(),
                    self.label,
                    sampler.conditions(index, seed=self.seed, label=self.label),
                    index=index,
                )
                for index in range(self.count)
            ]
        if self.label is not None:
            raise UsageError("--label goes with drawn codes; a scan keeps its own class")
        fold = None if self.fold is None else Fold.parse(self.fold)
        scans = open_scans(self.scans, sampler, fold=fold, masks=self.masks)
        starts: dict[str, Start] = {}
        for number in range(min(self.count, len(scans))):
            scan = scans.prepared(number)
            if isinstance(scan, ScanError):
                failed.append(str(scan))
                continue
            name = new_name(scan.name, starts)
            code = encode(sampler, scan.array).double().cpu().numpy()
            label, conditions = label_of(sampler, scan), conditions_of(sampler, scan)
            starts[name] = Start(name, code, label, conditions, source=scan.name)
        if not starts:
            raise BadInputError(f"{self.scans}: no scan could be encoded ({failed[0]})")
        return list(starts.values())

    def _values(self, direction: Direction) -> list[float]:
        if self.values:
            return sorted(set(self.values))
        low, high = direction.quantiles[0], direction.quantiles[-1]
        if low == high:
            raise UsageError(f"{direction.target} is {low:g} in all scans; give --values")
        return [low + (high - low) * step / (self.steps - 1) for step in range(self.steps)]

    def _way(
        self,
        sampler: Sampler,
        exporter: Exporter,
        start: Start,
        direction: Direction,
        held: Sequence[Direction],
    ) -> list[tuple[Step, Shown]]:
        """One code at every value: files written, regions measured."""
        import numpy as np
        import torch

        from hagan.evaluation.outlines import Shown
        from hagan.evaluation.regions import region_masks, region_sizes, regions_of
        from hagan.evaluation.traversal import Step
        from hagan.inference.export import Row, hash_of
        from hagan.inference.latent_space import moved

        way = []
        for number, value in enumerate(self._values(direction)):
            code = moved(start.code, direction, value, held=held, along=self.along)
            away = float(np.linalg.norm(code - start.code)) / math.sqrt(code.shape[1])
            tensor = torch.from_numpy(code.astype(np.float32)).to(sampler.device)
            volume = sampler.decode(tensor, start.label, start.conditions)
            masks = region_masks(volume) if regions_of(sampler.geometry) else {}
            sizes = region_sizes(volume, masks) if masks else {}
            row = Row(
                file=f"{start.name}-{number:02d}.nii.gz",
                sha256=hash_of(volume),
                seed=None if start.index is None else self.seed,
                index=start.index,
                label=start.label,
                conditions=start.conditions,
                source=start.source,
                target=direction.target,
                asked=value,
            )
            exporter.add(volume, row)
            told = f"{value:.4g}"
            if direction.target in sizes:
                told += f" > {sizes[direction.target]:.4g}"
            shown = Shown(told, _windowed(sampler, volume), masks.get(direction.target))
            way.append((Step(start.name, value, sizes, away), shown))
        return way

    def _write(
        self,
        direction: Direction,
        steps: Sequence[Step],
        rows: Sequence[tuple[str, Sequence[Shown]]],
    ) -> dict[str, Any]:
        """Pictures, films, the table and, last, results.json, whose content is returned."""
        from hagan.data.files import write_bytes_atomically
        from hagan.evaluation.outlines import film, rows_png
        from hagan.evaluation.traversal import agreement, moved_with

        mark = {"Synthetic": "yes", "NotForClinicalUse": "yes"}
        write_bytes_atomically(self.out / PICTURE, rows_png(rows, mark))
        for name, shown in rows:
            comment = "SYNTHETIC hagan; not for clinical use"
            write_bytes_atomically(self.out / f"{name}.gif", film(shown, comment))
        regions = list(steps[0].measured)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["start", "asked", "distance", *regions])
        for step in steps:
            sizes = [f"{step.measured[name]:.6g}" for name in regions]
            writer.writerow([step.start, f"{step.asked:.6g}", f"{step.distance:.4g}", *sizes])
        write_bytes_atomically(self.out / TABLE, text.getvalue().encode())
        found: Agreement | None = None
        if direction.target in regions and len({step.asked for step in steps}) > 1:
            found = agreement(steps, direction.target)
        spreads = direction.facts.get("spreads", {})
        results = {
            "target": direction.target,
            "unit": direction.unit,
            "along": self.along,
            "held": [str(path) for path in self.hold],
            "agreement": None if found is None else _plain(asdict(found)),
            "moved_with": _plain(
                {name: moved_with(steps, name, spreads) for name in regions if name in spreads}
            ),
            "largest_distance": max(step.distance for step in steps),
            "steps": [{**asdict(step), "measured": _plain(dict(step.measured))} for step in steps],
        }
        write_bytes_atomically(self.out / RESULTS, (json.dumps(results, indent=1) + "\n").encode())
        return results

    def _tell(self, console: Console, direction: Direction, results: dict[str, Any]) -> None:
        console.print(
            f"Wrote {len(results['steps'])} volumes to {self.out}; {PICTURE} shows them, {TABLE} "
            f"has what was measured. Codes moved by up to {results['largest_distance']:.2f} "
            "standard deviations of the prior a dimension",
            markup=False,
        )
        if results["largest_distance"] > FAR:
            console.print(
                "! so far from where they started codes mean nothing: ask for less, or for a "
                "quantity that the codes tell (see R2 in `hagan direction`)"
            )
        found = results["agreement"]
        if found is not None:
            console.print(
                f"{direction.target} asked and measured: rank correlation {_text(found['rank'])} "
                f"over all, {_text(found['rank_within'])} within a start; "
                f"{_text(found['slope'])} measured for 1 asked; mean absolute difference "
                f"{_text(found['error'])} {direction.unit}",
                markup=False,
            )
        others = {k: v for k, v in results["moved_with"].items() if k != direction.target}
        if others:
            told = ", ".join(f"{name} {_text(value)}" for name, value in others.items())
            console.print(
                f"What else moved, in standard deviations of the scans: {told}", markup=False
            )
        console.print(f"Next: open {self.out / PICTURE}", markup=False)


def _windowed(sampler: Sampler, volume: Volume) -> NDArray[Any]:
    """Intensities in [-1, 1] again, to be shown."""
    geometry = sampler.geometry
    return volume.voxels if geometry is None else geometry.window.window(volume.voxels)


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    """As JSON holds them: none for what is not a number."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
