#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""rotate - logs that are rotated at the worst moments, each moment on purpose: nothing is lost in silence; TAP

    BIN=build/bin python3 tests/ingest/rotate.py [PATTERN]

tests/ingest/barriers.py and tail.py kill at random; here each way that a line could be lost, or read twice, stands by itself.  It plays pipe-run and
the sinks as barriers.py does, and is told by the records of the epochs how far ingest has come: nothing here is timed.
"""
import gzip
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import barriers  # noqa: E402
from barriers import Case, Job, numbers  # noqa: E402
from tap import finish, point  # noqa: E402


class Logs(Case):
    """A directory with logs, and the job that reads them."""

    def __init__(self, pattern, *more):
        super().__init__()
        self.pattern, self.more = pattern, more

    def __enter__(self):
        super().__enter__()
        self.job = Job(self.dir, ["-f", self.pattern, "--barriers", "3ms", *self.more])
        return self

    def move(self, old, new):
        os.rename(self.dir + "/" + old, self.dir + "/" + new)

    def take(self, commit):
        sink = self.job.sinks["a"]
        while sink.queue and commit:
            sink.commit()
        if commit:
            self.job.ack("a")

    def epochs(self, count):
        """So many more epochs."""
        for _ in range(count):
            assert self.job.read(), self.job.wait() or self.job.err
            self.take(True)

    def sees(self, number, commit=True):
        """Until that line is in an epoch; the sink takes it in, or not."""
        line = b'{"n":%d}\n' % number
        while not any(line in data for data, m in self.job.epochs.values()):
            assert self.job.read(), (self.job.wait(), self.job.err)
            self.take(commit)

    def kill(self):
        self.job.kill()
        while self.job.read() is not None:
            pass
        self.job.wait()

    def rest(self, *more):
        """Started once more it reads to the end: the status, and the numbers that the sink has."""
        status = self.job.start("--until", "end", *more).all()
        return status, sorted(numbers(self.job.sinks["a"].rows))

    def whole(self, want, name, said=""):
        got = self.rest()
        point(got == (0, sorted(want)) and re.fullmatch(said, self.job.err.strip(), re.S), name, "%s, %s" % (got, self.job.err))
        self.job.clean("  and control lines tell the truth")


def packed_in_parts():
    """A compressed file that comes in parts, cut in the middle of frames, each part an epoch of its own; killed in between."""
    first, second = (gzip.compress(b"".join(b'{"n":%d}\n' % i for i in r)) for r in (range(1, 5000), range(5000, 5003)))
    with Logs("u.*") as c, open(c.dir + "/u.gz", "ab", buffering=0) as f:
        f.write(first[:len(first) // 2])
        c.job.start()
        c.sees(1)
        f.write(first[len(first) // 2:])
        c.sees(4999)
        f.write(second[:12])
        c.epochs(3)
        c.kill()
        f.write(second[12:])
        c.whole(range(1, 5003), "a compressed file that comes in parts is read once")


def renamed_before_replay():
    """An epoch that is sent again has a file that was renamed meanwhile: it stays known by its old name."""
    with Logs("u.log") as c:
        c.write("u.log", [1])
        c.job.start()
        c.sees(1, commit=False)
        c.kill()
        c.move("u.log", "u.log.1")
        c.write("u.log", [2])
        c.write("u.log.1", [3])
        c.job.start()
        c.sees(3)
        c.sees(2)
        c.kill()
        c.write("u.log.1", [4])
        c.whole([1, 2, 3, 4], "a log renamed before its first epoch was sent again is known by its old name")


def renamed_and_no_new_one():
    """Read while no file has the name: it stays known by it."""
    with Logs("u.log") as c:
        c.write("u.log", [1])
        c.job.start()
        c.sees(1)
        c.move("u.log", "u.log.1")
        c.write("u.log.1", [2])
        c.sees(2)
        c.kill()
        c.write("u.log.1", [3])
        c.write("u.log", [4])
        c.whole([1, 2, 3, 4], "a log that was read while nothing had its name is known by it")


def renamed_while_down():
    """Renamed, and nothing new under its name."""
    with Logs("u.log") as c:
        c.write("u.log", [1])
        c.job.start()
        c.sees(1)
        c.kill()
        c.move("u.log", "u.log.1")
        c.write("u.log.1", [2])
        c.whole([1, 2], "a log renamed while nobody looked is found without a new one")


def many_aside_and_no_new_one():
    """More of them than a job remembers of those that are gone, and for a while nothing that leads to them."""
    with Logs("u.log") as c:
        c.job.start()
        for i in range(20):
            c.write("u.log", [i])
            c.sees(i)
            c.move("u.log", "u.log.%d" % i)
        c.kill()
        c.job.start()
        c.epochs(3)
        c.kill()
        for i in range(20):
            c.write("u.log.%d" % i, [100 + i])
        c.write("u.log", [200])
        c.whole([*range(20), *range(100, 120), 200], "20 logs put aside are known while nothing has their name")


def directory_away():
    """Files that cannot be looked at are not gone."""
    with Logs("logs/*.log") as c:
        os.mkdir(c.dir + "/logs")
        for i in range(20):
            c.write("logs/%d.log" % i, [i])
        c.job.start()
        c.sees(19)
        c.kill()
        c.move("logs", "away")
        c.job.start()
        c.epochs(3)
        c.kill()
        c.move("away", "logs")
        c.write("logs/0.log", [100])
        c.whole([*range(20), 100], "20 logs in a directory that was away for a while are read once")


def inode_given_anew():
    """What has the inode of a log that is gone is another file; where it stands beside it is none of ours."""
    with Logs("u.log") as c:
        c.write("u.log", [1])
        c.job.start()
        c.sees(1)
        c.kill()
        inode = os.stat(c.dir + "/u.log").st_ino
        os.remove(c.dir + "/u.log")
        for i in range(1000):
            c.write("other.%d" % i, [1, 2, 3])
            if os.stat(c.dir + "/other.%d" % i).st_ino == inode:
                break
        else:
            return point(True, "the file system gives no inode anew # SKIP")
        c.write("u.log", [4])
        c.whole([1, 4], "a file with the inode of a log that is gone is not that log", "ingest: u.log: .* is gone, .*")


def gone_while_down():
    """Rotated twice and removed: that cannot be read, and is told, once."""
    with Logs("u.log") as c:
        c.write("u.log", [1])
        c.job.start()
        c.sees(1)
        c.kill()
        os.remove(c.dir + "/u.log")
        c.write("u.log", [2])
        status = c.job.start("--until", "end", "--stats", "stats").all()
        said = "ingest: u.log: a file that was read under this name is gone, and its end was not seen: what was written to it behind byte 8, if anything was, is lost\n"
        point(status == 0 and c.job.err == said, "a log that went while nobody looked: that is told", c.job.err)
        stats = json.loads(open(c.dir + "/stats").readline())
        point(stats["files_lost"] == 1 and stats["files_missed"] == 0, "and counted", stats)
        c.whole([1, 2], "once")


def came_and_went():
    """Put aside before anybody had looked: told too, but not what somebody makes of a log."""
    with Logs("u.log") as c:
        c.write("u.log", [1])
        c.job.start()
        c.sees(1)
        c.kill()
        c.move("u.log", "u.log.2")
        c.write("u.log", [2])
        c.move("u.log", "u.log.1")
        c.write("u.log-other", [3])
        c.write("u.log", [4])
        os.system("cd %s && gzip -k u.log.2" % c.dir)
        status = c.job.start("--until", "end", "--stats", "stats").all()
        said = sorted(re.findall("ingest: (.*): it came under the name of u.log and was put aside before", c.job.err))
        births = subprocess.run(["stat", "-c", "%W", c.dir + "/u.log"], stdout=subprocess.PIPE).stdout
        if births.strip() in (b"0", b"-", b"?"):
            return point(True, "the file system does not tell births # SKIP")
        point(status == 0 and said == ["u.log-other", "u.log.1"], "a log that came and went between two looks: that is told", c.job.err)
        point(json.loads(open(c.dir + "/stats").readline())["files_missed"] == 2, "and counted")
        c.whole([1, 4], "once")


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
/* Clocks are ahead by the size of the file AHEAD, in seconds. */
static time_t ahead(void) { struct stat st; const char *f = getenv("AHEAD"); return f != NULL && stat(f, &st) == 0 ? st.st_size : 0; }
int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	int r;
	if (real == NULL)
		real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	if ((r = real(id, t)) == 0)
		t->tv_sec += ahead();
	return r;
}
time_t time(time_t *out) { struct timespec t; clock_gettime(CLOCK_REALTIME, &t); if (out != NULL) *out = t.tv_sec; return t.tv_sec; }
"""


