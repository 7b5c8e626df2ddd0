#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""memory.py - the peak memory of each command over $DATA, -S at its default, beside what its man page promises; called by run

What keeps no state may take 32 MiB beside its threads' blocks; all else -S and 64 MiB.  A dimension may outgrow -S: its page says
about 90 bytes a row and three short fields.
"""
import os
import subprocess
import sys

DATA, BIN, ONCE = os.environ["DATA"], os.environ["BIN"], os.environ["ONCE"]
STATE, NONE = 256 + 64, 48
JOBS = [
    ("json-map", NONE, "json-map --keep trace_id,ts @events@"),
    ("json-split", NONE, "json-split -e displays @events@"),
    ("json-clean", NONE, "json-clean -s @spec@ @events@"),
    ("json-to-csv", NONE, "json-to-csv --columns trace_id,ts @events@"),
    ("cdc-norm", NONE, "cdc-norm @changes@"),
    ("trace-grep", NONE, "trace-grep 0123456789abcdef0123456789abcdef @events@"),
    ("trace-grep, zstd", NONE, "trace-grep 0123456789abcdef0123456789abcdef @events@.zst"),
    ("dedup", STATE, "dedup -k trace_id @events@"),
    ("dedup --keep last", STATE, "dedup -k common.mid --keep last @events@"),
    ("dimjoin", STATE, "dimjoin -k common.uid -K id --fields user_level,gender,birthday @users@ @events@"),
    ("window-agg, windows", STATE, "window-agg -t ts:ms -w 5m -g common.ar u=distinct(common.uid) @events@"),
    ("window-agg, a group a device", STATE, "window-agg -g common.mid n=count() l=collect(page.page_id) @events@"),
    ("window-agg --session", STATE, "window-agg -t ts:ms --session 30m -g common.mid n=count() @events@"),
    ("topn", STATE, "topn -n 2 --by ts -g common.mid @events@"),
    ("funnel-agg", STATE, "funnel-agg -u common.mid -t ts:ms --within 1h -g common.ar a:page.page_id='home' b:page.page_id='good_detail' @events@"),
    ("retention-agg", STATE, "retention-agg -u common.mid --cohort ts:ms --day ts:ms -g common.ar --days 0,1 @events@"),
    ("cdc-merge", STATE, "cdc-merge @rows@"),
    ("cdc-merge --scd2", STATE, "cdc-merge --scd2 --date 2026-06-02 @rows@"),
    ("dq-check", STATE, "dq-check warn=unique(trace_id) @events@"),
]


def main():
    spec = os.path.join(DATA, "clean.spec")
    with open(spec, "w", encoding="utf-8") as f:
        f.write("trace_id required\n")
    over = 0
    print("| command | MB in | peak MiB | allowed | |\n|---|---|---|---|---|")
    for title, allowed, command in JOBS:
        for name in ("events", "changes", "rows", "users"):
            command = command.replace("@%s@" % name, os.path.join(DATA, name))
        words = command.replace("@spec@", spec).replace("warn=", "").split(" ")
        p = subprocess.run([ONCE, "300", "/dev/null", os.path.join(BIN, words[0])] + words[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
        status, peak = int(p.stdout.split()[0]) >> 8, int(p.stdout.split()[4]) / 1024
        if status > 1:
            print("| %s | left out: ended with %d: %s |" % (title, status, p.stderr[-200:].decode(errors="replace").strip()))
            over += 1
            continue
        size = sum(os.path.getsize(x) for x in words if x.startswith(DATA) and x != spec)
        over += peak > allowed
        print("| %s | %d | %.0f | %d | %s |" % (title, size / 1e6, peak, allowed, "" if peak <= allowed else "OVER"), flush=True)
    return 1 if over else 0


sys.exit(main())
