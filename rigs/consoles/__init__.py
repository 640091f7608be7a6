"""The text side of nodes: one module a kind of console (`serial`, `process`, ...), and the shell on top of it."""
