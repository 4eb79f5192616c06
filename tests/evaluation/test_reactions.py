"""How the suite's result is told; the whole page is looked at in test_self_test."""

from __future__ import annotations

from evaluation.made import bodies
from hagan.evaluation.reactions import faults_of, markdown, page
from hagan.evaluation.self_test import Reaction, SelfTest

FOUND = SelfTest(
    count=200,
    side=64,
    definitions={"net": {"extractor": "net"}},
    reactions={
        "net": {"fid": {"blur-1": Reaction(9, 1, 40.0), "flipped": Reaction(1.1, 1, 0.4)}},
        "volumes": {"sharpness": {"blur-1": Reaction(0.2, 1, 80), "flipped": Reaction(1, 1, 0)}},
    },
    planted={"blur-1": bodies("blur-1", 0, 3), "flipped": bodies("flipped", 3, 3)},
)


def test_the_blind_are_named() -> None:
    assert FOUND.missed("net") == ["flipped"]
    text = markdown(FOUND, "hagan evaluate --self-test")
    assert "- net: no: blind to flipped" in text
    assert "| blur-1 | **40.0** |" in text
    assert "| flipped | 0.4 |" in text
    assert "n = 200, side 64" in text


def test_the_page_has_a_table_a_heading_and_pictures() -> None:
    html = page(FOUND, "hagan evaluate --self-test").html()
    assert "Features of net" in html
    assert "Voxels" in html
    assert html.count("<img") == 1
    assert faults_of(FOUND) == ["blur-1", "flipped"]
