#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""barriers - ingest as the source of a barrier job, from logs that rotate and from topics, killed again and again; TAP

    BIN=build/bin python3 tests/ingest/barriers.py [SEED [PATTERN]]

This file plays pipe-run and the sinks: it reads what ingest writes, cuts it at the control lines, takes epochs in, each sink at its own pace, and
acknowledges them.  What must hold: an epoch that comes again is the same bytes; what sinks took in is what was produced, each once; no epoch is
further ahead of the slowest sink than 4.  Watermarks are computed anew here from the positions and clocks of the control lines.
"""
import array
import fcntl
import glob
import gzip
import hashlib
import json
import os
import random
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from kafka import Mock, Producer  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SLOW = 4 if os.environ.get("SANITIZED") else 1
SEED = int(sys.argv[1]) if __name__ == "__main__" and len(sys.argv) > 1 else 1
PATIENCE = 60 * SLOW


class Sink:
    """Takes epochs in, in their order, as often as they come, once."""

    def __init__(self):
        self.id, self.rows, self.queue = 0, [], []

    def commit(self):
        id, data = self.queue.pop(0)
        if id == self.id + 1:
            self.rows += data.split(b"\n")[:-1]
            self.id = id
        return self.id


class Job:
    """A job's directory, what its epochs were, and its sinks; one ingest at a time."""

    def __init__(self, directory, args, sinks=("a",), env=()):
        self.dir, self.args, self.env = directory + "/job", args, {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update({"PIPEHOUSE_JOB": self.dir, "PIPEHOUSE_ROOT": directory + "/wh", "LC_ALL": "C"}, **dict(env))
        self.nonce, self.cwd = hashlib.md5(directory.encode()).hexdigest(), directory
        self.sinks, self.run, self.epochs, self.marks, self.faults, self.p, self.err = {s: Sink() for s in sinks}, 0, {}, [], [], None, ""
        self.since = 0      # where the last run went on
        for d in ("plan", "ack"):
            os.makedirs(self.dir + "/" + d)
        self._put("nonce", self.nonce)
        self._put("sinks", "\n".join(sinks))

    def _put(self, name, text):
        os.makedirs(os.path.dirname(self.dir + "/" + name), exist_ok=True)
        with open(self.dir + "/" + name + ".new", "w") as f:
            f.write(text + "\n")
        os.rename(self.dir + "/" + name + ".new", self.dir + "/" + name)

    def ack(self, sink):
        self._put("ack/" + sink, str(self.sinks[sink].id))

    def acked(self):
        """What ingest may know, at most: what is acknowledged, or was said at the start."""
        return max(self.began, min(s.id for s in self.sinks.values()))

    def start(self, *more):
        self.run += 1
        self._put("run", str(self.run))
        for name, s in self.sinks.items():
            s.queue = []
            self._put("begun/%d/%s" % (self.run, name), str(s.id))
        self.began = min(s.id for s in self.sinks.values())
        self.pending, self.last, self.opened, self.ended, self.buffer = [], None, False, False, b""
        self.p = subprocess.Popen([BIN + "/ingest", *self.args, *more], cwd=self.cwd, env=dict(self.env, PIPEHOUSE_JOB_RUN=str(self.run)),
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return self

    def fault(self, text):
        self.faults.append("run %d, epoch %s: %s" % (self.run, self.last, text))

    def _open(self, m):
        self.opened, self.last = True, m["id"]
        if m["id"] == 0:
            self.zero = m["now"]
        # with several sinks it goes on where the last run did until all are further
        if self.pending or m["id"] > self.began or m["id"] < self.since or m["id"] != self.began and len(self.sinks) < 2 or m["n"]:
            self.fault("a bad start: %s" % m)
        self.since = m["id"]
        if m["id"] in self.epochs and any(self.epochs[m["id"]][1][k] != m[k] for k in ("now", "wm", "pins", "to")):
            self.fault("what holds is not what held: %s" % m)

    def _mark(self, m):
        data = b"".join(self.pending)
        self.pending = []
        if not self.opened or self.ended or m["id"] != self.last + 1:
            self.fault("epoch %d came" % m["id"])
        self.last, self.ended = m["id"], m["kind"] == "end"
        hop = m["hops"][0]
        if m["n"] != data.count(b"\n") or len(m["hops"]) != 1 or hop["t"] != "ingest" or m["run"] != self.run:
            self.fault("an account that is none: %s, %d lines" % (m, data.count(b"\n")))
        if hop["in"] != hop["pass"] + hop["drop"] + hop["used"] + hop["rej"] or hop["pass"] + hop["made"] != m["n"]:
            self.fault("an account that does not add up: %s" % m)
        if m["id"] > self.acked() + 4 + self.ended:     # who is told to stop waits for nobody
            self.fault("further ahead than 4: %d is acknowledged" % self.acked())
        was = self.epochs.get(m["id"])
        if was and (was[0] != data or any(was[1][k] != m[k] for k in ("n", "now", "wm", "from", "to", "pins", "hops"))):
            self.fault("another epoch than it was: %s, was %s" % (m, was[1]))
        before = self.epochs.get(m["id"] - 1)
        if before and not before[1]["to"].items() <= m["from"].items():
            self.fault("a gap: from %s behind %s" % (m["from"], before[1]["to"]))
        self.epochs[m["id"]] = data, m
        self.marks.append(m)
        for s in self.sinks.values():
            s.queue.append((m["id"], data))

    def _line(self, line):
        if line.startswith(b'{"$barrier":"' + self.nonce.encode()):
            m = json.loads(line)
            (self._open if m["kind"] == "open" else self._mark)(m)
            return m
        self.pending.append(line)
        return None

    def read(self, seconds=PATIENCE):
        """The next control line; None at the end of what is written, or when nothing came for so long."""
        while True:
            while b"\n" in self.buffer:
                line, self.buffer = self.buffer.split(b"\n", 1)
                m = self._line(line + b"\n")
                if m:
                    return m
            if not select.select([self.p.stdout], [], [], seconds)[0]:
                return None
            more = os.read(self.p.stdout.fileno(), 1 << 16)
            if not more:
                return None
            self.buffer += more

    def all(self, each=None):
        """Read to the end; the sinks take all in at once."""
        while True:
            m = self.read()
            if m is None:
                return self.wait()
            for name, s in self.sinks.items():
                while s.queue:
                    s.commit()
                self.ack(name)
            if each:
                each(m)

    def wait(self):
        self.err = self.p.communicate(timeout=PATIENCE)[1].decode(errors="replace")
        return self.p.returncode

    def kill(self, sig=signal.SIGKILL):
        self.p.send_signal(sig)

    def term(self):
        """Asked to end it does, behind the epoch at hand."""
        self.kill(signal.SIGTERM)
        status = self.all()
        return status == 0 and self.ended and not self.err

    def killed(self, r):
        """Run until some moment; sinks take some epochs in meanwhile, and say so or have no time to. Sometimes it is asked to end instead."""
        for _ in range(r.randint(0, 12)):
            if self.read(2) is None:
                break
            for name, s in self.sinks.items():
                while s.queue and r.random() < 0.7:
                    s.commit()
                    if r.random() < 0.9:
                        self.ack(name)
        time.sleep(r.random() * 0.02)
        asked = r.random() < 0.2 and self.opened
        self.kill(signal.SIGTERM if asked else signal.SIGKILL)
        while self.read() is not None:
            pass
        status = self.wait()
        return "asked to end: %d" % status if asked and (status or not self.ended) else 0 if asked else status

    def clean(self, name):
        return point(not self.faults, name, "\n".join(self.faults))


class Case:
    """A directory, and with topics a cluster."""

    def __init__(self, **topics):
        self.topics = topics

    def __enter__(self):
        self.tmp = tempfile.TemporaryDirectory(prefix="barriers.")
        self.dir = self.tmp.name
        if self.topics:
            self.mock = Mock(self.topics)
            self.producer = Producer(self.mock.brokers)
        return self

    def __exit__(self, *what):
        if self.topics:
            self.producer.close()
            self.mock.__exit__()
        self.tmp.cleanup()

    def write(self, name, numbers, mode="a"):
        with open(self.dir + "/" + name, mode) as f:
            f.writelines('{"n":%d}\n' % i for i in numbers)

    def kafka(self, *more, **job):
        return Job(self.dir, ["-b", self.mock.brokers, "-t", ",".join(self.topics), *more], **job)

    def sent(self, **which):
        return [v for t, p, o, v in self.producer.sent if v]


def numbers(rows):
    return [json.loads(r)["n"] for r in rows]


# ---- logs ----

def logs_end():
    with Case() as c:
        c.write("a.log", range(0, 1000))
        c.write("b.log", range(1000, 1010))
        j = Job(c.dir, ["-f", "*.log", "--until", "end", "--barriers", "10ms"])
        point(j.start("--stats", "stats").all() == 0 and j.ended and not j.err, "to the end, and it says `end`", j.err)
        point(numbers(j.sinks["a"].rows) == list(range(1010)), "all lines, in their order")
        stats = json.loads(open(c.dir + "/stats").readline())
        point(stats["in"] == stats["passed"] == stats["out"] == 1010 and stats["dropped"] == 0, "--stats tells the same", stats)
        point(j.start().all() == 0 and j.marks[-1]["n"] == 0 and j.marks[-1]["kind"] == "end", "again: an empty epoch, and the end")
        c.write("a.log", range(1010, 1015))
        os.rename(c.dir + "/b.log", c.dir + "/b.old")
        c.write("b.old", range(1015, 1020))
        c.write("b.log", range(1020, 1025))
        point(j.start().all() == 0 and sorted(numbers(j.sinks["a"].rows)) == list(range(1025)), "grown and rotated: what is new", j.err)
        j.clean("control lines tell the truth")
        point(len(glob.glob(j.dir + "/plan/*")) <= 2, "plans that nobody goes back to are gone", os.listdir(j.dir + "/plan"))


def logs_times():
    """Times that are all alike go one way, others another: both are judged the same."""
    ms = 1767225600000
    shapes = {
        "of one length": [str(ms + i * 7919 % 50000) for i in range(3000)], "of seconds": ["%d" % (ms // 1000 + i % 977) for i in range(2500)],
        "of microseconds": ["%d" % (ms * 1000 + i * 7) for i in range(2500)], "of lengths that change": [str(ms + i) if i % 700 else str(ms // 1000) for i in range(2500)],
        "some of which are none": [(str(ms + i), "null", '"%d"' % (ms + i), "1.5", "999999999999", "-1", str(ms) + "0")[max(0, i % 100 - 93)] for i in range(2500)],
        "one of which is far ahead": [str(ms + i) if i != 1500 else "9999999999999" for i in range(2500)]}
    for what, texts in shapes.items():
        with Case() as c:
            with open(c.dir + "/a.log", "w", encoding="ascii") as f:
                f.writelines('{"n":%d,"t":%s}\n' % x for x in enumerate(texts))
            j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "10ms", "--event-time", "t", "--late", "0s", "--idle", "1m", "--max-future", "1d",
                            "--reject", "bad"])
            rc = j.start().all()
            per = {10: 1000, 13: 1, 16: 0.001}
            good = {n: int(int(t.strip('"')) * per[len(t.strip('"'))]) for n, t in enumerate(texts) if re.fullmatch('[0-9]+|"[0-9]+"', t) and len(t.strip('"')) in per and
                    t != "9999999999999"}
            bad = len(open(c.dir + "/bad").readlines()) if len(good) < len(texts) else 0
            point(rc == 0 and numbers(j.sinks["a"].rows) == sorted(good) and bad == len(texts) - len(good) and j.marks[-1]["wm"] == max(good.values()),
                  "times %s" % what, (rc, j.err, len(good), bad, j.marks[-1]["wm"], max(good.values())))


def logs_changed():
    with Case() as c:
        c.write("a.log", range(100))
        j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "1ms"], sinks=("a", "b"))
        j.start()
        while not j.ended:
            j.read()
        j.wait()
        with open(c.dir + "/a.log", "r+b") as f:
            f.write(b'{"n":7}')
        point(j.start().all() == 0 and re.search(r"epoch 1: .*planned anew", j.err), "a changed log that no sink has: planned anew, aloud", j.err)
        got = [numbers(s.rows) for s in j.sinks.values()]
        point(got[0] == got[1] == [7] + list(range(1, 100)), "and then it is what it is now", got)
    with Case() as c:
        c.write("a.log", range(100))
        j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "1ms"], sinks=("a", "b"))
        j.start()
        while not j.ended:
            j.read()
        j.wait()
        j.sinks["a"].commit()
        with open(c.dir + "/a.log", "r+b") as f:
            f.write(b'{"n":7}')
        point(j.start().all() == 3 and "source changed: epoch 1 is committed" in j.err, "one that a sink has: 3, source changed", j.err)
        os.remove(c.dir + "/a.log")
        point(j.start().all() == 3 and "source changed: epoch 1 is committed" in j.err, "one that is gone: the same", j.err)
        os.remove(j.dir + "/plan/0")
        point(j.start().all() == 3 and "plan" in j.err, "a plan that is gone: 3", j.err)


