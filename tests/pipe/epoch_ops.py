#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epoch_ops - operators as stages of a barrier job: each epoch's bytes are the model's, and the same from any snapshot on; TAP

    BIN=build/bin python3 tests/pipe/epoch_ops.py [SEED]

The models know records and watermarks alone: what is late by the line before, what a line's watermark ends, in which order.  Each stream is
cut into epochs at random and played once through one process, then from every epoch's state on by another one, last first, then by processes
that are killed within epochs.  States are large enough for chains of what changed.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from epoch_play import BIN, Job, Stage  # noqa: E402

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 6
# hundreds of processes that sync: what a disk does then is not what is looked at here
TMP = tempfile.mkdtemp(prefix="ph-epoch-ops.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
T0 = 1790000000000
NONE = -(1 << 63)
done = 0


def told(ok, what, why=""):
    global done
    done += 1
    print("%sok %d - %s%s" % ("" if ok else "not ", done, what, "" if ok else "\n# " + str(why)[:900].replace("\n", "\n# ")), flush=True)
    return ok


def dumps(x):
    return json.dumps(x, separators=(",", ":")).encode()


class Epoch:
    """Its records; what the line behind it says."""

    def __init__(self, lines, wm=None, now=0, pins=None):
        self.lines, self.wm, self.now, self.pins = lines, wm, now, pins


def cut(rng, records, n, spread, first=0):
    """Records (objects with .ms, .line) in epochs, some empty; the watermark is `spread` behind the largest time, and stays at times."""
    at = sorted([first] * (first > 0) + [rng.randrange(first, len(records) + 1) for _ in range(n - 1 - (first > 0))])
    out, wm = [], None
    for a, b in zip([0] + at, at + [len(records)]):
        part = records[a:b]
        if part and rng.random() < 0.8:
            wm = max([wm if wm is not None else NONE, max(r.ms for r in part) - spread])
        out.append(Epoch([r.line for r in part], wm))
        out[-1].records = part
    return out


def said(epochs, i):
    """What the line before epoch i said, 0: the `open` line of the whole."""
    e = epochs[i - 1] if i > 0 else Epoch([])
    return {"wm": e.wm, "now": e.now, "pins": e.pins if i > 0 else epochs[0].first_pins if hasattr(epochs[0], "first_pins") else None}


def play(job, argv, epochs, at, to, env=None):
    """Epochs at + 1 .. to by a new process; what it wrote in each, or None and what it said."""
    s = Stage(job, argv, at=at, env=env, **said(epochs, at))
    out = []
    for i in range(at, to):
        e = epochs[i]
        got = None if s.over else s.epoch(i + 1, e.lines, e.now, e.wm, e.pins)
        if got is None:
            return out + [s.over], s
        out.append(got)
    return out, s


def differs(got, want, at=0):
    for i, (a, b) in enumerate(zip(got, want)):
        if a != b:
            k = next((k for k in range(min(len(a), len(b))) if a[k] != b[k]), min(len(a), len(b)))
            return "epoch %d, line %d of %d, wanted %d\ngot  %s\nwant %s" % (at + i + 1, k + 1, len(a), len(b), a[k:k + 1], b[k:k + 1])
    return "%d epochs, wanted %d" % (len(got), len(want)) if len(got) != len(want) else ""


def check(name, argv, epochs, want, rng, env=None, files=(), chains=False):
    """files: (path, what they hold at the end); chains: snapshots of what changed must be among those written."""
    job = Job(tempfile.mkdtemp(dir=TMP))
    argv = [x.replace("{}", job.dir) for x in argv]
    n = len(epochs)
    got, s = play(job, argv, epochs, 0, n, env)
    told(got == want and sum(len(x) for x in want) > 0, "%s: %d epochs, %d lines" % (name, n, sum(len(x) for x in want)), differs(got, want) or s.over)
    s.kill()
    sizes = [os.path.getsize(os.path.join(d, x)) for d, _, l in os.walk(job.dir) for x in l if x.endswith(".snap")]
    if chains:
        told(len(sizes) == n and min(sizes) < max(sizes) / 3, name + ": what changed is saved, not all", sizes)
    wrong, was = "", job.dir + ".was"
    shutil.move(job.dir, was)
    for k in range(n - 1, -1, -1):
        shutil.rmtree(job.dir, ignore_errors=True)
        shutil.copytree(was, job.dir)  # who goes on behind k needs nothing before it
        to = min(n, k + rng.randrange(1, 4))
        again, s = play(job, argv, epochs, k, to, env)
        s.kill()
        if again != want[k:to]:
            wrong = wrong or "from epoch %d: %s %s" % (k, differs(again, want[k:to], k), s.over)
    told(not wrong, name + ": from every epoch on the same bytes", wrong)
    at, wrong, starts = 0, "", 0
    while at < n and starts < 4 * n:
        to = min(n, at + rng.randrange(1, 7))
        again, s = play(job, argv, epochs, at, to, env)
        if again != want[at:to]:
            wrong = wrong or "from epoch %d: %s %s" % (at, differs(again, want[at:to], at), s.over)
        if to < n:
            s.send(epochs[to].lines[:len(epochs[to].lines) // 2], b"")
        s.kill()
        starts += 1
        at = to if to == n else max(at, to - rng.randrange(0, 3))
    for path, held in files:
        with open(path.replace("{}", job.dir), "rb") as f:
            lines = f.read().splitlines()
        if lines != held:
            wrong = wrong or "%s: %d lines, wanted %d: %s" % (path, len(lines), len(held), [x for x in zip(lines, held) if x[0] != x[1]][:1])
    told(not wrong, "%s: killed %d times, the same" % (name, starts), wrong)


# ---- window-agg ----

class Event:
    def __init__(self, ms, g, x, u, brk=False):
        self.ms, self.g, self.x, self.u, self.brk = ms, g, x, u, brk
        self.line = b'{"t":%d,"g":"%s","x":%s,"u":%d,"b":%s}' % (ms, g.encode(), x.encode(), u, b"true" if brk else b"false")


def events(rng, n, step, spread, groups, users):
    out, now, met = [], T0, set()
    while len(out) < n:
        now += rng.randrange(2 * step) + (rng.randrange(100 * step) if rng.random() < 0.02 else 0)
        ms = now - (rng.randrange(spread) if rng.random() < 0.5 else rng.randrange(20 * spread) if rng.random() < 0.05 else 0)
        g = "g%d" % rng.randrange(groups)
        if (ms, g) not in met:
            met.add((ms, g))
            out.append(Event(ms, g, rng.choice(["1", "2.50", "3", "-4.5", "7"]), rng.randrange(users), rng.random() < 0.1))
    return out


AGGS = ["n=count()", "s=sum(x)", "lo=min(x)", "d=distinct(u)", "f=first(x)", "l=last(x)"]


def row(start, end, g, rs):
    xs = [Decimal(r.x) for r in rs]
    scale = max(-x.as_tuple().exponent for x in xs)
    at = sorted(((r.ms, format(Decimal(r.x).normalize(), "f"), r.x) for r in rs), key=lambda a: a[0])

    def text(v):
        return format(v.quantize(Decimal(1).scaleb(-scale)), "f")

    return ('{"window_start":%d,"window_end":%d,"g":"%s","n":%d,"s":%s,"lo":%s,"d":%d,"f":%s,"l":%s}' % (
        start, end, g, len(rs), text(sum(xs)), text(min(xs)), len({r.u for r in rs}), at[0][2], at[-1][2])).encode()


def passed(ms, wm):
    return wm is not None and ms <= wm


def fixed(epochs, width, slide):
    wm, cells, late, out = None, {}, [], []
    for e in epochs:
        for r in e.records:
            starts = [s for s in range(r.ms // slide * slide, r.ms - width, -slide) if not passed(s + width, wm)]
            if not starts:
                late.append(r.line)
            for s in starts:
                cells.setdefault((s, r.g), []).append(r)
        wm = e.wm
        over = sorted(k for k in cells if passed(k[0] + width, wm))
        out.append([row(s, s + width, g, cells.pop((s, g))) for s, g in over])
    return out, late


def sessions(epochs, gap, breaks):
    wm, groups, late, out = None, {}, [], []
    for e in epochs:
        for r in e.records:
            if wm is not None and r.ms < wm:
                late.append(r.line)
            else:
                groups.setdefault(r.g, []).append(r)
        wm = e.wm
        over = []
        for g, rs in groups.items():
            rs.sort(key=lambda r: (r.ms, not (breaks and r.brk)))
            while rs and wm is not None:
                z = 1
                while z < len(rs) and not (breaks and rs[z].brk) and rs[z].ms <= rs[z - 1].ms + gap:
                    z += 1
                sure = min([rs[z - 1].ms + gap] + [r.ms for r in rs[z:z + 1]])
                if sure >= wm:
                    break
                over.append((sure, g, rs[0].ms, row(rs[0].ms, rs[z - 1].ms, g, rs[:z])))
                del rs[:z]
        out.append([x[3] for x in sorted(over, key=lambda x: (x[0], '"%s"' % x[1], x[2]))])
    return out, late


def window_agg():
    rng = random.Random(SEED)
    base = ["window-agg", "-t", "t:ms", "-g", "g"] + AGGS
    for width, slide, groups in ((60000, 60000, 40), (60000, 20000, 8)):
        epochs = cut(rng, events(rng, 3000, 400, 8000, groups, 500), 18, 8000)
        want, late = fixed(epochs, width, slide)
        check("window-agg -w %ds -s %ds" % (width // 1000, slide // 1000), base + ["-w", "%dms" % width, "-s", "%dms" % slide, "--late-to", "{}/late"],
              epochs, want, rng, files=[("{}/late", late)])
        told(len(late) > 5, "window-agg: some were late")
    # much that stays open, little that changes
    many = [Event(T0 + 86400000 + i, "k%d" % i, "1", i) for i in range(2500)]
    more = events(rng, 700, 300, 4000, 30, 20)
    epochs = cut(rng, many + more, 16, 4000, first=2500)
    for e in epochs:
        e.wm = None if e is epochs[0] else max(r.ms for r in more[:sum(len(x.lines) for x in epochs[:epochs.index(e) + 1]) - 2500] or more[:1]) - 4000
    want, _ = fixed(epochs, 10000, 10000)
    check("window-agg, 2,500 windows that stay open", base + ["-w", "10s"], epochs, want, rng, chains=True)
    for breaks in (False, True):
        epochs = cut(rng, events(rng, 2500, 300, 5000, 30, 100), 16, 5000)
        want, late = sessions(epochs, 15000, breaks)
        check("window-agg --session%s" % (" --break" if breaks else ""), base + ["--session", "15s", "--late-to", "{}/late"] + ["--break", "b"] * breaks,
              epochs, want, rng, files=[("{}/late", late)])


# ---- topn ----

class Scored:
    def __init__(self, end, g, v, i):
        self.ms, self.g, self.v = end, g, v
        self.line = b'{"window_end":%d,"g":"%s","v":%d,"i":%d}' % (end, g.encode(), v, i)


def topn():
    rng = random.Random(SEED + 1)

    def model(epochs, n):
        wm, held, out = None, {}, []
        for e in epochs:
            for r in e.records:
                held.setdefault((r.ms, '"%s"' % r.g), []).append(r)
            wm, lines = e.wm, []
            for k in sorted(k for k in held if passed(k[0], wm)):
                best = sorted(held.pop(k), key=lambda r: -r.v)[:n]
                lines += [r.line[:-1] + b',"rank":%d}' % (i + 1) for i, r in enumerate(best)]
            out.append(lines)
        return out

    def upstream(n, epochs, groups, extra=()):
        """As windows come: ends rise, each above the watermark of the line before."""
        out, wm, i = [], T0, 0
        for k in range(epochs):
            part = list(extra) if k == 0 else []
            for _ in range(rng.randrange(2 * n)):
                part.append(Scored(wm + 1000 * rng.randrange(1, 12), "g%d" % rng.randrange(groups), rng.randrange(50), i))
                i += 1
            wm += rng.choice([0, 2000, 5000])
            out.append(Epoch([r.line for r in part], wm))
            out[-1].records = part
        return out

    epochs = upstream(80, 20, 5)
    check("topn --per window_end", ["topn", "-n", "3", "--by", "v", "-g", "g", "--per", "window_end:ms"], epochs, model(epochs, 3), rng)
    # behind window-agg: its windows go out in the epoch whose line ends them, so none comes too late
    epochs = cut(rng, events(rng, 1500, 400, 8000, 20, 50), 14, 8000)
    rows, _ = fixed(epochs, 30000, 10000)
    for e, part in zip(epochs, rows):
        e.lines, e.records = part, []
        for x in part:
            v = json.loads(x)
            e.records.append(Scored(v["window_end"], "", v["n"], 0))
            e.records[-1].line = x
    check("topn behind window-agg", ["topn", "-n", "2", "--by", "n", "--per", "window_end"], epochs, model(epochs, 2), rng)
    far = [Scored(T0 + 10 ** 9 + i % 50, "far%d" % i, i, -i) for i in range(2500)]
    epochs = upstream(10, 20, 5, far)
    check("topn, 2,500 groups that stay", ["topn", "-n", "1", "--by", "v", "-g", "g", "--per", "window_end"], epochs, model(epochs, 1), rng, chains=True)
    epochs = upstream(10, 6, 3)
    passed_by = Scored(epochs[2].wm, "g0", 1, 0)
    epochs[3].lines.append(passed_by.line)
    check("topn, a record whose time has passed", ["topn", "-n", "2", "--by", "v", "-g", "g", "--per", "window_end", "--reject", "{}/bad"], epochs,
          model(epochs, 2), rng)


# ---- stream-join ----

class Side:
    def __init__(self, ms, k, left, i):
        self.ms, self.left = ms, left
        self.k = None if k is None else k
        self.line = dumps({"s": "left" if left else "right", "t": ms, "k": k, "i": i})
        self.key = "null" if k is None else '"%s"' % k


def joined(left, right, times=None):
    b = b'{"left":' + (left.line if left else b"null") + b',"right":' + (right.line if right else b"null")
    return b + (b',"window_start":%d,"window_end":%d' % times if times else b"") + b"}"


def accept(epochs):
    """Each record with the epoch it came in, but those that were late."""
    wm, out, late = None, [], []
    for e in epochs:
        for r in e.records:
            if wm is not None and r.ms < wm:
                late.append(r.line)
            else:
                out.append(r)
        wm = e.wm
    return out, late


def deal(epochs, lines, over):
    """lines: (when, order, line): in the first epoch whose watermark has passed `when`."""
    out, lines = [], sorted(lines, key=lambda x: x[1])
    for e in epochs:
        now = [x for x in lines if e.wm is not None and over(x[0], e.wm)]
        lines = [x for x in lines if not (e.wm is not None and over(x[0], e.wm))]
        out.append([x[2] for x in now])
    return out


def spot(r):
    return (0, 0, b"") if r is None else (1, r.ms, r.line)


def between(epochs, lo, hi):
    records, late = accept(epochs)
    lines, met = [], set()
    by = {}
    for r in records:
        by.setdefault(r.key, ([], []))[0 if r.left else 1].append(r)
    for key, (ls, rs) in by.items():
        for x in ls if key != "null" else ():
            for y in rs:
                if lo <= y.ms - x.ms <= hi:
                    met |= {x, y}
                    lines.append((max(x.ms, y.ms), (max(x.ms, y.ms), 0, key, spot(x), spot(y)), joined(x, y)))
        for x in ls:
            if x not in met:
                lines.append((x.ms + max(hi, 0), (x.ms + max(hi, 0), 1, key, spot(x), spot(None)), joined(x, None)))
        for y in rs:
            if y not in met:
                lines.append((y.ms + max(-lo, 0), (y.ms + max(-lo, 0), 2, key, spot(None), spot(y)), joined(None, y)))
    return deal(epochs, lines, lambda when, wm: when < wm), late


def group_lines(key, ls, rs, order, times):
    ls, rs = sorted(ls, key=spot), sorted(rs, key=spot)
    if ls and rs and key != "null":
        return [(order + (key, i, k), joined(x, y, times)) for i, x in enumerate(ls) for k, y in enumerate(rs)]
    return [(order + (key, i, 0), joined(x, None, times)) for i, x in enumerate(ls)] + \
        [(order + (key, len(ls), k), joined(None, y, times)) for k, y in enumerate(rs)]


def windows(epochs, width, slide):
    records, late = accept(epochs)
    cells, lines = {}, []
    for r in records:
        for s in range(r.ms // slide * slide, r.ms - width, -slide):
            cells.setdefault((s, r.key), ([], []))[0 if r.left else 1].append(r)
    for (s, key), (ls, rs) in cells.items():
        lines += [(s + width, o, x) for o, x in group_lines(key, ls, rs, (s,), (s, s + width))]
    return deal(epochs, lines, lambda when, wm: when <= wm), late


def joined_sessions(epochs, gap):
    records, late = accept(epochs)
    by, lines = {}, []
    for r in records:
        by.setdefault(r.key, []).append(r)
    for key, rs in by.items():
        rs.sort(key=lambda r: (r.ms, not r.left, r.line))
        a = 0
        for z in range(1, len(rs) + 1):
            if z < len(rs) and rs[z].ms - rs[z - 1].ms <= gap and key != "null":
                continue
            part, end = rs[a:z], rs[z - 1].ms
            lines += [(end + gap, o, x) for o, x in group_lines(key, [r for r in part if r.left], [r for r in part if not r.left],
                      (end, key, 0 if key != "null" else (not part[0].left, part[0].line)), (part[0].ms, end))]
            a = z
    return deal(epochs, lines, lambda when, wm: when < wm), late


def stream_join():
    rng = random.Random(SEED + 2)

    def records(n, keys):
        out, now = [], T0
        for i in range(n):
            now += rng.randrange(600)
            ms = now - (rng.randrange(4000) if rng.random() < 0.5 else rng.randrange(40000) if rng.random() < 0.04 else 0)
            out.append(Side(ms, None if rng.random() < 0.02 else "k%d" % rng.randrange(keys), rng.random() < 0.5, i))
        return out

    base = ["stream-join", "--side", "s", "-k", "k", "-t", "t:ms", "--type", "full", "--late-to", "{}/late"]
    for name, args, model in (("--between", ["--between", "-3s,5s"], lambda e: between(e, -3000, 5000)),
                              ("--window", ["--window", "10s"], lambda e: windows(e, 10000, 10000)),
                              ("--window, sliding", ["--window", "12s,4s"], lambda e: windows(e, 12000, 4000)),
                              ("--session", ["--session", "2s"], lambda e: joined_sessions(e, 2000))):
        epochs = cut(rng, records(900, 30), 16, 4000)
        want, late = model(epochs)
        check("stream-join " + name, base + args, epochs, want, rng, files=[("{}/late", late)])
    many = [Side(T0 + 10 ** 8 + i, "far%d" % i, True, -i) for i in range(1500)]
    epochs = cut(rng, many + records(300, 20), 14, 4000, first=1500)
    n = 0
    for e in epochs:
        n += len(e.records)
        e.wm = max([r.ms for x in epochs[:epochs.index(e) + 1] for r in x.records if r.ms < T0 + 10 ** 8] or [T0]) - 4000
    want, late = between(epochs, -3000, 5000)
    check("stream-join, 1,500 keys that wait", base + ["--between", "-3s,5s"], epochs, want, rng, files=[("{}/late", late)], chains=True)


# ---- dimjoin ----

def dimjoin():
    rng = random.Random(SEED + 3)
    root = os.path.join(TMP, "wh")
    outside = dict(os.environ, PIPEHOUSE_ROOT=root)
    outside.pop("PIPEHOUSE_RUN", None)

    def tool(*argv, data=b""):
        p = subprocess.run([os.path.join(BIN, argv[0])] + list(argv[1:]), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=outside, check=False)
        assert p.returncode == 0, (argv, p.stderr)

    # every commit is the whole table; the job is played when all are there, so a head would be the last one
    tool("wh-table", "dim.sku", "-", data=b"kind snapshot\n")
    tables = {}
    for c in range(1, 6):
        rows = {k: "v%d.%d" % (k, c) for k in range(60) if rng.random() < 0.25 + 0.12 * c}
        tables[c] = rows
        tool("wh-put", "dim.sku", "dt=2026-11-%02d" % c, data=b"".join(b'{"id":%d,"n":"%s"}\n' % (k, v.encode()) for k, v in rows.items()))
    env = {"PIPEHOUSE_ROOT": root}

    def stream(n, pad=0):
        epochs, commit, now, i = [], 1, T0, 0
        for k in range(n):
            lines = []
            for _ in range(rng.randrange(60)):
                lines.append((rng.randrange(70), i))
                i += 1
            now += rng.randrange(3000)
            commit = min(5, commit + (rng.random() < 0.3))
            e = Epoch([b'{"id":%d,"i":%d%s}' % (a, b, b',"p":"%s"' % (b"x" * pad) if pad else b"") for a, b in lines], None, now, {"dim.sku": commit + 1, "x.y": k})
            e.records = [(a, x) for (a, _), x in zip(lines, e.lines)]
            epochs.append(e)
        epochs[0].first_pins = {"dim.sku": 2}  # commit 1 is the table, 2 its first rows
        return epochs

    epochs = stream(20)
    want, c = [], 1
    for e in epochs:
        want.append([x[:-1] + b',"n":%s}' % (b'"%s"' % tables[c][k].encode() if k in tables[c] else b"null") for k, x in e.records])
        c = e.pins["dim.sku"] - 1
    for extra in ([], ["--share"]):
        check("dimjoin --fields%s, a commit an epoch" % "".join(" " + x for x in extra), ["dimjoin", "-k", "id", "--fields", "n"] + extra + ["wh:dim.sku"], epochs, want,
              rng, env)
    for pad, reject in ((0, False), (400, False), (0, True)):
        epochs = stream(24, pad)
        want, c, waits, clock, out, bad = [], 1, [], 0, [], []
        for i, e in enumerate(epochs):
            for k, x in e.records:
                if k in tables[c]:
                    out.append(x[:-1] + b',"n":"%s"}' % tables[c][k].encode())
                else:
                    waits.append((clock + 5000, k, x))
            clock = e.now
            gone = [w for w in waits if w[0] <= clock]
            waits = [w for w in waits if w[0] > clock]
            out += [x[:-1] + b',"n":null}' for _, _, x in gone if not reject]
            bad += [x for _, _, x in gone if reject]
            want.append(out)
            out = []
            c = e.pins["dim.sku"] - 1
            out += [x[:-1] + b',"n":"%s"}' % tables[c][k].encode() for _, k, x in waits if k in tables[c]]
            waits = [w for w in waits if w[1] not in tables[c]]
        argv = ["dimjoin", "-k", "id", "--fields", "n", "--miss", "park=5s" + ",reject" * reject] + ["--reject", "{}/bad"] * reject + ["wh:dim.sku"]
        check("dimjoin --miss park%s%s" % (",reject" * reject, ", long lines" if pad else ""), argv, epochs, want, rng, env, chains=False)
        if reject:
            told(len(bad) > 10, "dimjoin: some waited in vain")
    # rows of DIM that are bad: told once a commit, however often it is read
    tool("wh-table", "dim.bad", "-", data=b"kind snapshot\n")
    for c in (1, 2):
        tool("wh-put", "dim.bad", "dt=2026-11-0%d" % c, data=b'{"id":1,"n":"a"}\n{"id":1,"n":"again %d"}\n' % c)
    epochs = [Epoch([b'{"id":1}', b'{"id":2}'], None, 0, {"dim.bad": 2 + (i > 3)}) for i in range(8)]
    epochs[0].first_pins = {"dim.bad": 2}
    want = [[b'{"id":1,"n":"a"}', b'{"id":2,"n":null}']] * 8
    for restart in (1, 3, 4, 5, 7):
        job = Job(tempfile.mkdtemp(dir=TMP))
        argv = ["dimjoin", "-k", "id", "--fields", "n", "--reject", os.path.join(job.dir, "bad"), "wh:dim.bad"]
        first, s = play(job, argv, epochs, 0, min(8, restart + 1), env)
        s.kill()
        again, s = play(job, argv, epochs, restart, 8, env)
        s.kill()
        with open(argv[6], "rb") as f:
            bad = [json.loads(json.loads(x)["raw"])["n"] for x in f]
        told(first[:restart] + again == want and bad == ["again 1", "again 2"], "dimjoin, bad rows of its table, again from epoch %d" % restart, (bad, s.over))
    # as of a day
    tool("wh-table", "dim.z", "-", data=b"kind scd2\nkey id\n")
    tool("wh-put", "dim.z", "dt=2026-11-01", data=b'{"id":1,"v":"a","start_date":"2026-01-01","end_date":"9999-12-31"}\n')
    tool("wh-put", "dim.z", "dt=2026-11-02", data=b'{"id":1,"v":"a","start_date":"2026-01-01","end_date":"2026-01-31"}\n'
         b'{"id":1,"v":"b","start_date":"2026-02-01","end_date":"9999-12-31"}\n')
    rec = [b'{"id":1,"d":"2026-01-15"}', b'{"id":1,"d":"2026-03-01"}', b'{"id":1,"d":"2025-12-31"}']
    epochs = [Epoch(rec, None, 0, {"dim.z": 3}) for _ in range(3)]
    epochs[0].first_pins = {"dim.z": 2}
    want = [[r[:-1] + b',"v":%s}' % v for r, v in zip(rec, vs)] for vs in ((b'"a"', b'"a"', b"null"), (b'"a"', b'"b"', b"null"), (b'"a"', b'"b"', b"null"))]
    check("dimjoin --as-of", ["dimjoin", "-k", "id", "--as-of", "d", "--fields", "v", "wh:dim.z"], epochs, want, rng, env)
    return env


# ---- dq-check ----

def dq_check():
    rng = random.Random(SEED + 4)
    epochs, want, bad = [], [], []
    for _ in range(10):
        lines = [b'{"id":%s,"x":%d}' % (b"null" if rng.random() < 0.1 else b"%d" % i, rng.randrange(120)) for i in range(rng.randrange(40))]
        epochs.append(Epoch(lines))
        ok = [x for x in lines if b"null" not in x and json.loads(x)["x"] <= 100]
        want.append(ok)
        bad += [x for x in lines if x not in ok]
    check("dq-check --drop-bad", ["dq-check", "--drop-bad", "--tee-bad", "{}/bad", "not_null(id)", "range(x,0,100)"], epochs, want, rng, files=[("{}/bad", bad)])


# ---- cdc-merge ----

def cdc_merge():
    rng = random.Random(SEED + 5)

    def change(op, k, seq, table="t", **more):
        row = {"id": k, "v": seq}
        x = {"op": op, "db": "d", "table": table, "key": {"id": k}, "ts": T0 + seq, "ord": "0000000000b.%010d.0" % seq}
        if op != "t":
            x["row"] = row
        x.update(more)
        return dumps(x)

    for keys, n, truncates, first in ((40, 900, True, 0), (3000, 3600, False, 3000)):
        line = []
        for seq in range(n):
            if truncates and rng.random() < 0.004:
                line.append((seq, "", change("t", None, seq, key=None)))
                continue
            k = seq if seq < first else rng.randrange(keys)
            line.append((seq, str(k), change(rng.choice("cuud"), k, seq)))
        moved = []
        if truncates:
            for seq in range(n, n + 40):
                a, b = rng.sample(range(keys), 2)
                x = change("u", b, seq, old={"id": a})
                made = b'{"op":"d","db":"d","table":"t","key":null,"ts":%d,"ord":"0000000000b.%010d.0","row":{"id":%d,"v":%d}}' % (T0 + seq, seq, a, seq)
                moved.append((seq, str(b), x, str(a), made))
        came = [(x,) for x in line] + [(m[:3], (m[0], m[3], m[4])) for m in moved]
        # out of order by some 100, and every tenth comes once more
        came = sorted(((rng.random() * 100 + i if i >= first else i, x) for i, x in enumerate(came)), key=lambda x: x[0])
        came = [x for _, x in came]
        for _ in range(len(came) // 10):
            came.insert(rng.randrange(first, len(came) + 1), rng.choice(came))
        other = change("c", 1, 5, table="other")
        at = sorted([first] * (first > 0) + [rng.randrange(first, len(came) + 1) for _ in range(19 - (first > 0))])
        epochs, want, known, floor = [], [], {}, -1
        for a, b in zip([0] + at, at + [len(came)]):
            news = {}
            for parts in came[a:b]:
                for seq, key, text in parts:
                    if key == "":
                        if seq > floor:
                            floor, news[""] = seq, (seq, text)
                    elif seq >= floor and known.get(key, -1) < seq:
                        known[key], news[key] = seq, (seq, text)
            want.append([news[k][1] for k in sorted(news, key=lambda k: k.encode()) if k == "" or news[k][0] >= floor])
            epochs.append(Epoch([parts[0][2] for parts in came[a:b]] + [other]))
        check("cdc-merge, %d keys%s" % (keys, ", truncates and keys that move" if truncates else ""), ["cdc-merge", "-k", "id", "--table", "d.t"], epochs, want, rng,
              chains=first > 0)


# ---- what is refused ----

def refused(env):
    def one(what, status, word, argv, lines=(), pins=None):
        job = Job(tempfile.mkdtemp(dir=TMP))
        s = Stage(job, argv, env=env, pins=pins)
        s.send(list(lines), b"")
        s.finish()
        told(s.over[0] == status and word in s.over[1], "%s: %d" % (what, status), s.over)

    agg = ["window-agg", "-t", "t:ms", "-w", "10s", "n=count()"]
    for extra in (["--late", "5s"], ["--late", "5s", "--idle", "5s"], ["--max-future", "1h"], ["--state", os.path.join(TMP, "s")], ["--partial"], ["--merge"]):
        one("window-agg " + extra[0], 2, "barrier job", agg + extra)
    one("window-agg without windows", 2, "-w or --session", ["window-agg", "-g", "g", "n=count()"])
    one("topn without --per", 2, "--per", ["topn", "-n", "1", "--by", "v"])
    join = ["stream-join", "--side", "s", "-k", "k", "-t", "t", "--between", "0s,1s"]
    for extra in (["--late", "1s"], ["--late", "1s", "--idle", "1s"], ["--max-future", "1s"]):
        one("stream-join " + extra[0], 2, "barrier job", join + extra)
    one("stream-join --left", 2, "--side", ["stream-join", "--left", "/dev/null", "--right", "/dev/null"] + join[3:])
    one("dimjoin, a file", 2, "wh:TABLE", ["dimjoin", "-k", "id", "--fields", "n", "/dev/null"])
    one("dimjoin --reload", 2, "--reload", ["dimjoin", "-k", "id", "--fields", "n", "--reload", "5s", "wh:dim.sku"])
    one("dimjoin without a pin", 2, "PIPEHOUSE_PINS", ["dimjoin", "-k", "id", "--fields", "n", "wh:dim.sku"], [b'{"id":1}'], {"dim.other": 3})
    for x in ("unique(id)", "rows(1,)", "ref(id,wh:dim.sku,id)", "fresh(t,26h)"):
        one("dq-check " + x, 2, "barrier job", ["dq-check", "--drop-bad", x])
    one("dq-check, a fail that drops nothing", 2, "--drop-bad", ["dq-check", "not_null(id)"])
    one("cdc-merge --base", 2, "barrier job", ["cdc-merge", "-k", "id", "--table", "t", "--base", "/dev/null"])
    one("cdc-merge without -k", 2, "-k and --table", ["cdc-merge", "--table", "t"])
    one("cdc-merge, a row of which only some columns came", 3, "only some columns", ["cdc-merge", "-k", "id", "--table", "t"],
        [b'{"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"b.1","row":{"id":1},"src":{"partial":true}}'])
    # state that -S does not hold
    big = [b'{"t":%d,"g":"%064d","k":"%064d","s":"left","v":1}' % (T0, i, i) for i in range(20000)]
    for argv in (agg + ["-g", "g", "-S", "1M"], join + ["-S", "1M"], ["topn", "-n", "1", "--by", "v", "-g", "g", "--per", "t", "-S", "1M"],
                 ["dimjoin", "-k", "t", "--fields", "n", "--miss", "park=1h", "-S", "1M", "wh:dim.sku"]):
        one(argv[0] + ", more than -S", 4, "-S", argv, big, {"dim.sku": 2})


try:
    for test in (window_agg, topn, stream_join, dq_check, cdc_merge):
        test()
    refused(dimjoin())
finally:
    shutil.rmtree(TMP, ignore_errors=True)
print("1..%d" % done)
