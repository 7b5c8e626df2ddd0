# SPDX-License-Identifier: BSD-2-Clause
"""live.py - a private server and a barrier job under pipe-run, for the benchmarks of jobs that run

    server = Server(top); server.sql("CREATE DATABASE d")
    job = Job(top, "lat", "\\tingest ... |\\n\\tmysql-load ... --job lat\\n"); job.start(); job.acked(); job.stop()

All of it lives in `top`, which is the caller's; server.stop() and job.stop() end every process that was started here.
"""
import json
import os
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
LIMIT = 120


def environment(**more):
    """Ours without what the caller's shell says of warehouses and jobs."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
    return dict(env, PATH=BIN + ":" + env.get("PATH", "/usr/bin:/bin"), LC_ALL="C", **more)


def load():
    return "load %.1f" % os.getloadavg()[0]


def wait(cond, what, seconds=LIMIT):
    end = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > end:
            raise RuntimeError(what)
        time.sleep(0.01)


class Server:
    def __init__(self, top):
        self.dir = os.path.join(top, "db")
        self.cnf = os.path.join(self.dir, "client.cnf")
        self.call("start")

    def call(self, what):
        subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), what, self.dir], check=True, timeout=180)

    def stop(self):
        self.call("stop")

    def sql(self, text):
        argv = ["mariadb", "--defaults-file=" + self.cnf, "--batch", "--raw", "--skip-column-names", "-e", text]
        out = subprocess.run(argv, check=True, stdout=subprocess.PIPE, timeout=LIMIT).stdout
        return [x.split("\t") for x in out.decode().splitlines()]


class Job:
    """Its one sink has the job's name."""

    def __init__(self, top, name, text, settings=""):
        self.name, self.top, self.dir = name, os.path.join(top, "job-" + name), os.path.join(top, "job-" + name, "state", name)
        os.makedirs(os.path.join(self.top, "in"))
        self.env = environment(PIPEHOUSE_ROOT=os.path.join(self.top, "wh"), PIPEHOUSE_STATE=os.path.join(self.top, "state"), TMPDIR=self.top)
        os.mkdir(os.path.join(self.top, "wh"))
        with open(os.path.join(self.top, name + ".pipe"), "w", encoding="ascii") as f:
            f.write("%s: %s\n%s" % (name, settings, text))

    def call(self, what, *more):
        return subprocess.run([os.path.join(BIN, "pipe-run"), self.name + ".pipe", what] + list(more), cwd=self.top, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)

    def start(self):
        p = self.call("start")
        if p.returncode != 0:
            raise RuntimeError("start ended with %d: %s%s" % (p.returncode, p.stderr.decode(), self.tail()))

    def stop(self):
        p = self.call("stop")
        return p.returncode, p.stderr.decode()

    def status(self):
        return json.loads(self.call("status", "--json").stdout)

    def number(self, *path):
        """What stands in a file of the job; None where it is not there."""
        try:
            with open(os.path.join(self.dir, *path), encoding="ascii") as f:
                return int(f.read())
        except (FileNotFoundError, ValueError):
            return None

    def acked(self):
        return self.number("ack", self.name) or 0

    def processes(self):
        """[(pid, name)] of its stages; shells are none."""
        found, want = [], ("PIPEHOUSE_JOB=" + self.dir).encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if want not in f.read().split(b"\0"):
                        continue
                with open("/proc/%s/comm" % pid, encoding="ascii") as f:
                    name = f.read().strip()
            except OSError:
                continue
            if os.path.exists(os.path.join(BIN, name)):
                found.append((int(pid), name))
        return found

    def tail(self):
        try:
            with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
                return "".join(f.readlines()[-20:])
        except OSError:
            return ""
