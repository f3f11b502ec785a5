"""RESULTS.md: a table and a picture for each workload, from what was measured and from nothing else."""

from statistics import median

from . import HERE, picture
from .servers import FLOOR, OURS
from .workloads import GROWTH, PICTURES, WORKLOADS

INTRODUCTION = """# The race

Echo servers of several libraries, over TCP on one machine. Made by `benches/race/run`, which builds and measures all of
it again; nothing below is written by hand.

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

COMPRESSION = """## Compression

Below, messages are compressed (permessage-deflate): 64 messages of JSON that differ take turns, each compressed by
itself. `bytes per answer` is what the server's compression leaves of one, on average over the 64, without the frame's
header: who takes less time and sends more has struck another bargain, so compare where answers are as long. Every
message's answer was inflated and compared with what was sent before the race, and one of 61 during it. `settings` are
the server's level of compression, the window of its answers, and who compresses: zlib is the library in C, zlib-rs the
one in Rust.
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
        if workload.compresses and COMPRESSION not in parts:
            parts.append(COMPRESSION)
        rows = ranked(store.entries[name], workload)
        (pictures / f"{PICTURES[name]}.svg").write_text(picture.bars(workload, rows))
        if name not in GROWTH:
            parts.append(f"## {name}: {workload.title}\n\n![{workload.title}](pictures/{PICTURES[name]}.svg)\n")
            parts.append(table(workload, rows))
    if any(name in store.entries for name in GROWTH):
        parts.append("## n1 to n10000: what more connections cost\n")
        parts.append(growth(store))
    (HERE / "RESULTS.md").write_text("\n".join(parts))


class Row:
    """A server's rounds over a workload."""

    def __init__(self, name, entry, workload):
        self.server = workload.servers[name]
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

    @property
    def kept(self):
        """What the server and the load have agreed to remember messages of."""
        agreed = self.rounds[-1].get("agreed", "")
        sides = (("messages", "client_no_context_takeover"), ("answers", "server_no_context_takeover"))
        return ", ".join(thing for thing, without in sides if without not in agreed) or "none"

    def median(self, key, digits=0, scale=1):
        values = self.all(key)
        return f"{median(values) * scale:,.{digits}f}" if values else ""


def ranked(entries, workload):
    """Best first, what failed last."""
    rows = [Row(name, entry, workload) for name, entry in entries.items() if name in workload.servers]
    return sorted(rows, key=lambda row: (row.value is None, row.value))


def name_of(row):
    return f"**{row.server.name}**" if row.server.ours else row.server.name


def failure(row):
    return " ".join(row.error.replace("|", "/").split())[:100]


def table(workload, rows):
    floor = next((row.value for row in rows if row.server.name == FLOOR), None)
    memory = workload.figure.endswith("_bytes")
    columns = {} if memory else _columns(workload)
    figure = "bytes per connection" if memory else f"CPU µs per {_thing(workload)}"
    titles = ["server", figure, "least – most"]
    if not workload.compresses:
        titles.append(f"× {FLOOR}")
    titles += columns
    texts = {}
    if memory:
        texts["by"] = lambda row: row.server.by
    if memory and workload.compresses:
        texts["context kept of"] = lambda row: row.kept
    if workload.compresses:
        texts["settings"] = lambda row: row.server.settings
    width = len(titles) + len(texts)
    lines = ["| " + " | ".join([*titles, *texts]) + " |"]
    lines.append("|---" + "|---:" * (len(titles) - 1) + "|---" * len(texts) + "|")
    failed = []
    for row in rows:
        if row.failed:
            failed.append(f"{row.server.name}: {row.failed} failed, the last one with: {failure(row)}")
        if row.value is None:
            lines.append("| " + " | ".join([name_of(row), "failed"] + [""] * (width - 2)) + " |")
            continue
        digits = 0 if memory else _digits(row.value)
        spread = f"{min(row.values):,.{digits}f} – {max(row.values):,.{digits}f}"
        cells = [name_of(row), f"{row.value:,.{digits}f}", spread]
        if not workload.compresses:
            cells.append(f"{row.value / floor:.2f}" if floor else "")
        cells += [cell(row) for cell in [*columns.values(), *texts.values()]]
        lines.append("| " + " | ".join(cells) + " |")
    if failed:
        lines += ["", "Failed: " + "; ".join(failed) + "."]
    if workload.compresses and not memory:
        lines += ["", *as_long(rows)]
    return "\n".join(lines) + "\n"


def _thing(workload):
    return "connection" if "per connection" in workload.unit else "message"


def _digits(value):
    return 3 if value < 10 else 2 if value < 100 else 1


def _columns(workload):
    """The figures beside the first, and how a row's cell of each is made."""
    columns = {}
    if workload.compresses:
        columns["bytes per answer"] = lambda row: row.median("answer_bytes")
    columns["user"] = lambda row: f"{row.value * row.user_share:.{_digits(row.value)}f}"
    columns["system"] = lambda row: f"{row.value * (1 - row.user_share):.{_digits(row.value)}f}"
    columns[f"{_thing(workload)}s/s"] = lambda row: row.median("per_s")
    if _thing(workload) == "message":
        columns["p50 µs"] = lambda row: row.median("p50_us")
        columns["p99 µs"] = lambda row: row.median("p99_us")
    columns["busy %"] = lambda row: f"{row.median('server_cpu', scale=100)} / {row.median('client_cpu', scale=100)}"
    if _thing(workload) == "message":
        columns["memory MiB"] = lambda row: row.median("server_kib", 1, 1 / 1024)
    return columns


def as_long(rows):
    """Who is to be compared with whom: whose answers are as long as ours, within a twentieth."""
    sizes = {row.server.name: median(row.all("answer_bytes")) for row in rows if row.all("answer_bytes")}
    for ours in (OURS, f"{OURS}/level6"):
        if ours in sizes:
            theirs = [name for name in sizes if not name.startswith(OURS)]
            close = [name for name in theirs if abs(sizes[name] / sizes[ours] - 1) <= 0.05]
            named = ", ".join(f"{name} ({sizes[name]:,.0f} B)" for name in close) or "none"
            yield f"- Answers as long as those of `{ours}` ({sizes[ours]:,.0f} B), within 5 %: {named}."


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
    return "\n".join(lines) + f"\n\n![{WORKLOADS[last].title}](pictures/{PICTURES[last]}.svg)\n"


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("inf")  # after all others
