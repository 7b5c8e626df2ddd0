#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""live - dimjoin while its DIM changes and records wait for rows, against a model in a few lines; TAP

    BIN=build/bin python3 tests/dimjoin/live.py [SEED]

Records go in through a pipe, DIM is replaced and SIGHUP sent between them.  A record that finds its row at any time ends
each step, so what stands before it in the output is the step's answer; nothing depends on how long anything takes.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
OPEN = "9999-12-31"


def text(v):
    return json.dumps(v, separators=(",", ":")).encode() + b"\n"


class Model:
    """rows: {key: [(from, to, value)]}; the clock is the largest time met."""

    def __init__(self, wait, reject):
        self.rows, self.wait, self.reject, self.clock, self.parked = {}, wait, reject, None, []

    def row(self, rec):
        for a, b, v in self.rows.get(rec["k"], []):
            if a <= rec["d"] <= b:
                return v
        return None

    def out(self, rec, v):
        """n is replaced where it stands, else appended."""
        return text(dict(rec, n=v))

    def reload(self, rows):
        self.rows = rows
        came = [(u, r) for u, r in self.parked if self.row(r) is not None]
        self.parked = [(u, r) for u, r in self.parked if self.row(r) is None]
        return [self.out(r, self.row(r)) for _, r in came]

    def late(self, clock):
        gone = []
        while self.parked and self.parked[0][0] <= clock:
            gone.append(self.parked.pop(0)[1])
        return [] if self.reject else [self.out(r, None) for r in gone]

    def record(self, rec):
        self.clock = rec["t"] if self.clock is None else max(self.clock, rec["t"])
        out = self.late(self.clock)
        v = self.row(rec)
        if v is not None:
            return out + [self.out(rec, v)]
        if rec["k"] is None:
            return out + ([] if self.reject else [self.out(rec, None)])
        self.parked.append((self.clock + self.wait, rec))
        return out


def dimension(r, as_of):
    rows = {"sync": [("0001-01-01", OPEN, "sync")]}
    for k in r.sample(range(12), r.randrange(13)):
        if as_of:
            cut = r.randrange(1, 5)
            rows["k%d" % k] = [("2026-11-%02d" % (1 + 6 * i), "2026-11-%02d" % (6 + 6 * i), "%d.%d" % (r.randrange(9), i)) for i in range(cut)]
        else:
            rows["k%d" % k] = [("0001-01-01", OPEN, "v%d" % r.randrange(99))]
    return rows


def put(path, rows, as_of, broken=None):
    lines = [text(dict({"id": k, "n": v}, **({"start_date": a, "end_date": b} if as_of else {}))) for k, l in rows.items() for a, b, v in l]
    with open(path + ".new", "wb") as f:
        f.write(b"".join(lines) + (broken or b""))
    os.replace(path + ".new", path)


def one(seed, as_of, reject, small):
    r = random.Random("%d %s %s %s" % (seed, as_of, reject, small))
    steps = 40
    with tempfile.TemporaryDirectory() as d:
        dim, model = os.path.join(d, "dim"), Model(40, reject)
        rows = dimension(r, as_of)
        put(dim, rows, as_of)
        model.rows = rows
        args = [os.path.join(BIN, "dimjoin"), "-k", "k", "-K", "id", "--fields", "n", "--miss", "park=40s" + ",reject" * reject, "-t", "t:s",
                "--line-buffered", "--stats", os.path.join(d, "stats"), "--reload", "1000d"]
        args += ["--reject", os.path.join(d, "bad")] if reject else []
        args += (["--as-of", "d"] if as_of else []) + (["-S", "1K"] if small else []) + [dim]
        p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, TMPDIR=d))
        t, n, waited, broken = 1700000000, 0, 0, 0
        for step in range(steps):
            want, data = [], []
            if step > 0 and r.random() < 0.5:
                if r.random() < 0.3:        # a bad row: the rows before stay, or where rejects are let go the others count
                    new = dimension(r, as_of)
                    put(dim, new, as_of, r.choice([b"{\n", b'{"id":"sync","n":1,"start_date":"0001-01-01","end_date":"9999-12-31"}\n']))
                    broken += not reject
                    want += model.reload(new) if reject else []
                else:
                    rows = dimension(r, as_of)
                    put(dim, rows, as_of)
                    want += model.reload(rows)
                p.send_signal(signal.SIGHUP)
            for _ in range(r.choice([0, 1, 3, 30])):
                t += r.choice([0, 1, 5, 20, -30])
                n += 1
                rec = {"k": r.choice(["k%d" % r.randrange(14), "k%d" % r.randrange(14), None]), "i": n, "t": t, "d": "2026-11-%02d" % r.randrange(1, 29)}
                if r.random() < 0.2:
                    rec["n"] = r.choice([None, 5, "own"])
                if small:
                    rec["pad"] = "x" * 3000
                before = len(model.parked)
                want += model.record(rec)
                waited = max(waited, before)
                data.append(text(rec))
            end = {"k": "sync", "i": -step, "t": 0, "d": "2026-11-20"}
            want += model.record(end)
            data.append(text(end))
            p.stdin.write(b"".join(data))
            p.stdin.flush()
            got = []
            while not got or got[-1] != want[-1]:
                got.append(p.stdout.readline())
                if not got[-1]:
                    break
            if got != want:
                p.kill()
                return "step %d: got\n%swant\n%s%s" % (step, b"".join(got).decode(), b"".join(want).decode(), p.communicate()[1].decode())
        rows = dimension(r, as_of)          # seen at the end of the input, without a signal
        put(dim, rows, as_of)
        want = model.reload(rows) + model.late(1 << 60)
        got, err = p.communicate(timeout=60)
        if got != b"".join(want) or p.returncode != 0:
            return "end, %d: got\n%swant\n%s%s" % (p.returncode, got.decode(), b"".join(want).decode(), err.decode())
        with open(os.path.join(d, "stats")) as f:
            s = json.load(f)
        if s["in"] != n + steps or s["passed"] + s["rejected"] != s["in"] or s["used"] or s["made"] or s["out"] != s["passed"]:
            return "counts: %s" % s
        if err.count(b"the rows that were read before stay") != broken:
            return "%d broken, said: %s" % (broken, err.decode())
        if s["matched"] + s["unmatched"] != s["in"] or s["parked_most"] < waited or (small and not s["spilled_bytes"]):
            return "waits: %s, %d at once" % (s, waited)
        if reject:
            with open(os.path.join(d, "bad"), "rb") as f:
                bad = [json.loads(x) for x in f]
            if len([x for x in bad if x["source"] == "<stdin>"]) != s["unmatched"] or any(
                    json.loads(x["raw"])["i"] < 0 for x in bad if x["source"] == "<stdin>"):
                return "rejects: %d, %s" % (len(bad), s)
    return None


def main():
    cases, failed = [(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)], 0
    for i, (as_of, reject, small) in enumerate(cases):
        why = one(SEED, as_of, reject, small)
        failed += why is not None
        print("%sok %d - dimjoin, DIM changes, records wait%s%s%s" % ("not " if why else "", i + 1, ", --as-of" * as_of, ", then are bad" * reject,
                                                                   ", on disk" * small))
        if why:
            print("#   " + why[:6000].replace("\n", "\n#   "))
    print("1..%d" % len(cases))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
