"""Who is in the thorax cohort: the disease, build and scan of every subject.

Only lung size and trabecular bone are tied to sex and age; the rest of the build is independent
of the disease, so that no shape gives the disease away.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.fields import stream
from hagan.data.phantom.thorax_disease import draw_disease


@dataclass(frozen=True)
class ThoraxSubject:
    """Everything that decides one thorax; `dataclasses.replace` moves one factor alone.

    Attributes:
        seed: Seed of the cohort; with `subject` it opens every random stream.
        subject: Number of the subject.
        sex: "F" or "M".
        age: Years.
        height: Body height in cm.
        gold: GOLD stage, 0 to 4.
        fev1pp: FEV1 in percent of the predicted value.
        ratio: FEV1 / FVC.
        laa: Target share of lung voxels below -950 HU, in percent.
        airway: Airway axis.
        hyperinflation: Flatter domes, deeper chest, darker lung; -0.2 to 0.9.
        lung_volume: Target lung volume in litres.
        clustering: Exponent of the emphysema spectrum; larger means larger holes.
        upper_gradient: Upper predominance of emphysema; negative for lower.
        subpleural: Weight of emphysema beneath the pleura.
        bone: Bone size factor, 1 for an average person.
        trabecular_hu: Attenuation of vertebral marrow in HU.
        fat: Fat under the skin in mm.
        muscle: Muscle thickness factor.
        breast: Breast depth in mm, 0 for men.
        belly: How far the abdomen bulges, in mm; may be negative.
        shoulder: How far the shoulders stand out, in mm.
        width: Chest width factor.
        depth: Chest depth factor.
        squareness: Addition to the exponent of the chest's superellipse.
        kyphosis: Bend of the spine in mm at the ends of the chest.
        heart: Heart size factor.
        heart_turn: Rotation of the heart's long axis in radians.
        aorta: Aorta radius factor.
        dome: Diaphragm height factor.
        parenchyma_hu: Attenuation of healthy lung tissue in HU.
        noise_hu: Standard deviation of image noise in HU.
        sharp_kernel: Whether the scan was reconstructed with a sharp kernel.
        pose: Rotations about d, h, w in radians.
        shift: Displacements along d, h, w in mm.
        table_curve: Sag of the table in mm at 200 mm from its middle; 0 is flat.
        table_gap: Distance between the two shells of the table in mm.
    """

    seed: int
    subject: int
    sex: str
    age: float
    height: float
    gold: int
    fev1pp: float
    ratio: float
    laa: float
    airway: float
    hyperinflation: float
    lung_volume: float
    clustering: float
    upper_gradient: float
    subpleural: float
    bone: float
    trabecular_hu: float
    fat: float
    muscle: float
    breast: float
    belly: float
    shoulder: float
    width: float
    depth: float
    squareness: float
    kyphosis: float
    heart: float
    heart_turn: float
    aorta: float
    dome: float
    parenchyma_hu: float
    noise_hu: float
    sharp_kernel: bool
    pose: tuple[float, float, float]
    shift: tuple[float, float, float]
    table_curve: float
    table_gap: float

    @property
    def wall_area(self) -> float:
        """Wall share of an airway's section, 0.45 to 0.80."""
        return float(np.clip(0.62 + 0.035 * self.airway, 0.45, 0.80))


def total_lung_capacity(sex: str, age: float, height: float) -> float:
    """Predict total lung capacity (litres) by the GLI static lung volume equations.

    The small spline term is left out.

    Args:
        sex: "F" or "M".
        age: Years.
        height: Body height in cm.
    """
    if sex == "M":
        return float(np.exp(-10.5861 + 0.1433 * np.log(age) + 2.3155 * np.log(height)))
    return float(np.exp(-10.1128 + 0.1062 * np.log(age) + 2.2259 * np.log(height)))


def draw_thorax(seed: int, subject: int) -> ThoraxSubject:
    """Draw one subject of the thorax cohort.

    Args:
        seed: Seed of the cohort.
        subject: Number of the subject.

    Returns:
        The subject; the same for the same two numbers on every machine.
    """
    disease = draw_disease(seed, [subject])
    inflation = float(disease.hyperinflation[0])
    rng = stream(seed, subject, "build")
    man = bool(rng.random() >= 0.48)
    sex = "M" if man else "F"
    age = float(np.clip(rng.normal(59.8, 8.9), 45, 81))
    height = float((176 if man else 163) + 6.5 * np.clip(rng.standard_normal(), -3, 3))
    normal = np.clip(rng.standard_normal(26), -2.6, 2.6)
    scan = 0.87 * np.exp(0.10 * normal[0]) * (1 + 0.12 * inflation)
    volume = float(np.clip(total_lung_capacity(sex, age, height) * scan, 2.8, 8.2))
    clustering_mean = 0.18 if disease.gold[0] == 0 else 0.30
    return ThoraxSubject(
        seed=seed,
        subject=subject,
        sex=sex,
        age=age,
        height=height,
        gold=int(disease.gold[0]),
        fev1pp=float(disease.fev1pp[0]),
        ratio=float(disease.ratio[0]),
        laa=float(disease.laa[0]),
        airway=float(disease.airway[0]),
        hyperinflation=inflation,
        lung_volume=volume,
        clustering=float(clustering_mean + 0.22 * normal[1]),
        upper_gradient=float(0.55 + 0.5 * normal[2]),
        subpleural=float(max(0.0, 0.35 + 0.35 * normal[3])),
        bone=float(np.exp(0.12 * normal[4]) * (1.05 if man else 0.92)),
        trabecular_hu=float(max(30.0, 180 - 2 * (age - 50) + 35 * normal[5])),
        fat=float(np.clip(16 * np.exp(0.42 * normal[6]), 5, 38)),
        muscle=float(np.exp(0.15 * normal[7]) * (1.08 if man else 0.90)),
        breast=0.0 if man else float(24 * np.exp(0.40 * normal[8])),
        belly=float(10 + 9 * normal[9]),
        shoulder=float(10 * normal[10]),
        width=float(np.exp(0.045 * normal[11])),
        depth=float(np.exp(0.055 * normal[12])),
        squareness=float(0.22 * normal[13]),
        kyphosis=float(max(2.0, 12 + 5 * normal[14])),
        heart=float(np.exp(0.08 * normal[15])),
        heart_turn=float(0.16 * normal[16]),
        aorta=float(np.exp(0.08 * normal[17] + 0.006 * (age - 60))),
        dome=float(np.exp(0.14 * normal[18])),
        parenchyma_hu=float(-868 + 14 * normal[19]),
        noise_hu=float(14 * np.exp(0.25 * normal[20])),
        sharp_kernel=bool(rng.random() < 0.4),
        pose=_triple(rng.uniform(-4, 4, 3) * np.pi / 180),
        shift=_triple(rng.uniform(-10, 10, 3)),
        table_curve=float(rng.choice([0.0, 0.0, 12.0, 22.0, 32.0]) + 2 * abs(normal[21])),
        table_gap=float(25 + 4 * normal[22]),
    )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
