"""Modules of `rigs.nodes` that read a console."""

NODES = [
    "black_box.node",
    "contiki_ng.node",
    "openthread.cli",
    "zephyr.node",
    "riot.node",
    "linux_host.shell",
]
