"""Judges what the Autobahn|Testsuite reported, and writes it down.

usage: report.py [--write] ROLE...      (after tests/autobahn/run, which calls it)

Reads reports/ROLE/index.json, prints a summary, writes RESULTS.md if asked to, and exits with 1 if a case is not as it
should be or was not run.
"""

import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
REPORTS = HERE / "reports"
ALL = 517
GOOD = ("OK", "INFORMATIONAL")
VERDICTS = (*GOOD, "NON-STRICT", "FAILED", "UNIMPLEMENTED")
ROLES = {"blocking": "server (blocking)", "tokio": "server (Tokio)", "client": "client"}
GROUPS = {
    "1": "Framing",
    "2": "Pings/Pongs",
    "3": "Reserved bits",
    "4": "Opcodes",
    "5": "Fragmentation",
    "6": "UTF-8",
    "7": "Close handling",
    "9": "Limits/performance",
    "10": "Misc",
    "12": "Compression",
    "13": "Compression, parameters",
}


def group(case):
    return case.split(".")[0]


def order(case):
    return [int(part) for part in case.split(".")]


def verdict(result):
    """One word of VERDICTS for what happened in a case and for how it closed: the worse of the two."""
    behaviors = (result["behavior"], result["behaviorClose"])
    for behavior in behaviors:
        if behavior not in GOOD:
            return behavior if behavior in VERDICTS else "FAILED"
    return "INFORMATIONAL" if "INFORMATIONAL" in behaviors else "OK"


def read(role):
    """Of a role: the verdict of each case, the results that they are from, and how many cases there should be."""
    log = (REPORTS / f"{role}.suite.log").read_text(errors="replace")
    planned = int(re.search(r"will run (\d+) test cases", log)[1])
    spec = json.loads((REPORTS / f"{role}.json").read_text())
    expected = max(planned, ALL) if spec["cases"] == ["*"] else planned
    index = REPORTS / role / "index.json"
    if not index.exists():
        sys.exit(f"as a {ROLES[role]}: the testsuite wrote no report: see {index.parent}.suite.log")
    agents = json.loads(index.read_text())
    results = agents.get("sansocket", {})
    return {case: verdict(results[case]) for case in sorted(results, key=order)}, results, expected


def problems(role, verdicts, results, expected):
    """What is wrong, a line each."""
    lines = []
    for case, word in verdicts.items():
        if word in GOOD:
            continue
        lines.append(f"as a {ROLES[role]}, {case}: {results[case]['behavior']}, close {results[case]['behaviorClose']}")
    if len(verdicts) < expected or not verdicts:
        lines.append(f"as a {ROLES[role]}: only {len(verdicts)} of {expected} cases were run")
    return lines


def named(cases, verdicts):
    """The cases, those of a whole group in one word."""
    words = []
    for name in GROUPS:
        chosen = [case for case in cases if group(case) == name]
        whole = [case for case in verdicts if group(case) == name]
        words += [f"{name}.\\* (all {len(whole)})"] if len(chosen) > 1 and chosen == whole else chosen
    return ", ".join(words)


def said(*command):
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()


def versions():
    suite = ", ".join((REPORTS / "versions").read_text().split("\n")).strip(", ")
    manifest = (HERE.parent.parent / "Cargo.toml").read_text()
    version = re.search(r'^version = "(.*)"', manifest, re.M)[1]
    commit = said("git", "describe", "--always")
    changed = said("git", "status", "--porcelain", "--", "../../src", "../../examples", "../../Cargo.toml", "../../Cargo.lock")
    return [
        f"- the testsuite: {suite}",
        f"- sansocket {version}, at {commit}{' and changes on top of it' if changed else ''}",
        f"- {said('rustc', '--version')}",
    ]


def row(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def markdown(roles):
    lines = [
        "# Autobahn|Testsuite",
        "",
        "Every case of the testsuite, against sansocket in both roles. `tests/autobahn/run` runs them all and writes this",
        "file; it needs Debian (it installs the testsuite under `~/.cache/wstest`), a `wstest` on the `PATH`, or Docker. A case",
        "counts for the worse of what happened in it and of how it closed; everything that did not go as the suite demands is FAILED.",
        "",
        *versions(),
        "",
        row(["Group", "Cases", *(f"as a {ROLES[role]}" for role in roles)]),
        row(["---", "---:", *["---"] * len(roles)]),
    ]
    for name, title in [*GROUPS.items(), ("", "**All**")]:
        cells = []
        for verdicts, _, _ in roles.values():
            words = [word for case, word in verdicts.items() if name in ("", group(case))]
            cells.append(", ".join(f"{words.count(word)} {word}" for word in VERDICTS if word in words))
        lines.append(row([f"{name} {title}".strip(), len(words), *cells]))
    lines += ["", "What is not OK:", ""]
    for role, (verdicts, _, _) in roles.items():
        for word in VERDICTS[1:]:
            cases = [case for case, its in verdicts.items() if its == word]
            if cases:
                lines.append(f"- as a {ROLES[role]}, {word}: {named(cases, verdicts)}")
    return "\n".join(lines) + "\n"


def main(arguments):
    write = "--write" in arguments
    roles = {role: read(role) for role in arguments if role != "--write"}
    wrong = []
    for role, (verdicts, results, expected) in roles.items():
        words = list(verdicts.values())
        counts = ", ".join(f"{words.count(word)} {word}" for word in VERDICTS)
        print(f"as a {ROLES[role]}: {len(words)} of {expected} cases: {counts}")
        wrong += problems(role, verdicts, results, expected)
    if write:
        (HERE / "RESULTS.md").write_text(markdown(roles))
        print("written: tests/autobahn/RESULTS.md")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
