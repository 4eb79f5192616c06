"""`hagan encode`: latent codes of scans."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from hagan.errors import BadInputError, ScanError, UsageError


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
        import numpy as np

        from hagan.cli.train import pick_device
        from hagan.data.dataset import Fold
        from hagan.data.files import make_folder, write_bytes_atomically
        from hagan.inference.reconstruct import encode, prepared_scans
        from hagan.inference.sampler import Sampler

        if self.out.suffix != ".npz":
            raise UsageError(f"{self.out}: name a file that ends in .npz")
        console = Console(highlight=False, soft_wrap=True, quiet=self.json)
        sampler = Sampler.from_run(self.model, pick_device(self.device))
        fold = None if self.fold is None else Fold.parse(self.fold)
        names, subjects, codes, failed = [], [], [], []
        for scan in prepared_scans(self.scans, sampler, fold=fold, masks=self.masks):
            if isinstance(scan, ScanError):
                failed.append(str(scan))
                console.print(str(scan), markup=False)
                continue
            codes.append(encode(sampler, scan.array)[0].float().cpu().numpy())
            names.append(scan.name)
            subjects.append(scan.subject)
        if not codes:
            raise BadInputError(f"{self.scans}: no scan could be encoded")
        buffer = io.BytesIO()
        np.savez(
            buffer,
            codes=np.stack(codes),
            names=np.array(names),
            subjects=np.array(subjects),
            weights_sha256=np.array(sampler.loaded.sha256),
        )
        make_folder(self.out.parent)
        write_bytes_atomically(self.out, buffer.getvalue())
        if self.json:
            print(json.dumps({"out": str(self.out), "encoded": len(codes), "failed": failed}))
        console.print(
            f"Wrote {len(codes)} codes of {sampler.loaded.model.latent_dim} entries to {self.out}"
            f"{f'; {len(failed)} scans failed' if failed else ''}\n"
            f"Next: numpy.load({str(self.out)!r})['codes']"
        )
        return BadInputError.exit_code if failed else 0
