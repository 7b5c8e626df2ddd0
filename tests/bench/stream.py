#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""stream.py - what real time costs and how long it takes; called by run

    STREAM_MB=1000 RUNS=5 python3 tests/bench/stream.py [topic] [latency] [recovery] [overhead] [whole]      # BIN, O, BENCH, ONCE as run has them

topic     ingest of a topic of three partitions to committed files beside `kcat -C -e | zstd -3`, on one broker, by turns; and what nobody can save who
          reads with librdkafka and writes zstd: a bare reader, which is kcat without output, and zstd -1 of the bytes
latency   from the moment a record is written to a log to the statement that puts it into MariaDB, with an epoch a second
recovery  from kill -9 of a stage to the commit of the next epoch; each stage of five once
overhead  CPU seconds of json-map | dedup | window-agg with a control line each BARRIER_EACH (50000) records, and without any
whole     CPU seconds of ingest | json-map | dedup | window-agg | mysql-load, from a log at full speed: as a job under pipe-run with an epoch a second,
          pipe-run and its shell included, and as a plain pipe; the database's own are not counted
"""
import importlib
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "pipe")]
from live import BIN, Job, Server, environment, load, wait  # noqa: E402
import epoch_play  # noqa: E402

BENCH, ONCE = os.path.abspath(os.environ["BENCH"]), os.environ["ONCE"]
RUNS, MB = int(os.environ.get("RUNS", "5")), int(os.environ.get("STREAM_MB", "1000"))
SECONDS, EACH = int(os.environ.get("LATENCY_SECONDS", "60")), int(os.environ.get("BARRIER_EACH", "50000"))
RECORDS, TURNS = int(os.environ.get("OVERHEAD_RECORDS", "2000000")), int(os.environ.get("OVERHEAD_TURNS", "9"))
MEMORY = 512        # MiB


def said(held):
    return "reached" if held else "NOT reached"


# --- a topic

def events():
    """MB megabytes of the app log of the other benchmarks, made once."""
    path, shop = os.path.join(BENCH, "stream.%d" % MB), os.path.join(BENCH, "shop")
    if not os.path.exists(path):
        if not os.path.isdir(shop):
            subprocess.run([os.path.join(BIN, "mock-shop"), "--days", "1", "--scale", "0.1", "--seed", "7", shop], check=True)
        with open(path + ".new", "wb") as out:
            subprocess.run([sys.executable, os.path.join(HERE, "shop_data.py"), shop, "events", str(MB * 1000000 // 480)], stdout=out, check=True)
        os.rename(path + ".new", path)
    return path


def once(env, *argv):
    """Seconds, CPU seconds and the peak of the largest process in MiB."""
    p = subprocess.run([ONCE, "1800", "/dev/null"] + list(argv), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    word = p.stdout.split()
    if int(word[0]) != 0:
        raise RuntimeError("%s: status %d: %s" % (argv[0], int(word[0]), p.stderr[-400:].decode(errors="replace")))
    return float(word[1]), float(word[2]) + float(word[3]), int(word[4]) / 1024


def lines_of(*argv, env=None):
    p = subprocess.Popen(argv, stdout=subprocess.PIPE, env=env)
    n = sum(block.count(b"\n") for block in iter(lambda: p.stdout.read(1 << 20), b""))
    if p.wait():
        raise RuntimeError("%s: %d" % (argv[0], p.returncode))
    return n


def topic(top):
    lacking = [t for t in ("java", "mvn", "openssl", "kcat", "zstd") if not shutil.which(t)]
    if lacking:
        print("left out: a topic: not here: " + " ".join(lacking))
        return
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), "real"))
    try:
        broker = importlib.import_module("kafka").Broker(top)
    except (subprocess.SubprocessError, RuntimeError) as e:
        print("left out: a topic: the broker cannot be had: %s" % e)
        return
    try:
        broker.start()
        race(top, broker.address, events())
    finally:
        broker.stop()


def race(top, address, path):
    count = lines_of("cat", path)
    subprocess.run(["kcat", "-P", "-q", "-b", address, "-t", "stream", "-z", "zstd", "-X", "topic.metadata.refresh.interval.ms=200", "-l", path],
                   check=True, stdout=subprocess.DEVNULL)
    out, ours, theirs, reader, packer = os.path.join(top, "peer.zst"), [], [], [], []
    print("%d records, %d MB, 3 partitions; %s" % (count, os.path.getsize(path) // 1000000, load()), flush=True)
    for i in range(RUNS):
        root = os.path.join(top, "wh%d" % i)
        os.mkdir(root)
        env = environment(PIPEHOUSE_ROOT=root, TMPDIR=top)
        ours.append(once(env, os.path.join(BIN, "ingest"), "-b", address, "-t", "stream", "-d", "ods.stream", "--partition-by", "ts:ms", "--until", "end"))
        if i == 0 and lines_of(os.path.join(BIN, "wh-cat"), "ods.stream", env=env) != count:
            raise RuntimeError("the table does not hold %d records" % count)
        theirs.append(once(env, "sh", "-c", "kcat -C -e -q -b %s -t stream -o beginning | zstd -3 -q -f -o %s" % (address, out)))
        if i == 0 and lines_of("zstd", "-dc", out) != count:
            raise RuntimeError("kcat did not read %d records" % count)
        reader.append(once(env, "sh", "-c", "kcat -C -e -q -b %s -t stream -o beginning -X queued.min.messages=1000000 -X queued.max.messages.kbytes=131072 "
                           "-f '' >/dev/null" % address))
        packer.append(once(env, "zstd", "-1", "-q", "-f", "--single-thread", path, "-o", out))
        shutil.rmtree(root)
    wall, cpu, peak = min(x[0] for x in ours), min(x[1] for x in ours), max(x[2] for x in ours)
    ratio = min(x[0] for x in theirs) / wall
    print("ingest to committed zstd files: %.2f s, %.2f s of CPU, %.0f MB/s; kcat | zstd -3: %.2f s, %.2f s of CPU; minima of %d" % (
        wall, cpu, os.path.getsize(path) / 1e6 / wall, min(x[0] for x in theirs), min(x[1] for x in theirs), RUNS))
    least = min(x[1] for x in reader) + min(x[1] for x in packer)
    print("  a bare reader takes %.2f s and %.2f s of CPU, zstd -1 %.2f s and %.2f: with %d cores no less than %.2f s, which is %.2fx; ingest takes %.2fx "
          "their CPU, kcat | zstd -3 %.2fx" % (
              min(x[0] for x in reader), min(x[1] for x in reader), min(x[0] for x in packer), min(x[1] for x in packer), os.cpu_count(),
              least / os.cpu_count(), min(x[0] for x in theirs) * os.cpu_count() / least, cpu / least, min(x[1] for x in theirs) / least))
    print("  %.2fx the speed (goal 2.5x: %s), peak %.0f MiB (at most %d: %s); %s" % (
        ratio, said(ratio >= 2.5), peak, MEMORY, said(peak <= MEMORY), load()), flush=True)


# --- jobs

class Feed(threading.Thread):
    """`rate` records a second into a log, each with the millisecond in which it was written."""

    def __init__(self, path, rate):
        super().__init__(daemon=True)
        self.path, self.rate, self.count, self.over = path, rate, 0, threading.Event()

    def run(self):
        began = time.monotonic()
        with open(self.path, "wb", buffering=0) as f:
            while not self.over.is_set():
                due = int((time.monotonic() - began) * self.rate)
                ms = int(time.time() * 1000)
                text = "".join('{"id":%d,"ts":%d,"g":"g%d","amount":%d.%02d}\n' % (i, ms, i % 50, i % 977, i % 100) for i in range(self.count, due))
                f.write(text.encode())
                self.count = max(self.count, due)
                time.sleep(0.002)

    def end(self):
        self.over.set()
        self.join()


def latency(top, server):
    server.sql("CREATE TABLE d.lat (id BIGINT PRIMARY KEY, ts BIGINT, done TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))")
    job = Job(top, "lat", "\tingest --barriers 1s -f 'in/*.log' |\n\tjson-map id=id ts=ts |\n"
              "\tmysql-load --defaults-file %s --table d.lat -k id --job lat\n" % server.cnf)
    feed = Feed(os.path.join(job.top, "in", "a.log"), 1000)
    at = load()
    try:
        feed.start()
        job.start()
        wait(lambda: job.acked() >= 5, "no epoch comes: " + job.tail())     # what waited for the start is not what is measured
        first = feed.count
        time.sleep(SECONDS)
        feed.end()
        wait(lambda: int(server.sql("SELECT COUNT(*) FROM d.lat")[0][0]) >= feed.count, "rows are missing: " + job.tail())
    finally:
        feed.end()
        status, err = job.stop()
    if status:
        raise RuntimeError("stop: %d: %s%s" % (status, err, job.tail()))
    took = sorted(float(x[0]) for x in server.sql("SELECT UNIX_TIMESTAMP(done) * 1000 - ts FROM d.lat WHERE id >= %d" % first))
    if not took:
        raise RuntimeError("no rows to measure")
    print("from a record's line to its row, %d records at 1000 a second, an epoch a second: p50 %.0f ms, p99 %.0f ms, worst %.0f ms (half an epoch "
          "is 500); %s to %s" % (len(took), took[len(took) // 2], took[len(took) * 99 // 100], took[-1], at, load()), flush=True)


def recovery(top, server):
    server.sql("CREATE TABLE d.rec (window_start BIGINT, window_end BIGINT, g VARCHAR(10) COLLATE utf8mb4_bin, n BIGINT, amount DECIMAL(20,2), "
               "PRIMARY KEY (window_start, g))")
    job = Job(top, "rec", "\tingest --barriers 1s -f 'in/*.log' --event-time ts:ms --late 1s --idle 5s |\n\tjson-map --keep id,ts,g,amount |\n"
              "\tdedup -k id --ttl 1m -t ts:ms |\n\twindow-agg -t ts:ms -w 1s -g g n='count()' amount='sum(amount)' |\n"
              "\tmysql-load --defaults-file %s --table d.rec -k window_start,g --job rec\n" % server.cnf, "restart=1s restart-max=1s")
    feed = Feed(os.path.join(job.top, "in", "a.log"), 5000)
    took, at = {}, load()
    try:
        feed.start()
        job.start()
        for name in ("ingest", "json-map", "dedup", "window-agg", "mysql-load"):
            before = job.acked()
            wait(lambda: job.acked() >= before + 4, "no epoch comes: " + job.tail())
            run = job.number("run")
            victim = [p for p, n in job.processes() if n == name]
            began = time.monotonic()
            os.kill(victim[0], signal.SIGKILL)
            begun = lambda: job.number("begun", str(run + 1), "rec")    # what had been under way may still be committed by the old run
            wait(lambda: begun() is not None and job.acked() > begun(), "%s was killed, and nothing comes: %s" % (name, job.tail()))
            took[name] = time.monotonic() - began
    finally:
        feed.end()
        job.stop()
    print("from kill -9 to the next epoch's commit, an epoch a second, restart=1s, 5000 records a second: median %.2f s (%s); %s to %s" % (
        statistics.median(took.values()), ", ".join("%s %.2f" % x for x in took.items()), at, load()), flush=True)


# --- control lines

STAGES = [["json-map", "-w", "amount >= 0", "--keep", "id,ts,g,amount"], ["dedup", "-k", "id", "--ttl", "1m", "-t", "ts:ms"],
          ["window-agg", "-t", "ts:ms", "-w", "10s", "-g", "g", "n=count()", "amount=sum(amount)"]]


def records(at):
    """One in 20 comes again; some come two seconds late; what json-map leaves out makes the line as long as real ones."""
    return "".join('{"id":%d,"ts":%d,"g":"g%d","amount":%d.%02d,"mid":"mid_%d","page":{"page_id":"good_detail","during_time":%d}}\n' % (
        i - 100 * (i % 20 == 19), 1767225600000 + i // 50 - 2000 * (i % 3 == 0), i % 500, i % 977, i % 100, i * 7919 % 300000, i % 20000)
        for i in at).encode()


def two_inputs(top):
    """The same records, as they are and with control lines; 50,000 of them are a second."""
    bare, barred = os.path.join(top, "bare"), os.path.join(top, "barred")
    with open(bare, "wb") as a, open(barred, "wb") as b:
        b.write(epoch_play.line("open", 0, 0, hops=[epoch_play.source(0)]))
        for epoch in range((RECORDS + EACH - 1) // EACH):
            at = range(epoch * EACH, min(RECORDS, (epoch + 1) * EACH))
            text = records(at)
            a.write(text)
            last = at.stop == RECORDS
            b.write(text + epoch_play.line("end" if last else "mark", epoch + 1, len(at), wm=1767225600000 + at.stop // 50 - 3000,
                                           hops=[epoch_play.source(len(at))]))
    return bare, barred


def turn(job, path, env):
    """One run: CPU seconds of each of the three, and what came out."""
    running, rows, cpu = [], [], []
    with open(path, "rb") as feed:
        source = feed
        for argv in STAGES:
            p = subprocess.Popen([os.path.join(BIN, argv[0])] + argv[1:] + ([] if job else ["-j", "1"]), stdin=source, stdout=subprocess.PIPE, env=env)
            if source is not feed:
                source.close()
            running.append(p)
            source = p.stdout
        for x in source:
            if x.startswith(b'{"$barrier"'):
                job.ack("sink", json.loads(x)["id"])    # as a sink does, so that old snapshots go
            else:
                rows.append(x)
        source.close()
        for p in running:
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            if p.returncode:
                raise RuntimeError("%s ended with %d" % (p.args[0], p.returncode))
            cpu.append(used.ru_utime + used.ru_stime)
    return cpu, sorted(rows)


def overhead(top):
    bare, barred = two_inputs(top)
    with_, without, at = [], [], load()
    for i in range(TURNS):
        cpu, plain = turn(None, bare, environment(TMPDIR=top))
        without.append(cpu)
        job = epoch_play.Job(top, name="o%d" % i)
        cpu, rows = turn(job, barred, dict(environment(TMPDIR=top), PIPEHOUSE_JOB=job.dir, PIPEHOUSE_JOB_RUN=str(job.next_run()["PIPEHOUSE_JOB_RUN"])))
        with_.append(cpu)
        shutil.rmtree(job.dir)
        # the last windows are not over at `end`: a job keeps them
        if not rows or set(rows) - set(plain):
            raise RuntimeError("with control lines the rows are others: %s" % sorted(set(rows) - set(plain))[:2])
    ratios = [sum(a) / sum(b) for a, b in zip(with_, without)]
    more = statistics.median(ratios) * 100 - 100
    print("json-map | dedup --ttl | window-agg, %d records, a control line each %d: %.2f s of CPU with, %.2f s without; %+.1f %%, the median of %d "
          "turns (goal below 5 %%: %s), worst %+.1f %%; %s to %s" % (
              RECORDS, EACH, statistics.median(map(sum, with_)), statistics.median(map(sum, without)), more, TURNS, said(more < 5),
              max(ratios) * 100 - 100, at, load()))
    for i, argv in enumerate(STAGES):
        print("  %-10s %.2f s with, %.2f s without" % (argv[0], statistics.median(x[i] for x in with_), statistics.median(x[i] for x in without)), flush=True)


def spent(argv, cwd, env):
    """CPU seconds of a process and all that it waited for, and its seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    p = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=600)
    if p.returncode:
        raise RuntimeError("%s ended with %d: %s" % (argv[0], p.returncode, p.stderr[-600:].decode(errors="replace")))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - began


