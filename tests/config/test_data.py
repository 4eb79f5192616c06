from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import pytest

from hagan.config.data import PrepareConfig
from hagan.errors import UsageError


def test_the_papers_choice_is_the_default() -> None:
    config = PrepareConfig(protocol="thorax-ct")
    assert not config.isotropic
    assert config.window is None
    assert config.top_quantile == 0.999
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.isotropic = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"volume_shape": (64, 64, 4)}, "at least 8"),
        ({"window": (600.0, -1024.0)}, "a lower and a higher"),
        ({"window": (math.nan, 1.0)}, "a lower and a higher"),
        ({"field_of_view_mm": 200.0}, "--isotropic"),
        ({"field_of_view_mm": -1.0, "isotropic": True}, "positive"),
        ({"top_quantile": 99.9}, "top quantile"),
        ({"from_head": True}, "--from-head goes with --protocol brain-t1"),
        ({"crop": "body"}, "--crop body goes with --protocol thorax-ct"),
        ({"protocol": "brain-t1", "crop": "body"}, "--crop body goes with --protocol thorax-ct"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes: dict[str, object], says: str) -> None:
    arguments: dict[str, object] = {"protocol": "generic", **changes}
    with pytest.raises(UsageError, match=says) as caught:
        PrepareConfig(**arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_it_is_read_without_numpy_and_torch() -> None:
    code = "import sys, hagan.config.data; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
