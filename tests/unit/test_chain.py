"""Stages in a row: settings that change all at once, one delay, a guard at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

import numpy as np
import pytest

from engine.core.chain import Chain
from engine.core.chain_settings import ChainSettings
from engine.core.stage import Block, Context
from engine.errors import ParameterError
from tests.helpers.engines import PATIENCE_S
from tests.helpers.small_stages import EchoParams, Factor, FactorParams, Faulty, Late, stage_format


class SecondFactor(Factor):
    id = "second"


class ThirdFactor(Factor):
    id = "third"


class Meanwhile(Factor):
    """Lets something happen while a block is on its way, once."""

    id = "meanwhile"

    def __init__(self) -> None:
        self.happens: Callable[[], object] = lambda: None

    def process(self, block: Block, ctx: Context[FactorParams]) -> None:
        super().process(block, ctx)
        happens, self.happens = self.happens, lambda: None
        happens()


def prepared(*stages: Factor | Late, channels: int = 1, tap_after: str = "") -> Chain:
    chain = Chain(stages, [tap_after] if tap_after else [])
    chain.prepare(stage_format(channels))
    return chain


def ones(channels: int = 1) -> Block:
    return np.ones((channels, 480), np.float32)


def test_stages_are_heard_in_their_order_and_their_delays_add_up() -> None:
    chain = prepared(Late(100, 0.5), Factor(), Faulty(20), tap_after="late")
    chain.set("factor.factor", 0.25)
    assert chain.latency_samples == 120
    block = np.zeros((1, 480), np.float32)
    block[0, 0] = 1.0
    chain.process(block)
    assert np.flatnonzero(block[0]).tolist() == [120]
    assert block[0, 120] == 0.125
    tapped = chain.tap("late", 480)
    assert tapped is not None
    assert np.flatnonzero(tapped[0]).tolist() == [100]
    assert chain.tap("factor", 480) is None


def test_the_delay_stays_whatever_is_bypassed_or_broken() -> None:
    faulty = Faulty(77)
    chain = prepared(Late(100), faulty, Factor())
    faulty.fault = "raise"
    chain.process(ones())
    assert chain.slots[1].fault
    for stage_id in ("late", "faulty", "factor"):
        chain.bypass(stage_id, True)
        chain.process(ones())
        assert chain.latency_samples == 177


def test_a_bypass_from_before_the_start_needs_no_fade() -> None:
    chain = Chain([Factor()])
    chain.load({"factor.factor": 4.0}, {"factor": True})
    chain.prepare(stage_format())
    block = np.full((1, 480), 0.1, np.float32)
    chain.process(block)
    assert (block == np.float32(0.1)).all()


def test_the_last_guard_cannot_be_taken_out() -> None:
    chain = prepared(Factor())
    chain.set("factor.factor", 4.0)
    block = ones()
    block[0, ::2] = -1.0
    chain.process(block)
    assert set(block[0].tolist()) == {-1.0, 1.0}


def test_an_endless_sample_of_a_stage_does_not_get_past_it() -> None:
    faulty = Faulty(0)
    chain = prepared(faulty, Late(0))
    faulty.fault = "inf"
    block = np.full((1, 480), 0.5, np.float32)
    chain.process(block)
    assert (block == 0.5).all()
    assert "no numbers" in chain.slots[0].fault
    assert not chain.slots[1].fault_count


def test_values_are_clamped_and_listed() -> None:
    chain = prepared(Factor(), Late())
    assert chain.set("factor.factor", 99) == 4.0
    assert chain.values() == {"factor.factor": 4.0, "factor.is_inverted": False, "late.color": "warm"}
    chain.bypass("late", True)
    assert chain.bypasses() == {"factor": False, "late": True}


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"factor.factor": 2.0, "nosuch.factor": 1.0}, "nosuch"),
        ({"factor.factor": 2.0, "factor.nosuch": 1.0}, "nosuch"),
        ({"factor.factor": 2.0, "factor": 1.0}, "factor"),
        ({"factor.factor": 2.0, "late.color": "pink"}, "pink"),
        ({"factor.factor": "a lot"}, "a lot"),
    ],
)
def test_what_cannot_be_set_changes_nothing(values: dict[str, float | str], word: str) -> None:
    chain = prepared(Factor(), Late())
    before = chain.settings
    with pytest.raises(ParameterError, match=word):
        chain.apply(values)
    with pytest.raises(ParameterError, match=word):
        chain.load(values, {})
    with pytest.raises(ParameterError, match="nosuch"):
        chain.load({"factor.factor": 2.0}, {"nosuch": True})
    with pytest.raises(ParameterError, match="nosuch"):
        chain.bypass("nosuch", True)
    assert chain.settings is before


def test_load_brings_everything_else_to_its_default() -> None:
    chain = prepared(Factor(), Late())
    chain.apply({"factor.factor": 2.0, "late.color": "cold"})
    chain.bypass("factor", True)
    chain.load({"late.color": "cold"}, {"late": True})
    assert chain.settings == ChainSettings((FactorParams(), EchoParams("cold")), (False, True))


def test_a_block_sees_all_of_a_change_or_none() -> None:
    """Two gains whose product is always 1 are changed together from another thread: no block may come out louder."""
    chain = prepared(Factor(), SecondFactor())
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            for factor in (0.25, 0.5, 2.0, 4.0, 1.0):
                chain.apply({"factor.factor": factor, "second.factor": 1.0 / factor})

    hammer = threading.Thread(target=turn)
    hammer.start()
    seen = set()
    try:
        block = np.empty((1, 480), np.float32)
        for _ in range(20_000):
            block.fill(0.125)
            chain.process(block)
            assert block[0, 0] == block[0, 479] == 0.125
            seen.add(float(chain.slots[0].context.params.factor))
    finally:
        stop.set()
        hammer.join()
    assert len(seen) == 5


class OnItsWay:
    """A chain of four, of which one lets something happen while it is worked on: two stages are behind then, two ahead."""

    def __init__(self) -> None:
        self._meanwhile: Meanwhile = Meanwhile()
        self.chain = prepared(Factor(), self._meanwhile, SecondFactor(), ThirdFactor())

    def blocks(self, happens: Callable[[], object]) -> tuple[float, float]:
        """Last sample of the block in which it happened and of the next one, of 0.01 at the input."""
        self._meanwhile.happens = happens
        block = np.full((1, 480), 0.01, np.float32)
        following = block.copy()
        self.chain.process(block)
        self.chain.process(following)
        return round(float(block[0, -1]), 6), round(float(following[0, -1]), 6)


def test_a_change_of_what_is_still_ahead_is_heard_in_the_block_on_its_way() -> None:
    way = OnItsWay()
    assert way.blocks(lambda: way.chain.apply({"second.factor": 2.0, "third.factor": 4.0})) == (0.08, 0.08)
    assert way.blocks(lambda: way.chain.apply({"second.factor": 1.0, "third.factor": 1.0})) == (0.01, 0.01)


@pytest.mark.parametrize("behind", ["factor", "meanwhile"])
def test_a_change_of_what_is_behind_too_waits_as_a_whole(behind: str) -> None:
    way = OnItsWay()
    assert way.blocks(lambda: way.chain.apply({f"{behind}.factor": 2.0, "third.factor": 4.0})) == (0.01, 0.08)


def test_a_change_that_follows_one_that_waits_waits_with_it() -> None:
    way = OnItsWay()

    def two() -> None:
        way.chain.set("factor.factor", 2.0)
        way.chain.set("third.factor", 4.0)

    assert way.blocks(two) == (0.01, 0.08)


def test_settings_that_are_loaded_and_change_nothing_behind_are_heard_at_once() -> None:
    way = OnItsWay()
    assert way.blocks(lambda: way.chain.load({"third.factor": 4.0}, {})) == (0.04, 0.04)
    assert way.blocks(lambda: way.chain.load({}, {"meanwhile": True})) == (0.04, 0.01)


def test_a_bypass_ahead_begins_its_fade_in_the_block_on_its_way() -> None:
    way = OnItsWay()
    way.chain.set("third.factor", 4.0)
    faded, out = way.blocks(lambda: way.chain.bypass("third", True))
    assert 0.01 < faded < 0.04
    assert out == 0.01
    faded, back = way.blocks(lambda: way.chain.apply({"factor.factor": 1.0}, {"third": False}))
    assert (faded, 0.01 < back < 0.04) == (0.01, True)


def test_a_panic_waits_for_the_next_block_if_a_stage_was_already_heard() -> None:
    way = OnItsWay()
    way.chain.set("third.factor", 4.0)
    heard, fading = way.blocks(lambda: way.chain.set_dry(True))
    assert heard == 0.04
    assert fading < 0.04


def test_a_panic_is_heard_at_once_if_nothing_was_in_the_sound_so_far() -> None:
    way = OnItsWay()
    way.chain.load({"third.factor": 4.0}, {"factor": True, "meanwhile": True})
    way.blocks(lambda: None)
    way.blocks(lambda: None)
    fading, _ = way.blocks(lambda: way.chain.set_dry(True))
    assert fading < 0.04


@pytest.mark.parametrize("changed", [("factor", "second"), ("second", "third"), ("factor", "third")])
def test_no_block_on_its_way_sees_half_of_a_change(changed: tuple[str, str]) -> None:
    """As above, with changes that come at any moment of the block's way."""
    way = OnItsWay()
    first, second = (f"{stage_id}.factor" for stage_id in changed)
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            for factor in (0.25, 0.5, 2.0, 4.0, 1.0):
                way.chain.apply({first: factor, second: 1.0 / factor})

    hammer = threading.Thread(target=turn)
    hammer.start()
    try:
        for _ in range(4_000):
            assert way.blocks(lambda: None) == (0.01, 0.01)
    finally:
        stop.set()
        hammer.join()


