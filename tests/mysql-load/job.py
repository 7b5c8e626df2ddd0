#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""job - mysql-load as the sink of a barrier job, and changes by op, against a private MariaDB; TAP

    BIN=build/bin python3 tests/mysql-load/job.py [NAME ...]        NAME: part of a group's function name, `crashes` or `calm`

This program stands where pipe-run and the source stand: it keeps the job's directory and writes the control lines.  What is
expected is its own account: a dictionary for the table, and for `once` the number of rows that a trigger of the table has seen,
which counts each row as often as it was put in a transaction that was committed.
"""
import base64
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "edge"))
import mysql as m  # noqa: E402
from mysql import check, lines, one, rejects, sql, write  # noqa: E402
from runs import end_all, run_of, up_again  # noqa: E402

LIMIT = m.LIMIT
GROUPS = []


def group(f):
    GROUPS.append(f)
    return f


def crashes(f):
    f.crashes = True
    return group(f)


# ---- pipe-run and the source, as far as a sink sees them ----

class Job:
    """A job with one sink, rt; its epochs are a list, number 1 first."""

    def __init__(self, table, *options, key="id", rejects=True, cnf=None):
        self.dir = tempfile.mkdtemp(prefix="job.", dir=m.HOME)
        self.nonce = "%032x" % random.getrandbits(128)
        self.put("nonce", self.nonce + "\n")
        self.put("sinks", "rt\n")
        os.mkdir(os.path.join(self.dir, "ack"))
        self.run, self.cnf = 0, cnf or m.CNF
        self.file = os.path.join(self.dir, "rejects") if rejects else None
        self.options = ["--table", table, "-k", key, *options] + (["--reject", self.file] if rejects else [])

    def put(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)

    def get(self, name):
        try:
            with open(os.path.join(self.dir, name)) as f:
                return int(f.read())
        except FileNotFoundError:
            return None

    def argv(self, job="rt"):
        return [os.path.join(m.BIN, "mysql-load"), "--defaults-file", self.cnf, "--job", job, *self.options]

    def start(self, before=(), job="rt", **more):
        """A process of the next run, and the epoch it has begun behind; None: it has ended instead."""
        self.run += 1
        self.put("run", "%d\n" % self.run)
        e = m.env(PIPEHOUSE_JOB=self.dir, PIPEHOUSE_JOB_RUN=str(self.run), **more)
        p = subprocess.Popen([*before, *self.argv(job)], cwd=m.HOME, env=e, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.listen(p)
        deadline = time.monotonic() + LIMIT
        while (n := self.get("begun/%d/rt" % self.run)) is None and p.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return p, n

    @staticmethod
    def listen(p):
        def hear():
            while (data := p.stderr.read1(65536)):
                p.said += data
            p.stderr.close()
        p.said = b""
        p.ear = threading.Thread(target=hear, daemon=True)
        p.ear.start()

    def mark(self, kind, k, n, hops=None, run=None):
        hops = [{"t": "ingest", "in": n, "pass": n, "drop": 0, "used": 0, "rej": 0, "made": 0}] if hops is None else hops
        return ('{"$barrier":"%s","id":%d,"run":%d,"kind":"%s","n":%d,"now":%d,"wm":null,"from":{"t:0":%d},"to":{"t:0":%d},"pins":{},"hops":%s}\n' % (
            self.nonce, k, run or self.run, kind, n, 1795000000000 + k * 1000, k * 100, k * 100 + 100, json.dumps(hops, separators=(",", ":")))).encode()

    def text(self, epochs, first, last, end=True):
        """Epochs first..last, the last one with an `end`."""
        out = b""
        for k in range(first, last + 1):
            out += lines(epochs[k - 1]) + self.mark("end" if end and k == last else "mark", k, len(epochs[k - 1]))
        return out

    def send(self, p, data):
        try:
            p.stdin.write(data)
            p.stdin.flush()
            return True
        except (BrokenPipeError, ValueError):
            return False

    def end(self, p, data=b""):
        """The rest of its input; its status and what it said."""
        self.send(p, data)
        try:
            p.stdin.close()
        except BrokenPipeError:
            pass
        code = p.wait(LIMIT)
        p.stdout.close()
        p.ear.join(LIMIT)
        return code, p.said.decode("utf-8", "replace")

    def go(self, epochs, upto=None, back=0, end=True, **more):
        """A whole run up to an epoch, from where it stands, or up to `back` epochs before that."""
        p, n = self.start(**more)
        if n is None:
            return self.end(p)
        n = max(0, n - back)
        upto = len(epochs) if upto is None else upto
        return self.end(p, self.mark("open", n, 0) + self.text(epochs, n + 1, upto, end))

    def until(self, p, k):
        """Until it has acknowledged epoch k, or has ended."""
        deadline = time.monotonic() + LIMIT
        while (self.get("ack/rt") or 0) < k and p.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return self.get("ack/rt")


def counted(name, columns, key="id"):
    """A table, and v.hits, which its trigger counts up for each row that is put."""
    sql("CREATE OR REPLACE TABLE v.%s (%s, PRIMARY KEY (%s)); CREATE OR REPLACE TABLE v.hits (n INT) ENGINE=InnoDB; INSERT INTO v.hits VALUES (0); "
        "CREATE TRIGGER v.%s_hit BEFORE INSERT ON v.%s FOR EACH ROW UPDATE v.hits SET n = n + 1; DROP TABLE IF EXISTS v.pipehouse_job" % (name, columns, key, name, name))


def hits():
    return int(one("SELECT n FROM v.hits"))


def ledger():
    return sql("SELECT id, run, ends, hops, reject_len FROM v.pipehouse_job WHERE job = 'rt'")[0]


COLUMNS = "id INT, a TINYINT, t VARCHAR(20)"


def make_epochs(seed, n, rows, bad=0):
    """Rows of few keys, so that most are put several times; a = 200 fits no TINYINT: only the server knows."""
    rng = random.Random(seed)
    return [[{"id": rng.randrange(40), "a": 200 if rng.random() < bad else rng.randrange(100), "t": "%d.%d" % (k, i)} for i in range(rng.randrange(rows + 1))]
            for k in range(1, n + 1)]


def account(epochs):
    """The table, the rows that were put, and the texts of those that no column holds."""
    table, put, out = {}, 0, []
    for e in epochs:
        for r in e:
            if r["a"] > 127:
                out.append(r["t"])
            else:
                table[str(r["id"])] = [str(r["a"]), r["t"]]
                put += 1
    return table, put, sorted(out)


def standing(name):
    return {r[0]: r[1:] for r in sql("SELECT id, a, t FROM v." + name)}


def refused(job):
    return sorted(json.loads(r["raw"])["t"] for r in rejects(job.file))


def holds(name, table, job, epochs, what, why=""):
    want, put, out = account(epochs)
    got = (standing(table), hits(), refused(job))
    return check(got == (want, put, out), what, (why, "rows put: %d, wanted %d" % (got[1], put), "refused: %d, wanted %d" % (len(got[2]), len(out)),
                 {k: (want.get(k), got[0].get(k)) for k in set(want) | set(got[0]) if want.get(k) != got[0].get(k)}))


# ---- epochs ----

@group
def epochs_and_replays():
    counted("e", COLUMNS)
    epochs = make_epochs(1, 8, 30, 0.1)
    epochs[2] = []
    j = Job("v.e")
    p, n = j.start()
    check(n == 0 and ledger()[:2] == ["0", "1"], "a job that is new begins behind epoch 0", (n, ledger()))
    j.send(p, j.mark("open", 0, 0) + lines(epochs[0]))
    time.sleep(0.1)
    check(hits() == 0 and ledger()[0] == "0", "nothing of an epoch is in before its mark")
    j.send(p, j.mark("mark", 1, len(epochs[0])))
    check(j.until(p, 1) == 1 and ledger()[0] == "1", "at its mark it is, and is acknowledged")
    j.send(p, j.text(epochs, 2, 3, False))
    j.until(p, 3)
    row = ledger()
    check(row[:3] == ["3", "1", '{"t:0":400}'] and json.loads(row[3])[0]["in"] == 0, "an epoch without rows too; the ledger says where it ended", row)
    holds("e", "e", j, epochs[:3], "the rows of three epochs")
    code, err = j.end(p, lines(epochs[3][:5]))
    check(code == 75 and "inside an epoch" in err, "the input ends inside an epoch: 75", (code, err))
    holds("e", "e", j, epochs[:3], "and nothing of it is in")
    size = os.path.getsize(j.file)
    for upto, back in ((4, 0), (6, 2)):
        with open(j.file, "a") as f:
            f.write('{"raw":"{\\"t\\":\\"of an epoch that was never committed\\"}"}\n')
        code, err = j.go(epochs, upto, back=back, end=False)
        holds("e", "e", j, epochs[:upto], "what was rejected of an epoch that is not in is cut off")
    check(code == 75 and ledger()[:2] == ["6", "3"], "the next run goes on; two epochs that are in come again", (code, err, ledger()))
    holds("e", "e", j, epochs[:6], "each epoch is in once, each refused row told once")
    check(size > 0 and int(ledger()[4]) == os.path.getsize(j.file), "the ledger knows how long the file of refused rows is")
    # the first run's id is behind: the source may not go on in front of what is committed
    p, n = j.start()
    code, err = j.end(p, j.mark("open", 7, 0))
    check(n == 6 and code == 3, "an `open` behind what is committed: 3", (n, code, err))
    p, n = j.start()
    code, err = j.end(p, j.mark("open", 6, 0) + lines(epochs[7]) + j.mark("mark", 8, len(epochs[7])))
    check(code == 3 and ledger()[0] == "6", "an epoch is missing: 3", (code, err))
    for what, n, hops in (("a record is missing", len(epochs[6]) + 1, None),
                          ("a stage does not account for a record", len(epochs[6]), [{"t": "ingest", "in": 9, "pass": 8, "drop": 0, "used": 0, "rej": 0, "made": 0}]),
                          ("a stage got another number than the one before wrote", len(epochs[6]), [
                              {"t": "ingest", "in": 9, "pass": 9, "drop": 0, "used": 0, "rej": 0, "made": 0}, {"t": "dedup", "in": 8, "pass": 8, "drop": 0, "used": 0, "rej": 0, "made": 0}])):
        p, _ = j.start()
        code, err = j.end(p, j.mark("open", 6, 0) + lines(epochs[6]) + j.mark("mark", 7, n, hops))
        check(code == 3 and ledger()[0] == "6", what + ": 3", (code, err))
    holds("e", "e", j, epochs[:6], "none of these changed anything")
    stats = os.path.join(m.HOME, "job.stats")
    j.options += ["--stats", stats]
    code, err = j.go(epochs)
    s = rejects(stats)[-1]
    bad = sum(r["a"] > 127 for e in epochs[6:] for r in e)
    new = sum(len(e) for e in epochs[6:])
    check(code == 0 and (s["in"], s["used"], s["rejected"], s["loaded"], s["epoch"]) == (new, new - bad, bad, new - bad, 8), "`end`: 0; the counts", (code, err, s))
    holds("e", "e", j, epochs, "all epochs, once")


@group
def refused_rows():
    counted("f", COLUMNS)
    epochs = [[{"id": 1, "a": 1, "t": "x"}], [{"id": 2, "a": 2, "t": "y"}, {"id": 3, "a": 200, "t": "z"}, {"id": 4, "a": 4, "t": "w"}]]
    j = Job("v.f", rejects=False)
    code, err = j.go(epochs)
    check(code == 3 and "Out of range" in err and ledger()[0] == "1" and hits() == 1, "a refused row without --reject: 3, its epoch is not in", (code, err, ledger()))
    j.options += ["--on-error", "skip"]
    code, err = j.go(epochs)
    check(code == 0 and ledger()[0] == "2" and hits() == 3, "with --on-error skip it is", (code, err, ledger()))
    counted("f", COLUMNS)
    j = Job("v.f", "--max-rejects", "20%")
    code, err = j.go(epochs)
    check(code == 3 and ledger()[0] == "1" and hits() == 1 and "more than 20%" in err, "too many of them: 3, the epoch is not in", (code, err, ledger()))
    # a bad line is not the server's word, but comes again with its epoch all the same
    counted("f", COLUMNS)
    j = Job("v.f")
    for _ in range(2):
        p, n = j.start()
        text = lines(epochs[0]) + b"nonsense\n" + j.mark("mark", 1, 2) + b"more nonsense\n" + lines(epochs[1]) + j.mark("mark", 2, 4)
        code, err = j.end(p, j.mark("open", 0, 0) + text)
        check(code == 75 and [r.get("raw") for r in rejects(j.file) if "nonsense" in r["raw"]] == ["nonsense", "more nonsense"] and len(rejects(j.file)) == 3,
              "bad lines of epochs that come again are told once", (code, err, rejects(j.file)))
    check(hits() == 3, "and rows put once", hits())


@group
def what_is_refused():
    counted("u", COLUMNS)
    code, _, err = m.load("v.u", "id", "", "--job", "rt")
    check(code == 2 and "no barrier job" in err, "--job outside a barrier job: 2", (code, err))
    j = Job("v.u")
    argv = j.argv()
    e = m.env(PIPEHOUSE_JOB=j.dir, PIPEHOUSE_JOB_RUN="1")
    p = subprocess.run([a for a in argv if a not in ("--job", "rt")], env=e, input=b"", stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    check(p.returncode == 2 and b"--job" in p.stderr, "no --job inside one: 2", (p.returncode, p.stderr))
    p, n = j.start(job="other")
    code, err = j.end(p)
    check(n is None and code == 2, "a name that the job has not: 2", (code, err))
    check(j.go([[]])[0] == 0, "its own name")
    sql("CREATE OR REPLACE TABLE v.u2 (id INT PRIMARY KEY)")
    other = Job("v.u2")
    p, n = other.start()
    code, err = other.end(p)
    check(n is None and code == 2 and "loads v.u, not v.u2" in err, "a job that loads another table: 2", (code, err))
    for extra in (("--partition", "dt=2026-11-20"), ("--replace-table",)):
        p, n = Job("v.u", *extra).start()
        check(n is None and p.wait(LIMIT) == 2, "--job and %s: 2" % extra[0])
    for extra in (("--soft-delete", "a"), ("--version-by", "a=x"), ("--op", "op", "--version-by", "nix"), ("--op", "op", "--version-by", "id"), ("--op", "op", "--soft-delete", "t"),
                  ("--op", "op", "--version-by", "a", "--soft-delete", "a"), ("--op", "op", "--replace-table"), ("--version-by", "a", "--partition", "dt=2026-11-20"), ("--op", "a[")):
        code, _, err = m.load("v.u", "id", "", *extra)
        check(code == 2, "refused: " + " ".join(extra), (code, err))
    sql("CREATE OR REPLACE TABLE v.u3 (id INT PRIMARY KEY, v VARCHAR(9) COLLATE utf8mb4_general_ci)")
    code, _, err = m.load("v.u3", "id", "", "--version-by", "v")
    check(code == 2 and "general_ci" in err, "a version whose order is not that of its bytes: 2", (code, err))


@group
def created_at_first_rows():
    sql("DROP TABLE IF EXISTS v.fresh, v.pipehouse_job")
    j = Job("v.fresh", "--create")
    epochs = [[], [{"id": 1, "d": 1.5}], [{"id": 2, "d": 2.5}], []]
    code, err = j.go(epochs, 1, end=False)
    check(code == 75 and ledger()[0] == "1" and m.sql("SHOW TABLES IN v LIKE 'fresh'") == [], "--create: no rows, no table", (code, err))
    code, err = j.go(epochs)
    check(code == 0 and ledger()[0] == "4" and sql("SELECT id, d FROM v.fresh ORDER BY id") == [["1", "1.5"], ["2", "2.5"]], "made at the first rows", (code, err))


@group
def many_jobs():
    """Two jobs of one database do not see each other; a name with quotes."""
    counted("m1", COLUMNS)
    sql("CREATE OR REPLACE TABLE v.m2 (%s, PRIMARY KEY (id))" % COLUMNS)
    a, b = Job("v.m1"), Job("v.m2")
    b.put("sinks", "r'`t\"\n")
    pa, _ = a.start()
    b.run = 1
    pb = subprocess.Popen(b.argv("r'`t\""), env=m.env(PIPEHOUSE_JOB=b.dir, PIPEHOUSE_JOB_RUN="1"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    Job.listen(pb)
    ea, eb = make_epochs(2, 5, 20), make_epochs(3, 7, 20)
    codes = a.end(pa, a.mark("open", 0, 0) + a.text(ea, 1, 5)), b.end(pb, b.mark("open", 0, 0) + b.text(eb, 1, 7))
    check([c[0] for c in codes] == [0, 0] and sorted(sql("SELECT job, id FROM v.pipehouse_job")) == [["r'`t\"", "7"], ["rt", "5"]] and
          (standing("m1"), standing("m2")) == (account(ea)[0], account(eb)[0]), "two jobs side by side", codes)


# ---- two runs of one job ----

def waits_for_a_lock():
    deadline = time.monotonic() + LIMIT
    while not sql("SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'") and time.monotonic() < deadline:
        time.sleep(0.01)


@group
def fenced():
    counted("z", COLUMNS)
    sql("CREATE OR REPLACE USER one@localhost; CREATE OR REPLACE USER two@localhost; GRANT ALL ON v.* TO one@localhost; GRANT ALL ON v.* TO two@localhost")
    text = open(m.CNF).read()
    one_cnf, two_cnf = write("one.cnf", text.replace("root", "one")), write("two.cnf", text.replace("root", "two"))
    epochs = make_epochs(4, 6, 30)
    for what, cnf in (("KILL does it", m.CNF), ("of another user, whom it may not KILL", two_cnf)):
        counted("z", COLUMNS)
        j = Job("v.z", rejects=False, cnf=one_cnf)
        old, _ = j.start()
        run = j.run
        j.send(old, j.mark("open", 0, 0) + j.text(epochs, 1, 2, False))
        j.until(old, 2)
        j.send(old, lines(epochs[2]))
        j.cnf = cnf
        new, n = j.start()
        before = standing("z"), hits(), ledger()
        code, err = j.end(old, j.mark("mark", 3, len(epochs[2]), run=run))
        check(n == 2 and code == 75 and "taken over" in err, "a run that another one took over from: 75 (%s)" % what, (n, code, err))
        check((standing("z"), hits(), ledger()) == before, "and it changes nothing")
        code, err = j.end(new, j.mark("open", 2, 0) + j.text(epochs, 3, 6))
        check(code == 0 and (standing("z"), hits()) == account(epochs)[:2], "the new one goes on, each epoch once", (code, err))
    # stopped in the middle of its transaction, the row of the ledger in its hands: it waits for a row that somebody has
    counted("z", COLUMNS)
    big = [[{"id": i % 40, "a": i % 100, "t": "b%d" % i} for i in range(500)], *epochs]
    j = Job("v.z", rejects=False)
    old, _ = j.start()
    other = subprocess.Popen(["mariadb", "--defaults-file=" + m.CNF, "-Nn"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdin.write(b"START TRANSACTION; INSERT INTO v.z (id) VALUES (7); SELECT 'held';\n")
    other.stdin.flush()
    other.stdout.readline()
    j.send(old, j.mark("open", 0, 0) + j.text(big, 1, 1, False))
    waits_for_a_lock()
    old.send_signal(signal.SIGSTOP)
    other.stdin.write(b"ROLLBACK;\n")
    other.stdin.close()
    other.wait(LIMIT)
    other.stdout.close()
    began = time.monotonic()
    new, n = j.start()
    took = time.monotonic() - began
    check(n == 0 and hits() == 0, "a run that is stopped within its transaction does not hold the next one up (%.1f s): it is ended" % took, (n, hits()))
    code, err = j.end(new, j.mark("open", 0, 0) + j.text(big, 1, len(big)))
    old.send_signal(signal.SIGCONT)
    late, said = j.end(old)
    check(code == 0 and late == 75 and (standing("z"), hits()) == account(big)[:2], "the new one loads all, the old one wakes up: 75, nothing changed", (code, err, late, said))


# ---- rows by op ----

def changes(rng, n, keys, text_key):
    """Random changes; c of a key that is there and d of one that is not are among them, as replays have them."""
    out = []
    for i in range(n):
        k = rng.randrange(keys)
        k = "k%d" % k if text_key else 9007199254740990 + k     # beyond what a double can tell apart
        op = rng.choice("ccuurdd")
        row = {"id": k, "a": i, "t": "x%d" % rng.randrange(9)}
        c = {"op": op, "key": {"id": k}, "ord": "%08d" % i, "row": row}
        if op == "d" and rng.random() < 0.3:
            c["row"] = None
        elif op == "d" and rng.random() < 0.5:
            c["key"] = None
        out.append(c)
    return out


def fold(cs):
    table = {}
    for c in cs:
        k = str((c["key"] or c["row"])["id"])
        if c["op"] == "d":
            table.pop(k, None)
        else:
            table[k] = [str(c["row"]["a"]), c["row"]["t"]]
    return table


@group
def by_op():
    for seed, (kind, text_key) in enumerate((("BIGINT UNSIGNED", False), ("DECIMAL(20,0)", False), ("VARCHAR(20) COLLATE utf8mb4_bin", True), ("VARBINARY(20)", None),
                                             ("CHAR(20) COLLATE utf8mb4_bin", True))):
        for bulk in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
            sql("CREATE OR REPLACE TABLE v.o (id %s PRIMARY KEY, a INT, t VARCHAR(9), KEY (t))" % kind)
            cs = changes(random.Random(seed), 1500 if not m.SANITIZED else 700, 120, True if text_key is None else text_key)
            data = lines(cs)
            if text_key is None:    # base64, as bytes are written
                enc = lambda r: r and dict(r, id=base64.b64encode(r["id"].encode()).decode())
                data = lines([dict(c, key=enc(c["key"]), row=enc(c["row"])) for c in cs])
            code, _, err = m.load("v.o", "id", data, "--op", "op", **bulk)
            check(code == 0 and standing("o") == fold(cs), "%d changes by op, key %s%s" % (len(cs), kind, ", multi-row statements" if bulk else ""),
                  (code, err, len(fold(cs)), len(standing("o"))))
    # keys of two columns; numbers in other forms; a composite with a date
    sql("CREATE OR REPLACE TABLE v.o2 (d DATE, n DECIMAL(9,2), s VARCHAR(9) COLLATE utf8mb4_bin, a INT, PRIMARY KEY (d, n, s))")
    rng = random.Random(9)
    forms, cs, want = {"1": ["1", "1.0", "1e0", "1.00"], "2.5": ["2.5", "2.50", "25e-1"], "-3": ["-3", "-3.0"], "0": ["0", "-0", "0.00"]}, [], {}
    for i in range(1500):
        d, n, s = "2026-11-%02d" % rng.randrange(1, 4), rng.choice(list(forms)), rng.choice("ab")
        op = rng.choice("cud")
        cs.append('{"op":"%s","key":null,"row":{"d":"%s","n":%s,"s":"%s","a":%d}}\n' % (op, d, rng.choice(forms[n]), s, i))
        if op == "d":
            want.pop((d, float(n), s), None)
        else:
            want[d, float(n), s] = str(i)
    for bulk in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
        sql("DELETE FROM v.o2")
        code, _, err = m.load("v.o2", "d,n,s", "".join(cs), "--op", "op", **bulk)
        got = {(r[0], float(r[1]), r[2]): r[3] for r in sql("SELECT d, n, s, a FROM v.o2")}
        check(code == 0 and got == want, "a key of three columns, its numbers in several forms", (code, err, len(got), len(want)))
    # a second unique index: strictly in order
    sql("CREATE OR REPLACE TABLE v.o3 (id INT PRIMARY KEY, u INT, UNIQUE KEY (u))")
    cs = [("c", 1, 7), ("d", 1, 7), ("c", 2, 7), ("d", 2, 7), ("c", 1, 7)]
    code, _, err = m.load("v.o3", "id", lines([{"op": o, "key": {"id": k}, "row": {"id": k, "u": u}} for o, k, u in cs]), "--op", "op", "--unique-ok")
    check(code == 0 and sql("SELECT id, u FROM v.o3") == [["1", "7"]], "with a second unique index", (code, err))
    # what is no change
    sql("DELETE FROM v.o3")
    path = os.path.join(m.HOME, "op.rejects")
    bad = ['{"op":"t","row":{"id":1}}', '{"op":"DDL"}', '{"row":{"id":1}}', '{"op":"c","key":{"id":1},"row":null}', '{"op":"d","key":null,"row":null}', '{"op":"d","key":{"x":1}}',
           '{"op":1,"row":{"id":1}}',
           '{"op":"c","row":{"id":1,"nix":2}}', '{"op":"d","key":{"id":99999999999999999999}}', '{"op":"c","row":{"id":1,"id":2}}', '{"op":"d","key":{"id":"x"}}']
    code, _, err = m.load("v.o3", "id", "\n".join(bad + ['{"op":"c","row":{"id":3,"u":3}}']) + "\n", "--op", "op", "--unique-ok", "--reject", path)
    check(code == 0 and [r["line"] for r in rejects(path)] == list(range(1, len(bad) + 1)) and sql("SELECT id FROM v.o3") == [["3"]], "what is no change is rejected", (code, err, rejects(path)))
    # an op that stands deeper
    sql("DELETE FROM v.o3")
    code, _, err = m.load("v.o3", "id", '{"p":{"op":"c","row":{"id":5,"u":5}}}\n{"p":{"op":"c","row":{"id":6,"u":6}}}\n{"p":{"op":"d","key":{"id":5}}}\n', "--op", "p.op", "--unique-ok")
    check(code == 0 and sql("SELECT id FROM v.o3") == [["6"]], "row and key beside an op that stands deeper", (code, err))


@group
def versions():
    sql("CREATE OR REPLACE TABLE v.ve (id INT PRIMARY KEY, a INT, up DATETIME(3)); INSERT INTO v.ve VALUES (9, 9, NULL)")
    at = lambda k: "2026-11-20 00:00:%02d.%03d" % (k // 10, k % 10)
    rng = random.Random(21)
    rows = [{"id": rng.randrange(10), "a": i, "up": at(rng.randrange(500))} for i in range(3000)]
    want = {"9": ["9", "NULL"]}
    for r in rows:
        k = str(r["id"])
        if k not in want or want[k][1] == "NULL" or want[k][1] < r["up"]:
            want[k] = [str(r["a"]), r["up"]]
    for more in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
        sql("DELETE FROM v.ve; INSERT INTO v.ve VALUES (9, 9, NULL)")
        for _ in range(2):
            code, _, err = m.load("v.ve", "id", lines(rows), "--version-by", "up", **more)
            got = {r[0]: r[1:] for r in sql("SELECT id, a, up FROM v.ve")}
            check(code == 0 and got == want, "rows in any order and again: the newest stand", (code, err, got, want))
    code, _, err = m.load("v.ve", "id", '{"id":1,"a":1}\n', "--version-by", "up")
    check(code == 3 and "version" in err, "a row without its version: 3", (code, err))
    # changes in any order: what is deleted stays deleted only where the row stays
    cs = changes(random.Random(22), 2000, 60, False)
    want = fold(cs)
    shuffled = cs + cs[:500]
    random.Random(23).shuffle(shuffled)
    for columns in ("gone TINYINT(1), a INT, t VARCHAR(9), ver VARCHAR(20) COLLATE utf8mb4_bin", "ver VARCHAR(20) COLLATE utf8mb4_bin, t VARCHAR(9), a INT, gone TINYINT(1)"):
        sql("CREATE OR REPLACE TABLE v.vs (id BIGINT PRIMARY KEY, %s)" % columns)
        code, _, err = m.load("v.vs", "id", lines(shuffled), "--op", "op", "--version-by", "ver=ord", "--soft-delete", "gone")
        got = {r[0]: r[1:] for r in sql("SELECT id, a, t FROM v.vs WHERE gone = 0")}
        keys = {str((c["key"] or c["row"])["id"]) for c in cs}
        check(code == 0 and got == want and {r[0] for r in sql("SELECT id FROM v.vs")} == keys, "changes in any order, doubled, with --soft-delete and --version-by: as in order",
              (code, err, len(got), len(want)))
    # in order, doubled (a replay of all): the version alone does
    sql("CREATE OR REPLACE TABLE v.vh (id BIGINT PRIMARY KEY, a INT, t VARCHAR(9), ver VARCHAR(20) COLLATE utf8mb4_bin)")
    for more in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
        for _ in range(2):
            code, _, err = m.load("v.vh", "id", lines(cs), "--op", "op", "--version-by", "ver=ord", **more)
        # the second pass brings back what was deleted and deletes it again
        check(code == 0 and standing("vh") == want, "changes in order, twice, with --version-by", (code, err))
    code, _, err = m.load("v.vh", "id", lines([{"op": "c", "row": {"id": 5, "a": 5}, "ord": "5"}, {"op": "d", "key": {"id": 5}, "ord": "4"}]), "--op", "op", "--version-by", "ver=ord")
    check(code == 0 and one("SELECT COUNT(*) FROM v.vh WHERE id=5") == "1", "a delete that is older than the row leaves it", (code, err))
    # before images of the key alone, as some feeds have them: the other columns stay
    sql("CREATE OR REPLACE TABLE v.vk (id INT PRIMARY KEY, a INT, gone BIT(1))")
    code, _, err = m.load("v.vk", "id", '{"op":"c","row":{"id":1,"a":5}}\n{"op":"d","key":{"id":1},"row":{"id":1,"a":null}}\n{"op":"d","key":{"id":2},"row":null}\n',
                          "--op", "op", "--soft-delete", "gone")
    check(code == 0 and sql("SELECT id, a, gone+0 FROM v.vk ORDER BY id") == [["1", "5", "1"], ["2", "NULL", "1"]], "--soft-delete leaves the other columns",
          (code, err, sql("SELECT id, a, gone+0 FROM v.vk")))


@group
def ops_in_a_job():
    sql("CREATE OR REPLACE TABLE v.oj (id BIGINT PRIMARY KEY, a INT, t VARCHAR(9)); DROP TABLE IF EXISTS v.pipehouse_job")
    cs = changes(random.Random(31), 1200, 50, False)
    epochs = [cs[i:i + 100] for i in range(0, len(cs), 100)]
    j = Job("v.oj", "--op", "op")
    for upto in (3, 7, 12):
        code, err = j.go(epochs, upto, back=2, end=upto == 12)
        check(code == (0 if upto == 12 else 75) and standing("oj") == fold([c for e in epochs[:upto] for c in e]), "changes of a job up to epoch %d" % upto, (code, err))


@group
def ddl():
    """A statement that changed the form of the source's table, as cdc-norm writes it: counted and told, nothing more."""
    feed = [{"database": "s", "table": "dd", "type": "insert", "ts": 1, "xid": 1, "commit": True, "data": {"id": 1, "a": 1}, "primary_key_columns": ["id"]},
            {"type": "table-alter", "database": "s", "table": "dd", "old": {"database": "s", "charset": "utf8mb4", "table": "dd", "columns": [], "primary-key": ["id"]},
             "def": {"database": "s", "charset": "utf8mb4", "table": "dd", "columns": [], "primary-key": ["id"]}, "ts": 2000, "sql": "alter table dd add column b int"},
            {"type": "table-drop", "database": "s", "table": "other", "ts": 3000, "sql": "drop table other"},
            {"database": "s", "table": "dd", "type": "insert", "ts": 4, "xid": 2, "commit": True, "data": {"id": 2, "a": 2, "b": 5}, "primary_key_columns": ["id"]}]
    status, out, err = m.run("cdc-norm", data=lines(feed))
    ops = [json.loads(x)["op"] for x in out.splitlines()]
    check(status == 0 and ops == ["c", "ddl", "ddl", "c"], "cdc-norm writes two", (status, ops, err))
    path, stats = os.path.join(m.HOME, "ddl.rejects"), os.path.join(m.HOME, "ddl.stats")
    told = "mysql-load: <stdin>:2: a ddl: it is not applied, only counted, as are those that follow\n"
    for more, ids, bad in ((("--reject", path), [["1", "1"]], 1), (("--ignore-unknown",), [["1", "1"], ["2", "2"]], 0)):
        sql("CREATE OR REPLACE TABLE v.dd (id INT PRIMARY KEY, a INT)")
        status, _, err = m.load("v.dd", "id", out, "--op", "op", "--stats", stats, *more)
        with open(stats) as f:
            s = json.loads(f.read().splitlines()[-1])
        check(status == 0 and err == told and sql("SELECT id, a FROM v.dd ORDER BY id") == ids, "a ddl is told once and not applied; what it brought is what the table says of it", (status, err))
        check((s["in"], s["used"], s["dropped"], s["rejected"], s["ddl"], s["loaded"]) == (4, 2 - bad, 2, bad, 2, len(ids)), "its counts", s)
    check([r["reason"] for r in rejects(path)] == ["b: the table has no such column"], "the column that it brought", rejects(path))
    # a table that is to be made is made of the rows
    sql("DROP TABLE v.dd")
    only = b"".join(x + b"\n" for x in out.splitlines() if b'"ddl"' in x)
    status, _, err = m.load("v.dd", "id", only, "--op", "op", "--create")
    check(status == 0 and sql("SHOW TABLES FROM v LIKE 'dd'") == [], "--create: a ddl makes none", (status, err))
    status, _, err = m.load("v.dd", "id", only + out, "--op", "op", "--create")
    check(status == 0 and sql("SELECT id, a, b FROM v.dd ORDER BY id") == [["1", "1", "NULL"], ["2", "2", "5"]], "nor a column", (status, err))
    # without --op a record is a row, whatever it is called
    sql("CREATE OR REPLACE TABLE v.dd (id INT PRIMARY KEY, op VARCHAR(9))")
    status, _, err = m.load("v.dd", "id", '{"id":1,"op":"ddl"}\n')
    check(status == 0 and err == "" and sql("SELECT id, op FROM v.dd") == [["1", "ddl"]], "without --op it is a row", (status, err))
    # epochs of a job, with some in each, one of nothing else, the last ones twice
    sql("CREATE OR REPLACE TABLE v.oj (id BIGINT PRIMARY KEY, a INT, t VARCHAR(9)); DROP TABLE IF EXISTS v.pipehouse_job")
    cs, one_ddl = changes(random.Random(32), 600, 50, False), {"op": "ddl", "db": "s", "table": "oj", "key": None, "ts": 1, "ord": "1"}
    plain = [cs[i:i + 100] for i in range(0, len(cs), 100)]
    epochs = [e[:50] + [one_ddl] * (k % 3) + e[50:] for k, e in enumerate(plain)] + [[one_ddl] * 5]
    plain.append([])
    j = Job("v.oj", "--op", "op", "--stats", stats)
    for upto in (3, 5, 7):
        code, err = j.go(epochs, upto, back=2, end=upto == 7)
        with open(stats) as f:
            s = json.loads(f.read().splitlines()[-1])
        began = {3: 0, 5: 1, 7: 3}[upto]
        want = sum(c["op"] == "ddl" for e in epochs[began:upto] for c in e)
        check(code == (0 if upto == 7 else 75) and standing("oj") == fold([c for e in plain[:upto] for c in e]) and rejects(j.file) == [] and one("SELECT id FROM v.pipehouse_job") == str(upto) and
              (s["ddl"], s["dropped"]) == (want, want) and err.count("a ddl: it is not applied") == (1 if want else 0), "a job with ddl up to epoch %d: each epoch once" % upto, (code, err, s, want))


