#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""route - ingest --route while its file changes: under load, across kill -9, from a table of MariaDB; TAP

    BIN=build/bin python3 tests/edge/route.py [PATTERN]

What is expected is what the producer's acknowledgements say; where a record may be, what the versions of the file say that the
job's log names.  The cluster is librdkafka's mock.
"""
import glob
import hashlib
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
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from kafka import Mock, Producer  # noqa: E402
from runs import heard  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SLOW = 4 if os.environ.get("SANITIZED") else 1
WORDS = ["a", "b", "c", "d"]


def wait(cond, seconds=120):
    end = time.monotonic() + seconds * SLOW
    while not cond():
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.02)


class Case:
    """A warehouse, a topic of three partitions, a file of routes."""

    def __enter__(self):
        self.mock = Mock({"feed": 3})
        self.tmp = tempfile.TemporaryDirectory(prefix="route.")
        self.dir = self.tmp.name
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update(PIPEHOUSE_ROOT=self.dir + "/wh", PATH=BIN + ":" + self.env["PATH"], LC_ALL="C", HOME=self.dir)
        self.producer = Producer(self.mock.brokers)
        self.count = 0
        self.versions = {}
        return self

    def __exit__(self, *what):
        self.producer.close()
        self.mock.__exit__()
        self.tmp.cleanup()

    def send(self, count):
        for _ in range(count):
            i = self.count
            self.producer.send("feed", i % 3, b'{"w":"%s","day":"2026-11-2%d","n":%d}' % (WORDS[i // 3 % 4].encode(), i % 2, i))
            self.count += 1
        self.producer.flush()

    def route(self, text):
        """Replace the file as a whole; its versions are remembered by their hash."""
        with open(self.dir + "/new", "w") as f:
            f.write(text)
        os.replace(self.dir + "/new", self.dir + "/feed.route")
        self.versions[hashlib.sha256(text.encode()).hexdigest()] = text

    def start(self, *more):
        return subprocess.Popen(["ingest", "-b", self.mock.brokers, "-t", "feed", "--route", "feed.route", "--partition-by", "day", "--meta", "k", *more],
                                cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, text):
        p = subprocess.run(["bash", "-c", "set -euo pipefail; " + text], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=120 * SLOW)
        if p.returncode:
            raise AssertionError("%s: %d %s" % (text, p.returncode, p.stderr.decode(errors="replace")))
        return p.stdout

    def rows(self, table):
        return [json.loads(x) for x in self.run("wh-cat --missing-ok %s 2>/dev/null || true" % table).splitlines()]

    def log(self):
        """The job's data records, oldest first."""
        files = sorted(glob.glob(self.dir + "/wh/main/_jobs/feed/_log/*.json"))
        return [r for r in (json.loads(open(f).read()) for f in files) if r["kind"] == "data"]


def stopped(p):
    p.send_signal(signal.SIGTERM)
    return p.communicate(timeout=60 * SLOW)[1].decode(errors="replace")


def placed(c):
    """Where each record must be: by the positions that each record of the job's log moved, under its version of the file."""
    want, sent = {}, {(p, o): json.loads(v) for _, p, o, v in c.producer.sent}
    for r in c.log():
        lines = [x.split() for x in c.versions[r["route"]].splitlines() if not x.startswith("by ")]
        for t in r.get("txns", []):
            p = int(t["app"].rsplit("/", 1)[1])
            for o in range(int(t["from"] or 0), int(t["to"])):
                w = sent[p, o]["w"]
                want[p, o] = next((x[1] for x in lines if x[0] in (w, "*")), "ods.unrouted")
    return want


