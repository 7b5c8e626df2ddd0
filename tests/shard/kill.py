#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill - a job whose pipeline branches and shards, its processes killed at random: each table has what plain Python says; TAP

    BIN=build/bin python3 tests/shard/kill.py [SEED [KILLS]]

A log grows; ingest cuts it into epochs; fan-out gives each record to a branch that ends in a sink of its own behind two sharded
dedups, and to one whose lines go on, through a foreign tool, to another sink.  Two sinks are rarely equally far when something is
killed: what one has already must be what the other one gets.

The second case is one order of things that a random kill meets once in a hundred: one branch is ahead, goes back with the other,
and is killed before it is there again, when the other one is.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cases  # noqa: E402
from runs import end_all, run_number, run_of, up_again  # noqa: E402

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 6
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 8
TMP = tempfile.mkdtemp(prefix="fan-in-kill.")
STATE = os.path.join(TMP, "state")
LIMIT = 100 * (4 if cases.SANITIZED else 1)
ENV = dict(cases.environment(TMP), PIPEHOUSE_ROOT=os.path.join(TMP, "wh"), PIPEHOUSE_STATE=STATE)
PIPE = """j: restart=30ms restart-max=100ms sinks=once,all
	ingest --barriers 50ms -f '%s/in/*.log' | json-map --all |
	fan-out 'shard -n 2 -k id -- dedup -k id | shard -n 3 -k x -- dedup -k id,x | wh-put a.once --partition-by t --job once' \\
	    'json-map --all' |
	shard -n 2 --stateless -- tr y z | wh-put a.all --partition-by t --job all
"""

# A gate stands still before a record of id 3 while its file is there.
GATE = """sh -c 'while IFS= read -r l; do case $l in {\\"id\\":3,*) while [ -e hold.NAME ]; do sleep .02; done; esac; printf "%s\\n" "$l"; done'"""
BRANCHES = """b: restart=30ms restart-max=100ms sinks=once,all
	ingest --barriers 50ms -f '%s/in/b.log' |
	fan-out "$(cat once.sh)" "$(cat all.sh)" |
	wh-put b.all --partition-by t --job all
"""


def call(*argv, status=0):
    p = subprocess.run([os.path.join(cases.BIN, argv[0]), *argv[1:]], env=ENV, cwd=TMP, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       stdin=subprocess.DEVNULL, timeout=LIMIT)
    assert status is None or p.returncode == status, (argv, p.returncode, p.stderr.decode())
    return p.stdout


