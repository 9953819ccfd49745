"""NSNet2 at 48 kHz, frame by frame: levels in, a gain per bin out, with 10 ms of delay.

The network sees each frame as the logarithm of its power spectrum and remembers the past in two hidden states; it looks at
nothing ahead, so the only delay is the overlap of frames. It keeps less of the voice than DeepFilterNet3 does, and costs a
fraction of it.

Source: Braun, Tashev, "Data augmentation and loss normalization for deep noise suppression", SPECOM 2020; windows, transform
and features as in the baseline of the Deep Noise Suppression Challenge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels, kernel
from engine.dsp.fft import FFT_TYPE, FftTables, inverse_real_fft, plan_fft, real_fft
from engine.dsp.stft import append_hop, sine_window
from engine.errors import ModelError
from engine.inference.frame_denoiser import SMALLEST_POWER, Residual, let_through_db, no_residual
from engine.inference.session import ModelSession, StatefulStep

SAMPLE_RATE = 48_000
HOP_SAMPLES = 480
FFT_SIZE = 1024
BINS = FFT_SIZE // 2 + 1


class NsNet2:
    """Weights of NSNet2. Implements `FrameDenoiser`.

    Parameters
    ----------
    session : ModelSession
        Of the streaming graph made by `models.build`.
    """

    sample_rate = SAMPLE_RATE
    hop_samples = HOP_SAMPLES
    delay_samples = HOP_SAMPLES
    warm_up_hops = 50

    def __init__(self, session: ModelSession) -> None:
        self.session = session

    def stream(self) -> NsNet2Stream:
        """A new stream, warmed up: its first hop costs no more than the others. Control thread.

        Raises
        ------
        ModelError
            If the graph is no such one.
        """
        step = StatefulStep(self.session)
        stream = NsNet2Stream(step)
        hop = np.zeros(HOP_SAMPLES, np.float32)
        with step.warming():
            for _ in range(2):
                stream.process(hop, hop, no_residual)
        stream.reset()
        return stream


class NsNet2Stream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, step: StatefulStep) -> None:
        try:
            self._log_power = step.inputs["log_power"].reshape(BINS)
            self._gain = step.outputs["gain"].reshape(BINS)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"this is no streaming NSNet2 ({error}); run ./sidetone models build to replace it"
            ) from error
        compile_kernels(_hear, _answer)
        self._step = step
        self._window = sine_window(2 * HOP_SAMPLES)
        self._plan = plan_fft(FFT_SIZE)
        self._line = np.zeros(2 * HOP_SAMPLES, np.float32)
        self._frame = np.zeros(FFT_SIZE, np.float32)
        self._tail = np.zeros(HOP_SAMPLES, np.float32)
        self._spectrum = np.zeros(BINS, np.complex64)
        self._powers = np.zeros(2)
        self.reset()

    @property
    def noisy_power(self) -> float:
        """Power of the frame last put out, as it came in."""
        return float(self._powers[0])

    @property
    def clean_power(self) -> float:
        """Power of the frame last put out, as it went out."""
        return float(self._powers[1])

    @property
    def speech_snr_db(self) -> float:
        """Power let through over power taken away, -15 to 35 dB; the network has no word of its own on it."""
        return let_through_db(self.noisy_power, self.clean_power)

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop, `NsNet2.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        _hear(hop_in, self._line, self._window, self._frame, self._plan, self._spectrum, self._log_power)
        self._step.run()
        _answer(
            self._spectrum,
            self._gain,
            residual(),
            self._powers,
            self._plan,
            self._frame,
            self._window,
            self._tail,
            hop_out,
        )

    def reset(self) -> None:
        """Forget the past; as good as new. Audio thread."""
        self._line.fill(0.0)
        self._tail.fill(0.0)
        self._step.reset()
        self._powers.fill(0.0)

    def copy_from(self, other: NsNet2Stream) -> None:
        """Become a copy of another stream. Audio thread."""
        self._line[:] = other._line
        self._tail[:] = other._tail
        self._step.copy_from(other._step)
        self._powers[:] = other._powers

    def take_over(self, other: object) -> bool:
        """Go on from the past of another stream of NSNet2. Audio thread."""
        if not isinstance(other, NsNet2Stream):
            return False
        self.copy_from(other)
        return True


@kernel(f"void(float32[::1], float32[::1], float32[::1], float32[::1], {FFT_TYPE}, complex64[::1], float32[::1])")
def _hear(
    hop: NDArray[np.float32],
    line: NDArray[np.float32],
    window: NDArray[np.float32],
    frame: NDArray[np.float32],
    plan: FftTables,
    spectrum: NDArray[np.complex64],
    log_power: NDArray[np.float32],
) -> None:
    """Take in a hop, and write spectrum and feature: log10 of the power of a transform that is not divided by its size."""
    append_hop(hop, line)
    for i in range(line.size):
        frame[i] = line[i] * window[i]
    frame[line.size :] = 0.0
    real_fft(plan, frame, 1.0, spectrum)
    for index in range(spectrum.size):
        power = spectrum[index].real ** 2 + spectrum[index].imag ** 2
        log_power[index] = np.log10(max(power, np.float32(SMALLEST_POWER)))


@kernel(
    f"void(complex64[::1], float32[::1], float64, float64[::1], {FFT_TYPE}, float32[::1], float32[::1], float32[::1], "
    "float32[::1])"
)
def _answer(
    spectrum: NDArray[np.complex64],
    gain: NDArray[np.float32],
    residual_gain: float,
    powers: NDArray[np.float64],
    plan: FftTables,
    frame: NDArray[np.float32],
    window: NDArray[np.float32],
    tail: NDArray[np.float32],
    hop: NDArray[np.float32],
) -> None:
    """Apply the gains, eased by the residual; write the power before and after, and the samples that are complete."""
    residual = np.float32(residual_gain)
    clean = np.float32(1.0) - residual
    noisy_power = 0.0
    clean_power = 0.0
    for index in range(spectrum.size):
        noisy_power += spectrum[index].real ** 2 + spectrum[index].imag ** 2
        spectrum[index] = spectrum[index] * (gain[index] * clean + residual)
        clean_power += spectrum[index].real ** 2 + spectrum[index].imag ** 2
    powers[0] = noisy_power / FFT_SIZE**2
    powers[1] = clean_power / FFT_SIZE**2
    inverse_real_fft(plan, spectrum, 1.0 / FFT_SIZE, frame)
    size = tail.size
    for i in range(size):
        hop[i] = frame[i] * window[i] + tail[i]
        tail[i] = frame[size + i] * window[size + i]
