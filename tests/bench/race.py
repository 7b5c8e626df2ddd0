#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""race.py EVENTS DIM - our commands against others on the same bytes in the same run

Alternating runs, the minimum of RUNS (5) each, one run of those far behind: wall seconds, CPU seconds, peak memory.  Before
anything is timed every peer's answer is held against ours, value by value, as bags of records (their order is each tool's own;
sums of tools that count in doubles are rounded to cents).  A peer that is not installed is left out, aloud; one that takes longer
than LIMIT (300) seconds is ended and told so.  BENCH_PYTHON names a Python that can import duckdb.
"""
import collections
import decimal
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

EVENTS, DIM = sys.argv[1], sys.argv[2]
BIN = os.environ["BIN"]
RUNS = int(os.environ.get("RUNS", "5"))
LIMIT = float(os.environ.get("LIMIT", "300"))
ONLY = os.environ.get("RACE", "")        # races whose title holds this text
PYTHON = os.environ.get("BENCH_PYTHON", "")
TMP = tempfile.mkdtemp(prefix="race.")

DUCK = """
import duckdb, sys
c = duckdb.connect(); c.execute("SET threads=%s")
c.execute("COPY (" + sys.argv[1] + ") TO '/dev/stdout' (FORMAT json)")
""" % os.environ.get("THREADS", "1")

READ = ("read_json('%s', format='newline_delimited', columns={ts:'BIGINT', amount:'DECIMAL(18,2)', trace_id:'VARCHAR', "
        "common:'STRUCT(uid VARCHAR, mid VARCHAR, ar VARCHAR)', page:'STRUCT(page_id VARCHAR, during_time BIGINT)'})" % EVENTS)
DIM_READ = "read_json('%s', format='newline_delimited', columns={id:'VARCHAR', level:'INT', city:'VARCHAR', score:'DECIMAL(9,2)'})" % DIM


def duck(sql):
    return [PYTHON, "-c", DUCK, sql] if PYTHON else None


def ours(*argv):
    return [os.path.join(BIN, argv[0])] + list(argv[1:])


def both(program, *options):
    """The same program for jq and for gojq, which reads no number as a double but otherwise speaks the same language."""
    return {name: [name, "-c"] + list(options[:-1]) + [program, options[-1]] for name in ("jq", "gojq")}


def mlr(*verbs):
    return ["mlr", "--json", "--ojsonl", "--from", EVENTS] + list(verbs)


def field(record, path):
    """A value by its path, whether the peer nests it or has flattened it; numbers to cents, so that 1.10 is 1.1."""
    if path in record:
        v = record[path]
    else:
        v = record
        for name in path.split("."):
            v = v.get(name) if isinstance(v, dict) else None
    if isinstance(v, (int, decimal.Decimal)) and not isinstance(v, bool):
        return str(decimal.Decimal(v).quantize(decimal.Decimal("0.01")))
    return v


def bag(path, names):
    """The records as a multiset of the named values."""
    with open(path, encoding="utf-8") as f:
        return collections.Counter(tuple(field(json.loads(x, parse_float=decimal.Decimal), n) for n in names) for x in f)


class Race:
    def __init__(self, title, mine, names, **peers):
        """names: the values that must agree, as paths in our records; a peer is (argv, its names for them) or argv."""
        self.title, self.mine, self.names = title, mine, names.split()
        self.peers = {}
        for name, p in peers.items():
            argv, theirs = p if isinstance(p, tuple) else (p, names)
            if argv and shutil.which(argv[0]):
                self.peers[name] = (argv, theirs.split())


WHERE = "page.during_time > 15000 AND common.ar = '110000'"
WHERE_JQ = 'select(.page.during_time > 15000 and .common.ar == "110000")'
FIELDS_JQ = "{uid: .common.uid, page: .page.page_id, ts: .ts, amount: (.amount * 2)}"
GROUP_JQ = ("[inputs | {%s, amount}] | group_by(%s)[] | {%s, n: length, amount: (map(.amount) | add)%s}")
# the dimension as one object: each of the two has one way to build it that takes linear time
INDEX = {"jq": "reduce $dim[] as $r ({}; . + {($r.id): $r})", "gojq": "$dim | map({key: .id, value: .}) | from_entries"}
JOIN_JQ = "(%s) as $d | inputs | . + ($d[.common.uid // \"\"] | {level, city, score})"

RACES = [
    Race("json-map: filter", ours("json-map", "-w", WHERE, "-j", "1", EVENTS), "trace_id ts common.uid",
         **both(WHERE_JQ, EVENTS),
         mlr=["mlr", "--json", "--no-auto-flatten", "--ojsonl", "filter", '$page["during_time"] > 15000 && $common["ar"] == "110000"', EVENTS],
         duckdb=duck("SELECT trace_id, ts, common FROM %s WHERE %s" % (READ, WHERE))),
    Race("json-map: fields", ours("json-map", "--keep", "uid=common.uid,page=page.page_id,ts", "amount=amount * 2", "-j", "1", EVENTS),
         "uid page ts amount", **both(FIELDS_JQ, EVENTS),
         mlr=["mlr", "--json", "--ojsonl", "--no-auto-flatten", "--from", EVENTS, "put", "-q",
              'emit1 {"uid": $common["uid"], "page": $page["page_id"], "ts": $ts, "amount": $amount * 2}'],
         duckdb=duck("SELECT common.uid AS uid, page.page_id AS page, ts, amount * 2 AS amount FROM %s" % READ)),
    # DuckDB has no first of a key without an order; it is asked for one of each
    Race("dedup", ours("dedup", "-k", "common.mid", "-j", "1", EVENTS), "common.mid trace_id",
         **both("unique_by(.common.mid)[]", "-s", EVENTS),
         mlr=mlr("flatten", "then", "head", "-n", "1", "-g", "common.mid"),
         duckdb=duck("SELECT any_value(trace_id) AS trace_id, common.mid AS \"common.mid\" FROM %s GROUP BY common.mid" % READ)),
    Race("dimjoin", ours("dimjoin", "-k", "common.uid", "-K", "id", "--fields", "level,city,score", "-j", "1", DIM, EVENTS),
         "trace_id level city score", **{name: [name, "-n", "-c", "--slurpfile", "dim", DIM, JOIN_JQ % INDEX[name], EVENTS] for name in INDEX},
         mlr=mlr("flatten", "then", "join", "--ur", "-i", "json", "-f", DIM, "-l", "id", "-r", "common.uid", "-j", "common.uid"),
         duckdb=duck("SELECT e.trace_id, d.level, d.city, d.score FROM %s e LEFT JOIN %s d ON d.id = e.common.uid" % (READ, DIM_READ))),
    Race("window-agg: 5 min by area, count, exact sum, exact distinct", ours("window-agg", "-t", "ts:ms", "-w", "5m", "-g", "ar=common.ar",
         "n=count()", "amount=sum(amount)", "uv=distinct(common.uid)", "-j", "1", EVENTS), "window_start ar n amount uv",
         **both(GROUP_JQ % ("w: ((.ts / 300000 | floor) * 300000), ar: .common.ar, uid: .common.uid", "[.w, .ar]",
                            "window_start: .[0].w, ar: .[0].ar", ", uv: (map(.uid // empty) | unique | length)"), "-n", EVENTS),
         mlr=(mlr("put", "-q", 'emit1 {"w": $ts // 300000 * 300000, "ar": $common["ar"], "uid": $common["uid"], "amount": $amount}', "then",
                  "stats1", "-a", "count,sum", "-f", "amount", "-g", "w,ar,uid", "then",
                  "stats1", "-a", "count,sum", "-f", "amount_count,amount_sum", "-g", "w,ar"),
              "w ar amount_count_sum amount_sum_sum amount_count_count"),
         duckdb=duck("SELECT ts // 300000 * 300000 AS window_start, common.ar AS ar, count(*) AS n, sum(amount) AS amount, "
                     "count(DISTINCT common.uid) AS uv FROM %s GROUP BY ALL" % READ)),
    Race("window-agg: GROUP BY area, count, sum", ours("window-agg", "-g", "ar=common.ar", "n=count()", "amount=sum(amount)", "-j", "1", EVENTS),
         "ar n amount", **both(GROUP_JQ % ("ar: .common.ar", ".ar", "ar: .[0].ar", ""), "-n", EVENTS),
         mlr=(mlr("flatten", "then", "stats1", "-a", "count,sum", "-f", "amount", "-g", "common.ar"), "common.ar amount_count amount_sum"),
         duckdb=duck("SELECT common.ar AS ar, count(*) AS n, sum(amount) AS amount FROM %s GROUP BY ALL" % READ)),
]


def run(argv, out):
    """Wall seconds, CPU seconds and peak MiB of one run, or None where it took longer than LIMIT."""
    t = time.monotonic()
    with open(out, "wb") as f, tempfile.TemporaryFile() as err:
        p = subprocess.Popen(argv, stdout=f, stderr=err)
        late = threading.Timer(LIMIT, p.kill)
        late.start()
        _, status, ru = os.wait4(p.pid, 0)
        late.cancel()
        wall = time.monotonic() - t
        if status != 0 and wall >= LIMIT:
            return None
        if status != 0:
            err.seek(0)
            sys.exit("%s: ended with %d: %s" % (argv[0], status, err.read(400).decode(errors="replace")))
    return wall, ru.ru_utime + ru.ru_stime, ru.ru_maxrss / 1024


def compare(race, late):
    mine = bag(os.path.join(TMP, "ours"), race.names)
    keys = bag(os.path.join(TMP, "ours"), race.names[:1])
    for name, (_, theirs) in race.peers.items():
        if name in late:
            continue
        # which record of a key DuckDB takes is its own affair: the keys are what must agree
        one = race.title == "dedup" and name == "duckdb"
        want, got = keys if one else mine, bag(os.path.join(TMP, name), theirs[:1] if one else theirs)
        if want != got:
            return "%s: ours and %s differ: ours has %s, %s has %s" % (race.title, name, next(iter(want - got), None), name,
                                                                      next(iter(got - want), None))
    return None


def agree(race, late):
    """In a process of its own: a child's peak memory counts what its parent held when it was forked."""
    pid = os.fork()
    if pid == 0:
        why = compare(race, late)
        if why:
            print(why, file=sys.stderr, flush=True)
        os._exit(1 if why else 0)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        sys.exit(1)


