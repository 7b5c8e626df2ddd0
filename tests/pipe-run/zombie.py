#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""zombie - processes of an older run of a job that sleep and wake up: no plan, snapshot or commit of the new run is theirs; TAP

    BIN=build/bin python3 tests/pipe-run/zombie.py

Real processes, stopped and continued by signals; every wait is for something to happen.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "pipe")]
import cases  # noqa: E402
import epoch_play  # noqa: E402
from tap import finish, point  # noqa: E402

LIMIT = 60 * (4 if cases.SANITIZED else 1)


def wait(what):
    until = time.monotonic() + LIMIT
    while not what():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)
    return True


def records(a, b):
    return [b'{"id":%d,"t":"2026-11-20 10:00:00"}' % i for i in range(a, b)]


def log(path, a, b):
    with open(path, "ab", buffering=0) as f:
        f.write(b"".join(x + b"\n" for x in records(a, b)))


def stopped(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "T"


def stop(p):
    p.send_signal(signal.SIGSTOP)
    wait(lambda: stopped(p.pid))


def cat(env, table):
    p = subprocess.run([os.path.join(cases.BIN, "wh-cat"), table], env=env, stdout=subprocess.PIPE, check=True)
    return sorted(json.loads(x)["id"] for x in p.stdout.splitlines())


def source(top):
    """A source: the epochs that it plans are planned by nobody else while it is alive, asleep or not."""
    j = epoch_play.Job(top, name="source")
    path = os.path.join(top, "in.log")
    log(path, 0, 100)

    def begin(run, at):
        os.makedirs(j.dir + "/begun/%d" % run)
        with open(j.dir + "/begun/%d/sink" % run, "w", encoding="ascii") as f:
            f.write("%d\n" % at)
        env = dict(cases.environment(top), PIPEHOUSE_JOB=j.dir, PIPEHOUSE_JOB_RUN=str(run))
        return subprocess.Popen([os.path.join(cases.BIN, "ingest"), "-f", path, "--barriers", "20ms"], env=env, stdin=subprocess.DEVNULL,
                                stdout=open(j.dir + "/out%d" % run, "wb"), stderr=subprocess.PIPE)

    def epochs(run):
        """id -> what it was"""
        got, held = {}, []
        with open(j.dir + "/out%d" % run, "rb") as f:
            for x in f.read().split(b"\n")[:-1]:
                if not x.startswith(b'{"$barrier"'):
                    held.append(x)
                    continue
                m = json.loads(x)
                if m["kind"] != "open":
                    got[m["id"]] = (held, m["to"], m["now"])
                held = []
        return got
    def ack(number):
        """As a sink does it: whole."""
        with open(j.dir + "/ack.new", "w", encoding="ascii") as f:
            f.write("%d\n" % number)
        os.replace(j.dir + "/ack.new", j.dir + "/ack/sink")
    plans = lambda: {x: os.stat(j.dir + "/plan/" + x).st_ino for x in os.listdir(j.dir + "/plan")}
    old = begin(1, 0)
    wait(lambda: len(epochs(1)) >= 2)
    stop(old)
    log(path, 100, 200)
    were = plans()
    new = begin(2, 0)
    err = new.communicate(timeout=LIMIT)[1].decode()
    point(new.returncode == 75 and "process %d is" % old.pid in err and plans() == were, "a source asleep: the next run's ends with 75, names it, and plans nothing",
          (new.returncode, err))
    old.send_signal(signal.SIGCONT)
    for k in range(1, 4):       # its sinks follow
        ack(max(epochs(1)))
        wait(lambda k=k: sum(len(x) for x, _, _ in epochs(1).values()) >= 200)
    stop(old)
    old.send_signal(signal.SIGKILL)
    old.communicate()
    first, at = epochs(1), j.acked("sink")
    new = begin(3, at)
    log(path, 200, 300)

    def more():
        ack(max([at] + list(epochs(3))))
        return {json.loads(x)["id"] for e, _, _ in epochs(3).values() for x in e} >= set(range(200, 300))
    wait(more)
    new.send_signal(signal.SIGTERM)
    err = new.communicate(timeout=LIMIT)[1].decode()
    second = epochs(3)
    both = {**first, **second}
    ids = [json.loads(x)["id"] for k in sorted(both) for x in both[k][0]]
    point(new.returncode == 0 and all(second[k] == first[k] for k in first if k in second) and ids == list(range(300)),
          "when it is gone: the epochs that it planned are the same ones, and each record is in one", (new.returncode, err, len(ids)))


def stage(top):
    """A stage with state: what it knows is saved by nobody else while it is alive."""
    env = cases.environment(top)
    j = epoch_play.Job(top, name="stage")
    argv = ["dedup", "-k", "id"]
    old = epoch_play.Stage(j, argv, env=env)
    old.epoch(1, records(0, 50))
    stop(old.p)
    files = lambda: {x: os.stat(j.dir + "/1-dedup/" + x).st_ino for x in os.listdir(j.dir + "/1-dedup")}
    # what its older run would save of an epoch that the new one may get otherwise
    old.send(records(40, 60), epoch_play.line("mark", 2, 20, 1, hops=[epoch_play.source(20)]))
    were = files()
    new = epoch_play.Stage(j, argv, at=1, env=env)
    point(new.opened is None and new.over[0] == 75 and "process %d is" % old.p.pid in new.over[1] and files() == were,
          "a stage asleep: the next run's ends with 75, names it, and touches nothing", new.over)
    old.kill()
    new = epoch_play.Stage(j, argv, at=1, env=env)
    point(files() == were and new.epoch(2, records(45, 70)) == records(50, 70), "when it is gone the next one has the state of the epoch, and makes the new one", files())
    new.kill()


def sink(top):
    """A sink: when another run of it has begun it commits nothing, whenever it wakes up."""
    env = dict(cases.environment(top), PIPEHOUSE_ROOT=top + "/wh")
    os.makedirs(top + "/wh", exist_ok=True)
    j = epoch_play.Job(top, sinks=("put",), name="sink")
    argv = ["wh-put", "a.t", "--partition-by", "t", "--job", "put"]

    def begin(at):
        s = epoch_play.Stage(j, argv, at=at, stdout=subprocess.DEVNULL, env=env)
        wait(lambda: os.path.exists(j.dir + "/begun/%d/put" % j.run))
        return s

    def acked():
        try:
            return j.acked("put")
        except OSError:
            return 0

    def epoch(s, run, k, lines):
        s.send(lines, epoch_play.line("mark", k, len(lines), run, hops=[epoch_play.source(len(lines))]))
    old = begin(0)
    epoch(old, 1, 1, records(0, 10))
    wait(lambda: acked() == 1)
    stop(old.p)
    epoch(old, 1, 2, records(500, 520))        # what a source asleep would have sent it, in a history that never was
    new = begin(1)
    epoch(new, 2, 2, records(10, 30))
    wait(lambda: acked() == 2)
    old.p.send_signal(signal.SIGCONT)
    code, err = old.finish()
    point(code == 75 and cat(env, "a.t") == list(range(30)) and acked() == 2, "a sink asleep commits nothing when it wakes up: 75", (code, err))
    epoch(new, 2, 3, records(30, 40))
    wait(lambda: acked() == 3)
    new.kill()
    point(cat(env, "a.t") == list(range(40)), "and the new one goes on, each epoch once")


def whole(top):
    """Who looks after a job is killed, and its keeper is asleep: the next start ends what is left of it."""
    env = dict(cases.environment(top), PIPEHOUSE_ROOT=top + "/wh", PIPEHOUSE_STATE=top + "/state")
    log(top + "/j.log", 0, 50)
    with open(top + "/j.pipe", "w", encoding="ascii") as f:
        f.write("j: restart=30ms restart-max=100ms\n\tingest -f '%s/j.log' --barriers 20ms |\n\tdedup -k id | wh-put a.j --partition-by t --job j\n" % top)
    run = lambda: subprocess.Popen([os.path.join(cases.BIN, "pipe-run"), "j.pipe", "run"], cwd=top, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)

    def number(name):
        try:
            with open(top + "/state/j/" + name, encoding="ascii") as f:
                return int(f.read() or 0)
        except OSError:
            return 0

    def members(of):
        """{command: pid} of a run's processes."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f, open("/proc/%s/comm" % pid, encoding="utf-8") as name:
                    e = f.read().split(b"\0")
                    if ("PIPEHOUSE_JOB=" + top + "/state/j").encode() in e and b"PIPEHOUSE_JOB_RUN=%d" % of in e:
                        found[name.read().strip()] = int(pid)
            except OSError:
                pass
        return found
    first = run()
    wait(lambda: number("ack/j") >= 2)
    with open("/proc/%d/task/%d/children" % (first.pid, first.pid), encoding="ascii") as f:
        keeper = int(f.read().split()[0])
    old = members(1)
    asleep = [keeper, old["ingest"], old["dedup"]]
    for pid in asleep:
        os.kill(pid, signal.SIGSTOP)
    wait(lambda: all(stopped(pid) for pid in asleep))
    first.kill()
    first.communicate()
    log(top + "/j.log", 40, 100)
    second = run()
    try:
        wait(lambda: number("ack/j") >= 2 and len(cat(env, "a.j")) >= 100)
        point(number("run") == 2 and not set(members(1)) & {"ingest", "dedup", "wh-put"}, "of a job whose keeper sleeps all is ended by the next start, asleep or not",
              (number("run"), members(1)))
        if os.path.exists("/proc/%d" % keeper):
            os.kill(keeper, signal.SIGCONT)
        at = number("ack/j")
        log(top + "/j.log", 100, 150)
        wait(lambda: number("ack/j") > at + 2 and len(cat(env, "a.j")) >= 150)
        point(number("run") == 2, "what wakes up of it ends nothing of the new run's")
    finally:
        second.send_signal(signal.SIGTERM)
        err = second.communicate(timeout=LIMIT)[1].decode()
    point(second.returncode == 0 and cat(env, "a.j") == list(range(150)), "and each record is there once", (second.returncode, err))


def main():
    for f in (source, stage, sink, whole):
        if sys.argv[1:] and f.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory(prefix="zombie.", ignore_cleanup_errors=True) as top:
            try:
                f(top)
            except (AssertionError, OSError, subprocess.SubprocessError) as e:
                point(False, f.__name__, repr(e))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
