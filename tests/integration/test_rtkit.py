"""rtkit is asked over a real bus, in words that D-Bus understands; who answers there is made up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="rtkit is Linux"),
    pytest.mark.needs("dbus-daemon", "dbus-send", "module:jeepney"),
]

BUS = """<busconfig>
<type>session</type><listen>unix:path={address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""
ASK = "from engine import realtime; print(realtime._linux_rtkit(11, 22))"
"""In a process of its own, which is bound by what rtkit asks for."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A bus of the test's own."""
    (tmp_path / "bus.conf").write_text(BUS.format(address=tmp_path / "bus"))
    command = ["dbus-daemon", f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--print-address"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        yield daemon.stdout.readline().strip()
        daemon.terminate()


class Rtkit:
    """Answers one call and keeps it."""

    def __init__(self, address: str) -> None:
        from jeepney import message_bus
        from jeepney.io.blocking import open_dbus_connection

        self.call: Any = None
        self._connection = open_dbus_connection(bus=address)
        self._connection.send_and_get_reply(message_bus.RequestName("org.freedesktop.RealtimeKit1"))
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        from jeepney import MessageType, new_method_return

        while self.call is None:
            message = self._connection.receive(timeout=60.0)
            if message.header.message_type is MessageType.method_call:
                self.call = message
        self._connection.send(new_method_return(self.call))

    def close(self) -> None:
        self._thread.join()
        self._connection.close()


@pytest.mark.parametrize("tool", ["busctl", "dbus-send"])
def test_rtkit_understands_what_it_is_asked(address: str, tmp_path: Path, tool: str) -> None:
    from jeepney import HeaderFields

    path = os.environ["PATH"]
    if tool == "dbus-send":
        # As where there is no systemd.
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "dbus-send").symlink_to(str(shutil.which("dbus-send")))
        path = str(tmp_path / "bin")
    rtkit = Rtkit(address)
    try:
        env = {**os.environ, "PATH": path, "DBUS_SYSTEM_BUS_ADDRESS": address}
        done = subprocess.run(
            [sys.executable, "-c", ASK], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True
        )
    finally:
        rtkit.close()
    assert done.stdout == "\n"
    assert rtkit.call.body == (11, 22, 4)
    assert rtkit.call.header.fields[HeaderFields.member] == "MakeThreadRealtimeWithPID"
