"""Asks the operating system to run the calling thread in real time. A refusal is a sentence, never an error.

Windows: the Multimedia Class Scheduler's "Pro Audio". Linux: SCHED_FIFO if the limits allow it, else through rtkit; where
both refuse, a short time slice, which anybody may ask for. macOS: the time-constraint policy. Called once by the DSP thread
before its loop; may wait, so never from inside the loop. Whole processes are raised and lowered here too: on Linux to a higher
niceness, where that is granted, and to short slices in any case.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from engine.system_programs import system_environment

_FIFO_PRIORITY = 4
_RAISED_NICENESS, _LOWERED_NICENESS = -11, 10
_SHORT_SLICE_NS, _USUAL_SLICE_NS = 100_000, 0
_KEEP_POLICY = 0x08
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""Number of the system call by machine; the C library has no name for it."""


def raise_thread_priority(hop_s: float) -> str:
    """Make the calling thread real-time.

    Parameters
    ----------
    hop_s : float
        Within which time the thread has to be done with its work, again and again.

    Returns
    -------
    str
        Empty if granted, else why not.
    """
    refusal = _ask(hop_s)
    if refusal and sys.platform == "linux":
        shorten_slice()
    return refusal


def _ask(hop_s: float) -> str:
    try:
        if sys.platform == "win32":
            return _windows_pro_audio()
        if sys.platform == "darwin":
            return _macos_time_constraint(hop_s)
        return _linux_fifo()
    except (OSError, AttributeError, ValueError, subprocess.SubprocessError) as error:
        # ValueError is how a limit is refused.
        return str(error)


def raise_process_priority() -> None:
    """Let the calling process go before ordinary ones where the system grants it: nice -11, or "above normal" on Windows.

    For the threads beside the DSP thread, those that run and those they will start: they share Python's lock with it, and one
    that another program keeps from running while it holds the lock makes the sound wait too (priority inversion). On Linux they
    get short slices as well, which nobody refuses. Not on macOS, which asks for more rights than a user has.
    """
    if sys.platform == "win32":
        above_normal = 0x8000
        _set_windows_class(above_normal)
    elif sys.platform == "linux":
        _set_niceness(_RAISED_NICENESS)
        _set_slices(_own_threads(), _SHORT_SLICE_NS)


def lower_process_priority() -> None:
    """Make the calling process give way to others: nice 10 at least, or "below normal" on Windows."""
    if sys.platform == "win32":
        below_normal = 0x4000
        _set_windows_class(below_normal)
    else:
        # Not a step of ten: whoever started it may have a raised priority and short slices, which it has inherited.
        _set_niceness(max(_LOWERED_NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        _set_slices(_own_threads(), _USUAL_SLICE_NS)


def _own_threads() -> Sequence[int]:
    """All threads of this process, other libraries' too, where the system keeps a priority for each; else 0, the process."""
    try:
        return [int(thread.name) for thread in Path("/proc/self/task").iterdir()]
    except OSError:
        return [0]


def _set_niceness(niceness: int) -> None:
    if sys.platform == "win32":
        return
    for thread_id in _own_threads():
        # A thread that has just ended, or a limit, is no reason to stop.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread_id, niceness)


def _set_windows_class(priority_class: int) -> None:
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        # Undeclared, a handle would be cut to 32 bits.
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_ulong)
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), priority_class)


def _linux_fifo() -> str:
    if sys.platform != "linux":
        return "not on this system"
    try:
        # 0 is the calling thread, not the process; children must not inherit it.
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_FIFO_PRIORITY))
    except PermissionError:
        return _linux_rtkit(os.getpid(), threading.get_native_id())
    return ""


def _linux_rtkit(process_id: int, thread_id: int) -> str:
    if sys.platform != "linux":
        return "not on this system"
    import resource

    # rtkit grants real time only to processes that the kernel stops when they hog a core.
    resource.setrlimit(resource.RLIMIT_RTTIME, (200_000, 200_000))
    done = subprocess.run(
        _rtkit_call(process_id, thread_id),
        env=system_environment(),
        capture_output=True,
        text=True,
        timeout=2.0,
        check=False,
    )
    return "" if done.returncode == 0 else f"rtkit refused: {done.stderr.strip() or 'no reason given'}"


