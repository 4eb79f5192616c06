"""Lack of memory is told from other errors, and gives way to another try."""

from __future__ import annotations

import pytest
import torch

from hagan.training.out_of_memory import is_out_of_memory, unless_out_of_memory


def test_what_is_lack_of_memory() -> None:
    for error in (
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory"),
    ):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_only_lack_of_memory_is_passed_over() -> None:
    def ask_for_too_much() -> int:
        return len(torch.empty(2**50))

    def go_wrong() -> int:
        raise RuntimeError("shapes do not fit")

    assert unless_out_of_memory(ask_for_too_much) is None
    assert unless_out_of_memory(lambda: 7) == 7
    with pytest.raises(RuntimeError, match="shapes"):
        unless_out_of_memory(go_wrong)
