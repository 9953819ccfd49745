"""The remote interface: its switch, its address, and who is connected. GUI thread; nothing waits."""

from __future__ import annotations

from app.bridge import EngineBridge
from app.loopback_address import LoopbackAddress
from app.ui.panels.loopback_panel import LoopbackPanel
from app.ui.theme import Colour
from app.ui.widgets.text_label import text_label
from engine import RemoteClient, RemoteConfig, Snapshot


class RemotePanel(LoopbackPanel):
    """Switch, address and clients."""

    def __init__(self, bridge: EngineBridge, address: LoopbackAddress) -> None:
        super().__init__(
            bridge,
            address,
            RemoteConfig(),
            "Remote",
            "Lets Stream Deck, Companion and scripts turn knobs; docs/remote.md tells how.",
            "everybody is hung up on until they have the new one",
        )
        self.clients = text_label(colour=Colour.FAINT, is_wrapped=True)
        self.add_row("Connected", self.clients)
        self.end_rows()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follow what the engine says."""
        status = snapshot.services.remote
        self.show_service(snapshot.services.config.remote, status)
        clients = status.clients if status is not None else ()
        text = "\n".join(_line(client) for client in clients) or "nobody"
        if text != self.clients.text():
            self.clients.setText(text)


def _line(client: RemoteClient) -> str:
    minutes, seconds = divmod(round(client.connected_s), 60)
    return f"{client.name}: {minutes}:{seconds:02d} min, {client.requests} requests"
