"""Captions for OBS: Western letters and rows, how often they are sent, and when they are taken away."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import CaptionLine
from engine.integrations.cea608 import COLUMNS, REPERTOIRE, ROWS, is_western, last_rows, to_western
from engine.integrations.obs_captions import Fading, StreamCaptions, TextSource, spoken
from engine.integrations.obs_connection import ObsConnection
from engine.integrations.obs_ledger import ObsLedger
from tests.helpers.fake_obs import FakeObs


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Il a déjà mangé, ça va ?", "Il a déjà mangé, ça va ?"),
        ("Größe, Straße", "Größe, Straße"),
        ("“It’s” – well…", "“It’s” - well..."),
        ("Dvořák, Łódź, œuvre", "Dvorák, Lódz, oeuvre"),
        ("cafe\u0301", "café"),
        ("20 €, 5 × 2 ½", "20 EUR, 5 x 2 ½"),
        ("ﬁne`s\u00a0way\u200b", "fine's way"),
        ("Привет 😀", "?????? ?"),
    ],
)
def test_letters(text: str, sent: str) -> None:
    assert to_western(text) == sent


@given(st.text())
def test_whatever_is_said_fits(text: str) -> None:
    sent = to_western(text)
    assert set(sent) <= REPERTOIRE
    rows = last_rows(sent).split("\n")
    assert len(rows) <= ROWS
    assert all(len(row) <= COLUMNS for row in rows)


def test_other_alphabets_are_known() -> None:
    assert all(is_western(text) for text in ("Hello", "", "Çok iyi", "12:30"))
    assert not any(is_western(text) for text in ("Добрый вечер", "こんばんは"))


def test_the_end_of_what_is_said_is_shown_in_whole_words() -> None:
    text = " ".join(f"word{number}" for number in range(20))
    rows = last_rows(text).split("\n")
    assert " ".join(rows).split() == text.split()[-len(" ".join(rows).split()) :]


def test_tentative_words_are_only_for_the_picture() -> None:
    lines = (CaptionLine(id=1, committed="One.", is_final=True), CaptionLine(id=2, committed="And", tentative=" two"))
    assert spoken(lines) == "One. And"
    assert spoken(lines, with_tentative=True) == "One. And two"


def test_captions_are_taken_away_after_eight_seconds_without_a_word() -> None:
    fading = Fading()
    first, second = CaptionLine(id=1, committed="One."), CaptionLine(id=2, committed="Two.")
    assert fading.shown((first,), 0.0) == [first]
    assert fading.shown((first,), 7.9) == [first]
    assert fading.shown((first,), 8.0) == []
    assert fading.shown((first, second), 9.0) == [second], "old lines do not come back with a new one"
    again = CaptionLine(id=0, committed="Anew.")
    assert fading.shown((again,), 10.0) == [again], "another session counts its lines anew"


def test_the_stream_gets_no_more_than_it_can_carry(fake_obs: FakeObs, obs: ObsConnection) -> None:
    fake_obs.is_streaming = True
    captions = StreamCaptions(obs)
    for tick in range(100):
        captions.send("word " * (1 + tick), tick / 10)
    assert 5 <= len(fake_obs.captions) <= 10
    assert all(len(text) <= ROWS * (COLUMNS + 1) for text in fake_obs.captions)


def test_without_a_stream_a_caption_is_tried_again(fake_obs: FakeObs, obs: ObsConnection) -> None:
    captions = StreamCaptions(obs)
    assert "not streaming" in captions.send("Hello", 0.0)
    fake_obs.is_streaming = True
    assert "not streaming" in captions.send("Hello", 0.5)
    assert captions.send("Hello", 1.0) == "sent into the stream"
    captions.send("Hello", 3.0)
    assert fake_obs.captions == ["Hello"], "the same is not sent twice"
    assert "Western letters only" in captions.send("Добрый вечер", 5.0)


def test_the_text_source_is_written_five_times_a_second_at_most(
    fake_obs: FakeObs, obs: ObsConnection, tmp_path: Path
) -> None:
    source = TextSource(obs, ObsLedger(tmp_path / "before.json"), "Untitled")
    for tick in range(100):
        source.show("Captions", f"word {tick}", tick / 50)
    assert len(fake_obs.asked("SetInputSettings")) in range(9, 12)
    assert "no text source “Other text”" in source.show("Other text", "word", 3.0)
    assert fake_obs.settings["Captions"] == {"text": "before"}, "another source was chosen"


def test_a_former_text_is_put_back_after_a_crash(fake_obs: FakeObs, obs: ObsConnection, tmp_path: Path) -> None:
    TextSource(obs, ObsLedger(tmp_path / "before.json"), "Untitled").show("Captions", "word", 0.0)
    assert fake_obs.settings["Captions"] == {"text": "word"}
    TextSource(obs, ObsLedger(tmp_path / "before.json"), "Untitled").release()
    assert fake_obs.settings["Captions"] == {"text": "before"}