def load():
    """Tables are added while messages come and the reader is killed; a broken file in between."""
    r = random.Random(11)
    with Case() as c:
        c.route("by w\na ods.a\nb ods.b\n")
        stop, fed = threading.Event(), []

        def feed():
            while not stop.is_set():
                c.send(240 if c.count < 60000 else 24)
                time.sleep(0.01 if c.count < 60000 else 0.1)
            fed.append(c.count)
        t = threading.Thread(target=feed)
        t.start()
        said = ""
        for step in range(10):
            was = len(c.log())
            p = c.start("--every", "20ms")
            time.sleep((0.15 + r.random() * 0.2) * SLOW)
            if step == 0:
                wait(c.log)
            elif step == 3:
                text = "by w\na ods.a\nb ods.b\nc ods.c\n"
                c.route(text)
                wait(lambda: any(c.versions.get(x["route"]) == text for x in c.log()))
            elif step == 5:
                wait(lambda: len(c.log()) > was)        # it has the routes of before
                c.route("by w\na ods.a 'b\n")
                said += heard(p, b"not followed", 120 * SLOW)
            elif step == 6:
                p.kill()
                said += p.communicate()[1].decode()
                c.route("by w\na ods.a\nb ods.b\nc ods.c\nd ods.d day=day\n")
                continue
            time.sleep((0.1 + r.random() * 0.2) * SLOW)
            p.send_signal(signal.SIGKILL)
            said += p.communicate()[1].decode()
        stop.set()
        t.join()
        p = c.start("--until", "end")
        err = p.communicate(timeout=120 * SLOW)[1].decode()
        point(p.returncode == 0 and not err, "killed 10 times while its routes changed, it goes on to the end", (p.returncode, err))
        point("feed.route:2: a quote is not closed" in said and "not followed: the routes stay as they were" in said, "the broken file was said", said)
        got = {}
        for table in ("ods.a", "ods.b", "ods.c", "ods.d", "ods.unrouted"):
            for x in c.rows(table):
                got.setdefault((x["k"]["partition"], x["k"]["offset"]), []).append((table, x))
        want = placed(c)
        missing = {(p, o) for _, p, o, _ in c.producer.sent} - set(got)
        point(not missing and len(got) == c.count and all(len(v) == 1 for v in got.values()), "of %d records none is missed, none doubled" % c.count,
              (len(missing), sum(len(v) > 1 for v in got.values())))
        wrong = [(k, v[0][0], want.get(k)) for k, v in got.items() if v[0][0] != want.get(k)]
        point(not wrong and len(want) == c.count, "each is where the version of its commit says", wrong[:3])
        point(all(v[0][1].get("_word") == (v[0][1]["w"] if v[0][0] == "ods.unrouted" else None) for v in got.values()), "those without a route have their word")
        tables = {t: sum(v[0][0] == t for v in got.values()) for t in ("ods.a", "ods.b", "ods.c", "ods.d", "ods.unrouted")}
        point(all(tables.values()), "all tables have some: %s" % tables, tables)
        texts = [(x["route"], x["routes"]) for x in c.log() if "routes" in x]
        point(len({x for x, _ in texts}) >= 3 and all(c.versions[x] == text for x, text in texts), "versions stand in the log with their text", len(texts))


def no_restart():
    """One process: new tables, a broken file, a file that is gone, one that leads nowhere, a new expression and path."""
    with Case() as c:
        c.route("by w\na ods.a\n")
        p = c.start("--every", "50ms", "--stats", "stats")
        c.send(240)
        wait(lambda: len(c.rows("ods.a")) == 60 and len(c.rows("ods.unrouted")) == 180)
        c.route("by w\na ods.a\nb ods.b\n")
        c.send(240)
        wait(lambda: len(c.rows("ods.b")) == 60 and len(c.rows("ods.unrouted")) == 300)
        point(len(c.rows("ods.a")) == 120, "a table that is added: what comes from then on goes there", len(c.rows("ods.a")))
        for k, text in enumerate(("by w\nx\n", "by w\na ods.a day=]\n", "by w\na nodot\n")):
            c.route(text)
            c.send(240)
            wait(lambda k=k: len(c.rows("ods.b")) == 60 * (k + 2))
        os.unlink(c.dir + "/feed.route")
        c.send(240)
        wait(lambda: len(c.rows("ods.b")) == 300)
        c.send(240)
        wait(lambda: len(c.rows("ods.b")) == 360 and len(c.rows("ods.unrouted")) == 180 + 120 * 6)
        point(len(c.rows("ods.a")) == 420, "broken or gone: the routes stay as they were", len(c.rows("ods.a")))
        c.route('by "w || \'-\' || day"\na-2026-11-20 ods.c word=_route day=day\n* ods.rest\n')
        c.send(240)
        wait(lambda: len(c.rows("ods.rest")) == 200)
        got = c.rows("ods.c")
        point(len(got) == 40 and {x["_route"] for x in got} == {"a-2026-11-20"}, "what a new expression asks for is seen", got[:1])
        err = stopped(p)
        said = [x for x in err.splitlines() if x.startswith("ingest: ")]
        point(p.returncode == 0 and [bool(re.search(w, x)) for w, x in zip((r"feed.route:2: not WORD NAME", "not followed", "partition-by|day", "not followed", "nodot", "not followed",
                                                                              "feed.route: No such file", "not followed"), said)] == [True] * 8 and len(said) == 8,
              "each that was not followed is said once", err)
        point(len(c.rows("ods.a")) == 420, "and the first table has what it should", len(c.rows("ods.a")))


