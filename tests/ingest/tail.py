#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tail - ingest -f of logs that grow and rotate, killed again and again: every line once; TAP

    BIN=build/bin python3 tests/ingest/tail.py [SEED [KILLS]]

A writer appends lines, sometimes half a line first, to two logs, renames them (to where the pattern sees them, and to where it does not) and
begins new ones, while ingest is killed at random moments.  What it wrote is what the table must hold.
"""
import gzip
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from runs import heard, listens  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SLOW = 4 if os.environ.get("SANITIZED") else 1
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 25


class Writer(threading.Thread):
    """One log; a rename goes on with the old file for some lines, as programs do until they open the new one."""

    def __init__(self, directory, name, aside, seed, rows):
        super().__init__()
        self.rows = rows
        self.path, self.aside, self.r = os.path.join(directory, name), aside, random.Random(seed)
        self.lines, self.stop, self.turns = [], threading.Event(), 0

    def run(self):
        f, old, number, first, r = open(self.path, "ab", buffering=0), None, 0, None, self.r
        while not self.stop.is_set():
            for _ in range(r.randint(1, 300) if number < 200000 else 1):
                line = b'{"t":"2026-11-%02d","w":"%s","n":%d}\n' % (r.randint(19, 21), os.path.basename(self.path).encode(), number)
                number += 1
                self.lines.append(line.rstrip())
                to = old if old and r.random() < 0.5 else f
                first = first or (line if to is f else None)
                cut = r.randint(1, len(line) - 2) if r.random() < 0.02 else 0
                to.write(line[:cut])
                if cut:
                    time.sleep(0.001)
                to.write(line[cut:])
            time.sleep(r.random() * (0.01 if number < 200000 else 0.1))
            if old and r.random() < 0.3:
                old.close()
                old = None
            # a log is seen once before it is rotated again, as the manual asks
            elif not old and first and r.random() < 0.1 and first in self.rows():
                self.turns += 1
                os.rename(self.path, self.path[:-4] + self.aside % self.turns)
                old, f, first = f, open(self.path, "ab", buffering=0), None
        f.close()
        if old:
            old.close()


def packed(d, env):
    """A compressed file that is still being written is not torn, and one that rests is not read again and again."""
    line = lambda n: b'{"t":"2026-11-20","n":%d,"x":"%s"}\n' % (n, os.urandom(20000).hex().encode())
    lines = [line(i) for i in range(8)]
    whole = gzip.compress(b"".join(lines[:4])) + gzip.compress(b"".join(lines[4:]))
    os.mkdir(d + "/in")
    args = [BIN + "/ingest", "-f", d + "/in/*", "-d", "ods.z", "--partition-by", "t", "--every", "20ms"]
    rows = lambda: subprocess.run([BIN + "/wh-cat", "--missing-ok", "ods.z"], env=env, stdout=subprocess.PIPE, check=True).stdout

    def until(what):
        end = time.monotonic() + 60 * SLOW
        while not what() and p.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        return what()

    with open(d + "/in/a.gz", "ab", buffering=0) as f:
        f.write(whole[:5])
        p = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.1 * SLOW)
        cut = len(whole) * 3 // 4
        f.write(whole[5:cut])
        told = heard(p, b"in the middle of a frame", 60 * SLOW)
        point(until(lambda: rows().count(b"\n") >= 4), "what a file holds whose last frame is not there yet is read", p.poll())
        torn = subprocess.run(args[:-2] + ["--until", "end"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        point(torn.returncode == 3 and b"middle of a frame" in torn.stderr, "to the end, it is torn: 3", (torn.returncode, torn.stderr))
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        err = told + p.communicate(timeout=60)[1].decode()
        point(p.returncode in (0, 75) and err.count("in the middle of a frame") == 1, "that is told once", (p.returncode, err))
        p = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.1 * SLOW)
        f.write(whole[cut:])
        point(until(lambda: rows() == b"".join(lines)), "and the rest when it has come", p.poll())
    read = lambda: int(open("/proc/%d/io" % p.pid).read().split()[1])
    time.sleep(0.3 * SLOW)
    was = read()
    time.sleep(1)
    point(read() - was < 4 * len(whole), "what was read to its end is not read again", (read() - was, len(whole)))
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=60)


def main():
    r = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="tail.") as d:
        env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        env.update(PIPEHOUSE_ROOT=d + "/wh", LC_ALL="C")
        os.mkdir(d + "/log")
        rows = lambda: subprocess.run([BIN + "/wh-cat", "--missing-ok", "ods.l"], env=env, stdout=subprocess.PIPE, check=True).stdout
        writers = [Writer(d + "/log", "seen.log", "-%d.log", SEED, rows), Writer(d + "/log", "unseen.log", ".log.%d", SEED + 1, rows)]
        args = [BIN + "/ingest", "-f", d + "/log/*.log", "-d", "ods.l", "--partition-by", "t"]
        for w in writers:
            w.start()
        statuses = set()
        for _ in range(KILLS):
            p = subprocess.Popen(args + ["--every", "20ms"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep((0.02 + 0.25 * r.random()) * SLOW)
            p.send_signal(signal.SIGKILL)
            err = p.communicate()[1]
            if err:
                statuses.add(err.decode())
        p = subprocess.Popen(args + ["--every", "20ms"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        listens(p)
        time.sleep(0.3 * SLOW)
        end = time.monotonic() + 60 * SLOW
        while not all(w.turns for w in writers) and p.poll() is None and time.monotonic() < end:
            time.sleep(0.05)        # a slow machine may not have got so far before
        for w in writers:
            w.stop.set()
            w.join()
        time.sleep(0.3 * SLOW)
        p.send_signal(signal.SIGTERM)
        err = p.communicate(timeout=60)[1].decode()
        point(p.returncode == 0 and not err, "told to stop: a success", (p.returncode, err))
        point(not statuses, "nothing to say on the way", statuses)
        p = subprocess.run(args + ["--until", "end"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        point(p.returncode == 0 and not p.stderr and all(w.turns for w in writers), "and once more to the end", (p.returncode, p.stderr))
        got = rows().splitlines()
        want = [x for w in writers for x in w.lines]
        turns = sum(w.turns for w in writers)
        point(sorted(got) == sorted(want) and want, "%d lines of logs rotated %d times, killed %d times: each once" % (len(want), turns, KILLS),
              "%d lines, wanted %d, %d different; missing %s" % (len(got), len(want), len(set(got)), sorted(set(want) - set(got))[:3]))
        # one that was moved away and one that was removed, under the eyes of the one that runs
        with open(d + "/log/seen.log", "ab", buffering=0) as moved:
            p = subprocess.Popen(args + ["--every", "50ms"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
            moved.write(b'{"t":"2026-11-20","moved":1}\n')
            end = time.monotonic() + 120 * SLOW
            while b'"moved":1' not in rows() and time.monotonic() < end:
                time.sleep(0.05)
            os.rename(d + "/log/seen.log", d + "/elsewhere")
            os.remove(d + "/elsewhere")
            moved.write(b'{"t":"2026-11-20","moved":2}\n')
            while b'"moved":2' not in rows() and time.monotonic() < end:
                time.sleep(0.05)
            p.send_signal(signal.SIGTERM)
            p.communicate(timeout=60)
            point(rows().count(b'"moved":1') == 1 and rows().count(b'"moved":2') == 1, "a log moved away and removed while it runs is read to its end")
        packed(d, env)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
