#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""threads.py - what a second thread is worth: each command with -j 2 against -j 1, in turn, over the large inputs; called by run

RUNS (5) of each, minima and medians by the clock; all rows by turns, so that an hour of the host's other tenants falls on all alike;
and how much more CPU two threads take for the same.  Beside it what the machine gives: two processes with -j 1 at once do twice the
work, and how much faster that is than one after the other is what two cores are worth at that moment, on a host with other tenants
less than 2.  A first run of both compares their outputs byte by byte.  RACE=dedup: only those whose title holds this text.
"""
import hashlib
import os
import statistics
import subprocess
import sys

from jobs import CHECKS

DATA, BIN, ONCE = os.environ["DATA"], os.environ["BIN"], os.environ["ONCE"]
RUNS = int(os.environ.get("RUNS", "5"))
ONLY = os.environ.get("RACE", "")
GOAL = 1.75
JOBS = [
    ("json-map", "json-map --keep id=data.id,amount=data.total_amount,status=data.order_status,type,ts @changes@"),
    ("json-map -w", "json-map -w data.province_id<4 @changes@"),
    ("json-split", "json-split -e displays @events@"),
    ("json-clean", "json-clean -s @spec@ @events@"),
    ("json-to-csv", "json-to-csv --columns trace_id,ts,common.mid @events@"),
    ("cdc-norm", "cdc-norm @changes@"),
    ("trace-grep", "trace-grep 0123456789abcdef0123456789abcdef @events@"),
    ("dedup", "dedup -k common.mid @events@"),
    ("dedup, all different", "dedup -k trace_id @events@"),
    ("dimjoin", "dimjoin -k common.uid -K id --fields user_level,gender,birthday @users@ @events@"),
    ("window-agg, windows", "window-agg -t ts:ms -w 5m -g common.ar n=count() u=distinct(common.uid) @events@"),
    ("window-agg, a group a device", "window-agg -g common.mid n=count() @events@"),
    ("window-agg --session", "window-agg -t ts:ms --session 30m -g common.mid n=count() @events@"),
    ("topn by area", "topn -n 10 --by ts -g common.ar @events@"),
    ("funnel-agg", "funnel-agg -u common.mid -t ts:ms --within 1h -g common.ar a:page.page_id='home' b:page.page_id='good_detail' @events@"),
    ("retention-agg", "retention-agg -u common.mid --cohort ts:ms --day ts:ms -g common.ar --days 0,1 @events@"),
    ("cdc-merge", "cdc-merge @rows@"),
    ("cdc-merge -S 1G", "cdc-merge -S 1G @rows@"),
    ("dq-check, 12 checks", "dq-check -s @checks@ --table ods.log --dt 2026-06-01 @events@"),
    ("dq-reconcile", "dq-reconcile -k trace_id --sum ts @events@ @events@"),
    ("stream-join", "stream-join --left @events@ --right @events@ -k trace_id -t ts:ms --between 0s,1s"),
]


def words(command, threads):
    for name in ("events", "changes", "rows", "users"):
        command = command.replace("@%s@" % name, os.path.join(DATA, name))
    w = command.replace("@spec@", os.path.join(DATA, "clean.spec")).replace("@checks@", os.path.join(DATA, "dq.spec")).split(" ")
    return [os.path.join(BIN, w[0]), "-j", str(threads)] + w[1:]


def start(argv):
    inputs = sorted({x for x in argv[1:] if x.startswith(DATA) and not x.endswith(".spec")})
    return subprocess.Popen([ONCE, "3000", "/dev/null"] + argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, WARM=":".join(inputs)))


def end(p):
    out, err = p.communicate()
    word = out.split()
    if p.returncode != 0 or int(word[0]) >> 8 > 1:
        sys.exit("%s: %s%s" % (p.args[3], out.decode(errors="replace"), err[-300:].decode(errors="replace")))
    return float(word[1]), float(word[2]) + float(word[3])


def once(argv):
    return end(start(argv))


def twice(argv):
    """Two at once, until the later one is done."""
    first, second = start(argv), start(argv)
    return max(end(first), end(second))


def digest(argv):
    """Of all that it writes."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        h = hashlib.sha256()
        while block := p.stdout.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def main():
    with open(os.path.join(DATA, "clean.spec"), "w", encoding="utf-8") as f:
        f.write("trace_id required\n")
    with open(os.path.join(DATA, "dq.spec"), "w", encoding="utf-8") as f:
        f.write(CHECKS + "\n")
    rows, other = [], 0
    for title, command in JOBS:
        if ONLY not in title:
            continue
        if digest(words(command, 1)) == digest(words(command, 2)):
            rows.append((title, command, {"one": [], "two": [], "both": []}))
        else:
            print("%s is left out: another output with -j 2" % title, flush=True)
            other += 1
    for turn in range(RUNS):
        for _, command, runs in rows:
            # each is the first of a row in its turn: what the row before left behind, pages to be written, falls on that one
            how = [("one", once, 1), ("two", once, 2), ("both", twice, 1)]
            for kind, run, jobs in how[turn % 3:] + how[:turn % 3]:
                runs[kind].append(run(words(command, jobs)))
    print("| command | -j 1 s | -j 2 s | faster | medians | two processes | CPU, times | %gx |\n|---|---|---|---|---|---|---|---|" % GOAL)
    for title, _, runs in rows:
        one, two, both = (tuple(map(min, zip(*runs[k]))) for k in ("one", "two", "both"))
        medians = [statistics.median(run[0] for run in runs[k]) for k in ("one", "two")]
        print("| %s | %.3f | %.3f | %.2fx | %.2fx | %.2fx | %.2f | %s |" % (title, one[0], two[0], one[0] / two[0],
              medians[0] / medians[1], 2 * one[0] / both[0], two[1] / one[1], "reached" if one[0] / two[0] >= GOAL else "NOT reached"), flush=True)
    return 1 if other else 0


sys.exit(main())
