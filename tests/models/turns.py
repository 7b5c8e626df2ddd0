# SPDX-License-Identifier: BSD-2-Clause
"""turns - every interleaving of a few processes with at most so many forced switches

    for world, schedule in turns.explore(make, "ABC", switches=3): ...

make() gives a fresh world and {name: generator}; each `next` of a generator is one atomic step on the world.  A process that
has ended hands on for free; taking the turn from one that could go on costs one of `switches`.  Small letters in a schedule
are kills: the process named by the capital never moves again.  Every schedule within the bounds comes out exactly once.
"""


def explore(make, names, switches, may_die=""):
    """Run all schedules; yields (world, schedule, names that were killed)."""
    todo = [("", 0)]
    while todo:
        prefix, spent = todo.pop()
        world, procs = make()
        alive, dead, done, last = set(names), set(), "", None
        used = 0

        def step(x):
            try:
                next(procs[x])
            except StopIteration:
                alive.discard(x)

        for x in prefix:
            if x.islower():
                alive.discard(x.upper())
                dead.add(x.upper())
            elif x in alive:
                step(x)
                last = x
            done += x
        used = spent
        while alive:
            # go on with whoever has the turn, and leave every other choice for later
            go = last if last in alive else min(alive)
            free = last not in alive
            for y in sorted(alive):
                if y != go and (free or used < switches):
                    todo.append((done + y, used + (0 if free else 1)))
            if not dead and last in alive and last in may_die:
                todo.append((done + last.lower(), used))
            step(go)
            last = go
            done += go
        yield world, done, dead


def count(make, names, switches, wrong, may_die=""):
    """(schedules, wrong ones, an example) where wrong(world, dead) is None or what is wrong."""
    n = bad = 0
    example = ""
    for world, schedule, dead in explore(make, names, switches, may_die):
        n += 1
        why = wrong(world, dead)
        if why:
            bad += 1
            example = example or "%s after %s" % (why, schedule)
    return n, bad, example