@group
def column_that_comes():
    """A member that is no column, until the table gets it under a loader that runs: from the next epoch, or transaction, on it is one."""
    sql("CREATE OR REPLACE TABLE v.cc (id INT PRIMARY KEY, a INT); DROP TABLE IF EXISTS v.pipehouse_job")
    for name, more in (("refused", ()), ("left out", ("--ignore-unknown",))):
        sql("CREATE OR REPLACE TABLE v.cc (id INT PRIMARY KEY, a INT); DROP TABLE IF EXISTS v.pipehouse_job")
        j = Job("v.cc", "--op", "op", *more)
        epoch = lambda k: [{"op": "c", "key": {"id": i}, "row": {"id": i, "a": i, **({"b": i} if i % 2 else {})}} for i in range(k * 10, k * 10 + 10)]
        p, n = j.start()
        j.send(p, j.mark("open", n, 0) + j.text([epoch(1)], 1, 1, False))
        j.send(p, j.mark("mark", 2, 0) + lines([{"op": "c", "key": {"id": 98}, "row": {"id": 98}}]) + j.mark("mark", 3, 1))
        j.until(p, 3)
        sql("ALTER TABLE v.cc ADD COLUMN b INT")
        j.send(p, lines(epoch(2)) + j.mark("mark", 4, 10))
        j.until(p, 4)
        sql("ALTER TABLE v.cc DROP COLUMN a, ADD COLUMN c INT")
        code, err = j.end(p, lines([{"op": "c", "key": {"id": 99}, "row": {"id": 99, "b": 1}}]) + j.mark("end", 5, 1))
        want = [[str(i), str(i) if i % 2 and i >= 20 else "NULL"] for i in range(10, 30) if i >= 20 or more or not i % 2] + [["98", "NULL"], ["99", "1"]]
        bad = [] if more else ["b: the table has no such column"] * 5
        check(code == 0 and sql("SELECT id, b FROM v.cc ORDER BY id") == want and [r["reason"] for r in rejects(j.file)] == bad,
              "a job: %s until it is there" % name, (code, err, sql("SELECT id, b FROM v.cc ORDER BY id"), rejects(j.file)[:2]))
    sql("CREATE OR REPLACE TABLE v.cc (id INT PRIMARY KEY, a INT)")
    row = lambda i: {"id": i, "a": 1, "b": 2}
    p = m.run("mysql-load", "--defaults-file", m.CNF, "--table", "v.cc", "-k", "id", "--ignore-unknown", start=True)
    p.stdin.write(lines(row(i) for i in range(60000)))
    p.stdin.flush()
    deadline = time.monotonic() + LIMIT
    while one("SELECT COUNT(*) FROM v.cc") == "0" and p.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    sql("ALTER TABLE v.cc ADD COLUMN b INT")
    p.stdin.write(lines(row(i) for i in range(60000, 180000)))
    p.stdin.close()
    p.stdin = None
    err = p.communicate(timeout=LIMIT)[1].decode("utf-8", "replace")
    got = [int(x) for x in sql("SELECT COUNT(*), SUM(b = 2 AND id >= 120000), SUM(b IS NULL AND id < 40000) FROM v.cc")[0]]
    check(p.returncode == 0 and got == [180000, 60000, 40000], "without a job: from the next transaction on", (p.returncode, err, got))


