# SPDX-License-Identifier: BSD-2-Clause
"""tap - what a test program says: a point a line, why one does not hold, the plan at the end

    from tap import finish, point
    point(got == want, "what holds", got)
    sys.exit(finish())

Points may come from several threads.
"""
import threading

_n = _failed = 0
_lock = threading.Lock()


def point(held, name, why=""):
    """One point; why is printed where it does not hold, at most 30 lines of it. Returns held."""
    global _n, _failed
    with _lock:
        _n += 1
        _failed += not held
        text = ["%sok %d - %s" % ("" if held else "not ", _n, name)]
        text += ["#   " + line[:2000] for line in str(why).split("\n")[:30] if not held]
        print("\n".join(text), flush=True)
    return held


def holds(name, wrong):
    """A point that does not hold where `wrong` lists anything."""
    return point(not wrong, name, "\n".join(str(x) for x in wrong))


def same(name, got, want):
    """Two lists of lines, of which there are some, are the same; else the first that differs is told."""
    if got == want and want:
        return point(True, "%s (%d lines)" % (name, len(want)))
    i = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    a, b = ("%s" % (x[i] if i < len(x) else None) for x in (got, want))
    return point(False, "%s: %d lines, wanted %d" % (name, len(got), len(want)), "line %d\ngot  %s\nwant %s" % (i + 1, a, b))


def failures():
    return _failed


def finish():
    """The plan. The exit status: 1 where a point did not hold, or none was looked at."""
    print("1..%d" % _n, flush=True)
    return 1 if _failed or _n == 0 else 0
