"""The planted-fault suite on a few phantoms: strong faults are noticed, blindness is told."""

from __future__ import annotations

import pytest

from evaluation.made import bodies, instruments
from hagan.config.evaluation import EvaluationConfig
from hagan.data.phantom.cohort import write_cohort
from hagan.data.protocols import THORAX_WINDOW
from hagan.errors import UsageError
from hagan.evaluation.faults import FAULTS
from hagan.evaluation.folders import FolderSource
from hagan.evaluation.reactions import faults_of, markdown, page, reaction_text
from hagan.evaluation.self_test import Reaction, SelfTest, self_test
from hagan.evaluation.sources import Grid

FACTS = {"resampling": "none", "window": "-1024 to 600"}
CONFIG = EvaluationConfig(resamples=20, pairs=6)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SelfTest:
    folder = tmp_path_factory.mktemp("phantoms")
    write_cohort("thorax", folder, count=36, side=32)
    volumes = FolderSource.survey(folder).volumes("phantoms", Grid((32,) * 3, THORAX_WINDOW))
    return self_test(volumes, instruments(), CONFIG, FACTS)


def test_too_few_phantoms_are_refused() -> None:
    with pytest.raises(UsageError, match="too few for a self-test"):
        self_test(bodies("x", 0, 20), instruments(), CONFIG, FACTS)


def test_reactions_count_from_three_deviations() -> None:
    assert Reaction(2.0, 1.0, 3.1).noticed
    assert not Reaction(2.0, 1.0, 2.9).noticed
    assert not Reaction(0.5, 1.0, -9.0).noticed, "better is not noticed"
    assert reaction_text(Reaction(2, 1, 3.14)) == "3.1"
    assert reaction_text(Reaction(2, 1, 1e7)) == "> 999"


@pytest.mark.slow
def test_every_fault_was_put_to_every_metric(found: SelfTest) -> None:
    expected = {*FAULTS, "copies of training", "mirrored copies"}
    for heading, metrics in found.reactions.items():
        for metric, items in metrics.items():
            assert set(items) == expected, (heading, metric)
    assert {"fid", "kid", "coverage", "memorised"} <= set(found.reactions["random-resnet10"])
    assert {"sharpness", "seam_gradient", "ms_ssim"} <= set(found.reactions["volumes"])


@pytest.mark.slow
def test_strong_faults_are_noticed_by_what_is_made_for_them(found: SelfTest) -> None:
    features, voxels = found.reactions["random-resnet10"], found.reactions["volumes"]
    blurs = [features["fid"][f"blur-{sigma}"].deviations for sigma in ("0.5", "1", "2")]
    assert blurs == sorted(blurs)
    assert blurs[-1] > 3
    assert all(voxels["sharpness"][f"blur-{sigma}"].noticed for sigma in ("0.5", "1", "2"))
    assert voxels["sharpness"]["noise-0.1"].noticed
    assert voxels["seam_gradient"]["stitched-slabs"].noticed
    assert features["memorised"]["copies of training"].value == 1
    assert features["memorised_mirrored"]["mirrored copies"].value == 1
    assert found.reactions["volumes"]["ms_ssim"]["blur-2"].value > 0


@pytest.mark.slow
def test_what_was_missed_is_said_on_the_page(found: SelfTest) -> None:
    missed = found.missed("random-resnet10")
    assert "blur-2" not in missed
    assert "copies of training" not in missed, "no distance can notice copies"
    html = page(found, "hagan evaluate --self-test").html()
    text = markdown(found, "hagan evaluate --self-test")
    for fault in missed:
        assert f"{fault}" in html.split("Features of")[0]
        assert fault in text.split("##")[0]
    for fault in faults_of(found):
        assert f"| {fault} |" in text
    assert "data:image/png" in html
