"""What it looks like when memory runs out, on any device."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

ResultT = TypeVar("ResultT")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator of a device, of the CPU or of Python had no more memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    texts = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in texts)


def unless_out_of_memory(compute: Callable[[], ResultT]) -> ResultT | None:
    """What `compute` returns, or None where memory ran out; all that it held is free again."""
    try:
        return compute()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    return None
