"""The program under test, as a process."""

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ANNOUNCED = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")
PATIENCE = 60.0


def eventually(check, what, patience=PATIENCE):
    """Polls until `check()` gives something true, and gives it back."""
    deadline = time.monotonic() + patience
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:.0f} s: {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class ClientKey:
    id: str
    secret: str


@dataclass(frozen=True)
class Books:
    """What the ledger says of one key, summed over all its rows."""

    attempts: int = 0
    completed: int = 0
    estimated: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class Relay:
    """One data folder and, while started, one server on it."""

    def __init__(self, binary, data, settings=None):
        self.binary = binary
        self.data = Path(data)
        self.settings = settings or {}
        self.log = self.data.parent / f"{self.data.name}.log"
        self.process = None
        self.url = None

    # -- the server ----------------------------------------------------------------------

    def start(self):
        assert self.process is None
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--data", self.data, "--listen", "127.0.0.1:0"],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = self._announced()
        return self

    def stop(self):
        """The polite end; gives the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self):
        """The end that nothing can prepare for."""
        return self._end(signal.SIGKILL)

    def _end(self, sign):
        if self.process is None:
            return None
        process, self.process = self.process, None
        process.send_signal(sign)
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            process.stdout.close()

    def _announced(self):
        """The address from the server's own line; the rest of stdout is read too, so that it never blocks on us."""
        lines = queue.Queue()

        def read(stream):
            try:
                for line in stream:
                    lines.put(line)
            except ValueError:
                pass  # closed by the end of the process
            lines.put(None)

        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        deadline = time.monotonic() + PATIENCE
        seen = []
        while time.monotonic() < deadline:
            try:
                line = lines.get(timeout=deadline - time.monotonic())
            except queue.Empty:
                break
            if line is None:
                break
            seen.append(line)
            if found := ANNOUNCED.search(line):
                return found[1]
        self.kill()
        log = self.log.read_text(errors="replace")[-4000:]
        raise AssertionError(f"the server did not start; it said\n{''.join(seen)}\nand logged\n{log}")

    def _environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTHASTE_")}
        # Several relays run at the same time here, and but one could have the usual address.
        return kept | {"POSTHASTE_SERVER__EVENTS_LISTEN": "off"} | self.settings

    # -- the command line ----------------------------------------------------------------

    def cli(self, *arguments, stdin=None):
        """A command on this data folder; gives what it printed."""
        done = subprocess.run(
            [self.binary, *arguments, "--data", self.data],
            env=self._environment(),
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        shown = " ".join(map(str, arguments))
        assert done.returncode == 0, (
            f"posthaste {shown} ended with {done.returncode}:\n{done.stderr}\n{done.stdout}"
        )
        return done.stdout

    def add_sandbox(self, name="s1"):
        self.cli("accounts", "add", "--preset", "sandbox", "--name", name)

    def add_account(self, name, upstream, priority=50):
        """An account at an Anthropic-compatible upstream of ours."""
        self.cli(
            *("accounts", "add", "--preset", "anthropic-compatible", "--name", name),
            *("--base-url", upstream.url, "--priority", str(priority), "--api-key", "-"),
            stdin="sk-ant-dummy\n",
        )

    def create_key(self, name="k1"):
        made = json.loads(self.cli("keys", "create", "--name", name, "--json"))
        return ClientKey(id=made["id"], secret=made["key"])

    def books(self, key):
        """The key's usage, in all."""
        totals = json.loads(self.cli("keys", "usage", key.id, "--json"))["totals"]
        usage = totals["usage"]
        return Books(
            attempts=totals["attempts"],
            completed=totals["completed"],
            estimated=totals["estimated"],
            input=usage["input"],
            output=usage["output"],
            cache_read=usage["cache_read"],
            cache_write=usage["cache_write_5m"] + usage["cache_write_1h"],
        )
