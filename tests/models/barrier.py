# SPDX-License-Identifier: BSD-2-Clause
"""barrier - a barrier job: a source of two partitions, a stage with state, side files and windows, two sinks

The source cuts the stream into epochs; the stage drops repeats into a side file, puts what is late into another, closes windows
at marks and saves its state there; each sink commits the rows of an epoch and its number in one step, and tells later
that it has.  The whole job is killed at random moments up to ten times; a sink of a dead run may go on as a zombie.  Schedules
are drawn by number: the same number is the same schedule.

    ""          kills and zombies
    branch      the pipeline branches: each sink has a stage of its own before it
    foreign     a tool between stage and sink lets a record slip behind the mark that it stood before
    changed     what the source holds becomes something else behind a kill (a topic or a log that was replaced)

Wrong: the sinks have other rows than each other; a record is neither in exactly one row nor in exactly one side file; no
start can go on.  That a job stops and says why is not wrong.
"""
import random

RULES = {
    "plan": "an epoch is planned and logged before it is sent",
    "plan-first": "only then",
    "line-clock": "the watermark comes with the line, no stage has a clock",
    "go-back": "a stage goes back to the epoch that the slowest sink has",
    "again": "where one sink is ahead, each start goes back to the same epoch until all are behind where that one was",
    "keep": "snapshots and plans are kept until every sink has told of a later epoch",
    "cut": "a side file is cut back to its length in the snapshot",
    "drop-old": "a sink that is ahead drops what it has",
    "whole-epochs": "an end of input that was not announced is no end of an epoch",
    "compare": "a commit compares the epoch before it and the run",
    "count": "each line says how many records stand before it",
    "hash": "an epoch that is read again must be the same bytes",
}
#       key, time; windows are 3 long, lateness is 1
IN = {0: [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("d", 7), ("g", 2)], 1: [("b", 1), ("a", 3), ("e", 4), ("c", 6), ("f", 8), ("h", 1)]}
LONG, LATE, AHEAD, OVER = 3, 1, 4, 99


class Stop(Exception):
    """The job stops for good, and says so."""


class Killed(Exception):
    pass


class Sink:
    """What a sink's server holds: rows and ledger change together."""

    def __init__(self):
        self.id, self.run, self.rows, self.told = 0, 0, [], 0


class Client:
    """A sink's process: of one run, with what it has read since the last mark."""

    def __init__(self, sink, run, off):
        self.sink, self.run, self.off, self.queue, self.rows = sink, run, off, [], []
        sink.run = run
        self.at = sink.id

    def step(self):
        if self.at > self.sink.told and self.sink.run == self.run:
            self.sink.told = self.at        # a step of its own: a kill may come between
            return
        item = self.queue.pop(0)
        if item[0] == "row":
            self.rows.append(item[1])
            return
        _, k, n = item
        if "count" not in self.off and n != len(self.rows):
            raise Stop("another number of records came")
        rows, self.rows = self.rows, []
        if k <= self.at:
            if "drop-old" in self.off:
                self.sink.rows += rows
            return
        if k > self.at + 1:
            raise Stop("an epoch is missing")
        if "compare" not in self.off and (self.sink.id, self.sink.run) != (k - 1, self.run):
            raise Killed
        self.sink.rows += rows
        self.sink.id = self.at = k

    def busy(self):
        return bool(self.queue) or (self.at > self.sink.told and self.sink.run == self.run)

    def cut_off(self):
        if "whole-epochs" in self.off:
            self.sink.rows += self.rows


class Disk:
    """What a stage has saved."""

    def __init__(self):
        self.snaps, self.side = {0: (frozenset(), {}, 0, -1)}, []


class Job:
    """What lies on disks."""

    def __init__(self, off, branch):
        self.off, self.data = off, {p: list(v) for p, v in IN.items()}
        self.plans, self.start = {}, None
        self.sinks = {"X": Sink(), "Y": Sink()}
        one = Disk()
        self.disks = {"X": one, "Y": Disk() if branch else one}

    def settled(self):
        """Nobody goes back behind that."""
        least = self.least(True)
        return self.start[0] if self.start and least <= self.start[1] else least

    def starts(self, ids):
        """Where a run goes on whose sinks are there."""
        least, most = min(ids), max(ids)
        if "again" not in self.off and self.start and self.start[0] <= least <= self.start[1]:
            least, most = self.start[0], max(most, self.start[1])
        if "again" not in self.off:
            self.start = (least, most)
        return least

    def least(self, told):
        return min(s.told if told else s.id for s in self.sinks.values())

    def records(self, frm, to):
        return [(self.data[p][i][0], self.data[p][i][1], p, i) for p in (0, 1) for i in range(frm[p], to[p])]


