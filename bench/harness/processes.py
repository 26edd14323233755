"""Processes: starting, stopping, and what they cost, read from /proc."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def stat(pid):
    """The fields of /proc/PID/stat after the name; the first of them is field 3 of proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def tree(pid):
    """The process and all its descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(stat(entry)[1]), []).append(int(entry))
            except (OSError, IndexError):
                pass  # it has ended
    found, todo = [], [pid]
    while todo:
        process = todo.pop()
        found.append(process)
        todo += children.get(process, [])
    return found


def cpu_seconds(pids):
    """User and system time, with that of children that ended and were waited for."""
    total = 0
    for root in pids:
        for process in tree(root):
            try:
                total += sum(map(int, stat(process)[11:15]))
            except OSError:
                pass
    return total / TICK


def busy_seconds():
    """What all processors of the machine have worked."""
    user, nice, system, _idle, _iowait, irq, softirq = map(
        int, Path("/proc/stat").read_text().splitlines()[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / TICK


def resident(pids):
    """Bytes of memory."""
    total = 0
    for process in pids:
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
        except (OSError, IndexError):
            pass
    return total


class PeakResident(threading.Thread):
    """Watches the memory of process trees until told to stop."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.members = [process for root in pids for process in tree(root)]
        self.first = self.peak = resident(self.members)
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.1):
            self.peak = max(self.peak, resident(self.members))

    def finish(self):
        self.done.set()
        self.join()


def pinned(command, core):
    """The command, kept on one core; its process id stays that of the program."""
    return [*command] if core is None else ["taskset", "--cpu-list", str(core), *command]


def spawn(command, log, env=None, cwd=None, core=None):
    with open(log, "ab") as output:
        return subprocess.Popen(
            pinned(command, core),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )


def stop(process):
    """Ends a process that `spawn` started, with its own process group."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            return
        try:
            process.wait(8)
            time.sleep(0.1)
        except subprocess.TimeoutExpired:
            pass
