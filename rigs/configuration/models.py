"""Rig files and profiles as typed models: the reference of both formats.

Strategy: pydantic checks types, ranges and unknown keys; every field's `description` says what is expected
there and is what a mistake quotes, so the format has one truth. Reading, overriding and telling all
mistakes at once is `rigs.configuration.loading`. What only an adapter can judge (is there such a link, does this node
take that option) is judged by `rigs.registry`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from rigs.air.settings import AirSettings
from rigs.configuration.fields import Duration, Hex, LinkAddress, Model, Regex, ShortAddress, case_is
from rigs.configuration.frames import Frames
from rigs.configuration.lease import Lease
from rigs.configuration.limits import Limit
from rigs.configuration.versions import Release, Specifier, is_of, version_in
from rigs.model import ABILITIES, LinkKind, RigError
from vectors import catalogue, codes

#: What a stack may do or leave out and a requirement's `when` may name, with the text it is from.
FEATURES = {
    "hc1": "decodes LOWPAN_HC1 (RFC 4944 §10; RFC 6282 §2: MAY)",
    "mesh": "delivers frames with a mesh header (RFC 4944 §11)",
    "broadcast": "delivers frames with LOWPAN_BC0 (RFC 4944 §11.1)",
    "ghc": "generic header compression (RFC 7400)",
    "paging": "switches pages (RFC 8025)",
    "nd": "neighbor discovery optimised for 6LoWPAN (RFC 6775)",
    "nd_advertising": "of RFC 6775 a router's advertisements alone (§6.3, §7): it registers nobody",
    "nd_extended": "extended address registration (RFC 8505)",
    "multihop": "prefixes and contexts over several hops, by ABRO (RFC 6775 §8.1)",
    "multihop_dad": "duplicate address detection over several hops, by DAR and DAC (RFC 6775 §8.2)",
}

ROLES = frozenset({"host", "6LN", "6LR", "6LBR"})
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_ADDRESS = r"^[A-Za-z][A-Za-z0-9_.+-]*:"


class ConfigError(RigError):
    """A rig file or profile that cannot be used; `mistakes` has a line for each: file, key and remedy."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


def _one_of(kinds: Iterable[str]) -> BeforeValidator:
    known = frozenset(kinds)

    def check(value: object) -> object:
        if not isinstance(value, str) or value not in known:
            close = difflib.get_close_matches(str(value), sorted(known), 1)
            raise ValueError(
                f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(known))}"
            )
        return value

    return BeforeValidator(check)


def _of_findings(value: str) -> str:
    if value:
        codes.check_glob(value)
    return value


def _of_requirements(value: str) -> str:
    if value:
        catalogue.check_glob(value)
    return value


Ability = Annotated[str, _one_of(ABILITIES)]
Feature = Annotated[str, _one_of(FEATURES)]
Code = Annotated[str, AfterValidator(_of_findings)]
Demand = Annotated[str, AfterValidator(_of_requirements)]


class NodeOptions(Model):
    """What [dut] may have beyond the common keys: the base of the class `Options` in the module of a node's adapter.

    The description of a field says what is expected there; a mistake quotes it.
    """


class Tester(Model):
    """[tester]: our own radio."""

    link: str = Field(
        pattern=_ADDRESS, description='how frames reach the medium: SCHEME:REST, as "packet:wpan0"'
    )
    pan: int = Field(0xABCD, ge=0, le=0xFFFF, description="the PAN id, 0 to 0xffff")
    channel: int = Field(26, ge=0, le=255, description="the radio channel, 0 to 255 (11 to 26 at 2.4 GHz)")
    address: LinkAddress | None = Field(
        None, description="the tester's link-layer address in hex, 8 octets (6 on BLE)"
    )

    @property
    def pan_octets(self) -> bytes:
        """The PAN id as `rigs.model.Link.pan` has it: 2 octets, big-endian."""
        return self.pan.to_bytes(2, "big")


class Device(Model):
    """[dut] and [peer]: a device under test. Keys beyond these are options of its node kind."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    node: str = Field(
        min_length=1,
        description='the kind of node, such as "lwip" (`.venv/bin/python -m rigs list --kinds` shows all)',
    )
    console: str | None = Field(
        None, pattern=_ADDRESS, description='its console, such as "serial:/dev/ttyACM0"'
    )
    power: str | None = Field(None, pattern=_ADDRESS, description='how to cycle its power: "command:..."')
    address: LinkAddress | None = Field(
        None, description="the DUT's link-layer address in hex, 8 octets (6 on BLE)"
    )
    short: ShortAddress | None = Field(None, description="the DUT's 16-bit short address in hex, 2 octets")

    @property
    def options(self) -> dict[str, Any]:
        """What the rig file says beyond the common keys, as it stands; `registry.options` gives it typed."""
        return dict(self.model_extra or {})


class Peer(Device):
    """[peer]: the other device of a pair, which stands at the same air as the DUT."""

    link: str | None = Field(
        None,
        pattern=_ADDRESS,
        description='how frames reach it, such as "hwsim:wpan0"; none: as tester.link says',
    )
    profile: str | None = Field(None, description="the name or path of its profile; none: the DUT's profile")
    without: list[Ability] = Field([], description="abilities of that profile which it lacks on this rig")


#: Keys of [peer] that are not of the device, as [dut] has them.
OF_A_PEER: Final = frozenset(Peer.model_fields) - frozenset(Device.model_fields)


class _File(Model):
    """What a file of the user's holds, and where that is."""

    _path: Path = PrivateAttr(Path())

    @property
    def path(self) -> Path:
        return self._path

    @property
    def name(self) -> str:
        """What records and the command line call it: the file's name without `.toml`."""
        return self._path.stem


