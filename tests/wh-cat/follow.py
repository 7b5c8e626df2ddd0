#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""follow - wh-cat --follow against writers of the table: every row once, in order, over restarts; what each kind of commit gives; TAP

    BIN=build/bin python3 tests/wh-cat/follow.py [SEED [KILLS]]

What was put is what must come out; as the source of a barrier job (control lines read by json alone), epochs that are sent
again must be the same bytes.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests/pipe")]
from epoch_play import BIN, NONCE, Job  # noqa: E402
from runs import listens  # noqa: E402

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 15
TMP = tempfile.mkdtemp(prefix="wh-cat-follow.")
PREFIX = b'{"$barrier":"' + NONCE.encode()
done = failed = 0


def told(held, what, why=""):
    global done, failed
    done += 1
    failed += not held
    print("%sok %d - %s%s" % ("" if held else "not ", done, what, "" if held else "\n# " + str(why)[:900].replace("\n", "\n# ")), flush=True)


class House:
    def __init__(self):
        self.dir = tempfile.mkdtemp(dir=TMP)
        self.env = dict(os.environ, PIPEHOUSE_ROOT=os.path.join(self.dir, "wh"), LC_ALL="C", TMPDIR=self.dir)

    def start(self, *argv, **more):
        return subprocess.Popen([os.path.join(BIN, argv[0])] + list(argv[1:]), cwd=self.dir, env=dict(self.env, **more.pop("env", {})), **more)

    def call(self, *argv, data=b"", status=0):
        p = self.start(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate(data, timeout=120)
        assert status is None or p.returncode == status, "%s: %d: %s" % (argv, p.returncode, err.decode())
        self.err, self.status = err.decode(), p.returncode
        return out

    def put(self, rows, table="a.t"):
        self.call("wh-put", table, "--partition-by", "t", data=b"".join(x + b"\n" for x in rows))

    def follow(self, *args, status=0):
        return self.call("wh-cat", "--follow", "--until", "end", *args, status=status).splitlines()


def row(i, day="2026-11-20"):
    return b'{"t":"%s","id":%d}' % (day.encode(), i)


def kinds():
    """Of each kind of commit."""
    h = House()
    h.put([row(1), row(2, "2026-11-19")])
    h.put([row(3)])
    told(h.follow("a.t") == [row(2, "2026-11-19"), row(1), row(3)], "commit for commit, and in each by days", h.follow("a.t"))
    h.call("wh-compact", "a.t")
    h.put([row(4)])
    told(h.follow("a.t") == [row(2, "2026-11-19"), row(1), row(3), row(4)], "a compaction is nothing")
    heads = [json.loads(x)["n"] for x in h.call("wh-ls", "-v", "a.t").splitlines()]
    told(h.follow("--from", str(heads[-2]), "a.t") == [row(4)], "--from N: what came behind N")
    told(h.follow("--from", "now", "a.t") == [], "--from now: nothing yet")
    told(h.follow("--from", str(heads[-1] + 1), "a.t", status=2) == [] and "newest" in h.err, "--from a commit that is not there: 2", h.err)
    told(h.follow("--commit", "at", "--dt", "--from", str(heads[-2]), "a.t") == [row(4)[:-1] + b',"dt":"2026-11-20","at":%d}' % heads[-1]],
         "--commit and --dt name where a row comes from")
    h.call("wh-put", "a.t", "dt=2026-11-18", data=row(5, "2026-11-18") + b"\n")
    told(h.follow("--from", str(heads[-1]), "a.t") == [row(5, "2026-11-18")], "dt= of a day without rows adds rows")
    h.call("wh-put", "a.t", "dt=2026-11-18", data=row(6, "2026-11-18") + b"\n" + row(7, "2026-11-18") + b"\n")
    got = h.follow("--from", str(heads[-1]), "a.t", status=3)
    told(got == [row(5, "2026-11-18")] and "2026-11-18" in h.err, "dt= of a day that had rows ends it with 3, and says so", (got, h.err))
    told(h.follow("--replaced", "skip", "--from", str(heads[-1]), "a.t") == [row(5, "2026-11-18")] and h.err, "--replaced skip goes on without them", h.err)
    told(h.follow("--replaced", "rows", "--from", str(heads[-1]), "a.t") == [row(i, "2026-11-18") for i in (5, 6, 7)], "--replaced rows gives the day anew")
    now = json.loads(h.call("wh-ls", "-v", "a.t").splitlines()[-1])["n"]
    h.call("wh-rollback", "a.t", "dt=2026-11-18")
    told(h.follow("--from", str(now), "a.t", status=3) == [], "so does a rollback", h.err)
    now = json.loads(h.call("wh-ls", "-v", "a.t").splitlines()[-1])["n"]
    h.call("wh-table", "a.t", "-", data=b"kind append\nday t\nkeep 30d\n")
    h.call("wh-gc", "--date", "2027-06-01", "a.t")
    h.put([row(8)])
    told(h.follow("--from", str(now), "a.t") == [row(8)], "days past their keep are no news", h.err)


def keyed():
    h = House()
    h.call("wh-table", "d.k", "-", data=b"kind upsert\nkey id\norder o\nday t\ndeleted gone\n")
    a = b'{"t":"2026-11-20","id":1,"o":1}'
    b = b'{"t":"2026-11-20","id":2,"o":1}'
    c = b'{"t":"2026-11-20","id":1,"o":2,"gone":true}'
    h.put([b, a], "d.k")
    h.put([c], "d.k")
    h.call("wh-compact", "d.k")
    told(h.follow("d.k") == [a, b, c], "of a keyed table the changes come as they were written, tombstones too", h.follow("d.k"))


def usage():
    h = House()
    told(h.follow("a.t", status=1) == [] and "never committed" in h.err, "no table: 1", h.err)
    h.put([row(1)])
    for what, args in (("days", ["a.t@2026-11-20"]), ("-n", ["-n", "2", "a.t"]), ("a point that is none", ["--from", "x", "a.t"]),
                       ("--barriers outside a job", ["--barriers", "1s", "a.t"]), ("--event-time without --barriers", ["--event-time", "t", "a.t"])):
        h.call("wh-cat", "--follow", *args, status=None)
        told(h.status == 2, "%s: 2" % what, (h.status, h.err))
    h.call("wh-cat", "--commit", "n", "a.t", status=None)
    told(h.status == 2, "--commit without --follow: 2", h.err)
    h.env["PIPEHOUSE_RUN"] = h.dir
    h.call("wh-cat", "--follow", "a.t", status=None)
    told(h.status != 0, "not in a run", h.err)


def collected():
    h = House()
    for i in range(1, 6):
        h.put([row(i)])
    h.call("wh-compact", "a.t")
    h.put([row(6)])
    h.call("wh-gc", "--keep", "0", "a.t")
    h.put([row(7)])
    told(h.follow("--from", "1", "a.t", status=3) == [] and "collected" in h.err, "a commit that wh-gc collected: 3, in words", h.err)
    told(h.follow("a.t") == [row(i) for i in range(1, 8)], "the beginning is then what the table held there", h.follow("a.t"))


def live():
    """A reader while another process writes; stopped and started again."""
    h, r = House(), random.Random(SEED)
    want, at, got = [], 0, []

    def write():
        for k in range(60):
            part = [row(len(want) + i, "2026-11-%02d" % r.randrange(19, 21)) for i in range(r.randrange(0, 30))]
            h2 = House.__new__(House)
            h2.dir, h2.env = h.dir, h.env
            h2.put(part)
            want.extend(sorted(part, key=lambda x: json.loads(x)["t"]))
            if k % 20 == 19:
                h2.call("wh-compact", "a.t")

    w = threading.Thread(target=write)
    stats = os.path.join(h.dir, "stats")
    p = h.start("wh-cat", "--follow", "--missing-ok", "--stats", stats, "a.t", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    w.start()
    starts, wrong = 1, []
    while True:
        last = not w.is_alive()
        time.sleep(0.5 if last else 0.05 + r.random() * 0.2)
        if not last:
            p.send_signal(signal.SIGTERM)
            out, err = p.communicate(timeout=60)
        else:
            listens(p, signal.SIGINT)
            p.send_signal(signal.SIGINT)
            out, err = p.communicate(timeout=60)
        got += out.splitlines()
        early = p.returncode == -signal.SIGTERM and not out and not err        # it had not got to its first commit
        if (p.returncode != 0 and not early) or err:
            wrong.append((p.returncode, err))
        if not early:
            with open(stats, encoding="utf-8") as f:
                at = json.loads(f.read().splitlines()[-1])["commit"]
        if last:
            break
        starts += 1
        p = h.start("wh-cat", "--follow", "--missing-ok", "--from", str(at), "--stats", stats, "a.t", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    w.join()
    got += h.follow("--from", str(at), "a.t")
    told(not wrong, "SIGTERM ends it with 0, between two commits", wrong)
    told(got == want, "%d rows of a table under writers, over %d starts: each once, in order" % (len(want), starts), (len(got), len(want)))
    p = h.start("wh-cat", "--follow", "a.t", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.close()
    told(p.wait(timeout=60) in (0, -signal.SIGPIPE) and p.stderr.read() == b"", "it ends when nobody reads it any more")
    p.stderr.close()


def ack(job, k):
    """As a sink does: replaced whole, for the source looks at any moment."""
    with open(os.path.join(job.dir, "ack.new"), "w", encoding="ascii") as f:
        f.write("%d\n" % k)
    os.rename(os.path.join(job.dir, "ack.new"), os.path.join(job.dir, "ack/sink"))


class Source:
    """wh-cat as the source of a job whose sink is this test."""

    def __init__(self, h, job, at, args):
        env = job.next_run()
        begun = os.path.join(job.dir, "begun", str(job.run))
        os.makedirs(begun)
        with open(os.path.join(begun, "sink"), "w", encoding="ascii") as f:
            f.write("%d\n" % at)
        self.job = job
        self.p = h.start("wh-cat", "--follow", "--barriers", "40ms", *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env={k: env[k] for k in ("PIPEHOUSE_JOB", "PIPEHOUSE_JOB_RUN")})
        self.open = None

    def epochs(self):
        """(control line, rows) as they come."""
        part = []
        for x in self.p.stdout:
            if not x.endswith(b"\n"):
                break
            if x.startswith(PREFIX):
                m = json.loads(x)
                if m["kind"] == "open":
                    self.open = m
                else:
                    yield m, part
                    part = []
            else:
                part.append(x.rstrip(b"\n"))

    def over(self):
        self.p.stdout.close()
        err = self.p.stderr.read().decode()
        self.p.stderr.close()
        return self.p.wait(timeout=60), err


def source():
    """Killed at any moment; the sink goes back by any number of epochs that it has not acknowledged."""
    h, r = House(), random.Random(SEED + 1)
    job = Job(h.dir, ["sink"])
    want, seen, wrong, at, acked, kills, over = [], {}, [], 0, 0, 0, None
    ts = 1_700_000_000_000

    def write():
        nonlocal ts
        for _ in range(8):
            part = []
            for _ in range(r.choice([0, 1, 20, 300])):
                ts += r.randrange(-3000, 4000)
                part.append(b'{"t":"2026-11-20","id":%d,"ts":%d}' % (len(want) + len(part), ts))
            h.put(part)
            want.extend(part)

    write()
    while over is None:
        s = Source(h, job, at, ["--event-time", "ts:ms", "--late", "5s", "a.t"])
        stop = kills < KILLS and r.randrange(1, 6)
        for m, part in s.epochs():
            if m["n"] != len(part) or m["hops"][0]["pass"] + m["hops"][0]["made"] != len(part):
                wrong.append(m)
            if seen.setdefault(m["id"], (part, m["wm"], m["from"], m["to"])) != (part, m["wm"], m["from"], m["to"]):
                wrong.append("epoch %d came again as %s" % (m["id"], m))
            acked = max(acked, m["id"] - r.randrange(0, 4))
            ack(job, acked)
            if stop is not False:
                stop -= 1
                if stop <= 0:
                    s.p.kill()
                    kills += 1
                    break
            elif sum(len(seen[k][0]) for k in seen) >= len(want):
                s.p.send_signal(signal.SIGTERM)
            if m["kind"] == "end":
                over = m
        status = s.over()
        if s.open is None or s.open["id"] != at:
            wrong.append((at, s.open, status))
            break
        if over is not None and status != (0, ""):
            wrong.append(status)
        at = r.randrange(max(at, acked), max(seen) + 1) if seen else 0     # what a sink has it keeps
        if len(wrong) > 5:
            break
        if kills == KILLS // 2:
            write()
    told(not wrong and over is not None, "over %d kills an epoch is always the same, and SIGTERM ends the job" % kills, wrong)
    ids = sorted(seen)
    told(ids == list(range(1, len(ids) + 1)) and [x for k in ids for x in seen[k][0]] == want, "%d epochs: %d rows, each once, in order" % (len(ids), len(want)),
         (ids[:3], sum(len(seen[k][0]) for k in ids), len(want)))
    newest, bad = None, []
    for k in ids:
        for x in seen[k][0]:
            newest = max(json.loads(x)["ts"], newest or 0)
        if seen[k][1] != (newest - 5000 if newest else None):
            bad.append((k, seen[k][1], newest))
    told(not bad, "the watermark is the newest time less --late, and never falls", bad)


def rejecting():
    """Rows without a time, and far ahead of the clock."""
    h = House()
    job = Job(h.dir, ["sink"])
    now = int(time.time() * 1000)
    rows = [b'{"t":"2026-11-20","id":%d,"ts":%s}' % (i, x) for i, x in enumerate((b"%d" % (now - 9), b"null", b"%d" % (now + 10 ** 8), b"%d" % (now - 8)))]
    h.put(rows)
    bad = os.path.join(h.dir, "bad")
    args = ["--event-time", "ts:ms", "--max-future", "1h", "--reject", bad, "--until", "end", "a.t"]
    for _ in range(2):
        s = Source(h, job, 0, args)
        got = list(s.epochs())
        status = s.over()
        told(status == (0, "") and [x for _, part in got for x in part] == [rows[0], rows[3]] and got[-1][0]["kind"] == "end" and
             sum(m["hops"][0]["rej"] for m, _ in got) == 2, "a row without a time, or ahead of the clock, is rejected", (status, got))
        with open(bad, encoding="utf-8") as f:
            said = [json.loads(x)["raw"].encode() for x in f]
        told(said == [rows[1], rows[2]], "and stands in the side file once", said)


def forgotten():
    """A job that begins where wh-gc has been, and one that slept while it came."""
    h = House()
    for i in range(1, 4):
        h.put([row(i)])
    h.call("wh-gc", "--keep", "0", "a.t")
    h.put([row(4)])
    job = Job(h.dir, ["sink"])
    for _ in range(2):
        s = Source(h, job, 0, ["--until", "end", "a.t"])
        got = [x for _, part in s.epochs() for x in part]
        told(s.over() == (0, "") and got == [row(i) for i in range(1, 5)], "a job begins with what the table holds at its floor, and again", got)
    h.put([row(5)])
    h.call("wh-gc", "--keep", "0", "a.t")
    for at, what in ((0, "an epoch that is not committed yet"), (1, "a commit that was not planned yet")):
        s = Source(h, job, at, ["--until", "end", "a.t"])
        got = [x for _, part in s.epochs() for x in part]
        status = s.over()
        told(status[0] == 3 and "collected" in status[1] and got == [], "%s is collected: 3, in words" % what, (status, got))


def pipeline():
    """A table follows another: both ends, either one killed, then both."""
    h, r = House(), random.Random(SEED + 2)
    job = Job(h.dir, ["copy"])
    want = []
    for _ in range(30):
        part = [row(len(want) + i) for i in range(r.choice([0, 1, 50]))]
        h.put(part)
        want.extend(part)
    kills = 0
    while True:
        env = {k: v for k, v in job.next_run().items() if k.startswith("PIPEHOUSE_JOB")}
        last = kills >= KILLS
        a = h.start("wh-cat", "--follow", "--barriers", "15ms", *(["--until", "end"] if last else []), "a.t", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        b = h.start("wh-put", "b.t", "--partition-by", "t", "--job", "copy", stdin=a.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
        a.stdout.close()
        if not last:
            time.sleep(r.random() * 0.25)
            for p in r.choice([[a], [b], [a, b]]):
                p.kill()
            kills += 1
            # a source whose sink has not begun would wait for it: pipe-run ends the rest of a broken pipeline too
            time.sleep(0.05)
            a.kill()
            b.kill()
            if r.random() < 0.5:
                part = [row(len(want) + i) for i in range(r.choice([0, 1, 50]))]
                h.put(part)
                want.extend(part)
        status = [(p.communicate(timeout=60)[1].decode(), p.returncode) for p in (b, a)]
        if last:
            break
    told([x[1] for x in status] == [0, 0], "both ends end well", status)
    told(h.call("wh-cat", "b.t").splitlines() == want, "a table copied over %d kills: %d rows, each once, in order" % (kills, len(want)),
         len(h.call("wh-cat", "b.t").splitlines()))


def main():
    for test in (kinds, keyed, usage, collected, live, source, rejecting, forgotten, pipeline):
        test()
    print("1..%d" % done)
    subprocess.run(["rm", "-rf", TMP], check=False)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
