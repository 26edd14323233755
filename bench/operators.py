#!/usr/bin/env python3
"""What operators see of a large relay, and what it costs the relay; `cargo xtask bench --scenario operators` calls this.

operators.py FOLDER [--keys N] [--accounts N] [--rows N] [--repeat N] [--seconds S] [--out FILE]

FOLDER is a data folder. When it is not there yet, it is made and filled (`generate_books`); it can be measured again later.
The server keeps all rows and hours (`accounting.keep_rows`, `keep_hours`), so that nothing is dropped meanwhile.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import threading
import time
import urllib.parse
from datetime import datetime, timedelta, timezone
from pathlib import Path

from harness import machine
from harness.bodies import body_of
from harness.measure import MOCK_BASE, OUTPUT_TOKENS, Mock
from harness.processes import busy_seconds, cpu_seconds, pinned, resident, stop, tree
from harness.served import LONG_MEMORY, serve
from harness.targets import BUILD, MOCK_PORT, WORK

PORT = 19230
BINARY = os.environ["POSTHASTE_BIN"]
GENERATOR = os.environ.get("BENCH_GENERATOR", "")
AIMS = {"list": 200, "search": 300, "chart": 500, "dashboard": 500}


def main():
    options = arguments()
    WORK.mkdir(parents=True, exist_ok=True)
    made = fill(options)
    token, key = access(options.folder)
    server = start(options)
    mock = Mock.start(True)
    try:
        begun = busy_seconds(), time.time(), cpu_seconds([server.pid])
        rows = [timed(options, token, *question) for question in questions(token)]
        others = (busy_seconds() - begun[0] - cpu_seconds([server.pid]) + begun[2]) / (time.time() - begun[1])
        memory = resident(tree(server.pid))
        relay = relayed(options, mock, server, token, key)
    finally:
        stop(server)
        stop(mock.process)
    text = report(options, made, (rows, others, memory), relay)
    print(text)
    if options.out:
        options.out.write_text(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--accounts", type=int, default=5_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=40, help="how often each question is asked")
    parser.add_argument("--seconds", type=float, default=8, help="of each run of the relay")
    parser.add_argument("--reps", type=int, default=5, help="runs of the relay with and without reports")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def posthaste(folder, *words, stdin=""):
    done = subprocess.run(
        [BINARY, *words, "--data", folder, "--json"], input=stdin, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout) if done.stdout.strip() else None


def fill(options):
    """Makes the folder unless it is there; tells how long that took."""
    if (options.folder / "posthaste.db").exists():
        return None
    begun = time.time()
    posthaste(options.folder, "init")
    words = [GENERATOR, "--to", options.folder]
    words += ["--keys", options.keys, "--accounts", options.accounts, "--rows", options.rows]
    subprocess.run(list(map(str, words)), check=True)
    return time.time() - begun


def access(folder):
    """A token of the admin API, and a client key that three accounts at the mock upstream serve."""
    name = f"bench-{int(time.time())}"
    scopes = ["keys:read", "accounts:read", "usage:read", "requests:read", "system:read"]
    words = [word for scope in scopes for word in ("--scope", scope)]
    token = posthaste(folder, "tokens", "create", name, *words)["token"]
    posthaste(folder, "pools", "create", "--name", name)
    for number in range(3):
        account = f"{name}-{number}"
        place = ("--base-url", f"http://127.0.0.1:{MOCK_PORT}", "--api-key", "-")
        posthaste(
            folder, "accounts", "add", "--preset", "anthropic-compatible", "--name", account, *place,
            stdin="sk-ant-dummy\n",
        )
        posthaste(folder, "accounts", "update", account, "--pool", name)
    return token, posthaste(folder, "keys", "create", "--name", name, "--bind", f"pool:{name}")["key"]


def start(options):
    begun = time.time()
    server = serve(options.folder, PORT, "operators.log", LONG_MEMORY)
    print(f"# ready in {time.time() - begun:.2f} s", flush=True)
    time.sleep(1)
    return server


class Asker:
    """Asks the admin API on a connection of its own."""

    def __init__(self, token):
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        self.headers = {"authorization": f"Bearer {token}"}

    def ask(self, path):
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:300]}")
        return json.loads(body)["data"]


def questions(token):
    """(kind, what is asked, path)"""
    asker = Asker(token)
    keys = asker.ask("/admin/api-keys?sortBy=cost&sortOrder=desc&pageSize=1")["items"]
    account = asker.ask("/admin/accounts?sortBy=cost&sortOrder=desc&pageSize=1")["items"][0]["id"]
    key, prefix = keys[0]["id"], keys[0]["name"][:9]
    now = datetime.now(timezone.utc)
    day = urllib.parse.quote((now - timedelta(days=29)).strftime("%Y-%m-%dT00:00:00Z"))
    hour = urllib.parse.quote((now - timedelta(hours=47)).strftime("%Y-%m-%dT%H:00:00Z"))
    year = urllib.parse.quote((now - timedelta(days=360)).strftime("%Y-%m-01T00:00:00Z"))
    both = [("keys", "api-keys"), ("accounts", "accounts")]
    lists = [(name, f"/admin/{path}?pageSize=50{query}") for name, path, query in [
        (f"{noun}, {what}", path, query)
        for noun, path in both
        for what, query in [
            ("first page", ""),
            ("page 40", "&page=40"),
            ("500 of them", "&pageSize=500"),
            ("by cost, ever", "&sortBy=cost&sortOrder=desc"),
            ("by cost, 30 days", "&sortBy=cost&sortOrder=desc&range=30days"),
            ("by cost, today", "&sortBy=cost&sortOrder=desc&range=today"),
            ("by last use", "&sortBy=lastUsedAt&sortOrder=desc"),
            ("by date", "&sortBy=createdAt"),
        ]
    ]]
    lists = [(name, path.replace("pageSize=50&pageSize=500", "pageSize=500")) for name, path in lists]
    lists += [
        ("keys, by tag", "/admin/api-keys?tag=site-3&sortBy=cost&sortOrder=desc"),
        ("keys, active, by owner", "/admin/api-keys?isActive=true&sortBy=owner"),
        ("accounts, of a preset", "/admin/accounts?preset=anthropic&sortBy=priority"),
        ("Claude accounts", "/admin/claude-accounts"),
        ("requests, latest", "/admin/request-details?limit=50"),
        ("requests, failed", "/admin/request-details?limit=50&status=failed"),
    ]
    search = [
        ("keys, by prefix", f"/admin/api-keys?search={prefix}"),
        ("keys, by team", "/admin/api-keys?search=team-0042"),
        ("keys, nothing found", "/admin/api-keys?search=nobody-has-this"),
        ("keys, by cost", "/admin/api-keys?search=ada&sortBy=cost&sortOrder=desc"),
        ("accounts, by name", "/admin/accounts?search=gemini-00"),
    ]
    by = ["key", "account", "model", "provider", "owner", "team"]
    trend = "/admin/trends?every="
    charts = [("all, 13 months", f"{trend}month&since={year}"), ("all, 30 days", f"{trend}day&since={day}")]
    charts += [(f"by {what}, 13 months", f"{trend}month&by={what}&since={year}") for what in by]
    charts += [(f"by {what}, 30 days", f"{trend}day&by={what}&since={day}") for what in by]
    charts += [(f"by {what}, 48 hours", f"{trend}hour&by={what}&since={hour}") for what in by]
    charts += [
        ("one key, 30 days by model", f"{trend}day&by=model&key={key}&since={day}"),
        ("one key, 13 months", f"{trend}month&key={key}"),
        ("one account, 30 days", f"{trend}day&account={account}&since={day}"),
        ("one account, 13 months by model", f"{trend}month&by=model&account={account}"),
        ("ranks of keys, this year", f"/admin/usage?by=key&top=100&since={year}"),
        ("models, ever", "/admin/model-stats?period=alltime"),
        ("costs, this month", "/admin/usage-costs?period=monthly"),
    ]
    groups = [("list", lists), ("search", search), ("chart", charts), ("dashboard", [("dashboard", "/admin/dashboard")])]
    return [(kind, name, path) for kind, asked in groups for name, path in asked]


def timed(options, token, kind, name, path):
    asker, times = Asker(token), []
    for _ in range(options.repeat + 1):
        begun = time.perf_counter()
        asker.ask(path)
        times.append((time.perf_counter() - begun) * 1e3)
    first, times = times[0], sorted(times[1:])
    row = {"kind": kind, "name": name, "first": first, "p50": at(times, 50), "p95": at(times, 95)}
    print(f"{kind:9} {name:34} first {first:7.1f}  p50 {row['p50']:7.1f}  p95 {row['p95']:7.1f} ms", flush=True)
    return row


def at(times, percent):
    return times[min(len(times) - 1, round(percent / 100 * (len(times) - 1)))]


class Reports(threading.Thread):
    """Asks for lists and charts one after another until told to stop, with so many seconds between them."""

    PATHS = (
        "/admin/api-keys?sortBy=cost&sortOrder=desc",
        "/admin/trends?every=month&by=key",
        "/admin/accounts?sortBy=cost&sortOrder=desc",
        "/admin/trends?every=day&by=account",
        "/admin/dashboard",
        "/admin/trends?every=month&by=owner",
    )

    def __init__(self, token, pause):
        super().__init__(daemon=True)
        self.asker, self.pause, self.done, self.asked = Asker(token), pause, threading.Event(), 0

    def run(self):
        while not self.done.wait(self.pause):
            self.asker.ask(self.PATHS[self.asked % len(self.PATHS)])
            self.asked += 1


def relayed(options, mock, server, token, key):
    """Runs of the relay by itself and with reports, in turns; the load has one core with the mock, the server the other."""
    subprocess.run(["taskset", "--all-tasks", "--pid", "--cpu-list", "1", str(server.pid)], check=True, capture_output=True)
    mock.configure(MOCK_BASE)
    load(options, key, seconds=2)
    ways = {"nobody": None, "an operator each second": 1.0, "reports back to back": 0.0}
    runs = {name: [] for name in ways}
    for _ in range(options.reps):
        for name, pause in ways.items():
            reports = Reports(token, pause) if pause is not None else None
            if reports:
                reports.start()
            before = cpu_seconds([server.pid])
            run = load(options, key, options.seconds)
            run["cpu_us"] = (cpu_seconds([server.pid]) - before) * 1e6 / max(run["ok"], 1)
            if reports:
                reports.done.set()
                reports.join()
            run["asked"] = reports.asked if reports else 0
            print(f"relay, {name}: {run['rps']:.0f}/s, p99 {run['latency_us']['p99']} µs, {run['asked']} reports", flush=True)
            runs[name].append(run)
    return runs


def load(options, key, seconds):
    body = WORK / "body-operators.json"
    body.write_bytes(body_of("messages", "small", "claude-sonnet-4-5", False))
    words = ["--url", f"http://127.0.0.1:{PORT}/api/v1/messages", "--body", body, "-c", 32, "-n", 10**6]
    words += ["--expect", OUTPUT_TOKENS, "--timeout", 60, "--chunks", 1, "--seconds", seconds]
    for header in [f"x-api-key: {key}", "anthropic-version: 2023-06-01", "content-type: application/json"]:
        words += ["-H", header]
    command = pinned([BUILD / "release/load", *map(str, words)], 0)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if found["failed"]:
        raise SystemExit(f"{found['failed']} requests failed: {found['sample']}")
    return found


def report(options, made, asked, relay):
    rows, others, memory = asked
    size = sum(file.stat().st_size for file in options.folder.glob("posthaste.db*")) / 2**30
    lines = ["# Operators' surface", "", machine.describe(), ""]
    lines.append(
        f"{options.keys:,} client keys, {options.accounts:,} accounts, {options.rows:,} ledger rows over 13 months in the "
        f"embedded store ({size:.1f} GiB{f', made in {made:.0f} s' if made else ''}). Each question was asked once and then "
        f"{options.repeat} times, one after another. Other programs kept {max(others, 0):.1f} cores busy; load average now "
        f"{os.getloadavg()[0]:.1f}. The server had {memory / 2**20:.0f} MiB resident after that."
    )
    lines += ["", "| | question | first, ms | p50, ms | p95, ms | aim |", "|---|---|---|---|---|---|"]
    for row in rows:
        aim = AIMS[row["kind"]]
        within = f"≤ {aim}" if row["p95"] <= aim else f"**missed**: ≤ {aim}"
        lines.append(f"| {row['kind']} | {row['name']} | {row['first']:.0f} | {row['p50']:.1f} | {row['p95']:.1f} | {within} |")
    lines += ["", "The relay meanwhile: 1 KB JSON, 32 clients, the server on one core, medians.", ""]
    lines += ["| who asks for reports | reports a second | requests/s | against nobody | p50, µs | p99, µs |", "|---|---|---|---|---|---|"]
    alone = relay["nobody"]
    for name, runs in relay.items():
        middle = lambda value: statistics.median(value(run) for run in runs)
        pairs = [run["rps"] / other["rps"] for run, other in zip(runs, alone)]
        lines.append(
            f"| {name} | {middle(lambda run: run['asked'] / run['seconds']):.1f} | {middle(lambda run: run['rps']):.0f} | "
            f"{(statistics.median(pairs) - 1) * 100:+.1f} % | {middle(lambda run: run['latency_us']['p50']):.0f} | "
            f"{middle(lambda run: run['latency_us']['p99']):.0f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
