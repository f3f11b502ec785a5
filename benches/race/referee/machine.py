"""The machine: its two cores, its networks, and the processes that run on them."""

import ctypes
import fcntl
import json
import os
import platform
import re
import resource
import shlex
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from . import HERE

TARGET = HERE / os.environ.get("CARGO_TARGET_DIR", "target")
BIN = TARGET / "release"
PYTHON = TARGET / "race-python/bin/python"
LOAD = BIN / "race-load"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
DESCRIPTORS = 60_000


class Failed(Exception):
    """A measurement that did not come about, and why."""


def describe():
    with open("/proc/cpuinfo") as file:
        cpu = re.search(r"model name\s*: (.*)", file.read())
    name = cpu[1] if cpu else platform.machine()
    rustc = " ".join(said("rustc", "--version").split()[:2])
    kernel = re.match(r"[\d.]*\d", platform.release())[0]
    return f"{name}, {len(CORES)} cores, {platform.system()} {kernel}, {rustc}"


def said(*command, place=HERE):
    """What a program prints; nothing if it cannot be run."""
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=place).stdout.strip()
    except OSError:
        return ""


def raise_descriptors():
    """As many descriptors as are to be had; tells how many."""
    for hard in (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def fresh_network():
    """A port to listen on: as root in a network of its own, which no earlier run has left anything in. The processes
    started next are in it too."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_network = 0x40000000
    if os.geteuid() == 0 and libc.unshare(new_network) == 0:
        get_flags, set_flags, up = 0x8913, 0x8914, 1
        with socket.socket() as any_socket:
            request = struct.pack("16sh14x", b"lo", 0)
            flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, get_flags, request))[1]
            fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))
        return 9001
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def take_core(core):
    """This process to one core; as root before others that want it too."""
    os.sched_setaffinity(0, {core})
    if os.geteuid() == 0:
        os.setpriority(os.PRIO_PROCESS, 0, -5)


def available(server):
    """The program of a server, or `None` where it is not built or not installed."""
    program = server.program.format(bin=BIN, node="node", python=PYTHON, target=TARGET, here=HERE, port=0)
    installed = server.name != "node-ws" or (TARGET / "race-node/node_modules").exists()
    return shutil.which(program) if installed else None


class Running:
    """A server on its core, in a network of its own; ready when entered, killed when left."""

    def __init__(self, server, wrapper=(), patience=20, gently=False):
        self.server, self.wrapper, self.patience, self.gently = server, list(wrapper), patience, gently

    def __enter__(self):
        self.port = fresh_network()
        command = self.server.command.format(
            bin=BIN, node=shutil.which("node"), python=PYTHON, target=TARGET, here=HERE, port=self.port
        )
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.wrapper + shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
            preexec_fn=lambda: take_core(SERVER_CORE),
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        self.descriptors = self._count_descriptors()
        return self

    def _wait_until_ready(self):
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            self.check()
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            except OSError:
                time.sleep(0.01)
        raise Failed("the server does not listen")

    def check(self):
        """Fails if the server has ended."""
        if self.process.poll() is not None:
            self.errors.seek(0)
            raise Failed(f"the server ended ({self.process.returncode}) {self.errors.read()[-300:]}".strip())

    @property
    def pid(self):
        """The server's own, below what it is wrapped in."""
        pid = self.process.pid
        if self.wrapper and self.wrapper[0] == "strace":
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                pid = int(file.read().split()[0])
        return pid

    def _count_descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_until_alone(self):
        """Until it has closed what its clients left."""
        end = time.monotonic() + 3
        while self._count_descriptors() > self.descriptors and time.monotonic() < end:
            time.sleep(0.01)

    def __exit__(self, *_):
        if self.process.poll() is None:
            if self.gently:
                os.kill(self.pid, 15)
            else:
                self.process.kill()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()

    def load_command(self, options):
        more = f"--addr 127.0.0.1:{self.port} --pid {self.pid}"
        return [str(LOAD), *options.split(), *more.split()]

    def load(self, options, patience=180):
        """What the load generator tells at the end of one run on its own core."""
        process = subprocess.Popen(
            self.load_command(options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: take_core(LOAD_CORE),
        )
        try:
            out, errors = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failed(f"the load took longer than {patience} s") from None
        self.check()
        if process.returncode:
            raise Failed(errors.strip()[-300:])
        return json.loads(out)
