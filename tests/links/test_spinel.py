"""A dongle by Spinel: the link, against a peer on a pty."""

import random
import struct
import threading
from contextlib import closing

import pytest

from rigs import registry
from rigs.bench import Bench
from rigs.configuration.loading import load
from rigs.configuration.models import ConfigError
from rigs.consoles.serial.console import SerialConsole
from rigs.leases.flock import devices
from rigs.links.spinel import dongle
from rigs.links.spinel.link import Options, SpinelLink, Stamps
from rigs.model import LinkClosed, RigError
from sixlowpan import mac
from tests.links.spinel_bench import DUT, ESCAPES, PAN, PLAIN, TESTER, opened
from tests.links.spinel_peer import HARDWARE, VERSION, Port, Rcp, framed
from tests.waiting import received, soon, until

TO_DUT = mac.data_frame(TESTER, DUT, PAN, 7, ESCAPES, True)
FROM_DUT = mac.data_frame(DUT, TESTER, PAN, 9, ESCAPES, True)


@pytest.fixture
def port():
    with closing(Port(Rcp(others={DUT}))) as port:
        yield port


@pytest.fixture
def link(port):
    with closing(opened(port)) as link:
        yield link


def test_it_is_set_up_as_the_rig_file_says(port):
    link = opened(port, Options(power=-4), channel=11, pan=b"\x12\x34", tester=b"")
    values = port.rcp.values
    assert (values[0x21], values[0x25], values[0x36], values[0x38]) == (b"\x0b", b"\xfc", b"\x34\x12", b"\0")
    assert link.tester == values[0x34] == HARDWARE, "the dongle's own EUI-64 where the rig file names none"
    assert link.version == VERSION.decode()
    assert (link.any_source, link.auto_ack) == (False, True)
    link.close()


def test_frames_both_ways(link, port):
    link.send(TO_DUT)
    assert port.rcp.sent == [TO_DUT]
    assert port.hear(FROM_DUT)
    assert received(link) == FROM_DUT
    broadcast = mac.data_frame(DUT, b"\xff\xff", PAN, 10, ESCAPES)
    assert not port.hear(broadcast)
    assert received(link) == broadcast
    port.hear(mac.data_frame(DUT, HARDWARE, PAN, 11, ESCAPES))
    assert link.receive(soon(0)) is None, "it is for another node"


def test_one_short_address_is_heard_as_well(link, port):
    for short in (b"\x12\x34", b"\x00\x07"):
        link.hear_too(short)
        link.hear_too(short)
        frame = mac.data_frame(DUT, short, PAN, 12, ESCAPES, True)
        assert port.hear(frame), "it is acknowledged"
        assert received(link) == frame
    assert not port.hear(mac.data_frame(DUT, b"\x12\x34", PAN, 12, ESCAPES, True)), "the latest only"
    assert sum(command[2:3] == b"\x35" for command in port.rcp.commands) == 3


def test_1000_frames_each_way(link, port):
    draw = random.Random(1)
    frames = [
        mac.data_frame(
            TESTER,
            DUT,
            PAN,
            number & 255,
            struct.pack(">H", number) + draw.randbytes(draw.randrange(95)),
            True,
        )
        for number in range(1000)
    ]
    for frame in frames:
        link.send(frame)
    assert port.rcp.sent == frames
    back = [
        mac.data_frame(DUT, TESTER, PAN, n & 255, struct.pack(">H", n) + draw.randbytes(90), True)
        for n in range(1000)
    ]
    thread = threading.Thread(target=lambda: [port.hear(frame) for frame in back])
    thread.start()
    assert [received(link) for _ in back] == back
    thread.join()


def test_other_channels_are_listened_to(link, port):
    """Each in turn, and what came on one is not told of another; then it is where it was."""
    hello = mac.data_frame(TESTER, b"\xff\xff", b"\xff\xff", 1, b"\x41")
    answer = mac.data_frame(DUT, TESTER, PAN, 2, b"\x41")
    tried = []

    def air(psdu):
        tried.append((port.rcp.values[0x21][0], psdu))
        if tried[-1][0] == 15:
            port.hear(answer)

    port.rcp.air = air
    assert link.seek(hello, 0.05) == {15: [answer]}
    assert tried == [(channel, hello) for channel in range(11, 26)]
    port.rcp.air = lambda psdu: None
    link.send(TO_DUT)
    assert port.rcp.values[0x21] == b"\x1a"


