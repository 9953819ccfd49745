"""A MIDI device in a process of its own, on JACK: `python -m tests.rig.midi_player MODE`.

`latency` sends one of two values at uneven times and prints when it sent each; `flood` sends a thousand a second;
`echo` sends back whatever it is told. All end when their standard input does.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time

import rtmidi

SENDER, RECEIVER = "tiny desk (capture)", "tiny desk (playback)"
"""As bridges to JACK name the two directions of one device; JACK itself lets no two clients have one name."""

CONTROL_CHANGE = 0xB0


def main() -> None:
    """Play."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=("latency", "flood", "echo"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1000.0)
    command = parser.parse_args()
    sender = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=SENDER)
    sender.open_virtual_port("MIDI 1")
    receiver = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=RECEIVER)
    if command.mode == "echo":
        receiver.set_callback(lambda event, _: sender.send_message(event[0]))
        receiver.open_virtual_port("MIDI 1")
    print("ready", flush=True)
    sys.stdin.readline()
    stop = threading.Event()
    threading.Thread(target=wait_for_end, args=(stop,), daemon=True).start()
    if command.mode == "latency":
        send_at_uneven_times(sender, command.count, command.number)
    elif command.mode == "flood":
        flood(sender, command.number, command.rate, stop)
    stop.wait()
    sender.close_port()
    receiver.close_port()


def wait_for_end(stop: threading.Event) -> None:
    """Set `stop` when standard input ends."""
    sys.stdin.read()
    stop.set()


def send_at_uneven_times(sender: rtmidi.MidiOut, count: int, number: int) -> None:
    """Send two values in turn, far enough apart for each to be heard; print the time of each (monotonic seconds)."""
    random_ = random.Random(3)
    for index in range(count):
        time.sleep(random_.uniform(0.03, 0.06))
        value = 127 if index % 2 == 0 else 0
        print(f"{time.monotonic():.6f} {value}", flush=True)
        sender.send_message([CONTROL_CHANGE, number, value])


def flood(sender: rtmidi.MidiOut, number: int, rate_hz: float, stop: threading.Event) -> None:
    """Send as a fader that is shaken: all values, `rate_hz` of them a second."""
    began_s, sent = time.monotonic(), 0
    while not stop.wait(0.001):
        due = int((time.monotonic() - began_s) * rate_hz)
        for index in range(sent, due):
            sender.send_message([CONTROL_CHANGE, number, index * 7 % 128])
        sent = due
    print(f"sent {sent}", flush=True)


if __name__ == "__main__":
    main()
