#!/usr/bin/env python3
"""What a relay does at its edges: ten thousand slow streams, ten thousand clients that vanish, nine thousand that drip their heads, an
outage of every account, a start with many records.

levels.py [--parts streams,vanish,slow,outage,start] [--streams N] [--out FILE]

`POSTHASTE_BIN` is the program, `BENCH_BUILD` the folder that bench/ was built into, `BENCH_GENERATOR` the maker of books (`start` alone). Keys,
scheduling, ledger, records and metrics are on, as a relay ships.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import machine
from harness.bodies import body_of
from harness.measure import MOCK_BASE, OUTPUT_TOKENS, Mock
from harness.processes import PeakResident, resident, stop, tree
from harness.served import serve
from harness.targets import BUILD, MOCK_PORT, WORK, call

PORT = 19241
BINARY = os.environ["POSTHASTE_BIN"]
METERED = {"POSTHASTE_SERVER__METRICS_TOKEN": "metrics-dummy"}
METRICS = {"authorization": "Bearer metrics-dummy"}


def main():
    options = arguments()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    WORK.mkdir(parents=True, exist_ok=True)
    parts = {"streams": streams, "vanish": vanish, "slow": slow, "outage": outage, "start": start}
    lines = ["# A relay at its edges", "", machine.describe(), ""]
    for name in options.parts:
        for line in parts[name](options):
            print(line, flush=True)
            lines.append(line)
        lines.append("")
    lines.append(f"Load average at the end {os.getloadavg()[0]:.1f}.")
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=lambda text: text.split(","), default=["streams", "vanish", "slow", "outage", "start"])
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--sockets", type=int, default=9_000, help="that drip their heads")
    parser.add_argument("--accounts", type=int, default=20, help="accounts that are down in an outage")
    parser.add_argument("--seconds", type=float, default=20, help="of an outage")
    parser.add_argument("--starts", type=int, default=7)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


class Relay:
    """A relay as it ships, with its accounts at the mock upstream."""

    def __init__(self, folder, accounts):
        self.folder = folder
        self.posthaste("init")
        place = ("--base-url", f"http://127.0.0.1:{MOCK_PORT}", "--api-key", "-")
        for number in range(accounts):
            name = ("--preset", "anthropic-compatible", "--name", f"a{number}")
            self.posthaste("accounts", "add", *name, *place, stdin=f"sk-ant-dummy{number}\n")
        self.key = self.posthaste("keys", "create", "--name", "load")["key"]
        self.process = serve(folder, PORT, "levels.log", METERED)
        self.idle = self.resident()

    def posthaste(self, *words, stdin=""):
        command = [BINARY, *map(str, words), "--data", self.folder, "--json"]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def resident(self):
        return resident(tree(self.process.pid))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def gauge(self, name):
        """The sum of a metric over its labels."""
        text = call(PORT, "GET", "/metrics", headers=METRICS)[1]
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def headers(self):
        return {"content-type": "application/json", "x-api-key": self.key, "anthropic-version": "2023-06-01"}


@contextlib.contextmanager
def furnished(accounts=3):
    with tempfile.TemporaryDirectory() as folder:
        relay = Relay(Path(folder) / "data", accounts)
        mock = Mock.start(False)
        try:
            mock.configure(MOCK_BASE)
            yield relay, mock
        finally:
            stop(relay.process)
            stop(mock.process)


def load(relay, stream, words):
    """The load generator with short requests of one kind."""
    body = WORK / f"body-levels-{'stream' if stream else 'json'}.json"
    body.write_bytes(body_of("messages", "small", "claude-sonnet-4-5", stream))
    words = ["--url", f"http://127.0.0.1:{PORT}/api/v1/messages", "--body", body, "--expect", OUTPUT_TOKENS, *words]
    for name, value in relay.headers().items():
        words += ["-H", f"{name}: {value}"]
    command = [str(word) for word in [BUILD / "release/load", *words]]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)


def begin(relay, count, ramp):
    """So many streams, started over `ramp` seconds."""
    return load(relay, True, ["-c", count, "-n", count, "--timeout", 200, "--ramp-ms", int(ramp * 1000)])


def others(relay, seconds):
    """Those who want something else meanwhile: 100 requests a second."""
    return load(relay, False, ["-c", 32, "-n", 1_000_000, "--rate", 100, "--seconds", seconds, "--timeout", 60])


def waits(process):
    """How long they waited: a row's cells."""
    told = json.loads(process.communicate(timeout=120)[0])
    times = told["latency_us"]
    return f"{times['p50'] / 1000:.2f} | {times['p99'] / 1000:.2f} | {told['ok']:,} | {told['failed']}"


