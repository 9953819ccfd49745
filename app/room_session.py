"""What a wizard does with rooms: takes, files and profiles, on a thread of its own, so that a window never waits.

Knows no window. Whoever shows it looks at `state` as often as it likes. The engine goes on meanwhile: a take opens the
microphone a second time.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from app.paths import Paths
from app.room_picture import aim, comparison_in_words, draw
from app.room_state import Beside, RoomState, Step
from app.rooms import RoomFolder
from engine import RoomError, SidetoneError, Value
from engine.files import write_whole
from engine.io.backend import AudioBackend
from engine.measure.lesson import ClapLesson, Learnt, Lesson, SweepLesson, TalkLesson
from engine.measure.profile import RoomProfile, Way
from engine.measure.take import Take

LESSONS: Mapping[Way, Callable[[], Lesson]] = {Way.SWEEP: SweepLesson, Way.TALK: TalkLesson, Way.CLAP: ClapLesson}


class RoomSession:
    """Takes, files and profiles, one after the other. Any one thread may ask; no call waits.

    Parameters
    ----------
    folder : RoomFolder
    make_backend : callable
        Gives the devices; called on the session's thread.
    lessons : mapping
        What each way is carried out by.
    """

    def __init__(
        self,
        folder: RoomFolder,
        make_backend: Callable[[], AudioBackend],
        lessons: Mapping[Way, Callable[[], Lesson]] = LESSONS,
    ) -> None:
        self._folder = folder
        self._make_backend = make_backend
        self._lessons = lessons
        self._state = RoomState()
        self._profile: RoomProfile | None = None
        self._take: Take | None = None
        self._takes_done, self._takes = 0, 1
        self._is_cancelled = threading.Event()
        self._asked: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="sidetone-room", daemon=True).start()
        self._asked.put(self._look)

    @property
    def state(self) -> RoomState:
        """How it is going, now."""
        state, take = self._state, self._take
        if state.step is not Step.LEARNING or take is None:
            return state
        now = take.status
        progress = (self._takes_done + now.progress) / self._takes
        return replace(state, phase=now.phase, progress=progress, level_dbfs=now.level_dbfs)

    def learn(
        self,
        way: Way,
        input_device: str | None,
        output_device: str | None,
        params: Mapping[str, Value],
        is_close_first: bool = False,
        pattern: str = "",
    ) -> None:
        """Carry out a take; nothing happens while another one runs.

        Parameters
        ----------
        params : mapping
            Parameters of the chain: the correction is drawn as they ask for.
        is_close_first : bool
            Talking only: once close to the microphone before, which tells the voice from the room.
        pattern : str
            The microphone's, for talking close to it; see `TalkLesson`.
        """
        if self._state.step is Step.LEARNING:
            return
        self._is_cancelled.clear()
        self._take = None
        self._state = self._fresh(Step.LEARNING)

        def carry_out() -> None:
            backend = self._make_backend()
            lesson = self._lessons[way]()
            if is_close_first and isinstance(lesson, TalkLesson):
                first = Take(backend, lesson.close_by(), input_device, output_device)
                self._run(first, done=0, takes=2)
                lesson = replace(lesson.after(first.recording), pattern=pattern)
            take = Take(backend, lesson, input_device, output_device)
            learnt = self._run(take, done=int(is_close_first), takes=1 + int(is_close_first))
            self._show(learnt.profile("", take.microphone, take.loudspeaker), params, learnt.notes)

        self._asked.put(carry_out)

    def cancel(self) -> None:
        """End the take that runs, soon and without a result."""
        self._is_cancelled.set()
        if (take := self._take) is not None:
            take.cancel()

    def close(self) -> None:
        """End everything, soon."""
        self.cancel()
        self._asked.put(None)

    def choose_again(self) -> None:
        """Back to the beginning; what was learnt and not kept is forgotten."""
        if self._state.step is not Step.LEARNING:
            self._state = self._fresh(Step.CHOOSING)

    def import_file(self, path: Path, params: Mapping[str, Value]) -> None:
        """Take over another program's measurement or filter, not yet kept."""

        def carry_out() -> None:
            from engine.measure.exchange import import_profile

            self._show(import_profile(path, ""), params)

        self._asked.put(carry_out)

    def open(self, name: str, params: Mapping[str, Value]) -> None:
        """Show a profile that is kept."""
        self._asked.put(lambda: self._show(self._folder.load(name), params))

    def compare(self, name: str, params: Mapping[str, Value]) -> None:
        """Show a kept profile beside the one that is shown; an empty name for none."""

        def carry_out() -> None:
            beside = None
            if name:
                shown, other = self._shown(), self._folder.load(name)
                beside = Beside(name, draw(other, params), comparison_in_words(shown, other))
            self._state = replace(self._state, beside=beside, problem="")

        self._asked.put(carry_out)

    def keep(self, name: str) -> None:
        """Keep what is shown under this name."""

        def carry_out() -> None:
            profile = msgspec.structs.replace(self._shown(), name=name)
            self._folder.save(profile)
            self._profile = profile
            self._state = replace(self._state, kept=name, problem="")
            self._look()

        self._asked.put(carry_out)

    def remove(self, name: str) -> None:
        """Forget a profile."""

        def carry_out() -> None:
            self._folder.remove(name)
            self._look()

        self._asked.put(carry_out)

    def export_rew(self, path: Path) -> None:
        """Write the response that is shown as REW's text."""

        def carry_out() -> None:
            from engine.measure.exchange import export_rew

            profile = self._shown()
            title = f"{profile.name}, measured with Sidetone {profile.made_at}"
            write_whole(path, export_rew(profile.response.curve(), title).encode("utf-8"))

        self._asked.put(carry_out)

    def export_equalizer(self, path: Path, params: Mapping[str, Value]) -> None:
        """Write the bands that correct what is shown as Equalizer APO's text."""

        def carry_out() -> None:
            from engine.measure.exchange import export_correction

            write_whole(path, export_correction(self._shown().room(), *aim(params)).encode("utf-8"))

        self._asked.put(carry_out)

    def _work(self) -> None:
        while (carry_out := self._asked.get()) is not None:
            try:
                carry_out()
            except SidetoneError as error:
                self._refuse(str(error))
            except Exception as error:
                logging.getLogger("sidetone.rooms").exception("a wish about rooms failed")
                self._refuse(f"that did not work ({error}); try again")

    def _run(self, take: Take, done: int, takes: int) -> Learnt:
        self._takes_done, self._takes = done, takes
        self._take = take
        if self._is_cancelled.is_set():
            take.cancel()
        return take.run()

    def _show(self, profile: RoomProfile, params: Mapping[str, Value], notes: tuple[str, ...] = ()) -> None:
        picture = draw(profile, params, notes)
        if self._is_cancelled.is_set() and self._state.step is Step.LEARNING:
            self._state = self._fresh(Step.CHOOSING)
            return
        self._profile = profile
        self._state = replace(self._fresh(Step.LEARNT), picture=picture, kept=profile.name)

    def _shown(self) -> RoomProfile:
        if self._profile is None:
            raise RoomError("there is nothing to keep yet; learn the room first")
        return self._profile

    def _look(self) -> None:
        names = tuple(self._folder.names())
        devices = {name: self._folder.devices(name) for name in names}
        self._state = replace(self._state, names=names, devices=devices)

    def _fresh(self, step: Step) -> RoomState:
        """Of a wish only the profiles are left."""
        return RoomState(step, self._state.names, self._state.devices)

    def _refuse(self, reason: str) -> None:
        if self._state.step is not Step.LEARNING:
            self._state = replace(self._state, problem=_sentence(reason))
        elif self._is_cancelled.is_set():
            self._state = self._fresh(Step.CHOOSING)
        else:
            self._state = replace(self._fresh(Step.REFUSED), problem=_sentence(reason))


def room_session(paths: Paths) -> RoomSession:
    """On this machine's devices, with the user's profiles."""

    def make_backend() -> AudioBackend:
        from engine.io.system import SystemBackend

        return SystemBackend()

    return RoomSession(RoomFolder(paths.rooms), make_backend)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
