"""Factors of one T1 brain phantom: age, sex, volumes, cortex, intensities, pose.

The volume regressions were fitted to 151 IXI brains with automatic volumes; the rest are textbook
values.
"""

from dataclasses import dataclass, replace
from math import exp

import numpy as np

from hagan.data.phantom.fields import stream


@dataclass(frozen=True)
class _Regression:
    """log volume (ml) = constant + age a + age2 a^2 + male M + size z, with a residual spread."""

    constant: float
    age: float
    age2: float
    male: float
    size: float
    spread: float

    def log_volume(self, age: float, male: bool, icv_ml: float) -> float:
        a = (age - 50) / 10
        z = (icv_ml - 1450) / 100
        return self.constant + self.age * a + self.age2 * a * a + self.male * male + self.size * z


_REGRESSIONS = {
    "brain_ml": _Regression(7.185, -0.01365, -0.00238, -0.0039, 0.0700, 0.0143),
    "gm_ml": _Regression(6.581, -0.0349, -0.0040, -0.0064, 0.0633, 0.0284),
    "ventricles_ml": _Regression(2.634, 0.2157, 0.0412, -0.027, 0.0912, 0.417),
    "hippocampi_ml": _Regression(2.079, -0.0132, -0.0073, 0.0020, 0.0514, 0.068),
    "third_ventricle_ml": _Regression(-0.409, 0.2071, 0.0259, 0.120, 0.110, 0.456),
}
_RESIDUAL_CORRELATION = np.array(
    [
        [1.0, 0.65, -0.20, 0.1, -0.1],
        [0.65, 1.0, -0.42, 0.1, -0.2],
        [-0.20, -0.42, 1.0, -0.1, 0.6],
        [0.1, 0.1, -0.1, 1.0, -0.1],
        [-0.1, -0.2, 0.6, -0.1, 1.0],
    ]
)
_CHOLESKY = np.linalg.cholesky(_RESIDUAL_CORRELATION)


@dataclass(frozen=True)
class BrainSubject:
    """Every factor of one brain.

    Attributes:
        seed: Seed of the cohort.
        subject: Number in the cohort; with the seed it opens all random streams of the anatomy.
        age: Years.
        male: Sex.
        icv_ml: Intracranial volume aimed at.
        brain_ml: Brain volume aimed at (all of the cranial content but cerebrospinal fluid).
        gm_ml: Grey-matter volume aimed at, deep nuclei and cerebellum included.
        ventricles_ml: Volume of the two lateral ventricles aimed at.
        hippocampi_ml: Volume of the two hippocampi aimed at.
        third_ventricle_ml: Volume of the third ventricle aimed at, roughly met.
        sulcal_half_width_mm: Expected half width of sulci, where the solver starts.
        thickness_mm: Cortical thickness at the crown of a gyrus.
        axis_ratios: Stretch of the head along (d, h, w), product 1.
        rotation_degrees: Pose about the (d, h, w) axes.
        shift_mm: Pose along (d, h, w).
        gm_intensity: Cortex relative to white matter.
        csf_intensity: Fluid relative to white matter.
        bias: Standard deviation of the logarithm of the coil's shading.
        noise: Standard deviation of the Rician noise relative to white matter.
    """

    seed: int
    subject: int
    age: float
    male: bool
    icv_ml: float
    brain_ml: float
    gm_ml: float
    ventricles_ml: float
    hippocampi_ml: float
    third_ventricle_ml: float
    sulcal_half_width_mm: float
    thickness_mm: float
    axis_ratios: tuple[float, float, float]
    rotation_degrees: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    gm_intensity: float
    csf_intensity: float
    bias: float
    noise: float


def _expected_half_width(age: float) -> float:
    a = (age - 50) / 10
    return 0.55 + 0.10 * a + 0.02 * a * a


