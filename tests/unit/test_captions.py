"""Captions: segments, words that stand, guards, wording and files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.captions.guards import is_believable, without_repetitions
from engine.captions.pipeline import CaptionPipeline
from engine.captions.segmenter import LONGEST_S, Piece, Segmenter, pause_that_ends_s
from engine.captions.session import CaptionSession
from engine.captions.transcript import TranscriptFile, TranscriptHead, transcript
from engine.captions.wording import Wording
from engine.errors import ParameterError, SidetoneError
from engine.inference.tokens import Word
from engine.services.captions import CaptionLine, TranscriptFormat
from tests.helpers.scripted_speech import RATE_HZ, LoudnessDetector, ScriptedStream, said, silence, voice

HEAD = TranscriptHead(id="a-model", version="1", sha256="ab" * 32)


def segments(*sounds: np.ndarray) -> list[list[Piece]]:
    """The pieces of each segment."""
    segmenter = Segmenter(LoudnessDetector())
    found: list[list[Piece]] = []
    pieces = [*segmenter.accept(np.concatenate(sounds)), *segmenter.end()]
    for piece in pieces:
        if piece.is_first:
            found.append([])
        found[-1].append(piece)
    assert all(segment[-1].is_last for segment in found)
    return found


def length_s(segment: list[Piece]) -> float:
    return sum(piece.sound.size for piece in segment) / RATE_HZ


def run(
    stream: ScriptedStream,
    *sounds: np.ndarray,
    wording: Wording | None = None,
    now_s: Callable[[], float] = lambda: 0.0,
) -> list[CaptionLine]:
    """Every version of every line, the sound coming 64 ms at a time."""
    pipeline = CaptionPipeline(Segmenter(LoudnessDetector()), stream, wording or Wording(), now_s=now_s)
    sound = np.concatenate(sounds)
    lines = [line for at in range(0, sound.size, 1024) for line in pipeline.accept(sound[at : at + 1024])]
    return [*lines, *pipeline.end()]


# --- segments ----------------------------------------------------------------------------------------------------


def test_silence_has_no_segments() -> None:
    assert segments(silence(60.0)) == []


def test_a_pause_ends_a_segment_and_a_breath_does_not() -> None:
    assert len(segments(silence(1.0), voice(1.0), silence(0.3), voice(1.0), silence(1.0))) == 1
    assert len(segments(silence(1.0), voice(1.0), silence(0.9), voice(1.0), silence(1.0))) == 2


def test_a_segment_begins_before_its_first_loud_hop() -> None:
    (segment,) = segments(silence(1.0), voice(1.0), silence(1.0))
    assert 0.2 <= 1.0 - segment[0].start_sample / RATE_HZ <= 0.35


def test_speech_without_a_pause_is_cut_and_nothing_of_it_is_lost_or_doubled() -> None:
    found = segments(silence(1.0), voice(40.0), silence(1.0))
    assert [round(length_s(segment)) for segment in found[:2]] == [round(LONGEST_S)] * 2
    heard = sum(int(np.count_nonzero(piece.sound)) for segment in found for piece in segment)
    assert heard == voice(40.0).size


def test_the_longer_a_segment_the_shorter_the_pause_that_ends_it() -> None:
    pauses = [pause_that_ends_s(seconds) for seconds in (1, 4, 8, 12, 14)]
    assert pauses == sorted(pauses, reverse=True)
    assert (pauses[0], pauses[-1]) == (0.6, 0.1)


# --- words that stand --------------------------------------------------------------------------------------------


def test_a_word_is_committed_when_hypotheses_agree_and_stands_from_then_on() -> None:
    texts = ["I", "I saw", "I saw", "I saw the", "I saw the cat,", "I saw the cat."]
    hypotheses = [said(text) for text in texts]
    lines = run(ScriptedStream(hypotheses), silence(0.5), voice(1.5), silence(1.0))
    for before, after in itertools.pairwise(lines):
        assert after.committed.startswith(before.committed)
    assert (lines[0].committed, lines[0].tentative) == ("", "I")
    first = next(line for line in lines if line.committed)
    assert first.committed == "I"
    assert first.tentative.startswith(" saw")
    assert lines[-1].is_final
    assert lines[-1].committed == "I saw the cat."
    assert lines[-1].tentative == ""


def test_a_pause_commits_what_was_said() -> None:
    lines = run(ScriptedStream([said("perhaps so it", 0.6)]), silence(0.5), voice(1.0), silence(0.4), voice(1.0))
    assert any(line.committed == "perhaps so it" for line in lines if not line.is_final)


def test_the_final_line_needs_no_further_hypothesis_after_a_pause() -> None:
    stream = ScriptedStream([said("well then")])
    pipeline = CaptionPipeline(Segmenter(LoudnessDetector()), stream, Wording(), now_s=lambda: 0.0)
    for sound in (silence(0.5), voice(1.0), silence(0.4)):
        list(pipeline.accept(sound))
    asked = stream.asked
    (final,) = [line for line in pipeline.accept(silence(0.6)) if line.is_final]
    assert (final.committed, stream.asked) == ("well then", asked)


def test_words_at_the_end_are_not_lost_when_captions_stop() -> None:
    pipeline = CaptionPipeline(Segmenter(LoudnessDetector()), ScriptedStream([said("the very end")]), Wording())
    shown = [*pipeline.accept(np.concatenate([silence(0.5), voice(0.8)])), *pipeline.end()]
    assert shown[-1].committed == "the very end"
    assert shown[-1].is_final


def test_on_a_slow_machine_hypotheses_come_less_often() -> None:
    def asked(cost_s: float) -> int:
        now_s = [0.0]

        def take_time() -> None:
            now_s[0] += cost_s

        stream = ScriptedStream([said("on and on")], take_time)
        pipeline = CaptionPipeline(Segmenter(LoudnessDetector()), stream, Wording(), now_s=lambda: now_s[0])
        sound = np.concatenate([silence(0.5), voice(4.0)])
        for at in range(0, sound.size, 1024):
            list(pipeline.accept(sound[at : at + 1024]))
        return stream.asked

    assert asked(0.6) <= asked(0.01) / 3


def test_times_are_those_of_the_sound() -> None:
    line = run(ScriptedStream([said("two seconds")]), silence(2.0), voice(1.0), silence(1.0))[-1]
    assert 1.6 <= line.start_s <= 2.0
    assert 2.9 <= line.end_s <= 3.1


# --- no invention ------------------------------------------------------------------------------------------------


def test_nothing_is_asked_for_where_nobody_speaks() -> None:
    stream = ScriptedStream([said("Thanks for watching")])
    assert run(stream, silence(30.0)) == []
    assert stream.asked == 0


class ThankfulStream(ScriptedStream):
    """Hears a sentence, and in the silence after it another one."""

    def __init__(self, confidence: float) -> None:
        self._spoken = (*said("a happy new"), Word(" year", ".", 0.99))
        self._after = (Word(" Thank", "", confidence), Word(" you", ".", 0.99))
        self._is_silent = False
        super().__init__([self._spoken])

    def accept(self, sound: np.ndarray) -> None:
        self._is_silent = not sound.any()

    def hypothesis(self) -> tuple[Word, ...]:
        return self._spoken + self._after if self._is_silent else self._spoken


@pytest.mark.parametrize(
    ("confidence", "expected"), [(0.6, "a happy new year."), (0.9, "a happy new year. Thank you.")]
)
def test_a_sentence_that_only_a_pause_brings_must_not_be_doubted(confidence: float, expected: str) -> None:
    assert run(ThankfulStream(confidence), silence(0.5), voice(1.5), silence(1.0))[-1].committed == expected


@pytest.mark.parametrize(("spoken_s", "expected"), [(1.1, "a happy new year."), (1.5, "a happy new year. Thank you.")])
def test_a_doubted_sentence_is_kept_if_speech_outlasted_the_last_hypothesis(spoken_s: float, expected: str) -> None:
    # At 0.3 s each, hypotheses are made 0.26 and 1.02 s after the beginning of speech: 0.06 or 0.48 s before its end.
    now_s = itertools.count(0.0, 0.3).__next__
    lines = run(ThankfulStream(0.6), silence(0.5), voice(spoken_s), silence(1.0), now_s=now_s)
    assert lines[-1].committed == expected


def test_a_click_is_no_word() -> None:
    assert run(ScriptedStream([said("Thanks for watching!")]), silence(1.0), voice(0.1), silence(1.0)) == []


def test_words_the_model_doubts_are_not_shown() -> None:
    lines = run(ScriptedStream([said("thanks for watching", 0.3)]), silence(0.5), voice(1.0), silence(1.0))
    assert lines == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("no no no no", "no no no no"),
        ("no no no no no no", "no"),
        ("amiable amiable amiable woman", "amiable"),
        ("and then and then and then and then", "and then"),
        ("the best of times the worst of times", "the best of times the worst of times"),
    ],
)
def test_a_phrase_that_comes_again_and_again_is_cut(text: str, kept: str) -> None:
    assert "".join(word.text for word in without_repetitions(said(text))).strip() == kept


def test_more_words_than_anybody_can_say_are_not_believed() -> None:
    words = said(" ".join(f"word{number}" for number in range(20)))
    assert is_believable(words, speech_s=5.0)
    assert not is_believable(words, speech_s=1.0)
    assert not is_believable((), speech_s=1.0)


# --- wording -----------------------------------------------------------------------------------------------------


def shown(text: str, wording: Wording) -> str:
    return run(ScriptedStream([said(text)]), silence(0.5), voice(3.0), silence(1.0), wording=wording)[-1].committed


def test_names_are_written_as_their_owner_wants() -> None:
    wording = Wording({"side tone": "Sidetone", "obs": "OBS"})
    assert shown("I use Side tone, with Obs.", wording) == "I use Sidetone, with OBS."


def test_a_name_of_two_words_is_not_shown_by_halves() -> None:
    hypotheses = [said("I like side"), said("I like side"), said("I like side tone"), said("I like side tone a lot")]
    lines = run(
        ScriptedStream(hypotheses), silence(0.5), voice(2.0), silence(1.0), wording=Wording({"side tone": "Sidetone"})
    )
    assert not any(line.committed.endswith("side") for line in lines)
    assert lines[-1].committed == "I like Sidetone a lot"


def test_what_must_not_be_seen_is_masked_or_dropped_also_while_it_is_tentative() -> None:
    hypotheses = [said("you damn"), said("you damn fool"), said("you damn fool there")]
    for is_dropping, expected in ((False, "you **** fool there"), (True, "you fool there")):
        wording = Wording(filters=["damn"], is_dropping=is_dropping)
        lines = run(ScriptedStream(hypotheses), silence(0.5), voice(2.0), silence(1.0), wording=wording)
        assert lines[-1].committed == expected
        assert len(lines[-1].confidences) == len(expected.split())
        assert not any("damn" in line.committed + line.tentative for line in lines)


def test_a_filter_that_is_no_expression_is_refused_by_name() -> None:
    with pytest.raises(ParameterError, match=r"word filter '\(' is no regular expression"):
        Wording(filters=["("])


def test_confidences_are_one_for_each_word() -> None:
    words = (Word(" Hello", ",", 0.9), Word(" wor", "", 0.8), Word("ld", "!", 0.6))
    written = Wording().spelt(words, has_last_mark=True)
    assert (written.text, len(written.confidences)) == (" Hello, world!", 2)


# --- files -------------------------------------------------------------------------------------------------------


def a_line(number: int, text: str) -> CaptionLine:
    return CaptionLine(id=number, committed=text, is_final=True, start_s=number, end_s=number + 0.5, confidence=0.9)


LINES = [a_line(1, "First & <foremost>"), a_line(2, "Second"), a_line(3725, "Third")]


@pytest.mark.parametrize("form", TranscriptFormat)
def test_a_file_that_grows_is_the_same_as_one_written_whole(tmp_path: Path, form: TranscriptFormat) -> None:
    path = tmp_path / "folder" / f"captions.{form}"
    for count, line in enumerate(LINES, 1):
        # Another process each time, as after a kill.
        file = TranscriptFile(path, form, HEAD)
        file.add(line)
        file.close()
        assert path.read_bytes() == transcript(form, HEAD, LINES[:count])
    assert HEAD.sha256.encode() in path.read_bytes()


def test_json_is_valid_at_every_moment(tmp_path: Path) -> None:
    path = tmp_path / "captions.json"
    file = TranscriptFile(path, TranscriptFormat.JSON, HEAD)
    assert json.loads(path.read_bytes())["segments"] == []
    file.add(LINES[0])
    document = json.loads(path.read_bytes())
    assert document["model"]["id"] == "a-model"
    assert document["segments"] == [{"start_s": 1, "end_s": 1.5, "text": "First & <foremost>", "confidence": 0.9}]


def test_subtitles_are_numbered_timed_and_escaped() -> None:
    srt = transcript(TranscriptFormat.SUBRIP, HEAD, LINES).decode()
    assert "\n3\n01:02:05,000 --> 01:02:05,500\nThird\n\n" in srt
    vtt = transcript(TranscriptFormat.WEBVTT, HEAD, LINES).decode()
    assert vtt.startswith("WEBVTT\n\nNOTE\n")
    assert "00:00:01.000 --> 00:00:01.500\nFirst &amp; &lt;foremost&gt;\n" in vtt


def test_a_strange_file_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "captions.txt"
    path.write_text("a letter")
    with pytest.raises(SidetoneError, match="is another file"):
        TranscriptFile(path, TranscriptFormat.TEXT, HEAD)
    assert path.read_text() == "a letter"


# --- sessions ----------------------------------------------------------------------------------------------------


def a_session(folder: Path, **before: object) -> CaptionSession:
    def make_pipeline(first_id: int, start_s: float) -> CaptionPipeline:
        stream = ScriptedStream([said("hello there")])
        return CaptionPipeline(Segmenter(LoudnessDetector()), stream, Wording(), first_id=first_id, start_s=start_s)

    return CaptionSession(make_pipeline, HEAD, folder, now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), **before)  # type: ignore[arg-type]


def speak(session: CaptionSession) -> None:
    session.accept(np.concatenate([silence(0.5), voice(1.0), silence(1.0)]))


def test_nothing_is_kept_unless_a_file_is_asked_for(tmp_path: Path) -> None:
    session = a_session(tmp_path)
    speak(session)
    session.end()
    assert [line.committed for line in session.lines] == ["hello there"]
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_was_broken_off_goes_on_in_its_files(tmp_path: Path) -> None:
    first = a_session(tmp_path)
    first.keep([TranscriptFormat.JSON, TranscriptFormat.WEBVTT])
    speak(first)
    second = a_session(tmp_path, name=first.name, lines=first.lines)
    second.keep([TranscriptFormat.JSON])
    speak(second)
    assert [line.id for line in second.lines] == [1, 2]
    (path,) = tmp_path.glob("*.json")
    assert len(json.loads(path.read_bytes())["segments"]) == 2


def test_one_action_deletes_a_sessions_text(tmp_path: Path) -> None:
    session = a_session(tmp_path)
    session.keep(TranscriptFormat)
    speak(session)
    (tmp_path / "Captions of another day.txt").write_text("stays")
    session.forget()
    assert session.lines == ()
    assert [path.name for path in tmp_path.iterdir()] == ["Captions of another day.txt"]


def test_a_folder_that_cannot_be_written_is_said_and_captions_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    session = a_session(tmp_path / "file")
    session.keep([TranscriptFormat.TEXT])
    assert "cannot be written" in session.problem
    speak(session)
    assert len(session.lines) == 1
