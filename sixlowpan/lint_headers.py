"""What a sender did wrong in the compressed headers of one datagram, although they can be decoded.

Every IPHC header and every NHC octet is looked at once, along the tables of the codec. The caller has decoded the
payload: here nothing is cut short.
"""

from __future__ import annotations

from sixlowpan import dispatch, iphc, nhc
from sixlowpan import rfc7668 as ble
from sixlowpan.contexts import Contexts
from sixlowpan.findings import ADVICE, FAIL, Say
from sixlowpan.link import BLE, LinkInfo


class HeaderLint:
    """Judges the headers of datagrams; findings go to `say`."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def datagram(self, payload: bytes, at: int, kind: str, link: LinkInfo, contexts: Contexts) -> None:
        """The compressed headers, whether whole or in a first fragment."""
        if kind == dispatch.FRAGN:
            return
        at += 4 if kind == dispatch.FRAG1 else 0
        while payload[at] >= 0xF0:
            at += 1
        octet = payload[at]
        if octet == 0x42:
            self._say(
                "hc1", "RFC6282-2-03", ADVICE, at, "LOWPAN_IPHC", "LOWPAN_HC1", "HC1 SHOULD NOT be sent"
            )
        elif octet == 0x41 and link.kind == BLE:
            # RFC 7668 3.2.4: "All headers MUST be compressed according to the encoding formats described in
            # RFC 6282"
            self._say(
                "uncompressed",
                "RFC7668-3.2.4-01",
                ADVICE,
                at,
                "LOWPAN_IPHC",
                "0x41",
                "the header is not compressed",
            )
        if octet == 0x41 and kind != dispatch.FRAG1:
            end = at + 41 + (payload[at + 5] << 8 | payload[at + 6])
            if len(payload) > end:
                message = "octets behind the packet, of no use to anybody"
                self._say("trailing_octets", None, ADVICE, end, f"{end} octets", len(payload), message)
        if octet >> 5 == 3:
            self._headers(payload, at, link, contexts)

    def _headers(self, payload: bytes, at: int, link: LinkInfo, contexts: Contexts) -> None:
        """Every IPHC header and every NHC octet of one datagram."""
        outer: tuple[bytes, bytes] | None = None
        header = iphc.expand(payload, at, link, contexts)
        self._iphc(payload, at, header, link, contexts, outer)
        behind = header[5]
        compressed = header[1] < 0
        while compressed:
            octet = payload[behind]
            kind = nhc.KIND[octet]
            if kind == nhc.EXT:
                begin = behind + 1 + (not octet & 1)
                length = 6 if nhc.EXTENSIONS[octet >> 1 & 7] == 44 else payload[begin]
                behind, compressed = begin + 1 + length, bool(octet & 1)
            elif kind == nhc.INNER:
                if octet & 1:
                    # RFC 6282 4.2: "the NH bit of the LOWPAN_NHC encoding is unused and MUST be set to zero"
                    message = "the NH bit of an IPv6 header's NHC octet"
                    self._say("nhc_nh_bit", "RFC6282-4.2-18", FAIL, behind, "0xee", hex(octet), message)
                outer, start = (header[3], header[4]), behind + 1
                header = iphc.expand(payload, start, link, contexts, outer)
                self._iphc(payload, start, header, link, contexts, outer)
                behind, compressed = header[5], header[1] < 0
            else:
                if kind in {nhc.UDP_NHC, nhc.UDP_GHC} and octet & 4:
                    message = "the UDP checksum is elided: the upper layer must have allowed it"
                    self._say("udp_checksum", "RFC6282-4.3.2-02", ADVICE, behind, "C=0", "C=1", message)
                return

    def _iphc(
        self,
        payload: bytes,
        at: int,
        header: iphc.Header,
        link: LinkInfo,
        contexts: Contexts,
        outer: tuple[bytes, bytes] | None,
    ) -> None:
        first, second = payload[at], payload[at + 1]
        tf, cid = first >> 3 & 3, second >> 7
        begin = at + 2 + cid
        pad, where = (
            (payload[begin + 1] & 0xF0, begin + 1)
            if tf == 0
            else (payload[begin] & 0x30 if tf == 1 else 0, begin)
        )
        if pad:
            row = "RFC6282-3.2.1-02" if tf == 0 else "RFC6282-3.2.1-03"
            self._say(
                "reserved_bits",
                row,
                ADVICE,
                where,
                "0",
                hex(pad),
                "the rsv bits beside the flow label are not zero",
            )
        source, destination = second >> 4 & 7, second & 15
        if (header[4][0] == 0xFF) != (destination >= 8):
            row = "RFC6282-3.1.1-25" if destination < 8 else "RFC6282-3.1.1-26"
            what = "multicast" if destination < 8 else "unicast"
            self._say(
                "multicast_bit",
                row,
                FAIL,
                at + 1,
                f"M={1 - (destination >> 3)}",
                f"M={destination >> 3}",
                f"the destination is {what}",
            )
        identifiers = payload[at + 2] if cid else 0
        for uses, identifier in ((source > 4, identifiers >> 4), (destination & 4, identifiers & 15)):
            context = contexts.table[identifier]
            if uses and context is not None and not context.compress:
                # RFC 6775 4.2: a context without the C flag "MUST NOT be used for compression"
                message = f"context {identifier} is valid for decompression only"
                self._say(
                    "context", "RFC6775-4.2-04", FAIL, at + 1 + cid, "another context", identifier, message
                )
        if link.kind == BLE and outer is None:
            self._elision(at, source, header[3], link, contexts, source=True)
            if destination < 8:
                self._elision(at, destination, header[4], link, contexts, source=False)

    def _elision(
        self, at: int, mode: int, address: bytes, link: LinkInfo, contexts: Contexts, *, source: bool
    ) -> None:
        """What RFC 7668 section 3.2.4 wants elided."""
        wanted = ble.wanted(address, link, contexts, source=source)
        if wanted is not None and wanted[0] != mode:
            message = f"the {'source' if source else 'destination'} MUST be elided as far as it goes"
            self._say("elision", wanted[1], FAIL, at + 1, f"mode {wanted[0]:03b}", f"{mode:03b}", message)
