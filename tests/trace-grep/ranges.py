#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ranges - trace-grep on plain files by 1 to 3 threads that each read what they search: lines of all lengths across the borders; TAP

    BIN=build/bin python3 tests/trace-grep/ranges.py [SEED]
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

BIN = os.path.abspath(os.environ.get("BIN", "build/bin"))
ID = "0123456789abcdef0123456789abcdef"
OWN = ("seconds", "peak_kib", "bytes_in")
rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
tmp = tempfile.mkdtemp(prefix="ph-ranges.")
path = os.path.join(tmp, "f")


def text():
    out = []
    for _ in range(rng.choice([0, 1, 3, 1500, 4000])):
        pad = "x" * (rng.choice([0, 5, 300, 1000]) if rng.random() < .995 else rng.choice([70000, 262144, 300000, 600000]))
        out.append('{"a":"%s","t":"%s"}' % (pad, ID if rng.random() < .01 else "no") + rng.choice(["", "", "\r"]))
        if rng.random() < .01:
            out.append("")
    return "\n".join(out) + rng.choice(["", "\n"])


def run(threads, opts):
    stats = os.path.join(tmp, "stats")
    if os.path.exists(stats):
        os.remove(stats)
    p = subprocess.run([os.path.join(BIN, "trace-grep"), "-j", threads, "--stats", stats] + opts + [ID, path], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, check=False)
    with open(stats, encoding="utf-8") as f:
        said = {k: v for k, v in json.loads(f.read()).items() if k not in OWN}
    return p.stdout, p.returncode, p.stderr, said


try:
    for n in range(1, 16):
        with open(path, "w", encoding="ascii", newline="") as f:
            f.write(text())
        with open(path, "rb") as f:
            held = b"".join(b"%d:%s\n" % (i + 1, x) for i, x in enumerate(f.read().split(b"\n")) if ID.encode() in x)
        cut = n % 3 == 0
        opts = ["-n"] + (["--max-line", "300K", "--on-error", "skip"] if cut else [])
        got = [run(t, opts) for t in "123"]
        ok = got[0] == got[1] == got[2] and (cut or got[0][0] == held)
        print("%sok %d - %s of %d bytes, %d hits" % ("" if ok else "not ", n, "long lines cut off," if cut else "a file", os.path.getsize(path), held.count(b"\n")))
    print("1..15")
finally:
    shutil.rmtree(tmp, ignore_errors=True)
