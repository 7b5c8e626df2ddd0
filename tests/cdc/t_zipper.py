#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_zipper - 100,000 random sequences of changes, merged into a zipper day by day, late ones among them; TAP

    BIN=build/bin python3 tests/cdc/t_zipper.py [SEED [SEQUENCES]]

Each sequence is what happens to the rows of one owner in ten days: created, changed up to three times a day, deleted, put
back, and moved to another key.  A night merges the changes that were told by then, in any order, onto the zipper of the
night before.  The oracle replays the sequence as it was done; besides, the ranges are held against what a zipper is.
"""
import datetime
import os
import random
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SEQUENCES = int(sys.argv[2]) if len(sys.argv) > 2 else (10000 if os.environ.get("SANITIZED") else 100000)
DAYS, NIGHTS, OPEN = 10, (4, 7, 9), "9999-12-31"      # the days at whose end a night merges
NAME = [(datetime.date(2026, 11, 1) + datetime.timedelta(i)).isoformat() for i in range(-1, DAYS)]
T0 = 1793491200000      # 2026-11-01 00:00 UTC

rnd = random.Random(SEED)


def happens(owner):
    """[(day, op, key, key before a move or None, value)] in the order it was done."""
    out, day, live = [], 0, {}
    for n in range(rnd.choice((1, 1, 2, 2, 3, 4, 8))):
        day = min(DAYS - 1, day + rnd.choice((0, 0, 1, 2, 4)))
        key, what, v = rnd.randrange(2), rnd.random(), rnd.randrange(1000)
        if not live or (key not in live and what < 0.6):
            out.append((day, "c", key, None, v))
        elif key not in live:
            out.append((day, "u", key, 1 - key, v))
            live.pop(1 - key)
        elif what < 0.25:
            out.append((day, "d", key, None, live.pop(key)))
            continue
        else:
            out.append((day, "u", key, None, v))
        live[key] = v
    return out


def oracle(owner, changes):
    """{key: [(from, to, value, deleted)]}: of each day the last change counts, and each range ends the day before the next."""
    last, live = {}, {}
    for day, op, key, before, v in changes:
        if before is not None:
            last.setdefault(before, {})[day] = (live.pop(before), True)
        last.setdefault(key, {})[day] = (v, op == "d")
        if op == "d":
            live.pop(key)
        else:
            live[key] = v
    ranges = {}
    for key, days in last.items():
        at = sorted(days)
        ranges[key] = [(NAME[d + 1], NAME[at[i + 1]] if i + 1 < len(at) else OPEN) + days[d] for i, d in enumerate(at)]
    return ranges


def row(owner, key, v):
    return '{"o":%d,"id":%d,"v":%d}' % (owner, key, v)


def line(owner, day, op, key, v, ord_):
    return '{"op":"%s","db":"d","table":"t","key":{"o":%d,"id":%d},"ts":%d,"ord":"%04d","row":%s}\n' % (
        op, owner, key, T0 + day * 86400000 + 60000, ord_, row(owner, key, v))


def make():
    """The lines told by each night, and all rows that are right in the end."""
    told, want = [[] for _ in NIGHTS], []
    for owner in range(SEQUENCES):
        live, n, changes = {}, 0, happens(owner)
        for day, op, key, before, v in changes:
            late = rnd.random() < 0.1
            first = next(i for i, night in enumerate(NIGHTS) if day <= night)
            night = min(len(NIGHTS) - 1, first + late)
            n += 2
            if before is not None:
                told[night].append(line(owner, day, "d", before, live.pop(before), n - 1))
            told[night].append(line(owner, day, "c" if before is not None else op, key, v, n))
            if rnd.random() < 0.1:
                told[night].append(told[night][-1])
            live[key] = v
        for key, ranges in oracle(owner, changes).items():
            for a, b, v, dead in ranges:
                want.append(("%d,%d" % (owner, key), row(owner, key, v)[:-1] + ',"start_date":"%s","end_date":"%s"%s' % (a, b, ',"deleted":true' * dead)))
    want.sort(key=lambda x: x[0])        # stable: the ranges of one key stay in order; keys are ASCII
    for lines in told:
        rnd.shuffle(lines)
    return told, [x[1] for x in want]


def is_zipper(rows):
    """No overlap, no gap, open at the end: one reason or None. Each row is the text before its ord."""
    was_key, was_end = None, OPEN
    for r in rows:
        cut = r.index(',"v"')
        key, at = r[:cut], r.index('"start_date":"') + 14
        start, end = r[at:at + 10], r[at + 24:at + 34]
        if key != was_key:
            if was_end != OPEN:
                return "%s is not open at its end" % was_key
        elif start != (datetime.date.fromisoformat(was_end) + datetime.timedelta(1)).isoformat():
            return "%s: a gap or an overlap at %s, after %s" % (key, start, was_end)
        if start > end:
            return "%s ends before it begins" % r
        was_key, was_end = key, end
    return None if was_end == OPEN else "the last one is not open"


def main():
    told, want = make()
    failed = 0
    with tempfile.TemporaryDirectory() as d:
        for i, night in enumerate(NIGHTS):
            base, changes, out = [os.path.join(d, x) for x in ("base", "changes", "out")]
            with open(changes, "w") as f:
                f.writelines(told[i])
            args = [os.path.join(BIN, "cdc-merge"), "--scd2", "--date", NAME[night + 1], "--ord", "ord", "-S", "40M"]
            args += ["--base", base] if i > 0 else []
            p = subprocess.run(args + ["-o", out, changes], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, TMPDIR=d))
            rows = []
            if p.returncode == 0:
                with open(out) as f:
                    rows = [x[:x.index(',"ord"')] for x in f]
                os.replace(out, base)
            why = p.stderr.decode() or is_zipper(rows)
            failed += bool(why)
            print("%sok %d - night %s: %d changes, %d ranges: none overlap, no gaps, open at the end" % (
                "not " * bool(why), i + 1, NAME[night + 1], len(told[i]), len(rows)))
            if why:
                print("#   " + why[:400])
    differs = next((i for i, (a, b) in enumerate(zip(rows + [None], want + [None])) if a != b), None)
    failed += differs is not None
    print("%sok %d - %d sequences are what was done" % ("not " * (differs is not None), len(NIGHTS) + 1, SEQUENCES))
    if differs is not None:
        print("#   row %d of %d, %d wanted\n#   got  %s\n#   want %s" % (differs, len(rows), len(want), (rows + [None])[differs], (want + [None])[differs]))
    print("1..%d" % (len(NIGHTS) + 1))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
