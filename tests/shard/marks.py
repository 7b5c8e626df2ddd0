#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""marks - control lines through shard and fan-out, against plain Python; TAP

    BIN=build/bin python3 tests/shard/marks.py

The source and the job's directory are made here, line by line; children are our stages, foreign tools, and a stage in Python
(stage.py below) that can be told to do each thing wrong that a child can do.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cases  # noqa: E402
from tap import finish, holds  # noqa: E402

DIR = tempfile.mkdtemp(prefix="marks.")
NONCE = "0123456789abcdef" * 2
PREFIX = '{"$barrier":"%s"' % NONCE
FATES = ("in", "pass", "drop", "used", "rej", "made")

STAGE = r'''
import json, os, sys, time
prefix, how = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
if how and how[0] in "0123456789":      # only this copy does it wrong
    copy, how = how.split(":")
    how = how if os.environ["SHARD"] == copy else ""
out, got, wrote, late, epoch = sys.stdout.buffer, 0, 0, b"", 0
for line in sys.stdin.buffer:
    if not line.startswith(prefix.encode()):
        got += 1
        if how == "die" and epoch == 1:
            os.kill(os.getpid(), 9)
        if how == "leave" and epoch == 1:
            sys.exit(0)
        if how == "close" and epoch == 1:       # as one that is killed: its output is over before it can be waited for
            os.close(1)
            time.sleep(1)
            os.kill(os.getpid(), 9)
        if how == "fail" and epoch == 1:
            sys.exit(3)
        if how in ("lose", "lag") and got == 1 and epoch == 1:
            late = line
            continue
        wrote += 1
        out.write(line)
        continue
    m = json.loads(line)
    if m["n"] != got:
        sys.exit(3)
    if how == "swallow" and epoch == 1:
        continue
    if how == "lose":
        wrote = got
    m["hops"].append({"t": "stage", "in": got, "pass": wrote if how != "lag" else got, "drop": got - wrote, "used": 0, "rej": 0, "made": 0})
    m["n"] = wrote
    if how == "drop-untold":
        m["hops"][-1]["drop"] += 1
    if how == "other-id":
        m["id"] += 1
    if how == "no-past":
        m["hops"] = m["hops"][1:]
    if how == "wrong-pins":
        m["pins"] = {"t": 1}
    text = (json.dumps(m, separators=(",", ":")) + "\n").encode()
    out.write(text * (2 if how == "twice" else 1))
    out.write(late)
    out.flush()
    got = wrote = 0
    late = b""
    epoch += 1
'''


