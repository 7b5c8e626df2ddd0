#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""max_rejects - --max-rejects is of a job's life: stages that are started again do not count from nothing, nor an epoch twice; TAP

    BIN=build/bin python3 tests/pipe/max_rejects.py
"""
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests")]
from epoch_play import BIN, Job, Stage, line, source  # noqa: E402
from tap import finish, point  # noqa: E402

DAY = "2026-11-20"


def lines(good, bad, at=0):
    return [b'{"id":%d,"t":"%s"}' % (at + i, DAY.encode()) for i in range(good)] + [b"bad"] * bad


def count(path):
    with open(path, "rb") as f:
        return f.read().count(b"\n")


def filters():
    for name, argv in (("with a file", ["json-map", "--all", "x=1", "--reject", "{}/bad"]), ("without", ["json-map", "--all", "x=1", "--on-error", "skip"]),
                       ("of a stage with state", ["dedup", "-k", "id", "--reject", "{}/bad"])):
        with tempfile.TemporaryDirectory() as d:
            argv = [a.replace("{}", d) for a in argv] + ["--max-rejects", "5"]
            job = Job(d)
            s = Stage(job, argv)
            ok = s.epoch(1, lines(3, 2)) is not None and s.epoch(2, lines(3, 2, 10)) is not None
            s.send(lines(0, 1), b"")
            s.kill()
            for _ in range(3):          # the same epoch again and again
                s = Stage(job, argv, at=1)
                ok = ok and s.epoch(2, lines(3, 2, 10)) is not None
                s.kill()
            ok = ok and ("--reject" not in argv or count(d + "/bad") == 4)
            s = Stage(job, argv, at=2)
            got = s.epoch(3, lines(1, 1, 20)), s.epoch(4, lines(1, 1, 30))
            s.finish()
            point(ok and got[0] and got[1] is None and s.over[0] == 3 and "more than 5 rejects" in s.over[1], "a filter, %s: the sixth in its life is 3" % name,
                  (ok, got, s.over))
            s = Stage(job, argv[:-1] + ["6"], at=3)
            point(s.epoch(4, lines(1, 1, 30)) is not None, "with a higher limit it goes on", s.kill())
    with tempfile.TemporaryDirectory() as d:
        job, argv = Job(d), ["json-map", "--all", "x=1", "--on-error", "skip", "--max-rejects", "10%"]
        s = Stage(job, argv)
        ok = s.epoch(1, lines(91, 9)) is not None
        s.kill()
        s = Stage(job, argv, at=1)
        ok = ok and s.epoch(2, lines(9, 1)) is not None
        got = s.epoch(3, lines(1, 3))
        s.finish()
        point(ok and got is None and s.over[0] == 3 and "13 of 114 records rejected: more than 10%" in s.over[1],
              "a share is of all that came, and judged at each control line", (ok, got, s.over))


def wait(s, job, sink, k):
    end = time.monotonic() + 60
    while s.p.poll() is None and time.monotonic() < end:
        if os.path.exists(os.path.join(job.dir, "ack", sink)) and job.acked(sink) >= k:
            return True
        time.sleep(0.005)
    return False


def sink(name, argv, env, made):
    """Bad lines, and for MySQL rows that the server refuses, are counted; four sinks' lives."""
    with tempfile.TemporaryDirectory() as d:
        job = Job(d, ["j"])
        argv = argv + ["--job", "j", "--reject", d + "/bad", "--max-rejects", "5"]
        start = lambda at: Stage(job, argv, at=at, stdout=subprocess.DEVNULL, env=env)

        def epoch(s, k, rows):
            s.send(rows, line("mark", k, len(rows), job.run, hops=[source(len(rows))]))
            return wait(s, job, "j", k)
        s = start(0)
        ok = epoch(s, 1, made(3, 2, 0)) and epoch(s, 2, made(3, 2, 10))
        s.send(made(1, 1, 20), b"")
        s.kill()
        s = start(0)        # another sink is behind: epochs come again that this one has
        for k in (1, 2):
            s.send(made(3, 2, 10 * k - 10), line("mark", k, 5, job.run, hops=[source(5)]))
        ok = ok and epoch(s, 3, made(1, 1, 20))
        point(ok and count(d + "/bad") == 5, "%s: what is committed is not counted again" % name, (ok, s.kill() if not ok else ""))
        s.kill()
        s = start(3)
        rows = made(1, 1, 30)
        s.send(rows, line("mark", 4, len(rows), job.run, hops=[source(len(rows))]))
        s.p.stdin.close()
        s.finish()
        point(s.over[0] == 3 and "more than 5 rejects" in s.over[1] and job.acked("j") == 3, "%s: the sixth in its life is 3, and its epoch is not committed" % name, s.over)
    p = subprocess.run([os.path.join(BIN, argv[0])] + argv[1:-4] + ["--max-rejects", "5"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=dict(job_env(), **env))
    point(p.returncode == 2 and b"--max-rejects: in a barrier job it takes --reject" in p.stderr, "%s: the count is in the file, so there is one" % name, p)


def job_env():
    return Job(tempfile.mkdtemp(dir=HOME), ["j"]).next_run()


def house():
    with tempfile.TemporaryDirectory() as d:
        sink("wh-put", ["wh-put", "a.t", "--partition-by", "t"], {"PIPEHOUSE_ROOT": d, "LC_ALL": "C"}, lines)


def mysql():
    with tempfile.TemporaryDirectory(prefix="db.") as d:
        sh = lambda what: subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), what, d], check=True)
        sh("start")
        try:
            for name in ("bad lines", "rows refused"):
                made = lines if name == "bad lines" else lambda good, bad, at: lines(good, 0, at) + \
                    [b'{"id":%d,"t":"%s"}' % (1000 + at + i, b"no day") for i in range(bad)]
                subprocess.run(["mariadb", "--defaults-file=" + d + "/client.cnf", "-e", "CREATE DATABASE d%d; CREATE TABLE d%d.t (id INT PRIMARY KEY, t DATE)" % (
                    len(name), len(name))], check=True)
                sink("mysql-load, " + name, ["mysql-load", "--defaults-file", d + "/client.cnf", "--table", "d%d.t" % len(name), "-k", "id"], {"LC_ALL": "C"}, made)
        finally:
            sh("stop")


