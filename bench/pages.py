#!/usr/bin/env python3
"""What people see of the console of a large relay: how long the server takes for a page, when the browser paints it, what it weighs.

pages.py FOLDER [--repeat N] [--paints N] [--out FILE]

FOLDER is a data folder with a large relay's books, as `operators.py` makes them. `POSTHASTE_BIN` is the program; `chromedriver` has to be there.
"""

import argparse
import gzip
import http.client
import json
import os
import re
import statistics
import subprocess
import time
import urllib.parse
from pathlib import Path

from harness import machine
from harness.processes import stop
from harness.served import LONG_MEMORY, serve
from harness.targets import WORK

PORT, DRIVER = 19250, 19251
BINARY = os.environ["POSTHASTE_BIN"]
PASSWORD = "correct horse battery"
# Milliseconds at p95, milliseconds, bytes over the wire.
SERVER, PAINT, FIRST, LATER = 200, 500, 150 * 1024, 30 * 1024


def main():
    options = arguments()
    WORK.mkdir(parents=True, exist_ok=True)
    name = operator(options.folder)
    server = start(options)
    driver = subprocess.Popen(["chromedriver", f"--port={DRIVER}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        person = Person(name)
        pages = addresses(person)
        rows = [served(options, person, *page) for page in pages]
        browser = Browser()
        try:
            browser.log_in(name)
            for row in rows:
                painted(options, browser, row)
        finally:
            browser.end()
    finally:
        stop(server)
        driver.kill()
    text = report(options, rows)
    print(text)
    if options.out:
        options.out.write_text(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeat", type=int, default=40, help="how often each page is asked for")
    parser.add_argument("--paints", type=int, default=7, help="how often the browser opens each page")
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def operator(folder):
    """An owner of the console, made anew for each run."""
    name = f"ada-{int(time.time())}"
    password = WORK / "password"
    password.write_text(PASSWORD)
    words = [BINARY, "users", "create", name, "--role", "owner", "--password-file", str(password)]
    subprocess.run([*words, "--data", str(folder)], check=True, capture_output=True)
    return name


def start(options):
    server = serve(options.folder, PORT, "pages.log", LONG_MEMORY)
    time.sleep(1)
    return server


class Person:
    """Asks for pages as a browser does, on a connection of its own."""

    def __init__(self, name):
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        self.cookies = {}
        form = urllib.parse.urlencode({"name": name, "password": PASSWORD})
        own = f"http://127.0.0.1:{PORT}"
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": own}
        status, _, _ = self.send("POST", "/admin-next/sign-in", form, headers)
        if status != 303:
            raise SystemExit(f"no log-in: {status}")

    def send(self, method, path, body=None, headers=()):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = dict(headers) | {"accept-encoding": "gzip"} | ({"cookie": cookies} if cookies else {})
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        body = answer.read()
        weight = len(body)
        if answer.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        return answer.status, weight, body.decode(errors="replace")

    def page(self, path):
        status, weight, body = self.send("GET", path)
        if status != 200:
            raise SystemExit(f"{path}: {status} {body[:300]}")
        return weight, body


def addresses(person):
    """(what it is, its path): every page that the navigation leads to, some with what makes them slow, and pages of single records."""
    _, start = person.page("/admin-next")
    navigation = start[start.index("<nav"):]
    paths = dict.fromkeys(re.findall(r'href="(/admin-next[^"?#]*)"', navigation[:navigation.index("</nav>")]))
    pages = [(path.removeprefix("/admin-next/") if path != "/admin-next" else "dashboard", path) for path in paths]
    pages += [
        ("dashboard, 12 months by key", "/admin-next?range=12m&by=key"),
        ("keys, by cost", "/admin-next/keys?sort=cost&order=desc"),
        ("keys, found", "/admin-next/keys?search=ada"),
        ("keys, page 40", "/admin-next/keys?page=40"),
        ("new key", "/admin-next/keys/new"),
        ("accounts, by cost", "/admin-next/accounts?sort=cost&order=desc"),
        ("accounts, found", "/admin-next/accounts?search=gemini-00"),
        ("new account", "/admin-next/accounts/new/anthropic"),
        ("who would serve, told", "/admin-next/plan?model=claude-sonnet-4-5"),
        ("requests, failed", "/admin-next/requests?status=failed"),
        ("use by key", "/admin-next/usage?by=key"),
        ("use by account", "/admin-next/usage?by=account"),
    ]
    for kind in ("keys", "accounts", "requests", "pools"):
        _, listed = person.page(f"/admin-next/{kind}")
        found = re.search(rf'href="(/admin-next/{kind}/[0-9a-f]{{8}}[^"?#/]*)"', listed)
        if found:
            pages.append((f"one of {kind}", found[1]))
            if kind in ("keys", "accounts"):
                pages.append((f"one of {kind}, form", f"{found[1]}/edit"))
    return pages


def served(options, person, name, path):
    times = []
    for _ in range(options.repeat + 1):
        begun = time.perf_counter()
        weight, _ = person.page(path)
        times.append((time.perf_counter() - begun) * 1e3)
    first, times = times[0], sorted(times[1:])
    row = {"name": name, "path": path, "weight": weight, "first": first, "p50": at(times, 50), "p95": at(times, 95)}
    print(f"{name:30} first {first:7.1f}  p50 {row['p50']:7.1f}  p95 {row['p95']:7.1f} ms  {weight / 1024:6.1f} KB", flush=True)
    return row


def at(times, percent):
    return times[min(len(times) - 1, round(percent / 100 * (len(times) - 1)))]


class Browser:
    """A headless Chromium by the WebDriver protocol."""

    def __init__(self):
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,900"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
        for _ in range(100):
            try:
                self.session = self.send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("no browser")

    def send(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", DRIVER, timeout=120)
        connection.request(method, path, json.dumps(body) if body is not None else None, {"content-type": "application/json"})
        answer = json.loads(connection.getresponse().read())["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise SystemExit(answer["message"])
        return answer

    def do(self, command, body):
        return self.send("POST", f"/session/{self.session}/{command}", body)

    def go(self, path):
        self.do("url", {"url": f"http://127.0.0.1:{PORT}{path}"})

    def script(self, script):
        return self.do("execute/sync", {"script": script, "args": []})

    def log_in(self, name):
        self.go("/admin-next/sign-in")
        self.script(
            f"document.querySelector('[name=name]').value = {json.dumps(name)};"
            f"document.querySelector('[name=password]').value = {json.dumps(PASSWORD)};"
            "document.querySelector('form.fields').requestSubmit()"
        )
        for _ in range(100):
            if not self.script("return location.pathname").endswith("/sign-in"):
                return
            time.sleep(0.1)
        raise SystemExit("the browser's log-in failed")

    def opened(self, path):
        """When it was painted first, in milliseconds after the click, and what came over the wire."""
        self.go(path)
        for _ in range(100):
            paint = self.script("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
            if paint is not None:
                break
            time.sleep(0.02)
        sizes = "return performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize ?? 0), 0)"
        return paint, self.script(sizes)

    def forget(self):
        self.do("goog/cdp/execute", {"cmd": "Network.clearBrowserCache", "params": {}})

    def end(self):
        self.send("DELETE", f"/session/{self.session}")


def painted(options, browser, row):
    browser.forget()
    row["cold"], row["first_bytes"] = browser.opened(row["path"])
    again = [browser.opened(row["path"]) for _ in range(options.paints)]
    row["paint"] = statistics.median(paint for paint, _ in again)
    row["slowest"] = max(paint for paint, _ in again)
    row["later_bytes"] = max(size for _, size in again)
    print(f"{row['name']:30} painted {row['cold']:6.0f}, then {row['paint']:6.0f} ms  {row['first_bytes'] / 1024:6.1f}, {row['later_bytes'] / 1024:6.1f} KB", flush=True)


def bold(value, aim, digits=0):
    text = f"{value:.{digits}f}"
    return f"**{text}**" if value > aim else text


def report(options, rows):
    size = sum(file.stat().st_size for file in options.folder.glob("posthaste.db*")) / 2**30
    lines = ["# Pages of the console", "", machine.describe(), ""]
    lines.append(
        f"The books of `operators` ({size:.1f} GiB). Each page was asked for once and then {options.repeat} times, one after another; then a "
        f"headless Chromium opened it with an empty cache and {options.paints} times more. Load average now {os.getloadavg()[0]:.1f}. "
        f"Aims: {SERVER} ms at p95, first paint {PAINT} ms, {FIRST // 1024} KB on the first visit, {LATER // 1024} KB after. What misses one is bold."
    )
    lines += ["", "| page | first, ms | p50, ms | p95, ms | first paint with an empty cache, ms | first paint, median (slowest), ms | first visit, KB | after, KB |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for row in rows:
        cells = [
            row["name"],
            f"{row['first']:.0f}",
            f"{row['p50']:.1f}",
            bold(row["p95"], SERVER, 1),
            bold(row["cold"], PAINT),
            f"{bold(row['paint'], PAINT)} ({row['slowest']:.0f})",
            bold(row["first_bytes"] / 1024, FIRST / 1024),
            bold(row["later_bytes"] / 1024, LATER / 1024, 1),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
