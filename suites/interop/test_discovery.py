"""Discovery: a node of the Internet Protocol Support Profile is found as a user's host finds it, by scan and GATT."""

from fixtures.api import Case, needs, on_link, requirement
from suites.rfc7668.channel import live, reconnected

pytestmark = on_link("ble")
IPSS = "1820"
SECONDS = 20.0
#: A scan and a GATT connection take the time of the host, which may have other work.
TRIES = 3


@needs("discover")
@requirement("RFC7668-3.1-01", "RFC7668-2-01")
def test_ipsp_node_is_found(case: Case):
    """The DUT's host finds our 0x1820 in advertising data, and the service in our GATT server, beside its IPv6."""
    link = live(case)
    try:
        for _ in range(TRIES):
            link.offer()
            found = case.told(lambda: case.rig.node.discover(link.tester, SECONDS))
            if found is not None and found[1] is not None:
                break
    finally:
        reconnected(case)
    nothing = f"nothing within {TRIES} scans of {SECONDS:g} s"
    case.expect(found is not None, "not_found", "a device that advertises", nothing)
    if found is not None:
        advertised, services = found
        case.expect(
            services is not None, "not_asked", "its services are asked for", f"no connection in {TRIES} tries"
        )
        case.expect(
            IPSS in advertised, "not_advertised", f"advertised: {IPSS}", ", ".join(advertised) or "none"
        )
        if services is not None:
            case.expect(IPSS in services, "no_ipss", f"services with {IPSS}", ", ".join(services) or "none")