def xxh64(data):
    """As xxHash's specification has it, seed 0."""
    p, mask = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261), (1 << 64) - 1
    rot = lambda x, r: (x << r | x >> (64 - r)) & mask
    turn = lambda acc, x: rot((acc + x * p[1]) & mask, 31) * p[0] & mask
    word = lambda at, n: int.from_bytes(data[at:at + n], "little")
    at, acc = 0, p[4]
    if len(data) >= 32:
        v = [(p[0] + p[1]) & mask, p[1], 0, -p[0] & mask]
        while at + 32 <= len(data):
            v = [turn(v[i], word(at + 8 * i, 8)) for i in range(4)]
            at += 32
        acc = sum(rot(v[i], r) for i, r in enumerate((1, 7, 12, 18))) & mask
        for x in v:
            acc = ((acc ^ turn(0, x)) * p[0] + p[3]) & mask
    acc = (acc + len(data)) & mask
    while at + 8 <= len(data):
        acc = (rot(acc ^ turn(0, word(at, 8)), 27) * p[0] + p[3]) & mask
        at += 8
    if at + 4 <= len(data):
        acc = (rot(acc ^ word(at, 4) * p[0] & mask, 23) * p[1] + p[2]) & mask
        at += 4
    for x in data[at:]:
        acc = rot(acc ^ x * p[4] & mask, 11) * p[0] & mask
    acc = (acc ^ acc >> 33) * p[1] & mask
    acc = (acc ^ acc >> 29) * p[2] & mask
    return acc ^ acc >> 32


