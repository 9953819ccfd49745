"""Filters as the other programs write them, down to their odd spellings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.control.equalizer_import import import_equalizer
from engine.dsp.responses import BANDS, equalizer_gain_db
from engine.errors import PresetError
from engine.stages.equalizer import EqualizerParams
from tests.helpers.stages import with_values

AUTO_EQ = """Preamp: -6.8 dB
Filter 1: ON LSC Fc 105 Hz Gain 7.0 dB Q 0.70
Filter 2: ON PK Fc 202 Hz Gain -3.5 dB Q 0.54
Filter 3: ON PK Fc 36 Hz Gain -1.3 dB Q 1.34
Filter 4: ON PK Fc 3245 Hz Gain -5.2 dB Q 2.48
Filter 5: ON PK Fc 1242 Hz Gain 1.4 dB Q 2.26
Filter 6: ON HSC Fc 10000 Hz Gain -2.8 dB Q 0.70
"""

REW = """Filter Settings file

Room EQ V5.20
Dated: 12-Mar-2021 10:01:27

Notes:

Equaliser: Generic
Average 1
Filter  1: ON  PK       Fc   63,80 Hz  Gain  -5,00 dB  Q  4,00
Filter  2: ON  PK       Fc   1,250 Hz  Gain   2.10 dB  Q  1.00
Filter  3: ON  None
Filter  4: OFF PK       Fc   400.0 Hz  Gain   9.00 dB  Q  1.00
Filter  5: ON  HP       Fc      80 Hz
"""

APO = """# my own
Preamp: -3 dB
Device: all
Filter: ON PK Fc 50 Hz Gain -10.0 dB BW Oct 1
Filter 2: ON LSC 12 dB Fc 300 Hz Gain 5.0 dB
Filter 3: ON NO Fc 50.0 Hz
Filter 4: ON LPQ Fc 16 kHz Q 0.5
Filter 5: ON AP Fc 900 Hz Q 0.707
filter 6: on hs fc 4000 hz gain +2 db
"""


def bands(text: str) -> list[tuple[object, ...]]:
    imported = import_equalizer(text)
    return [
        tuple(imported.values[f"equalizer.band{band}_{field}"] for field in ("kind", "hz", "db", "q"))
        for band in range(1, imported.filters + 1)
    ]


def test_auto_eq() -> None:
    imported = import_equalizer(AUTO_EQ)
    assert imported.values["equalizer.preamp_db"] == -6.8
    assert imported.notes == ()
    assert bands(AUTO_EQ)[0] == ("low shelf", 105.0, 7.0, 0.70)
    assert bands(AUTO_EQ)[3] == ("peak", 3245.0, -5.2, 2.48)
    assert bands(AUTO_EQ)[5] == ("high shelf", 10000.0, -2.8, 0.70)


def test_rew_with_commas_gaps_and_filters_that_are_off() -> None:
    assert bands(REW) == [
        ("peak", 63.8, -5.0, 4.0),
        ("peak", 1250.0, 2.1, 1.0),
        ("low cut", 80.0, 0.0, math.sqrt(0.5)),
    ]


def test_apo_with_octaves_slopes_and_shapes_that_are_not_known() -> None:
    found = bands(APO)
    assert found[0] == ("peak", 50.0, -10.0, pytest.approx(math.sqrt(2)))
    # The cookbook's Q of a shelf of slope 1.
    assert found[1] == ("low shelf", 300.0, 5.0, pytest.approx(math.sqrt(0.5)))
    assert found[2] == ("notch", 50.0, 0.0, 30.0)
    assert found[3] == ("high cut", 16000.0, 0.0, 0.5)
    assert found[4][:3] == ("high shelf", 4000.0, 2.0)
    assert import_equalizer(APO).notes == ("Line 8 was left out: a filter of shape AP is not known here.",)


def test_a_byte_order_mark_and_windows_line_ends() -> None:
    assert bands("\ufeff" + AUTO_EQ.replace("\n", "\r\n")) == bands(AUTO_EQ)


def test_what_does_not_fit_is_named() -> None:
    lines = [f"Filter {n}: ON PK Fc {100 * n} Hz Gain 40 dB Q 1" for n in range(1, BANDS + 2)]
    imported = import_equalizer("\n".join(lines))
    assert imported.filters == BANDS
    assert imported.values["equalizer.band1_db"] == 24.0
    assert imported.notes[0] == "Line 1: Band 1 gain was 40 and is now 24.0 dB."
    assert imported.notes[-1] == "Line 11 was left out: there are only 10 bands."


def test_bands_of_an_earlier_import_are_cleared() -> None:
    imported = import_equalizer("Filter 1: ON PK Fc 100 Hz Gain 1 dB Q 1")
    assert imported.values["equalizer.band2_db"] == 0.0
    assert imported.values["equalizer.preamp_db"] == 0.0


@pytest.mark.parametrize("text", ["", "hello", "Filter 1: ON None", "Filter 1: ON PK Gain 3 dB", '{"eq": []}'])
def test_no_filter_is_an_error_that_says_what_is_wanted(text: str) -> None:
    with pytest.raises(PresetError, match="Filter 1: ON PK"):
        import_equalizer(text)


def test_an_import_sounds_as_its_author_meant() -> None:
    values = {name.removeprefix("equalizer."): value for name, value in import_equalizer(AUTO_EQ).values.items()}
    params = with_values(EqualizerParams, values)
    assert isinstance(params, EqualizerParams)
    # Far below the shelf: preamp and the full shelf; what the peaks add there is below a tenth of a decibel.
    assert equalizer_gain_db(vars(params), np.array([1.0]), 48_000)[0] == pytest.approx(-6.8 + 7.0, abs=0.1)
