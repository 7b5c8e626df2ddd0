#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_database - 100,000 random sequences of statements done in SQLite, told as Maxwell and Canal tell them, merged back; TAP

    BIN=build/bin python3 tests/cdc/t_database.py [SEED [SEQUENCES]]

SQLite is the database and the oracle: what changed is what its rows were before and after each statement, what is true is what
it selects, at the end and at the end of each day.  Transactions that are rolled back are told by nobody.  The feed comes in
three partitions, twice in part, its end once more, and in no order: among and within partitions where messages name their
place in the binlog; among partitions alone where only Kafka's offsets order them.
"""
import datetime
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
SEQUENCES = int(sys.argv[2]) if len(sys.argv) > 2 else (8000 if os.environ.get("SANITIZED") else 100000)
DAYS, T0, OPEN = 3, 1793491200, "9999-12-31"        # from 2026-11-01 00:00 UTC
NAME = [(datetime.date(2026, 11, 1) + datetime.timedelta(i)).isoformat() for i in range(DAYS)]
rnd = random.Random(SEED)


# ---- the database ----

def statement(s, live):
    """SQL and its values for owner s, whose rows have these ids."""
    what, r, free = rnd.random(), int(rnd.random() * 720), [k for k in range(3) if k not in live]
    if not live or (what < 0.25 and free):
        return "INSERT INTO t VALUES (?, ?, ?, ?)", (s, free[r % len(free)], r % 9, "w%d" % (r % 8))
    i = live[r % len(live)]
    if what < 0.4:
        return "DELETE FROM t WHERE s = ? AND id = ?", (s, i)
    if what < 0.55 and free:
        return "UPDATE t SET id = ?, v = v + ? WHERE s = ? AND id = ?", (free[0], r % 2, s, i)
    if what < 0.7:
        return "UPDATE t SET v = v + 1, w = w || v WHERE s = ?", (s,)
    if what < 0.85:
        return "UPDATE t SET v = ? WHERE s = ? AND id = ?", (r % 9, s, i)
    return "UPDATE t SET w = NULLIF(?, 'w0') WHERE s = ? AND id = ?", ("w%d" % (r % 9), s, i)


def transaction(db, s, was):
    """The events of one transaction, each what a statement did, [(op, before, after)] of its rows; and the owner's rows now."""
    events = []
    for _ in range(1 + (rnd.random() < 0.4)):
        db.execute(*statement(s, [r[0] for r in was.values()]))
        now = {r[0]: r[1:] for r in db.execute("SELECT rowid, id, v, w FROM t WHERE s = ?", (s,))}
        rows = [("delete", was[k], None) for k in was if k not in now] + [("insert", None, now[k]) for k in now if k not in was]
        rows += [("update", was[k], now[k]) for k in now if k in was and was[k] != now[k]]
        events += [rows] if rows else []
        was = now
    return events, was


def history():
    """[(day, owner, events) of each transaction], and the table at the end of each day."""
    db, told, at_end, rows = sqlite3.connect(":memory:", isolation_level=None), [], [], [{} for _ in range(SEQUENCES)]
    db.execute("CREATE TABLE t (s INT, id INT, v INT, w TEXT, UNIQUE (s, id))")
    for day in range(DAYS):
        db.execute("BEGIN")
        for s in range(SEQUENCES):
            for _ in range(int(rnd.random() * 2.6)):
                if rnd.random() < 0.05:
                    db.execute("SAVEPOINT x")
                    transaction(db, s, rows[s])
                    db.execute("ROLLBACK TO x")
                    db.execute("RELEASE x")
                    continue
                events, rows[s] = transaction(db, s, rows[s])
                if events:
                    told.append((day, s, events))
        db.execute("COMMIT")
        at_end.append({(r[0], r[1]): r[2:] for r in db.execute("SELECT s, id, v, w FROM t")})
    return told, at_end


# ---- who tells of it ----

