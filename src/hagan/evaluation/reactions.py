"""The planted-fault suite's result as a page and as Markdown."""

from __future__ import annotations

from hagan import __version__
from hagan.evaluation.faults import FAULTS
from hagan.evaluation.figures import sample_grid
from hagan.evaluation.report import Marked, Report
from hagan.evaluation.scores import METRICS
from hagan.evaluation.self_test import NOTICED, Reaction, SelfTest

EXPLANATION = (
    f"Standard deviations of the floor, the metric between random halves without a fault; above "
    f"{NOTICED:g}, in bold, a fault was noticed. Positive is worse, or farther from 1."
)
MANY = 999.0


def page(found: SelfTest, command: str) -> Report:
    """The page: verdicts, a table a heading, pictures of the faults."""
    report = Report(
        "Who notices planted faults?",
        f"{found.count} thorax phantoms of side {found.side} a set. Phantom figures: they say what "
        "a metric can see, not how a generator does.",
    )
    report.heading("Verdicts")
    report.table(("extractor", "fit to lead a headline?"), list(_verdicts(found)))
    faults = faults_of(found)
    for heading, metrics in found.reactions.items():
        report.heading(f"Features of {heading}" if heading in found.definitions else "Voxels")
        report.table(
            ("", *faults),
            [
                (METRICS[metric].title, *(_marked(items[fault]) for fault in faults))
                for metric, items in metrics.items()
            ],
        )
    report.paragraph(EXPLANATION)
    report.heading("The faults")
    report.table(("fault", "what it is"), [(f.name, f.sentence) for f in FAULTS.values()])
    report.picture(
        sample_grid(list(found.planted.values()), columns=3), "Each fault in the same volumes."
    )
    report.heading("The command")
    report.code(command)
    report.paragraph(f"hagan {__version__}.")
    return report


def markdown(found: SelfTest, command: str) -> str:
    """The tables as Markdown; a row a fault."""
    lines = [f"`{command}`, hagan {__version__}: n = {found.count}, side {found.side}. ", ""]
    lines += [f"- {name}: {verdict}" for name, verdict in _verdicts(found)]
    for heading, metrics in found.reactions.items():
        lines += ["", f"## {heading}", ""]
        lines.append("| fault | " + " | ".join(METRICS[m].title for m in metrics) + " |")
        lines.append("|---" * (len(metrics) + 1) + "|")
        for fault in faults_of(found):
            cells = [_markdown(items[fault]) for items in metrics.values()]
            lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", EXPLANATION, ""])


def faults_of(found: SelfTest) -> list[str]:
    """Faults in the order of planting."""
    return list(found.planted)


def reaction_text(reaction: Reaction) -> str:
    """A reaction in a few characters."""
    deviations = reaction.deviations
    if abs(deviations) > MANY:
        return f"> {MANY:.0f}" if deviations > 0 else f"< -{MANY:.0f}"
    return f"{deviations:.1f}"


def _verdicts(found: SelfTest) -> list[tuple[str, str]]:
    return [
        (name, f"no: blind to {', '.join(missed)}" if (missed := found.missed(name)) else "yes")
        for name in found.definitions
    ]


def _marked(reaction: Reaction) -> Marked:
    return Marked(reaction_text(reaction), is_best=reaction.noticed)


def _markdown(reaction: Reaction) -> str:
    text = reaction_text(reaction)
    return f"**{text}**" if reaction.noticed else text
