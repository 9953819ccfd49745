"""All devices together: plugged in and out, known again, several at once, learnt from, watched, and told; nothing stops it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.control.controls import Controls
from engine.control.midi_desk import MidiDesk
from engine.control.midi_map_library import MapLibrary
from engine.control.midi_message import Address, MessageKind, MidiMessage
from engine.control.midi_ports import identified, port_identity
from engine.control.midi_targets import Targets
from engine.core.chain import Chain
from engine.errors import ParameterError, PresetError, SidetoneError
from engine.midi import OFF, MidiConfig
from tests.helpers.midi import Clock, FakeMidiSystem, FakePort
from tests.helpers.small_stages import Factor, Faulty, Late

MAP = """
name = "Tiny desk"
source = "made up"
ports = ["tiny"]
[[controls]]
id = "fader"
label = "Fader"
kind = "cc"
number = 1
[[controls]]
id = "mute"
label = "Mute"
kind = "cc_button"
number = 2
feedback = {}
[[bindings]]
control = "fader"
to = [{ target = "factor.factor", takeover = false }]
[[bindings]]
control = "mute"
to = [{ target = "bypass:late" }]
"""


def cc(number: int, value: int) -> MidiMessage:
    return MidiMessage(Address(MessageKind.CONTROL, 1, number), value)


class Room:
    """A desk whose threads are the test's."""

    def __init__(self, folder: Path, *ports: FakePort, problem: str = "") -> None:
        self.bundled, self.own = folder / "bundled", folder / "own"
        self.bundled.mkdir(exist_ok=True)
        (self.bundled / "tiny.toml").write_text(MAP, encoding="utf-8")
        self.controls = Controls(Chain([Factor(), Late(), Faulty()]))
        self.system = FakeMidiSystem(*ports, problem=problem)
        self.told: list[str] = []
        self.clock = Clock()
        targets = Targets(self.controls, lambda name: None)
        self.library = MapLibrary(self.bundled, self.own)
        self.desk = MidiDesk(self.system, targets, self.library, self.told.append, self.clock)
        self.desk.look_once()
        self.work()

    def work(self, seconds: float = 0.05) -> None:
        until_s = self.clock.now_s + seconds
        while self.clock.now_s < until_s:
            self.clock.now_s += 1 / 60
            self.desk.work_once()

    @property
    def factor(self) -> float:
        return float(self.controls.value("factor.factor"))


