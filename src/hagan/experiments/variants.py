"""Variants of HA-GAN's recipe that are put against each other, by name."""

from __future__ import annotations

from dataclasses import dataclass

from hagan.errors import UsageError


@dataclass(frozen=True)
class Variant:
    """A recipe with changes.

    Attributes:
        name: In tables and folders.
        family: Of recipes, without the ending of its form and the side.
        settings: Changes, as `hagan train --set` takes them.
        about: What it is, for people.
    """

    name: str
    family: str
    settings: tuple[str, ...] = ()
    about: str = ""


KNOWN: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("hagan", "hagan", (), "the default recipe"),
        Variant("paper", "hagan-paper", (), "as the paper describes it"),
        Variant("official", "hagan-official", (), "as the released code computes it"),
        Variant(
            "paper-fast",
            "hagan-paper",
            (
                "model.adam_generator.learning_rate=0.0004",
                "model.adam_discriminator.learning_rate=0.0016",
                "training.average_half_life=500.0",
            ),
            "the paper's with four times its rates, and averaged weights",
        ),
    )
}
"""By name."""


def parsed(text: str) -> Variant:
    """A variant as a command line gives it.

    Args:
        text: A name of `KNOWN`, a family of recipes, or `NAME: FAMILY KEY=VALUE ...`.

    Raises:
        UsageError: None of these.
    """
    if text in KNOWN:
        return KNOWN[text]
    name, colon, rest = text.partition(":")
    family, *settings = rest.split() if colon and rest.split() else (name,)
    if not name or " " in name or "/" in name or any("=" not in one for one in settings):
        raise UsageError(
            f"--variants {text!r}: expected one of {', '.join(KNOWN)}, a family of recipes such as "
            "wgan, or 'NAME: FAMILY KEY=VALUE ...' such as 'wide: hagan model.width=16'"
        )
    return Variant(name, family, tuple(settings), "" if not settings else "of the command line")
