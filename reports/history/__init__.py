"""Many runs in one SQLite file: since when a case fails, whether it is flaky, where a figure changed, and what CI may
let pass.

`store` writes and reads the file, `trends` asks it, `changes` finds change points, `policy` is the gate, `output`
says it.
"""
