"""Tools of a host that are scripts, which write down how they were called."""


def fake(path, name, script=""):
    (path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{path}/called\n{script}\n')
    (path / name).chmod(0o755)


def called(path):
    return (path / "called").read_text().splitlines()