def whole(top, server):
    log, at, with_, without, epochs = os.path.join(top, "whole.log"), load(), [], [], []
    with open(log, "wb") as f:
        for i in range(0, RECORDS, 50000):
            f.write(records(range(i, min(RECORDS, i + 50000))))
    rows = lambda: server.sql("SELECT * FROM d.whole ORDER BY window_start, g")
    text = "\tingest%s -f 'in/*.log' --until end%s |\n\tjson-map -w 'amount >= 0' --keep id,ts,g,amount |\n\tdedup -k id --ttl 1m -t ts:ms |\n" \
        "\twindow-agg -t ts:ms -w 10s -g g n='count()' amount='sum(amount)' |\n\tmysql-load --defaults-file %s --table d.whole -k window_start,g%s\n"
    for i in range(TURNS):
        found = []
        for name in ("p%d" % i, "w%d" % i):
            barriers = name[0] == "w"
            server.sql("DROP TABLE IF EXISTS d.whole; CREATE TABLE d.whole (window_start BIGINT, window_end BIGINT, g VARCHAR(10) COLLATE utf8mb4_bin, "
                       "n BIGINT, amount DECIMAL(20,2), PRIMARY KEY (window_start, g))")
            job = Job(top, name, text % ((" --barriers 1s", " --event-time ts:ms --late 3s --idle 60s", server.cnf, " --job " + name) if barriers else
                                         ("", "", server.cnf, "")))
            os.link(log, os.path.join(job.top, "in", "a.log"))
            argv = [os.path.join(BIN, "pipe-run"), name + ".pipe", "run"] if barriers else \
                ["bash", "-c", "set -o pipefail\n" + text % ("", "", server.cnf, "")]
            (with_ if barriers else without).append(spent(argv, job.top, job.env))
            if barriers:
                epochs.append(job.acked())
            found.append(rows())
            shutil.rmtree(job.top)
        # the last windows are not over at `end`: a job keeps them
        if not found[1] or [x for x in found[1] if x not in found[0]]:
            raise RuntimeError("with control lines the rows are others: %d, %d" % (len(found[0]), len(found[1])))
    ratios = [a[0] / b[0] for a, b in zip(with_, without)]
    more = statistics.median(ratios) * 100 - 100
    print("ingest | json-map | dedup --ttl | window-agg | mysql-load, %d records: as a job with an epoch a second (%d to %d of them) %.2f s of CPU in %.2f s, "
          "as a plain pipe %.2f s in %.2f s; %+.1f %%, the median of %d turns (goal below 5 %%: %s), worst %+.1f %%; %s to %s" % (
              RECORDS, min(epochs), max(epochs), statistics.median(x[0] for x in with_), statistics.median(x[1] for x in with_),
              statistics.median(x[0] for x in without), statistics.median(x[1] for x in without), more, TURNS, said(more < 5),
              max(ratios) * 100 - 100, at, load()), flush=True)


def main():
    parts = sys.argv[1:] or ["topic", "latency", "recovery", "overhead", "whole"]
    failed, server = 0, None
    top = tempfile.mkdtemp(prefix="stream.", dir=BENCH)
    try:
        if {"latency", "recovery", "whole"} & set(parts):
            if shutil.which("mariadbd"):
                server = Server(top)
                server.sql("CREATE DATABASE d")
            else:
                print("left out: latency, recovery, whole: not here: mariadb-server")
        for part in parts:
            try:
                if part in ("latency", "recovery", "whole"):
                    if server:
                        {"latency": latency, "recovery": recovery, "whole": whole}[part](top, server)
                else:
                    {"topic": topic, "overhead": overhead}[part](top)
            except (RuntimeError, subprocess.SubprocessError) as e:
                print("%s failed: %s" % (part, e), flush=True)
                failed = 1
    finally:
        if server:
            server.stop()
        shutil.rmtree(top, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
