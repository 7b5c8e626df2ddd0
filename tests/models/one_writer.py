# SPDX-License-Identifier: BSD-2-Clause
"""one_writer - a source's rows through every crash, while somebody reads the view with a glob

Rows of one source go to two days, two rows a commit.  The machine may die after each step, twice, also while it recovers;
then the writer goes on from what the log says.

Wrong: at the end a row is not there exactly once, whole; the position falls below what was acknowledged; a glob over the view
sees a torn file, a row twice, or a row that is not committed.
"""
import crash

RULES = {
    "sync-data": "fsync each data file",
    "sync-pool": "fsync the directory of the data files",
    "sync-record": "fsync the commit record before it is linked",
    "sync-log": "fsync the log's directory before anybody is told",
    "one-record": "all files of a batch are named by one record",
    "view-after": "the view shows files only after their commit",
}
ROWS, BATCH, DAYS = 4, 2, 2


class Wrong(Exception):
    pass


def committed(d, off):
    """Rows that the log names, and the position behind them."""
    rows, at, n = [], 0, 0
    if "one-record" in off:             # positions in the names of the files
        for p in d.listing("pool"):
            rows += d.read(p)
            at = max([at] + [r + 1 for r in d.read(p) if r != crash.TORN])
        return rows, at, 0
    while True:
        record = d.read("log/%d" % n)
        if record is None:
            return rows, at, n
        if not record or record[-1] != "sum":
            raise Wrong("a record under its final name is torn")
        for f in record[1]:
            rows += d.read("pool/" + f) or ("gone",)
        at, n = record[0], n + 1


def batch(d, at, n, off):
    end = min(at + BATCH, ROWS)
    files = {}
    for r in range(at, end):
        files.setdefault("%d.%d" % (r % DAYS, at), []).append(r)
    for f, rows in files.items():
        d.create("pool/" + f)
        yield
        d.write("pool/" + f, tuple(rows))
        yield
        if "sync-data" not in off:
            d.fsync("pool/" + f)
            yield
        if "view-after" in off:
            d.link("pool/" + f, "view/" + f)
            yield
    if "sync-pool" not in off:
        d.fsync_dir("pool")
        yield
    if "one-record" not in off:
        d.create("log/tmp")
        yield
        d.write("log/tmp", (end, tuple(files), "sum"))
        yield
        if "sync-record" not in off:
            d.fsync("log/tmp")
            yield
        d.link("log/tmp", "log/%d" % n)
        yield
        if "sync-log" not in off:
            d.fsync_dir("log")
            yield
        d.unlink("log/tmp")
        yield
    yield "told"
    yield from show(d, off)


def show(d, off):
    """The view of what is committed."""
    if "one-record" in off:
        return
    for n in range(committed(d, off)[2]):
        for f in d.read("log/%d" % n)[1]:
            if d.read("view/" + f) is None and d.read("pool/" + f) is not None:
                d.link("pool/" + f, "view/" + f)
                yield
    d.fsync_dir("view")
    yield


def recover(d, off):
    yield from show(d, off)
    d.unlink("log/tmp")
    yield
    if "one-record" in off:
        return
    listed = {"pool/" + f for n in range(committed(d, off)[2]) for f in d.read("log/%d" % n)[1]}
    for p in d.listing("pool"):
        if p not in listed:
            d.unlink(p)
            yield


def glob(d, off):
    seen = [r for p in d.listing("view") for r in d.read(p)]
    end = committed(d, off)[1]
    if crash.TORN in seen or len(set(seen)) != len(seen) or any(r >= end for r in seen):
        raise Wrong("the view shows %s, committed is %d" % (seen, end))


def life(d, told, off):
    """Recover, then go on to the end; yields after each step how far somebody was told."""
    for _ in recover(d, off):
        yield told
    _, at, n = committed(d, off)
    if at < told:
        raise Wrong("told %d, the log says %d" % (told, at))
    while at < ROWS:
        for step in batch(d, at, n, off):
            if step == "told":
                told = min(at + BATCH, ROWS)
            yield told
        at, n = min(at + BATCH, ROWS), n + 1


def check(names, crashes, off):
    todo, seen = [(crash.Disk(), 0, 0)], set()
    n = bad = 0
    example = ""
    while todo:
        d, before, told = todo.pop()
        if (d.key(), before, told) in seen:
            continue
        seen.add((d.key(), before, told))
        n += 1
        try:
            for told in life(d, told, off):
                glob(d, off)
                if before < crashes:
                    todo += [(c, before + 1, told) for c in d.crashes()]
            rows, _, _ = committed(d, off)
            if sorted(map(str, rows)) != [str(i) for i in range(ROWS)]:
                raise Wrong("in the end there are %s" % (rows,))
        except Wrong as e:
            bad += 1
            example = example or str(e)
    return n, bad, example


# One crash is enough to show what a rule is for.
CASES = [("", 2, None)] + [("", 1, r) for r in RULES]
