#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_model - windows that close by event time against a model: late records, disk, kept state, splits, zones; TAP

    BIN=build/bin python3 tests/window-agg/t_model.py [SEED [ROUNDS]]

The model never closes anything: it says which records are late, one after the other, and computes the answer of the others at the end.
That this is also what comes out of windows closed on the way, with state on disk, or in several calls, is the property.
Days, weeks and months are Python's zoneinfo.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import cases  # noqa: E402
from tap import finish, same  # noqa: E402

DIR = tempfile.mkdtemp(prefix="windows.")
TOOL = os.path.join(cases.BIN, "window-agg")
AGGS = ["n=count()", "s=sum(x)", "d=distinct(x)", "f=first(x)", "l=last(x)"]


def run(*argv, data=b""):
    p = subprocess.run([TOOL] + list(argv), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=cases.environment(DIR), cwd=DIR,
                       timeout=120)
    if p.returncode != 0 or p.stderr:
        return ["exit %d: %s" % (p.returncode, p.stderr.decode("utf-8", "replace")[:300])]
    return p.stdout.decode().split("\n")[:-1]


def lines_of(path):
    with open(os.path.join(DIR, path)) as f:
        return f.read().split("\n")[:-1]


class Record:
    def __init__(self, i, ms, g, x, brk):
        self.ms, self.g, self.x, self.brk = ms, g, x, brk
        self.line = '{"i":%d,"t":%d,"g":"%s","x":%s,"b":%s}' % (i, ms, g, x, "true" if brk else "false")


def stream(rng, n, step, spread, groups):
    """Times that rise by about `step` a record, up to `spread` out of order; some far behind, a pause now and then."""
    out, now, met = [], 1700000000000, set()
    while len(out) < n:
        now += rng.randrange(2 * step) + (rng.randrange(200 * step) if rng.random() < 0.01 else 0)
        ms = now - (rng.randrange(spread) if rng.random() < 0.5 else rng.randrange(20 * spread) if rng.random() < 0.05 else 0)
        g = "g%d" % rng.randrange(groups)
        if (ms, g) not in met:		# of one time the bytes of inputs decide which of two breaks comes first
            out.append(Record(len(out), ms, g, rng.choice(["1", "2.50", "3", "-4.5", "7"]), rng.random() < 0.1))
            met.add((ms, g))
    return out


def row(start, end, g, rs):
    xs = [Decimal(r.x) for r in rs]
    scale = max(-x.as_tuple().exponent for x in xs)
    at = sorted((r.ms, format(Decimal(r.x).normalize(), "f"), r.x) for r in rs)
    return '{"window_start":%d,"window_end":%d,"g":"%s","n":%d,"s":%s,"d":%d,"f":%s,"l":%s}' % (
        start, end, g, len(rs), format(sum(xs).quantize(Decimal(1).scaleb(-scale)), "f"), len(set(xs)), at[0][2], at[-1][2])


def fixed(records, width, slide, late):
    wm, cells, behind = None, {}, []
    for r in records:
        starts, s = [], r.ms // slide * slide
        while s + width > r.ms:
            starts.append(s)
            s -= slide
        opened = [s for s in starts if wm is None or s + width > wm]
        if not opened:
            behind.append(r.line)
            continue
        for s in opened:
            cells.setdefault((s, r.g), []).append(r)
        wm = max(r.ms - late, r.ms - late if wm is None else wm)
    return [row(s, s + width, g, cells[(s, g)]) for s, g in sorted(cells)], behind


def sessions(records, gap, late, breaks):
    wm, groups, behind = None, {}, []
    for r in records:
        if wm is not None and r.ms < wm:
            behind.append(r.line)
            continue
        groups.setdefault(r.g, []).append(r)
        wm = max(r.ms - late, r.ms - late if wm is None else wm)
    done = []
    for g, rs in groups.items():
        rs.sort(key=lambda r: (r.ms, not (breaks and r.brk)))
        now = []
        for r in rs + [None]:
            if now and (r is None or r.ms - now[-1].ms > gap or (breaks and r.brk)):
                limit = now[-1].ms + gap
                done.append((min(limit, limit if r is None else r.ms), g, now[0].ms, now))
                now = []
            now.append(r)
    done.sort(key=lambda s: s[:3])
    return [row(now[0].ms, now[-1].ms, g, now) for _, g, _, now in done], behind


