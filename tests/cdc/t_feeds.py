#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_feeds - recorded feeds of the real Maxwell, Canal and Debezium: one form whoever tells it, merged to what the database held; TAP

    BIN=build/bin python3 tests/cdc/t_feeds.py          tests/cdc/data/README says where the feeds come from
"""
import json
import os
import random
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
DATA = os.path.join(TOP, "tests/cdc/data")
FEEDS = {"maxwell": "maxwell.ndjson", "canal": "canal.ndjson", "debezium": "debezium.ndjson", "debezium with schema": "debezium-schema.ndjson.gz"}


def call(tool, *args, data=b""):
    p = subprocess.run([os.path.join(BIN, tool)] + list(args), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=DATA, timeout=120)
    if p.returncode or p.stderr:
        raise SystemExit("Bail out! %s %s: %d %s" % (tool, args, p.returncode, p.stderr))
    return p.stdout


def norm(feed, types=True):
    return call("cdc-norm", *(["--types", "types"] if types else []), FEEDS[feed])


def parse(line):
    """A record with its numbers as their text, marked so that 1 and "1" differ."""
    return json.loads(line, parse_float=lambda s: ("number", s), parse_int=lambda s: ("number", s))


def rows(feed):
    return [r for r in map(parse, norm(feed).splitlines()) if r["table"] in ("item", "visit") and r["op"] != "ddl"]


def final(name):
    """What `mariadb -B` printed: {column: text or None}."""
    back = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}

    def plain(s):
        if s == "NULL":
            return None
        out, i = "", 0
        while i < len(s):
            out += back.get(s[i + 1], s[i + 1]) if s[i] == "\\" else s[i]
            i += 2 if s[i] == "\\" else 1
        return out

    with open(os.path.join(DATA, name), encoding="utf-8", newline="\n") as f:
        table = [ln.split("\t") for ln in f.read().split("\n")[:-1]]
    return [dict(zip(table[0], map(plain, r))) for r in table[1:]]


NUMBERS = {"shop", "qty", "price", "ratio", "weight", "onoff", "mask", "born"}


def same_table(merged, want, digits=None):
    """Rows of cdc-merge against the database's, column by column, number or text; digits: what a feed cannot know."""
    got = {(r["sku"], r["shop"][1]): r for r in map(parse, merged.splitlines())}
    if len(got) != len(want):
        return "%d rows, %d wanted" % (len(got), len(want))
    for w in want:
        g = got.get((w["sku"], w["shop"]))
        if g is None or list(g) != list(w):
            return "row %s %s: %s" % (w["sku"], w["shop"], g)
        for c, v in w.items():
            v = v if v is None or not digits or c not in digits else v + digits[c]
            v = ("number", v) if v is not None and c in NUMBERS else v
            if g[c] != v:
                return "%s %s, %s: %r, wanted %r" % (w["sku"], w["shop"], c, g[c], v)
    return ""


told = {f: rows(f) for f in FEEDS}
for f in [f for f in FEEDS if f != "canal"]:
    mine = told[f]
    other = [r for r in told["canal"] if r["op"] != "t"]       # only Canal's feed tells of the truncate
    why = "%d changes, %d wanted" % (len(mine), len(other)) if len(mine) != len(other) else ""
    for a, b in zip(mine, other):
        for k in ("op", "db", "table", "key", "row", "old_key", "old"):
            # Debezium tells both halves of a key change itself, and neither of the other
            if a.get(k) != b.get(k) and not (k in ("old_key", "old") and f.startswith("debezium") and "old_key" in b and k not in a):
                why += "%s %s: %r, Canal has %r\n" % (a["op"], k, a.get(k), b.get(k))
    point(len(mine) > 30 and not why, "%s tells what Canal tells: %d changes" % (f, len(mine)), why)

point([r["op"] for r in told["canal"]].count("t") == 1, "Canal's truncate is told")
want = final("final-item.tsv")
for f in FEEDS:
    lines = norm(f)
    merged = call("cdc-merge", "--table", "shop.item", data=lines)
    point(not same_table(merged, want), f + ": merged to what the database held", same_table(merged, want))
    if f == "canal":
        continue
    shuffled = lines.splitlines(True) * 2
    random.Random(f).shuffle(shuffled)
    point(call("cdc-merge", "--table", "item", data=b"".join(shuffled)) == merged, f + ": the same when told twice and in no order")
    whole = call("cdc-merge", "-k", "sku,shop", "--table", "item", data=lines)
    point(whole == merged, f + ": the same by -k")

merged = call("cdc-merge", "--table", "item", data=norm("canal", False))
point(not same_table(merged, want), "Canal's messages know their types", same_table(merged, want))
merged = call("cdc-merge", "--table", "item", data=norm("debezium with schema", False))
digits = {"noted": ".000", "opens": "000"}
point(not same_table(merged, want, digits), "Debezium's schema knows them, but for digits of times", same_table(merged, want, digits))
visits = [r["row"] for r in told["canal"] if r["table"] == "visit" and r["op"] == "c"][-1:]
point(visits == [{"a": ("number", w["a"]), "b": w["b"]} for w in final("final-visit.tsv")], "a table without a key: its last insert")
keys = [r["key"] for r in told["canal"] if r["table"] == "visit"]
point(keys and set(map(str, keys)) == {"None"}, "a table without a key has none")
sys.exit(finish())
