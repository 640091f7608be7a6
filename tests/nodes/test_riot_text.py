"""What a RIOT shell prints, read; and what its rig file says."""

from ipaddress import IPv6Address

import pytest

from rigs.configuration.loading import load
from rigs.model import RigError
from rigs.nodes.riot import node as riot
from rigs.nodes.riot.text import datagrams, interfaces, packet_buffer
from tests.nodes.riot_shell import (
    IFCONFIG_2018,
    IFCONFIG_2026,
    LINK_LOCAL,
    NEWER,
    PKTBUF,
    PKTDUMP,
    TESTER,
    Riot,
    dump,
)

# -- what was printed ----------------------------------------------------------------------------------------


def test_ifconfig_of_2026():
    (found,) = interfaces(IFCONFIG_2026.format(addresses="").splitlines())
    assert found.addresses == ((LINK_LOCAL, False),)
    assert (found.name, found.sixlowpan, found.pan, found.channel) == ("6", True, 0x23, 26)
    assert found.eui64 == bytes.fromhex("02005efffe000001")


def test_ifconfig_of_2018_with_a_wired_interface_before():
    wired, radio = interfaces(IFCONFIG_2018.splitlines())
    assert (wired.name, wired.sixlowpan, wired.eui64, wired.pan) == ("5", False, b"", None)
    assert (radio.name, radio.sixlowpan, radio.pan, radio.channel) == ("7", True, 0xABCD, 11)
    assert radio.addresses == (
        (IPv6Address("fe80::7b67:357e:543e:3a02").packed, True),
        (IPv6Address("2001:db8::1").packed, False),
    )


def test_packet_buffer():
    assert packet_buffer(PKTBUF.splitlines()) == {
        "pktbuf_free": 32 + 336 + 5392,
        "pktbuf_size": 6144,
        "pktbuf_high": 864,
    }
    assert packet_buffer([]) == {"pktbuf_free": 0}


@pytest.mark.parametrize("size", [0, 1, 5, 15, 16, 17, 32, 100], ids=str)
@pytest.mark.parametrize("text", [False, True], ids=["octets", "with-text"])
def test_dumps(size, text):
    """With od_string the octets stand there as text as well, which may look like octets: "AB AB"."""
    data = (b"AB  41  42\xff" * 20)[:size]
    printed = "> " + PKTDUMP.format(size=size, dump=dump(data, text))
    assert datagrams(printed) == [(TESTER, 4660, data)]
    if size:
        assert datagrams("> " + NEWER + dump(data, text) + "> ") == [(TESTER, 4660, data)]


def test_several_dumps():
    printed = NEWER + dump(b"one") + NEWER.replace("4660", "1") + dump(b"two")
    assert datagrams(printed) == [(TESTER, 4660, b"one"), (TESTER, 1, b"two")]


def test_half_a_dump_is_none():
    assert datagrams(PKTDUMP.format(size=3, dump=dump(b"one"))[:-60]) == []


# -- the rig file --------------------------------------------------------------------------------------------


class Given:
    """A bench whose console is a scripted one."""

    def __init__(self, console):
        self.console = console

    def resource(self, key, factory):
        return self.console


@pytest.mark.parametrize(
    ("override", "why"),
    [
        ("tester.pan=0xabcd", "tester.pan: the node is on PAN 0x0023, the tester on 0xabcd"),
        ("tester.channel=11", "tester.channel: the node is on channel 26, the tester on 11"),
        (
            "dut.address=02:00:5e:ff:fe:00:00:09",
            'dut.address: the node says that it is "02:00:5e:ff:fe:00:00:01": put that there',
        ),
    ],
    ids=["pan", "channel", "address"],
)
def test_a_tester_elsewhere(override, why):
    console = Riot()
    with pytest.raises(RigError, match=f"riot-zep.toml: {why}"):
        riot.open_node(Given(console), load("riot-zep", ["dut.console=process:x", override]).rig)
    console.close()


def test_a_radio_that_puts_channel_0_into_its_datagrams():
    """As RIOT 2022.07 does, which says that it is on channel 26: the rig file has the channel of the datagrams."""
    console = Riot()
    riot.open_node(Given(console), load("riot-zep", ["dut.console=process:x", "tester.channel=0"]).rig)
    console.close()


def test_options_of_the_rig_file():
    console = Riot(version="buildtest", ifconfig=IFCONFIG_2018, name="7")
    rig = load(
        "riot-zep",
        [
            "dut.console=process:x",
            "dut.version=2021.04",
            "dut.interface=7",
            "tester.pan=0xabcd",
            "tester.channel=11",
        ],
    ).rig
    node = riot.open_node(Given(console), rig)
    assert (node.version(), node.look().name) == ("2021.04", "7")
    console.close()
