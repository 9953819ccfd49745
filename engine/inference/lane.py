"""Denoisers side by side on one source of sound: any of them may take over without a click and without a shift.

A `Lane` is one denoiser over all channels, its output delayed until it is as late as the latest. `Lanes` runs one of them, and
while it changes to another runs both: the new one first takes over the past of the old one or listens until it judges as
well, then a crossfade leads over. Nothing is loaded or made here while sound flows. The dry signal is a lane too, always fed:
where a denoiser raises or returns what is no number, it is there within the same hop.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.core.crossfade import Crossfade
from engine.core.delay import DelayLine
from engine.core.finite import is_finite
from engine.core.kernel import compile_kernels
from engine.core.landing import Landing
from engine.core.stage import Block
from engine.inference.dry import DRY, Dry
from engine.inference.frame_denoiser import DenoiserStream, FrameDenoiser, Residual
from engine.inference.ladder import Failure

FADE_HOPS = 4
HOPS_TO_REFILL = 1
"""After a takeover: overlap-add needs one hop of the new denoiser's own."""
HURRIED_WARM_UP_HOPS = 10
"""For a denoiser in need. On speech in noise, NSNet2 that began so short ago differs from one that heard all by -16 dB of the
voice, and by -21 dB after 50 hops."""


class Lane:
    """One denoiser over all channels.

    Parameters
    ----------
    denoiser : FrameDenoiser
        Weights; may be shared.
    channels : int
    delay_samples : int
        Delay of the output, at least the denoiser's own.
    """

    def __init__(self, denoiser: FrameDenoiser, channels: int, delay_samples: int) -> None:
        self._streams = [denoiser.stream() for _ in range(channels)]
        self._padding = DelayLine(channels, delay_samples - denoiser.delay_samples)
        self._delay_hops = -(-denoiser.delay_samples // denoiser.hop_samples)
        self._warm_up_hops = denoiser.warm_up_hops
        self._hops_to_fill = HOPS_TO_REFILL + -(-self._padding.delay_samples // denoiser.hop_samples)
        self._be_twin(channels > 1)

    @property
    def noisy_power(self) -> float:
        """Power of the frame last put out, as it came in, over all channels that differ."""
        return sum(stream.noisy_power for stream in self._active)

    @property
    def clean_power(self) -> float:
        """Power of the frame last put out, as it went out, over all channels that differ."""
        return sum(stream.clean_power for stream in self._active)

    @property
    def speech_snr_db(self) -> float:
        """How far speech stands above noise on the first channel."""
        return self._streams[0].speech_snr_db

    def process(self, hop_in: Block, hop_out: Block, residual: Residual) -> None:
        """Denoise one hop, shape (channels, hop); both may be the same memory. Audio thread."""
        if self._is_twin and not np.array_equal(hop_in[0], hop_in[-1]):
            self._be_twin(False)
            for stream in self._streams[1:]:
                stream.copy_from(self._streams[0])
        for channel, stream in enumerate(self._active):
            stream.process(hop_in[channel], hop_out[channel], residual)
        if self._is_twin:
            hop_out[1:] = hop_out[0]
        if self._padding.delay_samples:
            self._padding.process(hop_out, hop_out)

    def reset(self) -> None:
        """Forget the past. Audio thread."""
        for stream in self._streams:
            stream.reset()
        self._padding.reset()
        self._be_twin(len(self._streams) > 1)

    def take_over(self, other: Lane, is_hurried: bool = False) -> int:
        """Begin in the middle of the sound, where `other` stands; return the hops until the output is good. Audio thread."""
        self.reset()
        self._be_twin(other._is_twin)
        taken = [own.take_over(their) for own, their in zip(self._streams, other._streams, strict=True)]
        warm_up_hops = min(self._warm_up_hops, HURRIED_WARM_UP_HOPS) if is_hurried else self._warm_up_hops
        return self._hops_to_fill + (0 if all(taken) else max(warm_up_hops, self._delay_hops))

    def _be_twin(self, is_twin: bool) -> None:
        """Say whether all channels carry the same, so that one stream serves them."""
        self._is_twin = is_twin
        self._active: list[DenoiserStream] = self._streams[:1] if is_twin else self._streams


class Lanes:
    """Runs one of several denoisers, and leads over to another on demand.

    Parameters
    ----------
    denoisers : Mapping[str, FrameDenoiser]
        By name; all of one rate and hop.
    channels, delay_samples : int
        Delay of the output, at least that of each denoiser.
    first : str
        Name of the one that begins.

    Attributes
    ----------
    failure : Failure or None
        What went wrong in the hop last done; the denoiser in question is no longer heard.
    """

    def __init__(self, denoisers: Mapping[str, FrameDenoiser], channels: int, delay_samples: int, first: str) -> None:
        hop = denoisers[first].hop_samples
        dry = Dry(denoisers[first].sample_rate, hop)
        self._lanes = {
            name: Lane(denoiser, channels, delay_samples) for name, denoiser in {**denoisers, DRY: dry}.items()
        }
        compile_kernels(is_finite)
        self._dry_line = DelayLine(channels, delay_samples)
        self._dry = np.zeros((channels, hop), np.float32)
        self._landing = Landing(channels)
        self.failure: Failure | None = None
        self._first = self._current = first
        self._next = ""
        self._is_fresh = True
        self._hops_to_wait = 0
        self._faded_hops = 0
        self._other = np.zeros((channels, hop), np.float32)
        sample_rate = denoisers[first].sample_rate
        self._fade = Crossfade(sample_rate, 1000 * FADE_HOPS * hop / sample_rate)
        self.reset()

    @property
    def current(self) -> str:
        """Name of the denoiser that is heard; during a crossfade, of the one it leads away from."""
        return self._current

    @property
    def names(self) -> tuple[str, ...]:
        """All denoisers that may be wanted."""
        return tuple(self._lanes)

    @property
    def lane(self) -> Lane:
        """The denoiser that is heard."""
        return self._lanes[self._current]

    def process(self, wanted: str, hop_in: Block, hop_out: Block, residual: Residual, is_hurried: bool = False) -> None:
        """Denoise one hop on the way to the denoiser that is `wanted`, one of `names`. Audio thread.

        Parameters
        ----------
        hop_in, hop_out : Block
            Shape (channels, hop); may be the same memory.
        is_hurried : bool
            Whether one that begins now should warm up only as long as it must.
        """
        self.failure = None
        self._dry_line.process(hop_in, self._dry)
        if self._is_fresh:
            self._is_fresh = False
            self._current = wanted
            self.lane.reset()
        self._aim(wanted, is_hurried)
        is_whole = True
        if self._next and not self._run(self._next, hop_in, self._other, residual):
            is_whole = self._faded_hops == 0
            self._next = ""
        if not self._run(self._current, hop_in, hop_out, residual) or not is_whole:
            self.drop()
            hop_out[:] = self._dry
        elif self._next:
            self._lead_over(hop_out)
        self._landing.cross(hop_out)
        self._landing.keep(hop_out, self._dry)

    def drop(self) -> None:
        """Go to dry with the next hop, without running the denoiser that is heard even once more. Audio thread."""
        self._current, self._next = DRY, ""
        self._landing.begin()

    def _run(self, name: str, hop_in: Block, out: Block, residual: Residual) -> bool:
        if name == DRY:
            out[:] = self._dry
            return True
        try:
            self._lanes[name].process(hop_in, out, residual)
        except Exception as error:  # noqa: BLE001 - whatever a network raises, the audio goes on
            self.failure = Failure(name, f"{type(error).__name__}: {error}".partition("\n")[0])
            return False
        if not is_finite(out):
            self.failure = Failure(name, "it returned samples that are no numbers")
            return False
        return True

    def _aim(self, wanted: str, is_hurried: bool) -> None:
        is_fading = self._next and self._hops_to_wait == 0
        if is_fading or wanted == (self._next or self._current):
            return
        self._next = "" if wanted == self._current else wanted
        if self._next:
            self._hops_to_wait = 0 if wanted == DRY else self._lanes[wanted].take_over(self.lane, is_hurried)
            self._faded_hops = 0

    def _lead_over(self, hop_out: Block) -> None:
        if self._hops_to_wait:
            self._hops_to_wait -= 1
            return
        self._fade.process(hop_out, self._other, hop_out, self._faded_hops * hop_out.shape[1])
        self._faded_hops += 1
        if self._faded_hops == FADE_HOPS:
            self._current, self._next = self._next, ""

    def reset(self) -> None:
        """Forget the past; what is wanted next begins at once. Audio thread."""
        self._current = self._first
        self._next = ""
        self._hops_to_wait = 0
        self._faded_hops = 0
        self._is_fresh = True
        self.failure = None
        self._dry_line.reset()
        self._landing.reset()
