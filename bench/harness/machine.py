"""What the figures were taken on."""

import os
import platform
import subprocess
from pathlib import Path


def describe():
    """A paragraph: processor, memory, kernel, compiler, commit."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; Linux {platform.release()}; "
        f"{said('rustc', '--version')}; commit {said('git', 'rev-parse', '--short=12', 'HEAD')}."
    )


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def said(*command):
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return f"{command[0]} unknown"
