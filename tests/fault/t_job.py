#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_job - kill -9, failing calls and full disks at every step of what a barrier job writes, then the same again; TAP

    BIN=build/bin python3 tests/fault/t_job.py [snap plan sink mysql lax emit]       FAULT_ALL=1: every step, not each fourth

Stages write snapshots and reject files, sources plans, sinks acknowledgements.  strace injects at each call on a file of the job;
a limit on the size of files stops writes at each of many bytes, in the middle of one, as a full disk does.  What went on before the end
must be had again, byte for byte, from what is on the disk; the status is 4 and the message the system's; and the same again is as if
nothing had been.
"""
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import t_store  # noqa: E402
from t_store import DAY, template  # noqa: E402
from tap import finish, holds  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CALLS = "openat,write,pwrite64,fsync,fdatasync,linkat,link,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,ftruncate"
NONCE = "0123456789abcdef0123456789abcdef"
WRITES = ("write", "pwrite64", "openat", "mkdir", "mkdirat", "linkat", "link")
SETUP = ["mkdir -p job/ack job/plan job/begun/1 job/seen/1; echo %s >job/nonce; chmod 600 job/nonce; echo j >job/sinks" % NONCE]


class Place(t_store.Place):
    """A copy that shares no file with the template: these are written to in place."""

    def __init__(self, t=None):
        super().__init__()
        if t:
            shutil.copytree(t.dir, self.dir, dirs_exist_ok=True)


def control(kind, k, n):
    return b'{"$barrier":"%s","id":%d,"run":1,"kind":"%s","n":%d,"now":0,"wm":null,"from":{},"to":{},"pins":{},"hops":[%s]}\n' % (
        NONCE.encode(), k, kind, n, b'{"t":"s","in":%d,"pass":%d,"drop":0,"used":0,"rej":0,"made":0}' % (n, n))


def rows(lo, hi, bad=True):
    return b"".join(b'{"id":%d,"t":"%s"}\n' % (i, DAY.encode()) for i in range(lo, hi)) + (b'{"id":%d,\n' % lo if bad else b"")


def steps(t, argv):
    """(call, ordinal) of every call on a file of the place that is written to."""
    with Place(t) as p:
        log = os.path.join(p.dir, "..", os.path.basename(p.dir) + ".trace")
        try:
            p.run(argv, ["strace", "-qq", "-y", "-s", "0", "-o", log, "-e", "trace=" + CALLS])
            with open(log, errors="replace") as f:
                lines = f.read().splitlines()
        finally:
            os.path.exists(log) and os.unlink(log)
        counts, found = {}, []
        for line in lines:
            m = re.match(r"(\w+)\((.*)", line)
            if m:
                counts[m.group(1)] = counts.get(m.group(1), 0) + 1
                # not the loader's and the shell's, nor what is only read
                if (p.dir in m.group(2) or '"job/' in m.group(2)) and "O_RDONLY" not in m.group(2).replace("O_RDONLY|O_CLOEXEC|O_DIRECTORY", "") and "/out>" not in m.group(2):
                    found.append((m.group(1), counts[m.group(1)]))
        return found


SPARSE = 1 if os.environ.get("FAULT_ALL") else 4


def each(t, argv, faults, judge):
    """Every fault of a copy of its own; what judge(place, status, messages, fault) finds."""
    wrong = []

    def one(fault):
        with Place(t) as p:
            status, _, err = p.run(argv, fault[1])
            if fault[0].startswith("killed") and status != -9 and status != 137:
                return ["it was not killed but ended with %d (%s)" % (status, fault[0])]
            return [w + " (%s)" % fault[0] for w in judge(p, status, err, fault[0])]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for found in pool.map(one, faults):
            wrong += found
    return wrong


def killed(found):
    return [("killed at %s %d" % s, t_store.inject(s[0], s[1], "signal=KILL")) for s in found]


def failing(found, error, calls):
    return [("%s %d: %s" % (*s, error), t_store.inject(s[0], s[1], "error=" + error)) for s in found if s[0] in calls]


def limited(sizes):
    """No file grows beyond so many bytes: the last write is a short one."""
    return [("files of %d bytes" % k, ["prlimit", "--fsize=%d" % k, "--core=0", "env", "--ignore-signal=XFSZ"]) for k in sizes]


def read(p, name):
    try:
        with open(os.path.join(p.dir, name), "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def rejects(p):
    """What was rejected; lines are counted by each process from its first on."""
    return [json.loads(x)["raw"] for x in read(p, "bad").splitlines()]


def told(status, err, fault):
    """4 and what the system says, or nothing was wrong with it; killed is killed."""
    if fault.startswith("killed"):
        return []
    word = re.search(r": (E\w+)", fault)
    says = os.strerror(getattr(errno, word.group(1) if word else "EFBIG"))
    if status == 0:
        return []
    return [] if status == 4 and says in err else ["ended with %d: %s" % (status, err.strip())]


def everything(title, t, argv, judge, biggest, lax=False):
    found = steps(t, argv)
    if lax:     # sync=process: the machine may not die, all else as before
        synced, made = (sum(s[0] in of for s in found) for of in (("fsync", "fdatasync"), ("mkdir",)))      # a directory that is made is synced still
        holds("%s, sync=process: nothing is synced, and killed at each of %d steps, then again" % (title, len(found[1::SPARSE])),
              ["%d syncs, %d directories" % (synced, made)] * (synced > made) + each(t, argv, killed(found[1::SPARSE]), judge))
        return
    found = found[::SPARSE]
    wrong = each(t, argv, killed(found), judge)
    holds("%s: killed at each of %d steps, then again" % (title, len(found)), wrong if found else ["no steps"])
    for error, calls in (("EIO", ("fsync", "fdatasync", "linkat", "link", "rename", "renameat", "renameat2", "ftruncate")), ("ENOSPC", WRITES),
                         ("EIO", ("write", "pwrite64", "openat")), ("EROFS", ("openat", "unlink", "unlinkat"))):
        faults = failing(found, error, calls)
        holds("%s: %s of %d calls, then again" % (title, error, len(faults)), each(t, argv, faults, judge) if faults or SPARSE > 1 else ["no such calls"])
    sizes = sorted(set(list(range(0, min(biggest, 64), 7)) + list(range(64, biggest, max(1, biggest // 40)))))[::SPARSE]
    holds("%s: files cut off at %d sizes, then again" % (title, len(sizes)), each(t, argv, limited(sizes), judge))


def snap(lax=False):
    """A stage with state and a reject file: what it passed on of an epoch it knows for good."""
    parts = [rows(0, 40), rows(20, 60), rows(50, 90)]

    def stream(at, last):
        text = control(b"open", at, 0)
        for k in range(at + 1, last + 1):
            text += parts[k - 1] + control(b"end" if k == last else b"mark", k, parts[k - 1].count(b"\n"))
        return text
    with template(SETUP) as t:
        for name, at, last in (("first", 0, 1), ("both", 1, 3), ("last", 2, 3)):
            with open(os.path.join(t.dir, name), "wb") as f:
                f.write(stream(at, last))
        command = lambda name, out: ["sh", "-c", 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1 PIPEHOUSE_SYNC=%s exec dedup -k id --reject "$PWD/bad" <%s >%s' % (
            "process" if lax else "disk", name, out)]
        status, _, err = t.run(command("first", "out0"), ["env"])
        assert status == 0, err
        with Place(t) as p:
            status, _, err = p.run(command("both", "out"), ["env"])
            assert status == 0, err
            want, bad = read(p, "out"), rejects(p)
        marks = [i for i, x in enumerate(want.splitlines()) if x.startswith(b'{"$barrier"')]
        whole = want.splitlines(True)
        second, third = b"".join(whole[marks[0] + 1:marks[1] + 1]), b"".join(whole[marks[1] + 1:])

        def again(p, name, expected):
            status, _, err = p.run(command(name, "out2"), ["env"])
            got = read(p, "out2")
            got = got[got.index(b"\n") + 1:] if b"\n" in got else got
            return [] if status == 0 and got == expected and rejects(p) == bad else ["%s again: %d, %s%s%s" % (
                name, status, err, "" if got == expected else "other bytes", "" if rejects(p) == bad else "; other rejects")]

        def judge(p, status, err, fault):
            got, wrong = read(p, "out"), told(status, err, fault)
            if not want.startswith(got):
                wrong.append("it wrote other bytes")
            if status == 0 and got != want:
                wrong.append("ended with 0 and did not write all")
            # what a sink may have committed it must know; and the sink may not have, so the epoch before as well
            if second in got:
                wrong += again(p, "last", third)
                shutil.rmtree(os.path.join(p.dir, "job/1-dedup"), ignore_errors=True)
                shutil.copytree(os.path.join(t.dir, "job/1-dedup"), os.path.join(p.dir, "job/1-dedup"))
            return wrong + again(p, "both", second + third)
        everything("a stage's snapshot", t, command("both", "out"), judge, 6000, lax)


def plan(lax=False):
    """A source: an epoch that it sent is planned for good, whatever else is on the disk."""
    with template(SETUP + ["echo 0 >job/begun/1/j"]) as t:
        with open(os.path.join(t.dir, "a.log"), "wb") as f:
            f.write(rows(0, 50) + rows(50, 90))
        command = lambda out: ["sh", "-c", 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1 PIPEHOUSE_SYNC=%s exec ingest -f a.log --barriers 50ms --until end '
                               '--event-time id:ms --late 5ms --idle 1h --reject "$PWD/bad" >%s' % ("process" if lax else "disk", out)]

        def epochs(text):
            """id -> (records, control line) of each that ends there."""
            got, held = {}, []
            for x in text[:text.rfind(b"\n") + 1].splitlines():
                if x.startswith(b'{"$barrier"'):
                    m = json.loads(x)
                    if m["kind"] != "open":
                        got[m["id"]] = (held, {k: m[k] for k in ("n", "now", "wm", "from", "to", "pins")})
                    held = []
                else:
                    held.append(x)
            return got
        good = [x for x in (rows(0, 50) + rows(50, 90)).splitlines() if x.endswith(b"}")]

        def judge(p, status, err, fault):
            first, wrong = epochs(read(p, "out")), told(status, err, fault)
            status2, _, err2 = p.run(command("out2"), ["env"])
            second = epochs(read(p, "out2"))
            if status2 != 0:
                wrong.append("again: %d, %s" % (status2, err2))
            wrong += ["epoch %d came again as another" % k for k, e in first.items() if second.get(k) != e]
            if [x for k in sorted(second) for x in second[k][0]] != good:
                wrong.append("again: other records")
            if read(p, "bad").count(b"\n") != 2:
                wrong.append("again: %d rejects" % read(p, "bad").count(b"\n"))
            return wrong
        everything("a source's plan", t, command("out"), judge, 700, lax)


def sink():
    """wh-put --job with its reject file: an epoch is there, and acknowledged, or comes again."""
    parts = [rows(0, 30), rows(30, 60)]
    with template(SETUP) as t:
        for name, k in (("one", 1), ("two", 2)):
            text = control(b"open", 0, 0)
            for i in range(k):
                text += parts[i] + control(b"end" if i + 1 == k else b"mark", i + 1, 31)
            with open(os.path.join(t.dir, name), "wb") as f:
                f.write(text)
        command = lambda name: ["sh", "-c", 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1 exec wh-put a.t --partition-by t --job j --reject "$PWD/bad" <' + name]
        status, _, err = t.run(command("one"), ["env"])
        one, both = rows(0, 30, False), rows(0, 30, False) + rows(30, 60, False)
        assert status == 0 and t.table("a.t") == one, err
        want = t_store.reference(t, command("two"), ["a.t"])

        def judge(p, status, err, fault):
            wrong = t_store.is_whole(p, "a.t", one, both) + told(status, err, fault)
            acked = read(p, "job/ack/j").split()
            if status == 0 and p.table("a.t") != both:
                wrong.append("ended with 0 and the epoch is not there")
            if acked == [b"2"] and p.table("a.t") != both:
                wrong.append("it is acknowledged and not there")
            wrong += t_store.again(p, command("two"), want, both)
            if read(p, "bad").count(b"\n") != 2 or read(p, "job/ack/j").split() != [b"2"]:
                wrong.append("again: %d rejects, acknowledged %s" % (read(p, "bad").count(b"\n"), read(p, "job/ack/j")))
            return wrong
        everything("wh-put --job", t, command("two"), judge, 500)


def mysql():
    """mysql-load --job: the local files fail, the server has the epoch or not, and once."""
    top = t_store.tempfile.mkdtemp(prefix="db.")
    run = lambda what: subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), what, top], check=True)
    sql = lambda text: subprocess.run(["mariadb", "--defaults-file=" + top + "/client.cnf", "-N", "-e", text], check=True, stdout=subprocess.PIPE).stdout.decode().split()
    run("start")
    try:
        parts = [rows(0, 10), rows(10, 20)]
        with template(SETUP) as t:
            text = control(b"open", 0, 0) + parts[0] + control(b"mark", 1, 11) + parts[1] + control(b"end", 2, 11)
            with open(os.path.join(t.dir, "two"), "wb") as f:
                f.write(text)
            command = ["sh", "-c", 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1 exec mysql-load --defaults-file %s/client.cnf --table "$(basename "$PWD" | tr -dc a-zA-Z0-9)".t '
                       '-k id --job j --reject "$PWD/bad" <two' % top]
            base = lambda p: "".join(c for c in os.path.basename(p.dir) if c.isalnum() and c.isascii())
            made = "CREATE DATABASE {0}; CREATE TABLE {0}.t (id INT PRIMARY KEY, t DATE); CREATE TABLE {0}.n (n INT); INSERT INTO {0}.n VALUES (0);" \
                "CREATE TRIGGER {0}.c BEFORE INSERT ON {0}.t FOR EACH ROW UPDATE {0}.n SET n = n + 1"
            was = Place
            globals()["Place"] = type("Prepared", (was,), {"__init__": lambda self, x=None: (was.__init__(self, x), sql(made.format(base(self))))[0],
                                                           "__exit__": lambda self, *_: (sql("DROP DATABASE " + base(self)), was.__exit__(self))[1]})
            try:
                def judge(p, status, err, fault):
                    wrong, d = told(status, err, fault), base(p)
                    has = int(sql("SELECT COUNT(*) FROM %s.t" % d)[0])
                    acked = int(read(p, "job/ack/j") or 0)
                    if has not in (0, 10, 20) or has < 10 * acked or (status == 0 and has != 20):
                        wrong.append("%d rows, epoch %d acknowledged, status %d" % (has, acked, status))
                    again, _, said = p.run(command, ["env"])
                    got = sql("SELECT (SELECT COUNT(*) FROM {0}.t), (SELECT n FROM {0}.n)".format(d)) + [str(read(p, "bad").count(b"\n"))]
                    return wrong + ([] if again == 0 and got == ["20", "20", "2"] else ["again: %d, %s, %s" % (again, got, said)])
                everything("mysql-load --job", t, command, judge, 400)
            finally:
                globals()["Place"] = was
    finally:
        run("stop")
        shutil.rmtree(top, ignore_errors=True)


def lax():
    snap(True)
    plan(True)
    # what a power cut may do to it: one sink has an epoch whose plan is gone, and another one has not
    with template(SETUP + ["printf 'j\\nk\\n' >job/sinks; echo 0 >job/begun/1/j; echo 0 >job/begun/1/k"]) as t:
        with open(os.path.join(t.dir, "a.log"), "wb") as f:
            f.write(rows(0, 50))
        command = ["sh", "-c", 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=$1 PIPEHOUSE_SYNC=process exec ingest -f a.log --barriers 50ms --until end --reject bad', "sh"]
        first, _, err = t.run(command + ["1"], ["env"])
        last = max(int(x) for x in os.listdir(os.path.join(t.dir, "job/plan")))
        os.unlink(os.path.join(t.dir, "job/plan/%d" % last))
        for sink, at in (("j", last - 1), ("k", last)):
            os.makedirs(os.path.join(t.dir, "job/begun/2"), exist_ok=True)
            with open(os.path.join(t.dir, "job/begun/2", sink), "w", encoding="ascii") as f:
                f.write("%d\n" % at)
        status, out, err2 = t.run(command + ["2"], ["env"])
        holds("an epoch that a sink has, and whose plan the machine lost: 3, no other history",
              [] if first == 0 and status == 3 and "its plan is not there" in err2 and out.count(b"\n") == 1 else [err, status, err2])


def emit():
    """emit in a job: behind the line of an epoch all of it is in the topic, and it can go on there; each record under one id."""
    import itertools
    import kafka
    parts, topics = [rows(0, 30), rows(30, 60), rows(60, 90)], ["t%d" % i for i in range(300)]
    free, was = itertools.count(), Place
    with kafka.Mock({t: 1 for t in topics}) as broker, template(SETUP) as t:
        for at in range(3):
            text = control(b"open", at, 0)
            for k in range(at, 3):
                text += parts[k] + control(b"end" if k == 2 else b"mark", k + 1, 31)
            with open(os.path.join(t.dir, "from%d" % at), "wb") as f:
                f.write(text)
        command = lambda at, out: ["sh", "-c", 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1 exec emit -b %s -t "$(cat topic)" --reject "$PWD/bad" <from%d >%s' % (
            broker.brokers, at, out)]

        def prepare(p, x=None):
            was.__init__(p, x)
            p.topic = topics[next(free)]
            with open(os.path.join(p.dir, "topic"), "w", encoding="ascii") as f:
                f.write(p.topic)

        def there(p):
            ids = {}
            for m in kafka.Read(broker.brokers, p.topic, 1).all:
                ids.setdefault(m[5]["id"].decode(), set()).add(m[3])
            return ids
        good = {"job:%d:%d" % (k + 1, i + 1): {x} for k in range(3) for i, x in enumerate(parts[k].splitlines()[:-1])}

        def judge(p, status, err, fault):
            wrong, out, ids = told(status, err, fault), read(p, "out"), there(p)
            last = max([json.loads(x)["id"] for x in out[:out.rfind(b"\n") + 1].splitlines()], default=0)
            if not all(ids.get(i) == v for i, v in good.items() if int(i.split(":")[1]) <= last) or (status == 0 and last != 3):
                wrong.append("epoch %d is over and not all of it is there" % last)
            at = min(last, 2)       # what a sink may have
            status, _, err = p.run(command(at, "out2"), ["env"])
            if status != 0 or there(p) != good or len(rejects(p)) != 3:
                wrong.append("again from epoch %d: %d, %s, %d of %d records, %d rejects" % (at, status, err, len(there(p)), len(good), len(rejects(p))))
            return wrong
        globals()["Place"] = type("Prepared", (was,), {"__init__": prepare})
        try:
            calls = ("fsync", "fdatasync", "rename", "mkdir", "ftruncate", "unlink", "linkat")     # the library's own are none of these
            found = [s for s in steps(t, command(0, "out")) if s[0] in calls]
            found = found[1::8]     # a process that speaks to a broker takes its time
            holds("emit: killed at each of %d steps, then again" % len(found), each(t, command(0, "out"), killed(found), judge) if len(found) > 2 else ["few steps"])
            faults = failing(found, "EIO", ("fsync", "fdatasync")) + failing(found, "ENOSPC", [c for c in calls if "sync" not in c])
            holds("emit: EIO or ENOSPC of %d calls, then again" % len(faults), each(t, command(0, "out"), faults, judge))
        finally:
            globals()["Place"] = was


TESTS = {"snap": snap, "plan": plan, "sink": sink, "mysql": mysql, "lax": lax, "emit": emit}


def main():
    probe = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL) if shutil.which("strace") else None
    if probe is None or probe.returncode != 0:
        print("1..0 # SKIP no strace, or ptrace is not allowed")
        return 0
    for name in sys.argv[1:] or TESTS:
        TESTS[name]()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