def check(name, rng, args, records, want, behind):
    """One call, with disk, in blocks that come slowly, with threads, and in several calls that keep their state."""
    data = [r.line + "\n" for r in records]
    for more in ([], ["-S", "1K"], ["-j", "2"]):
        if os.path.exists(os.path.join(DIR, "late")):
            os.unlink(os.path.join(DIR, "late"))
        got = run(*args, *more, "--late-to", "late", "--stats", "stats", data="".join(data).encode())
        same(" ".join([name] + more), got, want)
        stats = json.loads(lines_of("stats")[-1])
        same(" ".join([name] + more) + ": late records", lines_of("late") + [str(stats["late"])], behind + [str(len(behind))])
        if more == ["-S", "1K"]:
            same(name + " was on disk", [str(stats.get("spilled_bytes", 0) > 0)], ["True"])
    state, got, at, behind_too = tempfile.mkdtemp(dir=DIR), [], 0, []
    cuts = sorted(rng.randrange(len(data)) for _ in range(rng.randrange(1, 5))) + [len(data)]
    for c in cuts:
        got += run(*args, "--state", state, *(["--final"] if c == len(data) else []), *(["-S", "1K"] if rng.random() < 0.4 else []), "--late-to", "late",
                   data="".join(data[at:c]).encode())
        behind_too += lines_of("late")
        at = c
    same("%s in %d calls with --state" % (name, len(cuts)), got + behind_too, want + behind)


def windows(rng):
    for width, slide in ((60, 60), (60, 10), (90, 60)):
        records, late = stream(rng, 3000, 300, 20000, 7), rng.choice([0, 5, 30, 200])
        want, behind = fixed(records, width * 1000, slide * 1000, late * 1000)
        check("-w %ds -s %ds --late %ds" % (width, slide, late), rng,
              ["-t", "t:ms", "-g", "g", "-w", "%ds" % width, "-s", "%ds" % slide, "--late", "%ds" % late] + AGGS, records, want, behind)
    for breaks in (False, True):
        records, late = stream(rng, 3000, 2000, 20000, 9), rng.choice([0, 5, 30, 200])
        want, behind = sessions(records, 30000, late * 1000, breaks)
        check("--session 30s%s --late %ds" % (" --break" * breaks, late), rng,
              ["-t", "t:ms", "-g", "g", "--session", "30s", "--late", "%ds" % late] + ["--break", "b"] * breaks + AGGS, records, want, behind)
    # sessions of nothing late, with state on disk: all of it comes at the end, by start
    records = stream(rng, 3000, 2000, 20000, 50)
    rows, _ = sessions(records, 30000, 10 ** 12, True)
    rows.sort(key=lambda r: (json.loads(r)["window_start"], json.loads(r)["g"], json.loads(r)["window_end"]))
    same("--session -S 1K", run("-t", "t:ms", "-g", "g", "--session", "30s", "--break", "b", "-S", "1K", "--stats", "stats", *AGGS,
                                data="".join(r.line + "\n" for r in records).encode()), rows)
    same("--session was on disk", [str(json.loads(lines_of("stats")[-1]).get("spilled_bytes", 0) > 0)], ["True"])


