# SPDX-License-Identifier: BSD-2-Clause
"""two_writers - a zombie and its heir on one source

Each reads the committed state, fences, removes what no record names, then writes a file and publishes a record for it, until
all is in.  They cut their batches differently.

Wrong: what the log names is not the rows 0..n, once each, in order.
"""
import turns

RULES = {
    "no-replace": "a record is published only under a free name",
    "own-names": "a file's name is its writer's alone",
    "fence": "publish an empty record before removing anything",
    "small-epochs": "remove only files of an epoch below one's own fence",
}
ROWS = 2


def fold(fs):
    at, k, named = 0, 0, set()
    while "log%d" % k in fs:
        at, files = fs["log%d" % k][:2]
        named |= set(files)
        k += 1
    return at, k, named


def writer(fs, me, off):
    def publish(k, record):
        if "no-replace" not in off and "log%d" % k in fs:
            return False
        fs["log%d" % k] = record
        return True

    for _ in range(3):
        at, k, named = fold(fs)
        yield
        if "fence" not in off:
            if not publish(k, (at, (), me)):
                yield
                continue
            k += 1
            yield
        epoch = k - 1
        for f in sorted(f for f in fs if f.startswith("data") and f not in named):
            if "small-epochs" in off or int(f.split(".")[2]) < epoch:
                fs.pop(f, None)
                yield
        lost = False
        while at < ROWS and not lost:
            end = min(at + (2 if me == "A" else 1), ROWS)
            f = "data%d.%s.%d" % (at, "X" if "own-names" in off else me, 0 if "own-names" in off else epoch)
            fs[f] = tuple(range(at, end))
            yield
            if publish(k, (end, (f,), me)):
                at, k = end, k + 1
            else:
                lost = True
            yield
        if not lost:
            return


def wrong(fs, dead):
    rows, k = [], 0
    while "log%d" % k in fs:
        for f in fs["log%d" % k][1]:
            rows += list(fs.get(f, ("gone",)))
        k += 1
    return None if rows == list(range(len(rows))) else "the log names %s" % rows


def make(off):
    fs = {}
    return fs, {x: writer(fs, x, off) for x in "AB"}


def check(names, switches, off):
    return turns.count(lambda: make(off), names, switches, wrong)


CASES = [("AB", 5, None), ("AB", 5, "no-replace"), ("AB", 5, "own-names"), ("AB", 5, "fence"), ("AB", 5, "small-epochs")]
