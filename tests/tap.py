# SPDX-License-Identifier: BSD-2-Clause
"""tap - what a test program says: a point a line, why one does not hold, the plan at the end

    from tap import finish, point
    point(got == want, "what holds", got)
    sys.exit(finish())
"""
_n = _failed = 0


def point(held, name, why=""):
    """One point; why is printed where it does not hold, at most 12 lines of it. Returns held."""
    global _n, _failed
    _n += 1
    _failed += not held
    print("%sok %d - %s" % ("" if held else "not ", _n, name), flush=True)
    for line in str(why).split("\n")[:12] if not held else []:
        print("#   " + line[:2000])
    return held


def failures():
    return _failed


def finish():
    """The plan. The exit status: 1 where a point did not hold, or none was looked at."""
    print("1..%d" % _n, flush=True)
    return 1 if _failed or _n == 0 else 0
