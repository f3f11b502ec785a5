"""What is raced over: the load generator's command for each, and what its figures are."""

from dataclasses import dataclass

from .servers import COMPRESSING, SERVERS


@dataclass(frozen=True)
class Workload:
    """`figure` is what servers are ranked by; less is better. `compresses` says that the load offers to."""

    command: str
    title: str
    figure: str = "server_us"
    unit: str = "µs of CPU time per message"
    habits: bool = True
    once: bool = False
    compresses: bool = False

    @property
    def servers(self):
        return COMPRESSING if self.compresses else SERVERS


def _growth(conns):
    title = f"20 B text × {conns:,} connection{'s' * (conns > 1)}"
    return Workload(f"echo --conns {conns}", title, habits=False)


GROWTH = {f"n{conns}": conns for conns in (1, 10, 100, 1_000, 10_000)}
JSON = "--payload json --deflate"
MEMORY = dict(unit="bytes of memory per connection", habits=False, once=True)

WORKLOADS = {
    "a": Workload("echo --conns 32", "20 B text × 32 connections"),
    "b": Workload("echo --conns 32 --depth 64", "20 B text × 32 connections, 64 in flight on each"),
    "c": Workload("echo --conns 100 --size 1024", "1 KiB text × 100 connections"),
    "d": Workload("echo --conns 16 --size 16384 --binary", "16 KiB binary × 16 connections"),
    "dt": Workload("echo --conns 16 --size 16384 --payload utf8", "16 KiB text, not only ASCII × 16 connections"),
    "e": Workload("echo --conns 4 --size 1048576 --binary", "1 MiB binary × 4 connections"),
    "f": Workload("echo --conns 1000", "20 B text × 1,000 connections"),
    "idle": Workload("idle --conns 10000", "10,000 idle connections", "idle_bytes", **MEMORY),
    "idle1k": Workload(
        "idle --conns 10000 --touch 1024",
        "10,000 connections, idle after an echo of 1 KiB each",
        "touched_bytes",
        **MEMORY,
    ),
    "churn": Workload(
        "churn --conns 16",
        "connect, upgrade, close; 16 at a time",
        unit="µs of CPU time per connection",
        habits=False,
    ),
    "z1": Workload(
        f"echo --conns 16 --size 1024 {JSON}",
        "1 KiB JSON, compressed × 16 connections",
        habits=False,
        compresses=True,
    ),
    "z16": Workload(
        f"echo --conns 16 --size 16384 {JSON}",
        "16 KiB JSON, compressed × 16 connections",
        habits=False,
        compresses=True,
    ),
    "idlez": Workload(
        f"idle --conns 1000 --touch 16384 {JSON}",
        "1,000 connections, idle after an echo of 16 KiB, compressed",
        "touched_bytes",
        compresses=True,
        **MEMORY,
    ),
    "idlezt": Workload(
        f"idle --conns 500 --touch 16384 {JSON} --takeover",
        "500 connections, idle after an echo of 16 KiB, compressed, context takeover offered",
        "touched_bytes",
        compresses=True,
        **(MEMORY | dict(habits=True)),
    ),
    **{name: _growth(conns) for name, conns in GROWTH.items()},
}

# The names of the pictures, by what they show.
PICTURES = {
    "a": "20B-depth1",
    "b": "20B-depth64",
    "c": "1KiB",
    "d": "16KiB-binary",
    "dt": "16KiB-text",
    "e": "1MiB",
    "f": "20B-1000-connections",
    "idle": "idle-10000",
    "idle1k": "idle-after-1KiB",
    "churn": "connect-and-close",
    "z1": "1KiB-compressed",
    "z16": "16KiB-compressed",
    "idlez": "idle-compressed",
    "idlezt": "idle-compressed-takeover",
    **{name: f"growth-{conns}" for name, conns in GROWTH.items()},
}
