#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ingest_kafka - ingest of topics against librdkafka's mock cluster: what was produced is what the table holds; TAP

    BIN=build/bin python3 tests/edge/ingest_kafka.py [PATTERN]

The expectation is what the producer's acknowledgements say: topic, partition, offset, value.  A real broker: tests/real/kafka.py.
"""
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from kafka import Mock, Producer, committed  # noqa: E402
from runs import heard, listens  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SLOW = 4 if os.environ.get("SANITIZED") else 1


class Case:
    """A directory with a warehouse, a cluster with topics."""

    def __init__(self, **topics):
        self.topics = topics or {"orders": 3}

    def __enter__(self):
        self.mock = Mock(self.topics)
        self.tmp = tempfile.TemporaryDirectory(prefix="kafka.")
        self.dir = self.tmp.name
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update(PIPEHOUSE_ROOT=self.dir + "/wh", PATH=BIN + ":" + self.env["PATH"], LC_ALL="C", HOME=self.dir)
        self.producer = Producer(self.mock.brokers)
        return self

    def __exit__(self, *what):
        self.producer.close()
        self.mock.__exit__()
        self.tmp.cleanup()

    def send(self, count, topic="orders", start=0):
        for i in range(start, start + count):
            self.producer.send(topic, i % self.topics[topic], b'{"t":"2026-11-%02d","n":%d}' % (20 + i % 2, i), b"k%d" % i)
        self.producer.flush()

    def args(self, *more):
        return ["ingest", "-b", self.mock.brokers, "-t", ",".join(self.topics), *more]

    def run(self, *cmd, status=0):
        p = subprocess.run(cmd, cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120 * SLOW)
        self.err = p.stderr.decode(errors="replace")
        if p.returncode != status:
            raise AssertionError("%s: %d instead of %d\n%s" % (" ".join(cmd), p.returncode, status, self.err))
        return p.stdout

    def ingest(self, *more, status=0):
        return self.run(*self.args("-d", "ods.o", "--partition-by", "t", "--until", "end", *more), status=status)

    def start(self, *more):
        return subprocess.Popen(self.args("-d", "ods.o", "--partition-by", "t", *more), cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def rows(self, table="ods.o"):
        return self.run("wh-cat", "--missing-ok", table).split(b"\n")[:-1]

    def sent(self, topic=None, keep=lambda p, o: True):
        """Values that are records, as the acknowledgements say, by partition and offset."""
        rows = sorted((t, p, o, v) for t, p, o, v in self.producer.sent if v and topic in (None, t))
        return [v for t, p, o, v in rows if keep(p, o)]

    def same(self, name, table="ods.o", **which):
        got, want = self.rows(table), self.sent(**which)
        missing, extra = set(want) - set(got), set(got) - set(want)
        return point(sorted(got) == sorted(want), name, "%d rows, wanted %d; missing %s, too many %s, doubled %d" %
                     (len(got), len(want), sorted(missing)[:3], sorted(extra)[:3], len(got) - len(set(got))))


def whole():
    with Case() as c:
        c.send(3000)
        c.ingest("--stats", "stats")
        c.same("three partitions, every message once")
        stats = json.loads(open(c.dir + "/stats").read().splitlines()[-1])
        point(stats["in"] == 3000 and stats["used"] == 3000 and stats["gaps"] == 0, "counts", stats)
        log = lambda: sorted(os.listdir(c.dir + "/wh/main/ods/o/_log"))
        data = lambda: [x for x in log() if x.endswith(".json") and '"kind":"data"' in open(c.dir + "/wh/main/ods/o/_log/" + x).read()]
        before = data()
        c.ingest()
        c.same("again: nothing new")
        point(len(before) == 1 and data() == before, "and no commit for that", (before, data()))
        c.send(500, start=3000)
        c.ingest()
        c.same("grown: only what is new")
        rows = [json.loads(r)["n"] for r in c.rows()]
        point(all([x for x in rows if x % 3 == p and x % 2 == d] == sorted(x for x in rows if x % 3 == p and x % 2 == d)
                  for p in range(3) for d in range(2)), "the order of a partition holds in each day")


def odd():
    with Case(orders=1) as c:
        s = lambda v, k=None: c.producer.send("orders", 0, v, k)
        s(b'{"t":"2026-11-20","n":1}\n')            # 0
        s(None, b"gone")                            # 1
        s(b"")                                      # 2
        s(b" \r\n ")                                # 3
        s(b'{\n  "t": "2026-11-20",\r\n  "n": 2\n}')  # 4
        s(b'{"t":"2026-11-20","x":"a\nb"}')         # 5: a raw line feed in a string
        s(b"\xff\x00\xfe")                          # 6
        s(b'{"t":"2026-11-20"}{"t":"2026-11-20"}')  # 7
        s(b'{"t":"2026-11-20"}\n{"t":"2026-11-20"}')  # 8
        s(b'{"t":null}')                            # 9
        s(b'{"t":"2026-11-20","dt":"x"}')           # 10
        s(b"[1]")                                   # 11
        s(b'{"t":"2026-11-20","n":3,"s":"' + b"x" * 900000 + b'"}')    # 12
        s(b'{"t":"2026-11-20","n":1e400}')          # 13
        c.producer.flush()
        c.ingest(status=3)
        point(re.search(r"orders/0:\d+: ", c.err) is not None, "a bad message stops it, and says which", c.err)
        point(c.run("wh-ls") == b"" or not c.rows(), "nothing was committed")
        c.ingest("--reject", "bad", "--stats", "stats")
        bad = [json.loads(line) for line in open(c.dir + "/bad", encoding="utf-8")]
        point(sorted(b["offset"] for b in bad) == [5, 6, 7, 8, 9, 10, 11], "rejects: each by its offset", [(b["offset"], b["reason"]) for b in bad])
        point({b["source"] for b in bad} == {"orders/0"} and all(b["line"] == b["offset"] for b in bad), "rejects: source is TOPIC/PARTITION")
        raw = {b["offset"]: b.get("raw", b.get("raw_base64")) for b in bad}
        point(raw[5] == '{"t":"2026-11-20","x":"a\nb"}' and raw[6] == "/wD+" and raw[8].count("\n") == 1, "rejects: the bytes as they came", raw)
        stats = json.loads(open(c.dir + "/stats").read().splitlines()[-1])
        point(stats["nulls"] == 1 and stats["empty"] == 2 and stats["in"] == 14 and stats["rejected"] == 7 and stats["dropped"] == 3 and stats["used"] == 4,
              "null and empty values are counted", stats)
        got = c.rows()
        point([json.loads(r.replace(b"1e400", b"9"))["n"] for r in got] == [1, 2, 3, 9] and b"1e400" in got[3], "the good ones are there, in order", got)
        point(b"\n" not in got[1] and json.loads(got[1]) == {"t": "2026-11-20", "n": 2}, "a message over several lines is one line", got[1])
        c.ingest("--reject", "bad")
        point(len(open(c.dir + "/bad").readlines()) == 7 and c.rows() == got, "again: nothing new, no reject either")
        c.producer.send("orders", 0, None)
        c.producer.flush()
        c.ingest()
        c.ingest("--stats", "again")
        point(json.loads(open(c.dir + "/again").read())["in"] == 0, "a tombstone alone moves the position too")


def meta():
    with Case(orders=2) as c:
        for key, value in ((b"k", b'{"t":"2026-11-20","n":1}'), (None, b'{"t":"2026-11-20"}'), (b'{"id":1}', b'{ "t" : "2026-11-20" } '),
                           (b"\xff", b'{"t":"2026-11-20","kafka":"forged","z":1}')):
            c.producer.send("orders", 1, value, key)
        c.producer.flush()
        want = [{"t": "2026-11-20", "n": 1, "kafka": {"topic": "orders", "partition": 1, "offset": 0, "key": "k"}},
                {"t": "2026-11-20", "kafka": {"topic": "orders", "partition": 1, "offset": 1, "key": None}},
                {"t": "2026-11-20", "kafka": {"topic": "orders", "partition": 1, "offset": 2, "key": '{"id":1}'}},
                {"t": "2026-11-20", "kafka": {"topic": "orders", "partition": 1, "offset": 3, "key": {"base64": "/w=="}}, "z": 1}]
        got = [json.loads(x) for x in c.run(*c.args("--until", "end", "--meta", "kafka")).splitlines()]
        point(got == want, "--meta to standard output; a member of that name is replaced", got)
        c.ingest("--meta", "kafka")
        got = c.rows()
        point([json.loads(x) for x in got] == want and list(json.loads(got[3])) == ["t", "kafka", "z"], "--meta to a table", got)


def nulls():
    with Case(orders=1) as c:
        for v, k in ((b'{"t":"2026-11-20","n":1}', b"a"), (None, b"b"), (b"", b"c"), (None, None), (None, b"\xff")):
            c.producer.send("orders", 0, v, k)
        c.producer.flush()
        out = lambda *more, **kw: [json.loads(x) for x in c.run(*c.args("--until", "end", "--stats", "s", *more), **kw).splitlines()]
        stats = lambda: [json.loads(open(c.dir + "/s").read().splitlines()[-1])[k] for k in ("in", "nulls", "empty", "passed", "dropped", "rejected")]
        got = out("--meta", "m", "--null", "keep")
        point([(m.get("n"), m["m"]["offset"], m["m"]["key"]) for m in got] == [(1, 0, "a"), (None, 1, "b"), (None, 3, None), (None, 4, {"base64": "/w=="})] and
              stats() == [5, 3, 1, 4, 1, 0], "--null keep: a record for each, with its key, partition and offset", (got, stats()))
        got = out("--null", "reject", "--reject", "bad")
        bad = [json.loads(x) for x in open(c.dir + "/bad")]
        point([m["n"] for m in got] == [1] and [(x["source"], x["offset"], x["reason"], x["raw"]) for x in bad] ==
              [("orders/0", o, "null value", "") for o in (1, 3, 4)] and stats() == [5, 3, 1, 1, 1, 3], "--null reject: each is a reject", (got, bad, stats()))
        point([m["n"] for m in out()] == [1] and stats() == [5, 3, 1, 1, 4, 0], "else they are counted", stats())
        c.run(*c.args("--until", "end", "--null", "keep"), status=2)
        point("needs --meta" in c.err, "--null keep says who it was: by --meta", c.err)


def headers():
    with Case(orders=1) as c:
        for h in ([], [(b"trace", b"t1")], [(b"a", b""), (b"b", None), (b"a", b"\xff"), (b"c\"", b"x\ny"), (b"a", b"z")], [(b"\xfe", b"v")]):
            c.producer.send("orders", 0, b'{"t":"2026-11-20"}', b"k", headers=h)
        c.producer.flush()
        got = [json.loads(x)["m"] for x in c.run(*c.args("--until", "end", "--meta", "m")).splitlines()]
        want = [None, {"trace": "t1"}, {"a": ["", {"base64": "/w=="}, "z"], "b": None, 'c"': "x\ny"}, {"/g==": "v"}]
        point([m.pop("headers", None) for m in got] == want, "--meta: headers, once or more often, null, binary", got)
        point([m["offset"] for m in got] == [0, 1, 2, 3], "and the rest as ever")


def points():
    with Case() as c:
        c.send(300)
        c.ingest("--from", "end")
        point(c.rows() == [] and b"ods.o" in c.run("wh-ls"), "--from end: nothing of what was there")
        c.send(30, start=300)
        c.ingest("--from", "beginning")
        c.same("--from counts only where the log knows nothing", keep=lambda p, o: o >= 100)
        out = c.run(*c.args("--from", "0:90,orders:2:99", "--until", "0:95,1:3")).splitlines()
        want = c.sent(keep=lambda p, o: (90 <= o < 95) if p == 0 else o < 3 if p == 1 else o >= 99)
        point(sorted(out) == sorted(want), "--from and --until by offsets", (len(out), len(want)))
        c.run(*c.args("--from", "7:0", "--until", "end"), status=2)
        point("there is no partition 7" in c.err, "an offset of a partition that is not there", c.err)
        c.run(*c.args("--from", "noon", "--until", "end"), status=2)
    with Case() as c:       # settled at the start, before a message came
        c.send(30)
        p = c.start("--from", "end", "--every", "50ms")
        wait(lambda: os.path.exists(c.dir + "/wh/main/ods/o/_log/00000000000000000002.json"))
        p.kill()
        p.wait()
        c.send(30, start=30)
        c.ingest("--from", "end")
        c.same("--from end is where the first start found it", keep=lambda p, o: o >= 10)


def wait(cond, seconds=120):
    end = time.monotonic() + seconds * SLOW
    while not cond():
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.02)


def killed():
    r = random.Random(5)
    whole = ["--compact", "0"]  # what is put together stays in the pool too, until wh-gc
    with Case() as c:
        stop = threading.Event()

        def feed():
            i = 0
            while not stop.is_set() and i < 60000:
                c.send(200, start=i)
                i += 200
                time.sleep(0.01)
        t = threading.Thread(target=feed)
        t.start()
        for _ in range(12):
            p = c.start("--every", "20ms", *whole)
            time.sleep((0.05 + r.random() * 0.3) * SLOW)
            p.send_signal(signal.SIGKILL)
            p.communicate()
        stop.set()
        t.join()
        p = c.start("--every", "20ms", *whole)
        listens(p)
        time.sleep(0.3 * SLOW)
        p.send_signal(signal.SIGTERM)
        out, err = p.communicate()
        point(p.returncode == 0, "SIGTERM without --until is a success", (p.returncode, err))
        c.ingest(*whole)
        c.same("killed 12 times while it was fed, told to stop, run to the end")
        left = subprocess.run(["find", c.dir + "/wh", "-name", "s-*.pz", "-links", "1"], stdout=subprocess.PIPE, check=True).stdout.split()
        c.ingest(*whole)
        point(len(left) <= 1, "what the killed ones left in the pool is collected", left[:3])


PAD = b"x" * 4000     # 16 MiB within a second are much: what comes is written piece by piece


def send_much(c, count, start=0, days=2):
    """Compressed: the cluster keeps 5 MiB of a partition."""
    for i in range(start, start + count):
        c.producer.send("orders", i % 3, b'{"t":"2026-11-%02d","n":%d,"pad":"%s"}' % (1 + i // 3 % days, i, PAD))
    c.producer.flush()


def much():
    """So much that it is written as it comes, with the files of all partitions open at a time."""
    r = random.Random(9)
    with Case() as c:
        c.producer.close()
        c.producer = Producer(c.mock.brokers, compression_codec="zstd")
        send_much(c, 24000)
        data = c.dir + "/wh/main/ods/o/.pool"
        whole = ["--compact", "0"]
        for _ in range(6):
            before = subprocess.run(["find", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.count(b".pz\n")
            p = c.start("--until", "end", *whole)
            wait(lambda: p.poll() is not None or
                 subprocess.run(["find", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.count(b".pz\n") > before)
            time.sleep(r.random() * 0.1 * SLOW)
            p.send_signal(signal.SIGKILL)
            p.communicate()
        c.ingest(*whole)
        c.same("much, killed 6 times while its files were written: each once")
        rows = [json.loads(x) for x in c.rows()]
        parts = lambda p, d: [x["n"] for x in rows if x["n"] % 3 == p and x["t"] == "2026-11-%02d" % d]
        point(all(parts(p, d) == sorted(parts(p, d)) for p in range(3) for d in (1, 2)), "the order of a partition holds in each day")
        c.ingest(*whole)    # the first writers of a table have no fence
        left = subprocess.run(["find", c.dir + "/wh", "-name", "s-*.pz", "-links", "1"], stdout=subprocess.PIPE, check=True).stdout.split()
        point(not left, "what the killed ones left in the pool is collected", left[:3])
    with Case() as c:
        c.producer.close()
        c.producer = Producer(c.mock.brokers, compression_codec="zstd")
        send_much(c, 15000, days=20)
        c.producer.send("orders", 1, b"no JSON")
        c.producer.flush()
        c.ingest(status=3)
        left = subprocess.run(["find", c.dir + "/wh", "-name", "s-*.pz", "-links", "1"], stdout=subprocess.PIPE, check=True).stdout.split()
        point("no JSON" not in c.err and not left and len(c.rows()) <= 15000, "a bad message at the end: of what was written since the last commit nothing stays",
              (c.err, left[:3]))
        c.ingest("--reject", "bad")
        got, want = c.rows(), [v for v in c.sent() if v != b"no JSON"]
        point(sorted(got) == sorted(want), "much of more days than files can be open", (len(got), len(want)))


def collected_amid():
    """wh-gc fences all writers while the files of a commit are being written."""
    with Case() as c:
        c.producer.close()
        c.producer = Producer(c.mock.brokers, compression_codec="zstd")
        log, pool = c.dir + "/wh/main/ods/o/_log/", c.dir + "/wh/main/ods/o/.pool"
        kinds = lambda: [json.load(open(log + f))["kind"] for f in sorted(os.listdir(log)) if re.fullmatch(r"\d{20}\.json", f)]
        files = lambda: subprocess.run(["find", pool, "-name", "s-*.pz", "-links", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.split()
        c.send(30)
        c.ingest()
        p, sent = None, 30
        for _ in range(5):
            # a commit that is begun waits for more for two seconds
            send_much(c, 6000, start=sent)
            sent += 6000
            p = p or c.start("--compact", "0")
            wait(lambda: files() or len(c.rows()) == sent, 60)
            p.send_signal(signal.SIGSTOP)
            if files():
                break
            p.send_signal(signal.SIGCONT)
        else:
            print("# too slow here for a commit that is written as it comes")
        orphan = pool + "/2026-11-01/r-1-" + "0" * 32 + "-0.pz"
        os.makedirs(os.path.dirname(orphan), exist_ok=True)
        open(orphan, "w").close()
        os.utime(orphan, (time.time() - 3 * 86400,) * 2)
        before = kinds()
        c.run("wh-gc")
        p.send_signal(signal.SIGCONT)
        send_much(c, 3000, start=sent)
        wait(lambda: len(c.rows()) == sent + 3000, 60)
        p.send_signal(signal.SIGTERM)
        err = p.communicate()[1]
        after = kinds()[len(before):]
        point(p.returncode == 0 and not err and after[:3] == ["fence", "fence", "data"],
              "fenced by a collector while its files are written: it reads again and goes on", (p.returncode, err, before, after))
        c.same("and nothing is doubled or lost")
        point(not files(), "nor left in the pool", files()[:3])


def zombie():
    with Case() as c:
        c.send(3000)
        # one that has fenced and read is stopped; another one takes over; then the first goes on
        first = c.start("--every", "300ms")
        wait(lambda: os.path.exists(c.dir + "/wh/main/ods/o/_log/00000000000000000002.json"))
        time.sleep(0.15)
        first.send_signal(signal.SIGSTOP)
        c.send(3000, start=3000)
        c.ingest()
        c.send(300, start=6000)
        first.send_signal(signal.SIGCONT)
        try:
            out, err = first.communicate(timeout=60 * SLOW)
        except subprocess.TimeoutExpired:
            first.kill()
            out, err = first.communicate()
        point(first.returncode == 75 and b"taken over" in err, "the one that was taken over from ends with 75", (first.returncode, err))
        c.ingest()
        c.same("and nothing is doubled or lost")
    with Case() as c:
        c.send(3000)
        both = [c.start("--until", "end") for _ in range(3)]
        codes = []
        for p in both:
            p.communicate(timeout=60 * SLOW)
            codes.append(p.returncode)
        c.ingest()
        point(0 in codes and set(codes) <= {0, 75}, "three at once: one wins", codes)
        c.same("three at once: every message once")


def routed():
    """Several tables at once, killed while it is fed: each message in its table, once."""
    r = random.Random(7)
    with Case() as c:
        with open(c.dir + "/feed.route", "w") as f:
            f.write("by w\neven ods.even day=t\nodd ods.odd day=t\n* ods.unrouted day=t\n")
        words = [b"even", b"odd", b"even", b"x"]
        args = ["ingest", "-b", c.mock.brokers, "-t", "orders", "--route", "feed.route", "--compact", "0"]
        stop = threading.Event()

        def feed():
            i = 0
            while not stop.is_set() and i < 60000:
                for i in range(i, i + 200):
                    c.producer.send("orders", i % 3, b'{"t":"2026-11-2%d","w":"%s","n":%d}' % (i % 2, words[i % 4], i))
                c.producer.flush()
                i += 1
                time.sleep(0.01)
        t = threading.Thread(target=feed)
        t.start()
        for k in range(12):
            p = subprocess.Popen(args + ["--every", "20ms"], cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep((0.1 + r.random() * 0.3) * SLOW)
            p.send_signal(signal.SIGKILL)
            p.communicate()
        stop.set()
        t.join()
        both = [subprocess.Popen(args + ["--until", "end"], cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
        codes = [(p.communicate(timeout=60 * SLOW), p.returncode)[1] for p in both]
        point(0 in codes and set(codes) <= {0, 75}, "--route: two at once, one wins", codes)
        c.run(*args, "--until", "end")
        for word, table in ((b"even", "ods.even"), (b"odd", "ods.odd"), (b"x", "ods.unrouted")):
            got, want = c.rows(table), [v for v in c.sent() if b'"w":"%s"' % word in v]
            point(sorted(got) == sorted(want) and want, "--route: %s, killed 12 times: each of %d once" % (table, len(want)),
                  "%d rows, wanted %d, %d different" % (len(got), len(want), len(set(got))))
        pool = subprocess.run(["find", c.dir + "/wh", "-name", "s-*.pz", "-links", "1"], stdout=subprocess.PIPE, check=True).stdout.split()
        point(not pool, "--route: what the killed ones left is collected", pool[:3])
        lag = [json.loads(x) for x in c.run(*args, "--lag").splitlines()]
        point([e["value"] for e in lag] == [0, 0, 0] and lag[0]["table"] == "job/feed", "--route: --lag", lag)


def collector():
    """wh-gc fences all writers to remove what a dead one left: one that lives goes on."""
    with Case() as c:
        c.send(300)
        p = c.start("--every", "50ms")
        wait(lambda: len(c.rows()) == 300)
        orphan = c.dir + "/wh/main/ods/o/.pool/2026-11-20/r-1-" + "0" * 32 + "-0.pz"
        open(orphan, "w").close()
        os.utime(orphan, (time.time() - 3 * 86400,) * 2)
        c.run("wh-gc")
        point(not os.path.exists(orphan) and any('"fence"' in open(c.dir + "/wh/main/ods/o/_log/" + f).read() for f in os.listdir(c.dir + "/wh/main/ods/o/_log")
                                                   if f.endswith(".json")), "wh-gc took away what nobody owns, behind a fence")
        c.send(300, start=300)
        wait(lambda: len(c.rows()) == 600)
        p.send_signal(signal.SIGTERM)
        err = p.communicate()[1]
        point(p.returncode == 0 and not err, "a fence of the collector ends no writer", (p.returncode, err))
        c.same("and nothing is doubled or lost")


def collected_between():
    """wh-gc fences all writers between a reader's own fence and the commit that settles where `end` is: it is held there for some seconds."""
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("# strace cannot be used here")
        return
    for seconds in (4, 20, 60):     # the last of them also where a machine is so slow that wh-gc comes too late
        if collected_while(seconds * SLOW, seconds == 60):
            break


