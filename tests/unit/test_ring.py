"""The ring is a FIFO: whatever is written, read and skipped, it behaves like a list with a limit."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.ring import RingBuffer
from engine.core.stage import Block


@given(
    capacity=st.integers(1, 40),
    channels=st.integers(1, 3),
    steps=st.lists(st.tuples(st.sampled_from(["write", "read", "peek", "skip"]), st.integers(0, 50)), max_size=60),
)
def test_behaves_like_a_bounded_list(capacity: int, channels: int, steps: list[tuple[str, int]]) -> None:
    ring = RingBuffer(channels, capacity)
    model: list[float] = []
    serial = 1
    for action, frames in steps:
        if action == "write":
            numbers = np.arange(serial, serial + frames, dtype=np.float32)
            serial += frames
            taken = ring.write(np.tile(numbers, (channels, 1)))
            assert taken == min(frames, capacity - len(model))
            model += numbers[:taken].tolist()
        elif action == "skip":
            assert ring.skip(frames) == min(frames, len(model))
            del model[:frames]
        else:
            out = np.full((channels, frames), np.nan, np.float32)
            real = ring.read_into(out) if action == "read" else ring.peek_into(out)
            expected = (model + [0.0] * frames)[:frames]
            assert real == min(frames, len(model))
            for row in out:
                assert row.tolist() == expected
            if action == "read":
                del model[:frames]
        assert ring.available == len(model)
        assert ring.free == capacity - len(model)


def test_one_writer_and_one_reader_in_two_threads() -> None:
    ring = RingBuffer(2, 1000)
    total = 200_000
    received: list[Block] = []

    def write() -> None:
        sent = 0
        rng = np.random.default_rng(1)
        while sent < total:
            numbers = np.arange(sent, min(total, sent + int(rng.integers(1, 700))), dtype=np.float32)
            sent += ring.write(np.stack([numbers, -numbers]))

    writer = threading.Thread(target=write)
    writer.start()
    count = 0
    out = np.empty((2, 333), np.float32)
    while count < total:
        real = ring.read_into(out)
        received.append(out[:, :real].copy())
        count += real
    writer.join()
    whole = np.concatenate(received, axis=1)
    assert np.array_equal(whole[0], np.arange(total, dtype=np.float32))
    assert np.array_equal(whole[1], -whole[0])


@pytest.mark.parametrize(("channels", "capacity"), [(0, 10), (1, 0)])
def test_refuses_a_ring_of_nothing(channels: int, capacity: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        RingBuffer(channels, capacity)
