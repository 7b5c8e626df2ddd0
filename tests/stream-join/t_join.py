#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_join - stream-join on random streams against SQLite: every kind, every type, every way of feeding it; TAP

    BIN=build/bin python3 tests/stream-join/t_join.py [SEED [ROUNDS]]

SQLite joins, finds sessions and puts the lines in the order that the man page promises; which windows hold a time, what is late and what a
key is, is said here in Python.  Streams have ties, equal records, nulls, keys written in several ways, and are out of order.
"""
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cases  # noqa: E402
from tap import finish, same  # noqa: E402

DIR = tempfile.mkdtemp(prefix="join.")
ZONE = "Europe/Berlin"          # the clock goes forward on 2024-03-31
T0 = 1711666800000              # two days before, in milliseconds


def key_form(v):
    if v is None:
        return None
    if isinstance(v, Decimal):
        return format(v.normalize() + 0, "f") if v else "0"
    return json.dumps(v)


class Stream:
    """Records of one side in the order in which they come: (key or None, time in ms, line, late)."""

    def __init__(self, rng, side, count, span, disorder):
        self.rows, newest = [], -1 << 62
        at = sorted(rng.randrange(span) // rng.choice([1, 1, 1000]) * 1 for _ in range(count))
        for i, t in enumerate(at):
            ms = T0 + t - (rng.randrange(disorder + 1) if rng.random() < 0.4 else 0)
            k = rng.choice(['%d' % rng.randrange(7), '%d.0' % rng.randrange(7), '%de0' % rng.randrange(7), '"%d"' % rng.randrange(3), 'null', '-0',
                            '"\\u0041"', '"A"'])
            line = '{"k":%s,"t":%d, "side":"%s","i":%d}' % (k, ms, side, rng.choice([1, i]))
            if rng.random() < 0.05:
                line = '{"t":%d,"side":"%s"}' % (ms, side)
                k = "null"
            self.rows.append((key_form(json.loads(k, parse_int=Decimal, parse_float=Decimal)), ms, line))
            if rng.random() < 0.1:
                self.rows.append(self.rows[-1])

    def judged(self, late):
        """(kept, late lines): late is below the largest time before it less the bound."""
        newest, kept, out = None, [], []
        for k, ms, line in self.rows:
            if newest is not None and ms < newest - late:
                out.append(line)
                continue
            newest = ms if newest is None else max(newest, ms)
            kept.append((k, ms, line))
        return kept, out


def windows(ms, width, slide):
    """Starts and ends of the windows that hold a time: milliseconds, or "day"."""
    if width == "day":
        local = datetime.fromtimestamp(ms / 1000, timezone.utc).astimezone(ZoneInfo(ZONE)).date()
        both = [datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(ZONE)) for d in (local, local + timedelta(days=1))]
        return [tuple(int(d.timestamp()) * 1000 for d in both)]
    start = ms // slide * slide
    return [(s, s + width) for s in range(start, start - width, -slide) if s + width > ms]


PAIRS = """SELECT %(time)s AS at, 0 AS kind, l.k AS k, l.t AS lt, l.line AS ll, r.t AS rt, r.line AS rl, %(w)s, l.rowid AS id FROM l JOIN r ON l.k = r.k AND %(on)s"""
LEFT = """SELECT %(alone)s AS at, %(kind)s AS kind, coalesce(l.k, 'null') AS k, l.t AS lt, l.line AS ll, NULL AS rt, NULL AS rl, %(w)s, l.rowid AS id FROM l
    WHERE %(is)s EXISTS (SELECT 1 FROM r WHERE l.k = r.k AND %(on)s)"""
RIGHT = """SELECT %(alone)s AS at, %(kind)s AS kind, coalesce(r.k, 'null') AS k, NULL AS lt, NULL AS ll, r.t AS rt, r.line AS rl, %(w)s, NULL AS id FROM r
    WHERE NOT EXISTS (SELECT 1 FROM l WHERE l.k = r.k AND %(on)s)"""


def expect(left, right, kind, join):
    """The lines, by SQL."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE l (k, t INTEGER, line, w INTEGER, e INTEGER)")
    db.execute("CREATE TABLE r (k, t INTEGER, line, w INTEGER, e INTEGER)")
    for table, rows in (("l", left), ("r", right)):
        for k, t, line in rows:
            for w, e in windows(t, *kind[1:]) if kind[0] == "window" else [(0, 0)]:
                db.execute("INSERT INTO %s VALUES (?,?,?,?,?)" % table, (k, t, line, w, e))
    db.execute("CREATE INDEX li ON l (k, w)")
    db.execute("CREATE INDEX ri ON r (k, w)")
    if kind[0] == "session":
        # a session begins where nothing was for a gap; a record without a key is one by itself
        db.execute("""CREATE TABLE s AS WITH a AS (SELECT 'l' AS side, rowid AS id, k, t FROM l UNION ALL SELECT 'r', rowid, k, t FROM r),
            b AS (SELECT *, k IS NULL OR t - lag(t, 1, -1e18) OVER (PARTITION BY k ORDER BY t) > %d AS begins FROM a),
            c AS (SELECT *, sum(begins) OVER (PARTITION BY k ORDER BY t, side, id) AS nr FROM b)
            SELECT side, id, k, min(t) OVER (PARTITION BY k, nr) AS w, max(t) OVER (PARTITION BY k, nr) AS e FROM c""" % kind[1])
        for table in "lr":
            db.execute("UPDATE %s SET w = s.w, e = s.e FROM s WHERE s.side = '%s' AND s.id = %s.rowid AND s.k IS NOT NULL" % (table, table, table))
            db.execute("UPDATE %s SET w = t, e = t WHERE k IS NULL" % table)
    f = {"on": "l.w = r.w", "w": "l.w AS w, l.e AS e", "kind": 0}
    at = {"window": "w", "session": "e"}.get(kind[0])
    if kind[0] == "between":
        lo, hi = kind[1:]
        f["on"] = "r.t - l.t BETWEEN %d AND %d" % (lo, hi)
    time = "max(l.t, r.t)" if kind[0] == "between" else "l." + at
    alone = ["l.t + %d" % max(hi, 0), "r.t + %d" % max(-lo, 0)] if kind[0] == "between" else ["l." + at, "r." + at]
    parts = []
    if join in ("inner", "left", "right", "full"):
        parts.append(PAIRS % dict(f, time=time))
    if join in ("left", "full", "anti", "semi"):
        f["is"] = "" if join == "semi" else "NOT"
        first = alone[0]
        if join == "semi" and kind[0] == "between":     # known with its first partner
            first = "max(l.t, (SELECT min(r.t) FROM r WHERE l.k = r.k AND %s))" % f["on"]
        parts.append(LEFT % dict(f, alone=first, kind=1 if kind[0] == "between" and join != "semi" else 0))
    if join in ("right", "full"):
        parts.append(RIGHT % dict(f, alone=alone[1], kind=2 if kind[0] == "between" else 0, w="r.w AS w, r.e AS e"))
    lines = []
    # of equal records each has its partners together
    for row in db.execute("SELECT * FROM (" + " UNION ALL ".join(parts) + ") ORDER BY at, kind, k, ll IS NULL, lt, ll, id, rt, rl"):
        line = '{"left":%s,"right":%s' % (row[4] or "null", row[6] or "null")
        if kind[0] != "between":
            line += ',"window_start":%d,"window_end":%d' % row[7:9]
        lines.append(line + "}")
    return lines


