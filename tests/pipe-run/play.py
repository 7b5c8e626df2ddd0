#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""play - stages for the tests of pipe-run: they speak control lines, and nothing of them comes from the product

    play.py source [--epochs N] [--every S] [--linger S] [--silent-at K [--half]]    three records an epoch, or half a line and no more; SIGTERM: `end` behind the running one
    play.py pass [--what kill|hang|exit --at K [--status N]] [--once FILE]
    play.py sink NAME [--late S]            rows and epoch in FILE NAME.db, replaced whole; FILE is in the working directory

What is to happen at epoch K happens in the run that makes FILE (--once), or in every run.
"""
import argparse
import json
import os
import signal
import sys
import time

JOB, RUN = os.environ["PIPEHOUSE_JOB"], int(os.environ["PIPEHOUSE_JOB_RUN"])
with open(os.path.join(JOB, "nonce"), encoding="ascii") as f:
    NONCE = f.read().strip()
HEAD = '{"$barrier":"%s"' % NONCE
OUT = sys.stdout.buffer


def put(path, text):
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write(text)
    os.rename(path + ".new", path)


def number(path):
    try:
        with open(path, encoding="ascii") as f:
            return int(f.read())
    except FileNotFoundError:
        return None


def control(kind, k, n, hops):
    line = {"$barrier": NONCE, "id": k, "run": RUN, "kind": kind, "n": n, "now": 1000 * k, "wm": None, "from": {}, "to": {}, "pins": {}, "hops": hops}
    OUT.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    OUT.flush()


def hop(name, n, wrote):
    return {"t": name, "in": n, "pass": wrote, "drop": n - wrote, "used": 0, "rej": 0, "made": 0}


def happens(a):
    if a.once is None:
        return True
    try:
        os.close(os.open(a.once, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def source(a):
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    signal.signal(signal.SIGHUP, lambda *_: put("hup", "1"))
    put(os.path.join(JOB, "source.pid"), "%d\n" % os.getpid())
    with open(os.path.join(JOB, "sinks"), encoding="ascii") as f:
        sinks = f.read().split()
    while True:
        begun = [number(os.path.join(JOB, "begun", str(RUN), s)) for s in sinks]
        if None not in begun:
            break
        if stop:
            sys.exit(75)
        time.sleep(0.01)
    k = min(begun)
    control("open", k, 0, [hop("play", 0, 0)])
    while True:
        k += 1
        if a.silent_at == k and happens(a):
            OUT.write(b'{"epoch":' if a.half else b"")
            OUT.flush()
            time.sleep(1000)
        while min(number(os.path.join(JOB, "ack", s)) or 0 for s in sinks) < k - 4:
            time.sleep(0.01)
        put(os.path.join(JOB, "plan", str(k)), '{"id":%d,"from":{},"to":{},"n":3,"xxh64":"%016x","now":0,"wm":%d,"pins":{},"water":{},"side":0,"sign":""}\n' %
            (k, 0, 1000 * k))
        for i in range(3):
            OUT.write(b'{"epoch":%d,"i":%d}\n' % (k, i))
        over = stop or 0 < a.epochs <= k        # behind it, where the last one had come to all and the run was held to have failed
        control("end" if over else "mark", k, 3, [hop("play", 3, 3)])
        if over:
            time.sleep(a.linger)
            return 0
        time.sleep(a.every)


def stage(a):
    """Lines go on as they come; what the sink adds is its own."""
    n = 0
    for line in sys.stdin.buffer:
        if not line.startswith(HEAD.encode()):
            n += 1
            OUT.write(line)
            continue
        m = json.loads(line)
        assert m["n"] == n, (m, n)
        if m["id"] == a.at and m["kind"] != "open" and happens(a):
            if a.what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif a.what == "hang":
                time.sleep(1000)
            sys.exit(a.status)
        control(m["kind"], m["id"], n, m["hops"] + [hop("play", n, n)])
        n = 0
        if m["kind"] == "end":
            return 0
    return 75


def sink(a):
    path = a.name + ".db"
    try:
        with open(path, encoding="ascii") as f:
            db = json.load(f)
    except FileNotFoundError:
        db = {"id": 0, "rows": []}
    os.makedirs(os.path.join(JOB, "begun", str(RUN)), exist_ok=True)
    time.sleep(a.late)
    put(os.path.join(JOB, "begun", str(RUN), a.name), "%d\n" % db["id"])
    rows = []
    for line in sys.stdin.buffer:
        if not line.startswith(HEAD.encode()):
            rows.append(json.loads(line))
            continue
        m = json.loads(line)
        assert m["n"] == len(rows), (m, rows)
        if m["kind"] != "open" and m["id"] > db["id"]:
            assert m["id"] == db["id"] + 1, (m, db["id"])
            db = {"id": m["id"], "rows": db["rows"] + rows}
            put(path, json.dumps(db))
            put(os.path.join(JOB, "ack", a.name), "%d\n" % db["id"])
        rows = []
        if m["kind"] == "end":
            return 0
    return 75


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    p = argparse.ArgumentParser()
    sub = p.add_subparsers(dest="as_what", required=True)
    s = sub.add_parser("source")
    s.add_argument("--epochs", type=int, default=0)
    s.add_argument("--every", type=float, default=0.02)
    s.add_argument("--silent-at", type=int)
    s.add_argument("--half", action="store_true")
    s.add_argument("--once")
    s.add_argument("--linger", type=float, default=0)
    s = sub.add_parser("pass")
    s.add_argument("--what", choices=("kill", "hang", "exit"))
    s.add_argument("--at", type=int)
    s.add_argument("--status", type=int, default=0)
    s.add_argument("--once")
    s = sub.add_parser("sink")
    s.add_argument("name")
    s.add_argument("--late", type=float, default=0)
    s.add_argument("--job", help="for fan-out, which knows sinks by that word")
    a = p.parse_args()
    return {"source": source, "pass": stage, "sink": sink}[a.as_what](a)


if __name__ == "__main__":
    sys.exit(main())
