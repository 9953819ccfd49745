"""Moonshine: writes down speech, reading the whole segment anew each time it is asked.

An encoder turns the segment into features; a decoder writes one token after another, each time the likeliest.

Source: N. Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands", arXiv:2410.15608.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError
from engine.inference.recognizer import SPEECH_RATE_HZ
from engine.inference.session import open_session
from engine.inference.tokens import Word, read_tokenizer

ENCODERS = ("encoder_model.ort", "encoder_model.onnx")
DECODERS = ("decoder_model_merged.ort", "decoder_model_merged.onnx")
TOKENIZERS = ("tokenizer.bin", "tokenizer.json")

_BEGIN, _END = 1, 2
_TOKENS_PER_S = 6.5
_LEAST_TOKENS = 4
"""More than so many tokens are no speech: a decoder that got lost repeats itself for ever."""
_LEAST_SAMPLES = SPEECH_RATE_HZ // 4


class Moonshine:
    """The weights. Implements `SpeechModel`. Control thread; waits for the disk.

    Parameters
    ----------
    archive : Path
        A zip file with an encoder, a decoder that keeps its keys and values, and a tokenizer.

    Raises
    ------
    ModelError
        If it is no such archive.
    """

    def __init__(self, archive: Path) -> None:
        try:
            with zipfile.ZipFile(archive) as files:
                self.encoder, self.decoder = (
                    open_session(files.read(_member(files, names)), has_fixed_shapes=False)
                    for names in (ENCODERS, DECODERS)
                )
                tokenizer = _member(files, TOKENIZERS)
                self.tokenizer = read_tokenizer(tokenizer, files.read(tokenizer))
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise ModelError(
                f"{archive.name} cannot be read ({error}); run ./sidetone models build to replace it"
            ) from None
        inputs = {value.name: value.shape for value in self.decoder.get_inputs()}
        self.past_shapes = {
            name: (1, shape[1], 0, shape[3]) for name, shape in inputs.items() if name.startswith("past")
        }
        self.takes_mask = "encoder_attention_mask" in inputs
        outputs = [value.name for value in self.decoder.get_outputs()]
        self.logits, self.presents = outputs[0], [name for name in outputs if name.startswith("present")]
        self.own_presents = [name for name in self.presents if ".decoder." in name]
        if not self.past_shapes or len(self.presents) != len(self.past_shapes):
            raise ModelError(f"the decoder in {archive.name} does not keep its keys and values; choose another model")

    def stream(self) -> MoonshineStream:
        """A new stream with a state of its own."""
        return MoonshineStream(self)


class MoonshineStream:
    """One segment. Implements `SpeechStream`."""

    def __init__(self, model: Moonshine) -> None:
        self._model = model
        self._sound: list[NDArray[np.float32]] = []
        self._tokens: list[int] = []
        self._probabilities: list[float] = []
        self._words: tuple[Word, ...] = ()

    def accept(self, sound: NDArray[np.float32]) -> None:
        """Add sound."""
        self._sound.append(np.array(sound, np.float32))

    def reset(self) -> None:
        """Begin a new segment."""
        self._sound, self._tokens, self._probabilities, self._words = [], [], [], ()

    def hypothesis(self) -> tuple[Word, ...]:
        """What was said since `reset`."""
        sound = np.concatenate(self._sound) if self._sound else np.zeros(0, np.float32)
        if sound.size < _LEAST_SAMPLES:
            return self._words
        self._sound = [sound]
        try:
            self._decode(sound)
        except Exception as error:  # onnxruntime's own exceptions share no other base
            raise ModelError(
                f"the speech model failed ({str(error).partition(chr(10))[0]}); choose another one"
            ) from error
        self._words = self._model.tokenizer.words(self._tokens, self._probabilities)
        return self._words

    def _decode(self, sound: NDArray[np.float32]) -> None:
        """Write the likeliest token after another, the last hypothesis being the draft.

        The decoder judges the whole draft in one step, and only what it would write otherwise takes a step for each token.

        With a decoder that quantises as it runs, as the published one does, that is not quite what it would write without a
        draft: the range of all tokens of a step sets how finely each is represented, so those of the draft weigh on the
        verdict on the ones before them. The first hypothesis after `reset` has no draft.

        Source: Y. Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", arXiv:2211.17192.
        """
        model = self._model
        features, mask = self._encode(sound)
        past = {name: np.zeros(shape, np.float32) for name, shape in model.past_shapes.items()}
        most = max(_LEAST_TOKENS, math.ceil(_TOKENS_PER_S * sound.size / SPEECH_RATE_HZ) + 2)
        draft, self._tokens, self._probabilities = self._tokens[: most - 1], [], []
        fresh = [_BEGIN, *draft]
        # The encoder's keys and values are made in the first step and stay; the decoder's own grow with every one.
        presents = model.presents
        while True:
            feeds = {"input_ids": np.array([fresh], np.int64), "encoder_hidden_states": features, **past, **mask}
            feeds["use_cache_branch"] = np.array([presents is model.own_presents])
            logits, *values = model.decoder.run([model.logits, *presents], feeds)
            if self._write(logits[0], fresh[1:], most):
                return
            for name, value in zip(presents, values, strict=True):
                kept = value[:, :, : len(self._tokens)] if name in model.own_presents else value
                past[name.replace("present", "past_key_values")] = np.ascontiguousarray(kept)
            fresh, presents = self._tokens[-1:], model.own_presents

    def _write(self, logits: NDArray[np.float32], draft: Sequence[int], most: int) -> bool:
        """Write tokens as far as they are those of the draft, and one more; whether that was the end."""
        for row, drafted in zip_longest(logits, draft):
            token, probability = _likeliest(row)
            if token == _END:
                return True
            self._tokens.append(token)
            self._probabilities.append(probability)
            if len(self._tokens) == most:
                return True
            if token != drafted:
                break
        return False

    def _encode(self, sound: NDArray[np.float32]) -> tuple[NDArray[np.float32], dict[str, NDArray[np.int64]]]:
        everywhere = np.ones((1, sound.size), np.int64)
        names = [value.name for value in self._model.encoder.get_inputs()]
        feeds: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {names[0]: sound[None]}
        if "attention_mask" in names:
            feeds["attention_mask"] = everywhere
        features: NDArray[np.float32] = self._model.encoder.run(None, feeds)[0]
        return features, {"encoder_attention_mask": everywhere} if self._model.takes_mask else {}


def _likeliest(logits: NDArray[np.float32]) -> tuple[int, float]:
    """The token of the highest value, and its probability."""
    token = int(logits.argmax())
    return token, float(1.0 / np.exp(logits - logits[token]).sum())


def _member(files: zipfile.ZipFile, names: Sequence[str]) -> str:
    found = next((name for name in files.namelist() if name.rpartition("/")[2] in names), None)
    if found is None:
        raise ModelError(f"the archive of a speech model lacks {' or '.join(names)}; choose another one")
    return found
