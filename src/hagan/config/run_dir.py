"""Where a run keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunDir:
    """A run's folder, which generating, encoding and resuming take as their argument."""

    path: Path

    @property
    def config(self) -> Path:
        """The complete recipe."""
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """One JSON line of losses and rates each few steps."""
        return self.path / "metrics.jsonl"

    @property
    def warnings(self) -> Path:
        """One JSON line for each sign that training went wrong; absent where there was none."""
        return self.path / "warnings.jsonl"

    @property
    def weights(self) -> Path:
        """Weights for use: safe to publish."""
        return self.path / "weights" / "model.safetensors"

    @property
    def second_weights(self) -> Path:
        """Weights of the second moving average, where the recipe keeps one."""
        return self.path / "weights" / "second.safetensors"

    @property
    def state(self) -> Path:
        """Folder of checkpoints for resuming."""
        return self.path / "state"

    @property
    def previews(self) -> Path:
        """Folder of preview pictures."""
        return self.path / "previews"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files."""
        return self.path / "tensorboard"