def image(s, row):
    return '{"s":%d,"id":%d,"v":%d,"w":%s}' % (s, row[0], row[1], "null" if row[2] is None else '"%s"' % row[2])


def changed(before, after):
    cells = ['"%s":%s' % (c, json.dumps(b)) for c, b, a in zip(("id", "v", "w"), before, after) if a != b]
    return ',"old":{%s}' % ",".join(cells)


def maxwell(told):
    """Lines with (binlog, offset, row of the transaction); rows of one statement share their offset."""
    out, pos = [], 4
    for xid, (day, s, events) in enumerate(told):
        rows, k = [(pos + 100 * e, r) for e, event in enumerate(events) for r in event], 0
        for at, (op, before, after) in rows:
            k += 1
            out.append('{"database":"d","table":"t","type":"%s","ts":%d,"xid":%d,%s,"position":"bin.%06d:%d","data":%s%s}\n' % (
                op, T0 + day * 86400 + 60, xid, '"commit":true' if k == len(rows) else '"xoffset":%d' % (k - 1), 9 + at // 10000000, at % 10000000,
                image(s, after or before), changed(before, after) if op == "update" else ""))
        pos += 100 * len(events) + 31
    return out


def canal(told):
    """(partition, message without its end) for each statement: all rows of an event and type, every value a string."""
    out = []
    text = lambda v: "null" if v is None else '"%s"' % v
    row = lambda s, r: '{"s":"%d","id":"%d","v":"%d","w":%s}' % (s, r[0], r[1], text(r[2]))
    for day, s, events in told:
        for event in events:
            for op in ("delete", "insert", "update"):
                rows = [r for r in event if r[0] == op]
                if not rows:
                    continue
                old = ",".join("{%s}" % ",".join('"%s":%s' % (c, text(b)) for c, b, a in zip(("id", "v", "w"), r[1], r[2]) if a != b) for r in rows) if op == "update" else None
                out.append((s % 3, '{"data":[%s],"database":"d","es":%d,"gtid":"","id":1,"isDdl":false,"mysqlType":{"s":"int(11)","id":"int(11)","v":"int(11)",'
                            '"w":"varchar(99)"},"old":%s,"pkNames":["s","id"],"sql":"","table":"t","ts":1,"type":"%s"' % (
                                ",".join(row(s, r[2] or r[1]) for r in rows), (T0 + day * 86400 + 60) * 1000, "[%s]" % old if old is not None else "null", op.upper())))
    return out


