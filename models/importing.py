"""Brings a model from elsewhere into the user's own catalogue: fetched whole, checked in a process of its own, put in place.

Nothing of the file is believed: its sha256 must be the one the user gave or confirmed, its size is bounded, and before it
may be chosen a child process with a time limit has loaded and run it. Control thread; waits for network and disk.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.errors import ModelError
from engine.inference.imported import DENOISER, OTHER, RECOGNIZER, ImportedModel, read_imported, write_imported
from engine.inference.probe import Finding

MOST_BYTES = 256 << 20
PROBE_S = 90.0
NETWORK_S = 30.0
_CHUNK_BYTES = 1 << 16

Progress = Callable[[str, float], None]
Confirm = Callable[[str], bool]
"""Shown the sha256 of what was fetched; says whether it is the right one."""


def import_model(
    source: str,
    directory: Path,
    sha256: str | None,
    confirm: Confirm,
    check_command: Sequence[str],
    progress: Progress,
    **words: str,
) -> ImportedModel:
    """Import a file into `directory`, beside its catalogue there.

    Parameters
    ----------
    source : str
        A file's path or an https address.
    sha256 : str or None
        What the file must be; where None, `confirm` is asked.
    check_command : Sequence[str]
        Starts a process that prints a `Finding` for the path appended to it.
    **words : str
        `id`, `label`, `version`, `licence`, `card`; what is empty is made up from the file's name, or stays unknown.

    Raises
    ------
    ModelError
        If it is refused or anything else goes wrong; `directory` is as before then.
    """
    wanted = None if sha256 is None else _normal(sha256)
    catalog = read_imported(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=directory, ignore_cleanup_errors=True) as scratch:
            fetched = Path(scratch) / "model.onnx"
            found = _fetch(source, fetched, progress)
            if wanted is None and not confirm(found):
                raise ModelError(f"{source} was not imported, because its sha256 was not confirmed")
            if wanted is not None and found != wanted:
                raise ModelError(
                    f"{source} is not what was asked for: its sha256 is {found}; get the file or its sha256 again"
                )
            if (known := next((model for model in catalog.model if model.sha256 == found), None)) is not None:
                raise ModelError(f"this file was imported before, as {known.id}")
            progress("checking the model", 0.0)
            finding = check(fetched, check_command)
            model = _described(source, found, finding, words)
            if catalog.find(model.id) is not None:
                raise ModelError(f"there is an imported model {model.id} already; give another name with --id")
            fetched.replace(directory / model.file)
            write_imported(directory, catalog.with_model(model))
    except OSError as error:
        raise ModelError(f"{source} cannot be imported ({error.strerror or error}); mend that and try again") from None
    progress("checking the model", 1.0)
    return model


def remove_model(model_id: str, directory: Path) -> ImportedModel:
    """Forget an imported model and delete its file; where it was chosen, the program's own takes its place again.

    Raises
    ------
    ModelError
        If there is none of this id.
    """
    catalog = read_imported(directory)
    model = catalog.find(model_id)
    if model is None:
        raise ModelError(f"{model_id} is no imported model; `sidetone models list` shows them")
    write_imported(directory, catalog.without(model_id))
    try:
        (directory / model.file).unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{model_id} is forgotten, but its file stays ({error.strerror}); delete it by hand") from None
    return model


def check(path: Path, check_command: Sequence[str]) -> Finding:
    """What a file is good for, found out in a process of its own.

    Raises
    ------
    ModelError
        If it is refused, or the process died or took too long over it.
    """
    try:
        done = subprocess.run(
            [*check_command, str(path)], capture_output=True, stdin=subprocess.DEVNULL, timeout=PROBE_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"the model is refused: trying it took more than {PROBE_S:.0f} s") from None
    try:
        finding = msgspec.json.decode(done.stdout, type=Finding)
    except msgspec.DecodeError:
        raise ModelError(f"the model is refused: trying it ended the process (code {done.returncode})") from None
    if finding.problem:
        raise ModelError(f"the model is refused: {finding.problem}")
    return finding


def _described(source: str, sha256: str, finding: Finding, words: dict[str, str]) -> ImportedModel:
    name = Path(urllib.parse.urlparse(source).path if _is_address(source) else source).stem or "model"
    plain = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.") or "model"
    model_id = words.get("id") or f"{plain}-{sha256[:8]}"
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,79}", model_id):
        raise ModelError(f"{model_id!r} is no name for a model; use small letters, digits, dots and hyphens")
    return ImportedModel(
        id=model_id,
        kind=OTHER if not finding.fits else RECOGNIZER if finding.hop_samples == 0 else DENOISER,
        label=words.get("label") or name[:80],
        version=words.get("version") or sha256[:8],
        source=source if _is_address(source) else Path(source).name,
        licence=words.get("licence") or "unknown",
        file=f"{model_id}.onnx",
        sha256=sha256,
        fits=finding.fits,
        sample_rate_hz=finding.sample_rate_hz,
        hop_samples=finding.hop_samples,
        delay_samples=finding.delay_samples,
        cost_ms=finding.cost_ms,
        card=words.get("card") or finding.shape,
    )


def _normal(sha256: str) -> str:
    text = sha256.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ModelError(f"{sha256!r} is no sha256: that has 64 hexadecimal digits")
    return text


def _is_address(source: str) -> bool:
    return "://" in source


def _fetch(source: str, target: Path, progress: Progress) -> str:
    """Copy to `target`, and return the sha256 of what was copied."""
    digest, done = hashlib.sha256(), 0
    what = f"fetching {source}" if _is_address(source) else f"reading {source}"
    with _opened(source) as (stream, size), target.open("wb") as file:
        _expect_size(source, size or 0)
        while chunk := _read(source, stream):
            done += len(chunk)
            _expect_size(source, done)
            digest.update(chunk)
            file.write(chunk)
            progress(what, done / size if size else 0.0)
        file.flush()
        os.fsync(file.fileno())
    if size is not None and done != size:
        raise ModelError(f"{source} ended after {done} of {size} bytes; try again")
    progress(what, 1.0)
    return digest.hexdigest()


def _read(source: str, stream: IO[bytes]) -> bytes:
    try:
        return stream.read(_CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise ModelError(f"{source} broke off ({error}); try again") from None


def _expect_size(source: str, size: int) -> None:
    if size > MOST_BYTES:
        raise ModelError(f"{source} is larger than the {MOST_BYTES >> 20} MB that a model may have; choose another one")


@contextmanager
def _opened(source: str) -> Iterator[tuple[IO[bytes], int | None]]:
    if not _is_address(source):
        path = Path(source)
        if not path.is_file():
            raise ModelError(f"{source} does not exist or is no file; check the path")
        with path.open("rb") as file:
            yield file, path.stat().st_size
        return
    _expect_https(source)
    try:
        response = urllib.request.build_opener(_HttpsOnly).open(source, timeout=NETWORK_S)
    except (OSError, HTTPException, ValueError) as error:
        raise ModelError(f"{source} cannot be fetched ({getattr(error, 'reason', error)}); check the address") from None
    with response:
        length = response.headers.get("Content-Length", "")
        yield response, int(length) if length.isdecimal() else None


def _expect_https(address: str) -> None:
    if urllib.parse.urlparse(address).scheme != "https":
        raise ModelError(f"{address} is no https address; models come from a file or over https only")


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Follows no way that leads out of https."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request to follow a redirection with."""
        _expect_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
