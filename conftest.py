"""Glue only: names the plugins of the pytest side. The suites run on rigs (`--rig`), the tests without any."""

pytest_plugins = [
    "fixtures.interrupt",
    "fixtures.inert",
    "fixtures.options",
    "fixtures.scheduling",
    "fixtures.controller",
    "fixtures.rig",
    "fixtures.verdicts",
]
