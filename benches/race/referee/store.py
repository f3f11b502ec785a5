"""Measurements on disk, in `rounds/`, which is not under version control: merged by what was measured, so that a race can be
run in pieces."""

import datetime
import json
import re

from . import HERE
from .builder import versions
from .machine import describe


class Store:
    """A tree of two levels, such as workload and server; what is measured again replaces what was there."""

    def __init__(self, name):
        self.path = HERE / "rounds" / name
        self.entries = json.loads(self.path.read_text()) if self.path.exists() else {}
        self._versions, self._machine = versions(), describe()

    def put(self, first, server, **measured):
        self.entries.setdefault(first, {})[server.name] = {
            "date": datetime.date.today().isoformat(),
            "machine": self._machine,
            "version": self._versions.get(server.library, ""),
            **measured,
        }

    def save(self):
        text = json.dumps(self.entries, indent=1, ensure_ascii=False)
        # What has nothing below it takes a line.
        text = re.sub(r"\{[^{}]*\}", lambda found: " ".join(found[0].split()), text)
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(text + "\n")

    def circumstances(self):
        """Where and when all of it was measured, and what: lines for the head of a report."""
        entries = [entry for group in self.entries.values() for entry in group.values()]
        dates = sorted({entry["date"] for entry in entries})
        machines = sorted({entry["machine"] for entry in entries})
        raced = {
            f"{name.split('/')[0]} {entry['version']}".strip()
            for group in self.entries.values()
            for name, entry in group.items()
            if not name.startswith("floor-")
        }
        return [
            f"- {dates[0]}{' to ' + dates[-1] if len(dates) > 1 else ''}; " + "; ".join(machines),
            "- " + ", ".join(sorted(raced)),
        ]
