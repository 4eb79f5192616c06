"""All of the paper's experiments one after another, and one page that holds what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hagan import __version__
from hagan.evaluation.report import Report
from hagan.experiments import augmentation as augmenting
from hagan.experiments import clinical as regressing
from hagan.experiments import synthesis as synthesising
from hagan.experiments.ablation import ablation
from hagan.experiments.augmentation import augmentation
from hagan.experiments.clinical import clinical
from hagan.experiments.latent import latent
from hagan.experiments.study import Study
from hagan.experiments.synthesis import synthesis
from hagan.experiments.tables import Result

Experiment = Callable[[Study, Mapping[str, Any]], Result]


def _synthesis(study: Study, facts: Mapping[str, Any]) -> Result:
    return synthesis(study, synthesising.MODELS, facts)


def _ablation(study: Study, facts: Mapping[str, Any]) -> Result:
    return ablation(study, facts)


def _augmentation(study: Study, facts: Mapping[str, Any]) -> Result:
    return augmentation(study, augmenting.MODELS, facts)


def _clinical(study: Study, facts: Mapping[str, Any]) -> Result:
    return clinical(study, regressing.MODELS, (), facts)


EXPERIMENTS: dict[str, Experiment] = {
    "synthesis": _synthesis,
    "ablation": _ablation,
    "augmentation": _augmentation,
    "clinical": _clinical,
    "latent": latent,
}
"""In the paper's order; later ones find the runs of earlier ones."""


def report_page(results: Sequence[Result], facts: Mapping[str, Any], command: str) -> Report:
    """The page: of each experiment the reading, pictures and tables.

    Args:
        results: In the order in which they are shown.
        facts: Of the machine and the settings.
        command: The command line that makes it again.
    """
    report = Report("The experiments of HA-GAN", f"hagan {__version__}")
    report.code(command)
    report.note(
        "Figures beside the paper's were measured on other scans, with other extractors and often "
        "at another size: the order of methods may be compared, figures may not."
    )
    if any(row.get("is_phantom") for result in results for row in result.rows):
        report.note(
            "Phantom figures: all scans here are phantoms with known truth. They show that the "
            "experiments work; they are no evidence about patients, and none of it is for clinical "
            "use."
        )
    report.table(("fact", "value"), [(name, str(value)) for name, value in facts.items()])
    for result in results:
        report.heading(result.title)
        if not result.is_complete:
            report.note("Not complete: some of its runs failed; the last table says which and why.")
        for sentence in result.reading:
            report.paragraph(sentence)
        for picture in result.pictures.values():
            report.picture(picture.png, picture.caption)
        for table in result.tables:
            report.subheading(table.title)
            report.table(table.header, table.body)
            if table.text:
                report.paragraph(table.text)
    return report
