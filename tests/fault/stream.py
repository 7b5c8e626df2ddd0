#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""stream - kill -9 of anything in a barrier job, at any moment: nothing is lost, nothing is doubled; TAP

    BIN=build/bin python3 tests/fault/stream.py [--rounds N] [--seed S] [--records N] [--kills N]

A growing log with repeats, disorder, broken lines, lines that come in two pieces, and rotation goes through ingest, json-map,
dedup, and then as rows into a table of the warehouse and as sums of windows into MariaDB.  A round is one kill: of a stage, a
shell, the keeper or pipe-run itself, now and then of two at once or of the server; each 20th of the server.  `kills` rounds make
a job; then the log ends and the job is stopped.

What must be there is counted here, from what was written to the log: each record once in the table, each sum exact, each row of
the server written once (a trigger counts), each broken line once in the reject file, nothing late.  The same seed makes the
same log and the same kills; the moments are the machine's.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402

BIN, TOP = cases.BIN, cases.TOP
SLOW = 4 if cases.SANITIZED else 1
LIMIT = 120 * SLOW
START, STEP, WINDOW = 1767225600000, 40, 10000      # the first time, ms a record, ms a window
JITTER = 2000                                       # ms that a record may come too late; less than half of --late
PIPE = """s: restart=50ms restart-max=200ms stalled=60s stop=60s
\tingest --barriers 150ms -f 'in/*.log' --event-time ts:ms --late 5s --idle 1s --reject rejects |
\tjson-map id=id ts=ts g=g amount=amount day="'2026-01-01'" |
\tdedup -k id |
\tfan-out "window-agg -t ts:ms -w 10s -g g n='count()' amount='sum(amount)' |
\t\tmysql-load --defaults-file {cnf} --table d.w{job} -k window_start,g --job w{job}" \\
\t\t'wh-put ods.r{job} --partition-by day --job r{job}'
"""


class Log(threading.Thread):
    """Who writes the log. What it wrote is the oracle's."""

    def __init__(self, where, rng, records, kills):
        super().__init__(daemon=True)
        self.where, self.rng, self.records = where, rng, records
        self.chunk = max(50, records // 400)
        self.nap = 0.8 * SLOW * kills / (records / self.chunk)     # records come as long as kills do
        self.ids, self.windows, self.broken = {}, {}, 0
        self.pace, self.last = threading.Event(), None

    def record(self, i):
        # quarters and minus signs: sums that no float keeps by luck
        ts = START + STEP * i - self.rng.randrange(JITTER)
        cents = self.rng.randrange(-99999, 10**9)
        g = "g%d" % self.rng.randrange(20)
        self.ids[i] = (ts // WINDOW * WINDOW, g, cents)
        return '{"id":%d,"ts":%d,"g":"%s","amount":%s%d.%02d}\n' % (i, ts, g, "-" if cents < 0 else "", abs(cents) // 100, abs(cents) % 100)

    def lines(self):
        seen = []
        for i in range(self.records):
            line = self.record(i)
            yield line
            seen = (seen + [line])[-200:]
            if self.rng.random() < .1:
                yield self.rng.choice(seen)
            if self.rng.random() < .002:
                self.broken += 1
                yield '{"id":%d,"ts":%d,\n' % (i, START + STEP * i)

    def run(self):
        n, part = 0, open(os.path.join(self.where, "a0.log"), "w", encoding="ascii")
        chunk = []
        for line in self.lines():
            chunk.append(line)
            if len(chunk) < self.chunk:
                continue
            text, chunk = "".join(chunk), []
            at = self.rng.randrange(len(text))          # torn anywhere, also in the middle of a record
            part.write(text[:at])
            part.flush()
            part.write(text[at:])
            part.flush()
            self.pace.wait(self.nap)
            if self.rng.random() < 20 * self.chunk / self.records:
                part.close()
                n += 1
                part = open(os.path.join(self.where, "a%d.log" % n), "w", encoding="ascii")
        part.write("".join(chunk))
        part.close()
        self.last = part.name
        for w, g, cents in self.ids.values():
            count, total = self.windows.get((w, g), (0, 0))
            self.windows[w, g] = (count + 1, total + cents)

    def close_windows(self):
        """One that is far ahead ends all windows but its own, once the other files are idle."""
        i = len(self.ids)
        self.ids[i] = (0, "end", 0)
        with open(self.last, "a", encoding="ascii") as f:
            f.write('{"id":%d,"ts":%d,"g":"end","amount":0.00}\n' % (i, START + 10**9))


class Server:
    def __init__(self, top):
        self.dir = os.path.join(top, "db")
        self.cnf = os.path.join(self.dir, "client.cnf")
        self("start")
        self.sql("CREATE DATABASE d; CREATE TABLE d.writes (t VARCHAR(20) PRIMARY KEY, n BIGINT NOT NULL)")

    def __call__(self, what):
        subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), what, self.dir], check=True, timeout=180 * SLOW)

    def sql(self, text):
        p = subprocess.run(["mariadb", "--defaults-file=" + self.cnf, "--batch", "--raw", "--skip-column-names", "-e", text], check=True,
                           stdout=subprocess.PIPE, timeout=LIMIT)
        return [x.split("\t") for x in p.stdout.decode().splitlines()]

    def table(self, job):
        self.sql("""CREATE TABLE d.w%s (window_start BIGINT, window_end BIGINT, g VARCHAR(10) COLLATE utf8mb4_bin, n BIGINT, amount DECIMAL(20,2),
            PRIMARY KEY (window_start, g)); INSERT INTO d.writes VALUES ('w%s', 0);
            CREATE TRIGGER d.i%s AFTER INSERT ON d.w%s FOR EACH ROW UPDATE d.writes SET n = n + 1 WHERE t = 'w%s';
            CREATE TRIGGER d.u%s AFTER UPDATE ON d.w%s FOR EACH ROW UPDATE d.writes SET n = n + 1 WHERE t = 'w%s'""" % ((job,) * 8))


