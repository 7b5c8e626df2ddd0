#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""keyed - random changes of a keyed table, tombstones and late ones among them, against a model in a few lines; TAP

    BIN=build/bin python3 tests/wh-put/keyed.py [SEEDS]

After each wh-put the table is what the model says: of each day and key the row with the greatest order, of equal orders a
row before a tombstone, else the later one; folded now and then, which changes no byte.  Changes that are known already
make no commit.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402

SPEC = b"kind upsert\nkey id\norder o\ndeleted gone\nday d\n"


def text(rows):
    return "".join(json.dumps(x, separators=(",", ":")) + "\n" for x in rows).encode()


def rank(row):
    return row["o"], row.get("gone") is not True


def change(r):
    row = {"id": r.randrange(30), "o": r.randrange(40), "d": "2026-11-%02d" % r.randrange(1, 4)}
    if r.random() < 0.3:
        row["gone"] = r.choice([True, True, False, None])
    row["v"] = r.randrange(10 ** 6)
    return row


def one(seed):
    r, best = random.Random(seed), {}
    with tempfile.TemporaryDirectory() as d:
        env = cases.environment(d)
        env["PIPEHOUSE_ROOT"] = os.path.join(d, "wh")

        def run(*argv, data=b""):
            p = subprocess.run(argv, cwd=d, env=env, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
            assert p.returncode == 0, "%s: %d %s" % (argv, p.returncode, p.stderr.decode())
            return p.stdout

        run("wh-table", "a.t", "-", data=SPEC)
        for step in range(10):
            rows = [change(r) for _ in range(r.choice([0, 1, 5, 60]))]
            for row in rows:
                k = row["d"], row["id"]
                if k not in best or rank(row) >= rank(best[k]):
                    best[k] = row
            run("wh-put", "a.t", data=text(rows))
            if r.random() < 0.4:
                run("wh-compact", "a.t")
            live = sorted((d, str(k), row) for (d, k), row in best.items() if row.get("gone") is not True)
            want = text(row for _, _, row in live)
            got = run("wh-cat", "--missing-ok", "a.t")
            if got != want:
                return "step %d: wanted\n%sgot\n%s" % (step, want.decode(), got.decode())
            known = [x for x in rows if best[x["d"], x["id"]] is x or rank(x) < rank(best[x["d"], x["id"]])]
            r.shuffle(known)
            before = run("wh-ls", "-v", "a.t")
            run("wh-put", "a.t", data=text(known)) if rows else None
            if rows and run("wh-ls", "-v", "a.t") != before:
                return "step %d: changes that are known made a commit" % step
        if run("wh-fsck"):
            return "wh-fsck has something to say"
    return None


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    failed = 0
    for seed in range(seeds):
        why = one(seed)
        failed += why is not None
        print("%sok %d - a keyed table after random changes, seed %d" % ("not " if why else "", seed + 1, seed))
        if why:
            print("#   " + why.replace("\n", "\n#   "))
    print("1..%d" % seeds)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
