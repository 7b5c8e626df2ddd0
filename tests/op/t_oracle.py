#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_oracle - dedup, dimjoin, window-agg, funnel-agg, retention-agg, topn, json-split on random records against SQLite and plain Python; TAP

    BIN=build/bin python3 tests/op/t_oracle.py [SEED [ROUNDS]]

Nothing here shares code with what it judges: SQLite joins, groups and ranks; times, windows and sessions are Python's datetime and zoneinfo;
sums are Python's Decimal.
"""
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Context, Decimal, setcontext
from fractions import Fraction
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cases  # noqa: E402
from tap import finish, same  # noqa: E402

setcontext(Context(prec=200, rounding=ROUND_HALF_UP))
DIR = tempfile.mkdtemp(prefix="oracle.")


def run(*argv, data=b""):
    p = subprocess.run([os.path.join(cases.BIN, argv[0])] + list(argv[1:]), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=cases.environment(DIR), cwd=DIR, timeout=120)
    if p.returncode != 0 or p.stderr:
        return ["exit %d: %s" % (p.returncode, p.stderr.decode("utf-8", "replace")[:300])]
    return p.stdout.decode().split("\n")[:-1]


def dump(o):
    return json.dumps(o, separators=(",", ":"), ensure_ascii=False)


def ndjson(records):
    return ("\n".join(records) + "\n").encode() if records else b""


def file(name, records):
    path = os.path.join(DIR, name)
    with open(path, "wb") as f:
        f.write(ndjson(records))
    return path


def key_form(v):
    """The canonical form of a key, by its definition."""
    if isinstance(v, Decimal) or (isinstance(v, int) and not isinstance(v, bool)):
        d = Decimal(v)
        text = format(d.normalize() + 0, "f") if d else "0"
        return text
    return dump(v)


def load(line):
    return json.loads(line, parse_float=Decimal, parse_int=Decimal)


def small(name, argv, data, want):
    """The same with so little memory that every batch goes to disk."""
    stats = os.path.join(DIR, "stats")
    same(name + " -S 1K", run(*argv, "-S", "1K", "--stats", stats, data=data), want)
    with open(stats) as f:
        same(name + " -S 1K was on disk", [str(json.loads(f.readlines()[-1]).get("spilled_bytes", 0) > 0)], ["True"])


# ---- dedup ----

def dedup(rng):
    recs = []
    for i in range(3000):
        k = rng.choice(['%d' % rng.randrange(300), '%d.0' % rng.randrange(300), '%de0' % rng.randrange(300), '"%d"' % rng.randrange(300),
                        '"\\u0031%d"' % rng.randrange(30), 'true', '-0', '0'])
        v = rng.choice(["null", str(rng.randrange(50)), "%d.%d" % (rng.randrange(50), rng.randrange(100))])
        recs.append('{"i":%d,"k":%s, "z":"%s","v":%s}' % (i, k, rng.choice("ab"), v))
    key = lambda r: (key_form(r["k"]), r["z"])
    rows = [(i, r, load(r)) for i, r in enumerate(recs)]
    data = ndjson(recs)
    first, last = {}, {}
    for i, r, o in rows:
        first.setdefault(key(o), i)
        last[key(o)] = i
    same("dedup", run("dedup", "-k", "k,z", data=data), [recs[i] for i in sorted(first.values())])
    small("dedup", ["dedup", "-k", "k,z"], data, [recs[i] for i in sorted(first.values())])
    same("dedup --keep last", run("dedup", "-k", "k,z", "--keep", "last", data=data), [recs[i] for i in sorted(last.values())])
    for keep, sign in (("last", 1), ("first", -1)):
        best = {}
        for i, r, o in rows:
            # a value beats none; among values the largest (smallest); then the last (first) place
            mark = (o["v"] is not None, sign * o["v"] if o["v"] is not None else 0, sign * i)
            if key(o) not in best or mark > best[key(o)][0]:
                best[key(o)] = (mark, i)
        args, want = ["dedup", "-k", "k,z", "--keep", keep, "--by", "v"], [recs[i] for i in sorted(i for _, i in best.values())]
        same("dedup --keep %s --by" % keep, run(*args, data=data), want)
        small("dedup --keep %s --by" % keep, args, data, want)
    for width, name in ((None, "day"), (60, "1m"), (3600, "1h"), (7200, "120m")):
        ordered = rng.random() < 0.5
        timed = [[1700000000 + rng.randrange(3 * 86400), rng.randrange(20)] for _ in range(2000)]
        if ordered:
            timed.sort()
        passed, want, lines = {}, [], []
        for t, k in timed:
            lines.append('{"t":%d,"k":%d,"i":%d}' % (t, k, len(lines)))
            mine, local = passed.setdefault(k, []), datetime.fromtimestamp(t, ZoneInfo("Asia/Shanghai")).date()
            if not any(local == p[1] if width is None else abs(t - p[0]) < width for p in mine):
                mine.append((t, local))
                want.append(lines[-1])
        same("dedup --within %s%s" % (name, ", in order" * ordered),
             run("dedup", "-k", "k", "-t", "t", "--within", name, "--tz", "Asia/Shanghai", data=ndjson(lines)), want)
    seen, want = set(), []
    for i, r, o in rows:
        k = (o["k"] if isinstance(o["k"], str) else key_form(o["k"]) if o["k"] is not True else True, o["z"])
        if k not in seen:
            seen.add(k)
            want.append(r)
    same("dedup --key-as text", run("dedup", "-k", "k,z", "--key-as", "text", data=data), want)


# ---- dimjoin, against SQLite ----

def dimjoin(rng):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE f (pos INTEGER, a INTEGER, b TEXT, name TEXT, d TEXT)")
    db.execute("CREATE TABLE dim (x INTEGER, y TEXT, name TEXT, n INTEGER, s TEXT, e TEXT)")
    keys, dim, fact = set(), [], []
    day = lambda i: (date(2026, 11, 1) + timedelta(i)).isoformat()
    for i in range(400):
        x, y = rng.randrange(40), rng.choice(["p", "q", "é", None])
        if (x, y) in keys and y is not None:
            continue
        keys.add((x, y))
        row = (x, y, rng.choice(["n%d" % i, None]), rng.randrange(1000))
        db.execute("INSERT INTO dim VALUES (?,?,?,?,NULL,NULL)", row)
        dim.append(dump(dict(zip(("x", "y", "name", "n"), row))))
    for i in range(3000):
        row = (rng.choice([rng.randrange(60), None]), rng.choice(["p", "q", "é", None]), rng.choice([None, "own"]))
        db.execute("INSERT INTO f VALUES (?,?,?,?,NULL)", (i,) + row)
        fact.append(dump({"pos": i, "k": {"a": row[0], "b": row[1]}, "name": row[2]}))
    path, data = file("dim", dim), ndjson(fact)
    join = "FROM f %s JOIN dim ON f.a = dim.x AND f.b = dim.y ORDER BY pos"
    cols = "pos, f.a, f.b, f.name, dim.name, dim.n, dim.x, dim.y, dim.rowid IS NOT NULL"
    args = ["dimjoin", "-k", "k.a,k.b", "-K", "x,y"]
    for kind in ("LEFT", "INNER"):
        rows = db.execute("SELECT %s %s" % (cols, join % kind)).fetchall()
        # `name` stands in the record: replaced in place; num is new: appended
        want = [dump({"pos": r[0], "k": {"a": r[1], "b": r[2]}, "name": r[4], "num": r[5]}) for r in rows]
        same("dimjoin --fields, %s" % kind, run(*args, "--type", kind.lower(), "--fields", "name,num=n", path, data=data), want)
        want = [dump({"pos": r[0], "k": {"a": r[1], "b": r[2]}, "name": r[3], "dim": None if not r[8] else
                      {"x": r[6], "y": r[7], "name": r[4], "n": r[5]}}) for r in rows]
        same("dimjoin --as, %s" % kind, run(*args, "--type", kind.lower(), "--as", "dim", path, data=data), want)
        want = [dump({"pos": r[0], "k": {"a": r[1], "b": r[2]}, "name": r[3] if r[3] is not None else r[4],
                      **({"num": r[5]} if r[8] else {})}) for r in rows]
        same("dimjoin --fill, %s" % kind, run(*args, "--type", kind.lower(), "--fill", "name,num=n", path, data=data), want)
    for kind, word in (("semi", "EXISTS"), ("anti", "NOT EXISTS")):
        rows = db.execute("SELECT pos FROM f WHERE %s (SELECT 1 FROM dim WHERE f.a = dim.x AND f.b = dim.y) ORDER BY pos" % word)
        same("dimjoin --type " + kind, run(*args, "--type", kind, path, data=data), [fact[r[0]] for r in rows])
    # SCD2: periods of one key do not meet; both days are inside
    db.execute("DELETE FROM dim")
    db.execute("DELETE FROM f")
    dim, fact = [], []
    for x in range(40):
        at = rng.randrange(5)
        for v in range(rng.randrange(1, 6)):
            end = at + rng.randrange(6)
            stop = "9999-12-31" if rng.random() < 0.2 else day(end)
            db.execute("INSERT INTO dim VALUES (?,NULL,NULL,?,?,?)", (x, v, day(at), stop))
            dim.append(dump({"x": x, "v": v, "start_date": day(at), "end_date": stop}))
            if stop[0] == "9":
                break
            at = end + 1 + rng.randrange(3)
    rng.shuffle(dim)
    zone = ZoneInfo("Asia/Shanghai")
    for i in range(2000):
        t = datetime(2026, 10, 30, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(40 * 86400))
        a, local = rng.randrange(45), t.astimezone(zone)
        form = rng.choice([0, 1, 2, 3])
        shown = [int(t.timestamp()), int(t.timestamp()) * 1000 + 7, local.strftime("%Y-%m-%d %H:%M:%S"), local.strftime("%Y-%m-%d")][form]
        db.execute("INSERT INTO f VALUES (?,?,NULL,NULL,?)", (i, a, local.date().isoformat()))
        fact.append(dump({"pos": i, "a": a, "t": shown}))
    rows = db.execute("SELECT pos, dim.n FROM f LEFT JOIN dim ON f.a = dim.x AND f.d BETWEEN dim.s AND dim.e ORDER BY pos")
    want = [fact[r[0]][:-1] + ',"v":%s}' % dump(r[1]) for r in rows]
    same("dimjoin --as-of", run("dimjoin", "-k", "a", "-K", "x", "--as-of", "t", "--fields", "v", "--tz", "Asia/Shanghai",
                                file("scd", dim), data=ndjson(fact)), want)


# ---- window-agg ----

def shown(values, scale_more=0):
    return max([-v.as_tuple().exponent for v in values] + [0]) + scale_more


def fixed(d, scale):
    return format(d.quantize(Decimal(1).scaleb(-scale)) + 0, "f") if d else format(Decimal(0).quantize(Decimal(1).scaleb(-scale)), "f")


def deviation(nums, less):
    """The standard deviation by its definition, over fractions; the root of 200 digits."""
    if len(nums) <= less:
        return "null"
    f = [Fraction(v) for v in nums]
    mean = sum(f) / len(f)
    var = sum((v - mean) ** 2 for v in f) / (len(f) - less)
    return fixed((Decimal(var.numerator) / Decimal(var.denominator)).sqrt(), min(38, shown(nums, 4)))


def quantile(nums, p):
    """Rank ceil(p n); the number of its bucket (a power of two cut in 128) nearest to 0 that has the digits of the longest, within the ends."""
    if not nums:
        return "null"
    scale, rank = shown(nums), max(1, -(-Fraction(p) * len(nums) // 1))
    v = Fraction(sorted(nums)[rank - 1])
    if rank in (1, len(nums)):
        return fixed(sorted(nums)[rank - 1], scale)
    out = Fraction(0)
    if v:
        power = Fraction(1)
        while power > abs(v):
            power /= 2
        while power * 2 <= abs(v):
            power *= 2
        bound = (abs(v) / power * 128 // 1) * power / 128
        out = Fraction(-(-bound * 10 ** scale // 1), 10 ** scale) * (1 if v > 0 else -1)
    out = min(max(out, Fraction(min(nums))), Fraction(max(nums)))
    assert abs(out - v) <= abs(v) / 128, (out, v)
    return fixed(Decimal(out.numerator) / Decimal(out.denominator), scale)


def by_value(text):
    """The order of collected values: booleans, numbers by size, texts by their bytes."""
    v = load(text)
    return (0, v) if isinstance(v, bool) else (1, v) if isinstance(v, Decimal) else (2, v.encode())


def most(texts, k):
    """The k values that come most often, ties in order, with their counts."""
    count = {}
    for t in texts:
        count[t] = count.get(t, 0) + 1
    return "[%s]" % ",".join('{"value":%s,"n":%d}' % (t, count[t]) for t in sorted(count, key=lambda t: (-count[t], by_value(t)))[:k])


def aggregates(recs):
    """recs: (time, object, raw value text) in any order. The members that AGGS ask for, as JSON text."""
    x = [(o["x"], raw) for _, o, raw in recs if o["x"] is not None]
    nums = [v for v, _ in x]
    at = sorted((t, key_form(o["x"]), raw) for t, o, raw in recs if o["x"] is not None)
    names = [o["s"] for _, o, _ in recs if o["s"] is not None]
    marks = [key_form(o["m"]) for _, o, _ in recs if o["m"] is not None]
    null = "null"
    return ",".join('"%s":%s' % p for p in (
        ("n", len(recs)), ("c", len(x)), ("sum", fixed(sum(nums), shown(nums)) if x else null),
        ("avg", fixed(sum(nums) / len(nums), shown(nums, 4)) if x else null),
        ("min", fixed(min(nums), shown(nums)) if x else null), ("max", fixed(max(nums), shown(nums)) if x else null),
        ("first", at[0][2] if x else null), ("last", at[-1][2] if x else null),
        ("smin", dump(min(names, key=lambda v: v.encode())) if names else null),
        ("smax", dump(max(names, key=lambda v: v.encode())) if names else null),
        ("d", len({key_form(o["m"]) for _, o, _ in recs if o["m"] is not None})),
        ("big", len([v for v in nums if v * 2 > 10])), ("sd", deviation(nums, 0)), ("sds", deviation(nums, 1)),
        ("p50", quantile(nums, "0.5")), ("p99", quantile(nums, "0.99")), ("about", len(set(marks))),
        ("top", most(marks, 2) if marks else null),
        ("all", "[%s]" % ",".join(sorted((raw for _, _, raw in recs if raw != "null"), key=lambda t: (by_value(t), t))) if x else null),
        ("set", "[%s]" % ",".join(sorted(set(marks), key=by_value)) if marks else null)))


AGGS = ["n=count()", "c=count(x)", "sum=sum(x)", "avg=avg(x)", "min=min(x)", "max=max(x)", "first=first(x)", "last=last(x)", "smin=min(s)",
        "smax=max(s)", "d=distinct(m)", "big=count(* WHERE x * 2 > 10)", "sd=stddev(x)", "sds=stddev_samp(x)", "p50=quantile(x,0.5)",
        "p99=quantile(x,0.99)", "about=hll(m)", "top=topk(m,2)", "all=collect(x)", "set=collect(distinct m)"]


# every aggregate with a WHERE: for it the records of which that does not hold are not there, but their groups are
SOME = "x > 0 OR s = 'a'"
AGGS_SOME = [w.replace("* WHERE", "* WHERE (%s) AND" % SOME) if "WHERE" in w else w.replace("()", "(*)")[:-1] + " WHERE %s)" % SOME for w in AGGS]


def some(recs):
    return [r for r in recs if (r[1]["x"] is not None and r[1]["x"] > 0) or r[1]["s"] == "a"]


def events(rng, count, spread, start):
    recs = []
    for i in range(count):
        ms = start + rng.randrange(spread)
        x = rng.choice(["null", str(rng.randrange(-20, 20)), "%d.%0*d" % (rng.randrange(20), rng.randrange(1, 4), rng.randrange(10))])
        s = rng.choice([None, "a", "é", "\U0001f600", "zz", "a\"b"])
        m = rng.choice(["1", "1.0", '"1"', '"%s"' % ("x" * rng.randrange(1, 12)), "null", "12345678901234567890", "true", "-1", '"\\u0078"'])
        g = rng.choice(['"b"', '"a"', "10", "9", "9.0", "null", '"é"'])
        recs.append((ms, '{"t":%d,"g":%s,"x":%s,"s":%s,"m":%s,"b":%s}' % (ms, g, x, dump(s), m, "true" if rng.random() < 0.1 else "false"), x))
    return recs


def grouped(recs):
    out = {}
    for ms, line, raw in recs:
        o = load(line)
        out.setdefault(key_form(o["g"]), []).append((ms, o, raw))
    return out


def rows_of(windows, which=lambda recs: recs):
    """{(start, end, order, group): records} to the lines that must come."""
    keys = sorted(windows, key=lambda k: (k[0], k[3].encode(), k[1], k[2]))
    return ['{"window_start":%d,"window_end":%d,"g":%s,%s}' % (k[0], k[1], k[3], aggregates(which(windows[k]))) for k in keys]


def calendar_start(ms, unit, zone):
    d = datetime.fromtimestamp(ms / 1000, zone).date()
    if unit == "1w":
        d -= timedelta(d.weekday())
    if unit == "1M":
        d = d.replace(day=1)
    nxt = d + timedelta(1 if unit == "1d" else 7) if unit != "1M" else (d.replace(day=28) + timedelta(4)).replace(day=1)
    at = lambda x: int(datetime(x.year, x.month, x.day, tzinfo=zone).astimezone(timezone.utc).timestamp() * 1000)
    return at(d), at(nxt)


def parts(name, rng, records, args, want):
    """Any split, partial states in any order, joined in one or two steps: the answer of one process."""
    split = [[] for _ in range(rng.randrange(1, 6))]
    for r in records:
        rng.choice(split).append(r)
    states = []
    for s in split:
        states += run(*args, "--partial", *(["-S", "64K"] if rng.random() < 0.5 else []), data=ndjson(s))
    states.sort()
    same(name + ", sorted", run(*args, "--merge", data=ndjson(states)), want)
    rng.shuffle(states)
    cut = rng.randrange(len(states))
    states[:cut] = run(*args, "--partial", "--merge", data=ndjson(states[:cut]))
    same(name + ", some joined before", run(*args, "--merge", data=ndjson(states)), want)


def windows(rng):
    recs = events(rng, 2500, 3600000, 1700000000000)
    data = ndjson([r[1] for r in recs])
    args = ["window-agg", "-t", "t:ms", "-g", "g"]
    for width, slide in ((300000, 300000), (300000, 60000), (90000, 60000)):
        want = {}
        for g, rs in grouped(recs).items():
            for r in rs:
                start = r[0] // slide * slide
                while start + width > r[0]:
                    want.setdefault((start, start + width, 0, g), []).append(r)
                    start -= slide
        same("window-agg -w %ds -s %ds" % (width / 1000, slide / 1000),
             run(*args, "-w", "%ds" % (width / 1000), "-s", "%ds" % (slide / 1000), *AGGS, data=data), rows_of(want))
        parts("window-agg -w --partial", rng, [r[1] for r in recs],
              [*args, "-w", "%ds" % (width / 1000), "-s", "%ds" % (slide / 1000), *AGGS], rows_of(want))
    small("window-agg -w", [*args, "-w", "90s", "-s", "60s", *AGGS], data, rows_of(want))
    where = [*args, "-w", "90s", "-s", "60s", *AGGS_SOME]
    same("window-agg: every aggregate WHERE", run(*where, data=data), rows_of(want, some))
    parts("window-agg: every aggregate WHERE, --partial", rng, [r[1] for r in recs], where, rows_of(want, some))
    rng.shuffle(recs)
    same("window-agg: the order of the input does not matter",
         run(*args, "-w", "90s", "-s", "60s", *AGGS, "-j", "3", data=ndjson([r[1] for r in recs])), rows_of(want))
    # days, weeks and months, over both changes of the clock
    zone = ZoneInfo("Europe/Berlin")
    recs = events(rng, 2500, 400 * 86400000, 1700000000000)
    for unit in ("1d", "1w", "1M"):
        want = {}
        for g, rs in grouped(recs).items():
            for r in rs:
                a, z = calendar_start(r[0], unit, zone)
                want.setdefault((a, z, 0, g), []).append(r)
        same("window-agg -w %s in a zone" % unit,
             run(*args, "-w", unit, "--tz", "Europe/Berlin", *AGGS, data=ndjson([r[1] for r in recs])), rows_of(want))


def sessions(rng):
    for breaks in (False, True):
        recs = events(rng, 1500, 3600000 * 5, 1700000000000)
        want = {}
        for g, rs in grouped(recs).items():
            # a break before others of its time
            rs.sort(key=lambda r: (r[0], not (breaks and r[1]["b"])))
            now, count = [], 0
            for r in rs:
                if now and (r[0] - now[-1][0] > 30000 or (breaks and r[1]["b"])):
                    want[(now[0][0], now[-1][0], count, g)] = now
                    now, count = [], count + 1
                now.append(r)
            want[(now[0][0], now[-1][0], count, g)] = now
        more = ["--break", "b"] if breaks else []
        same("window-agg --session%s" % (" --break" if breaks else ""),
             run("window-agg", "-t", "t", "-g", "g", "--session", "30s", *more, *AGGS, data=ndjson([r[1] for r in recs])), rows_of(want))
        parts("window-agg --session%s --partial" % (" --break" if breaks else ""), rng, [r[1] for r in recs],
              ["window-agg", "-t", "t", "-g", "g", "--session", "30s", *more, *AGGS], rows_of(want))


def group_by(rng):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (g TEXT, h INTEGER, x INTEGER, u TEXT)")
    recs = []
    for _ in range(4000):
        row = (rng.choice(["a", "b", "c", None]), rng.choice([1, 2, 10, None]), rng.choice([rng.randrange(-10**12, 10**12), None]),
               rng.choice([None, "u%d" % rng.randrange(500)]))
        db.execute("INSERT INTO t VALUES (?,?,?,?)", row)
        recs.append(dump(dict(zip("ghxu", row))))
    sql = "count(*), count(x), sum(x), min(x), max(x), min(u), max(u), count(DISTINCT u), count(CASE WHEN x > 0 THEN 1 END), sum(x * 2 + 1)"
    names = ["n", "c", "sum", "min", "max", "umin", "umax", "d", "pos", "twice"]
    aggs = ["n=count(*)", "c=count(x)", "sum=sum(x)", "min=min(x)", "max=MAX(x)", "umin=min(u)", "umax=max(u)", "d=count(distinct u)",
            "pos=count(x WHERE x > 0)", "twice=sum(x * 2 + 1)"]
    rows = db.execute("SELECT g, h, %s FROM t GROUP BY g, h" % sql).fetchall()
    rows.sort(key=lambda r: (dump(r[0]) + "," + dump(r[1])).encode())
    want = [dump(dict(zip(["who", "h"] + names, r))) for r in rows]
    same("window-agg as GROUP BY", run("window-agg", "-g", "who=g,h", *aggs, data=ndjson(recs)), want)
    small("window-agg as GROUP BY", ["window-agg", "-g", "who=g,h", *aggs], ndjson(recs), want)
    parts("window-agg as GROUP BY --partial", rng, recs, ["window-agg", "-g", "who=g,h", *aggs], want)
    row = db.execute("SELECT %s FROM t" % sql).fetchone()
    same("window-agg without groups", run("window-agg", *aggs, data=ndjson(recs)), [dump(dict(zip(names, row)))])
    row = db.execute("SELECT %s FROM t WHERE 0" % sql).fetchone()
    same("window-agg over nothing", run("window-agg", *aggs), [dump(dict(zip(names, row)))])


def numbers(rng):
    """Numbers of any size: deviations and quantiles; hll beyond its exact size, in one piece and joined."""
    recs, nums = [], []
    for _ in range(1500):
        scale = rng.choice([0, 0, 2, 8, rng.randrange(39)])
        nums.append(Decimal(rng.choice([0, 1, -1, rng.randrange(-999, 999), rng.randrange(-10**20, 10**20),
                                        rng.randrange(-10**37, 10**37)])).scaleb(-scale) + 0)
        recs.append('{"g":%d,"x":%s}' % (rng.randrange(40), format(nums[-1], "f")))
    want, ps = [], ["0", "0.001", "0.25", "0.5", "0.9", "0.999", "1"]
    for g in sorted(range(40), key=str):
        mine = [v for v, r in zip(nums, recs) if load(r)["g"] == g]
        want.append('{"g":%d,"sd":%s,"sds":%s,%s}' % (g, deviation(mine, 0), deviation(mine, 1),
                                                      ",".join('"q%d":%s' % (i, quantile(mine, p)) for i, p in enumerate(ps))))
    args = ["window-agg", "-g", "g", "sd=stddev(x)", "sds=stddev_samp(x)"] + ["q%d=quantile(x, %s)" % p for p in enumerate(ps)]
    same("window-agg stddev, quantile of numbers of any size", run(*args, data=ndjson(recs)), want)
    small("window-agg stddev, quantile", args, ndjson(recs), want)
    parts("window-agg stddev, quantile --partial", rng, recs, args, want)
    recs = ['{"u":"%d-%d"}' % (rng.randrange(10**6), i) for i in range(60000)]
    got = run("window-agg", "h=hll(u)", data=ndjson(recs))
    same("window-agg hll: 60,000 within 3 %", [str(len(got) == 1 and abs(int(load(got[0])["h"]) - 60000) < 1800)], ["True"])
    parts("window-agg hll --partial", rng, recs, ["window-agg", "h=hll(u)"], got)


# ---- funnel-agg, retention-agg ----

def rated(group, users):
    """The rows of a group."""
    out = []
    for i, (name, n) in enumerate(zip("abcd", users)):
        before = users[max(0, i - 1)]
        rate = fixed(Decimal(n) / Decimal(before), 4) if before else "null"
        out.append('{"g":%s,"step":"%s","n":%d,"users":%d,"rate":%s}' % (group, name, i + 1, n, rate))
    return out


def reaches(events, ends):
    """How many steps some choice of events takes: every first one is tried, then always the earliest next."""
    best = 0
    for t0, marks in events:
        if "a" not in marks:
            continue
        at, level, limit = t0, 1, ends(t0)
        for step in "bcd":
            later = [t for t, m in events if step in m and at <= t <= limit]
            if not later:
                break
            at, level = min(later), level + 1
        best = max(best, level)
    return best


def funnel(rng):
    zone = ZoneInfo("Asia/Shanghai")
    recs = []
    for _ in range(2500):
        marks = "".join(m for m in "abcd" if rng.random() < 0.35)
        recs.append((rng.choice(["1", '"x"', "null", "2.0"]), rng.choice([None, rng.randrange(60)]), 1700000000 + rng.randrange(400) * 600, marks))
    data = ndjson(['{"g":%s,"u":%s,"t":%d,"m":"%s"}' % (g, dump(u), t, m) for g, u, t, m in recs])
    steps = ["%s: m LIKE '%%%s%%'" % (s, s) for s in "abcd"]
    ends = {"1h": lambda t: t + 3600, "24h": lambda t: t + 86400, "9000s": lambda t: t + 9000,
            "day": lambda t: (datetime.combine(datetime.fromtimestamp(t, zone).date() + timedelta(1), datetime.min.time(), zone)).timestamp() - 1}
    for within in (*ends, None):
        people = {}
        for g, u, t, m in recs:
            if u is not None and m:
                people.setdefault(g[0] if g == "2.0" else g, {}).setdefault(u, []).append((t, m))
        want = []
        for g in sorted(people, key=lambda k: k.encode()):
            levels = [reaches(sorted(e), ends[within]) for e in people[g].values()] if within else None
            want += rated(g, [sum(v >= i for v in levels) for i in range(1, 5)] if within else
                          [sum(any(s in m for _, m in e) for e in people[g].values()) for s in "abcd"])
        args = ["-t", "t:s", "--within", within] if within else ["--unordered"]
        args = ["funnel-agg", "-u", "u", "-g", "g", "--tz", "Asia/Shanghai", *args, *steps]
        same("funnel-agg %s" % (within or "--unordered"), run(*args, data=data), want)
        small("funnel-agg %s" % (within or "--unordered"), args, data, want)


def retention(rng):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (g TEXT, u INTEGER, c TEXT, d TEXT)")
    recs, day = [], lambda i: (date(2026, 10, 20) + timedelta(i)).isoformat()
    for _ in range(4000):
        c = rng.randrange(12)
        row = (rng.choice(["a", "b", None]), rng.choice([None, rng.randrange(150)]), day(c), rng.choice([None, day(c + rng.randrange(20))]))
        db.execute("INSERT INTO t VALUES (?,?,?,?)", row)
        recs.append(dump(dict(zip("gucd", row))))
    days = [0, 1, 2, 3, 7, 14, 25]
    rows = db.execute("""WITH days(n) AS (VALUES %s), last(d) AS (SELECT max(d) FROM t WHERE u IS NOT NULL)
        SELECT g, c, n, count(DISTINCT u), CASE WHEN date(c, n || ' days') <= (SELECT d FROM last)
            THEN count(DISTINCT CASE WHEN d = date(c, n || ' days') THEN u END) END
        FROM t, days WHERE u IS NOT NULL GROUP BY g, c, n""" % ",".join("(%d)" % n for n in days)).fetchall()
    rows.sort(key=lambda r: (dump(r[0]).encode(), r[1], r[2]))
    args = ["retention-agg", "-u", "u", "--cohort", "c", "--day", "d", "-g", "g", "--days", ",".join(map(str, days))]
    want = [dump(dict(zip(["g", "cohort", "day", "users", "kept"], r))) for r in rows]
    same("retention-agg", run(*args, data=ndjson(recs)), want)
    small("retention-agg", args, ndjson(recs), want)


# ---- topn ----

def topn(rng):
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE t (pos INTEGER, g TEXT, x INTEGER)")
    recs = []
    for i in range(3000):
        row = (rng.choice(["a", "b", "c", None]), rng.choice([rng.randrange(40), None]))
        db.execute("INSERT INTO t VALUES (?,?,?)", (i,) + row)
        recs.append(dump({"pos": i, "g": row[0], "x": row[1]}))
    for name, word in (("row", "row_number() OVER (PARTITION BY g ORDER BY x DESC NULLS LAST, pos)"),
                       ("rank", "rank() OVER (PARTITION BY g ORDER BY x DESC NULLS LAST)"),
                       ("dense", "dense_rank() OVER (PARTITION BY g ORDER BY x DESC NULLS LAST)")):
        for limit in (1, 7, 200, 100000):
            rows = db.execute("SELECT pos, g, x, r FROM (SELECT *, %s AS r FROM t) WHERE r <= %d" % (word, limit)).fetchall()
            rows.sort(key=lambda r: (dump(r[1]).encode(), r[3], r[2] is None, -(r[2] or 0), r[0]))
            want = [recs[r[0]][:-1] + ',"rank":%d}' % r[3] for r in rows]
            same("topn -n %d --ties %s" % (limit, name),
                 run("topn", "-n", str(limit), "--by", "x", "-g", "g", "--ties", name, data=ndjson(recs)), want)
            if limit == 7:
                small("topn -n 7 --ties " + name, ["topn", "-n", "7", "--by", "x", "-g", "g", "--ties", name], ndjson(recs), want)
    rows = db.execute("SELECT pos FROM t ORDER BY (x * 3) % 7 * -1 DESC NULLS LAST, pos LIMIT 20").fetchall()
    same("topn --by an expression", run("topn", "-n", "20", "--by", "-(x * 3 % 7)", data=ndjson(recs)),
         [recs[r[0]][:-1] + ',"rank":%d}' % (i + 1) for i, r in enumerate(rows)])


# ---- json-split ----

def split(rng):
    def value(depth):
        kind = rng.randrange(7 if depth < 3 else 4)
        if kind < 4:
            return rng.choice(["1", "1.10", "-0", '"a]b"', '"\\""', "null", "true", '"{,"', '"\\\\"', '"é"'])
        if kind == 4:
            return "[" + rng.choice([",", " , "]).join(value(depth + 1) for _ in range(rng.randrange(4))) + "]"
        return "{" + ",".join('"%s":%s' % (k, value(depth + 1)) for k in "abc"[:rng.randrange(4)]) + "}"
    recs, want = [], []
    for i in range(1500):
        items = [value(0) for _ in range(rng.randrange(5))]
        kind = rng.randrange(8)
        array = "null" if kind == 0 else "[" + rng.choice([",", " ,\t"]).join(items) + rng.choice(["", " "]) + "]"
        recs.append('{"id":%d.0,"o":{"list":%s}}' % (i, array) if kind != 1 else '{"id":%d}' % i)
        if kind > 1:
            want += ['{"order":%d.0,"item":%s,"no":%d}' % (i, x, j) for j, x in enumerate(items)]
    same("json-split", run("json-split", "-e", "o.list", "--as", "item", "--index", "no", "--keep", "order=id", data=ndjson(recs)), want)


def main(argv):
    seed, rounds = int(argv[0]) if argv else 1, int(argv[1]) if len(argv) > 1 else 2
    for r in range(rounds):
        rng = random.Random(seed * 1000 + r)
        for part in (dedup, dimjoin, windows, sessions, group_by, numbers, funnel, retention, topn, split):
            part(rng)
    return finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