WAITS = ["| of others | p50 ms | p99 ms | answered | failed |", "|---|---|---|---|---|"]


def warmed(relay):
    """Some requests before, so that what the first of them leave behind is not taken for the streams'."""
    begin(relay, 200, 0.5).communicate(timeout=60)


def streams(options):
    """Memory of so many streams that are open at the same time."""
    with furnished() as (relay, mock):
        warmed(relay)
        before = relay.resident()
        mock.configure("chunks=30,delay_ms=1000")
        mock.reset()
        peak = PeakResident([relay.process.pid])
        peak.start()
        told = json.loads(begin(relay, options.streams, options.streams / 1000).communicate(timeout=240)[0])
        peak.finish()
        at_once = mock.stats()["max_in_flight"]
        after = relay.resident()
        yield f"## {options.streams:,} slow streams"
        yield ""
        yield "| idle MiB | before MiB | at the peak MiB | at the same time | KiB a stream | after MiB | answered | failed |"
        yield "|---|---|---|---|---|---|---|---|"
        cells = [f"{value / 2**20:.1f}" for value in (relay.idle, before, peak.peak)]
        cells += [f"{at_once:,}", f"{(peak.peak - before) / 1024 / at_once:.1f}", f"{after / 2**20:.1f}"]
        yield f"| {' | '.join(cells)} | {told['ok']:,} | {told['failed']} |"


def vanish(options):
    """All clients of so many open streams are killed at once."""
    with furnished() as (relay, mock):
        warmed(relay)
        calm = waits(others(relay, 8))
        files = relay.descriptors()
        mock.configure("chunks=60,delay_ms=1000")
        mock.reset()
        clients = begin(relay, options.streams, options.streams / 1000)
        while mock.stats()["in_flight"] < options.streams and clients.poll() is None:
            time.sleep(0.1)
        if clients.poll() is not None:
            raise SystemExit(f"{options.streams:,} streams were not open at the same time: fewer with --streams, or more descriptors")
        time.sleep(2)
        open_before = mock.stats()["in_flight"]
        with_them = waits(others(relay, 8))
        asking = others(relay, 8)
        time.sleep(1)
        clients.kill()
        clients.wait()
        begun, gone = time.time(), {}
        asked = [
            ("requests at the upstream", lambda: mock.stats()["in_flight"]),
            ("open attempts", lambda: relay.gauge("posthaste_open_attempts")),
            ("leases", lambda: relay.gauge("posthaste_leases")),
            # The pool may keep idle connections to the upstream.
            ("descriptors beyond 300", lambda: max(0, relay.descriptors() - files - 300)),
        ]
        slowest = 0
        while len(gone) < len(asked) and time.time() - begun < 65:
            since = time.time()
            call(PORT, "GET", "/health", timeout=30)
            slowest = max(slowest, time.time() - since)
            for name, count in asked:
                if name not in gone and count() == 0:
                    gone[name] = time.time() - begun
            time.sleep(0.05)
        yield f"## {open_before:,} clients are killed at once"
        yield ""
        yield "| what is left of them | gone after |"
        yield "|---|---|"
        for name, _ in asked:
            yield f"| {name} | {gone[name]:.2f} s |" if name in gone else f"| {name} | **not within 65 s** |"
        yield ""
        yield f"The slowest answer of `/health` meanwhile took {slowest * 1000:.0f} ms."
        yield ""
        yield from WAITS
        yield f"| before | {calm} |"
        yield f"| while the streams are open | {with_them} |"
        yield f"| in the 8 s in which they are killed | {waits(asking)} |"


