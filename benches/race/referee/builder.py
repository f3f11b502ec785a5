"""Builds what races, and installs what is not Rust, if it can be."""

import json
import re
import shutil
import subprocess
import sys

from . import HERE
from .machine import PYTHON, TARGET, said


def build():
    # Each by itself: in one build all would get what any of them wants of a library that they share, such as the
    # backend of flate2.
    for package in programs():
        step(f"cargo build --release --locked -p {package}", HERE)
    if shutil.which("node") and shutil.which("npm"):
        place = TARGET / "race-node"
        shutil.copytree(HERE / "node-ws", place, dirs_exist_ok=True)
        optional(["npm", "ci", "--silent", "--no-audit", "--no-fund"], place)
    else:
        print("no node or no npm: without node-ws")
    if not PYTHON.exists():
        optional([sys.executable, "-m", "venv", str(TARGET / "race-python")], HERE)
    if PYTHON.exists():
        requirements = HERE / "python-websockets/requirements.txt"
        optional([str(PYTHON), "-m", "pip", "install", "-q", "-r", str(requirements)], HERE)


def programs():
    described = json.loads(said("cargo", "metadata", "--no-deps", "--format-version", "1"))
    return [
        package["name"]
        for package in described["packages"]
        if any("bin" in target["kind"] for target in package["targets"])
    ]


def step(command, place):
    print(f"$ {command}", flush=True)
    subprocess.run(command.split(), cwd=place, check=True)


def optional(command, place):
    """Without it the race is smaller, but it is one."""
    print(f"$ {' '.join(command)}", flush=True)
    if subprocess.run(command, cwd=place).returncode:
        print(f"that failed: without what needs it ({place.name})", file=sys.stderr)


def versions():
    """Of each library that races, by name."""
    lock = (HERE / "Cargo.lock").read_text()
    found = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
    commit = said("git", "rev-parse", "--short", "HEAD")
    found["sansocket"] = f"{found['sansocket']} {commit}".strip()
    python = "from importlib.metadata import version; from platform import python_version;"
    python += "print(version('websockets'), 'on Python', python_version())"
    found["websockets"] = said(str(PYTHON), "-c", python)
    node = "const v = (n) => require(`./node_modules/${n}/package.json`).version;"
    node += "console.log(v('ws'), 'with bufferutil', v('bufferutil'), 'on Node.js', process.versions.node)"
    place = TARGET / "race-node"
    if shutil.which("node") and place.exists():
        found["ws"] = said("node", "-e", node, place=place)
    return found
