"""Flags: the kinds of bug that a vector catches, and the public defects that it reproduces.

Strategy: a vector that fails should say what sort of mistake it points at. A flag has a bug type, one sentence
on its effect, and the public reports in which the same shape was seen: reports, not accusations; most of them
are fixed. Every flag that a family uses is explained here, and a test checks that every one here is used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flag:
    """Type of bug, its effect, and where it was seen."""

    bug: str
    effect: str
    defects: tuple[str, ...] = ()


FLAGS: dict[str, Flag] = {
    "tc-rotation": Flag(
        "wrong result",
        "ECN and DSCP are not rotated: a marked packet gets another class of service, and flow label or length slip",
        ("LINUX-b5af9bdbfe6d", "CONTIKI-695c7d74b", "LWIP-TC", "SMOLTCP-FL", "RIOT-2ed7f66d33"),
    ),
    "hop-limit-table": Flag(
        "wrong result", "the hop limit of HLIM 01, 10, 11 is off; ND is dropped", ("CONTIKI-7887559d5",)
    ),
    "address-mode": Flag(
        "wrong result",
        "an address form is expanded to another address; checksums fail or the packet goes astray",
        ("ZEPHYR-227", "LINUX-ce2463b283a0", "SMOLTCP-c459961a", "ZEPHYR-31075/19761", "ZEPHYR-16794"),
    ),
    "unspecified-source": Flag(
        "wrong result",
        "SAC=1 SAM=00 is taken for a context form; RS and DAD never work",
        ("ZEPHYR-4419", "CONTIKI-e75c77937", "OT-947"),
    ),
    "iid-derivation": Flag(
        "wrong result",
        "U/L bit, PAN id or ff:fe of a derived IID differ between two stacks; every elided address is wrong",
        ("RIOT-11033", "RIOT-2498/2508/2517", "TINYOS-290", "LWIP-EUI48", "LINUX-UL-BIT", "ZEPHYR-53630"),
    ),
    "context-length": Flag(
        "wrong result",
        "contexts other than /64 fill the wrong bits; the packet goes to another node",
        ("RIOT-19648/19649", "LWIP-CTX64", "OT-13407"),
    ),
    "context-choice": Flag(
        "wrong result", "the context octet is missing, misplaced or swapped", ("RIOT-1372b9b779", "RIOT-8576")
    ),
    "multicast-form": Flag(
        "wrong result",
        "a short multicast form gets the wrong width or scope",
        ("RIOT-3422..3424", "LWIP-50739", "NUTTX-MCAST", "LINUX-BTN-249", "ZEPHYR-2385"),
    ),
    "reserved-mode": Flag(
        "crash, reserved value",
        "reserved address modes or dispatch values are parsed on: out-of-bounds reads and made-up addresses",
        ("ZEPHYR-113043", "OT-947", "LWIP-CTX64"),
    ),
    "truncation": Flag(
        "crash, out-of-bounds read",
        "in-line fields are read before the length is compared",
        (
            "CVE-2021-3321",
            "CVE-2021-3323",
            "CVE-2021-21410",
            "CVE-2023-37281",
            "CNG-3135",
            "LWIP-LEN-ORDER",
            "RIOT-2709fbd827 (same family)",
            "RIOT-709ddd2ba7",
            "NUTTX-97a50eaf453",
        ),
    ),
    "payload-length": Flag(
        "wrong result",
        "IPv6 or UDP length is inferred from the wrong octets",
        ("RIOT-12627", "OT-1908", "LWIP-47291", "ZEPHYR-12154"),
    ),
    "ext-header": Flag(
        "wrong result",
        "length or next header of a compressed extension header is restored wrongly",
        ("SMOLTCP-842", "CVE-2021-21280", "CNG-NHC-NoNext"),
    ),
    "nhc-unknown": Flag(
        "crash, use after free",
        "an unassigned NHC id is not refused cleanly",
        ("LINUX-BTN-298", "ZEPHYR-2326"),
    ),
    "udp-ports": Flag(
        "wrong result",
        "port compression chosen or expanded by the wrong range",
        ("OT-268", "OPENWSN-337", "RIOT-4462/4485"),
    ),
    "udp-checksum": Flag("security", "an elided checksum is accepted where nothing else protects the packet"),
    "fragment-order": Flag(
        "robustness", "only fragments in order are put together", ("CONTIKI-1b5001b22", "LWIP-LIMITS")
    ),
    "fragment-duplicate": Flag(
        "robustness", "an exact duplicate spoils the datagram or counts twice", ("OT-10350", "CNG-3135")
    ),
    "fragment-overlap": Flag(
        "security", "overlapping fragments are merged, old and new octets mixed", ("SMOLTCP-f298ac6d",)
    ),
    "fragment-key": Flag(
        "leak, wrong result", "fragments of different datagrams are put together", ("CNG-4379a2eb3",)
    ),
    "fragment-bounds": Flag(
        "crash, out-of-bounds write",
        "size, offset and length of a fragment contradict each other",
        (
            "CVE-2023-24817..24823 (FRAG1 size)",
            "CVE-2019-8359",
            "SMOLTCP-6256c3ef",
            "OT-13274/13276",
            "CVE-2022-36054",
            "CNG-1308",
        ),
    ),
    "single-fragment": Flag("robustness", "a datagram that is one FRAG1 never completes", ("CNG-2419",)),
    "mesh-header": Flag(
        "wrong result",
        "mesh addresses or deep hops are misread",
        ("OT-1186/1199", "ZEPHYR-2384"),
    ),
    "paging": Flag("wrong result", "a page or escape octet is skipped and parsing goes on", ("CNG-53",)),
    "legacy": Flag(
        "compatibility",
        "HC1 and HC2, which RFC 6282 replaced; only for a node that declares them",
        ("SCAPY-4789",),
    ),
    "ghc": Flag(
        "wrong result",
        "generic header compression (RFC 7400); only for a node that declares it",
        ("ZEPHYR-2326",),
    ),
    "ble-address": Flag(
        "wrong result",
        "Bluetooth LE: device address, registration and context are mixed up",
        ("LINUX-UL-BIT", "ZEPHYR-5326", "LINUX-NEIGH"),
    ),
    "receive-only": Flag("none", "a receiver takes it, but a sender must not send it, or has no reason to"),
    "nd-malformed": Flag(
        "crash, wrong result", "a message of Neighbor Discovery that cannot be read is taken, or kills", ()
    ),
    "nd-breach": Flag(
        "wrong result", "a message of Neighbor Discovery that its sender must not send; it can be read"
    ),
    "printed": Flag("none", "an example that an RFC prints"),
    "erratum": Flag("none", "the RFC prints it wrongly in a detail that the note names; a codec vector only"),
}