def logs_old_plans():
    """Plans of a source that summed by XXH64 hold on, and what changed under them is seen."""
    with Case() as c:
        c.write("a.log", range(3000))
        j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "1ms"], sinks=("a", "b"))
        j.start()
        while not j.ended:
            j.read()
        j.wait()
        path = j.dir + "/plan/1"
        with open(path, encoding="utf-8") as f:
            plan = json.load(f)
        new = plan["xxh3"]
        old = json.dumps({("xxh64" if k == "xxh3" else k): v for k, v in plan.items()}, separators=(",", ":")).replace(new, "%016x" % xxh64(j.epochs[1][0]))
        with open(path, "w", encoding="utf-8") as f:
            f.write(old + "\n")
        point(j.start().all() == 0 and "anew" not in j.err and not j.faults, "a plan with an XXH64 is the same epoch again", [j.err, j.faults])
        got = [numbers(s.rows) for s in j.sinks.values()]
        point(got[0] == got[1] == list(range(3000)), "and all of it is there", [len(x) for x in got])
    with Case() as c:
        c.write("a.log", range(3000))
        j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "1ms"], sinks=("a", "b"))
        j.start()
        while not j.ended:
            j.read()
        j.wait()
        j.sinks["a"].commit()
        with open(j.dir + "/plan/1", encoding="utf-8") as f:
            text = f.read()
        with open(j.dir + "/plan/1", "w", encoding="utf-8") as f:
            f.write(text.replace("xxh3", "xxh64"))
        point(j.start().all() == 3 and "source changed" in j.err, "and an XXH64 that is another is: 3, source changed", j.err)


