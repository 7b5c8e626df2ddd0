#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""memory.py - the peak memory of each command over $DATA, -S at its default, beside the formula of its man page; called by run

Each job names what RESOURCES of its page says its state takes, in the numbers that the data was counted to have: L lines, T traces,
M devices, A areas, G device and area pairs, P page views, W windows of 5 minutes and areas, U different users of those, D rows of the
dimension, R changes, K keys of changes; b is the length of a line, r that of a change.  With one thread a process may take half as much
again and 32 MiB, for a table that grows is there twice; at the default -j, where each thread has a state of its own, -S and 64 MiB at
the most; what keeps no state 10 MiB a thread and 16 MiB.

KEYS=N, instead: as many change records of 200 bytes as there are keys, $BENCH/keys, each key in it once (50000000 are 10 GB), through each command
that holds something for a key; none may take more than -S and 64 MiB.
"""
import os
import re
import subprocess
import sys

DATA, BIN, ONCE = os.environ["DATA"], os.environ["BIN"], os.environ["ONCE"]
MIB = 1 << 20
BUDGET = 256 * MIB
WANTED = {
    "mid": re.compile(rb'"mid":"([^"]*)"'),
    "uid": re.compile(rb'"uid":"([^"]*)"'),
    "ar": re.compile(rb'"ar":"([^"]*)"'),
    "ts": re.compile(rb'"ts":(\d+)'),
    "page": re.compile(rb'"page_id":"(home|good_detail)"'),
}
NOTHING = None
ONLY = os.environ.get("RACE", "")     # with KEYS: commands whose title holds this text
JOBS = [
    ("json-map", NOTHING, "json-map --keep trace_id,ts @events@"),
    ("json-split", NOTHING, "json-split -e displays @events@"),
    ("json-clean", NOTHING, "json-clean -s @spec@ @events@"),
    ("json-to-csv", NOTHING, "json-to-csv --columns trace_id,ts @events@"),
    ("json-from-csv", NOTHING, "json-from-csv @csv@"),
    ("cdc-norm", NOTHING, "cdc-norm @changes@"),
    ("trace-grep", NOTHING, "trace-grep 0123456789abcdef0123456789abcdef @events@"),
    ("trace-grep, zstd", NOTHING, "trace-grep 0123456789abcdef0123456789abcdef @events@.zst"),
    ("dedup", "27*T", "dedup -k trace_id @events@"),
    ("dedup --keep last", "M*(220+b+12)", "dedup -k common.mid --keep last @events@"),
    ("dedup --within", "36*L", "dedup -k common.mid -t ts:ms --within 1s @events@"),
    ("dimjoin", "75*D", "dimjoin -k common.uid -K id --fields user_level,gender,birthday @users@ @events@"),
    ("window-agg, windows", "W*(20+48+40)+U*24", "window-agg -t ts:ms -w 5m -g common.ar u=distinct(common.uid) @events@"),
    ("window-agg, a group a device", "M*(12+48+8+24)+L*3*(8+2)", "window-agg -g common.mid n=count() l=collect(page.page_id) @events@"),
    ("window-agg --session", "M*(12+48)+L*(12+8)", "window-agg -t ts:ms --session 30m -g common.mid n=count() @events@"),
    ("topn", "2*2*M*(b+150)", "topn -n 2 --by ts -g common.mid @events@"),
    ("funnel-agg", "G*(100+14)+3*16*P", "funnel-agg -u common.mid -t ts:ms --within 1h -g common.ar a:page.page_id='home' "
     "b:page.page_id='good_detail' @events@"),
    ("retention-agg", "G*(90+22)", "retention-agg -u common.mid --cohort ts:ms --day ts:ms -g common.ar --days 0,1 @events@"),
    ("cdc-merge", "2*K*(100+r)", "cdc-merge @rows@"),
    ("cdc-merge --scd2", "2*K*(100+r)", "cdc-merge --scd2 --date 2026-06-02 @rows@"),
    ("dq-check", "27*T", "dq-check warn=unique(trace_id) @events@"),
    ("dq-reconcile", "4*1048576", "dq-reconcile -k trace_id --sum ts @events@ @events@"),
    ("stream-join", "2*L*(b+100+110)", "stream-join --left @events@ --right @events@ -k trace_id -t ts:ms --between 0s,1s"),
]

KEYED = [
    ("dedup", "dedup -k key.id"),
    ("dedup --keep last", "dedup -k key.id --keep last"),
    ("dedup --count", "dedup -k key.id --count n"),
    ("dedup --within", "dedup -k key.id -t ts:ms --within 1h"),
    ("window-agg, a group a key", "window-agg -g key.id n=count() s=sum(row.v)"),
    ("window-agg, distinct", "window-agg u=distinct(key.id)"),
    ("window-agg, topk", "window-agg u=topk(key.id,3)"),
    ("window-agg --session", "window-agg -t ts:ms --session 30m -g key.id n=count()"),
    ("topn, of each key", "topn -n 1 --by ts -g key.id"),
    ("funnel-agg", "funnel-agg -u key.id -t ts:ms --within 1h a:row.v<50 b:row.v>20"),
    ("retention-agg", "retention-agg -u key.id --cohort ts:ms --day ts:ms --days 0,1"),
    ("cdc-merge", "cdc-merge"),
    ("cdc-merge --scd2", "cdc-merge --scd2 --date 2026-06-02"),
    ("dimjoin, a row a key", "dimjoin -k key.id --fields v=row.v @keys@ @keys@"),
    ("dq-check, unique", "dq-check unique(key.id)"),
    ("dq-reconcile, all missing", "dq-reconcile -k key.id --sum row.v /dev/null"),
    ("stream-join, late", "stream-join --side row.v<50 -k key.id -t ts:ms --between -10m,10m --late 1h"),
    ("json-map", "json-map --keep key.id,ts"),
]


def first(what, line):
    m = WANTED[what].search(line)
    return m[1] if m else None


def counted():
    """What the formulas are made of, counted by nothing of ours."""
    n = {"L": 0, "b": 0, "P": 0, "D": 0, "R": 0, "r": 0}
    devices, areas, pairs, windows, users, keys = set(), set(), set(), set(), set(), set()
    with open(os.path.join(DATA, "events"), "rb") as f:
        for line in f:
            n["L"] += 1
            n["b"] += len(line)
            mid, ar, when = first("mid", line), first("ar", line), int(first("ts", line) or 0) // 300000
            n["P"] += first("page", line) is not None
            devices.add(mid)
            areas.add(ar)
            pairs.add(hash((mid, ar)))
            windows.add((when, ar))
            users.add(hash((when, ar, first("uid", line))))
    with open(os.path.join(DATA, "users"), "rb") as f:
        n["D"] = sum(1 for _ in f)
    with open(os.path.join(DATA, "rows"), "rb") as f:
        for line in f:
            n["R"] += 1
            n["r"] += len(line)
            m = re.search(rb'"id":"?(\d+)', line)
            keys.add(m[1] if m else b"")
    n.update(T=n["L"], M=len(devices), A=len(areas), G=len(pairs), W=len(windows), U=len(users), K=len(keys), b=n["b"] / n["L"], r=n["r"] / n["R"])
    return n


def peak(words):
    """Bytes that the command took at most; one that did not end well is an OSError."""
    p = subprocess.run([ONCE, "3000", "/dev/null", os.path.join(BIN, words[0])] + words[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    status = int(p.stdout.split()[0]) >> 8
    if status > 1:
        raise OSError("ended with %d: %s" % (status, p.stderr[-200:].decode(errors="replace").strip()))
    return int(p.stdout.split()[4]) * 1024


def many_keys(n):
    """Each of n keys once, in an order that is none of theirs; the times go up by a millisecond."""
    path = os.path.join(os.environ["BENCH"], "keys")
    if not os.path.exists(path):
        make = ('BEGIN { for (i = 0; i < %d; i++) printf "{\\"op\\":\\"u\\",\\"db\\":\\"s\\",\\"table\\":\\"t\\",\\"key\\":{\\"id\\":\\"%%08d%%024.0f\\"},\\"ts\\":%%.0f,'
                '\\"ord\\":\\"%%012d\\",\\"row\\":{\\"id\\":\\"%%08d%%024.0f\\",\\"v\\":%%d.%%02d,\\"p\\":\\"0123456789abcdef\\"}}\\n", i * 7919 %% 99999989, i, 1780246220000 + i, i, '
                'i * 7919 %% 99999989, i, i %% 100, i %% 97 }' % n)
        with open(path + ".new", "wb") as out:
            subprocess.run(["awk", make], stdout=out, check=True)
        os.rename(path + ".new", path)
    over = 0
    print("%d keys, %d MB\n\n| command | peak MiB | may | |\n|---|---|---|---|" % (n, os.path.getsize(path) / 1e6))
    for title, command in KEYED:
        if ONLY not in title:
            continue
        words = command.replace("@keys@", path).split(" ") + ([] if "@keys@" in command else [path])
        try:
            took = peak(words)
        except OSError as e:
            print("| %s | left out: %s |" % (title, e), flush=True)
            over += 1
            continue
        bad = took > BUDGET + 64 * MIB
        over += bad
        print("| %s | %.0f | %d | %s |" % (title, took / MIB, BUDGET / MIB + 64, "OVER" if bad else ""), flush=True)
    return 1 if over else 0


def main():
    if os.environ.get("KEYS"):
        return many_keys(int(os.environ["KEYS"]))
    spec = os.path.join(DATA, "clean.spec")
    with open(spec, "w", encoding="utf-8") as f:
        f.write("trace_id required\n")
    with open(os.path.join(DATA, "csv"), "wb") as f:
        subprocess.run([os.path.join(BIN, "json-to-csv"), "--columns", "trace_id,ts,common.mid,common.uid", os.path.join(DATA, "events")], stdout=f, check=True)
    n = counted()
    threads = min(4, os.cpu_count() or 1)
    print(", ".join("%s = %d" % x for x in sorted(n.items())))
    over = 0
    print("\n| command | MB in | state by its page | its MiB | peak MiB, -j 1 | may | peak MiB, default -j | may | |\n|---|---|---|---|---|---|---|---|---|")
    for title, formula, command in JOBS:
        for name in ("events", "changes", "rows", "users", "csv"):
            command = command.replace("@%s@" % name, os.path.join(DATA, name))
        words = command.replace("@spec@", spec).replace("warn=", "").split(" ")
        state = eval(formula, {"__builtins__": {}}, n) if formula else 0  # pylint: disable=eval-used
        one = min(1.5 * state, BUDGET + 32 * MIB) + 32 * MIB if formula else 26 * MIB
        many = BUDGET + 64 * MIB if formula else (10 * threads + 16) * MIB
        try:
            peaks = [peak(words[:1] + ["-j", "1"] + words[1:]), peak(words)]
        except OSError as e:
            print("| %s | left out: %s |" % (title, e))
            over += 1
            continue
        size = sum(os.path.getsize(x) for x in words if x.startswith(DATA) and x != spec)
        bad = peaks[0] > one or peaks[1] > many
        over += bad
        print("| %s | %d | %s | %.0f | %.0f | %.0f | %.0f | %.0f | %s |" % (title, size / 1e6, formula or "none", state / MIB, peaks[0] / MIB,
              one / MIB, peaks[1] / MIB, many / MIB, "OVER" if bad else ""), flush=True)
    return 1 if over else 0


sys.exit(main())
