"""All scans of a part of a store held in the memory of one device, as the int16 of their files.

Batches are then made where they are used: nothing is read, nothing crosses the bus. Values come
from a table that the CPU computed, not from the device's arithmetic, so that they are equal to the
store's bit for bit on every device.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from hagan.data.dataset import VolumeDataset
from hagan.data.quantised import dequantise
from hagan.errors import OutOfMemoryError
from hagan.types import Labels

_ZERO = 32768
"""Where int16 0 stands in a table of all its values."""


class ResidentDataset:
    """Volumes of a part of a store by number, from the memory of a device.

    Attributes:
        device: Where they are.
        volume_shape: Voxels along d, h, w of every volume.
        num_classes: As the part has it.
        num_conditions: As the part has it.
    """

    def __init__(self, dataset: VolumeDataset, device: str | torch.device) -> None:
        """Read every scan once.

        Args:
            dataset: The part of the store.
            device: Where to hold it.

        Raises:
            OutOfMemoryError: The device has no room for the scans; `check_room` tells before.
            BadInputError: A file of the store is damaged.
        """
        self.device = torch.device(device)
        self.volume_shape = dataset.volume_shape
        self.num_classes = dataset.num_classes
        self.num_conditions = dataset.num_conditions
        shape = (len(dataset), 1, *self.volume_shape)
        try:
            self._voxels = torch.empty(shape, dtype=torch.int16, device=self.device)
        except RuntimeError as error:
            raise _no_room(dataset, self.device, None) from error
        on_cpu = torch.empty(self.volume_shape, dtype=torch.int16)
        for entry, held in zip(dataset.entries, self._voxels, strict=True):
            dataset.store.load_into(entry, on_cpu.numpy())
            held[0].copy_(on_cpu)
        values = np.empty(2 * _ZERO, np.float32)
        dequantise(np.arange(-_ZERO, _ZERO).astype(np.int16), values)
        self._values = torch.from_numpy(values).to(self.device)
        labels = dataset.labels(list(range(len(dataset))))
        self._labels = None if labels is None else labels.to(self.device)

    def __len__(self) -> int:
        """Count the scans."""
        return len(self._voxels)

    def read_into(
        self, index: int, out: Float[Tensor, "1 d h w"], *, mirrored: bool = False
    ) -> None:
        """Write one volume to where it is wanted, without waiting for the device.

        Args:
            index: Its number, from 0.
            out: A contiguous place on the device, in float32.
            mirrored: Swap left and right.
        """
        stored = self._voxels[index]
        if self.device.type == "cpu":
            # The same division as the table's, and many times as fast as looking up.
            given = stored.numpy()
            dequantise(given[..., ::-1] if mirrored else given, out.numpy())
        else:
            self._look_up(stored, out, mirrored)

    def labels(self, indices: list[int]) -> Labels | None:
        """Look up what some scans are conditioned on.

        Args:
            indices: Their numbers, from 0.

        Returns:
            A row for each, on the device; None for a part without classes or covariates.
        """
        if self._labels is None:
            return None
        # Row by row: a list as an index would be copied to the device, which waits for it.
        return torch.stack([self._labels[index] for index in indices])

    def _look_up(self, stored: Tensor, out: Tensor, mirrored: bool) -> None:
        """The route of devices other than the CPU."""
        given = stored.flip(-1) if mirrored else stored
        places = given.to(torch.int32).add_(_ZERO).flatten()
        torch.index_select(self._values, 0, places, out=out.view(-1))


def resident_bytes(dataset: VolumeDataset) -> int:
    """Say how much memory the scans of a part take on a device.

    Args:
        dataset: The part of a store.

    Returns:
        Bytes.
    """
    return 2 * len(dataset) * int(np.prod(dataset.volume_shape))


def check_room(dataset: VolumeDataset, device: str | torch.device, free: int | None) -> None:
    """Refuse to hold scans that do not fit.

    Args:
        dataset: The part of a store.
        device: Where to hold it.
        free: Bytes that the device has to give; None where that is not known.

    Raises:
        OutOfMemoryError: They need more.
    """
    if free is not None and resident_bytes(dataset) > free:
        raise _no_room(dataset, device, free)


def _no_room(
    dataset: VolumeDataset, device: str | torch.device, free: int | None
) -> OutOfMemoryError:
    has = "it does not have that" if free is None else f"{_size(free)} are free"
    return OutOfMemoryError(
        f"the {len(dataset)} scans of {dataset.store.path} need {_size(resident_bytes(dataset))} "
        f"of memory on {device}, and {has}; read them as they are needed, with --resident never"
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
