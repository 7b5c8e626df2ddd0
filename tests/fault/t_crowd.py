#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_crowd - writers, readers, wh-compact, wh-gc and wh-rollback at the same tables all at once; TAP

    BIN=build/bin python3 tests/fault/t_crowd.py [ROUNDS]

Three tables: rows appended, rows by key, a day replaced again and again.  Versions are kept for no time at all, which is less
than anybody should, so every collision there can be is provoked: whoever ends with 75 tries again, and no other status is
good.  A reader sees of each writer the first so many of its rows, in order, or of a replaced day one version whole.  In the
end every row is there once, wh-fsck has nothing to say, and one more wh-gc leaves only live files.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402

DAY = "2026-11-20"
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 12
BATCH = 50


class Crowd:
    def __init__(self, top):
        self.top, self.env = top, cases.environment(top)
        self.env["PIPEHOUSE_ROOT"] = os.path.join(top, "wh")
        self.wrong, self.again, self.reads, self.writing = [], 0, 0, 0
        self.lock, self.over = threading.Lock(), threading.Event()

    def note(self, text):
        with self.lock:
            self.wrong.append(text)

    def run(self, *argv, data=b"", good=(0,)):
        """The output; 75 is tried again, in which case None comes back where that is what was asked for."""
        while True:
            p = subprocess.run(argv, cwd=self.top, env=self.env, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
            if p.returncode == 75:
                with self.lock:
                    self.again += 1
                if 75 in good:
                    return None
                continue
            if p.returncode not in good:
                self.note("%s ended with %d: %s" % (" ".join(argv), p.returncode, p.stderr.decode()[:300]))
            return p.stdout

    # ---- writers ----

    def appender(self, me):
        for k in range(ROUNDS):
            rows = "".join('{"w":%d,"n":%d,"t":"%s"}\n' % (me, k * BATCH + i, DAY) for i in range(BATCH))
            self.run("wh-put", "a.add", "--partition-by", "t", data=rows.encode())

    def upserter(self, me):
        # each key's order rises; every third is deleted again
        for k in range(ROUNDS):
            rows = "".join('{"id":%d,"o":%d,"d":"%s","gone":%s}\n' % (me * 1000 + i, k, DAY, "true" if (i + k) % 3 == 0 else "false")
                           for i in range(BATCH))
            self.run("wh-put", "a.key", data=rows.encode())

    def replacer(self):
        for k in range(ROUNDS):
            self.run("wh-put", "a.day", "dt=" + DAY, data=b"".join(b'{"v":%d,"n":%d}\n' % (k, i) for i in range(BATCH)))
            if k % 3 == 2:
                # to where it is already: nothing, or the day again that another has just put there
                self.run("wh-rollback", "a.day", "dt=" + DAY, good=(0, 1))

    # ---- all the while ----

    def reader(self):
        while not self.over.is_set():
            got = self.run("wh-cat", "--missing-ok", "a.add", good=(0, 75))
            seen = {}
            for line in (got or b"").splitlines():
                row = json.loads(line)
                if row["n"] != seen.get(row["w"], 0):
                    self.note("a reader found row %d of writer %d behind %d rows" % (row["n"], row["w"], seen.get(row["w"], 0)))
                    break
                seen[row["w"]] = row["n"] + 1
            if any(x % BATCH for x in seen.values()):
                self.note("a reader found half a commit: %s" % seen)
            got = self.run("wh-cat", "--missing-ok", "a.day", good=(0, 75))
            rows = [json.loads(x) for x in (got or b"").splitlines()]
            if rows and (len({x["v"] for x in rows}) != 1 or [x["n"] for x in rows] != list(range(BATCH))):
                self.note("a reader found a day of two versions")
            got = self.run("wh-cat", "--missing-ok", "a.key", good=(0, 75))
            ids = [json.loads(x)["id"] for x in (got or b"").splitlines()]
            if len(set(ids)) != len(ids):
                self.note("a reader found a key twice")
            with self.lock:
                self.reads += 1

    def keeper(self):
        while not self.over.is_set():
            self.run("wh-compact", "--target", "4096", good=(0, 75))
            self.run("wh-gc", "--keep", "0", good=(0, 75))

    def collector(self):
        while not self.over.is_set():
            self.run("wh-gc", "--keep", "0", good=(0, 75))


def check_end(c):
    add = [json.loads(x) for x in c.run("wh-cat", "a.add").splitlines()]
    want = sorted((w, n) for w in (1, 2) for n in range(ROUNDS * BATCH))
    if sorted((x["w"], x["n"]) for x in add) != want:
        c.note("a.add: %d rows of %d" % (len(add), len(want)))
    ids = {json.loads(x)["id"] for x in c.run("wh-cat", "a.key").splitlines()}
    if ids != {me * 1000 + i for me in (1, 2) for i in range(BATCH) if (i + ROUNDS - 1) % 3 != 0}:
        c.note("a.key: %d keys" % len(ids))
    found = c.run("wh-fsck", good=(0, 1))
    if b'"damage"' in found or b'"stale"' in found:
        c.note("wh-fsck: " + found.decode()[:500])
    c.run("wh-fsck", "--repair-views")
    subprocess.run(["sh", "-c", "find wh -name '*z' -path '*/.pool/*' -exec touch -d '2 days ago' {} +"], cwd=c.top, check=True)
    before = [c.run("wh-cat", t) for t in ("a.add", "a.key", "a.day")]
    c.run("wh-compact")
    c.run("wh-gc", "--keep", "0")
    if [c.run("wh-cat", t) for t in ("a.add", "a.key", "a.day")] != before:
        c.note("wh-compact and wh-gc changed rows")
    found = c.run("wh-fsck")
    if found:
        c.note("after wh-gc: " + found.decode()[:500])


def overtaken(at, seconds=2):
    """A writer is held at its link(2), before it or behind it, while others commit and the log is collected past it.

    Behind it its rows stand: 75 would have the caller enter them twice.  '' or what was wrong."""
    with tempfile.TemporaryDirectory() as top:
        c = Crowd(top)
        log, trace = os.path.join(top, "wh/main/a/add/_log"), os.path.join(top, "trace")
        row = lambda n: b'{"n":%d,"t":"%s"}\n' % (n, DAY.encode())
        put = ["wh-put", "a.add", "--partition-by", "t"]
        c.run(*put, data=row(0))
        held = ["strace", "-f", "-qq", "-o", trace, "-e", "trace=link,linkat", "-e", "inject=link,linkat:%s=%d:when=1" % (at, seconds * 1000000)]
        p = subprocess.Popen(held + put, cwd=top, env=dict(c.env, LSAN_OPTIONS="detect_leaks=0"), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdin.write(row(1))
        p.stdin.close()
        deadline = time.monotonic() + 60
        # its record is there, or it is about to be
        while p.poll() is None and time.monotonic() < deadline and not (
                os.path.exists(os.path.join(log, "%020d.json" % 3)) if at == "delay_exit" else os.path.exists(trace) and "link" in open(trace).read()):
            time.sleep(0.01)
        for k in range(3):
            c.run(*put, data=row(10 + k))
        c.run("wh-gc", "--keep", "0", "a.add")
        early = p.poll() is not None
        said, status = p.stderr.read().decode(), p.wait()
        p.stderr.close()
        if early:
            return overtaken(at, 5 * seconds) if seconds < 50 else "it was never held: a machine too busy for this"
        rows = [json.loads(x)["n"] for x in c.run("wh-cat", "a.add").splitlines()]
        if sorted(rows) != [0, 1, 10, 11, 12] or c.wrong:
            return "rows %s, %s" % (rows, c.wrong)
        return "" if status == 0 else "its row is there, it ended with %d: %s" % (status, said)


def gone():
    """A file is collected after a command has seen that it is there, and before it opens it: the command is held in openat(2).  '' or what was wrong."""
    wrong = []
    with tempfile.TemporaryDirectory() as top:
        c, trace = Crowd(top), os.path.join(top, "trace")
        row = lambda k: b'{"id":%d,"o":%d,"d":"%s"}\n' % (k, k, DAY.encode())
        calls = {"a.key": (["wh-put", "a.key"], ["wh-cat", "a.key"]), "a.add": (["wh-compact", "a.add"], ["wh-cat", "a.add"])}
        c.run("wh-table", "a.key", "-", data=b"kind upsert\nkey id\norder o\nday d\n")
        c.run("wh-table", "a.add", "-", data=b"kind append\n")
        for table, commands in calls.items():
            put = ["wh-put", table] + (["--partition-by", "d"] if table == "a.add" else [])
            for k in range(3):
                c.run(*put, data=row(k))
            pool = os.path.join(top, "wh/main", table.replace(".", "/"), ".pool", DAY)
            name = os.path.join(pool, sorted(x for x in os.listdir(pool) if x.endswith(".pz"))[1])
            for argv in commands:
                held = ["strace", "-f", "-qq", "-o", trace, "-P", name, "-e", "trace=openat", "-e", "inject=openat:delay_enter=2000000:when=1"]
                p = subprocess.Popen(held + argv, cwd=top, env=dict(c.env, LSAN_OPTIONS="detect_leaks=0"), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                p.stdin.write(row(7))
                p.stdin.close()
                deadline = time.monotonic() + 60
                while p.poll() is None and time.monotonic() < deadline and not (os.path.exists(trace) and "openat" in open(trace).read()):
                    time.sleep(0.01)
                os.rename(name, name + ".away")
                said = p.stderr.read().decode()
                p.stdout.read()
                # wh-compact tries again, and finds by its own look that it is gone
                if p.wait() != 75 or os.path.basename(name) not in said and "is gone" not in said:
                    wrong.append("%s ended with %d: %s" % (" ".join(argv), p.returncode, said[:300]))
                p.stdout.close()
                p.stderr.close()
                os.rename(name + ".away", name)
                os.remove(trace)
            c.run(*put, data=row(7))
            c.run("wh-compact", table)
            ids = sorted(json.loads(x)["id"] for x in c.run("wh-cat", table).splitlines())
            if ids != [0, 1, 2, 7]:
                wrong.append("%s: %s once it is there again" % (table, ids))
        wrong += c.wrong
    return "; ".join(wrong)


def main():
    n = 1
    with tempfile.TemporaryDirectory() as top:
        c = Crowd(top)
        c.run("wh-table", "a.key", "-", data=b"kind upsert\nkey id\norder o\ndeleted gone\nday d\n")
        c.run("wh-table", "a.add", "-", data=b"kind append\n")
        c.run("wh-table", "a.day", "-", data=b"kind snapshot\n")
        work = [threading.Thread(target=f, args=a) for f, a in ((c.appender, (1,)), (c.appender, (2,)), (c.upserter, (1,)),
                                                                (c.upserter, (2,)), (c.replacer, ()))]
        beside = [threading.Thread(target=f) for f in (c.reader, c.keeper, c.collector)]
        for t in work + beside:
            t.start()
        for t in work:
            t.join()
        c.over.set()
        for t in beside:
            t.join()
        check_end(c)
        print("%sok 1 - %d writes, %d reads, %d times 75: nothing lost, nothing torn" % ("not " if c.wrong else "", 5 * ROUNDS, c.reads, c.again))
        for w in c.wrong[:20]:
            print("#   " + w.replace("\n", "\n#   "))
    for at, words in (("delay_enter", "before"), ("delay_exit", "behind")):
        why = overtaken(at)
        n += 1
        c.wrong += [why] if why else []
        print("%sok %d - overtaken and collected right %s its commit point: its rows once, and status 0" % ("not " if why else "", n, words))
        if why:
            print("#   " + why.replace("\n", "\n#   "))
    why = gone()
    n += 1
    c.wrong += [why] if why else []
    print("%sok %d - a file that was collected since the log was read: 75 of who writes by key, compacts or reads" % ("not " if why else "", n))
    if why:
        print("#   " + why)
    print("1..%d" % n)
    return bool(c.wrong)


if __name__ == "__main__":
    sys.exit(main())
