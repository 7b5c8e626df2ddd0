#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_odd - messages bent at random: each is taken whole or refused, nothing stops, what comes out is a change; TAP

    BIN=build/bin python3 tests/cdc/t_odd.py [SEED [MESSAGES]]
"""
import copy
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
DATA = os.path.join(TOP, "tests/cdc/data")
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
MESSAGES = int(sys.argv[2]) if len(sys.argv) > 2 else (2000 if os.environ.get("SANITIZED") else 8000)
WORDS = [None, True, False, 0, -1, 1.5, 10 ** 30, "", "x", "a\\\"b", "\0", "é😀", "1", "-1", "AQ==", "bin.000001:5", [], {}, [1, None], {"id": 1}, [{"id": "1"}, 2],
         "decimal(16,2)", "enum('a')", "set('a','b')", "bit(64)", 2 ** 63, 2 ** 64, -2 ** 63, 253402300799999999, "__debezium_unavailable_value"]


def places(v):
    """Every (container, key) below v."""
    out, todo = [], [v]
    while todo:
        x = todo.pop()
        for k in (list(x) if isinstance(x, dict) else range(len(x)) if isinstance(x, list) else ()):
            out.append((x, k))
            todo.append(x[k])
    return out


def bend(r, v, words):
    v = copy.deepcopy(v)
    for _ in range(r.choice((1, 1, 2, 4))):
        at = places(v)
        if not at:
            break
        c, k = r.choice(at[:40] if r.random() < 0.5 else at)
        what = r.random()
        if what < 0.3:
            del c[k]
        elif what < 0.8:
            c[k] = copy.deepcopy(r.choice(words))
        else:
            c2, k2 = r.choice(at)
            c[k] = copy.deepcopy(c2[k2])
    return json.dumps(v, ensure_ascii=r.random() < 0.5, separators=r.choice(((",", ":"), (" , ", " : "))))


def call(tool, args, data, **env):
    p = subprocess.run([os.path.join(BIN, tool)] + args, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, env=dict(os.environ, **env))
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


def main():
    seeds = []
    for name in ("maxwell.ndjson", "canal.ndjson", "debezium.ndjson"):
        with open(os.path.join(DATA, name), "rb") as f:
            seeds += [json.loads(x) for x in f]
    with gzip.open(os.path.join(DATA, "debezium-schema.ndjson.gz")) as f:
        seeds += [json.loads(x) for x in f if b'"op":' in x and len(x) < 16000]
    r = random.Random(SEED)
    lines = [bend(r, r.choice(seeds), WORDS) for _ in range(MESSAGES)]
    data = "".join(x + "\n" for x in lines).encode("utf-8", "replace")
    with tempfile.TemporaryDirectory() as d:
        for args in ([], ["--types", DATA + "/types"], ["--types", DATA + "/types", "--tz", "Asia/Shanghai", "--meta", "source", "--minimal"],
                     ["--types", DATA + "/types", "--on-drift", "cast", "--events", d + "/events"], ["--on-drift", "cast"], ["--table", "item"]):
            rc, out, err = call("cdc-norm", args + ["--on-error", "skip", "--stats", d + "/stats"], data)
            said = [x for x in err.split("\n") if x and not re.search("another source numbered|of a type that is not known|, now is ", x)]
            point(rc == 0 and not said, "cdc-norm %s: nothing stops it" % " ".join(a.replace(DATA, "") for a in args), "%d %s" % (rc, err))
            changes = [json.loads(x) for x in out.splitlines()]
            odd = [c for c in changes if list(c)[:4] != ["op", "db", "table", "key"] or "ord" not in c or c["src"]["from"] not in ("maxwell", "canal", "debezium") or
                   (c["op"] in "cudr" and (not isinstance(c["row"], dict) or not isinstance(c["ts"], int)))]
            with open(d + "/stats") as f:
                s = [json.loads(x) for x in f][-1]
            point(not odd and len(changes) == s["out"] and s["in"] == MESSAGES and changes, "%d lines, each a change" % len(changes), odd[:3])
        files = {}
        for jobs in ("1", "4"):
            with open(d + "/in", "wb") as f:
                f.write(data)
            args = ["--types", DATA + "/types", "--on-drift", "cast", "-j", jobs, "--events", d + "/events" + jobs, "--unknown-to", d + "/unknown" + jobs, "--reject", d + "/bad" + jobs, d + "/in"]
            rc, out4, err = call("cdc-norm", args, b"", PIPEHOUSE_BLOCK="30000")
            read = lambda name, jobs=jobs: open(d + "/" + name + jobs, "rb").read()
            said = err.replace("/unknown" + jobs, "/unknown")
            files[jobs] = (rc, out4, said, re.sub(rb',"ts":\d+}', b"}", read("events")), read("unknown"), read("bad"))
        point(files["1"] == files["4"] and files["1"][0] == 0 and len(files["1"][3]) > 1000 and len(files["1"][5]) > 1000,
              "threads cast, tell and reject the same", [(len(a), len(b), a == b) for a, b in list(zip(files["1"], files["4"]))[1:]])
        changes = [json.loads(x) for x in out.splitlines()]
        lines = [bend(r, r.choice(changes), WORDS) for _ in range(MESSAGES)] + [json.dumps(c) for c in changes]
        r.shuffle(lines)
        data = "".join(x + "\n" for x in lines).encode("utf-8", "replace")
        with open(d + "/base", "wb") as f:
            f.write(b"".join(bend(r, {"shop": 1, "sku": "a-1", "start_date": "2026-01-01", "end_date": "9999-12-31", "ord": "5"}, WORDS).encode() + b"\n" for _ in range(2)))
        for args in ([], ["-k", "sku,shop", "--deletes", "mark"], ["-k", "shop", "--scd2", "--date", "2030-01-01", "--ord", "ord"], ["--scd2", "--date", "2030-01-01"]):
            rc, out, err = call("cdc-merge", ["--table", "item", "--on-error", "skip"] + args, data)
            point(rc == 0, "cdc-merge %s: nothing stops it" % " ".join(args), "%d %s" % (rc, err))
            rows = [json.loads(x) for x in out.splitlines()]
            point(rows and all(isinstance(x, dict) for x in rows), "%d rows" % len(rows))
            again = call("cdc-merge", ["--table", "item", "--on-error", "skip"] + args + ["--base", d + "/base"], data)
            point(again[0] in (0, 3) and "anitizer" not in again[2], "and on a bent base", again[2][-2000:])
    return finish()


if __name__ == "__main__":
    sys.exit(main())