def write(name, lines):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write("".join(x + "\n" for x in lines))
    return path


def run(args, pipes=(), data="", block=0):
    """pipes: what one writer writes to FIFOs by turns: (path, text).  block: bytes of the blocks that files are read in."""
    writer = None
    p = subprocess.Popen([os.path.join(cases.BIN, "stream-join")] + args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=dict(cases.environment(DIR), **({"PIPEHOUSE_BLOCK": str(block)} if block else {})), cwd=DIR)
    if pipes:
        def feed():
            files = {}
            for path, text in pipes:
                if path not in files:
                    files[path] = open(path, "w")
                files[path].write(text)
                files[path].flush()
            for f in files.values():
                f.close()
        writer = threading.Thread(target=feed)
        writer.start()
    out, err = p.communicate(data.encode(), 120)
    if writer:
        writer.join()
    if p.returncode != 0 or err:
        return ["exit %d: %s" % (p.returncode, err.decode("utf-8", "replace")[:300])]
    return out.decode().split("\n")[:-1]


def interleave(rng, left, right):
    """Both streams, each in its order, mixed."""
    queues, out = [list(left), list(right)], []
    while queues[0] or queues[1]:
        side = 0 if not queues[1] or (queues[0] and rng.random() < 0.5) else 1
        out.append((side, queues[side].pop(0)))
    return out


