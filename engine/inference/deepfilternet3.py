"""DeepFilterNet3, frame by frame: features in, mask and filter out, at 48 kHz with 30, 20 or 10 ms of delay.

The network sees each frame as 32 band levels and 96 normalised bins; it answers with a gain per band and, for the 96
lowest bins, a complex filter over five frames. Two of the five lie ahead of the frame that is put out, hence the
delay: two hops of look-ahead and one of overlap. What is around the network is done in compiled kernels on buffers
made once.

*Roll-out*: instead of waiting for one or both frames ahead, the waveform is predicted. In one call the network makes its
step on real frames, whose state it keeps, and goes on over the predicted ones, whose state is thrown away. Every hop
predicts anew, and the older of the two overlapping frames is computed again with what is known by then.

Source: Schröter et al., "DeepFilterNet: A Low Complexity Speech Enhancement Framework for Full-Band Audio based on Deep
Filtering", ICASSP 2022 (features, eq. 1-5); "DeepFilterNet: Perceptually Motivated Real-Time Speech Enhancement",
Interspeech 2023 (network).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.core.kernel import compile_kernels
from engine.dsp.erb import erb_band_ends
from engine.dsp.fft import plan_fft
from engine.dsp.linear_prediction import LinearPredictor
from engine.dsp.stft import vorbis_window
from engine.errors import ModelError
from engine.inference.deep_filtering import (
    BANDS,
    CONTEXT,
    FILTERED_BINS,
    HOP_SAMPLES,
    LOOK_AHEAD_FRAMES,
    TAPS,
    answer,
    hear,
    take_in,
)
from engine.inference.frame_denoiser import Residual, no_residual
from engine.inference.session import ModelSession, StatefulStep

SAMPLE_RATE = 48_000
PREDICTION_ORDER = 128
HISTORY_SAMPLES = 1920
LEAD_OVER_SAMPLES = 48
"""One millisecond: long enough for no click, short enough to hear the better estimate for nearly all of the hop."""


class DeepFilterNet3:
    """Weights of DeepFilterNet3. Implements `FrameDenoiser`.

    Parameters
    ----------
    session : ModelSession
        Of a streaming graph made by `models.build`.
    predicted_frames : int
        How many of the two frames ahead are predicted instead of waited for; the graph's frames but one.
    """

    sample_rate = SAMPLE_RATE
    hop_samples = HOP_SAMPLES
    warm_up_hops = 100

    def __init__(self, session: ModelSession, predicted_frames: int = 0) -> None:
        self.session = session
        self._predicted_frames = predicted_frames
        self.delay_samples = (LOOK_AHEAD_FRAMES - predicted_frames + 1) * HOP_SAMPLES
        self._band_ends = erb_band_ends(SAMPLE_RATE, 2 * HOP_SAMPLES, BANDS, min_bins=2)

    def stream(self) -> DeepFilterNet3Stream:
        """A new stream, warmed up: its first hop costs no more than the others. Control thread.

        Raises
        ------
        ModelError
            If the graph is no such one.
        """
        step = StatefulStep(self.session)
        stream = DeepFilterNet3Stream(step, self._band_ends, self._predicted_frames)
        hop = np.zeros(HOP_SAMPLES, np.float32)
        with step.warming():
            for _ in range(2):
                stream.process(hop, hop, no_residual)
        stream.reset()
        return stream


class DeepFilterNet3Stream:
    """State of one source. Implements `DenoiserStream`."""

    def __init__(self, step: StatefulStep, band_ends: NDArray[np.int64], predicted_frames: int) -> None:
        frames = 1 + predicted_frames
        try:
            self._band_levels = step.inputs["feat_erb"].reshape(CONTEXT - 1 + frames, BANDS)
            self._unit_bins = step.inputs["feat_spec"].reshape(2, CONTEXT - 1 + frames, FILTERED_BINS)
            self._masks = step.outputs["mask"].reshape(frames, BANDS)
            self._filters = step.outputs["coefs"].reshape(frames, FILTERED_BINS, TAPS, 2)
            self._local_snr = step.outputs["lsnr"].reshape(frames)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"this is no streaming DeepFilterNet3 ({error}); run ./sidetone models build to replace it"
            ) from error
        compile_kernels(take_in, hear, answer)
        self._step = step
        self._band_ends = band_ends
        self._predicted_frames = predicted_frames
        self._window = vorbis_window(2 * HOP_SAMPLES)
        self._plan = plan_fft(2 * HOP_SAMPLES)
        self._frame = np.zeros(2 * HOP_SAMPLES, np.float32)
        self._tail = np.zeros(HOP_SAMPLES, np.float32)
        phase = (np.arange(LEAD_OVER_SAMPLES) + 0.5) / LEAD_OVER_SAMPLES
        self._lead_over = (0.5 - 0.5 * np.cos(np.pi * phase)).astype(np.float32)
        self._predictor = LinearPredictor(PREDICTION_ORDER, HISTORY_SAMPLES, predicted_frames * HOP_SAMPLES)
        self._line = np.zeros(HISTORY_SAMPLES + predicted_frames * HOP_SAMPLES, np.float32)
        self._spectra = np.zeros((TAPS + predicted_frames, HOP_SAMPLES + 1), np.complex64)
        self._enhanced = np.zeros(HOP_SAMPLES + 1, np.complex64)
        # Running means after the real frames, and as they go on over predicted ones.
        self._mean_levels_db = np.zeros((2, BANDS), np.float32)
        self._mean_magnitudes = np.zeros((2, FILTERED_BINS), np.float32)
        self._band_powers = np.zeros(BANDS, np.float32)
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
        """The network's own estimate of the local signal-to-noise ratio, -15 to 35 dB."""
        return float(self._local_snr[0])

    def process(self, hop_in: NDArray[np.float32], hop_out: NDArray[np.float32], residual: Residual) -> None:
        """Denoise one hop, `DeepFilterNet3.delay_samples` late. Audio thread; see `DenoiserStream.process`."""
        take_in(hop_in, self._line[:HISTORY_SAMPLES])
        if self._predicted_frames:
            self._predictor.extend(self._line)
        hear(
            self._line,
            self._window,
            self._frame,
            self._plan,
            self._spectra,
            self._band_ends,
            self._band_powers,
            self._mean_levels_db,
            self._mean_magnitudes,
            self._band_levels,
            self._unit_bins,
        )
        self._step.run()
        answer(
            self._spectra,
            self._band_ends,
            self._masks,
            self._filters,
            residual(),
            self._enhanced,
            self._powers,
            self._plan,
            self._frame,
            self._window,
            self._lead_over,
            self._tail,
            hop_out,
        )

    def reset(self) -> None:
        """Forget the past; as good as new. Audio thread."""
        self._tail.fill(0.0)
        self._step.reset()
        self._line.fill(0.0)
        self._spectra.fill(0.0)
        self._band_powers.fill(0.0)
        self._powers.fill(0.0)
        self._local_snr.fill(0.0)
        # Where the running means start in training; from elsewhere the first seconds would be misjudged.
        self._mean_levels_db[:] = np.linspace(-60.0, -90.0, BANDS)
        self._mean_magnitudes[:] = np.linspace(1e-3, 1e-4, FILTERED_BINS)

    def copy_from(self, other: DeepFilterNet3Stream) -> None:
        """Become a copy of another stream. Audio thread."""
        self.take_over(other)
        self._tail[:] = other._tail

    def take_over(self, other: object) -> bool:
        """Go on from the past of another stream, which may wait for more or fewer frames. Audio thread."""
        if not isinstance(other, DeepFilterNet3Stream):
            return False
        self._step.copy_state_from(other._step)
        self._line[:HISTORY_SAMPLES] = other._line[:HISTORY_SAMPLES]
        self._spectra[:TAPS] = other._spectra[:TAPS]
        self._band_levels[:CONTEXT] = other._band_levels[:CONTEXT]
        self._unit_bins[:, :CONTEXT] = other._unit_bins[:, :CONTEXT]
        self._mean_levels_db[:] = other._mean_levels_db
        self._mean_magnitudes[:] = other._mean_magnitudes
        self._powers[:] = other._powers
        self._local_snr[0] = other._local_snr[0]
        return True