def deliver(lines):
    """Any order, some twice, the last fifth once more."""
    out = lines + [x for x in lines if rnd.random() < 0.1] + lines[len(lines) * 4 // 5:]
    rnd.shuffle(out)
    return "".join(out)


def deliver_kafka(messages):
    """Partitions one behind the other in pieces; each in its order, then its last fifth again at new offsets, as after a restart."""
    parts = [[m for p, m in messages if p == k] for k in range(3)]
    parts = [p + p[len(p) * 4 // 5:] for p in parts]
    at, out = [0, 0, 0], []
    while any(a < len(p) for a, p in zip(at, parts)):
        k = rnd.choice([i for i in range(3) if at[i] < len(parts[i])])
        for i in range(at[k], min(len(parts[k]), at[k] + rnd.randrange(1, 2000))):
            out.append('%s,"kafka":{"topic":"x","partition":%d,"offset":%d,"key":null}}\n' % (parts[k][i], k, i))
            at[k] = i + 1
    return "".join(out)


# ---- what becomes of it ----

def pipe(text, d, data=None):
    env = dict({k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}, PATH=BIN + ":" + os.environ["PATH"], TMPDIR=d)
    p = subprocess.run(["bash", "-c", "set -euo pipefail; " + text], cwd=d, env=env, input=None if data is None else data.encode(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=280)
    if p.returncode or p.stderr:
        raise AssertionError("%s: %d %s" % (text, p.returncode, p.stderr.decode(errors="replace")[:1000]))
    return p.stdout.decode()


def as_rows(table):
    return sorted('{"s":%d,"id":%d,"v":%d,"w":%s}' % (k + (r[0], "null" if r[1] is None else '"%s"' % r[1])) for k, r in table.items())


def differ(got, want):
    a, b = set(got), set(want)
    return "%d rows, %d wanted\ntoo many %s\nmissing %s" % (len(got), len(want), sorted(a - b)[:3], sorted(b - a)[:3])


def zipper(d, lines, at_end):
    """Two nights on the feed, the second one with all of the first told again; then what was true of a row on a day."""
    cut = datetime.date(2026, 11, 2).isoformat()
    early = [x for x in lines if int(x[x.index('"ts":') + 5:][:10]) < T0 + 2 * 86400]
    with open(d + "/early", "w") as f:
        f.write(deliver(early))
    with open(d + "/all", "w") as f:
        f.write(deliver(lines))
    pipe("cdc-norm --types types early | cdc-merge --scd2 --date %s --ord ord -o base" % cut, d)
    pipe("cdc-norm --types types all | cdc-merge --scd2 --date %s --ord ord --base base -o zip" % NAME[-1], d)
    why, was = "", None
    with open(d + "/zip") as f:
        for x in f:
            r = json.loads(x)
            key, start, end = (r["s"], r["id"]), r["start_date"], r["end_date"]
            if was and was[0] != key and was[1] != OPEN or was and was[0] == key and \
                    start != (datetime.date.fromisoformat(was[1]) + datetime.timedelta(1)).isoformat() or start > end:
                why = why or "behind %s: %s" % (was, x)
            was = (key, end)
    point(not why and was and was[1] == OPEN, "zipper: no overlap, no gap, closed at 9999-12-31", why)
    facts = [(s, int(rnd.random() * 3), int(rnd.random() * DAYS)) for s in range(SEQUENCES // 2) for _ in range(2)]
    got = pipe("dimjoin -k s,id --as-of day --fields v,w,deleted --miss null zip", d,
               "".join('{"s":%d,"id":%d,"day":"%s"}\n' % (s, i, NAME[t]) for s, i, t in facts)).splitlines()
    wrong = ""
    for (s, i, t), x in zip(facts, got):
        r, want = json.loads(x), at_end[t].get((s, i))
        if (None if r["deleted"] else (r["v"], r["w"])) != (want or (None, None)) and not (want is None and r["deleted"]):
            wrong = wrong or "%s, in the database %s" % (x, want)
    there = sum((s, i) in at_end[t] for s, i, t in facts)
    point(len(got) == len(facts) and not wrong and there > SEQUENCES / 16, "zipper: %d rows as of a day are what the database held then" % len(facts), wrong)


def main():
    told, at_end = history()
    want = as_rows(at_end[-1])
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/types", "w") as f:
            for c, t, k in (("s", "int(11)", 1), ("id", "int(11)", 2), ("v", "int(11)", None), ("w", "varchar(99)", None)):
                f.write(json.dumps({"db": "d", "table": "t", "column": c, "type": t, "key": k}) + "\n")
        lines = maxwell(told)
        got = sorted(pipe("cdc-norm --types types | cdc-merge", d, deliver(lines)).splitlines())
        point(got == want and want, "%d sequences, %d changes by their place in the binlog: the %d rows of the database" % (SEQUENCES, len(lines), len(want)), differ(got, want))
        messages = canal([x for x in told if x[1] < SEQUENCES // 3])
        want = [x for x in want if int(x[5:x.index(",")]) < SEQUENCES // 3]
        got = sorted(pipe("cdc-norm --meta kafka | cdc-merge", d, deliver_kafka(messages)).splitlines())
        point(got == want, "%d messages of %d sequences by partition and offset: the same" % (len(messages), SEQUENCES // 3), differ(got, want))
        zipper(d, maxwell([x for x in told if x[1] < SEQUENCES // 2]), at_end)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
