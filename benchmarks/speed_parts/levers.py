"""Levers that make a step faster, each to be pulled by itself on one and the same model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from hagan.config.ha_gan import HAGANConfig
from hagan.models.build import BUILDERS
from hagan.models.ha_gan import HAGAN
from hagan.networks.plain import SWITCHED, make_plain
from hagan.networks.upsample import UpConv
from hagan.training.players import Player

DECOUPLED_EVERY = 4
MOST_COMPILED = 256
"""Kinds of inputs that one piece of code is compiled for."""

ENCODERS = ("high_encoder", "ground_encoder")
"""Phases that `encoder_every` thins out."""


@dataclass(frozen=True, kw_only=True)
class Levers:
    """Which are pulled; none is the textbook path."""

    forms: bool = False
    """The doubling convolutions in the forms that their layers pick."""
    norms: bool = False
    """Rectifiers in place, normalisation in few passes."""
    adam: bool = False
    """Adam in one kernel, not tensor by tensor."""
    layout: bool = False
    """Features with channels last where the networks ask for it."""
    channels_last: bool = False
    """Weights of generator and encoders with channels last too."""
    tf32: Literal["torch's default", "off", "everywhere"] = "torch's default"
    bf16: bool = False
    compiled: bool = False
    encoder_every: int = 1

    @property
    def rounds(self) -> bool:
        """Whether numbers are meant to come out rounded otherwise in single precision."""
        return self.bf16 or self.tf32 == "everywhere"


FAST = Levers(forms=True, norms=True, adam=True, layout=True)
"""What the product does by default."""

NOTES = {
    "plain": "textbook path, Adam tensor by tensor",
    "+ forms": "doubling convolutions in their exact cheaper forms",
    "+ norms": "in-place rectifiers, fused normalisation",
    "+ Adam": "fused Adam",
    "fast": "+ features with channels last where the networks do so: what the product does",
    "fast + weights": "+ weights of G and encoders with channels last",
    "fast, no TF32": "convolutions in full single precision",
    "fast + TF32": "matrix products in TF32 too; rounds otherwise",
    "fast + bf16": "forward passes in bfloat16; rounds otherwise",
    "fast + compile": "networks through torch.compile",
}


def ladder(device: torch.device, config: HAGANConfig) -> dict[str, Levers]:
    """The variants by name: plain, each lever in turn, fast, and what could be added to it."""
    rungs = {
        "plain": Levers(),
        "+ forms": Levers(forms=True),
        "+ norms": Levers(forms=True, norms=True),
        "+ Adam": Levers(forms=True, norms=True, adam=True),
        "fast": FAST,
        "fast + weights": replace(FAST, channels_last=True),
    }
    if device.type == "cuda":
        rungs |= {
            "fast, no TF32": replace(FAST, tf32="off"),
            "fast + TF32": replace(FAST, tf32="everywhere"),
            "fast + bf16": replace(FAST, bf16=True),
            "fast + compile": replace(FAST, compiled=True),
        }
    if config.encoder and config.encoder_every == 1:
        rungs[decoupled_name()] = replace(FAST, encoder_every=DECOUPLED_EVERY)
    return rungs


def decoupled_name() -> str:
    return f"fast, encoders every {DECOUPLED_EVERY}"


def note_of(name: str, config: HAGANConfig) -> str:
    if name in NOTES:
        return NOTES[name]
    if config.reconstruction_weight_generator > 0:
        return "another algorithm: E^H learns less often, and reconstruction reaches G through it"
    return "decoupled: G and D stay the same to the bit, the encoders learn less often"


class Switches:
    """Pulls levers on a model and its players, and lets go of them again."""

    def __init__(self, model: HAGAN, players: list[Player]) -> None:
        self.model = model
        self.players = players
        self.device = next(model.parameters()).device
        self._forms = {m: m.form for m in model.modules() if isinstance(m, UpConv)}
        self._undo: list[Callable[[], None]] = []
        self._compiled: dict[nn.Module, Any] = {}
        self._tf32 = (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)

    def use(self, levers: Levers) -> None:
        """Pull exactly these levers."""
        while self._undo:
            self._undo.pop()()
        make_plain(self.model)
        if levers.forms:
            for layer, form in self._forms.items():
                layer.form = form
        if levers.norms:
            _unplain(self.model)
        if not levers.layout:
            self._undo.append(_layout_as_written(self.model))
        self._set_adam(levers.adam)
        self._set_layout(levers.channels_last)
        if levers.compiled:
            self._undo += [self._compile(module) for module in _compilable(self.model)]
        convolutions, products = self._tf32
        torch.backends.cudnn.allow_tf32 = levers.tf32 != "off" and (
            convolutions or levers.tf32 == "everywhere"
        )
        torch.backends.cuda.matmul.allow_tf32 = levers.tf32 == "everywhere" or (
            products and levers.tf32 != "off"
        )

    def _compile(self, module: nn.Module) -> Callable[[], None]:
        """Call the module compiled, by the same compiled code each time."""
        if module not in self._compiled:
            # Layers of one kind share their code; beyond the limit they would silently stay as
            # they are.
            torch._dynamo.config.recompile_limit = MOST_COMPILED
            module.compile(dynamic=False)
            self._compiled[module] = module._compiled_call_impl
        module._compiled_call_impl = self._compiled[module]
        return lambda: setattr(module, "_compiled_call_impl", None)

    def _set_adam(self, fused: bool) -> None:
        for player in self.players:
            for group in player.adam.param_groups:
                group["fused"], group["foreach"] = fused, None if fused else False
            for state in player.adam.state.values():
                # Where each kind keeps its count of steps; on the other's place it would wait.
                state["step"] = state["step"].to(self.device if fused else "cpu")

    def _set_layout(self, last: bool) -> None:
        layout = torch.channels_last_3d if last else torch.contiguous_format
        for part in (self.model.generator, self.model.encoder):
            if part is not None:
                part.to(memory_format=layout)  # type: ignore[call-overload]
        for player in self.players:
            for weight, state in player.adam.state.items():
                for name in ("exp_avg", "exp_avg_sq"):
                    # The fused kernel goes through memory, and so needs the weights' own layout.
                    if state[name].stride() != weight.stride():
                        state[name] = torch.empty_like(weight).copy_(state[name])


def _unplain(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, SWITCHED):
            module.plain = False


def _layout_as_written(model: HAGAN) -> Callable[[], None]:
    """Leave features in the layout in which they come."""
    high: Any = model.generator.high
    assert hasattr(high, "_laid_out")
    high._laid_out = _as_it_is
    hook = model.generator.common.convs[0].register_forward_pre_hook(_contiguous)

    def undo() -> None:
        del high._laid_out
        hook.remove()

    return undo


def _as_it_is(features: Tensor) -> Tensor:
    return features


def _contiguous(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(features.contiguous() for features in inputs)


def _compilable(model: HAGAN) -> list[nn.Module]:
    """What can be compiled as it is called."""
    generator = model.generator
    # Slabs pass G^H by another way than `forward`, so what both go through is compiled.
    parts = [generator.common, *generator.high.convs, *generator.high.acts]
    if generator.low is not None:
        parts.append(generator.low)
    if model.encoder is not None:
        parts += [model.encoder.high, model.encoder.ground]
    if model.config.adversarial != "relativistic":
        # R1 and R2 differentiate twice, which compiled networks cannot.
        parts.append(model.discriminator.high)
        if model.discriminator.low is not None:
            parts.append(model.discriminator.low)
    return parts


@dataclass(frozen=True, kw_only=True)
class PlainConfig(HAGANConfig):
    """A model on the textbook path, for code that builds models from their configuration."""


def as_plain(config: HAGANConfig) -> PlainConfig:
    return PlainConfig(**{field.name: getattr(config, field.name) for field in fields(config)})


def _plain(config: HAGANConfig) -> HAGAN:
    model = HAGAN(config)
    make_plain(model)
    return model


BUILDERS[PlainConfig] = _plain
