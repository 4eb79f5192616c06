"""The network that finds brains: its numbers and nothing else come out of the archive."""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from data.made_head import needs_extra
from hagan.data.brain_extraction import BOX_FILE, BOX_SHA256, OUTLINE_FILE, OUTLINE_SHA256, PACKAGE
from hagan.data.link_net import LinkNet, load_link_net
from hagan.data.packaged import packaged_file
from hagan.errors import BadInputError


def archive(network: LinkNet, *, left_out: int = 0) -> bytes:
    """Tensors as TorchScript keeps them, beside a pickle and code that would do harm."""
    stream = io.BytesIO()
    tensors = list(network.state_dict().values())
    with zipfile.ZipFile(stream, "w") as files:
        files.writestr("some/data.pkl", b"cos\nsystem\n(S'false'\ntR.")
        files.writestr("some/code/__torch__.py", "raise SystemExit")
        for number, tensor in enumerate(tensors[: len(tensors) - left_out]):
            files.writestr(f"some/data/{number}", tensor.numpy().tobytes())
    return stream.getvalue()


def test_every_number_of_the_archive_lands_in_its_place() -> None:
    network = LinkNet()
    loaded = load_link_net(archive(network), "some.pt")
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=0, atol=0)
    assert not loaded.training
    volume = torch.randn(1, 1, 32, 64, 32)
    with torch.inference_mode():
        found = loaded(volume)
        assert found.shape == (1, 2, 32, 64, 32)
        torch.testing.assert_close(found.sum(1), torch.ones(1, 32, 64, 32))
        torch.testing.assert_close(found, network.eval()(volume))


@pytest.mark.parametrize("damage", ["cut", "short", "text", "empty"])
def test_a_damaged_archive_is_named(damage: str) -> None:
    whole = archive(LinkNet())
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    content = {
        "cut": whole[: len(whole) // 2],
        "short": archive(LinkNet(), left_out=1),
        "text": b"no archive",
        "empty": empty.getvalue(),
    }[damage]
    with pytest.raises(BadInputError, match=r"some\.pt: damaged"):
        load_link_net(content, "some.pt")


def test_another_network_is_named() -> None:
    other = LinkNet()
    other.init[0] = torch.nn.Conv3d(1, 16, 5, bias=False)
    with pytest.raises(BadInputError, match=r"some\.pt: init\.0\.weight has another size"):
        load_link_net(archive(other), "some.pt")


@needs_extra
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "sha256"), [(BOX_FILE, BOX_SHA256), (OUTLINE_FILE, OUTLINE_SHA256)]
)
def test_it_computes_what_the_packaged_program_does(file: str, sha256: str, tmp_path: Path) -> None:
    content = packaged_file(PACKAGE, file, sha256)
    (tmp_path / "known.pt").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        program = torch.jit.load(str(tmp_path / "known.pt")).eval()
    volume = torch.randn(1, 1, 64, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(load_link_net(content, file)(volume), program(volume))