class Stage:
    """A stage's process."""

    def __init__(self, run, disk, clients):
        self.run, self.disk, self.clients, self.off = run, disk, clients, run.off
        start = max(disk.snaps) if "go-back" in self.off else run.epoch
        if start not in disk.snaps:
            raise Stop("no snapshot %d" % start)
        seen, windows, length, self.wm = disk.snaps[start]
        self.seen, self.open = set(seen), dict(windows)
        if "cut" not in self.off:
            del disk.side[length:]
        for k in [k for k in disk.snaps if k > run.epoch and "go-back" not in self.off]:
            del disk.snaps[k]
        self.queue, self.sent, self.held, self.clock = [], 0, None, self.wm

    def put(self, row):
        self.sent += 1
        items = [("row", row)]
        if "foreign" in self.run.names:
            if self.held is None and self.run.rng.random() < .3:
                self.held, items = ("row", row), []
            elif self.held is not None:
                items, self.held = items + [self.held], None
        for c in self.clients:
            c.queue += items

    def record(self, r):
        if "line-clock" in self.off:
            self.clock = max(self.clock, self.run.rng.randrange(9))
            self.wm = self.clock
        if r[0] in self.seen or (r[1] // LONG + 1) * LONG <= self.wm:
            self.disk.side.append(r)
        else:
            self.seen.add(r[0])
            w = r[1] // LONG
            self.open[w] = self.open.get(w, ()) + (r,)

    def step(self):
        item = self.queue.pop(0)
        if item[0] == "rec":
            self.record(item[1])
            return
        _, k, wm = item
        self.wm = max(self.wm, wm) if "line-clock" in self.off else wm
        for w in sorted(self.open):
            if (w + 1) * LONG <= self.wm:
                self.put((w, tuple(sorted(self.open.pop(w)))))
        snaps, plans = self.disk.snaps, self.run.job.plans
        snaps[k] = (frozenset(self.seen), dict(self.open), len(self.disk.side), self.wm)
        low = k - 1 if "keep" in self.off else self.run.job.settled()
        for old in [i for i in snaps if i < low]:
            del snaps[old]
        for old in [i for i in plans if i < low]:
            del plans[old]
        for c in self.clients:
            c.queue.append(("mark", k, self.sent))
        if self.held is not None:
            for c in self.clients:
                c.queue.append(self.held)
            self.held = None
        self.sent = 0


class Run:
    def __init__(self, job, number, rng, names, off):
        self.job, self.rng, self.names, self.off = job, rng, names, off
        self.clients = {n: Client(s, number, off) for n, s in job.sinks.items()}
        ids = [c.at for c in self.clients.values()]
        self.epoch, self.most, self.over = job.starts(ids), max(ids), False
        # where the epoch ended that all sinks have; without its plan, the newest that is known
        known = max([k for k in job.plans if k <= self.epoch], default=0)
        self.pos, self.wm = (list(job.plans[known][1]), job.plans[known][2]) if known else ([0, 0], -1)
        disks = {id(d): d for d in job.disks.values()}
        self.stages = [Stage(self, d, [c for n, c in self.clients.items() if job.disks[n] is d]) for d in disks.values()]

    # ---- the source ----

    def gather(self):
        data = self.job.data
        ends = [min(len(data[p]), self.pos[p] + self.rng.randrange(3)) for p in (0, 1)]
        records = self.job.records(self.pos, ends)
        if "plan" in self.off:
            # as they come: the partitions' records in no settled order
            a, b, mixed = [r for r in records if r[2] == 0], [r for r in records if r[2] == 1], []
            while a or b:
                mixed.append((a if a and (not b or self.rng.random() < .5) else b).pop(0))
            records = mixed
        newest = [max([data[p][i][1] for i in range(ends[p])] or [-1]) for p in (0, 1)]
        over = all(ends[p] == len(data[p]) for p in (0, 1))
        return (tuple(records), tuple(ends), OVER if over else max(self.wm, min(newest) - LATE))

    def source(self):
        k = self.epoch + 1
        if k > self.job.least(True) + AHEAD:
            return
        plan = self.job.plans.get(k)
        if plan is not None and "plan" not in self.off:
            now = tuple(self.job.records(self.pos, plan[1]))
            if "hash" in self.off:
                plan = (now,) + plan[1:]
            elif now != plan[0]:
                if k <= self.most:
                    raise Stop("the source changed")
                for later in [i for i in self.job.plans if i >= k]:
                    del self.job.plans[later]
                plan = None
        else:
            plan = None
        if plan is None:
            plan = self.gather()
            if "plan-first" in self.off and self.rng.random() < .3:
                # sent, and then written: a kill between the two
                self.emit(plan, k)
                raise Killed
            self.job.plans[k] = plan
        self.emit(plan, k)

    def emit(self, plan, k):
        records, ends, self.wm = plan
        for s in self.stages:
            s.queue += [("rec", r) for r in records] + [("mark", k, self.wm)]
        self.pos, self.epoch, self.over = list(ends), k, self.wm == OVER
        if "plan-first" in self.off:
            for s in self.stages:
                while s.queue:
                    s.step()
            for c in self.clients.values():
                while c.queue and self.rng.random() < .9:
                    c.step()

    # ---- all of them, in some order, until the end or a kill ----

    def go(self, budget, zombies):
        while True:
            ready = [c for c in list(self.clients.values()) + zombies if c.busy()]
            waiting = [s for s in self.stages if s.queue]
            if self.over and not waiting and not ready:
                return
            if budget is not None:
                if budget == 0:
                    raise Killed
                budget -= 1
            moves = [c.step for c in ready if c not in zombies] + [s.step for s in waiting]
            if not self.over and all(len(s.queue) < 12 for s in self.stages):
                moves.append(self.source)
            for z in zombies:
                if z.busy():
                    moves.append(lambda z=z: self.undead(z))
            self.rng.choice(moves)()

    @staticmethod
    def undead(z):
        try:
            z.step()
        except (Killed, Stop):
            z.queue, z.at = [], 0


def wrong(job, done, changed=False):
    x, y = (sorted(job.sinks[n].rows) for n in "XY")
    if done and x != y:
        return "the sinks differ"
    for rows in (x, y):
        found = [r for _, recs in rows for r in recs]
        if len(set(found)) != len(found):
            return "a record is in two rows"
        if len({r[0] for r in found}) != len(found):
            return "a key is in two rows"
    if done and not changed:
        for n in "XY":
            found = [r for _, recs in job.sinks[n].rows for r in recs] + job.disks[n].side
            if sorted(found) != sorted(job.records((0, 0), tuple(len(job.data[p]) for p in (0, 1)))):
                return "rows and side files are not what came in"
    return None


def one(number, names, off):
    rng = random.Random(number)
    job, zombies = Job(off, "branch" in names), []
    for number_of_run in range(1, 13):
        budget = rng.randrange(80) if number_of_run <= 10 and rng.random() < .85 else None
        run = None
        try:
            run = Run(job, number_of_run, rng, names, off)
            run.go(budget, zombies)
            return wrong(job, True, "changed" in names)
        except Killed:
            pass
        except Stop as e:
            # "changed": what is left behind differs from what was; the sinks' own rows must still be sound
            told = str(e) in ("another number of records came", "the source changed")
            return wrong(job, False) if told else str(e)
        zombies = []
        for c in run.clients.values():
            if rng.random() < .3:
                zombies.append(c)
            elif rng.random() < .5:
                c.cut_off()
        if "changed" in names and rng.random() < .5:
            p = rng.randrange(2)
            job.data[p] = [(key.swapcase(), t) for key, t in job.data[p]]
    return "no start went through"


def check(names, schedules, off):
    bad, example = 0, ""
    for number in range(schedules):
        why = one(number, names, off)
        if why:
            bad += 1
            example = example or "%s in schedule %d" % (why, number)
    return schedules, bad, example


N = 500
CASES = [("", 8 * N, None)] + [("", N, r) for r in RULES if r not in ("count", "hash", "again")] + [
    ("branch", 4 * N, None), ("branch", 2 * N, "again"),
    ("foreign", 2 * N, None), ("foreign", N, "count"), ("changed", 2 * N, None), ("changed", 2 * N, "hash")]
