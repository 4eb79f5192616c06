"""Tables II and III, Figures 3 and 4: models by folds, judged alike, with one-tailed t-tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hagan.data.dataset import Fold, VolumeDataset
from hagan.data.montage import montage
from hagan.data.png import png_bytes
from hagan.data.store import Store
from hagan.evaluation.figures import COLOURS, embedding_picture
from hagan.experiments.cohort import Cohort
from hagan.experiments.cross_validation import (
    Contender,
    Entry,
    compared,
    failures,
    rows_of,
    run_entries,
)
from hagan.experiments.judging import samples
from hagan.experiments.published import SYNTHESIS, beside
from hagan.experiments.study import Study, fold_flag
from hagan.experiments.tables import Picture, Result, Table, drawn

MODELS = ("hagan", "wgan", "vae-gan", "alpha-gan", "progressive-gan", "style-gan", "cce-gan")
"""Ours first, then those of Tables II and III in their order."""

SHOWN = ("fid", "mmd", "inception_score")
"""The paper's metrics."""

PICTURED = 4
"""Volumes a row of Fig. 3."""

FIRST_FOLD = 0
"""Of which pictures are made."""


def synthesis(study: Study, models: Sequence[str], facts: Mapping[str, Any]) -> Result:
    """Train, judge and compare.

    Args:
        study: Where and how large.
        models: Families without the ending of their form; the first is tested against the others.
        facts: Of the machine and the settings.

    Raises:
        UsageError: A model has no recipe at the study's scale.
        InterruptedRunError: A signal; the same call goes on.
    """
    entries = run_entries(study, [Contender(model, study.scale.recipe(model)) for model in models])
    side = study.scale.side
    tables: list[Table] = []
    pictures: dict[str, Picture] = {}
    reading: list[str] = []
    rows = [row for entry in entries for row in rows_of(entry, side)]
    for cohort in study.cohorts:
        published = beside(SYNTHESIS, cohort.kind, side)
        own = [row for row in rows if row["cohort"] == cohort.name]
        own_tables, own_reading = compared(cohort, own, SHOWN, published)
        tables += own_tables
        reading += own_reading
        pictures |= _pictures(study, cohort, [e for e in entries if e.cohort == cohort])
    return Result(
        what="synthesis",
        title=f"Image synthesis at side {side} (Tables II and III, Figures 3 and 4)",
        rows=rows,
        tables=[*tables, *failures(entries)],
        pictures=pictures,
        facts=facts,
        reading=reading,
        is_complete=all(entry.ended.status in ("done", "elsewhere") for entry in entries),
    )


def _pictures(study: Study, cohort: Cohort, entries: Sequence[Entry]) -> dict[str, Picture]:
    """Fig. 3 and Fig. 4 of the first fold."""
    done = [e for e in entries if e.fold == FIRST_FOLD and e.ended.status == "done"]
    if not done:
        return {}
    store = Store.open(cohort.store(study.scale.side))
    held_out = VolumeDataset(store, Fold.parse(fold_flag(FIRST_FOLD)), part="held-out")
    strips = [("real", [store.load(entry) for entry in held_out.entries[:PICTURED]])]
    for entry in done:
        run = study.run_of(entry.contender.recipe, cohort, entry.fold)
        strips.append((entry.contender.name, samples(study, run, PICTURED)))
    synthetic = png_bytes(montage(strips), {"Synthetic": "yes"})
    pictures = drawn(
        f"samples-{cohort.name}",
        synthetic,
        f"Fig. 3: real {cohort.title} and samples of each model, fold {FIRST_FOLD}",
    )
    folder = done[0].judged.out / "features"
    drawn_models = done[: len(COLOURS) - 1]
    more = len(done) - len(drawn_models)
    told = f"; {more} more not drawn" if more else ""
    for extractor in sorted(path.name for path in folder.iterdir()):
        sets = {"real": done[0].judged.features(extractor)["real"]}
        for entry in drawn_models:
            sets[entry.contender.name] = entry.judged.features(extractor)["fake"]
        count = min(len(matrix) for matrix in sets.values())
        sets = {name: matrix[:count] for name, matrix in sets.items()}
        pictures |= drawn(
            f"mds-{cohort.name}-{extractor}",
            embedding_picture(sets, title=f"{cohort.title}, {extractor}, {count} a set{told}"),
            f"Fig. 4: {cohort.title} in one embedding of {extractor}'s features",
        )
    return pictures
