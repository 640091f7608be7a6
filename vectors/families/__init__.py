"""The vector families, one module for each RFC section, or part of one. Reading this package registers all.

To add a vector, write a generator in the module of its section, decorate it with `@family(6282, "3.1.1", flags)`,
say in its docstring what is tried and why, yield `vector(key, payloads, packets, requirements=[...])`, and run
`python -m vectors generate`.
"""

from importlib import import_module
from pathlib import Path

for _module in sorted(path.stem for path in Path(__file__).parent.glob("rfc*.py")):
    import_module(f"{__name__}.{_module}")