def test_a_frame_that_nobody_acknowledges_is_silence(link, port):
    port.rcp.others.clear()
    link.send(TO_DUT)
    assert (link.unacknowledged, port.rcp.sent) == (1, [TO_DUT])


def test_retries_are_the_radios(port):
    link = opened(port, Options(retries=7))
    link.send(TO_DUT)
    assert port.rcp.commands[-1][-7:] == bytes((26, 4, 7, 1, 0, 0, 1))
    link.close()


def test_a_busy_channel_is_tried_again_and_then_counted(link, port):
    port.rcp.statuses = [18, 0]
    link.send(TO_DUT)
    assert (link.busy, port.rcp.sent) == (1, [TO_DUT])
    port.rcp.statuses = [18, 18, 18]
    link.send(TO_DUT)
    assert (link.busy, len(port.rcp.sent)) == (4, 1)


def test_a_frame_that_the_dongle_does_not_send_is_no_silence(link, port):
    port.rcp.statuses = [12]
    with pytest.raises(RigError, match=r"did not send 61cc.*: status 12 \(busy\)"):
        link.send(TO_DUT)
    for length in (0, 126):
        with pytest.raises(RigError, match=f"1 to 125 octets without its FCS, not {length}"):
            link.send(bytes(length))


def test_promiscuous_hears_all_and_acknowledges_none(port):
    link = opened(port, Options(promiscuous=True))
    assert (port.rcp.values[0x38], link.any_source, link.auto_ack) == (b"\2", True, False)
    strange = mac.data_frame(DUT, HARDWARE, b"\x99\x99", 11, ESCAPES, True)
    assert not port.hear(FROM_DUT)
    assert not port.hear(strange)
    port.hear(mac.ack(11))
    assert [received(link), received(link)] == [FROM_DUT, strange]
    assert link.receive(soon(0)) is None, "an acknowledgement is no frame of the suites'"
    link.close()


def test_octets_that_are_no_message_are_passed_over(link, port):
    port.say(
        framed(bytes.fromhex("800671ff00")) + framed(b"\x41") + framed(b"\x80\x06\x72log") + b"\x7enoise\x7e"
    )
    port.hear(FROM_DUT)
    assert received(link) == FROM_DUT
    assert link.passed_over() == "1 x a frame is cut short, 1 x no header of Spinel"


def test_a_dongle_that_restarts_by_itself_ends_the_link(link, port):
    port.hear(FROM_DUT)
    port.say(framed(bytes.fromhex("80060078")))
    until(lambda: link._dongle.ended)
    assert received(link) == FROM_DUT, "what came before is still had"
    with pytest.raises(LinkClosed, match=r"the dongle restarted by itself \(watchdog\)"):
        link.receive(soon(1))
    with pytest.raises(LinkClosed, match="watchdog"):
        link.send(TO_DUT)


def test_a_dongle_that_is_pulled_out_ends_the_link(link, port):
    port.close()
    link._dongle._console.close()
    with pytest.raises(LinkClosed):
        link.receive(soon(1))


def test_a_dongle_that_falls_silent(link, port, monkeypatch):
    monkeypatch.setattr(dongle, "ANSWERS", 0.05)
    port.deaf = True
    with pytest.raises(LinkClosed, match=r"raw stream: no answer within 0\.05 s"):
        link.send(TO_DUT)


def test_nobody_answers(port, monkeypatch):
    monkeypatch.setattr(dongle, "ANSWERS", 0.05)
    port.deaf = True
    with pytest.raises(
        RigError, match=r"3 restarts were asked for, and not one octet came.*ot-rcp.*bit rate"
    ):
        opened(port)


def test_something_else_answers(port, monkeypatch):
    monkeypatch.setattr(dongle, "ANSWERS", 0.2)
    port.rcp.feed = lambda octets: b"uart:~$ \r\n"
    with pytest.raises(RigError, match="30 octets that are no Spinel came"):
        opened(port)


@pytest.mark.parametrize(
    ("rcp", "said"),
    [
        (Rcp(major=3), r"it speaks Spinel 3\.3: 4 is needed"),
        (Rcp(capabilities=bytes.fromhex("050c1822")), "is no radio co-processor"),
        (Rcp(capabilities=bytes.fromhex("0581")), "capabilities of the dongle: a number is cut short"),
    ],
    ids=["version", "no-radio", "cut-short"],
)
def test_another_firmware(rcp, said):
    port = Port(rcp)
    with pytest.raises(RigError, match=said):
        opened(port)
    port.close()


