"""The [lease] table of a rig file: how a rig is kept for one run at a time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rigs.configuration.fields import Duration, Model


class Lease(Model):
    """[lease]: how the rig is kept for one run at a time."""

    kind: Literal["flock", "none", "labgrid"] = Field("flock", description='"flock", "none" or "labgrid"')
    devices: list[str] = Field(
        [], description="device ids to lock; empty: the tester's link and the DUT's console"
    )
    wait: Duration = Field(10.0, description='how long to wait for the rig, such as "30s"')
    match: list[str] = Field([], description='labgrid: what to reserve, such as ["board=nrf52840dk"]')
    coordinator: str | None = Field(None, description='labgrid: the coordinator, such as "lab.example:20408"')
