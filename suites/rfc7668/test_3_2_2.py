"""RFC 7668 §3.2.2, stateless address autoconfiguration: link-local addresses from the device addresses, unchanged."""

from fixtures.api import ALL_NODES, ECHO_REPLY, ICMPV6, Case, needs, on_link, requirement, stimulus
from rigs.links.ipsp.channel_link import ChannelLink
from sixlowpan import ipv6, nd
from sixlowpan.addresses import LINK_LOCAL_PREFIX, solicited_node
from suites.rfc7668.channel import (
    RS,
    advertised,
    anew,
    as_6ln,
    echoed,
    heard,
    live,
    reconnected,
    registered_address,
    registers,
)

pytestmark = on_link("ble")
PREFIX = bytes.fromhex("20010db8006800220000000000000000")
#: Router Advertisements that a host gets before it is taken not to make addresses of them.
ADVERTISEMENTS = 3


def from_device_address(device: bytes) -> bytes:
    """Figures 6 and 7: fe80::/64, then the 48 bits with FFFE in their middle, "copied as is without any changes"."""
    return LINK_LOCAL_PREFIX + device[:3] + b"\xff\xfe" + device[3:]


@requirement("RFC7668-3.2.2-05", "RFC7668-3.2.2-01", "RFC7668-3.2.2-06")
def test_link_local_address(case: Case):
    """The DUT answers at, and from, the address that its device address gives: no bit of it is inverted."""
    device = case.rig.link.dut
    address = from_device_address(device)
    seen = echoed(case, destination=address)
    if seen is not None and seen.view is not None:
        case.expect(
            seen.view.src == address, "iid", f"source {address.hex()}", seen.view.src.hex(), frame=seen
        )
    flipped = address[:8] + bytes([address[8] ^ 2]) + address[9:]
    case.expect(
        flipped not in case.rig.node.addresses(),
        "iid",
        f"no address with the U/L bit inverted: {flipped.hex()}",
        "it has one",
    )


@requirement("RFC7668-3.2.2-07")
def test_same_address_for_the_channel(case: Case):
    """The same address is used "for the lifetime of the ... L2CAP channel": all answers of the case are from one."""
    sources = set()
    for size in (8, 100, 1232, 8):
        seen = echoed(case, size, destination=from_device_address(case.rig.link.dut))
        sources |= {seen.view.src} if seen is not None and seen.view is not None else set()
    case.expect(
        len(sources) <= 1, "address_changed", "one source address", ", ".join(s.hex() for s in sources)
    )


@requirement("RFC7668-3.2.2-07")
def test_same_address_while_device_addresses_rotate(case: Case):
    """ "even if the device address changes": an hour later the IPv6 address on the same channel is still the same.

    Core Vol 3 Part C Appendix A recommends a new private address every 15 minutes.
    """
    link = live(case)
    if link.clock != "virtual":
        case.unsupported("this takes an hour on a clock that cannot be moved", "not_on_this_rig")
    address = from_device_address(link.dut)
    for _ in range(4):
        case.tester.listen(900)
        seen = echoed(case, destination=address)
        if seen is None or seen.view is None:
            return
        case.expect(
            seen.view.src == address,
            "address_changed",
            address.hex(),
            seen.view.src.hex(),
            frame=seen,
        )


@requirement("RFC7668-3.2.2-02")
def test_private_device_address(case: Case):
    """Private device addresses are RECOMMENDED: advice."""
    found = live(case).dut_address_kind
    case.expect(found.endswith("resolvable"), "device_address", "a private device address", f"{found}")


@needs("connect")
@requirement("RFC7668-3.2.2-03")
def test_another_device_address_each_time(case: Case):
    """A 6LN SHOULD pick another device address for every connection: advice."""
    as_6ln(case)
    before = live(case).peer_address
    reconnected(case)
    now = live(case).peer_address
    case.expect(before != now, "device_address", f"another address than {before.hex(':')}", "the same again")