def collected_while(seconds, last):
    """False, and no points, where it was not held for long enough."""
    with Case() as c:
        c.send(30)
        subprocess.run([BIN + "/wh-table", "ods.o", "-"], cwd=c.dir, env=c.env, input=b"kind append\n", check=True)
        log = c.dir + "/wh/main/ods/o/_log/"
        kinds = lambda: [json.load(open(log + f))["kind"] for f in sorted(os.listdir(log)) if re.fullmatch(r"\d{20}\.json", f)]
        orphan = c.dir + "/wh/main/ods/o/.pool/2026-11-20/r-1-" + "0" * 32 + "-0.pz"
        os.makedirs(os.path.dirname(orphan))
        open(orphan, "w").close()
        os.utime(orphan, (time.time() - 3 * 86400,) * 2)
        # the first link is its fence's
        p = subprocess.Popen(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat", "-e", "inject=linkat:delay_enter=%d:when=2" % (1000000 * seconds),
                              *c.args("-d", "ods.o", "--partition-by", "t", "--from", "end", "--every", "50ms")],
                             cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait(lambda: kinds()[1:] == ["fence"])
        time.sleep(0.5 * SLOW)
        c.run("wh-gc")
        was = kinds()
        wait(lambda: len(kinds()) > len(was) + 1)
        c.send(30, start=30)
        wait(lambda: len(c.rows()) == 30)
        p.send_signal(signal.SIGTERM)
        err = p.communicate()[1]
        if was[1:] != ["fence", "fence"] and not last:
            return False
        point(was[1:] == ["fence", "fence"] and kinds()[3:5] == ["fence", "data"] and p.returncode == 0 and not err,
              "fenced by a collector before it has settled where the end is: it settles it behind another fence", (was, kinds(), p.returncode, err))
        c.same("and begins there", keep=lambda p, o: o >= 10)
        return True


