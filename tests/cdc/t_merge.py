#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_merge - cdc-merge against an oracle, on random histories told out of order, twice and late; TAP

    BIN=build/bin python3 tests/cdc/t_merge.py [SEED [HISTORIES]]

A history is a few rows of one small table that are inserted, updated, deleted, put back and given new keys.  Thousands of
them run through one process: each has its own number in the key.  The oracle replays what was done in the order it was done.
"""
import collections
import datetime
import json
import os
import random
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
HISTORIES = int(sys.argv[2]) if len(sys.argv) > 2 else (1500 if os.environ.get("SANITIZED") else 3000)
DAY0 = datetime.date(2026, 11, 1)
OPEN = "9999-12-31"


def text(v):
    return json.dumps(v, separators=(",", ":"), ensure_ascii=False)


def day(i):
    return (DAY0 + datetime.timedelta(i)).isoformat()


Change = collections.namedtuple("Change", "op key old_key day ord row patch")      # keys are ids; patch: the columns sent, or None


def history(r, number, days, partial):
    """Random truth: a list of Changes in the order they were done. One Change may move a key."""
    rows, out, t = {}, [], 0
    for _ in range(r.randint(1, 14)):
        if r.random() < 0.35:
            t = min(days - 1, t + r.randint(0, 2))
        here = list(rows)
        what = r.random()
        place = len(out) + 1
        if not here or what < 0.25:
            free = [i for i in range(1, 5) if i not in rows]
            if not free:
                continue
            i = r.choice(free)
            rows[i] = {"s": number, "id": i, "v": r.randint(0, 3), "w": "x%d" % r.randint(0, 9)}
            out.append(Change("c", i, None, t, place, dict(rows[i]), None))
            continue
        i = r.choice(here)
        if what < 0.45:
            out.append(Change("d", i, None, t, place, rows.pop(i), None))
        elif what < 0.6 and len(rows) < 4:
            k = r.choice([k for k in range(1, 5) if k not in rows])
            row = dict(rows.pop(i), id=k)
            row["v"] += r.randint(0, 1)
            rows[k] = row
            out.append(Change("u", k, i, t, place, dict(row), None))
        else:
            new = {c: v for c, v in (("v", r.randint(0, 9)), ("w", "y%d" % r.randint(0, 9))) if r.random() < 0.7}
            rows[i] = dict(rows[i], **new)
            out.append(Change("u", i, None, t, place, dict(rows[i]), new if partial and r.random() < 0.5 else None))
    return out, rows


def lines(c, before, number, own_key):
    """A change as cdc-norm writes it: with own keys a move is two lines, without it is one and `old` tells."""
    ts = int(datetime.datetime(DAY0.year, DAY0.month, DAY0.day, 9, tzinfo=datetime.timezone.utc).timestamp() + c.day * 86400) * 1000 + c.ord
    key = lambda i: text({"s": number, "id": i}) if own_key else "null"
    one = lambda op, i, half, row, more="", src="{}": (
        '{"op":"%s","db":"d","table":"t","key":%s,"ts":%d,"ord":"%08d.%d","row":%s%s,"src":%s}' % (op, key(i), ts, c.ord, half, text(row), more, src))
    if c.old_key is None:
        if c.patch is not None:
            return [one(c.op, c.key, 1, dict({"s": number, "id": c.key}, **c.patch), "", '{"partial":true}')]
        return [one(c.op, c.key, 1, c.row)]
    old = {k: v for k, v in before.items() if c.row[k] != v}
    if own_key:
        return [one("d", c.old_key, 0, before), one("c", c.key, 1, c.row, ',"old":' + text(old))]
    return [one("u", c.key, 1, c.row, ',"old":' + text(old))]


def told(r, truth, number, own_key, disorder=True):
    """(day of the change, line) for each line, some twice, in any order."""
    rows, out = {}, []
    for c in truth:
        before = rows.pop(c.old_key) if c.old_key is not None else rows.get(c.key)
        for ln in lines(c, before, number, own_key):
            out += [(c.day, ln)] * r.choice((1, 1, 1, 2))
        if c.op == "d":
            rows.pop(c.key)
        else:
            rows[c.key] = c.row
    if disorder:
        r.shuffle(out)
    return out


def zipper(truth, mark=True):
    """The oracle of --scd2: {id: [(from, to, row, deleted)]}: of each day the last change, each ending the day before the next."""
    steps, rows, out = collections.defaultdict(dict), {}, {}
    for c in truth:
        if c.old_key is not None:
            steps[c.old_key][c.day] = (rows.pop(c.old_key), True)
        steps[c.key][c.day] = (c.row, c.op == "d")
        rows[c.key] = c.row
    for i, by_day in steps.items():
        at = sorted(by_day)
        ends = [day(t - 1) for t in at[1:]] + [OPEN]
        out[i] = [(day(t), e, by_day[t][0], by_day[t][1]) for t, e in zip(at, ends) if mark or not by_day[t][1]]
    return out


def row_line(row, first=None, last=None, deleted=False, ord_=None):
    more = {}
    if first:
        more = {"start_date": first, "end_date": last}
    if deleted:
        more["deleted"] = True
    if ord_:
        more["ord"] = ord_
    return text(dict(row, **more))


def merge(args, data):
    p = subprocess.run([os.path.join(BIN, "cdc-merge")] + args, input="".join(x + "\n" for x in data).encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    return p.returncode, p.stdout.decode().splitlines(), p.stderr.decode()


def canonical(rows):
    """(number, id, line) triples in key byte order; rows of one key stay in their order."""
    return [x[2] for x in sorted(rows, key=lambda x: ("%d,%d" % (x[0], x[1])).encode())]


def differ(got, want):
    for i, (a, b) in enumerate(zip(got + [None], want + [None])):
        if a != b:
            return "line %d of %d (%d wanted)\n  got  %s\n  want %s" % (i + 1, len(got), len(want), a, b)
    return "lengths"


def snapshot(own_key, mark, partial, with_base):
    r = random.Random("%d snapshot %s %s %s %s" % (SEED, own_key, mark, partial, with_base))
    data, want, base = [], [], []
    for h in range(HISTORIES):
        truth, rows = history(r, h, 5, partial)
        cut = r.randint(0, len(truth)) if with_base else 0
        state, left = {}, {}
        for k, c in enumerate(truth):
            if k == cut:
                base += [(h, i, text(x)) for i, x in state.items()]
                left = {}
            if c.old_key is not None:
                left[c.old_key] = state.pop(c.old_key)
            if c.op == "d":
                left[c.key] = state.pop(c.key)
            else:
                state[c.key] = c.row
        if cut == len(truth):
            base += [(h, i, text(x)) for i, x in state.items()]
            left = {}
        lines_ = told(random.Random(r.random()), truth, h, own_key)
        if cut:
            # what the base holds already is not told again: a base without ords is older than all changes
            head = {"%08d" % c.ord for c in truth[:cut]}
            lines_ = [x for x in lines_ if re.search(r'"ord":"(\d+)', x[1]).group(1) not in head]
        data += [x[1] for x in lines_]
        want += [(h, i, text(x)) for i, x in state.items()]
        if mark:
            want += [(h, i, row_line(x, deleted=True)) for i, x in left.items() if i not in state]
    r.shuffle(data)
    r.shuffle(base)
    args = [] if own_key else ["-k", "s,id"]
    args += ["--deletes", "mark"] if mark else []
    name = "%d histories: %s key, deletes %s%s%s" % (HISTORIES, "own" if own_key else "-k", "mark" if mark else "drop",
                                                  ", partial rows" if partial else "", ", on a base" if with_base else "")
    with tempfile.TemporaryDirectory() as d:
        if with_base:
            order = canonical(base) if mark else [x[2] for x in base]      # in key order, and in none
            with open(d + "/base", "w") as f:
                f.write("".join(x + "\n" for x in order))
            args += ["--base", d + "/base"]
        rc, got, err = merge(args, data)
        want = canonical(want)
        point(rc == 0 and err == "" and got == want, name, "%d %s\n%s" % (rc, err, differ(got, want)))


def zippers(ord_, partial, late):
    """Days one after the other, each on the zipper of the day before; some changes are told a day or two too late."""
    days = 5
    r = random.Random("%d zipper %s %s %s" % (SEED, ord_, partial, late))
    feed, want = collections.defaultdict(list), []
    for h in range(HISTORIES // 2):
        truth, _ = history(r, h, days, partial)
        own = random.Random(r.random())
        for d, ln in told(own, truth, h, True):
            feed[min(days - 1, d + (own.choice((0, 0, 0, 1, 2)) if late else 0))].append(ln)
        for i, ranges in zipper(truth).items():
            want += [(h, i, row_line(row, a, b, dead)) for a, b, row, dead in ranges]
    unsure = 0
    with tempfile.TemporaryDirectory() as d:
        base = d + "/base"
        for t in range(days):
            r.shuffle(feed[t])
            args = ["--scd2", "--date", day(t)] + (["--base", base] if t else []) + (["--ord", "ord"] if ord_ else [])
            rc, got, err = merge(args, feed[t])
            unsure += sum(int(x) for x in re.findall(r"(\d+) (?:changes are of a day|rows hold only)", err))
            again = merge(args, feed[t][::-1])
            if rc != 0 or again != (rc, got, err):
                break
            with open(base, "w") as f:
                f.write("".join(x + "\n" for x in got))
    name = "%d zippers, %d days%s%s%s" % (HISTORIES // 2, days, ", --ord" if ord_ else "", ", partial rows" if partial else "",
                                       ", late changes" if late else "")
    point(rc == 0 and again == (rc, got, err), name + ": the same in any order", "%d %s" % (rc, err))
    if ord_:
        got = [re.sub(r',"ord":"[^"]*"', "", x) for x in got]
    want = canonical(want)
    if not late or (ord_ and not partial):
        point(got == want and unsure == 0, name + ": what was true", "%d unsure\n%s" % (unsure, differ(got, want)))
    else:
        wrong = {json.loads(x)["s"] for x in set(got) ^ set(want)}
        point(unsure >= len(wrong) > 0, name + ": what may be wrong was counted", "%d wrong, %d counted" % (len(wrong), unsure))


def left_aside():
    """Changes of later days are counted and change nothing."""
    r = random.Random("%d aside" % SEED)
    data, want, aside = [], [], 0
    for h in range(HISTORIES // 5):
        truth, _ = history(r, h, 5, False)
        said = told(r, truth, h, True)
        aside += sum(x[0] > 2 for x in said)
        data += [x[1] for x in said]
        for i, ranges in zipper([c for c in truth if c.day <= 2]).items():
            want += [(h, i, row_line(row, a, b, dead)) for a, b, row, dead in ranges]
    with tempfile.TemporaryDirectory() as d:
        rc, got, err = merge(["--scd2", "--date", day(2), "--stats", d + "/stats"], data)
        with open(d + "/stats") as f:
            s = json.load(f)
    want = canonical(want)
    point(rc == 0 and got == want and s["later_days"] == aside and s["dropped"] == aside, "later days are left aside and counted",
          "%d %s %s, %d wanted\n%s" % (rc, err, s, aside, differ(got, want)))


def truncates():
    """A truncate is met by every key, the base's too; small tables, one process each."""
    r = random.Random("%d truncate" % SEED)
    wrong = ""
    rounds = 60
    for h in range(rounds):
        truth, rows = history(r, h, 3, False)
        cut = r.randint(0, len(truth))
        data = [x[1] for x in told(r, truth, h, True)]
        data.append('{"op":"t","db":"d","table":"t","key":null,"ts":1,"ord":"%08d.5"}' % cut)
        r.shuffle(data)
        state = {}
        for k, c in enumerate(truth):
            if k == cut:
                state.clear()
            if c.old_key is not None:
                state.pop(c.old_key, None)
            if c.op == "d":
                state.pop(c.key, None)
            else:
                state[c.key] = c.row
        if cut == len(truth):
            state.clear()
        want = canonical([(h, i, text(x)) for i, x in state.items()])
        with tempfile.TemporaryDirectory() as d:
            with open(d + "/base", "w") as f:
                f.write('{"s":%d,"id":9,"v":0}\n' % h)
            rc, got, err = merge(["--base", d + "/base"], data)
        if rc != 0 or got != want:
            wrong = "%d %s %s" % (rc, err, differ(got, want))
    point(not wrong, "%d truncated tables" % rounds, wrong)


for own_key in (True, False):
    for mark in (False, True):
        snapshot(own_key, mark, False, False)
snapshot(True, False, True, False)
snapshot(True, True, True, False)
snapshot(True, False, False, True)
snapshot(False, True, False, True)
zippers(False, False, False)
zippers(False, True, False)
zippers(True, False, True)
zippers(True, True, True)
zippers(False, False, True)
left_aside()
truncates()
sys.exit(finish())
