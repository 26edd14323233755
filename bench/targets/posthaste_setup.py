"""Three accounts at the mock upstream and a client key; prints `key=…`."""

import json
import subprocess
import sys

binary, data, preset, upstream = sys.argv[1:]


def posthaste(*words, stdin=""):
    done = subprocess.run(
        [binary, *words, "--data", data], input=stdin, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


for number in range(1, 4):
    posthaste(
        *("accounts", "add", "--preset", preset, "--name", f"a{number}"),
        *("--base-url", upstream, "--api-key", "-"),
        stdin=f"sk-ant-dummy{number}\n",
    )
print("key=" + json.loads(posthaste("keys", "create", "--name", "bench", "--json"))["key"])