def broker():
    with Case() as c:
        c.send(300)
        p = c.start("--every", "50ms")
        wait(lambda: os.path.exists(c.dir + "/wh/main/ods/o/_log/00000000000000000002.json"))
        c.mock.down()
        err = heard(p, b"no broker answers: waiting")
        c.mock.up()
        c.send(300, start=300)
        wait(lambda: len(c.rows()) == 600)
        p.send_signal(signal.SIGTERM)
        err += p.communicate()[1].decode()
        point(p.returncode == 0 and "no broker answers: waiting" in err and "a broker answers again" in err, "a broker that restarts is waited for, aloud",
              (p.returncode, err))
        c.same("and nothing is doubled or lost")


def refused():
    """A topic that is not ours to read any more, while it is read: what was read is committed, then 5."""
    with Case(orders=3, other=1) as c:
        with open(c.dir + "/p", "w") as f:
            f.write("topic.metadata.refresh.interval.ms=200\n")
        os.chmod(c.dir + "/p", 0o600)
        c.send(300)
        p = c.start("--properties", "p", "--every", "20ms")
        wait(lambda: len(c.rows()) == 300)
        c.send(100, start=300)
        c.mock.deny("other", 29)
        err = p.communicate(timeout=60 * SLOW)[1].decode()
        point(p.returncode == 5 and err.count("\n") == 1 and "uthoriz" in err, "a topic that may not be read any more: 5, said once", (p.returncode, err))
        c.mock.deny("other", 0)
        c.ingest()
        c.same("and who comes next goes on")


