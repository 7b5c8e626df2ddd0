#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""emit - records to topics of librdkafka's mock cluster: what a reader finds there is what went in; TAP

    BIN=build/bin python3 tests/edge/emit.py [PATTERN]

The mock cluster refuses, fails and goes away on demand.  A real broker: tests/real/kafka.py.
"""
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from kafka import Mock, Read  # noqa: E402
from runs import heard  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SLOW = 4 if os.environ.get("SANITIZED") else 1
TOO_LARGE, TIMED_OUT, NOT_LEADER, INVALID_RECORD, DENIED = 10, 7, 6, 87, 29


def record(i, keys=50):
    return b'{"n":%d,"k":"k%d","t":%d}' % (i, i % keys, 1780000000000 + i)


class Case:
    def __init__(self, partitions=3, topics=("o",)):
        self.partitions = partitions
        self.topics = topics

    def __enter__(self):
        self.mock = Mock({t: self.partitions for t in self.topics})
        self.tmp = tempfile.TemporaryDirectory(prefix="emit.")
        self.dir = self.tmp.name
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update(PIPEHOUSE_ROOT=self.dir + "/wh", PATH=BIN + ":" + self.env["PATH"], LC_ALL="C", HOME=self.dir)
        return self

    def __exit__(self, *what):
        self.mock.__exit__()
        self.tmp.cleanup()

    def start(self, *more, topic="o", command=("emit",)):
        return subprocess.Popen([*command, "-b", self.mock.brokers, *(["-t", topic] if topic else []), *more], cwd=self.dir, env=self.env, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def emit(self, *more, lines=b"", status=0, **how):
        p = self.start("--stats", "stats", *more, **how)
        out, err = p.communicate(lines if isinstance(lines, bytes) else b"".join(x + b"\n" for x in lines), timeout=120 * SLOW)
        self.err = err.decode(errors="replace")
        if p.returncode != status or out:
            raise AssertionError("%d instead of %d\n%s" % (p.returncode, status, self.err))
        self.stats = json.loads(open(self.dir + "/stats").read().splitlines()[-1])

    def read(self, topic="o"):
        return Read(self.mock.brokers, topic, self.partitions).all

    def arrived(self, p, n):
        """Waits until the broker has that many records, or until p has ended."""
        end = time.monotonic() + 120 * SLOW
        while p.poll() is None and len(self.read()) < n:
            if time.monotonic() > end:
                raise AssertionError("no %d records came" % n)
            time.sleep(0.05)


def in_order(messages):
    """Each key in one partition, its records as they were sent."""
    where, last = {}, {}
    for p, _, key, value, _, _ in messages:
        number = json.loads(value)["n"]
        if where.setdefault(key, p) != p or last.get(key, -1) >= number:
            return False
        last[key] = number
    return True


def whole():
    with Case() as c:
        sent = [record(i) for i in range(20000)]
        c.emit("-k", "k", "--time", "t:ms", "--id", "job7", lines=sent)
        got = c.read()
        point(sorted(v for _, _, _, v, _, _ in got) == sorted(sent), "every record once, byte for byte", len(got))
        point(in_order(got) and len({p for p, *_ in got}) == 3, "a key stays in one partition, in order")
        point(all(k == json.loads(v)["k"].encode() and t == json.loads(v)["t"] for _, _, k, v, t, _ in got), "keys and times")
        point(sorted(h["id"] for *_, h in got) == sorted(b"job7:%d" % (i + 1) for i in range(20000)), "a header id of each")
        point(c.stats["used"] == 20000 and c.stats["confirmed"] == 20000, "counts", c.stats)


def keys():
    with Case() as c:
        c.emit("-k", "k", lines=[b'{"k":null,"n":1}', b'{"n":2}', b'{"k":1.50,"n":3}', b'{"k":"","n":4}', b'{"k":"a\\u00e9\\n","n":5}', b'{"k":true,"n":6}'])
        got = {json.loads(v)["n"]: (k, h) for _, _, k, v, _, h in c.read()}
        want = {1: None, 2: None, 3: b"1.50", 4: b"", 5: "a\u00e9\n".encode(), 6: b"true"}
        point({i: k for i, (k, _) in got.items()} == want, "null, absent, a number, empty, escaped, true", got)
        point(all(not h for _, h in got.values()), "no id without a name or a table")
        c.emit("-k", "k", "--reject", "r", lines=[b'{"k":[1],"n":7}', b'{"k":"x","n":8}', b"{torn"])
        bad = [json.loads(x) for x in open(c.dir + "/r")]
        point([(b["line"], b["reason"]) for b in bad][:1] == [(1, "the key is an array or an object")] and len(bad) == 2, "what is no key is rejected", bad)
        point(len(c.read()) == 7, "and the good one went out")
        c.emit("-k", "k", lines=[b'{"k":"y","n":9}', b"{torn"], status=3)
        point(len(c.read()) == 8 and c.stats["confirmed"] == 1 and "urged" not in c.err, "what came before a bad record is sent", (c.stats, c.err))


def java_partitions():
    """murmur2 as Kafka's own clients have it: computed here from its definition."""
    def murmur2(data):
        m, h = 0x5bd1e995, 0x9747b28c ^ len(data)
        for i in range(0, len(data) - len(data) % 4, 4):
            k = int.from_bytes(data[i:i + 4], "little") * m & 0xffffffff
            k = (k ^ k >> 24) * m & 0xffffffff
            h = (h * m & 0xffffffff) ^ k
        tail = data[len(data) - len(data) % 4:]
        if tail:
            h = (h ^ int.from_bytes(tail, "little")) * m & 0xffffffff
        h = (h ^ h >> 13) * m & 0xffffffff
        return h ^ h >> 15
    with Case(partitions=7) as c:
        c.emit("-k", "k", lines=[record(i, keys=1000) for i in range(3000)])
        got = c.read()
        point(len(got) == 3000 and all((murmur2(k) & 0x7fffffff) % 7 == p for p, _, k, *_ in got), "keys go where Java's producers put them")


