"""Black boxes: conforming nodes of which less can be seen or asked from their own side."""

from __future__ import annotations

from sixlowpan import explain
from tests.variants import ANY, ReferenceNode, variant
from tests.variants.errors import Seldom

#: All that a black box cannot be asked for; it answers an echo, and its owner can press its reset button.
CLOSED = ("ip_tap", "ping", "udp", "tcp", "join", "context", "address", "counters", "connect")
#: A stranger's first profile: no optional parts, no figures.
BARE = {"features": [], "contexts": 0, "reassembly_slots": None, "reassembly_timeout": None}


class Plain(ReferenceNode):
    """Drops what is optional: mesh (RFC 4944 §11), BC0, HC1 (RFC 6282 §2), GHC (RFC 7400), pages (RFC 8025)."""

    def understand(self, payload, info):
        at = 4 if payload[:1] and payload[0] >> 3 == 0b11000 else 0
        if payload[:1] and (0x80 <= payload[0] < 0xC0 or payload[0] == 0x50):
            return None
        if payload[at : at + 1] == b"\x42" or payload[at : at + 1] >= b"\xf0":
            return None
        if any(header.name == "GHC" for header in explain(payload, info, self.contexts).children):
            return None
        return super().understand(payload, info)


@variant("no-tap", rigs=ANY, without=["ip_tap"])
class NoTap(ReferenceNode):
    """Shows no packets that it decompressed: nothing asks for that, it is a convenience of some rigs."""


@variant("no-unreachable", rigs=ANY, without=["port_unreachable"])
class NoUnreachable(ReferenceNode):
    """Sends no Port Unreachable: RFC 4443 §3.1, "SHOULD originate"; it has a tap."""

    def error(self, packet, view, kind, code, word):
        if kind != 1:
            super().error(packet, view, kind, code, word)


@variant("no-errors", rigs=ANY, without=["ip_tap", "port_unreachable"])
class NoErrors(ReferenceNode):
    """No tap, and no ICMPv6 error of any kind: RFC 4443 §2.4 (f) lets their rate be limited, to none in the end."""

    def error(self, packet, view, kind, code, word):
        return


@variant("echo-only", rigs=ANY, without=[*CLOSED, "port_unreachable"], parameters=BARE)
class EchoOnly(NoErrors, Plain):
    """Answers echoes, can be reset, and nothing else; no optional part of the format."""


@variant("echo-only-declared-nothing", without=[*CLOSED, "port_unreachable", "reset"], parameters=BARE)
class EchoOnlyNoReset(NoErrors):
    """Its profile declares "echo" and nothing else, although it has all that is optional."""


@variant("black-box-with-errors", rigs=ANY, without=CLOSED, parameters=BARE)
class BlackBox(Plain):
    """No tap, nothing on command; but it has room for a Port Unreachable."""


class OneErrorASecond(Seldom):
    """RFC 4443 §2.4 (f)."""

    every = 1.0


@variant("one-error-a-second", rigs=ANY)
class OneErrorASecondWithTap(OneErrorASecond):
    """One ICMPv6 error a second at most: RFC 4443 §2.4 (f), "MUST limit the rate"."""


@variant("one-error-a-second-no-tap", rigs=ANY, without=["ip_tap"])
class OneErrorASecondNoTap(OneErrorASecond):
    """One ICMPv6 error a second at most, and these are all that shows its decompression."""


@variant("plain", rigs=ANY, parameters={"features": []})
class PlainNode(Plain):
    """Has no optional part: no mesh, no BC0, no HC1, no GHC, page 0 only (RFC 4944 §11, RFC 6282 §2, RFC 8025 §3)."""


@variant("no-contexts", rigs=ANY, without=["context"], parameters={"contexts": 0})
class NoContexts(ReferenceNode):
    """Knows no context: RFC 6282 §3.1.2 leaves it open how they come to be shared."""


@variant("one-context", rigs=ANY, parameters={"contexts": 1})
class OneContext(ReferenceNode):
    """Has room for one context."""

    def set_context(self, identifier, prefix, length, *, compress=True):
        if identifier == 0:
            super().set_context(identifier, prefix, length, compress=compress)


@variant("contexts-of-64", rigs=ANY, parameters={"contexts": 4, "context_length": 64})
class ContextsOf64(ReferenceNode):
    """Has room for four contexts, of 64 bits each."""


@variant("no-address", rigs=ANY, without=["address", "join"])
class NoAddress(ReferenceNode):
    """Takes no further address and joins no group on command."""
