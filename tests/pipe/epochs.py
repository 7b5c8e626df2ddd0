#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epochs - a stage between control lines: what it says, what it keeps, what it refuses, and that a crash changes no epoch; TAP

    BIN=build/bin python3 tests/pipe/epochs.py [SEED]
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epoch_play import BIN, NONCE, Job, Stage, line, source  # noqa: E402

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 6
TMP = tempfile.mkdtemp(prefix="ph-epochs.")
done = 0


def told(ok, what, why=""):
    global done
    done += 1
    print("%sok %d - %s%s" % ("" if ok else "not ", done, what, "" if ok else "\n# " + str(why)[:600].replace("\n", "\n# ")), flush=True)
    return ok


def fresh(name):
    return Job(tempfile.mkdtemp(dir=TMP, prefix=name + "."))


def records(rng, n, keys):
    return [json.dumps({"id": i, "k": "k%d" % rng.randrange(keys), "x": rng.randrange(100), "a": list(range(rng.randrange(3)))}).encode() for i in range(n)]


def epochs_of(rng, lines, n):
    """Cut into n epochs, some of them empty."""
    cuts = sorted(rng.randrange(len(lines) + 1) for _ in range(n - 1))
    return [lines[a:b] for a, b in zip([0] + cuts, cuts + [len(lines)])]


def batch(argv, lines):
    """The same command over all of it, outside any job."""
    p = subprocess.run([os.path.join(BIN, argv[0])] + argv[1:], input=b"".join(x + b"\n" for x in lines), stdout=subprocess.PIPE, check=True)
    return p.stdout.splitlines()


def stateless():
    rng = random.Random(SEED)
    lines = records(rng, 2000, 50)
    for argv in (["json-map", "-w", "x > 50"], ["json-map", "--keep", "id", "y=x*2"], ["json-split", "-e", "a", "--keep", "id"], ["dedup", "-k", "k"]):
        job, got = fresh("plain"), []
        s = Stage(job, argv)
        cut = epochs_of(rng, lines, 12)
        for i, part in enumerate(cut[:-1]):
            got += s.epoch(i + 1, part)
        got += s.end(12, cut[-1])
        told(got == batch(argv, lines) and s.over == (0, ""), "%s: the epochs together are what one run gives" % " ".join(argv), s.over)
        told(s.mark["hops"][0] == source(len(cut[-1])) and len(s.mark["hops"]) == 2 and s.hop["t"] == argv[0], argv[0] + ": its account behind the source's",
             s.mark)


