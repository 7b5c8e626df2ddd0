#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scan_race.py DATA LINES RUNS - every kernel of the scanner and simdjson's DOM over the same bytes, easy and hard

O names the build directory with tests/scan_bench and tests/scan_peer.  Runs alternate, the minimum counts; reading is in
it, and seconds are those of the processor.  The ratio is to the faster of the DOM line by line and by parse_many.  Records and values found must be the same.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
O = os.environ.get("O", "build")
EVENTS = ["common.uid", "common.mid", "page.page_id", "ts", "amount"]
CHANGES = ["table", "type", "data.id", "data.total_amount", "data.order_status"]
KERNELS = ("gfni", "avx512", "avx2", "portable")
ROWS = (
    ("events", "events", EVENTS, KERNELS + ("plain",)),
    ("events, validated only", "events", [], KERNELS),
    ("cdc", "cdc", CHANGES, KERNELS + ("plain",)),
    ("cdc, validated only", "cdc", [], KERNELS),
    ("keys shuffled", "shapes", EVENTS, KERNELS),
    ("2^16 shapes", "optional", EVENTS, KERNELS),
    ("10 % bad lines", "bad", EVENTS, KERNELS),
    ("blanks and \\uXXXX", "spaced", EVENTS, KERNELS),
    ("CRLF", "crlf", EVENTS, KERNELS),
)


def data_of(folder, kind, lines):
    name = os.path.join(folder, "%s-%d" % (kind, lines))
    if not os.path.exists(name) or os.path.getsize(name) == 0:
        with open(name + ".new", "wb") as f:
            subprocess.run([sys.executable, os.path.join(HERE, "gen_events.py"), kind, str(lines)], stdout=f, check=True)
        os.rename(name + ".new", name)
    return name


def race(data, paths, kernels, runs):
    """{who: (seconds, what it found)}; who cannot do it here, or not this input, is left out."""
    who = {k: [O + "/tests/scan_bench", k, data] for k in kernels}
    who.update({"DOM " + k: [O + "/tests/scan_peer", k, data] for k in ("line", "many")})
    best = {}
    for _ in range(runs):
        for name, argv in who.items():
            subprocess.run(["cat", data], stdout=subprocess.DEVNULL, check=True)      # a host may take the page cache back
            p = subprocess.run(argv + paths, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            if p.returncode != 0:
                continue
            seconds, found = p.stdout.decode().split(maxsplit=1)
            best[name] = min(best.get(name, (1e9, "")), (float(seconds), found.strip()))
    return best


def main():
    folder, lines, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    wrong = 0
    for title, kind, paths, kernels in ROWS:
        data = data_of(folder, kind, lines)
        best = race(data, paths, kernels, runs)
        dom = min(best[k][0] for k in best if k.startswith("DOM"))
        size = os.path.getsize(data)
        print("%-24s DOM %.2f GB/s" % (title, size / dom / 1e9), end="")
        for k in kernels:
            if k in best:
                print("   %s %.2fx (%.2f)" % (k, dom / best[k][0], size / best[k][0] / 1e9), end="")
        print(flush=True)
        if len({found for _, found in best.values()}) != 1:
            wrong += 1
            print("DIFFERENT ANSWERS: %s" % {k: found for k, (_, found) in best.items()})
    return 1 if wrong else 0


sys.exit(main())
