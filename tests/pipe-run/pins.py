#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pins - configuration files of a job that change under it: routes from an epoch on, rules from a start on, and a replay by what was; keys too, whose
file is kept nowhere; TAP

    BIN=build/bin python3 tests/pipe-run/pins.py

A log goes through json-clean into a table and, by emit --route, into topics of librdkafka's mock cluster.  To have epochs that one sink has seen
and another has not, the table's sink is stopped; then the file changes, and something is killed.
"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import cases  # noqa: E402
from kafka import Mock, Read  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = cases.BIN
LIMIT = 120 * (4 if cases.SANITIZED else 1)
DAY = "2026-11-20"


def wait(until, what=""):
    end = time.monotonic() + LIMIT
    while not until():
        if time.monotonic() > end:
            raise RuntimeError("waited for " + what)
        time.sleep(0.05)


class Job:
    PIPE = ("j: restart=30ms restart-max=60ms sync=process\n\tingest -f in.log --barriers 50ms |\n\tjson-clean -s c.clean |\n"
            "\tfan-out 'wh-put ods.o --partition-by day --job j' --sink 'emit -b %s --route=\"out.route\"'\n")

    def __init__(self, mock, pipe=PIPE, topics=("old", "new")):
        self.into = topics
        self.mock, self.tmp = mock, tempfile.TemporaryDirectory(prefix="pins.")
        self.top, self.n, self.p = self.tmp.name, 0, None
        self.dir = self.top + "/state/j"
        self.env = dict(cases.environment(self.top), PIPEHOUSE_STATE=self.top + "/state", PIPEHOUSE_ROOT=self.top + "/wh")
        os.mkdir(self.top + "/wh")
        self.put("in.log", "")
        self.put("j.pipe", pipe % mock.brokers)

    def put(self, name, text):
        """As an editor that is careful; the version's name."""
        with open(self.top + "/new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.top + "/new", self.top + "/" + name)
        return hashlib.sha256(text.encode()).hexdigest()

    def feed(self, count=100):
        with open(self.top + "/in.log", "a", encoding="ascii") as f:
            f.write("".join('{"n":%d,"v":null,"day":"%s"}\n' % (self.n + i, DAY) for i in range(count)))
        self.n += count

    def start(self):
        with open(self.top + "/err", "ab") as err:
            self.p = subprocess.Popen([BIN + "/pipe-run", "j.pipe", "run"], cwd=self.top, env=self.env, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=err)

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        return self.p.wait(LIMIT)

    def err(self):
        with open(self.top + "/err", encoding="utf-8", errors="replace") as f:
            return f.read()

    def stage(self, name):
        """The pid of that stage of the job, 0: none."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/comm" % pid, "rb") as f, open("/proc/%s/environ" % pid, "rb") as e:
                    if f.read().strip() == name.encode() and ("PIPEHOUSE_JOB=" + self.dir).encode() in e.read().split(b"\0"):
                        return int(pid)
            except OSError:
                pass
        return 0

    def there(self, name):
        """The pid of that stage, which is there, or is about to be."""
        wait(lambda: self.stage(name), name)
        return self.stage(name)

    def held(self, name):
        """That stage, stopped."""
        pid = self.there(name)
        os.kill(pid, signal.SIGSTOP)

        def stopped():
            with open("/proc/%d/stat" % pid, "rb") as f:
                return f.read().rsplit(b")", 1)[1].split()[0] == b"T"
        wait(stopped, name + " to be stopped")
        return pid

    def run(self):
        with open(self.dir + "/run", encoding="ascii") as f:
            return int(f.read())

    def planned(self):
        return max(map(int, filter(str.isdigit, os.listdir(self.dir + "/plan"))))

    def acked(self):
        """The epoch that the table's sink has said; 0 before the first: its rows are seen a moment earlier."""
        try:
            with open(self.dir + "/ack/j", encoding="ascii") as f:
                return int(f.read())
        except FileNotFoundError:
            return 0

    def pinned(self, name):
        """Does a plan say this version?"""
        for i in os.listdir(self.dir + "/plan"):
            try:
                with open(self.dir + "/plan/" + i, encoding="utf-8") as f:
                    if '"file:out.route":"%s"' % name in f.read():
                        return True
            except OSError:
                pass
        return False

    def versions(self):
        return {x for x in os.listdir(self.dir + "/conf") if len(x) == 64}

    def topics(self):
        """{n: {(topic, v)}}, and {id: {n}}."""
        where, ids = {}, {}
        for t in self.into:
            for *_, v, _, h in Read(self.mock.brokers, t, 1).all:
                r = json.loads(v)
                where.setdefault(r["n"], set()).add((t, r["v"]))
                ids.setdefault(h["id"], set()).add(r["n"])
        return where, ids

    def table(self):
        p = subprocess.run([BIN + "/wh-cat", "--missing-ok", "ods.o"], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        return {r["n"]: r["v"] for r in map(json.loads, p.stdout.splitlines())}

    def all_in(self):
        wait(lambda: len(self.table()) == self.n, "the table: " + self.err()[-2000:])

    def all_out(self):
        """In the topics too: the one may be ahead of the other."""
        self.all_in()
        wait(lambda: len(self.topics()[0]) == self.n, "the topic: " + self.err()[-2000:])
        return self.topics()

    def again(self):
        """Killed, and started by a person: the table when all is in it."""
        pid = self.stage("ingest")
        self.p.kill()
        self.p.wait()
        wait(lambda: not self.stage("ingest") or self.stage("ingest") != pid, "the end")
        self.start()
        self.all_in()
        return self.table()

    def half(self, count=100):
        """Records that are in a topic, and in the table not: its sink is stopped."""
        self.all_in()
        source, patience = self.there("ingest"), [0.5]

        def level():
            """It goes no more than four epochs ahead of the table: none must be under way."""
            until = time.monotonic() + patience[0]
            self.held("ingest")
            while time.monotonic() < until:
                if self.planned() == self.acked():
                    return True
                time.sleep(0.01)
            os.kill(source, signal.SIGCONT)     # it was stopped between an epoch's plan and its line, or all is slow
            patience[0] *= 2
            return False
        wait(level, "the table")
        self.held("wh-put")
        self.feed(count)
        os.kill(source, signal.SIGCONT)
        wait(lambda: len(self.topics()[0]) == self.n, "the topic: " + self.err()[-2000:])

    def kill(self, name):
        held = self.there("wh-put")
        os.kill(self.there(name), signal.SIGKILL)
        try:
            os.kill(held, signal.SIGKILL)       # it would not see that there is no source any more
        except ProcessLookupError:
            pass

    def crash(self, name):
        was = self.run()
        self.kill(name)
        wait(lambda: self.run() > was, "another run")
        self.all_in()


def routes(j):
    j.route = {"old": j.put("out.route", "by n\n* old\n")}
    j.rules = {"A": j.put("c.clean", "v default A\n")}
    j.feed()
    j.start()
    j.half()
    j.route["new"] = j.put("out.route", "by n\n* new\n")
    j.crash("emit")
    where, ids = j.topics()
    point(where == {i: {("old", "A")} for i in range(200)} and all(len(x) == 1 for x in ids.values()),
          "a route that changed before an epoch was sent again: its records are where they were, under one id", (len(where), len(ids)))
    j.p.send_signal(signal.SIGHUP)
    wait(lambda: j.pinned(j.route["new"]), "the pin")
    j.feed()
    where = j.all_out()[0]
    point(all(where[i] == {("new", "A")} for i in range(200, 300)), "a later epoch goes by it", [x for x in where.items() if x[0] >= 200][:3])
    bad = j.put("out.route", "by n\n* old torn\n")
    j.p.send_signal(signal.SIGHUP)
    wait(lambda: j.pinned(bad), "the bad one")
    j.half()
    j.crash("ingest")
    where, ids = j.topics()
    point(all(where[i] == {("new", "A")} for i in range(300, 400)) and all(len(x) == 1 for x in ids.values()), "one that is none changes nothing, nor when it comes again")
    point("out.route:2: not WORD" in j.err() and "not followed: the routes stay as they were" in j.err(), "and is said", j.err()[-500:])
    os.unlink(j.top + "/out.route")
    j.p.send_signal(signal.SIGHUP)
    wait(lambda: "out.route: it stays as it was" in j.err(), "a word on the file that is gone")
    j.feed()
    where = j.all_out()[0]
    point(all(where[i] == {("new", "A")} for i in range(400, 500)), "nor does one that is not there")
    j.route["end"] = j.put("out.route", "by n\n* new key=n\n")


def rules(j):
    was = len(j.err())
    j.half()
    j.rules["B"] = j.put("c.clean", "v default B\n")
    j.crash("emit")
    got, (where, _) = j.table(), j.topics()
    point(all(got[i] == "A" and where[i] == {("new", "A")} for i in range(500, 600)), "rules that changed before an epoch was sent again: it is made by the old ones",
          [(i, got[i], where[i]) for i in range(500, 600) if got[i] != "A"][:3])
    point("c.clean: it has changed, and stays as it was, conf/" + j.rules["A"] in j.err()[was:], "and that is said", j.err()[was:])
    j.feed()
    j.all_in()
    got = j.table()
    point(all(got[i] == "A" for i in range(600, 700)), "as long as the job runs")
    point(j.stop() == 0, "it is stopped", j.err()[-500:])
    j.start()
    j.feed()
    j.all_in()
    got = j.table()
    point(all(got[i] == "B" for i in range(700, 800)), "started again it has the new ones", got.get(700))
    # epochs that no sink has, and rules that somebody changed because of them
    j.half()
    j.rules["C"] = j.put("c.clean", "v default C\n")
    was = len(j.err())
    got = j.again()
    point(all(got[i] == "C" for i in range(800, 900)) and "which no sink has, are sent again by what it says now" in j.err()[was:], "a person who starts it has the new ones, and is told",
          (got.get(800), j.err()[was:]))
    gone = {j.route["old"], j.rules["A"], j.rules["B"]}
    wait(lambda: not j.versions() & gone, "old versions to go")
    point(j.versions() >= {j.route["end"], j.rules["C"]}, "versions that no epoch needs are removed", j.versions())
    point(j.stop() == 0 and set(j.table()) == set(range(j.n)), "each record is in the table once", j.err()[-500:])


def named(j):
    """A file that only the shell can name."""
    def run(source):
        j.put("k.pipe", "k:\n\tR=c.clean\n\tT=types; ingest -f in.log --barriers 20ms --until end %s |\n\tjson-clean -s \"$R\" |\n\twh-put ods.k --partition-by day --job k\n" % source)
        p = subprocess.run([BIN + "/pipe-run", "k.pipe", "run"], cwd=j.top, env=j.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=LIMIT)
        return p.returncode, p.stderr.decode()
    status, err = run("")
    point(status == 2 and "c.clean: the job's source pins no version of it" in err and "ingest --pin 'spec:c.clean'" in err, "a file that is pinned nowhere is refused", (status, err))
    status, err = run("--pin spec:c.clean")
    out = subprocess.run([BIN + "/wh-cat", "ods.k"], env=j.env, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    point(status == 0 and len(out) == j.n and all(json.loads(x)["v"] == "C" for x in out), "--pin names it", (status, err, len(out)))


class Sealed(Job):
    """Each record is sealed on its way to a table and a topic; every hundredth is told to a program."""
    KEY = {k: k + " " + hashlib.sha512(k.encode()).hexdigest() for k in ("k1", "k2", "k3")}

    def __init__(self, mock):
        Job.__init__(self, mock, "j: restart=30ms restart-max=60ms sync=process\n\tingest -f in.log --barriers 50ms |\n\tjson-clean -s c.clean |\n"
                     "\tfan-out 'wh-put ods.o --partition-by day --job j' --sink 'emit -b %s -t sealed' \\\n"
                     "\t--sink \"json-map -w 'n %% 100 = 0' event=\\\"'seen'\\\" severity=\\\"'fail'\\\" n=n | wh-alert --config a.conf --spool spool\"\n", ("sealed",))
        os.makedirs(self.top + "/wh/main/keys", 0o700)
        self.put("c.clean", "v default A encrypt key=pii\n")
        self.receiver("first")

    def keys(self, *names):
        fd = os.open(self.top + "/pii", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, "".join(self.KEY[k] + "\n" for k in names).encode())
        os.close(fd)
        os.rename(self.top + "/pii", self.top + "/wh/main/keys/pii")

    def receiver(self, name):
        self.put(name, "#!/bin/sh\ncat >>%s/told.%s\n" % (self.top, name))
        os.chmod(self.top + "/" + name, 0o700)
        self.put("a.conf", "fail exec %s/%s\n" % (self.top, name))

    def told(self, name):
        try:
            with open(self.top + "/told." + name, encoding="ascii") as f:
                return {json.loads(x)["n"] for x in f if x.endswith("\n")}
        except FileNotFoundError:
            return set()

    def sealed_by(self, begin, end, key):
        """The same bytes in the table and in the topic, one message an id, under that key."""
        (where, ids), table = self.topics(), self.table()
        return all(table[i].startswith("enc:v1:%s:" % key) and where[i] == {("sealed", table[i])} for i in range(begin, end)) and all(len(x) == 1 for x in ids.values())

    def secrets(self):
        """Files where a key stands, but for those of keys."""
        digits = [k.split()[1].encode() for k in self.KEY.values()]
        found = []
        for d, _, names in os.walk(self.top):
            for name in (os.path.join(d, x) for x in names if d != self.top + "/wh/main/keys"):
                if os.path.isfile(name):
                    with open(name, "rb") as f:
                        text = f.read()
                    found += [name for x in digits if x in text or x[:40] in text]
        return found


def keys(j):
    j.keys("k1")
    j.feed()
    j.start()
    j.half()
    wait(lambda: 100 in j.told("first"), "a word to the first")
    was = len(j.err())
    j.keys("k2", "k1")
    j.receiver("second")
    j.crash("emit")
    wait(lambda: 100 in j.told("second"), "a word to the second")
    j.all_out()
    point(j.sealed_by(0, 200, "k1"), "a key that was put on top before an epoch was sent again: it is made by the one of before", j.table().get(150))
    point("keys:pii: it has changed, and the keys of before are gone by until epoch" in j.err()[was:], "and that is said", j.err()[was:])
    point(100 in j.told("second") and 100 in j.told("first"), "who is told of what comes again stands in wh-alert's configuration of now", (j.told("first"), j.told("second")))
    j.feed()
    j.all_out()
    point(j.sealed_by(200, 300, "k1"), "as long as the job runs")
    point(j.stop() == 0, "it is stopped", j.err()[-500:])
    j.start()
    j.feed()
    j.all_out()
    point(j.sealed_by(300, 400, "k2"), "started again it has the new one")


def lost_keys(j):
    j.half()
    was = len(j.err())
    j.keys("k3")
    j.kill("emit")
    status = j.p.wait(LIMIT)
    err = j.err()[was:]
    point(status == 2 and "keys/pii: it lacks keys that this job's epochs are made by" in err, "keys that are gone, and epochs that come again: the job ends with 2", (status, err))
    point(len(j.table()) == 400, "and nothing of them is in the table")
    j.keys("k2", "k1")
    j.start()
    j.all_out()
    point(j.sealed_by(400, 500, "k2"), "put back they make the same")
    j.half()
    was = len(j.err())
    j.keys("k3")
    got = j.again()
    point(all(got[i].startswith("enc:v1:k3:") for i in range(500, 600)) and "keys:pii: it has changed: epochs" in j.err()[was:],
          "a person who starts it, where no sink has them, has the keys of now, and is told", (got.get(500), j.err()[was:]))
    point(j.stop() == 0 and set(j.table()) == set(range(j.n)), "each record is in the table once", j.err()[-500:])
    found = j.secrets()
    point(not found, "no key is in a state, a log, a plan or a table", found)


def play(j, parts):
    try:
        for f in parts:
            f(j)
    except Exception as e:      # a part that cannot go on has failed
        point(False, "%s: %s" % (f.__name__, type(e).__name__), traceback.format_exc())
    finally:
        if j.p is not None and j.p.poll() is None:
            j.p.kill()
            j.p.wait()
        j.tmp.cleanup()


def main():
    with Mock({"old": 1, "new": 1, "sealed": 1}) as mock:
        play(Job(mock), (routes, rules, named))
        play(Sealed(mock), (keys, lost_keys))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
