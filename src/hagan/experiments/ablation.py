"""Table IV and beyond: HA-GAN less one part at a time, and with other forms of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hagan.experiments.cross_validation import (
    Contender,
    compared,
    failures,
    rows_of,
    run_entries,
)
from hagan.experiments.published import ABLATION, beside
from hagan.experiments.study import Study
from hagan.experiments.tables import Result, Table

MODEL = "hagan"

SHOWN = ("fid", "mmd")
"""The metrics of Table IV."""


@dataclass(frozen=True)
class Variant:
    """One change of the recipe."""

    name: str
    settings: tuple[str, ...]
    about: str
    """What is changed, for people."""


VARIANTS = (
    Variant("whole", (), "the recipe as it is"),
    Variant(
        "without low branch",
        ("model.low_branch=false", "model.low_skip=false"),
        "neither G^L nor D^L, and nothing of G^L for G^H to add to",
    ),
    Variant(
        "without encoder",
        ("model.encoder=false",),
        "neither E^H nor E^G, which move nothing else; the time goes to G and D",
    ),
    Variant("deterministic r", ("model.random_start=false",), "r one of the slabs of a partition"),
    Variant(
        "no fixed codes",
        ("model.warm_start=null",),
        "reconstruction moves the encoders alone, as in section III-C and the released code",
    ),
    Variant(
        "learned codes",
        (
            "model.warm_start=null",
            "model.reconstruction_weight_generator=5.0",
            "model.encoder_every=1",
        ),
        "Eq. (7) reaches G through E^G, in place of fixed codes",
    ),
    Variant("no template", ("model.template=false",), "G makes what all volumes share, too"),
    Variant("no skip", ("model.low_skip=false",), "G^H makes all of the volume anew"),
    Variant(
        "slabs off",
        ("model.alignment=floor", "model.high_norm=group"),
        "slabs cut at r // 4 with zeros at their borders, as in the released code",
    ),
    Variant("group norm", ("model.high_norm=group",), "statistics of the slab in G^H and E^H"),
    Variant("last weights", ("training.average_half_life=null",), "no moving average of weights"),
    Variant(
        "two cross entropies",
        ("model.adversarial=two-terms", "model.spectral_norm=true"),
        "the losses of Eqs. (4) and (5) with a spectral norm, without R1 and R2",
    ),
    Variant("every 4th voxel", ("model.low_real=nearest",), "X^L as in the released code"),
)
"""The first four are Table IV's; all others are tested against the first."""

OF_TABLE_IV = 4


def ablation(study: Study, facts: Mapping[str, Any], *, beyond: bool = True) -> Result:
    """Train, judge and compare the variants of HA-GAN's recipe.

    Args:
        study: Where and how large.
        facts: Of the machine and the settings.
        beyond: Whether more than Table IV's variants are run.

    Raises:
        InterruptedRunError: A signal; the same call goes on.
    """
    variants = VARIANTS if beyond else VARIANTS[:OF_TABLE_IV]
    recipe = study.scale.recipe(MODEL)
    entries = run_entries(study, [Contender(v.name, recipe, v.settings) for v in variants])
    side = study.scale.side
    rows = [row for entry in entries for row in rows_of(entry, side)]
    tables: list[Table] = []
    reading: list[str] = []
    for cohort in study.cohorts:
        published = beside(ABLATION, cohort.kind, side)
        own = [row for row in rows if row["cohort"] == cohort.name]
        own_tables, own_reading = compared(cohort, own, SHOWN, published)
        tables += own_tables
        reading += own_reading
    about = tuple((v.name, " ".join(v.settings), v.about) for v in variants)
    tables.append(Table("The variants", ("name", "settings", "what it is"), about))
    reading.append(
        "No gradient of the encoders' losses reaches G, in the recipe as it is and in the released "
        "code: an encoder can cost synthesis time and cannot help it, and a difference between "
        "`whole` and `without encoder` is that time or chance. What reaches G is reconstruction "
        "from fixed codes, or through E^G in `learned codes`."
    )
    return Result(
        what="ablation",
        title=f"Ablation of {recipe} (Table IV and beyond)",
        rows=rows,
        tables=[*tables, *failures(entries)],
        pictures={},
        facts=facts,
        reading=reading,
        is_complete=all(entry.ended.status in ("done", "elsewhere") for entry in entries),
    )
