"""Which module opens which link, node and console: found by name, imported when it is first needed.

Strategy: the scheme of a link address and the kind of a node *are* the names of folders, each with one module of a
fixed name: `packet:wpan0` is opened by `open_link` of `rigs/links/packet/link.py`, `node = "zephyr"` by `open_node` of
`rigs/nodes/zephyr/node.py`, `serial:/dev/ttyACM0` by `open_console` of `rigs/consoles/serial/console.py`. A node that
brings a link of its own (a child process that is both) has a `link.py` beside its `node.py`. So a new adapter is one
folder and no list has to be edited, and listing adapters imports none of them. A name with a dot is a module of the
user's own (`node = "acme.rigs.node"`), found on the Python path; it is read to judge a rig file, and imported to run
one.

An adapter module has `open_link(bench, address, rig) -> Link`, `open_node(bench, rig) -> Node` and/or
`open_console(bench, address, rig) -> Console` (the address without its scheme), and may have
`check(rig) -> list[Missing]`, `remarks(rig) -> list[str]` and a class `Options`, a `NodeOptions` whose fields are its
own [dut] keys. A link or a console may have `misread(address) -> str`, what is wrong with the text of an address, and a
node `NEEDS_CONSOLE = True`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast, get_args

from rigs import air, power
from rigs.configuration import loading, sources
from rigs.configuration.loading import Loaded
from rigs.configuration.models import (
    OF_A_PEER,
    ConfigError,
    Device,
    NodeOptions,
    Profile,
    RigFile,
    another_stack,
)
from rigs.configuration.telling import hint, misplaced, mistakes_in
from rigs.model import Link, LinkKind, Node

if TYPE_CHECKING:
    from rigs.bench import Bench
    from rigs.consoles.model import Console

Opener = Literal["open_link", "open_node", "open_console"]

#: Where adapters live, in the order in which they are looked for; the folder and the name of the module.
FOLDERS: dict[Opener, tuple[tuple[str, str], ...]] = {
    "open_link": (("links", "link"), ("nodes", "link")),
    "open_node": (("nodes", "node"),),
    "open_console": (("consoles", "console"),),
}
#: How a rig file asks for each, and what it is.
_KEYS: dict[Opener, tuple[str, str]] = {
    "open_link": ("tester.link", "link scheme"),
    "open_console": ("dut.console", "console scheme"),
    "open_node": ("dut.node", "kind of node"),
}


_KINDS: Final = frozenset(get_args(LinkKind))


#: IEEE 802.15.4, channel page 0: no link of the tree sets another page.
_LAST_CHANNEL: Final = 26


@dataclass(frozen=True, slots=True)
class Missing:
    """Something a rig needs that this machine lacks: what it is, and the one thing to do about it."""

    what: str
    remedy: str


def kinds(opener: Opener) -> dict[str, str]:
    """Every link scheme ("open_link"), node kind or console scheme in the tree, with its module's name."""
    found: dict[str, str] = {}
    for folder, module in FOLDERS[opener]:
        for path in sorted((Path(__file__).parent / folder).glob(f"*/{module}.py")):
            found.setdefault(path.parent.name, f"rigs.{folder}.{path.parent.name}.{module}")
    return found


def open_link(bench: Bench, rig: RigFile) -> Link:
    """Open the tester's link of `rig`. Raises `RigError`."""
    scheme, _, rest = rig.tester.link.partition(":")
    opener = cast("Callable[[Bench, str, RigFile], Link]", _opener("open_link", scheme, rig))
    link = opener(bench, rest, rig)
    if link.kind not in _KINDS:
        raise ConfigError([f"{loading.shown(rig.path)}: tester.link: {_no_kind(rig, link.kind)}"])
    return link if rig.air is None else air.under(link, rig.air, loading.shown(rig.path))


def open_node(bench: Bench, rig: RigFile) -> Node:
    """Open the DUT of `rig`. Raises `RigError`."""
    opener = cast("Callable[[Bench, RigFile], Node]", _opener("open_node", rig.dut.node, rig))
    return opener(bench, rig)