def test_a_known_device_works_as_soon_as_it_is_there(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk:Tiny Desk MIDI 1 20:0")
    room = Room(tmp_path, port)
    port.play(cc(1, 127))
    room.work()
    assert room.factor == 4.0
    (shown,) = room.desk.snapshot().ports
    assert (shown.port, shown.map, shown.is_open, shown.has_feedback) == ("Tiny Desk MIDI 1", "tiny", True, True)
    assert room.desk.snapshot().bindings["bypass:late"] == ("Mute · Tiny Desk MIDI 1",)
    assert port.heard == [cc(2, 0)]


def test_unplugged_and_plugged_in_elsewhere_it_is_the_same_device(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk:Tiny Desk MIDI 1 20:0")
    room = Room(tmp_path, port)
    room.desk.configure(MidiConfig(maps={"Tiny Desk MIDI 1": "tiny"}))
    room.system.unplug(port)
    room.desk.look_once()
    assert room.desk.snapshot().ports == ()
    assert any("is gone" in text for text in room.told)
    again = FakePort("Tiny Desk:Tiny Desk MIDI 1 24:0")
    room.controls.bypass("late", True)
    room.system.plug(again)
    room.desk.look_once()
    again.play(cc(1, 127))
    room.work()
    assert room.factor == 4.0
    assert again.heard == [cc(2, 127)]


def test_two_equal_devices_are_two(tmp_path: Path) -> None:
    left, right = FakePort("Tiny Desk 20:0"), FakePort("Tiny Desk 24:0")
    room = Room(tmp_path, left, right)
    assert [port.port for port in room.desk.snapshot().ports] == ["Tiny Desk", "Tiny Desk #2"]
    right.play(cc(2, 127), cc(2, 0))
    room.work(0.3)
    assert room.controls.is_bypassed("late")
    assert left.heard[-1] == right.heard[-1] == cc(2, 127)


def test_a_port_of_another_program_is_a_sentence_said_once_and_is_tried_again(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path)
    room.system.plug(port)
    room.system.refused.add("Tiny Desk")
    for _ in range(3):
        room.desk.look_once()
    assert len([text for text in room.told if "another program" in text]) == 1
    assert "another program" in room.desk.snapshot().ports[0].problem
    room.system.refused.clear()
    room.desk.look_once()
    assert room.desk.snapshot().ports[0].is_open


def test_a_refused_output_is_said_once_and_tried_again_while_the_input_works(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path)
    room.system.plug(port)
    room.system.refused_outputs.add("Tiny Desk")
    for _ in range(3):
        room.desk.look_once()
    assert len([text for text in room.told if "another program" in text]) == 1
    (shown,) = room.desk.snapshot().ports
    assert shown.is_open
    assert not shown.has_feedback
    room.work()
    assert port.heard == []
    room.system.refused_outputs.clear()
    for _ in range(3):
        room.desk.look_once()
    room.work()
    (shown,) = room.desk.snapshot().ports
    assert (shown.problem, shown.has_feedback, port.openings) == ("", True, 1)
    assert len([text for text in room.told if "is connected" in text]) == 1
    assert port.heard == [cc(2, 0)]


def test_no_midi_system_is_a_sentence(tmp_path: Path) -> None:
    room = Room(tmp_path, problem="there is no MIDI system on this machine")
    assert room.desk.snapshot().problem == "there is no MIDI system on this machine"
    assert room.told == []
    with pytest.raises(SidetoneError, match="no MIDI system"):
        room.desk.learn("factor.factor")


def test_strange_devices_are_left_to_other_programs_until_somebody_wants_to_learn(tmp_path: Path) -> None:
    port = FakePort("Piano")
    room = Room(tmp_path, port)
    assert not port.is_open
    room.desk.learn("factor.factor")
    room.desk.look_once()
    assert port.is_open
    room.desk.cancel()
    room.desk.look_once()
    assert not port.is_open


def test_learning_writes_a_map_of_the_users_own(tmp_path: Path) -> None:
    port = FakePort("Piano")
    room = Room(tmp_path, port)
    room.desk.learn("factor.factor")
    room.desk.look_once()
    for value in (10, 20, 30, 40, 50):
        port.play(cc(7, value))
        room.work(0.02)
    assert room.factor == 1.0
    assert room.desk.snapshot().learn.is_active
    room.work(1.0)
    learn = room.desk.snapshot().learn
    assert not learn.is_active
    assert "CC 7, channel 1 of Piano (cc) now moves factor.factor" in learn.text
    document = tomllib.loads((room.own / "piano.toml").read_text(encoding="utf-8"))
    assert document["bindings"] == [{"control": "learnt_1", "layer": 0, "to": [document["bindings"][0]["to"][0]]}]
    room.desk.look_once()
    assert port.is_open
    port.play(cc(7, 32), cc(7, 31))
    room.work()
    assert room.factor == pytest.approx(4.0 * 31 / 127)


def test_learning_again_moves_the_target_and_keeps_what_the_file_says_beside_it(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    (room.own).mkdir()
    (room.own / "tiny.toml").write_text(f'colour = "red"\n{MAP}', encoding="utf-8")
    room.desk.look_once()
    assert any("'colour' means nothing here" in text for text in room.told)
    room.desk.learn("bypass:late")
    port.play(cc(9, 127), cc(9, 0))
    room.work(0.3)
    port.play(cc(9, 127), cc(9, 0))
    room.work(1.0)
    assert room.desk.snapshot().bindings["bypass:late"] == ("CC 9, channel 1 · Tiny Desk",)
    document = tomllib.loads((room.own / "tiny.toml").read_text(encoding="utf-8"))
    assert document["colour"] == "red"
    assert (room.own / "tiny.bak").exists()
    port.play(cc(1, 127))
    room.work()
    assert room.factor == 4.0
    room.desk.forget("bypass:late")
    assert "bypass:late" not in room.desk.snapshot().bindings
    with pytest.raises(ParameterError, match="no MIDI control moves"):
        room.desk.forget("bypass:late")


def test_a_lesson_may_end_without_a_lesson(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    with pytest.raises(ParameterError):
        room.desk.learn("gone.gain_db")
    room.desk.learn("factor.factor")
    room.work(31.0)
    assert "Nothing was touched" in room.desk.snapshot().learn.text
    room.desk.learn("factor.factor")
    for value in range(10):
        port.play(cc(50, value), cc(60, value))
    room.work(1.0)
    assert "More than one control" in room.desk.snapshot().learn.text
    assert not room.own.exists()


def test_a_damaged_map_of_the_users_is_told_and_never_written_over(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    room.own.mkdir()
    (room.own / "tiny.toml").write_text("name = [", encoding="utf-8")
    room.desk.look_once()
    assert any("no map that can be read" in note for file in room.desk.snapshot().maps for note in file.notes)
    with pytest.raises(PresetError, match="mend or remove it"):
        room.library.write("tiny", {})
    assert (room.own / "tiny.toml").read_text(encoding="utf-8") == "name = ["


def test_a_map_can_be_chosen_and_a_port_left_alone(tmp_path: Path) -> None:
    port = FakePort("Piano")
    room = Room(tmp_path, port)
    room.desk.configure(MidiConfig(maps={"Piano": "tiny"}))
    room.desk.look_once()
    port.play(cc(1, 127))
    room.work()
    assert room.factor == 4.0
    room.desk.configure(MidiConfig(maps={"Piano": OFF}))
    room.desk.look_once()
    assert not port.is_open
    room.desk.configure(MidiConfig(is_on=False, maps={"Piano": "tiny"}))
    room.desk.look_once()
    assert room.desk.snapshot().ports == ()


def test_a_map_that_is_edited_takes_effect(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    (room.bundled / "tiny.toml").write_text(MAP.replace("number = 1", "number = 77"), encoding="utf-8")
    room.desk.look_once()
    port.play(cc(77, 127))
    room.work()
    assert room.factor == 4.0


def test_the_last_messages_are_there_to_be_read(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    port.play(*[cc(1, value) for value in range(100)], cc(99, 5))
    room.work()
    messages = room.desk.snapshot().messages
    assert [message.sequence for message in messages] == list(range(78, 102))
    assert messages[-2].text == "Fader: 99 → Factor Factor"
    assert messages[-1].text == "CC 99, channel 1: 5"


def test_panic_lets_go_on_all_devices(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    room.work(0.5)
    port.heard.clear()
    room.desk.panic()
    room.work()
    assert port.heard == [cc(2, 0)]


def test_closing_closes_the_ports(tmp_path: Path) -> None:
    port = FakePort("Tiny Desk")
    room = Room(tmp_path, port)
    room.desk.start()
    room.desk.close()
    room.desk.close()
    assert not port.is_open
    assert room.system.closings >= 1


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("nanoKONTROL2:nanoKONTROL2 MIDI 1 20:0", "nanoKONTROL2 MIDI 1"),
        ("nanoKONTROL2 1", "nanoKONTROL2"),
        ("nanoKONTROL2 SLIDER/KNOB", "nanoKONTROL2 SLIDER/KNOB"),
        ("a2j:nanoKONTROL2 [20] (capture): nanoKONTROL2 MIDI 1", "nanoKONTROL2 MIDI 1"),
        ("Midi-Bridge:X-TOUCH MINI:(playback_0) X-TOUCH MINI MIDI 1", "X-TOUCH MINI MIDI 1"),
        ("desk:out", "desk:out"),
    ],
)
def test_a_port_is_known_by_what_stays(name: str, identity: str) -> None:
    assert port_identity(name) == identity


def test_what_is_no_device_is_left_out() -> None:
    names = ["Midi Through:Midi Through Port-0 14:0", "sidetone:in", "APC MINI:APC MINI MIDI 1 20:0"]
    assert identified(names) == {"APC MINI MIDI 1": "APC MINI:APC MINI MIDI 1 20:0"}
