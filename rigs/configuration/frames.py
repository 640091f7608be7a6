"""What [parameters] of a profile says of a DUT's frames: how long its PHY has them, and how they are secured."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from rigs.configuration.fields import Model


class Frames(Model):
    """Frames on IEEE 802.15.4. `python -m sixlowpan budget --profile FILE` reads these keys, too."""

    phy_octets: int = Field(
        127,
        ge=127,
        le=2047,
        description="octets of its longest PSDU with the FCS: 127, up to 2047 with the PHYs of IEEE 802.15.4g",
    )
    fcs_octets: Literal[2, 4] = Field(2, description="octets of the FCS of its PHY, 2 or 4")
    security_level: int = Field(
        0, ge=0, le=7, description="the security level of the frames that it sends, 0 (none) to 7"
    )
    key_id_mode: int = Field(0, ge=0, le=3, description="the key id mode of the frames that it sends, 0 to 3")

    @model_validator(mode="after")
    def _has_a_level(self) -> Self:
        if self.key_id_mode and not self.security_level:
            raise ValueError("key_id_mode needs a security_level from 1 on")
        return self

    @property
    def longest_frame(self) -> int:
        """Octets of the longest PSDU without its FCS."""
        return self.phy_octets - self.fcs_octets