def refused():
    with Case() as c:
        sent = [record(i) for i in range(3000)]
        c.mock.refuse(INVALID_RECORD)
        c.emit("-k", "k", "--reject", "r", lines=sent)
        got = c.read()
        bad = [json.loads(x)["raw"].encode() for x in open(c.dir + "/r")] if os.path.exists(c.dir + "/r") else []
        point(sorted([v for _, _, _, v, _, _ in got] + bad) == sorted(sent), "a batch is refused: each record is there or rejected", (len(got), len(bad)))
        point(in_order(got), "no record went out behind a newer one of its key")
        point(c.stats["used"] == len(got) == c.stats["confirmed"] and c.stats["rejected"] == len(bad), "counts", c.stats)
    with Case() as c:
        with open(c.dir + "/p", "w") as f:
            f.write("linger.ms=0\nbatch.num.messages=10\n")
        os.chmod(c.dir + "/p", 0o600)
        c.mock.refuse(0, 0, INVALID_RECORD, 0, INVALID_RECORD)
        c.emit("-k", "k", "--properties", "p", "--reject", "r", lines=sent)
        got = c.read()
        bad = [json.loads(x) for x in open(c.dir + "/r")] if os.path.exists(c.dir + "/r") else []
        point(sorted([v for _, _, _, v, _, _ in got] + [b["raw"].encode() for b in bad]) == sorted(sent) and in_order(got),
              "small batches, others behind the refused one: the same", (len(got), len(bad), in_order(got)))
        print("# %d rejected: %s" % (len(bad), collections.Counter(b["reason"] for b in bad)))
    with Case(partitions=1) as c:
        c.mock.refuse(INVALID_RECORD, INVALID_RECORD)
        c.emit("-k", "k", "--reject", "r", lines=[record(1)])
        bad = [json.loads(x) for x in open(c.dir + "/r")]
        point(not c.read() and [(b["line"], b["raw"]) for b in bad] == [(1, record(1).decode())], "one that is refused alone is rejected, with its place", bad)
    with Case() as c:
        big = b'{"n":2,"k":"b","x":"%s"}' % (b"x" * 1100000)
        c.emit("-k", "k", "--reject", "r", lines=[record(1), big, record(3)])
        bad = [json.loads(x) for x in open(c.dir + "/r")]
        point(len(c.read()) == 2 and bad[0]["line"] == 2 and "message.max.bytes" in bad[0]["reason"], "one that is too large is rejected", bad[0]["reason"])
    with Case() as c:
        c.mock.refuse(INVALID_RECORD, INVALID_RECORD)
        c.emit("-k", "k", lines=[record(1)], status=3)
        point("<stdin>:1: the broker takes no such record" in c.err, "without --reject it ends with 3 and says where", c.err)


