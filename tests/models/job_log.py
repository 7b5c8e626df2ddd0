# SPDX-License-Identifier: BSD-2-Clause
"""job_log - a sink of two tables with a log of its own, and the collection of what writers left behind

Z and its heir H write files into both tables, then one job record, then each table's commit; Z may be killed anywhere.  Start:
fence the job log, bring in what job records promised, remove own unlisted files of smaller epochs.  R is a nightly writer
of the first table, G collects the orphans that such writers leave.

Wrong: a live file is gone; rows doubled; at the end, after one undisturbed start, a table lacks what the job log promised.
"""
import turns

RULES = {
    "fence-first": "fence the job log before bringing its promises in",
    "look-for-txn": "a promise is kept only where the table does not hold it yet",
    "leave-job-files": "wh-gc leaves files of jobs to their job",
    "fence-orphans": "wh-gc fences before it removes orphans",
}
EPOCHS = 2


class World:
    def __init__(self):
        self.job, self.table, self.files = {}, {1: {}, 2: {}}, {}


def fold(log):
    head, live, to, star = 0, set(), 0, 0
    while head + 1 in log:
        head += 1
        c = log[head]
        if c[0] == "star":
            star = head
        elif c[0] == "add":
            live |= set(c[1])
            to = max(to, c[2])
    return head, live, to, star


def table_commit(w, t, f, epoch, off):
    while True:
        head, _, to, _ = fold(w.table[t])
        yield
        if "look-for-txn" not in off and to >= epoch:
            return
        if head + 1 not in w.table[t]:
            w.table[t][head + 1] = ("add", (f,), epoch)
            yield
            return


def keep_promises(w, off):
    for n in sorted(w.job):
        c = w.job[n]
        for t in (1, 2):
            if c[0] != "add":
                continue
            _, live, to, _ = fold(w.table[t])
            if to < c[2] or ("look-for-txn" in off and c[1][t - 1] not in live):
                yield from table_commit(w, t, c[1][t - 1], c[2], off)


def job(w, me, off):
    if "fence-first" in off:
        yield from keep_promises(w, off)
    while True:
        epoch = fold(w.job)[0] + 1
        yield
        if epoch not in w.job:
            w.job[epoch] = ("fence", me)
            yield
            break
    if "fence-first" in off:
        keep = {f for t in (1, 2) for f in fold(w.table[t])[1]}
    else:
        yield from keep_promises(w, off)
        keep = {f for c in w.job.values() if c[0] == "add" for f in c[1]}
    for f in sorted(w.files):
        if f[0] == "j" and f[2] < epoch and f not in keep:
            w.files.pop(f, None)
            yield
    head, at = epoch, fold(w.job)[2]
    while at < EPOCHS:
        made = []
        for t in (1, 2):
            f = ("j", me, epoch, t, at)
            w.files[f] = ((t, at),)
            made.append(f)
            yield
        if head + 1 in w.job:
            return                      # taken: there is another writer, so this one is fenced
        head += 1
        w.job[head] = ("add", tuple(made), at + 1)
        yield
        for t in (1, 2):
            yield from table_commit(w, t, made[t - 1], at + 1, off)
        at += 1


def nightly(w):
    epoch = head = fold(w.table[1])[0]
    yield
    f = ("r", "R", epoch, 1, "row")
    w.files[f] = ((1, "row"),)
    yield
    while True:
        if head + 1 not in w.table[1]:
            w.table[1][head + 1] = ("add", (f,), 0)
            yield
            return
        head, _, _, star = fold(w.table[1])
        yield
        if star > epoch:
            w.files.pop(f, None)
            return


def collect(w, off):
    epoch = 99
    while "fence-orphans" not in off:
        epoch = fold(w.table[1])[0] + 1
        yield
        if epoch not in w.table[1]:
            w.table[1][epoch] = ("star",)
            yield
            break
    live = fold(w.table[1])[1]
    yield
    for f in sorted(w.files):
        if (f[0] == "r" or "leave-job-files" in off) and f[3] == 1 and f[2] < epoch and f not in live:
            w.files.pop(f, None)
            yield


def make(names, off):
    w = World()
    kinds = {"Z": lambda: job(w, "Z", off), "H": lambda: job(w, "H", off), "R": lambda: nightly(w),
             "G": lambda: collect(w, off)}
    return w, {x: kinds[x]() for x in names}


def check(names, switches, off):
    def wrong(w, dead):
        if "H" in names:
            for _ in job(w, "F", off):
                pass
        for t in (1, 2):
            rows = []
            for f in (f for n in sorted(w.table[t]) if w.table[t][n][0] == "add" for f in w.table[t][n][1]):
                if f not in w.files:
                    return "a live file is gone"
                rows += [i for _, i in w.files[f] if i != "row"]
            if len(set(rows)) != len(rows):
                return "table %d has %s" % (t, rows)
            if "H" in names and sorted(rows) != list(range(EPOCHS)):
                return "table %d has only %s" % (t, rows)
        return None

    return turns.count(lambda: make(names, off), names, switches, wrong, may_die="Z")


CASES = [("ZH", 3, None), ("ZH", 3, "fence-first"), ("ZH", 3, "look-for-txn"), ("ZHG", 2, None),
         ("ZHG", 2, "leave-job-files"), ("RG", 4, None), ("RG", 4, "fence-orphans")]
