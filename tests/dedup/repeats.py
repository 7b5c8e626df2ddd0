#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""repeats - dedup beyond memory, counted, and with a state that is kept, against plain Python; TAP

    BIN=build/bin python3 tests/dedup/repeats.py [SEED]

Every answer is wanted the same in memory, with so little of it that nothing passes at once (-S 1K) and with some that does
(-S 100K), from files, several of them, compressed ones, a redirected standard input and a pipe.
"""
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cases  # noqa: E402
from tap import finish, holds  # noqa: E402

DIR = tempfile.mkdtemp(prefix="repeats.")
DEDUP = os.path.join(cases.BIN, "dedup")


def path(name):
    return os.path.join(DIR, name)


def put(name, data):
    with open(path(name), "wb") as f:
        f.write(data)
    return name


def dedup(*argv, stdin=None, data=None, strace=()):
    """(status, output, messages)"""
    p = subprocess.run([*strace, DEDUP, *argv], input=data, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=cases.environment(DIR), cwd=DIR, timeout=120)
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


# ---- what is wanted: by the words of the man page, record by record ----

def first(recs):
    seen = set()
    return [r for r in recs if not (r[0] in seen or seen.add(r[0]))]


def counted(recs, last):
    place, count = {}, {}
    for i, (k, _, _) in enumerate(recs):
        count[k] = count.get(k, 0) + 1
        if last or k not in place:
            place[k] = i
    return [(k, recs[i][1], recs[i][2], count[k]) for k, i in sorted(place.items(), key=lambda x: x[1])]


def within(recs, near, ttl=None):
    """near(a, b): is one of them enough; ttl: seconds."""
    passed, newest, out = {}, None, []
    for r in recs:
        k, t = r[0], r[1]
        newest = t if newest is None else max(newest, t)
        mine = passed.setdefault(k, [])
        mine[:] = [p for p in mine if ttl is None or p + ttl > newest]
        if not any(near(p, t) for p in mine):
            mine.append(t)
            out.append(r)
    return out


def local_day(t):
    return datetime.fromtimestamp(t, ZoneInfo("Europe/Berlin")).date()


# ---- the same from everywhere ----

def make(rng, count, keys, ordered=False):
    """(key, time, line): keys of several forms, lines of many lengths, some with escapes."""
    t, recs = 1700000000, []
    for i in range(count):
        t += rng.randrange(30) if ordered else 0
        at = t if ordered else 1700000000 + rng.randrange(40000)
        k = rng.randrange(keys)
        form = rng.choice(['%d', '%d.0', '%de0'] if k % 2 else ['"k%d"', '"\\u006b%d"']) % k
        line = '{"k":%s,"t":%d,"i":%d,"x":"%s"}' % (form, at, i, "é\\n" * rng.randrange(40))
        recs.append((k, at, line))
    return recs


def ndjson(recs):
    return "".join(r[2] + "\n" for r in recs).encode()


def everywhere(name, argv, recs, want, sizes=("64M", "1K", "100K")):
    """One answer, however the records come and however much memory there is."""
    data, wrong = ndjson(recs), []
    third = len(recs) // 3
    put("all", data)
    put("a", ndjson(recs[:third]).replace(b"\n", b"\r\n"))
    put("b", b"\n\n" + ndjson(recs[third:2 * third]))
    put("none", b"")
    put("c", ndjson(recs[2 * third:])[:-1])
    with open(path("c.gz"), "wb") as f:
        f.write(gzip.compress(ndjson(recs[2 * third:])))
    subprocess.run(["zstd", "-qf", path("b"), "-o", path("b.zst")], check=True)
    for size in sizes:
        ways = [(["all"], {}), (["a", "none", "b", "none", "c"], {}), (["-j", "2", "a", "b.zst", "c.gz"], {}), (["-j", "3", "all"], {}), ([], {"data": data}),
                (["a", "-", "c"], {"data": ndjson(recs[third:2 * third])})]
        for files, how in ways:
            got = dedup(*argv, "-S", size, *files, **how)
            if got != (0, want, ""):
                wrong.append("-S %s %s: %s, %d bytes of %d: %s" % (size, files or "a pipe", got[0], len(got[1]), len(want), got[2]))
        with open(path("all"), "rb") as f:
            got = dedup(*argv, "-S", size, stdin=f)
            if got != (0, want, ""):
                wrong.append("-S %s <all: %s, %d bytes of %d: %s" % (size, got[0], len(got[1]), len(want), got[2]))
    holds("%s: %d of %d" % (name, want.count(b"\n"), len(recs)), wrong)


def answers(rng):
    recs = make(rng, 6000, 2500)
    everywhere("the first", ["-k", "k"], recs, ndjson(first(recs)))
    rows = counted(recs, True)
    everywhere("the last", ["-k", "k", "--keep", "last"], recs, ndjson(rows))
    for last in (False, True):
        want = "".join(r[2][:-1] + ',"n":%d}\n' % r[3] for r in counted(recs, last)).encode()
        everywhere("the %s, counted" % ("last" if last else "first"),
                   ["-k", "k", "--count", "n", "--keep", "last" if last else "first"], recs, want)
    # a member of that name is replaced where it stands
    want = "".join(re.sub(r'"i":\d+', '"i":%d' % r[3], r[2]) + "\n" for r in counted(recs, False)).encode()
    everywhere("counted into a member that is there", ["-k", "k", "--count", "i"], recs, want, ("64M", "1K"))
    for ordered in (False, True):
        recs = make(rng, 4000, 40, ordered)
        name = ", in order" * ordered
        tz = ["-k", "k", "-t", "t", "--tz", "Europe/Berlin"]
        everywhere("--within 10m" + name, tz + ["--within", "10m"], recs, ndjson(within(recs, lambda a, b: abs(a - b) < 600)))
        everywhere("--within day" + name, tz + ["--within", "day"], recs,
                   ndjson(within(recs, lambda a, b: local_day(a) == local_day(b))))
        everywhere("--ttl 2h" + name, tz + ["--ttl", "2h"], recs, ndjson(within(recs, lambda a, b: True, 7200)))
        everywhere("--within 10m --ttl 1h" + name, tz + ["--within", "10m", "--ttl", "1h"], recs,
                   ndjson(within(recs, lambda a, b: abs(a - b) < 600, 3600)))


def by_value(rng):
    recs, best = [], {}
    for i in range(4000):
        k, v = rng.randrange(700), rng.randrange(50)
        recs.append((k, v, '{"k":%d,"v":%d,"i":%d}' % (k, v, i)))
        best.setdefault(k, [0, None])
        best[k][0] += 1
        if best[k][1] is None or (v, i) > best[k][1]:
            best[k][1] = (v, i)
    want = "".join(recs[i][2][:-1] + ',"n":%d}\n' % c for c, (_, i) in sorted(best.values(), key=lambda x: x[1][1])).encode()
    everywhere("the largest, counted", ["-k", "k", "--keep", "last", "--by", "v", "--count", "n"], recs, want)


def odd_inputs(rng):
    """Bad and blank lines, and ones that are too long, have places too."""
    good = make(rng, 3000, 1500)
    text, kept = [], []
    for r in good:
        if rng.random() < 0.1:
            text.append(rng.choice(["", "  ", "{", '{"k":null,"t":1}', '{"k":1,"x":"%s"}' % ("y" * 3000), "[1]"]))
        text.append(r[2])
        kept.append(r)
    data = "\n".join(text).encode() + b"\n"
    put("odd", data)
    wrong = []
    for argv, want in ((["-k", "k"], ndjson(first(kept))), (["-k", "k", "--keep", "last"], ndjson(counted(kept, True)))):
        for size in ("64M", "1K", "100K"):
            for files, how in ((["odd"], {}), ([], {"data": data}), (["odd", "none"], {})):
                got = dedup(*argv, "-S", size, "--max-line", "2K", "--on-error", "skip", *files, **how)
                if got[:2] != (0, want):
                    wrong.append("%s -S %s %s: %s, %d bytes of %d: %s" % (argv, size, files, got[0], len(got[1]), len(want), got[2]))
    holds("bad, blank and over-long lines between them", wrong)


def accounts(rng):
    recs = make(rng, 5000, 2000)
    put("all", ndjson(recs))
    wrong = []
    for argv in (["-k", "k"], ["-k", "k", "--keep", "last"], ["-k", "k", "--count", "n"]):
        dedup(*argv, "-S", "1K", "--stats", "stats", "all")
        with open(path("stats")) as f:
            s = json.loads(f.readlines()[-1])
        if s["in"] != 5000 or s["in"] != s["passed"] + s["dropped"] + s["used"] + s["rejected"]:
            wrong.append("%s: %s" % (argv, s))
        if s["passed"] + s["made"] != len(first(recs)) or s["spilled_bytes"] < 90000:
            wrong.append("%s: %s" % (argv, s))
    holds("the accounts add up", wrong)


def changed():
    """A file that is another one when it is read again is not believed."""
    put("all", b"".join(b'{"k":%d}\n' % i for i in range(5000)))
    os.mkfifo(path("gate"))
    p = subprocess.Popen([DEDUP, "-k", "k", "-S", "1K", "all", "gate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=DIR,
                         env=cases.environment(DIR))
    with open(path("gate"), "wb") as gate:      # it opens that when it is through with the first
        put("all", b"".join(b'{"k":%d}\n' % -i for i in range(6000)))
        gate.write(b'{"k":-1}\n')
    out, err = p.communicate(timeout=60)
    os.unlink(path("gate"))
    holds("a file that changed meanwhile: 75", [] if (p.returncode, out) == (75, b"") and b"changed while it was read" in err else
          [p.returncode, out[:100], err])


# ---- --state ----

def calls(argv, pieces, state, size="64M"):
    out, wrong = b"", []
    for piece in pieces:
        got = dedup(*argv, "--state", state, "-S", size, data=ndjson(piece))
        out += got[1]
        if got[0] != 0 or got[2]:
            wrong.append(got)
    return out, wrong


def states(rng):
    tz = ["-k", "k", "-t", "t"]
    for number, (name, argv, judge) in enumerate((
            ("the first", ["-k", "k"], first),
            ("--ttl", tz + ["--ttl", "1h"], lambda r: within(r, lambda a, b: True, 3600)),
            ("--within", tz + ["--within", "10m"], lambda r: within(r, lambda a, b: abs(a - b) < 600)),
            ("--within and --ttl", tz + ["--within", "10m", "--ttl", "1h"], lambda r: within(r, lambda a, b: abs(a - b) < 600, 3600)))):
        recs = make(rng, 6000, 1500, ordered=number > 1)
        cut = sorted(rng.sample(range(6000), 4))
        pieces = [recs[a:b] for a, b in zip([0] + cut, cut + [6000])]
        for size in ("64M", "1K", "20K"):
            out, wrong = calls(argv, pieces, "s%d.%s" % (number, size), size)
            if out != ndjson(judge(recs)):
                wrong.append("%d lines, wanted %d" % (out.count(b"\n"), len(judge(recs))))
            holds("--state: five calls are one, %s, -S %s" % (name, size), wrong)
    # what is forgotten is not kept either
    recs = [(i, 1700000000 + i, '{"k":%d,"t":%d}' % (i, 1700000000 + i)) for i in range(20000)]
    calls(tz + ["--ttl", "100s"], [recs], "small")
    size = sum(os.path.getsize(os.path.join(path("small"), f)) for f in os.listdir(path("small")))
    holds("--ttl: the state holds 100 of 20,000", [] if size < 8000 else [size])


def refused():
    wrong = []
    calls(["-k", "k"], [[(1, 1, '{"k":1,"t":1700000000}')]], "r")
    for argv in (["-k", "k", "--key-as", "text"], ["-k", "t"], ["-k", "k", "-t", "t", "--ttl", "1h"]):
        got = dedup(*argv, "--state", "r", data=b'{"k":1,"t":1700000000}\n')
        if got[0] != 3 or got[1]:
            wrong.append((argv, got))
    name = [f for f in os.listdir(path("r")) if f.endswith(".state")][0]
    with open(os.path.join(path("r"), name), "rb") as f:
        good = f.read()
    for bad in (good[:-1], good[:40], b"", good[:-5] + bytes([good[-5] ^ 1]) + good[-4:], good[:50] + bytes([good[50] ^ 4]) + good[51:]):
        with open(os.path.join(path("r"), name), "wb") as f:
            f.write(bad)
        got = dedup("-k", "k", "--state", "r", data=b'{"k":1}\n')
        if got[0] != 3 or got[1]:
            wrong.append(("damaged", len(bad), got))
    holds("--state: other arguments and damaged files are refused", wrong)


def unfinished():
    """A call that ended badly has remembered nothing."""
    wrong = []
    got = dedup("-k", "k", "--state", "u", data=b'{"k":1}\n{"k":2}\n{"x":1}\n')
    if got[0] != 3:
        wrong.append(got)
    got = dedup("-k", "k", "--state", "u", data=b'{"k":1}\n{"k":2}\n')
    if got != (0, b'{"k":1}\n{"k":2}\n', ""):
        wrong.append(got)
    got = dedup("-k", "k", "--state", "u", "-o", "/nowhere/x", data=b'{"k":3}\n')
    got = dedup("-k", "k", "--state", "u", data=b'{"k":3}\n{"k":2}\n')
    if got != (0, b'{"k":3}\n', ""):
        wrong.append(got)
    holds("--state: a call that failed has remembered nothing", wrong)


def killed():
    """kill -9 at every system call that changes anything: the state before or after, and the same call again gives the same bytes."""
    if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("# strace cannot be used here")
        holds("--state: kill -9 # SKIP no strace", [])
        return
    names = "openat,write,pwrite64,fsync,rename,renameat2,unlink,unlinkat,mkdir,ftruncate,linkat,close"
    new, wrong, steps = put("new", b"".join(b'{"k":%d}\n' % (i % 700) for i in range(300, 1000))), [], 0
    want = b"".join(b'{"k":%d}\n' % i for i in range(500, 700))
    for size in ("64M", "1K"):
        def fresh(state):
            dedup("-k", "k", "--state", state, data=b"".join(b'{"k":%d}\n' % i for i in range(500)))
        fresh("ref" + size)
        argv = ["-k", "k", "-S", size, "-o", "out", "--state"]
        dedup(*argv, "ref" + size, new, strace=["strace", "-qq", "-o", path("log"), "-e", "trace=" + names])
        with open(path("out"), "rb") as f:
            if f.read() != want:
                wrong.append("-S %s: the undisturbed answer" % size)
        count = {}
        with open(path("log")) as f:
            for line in f:
                call = line.split("(")[0]
                count[call] = count.get(call, 0) + 1
        for call, times in count.items():
            for k in range(max(1, times - 30), times + 1):      # the many at the beginning are the loader's
                steps += 1
                state = "kill.%s.%d.%s" % (call, k, size)
                fresh(state)
                if os.path.exists(path("out")):
                    os.unlink(path("out"))
                dedup(*argv, state, new, strace=["strace", "-qq", "-o", "/dev/null", "-e", "inject=%s:signal=KILL:when=%d" % (call, k)])
                done = os.path.exists(path("out"))
                got = dedup("-k", "k", "-o", "out2", "--state", state, new)
                with open(path("out2"), "rb") as f:
                    again = f.read()
                # it was remembered only if it is out; then again it is nothing, else the same bytes
                if got[0] != 0 or not (again == want or (done and again == b"")):
                    wrong.append("%s %d: %s, %d bytes" % (call, k, got, len(again)))
    holds("--state: killed at %d steps, then again" % steps, wrong)


def main():
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    answers(rng)
    by_value(rng)
    odd_inputs(rng)
    accounts(rng)
    changed()
    states(rng)
    refused()
    unfinished()
    killed()
    subprocess.run(["rm", "-rf", DIR], check=False)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
