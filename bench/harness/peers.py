"""Other relays, installed from PyPI and npm into a folder of their own when they are to be measured."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def installed(work, name, peer):
    """The folder that holds what a target's `peer` names: `python` a list for pip, `node` a manifest for npm."""
    [(kind, listed)] = peer.items()
    listed = HERE / listed
    folder = Path(os.environ.get("BENCH_PEERS", work / "peers")) / name
    done = folder / "installed"
    if not done.exists() or done.read_text() != listed.read_text():
        print(f"# installing {name} into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        {"python": from_pypi, "node": from_npm}[kind](folder, listed)
        done.write_text(listed.read_text())
    return folder


def from_pypi(folder, listed):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", listed], check=True)


def from_npm(folder, listed):
    shutil.copy(listed, folder / "package.json")
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(["npm", "install", *quiet], cwd=folder, check=True)
