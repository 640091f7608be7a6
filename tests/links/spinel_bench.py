"""A Spinel link to a peer of the tests (`spinel_peer`), as both of its test modules open it."""

from rigs.consoles.pty.console import PtyConsole
from rigs.links.spinel.link import Options, SpinelLink

TESTER, DUT = bytes.fromhex("02005efffe000002"), bytes.fromhex("02005efffe000001")
PAN = b"\xab\xcd"
ESCAPES = bytes.fromhex("7a337e7d1113f800")
PLAIN = Options()


def opened(port, options=PLAIN, **more):
    told = {"channel": 26, "pan": PAN, "dut": DUT, "tester": TESTER} | more
    return SpinelLink(PtyConsole(f"pty:{port.path}", port.path), options, **told)
