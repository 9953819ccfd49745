"""Denoise: takes away everything that is not the voice, with a neural network.

Four modes trade delay and cost for quality. The delay is that of the mode the stage was prepared for and stays so. A mode
that needs no more takes over at once, padded to that delay; one that needs more has to wait until the chain is prepared
again, which `wants_prepare` asks for. The networks work in hops of their own, bridged here to whatever blocks the engine uses.
In the mode *auto*, pressure of time leads down a ladder, to the light network and at last to the dry signal, and up again; a
network that fails is replaced in every mode, at once (engine/inference/ladder.py).
Each channel is a source with its own state; while both channels carry the very same samples, as from a mono microphone, one
network serves both.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import ClassVar, Self

from engine.core.params import Params, choice, param
from engine.core.stage import Assets, Block, Context, MeterSpec, Stage, StreamFormat
from engine.dsp.hop_bridge import HopBridge
from engine.errors import ModelError
from engine.inference.dry import DRY
from engine.inference.frame_denoiser import FrameDenoiser
from engine.inference.ladder import KEPT_STEPS, Ladder
from engine.inference.lane import Lanes
from engine.inference.resampled import HOPS_PER_S, at_rate
from engine.inference.runtimes import open_denoiser
from engine.inference.session import ModelSession

FULL_STRENGTH_DB = 100.0
METER_SECONDS = 0.3
INAUDIBLE_POWER = 1e-12
MODELS = {
    "quality": "deepfilternet3",
    "balanced": "deepfilternet3-20ms",
    "fast": "deepfilternet3-10ms",
    "light": "nsnet2",
}
"""Mode -> id of its model in the catalogue."""

MODES = tuple(MODELS)
DEFAULT_MODE = "balanced"
AUTO, LIGHT = "auto", "light"
NETWORK_SHARE = 2 / 3
"""Of the stage's time: what a network may take, again and again, before the ladder yields."""


@dataclass(frozen=True)
class DenoiseParams(Params):
    """How much noise may be taken away, and by what."""

    strength_db: float = param(
        FULL_STRENGTH_DB,
        lo=0.0,
        hi=FULL_STRENGTH_DB,
        step=1.0,
        unit="dB",
        label="Strength",
        help="Noise is lowered by no more than this. 100 dB takes all of it, 0 dB none; 24 dB leaves a little of the room.",
        main=True,
    )
    mode: str = choice(
        DEFAULT_MODE,
        (*MODES, AUTO),
        label="Mode",
        help=(
            "Quality hears 20 ms ahead and is 30 ms late; balanced is 20 ms late and nearly as good; fast and light are "
            "10 ms late, and light needs the least of the processor. "
            f"Auto is {DEFAULT_MODE}, and steps down by itself while the processor is too busy."
        ),
        main=True,
    )


