#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""jobs - -j changes nothing: output, rejects, counts, messages, statuses of every command with 1 to 4 threads, on random inputs; TAP

    BIN=build/bin python3 tests/pipe/jobs.py [-s SEED] [COMMAND ...]

Blocks are cut to PIPEHOUSE_BLOCK bytes, so that small inputs have many of them.  That all thread counts agree would hold for a common
mistake too: where a record's fate is plain, what must come out is made here from the input's lines.
"""
import gzip
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cases  # noqa: E402

JOBS = ("1", "2", "3", "4")
# what tells of memory and time, not of the data
OWN = re.compile(rb',"(?:seconds|peak_kib|state_bytes|peak_state_bytes|peak_records|spilled_bytes)":[0-9.]+|"ts":17[0-9]{11}(?=}$)', re.M)

AGGS = ("n=count() s=sum(x) a=avg(x) lo=min(x) hi=max(x) f=first(u) l=last(u) d=distinct(u) h=hll(u) q=quantile(x,0.5) t=topk(k,2) "
        "sd=stddev(x) c=collect(k)")
# (name, arguments; @/ is the directory, %s the place of -S, --reject and the like)
COMMANDS = [
    ("json-map --keep", "json-map --keep id,k"),
    ("json-map expressions", "json-map -w \"x > 10 OR k ~ '^a'\" id y=x*2 m=md5(u) s=\"coalesce(u,'none') || '-' || k\""),
    ("json-map --all", "json-map --all --drop v y=x+1 k='upper(k)'"),
    ("json-map -w", "json-map -w 'x > 50'"),
    ("json-split", "json-split -e a --keep id --index i"),
    ("json-clean", "json-clean -s @/clean"),
    ("dimjoin --fields", "dimjoin -k k --fields name,level @/dim"),
    ("dimjoin --as inner", "dimjoin -k k --type inner --as d @/dim"),
    ("dimjoin anti", "dimjoin -k k --type anti @/dim"),
    ("dimjoin --fill reject", "dimjoin -k k --fill name,u=level --miss reject @/dim"),
    ("window-agg windows", "window-agg -t t -w 1m -s 30s -g k " + AGGS),
    ("window-agg groups", "window-agg -t t -g k,u " + AGGS),
    ("window-agg session", "window-agg -t t --session 5s -g k " + AGGS),
    ("window-agg late", "window-agg -t t -w 10s --late 5s -g k n='count()' s='sum(x)'"),
    ("window-agg partial", "window-agg -g k --partial n='count()' d='distinct(u)'"),
    ("topn row", "topn -n 3 --by x -g k"),
    ("topn dense", "topn -n 5 --by x%7 -g u --ties dense"),
    ("funnel-agg", "funnel-agg -u u -t t --within 1m -g k 'a: x > 20' 'b: x > 50' 'c: x < 10'"),
    ("funnel-agg unordered", "funnel-agg -u u --unordered 'a: x > 20' 'b: x > 50'"),
    ("retention-agg", "retention-agg -u u --cohort t --day d -g k --days 0,1,2"),
    ("dedup first", "dedup -k u"),
    ("dedup last", "dedup -k u --keep last"),
    ("dedup by", "dedup -k k,u --by x"),
    ("dedup within", "dedup -k k --within 10s -t t"),
    ("dq-check", "dq-check 'not_null(u)' 'unique(id)' 'warn range(x,0,90)' \"regex(k,'^[a-f]$')\" --result @/result --table t.x --dt 2026-11-20"),
    # keys that come again, in blocks of other threads; conditions of all sorts; what the whole is judged by
    ("dq-check repeats", "dq-check 'unique(u)' 'warn unique(k,x)' \"warn expr(k IN ('a','b') OR x > 50 AND NOT u ~ '^u1')\" 'warn range(u,1,2)' "
                         "\"ref(k,'@/dim',k)\" 'warn unique(a)' --result @/result"),
    ("dq-check whole", "dq-check --history @/h --table t.x --dt 2023-11-15 'fresh(t,1d)' 'change(distinct(u),1%)' 'change(sum(x),0)' "
                       "'change(null_rate(u),1%)' 'rows(1,3)' 'change(sum(k),0)' --result @/result"),
    ("dq-check --drop-bad unique", "dq-check --drop-bad 'range(x,0,90)' 'unique(u)' 'rows(1,)' --tee-bad @/tee --result @/result"),
    ("dq-check --drop-bad whole", "dq-check --drop-bad 'range(x,0,50)' 'warn not_null(u)' 'fresh(t,1d)' --history @/h --table t.x --dt 2023-11-15 "
                                  "'change(distinct(u),1%)' 'change(sum(x),0)' --tee-bad @/tee --result @/result"),
    ("dq-check --drop-bad", "dq-check --drop-bad 'not_null(u)' 'range(x,0,90)' --tee-bad @/tee"),
    ("json-to-csv", "json-to-csv --columns id,k,x,u"),
    ("json-to-csv, columns learned", "json-to-csv --null - --crlf"),
    ("trace-grep", "trace-grep -n u7"),
    ("trace-grep -k", "trace-grep -k u u3"),
    ("cdc-merge", "cdc-merge"),
    ("cdc-merge --scd2", "cdc-merge --scd2 --date 2023-11-20 --deletes mark"),
    ("cdc-merge ties", "cdc-merge"),
    ("cdc-merge ties --scd2", "cdc-merge --scd2 --date 2023-11-18"),
    ("cdc-merge ties -k", "cdc-merge -k id --table t --deletes mark"),
    ("cdc-norm", "cdc-norm"),
    ("cdc-norm places", "cdc-norm --epoch 3"),
]
n = failed = 0


def say(held, name, why=""):
    global n, failed
    n += 1
    failed += not held
    print("%sok %d - %s%s" % ("" if held else "not ", n, name, "".join("\n# " + x for x in why.split("\n")) if why and not held else ""))


def records(r, count, first=0):
    t = 1700000000000
    for i in range(first, first + count):
        t += r.randrange(-2000, 4000)
        o = {"id": i, "k": r.choice("abcdefg"), "t": t, "d": t + r.randrange(3) * 86400000}
        if r.random() < 0.9:
            o["u"] = "u%d" % r.randrange(40)
        if r.random() < 0.95:
            o["x"] = r.choice([r.randrange(100), round(r.random() * 100, 2)])
        o["v"] = "é" * r.randrange(6)
        o["a"] = [{"e": j} for j in range(r.randrange(4))]
        if r.random() < 0.01:
            o["a"] = [{"e": "x" * 900} for _ in range(40)]
        yield json.dumps(o, ensure_ascii=r.random() < 0.5, separators=(",", ":") if r.random() < 0.9 else (", ", ": ")).encode()


def changes(r, count, first=0):
    for i in range(first, first + count):
        row = '{"id":%d,"v":"%s"}' % (i % 50, "x" * r.randrange(200))
        yield ('{"op":"%s","db":"d","table":"t","key":{"id":%d},"ts":%d,"ord":"%08d","row":%s}' % (
            r.choice("cuud"), i % 50, 1700000000000 + i * 1000, i, row)).encode()


def ties(r, count, first=0):
    """Changes of which the first say neither table nor key; orders that are equal, or of two kinds; two tables; truncates."""
    for i in range(first, first + count):
        op, table = r.choice("cuuudr"), "t" if r.random() < 0.97 else "u"
        order = r.choice(["%08d" % r.randrange(40), "%08d" % r.randrange(40), "%09d" % r.randrange(9)])
        row = '{"id":%d,"n":%d,"v":"%s"}' % (r.randrange(30), i, "x" * r.randrange(300))
        key = '{"id":%s}' % re.match(r'{"id":(\d+)', row)[1] if r.random() < 0.97 else r.choice(['{"no":1}', "{}", "null", '{"id":null}'])
        if i < 60 or r.random() < 0.02:
            op = "ddl"
        elif r.random() < 0.005:
            op = "t"
        yield ('{"op":"%s","db":"d","table":"%s","key":%s,"ts":%d,"ord":"%s","row":%s}' % (
            op, table, key, 1700000000000 + r.randrange(400) * 1000000, order, row)).encode()


def feed(r, count, first=0):
    for i in range(first, first + count):
        yield b"null" if r.random() < 0.02 else (
            '{"database":"d","table":"t","type":"%s","ts":%d,"xid":%d,"commit":true,"data":{"id":%d,"v":%s},"old":{"v":1}}' % (
                r.choice(["insert", "update", "delete"]), 1700000000 + i, i, i % 50, r.choice(["1.10", "null", '"x"']))).encode()


def places(r, count, first=0):
    """Messages that name their place, and behind the first of them some that must know what came before."""
    source, at = "bin.000001", 0
    for i in range(first, first + count):
        at += r.randrange(3)
        o = {"database": "d", "table": r.choice("tu"), "type": r.choice(["insert", "update", "delete"]), "ts": 1700000000 + i, "xid": i}
        kind = 1 if i < 40 else r.random()
        if kind < 0.01:
            source = r.choice(["bin.000002", "other.000001", "bin.000001"])
        elif kind < 0.03:
            o["type"] = r.choice(["bootstrap-start", "bootstrap-complete"])
        elif kind < 0.05:
            o["type"] = "bootstrap-insert"
        if kind > 0.08:
            o["position"] = "%s:%d" % (source, 1000 + at)
        if kind > 0.12:
            o.update(r.choice([{"commit": True}, {"xoffset": r.randrange(9)}]))
        if kind > 0.14 or i < 40:
            o["primary_key_columns"] = ["id"]
        o["data"] = {"id": i % 50, "v": r.choice(["1.10", None, "x"]), "w": {"v": 1}}
        if o["type"] == "update":
            o["old"] = r.choice([{"v": "1.10"}, {"v": 1}, {"id": 7}, {"w": {"v": 2}, "none": 3}, {"id": i % 50, "v": "x"}])
        text = json.dumps(o, separators=(",", ":") if r.random() < 0.9 else (", ", " : "))
        if 0.14 < kind < 0.2 and i >= 40:
            text = r.choice(["null", '{"op":"c","ts_ms":1700000000000,"source":{"db":"d","table":"t","file":"f.000001","pos":%d,"row":0,'
                             '"connector":"mysql"},"after":{"id":%d}}' % (at, i),
                             '{"database":"d","table":"t","type":"INSERT","isDdl":false,"es":1700000000000,"data":[{"id":"%d"}],"pkNames":["id"]}' % i])
        yield text.encode()


def spoil(r, lines, part):
    bad = [b'{"id":1,', b"x", b"[]", b'{"id":01}', b'{"k":"\xff"}', b'{"x":"' + b"y" * 60000 + b'"}', b"{\"k\":\"a\", \"k\":\"b\"}", b'"']
    return [r.choice(bad) if r.random() < part else b"" if r.random() < part else ln for ln in lines]


def zstd(data, frame):
    """Frames of so many bytes, cut anywhere."""
    return b"".join(subprocess.run(["zstd", "-q", "-c"], input=data[i:i + frame], stdout=subprocess.PIPE, check=True).stdout
                    for i in range(0, len(data), frame))


class Inputs:
    """Sets of files by name, and what plain records are in them, in order."""

    def __init__(self, d, seed, records=records):
        os.makedirs(d, exist_ok=True)
        self.block = 1500
        r = random.Random(seed)
        good = list(records(r, 260))
        one, two, three = good[:90], good[90:91], good[91:]
        bad = spoil(r, list(records(r, 240)), 0.04)
        late = list(records(r, 200)) + [b"{no"] + list(records(r, 30))
        text = b"\n".join(good) + b"\n"
        self.dir = d
        self.sets = {
            "good": ([("g", text)], good),
            "several files": ([("g1", b"\n".join(one) + b"\n"), ("g2", two[0]), ("g3", b""), ("g4", b"\n".join(three))], good),
            "CRLF": ([("crlf", b"\r\n".join(good))], good),
            "zstd": ([("z.zst", zstd(text, 1777))], good),
            "gzip": ([("z.gz", gzip.compress(text[:5000]) + gzip.compress(text[5000:]))], good),
            "bad lines": ([("b1", b"\n".join(bad[:100]) + b"\n"), ("b2", b"\n".join(bad[100:]))], None),
            "one bad line late": ([("late", b"\n".join(late) + b"\n")], None),
            "a file that is missing": ([("g", None), ("nowhere", None), ("b1", None)], None),
            "a torn frame": ([("torn.zst", zstd(text, 3001)[:-9])], None),
        }
        for files, _ in self.sets.values():
            for name, data in files:
                if data is not None:
                    with open(os.path.join(d, name), "wb") as f:
                        f.write(data)


MODES = [("", []), ("--reject", ["--reject", "@/rejects"]), ("--on-error skip, -S", ["--on-error", "skip", "-S", "64K"]),
         ("--max-rejects", ["--reject", "@/rejects", "--max-rejects", "3"])]


def one(command, options, inputs, files, jobs, stdin, whole=False):
    """All that a call leaves behind."""
    d = tempfile.mkdtemp(prefix="j", dir=inputs.dir)
    try:
        for f in ("dim", "clean"):
            shutil.copy(os.path.join(inputs.dir, f), d)
        argv = [a.replace("@/", d + "/") for a in shlex.split(command) + options + ["--max-line", "50000", "-j", jobs, "--stats", "@/stats"]]
        names = [os.path.join("..", name) for name, _ in files]
        env = dict(cases.environment(d), PIPEHOUSE_BLOCK=str(inputs.block), PIPEHOUSE_ROOT=os.path.join(d, "wh"))
        feed = b""
        if stdin:
            with open(os.path.join(d, names[0]), "rb") as f:
                feed = f.read()
            names = []
        p = subprocess.run([os.path.join(cases.BIN, argv[0])] + argv[1:] + names, input=feed, cwd=d, env=env, timeout=120,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        left = {"stdout": p.stdout, "stderr": p.stderr, "status": b"%d" % p.returncode}
        for f in sorted(os.path.relpath(os.path.join(at, f), d) for at, _, names in os.walk(d) for f in names):
            with open(os.path.join(d, f), "rb") as g:
                left[f] = g.read() if whole else OWN.sub(b"", g.read())
        if stdin and "stats" in left:   # how a pipe is cut into blocks is the clock's choice: it shows where a bad record ends the work
            left["stats"] = re.sub(rb'"bytes_in":[0-9]+', b"", left["stats"])
        return {k: v.replace(d.encode(), b"DIR") for k, v in left.items()}
    finally:
        shutil.rmtree(d)


def differ(a, b, jobs):
    for k in sorted(set(a) | set(b)):
        x, y = a.get(k, b"(none)"), b.get(k, b"(none)")
        if x != y:
            at = next((i for i, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
            return "%s with -j %s at byte %d\n-j 1: ...%r\n-j %s: ...%r" % (k, jobs, at, x[max(0, at - 60):at + 80], jobs, y[max(0, at - 60):at + 80])
    return ""


def judge(command, inputs):
    """Every input, every mode, every number of threads. The first difference, or nothing; and how many calls that were."""
    calls = 0
    for what, (files, _) in inputs.sets.items():
        for mode, options in MODES:
            if mode and what in ("CRLF", "zstd", "gzip", "a torn frame", "a file that is missing") and "-S" not in mode:
                continue
            first = one(command, options, inputs, files, "1", False)
            if first["status"] == b"2":
                return "it cannot be called so: %r" % first["stderr"], calls
            runs = [(j, False) for j in JOBS[1:]]
            if len(files) == 1 and not mode:
                runs.append(("2", True))
            for j, stdin in runs:
                calls += 1
                got = one(command, options, inputs, files, j, stdin)
                against = one(command, options, inputs, files, "1", True) if stdin else first
                why = differ(against, got, j)
                if why:
                    return "%s, %s: %s" % (what, mode or "plain", why), calls
    return "", calls


def plain(inputs):
    """Against the lines themselves: what passes untouched, what a field is, where a bad line ends it."""
    for what, (files, good) in inputs.sets.items():
        if good is None:
            continue
        for j in JOBS:
            got = one("json-map --all", [], inputs, files, j, False)["stdout"]
            say(got == b"".join(x + b"\n" for x in good), "json-map --all -j %s, %s: the lines as they are" % (j, what))
            got = one("json-map --keep id", [], inputs, files, j, False)["stdout"]
            say(got == b"".join(b'{"id":%d}\n' % json.loads(x)["id"] for x in good), "--keep id -j %s, %s" % (j, what))
            left = one("window-agg 'n=count()' 's=sum(id)'", [], inputs, files, j, False)
            want = {"n": len(good), "s": sum(json.loads(x)["id"] for x in good)}
            say(json.loads(left["stdout"]) == want, "count and sum -j %s, %s" % (j, what), repr(left["stdout"]))
    with open(os.path.join(inputs.dir, "late"), "rb") as f:
        lines = f.read().split(b"\n")
    at = lines.index(b"{no")
    for j in JOBS:
        left = one("json-map --all", [], inputs, [("late", None)], j, False)
        say(left["status"] == b"3" and left["stdout"] == b"".join(x + b"\n" for x in lines[:at]) and
            left["stderr"].startswith(b"json-map: ../late:%d: " % (at + 1)) and left["stderr"].count(b"\n") == 1 and
            json.loads(left["stats"])["in"] == at + 1, "-j %s: all before the bad line, nothing behind it" % j, repr(left)[:600])


def spilled(inputs):
    """More groups than -S holds, in each thread's share of it."""
    r = random.Random(7)
    rows = [(r.randrange(4000), r.randrange(1000)) for _ in range(20000)]
    text = b"".join(b'{"g":%d,"x":%d}\n' % row for row in rows)
    with open(os.path.join(inputs.dir, "many"), "wb") as f:
        f.write(text)
    sums = {}
    for g, x in rows:
        sums.setdefault(g, []).append(x)
    want = sorted((str(g), len(v), sum(v), len(set(v))) for g, v in sums.items())
    inputs.block = 20000
    for j in JOBS:
        left = one("window-agg -g g n='count()' s='sum(x)' d='distinct(x)' -S 256K", [], inputs, [("many", None)], j, False, whole=True)
        got = [json.loads(x) for x in left["stdout"].splitlines()]
        say([(str(o["g"]), o["n"], o["s"], o["d"]) for o in got] == want, "-j %s with -S: what Python says of %d groups" % (j, len(want)),
            repr(left["stderr"]))
        say(json.loads(left["stats"]).get("spilled_bytes", 0) > 100000, "-j %s with -S: state went to disk" % j, repr(left["stats"]))


