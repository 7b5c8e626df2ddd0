#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""stream - kill -9 of anything in a barrier job, at any moment: nothing is lost, nothing is doubled; TAP

    BIN=build/bin O=build python3 tests/fault/stream.py [--rounds N] [--seed S] [--records N] [--kills N] [--kinds LIST]

A round is one kill: of a stage, a shell, the keeper or pipe-run itself, now and then of two at once; each 20th of the database
server, each 20th of the broker, a real Kafka.  `kills` rounds make a job; then what it reads ends, and the job is stopped.  Jobs are of five kinds, by turns:

    log      a growing log that rotates: ingest, json-map, dedup; rows to a table, sums of windows to MariaDB
    topic    three partitions: ingest, json-clean, dq-check, two copies of dedup below shard, dimjoin, json-map; to both likewise
    split    a log: ingest, json-split, dedup, each record joined with itself by stream-join --side, window-agg, topn; to both likewise
    changes  a change feed in a topic, told again in parts: ingest, cdc-norm, cdc-merge, mysql-load --op
    group    no barrier job: three members of a consumer group write one table, come, go and are killed

What must be there is counted from what was written (feed.py): each record once in the table, each sum exact, each row of the
server written once (a trigger counts), each broken line once in the reject file, nothing late, the changes' last rows.  The same seed makes the
same input and the same kills; the moments are the machine's.
"""
import argparse
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import cases  # noqa: E402
import feed  # noqa: E402

BIN, TOP = cases.BIN, cases.TOP
SLOW = 4 if cases.SANITIZED else 1
LIMIT = 120 * SLOW
HEAD = "s: restart=50ms restart-max=200ms stalled=60s stop=60s\n\tingest --barriers 150ms --reject rejects "
TIMES = "--event-time ts:ms --late 5s --idle %s |\n\t"
SUMS = "window-agg -t ts:ms -w 10s -g g n='count()' amount='sum(amount)' | "
LOAD = "mysql-load --defaults-file {cnf} --table d.w{job} -k window_start,g --job w{job}"
ROWS = "'wh-put ods.r{job} --partition-by day --job r{job}'\n"
DAY = "day=\"'2026-01-01'\""
PIPES = {
    "log": HEAD + "-f 'in/*.log' " + TIMES % "1s" + "json-map id=id ts=ts g=g amount=amount " + DAY + " | dedup -k id |\n\t" +
           'fan-out "' + SUMS + LOAD + '" \\\n\t\t' + ROWS,
    "topic": HEAD + "-b {broker} -t {topic} " + TIMES % "1h" + "json-clean -s ts.clean | dq-check --drop-bad 'not_null(id)' 'range(ts,0,9000000000000)' |\n\t" +
             "shard -n 2 -k id -- dedup -k id | dimjoin -k g --fields name wh:dim.g |\n\t" +
             "json-map id=id ts=ts g=name amount=amount " + DAY + ' |\n\tfan-out "' + SUMS + LOAD + '" \\\n\t\t' + ROWS,
    "split": HEAD + "-f 'in/*.log' " + TIMES % "1s" + "json-split -e m --as r --keep top=ts | json-map id=r.id ts=r.ts g=r.g amount=r.amount |\n\t" +
             "dedup -k id | fan-out \"json-map --all side='TRUE'\" \"json-map --all side='FALSE'\" |\n\t" +
             "stream-join --side side -k id -t ts:ms --between 0s,0s |\n\t" +
             "json-map id=left.id ts=left.ts g=right.g amount=right.amount " + DAY + ' |\n\tfan-out "' + SUMS +
             "topn -n 100 --by n -g window_start --per window_end:ms |\n\t\tjson-map --keep window_start,window_end,g,n,amount | " + LOAD + '" \\\n\t\t' + ROWS,
    "changes": HEAD + "-b {broker} -t {topic} |\n\tcdc-norm | cdc-merge -k id --table shop.t |\n\t" +
               "mysql-load --defaults-file {cnf} --table d.w{job} -k id --op op --job w{job}\n",
}
KINDS = ("log", "topic", "split", "changes", "group")


def broker(top):
    """tests/real/kafka.py's; it is named as the one beside us is."""
    spec = importlib.util.spec_from_file_location("real_kafka", os.path.join(TOP, "tests/real/kafka.py"))
    m = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(m)
    os.mkdir(os.path.join(top, "kafka"))
    b = m.Broker(os.path.join(top, "kafka"))
    b.producer = lambda: m.Producer(b.address, message_timeout_ms="170000", queue_buffering_max_messages="2000000")
    b.start()
    return b


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

    def changes(self, job):
        self.sql("CREATE TABLE d.w%s (id BIGINT PRIMARY KEY, g VARCHAR(10) COLLATE utf8mb4_bin, amount DECIMAL(20,2))" % job)