def ingest():
    """A source: epochs that are planned are read again, and what they reject is not counted twice."""
    with tempfile.TemporaryDirectory() as d:
        job = Job(d, ["j"])
        log = open(d + "/a.log", "wb")

        def write(good, bad, at):
            log.write(b"".join(x + b"\n" for x in lines(good, bad, at)))
            log.flush()

        def start(least):
            env = dict(job.next_run(), PIPEHOUSE_ROOT=d + "/wh", LC_ALL="C")
            os.makedirs(os.path.join(job.dir, "begun", str(job.run)), exist_ok=True)
            with open(os.path.join(job.dir, "begun", str(job.run), "j"), "w") as f:
                f.write("%d\n" % least)
            return subprocess.Popen([BIN + "/ingest", "-f", d + "/*.log", "--barriers", "500ms", "--reject", d + "/bad", "--max-rejects", "5"], env=env,
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def upto(p, ids):
            """Control lines until so many records came; the last epoch."""
            k = seen = 0
            for x in p.stdout:
                m = json.loads(x)
                if "$barrier" in m:
                    k = m["id"]
                    if seen >= ids:
                        return k
                else:
                    seen += 1
            return None
        write(3, 2, 0)
        p = start(0)
        ok = upto(p, 3) is not None
        write(3, 2, 10)
        k = upto(p, 3)
        p.kill()
        p.communicate()
        p = start(0)        # all of it again
        ok = ok and upto(p, 6) == k and count(d + "/bad") == 4
        write(1, 1, 20)
        last = upto(p, 1)
        ok = ok and last is not None
        job.ack("j", last or 0)
        point(ok and count(d + "/bad") == 5 and p.poll() is None, "ingest: what is read again is not counted again", (ok, k, count(d + "/bad")))
        write(1, 1, 30)
        out, err = p.communicate(timeout=60)
        point(p.returncode == 3 and b"more than 5 rejects" in err, "ingest: the sixth is 3", (p.returncode, err))
        p = start(last)
        out, err = p.communicate(timeout=60)
        point(p.returncode == 3 and b"more than 5 rejects" in err, "ingest: and is so again", (p.returncode, err))
        log.close()


def main():
    global HOME
    with tempfile.TemporaryDirectory(prefix="max-rejects.") as d:
        HOME = d
        for part in (filters, house, ingest, mysql):
            part()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
