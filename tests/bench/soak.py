#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""soak.py - a barrier job under load for a long time: memory flat, lag bounded, every sum exact; TAP

    BIN=build/bin SECONDS=1200 RATE=50000 [SOAK=FILE] [HOLD=0] python3 tests/bench/soak.py

Logs that grow by RATE records a second and rotate, old ones removed once the sink has them, go through ingest, json-map, dedup,
window-agg and mysql-load under pipe-run.  One record in 50 comes again, half of them come 1.5 s late.  Once a second one line of
JSON goes to SOAK ($O/soak.ndjson): records written, records behind the sink, and the most KiB that each process held.  What the sums must be
is counted here.

The job must keep up with RATE: at no time more than ten seconds of it behind.  With HOLD=0, for machines that have other work, it need not be as
fast as that: who writes waits while ten seconds are behind, and the rate that it came to is told.  All else is held: memory, the sums, that nothing was started
again, and that the lag is gone soon after the last record.
"""
import collections
import itertools
import json
import os
import shutil
import sys
import tempfile
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
from tap import finish, point  # noqa: E402
from live import LIMIT, TOP, Job, Server, load  # noqa: E402

SECONDS, RATE = int(os.environ.get("SECONDS", "1200")), int(os.environ.get("RATE", "50000"))
REPORT = os.environ.get("SOAK") or os.path.join(os.environ.get("O", TOP), "soak.ndjson")
TICK, WINDOW, LATE, GROUPS = 50, 2000, 1500, 500        # ms; each tick is one moment
BEHIND = 10                                             # seconds of records that the sink may be behind
HOLD = os.environ.get("HOLD", "1") != "0"               # the rate too
DRAIN = 3 * BEHIND                                      # seconds until that is gone when nothing is written any more
TTL = max(10, min(60, SECONDS // 6))                    # memory is flat once the first keys are forgotten; repeats are at most 6.5 s old
PIPE = """\tingest --barriers 1s -f 'in/*.log' --event-time ts:ms --late 3s --idle 3s |
\tjson-map --keep id,ts,g,amount |
\tdedup -k id --ttl {ttl}s -t ts:ms |
\twindow-agg -t ts:ms -w 2s -g g n='count()' amount='sum(amount)' |
\tmysql-load --defaults-file {cnf} --table d.soak -k window_start,g --job soak
"""


def cents(i):
    return i % len(TAILS) * 7919 % 10000019


TAILS = [None] * 10000      # what stands behind the time: making it each time would cost more than the job takes
TAILS = [',"g":"g%d","amount":%d.%02d}\n' % (i % GROUPS, cents(i) // 100, cents(i) % 100) for i in range(len(TAILS))]


class Logs:
    """Who writes."""

    def __init__(self, where):
        self.where, self.did, self.written, self.ids, self.ticks = where, [], 0, 0, 0
        self.again, self.whole, self.files, self.f = collections.deque(maxlen=5000 // TICK), [], 0, None
        self.began, self.start = time.monotonic(), int(time.time() * 1000) // WINDOW * WINDOW

    def rotate(self):
        if self.f:
            self.f.close()
            self.whole.append((self.written, self.f.name))
        self.f = open(os.path.join(self.where, "a%d.log" % self.files), "wb", buffering=0)
        self.files += 1

    def tick(self):
        ts, new, end = self.start + self.ticks * TICK, [], self.ids + RATE * 49 // 50 * TICK // 1000
        self.did.append((ts, self.ids, end))
        # 500 by 500, each group once: one such row in two comes late
        while self.ids < end:
            stop = min(end, self.ids // GROUPS * GROUPS + GROUPS)
            at, k = ',"ts":%d' % (ts - LATE * (self.ids // GROUPS & 1)), self.ids % len(TAILS)
            new += [f'{{"id":{i}{at}{t}' for i, t in zip(range(self.ids, stop), TAILS[k:k + stop - self.ids])]
            self.ids = stop
        self.again.append(new[:len(new) // 49])
        new += self.again[0] if self.ticks % 2 else self.again[-1]
        self.f.write("".join(new).encode())
        self.written += len(new)
        self.ticks += 1

    def sums(self):
        """The oracle: {(window, group): (records, cents)} of each id once."""
        times, found = {}, {}
        for ts, i, end in self.did:
            while i < end:
                stop = min(end, i // GROUPS * GROUPS + GROUPS)
                window = times.setdefault((ts - LATE * (i // GROUPS & 1)) // WINDOW * WINDOW, [0] * (len(TAILS) + 1))
                k = i % len(TAILS)
                window[k] += 1              # from this tail on once more, up to that one
                window[k + stop - i] -= 1
                i = stop
        for w, steps in times.items():
            for k, n in enumerate(itertools.accumulate(steps)):
                if n:
                    count, total = found.get((w, "g%d" % (k % GROUPS)), (0, 0))
                    found[w, "g%d" % (k % GROUPS)] = count + n, total + n * cents(k)
        return found

    def due(self):
        return self.ticks < (time.monotonic() - self.began) * 1000 / TICK

    def forget(self, have):
        """Remove the logs that the sink has, but for the newest of them: that may be looked at once more."""
        done = [x for x in self.whole if x[0] <= have]
        for x in done[:-1]:
            os.unlink(x[1])
            self.whole.remove(x)

    def close_windows(self):
        """One record far ahead; the other logs are idle soon."""
        self.f.write(b'{"id":%d,"ts":%d,"g":"end","amount":0}\n' % (self.ids, self.start + 10**8 * (1 + self.ticks % 2)))
        self.ids += 1


class Epochs:
    """Records of the epochs that the sink has: the source writes into each plan how many it holds."""

    def __init__(self, job):
        self.job, self.n, self.have, self.last, self.missed = job, {}, 0, 0, 0

    def look(self):
        plans = os.path.join(self.job.dir, "plan")
        for x in os.listdir(plans) if os.path.isdir(plans) else []:
            if x.isdigit() and int(x) > self.last and int(x) not in self.n:
                try:
                    with open(os.path.join(plans, x), encoding="utf-8") as f:
                        self.n[int(x)] = json.loads(f.read())["n"]
                except FileNotFoundError:
                    pass
        acked = self.job.acked()
        while self.last < acked:
            self.last += 1
            self.missed += self.last not in self.n
            self.have += self.n.pop(self.last, 0)


def memory(job):
    """The most KiB that each stage and pipe-run held since the last call: a snapshot's copy lives shorter than a second."""
    found = {}
    for pid, name in sorted(job.processes()):
        try:
            with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
                peak = [int(x.split()[1]) for x in f if x.startswith("VmHWM")]
            with open("/proc/%d/clear_refs" % pid, "w", encoding="ascii") as f:
                f.write("5")        # proc(5): the peak begins anew
        except OSError:
            continue
        if peak:
            found[name if name not in found else name + ".2"] = peak[0]
    return found