def troubles():
    with Case() as c:
        sent = [record(i) for i in range(5000)]
        c.mock.refuse(TIMED_OUT, NOT_LEADER, TIMED_OUT, NOT_LEADER)
        c.emit("-k", "k", lines=sent)
        got = c.read()
        point(sorted(v for _, _, _, v, _, _ in got) == sorted(sent) and in_order(got), "time-outs and a leader that moves: each once, in order", len(got))
    with Case() as c:
        p = c.start("-k", "k")
        sent = [record(i) for i in range(4000)]
        p.stdin.write(b"".join(x + b"\n" for x in sent[:2000]))
        p.stdin.flush()
        c.arrived(p, 1)
        c.mock.down()
        p.stdin.write(b"".join(x + b"\n" for x in sent[2000:]))
        p.stdin.flush()
        time.sleep(1)
        c.mock.up()
        err = p.communicate(timeout=120 * SLOW)[1].decode()
        got = c.read()
        point(p.returncode == 0 and sorted(v for _, _, _, v, _, _ in got) == sorted(sent) and in_order(got), "the broker goes away and comes back", (p.returncode, len(got), err))
    with Case() as c:
        c.emit(topic="nope", lines=[record(1)], status=5)
        point("topic nope: there is no such topic" in c.err, "a topic that is not there is not made", c.err)
        c.mock.refuse(DENIED)
        c.emit(lines=[record(1)], status=5)
        point("topic o:" in c.err, "not allowed: 5", c.err)
    with Case() as c:
        with open(c.dir + "/p", "w") as f:
            f.write("message.timeout.ms=500\n")
        os.chmod(c.dir + "/p", 0o600)
        p = c.start("--properties", "p")
        p.stdin.write(record(1) + b"\n")
        p.stdin.flush()
        c.arrived(p, 1)
        c.mock.down()
        err = p.communicate(record(2) + b"\n", timeout=120 * SLOW)[1].decode()
        point(p.returncode == 75 and "topic o:" in err, "nobody takes it in time: 75", (p.returncode, err))


def stops():
    with Case() as c:
        p = c.start("-k", "k")
        p.stdin.write(b"".join(record(i) + b"\n" for i in range(100)))
        p.stdin.flush()
        end = time.monotonic() + 60 * SLOW
        while len(c.read()) < 100 and time.monotonic() < end:
            time.sleep(0.05)
        p.send_signal(signal.SIGTERM)
        err = p.communicate(timeout=60 * SLOW)[1].decode()
        got = c.read()
        point(p.returncode == 75 and len(got) == 100, "SIGTERM: what came is out, 75", (p.returncode, len(got), err))
    with Case() as c:
        lines, r = [record(i) for i in range(30000)], random.Random(4)
        with open(c.dir + "/in", "wb") as f:
            f.write(b"".join(x + b"\n" for x in lines))
        for _ in range(4):
            p = c.start("-k", "k", "--id", "a", "in")
            time.sleep(r.random() * 0.3 * SLOW)
            p.kill()
            p.communicate()
        c.emit("-k", "k", "--id", "a", "in")
        got = c.read()
        first = {}
        for _, _, _, v, _, h in got:
            first.setdefault(h["id"], set()).add(v)
        point(first == {b"a:%d" % (i + 1): {x} for i, x in enumerate(lines)}, "killed and called again: each at least once, and one id one record", len(first))


