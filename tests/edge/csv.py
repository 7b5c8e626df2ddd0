#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""csv - json-from-csv and json-to-csv against Python's csv module; TAP

    BIN=build/bin python3 tests/edge/csv.py [SEED]

Python writes what we read and reads what we wrote; bytes thrown together are counted: every row is used or rejected.
"""
import io
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
import csv  # noqa: E402  (the library's, not this file)

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
PIECES = ["a", "b1", " ", ",", ";", "\t", '"', '""', "\n", "\r\n", "'", "=", "+", "-1", "@", "é", "中文", "😀", "\\", "x" * 50, "\u2028", "0"]


def run(tool, args, data, stats=None):
    p = subprocess.run([os.path.join(BIN, tool)] + args + (["--stats", stats] if stats else []), input=data,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return p.returncode, p.stdout, p.stderr


def rows(rng, n, columns):
    return [["".join(rng.choice(PIECES) for _ in range(rng.choice((0, 1, 1, 2, 4)))) for _ in range(columns)] for _ in range(n)]


def main(seed):
    rng = random.Random(seed)
    print("# seed %s" % seed)
    for columns, end, quoting, delimiter in ((1, "\n", csv.QUOTE_ALL, ","), (3, "\n", csv.QUOTE_MINIMAL, ","), (7, "\r\n", csv.QUOTE_ALL, ","),
                                             (4, "\r\n", csv.QUOTE_MINIMAL, "\t"), (40, "\n", csv.QUOTE_MINIMAL, ";")):
        what = "%d columns, %s, %r, %r" % (columns, "all quoted" if quoting == csv.QUOTE_ALL else "some quoted", end, delimiter)
        table = rows(rng, 3000, columns)
        # Python quotes a lone empty cell of one column, and no other one
        nothing = lambda s: None if s == "" and quoting == csv.QUOTE_MINIMAL and columns > 1 else s
        names = ["c%d" % i for i in range(columns)]
        out = io.StringIO()
        csv.writer(out, lineterminator=end, quoting=quoting, delimiter=delimiter).writerows([names] + table)
        text = out.getvalue().encode()
        status, got, err = run("json-from-csv", ["-d", "tab" if delimiter == "\t" else delimiter], text)
        want = [dict(zip(names, map(nothing, r))) for r in table]
        got = [json.loads(x) for x in got.splitlines()]
        bad = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), None)
        point(status == 0 and got == want, "read as Python wrote it: " + what,
              "exit %d, %r, %d of %d rows, first other: %r" % (status, err, len(got), len(want), bad if bad is None else (got[bad], want[bad])))
        lines = "".join(json.dumps(r, ensure_ascii=rng.random() < 0.5) + "\n" for r in want).encode()
        status, got, err = run("json-to-csv", ["--no-guard", "-d", "tab" if delimiter == "\t" else delimiter], lines)
        back = list(csv.reader(io.StringIO(got.decode(), newline=""), delimiter=delimiter, strict=True))
        back = [r or [""] for r in back]
        point(status == 0 and back == [names] + table, "written so that Python reads it: " + what, "exit %d, %r, %d rows" % (status, err, len(back)))
        status, guarded, _ = run("json-to-csv", [], lines)
        risky = [c for r in csv.reader(io.StringIO(guarded.decode(), newline="")) for c in r if c[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")]
        plain = all(c.lstrip("+-").replace(".", "").isdigit() for c in risky)
        point(status == 0 and plain, "nothing a spreadsheet would run: " + what, repr([c for c in risky][:5]))
        status, again, err = run("json-from-csv", ["--unguard"], guarded)
        point(status == 0 and [json.loads(x) for x in again.splitlines()] == want, "there and back: " + what, "exit %d, %r" % (status, err))

    with tempfile.TemporaryDirectory() as d:
        lost = []
        for i in range(150):
            soup = "".join(rng.choice(["a", ",", '"', "\n", "\r", "\r\n", "\0", "b,c\n", '"x\ny",1\n', " "]) for _ in range(rng.randrange(400)))
            stats = os.path.join(d, "s")
            reject = os.path.join(d, "r")
            status, out, err = run("json-from-csv", ["--columns", "a,b", "--reject", reject, "--max-line", "200"], soup.encode(), stats)
            with open(stats) as f:
                s = json.loads(f.readlines()[-1])
            made = [json.loads(x) for x in out.splitlines()]
            if status != 0 or s["in"] != s["used"] + s["rejected"] or s["made"] != len(made) or s["used"] != len(made):
                lost.append((i, status, err, s))
        point(not lost, "of bytes thrown together every row is used or rejected", repr(lost[:2]))
        rejects = [json.loads(x) for x in open(reject)] if os.path.exists(reject) else []
        point(len(rejects) > 100 and {r["reason"] for r in rejects} >= {
            "fewer cells than columns", "more cells than columns", "a CR outside quotes that no LF follows", "a quote that is never closed",
            "a quote inside a cell without quotes, or text behind a closing quote", "a cell that is not UTF-8, or holds a NUL"},
              "and each kind of mistake was among them", repr({r["reason"] for r in rejects}))
        big = "a,b\n" + "1,2\n" * 400000
        status, out, _ = run("json-from-csv", [], big.encode())
        point(status == 0 and out == b'{"a":"1","b":"2"}\n' * 400000, "many rows over many blocks")
        wide = ",".join("c%d" % i for i in range(20000)) + "\n" + "," * 19999 + "\n"
        status, out, _ = run("json-from-csv", [], wide.encode())
        point(status == 0 and json.loads(out) == {"c%d" % i: None for i in range(20000)}, "20,000 columns")
        status, out, _ = run("json-from-csv", ["--max-line", "4M"], b'a\n"' + b"x" * 3000000 + b'\n"\n')
        point(status == 0 and len(json.loads(out)["a"]) == 3000001, "a cell of 3 MB")
    return finish()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20261120))
