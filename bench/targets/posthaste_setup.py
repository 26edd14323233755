"""Three accounts at the mock upstream and a client key, with limits where asked; prints `key=…`."""

import json
import subprocess
import sys

binary, data, preset, upstream, *limits = sys.argv[1:]


def posthaste(*words, stdin=""):
    done = subprocess.run(
        [binary, *words, "--data", data], input=stdin, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def limited():
    return [word for limit in limits for word in ("--limit", limit)]


for number in range(1, 4):
    posthaste(
        *("accounts", "add", "--preset", preset, "--name", f"a{number}"),
        *("--base-url", upstream, "--api-key", "-"),
        stdin=f"sk-ant-dummy{number}\n",
    )
    if limits:
        posthaste("accounts", "update", f"a{number}", *limited())
print("key=" + json.loads(posthaste("keys", "create", "--name", "bench", *limited(), "--json"))["key"])