def open_console(bench: Bench, address: str | None, rig: RigFile) -> Console:
    """Open the console at `address`, such as `rig.dut.console`; once a bench, whoever asks. Raises `RigError`."""
    if address is None:
        such = '"serial:/dev/ttyACM0" or "process:./node.elf"'
        raise ConfigError(
            [
                f"{rig.path}: dut.console: is missing: the node {rig.dut.node!r} needs its console, such as {such}"
            ]
        )
    scheme, _, rest = address.partition(":")
    opener = cast("Callable[[Bench, str, RigFile], Console]", _opener("open_console", scheme, rig))
    return bench.resource(f"console {address}", lambda: opener(bench, rest, rig))


def hears_the_address(rig: RigFile) -> bool:
    """Whether the link learns the DUT's link-layer address from what it hears (`HEARS_THE_ADDRESS` of its module).

    Nobody may give such a DUT another one: it has its own, and another at each start.
    """
    scheme = rig.tester.link.partition(":")[0]
    return bool(getattr(_module("open_link", scheme, loading.shown(rig.path)), "HEARS_THE_ADDRESS", False))


def dut_side(bench: Bench, rig: RigFile) -> Any:
    """What the node's adapter does for a link that needs the DUT's hand to connect; None when it does nothing.

    Such an adapter has a function `dut_side(bench, rig)`; what it returns is as the link wants it. Raises `RigError`.
    """
    maker = getattr(_module("open_node", rig.dut.node, loading.shown(rig.path)), "dut_side", None)
    return maker(bench, rig) if maker is not None else None


def load(name: str, overrides: Iterable[str] = (), beside: str | None = None) -> Loaded:
    """Read a rig file and its profile, and judge both as far as adapters know. Raises `ConfigError`: all mistakes.

    `beside`: another rig whose DUT is paired with this one's.
    """
    return loading.load(name, overrides, beside=beside, judge=mistakes)


def leased(loaded: Loaded, facts: Mapping[str, str]) -> Loaded:
    """The same rig with what its lease tells of the board. Raises `ConfigError`."""
    if not loaded.awaited:
        return loaded
    beside = str(loaded.beside) if loaded.beside is not None else None
    whole = loading.load(str(loaded.rig.path), loaded.overrides, beside=beside, lease=facts, judge=mistakes)
    return replace(whole, awaited=loaded.awaited)  # the next lease may get another board


def verify(rig: RigFile) -> None:
    """Judge what only adapters know: link and console scheme, node kind and options. Raises `ConfigError`."""
    if wrong := mistakes(loading.shown(rig.path), _said(rig)):
        raise ConfigError(wrong)


def mistakes(where: str, data: Mapping[str, Any]) -> list[str]:
    """What is wrong in a rig file, as far as adapters know. A module that is not of the tree is read, not imported."""
    found: list[str] = []
    if isinstance(peer := data.get("peer"), dict):
        own = {key: value for key, value in peer.items() if key not in OF_A_PEER}
        theirs = {"tester": {"link": peer.get("link")}, "dut": own}
        renamed = ((": tester.link:", ": peer.link:"), (": dut.", ": peer."))
        for mistake in mistakes(where, theirs):
            found += [reduce(lambda text, names: text.replace(*names), renamed, mistake)]
    for opener, name in _named(data):
        try:
            options = _options_of(opener, name, where)
        except ConfigError as error:
            found.extend(error.mistakes)
            continue
        if opener != "open_node":
            key = _KEYS[opener][0]
            if wrong := misread(opener, data[key.partition(".")[0]][key.partition(".")[2]], where):
                found.append(f"{where}: {key}: {wrong}")
            continue
        if options is None:
            continue
        told = {key: value for key, value in data["dut"].items() if key not in Device.model_fields}
        known = options.model_fields
        found.extend(
            f"{where}: dut.{key}: the node {name!r} has no such option"
            f"{misplaced(key, RigFile) or hint(key, [*known, *Device.model_fields])}; "
            f"there are: {', '.join(known) or 'none'}"
            for key in told
            if key not in known
        )
        right = {key: value for key, value in told.items() if key in known}
        found.extend(f"{where}: dut.{mistake}" for mistake in mistakes_in(options, right))
    dut = data.get("dut")
    switch = dut.get("power") if isinstance(dut, dict) else None
    if isinstance(switch, str) and (wrong := power.misread(switch)):
        found.append(f"{where}: dut.power: {wrong}")
    return found


