"""The [air] table of a rig file: what the software air does to the frames that it carries.

Strategy: one set of keys, which holds for every direction; `[air.to_dut]`, `[air.from_dut]` (and the peer's) say what
is different in one. Everything is off by default: an air without keys carries every frame at once.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from rigs.configuration.fields import Duration, Model

#: Members of an air that can have a table of their own, and what each is to it.
_WAYS: Final = ("to_dut", "from_dut", "to_peer", "from_peer")
#: Keys that are told in ms.
_TIMES: Final = ("delay", "jitter", "interval")


class Impairment(Model):
    """What is done to the frames of one direction."""

    loss: float = Field(0.0, ge=0.0, lt=1.0, description="the share of frames that are lost, 0 to below 1")
    burst: float | None = Field(
        None,
        ge=1.0,
        description="mean number of frames for which the air stays bad (Gilbert-Elliott); none: each loss for itself",
    )
    bad: float = Field(1.0, gt=0.0, le=1.0, description="with `burst`: the share lost while the air is bad")
    delay: Duration = Field(0.0, description='how much longer each frame is under way, such as "10ms"')
    jitter: Duration = Field(
        0.0, description='up to so much longer, each frame anew, in order all the same: "5ms"'
    )
    duplication: float = Field(0.0, ge=0.0, le=1.0, description="the share of frames that arrive twice")
    reordering: float = Field(
        0.0, ge=0.0, le=1.0, description="the share of frames that the next one overtakes"
    )

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.burst is not None and self.loss:
            share = self.loss / self.bad
            if share >= 1.0 or share / (1 - share) > self.burst:
                raise ValueError(
                    f"loss {self.loss:g} cannot come in bursts of {self.burst:g} with {self.bad:g} lost in each"
                )
        return self


class AirSettings(Impairment):
    """[air]: a software air between the tester and the devices."""

    #: `--set air.model=802154` reads as a number.
    model: Annotated[Literal["none", "802154"], BeforeValidator(str)] = Field(
        "none",
        description='"802154": frames take their time at 250 kbit/s, one after the other; "none": they take none',
    )
    interval: Duration = Field(
        0.0, description='Bluetooth LE: data moves at connection events only, such as "48.75ms" apart'
    )
    #: As many as a wpan interface of Linux holds (net/mac802154): an initial window of TCP are 120 frames.
    queue: int = Field(
        300, ge=1, le=100_000, description="frames of one sender that wait for the air at most"
    )
    seed: int = Field(0, description="the same frames are lost for the same seed")
    to_dut: Impairment = Field(Impairment(), description="a table [air.to_dut]")
    from_dut: Impairment = Field(Impairment(), description="a table [air.from_dut]")
    to_peer: Impairment = Field(Impairment(), description="a table [air.to_peer]")
    from_peer: Impairment = Field(Impairment(), description="a table [air.from_peer]")

    @property
    def loses(self) -> bool:
        """Whether frames are lost in any direction."""
        return any(
            table.loss > 0 for table in (self, self.to_dut, self.from_dut, self.to_peer, self.from_peer)
        )

    def in_words(self) -> str:
        """The keys that were given, as the rig file has them."""
        given = self.model_dump(exclude_unset=True, exclude={"seed", "queue"})
        found = [
            f"{name} {_shown(name, value)}" for name, value in given.items() if not isinstance(value, dict)
        ]
        ways = [
            f"{name} " + " ".join(f"{key} {_shown(key, own)}" for key, own in value.items())
            for name, value in given.items()
            if isinstance(value, dict)
        ]
        return ", ".join(found + ways) or "which does nothing"

    def way(self, sender: str, receiver: str) -> Impairment:
        """What holds from one member of the air to another ("tester", "dut", "peer"): the most special key wins."""
        told = {name: getattr(self, name) for name in Impairment.model_fields}
        for table in (f"from_{sender}", f"to_{receiver}"):
            if table in _WAYS:
                own: Impairment = getattr(self, table)
                told |= {name: getattr(own, name) for name in own.model_fields_set}
        return Impairment.model_construct(**told)


def _shown(name: str, value: object) -> str:
    """A value with its unit: of times ms."""
    if name in _TIMES and isinstance(value, float):
        return f"{1000 * value:g} ms"
    return (
        "IEEE 802.15.4 at 250 kbit/s"
        if value == "802154"
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