def draw_brain(seed: int, subject: int, young: bool = False) -> BrainSubject:
    """Draw the factors of one subject.

    Args:
        seed: Seed of the cohort.
        subject: Number of the subject in the cohort.
        young: Draw ages 18 to 35, like the GSP release, instead of 20 to 80.

    Returns:
        The factors. The same seed and number give the same factors always.
    """
    people = stream(seed, subject, "brain/people")
    age = float(people.uniform(18, 35) if young else people.uniform(20, 80))
    male = bool(people.random() < 0.48)
    icv_ml = 1352 - 5 * (age - 50) / 10 + 163 * male + 117 * people.standard_normal()
    icv_ml = float(np.clip(icv_ml, 1080, 1800))

    volumes = stream(seed, subject, "brain/volumes")
    # Past 2.5 standard deviations the shapes would have to leave what a head can hold.
    residuals = np.clip(_CHOLESKY @ volumes.standard_normal(len(_REGRESSIONS)), -2.5, 2.5)
    targets = {
        name: exp(law.log_volume(age, male, icv_ml) + law.spread * float(residual))
        for (name, law), residual in zip(_REGRESSIONS.items(), residuals, strict=True)
    }

    cortex = stream(seed, subject, "brain/cortex-factors")
    half_width = _expected_half_width(age) + 0.07 * cortex.standard_normal()
    thickness = 2.75 - 0.045 * (age - 50) / 10 + 0.09 * cortex.standard_normal()

    pose = stream(seed, subject, "brain/pose")
    stretch = np.clip(pose.standard_normal(3), -2, 2) * 0.04
    stretch = np.exp(stretch - stretch.mean())
    # A head both large and long would leave the field of view: length gives way to width.
    longest = 1.075 / (icv_ml / 1450) ** (1 / 3)
    if stretch[1] > longest:
        stretch[[0, 2]] *= (stretch[1] / longest) ** 0.5
        stretch[1] = longest
    rotation = pose.uniform(-5, 5, 3)
    shift = pose.uniform(-2.5, 2.5, 3)

    scanner = stream(seed, subject, "brain/scanner")
    gm = 0.70 - 0.004 * (age - 50) / 10 + 0.012 * scanner.standard_normal()
    csf = 0.27 + 0.03 * scanner.standard_normal()
    bias = 0.03 * exp(0.25 * scanner.standard_normal())
    noise = 0.02 * exp(0.25 * scanner.standard_normal())
    return BrainSubject(
        seed=seed,
        subject=subject,
        age=age,
        male=male,
        icv_ml=icv_ml,
        sulcal_half_width_mm=float(np.clip(half_width, 0.35, 1.5)),
        thickness_mm=float(np.clip(thickness, 2.3, 3.2)),
        axis_ratios=(float(stretch[0]), float(stretch[1]), float(stretch[2])),
        rotation_degrees=(float(rotation[0]), float(rotation[1]), float(rotation[2])),
        shift_mm=(float(shift[0]), float(shift[1]), float(shift[2])),
        gm_intensity=float(gm),
        csf_intensity=float(np.clip(csf, 0.18, 0.36)),
        bias=float(bias),
        noise=float(noise),
        **targets,
    )


def at_age(subject: BrainSubject, age: float) -> BrainSubject:
    """Move a subject to another age along the regressions, its own deviations kept.

    Args:
        subject: Whom to age.
        age: New age in years.

    Returns:
        The same head with the volumes, sulci, cortex and contrast of that age.
    """
    decades = (age - subject.age) / 10
    targets = {
        name: getattr(subject, name)
        * exp(
            law.log_volume(age, subject.male, subject.icv_ml)
            - law.log_volume(subject.age, subject.male, subject.icv_ml)
        )
        for name, law in _REGRESSIONS.items()
    }
    widened = _expected_half_width(age) - _expected_half_width(subject.age)
    return replace(
        subject,
        age=age,
        sulcal_half_width_mm=max(0.35, subject.sulcal_half_width_mm + widened),
        thickness_mm=subject.thickness_mm - 0.045 * decades,
        gm_intensity=subject.gm_intensity - 0.004 * decades,
        **targets,
    )