class Dripping:
    """Sockets that send one byte of a head each 5 s, spread over them, and come again when they are sent away."""

    def __init__(self, count, port):
        self.port = port
        self.sockets = [self.opened() for _ in range(count)]
        self.away = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def opened(self):
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        opened.send(b"P")
        opened.setblocking(False)
        return opened

    def run(self):
        while not self.over.is_set():
            for number, mine in enumerate(self.sockets):
                if number % 10 == 0 and self.over.wait(5 * 10 / len(self.sockets)):
                    return
                try:
                    mine.send(b"x")
                    if not mine.recv(1, socket.MSG_PEEK):
                        raise ConnectionResetError
                except BlockingIOError:
                    continue
                except OSError:
                    mine.close()
                    self.away += 1
                    with contextlib.suppress(OSError):
                        self.sockets[number] = self.opened()

    def end(self):
        self.over.set()
        self.thread.join()
        for mine in self.sockets:
            mine.close()


def waits_beside(dripping, relay):
    """How long others wait, and the relay's memory then."""
    try:
        time.sleep(3)
        return waits(others(relay, 20)), relay.resident()
    finally:
        dripping.end()


def slow(options):
    """Others are served while so many sockets drip their heads."""
    with furnished() as (relay, _):
        warmed(relay)
        calm = waits(others(relay, 20))
        before = relay.resident()
        # What the sockets themselves take of this machine is no matter of the relay's.
        elsewhere = waits_beside(Dripping(options.sockets, MOCK_PORT), relay)[0]
        dripping = Dripping(options.sockets, PORT)
        meanwhile, during = waits_beside(dripping, relay)
        time.sleep(12)
        yield f"## {options.sockets:,} sockets drip their heads"
        yield ""
        yield from WAITS
        yield f"| before | {calm} |"
        yield f"| while they drip at the upstream | {elsewhere} |"
        yield f"| while they drip at the relay | {meanwhile} |"
        yield ""
        yield f"{dripping.away:,} of them were sent away meanwhile, and came again. Memory: {before / 2**20:.1f} MiB before, {during / 2**20:.1f} meanwhile."


def outage(options):
    """Every account fails; 50 requests a second ask all the same."""
    with furnished(options.accounts) as (relay, mock):
        warmed(relay)
        mock.configure("fault=500,every=1")
        body = body_of("messages", "small", "claude-sonnet-4-5", False)
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        ask(connection, relay, body)
        time.sleep(3)
        mock.reset()
        times, answers, begun = [], {}, time.time()
        for number in range(int(options.seconds * 50)):
            time.sleep(max(0, begun + number / 50 - time.time()))
            since = time.perf_counter()
            status = ask(connection, relay, body)
            times.append((time.perf_counter() - since) * 1000)
            answers[status] = answers.get(status, 0) + 1
        times.sort()
        attempts = mock.stats()["requests"]
        yield f"## {options.accounts} accounts are down for {options.seconds:.0f} s, 50 requests a second"
        yield ""
        yield "| p50 ms | p99 ms | slowest ms | answers | attempts for each request |"
        yield "|---|---|---|---|---|"
        told = ", ".join(f"{count}x {status}" for status, count in sorted(answers.items()))
        at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
        yield f"| {at(0.5):.2f} | {at(0.99):.2f} | {times[-1]:.2f} | {told} | {attempts / len(times):.3f} |"


def ask(connection, relay, body):
    connection.request("POST", "/api/v1/messages", body, relay.headers())
    answer = connection.getresponse()
    answer.read()
    return answer.status


def start(options):
    """From the start of the process to its first answer of `/health`, with the records of a large relay."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        subprocess.run([BINARY, "init", "--data", data], check=True, stdout=subprocess.DEVNULL)
        words = ["--to", data, "--keys", "10000", "--accounts", "5000", "--rows", "100000"]
        subprocess.run([os.environ["BENCH_GENERATOR"], *words], check=True, stdout=subprocess.DEVNULL)
        seconds, memory = [], []
        for _ in range(options.starts):
            begun = time.time()
            process = serve(data, PORT, "levels.log", METERED, wait=0.005)
            seconds.append(time.time() - begun)
            time.sleep(1)
            memory.append(resident(tree(process.pid)))
            stop(process)
        yield "## Start with 10,000 client keys and 5,000 accounts"
        yield ""
        yield "| starts | median s | slowest s | resident a second later, MiB |"
        yield "|---|---|---|---|"
        cells = [len(seconds), f"{statistics.median(seconds):.3f}", f"{max(seconds):.3f}", f"{statistics.median(memory) / 2**20:.1f}"]
        yield f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
