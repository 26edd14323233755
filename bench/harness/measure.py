"""One target under one load, beside the mock upstream."""

import json
import re
import resource
import subprocess
import time

from .bodies import body_of
from .processes import PeakResident, busy_seconds, cpu_seconds, pinned, spawn
from .scenarios import COUNTS
from .targets import BUILD, MOCK_PORT, WORK, call

MOCK_BASE = "chunks=50,bytes=20,json_bytes=600,delay_ms=0,ttfb_ms=0,fault=none,every=1,coalesce=0"
# Of every answer of the mock; a relay must pass them on.
INPUT_TOKENS, OUTPUT_TOKENS = 1234, 567


class Mock:
    """The mock upstream's process and its controls."""

    def __init__(self, process):
        self.process = process

    @classmethod
    def start(cls, pin):
        try:
            call(MOCK_PORT, "GET", "/__stats")
        except OSError:
            pass
        else:
            raise SystemExit(f"port {MOCK_PORT} is in use: another run is under way")
        command = [BUILD / "release/mock-upstream", f"127.0.0.1:{MOCK_PORT}"]
        mock = cls(spawn(command, WORK / "mock.log", core=0 if pin else None))
        for _ in range(50):
            try:
                mock.stats()
                return mock
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the mock did not start, see {WORK / 'mock.log'}")

    def control(self, path):
        return json.loads(call(MOCK_PORT, "POST", path)[1])

    def stats(self):
        return self.control("/__stats")

    def reset(self):
        self.control("/__reset")

    def configure(self, settings):
        self.control("/__config?" + settings.replace(",", "&"))

    def last(self):
        return call(MOCK_PORT, "GET", "/__last")[1]


def verify(mock, target, scenario):
    """One request: the answer has the mock's text and its token counts, and the mock was asked once."""
    stream = scenario.get("stream", False)
    api = target.api(scenario["api"], stream)
    if api is None:
        return "not supported"
    mock.configure(MOCK_BASE + ",chunks=7")
    before = mock.stats()["by_path"].get(api["upstream"], 0)
    body = body_of(scenario["api"], scenario["body"], api["model"], stream)
    try:
        status, text = call(target.port, "POST", api["path"], body, api["headers"])
    except OSError as error:
        return f"no answer: {error}"
    keep_sample(mock, target, scenario, text)
    if status != 200:
        return f"status {status}: {text[:300]}"
    hits = mock.stats()["by_path"].get(api["upstream"], 0) - before
    if hits != 1:
        return f"upstream {api['upstream']} was asked {hits} times"
    return fault_in(text, scenario["api"], stream, api["end"]) or "ok"


def fault_in(text, api, stream, end):
    # Responses' last events repeat the whole text.
    stamps = len(set(re.findall(r"@t=\d+@", text)))
    if stamps != (7 if stream else 1):
        return f"{stamps} stamps in the answer"
    for field, wanted in zip(COUNTS[api], (INPUT_TOKENS, OUTPUT_TOKENS), strict=True):
        if not re.search(rf'"{field}"\s*:\s*{wanted}\b', text):
            return f"{field} {wanted} is missing"
    if stream and end not in text:
        return f"{end} is missing"
    return None


def keep_sample(mock, target, scenario, text):
    folder = WORK / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    form = "sse" if scenario.get("stream") else "json"
    name = f"{target.name}-{scenario['api']}-{form}-{scenario['body']}.txt"
    (folder / name).write_text(f"{text}\n\n==== what the upstream got\n{mock.last()}")


def measure(mock, target, scenario, options, first):
    if scenario.get("fresh"):
        target.restart()
        first = True
    # Warm up against a quick upstream, so that a slow-stream scenario starts from a warm process.
    mock.configure(MOCK_BASE)
    mock.configure(re.sub(r"delay_ms=\d+", "delay_ms=0", scenario["mock"]))
    load(
        target,
        scenario,
        options,
        warm=True,
        seconds=3 if first else 0.7,
        most=1500 if scenario.get("fresh") else 10**6,
    )
    mock.configure(scenario["mock"])
    time.sleep(0.4)
    mock.reset()
    before, peak = spent(mock, target), PeakResident(target.pids())
    peak.start()
    busy, begun = busy_seconds(), time.time()
    seconds = None if scenario.get("count") else options.seconds
    result = load(target, scenario, options, warm=False, seconds=seconds, most=scenario.get("count", 10**6))
    time.sleep(0.3)
    peak.finish()
    busy, wall = busy_seconds() - busy, time.time() - begun
    used = {name: after - before[name] for name, after in spent(mock, target).items()}
    result |= {name: value * 1e6 / max(result["ok"], 1) for name, value in used.items()}
    # Cores that other processes of the machine kept busy meanwhile.
    result["noise_cores"] = max(0, busy - sum(used.values())) / wall
    result["rss_start"], result["rss_peak"] = peak.first, peak.peak
    stats = mock.stats()
    result["upstream_hits"], result["max_in_flight"] = stats["requests"], stats["max_in_flight"]
    if result["upstream_hits"] < result["ok"]:
        raise RuntimeError(f"{result['ok']} answers but {result['upstream_hits']} upstream hits")
    return result


def spent(mock, target):
    """CPU seconds so far, by who spent them."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_us": cpu_seconds(target.pids()),
        "aux_cpu_us": cpu_seconds([helper.pid for helper in target.helpers]),
        "mock_cpu_us": cpu_seconds([mock.process.pid]),
        "load_cpu_us": children.ru_utime + children.ru_stime,
    }


def load(target, scenario, options, warm, seconds, most):
    stream = scenario.get("stream", False)
    api = target.api(scenario["api"], stream)
    body = WORK / f"body-{target.name}-{scenario['api']}-{scenario['body']}-{stream}.json"
    body.write_bytes(body_of(scenario["api"], scenario["body"], api["model"], stream))
    chunks = int(re.search(r"chunks=(\d+)", scenario["mock"])[1]) if stream else 1
    connections = 32 if warm and scenario.get("count") else scenario["conns"]
    words = [
        "--url",
        f"http://127.0.0.1:{target.port}{api['path']}",
        "--body",
        body,
        "-c",
        connections,
        "-n",
        most,
    ]
    words += ["--expect", OUTPUT_TOKENS, "--timeout", 60, "--chunks", chunks]
    for name, value in api["headers"].items():
        words += ["-H", f"{name}: {value}"]
    if stream:
        words += ["--expect", api["end"]]
    if seconds:
        words += ["--seconds", seconds]
    if not warm and scenario.get("rate"):
        words += ["--rate", scenario["rate"]]
    if not warm and scenario.get("ramp"):
        words += ["--ramp-ms", scenario["ramp"]]
    done = subprocess.run(
        pinned([BUILD / "release/load", *map(str, words)], 0 if options.pin else None),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-1500:])
    return json.loads(done.stdout)
