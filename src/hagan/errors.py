"""What a user can cause, and how the program ends for it: one tree of errors with exit codes.

HaganError
├── UsageError            2    a wrong argument, recipe name or configuration
├── BadInputError         3    a scan, table, store or run that cannot be read rightly
│   └── ScanError         3    one scan, with a code that names the fault
├── OutOfMemoryError      4    the device or the machine ran out of memory
├── DiskError             5    no space, no permission, an output that cannot be written
├── DivergedError         6    losses or gradients stayed non-finite after every roll-back
├── UnsafeFileError       7    a file that could run code, or whose hash is wrong
├── LostProcessError      8    another of the processes of one command is gone
└── InterruptedRunError   130  a signal ended training; everything was saved first
"""

from __future__ import annotations


class HaganError(Exception):
    """An error that a user can cause and mend; its text is one line that says how.

    Attributes:
        told_elsewhere: Whether another process of the same command tells it, so that this one ends
            with the same code and says nothing.
        others_wait: Whether it is of this process alone, while the others wait within a computation
            that it has left.
    """

    exit_code = 1
    told_elsewhere = False
    others_wait = False


class UsageError(HaganError):
    """A wrong argument, recipe name or configuration."""

    exit_code = 2


class BadInputError(HaganError):
    """Input that cannot be read rightly: a table, a store, a run, a folder."""

    exit_code = 3


class ScanError(BadInputError):
    """One scan that cannot be read rightly.

    Attributes:
        code: Short stable name of the fault, such as ``E112``; see ``FAULTS``.
    """

    def __init__(self, code: str, message: str) -> None:
        assert code in FAULTS, f"unknown fault code {code}"
        super().__init__(f"{code} {message}")
        self.code = code
        self._message = message

    def __reduce__(self) -> tuple[type[ScanError], tuple[str, str]]:
        """Survive the way back from a worker process."""
        return type(self), (self.code, self._message)


class OutOfMemoryError(HaganError):
    """The device or the machine ran out of memory."""

    exit_code = 4


class DiskError(HaganError):
    """An output that cannot be written: no space, no permission, not a folder."""

    exit_code = 5


class DivergedError(HaganError):
    """Losses or gradients stayed non-finite after every roll-back."""

    exit_code = 6


class UnsafeFileError(HaganError):
    """A file that could run code when loaded, or whose content is not what its hash says."""

    exit_code = 7


class LostProcessError(HaganError):
    """Another of the processes that run one command together died or cannot be reached.

    What was saved or written before is whole; the same command goes on from there.
    """

    exit_code = 8


class InterruptedRunError(HaganError):
    """A signal ended the run after its state was saved; the same command goes on."""

    exit_code = 130


FAULTS: dict[str, str] = {
    "E101": "the file cannot be opened or is cut short",
    "E102": "the file is not what its name says",
    "E103": "the format is not known",
    "E104": "the scan is not a single three-dimensional volume",
    "E105": "the scan holds NaN or infinite voxels",
    "E106": "the scan is constant or blank",
    "E107": "the declared size is not credible",
    "E108": "the affine or the spacing is not usable",
    "E109": "the header and the voxels disagree, or the compressed stream is damaged",
    "E110": "the folder holds no readable scan",
    "E111": "the folder holds more than one series",
    "E112": "slices are missing or unevenly spaced",
    "E113": "two slices lie at the same position",
    "E114": "the gantry is tilted",
    "E115": "slices differ in orientation, size or pixel spacing",
    "E116": "the rescale to Hounsfield units is absent",
    "E117": "the Hounsfield units are not plausible",
    "E118": "the transfer syntax cannot be decoded",
    "E119": "the object is not a CT or MR image",
    "E120": "the mask does not fit the scan",
    "E121": "no mask or more than one mask matches the scan",
    "E122": "the protocol does not fit the scan",
    "E123": "the scan needs more memory than there is",
    "E124": "the brain cannot be found in the head",
    "E125": "the brain does not come to lie on the template",
    "E126": "the body cannot be found in the thorax CT",
    "E127": "the measured density of air is absent or not credible",
}
"""Every code that a scan can be refused with, and what it means."""