def check(rng, kind, args, join, left, right, disorder):
    title = "%s %s %s" % (kind[0], " ".join(str(x) for x in kind[1:]), join)
    l, r = [[x[2] for x in s.rows] for s in (left, right)]
    fl, fr = write("l", l), write("r", r)
    common = ["-k", "k", "-t", "t:ms", "--type", join, "--tz", ZONE] + args
    two = ["--left", fl, "--right", fr]
    want = expect(left.rows, right.rows, kind, join)
    same(title, run(two + common), want)
    stats = os.path.join(DIR, "stats")
    same(title + " -S 1K", run(two + common + ["-S", "1K", "--stats", stats]), want)
    same(title + " --late", run(two + common + ["--late", "%dms" % disorder]), want)
    # blocks that lines stay in, put in order by the threads that scan them, until the state is shed
    block = rng.randrange(200, 3000)
    for how in (["-j", "1"], ["-j", "2"], ["-j", "3", "--late", "%dms" % disorder], ["-j", "2", "-S", "16K"], ["-j", "1", "-S", "16K"]):
        same("%s %s in blocks of %d" % (title, " ".join(how), block), run(two + common + how, block=block), want)
    mixed = interleave(rng, l, r)
    same(title + " --side", run(["--side", "side"] + common, data="".join(x + "\n" for _, x in mixed)), want)
    fifos = [os.path.join(DIR, "fifo%d" % i) for i in (0, 1)]
    cut = []        # lines in two halves, and the other side between them
    for side, x in mixed:
        at = rng.randrange(len(x))
        cut += [(fifos[side], x[:at])] + ([] if rng.random() < 0.7 else [(fifos[1 - side], " \n" if rng.random() < 0.5 else "")]) + [(fifos[side], x[at:] + "\n")]
    # a half line of the other side would be torn by that: only whole ones stand there
    same(title + " from FIFOs", run(["--left", fifos[0], "--right", fifos[1]] + common, pipes=[x for x in cut if x[1] != " \n"]), want)
    # and a file with a FIFO, each with a thread of its own that scans
    side = rng.randrange(2)
    pair = [(fifos if i == side else (fl, fr))[i] for i in (0, 1)]
    how = rng.choice((["-j", "2"], ["-j", "3"], ["-j", "2", "-S", "16K"]))
    same("%s %s, a file and a FIFO" % (title, " ".join(how)),
         run(["--left", pair[0], "--right", pair[1]] + common + how, pipes=[(fifos[side], x + "\n") for x in (l, r)[side]], block=block), want)
    # less than the disorder: what is late is the same however it is fed
    bound = disorder // 3
    (kl, ll), (kr, lr) = left.judged(bound), right.judged(bound)
    want = expect(kl, kr, kind, join)
    to = os.path.join(DIR, "late")
    got = run(two + common + ["--late", "%dms" % bound, "--late-to", to])
    same(title + " with late records", got, want)
    with open(to) as f:
        same(title + ", the late records", sorted(f.read().split("\n")[:-1]), sorted(ll + lr))
    got = run(two + common + ["--late", "%dms" % bound, "--late-to", to, "-j", "2"], block=block)
    same("%s with late records, -j 2 in blocks of %d" % (title, block), got, want)
    os.unlink(to)


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for name in ("fifo0", "fifo1"):
        os.mkfifo(os.path.join(DIR, name))
    kinds = [(("between", -5000, 0), ["--between", "-5s,0"]), (("between", -700, 1300), ["--between", "-700ms,1300ms"]),
             (("between", 100, 3000), ["--between", "100ms,3s"]), (("between", -2000, -1), ["--between", "-2s,-1ms"]), (("between", 0, 0), ["--between", "0,0"]),
             (("window", 2000, 2000), ["--window", "2s"]), (("window", 3000, 1000), ["--window", "3s,1s"]), (("window", 2500, 1000), ["--window", "2500ms,1s"]),
             (("session", 150), ["--session", "150ms"]), (("session", 1), ["--session", "1ms"])]
    for k in range(rounds):
        rng = random.Random(seed + k)
        disorder = 900
        left, right = Stream(rng, "left", 220, 60000, disorder), Stream(rng, "right", 260, 60000, disorder)
        for kind, args in kinds:
            for join in ("inner", "left", "right", "full", "semi", "anti"):
                check(rng, kind, args, join, left, right, disorder)
        # days of 24, 23 and 24 hours
        left, right = Stream(rng, "left", 60, 5 * 86400000, 3600000), Stream(rng, "right", 60, 5 * 86400000, 3600000)
        for join in ("inner", "full"):
            check(rng, ("window", "day", "day"), ["--window", "1d"], join, left, right, 3600000)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
