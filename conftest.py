"""Glue only: names the plugins of the pytest side. The suites run on rigs (`--rig`), the tests without any."""

pytest_plugins = [
    "reports.interrupt",
    "fixtures.plugin.inert",
    "fixtures.plugin.options",
    "fixtures.plugin.scope",
    "fixtures.plugin.figures",
    "fixtures.plugin.scheduling",
    "fixtures.plugin.controller",
    "fixtures.plugin.rig",
    "fixtures.plugin.untraced",
    "fixtures.plugin.verdicts",
    "fixtures.plugin.hunting",
]
