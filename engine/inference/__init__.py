"""Models, and the runtime they run in."""

import os

# onnxruntime otherwise keeps an id of this machine on disk and, on a thread of its own, reports to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
