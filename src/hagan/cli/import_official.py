"""`hagan import-official`: the authors' released checkpoints as a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro
from rich.console import Console

from hagan.errors import BadInputError, UsageError


@dataclass(frozen=True)
class ImportOfficial:
    """Read released files, running nothing in them: G.pth [D.pth] [E.pth Sub_E.pth] RUN."""

    paths: tyro.conf.Positional[tuple[Path, ...]]
    """G, then D, E and Sub_E if you have them (E and Sub_E together), last the run's folder."""
    side: Literal[128, 256] | None = None
    """Side of the volumes that the checkpoint makes; D or Sub_E tells it, G alone does not."""

    def run(self) -> int:
        """Import; returns the exit code."""
        from hagan.config.codec import to_json
        from hagan.config.ha_gan import HAGANConfig
        from hagan.config.recipes import recipe
        from hagan.config.run_dir import RunDir
        from hagan.data.files import make_folder, write_bytes_atomically
        from hagan.models.official import OfficialFiles, import_official, side_of
        from hagan.models.weights import save_model

        *files, folder = self.paths
        if not 1 <= len(files) <= 4:
            raise UsageError(
                "give 1 to 4 files, then a folder: G.pth [D.pth] [E.pth Sub_E.pth] RUN"
            )
        run = RunDir(folder)
        if run.config.exists() or run.weights.exists():
            raise UsageError(f"{folder} holds a run already; choose a new folder")
        # Two or four files begin with G and D; three are G, E and Sub_E.
        with_d = len(files) in (2, 4)
        encoders = files[2:] if with_d else files[1:]
        official = OfficialFiles(
            generator=files[0],
            discriminator=files[1] if with_d else None,
            encoder=encoders[0] if encoders else None,
            sub_encoder=encoders[1] if encoders else None,
        )
        absent = [str(path) for path in files if not path.is_file()]
        if absent:
            raise BadInputError(f"{absent[0]}: no such file")
        side = self.side or side_of(official.discriminator, official.sub_encoder)
        if side is None:
            raise UsageError(
                "a generator alone fits both sides: say --side 128 or --side 256, as it was trained"
            )
        config = recipe(f"hagan-official-{side}")
        assert isinstance(config.model, HAGANConfig)
        model = import_official(official, config.model)
        config = replace(config, model=model.config)
        make_folder(run.weights.parent)
        sha256 = save_model(model, run.weights, config=config, step=0, geometry=None)
        write_bytes_atomically(run.config, to_json(config).encode())
        Console(highlight=False, soft_wrap=True).print(
            f"Imported {len(files)} files to {run.weights} (SHA-256 {sha256[:16]}...): latent "
            f"{model.latent_dim}, classes {model.num_classes or 'none'}, encoder "
            f"{'yes' if model.encoder is not None else 'no'}\n"
            "The files know nothing of their data: volumes come in [-1, 1] with 1 mm spacing\n"
            f"Next: hagan generate {folder} OUT --count 4"
        )
        return 0
