"""A command run in this process."""

import contextlib
import io


def run(main, arguments):
    """A command in this process: status and everything that it said."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = error.code
    return status, said.buffer.getvalue().decode()
