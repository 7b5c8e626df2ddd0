#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""job - wh-put as the sink of a barrier job: each epoch is in the table once, whatever is killed, replayed or left running; TAP

    BIN=build/bin python3 tests/wh-put/job.py [SEED [KILLS]]

The control lines are written here (tests/pipe/epoch_play.py); what the table must hold is what was sent.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/pipe"))
from epoch_play import BIN, NONCE, Job, Stage, line, source  # noqa: E402

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 25
TMP = tempfile.mkdtemp(prefix="wh-put-job.")
DAY = "2026-11-20"
done = failed = 0


def told(held, what, why=""):
    global done, failed
    done += 1
    failed += not held
    print("%sok %d - %s%s" % ("" if held else "not ", done, what, "" if held else "\n# " + str(why)[:900].replace("\n", "\n# ")), flush=True)


class House:
    """A warehouse and a job whose only sink is `j`."""

    def __init__(self, spec=None, table="a.t"):
        self.dir = tempfile.mkdtemp(dir=TMP)
        self.job = Job(self.dir, ["j"])
        self.table = table
        self.environ = {"PIPEHOUSE_ROOT": os.path.join(self.dir, "wh"), "LC_ALL": "C", "TMPDIR": self.dir}
        if spec:
            self.call("wh-table", table, "-", data=spec.encode())

    def call(self, *argv, data=b"", status=0):
        p = subprocess.run([os.path.join(BIN, argv[0])] + list(argv[1:]), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=dict(os.environ, **self.environ), cwd=self.dir, timeout=120)
        assert status is None or p.returncode == status, "%s: %d: %s" % (argv, p.returncode, p.stderr.decode())
        return p.stdout

    def sink(self, at=0, args=("--partition-by", "t")):
        return Stage(self.job, ["wh-put", self.table] + list(args) + ["--job", "j"], at=at, stdout=subprocess.DEVNULL, env=self.environ)

    def begun(self, s):
        """Where the sink says that it stands, once it has begun; None where it ended instead."""
        path = os.path.join(self.job.dir, "begun", str(self.job.run), "j")
        while s.p.poll() is None and not os.path.exists(path):
            time.sleep(0.002)
        return int(open(path, encoding="ascii").read()) if os.path.exists(path) else None

    def acked(self):
        try:
            return self.job.acked("j")
        except FileNotFoundError:
            return 0

    def wait(self, s, k):
        while self.acked() < k and s.p.poll() is None:
            time.sleep(0.002)
        return self.acked() >= k

    def rows(self):
        return self.call("wh-cat", "--missing-ok", self.table).splitlines()

    def commits(self):
        return [json.loads(x) for x in self.call("wh-ls", "-v", self.table).splitlines()]

    def positions(self):
        return [t["to"].split()[0] for c in self.commits() for t in c.get("txns", ()) if t["app"] == "sink/j"]

    def pool(self):
        d = os.path.join(self.environ["PIPEHOUSE_ROOT"], "main", self.table.replace(".", "/"), ".pool")
        return sorted(f for _, _, fs in os.walk(d) for f in fs if f.endswith("z"))


def row(i, day=DAY):
    return b'{"t":"%s","id":%d}' % (day.encode(), i)


def send(s, k, lines, kind="mark", **more):
    s.send(lines, line(kind, k, more.get("n", len(lines)), s.job.run, hops=more.get("hops", [source(len(lines))])))


def simple():
    h = House()
    s = h.sink()
    told(h.begun(s) == 0, "a table that is not there is made, and its sink stands at 0")
    parts = [[row(i) for i in range(5)], [], [row(9, "2026-11-19"), row(5)], [row(6)]]
    for k, part in enumerate(parts):
        send(s, k + 1, part, "end" if k == 3 else "mark")
    told(s.finish() == (0, ""), "epochs to their end", s.over)
    told(h.rows() == [row(9, "2026-11-19")] + [row(i) for i in (0, 1, 2, 3, 4, 5, 6)], "all rows are there, in order", h.rows())
    told(h.positions() == ["1", "2", "3", "4"], "each epoch is one commit, an empty one too", h.positions())
    told(h.acked() == 4, "and each was acknowledged")
    counts = [c["counts"] for c in h.commits() if c.get("txns")]
    told([c["in"] for c in counts] == [5, 0, 2, 1] and [c["used"] for c in counts] == [5, 0, 2, 1], "a commit counts its epoch's records", counts)
    told(h.call("wh-fsck", status=None) == b"", "wh-fsck has nothing to say")
    s = h.sink(at=4)
    told(h.begun(s) == 4, "the next start says where the table stands")
    send(s, 5, [row(7)], "end")
    told(s.finish() == (0, "") and h.rows()[-1] == row(7), "and goes on", s.over)