def calendar(rng):
    for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Shanghai", "Africa/Casablanca"):
        zone, unit, offset = ZoneInfo(name), rng.choice(["1d", "1d", "1w", "1M"]), rng.choice([0, 0, 360, 150, 60, 1380])

        def instant(day):
            local = datetime(day.year, day.month, day.day, offset // 60, offset % 60, tzinfo=zone)
            return int(local.timestamp()) * 1000

        def next_day(day):
            return day + timedelta(1) if unit == "1d" else day + timedelta(7) if unit == "1w" else (day.replace(day=28) + timedelta(4)).replace(day=1)

        starts, day = [], date(2022, 12, 1)
        while unit == "1w" and day.weekday() != 0:
            day += timedelta(1)
        while day.year < 2026:
            starts.append(instant(day))
            day = next_day(day)
        # around each change of the clock, and anywhere
        changes = [t for t in range(int(datetime(2023, 1, 2, tzinfo=timezone.utc).timestamp()), int(datetime(2025, 11, 20, tzinfo=timezone.utc).timestamp()), 1800)
                   if datetime.fromtimestamp(t, zone).utcoffset() != datetime.fromtimestamp(t - 1800, zone).utcoffset()]
        times = [1000 * (rng.choice(changes) + rng.randrange(-90000, 90000)) + rng.randrange(1000) for _ in range(700 if changes else 0)]
        times += [rng.randrange(1672531200000 + 86400000, 1763600000000) for _ in range(700)]
        want = {}
        for t in times:
            lo, hi = 0, len(starts) - 1
            while lo < hi:
                mid = (lo + hi + 1) // 2
                lo, hi = (mid, hi) if starts[mid] <= t else (lo, mid - 1)
            want[lo] = want.get(lo, 0) + 1
        same("-w %s --offset %dm in %s" % (unit, offset, name),
             run("-t", "t:ms", "-w", unit, "--offset", "%dm" % offset, "--tz", name, "n=count()",
                 data="".join('{"t":%d}\n' % t for t in times).encode()),
             ['{"window_start":%d,"window_end":%d,"n":%d}' % (starts[i], starts[i + 1], want[i]) for i in sorted(want)])


def killed(rng):
    """kill -9 at any moment leaves the state before or the one after, whole."""
    records, kept_in = stream(rng, 20000, 10, 2000, 4000), tempfile.mkdtemp(dir=DIR)
    args = ["-t", "t:ms", "-g", "g", "-w", "60s", "--late", "600s", "--state", kept_in] + AGGS
    want, _ = fixed(records, 60000, 60000, 600000)
    got, done, tries = [], 0, 0
    while done < len(records):
        data = "".join(r.line + "\n" for r in records[done:done + 5000]).encode()
        p = subprocess.Popen([TOOL] + args + (["--final"] if done + 5000 >= len(records) else []) + ["-o", "rows"], stdin=subprocess.PIPE,
                             env=cases.environment(DIR), cwd=DIR)
        p.stdin.write(data)
        p.stdin.close()
        kept = sorted(f for f in os.listdir(kept_in) if f.endswith(".state"))
        if tries < 12:
            time.sleep(rng.random() * 0.02)
            p.send_signal(signal.SIGKILL)
        tries += 1
        status = p.wait()
        now = sorted(f for f in os.listdir(kept_in) if f.endswith(".state"))
        if now[-1:] != kept[-1:]:	# the state went on: so did its rows, which were closed before
            got += lines_of("rows")
            done += 5000
    same("kill -9 with --state, %d calls" % tries, got, want)
    # a call killed between the new snapshot's name and the old one's end leaves both: the next call ends the old one
    same("a call after the end has nothing to say", ["rows:"] + run(*args, "--final"), ["rows:"])
    left = [f for f in os.listdir(kept_in) if f != "lock"]
    same("one snapshot is left", [str(len(left)), str(left[0].endswith(".state"))], ["1", "True"])


def large(rng):
    """Sets of one group that are larger than memory: in parts through the disk."""
    lines, groups = [], {}
    for i in range(60000):
        g = rng.choice([1, 1, 1, 1, 2, rng.randrange(3, 200)])
        uid = rng.choice([str(rng.randrange(30000)), '"u%d"' % rng.randrange(20000), '"%032x"' % rng.randrange(15000)])
        sku = rng.choice(['"s%d"' % min(rng.randrange(30000), rng.randrange(30000)), str(rng.randrange(20))])
        lines.append('{"g":%d,"u":%s,"s":%s}' % (g, uid, sku))
        n, us, skus = groups.setdefault(g, [0, set(), {}])
        groups[g][0] += 1
        us.add(uid)
        skus[sku] = skus.get(sku, 0) + 1

    def most(skus, k):
        order = lambda s: (0, int(s), "") if s[0] != '"' else (1, 0, s)
        return ",".join('{"value":%s,"n":%d}' % (s, skus[s]) for s in sorted(skus, key=lambda s: (-skus[s], order(s)))[:k])

    want = ['{"g":%d,"n":%d,"u":%d,"top":[%s],"v":%d}' % (g, groups[g][0], len(groups[g][1]), most(groups[g][2], 25), len(groups[g][2]))
            for g in sorted(groups, key=str)]
    args = ["-g", "g", "n=count()", "u=distinct(u)", "top=topk(s,25)", "v=distinct(s)"]
    data = ("\n".join(lines) + "\n").encode()
    for memory in ("256M", "1M", "300K"):
        same("sets of one group, -S " + memory, run(*args, "-S", memory, "--stats", "stats", data=data), want)
    same("sets of one group were on disk", [str(json.loads(lines_of("stats")[-1]).get("spilled_bytes", 0) > 0)], ["True"])
    states = run(*args, "--partial", "-S", "1M", data=data)
    rng.shuffle(states)
    same("sets of one group, as partial records", run(*args, "--merge", "-S", "300K", data=("\n".join(states) + "\n").encode()), want)
    # the same as one window that goes on from call to call
    state, half = tempfile.mkdtemp(dir=DIR), len(lines) // 2
    timed = [line[:-1] + ',"t":%d}' % (1000 + i % 7) for i, line in enumerate(lines)]
    call = ["-t", "t:ms", "-w", "1h", "--late", "1h", "--state", state] + args + ["-S", "1M"]
    got = run(*call, data=("\n".join(timed[:half]) + "\n").encode()) + run(*call, "--final", data=("\n".join(timed[half:]) + "\n").encode())
    same("sets of one window, kept", got, ['{"window_start":0,"window_end":3600000,' + w[1:] for w in want])


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for i in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
        rng = random.Random(seed + i)
        windows(rng)
        calendar(rng)
        killed(rng)
        large(rng)
    sys.exit(finish())


main()