class Renewing(Meanwhile):
    """Works long before it uses its factor; its sign is used at once."""

    def process(self, block: Block, ctx: Context[FactorParams]) -> None:
        is_inverted = ctx.params.is_inverted
        happens, self.happens = self.happens, lambda: None
        happens()
        factor = ctx.renewed("factor").factor
        block *= np.float32(-factor if is_inverted else factor)


class OnItsWayRenewing(OnItsWay):
    def __init__(self) -> None:
        self._meanwhile = Renewing()
        self.chain = prepared(Factor(), self._meanwhile, SecondFactor(), ThirdFactor())


def test_a_stage_that_asks_again_takes_what_it_has_not_used_and_what_is_ahead() -> None:
    way = OnItsWayRenewing()
    assert way.blocks(lambda: way.chain.set("meanwhile.factor", 2.0)) == (0.02, 0.02)
    assert way.blocks(lambda: way.chain.apply({"meanwhile.factor": 1.0, "third.factor": 4.0})) == (0.04, 0.04)
    assert way.blocks(lambda: way.chain.set("second.factor", 2.0)) == (0.08, 0.08)


@pytest.mark.parametrize(
    ("values", "bypass", "after"),
    [
        ({"factor.factor": 2.0, "meanwhile.factor": 2.0}, {}, 0.04),
        ({"meanwhile.is_inverted": True, "meanwhile.factor": 2.0}, {}, -0.02),
        ({"meanwhile.is_inverted": True, "third.factor": 2.0}, {}, -0.02),
        ({"meanwhile.factor": 4.0, "third.factor": 2.0}, {"meanwhile": True}, 0.02),
    ],
    ids=["behind", "used", "used and ahead", "bypass"],
)
def test_a_stage_that_asks_again_takes_no_half_of_a_change(
    values: dict[str, float | bool], bypass: dict[str, bool], after: float
) -> None:
    way = OnItsWayRenewing()
    assert way.blocks(lambda: way.chain.apply(values, bypass))[0] == 0.01
    way.blocks(lambda: None)
    assert way.blocks(lambda: None) == (after, after)


def test_bypasses_and_parameters_of_a_preset_come_together() -> None:
    """Either the gain is doubled and the halving stage is on, or neither: seen in the settings a block would take."""
    chain = prepared(Factor(), SecondFactor())
    presets = ({"factor.factor": 2.0}, {"second": True}), ({"second.factor": 2.0}, {"factor": True})
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            for values, bypass in presets:
                chain.load(values, bypass)

    chain.load(*presets[0])
    hammer = threading.Thread(target=turn)
    hammer.start()
    seen: set[tuple[float, float, tuple[bool, ...]]] = set()
    looks, give_up_at_s = 0, monotonic() + PATIENCE_S
    try:
        # On a busy machine the other thread may wait long for its turn.
        while looks < 200_000 or (len(seen) < 2 and monotonic() < give_up_at_s):
            looks += 1
            settings = chain.settings
            first, second = settings.params
            assert isinstance(first, FactorParams)
            assert isinstance(second, FactorParams)
            seen.add((first.factor, second.factor, settings.bypassed))
    finally:
        stop.set()
        hammer.join()
    assert seen == {(2.0, 1.0, (False, True)), (1.0, 2.0, (True, False))}
