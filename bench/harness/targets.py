"""What is measured: one TOML file a target, see README.md."""

import http.client
import os
import shutil
import subprocess
import tempfile
import time
import tomllib
from pathlib import Path

from .peers import installed
from .processes import spawn, stop
from .scenarios import STREAM_END

HERE = Path(__file__).resolve().parent.parent
WORK = Path(os.environ.get("BENCH_WORK", Path(tempfile.gettempdir()) / "posthaste-bench"))
BUILD = Path(os.environ.get("BENCH_BUILD", HERE / "target"))
MOCK_PORT = 19100


def call(port, method, path, body=None, headers=None, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


class Target:
    """A relay. `NAME@VARIANT` is NAME with the settings of its table `variant.VARIANT`."""

    def __init__(self, name, core):
        file, _, variant = name.partition("@")
        self.spec = tomllib.loads((HERE / "targets" / f"{file}.toml").read_text())
        self.spec |= self.spec["variant"][variant] if variant else {}
        self.name, self.core = name, core
        self.port = self.spec.get("port", MOCK_PORT)
        self.dir = WORK / "run" / name
        self.process, self.helpers, self.start_seconds = None, [], 0
        self.variables = {
            "port": self.port,
            "mock": MOCK_PORT,
            "run": self.dir,
            "bench": HERE,
            "build": BUILD,
            "posthaste": os.environ.get("POSTHASTE_BIN", HERE.parent / "target/release/posthaste"),
            "port2": self.port + 50,
            "model": self.spec.get("model", "claude-sonnet-4-5"),
            "preset": self.spec.get("preset", ""),
            "base": self.spec.get("base", ""),
        }
        if "peer" in self.spec:
            self.variables["peer"] = installed(WORK, file, self.spec["peer"])

    def fill(self, text):
        for name, value in self.variables.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def words(self, command):
        return [self.fill(word) for word in command]

    def start(self):
        if "start" not in self.spec:
            return
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        for name, text in self.spec.get("files", {}).items():
            (self.dir / name).write_text(self.fill(text))
        self.launch()
        if "setup" in self.spec:
            self.set_up()

    def restart(self):
        """A fresh process on what the last one kept."""
        if self.process:
            self.stop()
            self.launch()

    def launch(self):
        for command in self.spec.get("aux", []):
            self.helpers.append(spawn(self.words(command), self.log, self.environment, self.dir, self.core))
        time.sleep(0.5 if self.helpers else 0)
        begun = time.time()
        self.process = spawn(self.words(self.spec["start"]), self.log, self.environment, self.dir, self.core)
        self.wait_ready(self.spec.get("start_timeout", 60))
        self.start_seconds = time.time() - begun

    def set_up(self):
        """Runs the set-up command; its lines KEY=VALUE become variables."""
        done = subprocess.run(
            self.words(self.spec["setup"]),
            env=self.environment,
            cwd=self.dir,
            timeout=60,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name}: set-up failed: {done.stderr[-2000:]}")
        self.variables.update(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    @property
    def log(self):
        return self.dir / "log.txt"

    @property
    def environment(self):
        return {**os.environ, **{name: self.fill(value) for name, value in self.spec.get("env", {}).items()}}

    def wait_ready(self, limit):
        end = time.time() + limit
        while time.time() < end and self.process.poll() is None:
            try:
                if call(self.port, "GET", self.spec.get("ready", "/"), timeout=2)[0] < 500:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} did not get ready, see {self.log}")

    def stop(self):
        for process in ([self.process] if self.process else []) + self.helpers:
            stop(process)
        self.process, self.helpers = None, []

    def pids(self):
        return [self.process.pid] if self.process else []

    def api(self, name, stream):
        api = self.spec.get("api", {}).get(name)
        if api is None:
            return None
        headers = {name: self.fill(value) for name, value in api.get("headers", {}).items()}
        return {
            "path": self.fill(self.for_stream(api, "path", stream)),
            "model": api.get("model", self.variables["model"]),
            "headers": {"content-type": "application/json"} | headers,
            "upstream": self.fill(self.for_stream(self.spec | api, "upstream", stream)),
            "end": api.get("end", STREAM_END[name]),
        }

    @staticmethod
    def for_stream(table, name, stream):
        """A path, which some APIs have another of for streams."""
        path = table.get(name, "/v1/messages")
        return table.get(f"stream_{name}", path) if stream else path