def processes(job="j"):
    """Who is in the job, pipe-run itself not."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if ("PIPEHOUSE_JOB=" + os.path.join(STATE, job)).encode() in f.read().split(b"\0"):
                    with open("/proc/%s/comm" % pid, encoding="utf-8") as name:
                        found.append((int(pid), name.read().strip()))
        except OSError:
            pass
    return found


def rows(table):
    return call("wh-cat", "--missing-ok", table).splitlines()


def until_rows(table, n, job):
    until = time.monotonic() + LIMIT
    while len(rows(table)) < n:
        assert job.poll() is None and time.monotonic() < until, "%s: %d rows, wanted %d" % (table, len(rows(table)), n)
        time.sleep(0.05)


def kill_all(job):
    run = run_number(STATE + "/b")
    end_all([pid for pid, _ in processes("b")])
    assert up_again(STATE + "/b", run, job, 100), "no other run began"


def behind():
    """One branch goes back, and is killed before it is where the other one is by then."""
    def gate(i, shut):
        path = os.path.join(TMP, "hold.%d" % i)
        if shut:
            open(path, "w", encoding="ascii").close()
        else:
            os.unlink(path)

    def line(i):
        return b'{"id":%d,"t":"2026-11-20 10:00:00"}\n' % i

    def write(log, ids):
        for i in ids:
            log.write(line(i))

    once = GATE.replace("NAME", "0") + " | dedup -k id | wh-put b.once --partition-by t --job once"
    for name, text in (("once.sh", once), ("all.sh", GATE.replace("NAME", "1"))):
        with open(os.path.join(TMP, name), "w", encoding="ascii") as f:
            f.write(text)
    with open(os.path.join(TMP, "b.pipe"), "w", encoding="ascii") as f:
        f.write(BRANCHES % TMP)
    why = ""
    with open(os.path.join(TMP, "b.err"), "wb") as err, open(os.path.join(TMP, "in/b.log"), "wb", buffering=0) as log:
        job = subprocess.Popen([os.path.join(cases.BIN, "pipe-run"), "b.pipe", "run"], cwd=TMP, env=ENV, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=err)
        try:
            write(log, (1, 2, 1))
            until_rows("b.all", 3, job)
            until_rows("b.once", 2, job)
            gate(1, True)
            log.write(b"".join(line(i) for i in (3, 3)))    # in one epoch
            until_rows("b.once", 3, job)
            gate(0, True)
            kill_all(job)         # both go back to where `all` is
            gate(1, False)
            until_rows("b.all", 5, job)     # `all` is there again, the dedup of `once` is not
            kill_all(job)
            gate(0, False)
            write(log, (4, 3, 4))
            until_rows("b.all", 8, job)
            until_rows("b.once", 4, job)
        except AssertionError as e:
            why = str(e)
        stopped = subprocess.run([os.path.join(cases.BIN, "pipe-run"), "b.pipe", "stop"], cwd=TMP, env=ENV, check=False,
                                 capture_output=True)
        status = job.wait(LIMIT)
    ids = [[json.loads(r)["id"] for r in rows(table)] for table in ("b.all", "b.once")]
    if ids != [[1, 2, 1, 3, 3, 4, 3, 4], [1, 2, 3, 4]]:
        why = "%s rows %s" % (why, ids)
    if why or status != 0:
        with open(os.path.join(TMP, "b.err"), "rb") as f:
            why = "%s; ended with %d, %s\n%s" % (why, status, stopped.stderr, f.read()[-1500:].decode("utf-8", "replace"))
    print("%sok 2 - a branch that was ahead is killed before it is there again: nothing is lost, nothing doubled" % ("not " if why else ""))
    for line in why.splitlines():
        print("# " + line)
    return bool(why)


def main():
    rng = random.Random(SEED)
    with open(os.path.join(TMP, "j.pipe"), "w", encoding="ascii") as f:
        f.write(PIPE % TMP)
    os.mkdir(os.path.join(TMP, "in"))
    sent, killed, run = [], [], 0
    with open(os.path.join(TMP, "run.err"), "wb") as err, open(os.path.join(TMP, "in/a.log"), "wb", buffering=0) as log:
        job = subprocess.Popen([os.path.join(cases.BIN, "pipe-run"), "j.pipe", "run"], cwd=TMP, env=ENV, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=err)
        until = time.monotonic() + LIMIT
        while len(killed) < KILLS and job.poll() is None and time.monotonic() < until:
            for _ in range(rng.randrange(1, 400)):
                sent.append(b'{"id":%d,"t":"2026-11-20 10:00:00","x":"%s","n":%d}' % (rng.randrange(5000), b"y" * rng.randrange(9), len(sent)))
                log.write(sent[-1] + b"\n")
            time.sleep(rng.random() / 3)
            there = processes()
            if len(there) > 8:
                pid, name = rng.choice(there)
                try:
                    of = run_of(pid)
                    os.kill(pid, signal.SIGKILL)
                    run = of or run     # what had ended already belongs to a run that ends anyway
                    killed.append(name)
                except OSError:
                    pass
        up_again(STATE + "/j", run, job)
        until = time.monotonic() + LIMIT
        distinct = len({json.loads(r)["id"] for r in sent})
        while job.poll() is None and time.monotonic() < until and (
                len(rows("a.all")) < len(sent) or len(rows("a.once")) < distinct):
            time.sleep(0.2)
        stopped = call("pipe-run", "j.pipe", "stop", status=None)
        status = job.wait(LIMIT)
    runs = run_number(STATE + "/j")
    seen, once = set(), []
    for r in sent:
        k = json.loads(r)["id"]
        if k not in seen:
            seen.add(k)
            once.append(r)
    wrong = []
    got = rows("a.all")
    if sorted(got) != sorted(r.replace(b"y", b"z") for r in sent):
        wrong.append("a.all: %d rows, sent %d, different %d" % (len(got), len(sent), len(set(got))))
    got = rows("a.once")
    if sorted(got) != sorted(once):
        wrong.append("a.once: %d rows, wanted %d, common %d" % (len(got), len(once), len(set(got) & set(once))))
    if status != 0 or len(killed) != KILLS:
        with open(os.path.join(TMP, "run.err"), "rb") as f:
            wrong.append("pipe-run ended with %d, %s; %d killed; %s" % (status, stopped, len(killed), f.read()[-1500:].decode("utf-8", "replace")))
    print("%sok 1 - %d records through %d runs, %d processes killed: in both tables exactly once" % ("not " if wrong else "", len(sent), runs, len(killed)))
    print("# " + " ".join(sorted(killed)))
    for w in wrong:
        print("# " + w.replace("\n", "\n# "))
    return bool(wrong)


try:
    failed = main() | behind()
    print("1..2")
finally:
    shutil.rmtree(TMP, ignore_errors=True)
sys.exit(failed)