def test_a_setting_that_it_does_not_take(port):
    port.rcp.values[0x36] = b""
    real = port.rcp.answer

    def answer(message):
        said = real(message)
        if message[2:3] == b"\x36":
            return framed(message[:1] + b"\6\x36\0\0")
        return framed(message[:1] + b"\6\0\3") if message[2:3] == b"\x25" else said

    port.rcp.answer = answer
    with pytest.raises(RigError, match="PAN id: cdab was asked for, 0000 is what it has"):
        opened(port)
    with pytest.raises(RigError, match=r"transmit power: status 3 \(invalid argument\)"):
        opened(port, Options(power=9))


def test_stamps_are_of_the_dongles_clock_and_not_of_a_late_arrival():
    stamps = Stamps()
    assert stamps.on_ours(1_000_000, 51.010) == pytest.approx(51.010)
    assert stamps.on_ours(2_000_000, 52.004) == pytest.approx(52.004)  # 4 ms is the least so far
    assert stamps.on_ours(3_000_000, 53.900) == pytest.approx(53.004)
    assert stamps.on_ours(70_000_000, 120.020) == pytest.approx(
        120.020
    )  # a minute later the clocks have drifted


# -- addresses --------------------------------------------------------------------------------------------------


def rig_file(address, *more):
    told = [f"tester.link={address}", "dut.console=process:true", "dut.address=02005efffe000001", *more]
    return load("zephyr-qemu", told).rig


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", None),
        ("retries=15&power=-40&promiscuous=1", None),
        ("retries=16", "retries=16: 0 to 15 are possible"),
        ("power=high", "power=high: -40 to 40 are possible"),
        ("baud=1", "'baud' is no option; there are: retries, power, promiscuous"),
        ("x", "x"),
    ],
)
def test_options(text, said):
    if said is None:
        assert Options.parse(text).retries in {3, 15}
        return
    with pytest.raises(ValueError, match=said):
        Options.parse(text)


@pytest.mark.parametrize("console", ["pty:{}", "serial:{}?baud=460800"])
def test_opened_by_its_address(port, console):
    rig = rig_file(
        f"spinel:{console.format(port.path)}#retries=5",
        "tester.channel=15",
        "tester.address=02005efffe000002",
    )
    bench = Bench()
    link = registry.open_link(bench, rig)
    assert (port.rcp.values[0x21], port.rcp.values[0x34], link.dut) == (b"\x0f", TESTER, DUT)
    assert bench.last_words() == "", "what a dongle says is not for people"
    link.close()
    bench.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("spinel:", "name the console of the dongle"),
        ("spinel:/dev/ttyACM0", "name the console of the dongle"),
        ("spinel:serial:/dev/ttyACM0#retries=99", "retries=99"),
    ],
)
def test_a_wrong_address_is_told_by_check_and_when_opened(address, said):
    rig = rig_file(address)
    assert said in str(registry.missing(rig))
    with pytest.raises(ConfigError, match=said):
        registry.open_link(Bench(), rig)


def test_check_looks_for_the_dongle():
    missing = registry.missing(rig_file("spinel:serial:/dev/serial/by-id/usb-none"))
    assert any(
        item.what == "tester.link: there is no serial port /dev/serial/by-id/usb-none" for item in missing
    )
    missing = registry.missing(rig_file("spinel:telepathy:x"))
    assert any("telepathy" in item.what for item in missing)


def test_a_dongle_is_one_runs_at_a_time(port):
    by_spinel = devices(rig_file(f"spinel:serial:{port.path}?baud=460800#retries=1"))
    assert port.path in by_spinel
    assert devices(rig_file(f"ot_security:spinel:serial:{port.path}")) == by_spinel


def test_a_dongle_whose_port_goes_away_when_it_is_restarted(tmp_path):
    """A USB port that is there again under its by-id name: the restart is asked for once more, behind it."""
    first, second = Port(Rcp()), Port(Rcp(others={DUT}))
    by_id = tmp_path / "usb-Nordic"
    by_id.symlink_to(first.path)

    def restarted(octets):
        by_id.unlink()
        by_id.symlink_to(second.path)
        first.vanish()

    first.rcp.feed = restarted
    link = SpinelLink(
        SerialConsole(f"serial:{by_id}", str(by_id), {"baudrate": 115200}),
        PLAIN,
        channel=26,
        pan=PAN,
        dut=DUT,
        tester=TESTER,
    )
    link.send(TO_DUT)
    assert second.rcp.sent == [TO_DUT]
    link.close()
    second.close()
