"""Seconds and peak memory of the metrics on matrices of features, beside other routes to them.

Features are drawn like those of a network behind a rectifier: correlated, not negative, with a
spectrum that falls as a power. Each metric runs in a process of its own; memory is the peak of that
process less what it held before the metric began, and the matrices themselves are counted apart.

    OMP_NUM_THREADS=1 python benchmarks/feature_metrics.py [--n 2048] [--d 2048] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from hagan.evaluation.measure import Matrix


def features(n: int, d: int) -> tuple[Matrix, Matrix]:
    """A fake and a real set [n, d], a little apart in mean and covariance."""
    rng = np.random.default_rng(20220506)
    factors = min(256, d)
    spectrum = np.arange(1, factors + 1) ** -0.5
    mixing = rng.normal(size=(factors, d)) * spectrum[:, None] / np.sqrt(factors)

    def draw(gain: float, shift: float) -> Matrix:
        rows = np.empty((n, d))
        for row in rows:  # so that making them leaves no peak of memory behind
            row[:] = shift + gain * rng.normal(size=factors) @ mixing + 0.05 * rng.normal(size=d)
        return np.maximum(rows, 0.0, out=rows)

    return draw(0.9, 0.12), draw(1.0, 0.1)


def frechet(fake: Matrix, real: Matrix) -> float:
    from hagan.evaluation.frechet import frechet_distance

    return frechet_distance(fake, real)


def frechet_scipy(fake: Matrix, real: Matrix) -> float:
    """The square root of the product of covariances, as FID is usually computed."""
    from scipy import linalg

    first, second = (np.cov(rows, rowvar=False) for rows in (fake, real))
    root = linalg.sqrtm(first @ second).real
    shift = np.square(fake.mean(axis=0) - real.mean(axis=0)).sum()
    return float(shift + np.trace(first) + np.trace(second) - 2.0 * np.trace(root))


def frechet_monai(fake: Matrix, real: Matrix) -> float:
    import torch
    from monai.metrics.fid import get_fid_score

    return float(get_fid_score(torch.from_numpy(fake), torch.from_numpy(real)))


def mmd(fake: Matrix, real: Matrix) -> float:
    """The median distance included."""
    from hagan.evaluation.mmd import median_distance
    from hagan.evaluation.mmd import mmd as discrepancy

    return discrepancy(fake, real, bandwidth=median_distance(fake, real))


def mmd_scipy(fake: Matrix, real: Matrix) -> float:
    """Distances of all pairs, one by one, in one matrix."""
    from scipy.spatial.distance import pdist, squareform

    n = len(fake)
    distances = pdist(np.concatenate([fake, real]))
    kernel = squareform(np.exp(-np.square(distances / np.median(distances))))
    within = kernel[:n, :n].sum() / (n * (n - 1)) + kernel[n:, n:].sum() / (n * (n - 1))
    return float(within - 2.0 * kernel[:n, n:].mean())


def kid(fake: Matrix, real: Matrix) -> float:
    from hagan.evaluation.kid import kid as discrepancy

    return discrepancy(fake, real)


def kid_sklearn(fake: Matrix, real: Matrix) -> float:
    from sklearn.metrics.pairwise import polynomial_kernel

    value = -2.0 * polynomial_kernel(fake, real, degree=3, coef0=1.0).mean()
    for rows in (fake, real):
        kernel = polynomial_kernel(rows, rows, degree=3, coef0=1.0)
        value += (kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1))
    return float(value)


def neighbours(fake: Matrix, real: Matrix) -> float:
    """Precision, recall, density and coverage on all columns; the value shown is coverage."""
    from hagan.evaluation.neighbours import Neighbours

    found = Neighbours(fake, real, k=5)
    found.precision(), found.recall(), found.density()
    return found.coverage()


def neighbours_sklearn(fake: Matrix, real: Matrix) -> float:
    """The same by full matrices of distances."""
    from sklearn.metrics import pairwise_distances

    radii = [np.partition(pairwise_distances(rows), 5, axis=1)[:, 5, None] for rows in (real, fake)]
    across = pairwise_distances(real, fake)
    (across <= radii[0]).any(axis=0).mean(), (across <= radii[1].T).any(axis=1).mean()
    (across < radii[0]).sum(axis=0).mean() / 5
    return float((across < radii[0]).any(axis=1).mean())


def components(fake: Matrix, real: Matrix) -> float:
    """Reduction to 48 components; the value shown is the share of variance that they hold."""
    from hagan.evaluation.neighbours import Components

    fitted = Components(real)
    reduced, _ = fitted.project(real), fitted.project(fake)
    return float(reduced.var(axis=0, ddof=1).sum() / real.shape[1])


METRICS: dict[str, tuple[Callable[[Matrix, Matrix], float], ...]] = {
    "Frechet distance": (frechet, frechet_scipy, frechet_monai),
    "MMD with median": (mmd, mmd_scipy),
    "KID": (kid, kid_sklearn),
    "precision, recall, density, coverage": (neighbours, neighbours_sklearn),
    "reduction to components": (components,),
}
"""Ours first, then what it is compared with."""


@dataclass(frozen=True)
class Measured:
    """What one process reports."""

    value: float
    seconds: float
    mebibytes: float


def peak() -> float:
    """Most memory that this process has held so far, in MiB."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def measure(function: Callable[[Matrix, Matrix], float], n: int, d: int) -> Measured:
    """Run one function here, after a small run that loads its libraries."""
    warnings.simplefilter("ignore", DeprecationWarning)
    function(*features(32, 16))
    fake, real = features(n, d)
    before = peak()
    start = time.perf_counter()
    value = function(fake, real)
    return Measured(value, time.perf_counter() - start, peak() - before)


def in_process(name: str, n: int, d: int) -> Measured | None:
    """The same in a new process; None where a library is missing."""
    command = [sys.executable, __file__, "--one", name, "--n", str(n), "--d", str(d)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2048)
    parser.add_argument("--d", type=int, default=2048)
    parser.add_argument("--only", nargs="*", help="names of functions here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        found = measure(globals()[arguments.one], arguments.n, arguments.d)
        print(json.dumps(asdict(found)))
        return
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(
        f"{arguments.n} against {arguments.n} rows of {arguments.d} features, {threads} thread(s)"
    )
    print(f"matrices themselves: {2 * arguments.n * arguments.d * 8 / 2**20:.0f} MiB\n")
    print("| metric | route | value | seconds | times ours | peak MiB above the matrices |")
    print("|---|---|---|---|---|---|")
    for metric, functions in METRICS.items():
        ours: Measured | None = None
        for function in functions:
            name = function.__name__
            if arguments.only and name not in arguments.only:
                continue
            found = in_process(name, arguments.n, arguments.d)
            if found is None:
                print(f"| {metric} | {name} | not installed | | | |", flush=True)
                continue
            ours = ours or found
            print(
                f"| {metric} | {name} | {found.value:.9g} | {found.seconds:.2f} "
                f"| {found.seconds / ours.seconds:.1f} | {found.mebibytes:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
