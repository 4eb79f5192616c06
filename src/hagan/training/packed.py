"""Many tensors as few flat ones, to travel between processes together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Packed:
    """Tensors copied into one flat tensor for each of their types, to travel together."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._groups: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for tensor in tensors:
            self._groups.setdefault((tensor.device, tensor.dtype), []).append(tensor)
        self.flat = [torch.cat([t.flatten() for t in group]) for group in self._groups.values()]

    def unpack(self) -> None:
        """Put the flat tensors' values back into the tensors that they came from."""
        for flat, group in zip(self.flat, self._groups.values(), strict=True):
            pieces = torch.split(flat, [tensor.numel() for tensor in group])
            for tensor, piece in zip(group, pieces, strict=True):
                tensor.copy_(piece.view_as(tensor))
