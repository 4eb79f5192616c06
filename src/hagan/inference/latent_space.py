"""Directions in latent space along which a measured quantity grows, and moves along them.

Paper IV-G: a linear regression of a quantity on encoded latents; a code is moved until the
regression predicts what is asked for, and decoded.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.typing import NDArray

from hagan.data.files import make_folder, write_bytes_atomically
from hagan.errors import BadInputError, UsageError

FORMAT = 1

Along = Literal["data", "weights"]
"""How a code moves. `data`: the way that is shortest in the codes' own spread, so that the code
stays among them. `weights`: the shortest way, along the regression's weights, as in the paper: with
fewer scans than dimensions it leaves the codes for where the regression, but not G, says more."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the quantity over the encoded scans, kept with a direction."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A linear regression of a quantity on latent codes: y = weights . z + intercept."""

    target: str
    """Name of a region or a column."""
    unit: str
    """Of the quantity; empty if unknown."""
    weights: Float64[ndarray, " z"]
    """The slope."""
    intercept: float
    """The quantity predicted at z = 0."""
    pattern: Float64[ndarray, " z"]
    """Covariance of the codes with the prediction: the way on which the codes spread."""
    quantiles: tuple[float, ...]
    """Of the quantity over the scans, at `QUANTILES`."""
    weights_sha256: str
    """Of the model whose codes these are."""
    facts: dict[str, Any]
    """How it was fitted: penalty, scans, R2 of scans that it has not seen."""

    def predict(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantity [n] that codes [n, z] are predicted to have."""
        values: NDArray[np.float64] = codes @ self.weights + self.intercept
        return values

    def save(self, path: Path) -> None:
        """Write an .npz, whole or not at all.

        Raises:
            DiskError: It cannot be written.
        """
        facts = {
            "format": FORMAT,
            "target": self.target,
            "unit": self.unit,
            "intercept": self.intercept,
            "quantiles": self.quantiles,
            "weights_sha256": self.weights_sha256,
            "facts": self.facts,
        }
        buffer = io.BytesIO()
        np.savez(
            buffer,
            allow_pickle=False,
            weights=self.weights,
            pattern=self.pattern,
            about=np.array(json.dumps(facts)),
        )
        make_folder(path.parent)
        write_bytes_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Direction:
        """Read what `save` wrote.

        Raises:
            BadInputError: It is no direction, or of a newer hagan.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
                about = json.loads(str(held["about"]))
                weights = np.asarray(held["weights"], np.float64)
                pattern = np.asarray(held["pattern"], np.float64)
            if about.pop("format") != FORMAT:
                raise BadInputError(f"{path}: a direction of a newer hagan; update hagan")
            about["quantiles"] = tuple(about["quantiles"])
            found = cls(weights=weights, pattern=pattern, **about)
        except FileNotFoundError as error:
            raise BadInputError(f"{path}: no such file; `hagan direction` makes one") from error
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
            raise BadInputError(
                f"{path} is no direction ({type(error).__name__}); `hagan direction` makes one"
            ) from error
        if weights.ndim != 1 or weights.shape != pattern.shape:
            raise BadInputError(f"{path} is damaged: weights {weights.shape}, {pattern.shape}")
        return found


def moved(
    codes: NDArray[np.float64],
    direction: Direction,
    value: float,
    *,
    held: Sequence[Direction] = (),
    along: Along = "data",
) -> NDArray[np.float64]:
    """Codes moved until a quantity is predicted to have a value, and others not to change.

    ``z' = z + A (W A)^-1 (y - W z - b)`` with a row of W for each direction; A is W^T for `weights`
    and the codes' covariance times W^T for `data`. With one direction along its weights this is
    ``z' = z + (y - w.z - b) / |w|^2 w``.

    Args:
        codes: [n, z].
        direction: What is moved.
        value: What it is asked to be.
        held: What stays as predicted.
        along: The way.

    Returns:
        [n, z].

    Raises:
        UsageError: The quantity does not depend on the code, or the held ones decide it.
    """
    rows = np.stack([direction.weights, *(one.weights for one in held)])
    ways = rows if along == "weights" else np.stack([direction.pattern, *(h.pattern for h in held)])
    # Rows of very different units would look dependent.
    scale = np.linalg.norm(rows, axis=1, keepdims=True)
    reach = np.linalg.norm(ways, axis=1, keepdims=True)
    if not (scale > 0).all() or not (reach > 0).all():
        raise UsageError(
            f"{direction.target} or what is held does not depend on the latent code: fit the "
            "direction on more scans or with a smaller penalty"
        )
    gram = (rows / scale) @ (ways / reach).T
    if np.linalg.cond(gram) > 1e8:
        names = ", ".join(one.target for one in held)
        raise UsageError(f"{direction.target} cannot move while {names} stays: they are one way")
    asked = np.zeros((len(codes), len(rows)))
    asked[:, 0] = value - direction.predict(codes)
    steps: NDArray[np.float64] = np.linalg.solve(gram, (asked / scale.T).T).T @ (ways / reach)
    return codes + steps