def _rtkit_call(process_id: int, thread_id: int) -> list[str]:
    """The words that ask rtkit, with systemd's tool or, on systems without that, D-Bus's own."""
    service, path, method = "org.freedesktop.RealtimeKit1", "/org/freedesktop/RealtimeKit1", "MakeThreadRealtimeWithPID"
    numbers = [str(process_id), str(thread_id), str(_FIFO_PRIORITY)]
    if shutil.which("busctl") is not None:
        return ["busctl", "call", "--system", service, path, service, method, "ttu", *numbers]
    typed = [f"{kind}:{number}" for kind, number in zip(("uint64", "uint64", "uint32"), numbers, strict=True)]
    return ["dbus-send", "--system", "--print-reply", f"--dest={service}", path, f"{service}.{method}", *typed]


def shorten_slice() -> None:
    """Ask for time in short pieces for the calling thread and those that it starts.

    Who asks for less at once is let in sooner when it wakes. Nobody is told if it is refused.
    """
    _set_slices((0,), _SHORT_SLICE_NS)


def _set_slices(thread_ids: Sequence[int], slice_ns: int) -> None:
    """Set the slice of threads; 0 is the calling one.

    Since Linux 6.12 `sched_runtime` of an ordinary thread is its slice (EEVDF, kernel/sched/fair.c); older kernels ignore it.
    """

    class SchedAttr(ctypes.Structure):
        _fields_ = (
            ("size", ctypes.c_uint32),
            ("policy", ctypes.c_uint32),
            ("flags", ctypes.c_uint64),
            ("nice", ctypes.c_int32),
            ("priority", ctypes.c_uint32),
            ("runtime", ctypes.c_uint64),
            ("deadline", ctypes.c_uint64),
            ("period", ctypes.c_uint64),
        )

    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    for thread_id in thread_ids:
        with suppress(OSError, AttributeError):
            # To keep the niceness it has to be said again.
            nice = os.getpriority(os.PRIO_PROCESS, thread_id)
            attributes = SchedAttr(ctypes.sizeof(SchedAttr), flags=_KEEP_POLICY, nice=nice, runtime=slice_ns)
            ctypes.CDLL(None).syscall(number, thread_id, ctypes.byref(attributes), 0)


def _windows_pro_audio() -> str:
    if sys.platform != "win32":
        return "not on this system"
    task_index = ctypes.c_ulong(0)
    handle = ctypes.WinDLL("avrt").AvSetMmThreadCharacteristicsW("Pro Audio", ctypes.byref(task_index))
    return "" if handle else "the Multimedia Class Scheduler refused"


def _macos_time_constraint(hop_s: float) -> str:
    class TimebaseInfo(ctypes.Structure):
        _fields_ = (("numer", ctypes.c_uint32), ("denom", ctypes.c_uint32))

    class TimeConstraint(ctypes.Structure):
        _fields_ = (
            ("period", ctypes.c_uint32),
            ("computation", ctypes.c_uint32),
            ("constraint", ctypes.c_uint32),
            ("preemptible", ctypes.c_int),
        )

    system = ctypes.CDLL("/usr/lib/libSystem.dylib")
    timebase = TimebaseInfo()
    system.mach_timebase_info(ctypes.byref(timebase))
    ticks = hop_s * 1e9 * timebase.denom / timebase.numer
    policy = TimeConstraint(int(ticks), int(ticks * 0.5), int(ticks), 1)
    thread_time_constraint_policy, count = 2, ctypes.sizeof(TimeConstraint) // 4
    thread = system.mach_thread_self()
    result = system.thread_policy_set(thread, thread_time_constraint_policy, ctypes.byref(policy), count)
    return "" if result == 0 else f"the kernel answered {result}"