def replayed():
    h = House()
    s = h.sink()
    for k in (1, 2, 3):
        send(s, k, [row(k)])
    h.wait(s, 3)
    s.kill()
    s = h.sink(at=1)
    # other rows, so that it shows if they were taken
    send(s, 2, [row(102)])
    send(s, 3, [row(103), row(104)])
    send(s, 4, [row(4)], "end")
    told(s.finish() == (0, ""), "epochs that come again are passed over", s.over)
    told(h.rows() == [row(i) for i in (1, 2, 3, 4)], "and their rows are not taken again", h.rows())
    told(len(h.pool()) == 4, "nor do their files stay", h.pool())


def refused():
    for what, status, words, play in (
            ("an epoch that is one too far", 3, "", lambda s: send(s, 3, [row(3)])),
            ("an input that ends without `end`", 75, "", lambda s: s.send([row(3)], b"")),
            ("records that the line before does not count", 3, "", lambda s: send(s, 2, [row(3)], n=2)),
            ("an account that does not add up", 3, "", lambda s: send(s, 2, [row(3)], hops=[dict(source(1), drop=1)])),
            ("an `open` line beyond what the table has", 3, "", None)):
        h = House()
        s = h.sink()
        send(s, 1, [row(1)])
        h.wait(s, 1)
        if play:
            play(s)
        else:
            s.kill()
            s = h.sink(at=2)
        s.finish()
        told(s.over[0] == status and s.over[1], "%s ends it with %d" % (what, status), s.over)
        told(h.rows() == [row(1)] and len(h.pool()) == 1, "%s: nothing of it is in the table, or beside it" % what, (h.rows(), h.pool()))


def usage():
    h = House()
    job = dict(h.environ, **h.job.next_run())
    for what, args, env in (("--job outside a job", ["a.t", "--partition-by", "t", "--job", "j"], h.environ),
                            ("no --job in a job", ["a.t", "--partition-by", "t"], job),
                            ("dt= with --job", ["a.t", "dt=" + DAY, "--job", "j"], job),
                            ("a name that is none", ["a.t", "--partition-by", "t", "--job", "J/x"], job),
                            ("a sink that the job does not know", ["a.t", "--partition-by", "t", "--job", "k"], job)):
        p = subprocess.run([os.path.join(BIN, "wh-put")] + args, input=b"", stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, **env))
        told(p.returncode == 2 and p.stderr, "%s: 2" % what, (p.returncode, p.stderr))


def zombie():
    h = House()
    a = h.sink()
    send(a, 1, [row(1)])
    h.wait(a, 1)
    a.send([row(2)], b"")
    b = h.sink(at=1)
    told(h.begun(b) == 1, "another run begins")
    a.send([], line("mark", 2, 1, int(a.env["PIPEHOUSE_JOB_RUN"]), hops=[source(1)]))
    a.finish()
    told(a.over[0] == 75 and a.over[1], "the one before finds itself fenced: 75", a.over)
    told(h.rows() == [row(1)], "and has changed nothing", h.rows())
    send(b, 2, [row(2)], "end")
    told(b.finish() == (0, "") and h.rows() == [row(1), row(2)] and len(h.pool()) == 2, "the newer one goes on", (b.over, h.rows(), h.pool()))


def rejects():
    h = House()
    path = os.path.join(h.dir, "bad")
    args = ("--partition-by", "t", "--reject", path)

    def bad():
        return [json.loads(x)["raw"] for x in open(path, encoding="utf-8")]

    s = h.sink(args=args)
    send(s, 1, [row(1), b'{"id":"a"}'])
    send(s, 2, [b'{"id":"b"}', row(2), b"{"])
    h.wait(s, 2)
    s.send([b'{"id":"c"}'] * 3, b"")
    time.sleep(0.1)
    s.kill()
    s = h.sink(at=0, args=args)
    told(h.begun(s) == 2, "with a side file it knows where it stands too")
    send(s, 1, [row(1), b'{"id":"a"}'])
    send(s, 2, [b'{"id":"b"}', row(2), b"{"])
    send(s, 3, [b'{"id":"d"}', row(3)], "end")
    told(s.finish() == (0, ""), "it goes on", s.over)
    told(bad() == ['{"id":"a"}', '{"id":"b"}', "{", '{"id":"d"}'], "each reject stands there once", bad())
    told(h.rows() == [row(1), row(2), row(3)], "and each row", h.rows())