class Job:
    """One barrier job, and what it reads."""

    def __init__(self, kind, top, number, rng, a, kills, server, kafka):
        self.kind, self.top, self.number, self.rng, self.server, self.kafka = kind, os.path.join(top, "job%d" % number), number, rng, server, kafka
        os.makedirs(os.path.join(self.top, "in"))
        self.env = dict(cases.environment(self.top), PIPEHOUSE_ROOT=os.path.join(self.top, "wh"), PIPEHOUSE_STATE=os.path.join(self.top, "state"))
        os.mkdir(self.env["PIPEHOUSE_ROOT"])
        self.dir = os.path.join(self.top, "state", "s")
        self.killed, self.recover, self.producer = {}, [], kafka.producer() if kind in ("topic", "changes", "group") else None
        self.feed = self.make_feed(rng, a.records, 0.9 * SLOW * kills)
        self.set_up()

    def make_feed(self, rng, records, seconds):
        if not self.producer:
            kind = feed.Packed if self.kind == "split" else feed.Files
            return kind(os.path.join(self.top, "in"), rng, records, seconds)
        kind = feed.Changes if self.kind == "changes" else feed.Topic
        return kind(self.producer, "t%d" % self.number, rng, records, seconds)

    def set_up(self):
        with open(os.path.join(self.top, "s.pipe"), "w", encoding="ascii") as f:
            f.write(PIPES[self.kind].format(cnf=self.server.cnf, job=self.number, broker=self.kafka and self.kafka.address, topic="t%d" % self.number))
        with open(os.path.join(self.top, "ts.clean"), "w", encoding="ascii") as f:
            f.write("ts type int required\n")
        if self.kind == "topic":
            self.call("wh-table", "dim.g", "-", data="kind snapshot\n")
            names = ["g%d" % i for i in range(20)] + ["end"]
            status, _, err = self.call("wh-put", "dim.g", "dt=2026-01-01", data="".join('{"g":"%s","name":"%s"}\n' % (g, g) for g in names))
            if status != 0:
                raise RuntimeError(err)
        if self.kind == "changes":
            self.server.changes(self.number)
        else:
            self.server.table(self.number)

    def call(self, *argv, data=""):
        p = subprocess.run([os.path.join(BIN, argv[0])] + list(argv[1:]), cwd=self.top, env=self.env, input=data.encode(), stdout=subprocess.PIPE,
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

    def down(self, what):
        """The database server or the broker, and up again."""
        self.killed[what] = self.killed.get(what, 0) + 1
        if what == "mariadbd":
            self.server("crash")
            self.server("start")
        else:
            self.kafka.stop(signal.SIGKILL)
            self.kafka.start()

    def round(self, what):
        """One kill, somewhere; now and then before the job has come back from the one before."""
        time.sleep(self.rng.random() * 0.8 * SLOW)
        if what:
            self.down(what)
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
        if not what:
            self.recover.append(time.monotonic() - began)

    def committed(self):
        """By the slowest sink; where pipe-run was killed it is started again, and nothing else may have ended it."""
        status, s = self.status()
        if status != 0:
            if s["why"] != "pipe-run was killed, or the machine was":
                raise RuntimeError("it gave up: %s" % s["why"])
            self.start()
        return min(s["sinks"].values())

    def count(self):
        return int(self.server.sql("SELECT COUNT(*) FROM d.w%d" % self.number)[0][0])

    def whole(self):
        """Is all of it with every sink?"""
        if self.kind == "changes":
            return int(self.server.sql("SELECT COUNT(*) FROM d.w%d WHERE id >= %d" % (self.number, feed.KEYS))[0][0]) == 3
        got = set(self.rows())
        return got >= set(self.feed.ids) and self.count() >= len(self.feed.windows)

    def rows(self):
        return [json.loads(x)["id"] for x in self.call("wh-cat", "--missing-ok", "ods.r%d" % self.number)[1].splitlines()]

    def finish(self):
        self.feed.pace.set()
        self.feed.join()
        if self.feed.failed:
            raise self.feed.failed
        self.committed()
        until, told = time.monotonic() + LIMIT, 0
        while not self.whole() and time.monotonic() < until:
            self.committed()        # the last kill may have been pipe-run's, and just not be seen above
            if time.monotonic() - told > 1.5:
                self.feed.close_windows()
                told = time.monotonic()
            time.sleep(0.1)
        status = self.call("pipe-run", "s.pipe", "stop")
        if status[0] == 75:         # a stop that meets a kill's fall: the next run goes back to the last epoch, and stops with one
            self.start()
            status = self.call("pipe-run", "s.pipe", "stop")
        return status

    def check(self):
        wrong = self.check_changes() if self.kind == "changes" else self.check_rows() + self.check_sums()
        try:
            with open(os.path.join(self.top, "rejects"), encoding="ascii") as f:
                rejects = len(f.readlines())
        except FileNotFoundError:
            rejects = 0
        if rejects != self.feed.broken:
            wrong.append("rejects: %d of %d" % (rejects, self.feed.broken))
        return wrong

    def check_rows(self):
        rows = self.rows()
        lost, extra = set(self.feed.ids) - set(rows), len(rows) - len(set(rows))
        if lost or extra or set(rows) - set(self.feed.ids) - self.feed.ends:
            return ["rows: %d of %d, %d lost (%s), %d doubled" % (len(rows), len(self.feed.ids), len(lost), sorted(lost)[:5], extra)]
        return []

    def check_sums(self):
        got = {(int(w), g): (int(n), int(a.replace(".", ""))) for w, g, n, a in
               self.server.sql("SELECT window_start, g, n, amount FROM d.w%d WHERE g <> 'end'" % self.number)}
        wrong = differ("windows", got, self.feed.windows)
        writes, count = int(self.server.sql("SELECT n FROM d.writes WHERE t = 'w%d'" % self.number)[0][0]), self.count()
        return wrong + (["the server wrote %d rows, %d would do" % (writes, count)] if writes != count else [])

    def check_changes(self):
        got = {int(i): (g, int(a.replace(".", ""))) for i, g, a in self.server.sql("SELECT id, g, amount FROM d.w%d" % self.number)}
        return differ("rows", got, self.feed.state)

    def tail(self):
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
                return "".join(f.readlines()[-30:])
        except OSError as e:
            return str(e)

    def told(self):
        """How much it was, for the line of the job."""
        if self.kind == "changes":
            return "%d changes of %d rows" % (self.feed.records, len(self.feed.state))
        return "%d records, %d windows" % (len(self.feed.ids), len(self.feed.windows))

    def over(self):
        """What runs still, which is wrong."""
        left = self.processes()
        if self.producer:
            self.feed.pace.set()
            self.feed.join()
            self.producer.close()
        return ["left: %s" % left] if left else []

    def give_up(self):
        self.call("pipe-run", "s.pipe", "stop")


class Group(Job):
    """Members of a consumer group at one table."""

    def make_feed(self, rng, records, seconds):
        return feed.Plain(self.producer, "t%d" % self.number, rng, records, 1.3 * seconds)

    def set_up(self):
        self.members, self.ends = [], []
        with open(os.open(os.path.join(self.top, "g.conf"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("session.timeout.ms=3000\nheartbeat.interval.ms=300\n")

    def args(self, *more):
        return ["ingest", "-b", self.kafka.address, "-t", "t%d" % self.number, "-d", "ods.r%d" % self.number, "--partition-by", "ts:ms", "--meta", "k", *more]

    def member(self):
        with open(os.path.join(self.top, "said"), "ab") as err:
            self.members.append(subprocess.Popen(self.args("-G", "house%d" % self.number, "--properties", "g.conf", "--every", "200ms"), cwd=self.top, env=self.env,
                                                 executable=os.path.join(BIN, "ingest"), stdin=subprocess.DEVNULL, stderr=err))

    def start(self):
        for _ in range(3):
            self.member()

    def end(self, p, sig):
        """It may have been shut out just then (75); told to stop it is a success."""
        p.send_signal(sig)
        status = p.wait(timeout=LIMIT)
        self.members.remove(p)
        if status not in (0, 75, -sig):
            self.ends.append("a member ended with %d" % status)

    def round(self, what):
        time.sleep((0.3 + self.rng.random() * 1.5) * SLOW)
        for p in [p for p in self.members if p.poll() is not None]:
            self.end(p, 0)
            self.member()
        if what:
            return self.down(what)
        stop = self.rng.random() < .25
        self.end(self.rng.choice(self.members), signal.SIGTERM if stop else signal.SIGKILL)
        name = "ingest -G stopped" if stop else "ingest -G"
        self.killed[name] = self.killed.get(name, 0) + 1
        self.member()

    def finish(self):
        self.feed.pace.set()
        self.feed.join()
        if self.feed.failed:
            raise self.feed.failed
        for p in list(self.members):
            self.end(p, signal.SIGTERM)
        for _ in range(20):
            done = self.call(*self.args("--until", "end"))
            if done[0] != 75:
                return done
        return done

    def check(self):
        rows = [json.loads(x) for x in self.call("wh-cat", "--missing-ok", "ods.r%d" % self.number)[1].splitlines()]
        got, want = [(r["k"]["partition"], r["k"]["offset"]) for r in rows], self.feed.wanted()
        lost, extra = want - set(got), len(got) - len(set(got))
        wrong = ["rows: %d of %d, %d lost (%s), %d doubled" % (len(got), len(want), len(lost), sorted(lost)[:5], extra)] if lost or extra or set(got) - want else []
        cents = sum(int(self.call_money(r)) for r in rows)
        if cents != sum(x[2] for x in self.feed.ids.values()):
            wrong.append("the sum is %d" % cents)
        return wrong + self.ends

    @staticmethod
    def call_money(r):
        return round(r["amount"] * 100)

    def processes(self):
        return [(p.pid, "ingest") for p in self.members if p.poll() is None]

    def tail(self):
        with open(os.path.join(self.top, "said"), encoding="utf-8", errors="replace") as f:
            return "".join(f.readlines()[-30:])

    def told(self):
        return "%d records" % len(self.feed.ids)

    def give_up(self):
        for p in self.members:
            p.kill()
            p.wait()


def differ(what, got, want):
    if got == want:
        return []
    bad = [(k, got.get(k), want.get(k)) for k in sorted(set(got) | set(want)) if got.get(k) != want.get(k)]
    return ["%s: %d of %d, %d differ, as %s" % (what, len(got), len(want), len(bad), bad[:3])]


class Due:
    """Which kills are those of servers: of twenty one each, as soon as a job has that server."""

    def __init__(self):
        self.rounds, self.owed = 0, {"mariadbd": 0, "broker": 0}

    def next(self, job):
        self.owed["mariadbd"] += self.rounds % 20 == 4
        self.owed["broker"] += self.rounds % 20 == 14
        self.rounds += 1
        for what, has in (("mariadbd", job.kind != "group"), ("broker", job.producer)):
            if has and self.owed[what]:
                self.owed[what] -= 1
                return what
        return None


def campaign(a, top, server, kafka):
    failed = points = records = 0
    recover, killed, due, kinds = [], {}, Due(), a.kinds.split(",")
    while due.rounds < a.rounds:
        kind = kinds[points % len(kinds)]
        points += 1
        kills, began, upto = min(a.kills, a.rounds - due.rounds), time.monotonic(), due.rounds
        j = (Group if kind == "group" else Job)(kind, top, points, random.Random("%d/%d" % (a.seed, points)), a, kills, server, kafka)
        try:
            j.feed.start()
            j.start()
            while due.rounds < upto + kills:
                j.round(due.next(j))
            status, _, err = j.finish()
            wrong = (["stop ended with %d: %s" % (status, err)] if status != 0 else []) + j.check()
        except (RuntimeError, subprocess.SubprocessError) as e:
            wrong, due.rounds = [str(e)], upto + kills
            j.give_up()
        wrong += j.over()
        for name, n in j.killed.items():
            killed[name] = killed.get(name, 0) + n
        recover += j.recover
        records += len(j.feed.ids) or j.feed.records
        failed += bool(wrong)
        print("%sok %d - seed %d, job %d, %s: %d kills, %s, %.0f s" % (
            "not " if wrong else "", points, a.seed, points, kind, sum(j.killed.values()), j.told(), time.monotonic() - began), flush=True)
        for w in wrong:
            print("#   " + w[:2000].replace("\n", "\n#   "))
        if wrong:
            print("#   " + j.tail().replace("\n", "\n#   "), flush=True)
            if a.keep:
                print("#   kept: " + j.top)
        else:
            subprocess.run(["rm", "-rf", j.top], check=False)
    print("# %d records; killed: %s" % (records, ", ".join("%s %d" % x for x in sorted(killed.items()))))
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
    p.add_argument("--kinds", default=",".join(KINDS), help="of jobs, by turns: %s" % ", ".join(KINDS))
    p.add_argument("--keep", action="store_true", help="leave the directory of what failed")
    a = p.parse_args()
    top = tempfile.mkdtemp(prefix="stream.")
    bad, server, kafka = True, None, None
    try:
        server = Server(top)
        kafka = broker(top) if set(a.kinds.split(",")) - {"log", "split"} else None
        bad = campaign(a, top, server, kafka)
    finally:
        if kafka:
            kafka.stop()
        if server:
            server("stop")
        if not (bad and a.keep):
            subprocess.run(["rm", "-rf", top], check=False)
    return bad


if __name__ == "__main__":
    sys.exit(main())
