# SPDX-License-Identifier: BSD-2-Clause
"""epoch_play - source and sink around one stage of a barrier job, for the tests of stages

    job = Job(tmp); s = Stage(job, ["dedup", "-k", "k"], at=0)
    out = s.epoch(1, lines, wm=5000)          # what it wrote of the epoch; s.hop is its account, s.mark the line itself
    s.kill(); s = Stage(job, [...], at=1)     # goes on behind epoch 1
    s.end(2, lines)                           # the last one: (status, stderr) in s.over

Nothing here comes from the product: control lines are written and read by json alone.
"""
import hashlib
import json
import os
import signal
import subprocess

BIN = os.path.abspath(os.environ.get("BIN", "build/bin"))
NONCE = "0123456789abcdef0123456789abcdef"


class Job:
    """The directory as pipe-run makes it."""

    def __init__(self, where, sinks=("sink",), name="job"):
        self.dir = os.path.join(os.path.abspath(where), name)
        self.run = 0
        os.makedirs(os.path.join(self.dir, "ack"), exist_ok=True)
        os.makedirs(os.path.join(self.dir, "plan"), exist_ok=True)
        with open(os.path.join(self.dir, "nonce"), "w", encoding="ascii") as f:
            f.write(NONCE + "\n")
        with open(os.path.join(self.dir, "sinks"), "w", encoding="ascii") as f:
            f.write("".join(s + "\n" for s in sinks))

    def next_run(self):
        self.run += 1
        return self.env()

    def env(self):
        return dict(os.environ, PIPEHOUSE_JOB=self.dir, PIPEHOUSE_JOB_RUN=str(self.run))

    def keep(self, content):
        """A version of a configuration file, as the source keeps it before a line pins it: its name."""
        name = hashlib.sha256(content).hexdigest()
        os.makedirs(os.path.join(self.dir, "conf"), exist_ok=True)
        with open(os.path.join(self.dir, "conf", name), "wb") as f:
            f.write(content)
        return name

    def ack(self, sink, number):
        made = os.path.join(self.dir, "ack." + sink)      # the source reads it at any moment: whole or not at all
        with open(made, "w", encoding="ascii") as f:
            f.write("%d\n" % number)
        os.replace(made, os.path.join(self.dir, "ack", sink))

    def acked(self, sink):
        with open(os.path.join(self.dir, "ack", sink), encoding="ascii") as f:
            return int(f.read())


def line(kind, number, n, run=1, now=0, wm=None, pins=None, hops=(), nonce=NONCE):
    """A control line, bytes, with its LF."""
    return json.dumps({"$barrier": nonce, "id": number, "run": run, "kind": kind, "n": n, "now": now, "wm": wm, "from": {}, "to": {}, "pins": pins or {},
                       "hops": list(hops)}, separators=(",", ":")).encode() + b"\n"


def source(n):
    """The account of a source that read n records."""
    return {"t": "source", "in": n, "pass": n, "drop": 0, "used": 0, "rej": 0, "made": 0}


class Stage:
    """One process; at: the epoch whose state it takes up."""

    def __init__(self, job, argv, at=0, now=0, wm=None, pins=None, stdout=subprocess.PIPE, env=None):
        self.job, self.at = job, at
        self.env = dict(job.next_run(), **(env or {}))
        self.p = subprocess.Popen([os.path.join(BIN, argv[0])] + argv[1:], stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, env=self.env)
        self.hop = self.mark = self.over = None
        self.send([], line("open", at, 0, job.run, now, wm, pins, [source(0)]))
        self.opened = self.take("open") if stdout == subprocess.PIPE else None

    def send(self, lines, control):
        try:
            self.p.stdin.write(b"".join(x + b"\n" for x in lines) + control)
            self.p.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass

    def take(self, kind):
        """Lines up to the next control line; None where it ended instead."""
        got = []
        for x in self.p.stdout:
            if x.startswith(b'{"$barrier":"' + NONCE.encode()):
                self.mark = json.loads(x)
                self.hop = self.mark["hops"][-1]
                assert kind in (None, self.mark["kind"]), (kind, x)
                assert self.mark["n"] == len(got) == self.hop["pass"] + self.hop["made"], (self.mark, len(got))
                assert self.hop["in"] == self.hop["pass"] + self.hop["drop"] + self.hop["used"] + self.hop["rej"], self.hop
                return got
            got.append(x.rstrip(b"\n"))
        self.finish()
        return None

    def epoch(self, number, lines, now=0, wm=None, pins=None, kind="mark"):
        self.send(lines, line(kind, number, len(lines), self.job.run, now, wm, pins, [source(len(lines))]))
        return self.take(kind)

    def end(self, number, lines, now=0, wm=None, pins=None):
        got = self.epoch(number, lines, now, wm, pins, "end")
        self.finish()
        return got

    def close(self):
        try:
            self.p.stdin.close()
        except BrokenPipeError:
            pass

    def finish(self):
        if self.over is None:
            self.close()
            self.over = (self.p.wait(), self.p.stderr.read().decode(errors="replace"))
            self.p.stderr.close()
            if self.p.stdout:
                self.p.stdout.close()
        return self.over

    def kill(self):
        self.p.send_signal(signal.SIGKILL)
        return self.finish()
