"""Compiled networks train as the others do; where torch cannot compile, one line says so."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from hagan.config.recipes import recipe
from hagan.models.ha_gan import HAGAN
from hagan.training.compiled import compile_networks

CPU = torch.device("cpu")


def made(**changes: Any) -> HAGAN:
    torch.manual_seed(0)
    config = replace(recipe("hagan-32").model, width=8, latent_dim=8, **changes)
    return HAGAN(config).double().train()


@pytest.mark.slow
def test_every_player_has_the_gradients_of_the_uncompiled() -> None:
    script = Path(__file__).with_name("compiled_gradients.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads(done.stdout)
    assert facts["compiled"]
    assert facts["graphs"] > 5
    assert facts["same_names"]
    assert facts["difference"] < 1e-10 * max(facts["largest"], 1.0)


def test_no_is_no() -> None:
    model = made()
    assert not compile_networks(model, "no", CPU)
    assert all(m._compiled_call_impl is None for m in model.modules())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")
def test_without_a_compiler_one_line_says_so_and_the_model_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("/nowhere/c++",))
    model = made()
    with caplog.at_level(logging.WARNING):
        assert not compile_networks(model, "reduce-overhead", CPU)
    graphs, reason = caplog.messages
    assert graphs == "CUDA graphs need CUDA, not cpu; compiled without them"
    assert reason.startswith("torch.compile does not work here (")
    assert reason.count("\n") == 0
    assert all(m._compiled_call_impl is None for m in model.modules())