class RigFile(_File):
    """One rig: rigs/NAME.toml, or a vendor's own file named by path."""

    schema_: Literal[1] = Field(alias="schema", description="1")
    profile: str = Field(
        description="the name of a profile in rigs/profiles, or a path relative to this file"
    )
    what: str = Field("", description="one line that says what this rig is")
    attempts: int = Field(1, ge=1, le=20, description="how often a lost stimulus is sent, 1 to 20")
    settle: Duration = Field(0.05, description='how long to wait for late answers, such as "50ms"')
    without: list[Ability] = Field(
        [], description='abilities of the profile that are not to be had on this rig, such as ["ip_tap"]'
    )
    tester: Tester = Field(description="a table [tester]")
    dut: Device = Field(description="a table [dut]")
    peer: Peer | None = Field(
        None, description="a table [peer]: a second device, which the DUT is paired with"
    )
    air: AirSettings | None = Field(
        None,
        description="a table [air]: a software air between tester and devices, and what it does to frames",
    )
    lease: Lease = Field(Lease(kind="flock"), description="a table [lease]")
    limit: list[Limit] = Field([], description="tables [[limit]]: what measured figures may be here")
    #: What a pair of two single rigs is called; empty where the file's name says it.
    _pair: str = PrivateAttr("")

    @property
    def name(self) -> str:
        return self._pair or super().name


class Place(Model):
    """One entry of a deviation's `cases`: a glob on case ids, or a table where more than the case is another."""

    case: str = Field(description="a glob on the case id, such as rfc6282/3.1.1/tf*")
    finding: Code | None = Field(None, description="a glob on the finding's code; none: the deviation's")
    requirement: Demand | None = Field(
        None, description="a glob on the id of the requirement it breaks; none: the deviation's"
    )
    without: Ability | None = Field(
        None, description="the ability that hides the cause here: it shows only where the rig lacks it"
    )

    @model_validator(mode="before")
    @classmethod
    def _glob_alone(cls, value: object) -> object:
        return {"case": value} if isinstance(value, str) else value

    def names(self, case: str) -> bool:
        """Whether `case` (its id) is one in which the deviation is to be expected."""
        return case_is(case, self.case)


class Deviation(Model):
    """[[deviation]]: one cause of breaches, with its proof. It covers findings, never a whole case."""

    id: str = Field(pattern=NAME, description="a short name such as lwip-ecn-order")
    case: str | None = Field(None, description="a glob on the case id, such as rfc6282/3.1.1/tf*")
    cases: list[Place] = Field(
        [],
        description='in the place of `case`: all places where the cause shows, such as ["rfc6282/3.1.1/tf*", '
        '{ case = "rfc6282/3.2/*", finding = "dropped" }]',
    )
    finding: Code = Field("", description="a glob on the finding's code, such as traffic_class")
    requirement: Demand = Field("", description="a glob on the id of the requirement it breaks")
    versions: Specifier = Field(description='the versions that have it, such as "==2.1.3" or ">=6.1,<6.2"')
    frame: Hex = Field(description="the frame that proves it, in hex")
    why: str = Field(min_length=1, description="what is wrong, in one or two sentences")
    sporadic: str = Field("", description="why it shows in some runs only: a run without it is no fix")
    root: str = Field("", description="the deviation here that has the same cause: both are told as one")
    says: Regex = Field(
        "", description="a regex on what came, such as a failed assertion that may end the DUT in any case"
    )

    @model_validator(mode="after")
    def _has_places(self) -> Self:
        if (self.case is None) == (not self.cases):
            raise ValueError("one of `case` and `cases` is needed")
        for key in ("finding", "requirement"):
            if not all(getattr(place, key) for place in self.places):
                raise ValueError(f"`{key}` is missing: here, or in every table of `cases`")
        return self

    @property
    def places(self) -> list[Place]:
        """Where the cause shows: case, finding and requirement (globs, all three filled in)."""
        given = self.cases or [Place(case=self.case or "")]
        own = {"finding": self.finding, "requirement": self.requirement}
        return [
            place.model_copy(update={key: getattr(place, key) or glob for key, glob in own.items()})
            for place in given
        ]

    def matches(self, case: str, finding: str, requirement: str, came: str = "") -> bool:
        """Whether this deviation looks like `finding` (its code) of `requirement` in `case`, whatever the version.

        `came`: what the finding says that came in the place of what was expected.
        """
        return re.search(self.says, came) is not None and any(
            place.names(case)
            and fnmatchcase(finding, place.finding or "")
            and fnmatchcase(requirement, place.requirement or "")
            for place in self.places
        )

    def applies(self, version: str) -> bool:
        """Whether a DUT of `version` (as `Node.version` tells it) is one that has the deviation."""
        return version_in(version, self.versions)