def run(job, logs, epochs, report):
    """One second after the other; what was seen in each."""
    seen, next_look = [], 0
    logs.rotate()
    logs.tick()
    job.start()
    logs.began = time.monotonic() - logs.ticks * TICK / 1000     # the start is no lag
    while time.monotonic() - logs.began < SECONDS:
        for _ in range(1000 // TICK):       # a second at most, then look again
            if not logs.due() or (not HOLD and logs.written - epochs.have > BEHIND * RATE):
                break
            logs.tick()
            if logs.ticks % (10000 // TICK) == 0:
                logs.rotate()
            epochs.look()       # a plan is there for a second
        epochs.look()
        now = time.monotonic() - logs.began
        if now >= next_look:
            next_look = int(now) + 1
            one = {"s": round(now, 1), "written": logs.written, "behind": logs.written - epochs.have, "epoch": epochs.last, "kib": memory(job)}
            seen.append(one)
            report.write(json.dumps(one) + "\n")
            report.flush()
            logs.forget(epochs.have)
        time.sleep(0.02)
    return seen


def come_to_an_end(job, logs, epochs, server):
    """pipe-run's status and words, and what the sums must be."""
    last = time.monotonic()
    while epochs.have < logs.written and time.monotonic() < last + LIMIT:
        epochs.look()
        time.sleep(0.02)
    took, behind = time.monotonic() - last, logs.written - epochs.have
    point(behind == 0 and took <= (DRAIN if HOLD else LIMIT), "%.1f s after the last record nothing is behind" % took,
          "%d records are, and %d plans were not seen" % (behind, epochs.missed))
    want = logs.sums()          # takes long enough to miss a plan: not before all is with the sink
    logs.close_windows()        # nor this: dedup forgets all that is a --ttl older
    told = time.monotonic()
    end = told + LIMIT
    while int(server.sql("SELECT COUNT(*) FROM d.soak")[0][0]) < len(want) and time.monotonic() < end:
        if time.monotonic() - told > 5:
            logs.close_windows()
            told = time.monotonic()
        time.sleep(0.2)
    return job.stop(), want


def flat(seen, logs):
    """By thirds of the records: their time goes with them, and forgets.  Too few of them show no more than what is allowed."""
    names, part, enough = sorted({n for s in seen for n in s["kib"]}), logs.written / 3, logs.ticks * TICK / 3000 >= 1.5 * TTL
    for name in names:
        middle, last = ([s["kib"][name] for s in seen if a < s["written"] <= b and name in s["kib"]] for a, b in ((part, 2 * part), (2 * part, 3 * part)))
        top = (max(middle, default=0), max(last, default=0))
        if enough or HOLD or name != "dedup":
            point(middle and last and top[1] <= top[0] * 1.1 + 8192, "%s: %.0f MiB at most in the middle third, %.0f MiB in the last" % (
                name, top[0] / 1024, top[1] / 1024), [s["kib"].get(name) for s in seen])
        else:
            point(max(top) <= 16384 + 256 * RATE * TTL / 1024, "%s: %.0f MiB, too slow here for any key to be forgotten" % (name, max(top) / 1024))
    point({"ingest", "json-map", "dedup", "window-agg", "mysql-load"} <= set(names), "all five stages were seen", names)


def check(job, logs, epochs, server, seen, want):
    flat(seen, logs)
    started = [s for s in seen if s["epoch"] > 0]
    worst = max((s["behind"] for s in started), default=-1)
    # without HOLD who writes stops there, but for the second that it was at
    point(started and worst <= (BEHIND if HOLD else BEHIND + 1) * RATE and not epochs.missed, "at most %d records behind, %.1f s of %d" % (
        worst, worst / RATE, BEHIND), "%d plans not seen; %s" % (epochs.missed, [s["behind"] for s in seen]))
    rate = logs.written / SECONDS
    if HOLD:
        point(rate >= 0.95 * RATE, "%d records in %d s: %.0f a second" % (logs.written, SECONDS, rate))
    else:
        print("# %d records in %d s: %.0f a second of %d" % (logs.written, SECONDS, rate, RATE))
    got = {(int(w), g): (int(n), int(a.replace(".", ""))) for w, g, n, a in server.sql("SELECT window_start, g, n, amount FROM d.soak")}
    bad = [(k, got.get(k), want.get(k)) for k in sorted(set(got) | set(want)) if got.get(k) != want.get(k) and k[1] != "end"]
    point(want and not bad, "%d sums of MySQL are the oracle's" % len(want), "%d differ: %s" % (len(bad), bad[:5]))
    point(job.number("run") == 1, "one run: nothing was started again", job.tail())


def main():
    if not shutil.which("mariadbd"):
        print("1..0 # SKIP not here: mariadb-server")
        return 0
    top = tempfile.mkdtemp(prefix="soak.")
    try:
        server = Server(top)
        try:
            server.sql("CREATE DATABASE d; CREATE TABLE d.soak (window_start BIGINT, window_end BIGINT, g VARCHAR(10) COLLATE utf8mb4_bin, "
                       "n BIGINT, amount DECIMAL(20,2), PRIMARY KEY (window_start, g))")
            job = Job(top, "soak", PIPE.format(cnf=server.cnf, ttl=TTL))
            logs, epochs, at = Logs(os.path.join(job.top, "in")), Epochs(job), load()
            try:
                with open(REPORT, "w", encoding="ascii") as report:
                    seen = run(job, logs, epochs, report)
                (status, err), want = come_to_an_end(job, logs, epochs, server)
                point(status == 0, "it was stopped as asked", err + job.tail())
            except (RuntimeError, OSError) as e:
                point(False, "it runs", "%s\n%s" % (e, job.tail()))
                job.stop()
            else:
                check(job, logs, epochs, server, seen, want)
            print("# %s to %s; each second: %s" % (at, load(), REPORT))
        finally:
            server.stop()
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