@group
def truncates():
    """The server itself is the oracle: each change is also a statement, TRUNCATE among them, on a table of its own."""
    at = lambda i, **more: dict({"db": "s", "table": "tr", "key": None, "ts": i, "ord": "%08d" % i, "op": "t"}, **more)
    rng, cs, sqls = random.Random(61), [], []
    for i in range(1200 if not m.SANITIZED else 600):
        k = rng.randrange(60)
        if rng.random() < 0.012:
            cs.append(at(i))
            sqls.append("TRUNCATE TABLE v.truth")
        elif rng.random() < 0.3:
            cs.append({"op": "d", "db": "s", "table": "tr", "key": {"id": k}, "ord": "%08d" % i, "row": None})
            sqls.append("DELETE FROM v.truth WHERE id = %d" % k)
        else:
            cs.append({"op": rng.choice("cur"), "db": "s", "table": "tr", "key": {"id": k}, "ord": "%08d" % i, "row": {"id": k, "a": i}})
            sqls.append("REPLACE INTO v.truth VALUES (%d, %d)" % (k, i))
    third, truth = len(cs) // 3, {}
    sql("CREATE OR REPLACE TABLE v.truth (id INT PRIMARY KEY, a INT)")
    for n in (third, 2 * third, len(cs)):
        sql("; ".join(sqls[max(truth, default=0):n]))
        truth[n] = sql("SELECT id, a FROM v.truth ORDER BY id")
    plain, versioned, marked = "a INT", "a INT, ver VARCHAR(20) COLLATE utf8mb4_bin", "gone TINYINT(1) DEFAULT 0, ver VARCHAR(20) COLLATE utf8mb4_bin, a INT"
    modes = ((plain, (), "1=1"), (versioned, ("--version-by", "ver=ord"), "1=1"), (marked, ("--version-by", "ver=ord", "--soft-delete", "gone"), "gone = 0"),
             ("gone BIT(1), a INT", ("--soft-delete", "gone"), "gone = 0"))
    for columns, options, where in modes:
        for more in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
            sql("CREATE OR REPLACE TABLE v.tr (id INT PRIMARY KEY, %s)" % columns)
            held, said = [], []
            for since, n in ((0, third), (0, 2 * third), (2 * third, len(cs))):     # the first third comes twice, as after a crash
                code, _, err = m.load("v.tr", "id", lines(cs[since:n]), "--op", "op", *options, **more)
                held.append(code == 0 and truth[n] == sql("SELECT id, a FROM v.tr WHERE %s ORDER BY id" % where))
                said.append((code, err))
            check(held == [True] * 3 and all(0 < len(t) < 60 for t in truth.values()), "%d changes, %d truncates among them, %s%s: at three moments as the server's own TRUNCATE leaves it" % (
                len(cs), sum(c["op"] == "t" for c in cs), " ".join(options) or "by op alone", ", multi-row statements" if more else ""), (held, said))
    # one that comes late spares what is newer; it leaves its version on what it marks
    sql("CREATE OR REPLACE TABLE v.tr (id INT PRIMARY KEY, gone TINYINT(1), ver VARCHAR(20) COLLATE utf8mb4_bin, a INT)")
    row = lambda k, i, **more: dict({"op": "c", "db": "s", "table": "tr", "key": {"id": k}, "ord": "%08d" % i, "row": {"id": k, "a": i}}, **more)
    options = ("--op", "op", "--version-by", "ver=ord", "--soft-delete", "gone")
    code, _, err = m.load("v.tr", "id", lines([row(1, 5), row(2, 9), at(7), row(1, 6)]), *options)
    check(code == 0 and sql("SELECT id, gone, ver, a FROM v.tr ORDER BY id") == [["1", "1", "00000007", "5"], ["2", "0", "00000009", "9"]],
          "a truncate that is older than a row leaves it; a change that is older than a truncate does not bring its row back", (code, err, sql("SELECT * FROM v.tr")))
    # whose it is
    path = os.path.join(m.HOME, "tr.rejects")
    data = lines([at(10, table="other"), at(11, table=None), {"op": "t", "ord": "12"}, {"op": "t", "db": "s", "table": "tr"}])
    code, _, err = m.load("v.tr", "id", data, *options, "--reject", path)
    check(code == 0 and [r["reason"].split(" (")[0] for r in rejects(path)] == ["a truncate of another table", "the truncate does not say of which table"] +
          ["the truncate does not say of which table", "ver: the version is null or absent"] and one("SELECT COUNT(*) FROM v.tr WHERE gone = 0") == "1",
          "a truncate of another table, of none, or without its version is rejected, and nothing is emptied", (code, err, rejects(path)))
    os.unlink(path)
    for whose, emptied in (("users", True), ("s.users", True), ("x.users", False), ("tr", False)):
        sql("CREATE OR REPLACE TABLE v.tr (id INT PRIMARY KEY, a INT); INSERT INTO v.tr VALUES (1, 1), (2, 2)")
        code, _, err = m.load("v.tr", "id", lines([at(10, table="users")]), "--op", "op", "--truncates-of", whose)
        check((code, one("SELECT COUNT(*) FROM v.tr")) == ((0, "0") if emptied else (3, "2")),
              "--truncates-of %s: one of s.users %s" % (whose, "empties" if emptied else "is a bad record"), (code, err))
    # what the server refuses it refuses in its words, and all stands as it was
    sql("CREATE OR REPLACE TABLE v.tr (id INT PRIMARY KEY, a INT); INSERT INTO v.tr VALUES (1, 1), (2, 2); "
        "CREATE TABLE v.child (id INT PRIMARY KEY, tr INT, FOREIGN KEY (tr) REFERENCES v.tr (id)); INSERT INTO v.child VALUES (1, 2)")
    code, _, err = m.load("v.tr", "id", lines([row(3, 1), at(2), row(4, 3)]), "--op", "op", "--reject", path)
    check(code == 0 and [r["line"] for r in rejects(path)] == [2] and "foreign key" in rejects(path)[0]["reason"] and sql("SELECT id FROM v.tr ORDER BY id") == [["1"], ["2"], ["3"], ["4"]],
          "a truncate that a foreign key forbids is rejected in the server's words; the rows stand", (code, err, rejects(path)))
    sql("DROP TABLE v.child")
    # a table that is not there yet has nothing to lose
    for first in ([], [row(1, 1)]):
        sql("DROP TABLE IF EXISTS v.tr")
        code, _, err = m.load("v.tr", "id", lines(first + [at(2)] + first), "--op", "op", "--create")
        check(code == 0 and (sql("SELECT id, a FROM v.tr") if first else sql("SHOW TABLES FROM v LIKE 'tr'")) == ([["1", "1"]] if first else []), "--create and a truncate", (code, err))
    # epochs of a job, each twice: once
    sql("CREATE OR REPLACE TABLE v.tr (id INT PRIMARY KEY, a INT); DROP TABLE IF EXISTS v.pipehouse_job")
    size, j = third // 4, Job("v.tr", "--op", "op")
    epochs = [cs[i:i + size] for i in range(0, len(cs), size)]
    for upto in (4, 8, len(epochs)):
        code, err = j.go(epochs, upto, back=2, end=upto == len(epochs))
        check(code == (0 if upto == len(epochs) else 75) and sql("SELECT id, a FROM v.tr ORDER BY id") == truth[min(len(cs), upto * size)],
              "truncates of a job up to epoch %d" % upto, (code, err))