class Denoise(Stage[DenoiseParams]):
    """The denoiser of the air bus.

    Parameters
    ----------
    denoisers : Mapping[str, FrameDenoiser]
        Weights by mode; may be shared with other stages. A mode that is not among them is stood in for by its neighbour;
        one of another rate than the stream is resampled, and all work in hops of 10 ms.
    notices : Iterable[str]
        What the user should be told about how they were loaded.
    sessions : Mapping[str, ModelSession]
        Where the weights are, by the model's id, as far as they may come to run on something else.
    """

    id: ClassVar[str] = "denoise"
    label: ClassVar[str] = "Denoise"
    params_type: ClassVar[type[Params]] = DenoiseParams
    meters: ClassVar[tuple[MeterSpec, ...]] = (
        MeterSpec("reduction_db", "Removed", "dB", 0.0, 40.0),
        MeterSpec("speech_snr_db", "Voice above noise", "dB", -15.0, 35.0),
    )
    help: ClassVar[str] = (
        "Removes background noise from the voice with a neural network, over the full band up to 24 kHz."
    )

    def __init__(
        self,
        denoisers: Mapping[str, FrameDenoiser],
        notices: Iterable[str] = (),
        sessions: Mapping[str, ModelSession] | None = None,
    ) -> None:
        self._denoisers = dict(denoisers)
        self._sessions = dict(sessions or {})
        self._notices = deque(notices, maxlen=KEPT_STEPS)
        self._expected_mode = self._home = self._first = self._stand_in(DEFAULT_MODE)
        first = self._denoisers[self._home]
        self._running = self._denoisers
        self._delay_samples = first.delay_samples
        self._wanted_delay_samples = first.delay_samples
        self._meter_decay = math.exp(-1.0 / HOPS_PER_S / METER_SECONDS)
        self._ladder = Ladder(1.0 / HOPS_PER_S)
        self._params: DenoiseParams | None = None

    @classmethod
    def build(cls, assets: Assets) -> Self:
        """Load the weights of all modes. Control thread.

        Raises
        ------
        ModelError
            If not one of them can be had; what is wrong with some is told in `take_notices`.
        """
        denoisers: dict[str, FrameDenoiser] = {}
        sessions: dict[str, ModelSession] = {}
        errors: dict[str, ModelError] = {}
        for mode, model_id in MODELS.items():
            try:
                denoiser = open_denoiser(model_id, assets.model_path(model_id), assets.provider(model_id))
                denoisers[mode], sessions[model_id] = denoiser, denoiser.session
            except ModelError as error:
                errors[mode] = error
        if not denoisers:
            raise next(iter(errors.values()))
        notices = [f"the mode {mode} is not there: {error}" for mode, error in errors.items()]
        return cls(denoisers, notices, sessions)

    def successor(self) -> Self:
        """Make another that shares the weights. Control thread."""
        return type(self)(self._denoisers, sessions=self._sessions)

    def expect(self, params: DenoiseParams) -> None:
        """Learn which mode the stream will begin with: its delay is what `prepare` declares. Control thread."""
        self._expected_mode = params.mode

    def prepare(self, fmt: StreamFormat) -> None:
        """Make warm streams for each channel and mode that may be wanted. Control thread.

        Raises
        ------
        ModelError
            If hops of the networks are no whole number of samples at this rate.
        """
        self._running = {mode: at_rate(denoiser, fmt.sample_rate) for mode, denoiser in self._denoisers.items()}
        self._home = self._first = self._stand_in(self._expected_mode)
        self._delay_samples = self._wanted_delay_samples = self._running[self._home].delay_samples
        in_time = {
            mode: denoiser for mode, denoiser in self._running.items() if denoiser.delay_samples <= self._delay_samples
        }
        self._lanes = Lanes(in_time, fmt.channels, self._delay_samples, self._home)
        self._hop_samples = self._running[self._home].hop_samples
        self._bridge = HopBridge(self._hop_samples, fmt)
        self._residual_gain = 0.0
        self._is_renewed = False
        self._budget_ns = 0
        self.reset()

    def process(self, block: Block, ctx: Context[DenoiseParams]) -> None:
        """Denoise `block` in place. Audio thread."""
        self._ctx = ctx
        if ctx.params is not self._params:
            self._follow(ctx.params)
        # In blocks that are shorter than a network's hop it works in one of several only.
        blocks = max(1.0, self._hop_samples / block.shape[1])
        self._budget_ns = int(ctx.budget_ns * NETWORK_SHARE * blocks)
        self._bridge.process(block, self._process_hop)
        ctx.meters[0] = 10.0 * math.log10(self._noisy_power / self._clean_power)
        ctx.meters[1] = self._lanes.lane.speech_snr_db
        if self._lanes.current not in (LIGHT, DRY):
            # The others do not judge; then those behind go by energy alone.
            ctx.side.speech_probability = speech_probability(self._lanes.lane.speech_snr_db)

    def _follow(self, params: DenoiseParams) -> None:
        self._params = params
        self._residual_gain = residual_gain(params.strength_db)
        mode = self._stand_in(params.mode)
        self._wanted_delay_samples = self._running[mode].delay_samples
        # One that needs more delay than there is has to wait; until then what is heard goes on.
        self._home = mode if mode in self._lanes.names else self._home
        below = () if self._home == LIGHT or LIGHT not in self._lanes.names else (LIGHT,)
        self._ladder.aim((self._home, *below, DRY), yields=params.mode == AUTO)

    def _stand_in(self, mode: str) -> str:
        """The mode itself, or the nearest of those that could be loaded, cheaper ones first."""
        place = MODES.index(DEFAULT_MODE if mode == AUTO else mode)
        order = (*MODES[place:], *reversed(MODES[:place]), *self._denoisers)
        return next(name for name in order if name in self._denoisers)

    def _process_hop(self, hop_in: Block, hop_out: Block) -> None:
        ladder, lanes = self._ladder, self._lanes
        self._is_renewed = False
        started_ns = perf_counter_ns()
        wanted = ladder.wanted
        lanes.process(wanted, hop_in, hop_out, self._residual, wanted != lanes.current and ladder.is_hurried)
        cost_ns = perf_counter_ns() - started_ns
        if ladder.after_hop(cost_ns, self._budget_ns, lanes.current, lanes.failure):
            lanes.drop()
        lane = lanes.lane
        growth = 1.0 - self._meter_decay
        self._noisy_power += growth * (INAUDIBLE_POWER + lane.noisy_power - self._noisy_power)
        self._clean_power += growth * (INAUDIBLE_POWER + lane.clean_power - self._clean_power)

    def _residual(self) -> float:
        """Asked by each network when it has answered; what the first is told holds for all channels of the hop."""
        if not self._is_renewed:
            self._is_renewed = True
            params = self._ctx.renewed("strength_db")
            if params is not self._params:
                self._params = params
                self._residual_gain = residual_gain(params.strength_db)
        return self._residual_gain

    def reset(self) -> None:
        """Forget all history. Audio thread, at a block boundary."""
        self._lanes.reset()
        self._ladder.reset()
        self._home = self._first
        self._params = None
        self._bridge.reset()
        self._noisy_power = INAUDIBLE_POWER
        self._clean_power = INAUDIBLE_POWER

    @property
    def latency_samples(self) -> int:
        """The delay of the mode it was prepared for, and the waiting of samples for the rest of their hop."""
        return self._delay_samples + self._bridge.latency_samples

    @property
    def wants_prepare(self) -> bool:
        """Whether the mode that is wanted has another delay than the one this was prepared for."""
        return self._wanted_delay_samples != self._delay_samples

    @property
    def providers(self) -> Mapping[str, str]:
        """What each network runs on now, by the model's id. Any thread."""
        return {model_id: session.provider for model_id, session in self._sessions.items()}

    def take_notices(self) -> tuple[str, ...]:
        """Steps of the ladder, providers that failed, and what could not be loaded. Control thread."""
        told = [
            f"{model_id}: {fault}" for model_id, session in self._sessions.items() if (fault := session.take_fault())
        ]
        while self._notices:
            told.append(self._notices.popleft())
        while self._ladder.steps:
            step = self._ladder.steps.popleft()
            told.append(f"{step.heard} is heard instead of {step.left} ({step.reason})")
        return tuple(told)


def residual_gain(strength_db: float) -> float:
    """Share of the noisy signal that stays, for a limit on the attenuation; none at full strength."""
    return 0.0 if strength_db >= FULL_STRENGTH_DB else 10.0 ** (-strength_db / 20.0)


def speech_probability(speech_snr_db: float) -> float:
    """How likely somebody speaks, 0…1, from DeepFilterNet3's estimate of the local signal-to-noise ratio.

    A logistic curve: 2 dB is as likely as not. On 12 mixes of voice and noise at 0…15 dB the gate behind the denoiser finds
    speech with a balanced accuracy of 0.81 with it and 0.77 by energy alone.
    """
    return 1.0 / (1.0 + math.exp(-(speech_snr_db - 2.0) / 3.0))