def logs_odd():
    """What is not sent as it stands in its file: lines that end in CR LF, or are long, or compressed; and what stands between them is rejected."""
    lines, good, n, left, r = [], [], 0, 72 << 20, random.Random(7)
    while left > 0:
        n += 1
        kind = r.random()
        pad = "x" * (r.randint(300000, 1500000) if kind < 0.0002 else r.randint(0, 900))
        text = b'{"n":%d,"ts":%d,"pad":"%s"}' % (n, 1780246220000 + n, pad.encode())
        if 0.01 < kind < 0.02:
            text = b"no record %d" % n
        elif 0.02 < kind < 0.03:
            text = b'{"n":%d,"ts":null}' % n
        elif 0.03 < kind < 0.04:
            text = b""
        else:
            good.append(text)
        # runs of them, as a program on another system writes
        lines.append(text + (b"\r\n" if n % 5000 > 4000 or kind > 0.99 else b"\n"))
        left -= len(lines[-1])
    with Case() as c:
        data = b"".join(lines)
        with open(c.dir + "/a.log", "wb") as f:
            f.write(data)
        with gzip.open(c.dir + "/b.log.gz", "wb", 1) as f:
            f.write(data[:data.index(b"\n", 3000000) + 1])
        packed = data[:data.index(b"\n", 3000000) + 1].replace(b"\r\n", b"\n").split(b"\n")
        j = Job(c.dir, ["-f", "*.log*", "--until", "end", "--barriers", "1ms", "--event-time", "ts:ms", "--idle", "1h", "--reject", "bad"])
        point(j.start().all() == 0 and not j.faults, "lines of all kinds", [j.err, j.faults[:3]])
        rows = j.sinks["a"].rows
        want = good + [x for x in packed if x.startswith(b"{") and b"null" not in x]
        point(sorted(rows) == sorted(want), "each of them once, as it was", [len(rows), len(want)])
    with Case() as c:
        with open(c.dir + "/a.log", "wb") as f:
            f.write(data)
        j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "1ms", "--event-time", "ts:ms", "--idle", "1h", "--reject", "bad"], sinks=("a", "b"))
        j.start()
        while not j.ended and j.last != 3:
            j.read()
        j.kill()
        j.p.wait()
        point(j.start().all() == 0 and not j.faults, "and once more from the beginning: the same epochs", [j.err, j.faults[:3]])
        point(j.sinks["a"].rows == j.sinks["b"].rows == good, "which are all of it, in its order", len(j.sinks["a"].rows))


def waiting(pipe):
    """How many bytes are there to be read."""
    n = array.array("i", [0])
    fcntl.ioctl(pipe.fileno(), termios.FIONREAD, n)
    return n[0]


