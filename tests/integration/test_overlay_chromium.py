"""The overlay page in a real Chromium: it shows what is said, comes back by itself, and no other page can look in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from app.paths import find_paths
from app.services.overlay import LIMITS, OverlayService
from engine import (
    CaptionLine,
    CaptionsStatus,
    EngineApi,
    OverlayConfig,
    OverlayPosition,
    OverlayTheme,
    SetService,
    TextDirection,
)
from engine.commands import ReportService
from engine.integrations.loopback_server import LOOPBACK
from engine.integrations.token_file import TokenFile
from tests.helpers.engines import studio
from tests.helpers.loopback import free_port, port_of, running
from tests.rig.chromium import Chromium, chromium

pytestmark = pytest.mark.needs("chromium")

TEXT = "document.getElementById('rows')?.innerText"


@dataclass
class Stage:
    """An engine with captions and what makes the service that shows them."""

    engine: EngineApi
    token_file: TokenFile
    config: OverlayConfig
    lines: tuple[CaptionLine, ...] = ()

    def service(self) -> OverlayService:
        return OverlayService(self.token_file, find_paths().resources / "overlay")

    def url(self, host: str = LOOPBACK) -> str:
        return f"http://{host}:{self.config.port}/{self.token_file.token()}/"

    def say(self, *lines: CaptionLine) -> None:
        self.lines = lines
        self.report()

    def report(self) -> None:
        self.engine.send(ReportService(CaptionsStatus(lines=self.lines)))

    def keep_reporting(self, is_over: threading.Event) -> None:
        """As every service does: one that falls silent is not shown."""
        while not is_over.wait(0.5):
            self.report()

    def await_service(self) -> None:
        port_of(self.engine, lambda services: services.overlay)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with studio() as place:
        config = OverlayConfig(is_on=True, port=free_port(), keep_s=60.0)
        place.engine.send(SetService(config))
        stage, is_over = Stage(place.engine, TokenFile(tmp_path / "overlay.token"), config), threading.Event()
        reporter = threading.Thread(target=stage.keep_reporting, args=(is_over,), daemon=True)
        reporter.start()
        yield stage
        is_over.set()
        reporter.join()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chromium]:
    with chromium(tmp_path / "profile") as browser:
        yield browser


def test_words_are_shown_as_they_are_said(stage: Stage, browser: Chromium) -> None:
    with running(stage.service(), stage.engine):
        stage.await_service()
        browser.open(stage.url())
        stage.say(CaptionLine(id=1, committed="It was the", tentative=" best", confidences=(1.0, 0.9, 0.2)))
        browser.wait_for(f"{TEXT} === 'It was the best'")
        assert browser.run("document.querySelector('.tentative').textContent") == " best"
        shades = browser.run("[...document.querySelectorAll('.word')].map(word => Number(word.style.opacity))")
        assert shades[0] == 1.0 > shades[1] > shades[2] > 0.5
        stage.say(CaptionLine(id=1, committed="It was the best <b>of</b> times", is_final=True))
        browser.wait_for(f"{TEXT} === 'It was the best <b>of</b> times'")
        assert browser.run("document.querySelectorAll('b, .tentative').length") == 0


def test_what_was_said_goes_after_its_time(stage: Stage, browser: Chromium) -> None:
    stage.engine.send(SetService(OverlayConfig(is_on=True, port=stage.config.port, keep_s=1.0)))
    with running(stage.service(), stage.engine):
        stage.await_service()
        browser.open(stage.url())
        stage.say(CaptionLine(id=1, committed="Gone soon", is_final=True))
        browser.wait_for(f"{TEXT} === 'Gone soon'")
        browser.wait_for(f"{TEXT} === ''")


def test_every_look_is_as_it_was_set(stage: Stage, browser: Chromium) -> None:
    with running(stage.service(), stage.engine):
        stage.await_service()
        stage.say(*(CaptionLine(id=i, committed=f"line {i} of several", is_final=True) for i in range(6)))
        browser.open(stage.url())
        tops = []
        for theme, position in zip(OverlayTheme, (*OverlayPosition, OverlayPosition.TOP), strict=True):
            config = OverlayConfig(
                is_on=True, port=stage.config.port, theme=theme, position=position, font_px=40, lines=3, keep_s=60.0
            )
            stage.engine.send(SetService(config))
            browser.wait_for(
                f"document.body.dataset.theme === '{theme}' && document.body.dataset.position === '{position}'"
            )
            box = browser.run(
                "(({top, bottom}) => [top, bottom])(document.getElementById('captions').getBoundingClientRect())"
            )
            tops.append(box[0])
            # Three rows of 1.3 × 40 pixels and the edge; the newest line is inside.
            assert 156 <= box[1] - box[0] <= 176
            last = browser.run("document.querySelector('#rows > :last-child').getBoundingClientRect().bottom")
            assert last <= box[1]
        assert tops[0] < tops[1] < tops[2]
        assert tops[3] == tops[0]


@pytest.mark.parametrize(
    ("direction", "text", "expected"),
    [
        (TextDirection.AUTOMATIC, "זה היה הזמן הטוב ביותר", "rtl"),
        (TextDirection.AUTOMATIC, "It was the best of times", "ltr"),
        (TextDirection.RIGHT_TO_LEFT, "OBS 31", "rtl"),
    ],
)
def test_text_runs_the_way_it_is_read(
    stage: Stage, browser: Chromium, direction: TextDirection, text: str, expected: str
) -> None:
    stage.engine.send(SetService(OverlayConfig(is_on=True, port=stage.config.port, direction=direction)))
    with running(stage.service(), stage.engine):
        stage.await_service()
        stage.say(CaptionLine(id=1, committed=text))
        browser.open(stage.url())
        browser.wait_for(f"{TEXT} === '{text}'")
        assert browser.run("getComputedStyle(document.querySelector('#rows > div')).direction") == expected


def test_a_server_that_was_away_is_found_again(stage: Stage, browser: Chromium) -> None:
    with running(stage.service(), stage.engine):
        stage.await_service()
        stage.say(CaptionLine(id=1, committed="before"))
        browser.open(stage.url())
        browser.wait_for(f"{TEXT} === 'before'")
    with running(stage.service(), stage.engine):
        stage.say(CaptionLine(id=1, committed="before and after"))
        browser.wait_for(f"{TEXT} === 'before and after'")


def test_the_address_works_before_sidetone_does(stage: Stage, tmp_path: Path) -> None:
    """OBS keeps the address and opens it whenever it starts; only the very first time must Sidetone be there."""
    stage.say(CaptionLine(id=1, committed="hello"))
    with running(stage.service(), stage.engine):
        stage.await_service()
        with chromium(tmp_path / "obs") as browser:
            browser.open(stage.url())
            browser.run("navigator.serviceWorker.ready.then(() => 1)")
    with chromium(tmp_path / "obs") as browser:
        browser.open(stage.url())
        assert browser.run(TEXT) == ""
        with running(stage.service(), stage.engine):
            browser.wait_for(f"{TEXT} === 'hello'")


class ForeignPage(BaseHTTPRequestHandler):
    """A page of the web, as far as the browser can tell."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><p>somewhere else")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


