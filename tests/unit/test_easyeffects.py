"""EasyEffects' presets: what exists here comes over, what does not is listed, and nonsense is a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import PresetError
from engine.control.controls import Controls
from engine.control.easyeffects import import_easyeffects
from engine.core.chain import Chain
from engine.dsp.responses import BANDS
from engine.stages import STAGES
from engine.stages.denoise import Denoise


def band(**values: Any) -> dict[str, Any]:
    return {"frequency": 100.0, "gain": -3.0, "mode": "RLC (BT)", "mute": False, "q": 1.5, "type": "Bell"} | values


VOICE: dict[str, Any] = {
    "input": {
        "blocklist": [],
        "plugins_order": [
            "filter#0", "deepfilternet#0", "gate#0", "deesser#0", "equalizer#0", "compressor#0", "compressor#1",
            "reverb#0", "limiter#0",
        ],
        "filter#0": {"bypass": False, "frequency": 90.0, "type": "High-pass", "slope": "x2", "input-gain": 0.0},
        "deepfilternet#0": {"attenuation-limit": 80.0, "bypass": False},
        "gate#0": {"attack": 5.0, "curve-threshold": -50.0, "reduction": -15.0, "release": 120.0, "bypass": True},
        "deesser#0": {"bypass": False, "f1-freq": 6000.0, "threshold": -18.0},
        "equalizer#0": {
            "bypass": False, "num-bands": 4, "split-channels": False,
            "left": {
                "band0": band(), "band1": band(type="Hi-pass", frequency=60.0), "band2": band(type="Off"),
                "band3": band(type="Ladder-pass"),
            },
        },
        "compressor#0": {
            "attack": 10.0, "bypass": False, "knee": -6.0, "makeup": 3.0, "ratio": 4.0, "release": 200.0,
            "threshold": -16.0, "output-gain": 2.0,
        },
        "compressor#1": {"ratio": 2.0},
        "reverb#0": {"room-size": "Small"},
        "limiter#0": {"threshold": -1.5, "release": 20.0, "bypass": False},
    }
}  # fmt: skip


def test_the_parts_that_exist_here_come_over() -> None:
    preset, notes = import_easyeffects(json.dumps(VOICE))
    params = preset.chain.params
    assert params["high_pass.cutoff_hz"] == 90.0
    assert params["high_pass.slope"] == "24 dB/oct"
    assert params["denoise.strength_db"] == 80.0
    assert params["gate.depth_db"] == 15.0
    assert params["de_esser.split_hz"] == 6000.0
    assert (params["equalizer.band1_kind"], params["equalizer.band1_db"]) == ("peak", -3.0)
    assert (params["equalizer.band2_kind"], params["equalizer.band2_hz"]) == ("low cut", 60.0)
    assert "equalizer.band3_kind" not in params
    assert {name: params[f"compressor.{name}"] for name in ("knee_db", "makeup_db", "ratio", "threshold_db")} == {
        "knee_db": 12.0,
        "makeup_db": 3.0,
        "ratio": 4.0,
        "threshold_db": -16.0,
    }
    assert params["limiter.ceiling_dbtp"] == -1.5
    assert preset.chain.bypass == {
        "high_pass": False,
        "denoise": False,
        "gate": True,
        "de_esser": False,
        "equalizer": False,
        "compressor": False,
        "limiter": False,
        "leveller": True,
    }
    told = "\n".join(notes)
    for words in ("reverb#0", "compressor#1", "Ladder-pass", "fixed level", "output gain of 2 dB"):
        assert words in told


def test_all_that_comes_over_is_known_here() -> None:
    controls = Controls(Chain([stage() for stage in STAGES if stage is not Denoise]))
    preset, _ = import_easyeffects(json.dumps(VOICE))
    strange = preset.chain.params.keys() - controls.known(preset.chain).params.keys()
    assert strange == {"denoise.strength_db"}


def test_bands_beyond_ours_are_listed() -> None:
    equalizer = {"left": {f"band{index}": band() for index in range(30)}}
    document = {"output": {"plugins_order": ["equalizer#0"], "equalizer#0": equalizer}}
    preset, notes = import_easyeffects(json.dumps(document))
    assert f"equalizer.band{BANDS}_hz" in preset.chain.params
    assert sum("only" in note for note in notes) == 30 - BANDS


@pytest.mark.parametrize(
    "text", ["{", "{}", "[]", '{"input": 3}', '{"input": {"plugins_order": "gate"}}', "{" + '"a":{' * 5000]
)
def test_what_is_no_preset_is_a_sentence(text: str) -> None:
    with pytest.raises(PresetError):
        import_easyeffects(text)


@pytest.mark.parametrize("value", [None, "loud", [], {}, True, 1e400])
def test_a_value_that_is_none_is_left_out_or_bounded(value: Any) -> None:
    document = {"input": {"plugins_order": ["compressor#0", "gate#0"], "compressor#0": {"threshold": value}}}
    text = json.dumps(document).replace("Infinity", "1e400")
    try:
        preset, _ = import_easyeffects(text)
    except PresetError:
        return
    assert set(preset.chain.params) <= {"compressor.threshold_db"}
