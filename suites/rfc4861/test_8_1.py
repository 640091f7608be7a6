"""RFC 4861 §8.1, validation of Redirect messages: a host "MUST silently discard" one that does not satisfy all checks.

RFC 6775 changes nothing of it for hosts (§6.1 is about routers). Here the tester is no router, so that none of its
Redirects is valid: their source must be "the current first-hop router for the specified ICMP Destination Address", and
a link-local destination has none. Those of a router are in `suites/rfc6775/test_5_6.py`.
"""

from typing import Any

from fixtures.api import Case, behind, on_link, requirement, stimulus
from sixlowpan import ipv6

pytestmark = on_link("ieee802154")

REDIRECT = 137
PREFIX = bytes.fromhex("20010db8eded0001")
NO_LENGTH = b"\xfd\0" + bytes(6)
#: What breaks a check of §8.1: what it is called -> arguments of `redirect`.
BROKEN: dict[str, dict[str, Any]] = {
    "hop limit 254": {"hop_limit": 254},
    "Code 1": {"code": 1},
    "a wrong checksum": {"spoilt": 0x5A},
    "an option of length 0": {"more": NO_LENGTH},
    "a source that is not link-local": {"prefix": PREFIX},
}


def redirect(
    case: Case,
    source: bytes,
    target: bytes,
    link: bytes,
    destination: bytes,
    *,
    hop_limit: int = 255,
    code: int = 0,
    spoilt: int = 0,
    more: bytes = b"",
    prefix: bytes = b"",
) -> bytes:
    """A Redirect to the DUT: what is for `destination` is to go to `target`, whose link-layer address is `link`."""
    source, there = (prefix or source[:8]) + source[8:], case.tester.dut_address
    body = bytes(4) + target + destination + case.tester.link_option(2, link) + more
    message = ipv6.icmpv6(REDIRECT, code, body, source, there)
    message = message[:2] + bytes([message[2] ^ spoilt]) + message[3:]
    return ipv6.build(source, there, ipv6.ICMPV6, message, hop_limit=hop_limit)


@requirement("RFC4861-8.1-01")
def test_not_from_a_router(case: Case):
    """Redirects from a neighbour that is no router, right otherwise or not: answers go to where they went before."""
    tester = case.tester
    case.several_senders()
    sender, other, asking = tester.fresh(), tester.fresh(), tester.fresh()
    us, it, me = sender.address, other.address, asking.address
    sent = {
        "to another": redirect(case, us, it, other.link, me),
        "to itself": redirect(case, us, me, other.link, me),
    }
    sent |= {f"with {name}": redirect(case, us, it, other.link, me, **how) for name, how in BROKEN.items()}
    sent["to a global target"] = redirect(case, us, PREFIX + it[8:], other.link, me)
    if case.answered(lambda: stimulus(case, tester.echo()), requirement="RFC4944-8-01") is None:
        return
    for name, packet in sent.items():
        frames: list[bytes] = []

        def redirects(packet: bytes = packet, frames: list[bytes] = frames) -> None:
            frames[:] = tester.send_packet(packet, tester.info(sender.link))

        seen = case.answered(behind(redirects, lambda: stimulus(case, tester.echo())))
        if seen is None or not case.expect(
            seen.info.dst == asking.link,
            "nd_taken",
            f"behind a Redirect {name} answers still go to {asking.link.hex()}",
            f"to {seen.info.dst.hex()}",
            frame=frames[0],
        ):
            return