def end_seen():
    """A log that was put aside, and to which nothing came for long, may go without a word; read it is, should it grow after all."""
    if os.environ.get("SANITIZED"):
        return point(True, "clocks are set by a library of our own # SKIP sanitized")
    with Logs("u.log") as c:
        with open(c.dir + "/shim.c", "w") as f:
            f.write(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", c.dir + "/shim.so", c.dir + "/shim.c"], check=True)
        c.job.env.update(LD_PRELOAD=c.dir + "/shim.so", AHEAD=c.dir + "/ahead")
        c.write("u.log", [1])
        c.job.start()
        c.sees(1)
        c.move("u.log", "u.log.1")
        c.write("u.log", [2])
        c.sees(2)
        with open(c.dir + "/ahead", "w") as f:
            f.truncate(70)
        c.epochs(8)
        c.write("u.log.1", [3])
        c.sees(3)
        with open(c.dir + "/ahead", "w") as f:
            f.truncate(140)
        c.epochs(8)
        c.kill()
        os.remove(c.dir + "/u.log.1")
        c.whole([1, 2, 3], "a log whose end was seen goes without a word")


def held_and_gone():
    """Removed under the eyes of one that runs, and quiet: its end was seen."""
    if os.environ.get("SANITIZED"):
        return point(True, "clocks are set by a library of our own # SKIP sanitized")
    with Logs("u.log") as c:
        with open(c.dir + "/shim.c", "w") as f:
            f.write(SHIM)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", c.dir + "/shim.so", c.dir + "/shim.c"], check=True)
        c.job.env.update(LD_PRELOAD=c.dir + "/shim.so", AHEAD=c.dir + "/ahead")
        with open(c.dir + "/u.log", "ab", buffering=0) as f:
            f.write(b'{"n":1}\n')
            c.job.start()
            c.sees(1)
            os.remove(c.dir + "/u.log")
            c.epochs(3)
            f.write(b'{"n":2}\n')
            c.sees(2)
        with open(c.dir + "/ahead", "w") as f:
            f.truncate(70)
        c.epochs(8)
        c.kill()
        c.whole([1, 2], "a log that was removed and fell silent under the eyes of one that runs: its end was seen")


# ---- watermarks ----

class Timed(Logs):
    def __init__(self, pattern):
        super().__init__(pattern, "--event-time", "n:ms", "--late", "1s", "--idle", "24h")

    def water(self):
        self.epochs(1)
        return self.job.marks[-1]["wm"]


T = 1780000000000


def water_of_one_log():
    """What was put aside and what is written now is one log: its newest time counts."""
    for pattern in ("u.log", "u.log*"):
        with Timed(pattern) as c:
            c.write("u.log", [T])
            c.job.start()
            c.sees(T)
            c.move("u.log", "u.log.1")
            c.write("u.log", [T + 60000])
            c.sees(T + 60000)
            point(c.water() == T + 59000, "%s: a log put aside does not hold the watermark back" % pattern, c.water())
            for i in range(2, 6):
                c.move("u.log", "u.log.%d" % i)
                c.write("u.log", [T + i * 60000])
                c.sees(T + i * 60000)
            point(c.water() == T + 5 * 60000 - 1000, "%s: nor do many of them" % pattern, c.water())
            c.write("u.log.1", [T + 1])
            c.sees(T + 1)
            point(c.water() == T + 5 * 60000 - 1000, "%s: what comes to it then is late" % pattern, c.water())
            c.kill()
            c.job.start()
            c.epochs(1)
            point(c.water() == T + 5 * 60000 - 1000, "%s: and so it is after a kill" % pattern, c.water())
            c.kill()
            c.job.clean("  and control lines tell the truth")


def water_of_many_at_first():
    """Files that were put aside before the first look are the log of whose name they have a turn."""
    with Timed("[uv]*") as c:
        for i, name in enumerate(("u.log.000001", "u.log-20261120.gz", "u.log.2", "u.log")):
            c.write(name, [T + i * 60000])
        c.write("v.log", [T + 600000])
        c.job.start()
        c.sees(T + 600000)
        c.sees(T + 180000)
        point(c.water() == T + 179000, "files that were put aside before the first look are one log", c.water())
        c.write("u.log", [T + 300000])
        c.sees(T + 300000)
        point(c.water() == T + 299000, "another log is another one", c.water())
        c.write("u.log.errors", [T + 1])
        c.sees(T + 1)
        c.write("u.log", [T + 400000])
        c.sees(T + 400000)
        point(c.water() == T + 299000, "what has no number behind the name is another one", c.water())
        c.kill()
        c.job.clean("  and control lines tell the truth")


def old_before_new():
    """A log put aside that takes several epochs is read to its end first: until then its time counts."""
    with Timed("u.log") as c:
        c.write("u.log", [T])
        c.job.start()
        c.sees(T)
        c.kill()
        pad = b"x" * (1 << 20)
        with open(c.dir + "/u.log", "ab") as f:
            for i in range(1, 101):
                f.write(b'{"n":%d,"p":"%s"}\n' % (T + i, pad))
        c.move("u.log", "u.log.1")
        c.write("u.log", [T + 600000])
        c.job.start()
        c.sees(T + 600000)
        newest, wrong, got = T, [], []
        for id, (data, m) in sorted(c.job.epochs.items()):
            times = [int(x) for x in re.findall(rb'{"n":(\d+)', data)]
            got += times
            if m["wm"] is not None and times and min(times) < m["wm"] < max(got) - 1000:
                wrong.append((id, m["wm"], min(times)))
        point(got == sorted(got) and len(got) == 102 and not wrong, "what was put aside comes before what came later", (len(got), wrong))
        point(sum(len(data) > 1 << 20 for data, m in c.job.epochs.values()) > 1, "in several epochs")
        c.kill()


TESTS = (packed_in_parts, renamed_before_replay, renamed_and_no_new_one, renamed_while_down, many_aside_and_no_new_one, directory_away, inode_given_anew, gone_while_down,
         came_and_went, end_seen, held_and_gone, water_of_one_log, water_of_many_at_first, old_before_new)


def main():
    for f in TESTS:
        if len(sys.argv) < 2 or re.search(sys.argv[1], f.__name__):
            f()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
