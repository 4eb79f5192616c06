"""Which batch, micro-batches, precision and slabs fit the memory that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from hagan.config.training import RunConfig
from hagan.errors import OutOfMemoryError, UsageError
from hagan.training.cost import StepCost, step_cost

Setting = Literal["batch_size", "accumulate", "precision", "num_slabs"]
"""What a plan may change."""

LARGEST_BATCH = 512
"""Beyond this no larger batch is looked for."""

LEAST_GAIN = 0.05
"""Share of the peak that twice the slabs must save to be worth the thinner slabs."""

MIB = 2**20


@dataclass(frozen=True)
class Overhead:
    """What a process takes beside the tensors that are alive at the peak of a step."""

    fixed: int
    """Bytes whatever is trained."""
    share: float
    """Of the peak."""
    measured: bool
    about: str
    """What it stands for and where it comes from."""

    def beside(self, peak: int) -> int:
        """Bytes beside a peak."""
        return self.fixed + int(self.share * peak)


OVERHEADS = {
    "cpu": Overhead(
        fixed=350 * MIB,
        share=0.3,
        measured=True,
        about="the program itself, the convolutions' workspaces and what the allocator keeps: not "
        "exceeded by the processes measured at sides 32 to 128",
    ),
    "cuda": Overhead(
        fixed=1024 * MIB,
        share=0.3,
        measured=False,
        about="context, workspaces and what the allocator keeps: unmeasured, set so that it covers "
        "the paper's two figures for a V100",
    ),
}
"""By kind of device. On CPUs resident memory exceeded the peak by 340 to 830 MiB, with one thread
and batches of 2: side 32 narrow, and sides 64 and 128. The paper gives 3167 and 5961 MB for the
released code at sides 128 and 256 with batches of 2, whose tensors' peaks are 1568 and 3642 MiB."""


@dataclass(frozen=True)
class Option:
    """One way to train, and what it needs."""

    config: RunConfig
    cost: StepCost
    needed: int
    """Bytes: the peak of a step and what is beside it."""
    fits: bool

    @property
    def num_slabs(self) -> int | None:
        """Slabs of a volume, where the model cuts any."""
        return slabs_of(self.config)


@dataclass(frozen=True)
class Plan:
    """What was looked at, and what to take."""

    considered: tuple[Option, ...]
    """In the order in which they were looked at."""
    chosen: Option
    largest: Option | None
    """The largest batch that fits at once, where that is more than the chosen one."""


