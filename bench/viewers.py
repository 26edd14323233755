#!/usr/bin/env python3
"""What somebody who watches a relay costs it: the CPU of the relay under a steady load, with so many viewers on its events WebSocket.

viewers.py [--viewers 0,10,50] [--rate R] [--seconds S] [--reps N] [--topics totals,requests,...] [--out FILE]

`POSTHASTE_BIN` is the program, `BENCH_BUILD` the folder that bench/ was built into. Shares are of one core; what no viewer costs is taken off.
"""

import argparse
import base64
import json
import os
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from harness import machine
from harness.bodies import body_of
from harness.measure import MOCK_BASE, OUTPUT_TOKENS, Mock
from harness.processes import cpu_seconds, stop, tree
from harness.served import serve
from harness.targets import BUILD, MOCK_PORT, WORK

PORT = 19240
BINARY = os.environ["POSTHASTE_BIN"]


def main():
    options = arguments()
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder) / "data"
        token, key = furnish(folder)
        server = serve(folder, PORT, "viewers.log", {"POSTHASTE_LOG__FILTER": "info"})
        mock = Mock.start(False)
        try:
            mock.configure(MOCK_BASE)
            load(options, key, 2)
            runs = {count: [] for count in options.viewers}
            for _ in range(options.reps):
                for count in options.viewers:
                    runs[count].append(measured(options, server, token, key, count))
        finally:
            stop(server)
            stop(mock.process)
    text = report(options, runs)
    print(text)
    if options.out:
        options.out.write_text(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser.add_argument("--viewers", type=numbers, default=[0, 10, 50])
    parser.add_argument("--rate", type=int, default=100, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--topics", type=lambda text: text.split(","), default=["totals", "requests", "accounts", "notices", "logs"])
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def posthaste(folder, *words, stdin=""):
    command = [BINARY, *map(str, words), "--data", folder, "--json"]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) if done.stdout.strip() else None


def furnish(folder):
    scopes = ["usage:read", "requests:read", "accounts:read", "system:read"]
    words = [word for scope in scopes for word in ("--scope", scope)]
    posthaste(folder, "init")
    token = posthaste(folder, "tokens", "create", "viewer", *words)["token"]
    place = ("--base-url", f"http://127.0.0.1:{MOCK_PORT}", "--api-key", "-")
    posthaste(folder, "accounts", "add", "--preset", "anthropic-compatible", "--name", "one", *place, stdin="sk-ant-dummy\n")
    return token, posthaste(folder, "keys", "create", "--name", "load")["key"]


def measured(options, server, token, key, count):
    """The relay's CPU, in shares of a core, and how many messages a viewer got a second."""
    viewers = [Viewer(token, options.topics) for _ in range(count)]
    time.sleep(1)
    begun, before = time.time(), cpu_seconds(tree(server.pid))
    load(options, key, options.seconds)
    share = (cpu_seconds(tree(server.pid)) - before) / (time.time() - begun)
    told = sum(viewer.messages for viewer in viewers) / max(count, 1) / options.seconds
    for viewer in viewers:
        viewer.close()
    return share, told


class Viewer(threading.Thread):
    """A WebSocket that subscribes and reads. A server's frames are unmasked, and these are not cut into pieces."""

    def __init__(self, token, topics):
        super().__init__(daemon=True)
        self.messages = 0
        self.socket = socket.create_connection(("127.0.0.1", PORT))
        key = base64.b64encode(os.urandom(16)).decode()
        head = ["GET /ws HTTP/1.1", f"Host: 127.0.0.1:{PORT}", "Connection: Upgrade", "Upgrade: websocket"]
        head += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Authorization: Bearer {token}"]
        self.socket.sendall("\r\n".join(head + ["", ""]).encode())
        self.stream = self.socket.makefile("rb")
        answer = self.stream.readline()
        if b" 101 " not in answer:
            raise SystemExit(f"no WebSocket: {answer}")
        while self.stream.readline() not in (b"\r\n", b""):
            pass
        self.send({"type": "subscribe", "content": {"topics": topics}})
        self.start()

    def send(self, message, opcode=1):
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + masked)

    def run(self):
        try:
            while head := self.stream.read(2):
                length = head[1] & 0x7F
                if length == 126:
                    length = struct.unpack(">H", self.stream.read(2))[0]
                elif length == 127:
                    length = struct.unpack(">Q", self.stream.read(8))[0]
                payload = self.stream.read(length)
                if head[0] & 0xF == 9:
                    self.send(payload, opcode=10)
                elif head[0] & 0xF == 1:
                    self.messages += 1
        except (OSError, ValueError):
            pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.join(5)
        self.socket.close()


def load(options, key, seconds):
    body = WORK / "body-viewers.json"
    body.write_bytes(body_of("messages", "small", "claude-sonnet-4-5", False))
    words = ["--url", f"http://127.0.0.1:{PORT}/api/v1/messages", "--body", body, "-c", 32, "-n", 10**6]
    words += ["--expect", OUTPUT_TOKENS, "--timeout", 60, "--chunks", 1, "--seconds", seconds, "--rate", options.rate]
    for header in [f"x-api-key: {key}", "anthropic-version: 2023-06-01", "content-type: application/json"]:
        words += ["-H", header]
    done = subprocess.run([str(word) for word in [BUILD / "release/load", *words]], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    if found["failed"]:
        raise SystemExit(f"{found['failed']} requests failed: {found['sample']}")


def report(options, runs):
    alone = statistics.median(share for share, _ in runs[options.viewers[0]])
    lines = ["# Viewers", "", machine.describe(), ""]
    lines += [f"{options.rate} requests a second, topics {', '.join(options.topics)}; medians of {options.reps} runs of {options.seconds:.0f} s.", ""]
    lines += ["| viewers | the relay's CPU, % of a core | for each viewer | messages a second for each |", "|---|---|---|---|"]
    for count, found in runs.items():
        share = statistics.median(share for share, _ in found)
        told = statistics.median(told for _, told in found)
        each = f"{(share - alone) / count * 100:.3f} %" if count else "-"
        lines.append(f"| {count} | {share * 100:.1f} | {each} | {told:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