def misread(opener: Opener, address: str, where: str, *, run: bool = False) -> str:
    """What is wrong with the text of a link's or console's address, as far as its adapter tells; empty: nothing.

    Unless `run`, a module that is not of the tree is not asked. Raises `ConfigError` where there is no such adapter.
    """
    scheme, _, rest = address.partition(":")
    if "." in scheme and not run:
        return ""
    judge: Callable[[str], str] | None = getattr(_module(opener, scheme, where), "misread", None)
    wrong = judge(rest) if judge else ""
    return f"{address}: {wrong}" if wrong else ""


_O = TypeVar("_O", bound=NodeOptions)


def options(rig: RigFile, model: type[_O]) -> _O:
    """What [dut] says beyond the common keys, as the adapter's class `Options` types it. Raises `ConfigError`."""
    if wrong := mistakes_in(model, rig.dut.options):
        raise ConfigError(f"{loading.shown(rig.path)}: dut.{mistake}" for mistake in wrong)
    return model.model_validate(rig.dut.options)


def strangers(rig: RigFile) -> list[str]:
    """The adapters that `rig` names and that are not of the tree: to use them is to run them."""
    return list(dict.fromkeys(name for _, name in _named(_said(rig)) if "." in name))


def missing(rig: RigFile, *, run: bool = True) -> list[Missing]:
    """What `rig` needs and this machine lacks, as its adapters tell; empty when it can run here.

    Unless `run`, the adapters that are not of the tree (`strangers`) are not asked, because that would run them.
    """
    found: list[Missing] = []
    modules = []
    for opener, name in _named(_said(rig)):
        if "." in name and not run:
            continue
        try:
            module = _module(opener, name, loading.shown(rig.path))
        except ConfigError as error:
            found.append(Missing(str(error), "write the adapter, or name another in the rig file"))
            continue
        if module not in modules:
            modules.append(module)
    if lacks_console(rig, run=run):
        such = 'console = "serial:/dev/ttyACM0" or "process:./node.elf"'
        found.append(Missing(f"dut.console: the node {rig.dut.node!r} needs its console", f"name it: {such}"))
    if rig.dut.power and (program := power.lacking(rig.dut.power)):
        found.append(Missing(f"dut.power: there is no program {program}", "put it on PATH, or name its path"))
    for module in modules:
        check: Callable[[RigFile], Iterable[Missing]] | None = getattr(module, "check", None)
        found.extend(item for item in (check(rig) if check else ()) if item not in found)
    return found


def lacks_console(rig: RigFile, *, run: bool = True) -> bool:
    """Whether a node that needs a console (`NEEDS_CONSOLE` of its module) is given none. `run` as for `missing`."""
    if rig.dut.console is not None or ("." in rig.dut.node and not run):
        return False
    module = _module("open_node", rig.dut.node, loading.shown(rig.path))
    return bool(getattr(module, "NEEDS_CONSOLE", False))


def missing_console(rig: RigFile, address: str, key: str) -> list[Missing]:
    """What this machine lacks for a console that a link has of its own, which `key` of the rig file names."""
    try:
        module = _module("open_console", address.partition(":")[0], loading.shown(rig.path))
    except ConfigError as error:
        return [Missing(str(error).replace("dut.console", key), "name a console that there is")]
    check: Callable[[RigFile], Iterable[Missing]] | None = getattr(module, "check", None)
    alone = rig.model_copy(
        update={"dut": rig.dut.model_copy(update={"console": address}), "peer": None, "air": None}
    )
    return [
        Missing(item.what.replace("dut.console", key), item.remedy)
        for item in (check(alone) if check else ())
    ]


def remarks(rig: RigFile) -> list[str]:
    """What the adapters of the tree have to say of a rig that is ready, such as which versions it is not ready for."""
    found: list[str] = []
    for opener, name in _named(_said(rig)):
        if "." not in name:
            remark: Callable[[RigFile], Iterable[str]] | None = getattr(
                _module(opener, name, loading.shown(rig.path)), "remarks", None
            )
            found.extend(remark(rig) if remark else ())
    if rig.tester.channel > _LAST_CHANNEL:
        found.append(
            f"tester.channel = {rig.tester.channel}: channel page 0 of IEEE 802.15.4 ends with 26 (2.4 GHz: 11 to 26)"
        )
    return list(dict.fromkeys(found))


