"""What other programs of this machine are served: the page that shows captions, and remote control."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

OVERLAY_PORT = 47_820
REMOTE_PORT = 47_840

Port = Annotated[int, msgspec.Meta(ge=1024, le=65_535)]


class OverlayTheme(StrEnum):
    """How the overlay's captions look."""

    OUTLINE = "outline"
    BOX = "box"
    PAPER = "paper"
    CONTRAST = "contrast"


class OverlayPosition(StrEnum):
    """Where on the page they stand."""

    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


class TextDirection(StrEnum):
    """How text runs; automatic is what its first letter says."""

    AUTOMATIC = "auto"
    LEFT_TO_RIGHT = "ltr"
    RIGHT_TO_LEFT = "rtl"


class OverlayConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The page that shows captions in OBS's browser source.

    Parameters
    ----------
    port : int
        Where it is served. OBS keeps the address, so this changes only when another program has the port.
    font_px, outline_px : int
        Height of the letters and width of the line around them, in pixels of the page.
    lines : int
        The most that are shown at once.
    keep_s : float
        How long a finished line stays when nothing more is said.
    """

    is_on: bool = False
    port: Port = OVERLAY_PORT
    theme: OverlayTheme = OverlayTheme.OUTLINE
    position: OverlayPosition = OverlayPosition.BOTTOM
    direction: TextDirection = TextDirection.AUTOMATIC
    font_px: Annotated[int, msgspec.Meta(ge=12, le=200)] = 48
    outline_px: Annotated[int, msgspec.Meta(ge=0, le=20)] = 4
    lines: Annotated[int, msgspec.Meta(ge=1, le=8)] = 2
    keep_s: Annotated[float, msgspec.Meta(ge=1.0, le=120.0)] = 6.0


class OverlayStatus(msgspec.Struct, frozen=True, tag=True):
    """How the overlay page is.

    Attributes
    ----------
    text : str
        What the user should know or do, else empty.
    port : int or None
        Where it is served; None while it is not. The token of the address is in the user's file, never in here.
    pages : int
        How many show it.
    """

    text: str = ""
    port: int | None = None
    pages: int = 0


class RemoteConfig(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Remote control by other programs of this machine; `port` is where they find it."""

    is_on: bool = False
    port: Port = REMOTE_PORT


class RemoteClient(msgspec.Struct, frozen=True):
    """A program that is connected: what it calls itself, for how long, and how much it has asked."""

    name: str
    connected_s: float
    requests: int


class RemoteStatus(msgspec.Struct, frozen=True, tag=True):
    """How the remote control is.

    Attributes
    ----------
    text : str
        What the user should know or do, else empty.
    port : int or None
        Where it listens; None while it does not. The token of the address is in the user's file, never in here.
    """

    text: str = ""
    port: int | None = None
    clients: tuple[RemoteClient, ...] = ()
