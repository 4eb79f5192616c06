"""The page of all experiments."""

from __future__ import annotations

import numpy as np

from hagan.data.png import png_bytes
from hagan.experiments.everything import EXPERIMENTS, report_page
from hagan.experiments.tables import Picture, Result, Table


def result(*, is_phantom: bool = True, is_complete: bool = True) -> Result:
    return Result(
        what="synthesis",
        title="Image synthesis",
        rows=[{"is_phantom": is_phantom}],
        tables=[Table("Means", ("", "FID"), (("hagan <b>", "1.2"),), "Below it.")],
        pictures={"a": Picture(png_bytes(np.zeros((4, 4), np.uint8)), "Fig. 3: samples")},
        facts={},
        reading=["hagan is no better than wgan."],
        is_complete=is_complete,
    )


def test_everything_that_was_found_is_on_the_page() -> None:
    page = report_page([result()], {"scale": "tiny"}, "hagan experiment all --out x").html()
    for text in (
        *("Image synthesis", "Means", "hagan &lt;b&gt;", "1.2", "Below it.", "Fig. 3: samples"),
        *("hagan is no better than wgan.", "hagan experiment all --out x", "tiny"),
        *("no evidence about patients", "data:image/png;base64,"),
    ):
        assert text in page
    assert "Not complete" not in page
    assert "http" not in page


def test_what_failed_and_what_is_real_is_said() -> None:
    page = report_page([result(is_phantom=False, is_complete=False)], {}, "x").html()
    assert "Not complete" in page
    assert "no evidence about patients" not in page


def test_all_are_there() -> None:
    assert list(EXPERIMENTS) == ["synthesis", "ablation", "augmentation", "clinical", "latent"]