def group():
    with Case() as c:
        c.send(900)
        c.ingest("-G", "g")
        c.same("a group of one has all partitions")
        point(committed(c.mock.brokers, "g", "orders", 3) == [300, 300, 300], "the group is told how far it is", committed(c.mock.brokers, "g", "orders", 3))
        c.send(90, start=900)
        c.ingest()
        c.same("its offsets are the table's")


def in_run():
    with Case() as c:
        c.send(300)
        text = "ingest -b %s -t orders -d ods.o --partition-by t" % c.mock.brokers
        c.run("wh-run", text, status=2)
        c.run("wh-run", text + " --until end; false", status=1)
        point(c.run("wh-ls") == b"", "a run that fails publishes nothing")
        c.run("wh-run", text + " --until end")
        c.same("a run that does not, all of it")
        c.send(300, start=300)
        c.run("wh-run", text + " --until end")
        c.run("wh-run", text + " --until end")
        c.same("and the next one goes on there")


def lag():
    with Case(orders=2) as c:
        c.send(20)
        ask = lambda *more, status=0: [json.loads(x) for x in c.run(*c.args("-d", "ods.o", "--lag", *more), status=status).splitlines()]
        c.ingest("--until", "0:4,1:10")
        got = ask()
        point([(e["event"], e["severity"], e["table"], e["name"], e["value"], e["expected"]) for e in got] ==
              [("ingest.lag", "ok", "ods.o", "orders/0", 6, None), ("ingest.lag", "ok", "ods.o", "orders/1", 0, None)], "--lag: how far behind", got)
        got = ask("--max-lag", "5", status=1)
        point([(e["severity"], e["expected"]) for e in got] == [("fail", 5), ("ok", 5)], "--max-lag: a fail, and the answer is no", got)
        point(len(ask("--max-lag", "6")) == 2, "at the bound it is not")


