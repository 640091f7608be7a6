import reports.interrupt  # noqa: F401  first: what a command imports next takes time