class Job:
    """A directory of a job as pipe-run leaves it to its stages."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="job.", dir=DIR)
        self.run = 0
        for name, text in (("nonce", NONCE + "\n"), ("sinks", "s\n")):
            with open(os.path.join(self.dir, name), "w") as f:
                f.write(text)
        for name in ("plan", "ack"):
            os.mkdir(os.path.join(self.dir, name))

    def line(self, at, kind, n, hops=None, pins=None):
        m = {"$barrier": NONCE, "id": at, "run": self.run, "kind": kind, "n": n, "now": 1700000000000 + at, "wm": None if at == 0 else at * 1000,
             "from": {"t": {"0": at}}, "to": {"t": {"0": at + 1}}, "pins": pins or {},
             "hops": [dict({f: 0 for f in FATES}, t="source", **{"in": n, "pass": n})] if hops is None else hops}
        m["hops"] = [{k: h[k] for k in ("t",) + FATES} for h in m["hops"]]
        return (json.dumps(m, separators=(",", ":")) + "\n").encode()

    def stream(self, epochs, at=0, end=True):
        """`open` at, then these epochs, each a list of lines"""
        self.run += 1
        out = [self.line(at, "open", 0)]
        for i, records in enumerate(epochs):
            at += 1
            out += [r + b"\n" for r in records]
            out.append(self.line(at, "end" if end and i == len(epochs) - 1 else "mark", len(records)))
        return b"".join(out)

    def sh(self, text, data, **more):
        """(status, output, messages) of a shell text in the job"""
        env = cases.environment(DIR)
        env.update(PIPEHOUSE_JOB=self.dir, PIPEHOUSE_JOB_RUN=str(self.run), STAGE="python3 -ISs %s/stage.py %s" % (DIR, PREFIX), **more)
        p = subprocess.run(["bash", "-euo", "pipefail", "-c", text], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                           cwd=DIR, timeout=120)
        return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


def split(out):
    """[(control line, the lines before it)], and what stands behind the last one"""
    parts, lines = [], []
    for ln in out.split(b"\n")[:-1]:
        if ln.startswith(PREFIX.encode()):
            parts.append((json.loads(ln), lines))
            lines = []
        else:
            lines.append(ln)
    return parts, lines


def judge(got, epochs, wanted, tool, at=0, ordered=None, closes=True):
    """What is wrong with an answer: wanted, the lines of each epoch, in any order unless `ordered`"""
    rc, out, err = got
    if rc != 0 or err:
        return ["status %d: %s" % (rc, err)]
    wrong = []
    parts, rest = split(out)
    if rest or len(parts) != len(epochs) + 1:
        return ["%d control lines, %d lines behind them" % (len(parts), len(rest))]
    for i, (m, lines) in enumerate(parts):
        want = [] if i == 0 else wanted[i - 1]
        sent = 0 if i == 0 else len(epochs[i - 1])
        if (lines if ordered else sorted(lines)) != (want if ordered else sorted(want)):
            wrong.append("epoch %d: %d lines, wanted %d; %s" % (m["id"], len(lines), len(want), (Counter(lines) - Counter(want)).most_common(2)))
        kind = "open" if i == 0 else "end" if i == len(epochs) else "mark"
        if (m["id"], m["kind"], m["n"]) != (at + i, kind, len(want)):
            wrong.append("line %d: %s" % (i, m))
        hop = m["hops"][-1]
        if closes and (len(m["hops"]) != 2 or hop != dict(t=tool, used=sent, rej=0, drop=0, made=len(want), **{"in": sent, "pass": 0})):
            wrong.append("line %d: account %s" % (i, m["hops"]))
    return wrong


def failing(got, status, word):
    rc, out, err = got
    return [] if rc == status and word in err else ["status %d, wanted %d: %s" % (rc, status, err)]


def records(epoch, n, keys=50):
    return [b'{"id":%d,"e":%d,"x":"%s"}' % ((i * 7 + epoch) % keys, epoch, b"y" * (i % 60)) for i in range(n)]


def first_of_all(epochs):
    seen, out = set(), []
    for records_ in epochs:
        out.append([])
        for r in records_:
            k = json.loads(r)["id"]
            if k not in seen:
                seen.add(k)
                out[-1].append(r)
    return out


EPOCHS = [records(1, 700), [], records(3, 1), records(4, 900, 3000), records(5, 20000, 9000)]
IDS = [[b'{"id":%d}' % json.loads(r)["id"] for r in e] for e in EPOCHS]


def differing(text, *ways):
    outs = set()
    for options, env in ways:
        j = Job()
        outs.add(j.sh(text % options, j.stream(EPOCHS), **env)[:2])
    return [] if len(outs) == 1 and outs.pop()[0] == 0 else ["they differ"]


def our_stages():
    for n in (1, 3, 8):
        j = Job()
        holds("shard -n %d: json-map, epoch by epoch" % n,
              judge(j.sh("shard -n %d -k id -- json-map --keep id" % n, j.stream(EPOCHS)), EPOCHS, IDS, "shard"))
    j = Job()
    holds("dedup keeps what it knows from epoch to epoch, key by key",
          judge(j.sh("shard -n 3 -k id -- dedup -k id", j.stream(EPOCHS)), EPOCHS, first_of_all(EPOCHS), "shard"))
    holds("the same bytes each time, whatever was held where",
          differing("shard -n 4 %s -k id -- json-map --keep id", ("", {}), ("", {}), ("-S 64K", {}), ("", {"PIPEHOUSE_BLOCK": "300"})))
    j = Job()
    holds("fan-out: each pipe has each record",
          judge(j.sh("fan-out 'json-map --keep id' 'json-map -w \"id = 1\" --keep id | json-map --all' cat", j.stream(EPOCHS)), EPOCHS,
                [a + [r for r in a if r == b'{"id":1}'] + b for a, b in zip(IDS, EPOCHS)], "fan-out", ordered=True))
    j = Job()
    holds("a shard below a fan-out", judge(j.sh("fan-out 'shard -n 2 -k id -- dedup -k id' 'json-map --keep id'", j.stream(EPOCHS)), EPOCHS,
                                           [a + b for a, b in zip(first_of_all(EPOCHS), IDS)], "fan-out"))
    bad = [e + [b'{"id":'] for e in EPOCHS]
    rc, out, err = j.sh("shard -n 2 -k id --on-error skip -- json-map --keep id", j.stream(bad))
    hops = [m["hops"][-1] for m, _ in split(out)[0]]
    holds("bad records are rejected here, and accounted for",
          [(rc, err, hops)] if rc != 0 or [h["rej"] for h in hops] != [0] + [1] * 5 or [h["in"] for h in hops][1:] != [len(b) for b in bad] else [])


def states():
    text = "shard -n 2 -k id -- sh -c 'json-map --all | dedup -k id' | shard -n 2 -k e,id -- sh -c 'json-map --all | dedup -k e,id'"
    j = Job()
    wanted = first_of_all(EPOCHS)
    rc, out, err = j.sh(text, j.stream(EPOCHS[:3], end=False))
    whole = [sorted(lines) for _, lines in split(out)[0]][1:]
    holds("an input that ends without `end` is 75", [(rc, err)] if rc != 75 or whole != [sorted(w) for w in wanted[:3]] else [])
    dirs = sorted(d for d in os.listdir(j.dir) if "dedup" in d)
    holds("each stage's state has a place of its own", [] if dirs == ["1.1.0-dedup", "1.1.1-dedup", "2.1.0-dedup", "2.1.1-dedup"] else [dirs])
    got = j.sh(text, j.stream(EPOCHS[1:], at=1))
    holds("taken up from the snapshots of an epoch",
          judge(got, EPOCHS[1:], wanted[1:], "shard", at=1, closes=False))


def wrong_children():
    epochs = [records(1, 50), records(2, 60), records(3, 40)]
    for how, status, word in (
            ("", 0, ""), ("die", 4, "killed by signal 9"), ("fail", 3, ""), ("leave", 75, "ended before the stream did"),
            ("swallow", 3, "did not come back"), ("lose", 3, "records came of it"), ("lag", 3, ""), ("drop-untold", 3, "not every record"),
            ("other-id", 3, "another control line"), ("wrong-pins", 3, "another control line"), ("no-past", 3, "the account of the stages before it"),
            ("twice", 3, "nobody had asked")):
        j = Job()
        # time enough for two interpreters to start on a busy machine
        got = j.sh("shard -n 2 %s -k id -- $STAGE %s" % ("--stalled 3s" if how == "swallow" else "", "1:" + how if how else ""), j.stream(epochs))
        if how:
            wrong = failing(got, status, word)
            if how not in ("die", "fail", "lag") and "copy 2 of 2" not in got[2]:
                wrong.append(got[2])
            if any(m["kind"] == "end" for m, _ in split(got[1])[0]):
                wrong.append("the last line came through")
        else:
            wrong = judge(got, epochs, epochs, "shard")
        holds("a stage of another make: %s" % (how or "all is well"), wrong)
    j = Job()
    holds("fan-out finds the pipe", failing(j.sh("fan-out --stalled 1s 'json-map --keep id' 'grep -v barrier'", j.stream(epochs)), 3, "pipe 2 of 2"))
    j = Job()
    holds("a tool that writes late is found", failing(j.sh("shard -n 1 --stalled 1s -k id -- sed 's/y/z/'", j.stream(epochs)), 3,
                                                     "did not come back"))
    j = Job()
    holds("one that writes at once is a stage", [] if j.sh("shard -n 2 -k id -- sed -u 's/e/e/'", j.stream(epochs))[0] == 0 else ["no"])


def early():
    """A child that is gone before the source has sent anything: the source waits for a sink, which may have been that child."""
    j = Job()
    j.run = 1
    for text, status in (("fan-out cat 'exit 5'", 5), ("shard -n 2 -k id -- false", 75), ("fan-out --sink 'kill -9 $$'", 4)):
        got = j.sh("mkfifo f; exec 3<>f; s=0; %s <f 3>&- || s=$?; rm f; exit $s" % text, b"")
        holds("a child that ends before anything came: %s" % text, failing(got, status, ""))
    for text, status in (("json-map --all <f 3>&- | true", 141), ("shard -n 2 -k id -- cat <f 3>&- | true", 141),
                         ("fan-out cat 'json-map --all | exit 75' <f 3>&-", 75), ("fan-out --sink 'dedup -k id | kill -9 $$' <f 3>&-", 4)):
        got = j.sh("mkfifo f; exec 3<>f; s=0; { %s; } || s=$?; rm f; exit $s" % text, b"")
        holds("whose reader is gone ends, though nothing comes: %s" % text, failing(got, status, ""))


def foreign():
    j = Job()
    holds("a foreign tool: tr", judge(j.sh("shard -n 1 --stateless -- tr y z", j.stream(EPOCHS)), EPOCHS,
                                      [[r.replace(b"y", b"z") for r in e] for e in EPOCHS], "shard", ordered=True))
    holds("three copies of it", judge(j.sh("shard -n 3 --stateless -- tr y z", j.stream(EPOCHS)), EPOCHS,
                                      [[r.replace(b"y", b"z") for r in e] for e in EPOCHS], "shard"))
    holds("which copy gets which is the same each time",
          differing("shard -n 3 %s --stateless -- cat", ("", {}), ("", {"PIPEHOUSE_BLOCK": "300"}), ("-S 64K", {})))
    got = j.sh("shard -n 1 --stateless -- awk 'BEGIN { print \"{\\\"begin\\\":1}\" } END { print \"{\\\"n\\\":\" NR \"}\" }'", j.stream(EPOCHS))
    holds("a process for each epoch, an empty one too", judge(got, EPOCHS, [[b'{"begin":1}', b'{"n":%d}' % len(e)] for e in EPOCHS], "shard",
                                                              ordered=True))
    got = j.sh("shard -n 1 --stateless -- sh -c 'echo \"{\\\"job\\\":\\\"$PIPEHOUSE_JOB$PIPEHOUSE_JOB_RUN\\\"}\"; json-map --keep id'", j.stream(EPOCHS))
    holds("it is not told of the job", judge(got, EPOCHS, [[b'{"job":""}'] + e for e in IDS], "shard", ordered=True))
    for what, status, word in (("grep -q nothing", 4, "ended with 1"), ("sh -c 'cat >/dev/null; exit 3'", 3, ""), ("sh -c 'kill -9 $$'", 4, "killed by signal 9"),
                               ("no-such-tool", 4, "No such file"), ("sh -c 'cat; exec sleep 100'", 3, "its input ended, it did not")):
        holds("its status counts: %s" % what, failing(j.sh("shard -n 1 --stateless --stalled 1s -- %s" % what, j.stream(EPOCHS)), status, word))
    big = [records(1, 60000), records(2, 60000)]
    rc, out, err = j.sh("shard -n 1 --stateless -- head -n 1", j.stream(big))
    parts = split(out)[0]
    wrong = [(rc, err)] if rc != 0 or [lines for _, lines in parts] != [[], big[0][:1], big[1][:1]] else []
    hops = [m["hops"][-1] for m, _ in parts[1:]]
    wrong += [h for h in hops if h["in"] != 60000 or h["used"] + h["drop"] != 60000 or h["drop"] == 0]
    holds("who wants no more of an epoch gets no more of it", wrong)
    got = j.sh("shard -n 1 --stateless -- sh -c 'echo; cat; echo'", j.stream(EPOCHS))
    holds("blank lines are no records", [(got[0], got[2])] if got[0] != 0 or [m["n"] for m, _ in split(got[1])[0]] != [0] + [len(e) for e in EPOCHS]
          else [])


def two_phases():
    epochs = [[b'{"ts":%d,"g":%d,"a":%d}' % (e * 1000 + i * 37 % 3000, i % 3, i) for i in range(500)] for e in range(1, 7)]
    sums = {}
    for r in map(json.loads, sum(epochs, [])):
        key = (r["ts"] // 1000 * 1000, r["g"])
        n, a = sums.get(key, (0, 0))
        sums[key] = (n + 1, a + r["a"])
    wanted = [[b'{"window_start":%d,"window_end":%d,"g":%d,"n":%d,"a":%d}' % (w, w + 1000, g, *sums[w, g]) for w, g in sorted(sums) if w + 1000 == at * 1000]
              for at in range(1, 7)]
    agg = "window-agg -t ts:ms -w 1s -g g 'n=count()' 'a=sum(a)'"
    again = "window-agg -t window_start:ms -w 1s -g g 'n=sum(n)' 'a=sum(a)'"
    j = Job()
    holds("two phases: rows of each epoch, and their sums behind them",
          judge(j.sh("shard -n 2 --stateless -- %s | %s" % (agg, again), j.stream(epochs)), epochs, wanted, "shard", ordered=True, closes=False))
    holds("window-agg below shard", judge(j.sh("shard -n 2 -k g -- %s" % agg, j.stream(epochs), PIPEHOUSE_STATE=DIR), epochs, wanted, "shard"))


def files():
    j = Job()
    bad = [e[:9] + [b'{"epoch":%d,' % i] for i, e in enumerate(EPOCHS)]
    text = "shard -n 2 -k id --reject rej --result hot --stats st -- json-map --keep id"
    first = j.sh(text, j.stream(bad[:3], end=False))
    second = j.sh(text, j.stream(bad[1:], at=1))
    with open(os.path.join(DIR, "rej"), encoding="utf-8") as f:
        rejected = [json.loads(x)["raw"] for x in f]
    holds("rejects of an epoch that comes again are not there twice", [] if (first[0], second[0]) == (75, 0) and rejected ==
          ['{"epoch":%d,' % i for i in range(5)] else [first, second, rejected])


def sinks():
    epochs = [records(1, 50), records(2, 60)]
    j = Job()
    data = j.stream(epochs)

    def told(name):
        with open(os.path.join(DIR, name), "rb") as f:
            parts, rest = split(f.read())
        if rest or [lines for _, lines in parts] != [[]] + epochs:
            return ["%s: not what was sent" % name]
        if [m["kind"] for m, _ in parts] != ["open", "mark", "end"] or [m["n"] for m, _ in parts] != [0, 50, 60]:
            return [m for m, _ in parts]
        if any(h["in"] != h["pass"] + h["drop"] for m, _ in parts for h in m["hops"]) or [m["hops"][-1]["t"] for m, _ in parts] != ["branch"] * 3:
            return [m["hops"] for m, _ in parts]
        return []

    got = j.sh("fan-out 'json-map --keep id' --sink 'exec cat >sink1' 'sh -c \"cat >sink2\" sh --job s'", data)
    holds("pipes that end in sinks: by option, and by their --job",
          judge(got, epochs, [[b'{"id":%d}' % json.loads(r)["id"] for r in e] for e in epochs], "fan-out") or told("sink1") or told("sink2"))
    got = j.sh("fan-out --sink 'exec cat >sink1' --sink 'exec cat >sink2'", data)
    holds("sinks alone: nothing comes out, no control line either", [got] if got != (0, b"", "") else told("sink1") + told("sink2"))
    holds("a sink that writes a record", failing(j.sh("fan-out cat --sink 'json-map --keep id'", data), 3, "pipe 2 of 2: it is a sink, and wrote"))
    holds("a sink that says temporary", failing(j.sh("fan-out cat --sink 'head -c 10 >/dev/null; exit 75'", data), 75, ""))
    got = j.sh("fan-out --sink 'fan-out --sink \"exec cat >sink1\"' 'fan-out --sink \"exec cat >sink2\" cat'", data)
    holds("sinks below sinks", [got] if got[0] != 0 or [x for _, x in split(got[1])[0]] != [[]] + epochs else [])
    holds("a pipe of --sink that keeps control lines", failing(j.sh("fan-out --stalled 1s cat --sink 'cat >/dev/null'", data), 3, "pipe 2 of 2: its control line did not"))
    # one that dies closes its output first: what it had not seen to is not to be committed in that moment
    got = j.sh("fan-out --sink 'exec $STAGE close' 'sh -c \"cat >sink2\" sh --job s'", data)
    with open(os.path.join(DIR, "sink2"), "rb") as f:
        kinds = [m["kind"] for m, _ in split(f.read())[0]]
    holds("a --sink pipe that closes its output and dies behind it", failing(got, 4, "pipe 2 of 2: killed by signal 9") + ([] if kinds == ["open"] else [kinds]))
    # who commits an epoch hears of its end when the others have seen to it: one of these looks what the sink has by then
    late = 'json-map -w FALSE | while IFS= read -r x; do sleep 0.2; grep -c barrier sink2 >>heard || :; printf "%s\\n" "$x"; done'
    for text in ("fan-out --sink \"$LATE\" 'sh -c \"cat >sink2\" sh --job s'", "fan-out --sink 'fan-out --sink \"$LATE\"' 'sh -c \"cat >sink2\" sh --job s'",
                 "fan-out 'json-map --keep id' --sink \"$LATE\" | cat >sink2"):
        for name in ("heard", "sink2"):
            with open(os.path.join(DIR, name), "w"):
                pass
        got = j.sh(text, data, LATE=late)
        with open(os.path.join(DIR, "heard"), encoding="ascii") as f:
            heard = f.read().split()
        holds("a sink of the job has no control line that --sink has not done with: %s" % text, [got, heard] if got[0] != 0 or heard != ["0", "1", "2"] else [])


def misuse():
    j = Job()
    data = j.stream([[]])
    holds("no sink below shard", failing(j.sh("shard -n 2 -k id -- wh-put a.t --partition-by t --job s", data), 2, "a sink of the job"))
    holds("--stalled wants a duration", failing(j.sh("shard -n 1 -k id --stalled 0s -- cat", data), 2, "--stalled") +
          failing(j.sh("fan-out --stalled 1d cat", data), 2, "--stalled"))


try:
    with open(os.path.join(DIR, "stage.py"), "w") as script:
        script.write(STAGE)
    for part in (our_stages, states, wrong_children, early, foreign, two_phases, files, sinks, misuse):
        part()
finally:
    shutil.rmtree(DIR, ignore_errors=True)
sys.exit(finish())
