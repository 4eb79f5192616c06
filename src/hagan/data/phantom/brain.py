"""Renders one T1-weighted brain phantom with known volumes at any resolution."""

import numpy as np

from hagan.data.phantom.brain_calibration import Brain, solve_brain
from hagan.data.phantom.brain_cohort import BrainSubject
from hagan.data.phantom.brain_grid import (
    AVERAGED_UP_TO,
    FIELD_OF_VIEW_MM,
    SPACING,
    Array,
    Sampler,
    WorkSampler,
    average_to_image,
    image_positions,
)
from hagan.data.phantom.brain_tissue import Tissue, compose
from hagan.data.phantom.fields import blur, spline_noise, stream
from hagan.data.phantom.rendered import CalibrationError, Rendered

_TOLERANCES = {"brain_ml": 0.01, "ventricles_ml": 0.05, "hippocampi_ml": 0.05}
_CHUNK = 24
_FIELDS = ("gm", "wm", "csf", "ventricles", "hippocampi", "signal")


def render_brain(subject: BrainSubject, side: int, masks: bool = False) -> Rendered:
    """Render a skull-stripped brain in a cube of 192 mm.

    Args:
        subject: Factors, from `draw_brain`.
        side: Voxels along each axis.
        masks: Also return the tissue fractions.

    Returns:
        Voxels [side, side, side] float32 with white matter near 1 and 0 outside the brain, the
        truth (targets and what was achieved), and fractions `gm`, `wm`, `csf`, `ventricles`
        (lateral) and `hippocampi` if asked for.

    Raises:
        CalibrationError: A volume missed its target: brain by more than 1 %, lateral ventricles
            or hippocampi by more than 5 %.
    """
    brain = solve_brain(subject, side)
    tissue = _to_image(subject, brain, side)
    truth = _measure(subject, brain, tissue, side)
    voxels = _expose(subject, tissue, side)
    fractions = {}
    if masks:
        fractions = {
            "gm": tissue.gm,
            "wm": tissue.wm,
            "csf": tissue.csf,
            "ventricles": tissue.ventricles,
            "hippocampi": tissue.hippocampi,
        }
    return Rendered(voxels, truth, fractions)


def _to_image(subject: BrainSubject, brain: Brain, side: int) -> Tissue:
    """Bring a solved brain to the image cube."""
    scale = brain.widths.scale
    intensities = (subject.gm_intensity, subject.csf_intensity)
    if side <= AVERAGED_UP_TO:
        # A coarse voxel holds several sulci: composing there would lose volume, averaging cannot.
        fine = compose(
            brain.ribbon,
            brain.hindbrain,
            brain.layers,
            brain.widths,
            intensities,
            WorkSampler(),
            SPACING,
        )
        return Tissue(*(average_to_image(getattr(fine, f), side, scale) for f in _FIELDS))
    box, positions = image_positions(side, scale)
    images = {name: np.zeros((side, side, side), np.float32) for name in _FIELDS}
    voxel = FIELD_OF_VIEW_MM / side / scale
    for first in range(0, len(positions[0]), _CHUNK):
        sampler = Sampler((positions[0][first : first + _CHUNK], positions[1], positions[2]))
        part = compose(
            brain.ribbon,
            brain.hindbrain,
            brain.layers,
            brain.widths,
            intensities,
            sampler,
            voxel,
        )
        start = box[0].start + first
        for name, image in images.items():
            image[start : start + sampler.shape[0], box[1], box[2]] = getattr(part, name)
    return Tissue(**images)


def _measure(subject: BrainSubject, brain: Brain, tissue: Tissue, side: int) -> dict[str, float]:
    """Tabulate the truth and refuse a brain that misses its targets."""
    voxel_ml = (FIELD_OF_VIEW_MM / side) ** 3 / 1000
    gm, wm, csf, ventricles, hippocampi = (
        float(getattr(tissue, name).sum(dtype=np.float64)) * voxel_ml for name in _FIELDS[:5]
    )
    achieved = {
        "icv_ml": gm + wm + csf,
        "brain_ml": gm + wm,
        "gm_ml": gm,
        "wm_ml": wm,
        "csf_ml": csf,
        "ventricles_ml": ventricles,
        "hippocampi_ml": hippocampi,
    }
    targets = {
        "icv_ml": subject.icv_ml,
        "brain_ml": subject.brain_ml,
        "gm_ml": subject.gm_ml,
        "wm_ml": subject.brain_ml - subject.gm_ml,
        "csf_ml": subject.icv_ml - subject.brain_ml,
        "ventricles_ml": subject.ventricles_ml,
        "hippocampi_ml": subject.hippocampi_ml,
    }
    if abs(achieved["icv_ml"] / brain.icv_ml - 1) > 0.002:
        raise CalibrationError(
            f"brain {subject.subject} of seed {subject.seed} does not fit the field of view: "
            f"{achieved['icv_ml']:.0f} of {brain.icv_ml:.0f} ml lie inside"
        )
    for name, tolerance in _TOLERANCES.items():
        miss = achieved[name] / targets[name] - 1
        if abs(miss) > tolerance:
            raise CalibrationError(
                f"brain {subject.subject} of seed {subject.seed} at side {side}: {name} "
                f"{achieved[name]:.2f} misses {targets[name]:.2f} by {miss:.1%}, "
                f"allowed {tolerance:.0%}"
            )
    widths = brain.widths
    return {
        "age": subject.age,
        "male": float(subject.male),
        **{f"target_{name}": value for name, value in targets.items()},
        **achieved,
        "sulcal_half_width_mm": widths.half_width,
        "sulcal_deepening_mm": widths.deeper,
        "thickness_mm": widths.thickness,
        "scale": widths.scale,
        "gm_intensity": subject.gm_intensity,
        "csf_intensity": subject.csf_intensity,
        "bias": subject.bias,
        "noise": subject.noise,
    }


def _expose(subject: BrainSubject, tissue: Tissue, side: int) -> Array:
    """Turn tissue into an image: slow variation, blur, coil shading, Rician noise, mask."""
    shape = (side, side, side)
    signal = tissue.signal
    texture = stream(subject.seed, subject.subject, "brain/texture")
    signal = signal * (1 + np.float32(0.02) * spline_noise(texture, 16, shape))
    inside = tissue.gm + tissue.wm + tissue.csf
    if side > AVERAGED_UP_TO:
        signal = blur(signal, 0.42)
    shading = stream(subject.seed, subject.subject, "brain/bias")
    signal *= np.exp(np.float32(subject.bias) * spline_noise(shading, 5, shape))
    grain = stream(subject.seed, subject.subject, "brain/noise")
    real = signal + np.float32(subject.noise) * grain.standard_normal(shape, dtype=np.float32)
    imaginary = np.float32(subject.noise) * grain.standard_normal(shape, dtype=np.float32)
    voxels: Array = np.sqrt(real * real + imaginary * imaginary)
    voxels[inside < 0.5] = 0
    return voxels