def tables():
    with Case() as c:
        sh = lambda text: subprocess.run(["bash", "-c", "set -euo pipefail; " + text], cwd=c.dir, env=c.env, check=True, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE).stdout
        sh("seq 500 | sed 's/.*/{\"n\":&}/' | wh-put ads.x dt=2026-11-20")
        c.emit("wh:ads.x@2026-11-20")
        got = c.read()
        point(sorted(h["id"] for *_, h in got) == sorted(b"ads.x@2026-11-20:%d" % (i + 1) for i in range(500)), "rows of a table: their place is their id", got[:2])
        out = sh("wh-run 'emit -b %s -t o wh:ads.x@2026-11-20' 2>&1 || echo ended with $?" % c.mock.brokers)
        counts = collections.Counter(h["id"] for *_, h in c.read())
        point(out == b"" and set(counts.values()) == {2}, "in a run; told twice it has the same ids", (out, counts.most_common(2)))
        out = sh("wh-run 'echo {} | emit -b %s -t o' 2>&1 || true" % c.mock.brokers)
        point(b"in a run the input is wh:TABLE@D" in out and len(c.read()) == 1000, "in a run no pipe", out)
        c.env["PIPEHOUSE_OVERLAY"] = c.dir + "/over"
        c.emit("wh:ads.x@2026-11-20", status=2)
        point("nothing leaves the overlay" in c.err, "nothing leaves an overlay", c.err)


