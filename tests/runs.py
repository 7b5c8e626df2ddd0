# SPDX-License-Identifier: BSD-2-Clause
"""runs - the runs of a job under pipe-run, as its directory has them

    run = run_of(pid)                           # of the directory STATE/JOB
    os.kill(pid, signal.SIGKILL)
    up_again(job, run, pipe, seconds)           # pipe: the Popen of `pipe-run FILE run`
    listens(p); p.send_signal(signal.SIGTERM)   # of a Popen that was just begun: else the signal itself may end it
    said = heard(p, b"words")                   # its standard error, a pipe, until it says so
    end_all(pids)
"""
import os
import select
import signal
import time

import cases


def run_number(job):
    with open(os.path.join(job, "run"), encoding="ascii") as f:
        return int(f.read())


def run_of(pid):
    """Of which run a process is; of one that is gone, or of no job: 0."""
    try:
        with open("/proc/%d/environ" % pid, "rb") as f:
            return next((int(x[18:]) for x in f.read().split(b"\0") if x.startswith(b"PIPEHOUSE_JOB_RUN=")), 0)
    except OSError:
        return 0


def listens(p, sig=signal.SIGTERM, seconds=120):
    """Wait until that process has said what it does at the signal. False where it ended instead."""
    until = time.monotonic() + seconds
    while p.poll() is None and time.monotonic() < until:
        try:
            with open("/proc/%d/status" % p.pid, encoding="ascii", errors="replace") as f:
                masks = [int(x.split()[1], 16) for x in f if x.startswith(("SigCgt:", "SigBlk:"))]
        except OSError:
            masks = []
        if any(m >> (sig - 1) & 1 for m in masks):
            return True
        time.sleep(0.01)
    return False


def heard(p, word, seconds=120):
    """What that process says on standard error until the word is in it, or it ends. Behind it comes what communicate() gives."""
    got, until = b"", time.monotonic() + seconds
    while word not in got and time.monotonic() < until:
        if select.select([p.stderr], [], [], 0.1)[0]:
            more = os.read(p.stderr.fileno(), 65536)
            if not more:
                break
            got += more
    return got.decode(errors="replace")


def end_all(pids):
    """kill -9 of each that is still there."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def up_again(job, run, pipe, seconds=60):
    """Wait until a run behind that one, whose process was killed (run_of), has begun: a stop that meets a falling pipeline
    rightly ends with 75. True where one has begun."""
    until = time.monotonic() + seconds * (4 if cases.SANITIZED else 1)
    while pipe.poll() is None and run_number(job) <= run and time.monotonic() < until:
        time.sleep(0.02)
    return run_number(job) > run
