# SPDX-License-Identifier: BSD-2-Clause
"""runs - the runs of a job under pipe-run, as its directory has them

    run = run_number(job)                       # of the directory STATE/JOB
    os.kill(pid, signal.SIGKILL)
    up_again(job, run, pipe, seconds)           # pipe: the Popen of `pipe-run FILE run`
"""
import os
import time

import cases


def run_number(job):
    with open(os.path.join(job, "run"), encoding="ascii") as f:
        return int(f.read())


def up_again(job, run, pipe, seconds=5):
    """Wait until the run behind the one that a kill met has begun: a stop that meets a falling pipeline rightly ends with 75.
    A kill may have met one that was dying anyway, whose next run had begun: no other follows, so this waits for so long only.
    True where another has begun."""
    until = time.monotonic() + seconds * (4 if cases.SANITIZED else 1)
    while pipe.poll() is None and run_number(job) == run and time.monotonic() < until:
        time.sleep(0.02)
    return run_number(job) != run
