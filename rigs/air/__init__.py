"""The software air between the tester and devices: `under` puts a link on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rigs.air.settings import AirSettings
    from rigs.model import Link


def under(link: Link, settings: AirSettings, where: str) -> Link:
    """The link as it is when the air of a rig file lies between it and the tester; `where` names that file.

    A live IPSP channel stays what it is, and its medium gets the connection events. Raises `ConfigError` for keys that
    mean nothing on this kind of link.
    """
    from rigs.air.link import AirLink
    from rigs.configuration.models import ConfigError
    from rigs.links.ipsp.channel_link import ChannelLink

    if link.kind == "ble" and settings.model == "802154":
        raise ConfigError([f"{where}: air.model: this link is Bluetooth LE: set air.interval in its place"])
    if link.kind != "ble" and settings.interval:
        raise ConfigError([f'{where}: air.interval: this link is IEEE 802.15.4: set air.model = "802154"'])
    if not isinstance(link, ChannelLink):
        return AirLink({"dut": link}, settings)
    given = settings.model_fields_set - {"interval", "loss", "burst", "bad", "seed", "model", "queue"}
    if given:
        told = ", ".join(f"air.{name}" for name in sorted(given))
        raise ConfigError(
            [f"{where}: {told}: on a live IPSP channel the air has interval, loss, burst and bad"]
        )
    link.interval(settings.interval, settings)
    return link


__all__ = ["under"]
