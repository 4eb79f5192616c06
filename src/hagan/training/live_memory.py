"""How many bytes the tensors of a computation hold at once, and how many operations it takes.

A tensor's bytes count from the operation that makes its storage to the moment when nothing refers
to it any more, looked at after each operation. That holds for real tensors and for fake ones, which
have sizes and no numbers. What an allocator rounds up or keeps, and what a kernel takes for itself,
does not count.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


@dataclass(eq=False)
class Usage:
    """What a part of a computation took."""

    peak: int = 0
    """Most bytes that were held at once, those from before the part among them."""
    saved: int = 0
    """Most bytes that waited for a backward pass at once, without weights."""
    flops: int = 0
    """Floating-point operations of convolutions and matrix products, 2 for each multiply-add."""


class LiveMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the tensors made inside; those from before do not count."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = Usage()
        self.held = 0
        """Bytes that are held now."""
        self._parts = [self.total]
        self._sizes: dict[int, int] = {}
        """By storage; an address is taken out before another storage can have it."""
        self._outside: set[int] = set()
        self._watched: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        self._waiting: dict[int, int] = {}
        """How many times each storage waits for a backward pass."""
        self._packed: dict[int, weakref.ref[Tensor]] = {}
        self.saved = 0
        """Bytes that wait for a backward pass now."""

    @property
    def peak(self) -> int:
        """Most bytes that were held at once."""
        return self.total.peak

    @contextmanager
    def part(self, weights: Iterable[Tensor] = ()) -> Iterator[Usage]:
        """What is computed inside the block, counted by itself too.

        Args:
            weights: Tensors that do not count as saved for a backward pass.
        """
        part = Usage(peak=self.held)
        excluded = {_address(tensor) for tensor in weights}

        def pack(tensor: Tensor) -> Tensor:
            # Itself, it would hold a graph that no backward pass frees. Autograd puts it back in
            # its place in the graph when it asks for it.
            packed = tensor.detach()
            if _address(tensor) not in excluded:
                self._wait(packed)
            return packed

        self._parts.append(part)
        try:
            with torch.autograd.graph.saved_tensors_hooks(pack, _unchanged):
                yield part
        finally:
            self._parts.remove(part)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Compute, then count."""
        kwargs = kwargs or {}
        # This is passed for each operation, and so written without calls that could be saved.
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                if storage._cdata not in self._watched:
                    self._outside.add(storage._cdata)
                    self._watch(storage)
        made = func(*args, **kwargs)
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor):
                storage = leaf.untyped_storage()
                address = storage._cdata
                if address not in self._outside:
                    if address not in self._watched:
                        self._watch(storage)
                    size = storage.nbytes()
                    self.held += size - self._sizes.get(address, 0)
                    self._sizes[address] = size
        count = flop_registry.get(func._overloadpacket)
        flops = 0 if count is None else int(count(*args, **kwargs, out_val=made))
        for part in self._parts:
            part.peak = max(part.peak, self.held)
            part.flops += flops
        return made

    def _watch(self, storage: torch.UntypedStorage) -> None:
        """Forget the storage when nothing refers to it any more."""
        forget = partial(self._forget, storage._cdata)
        self._watched[storage._cdata] = weakref.ref(storage, forget)

    def _forget(self, address: int, _: object) -> None:
        self.held -= self._sizes.pop(address, 0)
        self._outside.discard(address)
        self._watched.pop(address, None)

    def _wait(self, packed: Tensor) -> None:
        """Count the storage as saved until the graph lets go of what it packed."""
        storage = packed.untyped_storage()
        address, size, number = storage._cdata, storage.nbytes(), id(packed)
        before = self._waiting.get(address, 0)
        self._waiting[address] = before + 1
        self.saved += 0 if before else size
        release = partial(self._release, number, address, size)
        self._packed[number] = weakref.ref(packed, release)
        for part in self._parts:
            part.saved = max(part.saved, self.saved)

    def _release(self, number: int, address: int, size: int, _: object) -> None:
        self._packed.pop(number, None)
        left = self._waiting.pop(address) - 1
        if left:
            self._waiting[address] = left
        else:
            self.saved -= size


def peak_of(work: Callable[[], object]) -> int:
    """Most bytes that the tensors which `work` makes hold at once, without gradients."""
    live = LiveMemory()
    with torch.no_grad(), live:
        work()
    return live.peak


def _address(tensor: Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


def _unchanged(tensor: Tensor) -> Tensor:
    return tensor
