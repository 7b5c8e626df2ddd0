#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""shop_data.py SHOP events|changes|users LINES - a shop as large as a benchmark needs it, on stdout

SHOP is a directory that mock-shop wrote, a small shop of one day.  Its records are the pattern: many such shops, each with
devices, users, traces and orders of its own, told in one stream in which their lines are mixed.  The same bytes for the same
arguments; one window of lines is all that is held.

events   the app log, without the lines that are bad, or without trace, device or time; every trace_id is another one;
         a device is two, by the minute, so that there are about 300,000 in 2,000,000 lines; users lie within 1 to 500,000
changes  Maxwell's messages of order_info, three for each order, in the order of their positions
users    rows of user_info; their ids are strings, 1 to LINES
"""
import itertools
import json
import random
import re
import sys

USERS = 500000
MID, UID = re.compile(rb'"mid":"mid_(\d+)"'), re.compile(rb'"uid":"(\d+)"')
TRACE = re.compile(rb'"trace_id":"[0-9a-f]{32}"\}\n$')
CHANGE = re.compile(rb'^(.*"xid":)\d+(,.*?"position":"bin\.000001:)\d+(",.*?"primary_key":\[)(\d+)(\],.*?"data":\{"id":)\d+(,.*\n)$')


def lines(shop, kind):
    with open("%s/%s/2026-06-01.ndjson" % (shop, kind), "rb") as f:
        yield from f


def record(line):
    try:
        return json.loads(line)
    except ValueError:
        return None


def event(line):
    """A line of the log in pieces, around its device, its user and its trace."""
    r, mid = record(line), MID.search(line)
    if not r or not mid or not TRACE.match(line, len(line) - 47) or not isinstance(r.get("ts"), int) or b"\\ud" in line:
        return None
    uid = UID.search(line, mid.end())
    if uid:
        middle, number, rest = line[mid.end(1):uid.start(1)], int(uid[1]), line[uid.end(1):-35]
    else:
        middle, number, rest = line[mid.end(1):-35], 0, b""
    return line[:mid.start(1)], 2 * int(mid[1]) + r["ts"] // 60000 % 2, middle, number, rest


def patterns(shop, kind):
    """What stands between the values that differ from shop to shop."""
    if kind == "events":
        yield from filter(None, map(event, lines(shop, "log")))
    else:
        for line in lines(shop, "cdc"):
            if b'"table":"order_info"' in line and b'"sql":' not in line:
                m = CHANGE.match(line)
                if m and record(line):
                    yield m[1], m[2], m[3], int(m[4]), m[5], m[6]


def events(all_patterns, n, out):
    r = random.Random(7)
    copies = -(-n // len(all_patterns))
    apart = USERS // copies
    for window in windows(all_patterns, copies, 64, r):
        text = []
        for (a, mid, b, uid, c), k in window:
            user = b"%d" % ((uid + k * apart - 1) % USERS + 1) if uid else b""
            text.append(b'%s%d%s%s%s%032x"}\n' % (a, mid + k * 1000000, b, user, c, r.getrandbits(128)))
        n = put(text, n, out)


def changes(all_patterns, n, out):
    r = random.Random(8)
    place = 0
    for window in windows(all_patterns, -(-n // len(all_patterns)), 16, r):
        text = []
        for (a, b, c, key, d, e), k in window:
            place += 1
            key += k * 2 // 3 * 1000000000
            text.append(b"%s%d%s%d%s%d%s%d%s" % (a, place, b, place * 700, c, key, d, key, e))
        n = put(text, n, out)


def windows(all_patterns, copies, size, r):
    """Patterns of all shops, some minutes at a time, in random order."""
    for i in range(0, len(all_patterns), size):
        window = list(itertools.product(all_patterns[i:i + size], range(copies)))
        r.shuffle(window)
        yield window


def put(text, n, out):
    out.write(b"".join(text[:n]))
    return n - min(n, len(text))


def users(shop, n, out):
    rows = [m for m in (re.search(rb'"data":\{"id":\d+(,.*?\})(?:,"old"|\}$)', x) for x in lines(shop, "cdc")
                        if b'"table":"user_info"' in x and b'"bootstrap-insert"' in x) if m and record(b'{"id":1' + m[1])]
    for i in range(n):
        out.write(b'{"id":"%d"%s\n' % (i + 1, rows[i % len(rows)][1]))


def main():
    if len(sys.argv) != 4 or sys.argv[2] not in ("events", "changes", "users"):
        sys.exit(__doc__)
    shop, kind, n, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.stdout.buffer
    if kind == "users":
        users(shop, n, out)
    elif n > 0:
        (events if kind == "events" else changes)(list(patterns(shop, kind)), n, out)


main()