class Planner:
    """Finds what fits into some memory; each way to train is traced once."""

    def __init__(
        self,
        memory: int,
        *,
        device: str = "cpu",
        cost: Callable[[RunConfig], StepCost] | None = None,
    ) -> None:
        """Set up.

        Args:
            memory: Bytes that training may take.
            device: `cpu` or `cuda`; it need not be there.
            cost: What a step costs; by default what `step_cost` finds.
        """
        self.memory = memory
        self.device = device
        self.overhead = OVERHEADS[device]
        self._cost = cost or (lambda config: step_cost(config, device=device))
        self._options: dict[tuple[object, ...], Option] = {}

    def plan(self, config: RunConfig, *, fixed: frozenset[Setting] = frozenset()) -> Plan:
        """The recipe's batch if it fits somehow, or less.

        The whole batch is tried before micro-batches, these before bf16 (on CUDA), and that before
        more slabs, which change what D^H sees. A smaller batch comes last.

        Args:
            config: What is asked for.
            fixed: What must stay as it is.

        Raises:
            OutOfMemoryError: Nothing fits.
        """
        chosen = self._recipe_batch(config, fixed) or self._smaller_batch(config, fixed)
        if chosen is None:
            raise OutOfMemoryError(self._nothing_fits(config))
        largest = None
        training = chosen.config.training
        if "batch_size" not in fixed and training.accumulate == 1:
            largest = self._largest(chosen)
        return Plan(tuple(self._options.values()), chosen, largest)

    def option(self, config: RunConfig) -> Option:
        """What a way to train needs."""
        training = config.training
        key = (config.model, training.batch_size, training.accumulate, training.precision)
        if key not in self._options:
            cost = self._cost(config)
            needed = cost.peak + self.overhead.beside(cost.peak)
            self._options[key] = Option(config, cost, needed, needed <= self.memory)
        return self._options[key]

    def _recipe_batch(self, config: RunConfig, fixed: frozenset[Setting]) -> Option | None:
        """The first way to train with the batch that was asked for."""
        for setting in self._settings(config, fixed):
            whole = self.option(setting)
            if whole.fits:
                return whole
            batch = setting.training.batch_size
            if "accumulate" in fixed or batch == setting.training.accumulate:
                continue
            # Sooner told than micro-batches of one volume, which need a little more.
            if not self._one_volume(setting).fits:
                continue
            parts = 2 * setting.training.accumulate
            while parts < 2 * batch:
                option = self.option(_training(setting, accumulate=min(parts, batch)))
                if option.fits:
                    return option
                parts *= 2
        return None

    def _smaller_batch(self, config: RunConfig, fixed: frozenset[Setting]) -> Option | None:
        """The largest batch below the one that was asked for, in the smallest micro-batches."""
        if "batch_size" in fixed:
            return None
        best: Option | None = None
        for setting in self._settings(config, fixed):
            if not self._one_volume(setting).fits:
                continue
            most = setting.training.accumulate if "accumulate" in fixed else LARGEST_BATCH
            least = 0 if best is None else best.config.training.batch_size
            for batch in range(setting.training.batch_size - 1, least, -1):
                smaller = _training(setting, batch_size=batch, accumulate=min(most, batch))
                option = self.option(smaller)
                if option.fits:
                    best = option
                    break
        return best

    def _one_volume(self, config: RunConfig) -> Option:
        return self.option(_training(config, batch_size=1, accumulate=1))

    def _settings(self, config: RunConfig, fixed: frozenset[Setting]) -> Iterator[RunConfig]:
        """The recipe, then with bf16, then with ever more slabs, for as long as these help."""
        yield config
        is_plain = config.training.precision == "fp32"
        if self.device == "cuda" and is_plain and "precision" not in fixed:
            half = _training(config, precision="bf16")
            yield half
            # Group normalisation is in float32 there, and then both forms are kept.
            if self._one_volume(half).needed < self._one_volume(config).needed:
                config = half
        more = None if "num_slabs" in fixed else _twice_the_slabs(config)
        while more is not None:
            thinner, thicker = self._one_volume(more).cost, self._one_volume(config).cost
            if thinner.peak > (1 - LEAST_GAIN) * thicker.peak:
                return
            yield more
            config, more = more, _twice_the_slabs(more)

    def _largest(self, chosen: Option) -> Option | None:
        """The largest batch that fits at once, by false position between one that does and one not.

        The need is nearly affine in the batch, but not quite: it is the most of several phases.
        """
        low, high = chosen, None
        guess = 2 * low.config.training.batch_size
        while low.config.training.batch_size < LARGEST_BATCH:
            tried = self.option(_training(chosen.config, batch_size=min(guess, LARGEST_BATCH)))
            if tried.fits:
                low, other = tried, low
            else:
                high = other = tried
            at, needed = low.config.training.batch_size, low.needed
            slope = (other.needed - needed) / (other.config.training.batch_size - at)
            guess = at + int((self.memory - needed) / slope)
            guess = max(guess, at + 1)
            if high is not None:
                guess = min(guess, high.config.training.batch_size - 1)
                if guess <= at:
                    break
        return None if low is chosen else low

    def _nothing_fits(self, config: RunConfig) -> str:
        least = min(self._options.values(), key=lambda option: option.needed)
        training = least.config.training
        slabs = "" if least.num_slabs is None else f", {least.num_slabs} slabs"
        return (
            f"{config.name} does not fit into {self.memory / 2**30:.2f} GiB: with a batch of "
            f"{training.batch_size} in {training.accumulate} micro-batches, {training.precision}"
            f"{slabs}, a step needs {least.needed / 2**30:.2f} GiB, the least that was found; "
            "take a recipe of a smaller side, a smaller model.width, or more memory"
        )


def slabs_of(config: RunConfig) -> int | None:
    """Slabs of a volume, where the model cuts any."""
    slabs: int | None = getattr(config.model, "num_slabs", None)
    return slabs


def _twice_the_slabs(config: RunConfig) -> RunConfig | None:
    """With slabs of half the depth; none where the volume or D^H cannot be cut so."""
    slabs = slabs_of(config)
    if slabs is None:
        return None
    try:
        return config.with_model(num_slabs=2 * slabs)
    except UsageError:
        return None


def _training(config: RunConfig, **changes: Any) -> RunConfig:
    return replace(config, training=replace(config.training, **changes))