class Parameters(Frames):
    """[parameters]: figures of a DUT that cases need, and what it declares beyond the base documents."""

    role: Literal["6LN", "6LR", "6LBR", "host"] = Field("host", description='"6LN", "6LR", "6LBR" or "host"')
    mtu: int = Field(1280, ge=1280, le=65535, description="the IPv6 MTU of the link, 1280 or more")
    reassembly_slots: int | None = Field(None, ge=1, description="datagrams it reassembles at a time")
    reassembly_timeout: Duration | None = Field(None, description='how long it keeps fragments: "60s"')
    reassembly_timer: bool = Field(
        True,
        description="false where the rig does not run the DUT's reassembly timer: such cases are unsupported",
    )
    round_trip: Duration | None = Field(
        None,
        description='what a ping in one frame takes at least once in twelve, such as "20ms"; none: any',
    )
    neighbours: int | None = Field(
        None, ge=2, description="neighbours it has room for, where a run with many would fill its cache"
    )
    contexts: int = Field(0, ge=0, le=16, description="how many 6LoWPAN contexts it can hold, 0 to 16")
    contexts_by: Literal["command", "ra"] = Field(
        "command",
        description='how it learns contexts: "command", or "ra", by Router Advertisements (RFC 6775)',
    )
    context_length: int | None = Field(
        None, ge=0, le=128, description="the only prefix length that its contexts can have; none: any"
    )
    features: list[Feature] = Field([], description="optional parts it has: " + ", ".join(FEATURES))


class Profile(_File):
    """What a DUT declares it can do, and its known deviations: rigs/profiles/NAME.toml, or a path."""

    schema_: Literal[1] = Field(alias="schema", description="1")
    stack: str = Field(min_length=1, description="the stack's name, such as lwIP")
    versions: Specifier = Field("", description='the versions this profile is for, such as "==2.1.3"')
    tried: list[Release] = Field(
        [], description='the versions with whole runs behind it, such as ["2024.10"]; none: not told'
    )
    link: LinkKind = Field(description='"ieee802154" or "ble"')
    abilities: list[Ability] = Field(description="what it can do: some of " + ", ".join(sorted(ABILITIES)))
    parameters: Parameters = Field(Parameters(), description="a table [parameters]")
    notes: str = Field("", description="text for people")
    only: list[str] = Field(
        [], description='globs on the ids of the cases that it is for, such as ["rfc6775/*"]; none: all'
    )
    deviation: list[Deviation] = Field([], description="tables [[deviation]]")

    @field_validator("deviation")
    @classmethod
    def _has_roots(cls, found: list[Deviation]) -> list[Deviation]:
        roots = {one.id for one in found if not one.root}
        if wrong := [one for one in found if one.root and one.root not in roots]:
            raise ValueError(f"{wrong[0].id}: root {wrong[0].root!r} is no [[deviation]] here without a root")
        return found


def _untried(profile: Profile, version: str) -> list[str]:
    if not profile.tried or any(is_of(version, release) for release in profile.tried):
        return []
    runs = (
        f"no whole run of it stands behind the profile {profile.name} ({', '.join(profile.tried)} were run)"
    )
    return [
        f"the DUT is {version}, and {runs}: what is not declared may be old, and what is declared may be gone"
    ]


def outside(profile: Profile, version: str) -> list[str]:
    """What there is to say where a profile is not for a DUT of this version, or that one was never tried."""
    if version_in(version, profile.versions):
        return _untried(profile, version)
    where = f"the profile {profile.name} is for {profile.versions}"
    if re.search(r"\d", version) is None:
        return [f"the DUT tells no version, and {where}: no deviation can be known; set dut.version"]
    return [f"the DUT is {version}, and {where}: its abilities and deviations may not fit"]


def another_stack(profile: Profile, stack: str) -> list[str]:
    """What there is to say where a profile is of another stack than the DUT's; nothing where it is not."""
    if stack in {"unknown", "black box", profile.stack} or profile.stack == "black box":
        return []
    mend = f"name another profile in the rig file, or correct `stack` in {profile.path.name}"
    return [f"the DUT is {stack}, and the profile {profile.name} is of {profile.stack}: {mend}"]
