"""Nothing is written about this machine or reported to anybody by the libraries we load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads and looks into the home folder as Linux has them")
def test_the_model_runtime_keeps_no_id_of_this_machine_and_starts_no_thread(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    script = (
        "import os, numpy; before = len(os.listdir('/proc/self/task'))\n"
        "from engine.inference import session; print(len(os.listdir('/proc/self/task')) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**environment, "HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert list(tmp_path.rglob("*onnxruntime*")) == []
    assert done.stdout.strip() == "0"
