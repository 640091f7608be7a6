"""The [lease] table of a rig file: how a rig is kept for one run at a time."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from rigs.configuration.fields import Duration, Model


class Lease(Model):
    """[lease]: how the rig is kept for one run at a time."""

    kind: Literal["flock", "none", "labgrid", "command"] = Field(
        "flock", description='"flock", "none", "labgrid" or "command"'
    )
    devices: list[str] = Field(
        [], description="device ids to lock; empty: the tester's link and the DUT's console"
    )
    wait: Duration = Field(10.0, description='how long to wait for the rig, such as "30s"')
    match: list[str] = Field([], description='labgrid: what to reserve, such as ["board=nrf52840dk"]')
    coordinator: str | None = Field(None, description='labgrid: the coordinator, such as "lab.example:20408"')
    acquire: str = Field("", description='command: the program that takes the rig, such as "lab take nrf"')
    release: str = Field("", description='command: the program that gives it back, such as "lab give nrf"')

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind == "labgrid" and not self.match:
            raise ValueError('labgrid needs `match`: what to reserve, such as ["board=nrf52840dk"]')
        if self.kind == "command" and not (self.acquire and self.release):
            raise ValueError("command needs `acquire` and `release`, a program each")
        return self

    @property
    def tells(self) -> bool:
        """Whether such a lease tells of the board that it got (`${lease.KEY}`)."""
        return self.kind in {"labgrid", "command"}