def crashes():
    """dedup, killed behind random epochs and begun again at any that may be asked for: every epoch has the bytes that it had."""
    rng = random.Random(SEED + 1)
    lines = records(rng, 6000, 3000)
    argv = ["dedup", "-k", "k", "--reject", None]
    cut = epochs_of(rng, lines, 40)
    cut[7].append(b'{"id":1}')
    cut[23].append(b"broken")
    job = fresh("crash")
    argv[-1] = os.path.join(job.dir, "rejects")
    seen, want = set(), []
    for part in cut:
        out = []
        for x in part:
            k = json.loads(x).get("k") if x.startswith(b"{") else None
            if k is not None and k not in seen:
                seen.add(k)
                out.append(x)
        want.append(out)
    at, wrong, starts = 0, [], 0
    while at < len(cut):
        s, starts = Stage(job, argv, at=at), starts + 1
        for i in range(at, min(len(cut), at + rng.randrange(1, 9))):
            got = s.epoch(i + 1, cut[i], kind="end" if i + 1 == len(cut) else "mark")
            if got != want[i]:
                wrong.append((i + 1, got, s.over))
            at = i + 1
        if at < len(cut):
            # half of the next epoch, and gone; the sinks may stand a few epochs back
            s.send(cut[at][:len(cut[at]) // 2], b"")
            s.kill()
            job.ack("sink", max(0, at - 4))
            at = max(0, at - rng.randrange(0, 4))
        else:
            s.finish()
            told(s.over == (0, ""), "dedup: ends well behind `end`", s.over)
    told(not wrong and starts > 5, "dedup, %d starts: each epoch has its bytes whenever it comes" % starts, wrong[:1])
    with open(argv[-1], "rb") as f:
        bad = [json.loads(x) for x in f]
    told([b["raw"] for b in bad] == ['{"id":1}', "broken"], "the file of rejects has each once, however often it came", bad)
    kept = [x for x in os.listdir(os.path.join(job.dir, "1-dedup")) if x.endswith(".snap")]
    told(0 < len(kept) < 40, "snapshots that nobody goes back to are gone (%d left)" % len(kept), kept)


def deltas():
    """More state than is written whole each time: what changed, and chains of it, give the same."""
    rng = random.Random(SEED + 2)
    job, at, wrong = fresh("delta"), 0, []
    argv = ["dedup", "-k", "id"]
    s = Stage(job, argv)
    base = 0
    sizes = []
    for e in range(1, 31):
        n = 30000 if e == 1 else 200
        part = [b'{"id":%d}' % (base + i) for i in range(n)] + [b'{"id":%d}' % rng.randrange(base + n) for _ in range(20)]
        base += n
        got = s.epoch(e, part)
        if got is None or len(got) != n:
            wrong.append((e, s.over))
            break
        sizes.append(os.path.getsize(os.path.join(job.dir, "1-dedup", "%d.snap" % e)))
        at = e
        if e in (9, 17):
            s.kill()
            s = Stage(job, argv, at=at)
    told(not wrong and at == 30, "dedup of 36,000 keys over chains of what changed", wrong)
    told(min(sizes) < max(sizes) / 20, "what changed is written, not all of it (%d to %d bytes)" % (min(sizes), max(sizes)), sizes)
    s.kill()


def refused():
    def one(what, status, word, argv, *steps, at=0, job=None):
        job = job or fresh("no")
        s = Stage(job, argv, at=at)
        for lines, control in steps:
            s.send(lines, control(job.run))
        s.close()
        while s.over is None:
            s.take(None)
        told(s.over[0] == status and word in s.over[1], "%s: %d" % (what, status), s.over)

    keep = ["json-map", "--keep", "id"]
    rec = b'{"id":1}'
    one("a record is missing", 3, "1 records came, the stage before wrote 2", keep, ([rec], lambda r: line("mark", 1, 2, r, hops=[source(2)])))
    one("one too many", 3, "2 records came, the stage before wrote 1", keep, ([rec, rec], lambda r: line("mark", 1, 1, r, hops=[source(1)])))
    one("an epoch is missing", 3, "epoch 2 came behind epoch 0", keep, ([rec], lambda r: line("mark", 2, 1, r, hops=[source(1)])))
    one("the end of input without an end", 75, "ended inside an epoch", keep, ([rec], lambda r: b""))
    one("something behind the end", 3, "behind the end", keep, ([rec], lambda r: line("end", 1, 1, r, hops=[source(1)])),
        ([], lambda r: line("mark", 2, 0, r, hops=[source(0)])))
    one("a control line of another shape", 3, "control line", keep, ([], lambda r: line("mark", 1, 0, r)[:-3] + b',"more":1}\n'))
    one("a state that is not there", 3, "no state of epoch 5", ["dedup", "-k", "id"], at=5)
    one("an option for the end of all input", 2, "barrier job", ["dedup", "-k", "id", "--keep", "last"])
    one("a command that keeps nothing through a crash", 2, "barrier job", ["json-to-csv"])
    one("an output file", 2, "-o", ["json-map", "--keep", "id", "-o", os.path.join(TMP, "x")])
    one("an input file", 2, "input", ["json-map", "--keep", "id", "/dev/null"])
    for what, data, status, word in (("nothing at all", b"", 75, "before its first control line"), ("records without control lines", rec + b"\n", 3, "no control line")):
        p = subprocess.run([os.path.join(BIN, "dedup"), "-k", "id"], input=data, env=fresh("bare").next_run(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told(p.returncode == status and word.encode() in p.stderr, "%s: %d" % (what, status), (p.returncode, p.stderr))
    # with another nonce it is data
    s = Stage(fresh("data"), ["json-map", "--keep", "id"])
    got = s.end(1, [line("mark", 1, 0, 1, nonce=NONCE[::-1]).rstrip(b"\n")])
    told(got == [b'{"id":1}'] and s.over[0] == 0, "a control line of another job is a record", (got, s.over))
    # two at one state; other arguments
    job = fresh("two")
    s = Stage(job, ["dedup", "-k", "id"])
    s.epoch(1, [rec])
    job.run -= 1
    t = Stage(job, ["dedup", "-k", "id"])
    told(t.finish()[0] == 75 and str(s.p.pid) in t.over[1], "a second process at the same state: 75, with the pid of the first", t.over)
    s.kill()
    t = Stage(job, ["dedup", "-k", "x"], at=1)
    told(t.finish()[0] == 3 and "other arguments" in t.over[1], "a state of other arguments: 3", t.over)
    # a damaged one
    s = Stage(job, ["dedup", "-k", "id"], at=1)
    s.kill()
    path = os.path.join(job.dir, "1-dedup", "1.snap")
    with open(path, "r+b") as f:
        f.seek(-20, 2)
        f.write(b"X")
    t = Stage(job, ["dedup", "-k", "id"], at=1)
    told(t.finish()[0] == 3 and "damaged" in t.over[1], "a damaged state: 3", t.over)


def left_alone():
    """Who reads the last line ends, maybe long before the source does: that is no broken pipe. Before that line it is one."""
    for argv in (["json-map", "--all"], ["dedup", "-k", "id"], ["shard", "-n", "2", "-k", "id", "--", "json-map", "--all"], ["fan-out", "json-map --all"]):
        for kind, want in (("end", 0), ("mark", -signal.SIGPIPE)):
            s = Stage(fresh("alone"), argv, env={"PATH": BIN + ":" + os.environ["PATH"]})
            s.epoch(1, [b'{"id":1}'], kind=kind)
            s.p.stdout.close()
            s.p.stdout = None
            try:
                s.p.wait(0.3 if kind == "end" else 60)      # its input is open; who would end by that has time to
            except subprocess.TimeoutExpired:
                pass
            told(s.finish()[0] == want, "%s, whose reader is gone behind a line of kind %s: %d" % (" ".join(argv), kind, want), s.over)


def splits():
    """Control lines anywhere in what a read gives: blocks of 64 bytes, and all at once."""
    rng = random.Random(SEED + 3)
    lines = records(rng, 300, 20)
    cut = epochs_of(rng, lines, 50)
    argv = [os.path.join(BIN, "json-map"), "-w", "x >= 20"]
    for block in ("64", "300", "65536"):
        job = fresh("split")
        env = dict(job.next_run(), PIPEHOUSE_BLOCK=block)
        text = line("open", 0, 0, job.run, hops=[source(0)])
        for i, part in enumerate(cut):
            text += b"".join(x + b"\n" for x in part)
            text += line("end" if i + 1 == len(cut) else "mark", i + 1, len(part), job.run, hops=[source(len(part))])
        p = subprocess.run(argv, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, check=False)
        got = [x for x in p.stdout.splitlines() if not x.startswith(b'{"$barrier"')]
        marks = [json.loads(x) for x in p.stdout.splitlines() if x.startswith(b'{"$barrier"')]
        want = [x for x in lines if json.loads(x)["x"] >= 20]
        told(p.returncode == 0 and got == want and len(marks) == 51 and [m["n"] for m in marks[1:]] ==
             [sum(json.loads(x)["x"] >= 20 for x in part) for part in cut], "blocks of %s bytes" % block, p.stderr)


try:
    for test in (stateless, splits, left_alone, crashes, deltas, refused):
        test()
finally:
    shutil.rmtree(TMP, ignore_errors=True)
print("1..%d" % done)