def misfits(rig: RigFile, profile: Profile, *, run: bool = True) -> list[str]:
    """Where a profile is of another link or stack than the rig's, as far as adapters tell without being opened.

    Unless `run`, the adapters that are not of the tree are not asked, because that would run them.
    """
    scheme, _, rest = rig.tester.link.partition(":")
    links = _told("open_link", scheme, rig, Link, "kind", run=run) or {
        "802154": {"ieee802154"},
        "ble": {"ble"},
    }.get(rest, set())
    stacks = _told("open_node", rig.dut.node, rig, Node, "stack", run=run)
    found = []
    if len(links) == 1 and not links <= _KINDS:
        found.append(_no_kind(rig, links.pop()))
    elif len(links) == 1 and profile.link not in links:
        is_for = (
            f"the profile {profile.name} is for {profile.link}: name another profile, or another tester.link"
        )
        found.append(f"the link {rig.tester.link!r} is {links.pop()}, and {is_for}")
    if len(stacks) == 1:
        found += another_stack(profile, stacks.pop())
    return found


def _no_kind(rig: RigFile, kind: str) -> str:
    adapter = rig.tester.link.partition(":")[0]
    there = " or ".join(f'"{each}"' for each in sorted(_KINDS, reverse=True))
    return f"the adapter {adapter} says kind = {kind!r} of its link: a link is {there}"


def _told(opener: Opener, adapter: str, rig: RigFile, shape: type, name: str, *, run: bool) -> set[str]:
    """What the classes of a shape in an adapter's module say of themselves, in a class attribute."""
    if "." in adapter and not run:
        return set()
    module = _module(opener, adapter, loading.shown(rig.path))
    classes = [
        c for c in vars(module).values() if isinstance(c, type) and issubclass(c, shape) and c is not shape
    ]
    return {str(vars(c)[name]) for c in classes if name in vars(c)}


def _said(rig: RigFile) -> dict[str, Any]:
    dut = {"node": rig.dut.node, "console": rig.dut.console, **rig.dut.options}
    return {"tester": {"link": rig.tester.link}, "dut": dut}


def _named(data: Mapping[str, Any]) -> list[tuple[Opener, str]]:
    """The adapters that a rig file names, as far as it is well-formed."""
    found: list[tuple[Opener, str]] = []
    for opener, (key, _) in _KEYS.items():
        table, _, last = key.partition(".")
        inside = data.get(table)
        value = inside.get(last) if isinstance(inside, dict) else None
        if isinstance(value, str) and value:
            found.append((opener, value if opener == "open_node" else value.partition(":")[0]))
    return found


def _opener(opener: Opener, name: str, rig: RigFile) -> Callable[..., object]:
    function: Callable[..., object] = getattr(_module(opener, name, loading.shown(rig.path)), opener)
    return function


def _options_of(opener: Opener, name: str, where: str) -> type[NodeOptions] | None:
    """The class `Options` of an adapter. Raises `ConfigError` when there is no such adapter."""
    if "." not in name:
        found: type[NodeOptions] | None = getattr(_module(opener, name, where), "Options", None)
        return found
    key = _KEYS[opener][0]
    path = sources.find(name)
    if path is None:
        raise ConfigError([f"{where}: {key}: there is no module {name} in the folders of PYTHONPATH"])
    try:
        source = sources.Source(path)
    except ValueError as error:
        raise ConfigError([f"{where}: {key}: {error}"]) from error
    if not source.has(opener):
        raise ConfigError([f"{where}: {key}: the module {name} has no function {opener}"])
    return source.options()


def _module(opener: Opener, name: str, where: str) -> ModuleType:
    key, what = _KEYS[opener]
    known = {} if "." in name else kinds(opener)
    target = name if "." in name else known.get(name)
    if target is None:
        there = ", ".join(known) or "none"
        raise ConfigError([f"{where}: {key}: no {what} {name!r}{hint(name, known)}; there are: {there}"])
    try:
        module = importlib.import_module(target)
    except ImportError as error:
        raise ConfigError([f"{where}: {key}: the adapter {target} cannot be imported: {error}"]) from error
    if not hasattr(module, opener):
        raise ConfigError([f"{where}: {key}: the module {target} has no function {opener}"])
    return module