def logs_cut_while_sent():
    """What is cut between its plan and its control line is no epoch: nothing says that it was, and it is planned anew."""
    def lines(first):
        return b"".join(b'{"n":%d}\n' % i for i in range(first, first + 400000))

    def begun(c, *more):
        with open(c.dir + "/a.log", "wb") as f:
            f.write(lines(1000000))
        j = Job(c.dir, ["-f", "a.log", "--until", "end", "--barriers", "1ms", *more]).start()
        deadline = time.monotonic() + PATIENCE
        while not (os.path.exists(j.dir + "/plan/1") and waiting(j.p.stdout) >= 4096) and time.monotonic() < deadline:
            time.sleep(0.01)        # the plan is there, and lines are on their way
        time.sleep(0.2)     # the pipe is full
        return j

    for what, after in (("cut", b""), ("cut and written over", lines(2000000)), ("cut and written over with more", lines(2000000) + lines(3000000)),
                        ("cut in its middle", None), ("written over in its middle", lines(2000000)[:14 * 1000])):
        with Case() as c:
            j = begun(c)
            with open(c.dir + "/a.log", "rb+") as f:
                if "over in" in what:
                    f.seek(14 * 250000)
                else:
                    f.truncate(0 if after is not None else 3000000)
                f.write(after or b"")
            status = j.all()
            point(status == 75 and not j.marks and "while its lines were sent" in j.err, what + " while it is sent: 75, and no control line", [status, j.err, len(j.marks)])
            status = j.start().all()
            want = [json.loads(x)["n"] for x in open(c.dir + "/a.log", "rb").read().split(b"\n")[:-1] if x.endswith(b"}")]
            got = numbers(j.sinks["a"].rows)
            if after is None:       # its last line is not whole
                point(status == 0 and "planned anew" in j.err and got == want, "then what there is, by a plan of its own", [status, j.err, len(got), len(want)])
            else:
                point(status == 0 and got == want, "then what there is, by a plan of its own", [status, j.err, len(got), len(want)])
    with Case() as c:
        j = begun(c, "--cut", "new")
        os.truncate(c.dir + "/a.log", 0)
        point(j.all() == 0 and b"".join(x + b"\n" for x in j.sinks["a"].rows) == lines(1000000), "--cut new: what was read is sent", [j.err, len(j.sinks["a"].rows)])
    with Case() as c:
        j = begun(c)
        with open(c.dir + "/a.log", "ab") as f:
            f.write(lines(2000000))
        point(j.all() == 0 and b"".join(x + b"\n" for x in j.sinks["a"].rows) == lines(1000000), "one that grew meanwhile is sent", [j.err, len(j.sinks["a"].rows)])
    with Case() as c:
        j = begun(c)
        os.rename(c.dir + "/a.log", c.dir + "/b")
        with open(c.dir + "/a.log", "wb") as f:
            f.write(lines(2000000))
        point(j.all() == 0 and b"".join(x + b"\n" for x in j.sinks["a"].rows) == lines(1000000), "one that is put aside meanwhile is sent",
              [j.err, len(j.sinks["a"].rows)])


def logs_many():
    """As many files as there may be open: none is kept open for its lines then."""
    with Case() as c:
        for i in range(90):
            with open("%s/%02d.log" % (c.dir, i), "w") as f:
                f.write('{"n":%d}\n' % i)
        j = Job(c.dir, ["-f", "*.log", "--until", "end", "--barriers", "1ms"])
        was = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (110, was[1]))
        try:
            j.start()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, was)
        point(j.all() == 0 and numbers(j.sinks["a"].rows) == list(range(90)), "90 files in one epoch, with 110 descriptors", [j.err, len(j.sinks["a"].rows)])


class Writer(threading.Thread):
    """One log; a rename goes on with the old file for some lines, as programs do until they open the new one."""

    def __init__(self, path, aside, seed, seen):
        super().__init__()
        self.path, self.aside, self.r, self.seen = path, aside, random.Random(seed), seen
        self.lines, self.stop, self.turns = [], threading.Event(), 0

    def run(self):
        f, old, first, r = open(self.path, "ab", buffering=0), None, None, self.r
        while not self.stop.is_set() and len(self.lines) < 100000:
            for _ in range(r.randint(1, 100)):
                line = b'{"w":"%s","n":%d}\n' % (os.path.basename(self.path).encode(), len(self.lines))
                if r.random() < 0.01:
                    line = b"broken " + line
                self.lines.append(line.rstrip())
                to = old if old and r.random() < 0.5 else f
                first = first or (line.rstrip() if to is f and line.startswith(b"{") else None)
                cut = r.randint(1, len(line) - 2) if r.random() < 0.02 else 0
                to.write(line[:cut])
                if cut:
                    time.sleep(0.001)
                to.write(line[cut:])
            time.sleep(r.random() * 0.01)
            if old and r.random() < 0.3:
                old.close()
                old = None
            # a log is seen once before it is rotated again, as the manual asks
            elif not old and first and r.random() < 0.2 and self.seen(first):
                self.turns += 1
                os.rename(self.path, self.path[:-4] + self.aside % self.turns)
                old, f, first = f, open(self.path, "ab", buffering=0), None
        f.close()
        if old:
            old.close()


