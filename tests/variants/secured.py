"""A conforming node that secures its frames (IEEE 802.15.4 §9), with less room for payload in each."""

from __future__ import annotations

from dataclasses import replace

from rigs.links.ot_security.link import OVERHEAD, Security
from rigs.nodes.reference.registration import reverse
from sixlowpan import mac
from sixlowpan.addresses import is_link_local
from sixlowpan.security import SecurityError
from tests.variants import ReferenceNode, variant

#: The network key in the rig file, `tests/mutants/rigs/secured.toml`.
KEY = bytes.fromhex("4b6579686f6c654b6579686f6c654b65")
MODE = 1
SETTINGS = {
    "rig": {"tester": {"link": "ot_security:memory:802154"}, "dut": {"networkkey": KEY.hex()}},
    "parameters": {"security_level": 5, "key_id_mode": 1},
}


class SecuredNode(ReferenceNode):
    """Enciphers what it sends, key id mode 1 and a MIC of 4 octets as Thread has it; takes plain frames as well."""

    def boot(self):
        self.security = Security(KEY, extended={self.link.dut_short: self.link.dut})
        super().boot()

    def parse_mac(self, frame):
        try:
            return mac.parse(self.security.unprotect(frame))
        except SecurityError:
            return mac.parse(frame)

    def room(self, info):
        return super().room(info) - OVERHEAD[MODE]

    def mac_frame(self, payload, info):
        frame = super().mac_frame(payload, info)
        return self.security.protect(frame, MODE) if payload else frame


@variant("secured", **SETTINGS)
class Secured(SecuredNode):
    """Enciphers its frames: RFC 4944 §4 counts on it, "link-layer security imposes further overhead"."""


@variant("secured-takes-elided-checksums", **SETTINGS)
class TakesElidedChecksums(SecuredNode):
    """Restores an elided UDP checksum in a frame whose MIC it has verified: RFC 6282 §4.3.2, "integrity check"."""

    verified = False

    def parse_mac(self, frame):
        self.verified = mac.parse(frame)[0].security  # one that cannot be verified is not accepted
        return super().parse_mac(frame)

    def link_info(self, header):
        return replace(super().link_info(header), integrity=self.verified)


class SecuredOnly(SecuredNode):
    """Takes no plain frame, and resolves no link-local address, so that a frame from nowhere finds its answer."""

    verified = False

    def parse_mac(self, frame):
        self.verified = mac.parse(frame)[0].security
        return super().parse_mac(frame)

    def accepts(self, header):
        return super().accepts(header) and self.verified

    def output(self, packet):
        if is_link_local(packet[24:40]):
            self.neighbours.setdefault(packet[24:40], reverse(packet[24:40]))
        super().output(packet)


@variant("secured-only", **SETTINGS)
class TakesSecured(SecuredOnly):
    """Takes secured frames only, and the tester secures its own: IEEE 802.15.4-2006 §7.5.8.2.3, a minimum level."""


@variant("secured-only-takes-elided-checksums", **SETTINGS)
class TakesSecuredAndElided(SecuredOnly, TakesElidedChecksums):
    """The same, and restores an elided UDP checksum in them: RFC 6282 §4.3.2, "additional integrity check"."""