# ---- what may happen at any moment ----

def strace_kill(call, k):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, k)]


def calls_of(job, epochs, **more):
    """How often each system call is made in a run over all epochs."""
    path = os.path.join(job.dir, "calls")
    p, n = job.start(before=["strace", "-f", "-qq", "-c", "-S", "name", "-o", path], **more)
    job.end(p, job.mark("open", n, 0) + job.text(epochs, n + 1, len(epochs)))
    out = {}
    for line in open(path):
        f = line.split()
        if len(f) >= 5 and f[3].isdigit():
            out[f[-1]] = int(f[3])
    return out


@crashes
def killed_at_calls():
    """kill -9 at system calls of each kind that a commit makes; then again from where the slowest acknowledgement stands."""
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.PIPE)
    if probe.returncode != 0:
        print("# SKIP strace cannot trace here: %s" % probe.stderr.decode().strip())
        check(False, "strace works here", probe.stderr)
        return
    epochs = make_epochs(41, 8, 25, 0.05)
    more = {"ASAN_OPTIONS": "detect_leaks=0"} if m.SANITIZED else {}     # it traces too
    counted("s", COLUMNS)
    few = calls_of(Job("v.s"), epochs[:1], **more)
    counted("s", COLUMNS)
    calls = calls_of(Job("v.s"), epochs, **more)
    rng = random.Random(42)
    kinds = [c for c in ("sendto", "recvfrom", "fdatasync", "fsync", "rename", "openat", "write", "pwrite64", "ftruncate", "close") if calls.get(c)]
    check({"sendto", "recvfrom", "rename", "fdatasync"} <= set(kinds), "a commit sends, receives, syncs and renames", calls)
    counted("s", COLUMNS)
    j, killed, odd, done = Job("v.s"), 0, [], 0
    plan = [c for c in kinds for _ in range(7 if c in ("sendto", "recvfrom") else 2)]
    rng.shuffle(plan)
    for call in plan:
        if done:                    # all epochs are in: judged, and from the start
            holds("s", "s", j, epochs, "after %d kills: each epoch once, each refused row told once" % killed)
            counted("s", COLUMNS)
            j, done = Job("v.s"), 0
        # at the start, or in one of the epochs that are left
        left = len(epochs) - (j.get("ack/rt") or 0)
        most = few.get(call, 0) + (calls[call] - few.get(call, 0)) * (left - 1) // (len(epochs) - 1)
        k = rng.randint(max(1, most // 3), max(1, most * 9 // 10))
        p, n = j.start(before=strace_kill(call, k), **more)
        if n is None:
            j.end(p)
        else:
            n = max(0, min(n, j.get("ack/rt") or 0) - rng.randrange(3))
            j.end(p, j.mark("open", n, 0) + j.text(epochs, n + 1, len(epochs)))
        killed += p.returncode in (-9, 137)
        done = (j.get("ack/rt") or 0) == len(epochs)
        # the last epoch was in: nothing is left to be sent, not even its end
        if p.returncode not in ((-9, 137, 75) if n == len(epochs) else (-9, 137, 0)):
            odd.append((call, k, p.returncode, p.said[-300:]))
    code, err = j.go(epochs, back=2) if not done else (0, "")
    check(code == 0 and odd == [] and killed >= len(plan) // 3, "killed %d times of %d at %s: then it goes on to the end" % (killed, len(plan), ", ".join(kinds)), (code, err, odd, killed))
    holds("s", "s", j, epochs, "each epoch once, each refused row told once")


@crashes
def sessions_killed():
    """Somebody ends its session at random moments: whole transactions are tried again."""
    counted("k", COLUMNS)
    sql("CREATE OR REPLACE USER one@localhost; GRANT ALL ON v.* TO one@localhost")
    cnf = write("one.cnf", open(m.CNF).read().replace("root", "one"))
    epochs = make_epochs(51, 12, 1500 if not m.SANITIZED else 300, 0.002)
    j, rng = Job("v.k", cnf=cnf), random.Random(52)
    p, n = j.start()
    j.send(p, j.mark("open", 0, 0))
    for k in range(1, 13):
        j.send(p, j.text(epochs, k, k, k == 12))
        # some find no session, or one between two transactions: how many are felt is the machine's affair, not ours
        for _ in range(3 if k % 3 else 0):
            time.sleep(rng.random() * 0.03)
            sql("KILL USER one@localhost")
        j.until(p, k)
    code, err = j.end(p)
    tries = err.count("trying again")
    check(code == 0 and tries >= 2, "sessions ended at random moments, %d times felt: tried again" % tries, (code, err))
    holds("k", "k", j, epochs, "each epoch once, each refused row told once")


@crashes
def deadlock():
    sql("CREATE OR REPLACE TABLE v.d (id INT PRIMARY KEY, a INT, t VARCHAR(20)); DROP TABLE IF EXISTS v.pipehouse_job; CREATE OR REPLACE TABLE v.heavy (a INT)")
    sql("INSERT INTO v.d VALUES (1, 0, ''), (2, 0, '')")
    epochs = [[{"id": 1, "a": 1, "t": "x"}], [{"id": 2, "a": 2, "t": "y"}]]
    j = Job("v.d", rejects=False)
    p, _ = j.start()
    j.send(p, j.mark("open", 0, 0) + j.text(epochs, 1, 1, False))
    j.until(p, 1)
    # it has the ledger's row and waits for 2; the other one, with more to lose, has 2 and asks for the ledger's row
    other = subprocess.Popen(["mariadb", "--defaults-file=" + m.CNF, "-Nn"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(text):
        other.stdin.write((text + "\n").encode())
        other.stdin.flush()
    tell("START TRANSACTION; INSERT INTO v.heavy SELECT seq FROM v.seq_1_to_500; UPDATE v.d SET a = 5 WHERE id = 2; SELECT 'held';")
    while b"held" not in other.stdout.readline():
        pass
    j.send(p, j.text(epochs, 2, 2))
    waits_for_a_lock()
    tell("SELECT id FROM v.pipehouse_job WHERE job = 'rt' FOR UPDATE; COMMIT;")
    other.stdin.close()
    other.wait(LIMIT)
    other.stdout.close()
    code, err = j.end(p)
    check(code == 0 and "Deadlock" in err and "trying again" in err and sql("SELECT id, a FROM v.d ORDER BY id") == [["1", "1"], ["2", "2"]] and ledger()[0] == "2",
          "a deadlock: the transaction is sent again", (code, err, sql("SELECT * FROM v.d")))


@crashes
def commits_without_answer():
    sock = open(m.CNF).read().split('"')[1]
    epochs = make_epochs(61, 4, 40, 0.1)
    for forward in (False, True):
        counted("c", COLUMNS)
        d = tempfile.mkdtemp(dir="/tmp", prefix="cut.")
        cut = m.Cutter(d + "/s", sock, forward)
        cut.cuts = 0
        cut.start()
        j = Job("v.c", cnf=write("cut.cnf", "[client]\nsocket=%s/s\nuser=root\n" % d))
        p, _ = j.start()
        j.send(p, j.mark("open", 0, 0) + j.text(epochs, 1, 1, False))
        j.until(p, 1)
        cut.cuts = 1
        code, err = j.end(p, j.text(epochs, 2, 4))
        check(cut.cuts == 0 and code == 0 and "trying again" in err and ledger()[:2] == ["4", "1"],
              "COMMIT %s: it goes on" % ("reached the server, its answer was lost" if forward else "never reached the server"), (code, err, ledger()))
        holds("c", "c", j, epochs, "each epoch once")
        shutil.rmtree(d)


class ByteCut(threading.Thread):
    """A proxy that cuts the connection behind so many bytes of the n-th COMMIT, or of the answer to it; then it lets anybody in."""

    def __init__(self, path, to, nth, asked, answered):
        super().__init__(daemon=True)
        self.to, self.left, self.asked, self.answered, self.lock = to, nth, asked, answered, threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.to)
            state = {}
            threading.Thread(target=self.ask, args=(c, s, state), daemon=True).start()
            threading.Thread(target=self.answer, args=(s, c, state), daemon=True).start()

    def ask(self, a, b, state):
        try:
            while (data := a.recv(65536)):
                if data.endswith(b"\x03COMMIT"):
                    self.left -= 1
                    if self.left == 0 and self.asked is not None:
                        b.sendall(data[:self.asked])
                        break
                    if self.left == 0:
                        state["left"] = self.answered
                b.sendall(data)
        except OSError:
            pass
        m.Moment.end(a, b)

    def answer(self, a, b, state):
        try:
            while (data := a.recv(65536)):
                if "left" in state:
                    b.sendall(data[:state["left"]])
                    state["left"] -= len(data)
                    if state["left"] <= 0:
                        break
                    continue
                b.sendall(data)
        except OSError:
            pass
        m.Moment.end(a, b)


@crashes
def cut_at_bytes():
    """The connection is cut at each byte of a COMMIT and of its answer: 11 bytes each, the header with them."""
    sock = open(m.CNF).read().split('"')[1]
    d = tempfile.mkdtemp(dir="/tmp", prefix="bc.")
    epochs = make_epochs(81, 3, 30, 0.1)
    moments = [(b, None) for b in range(12)] + [(None, b) for b in range(12)]
    sql("SET GLOBAL max_connections=300")
    jobs = []
    for i, (asked, answered) in enumerate(moments):
        sql("CREATE OR REPLACE DATABASE cut{0}; USE cut{0}; CREATE TABLE t ({1}, PRIMARY KEY (id)); CREATE TABLE hits (n INT) ENGINE=InnoDB; INSERT INTO hits VALUES (0); "
            "CREATE TRIGGER hit BEFORE INSERT ON t FOR EACH ROW UPDATE cut{0}.hits SET n = n + 1".format(i, COLUMNS))
        proxy = ByteCut("%s/%d" % (d, i), sock, 3, asked, answered)     # that of begin, of epoch 1, of epoch 2
        proxy.start()
        j = Job("cut%d.t" % i, cnf=write("bc%d.cnf" % i, "[client]\nsocket=%s/%d\nuser=root\n" % (d, i)))
        p, n = j.start()
        j.send(p, j.mark("open", n, 0) + j.text(epochs, 1, 3))
        jobs.append((i, proxy, j, p))
    want, put, out = account(epochs)
    odd = []
    for i, proxy, j, p in jobs:
        code, err = j.end(p)
        proxy.listener.close()
        got = {r[0]: r[1:] for r in sql("SELECT id, a, t FROM cut%d.t" % i)}
        state = code, got == want, int(one("SELECT n FROM cut%d.hits" % i)), refused(j) == out, one("SELECT id FROM cut%d.pipehouse_job" % i), proxy.left <= 0
        # behind the last byte of the answer it has arrived, though the connection is lost behind it
        if state != (0, True, put, True, "3", True) or (err.count("trying again") != 1):
            odd.append((moments[i], state, err))
        sql("DROP DATABASE cut%d" % i)
    check(odd == [], "cut at each byte of a COMMIT and of its answer, %d times: each epoch once" % len(moments), odd)
    sql("SET GLOBAL max_connections=151")
    shutil.rmtree(d)


@crashes
def server_killed():
    counted("x", COLUMNS)
    epochs = make_epochs(71, 30, 400, 0.005)
    j, rng = Job("v.x"), random.Random(72)
    p, _ = j.start()
    feeder = threading.Thread(target=j.send, args=(p, j.mark("open", 0, 0) + j.text(epochs, 1, 30)), daemon=True)
    feeder.start()
    codes = []
    for _ in range(2):
        time.sleep(0.05 + rng.random() * 0.2)
        m.server("crash")
        m.server("start")
    feeder.join(LIMIT)
    codes.append(j.end(p))
    while codes[-1][0] == 75 and len(codes) < 5:
        codes.append(j.go(epochs, back=3))
    check(codes[-1][0] == 0, "kill -9 of the server, twice: it goes on, or 75 and goes on then", codes)
    holds("x", "x", j, epochs, "each epoch once, each refused row told once")


def children(pid):
    """The processes below one, with their names."""
    out, todo = [], [pid]
    while todo:
        try:
            with open("/proc/%d/task/%d/children" % (todo[0], todo[0])) as f:
                below = [int(x) for x in f.read().split()]
        except OSError:
            below = []
        for c in below:
            try:
                with open("/proc/%d/comm" % c) as f:
                    out.append((c, f.read().strip()))
            except OSError:
                pass
        todo = todo[1:] + below
    return out


@crashes
def in_a_pipe():
    """The whole of it: a growing log, a stage with state, pipe-run; stages, sessions and the server are killed."""
    counted("p", "id INT, a TINYINT, t VARCHAR(20)")
    home, rng = tempfile.mkdtemp(prefix="pipe.", dir=m.HOME), random.Random(91)
    log, out, n = os.path.join(home, "app.log"), os.path.join(home, "rejects"), 6000
    state = os.path.join(home, "state")
    os.makedirs(state)
    open(log, "w").close()
    with open(os.path.join(home, "job"), "w") as f:
        f.write("rt: restart=100ms restart-max=400ms\n\tingest --barriers 50ms -f '%s' |\n\tdedup -k id |\n"
                "\tmysql-load --defaults-file '%s' --table v.p -k id --job rt --reject '%s'\n" % (log, m.CNF, out))
    e = m.env(PIPEHOUSE_STATE=state, PATH=m.BIN + ":" + os.environ["PATH"])
    p = subprocess.Popen([os.path.join(m.BIN, "pipe-run"), os.path.join(home, "job"), "run"], env=e, cwd=home, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    Job.listen(p)
    threading.Thread(target=lambda: [None for _ in iter(p.stdout.readline, b"")], daemon=True).start()
    rows = [{"id": rng.randrange(n), "a": 200 if rng.random() < 0.01 else rng.randrange(100), "t": str(i)} for i in range(n)]
    want, bad = {}, []
    for r in rows:          # dedup keeps the first of an id
        if str(r["id"]) in want or r["id"] in bad:
            continue
        if r["a"] > 127:
            bad.append(r["id"])
        else:
            want[str(r["id"])] = [str(r["a"]), r["t"]]
    kills, run = [], 0

    for i in range(0, n, 500):
        with open(log, "ab") as f:
            f.write(lines(rows[i:i + 500]))
        time.sleep(0.1 + rng.random() * 0.3)
        what = ("mysql-load", "dedup", "mysql-load", "session", "ingest", "mysql-load", "server")[len(kills) % 7]
        if what == "server":
            m.server("crash")
            m.server("start")
        elif what == "session":
            for s in sql("SELECT id FROM information_schema.processlist WHERE db IS NULL AND id <> CONNECTION_ID() AND command <> 'Daemon'"):
                try:
                    sql("KILL %s" % s[0])
                except RuntimeError:
                    pass        # it has ended by itself
        else:
            found = [c for c, name in children(p.pid) if name == what]
            run = max([run, *map(run_of, found)])
            end_all(found)
            what = what if found else None
        kills.append(what)
    up_again(state + "/rt", run, p)
    deadline = time.monotonic() + LIMIT
    while p.poll() is None and (hits() < len(want) or open(out).read().count("\n") < len(bad)) and time.monotonic() < deadline:
        time.sleep(0.05)
    p.send_signal(signal.SIGTERM)
    code = p.wait(LIMIT)
    p.ear.join(LIMIT)
    p.stdout.close()
    told = sorted(json.loads(r["raw"])["id"] for r in rejects(out))
    check(code == 0 and standing("p") == want and hits() == len(want) and told == sorted(bad),
          "a pipe under pipe-run, killed %d times (%s): each record once" % (len([k for k in kills if k]), ", ".join(sorted({k for k in kills if k}))),
          (code, len(want), len(standing("p")), hits(), len(bad), len(told), p.said[-1500:].decode()))


if __name__ == "__main__":
    m.program(GROUPS)
