"""Two devices at one DUT at the same time: the field report's "a second peer kills the first"."""

from fixtures.api import Case, needs, on_link, requirement
from suites.interop.second import echoes, finds, second
from suites.rfc7668.channel import live

pytestmark = [on_link("ble"), needs("connect")]
ROUNDS = 10


@requirement("RFC7668-3.2-03")
def test_two_devices(case: Case):
    """Both echo in turn, ten times; then one leaves, and the other goes on."""
    with second(case) as other:
        for number in range(1, ROUNDS + 1):
            for name, tester in (("first", case.tester), ("second", other)):
                good = echoes(tester)
                case.expect(
                    good, "no_answer", "an answer to both devices", f"none to the {name} in round {number}"
                )
                if not good:
                    return
    case.expect(echoes(case.tester), "no_answer", "an answer when the second is gone", "none")


@requirement("RFC7668-3.2-03")
def test_starved_device(case: Case):
    """A device that gives no credits must not keep the DUT from answering the other one."""
    link = live(case)
    with second(case) as other:
        link.starve()
        for _ in range(20):
            case.tester.send_packet(case.tester.echo(1000))
        good = sum(echoes(other) for _ in range(5))
        link.starve(False)
        case.tester.drain()
        case.expect(good == 5, "blocked", "5 of 5 echoes of the other device are answered", f"{good} of 5")


@requirement("RFC7668-3.2.2-08")
def test_all_nodes_of_each_connection(case: Case):
    """A ping to ff02::1 on each connection finds the DUT there. Silence proves nothing (RFC 4443 §4.2, SHOULD)."""
    with second(case) as other:
        answers = [finds(tester) for tester in (case.tester, other)]
        if not any(answers):
            case.unsupported("no answer to an echo to ff02::1, which proves nothing", "not_observable")
        case.expect(all(answers), "not_found", "an answer on either connection", f"on {sum(answers)} of 2")
