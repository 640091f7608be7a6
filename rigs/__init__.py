import importlib.util
import sys

import reports.interrupt  # noqa: F401  first: what a command imports next takes time

if importlib.util.find_spec("pydantic") is None:  # another Python than that of `make setup`
    sys.stderr.write(
        "the packages of requirements.lock are missing: run `make setup`, then .venv/bin/python\n"
    )
    sys.exit(2)
