"""Posthaste on a data folder that is there already."""

import os
import time

from .processes import spawn
from .targets import WORK, call

# Rows of the generated books are older than a relay keeps by default.
LONG_MEMORY = {"POSTHASTE_ACCOUNTING__KEEP_ROWS": "1000d", "POSTHASTE_ACCOUNTING__KEEP_HOURS": "1000d"}


def serve(folder, port, log, settings=(), wait=0.02):
    """The process, once it answers; its log goes to `log` in the work folder."""
    settings = {"POSTHASTE_LOG__FILTER": "warn", "POSTHASTE_SERVER__EVENTS_LISTEN": "off"} | dict(settings)
    command = [os.environ["POSTHASTE_BIN"], "serve", "--data", str(folder), "--listen", f"127.0.0.1:{port}"]
    process = spawn(command, WORK / log, env=os.environ | settings)
    begun = time.time()
    while process.poll() is None and time.time() - begun < 60:
        try:
            if call(port, "GET", "/health", timeout=2)[0] < 500:
                return process
        except OSError:
            pass
        time.sleep(wait)
    raise SystemExit(f"the relay did not get ready, see {WORK / log}")
