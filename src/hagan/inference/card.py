"""A model card: what a run's weights are, what they were made from, and what they are not for.

The parts follow Mitchell et al., Model Cards for Model Reporting (2019); the first lines are the
YAML that model hubs read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hagan import __version__
from hagan.errors import BadInputError
from hagan.models.weights import Loaded

HEADLINES = {
    "fid": "Frechet distance (lower is better)",
    "kid": "KID (lower is better)",
    "mmd": "MMD (lower is better)",
    "precision": "precision (higher is better)",
    "recall": "recall (higher is better)",
    "coverage": "coverage (higher is better)",
    "memorised": "share nearer to a training scan than 5 % of held-out scans are (lower is better)",
    "sharpness": "sharpness (real is 1)",
    "seam_gradient": "seams (real is 1)",
    "ms_ssim": "MS-SSIM between samples",
}
"""Figures of an evaluation that a card shows, in order, and what they are called."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What only the publisher knows.

    Attributes:
        licence: Of the weights, as model hubs name it, such as ``cc-by-4.0``.
        data: The training data in words: cohort, access terms, consent.
        contact: Whom to ask.
    """

    licence: str = "other"
    data: str = ""
    contact: str = ""


def write_card(
    loaded: Loaded,
    card: Card,
    *,
    scans: Sequence[str] | None = None,
    results: Mapping[str, Any] | None = None,
) -> str:
    """Compose a model card.

    Args:
        loaded: The model.
        card: What the publisher says.
        scans: Ids and hashes of the training scans; None where they are not known.
        results: Content of an evaluation's results.json; None where there is none.

    Returns:
        Markdown.
    """
    parts = [
        _front_matter(loaded, card),
        f"# {loaded.config.name}\n",
        "A generative model of 3D medical images, made with hagan. **Its volumes are synthetic. "
        "They are no findings and no patients, and not for clinical use.**\n",
        _facts(loaded, scans),
        _uses(loaded),
        "## Training data\n",
        (card.data or "Not described by the publisher. Ask before you rely on it.") + "\n",
        _figures(results, loaded),
        _limits(),
        f"## Licence\n\nOf the weights: {card.licence}. Terms of the training data may bind them "
        "too. hagan's code is under the MIT licence.\n",
    ]
    if card.contact:
        parts.append(f"## Contact\n\n{card.contact}\n")
    return "\n".join(parts)


def training_scans(run: Path) -> list[str] | None:
    """Ids and hashes of the scans that a run was trained on, or None where it does not say.

    Args:
        run: A run folder, or a weights file.

    Returns:
        Lines such as ``0001:4139...``.

    Raises:
        BadInputError: The record is damaged.
    """
    path = run / "inputs.json"
    if not path.is_file():
        return None
    try:
        return [str(scan) for scan in json.loads(path.read_text("utf-8"))["scans"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path}: not the record of a run's scans ({error!r})") from error


def read_results(path: Path) -> dict[str, Any]:
    """Read what `hagan evaluate --out` wrote.

    Args:
        path: The folder, or its results.json.

    Returns:
        The content.

    Raises:
        BadInputError: There is none, or it is something else.
    """
    file = path / "results.json" if path.is_dir() else path
    try:
        content = json.loads(file.read_text("utf-8"))
        fakes = [item for item in content["sets"] if item["kind"] == "fake"]
        assert isinstance(fakes[0]["scores"], dict)
    except (OSError, ValueError, KeyError, IndexError, TypeError, AssertionError) as error:
        raise BadInputError(
            f"{file}: no results of hagan evaluate; make them with hagan evaluate RUN --out"
        ) from error
    found: dict[str, Any] = content
    return found


def _front_matter(loaded: Loaded, card: Card) -> str:
    modality = (loaded.geometry or {}).get("modality", "unknown")
    tags = ["medical-imaging", "3d", "gan", "synthetic-data"]
    tags += [modality] if modality in ("ct", "mr") else []
    return "\n".join(
        [
            "---",
            f"license: {card.licence}",
            "library_name: hagan",
            "pipeline_tag: unconditional-image-generation",
            "tags:",
            *(f"- {tag}" for tag in tags),
            "---",
            "",
        ]
    )


def _facts(loaded: Loaded, scans: Sequence[str] | None) -> str:
    geometry = loaded.geometry or {}
    model = loaded.model
    size = sum(p.numel() for module in model.published().values() for p in module.parameters())
    rows = {
        "recipe": loaded.config.name,
        "model": type(model).__name__,
        "volume (d, h, w)": " x ".join(map(str, model.volume_shape)),
        "latent code": f"{model.latent_dim} numbers, standard normal",
        "classes": ", ".join(geometry.get("class_names") or ()) if model.num_classes else "none",
        "parameters": f"{size:,} in {', '.join(model.published())}",
        "training steps": str(loaded.step),
        "held-back fold": loaded.config.fold or "none",
        "weights, SHA-256": f"`{loaded.sha256}`",
        "made with": f"hagan {__version__}",
    }
    if geometry:
        spacing = " x ".join(f"{size:.4g}" for size in geometry["spacing"])
        low, high = geometry["window_low"], geometry["window_high"]
        unit = " HU" if geometry["modality"] == "ct" else ""
        rows["voxels (d, h, w)"] = f"{spacing} mm"
        rows["intensities"] = f"{low:g} to {high:g}{unit}"
        rows["preparation"] = f"`hagan prepare --protocol {geometry['protocol']}`"
    if known := geometry.get("conditions"):
        rows["conditions"] = ", ".join(known["names"])
    if scans is not None:
        digest = hashlib.sha256("\n".join(sorted(scans)).encode()).hexdigest()
        rows["scans of the store"] = str(len(scans))
        rows["scans, SHA-256 of their hashes"] = f"`{digest}`"
    lines = ["## Facts\n", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows.items())]) + "\n"


def _uses(loaded: Loaded) -> str:
    encodes = "encoder" in loaded.model.published()
    code = " to find latent codes of scans," if encodes else ""
    return (
        "## Use\n\n"
        "Meant for research: to make volumes for method development and teaching,"
        f"{code} and to compare generative models.\n\n"
        "Not meant for diagnosis, for training a product without real validation data, or for "
        "claims about patients. Do not remove the marks that say that a volume is synthetic.\n\n"
        "    hagan generate MODEL out/new --count 16 --seed 1\n"
    )


def _figures(results: Mapping[str, Any] | None, loaded: Loaded) -> str:
    if results is None:
        return "## Figures\n\nNot evaluated. `hagan evaluate` judges it against real scans.\n"
    fake = next(item for item in results["sets"] if item["kind"] == "fake")
    rows = []
    for extractor, scores in fake["scores"].items():
        for key, name in HEADLINES.items():
            score = scores.get(key)
            if isinstance(score, dict) and isinstance(score.get("value"), int | float):
                rows.append(_row(extractor, name, score))
    told = "".join(f"> {warning}\n" for warning in results.get("warnings", ()))
    return "\n".join(
        [
            "## Figures\n",
            f"`{results['command']}`\n",
            f"{fake['n']} generated volumes against {results['real']['n']} real ones. The floor is "
            "the same figure of other real scans: nothing can be expected to do better.\n",
            told,
            "| seen by | figure | value | 95 % interval | floor | fingerprint |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _row(extractor: str, name: str, score: Mapping[str, Any]) -> str:
    interval = score.get("interval")
    between = "" if not interval else f"{interval[0]:.3g} to {interval[1]:.3g}"
    floor = score.get("floor")
    beside = "" if floor is None else f"{floor:.3g}"
    mark = score.get("fingerprint", "")
    return f"| {extractor} | {name} | {score['value']:.3g} | {between} | {beside} | `{mark}` |"


def _limits() -> str:
    return (
        "## Limits\n\n"
        "- A GAN shows a part of what its training scans show; rare findings are lost first.\n"
        "- With few scans it can repeat them. The figures above say how near its volumes come to "
        "training scans, where they were measured; they prove no privacy.\n"
        "- Figures hold for the scans that they were measured on, and only beside their floor.\n"
    )