def secrets():
    with Case() as c:
        path = c.dir + "/k.conf"

        def conf(text, mode=0o600):
            with open(path, "w") as f:
                f.write(text)
            os.chmod(path, mode)
        conf("# ours\n\nclient.id = me\nsasl.password=hunter2\n", 0o644)
        c.ingest("--properties", "k.conf", status=2)
        point("others can read it" in c.err and "hunter2" not in c.err, "a property file that others can read", c.err)
        conf("client.id = me\nsasl.password=hunter2\n")
        c.ingest("--properties", "k.conf")
        point(c.err == "", "a property file", c.err)
        for text, told in (("nothing.like.it=hunter2", "librdkafka knows no setting nothing.like.it"), ("ssl.ca.location", "not NAME=VALUE"),
                           ("security.protocol=hunter2", "not a value it can have"), ("enable.auto.commit=true", "not the file's to say"),
                           ("plugin.library.paths=/x.so", "not the file's to say"), ("group.id=x", "not the file's to say"),
                           ("isolation.level=read_uncommitted", "not the file's to say"), ("check.crcs=false", "not the file's to say")):
            conf("\n" + text + "\n")
            c.ingest("--properties", "k.conf", status=2)
            point("k.conf:2: " in c.err and told in c.err and "hunter2" not in c.err, "a property file with " + text.split("=")[0], c.err)
        c.run("ingest", "-b", c.mock.brokers, "-t", "orders,other,orders", "--until", "end", status=2)
        point("topic orders stands twice" in c.err, "a topic that is named twice", c.err)
        c.run("ingest", "-b", "kafka.example.com:9092,127.0.0.1", "-t", "orders", "--until", "end", status=2)
        point("kafka.example.com:9092: not encrypted" in c.err, "another machine only with TLS", c.err)


def main():
    for f in (whole, odd, meta, nulls, headers, points, killed, much, zombie, routed, collector, collected_between, collected_amid,
              broker, refused, group, in_run, lag, secrets):
        if len(sys.argv) > 1 and not re.search(sys.argv[1], f.__name__):
            continue
        try:
            f()
        except Exception as e:      # a case that cannot go on has failed; the others run
            point(False, f.__name__, repr(e) if not isinstance(e, AssertionError) else e)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
