"""The sandbox over HTTP, as a process."""

import subprocess
from contextlib import contextmanager


@contextmanager
def serve_sandbox(binary):
    """Gives its base URL; it ends with its standard input."""
    with subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert line.startswith("listening on "), f"{binary} said {line!r}"
        yield line.removeprefix("listening on ").strip()
        process.stdin.close()
        process.wait(30)
