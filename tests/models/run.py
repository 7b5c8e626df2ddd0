#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""run - the protocols of the store and of barrier jobs, enumerated: with all their rules nothing is wrong, without any one of them something is; TAP

    python3 tests/models/run.py [MODEL ...]
"""
import importlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from tap import finish, point  # noqa: E402

MODELS = ("run_record", "collector", "table_log", "job_log", "one_writer", "two_writers", "load", "barrier")


def one(model, names, bound, off):
    m = importlib.import_module(model)
    began = time.time()
    n, bad, example = m.check(names, bound, {off} if off else set())
    title = "%s%s: " % (model, " " + names if names else "")
    title += "all rules" if off is None else "without %s (%s)" % (off, m.RULES[off])
    line = "%s: %d wrong of %d" % (title, bad, n)
    held = n > 0 and (bad == 0 if off is None else bad > 0)
    return held, line, "%s; %.1f s" % (example or "nothing wrong", time.time() - began)


def main():
    models = sys.argv[1:] or MODELS
    jobs = [(m,) + c for m in models for c in importlib.import_module(m).CASES]
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        # the long ones are first in each model's list; results come in the order they were asked for
        for held, line, note in pool.map(one, *zip(*jobs)):
            point(held, line)
            print("# %s" % note, flush=True)
    missing = [(m, r) for m in models for r in importlib.import_module(m).RULES
               if r not in {c[2] for c in importlib.import_module(m).CASES}]
    point(not missing, "every rule is left out once", "\n".join("never left out: %s %s" % m for m in missing))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