@requirement("RFC7668-3.2.2-08")
def test_all_nodes(case: Case):
    """A 6LN MUST join ff02::1: an answer to a multicast echo proves it (silence would not: RFC 4443 §4.2, SHOULD)."""
    requests = []
    tester = case.tester
    requests.append(stimulus(case, tester.echo(destination=ALL_NODES)))
    tester.send(requests[0].payloads)
    identifier = (requests[0].packet or b"")[44:48]
    if heard(case, lambda s: s.icmp_type == ECHO_REPLY and s.upper[4:8] == identifier) is None:
        case.unsupported("no answer to an echo to ff02::1, which proves nothing", "not_observable")


@needs("connect")
@requirement("RFC7668-3.2.2-10", "RFC7668-3.2.3-04")
def test_router_solicitation(case: Case):
    """After link-local configuration the 6LN sends Router Solicitations: one is seen after a new connection."""
    as_6ln(case)
    reconnected(case)
    seen = heard(case, lambda s: s.icmp_type == RS, 6.0)
    case.expect(seen is not None, "no_rs", "a Router Solicitation", "none within 6 s of the connection")
    if seen is not None and seen.view is not None:
        options = seen.upper[8:]
        known = seen.view.src == bytes(16) or options[:1] == b"\x01"
        case.expect(known, "no_sllao", "a Source Link-Layer Address option (RFC 6775 §5.3)", options.hex() or "none",
                    requirement="RFC7668-3.2.3-04", frame=seen)  # fmt: skip


@requirement("RFC7668-3.2.2-11", "RFC7668-3.2.2-12", "RFC7668-3.2.2-13")
def test_global_identifier(case: Case):
    """Global addresses SHOULD NOT embed the device address by default, and MAY where that is a private one: advice."""
    as_6ln(case)
    with anew(case):
        embedded = PREFIX[:8] + from_device_address(case.rig.link.dut)[8:]
        private = isinstance(case.rig.link, ChannelLink) and case.rig.link.dut_address_kind.endswith(
            "resolvable"
        )
        advertised(case, PREFIX, 7)
        echoed(case)  # behind the advertisement, so it has been worked off
        found = case.rig.node.addresses()
    good = embedded not in found or private
    case.expect(good, "embedded", "an opaque interface identifier", embedded.hex())


@requirement("RFC7668-3.2.2-09")
def test_solicited_node_group(case: Case):
    """A 6LN need not join solicited-node groups: a solicitation to one may be answered or not, and does no harm."""
    tester, here = case.tester, case.tester.identity
    group = solicited_node(tester.dut_address)
    option = nd.LinkLayerAddress(1, here.link)
    message = nd.NeighborSolicitation(tester.dut_address, (option,)).build(here.address, group)
    packet = ipv6.build(here.address, group, ICMPV6, message, hop_limit=255)
    case.survives(lambda: stimulus(case, packet))


@requirement("RFC7668-3.2.2-14", "RFC7668-3.2.3-02", "RFC7668-3.2.3-03")
def test_global_address_is_registered(case: Case):
    """A non-link-local address that the 6LN makes MUST be registered: an NS with an ARO follows our RA."""
    as_6ln(case)
    with anew(case):
        for _ in range(ADVERTISEMENTS):  # a host may miss one that comes while its interface comes up
            advertised(case, PREFIX, 7)
            frame = case.evidence.frames[-1][2].frame
            seen = registers(case, lambda s: (registered_address(case, s) or b"")[:8] == PREFIX[:8])
            case.tester.control()  # behind its answer the advertisement has been worked off, however slow the DUT is
            made = [a for a in case.rig.node.addresses() if a[:8] == PREFIX[:8]]
            if made or seen:
                break
    if not made:
        case.unsupported("the DUT makes no address of an advertised prefix")
    case.expect(
        seen is not None, "not_registered", f"NS with ARO for {made[0].hex()}", "none within 3 s", frame=frame
    )