def later():
    """What had no route is routed later: the recipe of ingest(1), twice."""
    with Case() as c:
        c.route("by w\na ods.a\n* ods.rest\n")
        c.send(24)
        c.run("ingest -b %s -t feed --route feed.route --partition-by day --until end" % c.mock.brokers)
        c.route("by w\na ods.a\n")
        c.send(240)
        c.run("ingest -b %s -t feed --route feed.route --partition-by day --until end" % c.mock.brokers)
        c.route("by w\na ods.a\nb ods.b\n")
        for _ in range(2):
            c.run("[ -e b.1 ] || wh-cat ods.unrouted | json-map -w \"_word = 'b'\" --all --drop _word -o b.1; ingest b.1 --route feed.route --partition-by day --job late")
        got = [json.loads(x) for x in c.run("wh-cat ods.b").splitlines()]
        want = [json.loads(v) for _, p, o, v in sorted(c.producer.sent, key=lambda x: x[1:3]) if json.loads(v)["w"] == "b" and json.loads(v)["n"] >= 24]
        point(sorted(map(str, got)) == sorted(map(str, want)) and want, "what had no route is routed later, once: %d records" % len(want), (len(got), len(want)))
        c.run("wh-cat ods.unrouted@2026-11-20 | json-map -w \"_word = 'c'\" --all --drop _word | wh-put ods.c dt=2026-11-20")
        want = sum(json.loads(v)["w"] == "c" and json.loads(v)["n"] >= 24 and json.loads(v)["day"] == "2026-11-20" for *_, v in c.producer.sent)
        point(len(c.rows("ods.c")) == want > 0, "or by wh-put, a day at a time", want)


def mysql():
    """The routes are a table of MariaDB: extracted again and again while messages come, the table changing meanwhile."""
    with Case() as c:
        db = c.dir + "/db"
        sql = lambda text: subprocess.run(["mariadb", "--defaults-file=" + db + "/client.cnf"], input=text.encode(), check=True, timeout=60 * SLOW)
        subprocess.run(["sh", TOP + "/tests/mariadb.sh", "start", db], check=True, timeout=180)
        try:
            sql("CREATE DATABASE conf; CREATE TABLE conf.route (pos INT PRIMARY KEY, word VARCHAR(120), target VARCHAR(120), day VARCHAR(200), note TEXT, `by` VARCHAR(200));"
                "INSERT INTO conf.route VALUES (0, NULL, NULL, NULL, 'what it is called', 'w'), (10, 'a', 'ods.a', 'day', NULL, NULL)")
            take = "mysql-extract --defaults-file %s/client.cnf --table conf.route -o feed.route" % db
            c.run(take)
            p = c.start("--every", "20ms")
            stop = threading.Event()

            def extract():
                while not stop.is_set():
                    c.run(take)
            t = threading.Thread(target=extract)
            t.start()
            for k, w in enumerate("bcd"):
                c.send(240)
                wait(lambda k=k: sum(len(c.rows("ods." + x)) for x in "abcd") + len(c.rows("ods.unrouted")) == 240 * (2 * k + 1))
                sql("INSERT INTO conf.route VALUES (%d, '%s', 'ods.%s', 'day', 'quote '' and \\\\ and \"', NULL)" % (20 + k, w, w))
                seen = lambda w=w: '"%s"' % w in open(c.dir + "/feed.route").read()
                wait(seen)
                c.send(240)
                wait(lambda k=k: sum(len(c.rows("ods." + x)) for x in "abcd") + len(c.rows("ods.unrouted")) == 240 * (2 * k + 2))
            stop.set()
            t.join()
            err = stopped(p)
            point(p.returncode == 0 and not err, "a file that is written again and again is never half of one", (p.returncode, err))
            got = {t: sorted(x["n"] for x in c.rows("ods." + t)) for t in ("a", "b", "c", "d", "unrouted")}
            want = {t: [i for i in range(c.count) if WORDS[i // 3 % 4] == t and i >= since] for t, since in (("a", 0), ("b", 240), ("c", 720), ("d", 1200))}
            want["unrouted"] = sorted(set(range(c.count)) - {i for v in want.values() for i in v})
            point(got == want, "each row of the table of routes counts from its next commit on", {t: (len(got[t]), len(want[t])) for t in got})
        finally:
            subprocess.run(["sh", TOP + "/tests/mariadb.sh", "stop", db], timeout=120)


def main():
    for f in (load, no_restart, later, mysql):
        if len(sys.argv) > 1 and not re.search(sys.argv[1], f.__name__):
            continue
        try:
            f()
        except Exception as e:      # a case that cannot go on has failed; the others run
            point(False, f.__name__, traceback.format_exc())
    return finish()


if __name__ == "__main__":
    sys.exit(main())