def routes():
    """--route: which record goes to which topic, by which key; what has no line; a file that changes."""
    words = ["shop.a", "shop.b", "shop.c", "x"]
    record_of = lambda i: b'{"db":"%s","table":"%s","id":%d,"k":"k%d","n":%d}' % (
        words[i % 4].split(".")[0].encode(), (words[i % 4].split(".") + ["t"])[1].encode(), i % 7, i % 5, i)
    with Case(topics=("o", "p", "q")) as c:
        with open(c.dir + "/r", "w") as f:
            f.write("shop.a o key=id\nshop.b p\nshop.c -\n")
        sent = [record_of(i) for i in range(4000)]
        c.emit("--route", "r", "-k", "k", "--reject", "bad", lines=sent, topic=None)
        got = {t: c.read(t) for t in "opq"}
        point({t: sorted(v for _, _, _, v, *_ in m) for t, m in got.items()} == {"o": sorted(sent[0::4]), "p": sorted(sent[1::4]), "q": []}, "each topic has its records",
              {t: len(m) for t, m in got.items()})
        point(all(k == b"%d" % json.loads(v)["id"] for _, _, k, v, *_ in got["o"]) and all(k == json.loads(v)["k"].encode() for _, _, k, v, *_ in got["p"]),
              "by the key of its line, else by -k")
        point(in_order(got["o"]) and in_order(got["p"]), "each key in order")
        bad = [json.loads(x) for x in open(c.dir + "/bad")]
        point(len(bad) == 2000 and {b["reason"] for b in bad} == {"no route leads to a topic"} and c.stats["used"] == 2000 == c.stats["confirmed"],
              "what no line leads to a topic is rejected", (len(bad), c.stats))
        c.mock.refuse(INVALID_RECORD, INVALID_RECORD)
        c.emit("--route", "r", "-k", "k", "--reject", "bad2", lines=sent[:40], topic=None)
        more = {t: [v for _, _, _, v, *_ in c.read(t)][len(got[t]):] for t in "op"}
        bad = [json.loads(x)["raw"].encode() for x in open(c.dir + "/bad2")]
        point(sorted(c.read("o") + c.read("p"), key=str) != [] and sum(map(len, more.values())) + len(bad) == 40 and
              set(v for _, _, _, v, *_ in c.read("o")) <= set(sent[0::4]), "refused batches of several topics: each record there or rejected, in its own topic", (len(bad), more))
        with open(c.dir + "/r", "w") as f:
            f.write("shop.a o\n* nope\n")
        c.emit("--route", "r", lines=sent[:4], topic=None, status=5)
        point("topic nope: there is no such topic" in c.err, "a topic that is not there is not made", c.err)
    with Case(topics=("o", "p")) as c:
        def write(text):
            with open(c.dir + "/new", "w") as f:
                f.write(text)
            os.replace(c.dir + "/new", c.dir + "/r")
        write("shop.a o\n* o\n")
        p = c.start("--route", "r", topic=None)
        n_sent, seen = [0], lambda t, want: len(c.read(t)) >= want

        def send(until):
            """Records until it is so: the file is looked at each second."""
            end = time.monotonic() + 120 * SLOW
            while not until() and time.monotonic() < end:
                p.stdin.write(b"".join(record_of(i) + b"\n" for i in range(n_sent[0], n_sent[0] + 4)))
                p.stdin.flush()
                n_sent[0] += 4
                time.sleep(0.1)
        send(lambda: seen("o", 8))
        write("shop.a o\nshop.b nope\n* o\n")
        err = [""]

        def said():
            err[0] += heard(p, b"not followed", 0.1)
            return "not followed" in err[0]
        send(said)
        write("shop.a o\nshop.b p key=id\n* o\n")
        send(lambda: seen("p", 3))
        err = err[0] + p.communicate(timeout=60 * SLOW)[1].decode()
        got = [json.loads(v)["n"] for t in "op" for _, _, _, v, *_ in c.read(t)]
        point(p.returncode == 0 and sorted(got) == list(range(n_sent[0])), "a file that changes is followed without a restart: each record once", (p.returncode, len(got), n_sent, err))
        first = min(json.loads(v)["n"] for _, _, _, v, *_ in c.read("p"))
        at = {json.loads(v)["n"] for _, _, _, v, *_ in c.read("p")}
        point(at == {i for i in range(first, n_sent[0]) if i % 4 == 1} and all(k == b"%d" % json.loads(v)["id"] for _, _, k, v, *_ in c.read("p")),
              "from then on, by its key", sorted(at)[:5])
        point("topic nope: there is no such topic" in err and "not followed: the routes stay as they were" in err, "one that names a topic that is not there is said", err)