ATTEMPT = """new Promise(done => {{
    const socket = new WebSocket('{url}');
    socket.onopen = () => done('open');
    socket.onerror = () => done('refused');
}})"""


def test_no_other_page_gets_in(stage: Stage, browser: Chromium) -> None:
    elsewhere = HTTPServer((LOOPBACK, 0), ForeignPage)
    threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
    with running(stage.service(), stage.engine):
        stage.await_service()
        address = stage.url().replace("http", "ws")
        # From another origin, with the right token: neither the words nor the page.
        browser.open(f"http://{LOOPBACK}:{elsewhere.server_address[1]}/")
        assert browser.run(ATTEMPT.format(url=address)) == "refused"
        assert browser.run(f"fetch('{stage.url()}').then(() => 'read', () => 'refused')") == "refused"
        # Under a name that somebody made to lead here.
        browser.open(stage.url(f"rebound.{LOOPBACK}.nip.example").replace("nip.example", "localhost"))
        assert "127.0.0.1 and localhost only" in browser.run("document.body.innerText")
        # At the right place with a wrong token.
        browser.open(f"http://{LOOPBACK}:{stage.config.port}/{'x' * 32}/")
        assert "copy it from Sidetone" in browser.run("document.body.innerText")
        # The own page is let in.
        browser.open(stage.url())
        assert browser.run(ATTEMPT.format(url=address)) == "open"
        # What is told to it is too long.
        wide = (
            f"new Promise(done => {{ const s = new WebSocket('{address}'); s.onopen = () => s.send('x'.repeat(1e6)); "
        )
        assert browser.run(wide + "s.onclose = event => done(event.code) })") in {1006, 1009}
    elsewhere.shutdown()
    elsewhere.server_close()


def test_more_pages_than_there_is_room_for_are_sent_away(stage: Stage, browser: Chromium) -> None:
    with running(stage.service(), stage.engine), ExitStack() as pages:
        stage.await_service()
        stage.say(CaptionLine(id=1, committed="still here"))
        browser.open(stage.url())
        browser.wait_for(f"{TEXT} === 'still here'")
        fates = []
        for _ in range(LIMITS.clients + 4):
            page = pages.enter_context(connect(stage.url().replace("http", "ws")))
            try:
                page.recv(timeout=30.0)
                fates.append(True)
            except ConnectionClosed:
                fates.append(False)
        assert fates == [True] * (LIMITS.clients - 1) + [False] * 5
        stage.say(CaptionLine(id=1, committed="still here and well"))
        browser.wait_for(f"{TEXT} === 'still here and well'")
