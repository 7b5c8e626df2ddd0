#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_epochs - cdc-norm as a stage of a barrier job: killed anywhere and begun anew, it tells what it tells in one piece; TAP

    BIN=build/bin python3 tests/cdc/t_epochs.py [SEED]
"""
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402

sys.path.insert(0, os.path.join(TOP, "tests/pipe"))
import epoch_play  # noqa: E402

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
DATA = os.path.join(TOP, "tests/cdc/data")
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def feed():
    """Messages of all three, mixed, each with its place in Kafka."""
    out = []
    for name in ("maxwell.ndjson", "canal.ndjson", "debezium.ndjson", "debezium-schema.ndjson.gz"):
        with (gzip.open if name.endswith(".gz") else open)(os.path.join(DATA, name), "rb") as f:
            out.append([x.rstrip(b"\n") for x in f if x.startswith(b"{")])
    r, mixed = random.Random(SEED), []
    while any(out):
        k = r.choice([i for i in range(len(out)) if out[i]])
        x = out[k].pop(0)
        mixed.append(x[:-1] + b',"kafka":{"topic":"t","partition":%d,"offset":%d,"key":null}}' % (k, len(mixed)))
    return mixed


def straight(argv, lines):
    p = subprocess.run([os.path.join(BIN, argv[0])] + argv[1:], input=b"".join(x + b"\n" for x in lines), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return p.returncode, p.stdout.splitlines()


def main():
    lines, r = feed(), random.Random(SEED)
    argv = ["cdc-norm", "--types", DATA + "/types", "--meta", "kafka"]
    rc, want = straight(argv, lines)
    with tempfile.TemporaryDirectory() as d:
        job = epoch_play.Job(d)
        with open(DATA + "/types", "rb") as f:
            pins = {"spec:" + DATA + "/types": job.keep(f.read())}
        s, got, at, number, kills = epoch_play.Stage(job, argv, pins=pins), [], 0, 0, 0
        while at < len(lines):
            part = lines[at:at + r.randint(0, 25)]
            if r.random() < 0.3:
                s.send(part[:r.randint(0, len(part))], b"")
                s.kill()
                kills += 1
                s = epoch_play.Stage(job, argv, at=number, pins=pins)
            number += 1
            out = s.epoch(number, part)
            if out is None:
                break
            got += out
            at += len(part)
        s.end(number + 1, [])
        point(rc == 0 and want and s.over[0] == 0 and got == want, "%d epochs, killed %d times between and within: the %d changes of one piece" % (number, kills, len(want)),
              (rc, s.over, len(got), len(want)))
        point(not [x for x in os.listdir(job.dir) if x.endswith("-cdc-norm")], "and nothing was remembered", os.listdir(job.dir))
    place = b'{"database":"d","table":"t","type":"insert","ts":1,"position":"b.1:4","commit":true,"data":{"a":1}}'
    none = b'{"database":"d","table":"t","type":"insert","ts":1,"data":{"a":1}}'
    with tempfile.TemporaryDirectory() as d:
        s = epoch_play.Stage(epoch_play.Job(d), ["cdc-norm", "--reject", d + "/bad"])
        got = s.end(1, [place, none, place])
        with open(d + "/bad", encoding="utf-8") as f:
            bad = [json.loads(x)["reason"] for x in f]
        point(s.over[0] == 0 and len(got) == 2 and s.hop["rej"] == 1 and bad == ["in a barrier job a message needs a place of its own: ingest --meta, or positions"],
              "a message without a place of its own is bad there", (s.over, got, bad))
    for policy, types, status in (("cast", None, 2), ("fail", None, 2), ("warn", None, 0), ("cast", DATA + "/types", 0)):
        with tempfile.TemporaryDirectory() as d:
            job = epoch_play.Job(d)
            p = subprocess.run([os.path.join(BIN, "cdc-norm"), "--on-drift", policy] + (["--types", types] if types else []),
                               input=epoch_play.line("open", 0, 0, pins={"spec:" + types: job.keep(open(types, "rb").read())} if types else None,
                                                     hops=[epoch_play.source(0)]) + epoch_play.line("end", 1, 0, hops=[epoch_play.source(0)]),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=job.next_run(), timeout=60)
            point(p.returncode == status and (status == 0 or b"in a barrier job it needs --types" in p.stderr), "--on-drift %s %s types: %d" % (policy, "with" if types else "without", status), p)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
