"""Context tables in a made-up guest memory; `test_hwsim.py` does it in a real one."""

import os
import re
from types import SimpleNamespace

import pytest

from rigs.guests import contexts
from rigs.guests.contexts import ContextError, ContextTable
from rigs.guests.handles import AgentError

PREFIX = bytes.fromhex("20010db8000500000000000000000000")
TABLE = b"".join(bytes([number]) + bytes(31) for number in range(16))


class Client:
    def __init__(self, *, debugfs, group=None):
        #: (memory, place) of the group of the interface.
        self.group = group
        self.debugfs, self.commands = debugfs, []

    def read(self, path):
        if not self.debugfs:
            raise AgentError(f"No such file or directory: {path}")
        return "0\n"

    def check(self, command, netns=""):
        self.commands.append(command)
        if self.group is not None and (number := re.search(r"set .* group (\d+)", command)):
            os.pwrite(self.group[0], int(number[1]).to_bytes(4, "little"), self.group[1])
        return "3: lowpan0: <UP> mtu 1280 group seven qlen 1000" if "link show" in command else ""


@pytest.fixture
def guest():
    fd = os.memfd_create("guest")
    os.truncate(fd, 1 << 16)
    yield SimpleNamespace(memory=fd)
    os.close(fd)


def test_without_debugfs_the_guests_memory_is_written(guest):
    os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0"), 8192)
    os.pwrite(guest.memory, TABLE, 8192 + 2600)
    os.pwrite(guest.memory, TABLE, 40000)  # no interface of ours before it
    table = ContextTable(guest, Client(debugfs=False))
    table.set(5, PREFIX, 64)
    entry = os.pread(guest.memory, 32, 8192 + 2600 + 5 * 32)
    assert entry == b"\x05\0\0\0" + PREFIX + b"\x40\0\0\0" + b"\x03" + bytes(7)
    table.set(5, PREFIX, 64, compress=False)
    assert os.pread(guest.memory, 32, 8192 + 2600 + 5 * 32)[24] == 1
    table.clear()
    assert os.pread(guest.memory, 512, 8192 + 2600) == TABLE
    assert os.pread(guest.memory, 512, 40000) == TABLE


@pytest.mark.parametrize("at", [0, contexts._BLOCK - 3, contexts._BLOCK, 3 * contexts._BLOCK - 16])
def test_the_name_is_found_wherever_it_stands(guest, at):
    """In the first octets, across two of the blocks that are read, behind what nobody ever wrote."""
    os.truncate(guest.memory, 4 * contexts._BLOCK)
    os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0"), at)
    os.pwrite(guest.memory, TABLE, at + 8192)
    os.pwrite(
        guest.memory, b"lowpan01".ljust(16, b"\0") + TABLE, 2 * contexts._BLOCK + 64
    )  # another interface
    ContextTable(guest, Client(debugfs=False)).set(0, PREFIX, 64)
    assert os.pread(guest.memory, 20, at + 8192) == bytes(4) + PREFIX


def test_a_table_far_behind_the_name_is_another_ones(guest):
    os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0"), 64)
    os.pwrite(guest.memory, TABLE, 64 + 8193)
    with pytest.raises(ContextError, match="0 times, not once"):
        ContextTable(guest, Client(debugfs=False))


def test_what_nobody_wrote_is_not_read(guest):
    """A guest's memory is a sparse file: looking for the table neither reads its holes nor fills them."""
    os.truncate(guest.memory, 1 << 40)  # reading this would take minutes
    os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0") + TABLE, 1 << 39)
    before = os.fstat(guest.memory).st_blocks
    ContextTable(guest, Client(debugfs=False))
    assert os.fstat(guest.memory).st_blocks == before


@pytest.mark.parametrize("living", [0, 1, 2])
def test_what_stays_of_an_interface_that_is_gone_is_not_taken_for_it(guest, living):
    """Three alike: the kernel writes the group into one; the others stand as they were freed."""
    for at in (8192, 16384, 24576):
        os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0"), at)
        os.pwrite(guest.memory, contexts._RARE_GROUPS[1].to_bytes(4, "little"), at + 100)  # by chance
        os.pwrite(guest.memory, TABLE, at + 2600)
    at = (8192, 16384, 24576)[living]
    client = Client(debugfs=False, group=(guest.memory, at + 204))
    assert ContextTable(guest, client).place == (at, at + 2600)
    assert client.commands[-1].endswith("group seven"), "as it was"


def test_two_names_before_one_table_are_one_interface(guest):
    os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0") * 2 + TABLE, 8192)
    client = Client(debugfs=False)
    assert ContextTable(guest, client).place == (8192, 8192 + 32)
    assert not client.commands


@pytest.mark.parametrize("times", [0, 2])
def test_a_table_that_is_not_there_once_is_refused(guest, times):
    """None, or two of which none lives."""
    for at in (8192, 16384)[:times]:
        os.pwrite(guest.memory, b"lowpan0".ljust(16, b"\0") + TABLE, at)
    with pytest.raises(ContextError, match=r"0 times, not once.*CONFIG_6LOWPAN_DEBUGFS"):
        ContextTable(guest, Client(debugfs=False))


def test_with_debugfs_its_files_are_written(guest):
    client = Client(debugfs=True)
    ContextTable(guest, client).set(2, PREFIX, 64, compress=False)
    assert "/lowpan0/contexts/2 " in client.commands[0]
    assert "echo 2001:0db8:0005:0000:0000:0000:0000:0000 > prefix" in client.commands[0]
    assert client.commands[0].endswith("echo 0 > compression && echo 1 > active")


@pytest.mark.parametrize(
    ("identifier", "prefix", "length"), [(16, PREFIX, 64), (0, b"", 0), (0, PREFIX, 129)]
)
def test_nonsense_is_refused(guest, identifier, prefix, length):
    with pytest.raises(ValueError, match="context"):
        ContextTable(guest, Client(debugfs=True)).set(identifier, prefix, length)


def test_a_new_interface_in_the_place_of_the_last_is_not_looked_for(guest):
    """The kernel makes it there again: the name and an empty table, where before it had contexts."""
    os.pwrite(guest.memory, b"bt0".ljust(16, b"\0") + TABLE, 8192)
    first = ContextTable(guest, Client(debugfs=False), "bt0")
    first.set(0, PREFIX, 64)
    assert first.place is not None
    os.pwrite(guest.memory, TABLE, 8192 + 16)
    os.pwrite(guest.memory, b"bt0".ljust(16, b"\0") + TABLE, 16384)  # a search would find two
    assert ContextTable(guest, Client(debugfs=False), "bt0", {first.place}).place == first.place


def test_a_new_interface_in_another_place_is_looked_for(guest):
    """What stays of the last one, its contexts too, is not taken for it."""
    os.pwrite(guest.memory, b"bt0".ljust(16, b"\0") + TABLE, 8192)
    first = ContextTable(guest, Client(debugfs=False), "bt0")
    first.set(0, PREFIX, 64)
    os.pwrite(guest.memory, b"bt0".ljust(16, b"\0") + TABLE, 16384)
    second = ContextTable(guest, Client(debugfs=False), "bt0", {first.place})
    assert second.place == (16384, 16384 + 16)
