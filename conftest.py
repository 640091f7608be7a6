"""Glue only: names the plugins of the pytest side. The suites run on rigs (`--rig`), the tests without any."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.scope",
    "fixtures.scheduling",
    "fixtures.controller",
    "fixtures.rig",
    "fixtures.verdicts",
]
