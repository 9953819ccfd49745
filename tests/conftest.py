"""What every test stands on: folders of its own, no screen unless there is one, and real parts that are named when absent."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARES_THE_MACHINE = {"integration", "realtime"}
EVAL = ROOT.parent / "shared" / "eval"

pytest_plugins = ["tests.helpers.models"]

# Other programs share the machine, so an example's time says nothing; CI must fail today and tomorrow alike.
hypothesis.settings.register_profile("sidetone", deadline=None, derandomize=os.environ.get("CI") == "true")
hypothesis.settings.load_profile("sidetone")


def pytest_configure() -> None:
    """Qt draws into memory where no screen is; must be decided before the first QApplication."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that stand on the machine's own time, or on other programs, get a second try, which the summary names."""
    for item in items:
        if SHARES_THE_MACHINE & set(item.path.relative_to(ROOT).parts):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip by name, or fail in CI, a test whose `needs` are not all there."""
    for marker in item.iter_markers("needs"):
        for part in marker.args:
            require(part)


def require(part: str) -> None:
    """Skip the running test if a part is absent; in CI, where every real part must be, fail it.

    Parameters
    ----------
    part : str
        A program's name, `module:NAME` for a Python module, or `eval` for the evaluation material beside the checkout.
    """
    if _is_there(part):
        return
    reason = f"{part} is not on this machine"
    # The evaluation material may not be passed on, so not even CI can be sure to have it.
    if os.environ.get("CI") == "true" and part != "eval":
        pytest.fail(f"{reason}, and CI must have it", pytrace=False)
    pytest.skip(reason)


def _is_there(part: str) -> bool:
    if part == "eval":
        return (EVAL / "data" / "manifest.csv").is_file()
    if part.startswith("module:"):
        return importlib.util.find_spec(part.removeprefix("module:")) is not None
    return shutil.which(part) is not None


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep settings and running engines of this machine's user out of the tests, also of the programs they start."""
    for name in ("CONFIG", "RUNTIME"):
        os.environ[f"SIDETONE_{name}_DIR"] = str(tmp_path_factory.mktemp(name.lower()))


@pytest.fixture
def eval_folder() -> Path:
    """The evaluation material, `shared/eval` beside the checkout; the test is skipped by name where it is absent."""
    require("eval")
    return EVAL
