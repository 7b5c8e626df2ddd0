#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""race.py EVENTS DIM - our commands against others on the same bytes in the same run

Alternating runs, the minimum of RUNS (5) each, one run of those far behind: wall seconds, CPU seconds, peak memory; every peer's answer is compared with ours
first, as sets of values.  Peers that are not installed are left out, aloud.  BENCH_PYTHON names a Python that can import duckdb.
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

EVENTS, DIM = sys.argv[1], sys.argv[2]
BIN = os.environ["BIN"]
RUNS = int(os.environ.get("RUNS", "5"))
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


def duck(sql):
    return [PYTHON, "-c", DUCK, sql] if PYTHON else None


def have(name):
    return shutil.which(name)


def ours(*argv):
    return [os.path.join(BIN, argv[0])] + list(argv[1:])


RACES = [
    ("json-map: filter", ours("json-map", "-w", "page.during_time > 15000 AND common.ar = '110000'", "-j", "1", EVENTS), {
        "jq": ["jq", "-c", 'select(.page.during_time > 15000 and .common.ar == "110000")', EVENTS],
        "gojq": ["gojq", "-c", 'select(.page.during_time > 15000 and .common.ar == "110000")', EVENTS],
        "mlr": ["mlr", "--json", "--jvstack", "--no-auto-flatten", "--ojsonl", "filter", '$page["during_time"] > 15000 && $common["ar"] == "110000"', EVENTS],
        "duckdb": duck("SELECT trace_id FROM %s WHERE page.during_time > 15000 AND common.ar = '110000'" % READ)},
     lambda line: json.loads(line)["trace_id"]),
    ("json-map: fields", ours("json-map", "--keep", "uid=common.uid,page=page.page_id,ts", "amount=amount * 2", "-j", "1", EVENTS), {
        "jq": ["jq", "-c", "{uid: .common.uid, page: .page.page_id, ts: .ts, amount: (.amount * 2)}", EVENTS],
        "gojq": ["gojq", "-c", "{uid: .common.uid, page: .page.page_id, ts: .ts, amount: (.amount * 2)}", EVENTS],
        "mlr": ["mlr", "--json", "--ojsonl", "--no-auto-flatten", "--from", EVENTS, "put", "-q",
                'emit1 {"uid": $common["uid"], "page": $page["page_id"], "ts": $ts, "amount": $amount * 2}'],
        "duckdb": duck("SELECT common.uid AS uid, page.page_id AS page, ts, amount * 2 AS amount FROM %s" % READ)},
     lambda line: str(json.loads(line)["uid"])),
    ("dedup", ours("dedup", "-k", "common.mid", "-j", "1", EVENTS), {
        "mlr": ["mlr", "--json", "--ojsonl", "--from", EVENTS, "flatten", "then", "head", "-n", "1", "-g", "common.mid"],
        "duckdb": duck("SELECT trace_id FROM (SELECT trace_id, row_number() OVER (PARTITION BY common.mid) AS n FROM %s) WHERE n = 1" % READ)},
     None),
    ("dimjoin", ours("dimjoin", "-k", "common.uid", "-K", "id", "--fields", "level,city,score", "-j", "1", DIM, EVENTS), {
        "duckdb": duck("SELECT e.trace_id, d.level, d.city, d.score FROM %s e LEFT JOIN read_json('%s', format='newline_delimited') d ON d.id = e.common.uid" % (READ, DIM))},
     None),
    ("window-agg: 5 min by area, count, exact sum, exact distinct", ours("window-agg", "-t", "ts:ms", "-w", "5m", "-g", "ar=common.ar", "n=count()",
        "amount=sum(amount)", "uv=distinct(common.uid)", "-j", "1", EVENTS), {
        "duckdb": duck("SELECT ts // 300000 AS w, common.ar AS ar, count(*) AS n, sum(amount) AS amount, count(DISTINCT common.uid) AS uv FROM %s GROUP BY ALL" % READ)},
     None),
    ("window-agg: GROUP BY area, count, sum", ours("window-agg", "-g", "ar=common.ar", "n=count()", "amount=sum(amount)", "-j", "1", EVENTS), {
        "jq": ["jq", "-n", "-c", "reduce inputs as $r ({}; .[$r.common.ar].n += 1 | .[$r.common.ar].a += $r.amount) | to_entries[]", EVENTS],
        "mlr": ["mlr", "--json", "--ojsonl", "--from", EVENTS, "flatten", "then", "stats1", "-a", "count,sum", "-f", "amount", "-g", "common.ar"],
        "duckdb": duck("SELECT common.ar AS ar, count(*) AS n, sum(amount) AS amount FROM %s GROUP BY ALL" % READ)},
     None),
]


def run(argv, out):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    t = time.monotonic()
    with open(out, "wb") as f:
        p = subprocess.Popen(argv, stdout=f, stderr=subprocess.PIPE)
        err = p.stderr.read()
        _, status, ru = os.wait4(p.pid, 0)
    wall = time.monotonic() - t
    if status != 0:
        sys.exit("%s: ended with %d: %s" % (argv[0], status, err.decode(errors="replace")[:400]))
    return wall, ru.ru_utime + ru.ru_stime, ru.ru_maxrss / 1024


def lines(path):
    with open(path, "rb") as f:
        return sum(1 for _ in f)


size = os.path.getsize(EVENTS) / 1e6
print("%d MB, %d lines; minimum of %d alternating runs, output to a file; %d cores" % (size, lines(EVENTS), RUNS, os.cpu_count()))
print("| race | who | seconds | CPU s | MB/s | peak MiB | ours is |")
print("|---|---|---|---|---|---|---|")
for title, mine, peers, key in RACES:
    if ONLY not in title:
        continue
    peers = {n: a for n, a in peers.items() if a and have(a[0])}
    best, count = {}, {}
    for i in range(RUNS):
        for name, argv in [("ours", mine)] + list(peers.items()):
            if i > 0 and best[name][0] > 3 * best["ours"][0] and best[name][0] > 3:
                continue    # one that far behind is run once
            out = os.path.join(TMP, name)
            r = run(argv, out)
            if i == 0:
                count[name] = lines(out)
            best[name] = r if name not in best else tuple(min(a, b) for a, b in zip(best[name], r))
    if key and "jq" in peers:
        with open(os.path.join(TMP, "ours"), encoding="utf-8") as a, open(os.path.join(TMP, "jq"), encoding="utf-8") as b:
            if [key(x) for x in a] != [key(x) for x in b]:
                sys.exit(title + ": the answers of ours and jq differ")
    for name in best:
        if count[name] != count["ours"]:
            sys.exit("%s: ours gives %d records, %s %d" % (title, count["ours"], name, count[name]))
        w, c, m = best[name]
        print("| %s | %s | %.3f | %.3f | %.0f | %.0f | %s |" % (title, name, w, c, size / w, m, "" if name == "ours" else "%.1fx faster" % (w / best["ours"][0])))
missing = [n for n in ("jq", "gojq", "mlr") if not have(n)] + ([] if PYTHON else ["duckdb (give BENCH_PYTHON, a Python that can import it)"])
if missing:
    print("not here: " + ", ".join(missing))
shutil.rmtree(TMP)
