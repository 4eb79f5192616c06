"""How many bytes the tensors of a computation hold at once, counted after each operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def is_tensor(leaf: object) -> bool:
    return isinstance(leaf, Tensor)


class LiveBytes(TorchDispatchMode):
    """Most bytes that the tensors made inside held at once; those from before do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._sizes: dict[StorageWeakRef, int] = {}
        self._before: set[StorageWeakRef] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = {StorageWeakRef(t.untyped_storage()) for t in tree_leaves(args) if is_tensor(t)}
        self._before |= given - self._sizes.keys()
        made = func(*args, **kwargs or {})
        for leaf in filter(is_tensor, tree_leaves(made)):
            storage = leaf.untyped_storage()
            self._sizes[StorageWeakRef(storage)] = storage.nbytes()
        for ref in self._before & self._sizes.keys():
            del self._sizes[ref]
        self._sizes = {ref: size for ref, size in self._sizes.items() if not ref.expired()}
        self.peak = max(self.peak, sum(self._sizes.values()))
        return made


def peak_of(work: Callable[[], object]) -> int:
    with torch.no_grad(), LiveBytes() as live:
        work()
    return live.peak
