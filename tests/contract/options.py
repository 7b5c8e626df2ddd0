#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""options - each command's option table against its -h, its man page and its completions; TAP

    BIN=build/bin python3 tests/contract/options.py [COMMAND ...]

The table (--print-options) is what parses.  Options of the command's own stand in man/X.1, the common ones in
man/pipehouse-records.5, each with letter, long name and argument; neither page holds an option that does not exist.
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cases  # noqa: E402
from tap import finish, holds  # noqa: E402

BIN, TOP = cases.BIN, cases.TOP
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "RESOURCES", "EXIT STATUS", "EXAMPLES", "SEE ALSO")


def call(*argv):
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return p.stdout.decode("utf-8", "replace")


def rows(text):
    """(letter, long, argument, help) of each line."""
    return [tuple(x.split("\t")) for x in text.splitlines()]


def page_options(path):
    """(letter, long, arguments) of each `.It Fl` of a page, and its list of sections."""
    found, sections = [], []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith(".Sh "):
                sections.append(line[4:].strip().strip('"'))
            if not line.startswith(".It Fl "):
                continue
            words = line[4:].replace(" Ns ", " ").replace(",", " ").split()
            flags = [words[i + 1].replace("\\-", "-") for i, w in enumerate(words) if w == "Fl" and i + 1 < len(words)]
            flags = ["-" + f if not f.startswith("-") else "-" + f for f in flags]
            letter = next((f[1:] for f in flags if not f.startswith("--")), "")
            long = next((f[2:] for f in flags if f.startswith("--")), "")
            found.append((letter, long, line))
    return found, sections


def compare(options, page, where, also=()):
    """What the page says of these options, and of others, that is not so; it may speak of those in also."""
    why, by = [], {long: (letter, line) for letter, long, line in page}
    for letter, long, arg, _ in options:
        if long not in by:
            why.append("--%s is not in %s" % (long, where))
            continue
        shown, line = by.pop(long)
        if shown != letter:
            why.append("--%s: letter %r in %s, %r in the table" % (long, shown, where, letter))
        if arg and not all(w in line for w in re.findall(r"[A-Za-z]+", arg)):
            why.append("--%s: argument %s is not in %s: %s" % (long, arg, where, line.strip()))
    also = {r[1]: r[0] for r in also}
    return why + ["%s has --%s, which no table has" % (where, long or "(no long name)") for long in by if also.get(long) != by[long][0]]


def synopsis(text):
    return re.sub(r"\s+", "", text)


def main(argv):
    names = argv or sorted(f[:-2] for f in os.listdir(os.path.join(TOP, "cmd")) if f.endswith(".c"))
    common_seen = {}
    for x in names:
        path, man = os.path.join(BIN, x), os.path.join(TOP, "man", x + ".1")
        if not os.access(path, os.X_OK):
            holds(x + " is built", ["it is not"])
            continue
        table, help_text = rows(call(path, "--print-options")), call(path, "-h")
        own_text, _, common_text = help_text.partition("\ncommon options:")
        bad = ["not four cells: %r" % (r,) for r in table if len(r) != 4] or ([] if table else ["the table is empty"])
        holds(x + ": the table is printed", bad)
        if bad:
            continue
        longs = [r[1] for r in table]
        letters = [r[0] for r in table if r[0]]
        holds(x + ": a long name for each option, none twice, no letter twice",
              ["--%s" % v for v in longs if not v or longs.count(v) > 1] + ["-%s" % v for v in letters if letters.count(v) > 1])
        holds(x + ": -h lists the table", ["--%s" % r[1] for r in table if not re.search(
            r"%s--%s%s\s+%s" % ("-%s, " % r[0] if r[0] else "", re.escape(r[1]), " " + re.escape(r[2]) if r[2] else "", re.escape(r[3])), help_text)])
        own = [r for r in table if re.search(r"^ +(-., +)?--%s( |$)" % re.escape(r[1]), own_text.partition("options:")[2], re.M)]
        common = [r for r in table if r not in own]
        common_seen[x] = common
        if not os.path.exists(man):
            holds(x + ": man page", ["there is no man/%s.1" % x])
            continue
        page, sections = page_options(man)
        holds(x + ": the page has its sections", ["no " + s for s in SECTIONS if s not in sections])
        holds(x + ": options of the table and of the page", compare(own, page, "man/%s.1" % x, common))
        rendered = call("mandoc", "-T", "ascii", "-O", "width=500", man)
        rendered = re.sub(r".\x08", "", rendered)
        shown = re.search(r"^SYNOPSIS\n(.*?)^DESCRIPTION", rendered, re.S | re.M)
        usage = re.search(r"^usage: (.*?)(?=\n\n|\noptions:|\n[a-z]|\Z)", help_text, re.S | re.M)
        got = synopsis(shown.group(1)) if shown else ""
        want = synopsis(usage.group(1)) if usage else "?"
        holds(x + ": the synopsis of -h and of the page", [] if got == want else ["page  " + got, "usage " + want])
        with open(man, encoding="utf-8") as f:
            text = f.read()
        holds(x + ": the page refers to pipehouse-records(5)", [] if ".Xr pipehouse-records 5" in text else ["it does not"])
    sets = {tuple(v) for v in common_seen.values()}
    holds("the common options are the same everywhere", [] if len(sets) <= 1 else ["%s: %d" % (k, len(v)) for k, v in common_seen.items()])
    records = os.path.join(TOP, "man/pipehouse-records.5")
    if os.path.exists(records):
        page, _ = page_options(records)
        holds("pipehouse-records(5) describes the common options", compare(max(sets, key=len) if sets else [], page, "pipehouse-records.5"))
    else:
        holds("pipehouse-records(5) describes the common options", ["there is no such page"])
    with tempfile.TemporaryDirectory() as d:
        made = subprocess.run(["sh", os.path.join(TOP, "scripts/gen-completions"), BIN, d], stderr=subprocess.PIPE)
        holds("completions are made", [] if made.returncode == 0 else [made.stderr.decode()])
        for x in common_seen:
            f = os.path.join(d, "bash", x)
            p = subprocess.run(["bash", "-c", '. "$1"; COMP_WORDS=("$2" --sta); COMP_CWORD=1; compopt() { :; }; '
                                '"_pipehouse_${2//[^A-Za-z0-9]/_}"; printf "%s\\n" "${COMPREPLY[@]}"', "-", f, x],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            got = p.stdout.decode().split()
            want = sorted("--%s%s" % (r[1], "=" if r[2] else "") for r in rows(call(os.path.join(BIN, x), "--print-options"))
                          if r[1].startswith("sta"))
            holds(x + ": bash completes --sta", [] if sorted(got) == want and not p.stderr else [str(got), str(want), p.stderr.decode()[:200]])
    return finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
