import reports  # noqa: F401  first: it looks for the packages, and hears Ctrl-C while the rest is imported
