"""The vector families, one module for each RFC section (or part of one). Reading this package registers all.

To add a vector, write one function in the module of its section:

    @family(6282, "3.1.1", "hop-limit-table")
    def hop_limit() -> Iterator[Vector]:
        \"""What is tried, and why.\"""
        yield vector("64", payload, packet, requirements=["RFC6282-3.1.1-09"])

then `python -m vectors generate`.
"""

from importlib import import_module
from pathlib import Path

for _module in sorted(path.stem for path in Path(__file__).parent.glob("rfc*.py")):
    import_module(f"{__name__}.{_module}")
