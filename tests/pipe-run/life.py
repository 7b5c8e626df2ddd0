#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""life - pipe-run: what it does with a pipeline that ends, fails, hangs, is stopped or killed; TAP

    BIN=build/bin python3 tests/pipe-run/life.py [NAME ...]

The stages are tests/pipe-run/play.py, which speaks control lines by itself, and where a stage of ours must leave its trace,
json-map.  Every wait is for something to happen; nothing is judged by how long it took.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cases  # noqa: E402
from runs import end_all  # noqa: E402
from tap import finish, point  # noqa: E402

BIN = cases.BIN
PLAY = "%s %s/play.py" % (sys.executable, HERE)
LIMIT = 120 * (4 if cases.SANITIZED else 1)
GROUPS = []


def group(f):
    GROUPS.append(f)
    return f


class Job:
    """A pipeline file in a directory of its own."""
    all = []

    def __init__(self, *stages, settings="", name="t"):
        self.all.append(self)
        self.top = tempfile.mkdtemp(prefix="pipe-run.", dir=HOME)
        self.name, self.file = name, os.path.join(self.top, "t.pipe")
        self.dir = os.path.join(self.top, "state", name)
        self.env = dict(cases.environment(self.top), PIPEHOUSE_STATE=os.path.join(self.top, "state"))
        with open(self.file, "w", encoding="utf-8") as f:
            f.write("%s: restart=30ms restart-max=60ms sinks=a %s\n\t%s\n" % (name, settings, " |\n\t".join(stages)))

    def call(self, *verb, **more):
        with subprocess.Popen([os.path.join(BIN, "pipe-run"), self.file] + list(verb), cwd=self.top, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more) as p:
            try:
                out, err = p.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired as e:
                there = self.states()
                p.kill()
                raise AssertionError("it did not end, said %r; there were %s" % (e.stderr, there)) from e
        self.err = err.decode()
        return p.returncode, out.decode()

    def begin(self, verb="run"):
        return subprocess.Popen([os.path.join(BIN, "pipe-run"), self.file, verb], cwd=self.top, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def events(self):
        with open(os.path.join(self.dir, "events.ndjson"), encoding="utf-8") as f:
            return [json.loads(x) for x in f if x.endswith("\n")]

    def status(self):
        status, out = self.call("status", "--json")
        return status, json.loads(out)

    def rows(self, sink="a"):
        with open(os.path.join(self.top, sink + ".db"), encoding="ascii") as f:
            db = json.load(f)
        want = [{"epoch": k, "i": i} for k in range(1, db["id"] + 1) for i in range(3)]
        return db["id"] if db["rows"] == want else "epoch %d, but the rows are %s" % (db["id"], db["rows"])

    def reached(self, epoch, sink="a"):
        return wait(lambda: number(os.path.join(self.dir, "ack", sink)) >= epoch)

    def processes(self):
        """Pids that have this job in their environment."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if ("PIPEHOUSE_JOB=" + self.dir).encode() in f.read().split(b"\0"):
                        found.append(int(pid))
            except OSError:
                pass
        return found

    def states(self):
        """Which of them sleeps, is stopped, or a zombie, and since when."""
        found = []
        for pid in self.processes():
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as c, open("/proc/%d/stat" % pid, encoding="ascii") as f:
                    found.append((pid, c.read().replace(b"\0", b" ")[-60:], f.read().rsplit(")", 1)[1].split()[:20]))
            except OSError:
                pass
        return found


def number(path):
    try:
        with open(path, encoding="ascii") as f:
            return int(f.read())
    except (OSError, ValueError):
        return 0


def wait(what):
    until = time.monotonic() + LIMIT
    while time.monotonic() < until:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    return what()


@group
def ends():
    j = Job(PLAY + " source --epochs 5", PLAY + " pass", PLAY + " sink a")
    status, out = j.call("run")
    point(status == 0 and j.rows() == 5, "a source that comes to its end: 0, all epochs", (status, j.err, j.rows()))
    events = [json.loads(x) for x in out.splitlines()]
    point([(e["event"], e["severity"], e["name"], e["run"]) for e in events] == [("pipe.ended", "ok", "t", "1")] and events == j.events(),
          "one event, on standard output and in the job", out)
    status, s = j.status()
    point(status == 1 and s["state"] == "ended" and s["sinks"] == {"a": 5} and s["plan"] == 5 and s["wm"] == 5000 and s["lag"] == 0 and s["restarts"] == 0,
          "status: 1, it does not run; how far it came", s)
    status, out = j.call("status")
    point(status == 1 and "sink a epoch 5" in out and "0 epochs behind" in out, "status for a person", out)
    with open(os.path.join(j.dir, "metrics.prom"), encoding="ascii") as f:
        m = dict(re.findall(r"^pipehouse_pipeline_(\S+) (\S+)$", f.read(), re.M))
    want = {'up{pipeline="t"}': "0", 'run{pipeline="t"}': "1", 'restarts_total{pipeline="t"}': "0", 'epoch{pipeline="t",sink="a"}': "5",
            'planned_epoch{pipeline="t"}': "5", 'lag_epochs{pipeline="t"}': "0"}
    point({k: m.get(k) for k in want} == want and float(m['last_commit_seconds{pipeline="t"}']) > 1.7e9, "metrics", m)
    point(j.processes() == [], "nobody is left")
    j = Job(PLAY + " source --epochs 5 --linger 3", PLAY + " pass", PLAY + " sink a")
    status, _ = j.call("run")
    point(status == 0 and j.rows() == 5 and j.status()[1]["restarts"] == 0 and [e["event"] for e in j.events()] == ["pipe.ended"],
          "a source that is slow to go behind its `end` is not waited for, and that is no failure", (status, j.err, j.events()))


@group
def detached():
    j = Job(PLAY + " source", PLAY + " pass", "tee >(cat >/dev/null)", PLAY + " sink a", settings="log-size=2K log-keep=2")
    with open(j.file, "a", encoding="ascii") as f:
        f.write("\n")
    status, out = j.call("start")
    point(status == 0 and out == os.path.join(j.dir, "log") + "\n", "start: 0 when it has begun, and where its log is", (status, out, j.err))
    j.reached(3)
    status, s = j.status()
    point(status == 0 and s["state"] == "running" and s["up"] and s["run"] == 1 and s["sinks"]["a"] >= 3, "status: 0", s)
    with open("/proc/%d/stat" % s["pid"], encoding="ascii") as f:
        point(f.read().split(")")[1].split()[3] == str(s["pid"]), "in a session of its own")
    status, out = j.call("start")
    point(status == 75 and re.search(r"pid %d|%d" % (s["pid"], s["pid"]), j.err), "a second start: 75 and who has it", (status, j.err))
    os.kill(s["pid"], signal.SIGHUP)
    point(wait(lambda: os.path.exists(os.path.join(j.top, "hup"))), "SIGHUP goes on to the source")
    status, out = j.call("stop")
    last = j.rows()
    point(status == 0 and isinstance(last, int), "stop: 0, whole epochs", (status, j.err, last))
    point(j.processes() == [] and j.status()[1]["state"] == "stopped", "nobody is left, and it says so", j.status())
    point(j.call("stop")[0] == 0, "stop of what does not run: 0")
    j.call("start")
    j.reached(last + 3)
    j.call("stop")
    point(isinstance(j.rows(), int) and j.rows() >= last + 3 and j.status()[1]["run"] == 2, "the next start goes on behind it", j.rows())


@group
def restarts():
    j = Job(PLAY + " source --epochs 12", PLAY + " pass --what kill --at 4 --once k4", PLAY + " pass --what exit --at 6 --status 75 --once e6",
            PLAY + " pass --what exit --at 8 --status 4 --once e8", PLAY + " sink a")
    status, _ = j.call("run")
    events = [(e["event"], e["value"]) for e in j.events()]
    point(status == 0 and j.rows() == 12, "killed, 75, 4: it is started again, and every row is there once", (status, j.err, j.rows()))
    point(events == [("pipe.restart", 137), ("pipe.restart", 75), ("pipe.restart", 4), ("pipe.ended", 0)], "an event for each", events)
    texts = [e["text"] for e in j.events()]
    point("killed by signal 9" in texts[0] and j.status()[1]["restarts"] == 3, "who, and how often", texts)
    j = Job(PLAY + " source --epochs 9", "fan-out '%s pass | %s pass --what exit --at 6 --status 75 --once e6 | %s sink a --job a'" % (PLAY, PLAY, PLAY),
            settings="stalled=1h")
    status, _ = j.call("run")
    point(status == 0 and j.rows() == 9, "a stage below fan-out that ends while all others wait for each other", (status, j.err))
    j = Job(PLAY + " source --epochs 9 --silent-at 5 --half --once s", "json-map --all",
            "fan-out '%s pass | %s pass --what exit --at 4 --status 75 --once e | %s sink a --job a'" % (PLAY, PLAY, PLAY), settings="stalled=1h")
    status, _ = j.call("run")
    point(status == 0 and j.rows() == 9 and j.status()[1]["restarts"] == 1, "nor is a line that its source was cut off in held against who reads it",
          (status, j.err))
    j = Job(PLAY + " source --epochs 9", PLAY + " pass --what kill --at 4 --once k", "sh -c 'cat; [ -e once ] || { : >once; exit 3; }'",
            PLAY + " sink a")
    status, _ = j.call("run")
    point(status == 0 and j.rows() == 9, "what the neighbours of a killed one say is not held against them", (status, j.err))
    j = Job("sh -c '%s source --epochs 9; [ -e once ] || { : >once; exit 4; }'" % PLAY, PLAY + " pass --what exit --at 6 --status 4 --once e", PLAY + " sink a")
    status, _ = j.call("run")
    texts = [e["text"] for e in j.events()]
    point(status == 0 and j.rows() == 9 and texts[0].startswith(os.path.basename(sys.executable) + " ended with 4"),
          "of two that could not go on the one behind is told: the other found it gone", (status, texts))


@group
def fails():
    for code, want in ((1, 1), (2, 2), (3, 3), (5, 5), (127, 2), (9, 4)):
        j = Job(PLAY + " source", PLAY + " pass", PLAY + " pass --what exit --at 3 --status %d" % code, PLAY + " sink a")
        status, _ = j.call("run")
        e = j.events()[-1]
        point(status == want and e["event"] == "pipe.failed" and e["severity"] == "fail" and len(j.events()) == 1 and j.rows() == 2,
              "a stage that ends with %d: %d, no other run" % (code, want), (status, j.events()))
    point("ended with 9" in e["text"], "the event says who", e)
    j = Job(PLAY + " source", PLAY + " pass --what exit --at 3 --status 3", PLAY + " sink a")
    status, out = j.call("start")
    point(wait(lambda: j.status()[1]["state"] == "failed") and j.status()[0] == 1, "the same in the background: status says that it failed", j.status())
    for words, told in (("no room for it", "no room for it"), ("a" + "\u6c34" * 130, "a" + "\u6c34" * 98 + "...")):
        j = Job(PLAY + " source", "sh -c 'echo sh: begun >&2; echo sh: %s >&2; echo other: x >&2; exit 3'" % words, PLAY + " sink a")
        j.call("start")
        point(wait(lambda: j.status()[1]["why"].startswith('sh ended with 3, saying "%s", which' % told)), "and why, in the stage's own words", j.status())
    for last in ("no-such-command-here --job a", "sh -c 'exit 2' --job a", "sh -c 'sleep 1; exit 2' --job a"):
        j = Job(PLAY + " source", 'fan-out "%s pass | %s"' % (PLAY, last), settings="stalled=1h")
        status, _ = j.call("run")
        point(status == 2 and [e["event"] for e in j.events()] == ["pipe.failed"], "who below fan-out ends before anybody looked is missed: " + last,
              (status, j.err))
    # shells that have waited for a child and go on
    for text in (". ./stage.sh --job a", "%s pass | bash stage.sh -c 1 --job a" % PLAY, "false || bash stage.sh --job a"):
        j = Job(PLAY + " source --epochs 50", "fan-out '%s'" % text, settings="stalled=1h")
        with open(os.path.join(j.top, "stage.sh"), "w", encoding="ascii") as f:
            f.write("sh -c :\n%s sink a\n" % PLAY)
        status, _ = j.call("run")
        point(status == 0 and j.rows() == 50 and j.status()[1]["restarts"] == 0, "and who only has others run beside it is not: " + text, (status, j.err))
    j = Job("no-such-command-here")
    status, _ = j.call("start")
    point(status == 2 and "(%s/log)" % j.dir in j.err, "start of what cannot begin: its status, and where to look", (status, j.err))
    j = Job(PLAY + " source", PLAY + " pass", "sh -c 'exit 75'")
    status, _ = j.call("start")
    point(status == 75 and re.search("it is tried again: .* ended with 75 [(]", j.err) and wait(lambda: j.status()[1]["restarts"] >= 2),
          "a first run that fails for a while: 75, and why, and it is tried again", (status, j.err))
    point(j.call("stop")[0] == 0 and j.processes() == [], "and stopped")


@group
def stops():
    j = Job(PLAY + " source", PLAY + " pass --what hang --at 4", PLAY + " sink a", settings="stop=300ms stalled=1h")
    p = j.begin()
    j.reached(3)
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=LIMIT)
    point(p.returncode == 75 and j.rows() == 3 and j.processes() == [], "a stage that does not end is killed after stop=: 75", p.returncode)
    j = Job(PLAY + " source", PLAY + " pass --what hang --at 4", PLAY + " sink a", settings="stalled=1h")
    p = j.begin()
    j.reached(3)
    p.send_signal(signal.SIGINT)
    wait(lambda: j.status()[1]["state"] == "stopping")
    p.send_signal(signal.SIGINT)
    p.communicate(timeout=LIMIT)
    point(p.returncode == 75 and j.processes() == [], "a second signal ends it at once", p.returncode)
    j = Job(PLAY + " source", PLAY + " sink a --late 100")
    p = j.begin()
    wait(lambda: os.path.exists(os.path.join(j.dir, "source.pid")))
    p.send_signal(signal.SIGTERM)
    p.send_signal(signal.SIGTERM)
    p.communicate(timeout=LIMIT)
    point(p.returncode in (0, 75) and j.processes() == [], "stopped before it has begun", p.returncode)


@group
def stopped_while_it_starts():
    """By strace, which makes a call take its time: a signal that comes before pipe-run listens, and one before there is a shell to tell."""
    for call, after, when in (("rt_sigprocmask:delay_enter=600000:when=1", .3, "before it listens"),
                              ("clone,clone3,fork,vfork:delay_enter=600000:when=1", .9, "before there is a pipeline")):
        j = Job(PLAY + " source", PLAY + " sink a", settings="stop=20s")
        argv = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call.split(":")[0], "-e", "inject=" + call,
                os.path.join(BIN, "pipe-run"), j.file, "run"]
        p = subprocess.Popen(argv, cwd=j.top, env=j.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(after)
        p.send_signal(signal.SIGTERM)
        err = p.communicate(timeout=LIMIT)[1].decode()
        # SIGTERM itself ends it where a busy machine had not begun yet
        point(p.returncode in (0, -signal.SIGTERM) and "did not end" not in err and j.processes() == [], "stopped " + when, (p.returncode, err))


@group
def killed():
    j = Job(PLAY + " source", PLAY + " pass", "tee >(cat >/dev/null; sleep 0.1)", PLAY + " sink a")
    for what in ("pipe-run", "keeper", "bash", "source"):
        status, _ = j.call("start")
        point(status == 0, "started", (status, j.err))
        s = j.status()[1]
        j.reached(s["sinks"]["a"] + 2)
        with open("/proc/%d/task/%d/children" % (s["pid"], s["pid"]), encoding="ascii") as f:
            keeper = int(f.read().split()[0])
        with open("/proc/%d/task/%d/children" % (keeper, keeper), encoding="ascii") as f:
            bash = int(f.read().split()[0])
        os.kill({"pipe-run": s["pid"], "keeper": keeper, "bash": bash, "source": number(os.path.join(j.dir, "source.pid"))}[what], signal.SIGKILL)
        if what == "pipe-run":
            point(wait(lambda: j.processes() == []), "kill -9 of pipe-run: all of the pipeline ends", j.processes())
            status, s = j.status()
            point(status == 1 and s["state"] == "failed", "and status knows", s)
            continue
        run = s["run"]
        point(wait(lambda: j.status()[1]["run"] > run and j.status()[1]["state"] == "running"), "kill -9 of the %s: another run" % what, j.status())
        j.reached(j.status()[1]["sinks"]["a"] + 2)
        point(j.call("stop")[0] == 0, "and stopped", j.err)
        point(j.processes() == [], "nobody is left", j.processes())
    point(isinstance(j.rows(), int), "every row once", j.rows())


@group
def escaped():
    j = Job("{ setsid sleep 1000 & }; " + PLAY + " source --epochs 4", PLAY + " sink a")
    with open(j.file, encoding="ascii") as f:
        text = f.read()
    with open(j.file, "w", encoding="ascii") as f:
        f.write(text.replace("{ setsid", "setsid").replace(" & }; ", " >/dev/null 2>&1 &\n\t"))
    status, _ = j.call("run")
    point(status == 0 and "is left of a run" in j.err and j.processes() == [], "what got away into a session of its own ends with the run", (status, j.err))
    j = Job(PLAY + " source --epochs 4", PLAY + " sink a")
    os.makedirs(j.dir)
    with open(os.path.join(j.dir, "pipe.json"), "w", encoding="ascii") as f:
        json.dump({"state": "running", "pid": os.getpid(), "born": 1, "boot": "x", "run": 1, "restarts": 0, "since": 1, "run_since": 1, "status": 0,
                   "why": "", "log": None}, f)
    status, s = j.status()
    point(status == 1 and s["state"] == "failed", "a pid that is another process's by now, after a reboot: it does not run", s)
    point(j.call("stop")[0] == 0 and j.call("run")[0] == 0, "stop leaves that one alone, run begins")


@group
def stalled():
    # a machine that is slow must not seem to stand still
    for stages, who in (
            (("grep -v barrier", "json-map --all"), "grep lets no control line through"),
            (("json-map --all", "nice -n 1 sed /barrier/d", "json-map --all"), "nice lets no control line through"),
            (("json-map --all", "sort | awk 1", "json-map --all"), "sort, awk lets no control line"),
            (("json-map --all", "sh -c 'while read -r x; do case $x in *epoch?:3,*) sleep 100; esac; echo \"$x\"; done'", "json-map --all"),
             "sh lets no control line through: .*json-map behind it at [0-9]")):
        j = Job(PLAY + " source", *stages, PLAY + " sink a", settings="stalled=2s")
        status, _ = j.call("run")
        e = j.events()[-1]
        point(status == 3 and e["event"] == "pipe.stalled" and re.search(who, e["text"]), "stalled: " + who.split(":")[0], (status, e, j.err))
    j = Job(PLAY + " source --silent-at 3 --once silent --epochs 5", "json-map --all", PLAY + " sink a", settings="stalled=5s")
    status, _ = j.call("run")
    e = j.events()
    point(status == 0 and e[0]["event"] == "pipe.restart" and "sends no control line" in e[0]["text"] and j.rows() == 5,
          "a source that is silent is started again", (status, e))


@group
def slow():
    j = Job(PLAY + " source", "json-map --all", PLAY + " sink a", settings="stalled=2500ms")
    p = j.begin()
    j.reached(3)

    def stop_one():
        for pid in j.processes():
            try:
                with open("/proc/%d/comm" % pid, "rb") as f:
                    if f.read().strip() == b"json-map":
                        os.kill(pid, signal.SIGSTOP)
                        return pid
            except OSError:
                pass
        return None

    def told(event, n):
        """So often of json-map: all else that a slow machine keeps waiting is no concern of this one."""
        return os.path.exists(os.path.join(j.dir, "events.ndjson")) and sum(
            e["event"] == event and "json-map has not done with epoch" in e["text"] for e in j.events()) >= n

    pid = wait(stop_one)
    said = wait(lambda: told("pipe.slow", 1))
    os.kill(pid, signal.SIGCONT)
    at = number(os.path.join(j.dir, "ack/a"))
    point(said and j.reached(at + 5) and j.status()[1]["restarts"] == 0,
          "a stage of ours that takes long is told of, and goes on", j.events() if said else "")
    wait(stop_one)
    said = wait(lambda: told("pipe.slow", 2)) and wait(lambda: told("pipe.restart", 1))
    point(said and j.reached(number(os.path.join(j.dir, "ack/a")) + 5),
          "told of again; one that hangs is started again", j.events()[-3:])
    p.send_signal(signal.SIGTERM)
    err = p.communicate(timeout=LIMIT)[1].decode()
    point(p.returncode == 0 and isinstance(j.rows(), int), "and all is there", (p.returncode, j.rows(), j.events(), err))


def main():
    global HOME
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as HOME:
        try:
            for g in GROUPS:
                if not sys.argv[1:] or g.__name__ in sys.argv[1:]:
                    g()
        except AssertionError as e:
            point(False, "it goes on", e)
        finally:
            for j in Job.all:
                end_all(j.processes())
    return finish()


if __name__ == "__main__":
    sys.exit(main())
