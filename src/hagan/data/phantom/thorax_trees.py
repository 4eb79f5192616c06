"""Vessel and airway trees grown level by level towards random points that fill the lungs.

Radii follow Murray's law with the flow counted in points; lobes are split first, so that vessels
keep to their side of a fissure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hagan.data.phantom.fields import Field, coverage, stream
from hagan.data.phantom.thorax_cohort import ThoraxSubject
from hagan.data.phantom.thorax_frame import COARSE, FIELD_OF_VIEW, Frame
from hagan.data.phantom.thorax_landmarks import hilum
from hagan.data.phantom.thorax_lobes import Lobes
from hagan.data.phantom.thorax_shape import Chest

POINTS = 4200
LEVELS = 12
AIRWAY_LEVELS = 7
MURRAY = 1 / 3.1
ADVANCE = 0.4


@dataclass(frozen=True)
class Segments:
    """Straight pieces of a tree.

    Attributes:
        start: Where each begins, mm from the scan's first corner [segments, 3].
        end: Where each ends [segments, 3].
        radius: Radius in mm [segments].
        level: Branchings since the hilum [segments].
    """

    start: Field
    end: Field
    radius: Field
    level: NDArray[np.intp]

    def take(self, keep: NDArray[np.bool_]) -> "Segments":
        """Keep the segments of a mask [segments]."""
        return Segments(self.start[keep], self.end[keep], self.radius[keep], self.level[keep])


@dataclass(frozen=True)
class Trees:
    """All trees of both lungs: vessels (arteries and veins), airway lumina and outer walls."""

    vessels: Segments
    lumen: Segments
    outer: Segments


def join(parts: list[Segments]) -> Segments:
    """Concatenate trees into one list of segments."""
    return Segments(
        np.concatenate([p.start for p in parts]),
        np.concatenate([p.end for p in parts]),
        np.concatenate([p.radius for p in parts]),
        np.concatenate([p.level for p in parts]),
    )


def _sums(values: Field, node: NDArray[np.intp], nodes: int) -> Field:
    """Add up the rows of values [points, 3] of each node [nodes, 3]."""
    columns = [np.bincount(node, values[:, axis], nodes) for axis in range(3)]
    return np.stack(columns, axis=1).astype(np.float32)


def grow(
    rng: np.random.Generator,
    root: tuple[float, float, float],
    points: Field,
    lobe: NDArray[np.intp],
    root_radius: float,
) -> Segments:
    """Grow one tree from its root to the points it must feed.

    Every node sends a branch part of the way to the centroid of its points, then shares them
    between two children by a plane through the centroid.

    Args:
        rng: Where the planes' jitter comes from.
        root: Where the tree enters the lung, mm from the scan's first corner.
        points: Points to feed [points, 3], mm.
        lobe: Lobe of each point [points]; each lobe has its own first branch.
        root_radius: Radius in mm of a vessel that feeds them all.

    Returns:
        About 1.5 segments a point, at most LEVELS generations.
    """
    _, node = np.unique(lobe, return_inverse=True)
    nodes = int(node.max()) + 1
    position = np.tile(np.asarray(root, np.float32), (nodes, 1))
    normal = rng.standard_normal((nodes, 3), dtype=np.float32)
    total = len(points)
    grown = []
    for level in range(LEVELS):
        count = np.bincount(node, minlength=nodes).astype(np.float32)
        centroid = _sums(points, node, nodes) / count[:, None]
        advance = ADVANCE + 0.1 * rng.standard_normal((nodes, 1), dtype=np.float32)
        reach = centroid - position
        sway = rng.standard_normal((nodes, 3), dtype=np.float32)
        end = position + np.clip(advance, 0.2, 0.6) * reach
        end += np.float32(0.05) * np.linalg.norm(reach, axis=1, keepdims=True) * sway
        radius = np.float32(root_radius) * (count / np.float32(total)) ** np.float32(MURRAY)
        grown.append(Segments(position, end, radius, np.full(nodes, level, np.intp)))
        normal = np.cross(end - position, normal)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + np.float32(1e-6)
        normal += np.float32(0.35) * rng.standard_normal((nodes, 3), dtype=np.float32)
        beyond = ((points - centroid[node]) * normal[node]).sum(axis=1) > 0
        split = 2 * node + beyond
        busy = count[node] > 1
        points, split = points[busy], split[busy]
        if points.size == 0:
            break
        parents, node = np.unique(split, return_inverse=True)
        nodes = len(parents)
        position, normal = end[parents // 2], normal[parents // 2]
    return join(grown)


def _fill(rng: np.random.Generator, share: Field, lobes: Lobes) -> tuple[Field, NDArray[np.intp]]:
    """Scatter points over a lung given by shares [COARSE]^3; return places [n, 3] and lobes."""
    weight = np.cumsum(share.reshape(-1), dtype=np.float64)
    drawn = np.searchsorted(weight, rng.random(POINTS) * weight[-1], side="right")
    cell = np.stack(np.unravel_index(drawn, share.shape), axis=1)
    inside = rng.random((POINTS, 3), dtype=np.float32)
    scale = np.asarray(FIELD_OF_VIEW, np.float32) / np.float32(COARSE)
    places: Field = ((cell + inside) * scale).astype(np.float32)
    return places, lobes.label.reshape(-1)[drawn]


def grow_trees(subject: ThoraxSubject, frame: Frame, chest: Chest, lobes: Lobes) -> Trees:
    """Grow arteries, veins and airways of both lungs.

    Airways follow the arteries to level 7, their lumen 0.72 of the artery, shifted beside it.
    """
    rng = stream(subject.seed, subject.subject, "trees")
    size = chest.build.size**0.5
    # Thick roots look like coral when a voxel is larger than the vessel.
    slim = 1.0 if frame.side >= 128 else 0.9
    lung = coverage(chest.lung + 1, 6.0)
    vessels, lumen, outer = [], [], []
    for side in (-1, 1):
        points, label = _fill(rng, lung * (frame.x * side > 0), lobes)
        roots = hilum(chest.build, side)
        start = frame.locate(roots.artery)
        artery = grow(rng, start, points, label, 4.75 * size * slim)
        vein = grow(rng, frame.locate(roots.vein), points, label, 4.35 * size * slim)
        vessels += [artery, vein]
        airway = _beside(artery.take(artery.level < AIRWAY_LEVELS), rng)
        shift = np.asarray(frame.locate(roots.bronchus), np.float32) - np.asarray(start, np.float32)
        near = np.exp(-airway.level[:, None].astype(np.float32))
        bronchi = Segments(
            airway.start + np.where(airway.level[:, None] == 0, shift, near * 0),
            airway.end,
            np.float32(0.72 / slim) * airway.radius,
            airway.level,
        )
        lumen.append(bronchi)
        thicker = np.float32(1 / np.sqrt(1 - subject.wall_area))
        outer.append(Segments(bronchi.start, bronchi.end, bronchi.radius * thicker, bronchi.level))
    return Trees(join(vessels), join(lumen), join(outer))


def _beside(tree: Segments, rng: np.random.Generator) -> Segments:
    """Shift a tree sideways by 1.6 radii, all in one direction so that it stays connected."""
    way = rng.standard_normal(3).astype(np.float32)
    way /= np.linalg.norm(way)
    offset = np.float32(1.6) * tree.radius[:, None] * way
    return Segments(tree.start + offset, tree.end + offset, tree.radius, tree.level)