def logs_kill():
    with Case() as c:
        r = random.Random(SEED)
        j = Job(c.dir, ["-f", "*.log", "--barriers", "3ms", "--reject", "bad"], sinks=("a", "b"))
        seen = lambda line: any(line in data for data, m in list(j.epochs.values()))
        writers = [Writer(c.dir + "/seen.log", "-%d.log", SEED, seen), Writer(c.dir + "/unseen.log", ".log.%d", SEED + 1, seen)]
        for w in writers:
            w.start()
        said, kills = set(), 20
        for _ in range(kills):
            status = j.start().killed(r)
            said |= {"%s %s" % (status, j.err)} if status not in (-9, 0) or j.err else set()
        for w in writers:
            w.stop.set()
            w.join()
        point(j.start("--until", "end").all() == 0, "and then to the end", j.err)
        point(not said, "killed %d times: nothing to say on the way" % kills, "\n".join(said))
        want = sorted(line for w in writers for line in w.lines if line.startswith(b"{"))
        for name, s in j.sinks.items():
            point(sorted(s.rows) == want, "sink %s: %d lines of logs rotated %d times, in %d epochs: each once" %
                  (name, len(want), sum(w.turns for w in writers), s.id), "%d lines, missing %s" % (len(s.rows), sorted(set(want) - set(s.rows))[:3]))
        bad = [json.loads(line)["raw"].encode() for line in open(c.dir + "/bad")]
        point(sorted(bad) == sorted(line for w in writers for line in w.lines if not line.startswith(b"{")),
              "%d broken lines are rejects, each once" % len(bad))
        j.clean("epochs that came again were the same bytes")


# ---- topics ----

