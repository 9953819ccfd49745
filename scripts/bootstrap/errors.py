"""The one error of set-up, and how a failed installer's output becomes one sentence."""

from __future__ import annotations


class SetupError(Exception):
    """Set-up cannot go on; the message is one sentence that says how to mend it."""


_REASONS = (
    (
        ("no space left", "os error 28", "os error 112", "not enough space", "disk quota", "errno 28"),
        "the disk is full: free {need_mb} MB and start again",
    ),
    (
        ("hash mismatch", "do not match the hashes"),
        "a downloaded package is not the one that was locked: start again, and report it if that does not help",
    ),
    (
        ("certificate",),
        "the certificate of the package server is not trusted here: add your proxy's to the system's and start again",
    ),
    (
        (
            "dns error",
            "name resolution",
            "getaddrinfo",
            "nodename nor servname",
            "error sending request",
            "connection",
            "unreachable",
            "timed out",
            "timeout",
            "proxy",
        ),
        "the packages could not be downloaded: check the network (or proxy) and start again",
    ),
    (
        (
            "no usable wheels",
            "no matching distribution",
            "no wheels with a matching",
            "has no wheel",
            "failed to build",
        ),
        "a package does not exist for this machine: it needs a 64-bit Python 3.11 to 3.14 on Windows, on Linux with "
        "glibc 2.34 or newer, or on an Apple-silicon Mac with macOS 14 or newer",
    ),
    (
        ("permission denied", "access is denied", "read-only file system"),
        "the folder of Sidetone cannot be written: move it to a folder of yours and start again",
    ),
)


class InstallerError(Exception):
    """A program that installs something failed; the message is all that it wrote."""


def explain(output: str, need_mb: int) -> str:
    """One sentence for what an installer wrote before it failed; its last line where nothing is known better."""
    text = output.lower()
    for signs, sentence in _REASONS:
        if any(sign in text for sign in signs):
            return sentence.format(need_mb=need_mb)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return (
        "the packages could not be installed: "
        + (lines[-1] if lines else "the installer said nothing")
        + " (more: .venv/setup.log)"
    )
