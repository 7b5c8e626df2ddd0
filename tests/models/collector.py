# SPDX-License-Identifier: BSD-2-Clause
"""collector - old versions, orphans and FLOOR, while others write, publish runs and take days back

The log begins with two commits: file A, then B in its place.  G is a collector that keeps nothing but the head, H one that keeps
the state before it too.  W writes a file outside of a run, Z does and has read the log when it had one commit; S writes one in a
run (its stage names the file before it is there, and goes when the commit is in), R brings A back in a run.  Every file is old
enough to be taken for a dead writer's, and everybody may be as slow as he likes; G may be killed.

Wrong: a live file is gone; a commit that its writer believes in is not in the log; the log cannot be read any more.
"""
import turns

RULES = {
    "fence": "a fence of everybody before files of nobody are removed",
    "stages": "what a stage names is left alone",
    "log-last": "the log is read behind the stages",
    "floor-first": "FLOOR is moved before the stages are read",
    "floor-again": "who takes a day back reads FLOOR again once his stage names the files",
    "checkpoint-first": "the checkpoint before FLOOR, FLOOR before records go",
    "lock": "one collector at a time",
    "read-floor": "a writer reads FLOOR again after the link",
}


class World:
    def __init__(self):
        self.log = {1: {"id": 1, "add": ("A",), "rm": ()}, 2: {"id": 2, "add": ("B",), "rm": ("A",)}}
        self.checkpoints = {}           # number -> live files, the last fence, ids
        self.floor, self.files, self.stages, self.locked = 0, {"A", "B"}, {}, False
        self.believed = []


def fold(w):
    """Head, live files, number of the last fence, ids: what a reader finds."""
    head = max(w.checkpoints, default=0)
    live, star, ids = w.checkpoints.get(head, (frozenset(), 0, frozenset()))
    live, ids = set(live), set(ids)
    while head + 1 in w.log:
        head += 1
        c = w.log[head]
        live -= set(c["rm"])
        live |= set(c["add"])
        star = head if c.get("fence") else star
        ids.add(c["id"])
    return head, live, star, ids


def commit(w, make, may_enter, off, known=None):
    """Publish what make(live) gives under the next free number; the number, or None. known: a head that was read long ago."""
    while True:
        head, live, star, _ = fold(w)
        if known is not None:
            head, live, star, known = known, {"A"}, 0, None
        if not may_enter(star):
            return None
        record, n = make(live), head + 1
        yield
        linked = n not in w.log
        if linked:
            w.log[n] = record
        yield
        if linked and ("read-floor" in off or w.floor < n):
            return n
        head, _, _, ids = fold(w)
        if record["id"] in ids and (not linked or head >= n):
            return n                    # folded before it was collected: it did get in
        if linked:
            w.log.pop(n, None)
        yield


def plain(w, me, known, off):
    base = known or fold(w)[0]
    yield
    w.files.add(me)
    yield
    n = yield from commit(w, lambda live: {"id": me, "add": (me,), "rm": ()}, lambda star: star <= base, off, known)
    if n is None:
        w.files.discard(me)
    else:
        w.believed.append(me)


def staged(w, off):
    w.stages["s"] = {"s"}
    yield
    w.files.add("s")
    yield
    # its run has said that it publishes: no fence holds it up
    yield from commit(w, lambda live: {"id": "s", "add": ("s",), "rm": ()}, lambda star: True, off)
    w.believed.append("s")
    yield
    w.stages.pop("s")


def take_back(w, off):
    if w.floor > 1:
        return
    yield
    w.stages["r"] = {"A"}
    yield
    if "floor-again" not in off and w.floor > 1:
        w.stages.pop("r")
        return
    yield
    yield from commit(w, lambda live: {"id": "r", "add": ("A",), "rm": tuple(live)}, lambda star: True, off)
    w.believed.append("r")
    yield
    w.stages.pop("r")


def raise_floor(w, floor, state, off):
    if "checkpoint-first" not in off:
        w.checkpoints[floor] = state
        yield
    w.floor = floor
    yield
    for n in sorted(w.log):
        if n <= floor:
            w.log.pop(n, None)
            yield
    for n in sorted(w.checkpoints):
        if n < floor:
            w.checkpoints.pop(n, None)
    if "checkpoint-first" in off:
        yield
        w.checkpoints[floor] = state


def kept_by_log(w, floor):
    live = set(w.checkpoints.get(floor, ((), 0, ()))[0])
    for n in w.log:
        if n > floor:
            live |= set(w.log[n]["add"])
    return live


def look(w, floor, live, off):
    """What stays: of the oldest state kept, of the stages, of the log since."""
    kept = set(live)
    if "log-last" in off:
        kept |= kept_by_log(w, floor)
        yield
    if "stages" not in off:
        kept |= set().union(*w.stages.values())
        yield
    if "log-last" not in off:
        kept |= kept_by_log(w, floor)
        yield
    return kept


def collect(w, me, off):
    if "lock" not in off:
        if w.locked:
            return
        w.locked = True
    floor, live, star, ids = fold(w)
    if me == "H" and floor == 2 and w.floor < 2:
        floor, live, ids = 1, {"A"}, {1}
    state = (frozenset(live), star, frozenset(ids))
    dead = {f for n in w.log if n <= floor for f in w.log[n]["rm"]} - live
    yield
    if floor > w.floor and "floor-first" not in off:
        yield from raise_floor(w, floor, state, off)
    kept = yield from look(w, floor, live, off)
    orphans = w.files - kept - dead
    if orphans and "fence" not in off:
        yield from commit(w, lambda live: {"id": "fence" + me, "add": (), "rm": (), "fence": True}, lambda star: True, off)
        yield
    if orphans and "fence" not in off:
        kept = yield from look(w, floor, live, off)
    for f in sorted((dead | orphans) - kept):
        w.files.discard(f)
        yield
    if "floor-first" in off:
        yield from raise_floor(w, floor, state, off)
    w.locked = False


def wrong(w, dead):
    head, live, _, ids = fold(w)
    if head < w.floor:
        return "the log cannot be read: FLOOR is %d, the head %d" % (w.floor, head)
    if not live <= w.files:
        return "live files are gone: %s" % sorted(live - w.files)
    for b in w.believed:
        if b not in ids:
            return "%s was told that it is in" % b
    return None


def make(names, off):
    w = World()
    kinds = {"G": lambda: collect(w, "G", off), "H": lambda: collect(w, "H", off), "W": lambda: plain(w, "w", None, off),
             "Z": lambda: plain(w, "z", 1, off), "S": lambda: staged(w, off), "R": lambda: take_back(w, off)}
    return w, {x: kinds[x]() for x in names}


def check(names, switches, off):
    return turns.count(lambda: make(names, off), names, switches, wrong, may_die="G")


# Who takes part, how many switches, and the rule left out (none: all hold).
CASES = [("GRS", 3, None), ("GRW", 2, None), ("GHZ", 2, None), ("GSW", 2, None), ("GW", 3, "fence"), ("GS", 3, "stages"),
         ("GR", 3, "log-last"), ("GR", 3, "floor-first"), ("GR", 3, "floor-again"), ("GW", 3, "checkpoint-first"),
         ("GHZ", 2, "lock"), ("GZ", 3, "read-floor")]
