import importlib.util
import shlex
import sys

import reports.interrupt  # noqa: F401  first: what a command imports next takes time

if not all(map(importlib.util.find_spec, ("pydantic_core", "jinja2", "serial"))):
    # another Python than that of `make setup`; of an import it is not known how it was asked for
    command = shlex.join(sys.orig_argv[1:]) if "-m" in sys.orig_argv else "..."
    sys.stderr.write(
        f"the packages of requirements.lock are missing: run `make setup`, then .venv/bin/python {command}\n"
    )
    sys.exit(2)