def upkeep():
    """What others do to the table meanwhile."""
    h = House("kind append\nday t\n")
    s = h.sink()
    for k in range(1, 9):
        send(s, k, [row(k)])
    h.wait(s, 8)
    h.call("wh-compact", "a.t")
    told(len(h.pool()) == 9, "small files are made one, the old ones stay for those who read older commits", h.pool())
    send(s, 9, [row(9)])
    h.wait(s, 9)
    s.kill()
    s = h.sink(at=9)
    told(h.begun(s) == 9 and len(h.pool()) == 10, "a start removes none of them", h.pool())
    listed = {f["file"] for c in h.commits() for d in c.get("days", {}).values() for f in d["add"]}
    told(listed == set(h.pool()), "what any commit ever listed is still there", (listed, h.pool()))
    h.call("wh-table", "a.t", "-", data=b"kind append\nday t\ncomment other\n")
    send(s, 10, [row(10)])
    s.finish()
    told(s.over[0] == 75, "a table whose definition changed: 75", s.over)
    s = h.sink(at=9)
    send(s, 10, [row(10)])
    h.wait(s, 10)
    orphan = os.path.join(h.environ["PIPEHOUSE_ROOT"], "main/a/t/.pool", DAY, "r-1-x-0.pz")
    open(orphan, "wb").close()
    os.utime(orphan, (1, 1))
    h.call("wh-gc", "a.t")
    send(s, 11, [row(11)])
    s.finish()
    told(s.over[0] == 75 and "fenced" in s.over[1], "wh-gc's fence of everybody: 75", s.over)
    s = h.sink(at=10)
    send(s, 11, [row(11)], "end")
    told(s.finish() == (0, "") and h.rows() == [row(k) for k in range(1, 12)], "and the next start goes on", (s.over, h.rows()))


def killed(spec, keyed):
    """Killed at any moment, and started at any epoch from which the sink may see it again."""
    rng = random.Random(SEED)
    h = House(spec)
    plan, n, best = [[]], 0, {}
    for k in range(1, 40):
        part = []
        for _ in range(rng.choice([0, 1, 3, 40, 400])):
            day = "2026-11-%02d" % rng.randrange(18, 21)
            r = {"t": day, "id": rng.randrange(60) if keyed else n, "o": rng.randrange(50), "v": n}
            n += 1
            part.append(json.dumps(r, separators=(",", ":")).encode())
            key = day, r["id"]
            if keyed and (key not in best or r["o"] >= best[key]["o"]):
                best[key] = r
        plan.append(part)
    kills, at, last = 0, 0, len(plan) - 1
    while at < last:
        s = h.sink(at=rng.randrange(max(0, at - 4), at + 1))
        if kills < KILLS and rng.random() < 0.1:
            time.sleep(rng.random() * 0.02)
            s.kill()
            kills += 1
            continue
        got = h.begun(s)
        if got is None or got < at:
            told(False, "it began at %s, %d was acknowledged" % (got, at), s.finish())
            return
        at = s.at
        stop = last if kills >= KILLS else min(last, at + rng.randrange(1, 6))
        for k in range(at + 1, stop + 1):
            send(s, k, plan[k], "end" if k == last else "mark")
        if stop == last:
            s.finish()
        else:
            time.sleep(rng.random() * 0.03)
            s.kill()
            kills += 1
        at = h.acked()
    want = [x for k in range(1, last + 1) for x in plan[k]]
    if keyed:
        want = [json.dumps(best[key], separators=(",", ":")).encode() for key in sorted(best, key=lambda x: (x[0], str(x[1])))]
    else:
        want.sort(key=lambda x: json.loads(x)["t"])     # by day, within it as they were sent
    same = h.rows() == want
    told(same and s.over[0] == 0, "%s: %d kills, %d rows of %d epochs, each once" % ("keyed" if keyed else "append", kills, n, last), (s.over, len(h.rows()), len(want)))
    told(h.positions() == [str(k) for k in range(1, last + 1)], "each epoch entered once, in order", h.positions())
    live = sum(json.loads(x)["files"] for x in h.call("wh-ls", h.table).splitlines())
    told(len(h.pool()) == live and h.call("wh-fsck", status=None) == b"", "no file is left over", (len(h.pool()), live))


def main():
    simple()
    replayed()
    refused()
    usage()
    zombie()
    rejects()
    upkeep()
    killed("kind append\nday t\n", False)
    killed("kind upsert\nkey id\norder o\nday t\n", True)
    print("1..%d" % done)
    subprocess.run(["rm", "-rf", TMP], check=False)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