class Job:
    def __init__(self, top, server, number, rng, a, kills):
        self.top, self.server, self.number, self.rng = os.path.join(top, "job%d" % number), server, number, rng
        os.makedirs(os.path.join(self.top, "in"))
        self.env = dict(cases.environment(self.top), PIPEHOUSE_ROOT=os.path.join(self.top, "wh"), PIPEHOUSE_STATE=os.path.join(self.top, "state"))
        os.mkdir(self.env["PIPEHOUSE_ROOT"])
        self.dir = os.path.join(self.top, "state", "s")
        with open(os.path.join(self.top, "s.pipe"), "w", encoding="ascii") as f:
            f.write(PIPE.format(cnf=server.cnf, job=number))
        server.table(number)
        self.log = Log(os.path.join(self.top, "in"), rng, a.records, kills)
        self.killed, self.recover = {}, []

    def call(self, *argv):
        p = subprocess.run([os.path.join(BIN, argv[0])] + list(argv[1:]), cwd=self.top, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=LIMIT)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def start(self):
        """Until it has begun; what was killed in its first run is tried again by pipe-run itself."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            status, _, err = self.call("pipe-run", "s.pipe", "start")
            if status not in (0, 75):
                raise RuntimeError("start ended with %d: %s" % (status, err))
            if self.status()[0] == 0:
                return
        raise RuntimeError("it does not start: " + err)

    def status(self):
        status, out, _ = self.call("pipe-run", "s.pipe", "status", "--json")
        return status, json.loads(out)

    def processes(self):
        """(pid, name) of all in it, pipe-run last."""
        found, want = [], ("PIPEHOUSE_JOB=" + self.dir).encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if want not in f.read().split(b"\0"):
                        continue
                with open("/proc/%s/comm" % pid, encoding="ascii") as f:
                    found.append((int(pid), f.read().strip()))
            except OSError:
                pass
        status, s = self.status()
        if status == 0:
            found.append((s["pid"], "pipe-run"))
            try:
                with open("/proc/%d/task/%d/children" % (s["pid"], s["pid"]), encoding="ascii") as f:
                    found += [(int(x), "keeper") for x in f.read().split()[:1]]
            except OSError:
                pass
        return sorted(found)

    def kill(self):
        victims = self.processes()
        # by name first, so that five shells are not five times as likely as the one source
        for _ in range(1 + (self.rng.random() < .2)):
            names = sorted({n for _, n in victims})
            if not names:
                break
            name = self.rng.choice(names)
            pid = self.rng.choice([p for p, n in victims if n == name])
            try:
                os.kill(pid, signal.SIGKILL)
                self.killed[name] = self.killed.get(name, 0) + 1
            except ProcessLookupError:
                pass

    def round(self, number):
        """One kill, somewhere; now and then before the job has come back from the one before."""
        time.sleep(self.rng.random() * 0.8 * SLOW)
        if number % 20 == 19:
            self.server("crash")
            self.killed["mariadbd"] = self.killed.get("mariadbd", 0) + 1
            self.server("start")
        else:
            self.kill()
        began = time.monotonic()
        if self.rng.random() < .3:
            return
        before = self.committed()
        while self.committed() <= before:
            if time.monotonic() - began > LIMIT:
                raise RuntimeError("nothing is committed any more: %s" % self.status()[1])
            time.sleep(0.02)
        self.recover.append(time.monotonic() - began)

    def committed(self):
        """By the slowest sink; where pipe-run was killed it is started again, and nothing else may have ended it."""
        status, s = self.status()
        if status != 0:
            if s["why"] != "pipe-run was killed, or the machine was":
                raise RuntimeError("it gave up: %s" % s["why"])
            self.start()
        return min(s["sinks"].values())

    def whole(self):
        """Is all of the log with every sink?"""
        rows = self.call("wh-cat", "--missing-ok", "ods.r%d" % self.number)[1].count("\n")
        return rows >= len(self.log.ids) and int(self.server.sql("SELECT COUNT(*) FROM d.w%d" % self.number)[0][0]) >= len(self.log.windows)

    def finish(self):
        self.log.pace.set()
        self.log.join()
        self.committed()
        until = time.monotonic() + LIMIT
        told = 0
        while not self.whole() and time.monotonic() < until:
            if time.monotonic() - told > 1.5:
                self.log.close_windows()
                told = time.monotonic()
            time.sleep(0.1)
        return self.call("pipe-run", "s.pipe", "stop")

    def check(self):
        wrong = []
        rows = [json.loads(x)["id"] for x in self.call("wh-cat", "ods.r%d" % self.number)[1].splitlines()]
        lost, extra = set(self.log.ids) - set(rows), len(rows) - len(set(rows))
        if lost or extra or set(rows) - set(self.log.ids):
            wrong.append("rows: %d of %d, %d lost (%s), %d doubled" % (len(rows), len(self.log.ids), len(lost), sorted(lost)[:5], extra))
        got = {(int(w), g): (int(n), int(a.replace(".", ""))) for w, g, n, a in
               self.server.sql("SELECT window_start, g, n, amount FROM d.w%d" % self.number)}
        if got != self.log.windows:
            bad = [(k, got.get(k), self.log.windows.get(k)) for k in sorted(set(got) | set(self.log.windows)) if got.get(k) != self.log.windows.get(k)]
            wrong.append("windows: %d of %d, %d differ, as %s" % (len(got), len(self.log.windows), len(bad), bad[:3]))
        writes = int(self.server.sql("SELECT n FROM d.writes WHERE t = 'w%d'" % self.number)[0][0])
        if writes != len(self.log.windows):
            wrong.append("the server wrote %d rows, %d would do" % (writes, len(self.log.windows)))
        try:
            with open(os.path.join(self.top, "rejects"), encoding="ascii") as f:
                rejects = len(f.readlines())
        except FileNotFoundError:
            rejects = 0
        if rejects != self.log.broken:
            wrong.append("rejects: %d of %d" % (rejects, self.log.broken))
        return wrong

    def tail(self):
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
                return "".join(f.readlines()[-30:])
        except OSError as e:
            return str(e)


def campaign(a, top, server):
    done = failed = points = 0
    recover, killed = [], {}
    while done < a.rounds:
        points += 1
        kills = min(a.kills, a.rounds - done)
        j = Job(top, server, points, random.Random("%d/%d" % (a.seed, points)), a, kills)
        wrong, began = [], time.monotonic()
        try:
            j.log.start()
            j.start()
            for _ in range(kills):
                j.round(done)
                done += 1
            status, _, err = j.finish()
            wrong = (["stop ended with %d: %s" % (status, err)] if status != 0 else []) + j.check()
        except (RuntimeError, subprocess.SubprocessError) as e:
            wrong, done = [str(e)], done + kills
            j.call("pipe-run", "s.pipe", "stop")
        left = [p for p in j.processes()]
        wrong += ["left: %s" % left] if left else []
        for name, n in j.killed.items():
            killed[name] = killed.get(name, 0) + n
        recover += j.recover
        failed += bool(wrong)
        print("%sok %d - seed %d, job %d: %d kills, %d records, %d windows, %.0f s" % (
            "not " if wrong else "", points, a.seed, points, sum(j.killed.values()), len(j.log.ids), len(j.log.windows), time.monotonic() - began), flush=True)
        for w in wrong:
            print("#   " + w[:2000].replace("\n", "\n#   "))
        if wrong:
            print("#   " + j.tail().replace("\n", "\n#   "), flush=True)
            if a.keep:
                print("#   kept: " + j.top)
    print("# killed: " + ", ".join("%s %d" % x for x in sorted(killed.items())))
    if recover:
        recover.sort()
        print("# from a kill to the next commit of the slowest sink: median %.2f s, worst %.2f s" % (recover[len(recover) // 2], recover[-1]))
    print("1..%d" % points)
    return failed > 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=12)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--records", type=int, default=6000, help="of a job")
    p.add_argument("--kills", type=int, default=25, help="of a job")
    p.add_argument("--keep", action="store_true", help="leave the directory of what failed")
    a = p.parse_args()
    top = tempfile.mkdtemp(prefix="stream.")
    bad = True
    try:
        server = Server(top)
        try:
            bad = campaign(a, top, server)
        finally:
            server("stop")
    finally:
        if not (bad and a.keep):
            subprocess.run(["rm", "-rf", top], check=False)
    return bad


if __name__ == "__main__":
    sys.exit(main())
