#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""growth.py - what ten times the input costs: time and memory of the main commands over GROW megabytes of the log; called by run

GROW='10 100 1000 10000' by default; the largest is made once and takes that much disk, commands that spill need as much again.  Straight
lines are expected: ten times the bytes, ten times the time, and memory that -S bounds.  KEYS=50000000 runs, besides, dedup over that
many different keys from a pipe, in 256 MiB and with room for all of them.
"""
import os
import subprocess
import sys

BENCH, BIN, ONCE = os.environ["BENCH"], os.environ["BIN"], os.environ["ONCE"]
SIZES = [int(x) for x in os.environ.get("GROW", "10 100 1000 10000").split()]
KEYS = int(os.environ.get("KEYS", "0"))
HERE = os.path.dirname(os.path.abspath(__file__))
JOBS = [
    ("json-map, two fields", "json-map --keep trace_id,ts @"),
    ("dedup by device", "dedup -k common.mid @"),
    ("dedup by trace_id, all different", "dedup -k trace_id @"),
    ("dimjoin, 500,000 rows", "dimjoin -k common.uid -K id --fields user_level,gender,birthday %s/users @" % BENCH),
    ("window-agg, 5 min by area, distinct", "window-agg -t ts:ms -w 5m -g common.ar u=distinct(common.uid) @"),
    ("window-agg, a group a device", "window-agg -g common.mid n=count() @"),
    ("topn, 2 of each device", "topn -n 2 --by ts -g common.mid @"),
]


def once(argv, warm=""):
    p = subprocess.run([ONCE, "3000", "/dev/null"] + argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, env=dict(os.environ, WARM=warm))
    word = p.stdout.split()
    if int(word[0]) != 0:
        sys.exit("%s: ended with %d: %s" % (argv[0], int(word[0]) >> 8, p.stderr[-300:].decode(errors="replace")))
    return float(word[1]), float(word[2]) + float(word[3]), int(word[4]) / 1024


def cut(source, size, path):
    """The first `size` bytes, to the end of the line."""
    with open(source, "rb") as f, open(path, "wb") as out:
        while size > 0:
            block = f.read(min(1 << 20, size))
            if not block:
                return
            out.write(block)
            size -= len(block)
        out.write(f.readline())


def made(shop, kind, lines, path):
    if not os.path.exists(path):
        with open(path + ".new", "wb") as out:
            subprocess.run([sys.executable, os.path.join(HERE, "shop_data.py"), shop, kind, str(lines)], stdout=out, check=True)
        os.rename(path + ".new", path)


def many_keys(n):
    """n different keys through a pipe, 200 bytes a line: awk is what makes them."""
    text = ("awk 'BEGIN { for (i = 0; i < %d; i++) printf \"{\\\"k\\\":\\\"%%015.0f%%017.0f\\\",\\\"n\\\":%%d,\\\"pad\\\":\\\"%%0140d\\\"}\\n\","
            " (i * 7919) %% 999983, i, i, 0 }' | %s/dedup -k k %s")
    for title, options in (("-S 256M", "-S 256M"), ("-S 2G", "-S 2G")):
        wall, cpu, peak = once(["sh", "-c", text % (n, BIN, options)])
        print("| dedup, %d different keys from a pipe, %s | %d | %.2f | %.2f | %.0f |" % (n, title, n * 206 // 10**6, wall, cpu, peak), flush=True)


def main():
    full, part = os.path.join(BENCH, "grow"), os.path.join(BENCH, "grow.part")
    shop = os.path.join(BENCH, "shop")
    if not os.path.isdir(shop):
        subprocess.run([os.path.join(BIN, "mock-shop"), "--days", "1", "--scale", "0.1", "--seed", "7", shop], check=True)
    made(shop, "events", SIZES[-1] * 1000000 // 480, full)
    made(shop, "users", 500000, os.path.join(BENCH, "users"))
    print("| command | MB | seconds | CPU s | peak MiB | MB/s |\n|---|---|---|---|---|---|")
    try:
        for size in SIZES:
            path = full
            if size != SIZES[-1]:
                path = part
                cut(full, size * 1000000, part)
            for title, command in JOBS:
                words = [path if x == "@" else x for x in command.split(" ")]
                words[0] = os.path.join(BIN, words[0])
                runs = [once(words, path) for _ in range(3 if size <= 1000 else 1)]
                wall, cpu, peak = map(min, zip(*runs))
                print("| %s | %d | %.3f | %.2f | %.0f | %.0f |" % (title, size, wall, cpu, peak, size / wall), flush=True)
        if KEYS:
            print("| command | MB | seconds | CPU s | peak MiB |\n|---|---|---|---|---|")
            many_keys(KEYS)
    finally:
        for path in (full, part):
            if os.path.exists(path):
                os.unlink(path)


main()
