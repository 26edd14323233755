#!/usr/bin/env python3
"""Side-by-side measurement of API relays on one machine. See README.md; `cargo xtask bench` builds and calls this.

bench.py run rust-floor posthaste [--scenario a,c] [--reps 3] [--seconds 5] [--out FILE]
bench.py check nginx posthaste      start, send one request per API, show whether it truly proxies
bench.py table FILE.jsonl           print the tables of an earlier run
"""

import argparse
import json
import os
import resource
import subprocess
import time
from pathlib import Path

from harness import machine, tables
from harness.measure import Mock, measure, verify
from harness.processes import resident, stop, tree
from harness.scenarios import PACED_BY, SCENARIOS, chosen
from harness.targets import WORK, Target


def main():
    options = arguments()
    if options.command == "table":
        rows = [json.loads(line) for name in options.names for line in Path(name).read_text().splitlines()]
        print(tables.render(rows))
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options.pin = options.pin and os.cpu_count() > 1
    scenarios = {
        name: scenario for name, scenario in chosen(options.scenario).items() if is_for(scenario, options.names)
    }
    names = names_of(options, scenarios)
    WORK.mkdir(parents=True, exist_ok=True)
    targets = []
    mock = Mock.start(options.pin)
    try:
        for name in names:
            targets.append(started(name, options))
        notes = checked(mock, targets, scenarios)
        if options.command == "check":
            raise SystemExit(any(note not in ("ok", "not supported") for note in notes.values()))
        rows = measured(mock, targets, scenarios, notes, options)
    finally:
        for target in targets:
            target.stop()
        stop(mock.process)
    report(rows, options)


def is_for(scenario, names):
    """A scenario of a target's variants is measured where that target is."""
    return all(target.partition("@")[0] in names for target in scenario.get("targets", []))


def names_of(options, scenarios):
    """The targets to start, each once."""
    plain = any("targets" not in scenario for scenario in scenarios.values())
    names = options.names if plain else []
    if plain and options.command == "run":
        names = ["direct", "nginx", *names]
    variants = [target for scenario in scenarios.values() for target in scenario.get("targets", [])]
    return list(dict.fromkeys([*names, *variants]))


def targets_of(scenario, targets):
    """Those that a scenario is measured with, in its order."""
    if "targets" not in scenario:
        return [target for target in targets if "@" not in target.name]
    return [target for name in scenario["targets"] for target in targets if target.name == name]


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["run", "check", "table"])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--scenario", default=",".join(SCENARIOS), help="names, plain or translated, joined by commas")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--out", type=Path, help="also write the tables to this Markdown file")
    parser.add_argument(
        "--no-pin", dest="pin", action="store_false", help="let the kernel place the processes"
    )
    return parser.parse_args()


def started(name, options):
    target = Target(name, 1 if options.pin else None)
    try:
        target.start()
    except BaseException:
        target.stop()
        raise
    time.sleep(1)  # what it does after its start is no part of being idle
    idle = resident([pid for root in target.pids() for pid in tree(root)])
    print(
        f"# {name} ready in {target.start_seconds:.2f} s, {idle / 2**20:.1f} MiB resident when idle",
        flush=True,
    )
    return target


def kind(scenario):
    """Scenarios of one kind send the same request."""
    return scenario["api"], scenario.get("stream", False), scenario["body"]


def checked(mock, targets, scenarios):
    """For each target and kind of request: `ok`, or why it cannot be measured."""
    notes = {}
    for scenario in scenarios.values():
        for target in targets_of(scenario, targets):
            if (target.name, kind(scenario)) in notes:
                continue
            note = notes[target.name, kind(scenario)] = verify(mock, target, scenario)
            form = "sse " if scenario.get("stream") else "json"
            print(
                f"# check {target.name:19} {scenario['api']:9} {form} {scenario['body']:6} {note}", flush=True
            )
    return notes


def measured(mock, targets, scenarios, notes, options):
    rows = []
    with (WORK / "results.jsonl").open("w") as results:
        for name, scenario in scenarios.items():
            scenario = paced(mock, targets, scenario, options)
            for rep in range(options.reps):
                for target in targets_of(scenario, targets):
                    row = {"scenario": name, "rep": rep, "target": target.name}
                    row |= outcome(mock, target, scenario, notes[target.name, kind(scenario)], rep, options)
                    print(f"{name:14} {rep} {target.name:19} {one_line(row)}", flush=True)
                    rows.append(row)
                    results.write(json.dumps(row) + "\n")
                    results.flush()
    return rows


def paced(mock, targets, scenario, options):
    """The scenario, with half of the rate that `PACED_BY` (or else the last target) reaches where it asks for that."""
    if "half_of" not in scenario:
        return scenario
    pacing = next((target for target in targets if target.name == PACED_BY), targets[-1])
    most = measure(mock, pacing, SCENARIOS[scenario["half_of"]], options, first=True)["rps"]
    print(f"# {pacing.name} serves {most:.0f} a second at most", flush=True)
    return scenario | {"rate": most / 2}


def outcome(mock, target, scenario, note, rep, options):
    if note != "ok":
        return {"note": note}
    try:
        return {"result": measure(mock, target, scenario, options, first=rep == 0)}
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        return {"note": str(error)[:300]}


def one_line(row):
    if "note" in row:
        return row["note"]
    result = row["result"]
    latency = result["latency_us"]
    return (
        f"{result['rps']:9.1f}/s  p50 {latency['p50'] / 1000:9.2f}  p99 {latency['p99'] / 1000:9.2f} ms"
        f"  cpu {result['cpu_us']:8.1f} us  rss {result['rss_peak'] / 2**20:6.1f} MiB"
        f"  failed {result['failed']} {result['errors'] or ''}"
    )


def report(rows, options):
    text = tables.render(rows)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        how = f"{options.reps} repetitions of {options.seconds:g} s; {'pinned' if options.pin else 'not pinned'}"
        options.out.write_text(
            f"# Benchmark of {time.strftime('%F')}\n\n{machine.describe()}\n\n{how}.\n{text}\n"
        )
        print(f"\nwritten to {options.out}")


if __name__ == "__main__":
    main()