def second(inputs):
    """A second input in threads: rows, bad rows, repeated ones, in the order of the file."""
    r = random.Random(5)
    rows, bad, known = [], [], {}
    for i in range(1, 401):
        key, kind = r.randrange(300), r.random()
        name = "n" * r.randrange(40)
        line = '{"k":%d,"name":"%s","from":%s,"to":null}' % (key, name, '"2026-11-%02d"' % (1 + i % 30) if kind > 0.05 else '"never"')
        if kind > 0.97:
            line = r.choice(["[]", '{"k":{}}', '{"k":1', '{"k":[1],"name":2}'])
        elif kind > 0.94:
            line = '{"k":null,"name":"nobody"}'
        rows.append(line)
        if kind > 0.97 or (kind <= 0.94 and key in known):
            bad.append(i)
        elif kind <= 0.94:
            known[key] = name
    text = "\n".join(rows).encode()
    for name, data in (("rows", text), ("rows.zst", zstd(text, 4000))):
        with open(os.path.join(inputs.dir, name), "wb") as f:
            f.write(data)
    with open(os.path.join(inputs.dir, "asks"), "wb") as f:
        f.write(b"".join(b'{"k":%d}\n' % k for k in range(300)))
    want = b"".join(('{"k":%d,"name":%s}\n' % (k, '"%s"' % known[k] if k in known else "null")).encode() for k in range(300))
    for name in ("rows", "rows.zst"):
        for j in JOBS:
            left = one("dimjoin -k k --fields name ../" + name, ["--reject", "@/rejects"], inputs, [("asks", None)], j, False)
            say(left["stdout"] == want, "dimjoin -j %s, %s: the first row of each key" % (j, name), repr(left)[:900])
            say([json.loads(x)["line"] for x in left["rejects"].splitlines()] == bad, "-j %s: its bad rows in order" % j, repr(left)[:900])
            stats = json.loads(left["stats"])
            # those that are no objects are no records
            say(stats["second_in"] == len(rows) - sum(x in ("[]", '{"k":1') for x in rows), "-j %s: its rows counted" % j, repr(stats))
    for what, command in (("fail", "dimjoin -k k --fields name ../rows"), ("periods", "dimjoin -k k --as d --as-of k --valid from,to ../rows"),
                          ("whole rows", "dimjoin -k k --as d ../rows.zst"), ("ref", "dq-check --drop-bad 'warn ref(k,@/../rows,k)'")):
        for options in ([], ["--on-error", "skip"], ["--reject", "@/rejects", "--max-rejects", "20"]):
            first = one(command, options, inputs, [("asks", None)], "1", False)
            say(all(one(command, options, inputs, [("asks", None)], j, False) == first for j in JOBS[1:]) and first["status"] != b"2",
                "a second input, %s %s: 1 to 4 threads alike" % (what, " ".join(options[:2])), repr(first)[:900])
    files = {"base": ['{"id":%d,"v":"b%d"}' % (i, i) for i in range(0, 300, 2)],
             "news": ['{"op":"%s","db":"d","table":"t","key":{"id":%d},"ts":%d,"ord":"%06d","row":{"id":%d,"v":"n"}}' % (
                 r.choice("uuud"), i, n, n, i) for n, i in enumerate(r.randrange(300) for _ in range(200))],
             "left": ['{"k":%d,"t":%d}' % (r.randrange(9), 1700000000000 + n * 100 - r.randrange(3000)) for n in range(300)],
             "right": ['{"k":%d,"t":%d}' % (r.randrange(9), 1700000000000 + n * 100 - r.randrange(3000)) for n in range(300)]}
    for name, lines in files.items():
        with open(os.path.join(inputs.dir, name), "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
    for what, command, main_ in (("a base", "cdc-merge --base ../base", [("news", None)]),
                                 ("two streams", "stream-join --left ../left --right ../right -k k -t t:ms --between -1s,1s", []),
                                 ("two tables", "dq-reconcile -k id ../base", [("base", None)])):
        first = one(command, [], inputs, main_, "1", False)
        say(all(one(command, [], inputs, main_, j, False) == first for j in JOBS[1:]) and first["status"] == b"0" and first["stdout"],
            "%s: 1 to 4 threads alike" % what, repr(first)[:900])


def main(argv):
    seed = int(argv[1]) if argv[:1] == ["-s"] else 1
    only = argv[2:] if argv[:1] == ["-s"] else argv
    d = tempfile.mkdtemp(prefix="jobs.")
    inputs = Inputs(d, seed)
    told = Inputs(os.path.join(d, "ties"), seed, ties)
    others = {"cdc-merge": Inputs(os.path.join(d, "changes"), seed, changes), "cdc-norm": Inputs(os.path.join(d, "feed"), seed, feed),
              "cdc-merge ties": told, "cdc-merge ties --scd2": told, "cdc-merge ties -k": told,
              "cdc-norm places": Inputs(os.path.join(d, "places"), seed, places)}
    for i in {id(i): i for i in [inputs] + list(others.values())}.values():
        with open(os.path.join(i.dir, "dim"), "w") as f:
            f.write("".join('{"k":"%s","name":"n %s","level":%d}\n' % (c, c, n) for n, c in enumerate("abcde")))
        with open(os.path.join(i.dir, "clean"), "w") as f:
            f.write("k trim upper\nu default none\nx type decimal\n")
    try:
        if not only:
            plain(inputs)
            spilled(inputs)
            inputs.block = 1500
            second(inputs)
            inputs.block = 1500
        todo = [(t, c) for t, c in COMMANDS if not only or c.split()[0] in only]
        with ThreadPoolExecutor(2) as pool:
            for (title, _), (why, calls) in zip(todo, pool.map(lambda x: judge(
                    x[1], others.get(x[0], others.get(x[1].split()[0], inputs))), todo)):
                say(not why, "%s: 1 to 4 threads alike (%d calls)" % (title, calls), why)
    finally:
        shutil.rmtree(d)
    print("1..%d" % n)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
