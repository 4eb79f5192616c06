"""What a volume's numbers mean and where its voxels lie: window, placement, a cohort's geometry."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from hagan.config.data import Crop, PrepareConfig, Protocol
from hagan.data.conditions import Conditions
from hagan.data.volume import Modality
from hagan.errors import BadInputError

Affine: TypeAlias = tuple[tuple[float, float, float, float], ...]
"""Rows of a 4 x 4 matrix from voxel index (d, h, w, 1) to millimetres in RAS."""

Triple: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True)
class Window:
    """The intensities that are kept, and their place in [-1, 1].

    Attributes:
        low: Source intensity that becomes -1; below it everything is -1.
        high: Source intensity that becomes 1; above it everything is 1.
    """

    low: float
    high: float

    def window(self, intensities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map intensities of the source to [-1, 1].

        Args:
            intensities: Any shape; Hounsfield units for CT.

        Returns:
            The same shape, clipped to [-1, 1].
        """
        scaled = (intensities - np.float32(self.low)) * np.float32(2 / (self.high - self.low))
        values: NDArray[np.float32] = np.clip(scaled - np.float32(1), -1, 1)
        return values

    def unwindow(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map [-1, 1] back to intensities of the source.

        Args:
            values: Any shape.

        Returns:
            The same shape, in the source's units.
        """
        half = np.float32((self.high - self.low) / 2)
        return (values + np.float32(1)) * half + np.float32(self.low)


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a prepared grid lies in the patient and in its source, and what its intensities mean.

    Attributes:
        affine: Of the stored grid; of a brain from a head, to MNI152's millimetres.
        spacing: Voxel size of the stored grid along d, h, w, in mm.
        source_shape: Voxels of the source along d, h, w.
        source_affine: Of the source in canonical orientation.
        crop: First voxel and one past the last of the source along d, h, w that were kept; of a
            brain from a head, of the template's grid.
        window: Source intensities of -1 and 1.
        modality: What the intensities are.
        to_scanner: Rows of a 4 x 4 matrix from MNI152's millimetres to the scanner's, where a brain
            was registered; else `affine` leads to the scanner's already.
    """

    affine: Affine
    spacing: tuple[float, float, float]
    source_shape: Triple
    source_affine: Affine
    crop: tuple[tuple[int, int], ...]
    window: Window
    modality: Modality
    to_scanner: Affine | None = None

    @property
    def scanner_affine(self) -> NDArray[np.float64]:
        """4 x 4: voxel of the stored grid to millimetres of the scanner's space, RAS."""
        there = np.eye(4) if self.to_scanner is None else np.array(self.to_scanner, np.float64)
        return there @ np.array(self.affine, np.float64)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """What a model must know of its data to give new volumes a size, units and a name.

    Attributes:
        volume_shape: Voxels along d, h, w.
        spacing: Median voxel size over the scans along d, h, w, in mm.
        affine: Canonical axes, median spacing, world origin in the middle of the grid.
        modality: What the intensities are.
        protocol: How the scans were prepared.
        window_low: Median source intensity of -1.
        window_high: Median source intensity of 1.
        class_names: Names of the labels, in order; empty when there are none.
        isotropic: Whether the scans kept their proportions.
        field_of_view_mm: Longest side of the grid where it is the same for every scan.
        fixed_window: Window of every scan, where it was not found scan by scan.
        from_head: Whether the brains were taken out of whole heads and registered.
        crop: What was cut away before the grid.
        conditions: Covariates on which the model is conditioned.
    """

    volume_shape: Triple
    spacing: tuple[float, float, float]
    affine: Affine
    modality: Modality
    protocol: Protocol
    window_low: float
    window_high: float
    class_names: tuple[str, ...] = ()
    isotropic: bool = False
    field_of_view_mm: float | None = None
    fixed_window: tuple[float, float] | None = None
    from_head: bool = False
    crop: Crop = "slices"
    conditions: Conditions | None = None

    @property
    def prepare_config(self) -> PrepareConfig:
        """How a further scan is prepared as these were."""
        return PrepareConfig(
            protocol=self.protocol,
            volume_shape=self.volume_shape,
            isotropic=self.isotropic,
            field_of_view_mm=self.field_of_view_mm,
            window=self.fixed_window,
            from_head=self.from_head,
            crop=self.crop,
        )

    @property
    def window(self) -> Window:
        """The window as an object that maps intensities."""
        return Window(self.window_low, self.window_high)

    def to_json(self) -> str:
        """Write as one line of JSON.

        Returns:
            The text.
        """
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Geometry:
        """Read what ``to_json`` wrote.

        Args:
            text: The JSON.

        Returns:
            The geometry.

        Raises:
            BadInputError: The text is something else.
        """
        try:
            content = with_tuples(json.loads(text))
            if content.get("conditions") is not None:
                content["conditions"] = Conditions(**with_tuples(content["conditions"]))
            return cls(**content)
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInputError(f"not a data geometry: {error}") from error


def as_rows(affine: NDArray[np.float64]) -> Affine:
    """Turn a matrix into what JSON can hold.

    Args:
        affine: 4 x 4.

    Returns:
        Its rows.
    """
    return cast(Affine, tuple(tuple(row) for row in affine.tolist()))


def with_tuples(content: dict[str, Any]) -> dict[str, Any]:
    """Turn the lists that JSON made of tuples back into tuples.

    Args:
        content: An object as ``json.loads`` gives it.

    Returns:
        The same with tuples at every depth of lists.
    """

    def convert(value: Any) -> Any:
        return tuple(convert(item) for item in value) if isinstance(value, list) else value

    return {name: convert(value) for name, value in content.items()}
