"""RFC 6775 §6.5.1, checking for duplicates: whole EUI-64s are compared, for whole addresses."""

import pytest

from fixtures.api import Case, on_link, requirement
from suites.rfc6775.parties import host
from suites.rfc6775.roles import ROUTER
from suites.rfc6775.routing import arrives, global_of, registered, registered_host, routing
from suites.rfc6775.test_6_5 import DUPLICATE

pytestmark = ROUTER


@requirement("RFC6775-6.5.1-01", "RFC6775-4.1-09")
@pytest.mark.parametrize("octet", [0, 2, 3, 7], ids="octet-{}".format)
def test_similar_identifier(case: Case, octet: int):
    """Two EUI-64s that differ in one octet, of the vendor's part or of the other, are two hosts: status 1."""
    with registered_host(case) as (above, first, address):
        second = host(case)
        near = bytearray(first.eui64)
        near[octet] ^= 0x10
        status, seen = registered(case, second, address, second.aro(rovr=bytes(near)))
        case.expect(
            status == DUPLICATE, "duplicate", f"status 1 for {bytes(near).hex()}", f"status {status}",
            frame=seen,
        )  # fmt: skip
        there = arrives(case, above, address, first.link)
        case.expect(there is not None, "nd_lost", "packets still go to the first", "not so")


@on_link("ieee802154")
@requirement("RFC6775-6.5.1-01")
def test_same_interface_identifier(case: Case):
    """It is no duplicate where "there is no NCE for the IPv6 source address": that of another prefix is another one."""
    with routing(case) as (_, prefix):
        first, second = host(case), host(case)
        status, seen = registered(case, first, first.address)
        if status != 0:
            case.unsupported("the DUT registers no link-local address")
        address = global_of(first, prefix)
        status, seen = registered(case, second, address)
        case.expect(
            status == 0, "duplicate", f"status 0: only {first.address.hex()} is registered", f"status {status}",
            frame=seen,
        )  # fmt: skip
