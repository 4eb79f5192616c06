"""`hagan direction`: the way in latent space along which a measured quantity grows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console

from hagan.errors import BadInputError, ScanError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hagan.data.store import Store, StoreEntry
    from hagan.evaluation.regions import Size
    from hagan.inference.latent_space import Direction as Found
    from hagan.inference.sampler import Sampler

LITTLE = 0.1
"""R2 of subjects left out, below which a direction is of no use."""


@dataclass(frozen=True)
class Direction:
    """Fit a linear regression of a region's size, or of a column, on encoded latents."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file; the model must encode."""
    store: tyro.conf.Positional[Path]
    """Store of the scans."""
    out: tyro.conf.Positional[Path]
    """File ending in .npz."""
    target: str
    """A region (of CT: lung, bone, emphysema; of MR: brain, ventricles), or a numeric column of
    the table with which the scans were prepared."""
    maps: Path | None = None
    """Folder of label maps in any grid, matched by the start of the file name: the target is the
    volume of their labels in ml, and --target what it is called."""
    labels: tuple[int, ...] = ()
    """With --maps: which labels count; by default all above 0."""
    fold: str | None = None
    """i/n: fit on the training subjects of a fold, and judge on those held back."""
    penalty: float | None = None
    """Of ridge regression; 0 is plain least squares; by default chosen by leaving out scans."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    json: bool = False
    """Print what was found as JSON."""

    def run(self) -> int:
        """Fit; returns the exit code."""
        import numpy as np

        from hagan.cli.train import pick_device
        from hagan.data.dataset import Fold, VolumeDataset
        from hagan.data.store import Store
        from hagan.inference.sampler import Sampler

        if self.out.suffix != ".npz":
            raise UsageError(f"{self.out}: name a file that ends in .npz")
        if self.penalty is not None and not self.penalty >= 0:
            raise UsageError(f"--penalty {self.penalty} must be at least 0")
        if self.labels and self.maps is None:
            raise UsageError("--labels goes with --maps, the folder of label maps")
        sampler = Sampler.from_run(self.model, pick_device(self.device))
        store = Store.open(self.store)
        fold = None if self.fold is None else Fold.parse(self.fold)
        entries = list(VolumeDataset(store, fold).entries)
        held_out = [] if fold is None else list(VolumeDataset(store, fold, "held-out").entries)
        mapped = self._mapped((*entries, *held_out))
        measured = [
            self._measured(sampler, store, entry, mapped) for entry in (*entries, *held_out)
        ]
        known = np.array([np.isfinite(row["value"]) for row in measured])
        count = int(known[: len(entries)].sum())
        if count < 3:
            raise BadInputError(
                f"{self.store}: {count} training scan(s) have {self.target}, a direction needs at "
                "least 3"
            )
        values = np.array([row["value"] for row in measured])
        codes = np.stack([row["code"] for row in measured])
        is_trained_on = np.arange(len(measured)) < len(entries)
        direction = self._fitted(sampler, codes, values, known & is_trained_on, measured)
        if (known & ~is_trained_on).sum() >= 2:
            from hagan.evaluation.regression import r_squared

            rest = known & ~is_trained_on
            score = r_squared(values[rest], direction.predict(codes[rest]))
            direction.facts["r_squared_held_out"] = score
        direction.save(self.out)
        self._tell(direction, len(measured) - int(known.sum()))
        return 0

    def _mapped(self, entries: Sequence[StoreEntry]) -> dict[str, float] | None:
        """Volume in ml of the labels of each scan's map, by source; None without maps.

        A scan whose map is missing or cannot be read has none, and is told.

        Raises:
            BadInputError: The folder holds no map.
        """
        import numpy as np

        from hagan.data.matching import match_masks
        from hagan.data.scans import Fault, Scan

        if self.maps is None:
            return None
        scans = [Scan(e.source, Path(e.source), subject=e.subject) for e in entries]
        console = Console(highlight=False, soft_wrap=True, stderr=True)
        volumes: dict[str, float] = {}
        for source, found in match_masks(scans, self.maps).items():
            try:
                if isinstance(found, Fault):
                    raise ScanError(found.code, found.message.removeprefix(f"{found.code} "))
                volume = found.read_as_stored()
            except ScanError as error:
                console.print(str(error), markup=False)
                continue
            counted = volume.voxels > 0
            if self.labels:
                counted = np.isin(np.rint(volume.voxels), self.labels)
            volumes[source] = np.count_nonzero(counted) * float(np.prod(volume.spacing)) / 1000
        return volumes

    def _measured(
        self,
        sampler: Sampler,
        store: Store,
        entry: StoreEntry,
        mapped: Mapping[str, float] | None,
    ) -> dict[str, Any]:
        """Code, the target's value and the sizes of all regions of one scan."""
        import numpy as np

        from hagan.evaluation.regions import region_sizes, regions_of
        from hagan.inference.reconstruct import encode
        from hagan.inference.sampler import to_volume

        array = store.load(entry)
        if array.shape != tuple(sampler.loaded.model.volume_shape):
            raise UsageError(
                f"{self.store} holds volumes of {array.shape}, the model "
                f"{sampler.loaded.model.volume_shape}"
            )
        volume = to_volume(array, sampler.geometry)
        sizes = region_sizes(volume) if regions_of(sampler.geometry) else {}
        if mapped is None:
            value = self._of_table(store, entry, sizes)
        else:
            value = mapped.get(entry.source, np.nan)
        code = encode(sampler, array)[0].double().cpu().numpy()
        return {"code": code, "value": value, "sizes": sizes, "subject": entry.subject}

    def _of_table(self, store: Store, entry: StoreEntry, sizes: Mapping[str, float]) -> float:
        """The target's value: the size of a region, or the entry of a column; NaN for none.

        Raises:
            UsageError: It is neither, or text.
        """
        columns = sorted({name for other in store.entries for name in other.covariates})
        if self.target not in sizes and self.target not in columns:
            raise UsageError(
                f"--target {self.target}: neither a region ({', '.join(sizes) or 'none known'}) "
                f"nor a column of the scans' table ({', '.join(columns) or 'none given'})"
            )
        value = sizes.get(self.target, entry.covariates.get(self.target, float("nan")))
        if isinstance(value, str):
            raise UsageError(f"--target {self.target}: {entry.source} has {value!r}, not a number")
        return float(value)

    def _fitted(
        self,
        sampler: Sampler,
        codes: NDArray[Any],
        values: NDArray[Any],
        used: NDArray[Any],
        measured: list[dict[str, Any]],
    ) -> Found:
        import numpy as np

        from hagan.evaluation.regions import regions_of
        from hagan.evaluation.regression import fit_ridge, r_squared, unseen_r_squared
        from hagan.inference.latent_space import QUANTILES
        from hagan.inference.latent_space import Direction as Found

        fit = fit_ridge(codes[used], values[used], self.penalty)
        subjects = [row["subject"] for row, one in zip(measured, used, strict=True) if one]
        unseen = unseen_r_squared(codes[used], values[used], subjects, self.penalty)
        centred = codes[used] - codes[used].mean(axis=0)
        known = regions_of(sampler.geometry)
        sizes = [row["sizes"] for row, one in zip(measured, used, strict=True) if one]
        spreads = {name: float(np.nanstd([row[name] for row in sizes])) for name in known}
        return Found(
            target=self.target,
            unit=self._unit(known),
            weights=fit.weights,
            intercept=fit.intercept,
            pattern=centred.T @ (centred @ fit.weights) / len(centred),
            quantiles=tuple(float(q) for q in np.quantile(values[used], QUANTILES)),
            weights_sha256=sampler.loaded.sha256,
            facts={
                "scans": int(used.sum()),
                "penalty": fit.penalty,
                "r_squared_training": r_squared(values[used], fit.predict(codes[used])),
                "r_squared_unseen": unseen,
                "spreads": spreads,
                "code_mean": float(codes[used].mean()),
                "code_sd": float(codes[used].std()),
            },
        )

    def _unit(self, known: Mapping[str, Size]) -> str:
        if self.maps is not None:
            return "ml"
        return known[self.target].unit if self.target in known else ""

    def _tell(self, direction: Found, lacking: int) -> None:
        facts = direction.facts
        if self.json:
            told = {"out": str(self.out), "target": self.target, "unit": direction.unit, **facts}
            print(json.dumps({**told, "quantiles": direction.quantiles}))
            return
        console = Console(highlight=False, soft_wrap=True)
        held = facts.get("r_squared_held_out")
        unseen = facts["r_squared_unseen"]
        judged = "" if held is None else f", {held:.3f} of the fold's held-out scans"
        low, middle, high = direction.quantiles[0], direction.quantiles[2], direction.quantiles[-1]
        console.print(
            f"Fitted {self.target} on {facts['scans']} codes"
            f"{f' ({lacking} scans have no value)' if lacking else ''}: penalty "
            f"{facts['penalty']:.3g}, R2 {facts['r_squared_training']:.3f} of these scans, "
            f"{unseen:.3f} of subjects left out{judged}\n"
            f"{self.target} of the scans: {low:.4g} to {high:.4g} {direction.unit}, "
            f"median {middle:.4g}\nNext: hagan traverse {self.model} {self.out} FOLDER",
            markup=False,
        )
        if not unseen >= LITTLE:
            console.print(
                f"! the codes tell next to nothing of {self.target}: a way along this direction "
                "means nothing",
                markup=False,
            )
