"""RESULTS.md: a table and a picture for each workload, from what was measured and from nothing else."""

from statistics import median

from . import HERE, picture
from .servers import FLOOR, SERVERS
from .workloads import GROWTH, WORKLOADS

INTRODUCTION = """# The race

Echo servers of several libraries, over TCP on one machine. Made by `benches/race/run`, which builds and measures all of
it again; nothing below is written by hand, and `results.json` has every round.

{circumstances}

**What is compared is the server's CPU time per message**, user and system, as the kernel counts it in nanoseconds: it
keeps its meaning when the load generator is what limits the race, where messages per second do not. The server has
core {server_core}, the load generator core {load_core}. Each measurement is of a process that has just been started,
in a network of its own; rounds are interleaved (A B C … A B C …), and each figure is the median of its rounds, with the
least and the most beside it. One message is in flight on each connection unless more are named. The load generator's messages are made
beforehand, and it compares the first and the last reply of every connection with what it sent.

`floor-*` are no libraries: loops written by hand that unmask, validate and answer, and do nothing else; `×` is against
`{floor}`. `/batch` answers all messages at hand with one flush (`feed`, then `flush`); without it each answer
is flushed. `sansocket` queues its answers and flushes when nothing more is at hand; `sansocket/send` flushes each.
`user` and `system` split the time by what the kernel's clock tick saw. `busy` is the part of the time in which the
server and the load generator had work: messages per second say what a server can do only where the first is near 100 %.
"""


def write(store):
    from .machine import LOAD_CORE, SERVER_CORE

    parts = [
        INTRODUCTION.format(
            circumstances="\n".join(store.circumstances()), server_core=SERVER_CORE, load_core=LOAD_CORE, floor=FLOOR
        )
    ]
    pictures = HERE / "pictures"
    pictures.mkdir(exist_ok=True)
    for name, workload in WORKLOADS.items():
        if name not in store.entries:
            continue
        rows = ranked(store.entries[name], workload)
        (pictures / f"{name}.svg").write_text(picture.bars(workload, rows))
        if name not in GROWTH:
            parts.append(f"## {name}: {workload.title}\n\n![{workload.title}](pictures/{name}.svg)\n")
            parts.append(table(workload, rows))
    if any(name in store.entries for name in GROWTH):
        parts.append("## n1 to n10000: what more connections cost\n")
        parts.append(growth(store))
    (HERE / "RESULTS.md").write_text("\n".join(parts))


class Row:
    """A server's rounds over a workload."""

    def __init__(self, name, entry, workload):
        self.server = SERVERS[name]
        self.rounds = [round for round in entry["rounds"] if "error" not in round]
        errors = [round["error"] for round in entry["rounds"] if "error" in round]
        self.failed, self.error = len(errors), errors[-1] if errors else ""
        self.values = self.all(workload.figure)
        self.value = median(self.values) if self.values else None

    def all(self, key):
        return [round[key] for round in self.rounds if round.get(key) is not None]

    @property
    def user_share(self):
        """Of all rounds together: the kernel counts it in ticks, too coarse for one."""
        user, system = sum(self.all("user_us")), sum(self.all("system_us"))
        return user / (user + system) if user + system else 0

    def median(self, key, digits=0, scale=1):
        values = self.all(key)
        return f"{median(values) * scale:,.{digits}f}" if values else ""


def ranked(entries, workload):
    """Best first, what failed last."""
    rows = [Row(name, entry, workload) for name, entry in entries.items() if name in SERVERS]
    return sorted(rows, key=lambda row: (row.value is None, row.value))


def name_of(row):
    return f"**{row.server.name}**" if row.server.ours else row.server.name


def failure(row):
    return " ".join(row.error.replace("|", "/").split())[:100]


def table(workload, rows):
    floor = next((row.value for row in rows if row.server.name == FLOOR), None)
    memory = workload.figure.endswith("_bytes")
    thing = "connection" if "per connection" in workload.unit else "message"
    if memory:
        head = ["server", "bytes per connection", "least – most", f"× {FLOOR}", "by"]
    else:
        head = ["server", f"CPU µs per {thing}", "least – most", f"× {FLOOR}", "user", "system", f"{thing}s/s"]
        head += ["p50 µs", "p99 µs", "busy %", "memory MiB"] if thing == "message" else ["busy %"]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    failed = []
    for row in rows:
        if row.failed:
            failed.append(f"{row.server.name}: {row.failed} failed, the last one with: {failure(row)}")
        if row.value is None:
            lines.append("| " + " | ".join([name_of(row), "failed"] + [""] * (len(head) - 2)) + " |")
            continue
        digits = 0 if memory else 3 if row.value < 10 else 2 if row.value < 100 else 1
        spread = f"{min(row.values):,.{digits}f} – {max(row.values):,.{digits}f}"
        ratio = f"{row.value / floor:.2f}" if floor else ""
        cells = [name_of(row), f"{row.value:,.{digits}f}", spread, ratio]
        if memory:
            cells.append(row.server.by)
        else:
            busy = f"{row.median('server_cpu', scale=100)} / {row.median('client_cpu', scale=100)}"
            user = row.value * row.user_share
            cells += [f"{user:.{digits}f}", f"{row.value - user:.{digits}f}", row.median("per_s")]
            if thing == "message":
                latency = [row.median("p50_us"), row.median("p99_us")]
                cells += [*latency, busy, row.median("server_kib", 1, 1 / 1024)]
            else:
                cells.append(busy)
        lines.append("| " + " | ".join(cells) + " |")
    if failed:
        lines += ["", "Failed: " + "; ".join(failed) + "."]
    return "\n".join(lines) + "\n"


def growth(store):
    """One row a server: how the cost of a message grows with connections."""
    columns = [name for name in GROWTH if name in store.entries]
    head = ["CPU µs per message, 20 B text"] + [f"{GROWTH[name]:,}" for name in columns]
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * len(columns) + "|"]
    cells = {}
    for column in columns:
        for row in ranked(store.entries[column], WORKLOADS[column]):
            value = "failed" if row.value is None else f"{row.value:.2f}"
            cells.setdefault(row.server.name, (name_of(row), {}))[1][column] = value
    last = columns[-1]
    for name, values in sorted(cells.values(), key=lambda pair: _number(pair[1].get(last))):
        lines.append("| " + " | ".join([name] + [values.get(column, "") for column in columns]) + " |")
    return "\n".join(lines) + f"\n\n![{WORKLOADS[last].title}](pictures/{last}.svg)\n"


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("inf")  # after all others