def topics_kill():
    with Case(orders=3, acts=2) as c:
        r = random.Random(SEED)
        stop = threading.Event()

        def produce():
            i = 0
            while not stop.is_set() and i < 60000:
                for _ in range(r.randint(1, 200)):
                    topic = "orders" if i % 2 else "acts"
                    value = None if i % 97 == 0 else b"broken %d" % i if i % 89 == 0 else b'{"n":%d,"t":%d}' % (i, 1780000000000 + i)
                    c.producer.send(topic, i // 2 % c.topics[topic], value, b"k%d" % i)
                    i += 1
                time.sleep(0.005)
            c.producer.flush()

        j = c.kafka("--barriers", "5ms", "--meta", "m", "--reject", "bad", "--event-time", "t:ms", "--late", "1s", "--idle", "1m", sinks=("a", "b"))
        thread = threading.Thread(target=produce)
        thread.start()
        said, kills = set(), 10
        for _ in range(kills):
            status = j.start().killed(r)
            said |= {"%s %s" % (status, j.err)} if status not in (-9, 0) or j.err else set()
        stop.set()
        thread.join()
        point(j.start("--until", "end").all() == 0, "topics: and then to the end", j.err)
        point(not said, "killed %d times: nothing to say on the way" % kills, "\n".join(said))
        want = sorted((t, p, o, v) for t, p, o, v in c.producer.sent if v)
        for name, s in j.sinks.items():
            rows = [json.loads(x) for x in s.rows]
            got = [(x["m"]["topic"], x["m"]["partition"], x["m"]["offset"], re.sub(rb',"m":.*', b"}", y)) for x, y in zip(rows, s.rows)]
            point(sorted(got) == [w for w in want if w[3][:1] == b"{"], "sink %s: %d messages in %d epochs: each once" % (name, len(got), s.id),
                  "%d, wanted %d" % (len(got), len(want)))
        bad = sorted((x["source"], x["offset"]) for x in map(json.loads, open(c.dir + "/bad")))
        point(bad == sorted(("%s/%d" % w[:2], w[2]) for w in want if w[3][:1] != b"{"), "%d broken messages are rejects, each once" % len(bad))
        sorted_all = all([(x["m"]["topic"], x["m"]["partition"], x["m"]["offset"]) for x in rows] ==
                         sorted((x["m"]["topic"], x["m"]["partition"], x["m"]["offset"]) for x in rows)
                         for data, m in j.epochs.values() for rows in [[json.loads(y) for y in data.split(b"\n")[:-1]]])
        point(sorted_all, "each epoch stands by topic, partition, offset")
        j.clean("epochs that came again were the same bytes")


def topics_changed():
    with Case(orders=1) as c, Case(orders=1) as d:
        for i in range(50):
            c.producer.send("orders", 0, b'{"n":%d}' % i)
            d.producer.send("orders", 0, b'{"n":%d}' % (i + (i == 30)))
        c.producer.flush()
        d.producer.flush()
        j = c.kafka("--until", "end", "--barriers", "1ms", sinks=("a", "b"))
        j.start()
        while not j.ended:
            j.read()
        j.wait()
        here, other = j.args, ["-b", d.mock.brokers] + j.args[2:]
        j.sinks["a"].commit()
        j.args = other
        point(j.start().all() == 3 and "source changed: epoch 1 is committed" in j.err, "another topic of that name: 3, source changed", j.err)
        j.args = here
        point(j.start().all() == 0 and numbers(j.sinks["b"].rows) == list(range(50)), "and the right one again: the sink behind catches up", j.err)
        j.clean("and that is the same epoch")
        j.args = here + ["--meta", "m"]
        point(j.start().all() == 3 and "a changed job has a name of its own" in j.err, "other options are another job: 3", j.err)


def pressure():
    with Case(orders=1) as c:
        j = c.kafka("--barriers", "1ms")
        j.start()
        while j.last != 4 and j.read() is not None:
            pass
        point(j.read(0.3) is None and j.last == 4, "nothing is acknowledged: it stops behind 4 epochs", j.last)
        j.sinks["a"].commit()
        j.sinks["a"].commit()
        j.ack("a")
        while j.last != 6 and j.read() is not None:
            pass
        point(j.read(0.3) is None and j.last == 6, "two are: it goes on for two", j.last)
        point(j.term() and j.last == 7, "told to stop there, it ends with one more", (j.last, j.err))
        j.clean("control lines tell the truth")


def times():
    """Watermarks, rejects and idle partitions against the rules said once more."""
    late, idle, ahead = 700, 150, 5000
    with Case(orders=3) as c:
        r = random.Random(SEED)
        stop = threading.Event()

        def produce():
            turn = 0
            while not stop.is_set():
                now, turn = int(time.time() * 1000), turn + 1
                # partition 2 is silent most of the time
                for p in (0, 1, 2) if turn % 40 < 8 else (0, 1):
                    for _ in range(r.randint(0, 4)):
                        ms = now - r.randint(0, 1000) + (100000 if r.random() < 0.05 else 0)
                        value = b'{"t":%d}' % ms if r.random() > 0.02 else b'{"t":null}'
                        c.producer.send("orders", p, value)
                time.sleep(0.01)
            c.producer.flush()

        j = c.kafka("--barriers", "25ms", "--meta", "m", "--reject", "bad", "--event-time", "t:ms", "--late", "%dms" % late, "--idle", "%dms" % idle,
                    "--max-future", "%dms" % ahead)
        thread = threading.Thread(target=produce)
        thread.start()
        for _ in range(3):
            j.start()
            for _ in range(20):
                j.read()
                while j.sinks["a"].queue:
                    j.sinks["a"].commit()
                j.ack("a")
            j.kill()
            while j.read() is not None:
                pass
            j.wait()
        stop.set()
        thread.join()
        status = j.start("--until", "end").all()
        point(status == 0, "to the end", j.err)
        sent = {("orders/%d" % p, o): json.loads(v)["t"] for t, p, o, v in c.producer.sent}
        newest, seen, wm, wrong, idles, bad, good = {}, {}, None, [], 0, set(), set()
        for id in range(1, j.last + 1):
            data, m = j.epochs[id]
            for part in ("orders/0", "orders/1", "orders/2"):
                seen.setdefault(part, j.zero)
                for o in range(m["from"][part], m["to"][part]):
                    ms = sent[part, o]
                    if ms is None or ms > m["now"] + ahead:
                        bad.add((part, o))
                        continue
                    good.add((part, o))
                    newest[part], seen[part] = max(newest.get(part, ms), ms), m["now"]
            awake = [p for p in seen if m["now"] - seen[p] < idle]
            idles += len(awake) < 3
            if awake and all(p in newest for p in awake):
                wm = max(wm or 0, min(newest[p] for p in awake) - late)
            if m["wm"] != wm:
                wrong.append("epoch %d: %s, not %s" % (id, m["wm"], wm))
        rows = {("orders/%d" % x["m"]["partition"], x["m"]["offset"]) for x in map(json.loads, j.sinks["a"].rows)}
        point(not wrong and wm, "%d watermarks; %d times a partition was idle" % (j.last, idles), "\n".join(wrong))
        point(idles > 0, "a partition was idle now and then")
        point(rows == good and len(good) > 100, "%d records had a time that can be" % len(good))
        got = [(x["source"], x["offset"]) for x in map(json.loads, open(c.dir + "/bad"))]
        point(sorted(got) == sorted(bad) and got, "%d had none, or one too far ahead: rejects, each once" % len(bad))
        j.clean("control lines tell the truth")


def instances():
    with Case(orders=4) as c, tempfile.TemporaryDirectory() as other:
        for i in range(400):
            c.producer.send("orders", i % 4, b'{"n":%d}' % i)
        c.producer.flush()
        a = c.kafka("--until", "end", "--barriers", "5ms", "--instance", "0/2")
        b = Job(other, a.args[:-1] + ["1/2"])
        point(a.start().all() == 0 and b.start().all() == 0, "two instances", a.err + b.err)
        got = [sorted(numbers(x.sinks["a"].rows)) for x in (a, b)]
        point(got[0] == [i for i in range(400) if i % 2 == 0] and got[1] == [i for i in range(400) if i % 2], "each its partitions")
        a.args = a.args[:-1] + ["0/3"]
        point(a.start().all() == 3, "another number of them is another job")


def pins():
    with Case() as c:
        env = dict(PIPEHOUSE_PINS="dim.sku dim.none")
        c.write("a.log", [])
        j = Job(c.dir, ["-f", "*.log", "--barriers", "5ms", "--pin", "dim.user"], env=env)
        put = lambda t: subprocess.run([BIN + "/wh-put", t, "dt=2026-11-20"], input=b'{"id":%d}\n' % put.n, check=True,
                                       env={k: v for k, v in j.env.items() if k != "PIPEHOUSE_JOB"})
        put.n = 1
        put("dim.sku")
        put("dim.user")
        j.start()
        first = j.read()["pins"]
        point(set(first) == {"dim.none", "dim.sku", "dim.user"} and first["dim.none"] == 0 < first["dim.sku"], "tables of the environment and of --pin", first)
        put.n = 2
        put("dim.sku")
        j.kill(signal.SIGHUP)
        m = first
        for _ in range(2000):
            m = j.read()["pins"]
            for s in j.sinks.values():
                s.commit()
            j.ack("a")
            if m != first:
                break
        point(m["dim.sku"] > first["dim.sku"] and m["dim.user"] == first["dim.user"], "SIGHUP: the heads of now", m)
        point(j.term(), "and the end", j.err)
        j.clean("control lines tell the truth")


def read_metrics(path):
    """Name and labels to a number; each name has its HELP and TYPE."""
    out, told = {}, set()
    for line in open(path).read().splitlines():
        if line.startswith("# "):
            told.add(line.split()[2])
            continue
        name, value = line.rsplit(" ", 1)
        assert name.split("{")[0] in told, line
        out[name] = float(value)
    return out


def metrics():
    """Rate, lag and the last commit, as a monitor reads them; of a job and of a table."""
    with Case(orders=2) as c:
        began = time.time()
        for i in range(1000):
            c.producer.send("orders", i % 2, b'{"n":%d,"t":"2026-11-20"}' % i)
        c.producer.flush()
        j = c.kafka("--barriers", "5ms", "--metrics", "m.prom")
        j.start()
        while sum(m["n"] for m in j.marks) < 1000 or j.marks[-1]["n"]:
            j.read()
            while j.sinks["a"].queue:
                j.sinks["a"].commit()
            j.ack("a")
        point(j.term(), "asked to end it does", j.err)
        got = read_metrics(c.dir + "/m.prom")
        ingest = lambda name, to, more="": got.get('pipehouse_ingest_%s{to="%s"%s}' % (name, to, more))
        point(ingest("records_total", "job") == 1000, "records_total", got)
        point(began - 1 < ingest("last_commit_seconds", "job") <= ingest("written_seconds", "job") < time.time() + 1, "last_commit_seconds", got)
        point([ingest("lag", "job", ',source="orders/%d"' % p) for p in (0, 1)] == [0, 0], "lag of each partition", got)
        args = [BIN + "/ingest", "-b", c.mock.brokers, "-t", "orders", "-d", "ods.o", "--partition-by", "t", "--metrics", c.dir + "/t.prom"]
        env = {k: v for k, v in j.env.items() if k != "PIPEHOUSE_JOB"}
        p = subprocess.run(args + ["--until", "0:100,1:500"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        got = read_metrics(c.dir + "/t.prom")
        point(p.returncode == 0 and ingest("records_total", "ods.o") == 600 and ingest("records_per_second", "ods.o") > 0, "of a table: records and rate", (p.stderr, got))
        point([ingest("lag", "ods.o", ',source="orders/%d"' % p) for p in (0, 1)] == [400, 0], "and the lag", got)
        point(began - 1 < ingest("last_commit_seconds", "ods.o") < time.time() + 1, "and the commit", got)
    with Case() as c:
        name = 'a "b".log'
        c.write(name, range(100))
        j = Job(c.dir, ["-f", "a*.log", "--barriers", "5ms", "--metrics", "m.prom"])
        j.start()
        for _ in range(10):
            j.read()
            while j.sinks["a"].queue:
                j.sinks["a"].commit()
            j.ack("a")
        point(j.term(), "asked to end it does", j.err)
        got = read_metrics(c.dir + "/m.prom")
        point(ingest("records_total", "job") == 100 and ingest("lag", "job", ',source="a*.log"') == 0 and ingest("last_commit_seconds", "job") >= began - 1 and
              ingest("files_lost_total", "job") == ingest("files_missed_total", "job") == 0, "of logs in a job", got)
        env = {k: v for k, v in j.env.items() if k != "PIPEHOUSE_JOB"}
        with open(c.dir + "/" + name, "a") as f:
            f.write('{"t":"2026-11-20","half')
        p = subprocess.run([BIN + "/ingest", "-f", 'a "b"*', "-d", "ods.l", "--partition-by", "coalesce(t,'2026-11-20')", "--until", "end", "--metrics", "m.prom"],
                           env=env, cwd=c.dir, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        got = read_metrics(c.dir + "/m.prom")
        point(p.returncode == 0 and ingest("records_total", "ods.l") == 100 and ingest("lag", "ods.l", ',source="a \\"b\\"*"') == 23 and
              ingest("records_per_second", "ods.l") > 0 and ingest("last_commit_seconds", "ods.l") >= began - 1, "of logs to a table: a name with quotes, bytes that are behind",
              (p.stderr, got))


def main():
    for f in (logs_end, logs_times, logs_changed, logs_old_plans, logs_odd, logs_cut_while_sent, logs_many, logs_kill, topics_kill, topics_changed, pressure, times, instances, pins, metrics):
        if len(sys.argv) < 3 or re.search(sys.argv[2], f.__name__):
            f()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