def job():
    """In a barrier job an epoch is over when all of it is confirmed, and a replay has the same ids."""
    sys.path.insert(0, os.path.join(TOP, "tests/pipe"))
    import epoch_play
    with Case() as c:
        j = epoch_play.Job(c.dir, name="fast")
        argv = ["emit", "-b", c.mock.brokers, "-t", "o", "-k", "k"]
        s = epoch_play.Stage(j, argv, env=c.env)
        s.epoch(1, [record(i) for i in range(100)])
        point(len(c.read()) == 100 and s.hop["used"] == 100 and s.mark["n"] == 0, "behind the line of an epoch all of it is there", (len(c.read()), s.hop))
        s.send([record(i) for i in range(100, 150)], b"")
        time.sleep(0.3)
        s.kill()
        s = epoch_play.Stage(j, argv, at=1, env=c.env)
        s.epoch(2, [record(i) for i in range(100, 200)])
        s.end(3, [record(200)])
        ids = {}
        for *_, v, _, h in c.read():
            ids.setdefault(h["id"].decode(), set()).add(v)
        want = {"fast:%d:%d" % (1 + i // 100, 1 + i % 100): {record(i)} for i in range(201)}
        point(s.over[0] == 0 and ids == want, "killed and played again: one id, one record", (s.over, len(ids)))


def job_routes():
    """In a barrier job routes are those that the lines pin, whatever the file says: an epoch that comes again goes where it went."""
    sys.path.insert(0, os.path.join(TOP, "tests/pipe"))
    import epoch_play
    with Case(topics=("o", "p")) as c:
        j = epoch_play.Job(c.dir, name="r")
        names = {n: j.keep(text) for n, text in (("o", b"by n\n* o\n"), ("p", b"by n\n* p key=k\n"), ("bad", b"by n\n* p key=k x=y\n"), ("nope", b"by n\n* nope\n"))}
        pin = lambda n: {"dim.x": 3, "file:out.route": names[n]}
        argv = ["emit", "-b", c.mock.brokers, "--route", c.dir + "/out.route"]
        s = epoch_play.Stage(j, argv, pins=pin("o"), env=c.env)
        point(s.finish()[0] == 2 and "the job's source pins no version of it" in s.over[1], "a file that is not pinned is refused", s.over)
        argv[-1] = "out.route"      # nobody reads it: it is not there

        def begin(at, n):
            s = epoch_play.Stage(j, argv, at=at, pins=pin(n), env=c.env)
            return s if s.opened is not None else None

        def part(k):
            return [record(i) for i in range(100 * k, 100 * k + 100)]
        s = begin(0, "o")
        s.epoch(1, part(1), pins=pin("o"))
        s.send(part(2), b"")
        end = time.monotonic() + 60 * SLOW
        while len(c.read("o")) < 200 and time.monotonic() < end:
            time.sleep(0.05)
        s.kill()                    # epoch 2 is out, and comes again: the line before it is the same
        s = begin(1, "o")
        s.epoch(2, part(2), pins=pin("p"))
        s.epoch(3, part(3), pins=pin("bad"))
        s.epoch(4, part(4), pins=pin("nope"))
        s.send(part(5), b"")
        told = s.kill()[1]
        point("no such topic" in told and told.count("not followed: the routes stay as they were") == 2 and "out.route:2:" in told, "versions that are none are said", told)
        with open(j.dir + "/conf/1-emit", encoding="ascii") as f:
            kept = [x.split() for x in f]
        want = [["0", "o", "o"], ["2", "p", "p"], ["3", "bad", "p"], ["4", "nope", "p"]]
        point(kept == [[i, names[a], names[b]] for i, a, b in want], "what was decided is kept", kept)
        s = begin(2, "p")
        s.epoch(3, part(3), pins=pin("bad"))
        quiet = s.kill()[1]
        s = begin(4, "nope")        # the version of the line is none: what held behind it holds again
        s.epoch(5, part(5), pins=pin("o"))
        s.end(6, part(6), pins=pin("o"))
        point("not followed" not in quiet and s.over[0] == 0, "and is done again without a word", (quiet, s.over))
        ids = {}
        for t in "op":
            for *_, v, _, h in c.read(t):
                ids.setdefault(h["id"].decode(), set()).add((t, v))
        want = {"r:%d:%d" % (k, i + 1): {("p" if k in (3, 4, 5) else "o", v)} for k in range(1, 7) for i, v in enumerate(part(k))}
        point(ids == want, "each record in one topic under one id, from the epoch on that the line says", [x for x in ids.items() if want.get(x[0]) != x[1]][:3])
        with open(os.path.join(j.dir, "conf", names["o"]), "ab") as f:
            f.write(b"torn")
        s = epoch_play.Stage(j, argv, at=6, pins=pin("o"), env=c.env)
        point(s.finish()[0] == 3 and "not the version of out.route that its name says" in s.over[1], "a version that is not what it is called is refused", s.over)


def main():
    only = re.compile(sys.argv[1]) if len(sys.argv) > 1 else None
    for f in (whole, keys, java_partitions, refused, troubles, stops, tables, routes, job, job_routes):
        if only is None or only.search(f.__name__):
            try:
                f()
            except Exception as e:      # a case that cannot go on has failed; the others run
                point(False, f.__name__, e if isinstance(e, AssertionError) else traceback.format_exc())
    return finish()


sys.exit(main())
