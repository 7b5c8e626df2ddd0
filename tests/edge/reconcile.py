#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""reconcile - dq-reconcile against the same comparison in Python, over random sides, memory limits and pipes; TAP

    BIN=build/bin python3 tests/edge/reconcile.py
"""
import collections
import json
import os
import random
import subprocess
import sys
import tempfile
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402

failed = 0


def canonical(v):
    return None if v is None else Decimal(v)


def expected(sides):
    """{key: surplus pairs} as a multiset: (key, a values or None, b values or None)."""
    count = [collections.defaultdict(collections.Counter) for _ in sides]
    for c, rows in zip(count, sides):
        for r in rows:
            if r["id"] is not None:
                c[r["id"]][(r["p"], canonical(r["v"]))] += 1
    out = collections.Counter()
    for key in set(count[0]) | set(count[1]):
        left = sorted((count[0][key] - count[1][key]).elements(), key=str)
        right = sorted((count[1][key] - count[0][key]).elements(), key=str)
        out[(key, len(left), len(right))] += 1 if left or right else 0
    return +out


def write(path, rows, rng):
    with open(path, "w") as f:
        for r in rows:
            v = r["v"]
            if v is not None and rng.random() < 0.3:
                v = rng.choice((v + "0" if "." in v else v + ".0", v + "e0"))
            f.write('{"id":%s,"p":%s,"v":%s}\n' % (json.dumps(r["id"]), json.dumps(r["p"]), "null" if v is None else v))


def one(seed, home):
    rng = random.Random(seed)
    n = rng.choice((0, 3, 50, 4000))
    keys = max(1, n if rng.random() < 0.7 else n // 20)
    base = [{"id": rng.choice((None,) + (rng.randrange(keys),) * 50), "p": rng.choice(("x", "y", None, "中")), "v":
             rng.choice((None, str(rng.randrange(5)), "%d.%02d" % (rng.randrange(10 ** 6), rng.randrange(100))))} for _ in range(n)]
    other = [dict(r) for r in base]
    for r in rng.sample(other, len(other) * rng.choice((0, 0, 1, 30)) // 100):
        if rng.random() < 0.4:
            other.remove(r)
        else:
            r[rng.choice(("v", "p", "id"))] = rng.choice(("1", "2.5"))
            r["id"] = int(float(r["id"])) if isinstance(r["id"], str) else r["id"]
            r["p"] = r["p"] if r["p"] in ("x", "y", None, "中") else "x"
    for r in other:
        if r["id"] is None:
            r["id"] = None
    rng.shuffle(other)
    a, b = os.path.join(home, "a"), os.path.join(home, "b")
    write(a, base, rng)
    write(b, other, rng)
    pipe = rng.random() < 0.3
    argv = [os.path.join(cases.BIN, "dq-reconcile"), "-k", "id", "--sum", "v", "--by", "p", "-S", rng.choice(("256M", "64K")), "-" if pipe else a, b]
    env = cases.environment(home)
    with open(a if pipe else os.devnull, "rb") as f:
        p = subprocess.run(argv, stdin=f, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=120)
    lines = [json.loads(x, parse_float=Decimal, parse_int=Decimal) for x in p.stdout.decode().splitlines()]
    by = {}
    for x in lines:
        if x["is"] in ("all", "bucket"):
            by[x.get("by") if x["is"] == "bucket" else "*"] = x
    got = collections.defaultdict(lambda: [0, 0])
    order = []
    for x in lines:
        if x["is"] not in ("all", "bucket"):
            k = int(x["key"]["id"])
            got[k][0] += x["a"] is not None
            got[k][1] += x["b"] is not None
            order.append(k)
            if x["a"] is not None and x["a"] == x["b"]:
                return "an equal pair: %s" % x
    want = expected((base, other))
    if collections.Counter({(k, a, b): 1 for k, (a, b) in got.items()}) != want:
        return "records: %s" % (set(want) ^ {(k, a, b) for k, (a, b) in got.items()},)
    if order != sorted(order, key=str):
        return "order of keys"
    for p_ in {r["p"] for r in base + other} | {"*"}:
        for side, rows in (("a", base), ("b", other)):
            mine = [r for r in rows if p_ in ("*", r["p"])]
            if by[p_]["rows"][side] != len(mine) or by[p_]["sums"]["v"][side] != sum(Decimal(r["v"]) for r in mine if r["v"] is not None):
                return "bucket %s of %s: %s" % (p_, side, by[p_])
    nulls = [collections.Counter((r["p"], canonical(r["v"])) for r in rows if r["id"] is None) for rows in (base, other)]
    status = 1 if want or nulls[0] != nulls[1] else 0
    return None if p.returncode == status else "status %d, not %d: %s" % (p.returncode, status, p.stderr)


def main():
    global failed
    seeds = range(40)
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="reconcile.") as home:
            why = one(seed, home)
        failed += why is not None
        print("%sok %d - seed %d" % ("not " if why else "", seed + 1, seed) + ("\n# " + why[:1000] if why else ""), flush=True)
    print("1..%d" % len(seeds))
    return 1 if failed else 0


sys.exit(main())