def run_race(race, size):
    best, late = {}, []
    for i in range(RUNS):
        for name, argv in [("ours", race.mine)] + [(n, p[0]) for n, p in race.peers.items()]:
            if name in late or i > 0 and best[name][0] > 3 * best["ours"][0] and best[name][0] > 3:
                continue    # one that far behind is run once
            r = run(argv, os.path.join(TMP, name))
            if r is None:
                late.append(name)
            else:
                best[name] = r if name not in best else tuple(min(a, b) for a, b in zip(best[name], r))
        if i == 0:
            agree(race, late)
    for name, (w, c, m) in best.items():
        print("| %s | %s | %.3f | %.3f | %.0f | %.0f | %s |" % (race.title, name, w, c, size / w, m,
              "" if name == "ours" else "%.1fx faster" % (w / best["ours"][0])), flush=True)
    for name in late:
        print("| %s | %s | over %.0f, ended | | | | over %.0fx faster |" % (race.title, name, LIMIT, LIMIT / best["ours"][0]), flush=True)


def main():
    size = os.path.getsize(EVENTS) / 1e6
    with open(EVENTS, "rb") as f:
        n = sum(1 for _ in f)
    print("%d MB, %d lines; minimum of %d alternating runs, output to a file; %d cores" % (size, n, RUNS, os.cpu_count()))
    print("| race | who | seconds | CPU s | MB/s | peak MiB | ours is |\n|---|---|---|---|---|---|---|")
    for race in RACES:
        if ONLY in race.title:
            run_race(race, size)
    missing = [n for n in ("jq", "gojq", "mlr") if not shutil.which(n)]
    missing += [] if PYTHON else ["duckdb (give BENCH_PYTHON, a Python that can import it)"]
    if missing:
        print("not here: " + ", ".join(missing))


try:
    main()
finally:
    shutil.rmtree(TMP)
