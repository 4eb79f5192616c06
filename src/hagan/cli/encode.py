"""`hagan encode`: latent codes of scans; several processes encode them in turns."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro
from rich.console import Console

from hagan.errors import BadInputError, ScanError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hagan.cli.together import Company
    from hagan.inference.reconstruct import Prepared
    from hagan.inference.sampler import Sampler


@dataclass(frozen=True)
class Encode:
    """Encode every scan of a store or a folder into one .npz."""

    model: tyro.conf.Positional[Path]
    """Run folder, or a weights file."""
    scans: tyro.conf.Positional[Path]
    """A store, a folder of scans, or one scan."""
    out: tyro.conf.Positional[Path]
    """File ending in .npz: codes [n, z], names, subjects, weights hash."""
    fold: str | None = None
    """i/n: of a store only the held-back subjects of fold i of n."""
    masks: Path | None = None
    """Of a folder: brain masks, matched by the start of the file name."""
    device: str = "auto"
    """cpu, cuda, cuda:1, mps; auto takes CUDA where there is any."""
    json: bool = False
    """Print a summary as JSON."""

    def run(self) -> int:
        """Encode; returns the exit code."""
        from hagan.cli.together import company

        with company() as together:
            return self._run(together)

    def _run(self, together: Company) -> int:
        import numpy as np

        from hagan.data.dataset import Fold
        from hagan.inference.reconstruct import open_scans
        from hagan.inference.sampler import Sampler

        world = together.world
        with world.agreed():
            if self.out.suffix != ".npz":
                raise UsageError(f"{self.out}: name a file that ends in .npz")
            sampler = Sampler.from_run(self.model, together.device(self.device))
            fold = None if self.fold is None else Fold.parse(self.fold)
            scans = open_scans(self.scans, sampler, fold=fold, masks=self.masks)
        console = Console(highlight=False, soft_wrap=True, quiet=self.json or not world.is_first)
        names, subjects, codes, failed = [], [], [], []
        for numbers in together.rounds(range(len(scans))):
            with world.agreed():
                number = together.own(numbers)
                own = None if number is None else self._encoded(sampler, scans.prepared(number))
            for found in world.gathered(own):
                if isinstance(found, str):
                    failed.append(found)
                    console.print(found, markup=False)
                elif found is not None:
                    names.append(found["name"])
                    subjects.append(found["subject"])
                    codes.append(np.array(found["code"], np.float32))
        if not codes:
            error = BadInputError(f"{self.scans}: no scan could be encoded")
            raise world.common(error)
        held = {
            "codes": np.stack(codes),
            "names": np.array(names),
            "subjects": np.array(subjects),
            "weights_sha256": np.array(sampler.loaded.sha256),
        }
        world.from_first(lambda: self._write(held))
        if self.json and world.is_first:
            print(json.dumps({"out": str(self.out), "encoded": len(codes), "failed": failed}))
        console.print(
            f"Wrote {len(codes)} codes of {sampler.loaded.model.latent_dim} entries to {self.out}"
            f"{f'; {len(failed)} scans failed' if failed else ''}\n"
            f"Next: numpy.load({str(self.out)!r})['codes']"
        )
        return BadInputError.exit_code if failed else 0

    def _encoded(self, sampler: Sampler, scan: Prepared | ScanError) -> dict[str, Any] | str:
        """Name, subject and code as JSON holds them, exactly; or what is wrong with the scan."""
        from hagan.inference.reconstruct import encode

        if isinstance(scan, ScanError):
            return str(scan)
        code = encode(sampler, scan.array)[0].float().tolist()
        return {"name": scan.name, "subject": scan.subject, "code": code}

    def _write(self, held: dict[str, NDArray[Any]]) -> None:
        import numpy as np

        from hagan.data.files import make_folder, write_bytes_atomically

        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **held)
        make_folder(self.out.parent)
        write_bytes_atomically(self.out, buffer.getvalue())
