# SPDX-License-Identifier: BSD-2-Clause
"""table_log - one commit log a table, several writers in it

A and B are ingest processes of the same source (a zombie and its heir), C one of another source, K compacts, R replaces a day
that it has read, G checkpoints and collects old records.  A commit is a name created without replacing; who finds it taken
reads on, validates, takes the next.  A writer may be as slow as it likes between any two steps.

Wrong: a source's rows are not 0..n once each; a live file is gone; a commit that its writer believes in is not in the log.
"""
import turns

RULES = {
    "validate": "judge a commit again against those that came since its base",
    "fence": "a new writer of a source publishes a fence first",
    "own-files": "collect only unlisted files of one's own source",
    "still-live": "a rewrite enters only if all it read is still live",
    "read-floor": "read FLOOR again after each link",
}
ROWS = 2


class Table:
    def __init__(self):
        self.log, self.checkpoint, self.floor = {}, (0, frozenset(), (), (), frozenset()), 0
        self.files = {}         # (writer, source, first row, epoch, end) -> rows
        self.believed = []      # commits that a writer was told are in


def fold(t):
    """head, live files, how far each source is, its fence, ids of all commits; as a reader sees it."""
    head, live, to, fence, ids = t.checkpoint
    live, to, fence, ids = set(live), dict(to), dict(fence), set(ids)
    while head + 1 in t.log:
        head += 1
        c = t.log[head]
        ids.add(c["id"])
        if c["kind"] == "fence":
            fence[c["app"]] = head
        else:
            live -= set(c["rm"])
            live |= set(c["add"])
            if "app" in c:
                to[c["app"]] = c["to"]
    return head, live, to, fence, ids


def commit(t, record, head, may_enter, off):
    """Publish; the number, or None when a commit that came first forbids it."""
    while True:
        n = head + 1
        linked = n not in t.log
        if linked:
            t.log[n] = record
        yield
        if linked and ("read-floor" in off or t.floor < n):
            return n
        head, live, to, fence, ids = fold(t)
        if "read-floor" not in off and record["id"] in ids and (not linked or head >= n):
            return n                    # folded before it was collected: it did get in
        if linked:
            t.log.pop(n, None)          # below FLOOR: nobody reads it there
        yield
        if not may_enter(live, to, fence):
            return None


def ingest(t, me, app, off):
    for attempt in range(2):
        head, live, to, fence, _ = fold(t)
        yield
        epoch = head
        if "fence" not in off:
            epoch = yield from commit(t, {"kind": "fence", "app": app, "id": (me, "fence", attempt)}, head,
                                      lambda *_: True, off)
        head, live, to, fence, _ = fold(t)
        yield
        if "fence" not in off and fence.get(app, epoch) > epoch:
            continue
        for f in sorted(t.files):
            if f[0] not in "KR" and f not in live and f[3] < epoch and (f[1] == app or "own-files" in off):
                t.files.pop(f, None)
                yield
        at, lost = to.get(app, 0), False
        while at < ROWS and not lost:
            end = min(ROWS, at + (2 if me == "A" else 1))
            f = (me, app, at, epoch, end)
            t.files[f] = tuple((app, i) for i in range(at, end))
            yield
            ident = (me, at, epoch)

            def may_enter(live, to, fence):
                if "validate" in off:
                    return True
                return ("fence" in off or fence.get(app, 0) <= epoch) and to.get(app, 0) == at

            n = yield from commit(t, {"kind": "data", "app": app, "to": end, "add": (f,), "rm": (), "id": ident}, head,
                                  may_enter, off)
            if n is None:
                t.files.pop(f, None)
                lost = True
            else:
                t.believed.append(ident)
                head, at = n, end
        if not lost:
            return


def rewrite(t, me, off):
    """Read the live files of the first source and put one in their place."""
    head, live, _, _, _ = fold(t)
    yield
    read = tuple(sorted(f for f in live if f[1] in ("p0", "all")))
    if not read:
        return
    f = (me, "all", 0, head, len(read))
    t.files[f] = tuple(x for r in read for x in t.files.get(r, (("gone", r),)))
    yield
    n = yield from commit(t, {"kind": "data", "add": (f,), "rm": read, "id": (me,)}, head,
                          lambda live, to, fence: "still-live" in off or set(read) <= live, off)
    if n is None:
        t.files.pop(f, None)


def collect(t):
    head, live, to, fence, ids = fold(t)
    yield
    if head == t.checkpoint[0]:
        return
    t.checkpoint = (head, frozenset(live), tuple(to.items()), tuple(fence.items()), frozenset(ids))
    yield
    t.floor = head
    yield
    for n in sorted(t.log):
        if n <= head:
            t.log.pop(n)
            yield


def wrong(t, dead):
    _, live, to, _, ids = fold(t)
    rows = {}
    for f in live:
        if f not in t.files:
            return "a live file is gone"
        for app, i in t.files[f]:
            rows.setdefault(app, []).append(i)
    if "gone" in rows:
        return "a file was gone when it was read"
    for app, got in rows.items():
        if sorted(got) != list(range(len(got))):
            return "%s has rows %s" % (app, sorted(got))
    for ident in t.believed:
        if ident not in ids:
            return "%s was told that it is in" % (ident,)
    return None


def make(names, off):
    t = Table()
    kinds = {"A": lambda: ingest(t, "A", "p0", off), "B": lambda: ingest(t, "B", "p0", off),
             "C": lambda: ingest(t, "C", "p1", off), "K": lambda: rewrite(t, "K", off),
             "R": lambda: rewrite(t, "R", off), "G": lambda: collect(t)}
    return t, {x: kinds[x]() for x in names}


def check(names, switches, off):
    return turns.count(lambda: make(names, off), names, switches, wrong)


# Who takes part, how many switches, and the rule left out (none: all hold).
CASES = [("ABC", 3, None), ("ABC", 3, "validate"), ("ABC", 3, "own-files"), ("ABC", 3, "fence"), ("ABK", 3, None),
         ("AKR", 4, None), ("AKR", 3, "still-live"), ("ABG", 3, None), ("ABG", 3, "read-floor")]
