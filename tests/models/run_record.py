# SPDX-License-Identifier: BSD-2-Clause
"""run_record - a run of two tables: its record, its publication, and starts that find it half done

R stages a file in each table, publishes run.json, then commits both tables.  D and E are starts of other runners that take R
for dead, rightly (R is killed) or not: one that finds `publish` brings the rest in, else it says `drop` and removes what was
staged.  Any of them may be killed anywhere; one last undisturbed start follows.

Wrong: one table has the run's rows and the other has not; rows doubled; a live file is gone; R was told that it is published
and it is not.
"""
import turns

RULES = {
    "record-first": "tables change only behind the run's durable record",
    "said-once": "publish and drop take the same name, without replacing",
    "finish": "a start brings in what a record promised",
    "nonce": "a commit whose nonce is in the log is not made again",
}


class World:
    def __init__(self):
        self.record, self.table, self.files, self.told = None, {1: {}, 2: {}}, set(), False


def say(w, kind, off):
    """What the run's fate is, as the caller learns it."""
    if w.record is None or "said-once" in off:
        w.record = kind
    return w.record


def bring_in(w, off, first=False):
    for t in (1, 2):
        while True:
            head = len(w.table[t])
            here = ("f", t) in w.table[t].values()
            yield
            if here and "nonce" not in off:
                break
            if head + 1 not in w.table[t]:
                w.table[t][head + 1] = ("f", t)
                yield
                break


def runner(w, off):
    for t in (1, 2):
        w.files.add(("f", t))
        yield
    if "record-first" in off:
        yield from bring_in(w, off)
        w.record = "publish"
        w.told = True
        return
    fate = say(w, "publish", off)
    yield
    if fate == "publish":
        yield from bring_in(w, off)
        w.told = True


def start(w, off):
    seen = w.record
    yield
    if seen is None:
        seen = say(w, "drop", off)
        yield
    if seen == "publish":
        if "finish" not in off:
            yield from bring_in(w, off)
    else:
        for t in (1, 2):
            w.files.discard(("f", t))
            yield


def make(names, off):
    w = World()
    kinds = {"R": lambda: runner(w, off), "D": lambda: start(w, off), "E": lambda: start(w, off)}
    return w, {x: kinds[x]() for x in names}


def check(names, switches, off):
    def wrong(w, dead):
        for _ in start(w, off):
            pass
        n = [list(w.table[t].values()).count(("f", t)) for t in (1, 2)]
        if max(n) > 1:
            return "rows doubled"
        if n[0] != n[1]:
            return "one table has them, the other has not"
        if n[0] and len(w.files) < 2:
            return "a live file is gone"
        if w.told and not n[0]:
            return "told that it is published"
        return None

    return turns.count(lambda: make(names, off), names, switches, wrong, may_die="RDE")


CASES = [("RDE", 3, None), ("RDE", 2, "record-first"), ("RDE", 2, "said-once"), ("RDE", 2, "finish"), ("RDE", 2, "nonce")]
