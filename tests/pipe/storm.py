#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of dag-run and everything below it, at seeded moments of a night, again and again; --resume brings the night to its end.

    STORM=100 python3 tests/pipe/storm.py       so many moments at least, 20 unless given; SEED=N another storm

Nights of real recipes (slice.py) are struck until enough moments have passed.  Three of four strikes kill the whole session at once, one of four dag-run
alone: what it left running goes on beside the next one, which is started at once.  After each strike whatever a reader sees is whole; at each
night's end the data files, the rows, the commits but for run, time and nonce, and the rows in MySQL are those of a night that nobody disturbed.
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slice  # noqa: E402
from shop import Shop, Tap, differences  # noqa: E402

DAY = "2026-06-01"
ENDS = ["load_trade", "load_sales", "dim_user_zip"]
MOMENTS = int(os.environ.get("STORM", "20"))
t = Tap()


def session(sid):
    """Everything alive in a session: what dag-run started, whatever became of its parents and groups."""
    out = []
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open("/proc/%s/stat" % pid) as f:
                    after = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(after[3]) == sid and after[0] != "Z":
                out.append(int(pid))
    return out


def kill_all(sid):
    """Until nothing of it is left: what was forked between a look and a kill is seen by the next look."""
    while True:
        pids = session(sid)
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def strike(house, dag, after, whole, *more):
    """A night that is struck after so many seconds. (status or None when it was struck, session)"""
    p = subprocess.Popen(["dag-run", dag, "--date", DAY, "-j", "2", *more], env=house.env(), start_new_session=True,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return p.wait(after), p.pid
    except subprocess.TimeoutExpired:
        pass
    os.kill(p.pid, signal.SIGKILL)
    if whole:
        kill_all(p.pid)
    p.wait()
    return None, p.pid


def commits(house):
    """What every table's log says, but for who said it and when; a pool file's name holds its commit's nonce."""
    out, base = {}, os.path.join(house.root, "main")
    for table in tables(house):
        log = os.path.join(base, table.replace(".", "/"), "_log")
        for n in sorted(os.listdir(log)):
            if n.endswith(".json") and n[0].isdigit():
                with open(os.path.join(log, n)) as f:
                    c = json.load(f)
                if c["kind"] == "data":
                    for gone in ("run", "ts", "nonce", "sha256", "n", "base", "epoch", "inputs"):
                        c.pop(gone, None)
                    text = re.sub(r"-[0-9]+-[0-9a-f]{32}-", "-", json.dumps(c, sort_keys=True))
                    out.setdefault(table, []).append(re.sub(r'"epoch": [0-9]+', "", text))
    return out


def tables(house):
    p = house.run("wh-ls")
    if p.returncode != 0:
        raise RuntimeError(p.stderr.decode())
    return [json.loads(line)["table"] for line in p.stdout.splitlines()]


def rows(house):
    return {table: house.rows(table) for table in tables(house)}


def night(n, shop, calm, dag, rng):
    """One night, struck until it comes through: how many strikes, and what went wrong."""
    house, strikes, wrong, old = shop.house("storm%d" % n), 0, [], []
    mean = rng.choice((0.3, 0.6, 1.2))
    while True:
        after, whole = min(rng.expovariate(1 / mean), 4 * mean) + 0.02, rng.random() < 0.75
        status, sid = strike(house, dag, after, whole, *(["--resume"] if strikes else []))
        old.append(sid)
        if status is not None and status not in (0, 75):
            wrong.append("strike %d: status %d" % (strikes, status))
        if status == 0:
            break
        strikes += status is None
        if house.run("wh-ls").returncode != 0:
            wrong.append("strike %d: wh-ls does not read what is there" % strikes)
        if strikes > 400 or len(wrong) > 5:
            wrong.append("this night does not end")
            break
        mean = mean * 1.06         # a strike before every node's end would let none through
    for sid in old:
        while session(sid):     # what a struck dag-run left behind ends by itself
            time.sleep(0.02)
    status, events, err = house.dag(dag, DAY, "--resume")
    if status != 0:
        wrong.append("--resume after all: %d %s" % (status, err))
    for what, of in (("files", lambda h: h.files()), ("commits", commits), ("rows", rows), ("metrics", lambda h: h.metrics())):
        a, b = of(calm), of(house)
        if a != b:
            wrong.append("%s differ:\n%s" % (what, "\n".join(line[:400] for line in differences(a, b).splitlines())))
    left = os.listdir(os.path.join(house.root, "main", "_run"))
    if [r for r in left if r not in ("done", "failed") and not r.startswith(".new-")]:
        wrong.append("runs are left in the middle: %s" % left)
    return strikes, wrong


with Shop(scale="0.001", days=1) as shop:
    shop.business_day(DAY)
    dag, calm = slice.cut(shop.dir, ENDS), shop.house("calm")
    began = time.time()
    status, events, err = calm.dag(dag, DAY, "-j", "2")
    t.ok(status == 0, "a night of %d nodes that nobody disturbs" % len(slice.nodes(dag)), err)
    print("# %.1f s" % (time.time() - began))
    rng, strikes, n = random.Random(int(os.environ.get("SEED", "1"))), 0, 0
    while strikes < MOMENTS:
        n += 1
        struck, wrong = night(n, shop, calm, dag, rng)
        strikes += struck
        t.ok(not wrong, "night %d: %d strikes, then as if there had been none" % (n, struck), "\n".join(wrong))
    print("# %d strikes in %d nights, %.1f s" % (strikes, n, time.time() - began))
t.done()
