"""Shape S10, many of one kind: frames that a node refuses, or that are not for it, leave nothing behind in it.

Where an error path forgets to give a buffer back, one such frame shows nothing, and as many as the DUT has buffers
leave it deaf. So each kind comes 64 times back to back, each frame nearly full, and a control behind them must be
answered. Other cases send as many dispatch values, NHC octets, reserved modes and frame types: these are left out.
"""

from collections.abc import Callable

from fixtures.api import Case, Stimulus, in_line, outcome, raw, recovers, requirement, whole
from sixlowpan import fragment_header_n, ipv6, mesh_header
from suites.rfc4944.test_3 import frame

#: More than the pools of small nodes hold.
COUNT = 64
#: Octets of data, so that what is kept is large.
SIZE = 40
STRANGER = bytes.fromhex("02005efffe00dead")


def kinds(case: Case) -> dict[str, Callable[[], Stimulus]]:
    """What is refused, or is for somebody else, one of each kind."""
    tester, link = case.tester, case.rig.link
    here, dut = tester.identity.address, tester.dut_address
    unknown = tester.contexts.table.index(None) if None in tester.contexts.table else 15
    stranger = bytes.fromhex("20010db8 ffff 0000 0000 0000 0000 0001")

    def behind(head: str) -> Callable[[], Stimulus]:
        return lambda: raw(case, [bytes.fromhex(head) + tester.echo(SIZE)[40:]], note=f"behind {head}")

    def packet(make: Callable[[], bytes], note: str) -> Callable[[], Stimulus]:
        return lambda: raw(case, [in_line(make())], note=note)

    def sent(note: str, front: bytes = b"", **header: object) -> Callable[[], Stimulus]:
        return lambda: whole(case, frame(case, front + in_line(tester.echo(8)), **header), note=note)

    found = {
        "undefined context": behind(f"7af3 {unknown << 4:02x} 3a"),
        "header that is cut": lambda: raw(
            case, [bytes.fromhex("7800 3a40 fe80")], note="a header that is cut"
        ),
        "extension header beyond": behind("7e33 e0 3a ff"),
        "another address": packet(lambda: tester.echo(SIZE, destination=stranger), "an echo to nobody"),
        "no next header": packet(lambda: ipv6.build(here, dut, 59, tester.pattern(SIZE)), "next header 59"),
        "UDP length": packet(
            lambda: ipv6.build(here, dut, 17, bytes.fromhex("12345678ffff5a5a") + bytes(SIZE)),
            "a UDP length that lies",
        ),
    }
    if tester.kind == "ieee802154":
        near = bytes([link.pan[0] ^ 1, link.pan[1]])
        found |= {
            "mesh header": sent("in a mesh to another", mesh_header(tester.identity.link, STRANGER, 3)),
            "another PAN": sent(f"in PAN {near.hex()}", dst_pan=near),
            "another node": sent("to another node", dst=STRANGER),
            "another node's fragments": sent(
                "a FRAGN to another node", fragment_header_n(248, 7, 5), dst=STRANGER
            ),
        }
    return found


@requirement(
    "RFC6282-2-04", "RFC4944-3-03", "RFC4944-11-03", "RFC6282-3.1.2-06", "RFC4944-2-01", "RFC4944-5.3-18"
)
def test_many_of_a_kind(case: Case):
    """64 frames of each kind that the DUT refuses, or that are for others: it is not deaf behind them."""
    for make in kinds(case).values():
        outcome(case, [make() for _ in range(COUNT)])
    recovers(case)
