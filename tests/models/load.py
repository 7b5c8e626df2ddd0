# SPDX-License-Identifier: BSD-2-Clause
"""load - rows to a database: the ledger row and the rows in one transaction

Part one: one loader, killed at each point up to three times; a COMMIT whose answer is lost was applied or was not.  Part two:
a zombie and its heir, turn by turn.  Each chunk also counts its rows, which stands for every effect that is not idempotent.

Wrong: the table, or the count, is not what applying each chunk once gives.
"""
import turns

RULES = {
    "ledger": "skip a chunk that the ledger holds",
    "one-transaction": "the ledger row commits with the rows",
    "compare": "the ledger's row is compared and moved before the rows",
}
CHUNKS = [[("k1", 1, "a"), ("k2", 2, "b")], [("k3", 3, "c"), ("k1", 4, "d")], [("k2", 5, "e"), ("k4", 6, "f")]]


def wanted():
    table, count = {}, 0
    for chunk in CHUNKS:
        for k, version, v in chunk:
            count += 1
            if k not in table or table[k][0] < version:
                table[k] = (version, v)
    return table, count


class Database:
    def __init__(self):
        self.table, self.ledger, self.count, self.epoch = {}, frozenset(), 0, 0

    def copy(self):
        d = Database()
        d.__dict__ = dict(self.__dict__, table=dict(self.table))
        return d


def apply(w, chunk):
    for k, version, v in chunk:
        w.count += 1
        if k not in w.table or w.table[k][0] < version:
            w.table[k] = (version, v)


def loader(db, off):
    for n, chunk in enumerate(CHUNKS):
        yield
        if "ledger" not in off and n in db.ledger:
            continue
        w = db.copy()
        yield                               # BEGIN
        if "one-transaction" not in off:
            w.ledger |= {n}
        yield
        apply(w, chunk)
        yield                               # COMMIT is sent: killed here, it may have been applied or not
        db.__dict__ = w.__dict__
        yield
        if "one-transaction" in off:
            db.ledger |= {n}
            yield


def crashes(off, left=3):
    n = bad = 0
    example = ""
    todo = [(Database(), left)]
    while todo:
        db, left = todo.pop()
        d = db.copy()
        steps = sum(1 for _ in loader(d, off))
        n += 1
        if (d.table, d.count) != wanted():
            bad += 1
            example = example or "counted %d of %d" % (d.count, wanted()[1])
        for at in range(1, steps + 1) if left else ():
            d = db.copy()
            g = loader(d, off)
            for _ in range(at):
                next(g)
            todo.append((d, left - 1))
    return n, bad, example


def job(db, off):
    """Epochs of a job; the transaction holds the ledger's row, so compare and rows are one step."""
    at = db.epoch
    yield
    while at < len(CHUNKS):
        if "compare" not in off and db.epoch != at:
            return                          # 0 rows changed: somebody took over
        apply(db, CHUNKS[at])
        db.epoch = at + 1
        yield
        at += 1


def check(names, switches, off):
    if not names:
        return crashes(off)

    def make():
        db = Database()
        return db, {x: job(db, off) for x in names}

    def wrong(db, dead):
        for _ in job(db, off):
            pass
        return None if (db.table, db.count) == wanted() else "counted %d of %d" % (db.count, wanted()[1])

    return turns.count(make, names, switches, wrong, may_die="Z")


CASES = [("", 0, None), ("", 0, "ledger"), ("", 0, "one-transaction"), ("ZH", 6, None), ("ZH", 6, "compare")]
