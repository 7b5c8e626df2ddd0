#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kafka - ingest from a real Kafka broker: every offset exactly once, whatever is killed; TAP

    BIN=build/bin O=build python3 tests/real/kafka.py [PATTERN]

One broker (KRaft), topics of three partitions, zstd, null values, transactions.  What the broker acknowledged to the producer is what the
table must hold, by partition and offset.  The programs come from their registry by maven; all else lives in a temporary directory and is
ended by its pid.
"""
import collections
import hashlib
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import jars  # noqa: E402
from runs import heard, listens  # noqa: E402
from tap import failures, finish, point  # noqa: E402
import importlib.util  # noqa: E402

spec = importlib.util.spec_from_file_location("librdkafka", os.path.join(jars.TOP, "tests/kafka.py"))
librdkafka = importlib.util.module_from_spec(spec)
spec.loader.exec_module(librdkafka)
Producer = librdkafka.Producer

BIN = os.path.abspath(os.environ.get("BIN", os.path.join(jars.TOP, "build/bin")))
KILLS = 20
RUNNING = []
PASSWORD = "hunter2-s3cret"


def wait(cond, seconds=120):
    end = time.monotonic() + seconds
    while not cond():
        if time.monotonic() > end:
            raise AssertionError("it did not come")
        time.sleep(0.05)


def begin(*argv, **how):
    """A process that main() ends with its case, should that not have come so far."""
    RUNNING.append(subprocess.Popen(*argv, **how))
    return RUNNING[-1]


def end_all():
    for p in RUNNING:
        if p.poll() is None:
            p.kill()
            p.wait()
    RUNNING.clear()


def ended(members, sig=signal.SIGTERM, seconds=60):
    """Told to end: what each said, and its status. None of them is left, whatever it does."""
    out = []
    for p in members:
        p.send_signal(sig)
    for p in members:
        try:
            err = p.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            p.kill()
            err = p.communicate()[1]
        out.append(((err or b"").decode(errors="replace"), p.returncode))
    return out


def certificates(d):
    """A CA, a server's key and certificate for 127.0.0.1 in one PEM file, and another CA that signed nothing."""
    def sh(*cmd):
        subprocess.run(cmd, cwd=d, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for ca in ("ca", "other"):
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", ca + ".key", "-out", ca + ".pem", "-days", "2", "-subj", "/CN=" + ca)
    sh("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "s.key", "-out", "s.csr", "-subj", "/CN=127.0.0.1")
    with open(d + "/ext", "w") as f:
        f.write("subjectAltName=IP:127.0.0.1\n")
    sh("openssl", "x509", "-req", "-in", "s.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "s.pem")
    with open(d + "/server.pem", "w") as f:
        f.write(open(d + "/s.key").read() + open(d + "/s.pem").read() + open(d + "/ca.pem").read())


class Broker:
    def __init__(self, d):
        self.dir, self.port, self.tls, self.process = d, jars.free_port(), jars.free_port(), None
        self.classpath = jars.fetch("kafka")
        self.address, self.secure = "127.0.0.1:%d" % self.port, "127.0.0.1:%d" % self.tls
        certificates(d)
        controller = jars.free_port()
        with open(d + "/server.properties", "w") as f:
            f.write("""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{2}
listeners=PLAINTEXT://127.0.0.1:{0},SECURE://127.0.0.1:{1},CONTROLLER://127.0.0.1:{2}
advertised.listeners=PLAINTEXT://127.0.0.1:{0},SECURE://127.0.0.1:{1}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_house="{3}";
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={4}/server.pem
log.dirs={4}/data
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=true
log.cleaner.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
""".format(self.port, self.tls, controller, PASSWORD, d))
        format_ = jars.java(self.classpath, "kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", d + "/server.properties",
                            cwd=d, log=d + "/broker.log", out=None)
        if format_.wait(60):
            raise RuntimeError(jars.text(d + "/broker.log")[-2000:])

    def start(self):
        self.process = jars.java(self.classpath, "kafka.Kafka", self.dir + "/server.properties", cwd=self.dir, log=self.dir + "/broker.log", out=None)
        p = Producer(self.address, message_timeout_ms="170000")
        p.send("ready", 0, b"x")
        try:
            p.flush(180)
        except RuntimeError as e:
            raise RuntimeError("%s; the broker says:\n%s" % (e, jars.text(self.dir + "/broker.log")[-1500:])) from e
        finally:
            p.close()

    def stop(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def configure(self, topic, settings):
        jars.java(self.classpath, "kafka.admin.ConfigCommand", "--bootstrap-server", self.address, "--alter", "--topic", topic, "--add-config", settings,
                  cwd=self.dir, log=self.dir + "/config.log", out=subprocess.DEVNULL).wait(60)

    def codecs(self, topic):
        """How many batches of the topic's files have which compression (0 none, 4 zstd)."""
        found = collections.Counter()
        for part in range(3):
            with open("%s/data/%s-%d/00000000000000000000.log" % (self.dir, topic, part), "rb") as f:
                b, at = f.read(), 0
            while at + 23 <= len(b):
                found[struct.unpack(">h", b[at + 21:at + 23])[0] & 7] += 1
                at += 12 + struct.unpack(">i", b[at + 8:at + 12])[0]
        return found


class Case:
    """One topic, one warehouse."""

    def __init__(self, broker, topic, **settings):
        self.broker, self.topic, self.count = broker, topic, 0
        self.dir = os.path.join(broker.dir, topic)
        os.mkdir(self.dir)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update(PIPEHOUSE_ROOT=self.dir + "/wh", LC_ALL="C")
        self.producer = Producer(broker.address, compression_codec="zstd", **settings)
        self.lock = threading.Lock()

    def send(self, count, nulls=True, flush=True, ms=0):
        for _ in range(count):
            i = self.count
            value = None if nulls and i % 37 == 5 else b"" if nulls and i % 101 == 7 else \
                b'{"t":"2026-11-%02d","n":%d,"pad":"%s"}' % (20 + i % 3, i, b"abcdefgh" * 12)
            self.producer.send(self.topic, (i * 7 + i // 50) % 3, value, b"k%d" % (i % 1000), ms)
            self.count += 1
        if flush:
            self.producer.flush()

    def args(self, *more):
        return [BIN + "/ingest", "-b", self.broker.address, "-t", self.topic, "-d", "ods.o", "--partition-by", "t", "--meta", "k", *more]

    def start(self, *more):
        return begin(self.args(*more), cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *more, status=0):
        return self.call(*self.args(*more), status=status)

    def call(self, *cmd, status=0, lines=b""):
        p = subprocess.run(cmd, cwd=self.dir, env=self.env, input=lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=180)
        self.err = p.stderr.decode(errors="replace")
        if p.returncode != status:
            raise AssertionError("%s: %d instead of %d\n%s" % (" ".join(cmd), p.returncode, status, self.err))
        return p.stdout

    def log(self):
        d = self.dir + "/wh/main/ods/o/_log"
        return sorted(x for x in os.listdir(d) if re.match(r"\d{20}\.json$", x)) if os.path.isdir(d) else []

    def held(self):
        """{(partition, offset): record} of the table, and how many were there twice."""
        rows = [json.loads(line) for line in self.call(BIN + "/wh-cat", "--missing-ok", "ods.o").split(b"\n")[:-1]]
        got = {}
        for r in rows:
            k = r.pop("k")
            assert k["topic"] == self.topic and k["key"] == "k%d" % (r["n"] % 1000)
            got[k["partition"], k["offset"]] = r
        return got, len(rows) - len(got)

    def same(self, name, keep=lambda p, o, v: True):
        got, twice = self.held()
        want = {(p, o): json.loads(v) for t, p, o, v in self.producer.sent if v and keep(p, o, v)}
        missing, extra = set(want) - set(got), set(got) - set(want)
        differ = [k for k in want if k in got and got[k] != want[k]]
        return point(not (twice or missing or extra or differ) and want, "%s (%d offsets)" % (name, len(want)),
                     "%d twice, missing %d %s, too many %d %s, other %s" %
                     (twice, len(missing), sorted(missing)[:3], len(extra), sorted(extra)[:3], differ[:3]))


def whole(b):
    c = Case(b, "whole")
    c.send(60000)
    c.run("--until", "end", "--stats", "stats")
    nulls = sum(v is None for t, p, o, v in c.producer.sent)
    empty = sum(v == b"" for t, p, o, v in c.producer.sent)
    codecs = b.codecs("whole")
    point(codecs[4] >= 3 and codecs[0] <= codecs[4] // 3, "the broker holds zstd batches", codecs)
    c.same("three partitions, zstd, null values: what was produced")
    s = json.loads(open(c.dir + "/stats").read())
    point((s["in"], s["nulls"], s["empty"], s["used"], s["gaps"], s["rejected"]) == (60000, nulls, empty, 60000 - nulls - empty, 0, 0) and nulls and empty,
          "%d null and %d empty values are counted" % (nulls, empty), s)
    rows = [json.loads(x) for x in c.call(BIN + "/wh-cat", "ods.o@2026-11-20").splitlines()]
    order = [[r["k"]["offset"] for r in rows if r["k"]["partition"] == p] for p in range(3)]
    point(all(o == sorted(o) and o for o in order), "a day holds the order of each partition")
    before = c.log()
    c.run("--until", "end")
    point(c.log()[:-1] == before or c.log() == before, "nothing new: no commit but the fence", (before, c.log()))
    c.call(BIN + "/ingest", "-b", b.address, "-t", "whole,nothere", "--until", "end", status=5)
    point("topic nothere: there is no such topic" in c.err and "nothere" not in "".join(os.listdir(b.dir + "/data")), "an unknown topic: 5, and none is made", c.err)
    began = time.monotonic()
    c.call(BIN + "/ingest", "-b", "127.0.0.1:%d" % jars.free_port(), "-t", "whole", "--until", "end", status=75)
    point(time.monotonic() - began < 60 and "no broker" in c.err, "no broker: 75", c.err)
    c.producer.close()


def transactions(b):
    c = Case(b, "txn", transactional_id="t1")
    p, aborted = c.producer, set()
    p.transaction("init", 30000)
    for k in range(6):
        p.transaction("begin")
        c.send(500, nulls=False)
        if k % 3 == 1:
            aborted |= set(range(c.count - 500, c.count))
            p.transaction("abort", 30000)
        else:
            p.transaction("commit", 30000)
    c.run("--until", "end", "--stats", "stats")
    c.same("transactions: what was committed, not what was aborted", keep=lambda pt, o, v: json.loads(v)["n"] not in aborted)
    s = json.loads(open(c.dir + "/stats").read())
    point(s["gaps"] == 1000 + 18 and s["in"] == 2000, "their marks and the aborted are gaps", s)
    p.transaction("begin")
    c.send(300, nulls=False)
    c.run("--until", "end")
    c.same("an open one is not there yet", keep=lambda pt, o, v: json.loads(v)["n"] not in aborted | set(range(3000, 3300)))
    p.transaction("commit", 30000)
    c.run("--until", "end")
    c.same("once it is committed it is", keep=lambda pt, o, v: json.loads(v)["n"] not in aborted)
    last = {p: 1 + max(o for t, q, o, v in c.producer.sent if q == p) for p in range(3)}
    lag = [json.loads(x) for x in c.run("--lag").splitlines()]
    point([(e["name"], e["value"]) for e in lag] == [("txn/%d" % p, 0) for p in range(3)] and last, "--lag: nothing is left but marks", lag)
    p.close()


def times(b):
    c = Case(b, "times")
    base = 1_763_600_000_000
    for k in range(30):
        c.send(30, nulls=False, ms=base + k * 1000)
    out = lambda *more: sorted(json.loads(x)["n"] for x in c.call(BIN + "/ingest", "-b", b.address, "-t", "times", *more).splitlines())
    point(out("--from", str(base + 10000), "--until", str(base + 20000)) == list(range(300, 600)), "--from TIME --until TIME")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(base // 1000 + 25))
    point(out("--from", at, "--until", "end") == list(range(750, 900)), "--from TIME as RFC 3339, --until end")
    point(out("--from", str(base + 10 ** 9), "--until", "end") == [] and out("--until", str(base + 10 ** 12)) == list(range(900)), "a time behind all messages is the end")
    c.producer.close()


def killed(b):
    r = random.Random(1)
    c = Case(b, "killed")
    c.send(400)     # makes the topic
    stop = threading.Event()

    def feed():
        while not stop.is_set() and c.count < 400000:
            c.send(400)
            time.sleep(0.02)
    t = threading.Thread(target=feed)
    t.start()
    said = mid = 0
    p = None
    try:
        for k in range(KILLS):
            was, p, err = len(c.log()), c.start("--every", "100ms"), ""
            time.sleep(0.2 + r.random() * 0.8)
            if k == KILLS // 2:
                wait(lambda was=was: len(c.log()) > was)        # it has begun
                b.stop(signal.SIGKILL)
                err = heard(p, b"no broker answers: waiting")
                b.start()
                err += heard(p, b"a broker answers again")
            if k % 4 == 3:      # the moment its files are there and its commit is not
                pool = lambda: [f for _, _, fs in os.walk(c.dir + "/wh/main/ods/o/.pool") for f in fs]
                known, end = set(pool()), time.monotonic() + 5
                while set(pool()) <= known and time.monotonic() < end:
                    pass
                mid += 1
            p.send_signal(signal.SIGKILL)
            err += p.communicate()[1].decode()
            if k == KILLS // 2:
                said = "no broker answers: waiting" in err and "a broker answers again" in err
                point(said, "a broker that was killed and restarted is waited for, aloud", err)
            elif err:
                point(False, "kill %d: nothing to say" % k, err)
    finally:
        stop.set()
        t.join()
        p.kill()
        p.communicate()
    p = c.start("--every", "100ms")
    listens(p)
    time.sleep(2)
    p.send_signal(signal.SIGTERM)
    err = p.communicate()[1].decode()
    point(p.returncode == 0 and not err, "told to stop: a success", (p.returncode, err))
    c.run("--until", "end")
    c.same("killed %d times while it was fed, %d of them between files and commit, the broker killed once: every offset once" % (KILLS, mid))
    live = {f["file"] for line in map(lambda x: json.load(open(c.dir + "/wh/main/ods/o/_log/" + x)), c.log())
            for d in line.get("days", {}).values() for f in d["add"]}
    pool = {f for _, _, fs in os.walk(c.dir + "/wh/main/ods/o/.pool") for f in fs if f[0] != "."}
    # what a killed --compact had put together is no source's: wh-gc takes it
    left = {f for f in pool - live if not f.startswith("r-")}
    point(not left and live and live <= pool, "the pool holds the files of the log and no other of a source", (sorted(left)[:3], sorted(live - pool)[:3]))
    c.producer.close()


def zombie(b):
    c = Case(b, "zombie")
    c.send(5000)
    first = c.start("--every", "500ms")
    wait(lambda: len(c.log()) >= 2)
    time.sleep(0.2)
    first.send_signal(signal.SIGSTOP)
    c.send(5000)
    c.run("--until", "end")
    c.send(5000)
    first.send_signal(signal.SIGCONT)
    err = first.communicate(timeout=60)[1].decode()
    point(first.returncode == 75 and "taken over" in err, "the one that slept while another took over ends with 75", (first.returncode, err))
    c.same("nothing of it got in", keep=lambda p, o, v: json.loads(v)["n"] < 10000)
    c.run("--until", "end")
    c.same("and the other goes on: every offset once")
    c.send(20000)
    both = [c.start("--until", "end") for _ in range(2)]
    codes = [(p.communicate(timeout=120), p.returncode)[1] for p in both]
    point(sorted(codes) in ([0, 75], [0, 0]), "two at once: one wins", codes)
    c.run("--until", "end")
    c.same("two at once: nothing doubled")
    c.producer.close()


SLOW = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <time.h>
static rd_kafka_resp_err_t taken(rd_kafka_t *k, rd_kafka_message_t *m, void *o)
{
	(void)k, (void)m, (void)o;
	nanosleep(&(struct timespec){ 0, 100000 }, NULL);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}
static rd_kafka_resp_err_t made(rd_kafka_t *k, const rd_kafka_conf_t *c, void *o, char *why, size_t n)
{
	(void)c, (void)why, (void)n;
	return rd_kafka_interceptor_add_on_consume(k, "slow", taken, o);
}
rd_kafka_t *rd_kafka_new(rd_kafka_type_t t, rd_kafka_conf_t *c, char *why, size_t n)
{
	rd_kafka_t *(*real)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t) = dlsym(RTLD_NEXT, "rd_kafka_new");
	rd_kafka_conf_interceptor_add_on_new(c, "slow", made, NULL);
	return real(t, c, why, n);
}
"""


def group(b):
    house(b, "group")


def group_slow(b):
    """The library takes 0.1 ms to hand a message out: the group changes while it is at it, each time; not so much as one may go by then."""
    src, so = b.dir + "/slow.c", b.dir + "/slow.so"
    with open(src, "w") as f:
        f.write(SLOW)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", so, src, "-ldl"], check=True)
    house(b, "group-slow", LD_PRELOAD=so)


def house(b, name, **env):
    c = Case(b, name)
    path = property_file(c, "session.timeout.ms=6000\nheartbeat.interval.ms=300\n")
    c.send(200)
    c.run("--until", "end")     # makes topic and table: a new one has nobody to fence
    first = len(c.log())
    stop, t = fed(c, 200)

    def records(kind):
        """The partitions that each commit of that kind names, and its number."""
        for name in c.log()[first:]:
            r = json.load(open(c.dir + "/wh/main/ods/o/_log/" + name))
            apps = [x["app"] for x in r.get("txns", [])] if kind == "data" else r["apps"] or [r["app"]] if r["kind"] == "fence" else []
            if r["kind"] == kind and apps:
                yield {int(x.rsplit("/", 1)[1]) for x in apps}, r["n"]

    def member():
        before, c.env = c.env, {**c.env, **env}
        try:
            return c.start("-G", name, "--properties", path, "--every", "200ms")
        finally:
            c.env = before

    fences = lambda: [x for x, _ in records("fence")]

    def since_fence():
        after = max(n for _, n in records("fence"))
        return [x for x, n in records("data") if n > after]

    members = [member()]
    try:
        # on a busy machine a session may lapse: a fence more than those of who comes
        for come in (1, 2, 3):
            wait(lambda: len(fences()) >= come)
            if come < 3:
                members.append(member())
        wait(lambda: len({tuple(x) for x in since_fence()}) >= 3)       # each member commits
        shared = since_fence()
        fenced = len(fences())
        members[0].kill()       # its partition goes to another when its session ends
        members[0].communicate()
        wait(lambda: len(fences()) > fenced)
        took = fences()[fenced]
        wait(lambda: any(took <= x for x in since_fence()))
    finally:
        stop.set()
        t.join()
        ends = ended(members[1:])
        ended([p for p in members[:1] if p.poll() is None], signal.SIGKILL)
        point(all(e == ("", 0) for e in ends), name + ": members end well", (ends, fences()))
    point(all(len(x) == 1 for x in shared), name + ": three members have a partition each", shared)
    # the last fences are those of members that get what another gives up when it ends
    point(len(fences()[0]) == 3 and all(len(x) < 3 for x in fences()[1:4]), name + ": who comes takes a partition over, and what it does not take is read on: no fence", fences())
    c.run("--until", "end")
    c.same(name + ": three, joined one by one, one killed: every offset once")
    c.producer.close()


def asleep(b):
    """A member that sleeps longer than its session: who is given its partitions fences it, and it joins anew."""
    c = Case(b, "asleep")
    path = property_file(c, "session.timeout.ms=1500\nheartbeat.interval.ms=200\n")
    c.send(200)
    c.run("--until", "end")
    stop, t = fed(c)
    log = c.dir + "/wh/main/ods/o/_log/"
    record = lambda name: json.load(open(log + name))
    fences = lambda: [r["n"] for r in map(record, c.log()) if r["kind"] == "fence"]
    rows, first = lambda: sum(1 for r in map(record, c.log()) if r["kind"] == "data"), len(fences())
    errs = [open("%s/err%d" % (c.dir, i), "wb") for i in range(2)]
    members = [begin(c.args("-G", "sleepers", "--properties", path, "--every", every), cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=e)
               for e, every in zip(errs, ("50ms", "300ms"))]
    try:
        wait(lambda: len(fences()) >= first + 2)        # both have some
        for k in range(2):      # each of them: what it had taken is of no use, its commit may be under way
            before, sleeper = len(fences()), members[k % 2]
            n = rows()
            wait(lambda n=n: rows() > n + k)
            sleeper.send_signal(signal.SIGSTOP)
            wait(lambda before=before: len(fences()) > before)      # the other has taken over
            n = rows()
            wait(lambda n=n: rows() > n + 1)
            before = len(fences())
            sleeper.send_signal(signal.SIGCONT)
            wait(lambda before=before: len(fences()) > before)      # it has joined again, and got some
    finally:
        stop.set()
        t.join()
        for p in members:
            p.send_signal(signal.SIGCONT)
            p.send_signal(signal.SIGTERM)
        codes = [p.wait(60) for p in members]
    said = [line for e in errs for line in jars.text(e.name).splitlines()]
    # one that was stopped while it brought the view up to date has its lock: the other goes on without, and asks
    taken = re.compile("another writer of ods.o has taken over|ods.o: another writer has taken over this source$|"
                       "its view stays behind: another process has been at it for 5 s; is one stopped\\?$")
    point(codes == [0, 0] and all(taken.search(x) for x in said), "asleep past its session, each once: it joins again", (codes, said))
    c.run("--until", "end")
    c.same("nothing of what the sleepers had taken got in: every offset once")
    c.producer.close()


def eager(b):
    """A group whose members share partitions out in the older way lets no member of the newer one in, until they are gone."""
    c = Case(b, "eager")
    c.send(3000)
    c.run("--until", "end")
    old = librdkafka.Member(b.address, "grown", "eager", partition_assignment_strategy="range,roundrobin", session_timeout_ms="6000")
    try:
        wait(lambda: old.held() == 3)
        with open(c.dir + "/err", "wb") as e:
            p = begin(c.args("-G", "grown", "--every", "100ms"), cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=e)
        said = lambda: jars.text(c.dir + "/err")
        wait(lambda: old.held() >= 0 and "lets nobody else in" in said())
        c.send(3000)
        held, commits = old.held(), len(c.log())
    finally:
        old.close()
    wait(lambda: len(c.log()) > commits + 1)
    p.send_signal(signal.SIGTERM)
    code = p.wait(60)
    point(held == 3 and code == 0 and said().count("\n") == 2 and "it has let us in" in said(), "members of another kind: it waits, aloud, until they are gone", (held, code, said()))
    c.run("--until", "end")
    c.same("and every offset is there once")
    c.producer.close()


class PipeJob:
    """`j`, a barrier job of the case, in the foreground of a process of its own."""

    def __init__(self, c, text):
        self.c, self.dir = c, c.dir + "/state/j"
        with open(c.dir + "/j.pipe", "w") as f:
            f.write("j: restart=50ms restart-max=100ms\n" + text)
        os.makedirs(c.dir + "/wh", exist_ok=True)
        with open(c.dir + "/out", "wb") as out, open(c.dir + "/err", "wb") as err:
            self.p = begin([BIN + "/pipe-run", "j.pipe", "run"], cwd=c.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                      env=dict(c.env, PATH=BIN + ":" + os.environ["PATH"], PIPEHOUSE_STATE=c.dir + "/state"))

    def _number(self, path):
        try:
            return int(jars.text(self.dir + path) or 0)
        except ValueError:
            return 0

    def acked(self):
        return self._number("/ack/j")

    def runs(self):
        return self._number("/run")

    def planned(self):
        return max(map(int, filter(str.isdigit, os.listdir(self.dir + "/plan"))))

    def pins(self, text):
        """Does a plan go by this text of a file?"""
        for name in os.listdir(self.dir + "/plan"):
            try:
                with open(self.dir + "/plan/" + name) as f:
                    if hashlib.sha256(text.encode()).hexdigest() in f.read():
                        return True
            except FileNotFoundError:
                pass
        return False

    def stage(self, name):
        """The pid of that stage of the job."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/comm" % pid, "rb") as f, open("/proc/%s/environ" % pid, "rb") as e:
                    if f.read().strip() == name.encode() and ("PIPEHOUSE_JOB=" + self.dir).encode() in e.read().split(b"\0"):
                        return int(pid)
            except OSError:
                pass
        return 0

    def there(self, name):
        """The pid of that stage, which is there or is about to be."""
        wait(lambda: self.stage(name))
        return self.stage(name)

    def rows(self):
        return len(self.c.call(BIN + "/wh-cat", "--missing-ok", "ods.o").splitlines())

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        return self.p.wait(60)


def job_emitted(b):
    """From topic to topic and table through a barrier job: whatever is killed, each record is in the topic, under one id, and in the table once."""
    c = Case(b, "jobbed")
    c.producer.send("jobbed.out", 0, b"{}", b"-")       # makes the topic
    c.send(300, nulls=False)
    j = PipeJob(c, "\tingest -b %s -t jobbed --barriers 50ms --meta k |\n"
                "\tfan-out 'wh-put ods.o --partition-by t --job j' --sink 'json-map --all | emit -b %s -t jobbed.out -k k.key'\n" % (b.address, b.address))
    acked, run, stage = j.acked, j.runs, j.stage
    r, held = random.Random(3), []
    try:
        for k, name in enumerate(("emit", "wh-put", "emit", "ingest", "emit")):
            at = acked()
            wait(lambda at=at: acked() > at + 1 and stage("emit"))
            now = run()
            if name == "emit":      # one that hangs holds all: the table has no epoch that is not in the topic
                os.kill(j.there("emit"), signal.SIGSTOP)
                at = acked()
            c.send(400, nulls=False)
            if name == "emit":
                wait(lambda at=at: j.planned() > at)
                time.sleep(0.4)
                held.append(acked() - at)
            else:
                time.sleep(r.random() * 0.2)
            os.kill(j.there(name), signal.SIGKILL)
            if k == 4:
                b.stop(signal.SIGKILL)
                b.start()
            wait(lambda now=now: run() > now, 120)
        c.send(100, nulls=False)
        n = acked()
        wait(lambda: acked() > n + 2, 120)
        want = {v for t, _, _, v in c.producer.sent if t == "jobbed"}
        c.producer.flush()
        wait(lambda: j.rows() >= len(want), 120)
    finally:
        code = j.stop()
    ids, bare = {}, lambda v: {k: x for k, x in json.loads(v).items() if k != "k"}
    for _, _, key, value, _, h in librdkafka.Read(b.address, "jobbed.out", 3).all:
        if value != b"{}":
            assert key == json.loads(value)["k"]["key"].encode()
            ids.setdefault(h["id"].decode(), set()).add(value)
    got = [next(iter(v)) for v in ids.values()]
    point(code == 0 and all(x <= 4 for x in held), "a job that emits: a stage that hangs, or is killed, holds the others (%s epochs each)" % held, (code, jars.text(c.dir + "/err")))
    point(all(re.match(r"j:\d+:\d+$", i) and len(v) == 1 for i, v in ids.items()), "one id, one record", [x for x in ids.items() if len(x[1]) > 1][:2])
    point(sorted(str(bare(v)) for v in got) == sorted(str(json.loads(v)) for v in want), "each of %d records is in the topic, under one id" % len(want), (len(got), len(want)))
    c.same("and in the table once", keep=lambda p, o, v: v != b"{}")
    c.producer.close()


def replaced(path, text):
    """As an editor that is careful; the text."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)
    return text


def routed(b):
    """ingest --route: a table is added to its file while messages come; it is killed before and behind, the broker too."""
    c, r = Case(b, "routed"), random.Random(5)
    versions = {}

    def route(text):
        versions[hashlib.sha256(replaced(c.dir + "/feed.route", text).encode()).hexdigest()] = text
    argv = [BIN + "/ingest", "-b", b.address, "-t", c.topic, "--route", "feed.route", "--partition-by", "t", "--meta", "k", "--every", "50ms"]
    start = lambda: begin(argv, cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    log = c.dir + "/wh/main/_jobs/feed/_log/"
    data = lambda: [x for x in (json.load(open(log + f)) for f in sorted(os.listdir(log)) if re.match(r"\d{20}\.json$", f)) if x["kind"] == "data"]
    route("by t\n2026-11-20 ods.a\n")
    c.send(400)
    stop, t = fed(c)
    said, p = [], None
    try:
        for step in range(8):
            n = len(data()) if os.path.isdir(log) else 0
            p = start()
            time.sleep(0.3 + r.random() * 0.5)
            if step in (0, 5):      # by the first version; and who finds no broker when it begins ends with 75
                wait(lambda n=n: os.path.isdir(log) and len(data()) > n)
            if step == 3:
                route("by t\n2026-11-20 ods.a\n2026-11-21 ods.b\n")
                time.sleep(r.random() * 0.3)        # it is killed about when it follows
            if step == 5:
                b.stop(signal.SIGKILL)
                b.start()
                n = len(data())
                wait(lambda n=n: len(data()) > n + 1, 120)
            p.kill()
            said += p.communicate()[1].decode().splitlines()
    finally:
        stop.set()
        t.join()
        if p is not None and p.poll() is None:
            p.kill()
            p.wait()
    c.producer.flush()
    last = subprocess.run([*argv, "--until", "end"], cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=180)
    point(last.returncode == 0 and not last.stderr and {re.sub("^ingest: [^ ]*: ", "", x) for x in said} <= {"no broker answers: waiting for one", "a broker answers again"},
          "ingest --route: killed 8 times, the broker once, it goes on to the end", (last, said[:5]))
    got, want = {}, {}
    sent = {(q, o): json.loads(v) for _, q, o, v in c.producer.sent if v}
    for table in ("ods.a", "ods.b", "ods.unrouted"):
        for x in map(json.loads, c.call(BIN + "/wh-cat", "--missing-ok", table).splitlines()):
            got.setdefault((x["k"]["partition"], x["k"]["offset"]), []).append(table)
    for x in data():
        lines = dict(y.split() for y in versions[x["route"]].splitlines()[1:])
        for y in x["txns"]:
            q = int(y["app"].rsplit("/", 1)[1])
            want.update({(q, o): [lines.get(sent[q, o]["t"], "ods.unrouted")] for o in range(int(y["from"] or 0), int(y["to"])) if (q, o) in sent})
    wrong = [(k, got.get(k), want.get(k)) for k in sent if got.get(k) != want.get(k)]
    tables = collections.Counter(x for v in got.values() for x in v)
    point(set(got) == set(sent) and not wrong, "a table added under load: none of %d records missed, none twice, each where the version of its commit says" % len(sent), wrong[:3])
    point(len({x["route"] for x in data()}) == 2 and tables["ods.b"] > 0 and sum(got[k] == ["ods.unrouted"] for k in sent if sent[k]["t"] == "2026-11-21") > 0,
          "some of its records came before, some behind: %s" % dict(tables), tables)
    c.producer.close()


def job_routed(b):
    """A barrier job with emit --route: a topic is added to its file under load, and whatever is killed meanwhile."""
    c, r = Case(b, "jroute"), random.Random(7)
    topics = ("jroute.a", "jroute.b", "jroute.rest")
    for topic in topics:
        c.producer.send(topic, 0, b"{}", b"-")       # makes it
    c.send(300, nulls=False)
    first = replaced(c.dir + "/out.route", "by t\n2026-11-20 jroute.a\n* jroute.rest\n")
    second = "by t\n2026-11-20 jroute.a\n2026-11-21 jroute.b\n* jroute.rest\n"
    j = PipeJob(c, "\tingest -b %s -t jroute --barriers 50ms --meta k |\n"
                "\tfan-out 'wh-put ods.o --partition-by t --job j' --sink 'json-map --all | emit -b %s --route out.route'\n" % (b.address, b.address))
    stop = threading.Event()

    def feed():
        while not stop.is_set():
            c.send(50, nulls=False)
            time.sleep(0.02)
    t = threading.Thread(target=feed)
    t.start()
    try:
        for k, name in enumerate(("emit", "ingest", "emit", "wh-put", "ingest", "emit", "emit")):
            at = j.acked()
            wait(lambda at=at: j.acked() > at + 1 and j.stage(name), 120)
            if k == 2:
                replaced(c.dir + "/out.route", second)
                j.p.send_signal(signal.SIGHUP)
                wait(lambda: j.pins(second))
            elif k == 4:        # epochs that the topics have and the table has not, by either version
                os.kill(j.there("wh-put"), signal.SIGSTOP)
                time.sleep(0.3)
            now, held = j.runs(), j.there("wh-put")
            os.kill(j.there(name), signal.SIGKILL)
            if k == 4:
                os.kill(held, signal.SIGKILL)
            if k == 5:
                b.stop(signal.SIGKILL)
                b.start()
            wait(lambda now=now: j.runs() > now, 120)
            time.sleep(r.random() * 0.3)
        stop.set()
        t.join()
        c.producer.flush()
        sent = {(q, o): json.loads(v) for x, q, o, v in c.producer.sent if x == "jroute"}
        wait(lambda: j.rows() >= len(sent), 120)
    finally:
        stop.set()
        t.join()
        code = j.stop()
    ids, where = {}, {}
    for topic in topics:
        for *_, value, _, h in librdkafka.Read(b.address, topic, 3).all:
            if value != b"{}":
                x = json.loads(value)
                ids.setdefault(h["id"].decode(), set()).add((topic, value))
                where.setdefault((x["k"]["partition"], x["k"]["offset"]), set()).add((topic, h["id"]))
    point(code == 0 and all(len(v) == 1 for v in ids.values()) and len(ids) == len(where), "emit --route in a job: one id, one record, one topic, whatever was killed",
          (code, [x for x in ids.items() if len(x[1]) > 1][:2], jars.text(c.dir + "/err")[-1000:]))
    point(set(where) == set(sent) and all(len(v) == 1 for v in where.values()), "each of %d records is in one topic, under one id" % len(sent),
          (sorted(set(sent) - set(where))[:3], [x for x in where.items() if len(x[1]) > 1][:3]))
    at = {k: next(iter(v))[0] for k, v in where.items()}
    cut = {q: min([o for (p, o), x in at.items() if p == q and x == "jroute.b"], default=1 << 60) for q in range(3)}
    rule = lambda q, o, day: "jroute.a" if day.endswith("20") else "jroute.b" if day.endswith("21") and o >= cut[q] else "jroute.rest"
    wrong = [(k, at[k], x["t"]) for k, x in sent.items() if k in at and at[k] != rule(*k, x["t"])]
    before = sum(x["t"].endswith("21") and at.get(k) == "jroute.rest" for k, x in sent.items())
    point(not wrong and before > 0 and max(cut.values()) < 1 << 60, "the new line holds from one epoch on, and for all behind it: %d records before" % before, (wrong[:3], cut))
    c.same("and in the table once", keep=lambda p, o, v: v != b"{}")
    point(j.pins(second) and not j.pins(first), "the last plans go by the new version")
    c.producer.close()


def grown(b):
    """A topic that gets partitions under a reader: they are read from their beginning, by a table's, a group's and a job's."""
    for kind, more in (("table", ["--from", "end"]), ("group", ["-G", "growers"]), ("job", [])):
        c = Case(b, "grown-" + kind)
        path = c.dir + "/g.conf"
        with open(path, "w") as f:
            f.write("topic.metadata.refresh.interval.ms=300\n")
        os.chmod(path, 0o600)
        c.send(3, nulls=False)      # makes the topic: what is before the end
        before = c.count if kind == "table" else 0
        if kind == "job":
            with open(c.dir + "/j.pipe", "w") as f:
                f.write("j: restart=50ms\n\tingest -b %s -t %s --properties g.conf --barriers 50ms --meta k | wh-put ods.o --partition-by t --job j\n" % (b.address, c.topic))
            os.makedirs(c.dir + "/wh", exist_ok=True)
            env = dict(c.env, PATH=BIN + ":" + os.environ["PATH"], PIPEHOUSE_STATE=c.dir + "/state")
            argv = [BIN + "/pipe-run", "j.pipe", "run"]
            ready = lambda: jars.text(c.dir + "/state/j/ack/j") not in ("", "0\n")
        else:
            env, argv = c.env, c.args("--properties", path, "--every", "50ms", *more)
            ready = lambda: len(c.log()) > 0
        p = begin(argv, cwd=c.dir, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(c.dir + "/err", "wb"))
        count = lambda: len(c.call(BIN + "/wh-cat", "--missing-ok", "ods.o").splitlines())
        try:
            wait(ready)
            c.send(300, nulls=False)
            wait(lambda: count() >= c.count - before)
            c.producer.grow(c.topic, 5)
            new = Producer(b.address)
            for i in range(100):
                new.send(c.topic, 3 + i % 2, b'{"t":"2026-11-20","n":%d}' % (9000 + i), b"k%d" % i)
            new.flush()
            c.send(30, nulls=False)
            wait(lambda: count() >= c.count - before + 100)
        finally:
            p.send_signal(signal.SIGTERM)
            code = p.wait(60)
        point(code == 0 and (kind == "group" or "has 5 partitions now, not 3" in jars.text(c.dir + "/err")), "a topic that grows under a %s: its new partitions are read" % kind,
              (code, jars.text(c.dir + "/err")))
        c.producer.sent += new.sent
        c.same("from their beginning: every offset once", keep=lambda pt, o, v, before=before: json.loads(v)["n"] >= before)
        new.close()
        c.producer.close()
    c = Case(b, "empty")
    c.producer.make("empty", 3)
    c.run("--from", "end", "--until", "end")
    c.send(300)
    c.run("--from", "end", "--until", "end")
    c.same("--from end is settled by the first start, of an empty topic too")
    c.producer.close()


def flood(b):
    """Many changes of one table, and what stands behind them, or in another partition.  FLOOD=5000000 is the long form."""
    c, count = Case(b, "flood"), int(os.environ.get("FLOOD", "300000"))
    pad = 300 if count < 10 ** 6 else 30     # so that even the short form is some commits of 64 MiB
    row = lambda table, i: b'{"database":"shop","table":"%s","type":"update","ts":%d,"data":{"id":%d,"name":"%s","price":"%d.50"}}' % (
        table, 1795132800 + i % 80000, i, os.urandom(pad).hex().encode(), i % 977)
    for i in range(count):
        c.producer.send("flood", 0, row(b"hot", i), b"h")
        if i % 100000 == 99999:
            c.producer.flush()
            c.producer.sent.clear()
    c.producer.send("flood", 0, row(b"cold", 0), b"h")
    c.producer.send("flood", 1, row(b"other", 0), b"o")
    c.producer.flush()
    with open(c.dir + "/f.route", "w") as f:
        f.write("shop.hot ods.hot\nshop.cold ods.cold\nshop.other ods.other\n")
    with open("/dev/null", "wb") as null:
        began = time.monotonic()
        subprocess.run([BIN + "/ingest", "-b", b.address, "-t", "flood", "--until", "end"], env=c.env, stdout=null, check=True)
        bare = time.monotonic() - began
    began = time.time()
    c.call(BIN + "/ingest", "-b", b.address, "-t", "flood", "--route", "f.route", "--partition-by", "ts:s", "--every", "300ms", "--until", "end")
    log, when = c.dir + "/wh/main/_jobs/f/_log/", {}
    for at, name in enumerate(sorted(x for x in os.listdir(log) if re.match(r"\d{20}\.json$", x))):
        with open(log + name) as f:
            for table in json.load(f).get("tables", {}):
                when.setdefault(table, []).append((at, os.stat(log + name).st_mtime - began))
    first, last = when["ods.hot"][0], when["ods.hot"][-1]
    point(len(when["ods.hot"]) > 2, "a flood of %d changes is %d commits" % (count, len(when["ods.hot"])), when)
    point(when["ods.other"][0][0] <= first[0] + 1 and when["ods.other"][0][0] < last[0], "what another partition has is in the first ones", when)
    point(when["ods.cold"][0][0] == last[0], "what stands behind it is in the last one", when)
    held = [len(c.call(BIN + "/wh-cat", "ods." + t).splitlines()) for t in ("hot", "cold", "other")]
    point(held == [count, 1, 1], "each table has its own", held)
    with open(c.dir + "/hot.route", "w") as f:
        f.write("shop.hot ods.hot2\n* !\n")
    with open(c.dir + "/rest.route", "w") as f:
        f.write("shop.hot !\nshop.cold ods.cold2\nshop.other ods.other2\n")
    began = time.monotonic()
    # as its page says: the flood's job gives way
    jobs = [begin(nice + [BIN + "/ingest", "-b", b.address, "-t", "flood", "--route", r, "--partition-by", "ts:s", "--until", "end"], env=c.env,
                             cwd=c.dir) for r, nice in (("hot.route", ["nice", "-n", "19"]), ("rest.route", []))]
    ended = jobs[1].wait(), time.monotonic() - began, jobs[0].wait(), time.monotonic() - began
    held = [len(c.call(BIN + "/wh-cat", "ods." + t).splitlines()) for t in ("hot2", "cold2", "other2")]
    point(held == [count, 1, 1] and ended[0] == ended[2] == 0, "with a job of its own for the flood too", (held, ended))
    print("# with a job of its own for the flood, by nice, both at once: the others are through after %.2f s, the flood after %.2f s" % (ended[1], ended[3]))
    print("# passing all through takes %.2f s; the other partition's change is committed after %.2f s, the one behind the flood after %.2f s" %
          (bare, when["ods.other"][0][1], when["ods.cold"][0][1]))
    c.producer.close()


def gone(b):
    c = Case(b, "gone")
    c.send(3000)
    c.run("--until", "end")
    c.send(3000)
    high = max(o for t, p, o, v in c.producer.sent if p == 1)
    c.producer.delete_before("gone", 1, high - 10)
    c.run("--until", "end", status=5)
    point("are gone, retention was shorter" in c.err and "gone/1" in c.err, "offsets that were deleted unread: 5", c.err)
    lag = [json.loads(x) for x in c.run("--lag", status=1).splitlines()]
    point([e["severity"] for e in lag] == ["ok", "fail", "ok"], "--lag tells that they are gone", lag)
    c.run("--until", "end", "--lost-ok", "--stats", "stats")
    first = sum(1 for t, p, o, v in c.producer.sent[:3000] if p == 1)
    s = json.loads(open(c.dir + "/stats").read())
    point(s["lost"] == high - 10 - first, "--lost-ok counts them", (s, high, first))
    c.same("and the rest is there", keep=lambda p, o, v: p != 1 or o < first or o >= high - 10)
    c.producer.delete_topic("gone")
    again = Producer(b.address, message_timeout_ms="30000")
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            for p in range(3):
                again.send("gone", p, b'{"t":"2026-11-20","n":1}', b"k1")
            again.flush()
            break
        except RuntimeError:
            again.failed = []
            time.sleep(0.5)
    c.run("--until", "end", status=5)
    point("it was made anew" in c.err, "a topic that was deleted and made anew: 5", c.err)
    again.close()
    c.producer.close()


def secure(b):
    c = Case(b, "secure")
    c.send(2000)

    def conf(ca="ca", password=PASSWORD):
        path = c.dir + "/k.conf"
        with open(path, "w") as f:
            f.write("security.protocol=sasl_ssl\nssl.ca.location=%s/%s.pem\nsasl.mechanism=PLAIN\nsasl.username=house\nsasl.password=%s\n" % (b.dir, ca, password))
        os.chmod(path, 0o600)
        return path
    args = lambda path, *more: [BIN + "/ingest", "-b", b.secure, "-t", "secure", "-d", "ods.o", "--partition-by", "t", "--meta", "k", "--properties", path, *more]
    p = begin(args(conf(), "--every", "100ms"), cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait(lambda: len(c.log()) >= 2)
    seen = b"".join(open("/proc/%d/%s" % (p.pid, x), "rb").read() for x in ("cmdline", "environ"))
    p.send_signal(signal.SIGTERM)
    err = p.communicate()[1].decode()
    point(p.returncode == 0 and PASSWORD.encode() not in seen and PASSWORD not in err, "TLS and SASL by a property file; no secret in /proc or messages", err)
    c.call(*args(conf(), "--until", "end"))
    c.same("TLS and SASL: every offset once")
    for name, wrong in (("another CA", {"ca": "other"}), ("a wrong password", {"password": PASSWORD + "x"})):
        c.call(*args(conf(**wrong), "--until", "end"), status=5)
        point(PASSWORD not in c.err and c.err.count("\n") == 1, name + " is refused for good: 5", c.err)
    conf()
    stored = subprocess.run(["grep", "-rl", PASSWORD, c.dir + "/wh"], stdout=subprocess.PIPE).stdout
    point(stored == b"", "no secret in the warehouse", stored)
    c.producer.close()


def emitted(b):
    """What emit sends is what a reader finds, with a broker that restarts under it; a topic's own limits."""
    read = lambda topic: librdkafka.Read(b.address, topic, 3).all
    c = Case(b, "emitted")
    c.producer.send("emitted", 0, b"{}", b"-")      # makes the topic
    c.producer.flush()
    rows = [b'{"n":%d,"k":"k%d","pad":"%s"}' % (i, i * 7919 % 500, b"x" * 80) for i in range(60000)]
    p = begin([BIN + "/emit", "-b", b.address, "-t", "emitted", "-k", "k", "--id", "e"], cwd=c.dir, env=c.env, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdin.write(b"".join(x + b"\n" for x in rows[:30000]))
    p.stdin.flush()
    b.stop(signal.SIGKILL)
    b.start()
    p.stdin.write(b"".join(x + b"\n" for x in rows[30000:]))
    err = p.communicate(timeout=180)[1].decode()
    got = [m for m in read("emitted") if m[3] != b"{}"]
    last, order = {}, True
    for part, _, key, value, _, _ in got:
        number = json.loads(value)["n"]
        order = order and last.get(key, (part, -1))[0] == part and last.get(key, (part, -1))[1] < number
        last[key] = part, number
    point(p.returncode == 0 and sorted(m[3] for m in got) == sorted(rows), "emit: %d records once each, the broker killed in their middle" % len(rows),
          (p.returncode, len(got), err))
    point(order and all(m[2] == json.loads(m[3])["k"].encode() for m in got), "each key in one partition, in its order")
    c.producer.close()
    d = Case(b, "small")
    d.producer.send("small", 0, b"{}", b"-")
    d.producer.flush()
    d.producer.close()
    b.configure("small", "cleanup.policy=compact,max.message.bytes=8000")
    rows = [b'{"n":%d,"k":%s,"pad":"%s"}' % (i, b"null" if i % 1000 == 500 else b'"k%d"' % i, os.urandom(11000 if i % 1000 == 700 else 30).hex().encode())
            for i in range(4000)]
    d.call("sh", "-c", "cat > in && exec %s/emit -b %s -t small -k k --reject bad in" % (BIN, b.address), lines=b"".join(x + b"\n" for x in rows))
    got, bad = [m[3] for m in read("small") if m[3] != b"{}"], [json.loads(x) for x in open(d.dir + "/bad")]
    point(sorted(got + [x["raw"].encode() for x in bad]) == sorted(rows), "a compacted topic of small records: each is there or rejected", (len(got), len(bad)))
    alone = {x["line"] - 1 for x in bad if "newer" not in x["reason"]}
    point(alone == {i for i in range(4000) if i % 1000 in (500, 700)}, "rejected alone: those without a key, and the large ones", (sorted(alone)[:9], len(bad)))
    were = {t: len(read(t)) for t in ("small", "emitted")}
    with open(d.dir + "/r", "w") as f:
        f.write("by t\ns small key=k\ne emitted key=k\n")
    rows = [b'{"n":%d,"t":"%s","k":"r%d","pad":"%s"}' % (i, b"se"[i % 2:i % 2 + 1], i, os.urandom(11000 if i % 100 in (70, 71) else 30).hex().encode()) for i in range(4000)]
    d.call("sh", "-c", "cat > in && exec %s/emit -b %s --route r --reject bad2 in" % (BIN, b.address), lines=b"".join(x + b"\n" for x in rows))
    new = {t: sorted(m[3] for m in read(t) if b'"k":"r' in m[3]) for t in were}
    bad = [json.loads(x)["line"] - 1 for x in open(d.dir + "/bad2")]
    point(new["emitted"] == sorted(rows[1::2]), "--route: what one topic does not take another does: all of it is there", (len(new["emitted"]), were))
    point(new["small"] == sorted(x for i, x in enumerate(rows) if i % 2 == 0 and i % 100 != 70) and sorted(bad) == [i for i in range(4000) if i % 100 == 70],
          "and only what is too large for its own is rejected", (len(new["small"]), bad[:5]))


def said_by(c, name="err"):
    return jars.text(os.path.join(c.dir, name))


def property_file(c, text):
    path = c.dir + "/g.conf"
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def fences_of(c):
    """The numbers of the fences in the log."""
    d = c.dir + "/wh/main/ods/o/_log/"
    return [r["n"] for r in (json.load(open(d + name)) for name in c.log()) if r["kind"] == "fence"]


def member(c, name, group, *more, before=()):
    """A member of a group whose messages go to a file."""
    with open(os.path.join(c.dir, name), "wb") as e:
        return begin([*before, *c.args("-G", group, *more)], cwd=c.dir, env=c.env, stdin=subprocess.DEVNULL, stderr=e)


def fed(c, count=100):
    """Messages until it is told to stop; the thread and the event."""
    stop = threading.Event()

    def feed():
        while not stop.is_set():
            c.send(count)
            time.sleep(0.02)
    t = threading.Thread(target=feed)
    t.start()
    return stop, t


def slow_commit(b):
    """A commit that takes longer than the group waits for its member: alone, its commit counts; where another was given its partitions, not."""
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("# strace cannot be used here")
        return
    # the second link is the first commit of data, the first is the fence's; an fsync before it is of its files
    for name, call, when, others in (("slow-link", "linkat", 2, 0), ("slow-sync", "fsync", 4, 0), ("slow-shared", "linkat", 2, 1)):
        c = Case(b, name)
        conf = property_file(c, "session.timeout.ms=1500\nheartbeat.interval.ms=200\nmax.poll.interval.ms=3000\n")
        options = ("--properties", conf, "--every", "200ms", "--compact", "0")
        c.send(200)
        c.run("--until", "end")
        stop, t, at = *fed(c), len(fences_of(c))
        delay = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:delay_enter=8000000:when=%d" % (call, when)]
        members = [member(c, "err1", name, *options) for _ in range(others)]
        try:
            wait(lambda c=c, at=at, others=others: len(fences_of(c)) >= at + others)
            members.append(member(c, "err", name, *options, before=delay))
            wait(lambda c=c: "a commit took too long" in said_by(c))
            # both came, the other has taken over, and the slow one has joined again; alone, nobody came since its fence
            wait(lambda c=c, at=at, others=others: len(fences_of(c)) >= at + 1 + 3 * others)
            n = len(c.log())
            wait(lambda c=c, n=n: len(c.log()) > n + 3)
        finally:
            stop.set()
            t.join()
            for p in members:
                p.send_signal(signal.SIGTERM)
            codes = [p.wait(60) for p in members]
        lines, too_long = said_by(c).splitlines(), "ingest: group %s: a commit took too long: others have our partitions" % name
        told = [x for x in lines if "another writer of ods.o has taken over: what was read since its last commit is left to it" in x or
                x == "ingest: ods.o: another writer has taken over this source"]
        point(not any(codes) and lines.count(too_long) >= 1 and {x for x in lines if x not in told} == {too_long} and bool(told) == bool(others) and
              set(said_by(c, "err1").splitlines()) <= {too_long, *told},
              "%s: a commit longer than max.poll.interval.ms%s: it is said, and it joins again" % (name, ", beside another member" if others else ""),
              (codes, lines, said_by(c, "err1")))
        c.run("--until", "end")
        c.same("nothing lost, nothing doubled")
        c.producer.close()


def taken_between(b):
    """Others are given a member's partitions between its fence and the commit that settles where `end` is: alone it would settle, here it has nothing to."""
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("# strace cannot be used here")
        return
    c = Case(b, "between")
    conf = property_file(c, "session.timeout.ms=1500\nheartbeat.interval.ms=200\nmax.poll.interval.ms=3000\n")
    options = ("--properties", conf, "--every", "200ms", "--compact", "0", "--from", "end")
    c.send(3000)
    c.call(BIN + "/wh-table", "ods.o", "-", lines=b"kind append\n")
    first, members = c.count, []
    try:
        # the first link is its fence's
        members.append(member(c, "err", "between", *options, before=["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat",
                                                                     "-e", "inject=linkat:delay_enter=20000000:when=2"]))
        wait(lambda: len(fences_of(c)) == 1)
        commits = len(c.log())
        members.append(member(c, "err1", "between", *options))
        wait(lambda: len(c.log()) >= commits + 2)       # its fence, and where the end is
        settled = said_by(c) == "" and len(fences_of(c)) == 2
        stop, t = fed(c)
        try:
            wait(lambda: "another writer of ods.o has taken over" in said_by(c))
            wait(lambda: len(fences_of(c)) >= 3)        # it has some of them again
            n = len(c.log())
            wait(lambda: len(c.log()) > n + 3)
        finally:
            stop.set()
            t.join()
        for p in members:
            p.send_signal(signal.SIGTERM)
        codes = [p.wait(60) for p in members]
    finally:
        for p in members:
            p.kill()
            p.wait()
    lines, too_long = said_by(c).splitlines(), "ingest: group between: a commit took too long: others have our partitions"
    left = ["ingest: between/%d: another writer of ods.o has taken over: what was read since its last commit is left to it" % i for i in range(3)]
    point(settled and not any(codes) and lines[:3] == left and set(lines[3:]) <= {too_long, *left},
          "others have a member's partitions before it has settled where the end is: it leaves them, and joins again", (settled, codes, lines, said_by(c, "err1")))
    c.run("--until", "end")
    c.same("what came behind that end is there, once", keep=lambda p, o, v: json.loads(v)["n"] >= first)
    c.producer.close()


def put_to_sleep(c, p):
    """SIGSTOP, but not while it has the lock of a day's view: for that all others wait, 5 s a day and commit, and its session would be over."""
    while True:
        p.send_signal(signal.SIGSTOP)
        wait(lambda: jars.text("/proc/%d/stat" % p.pid).rsplit(")", 1)[1].split()[0] == "T")
        pool = c.dir + "/wh/main/ods/o/.pool/"
        views = {str(os.stat(pool + d + "/.lock").st_ino) for d in os.listdir(pool) if os.path.exists(pool + d + "/.lock")}
        held = {x.split()[5].rsplit(":", 1)[1] for x in jars.text("/proc/locks").splitlines() if x.split()[1] == "FLOCK" and x.split()[4] == str(p.pid)}
        if not views & held:
            return
        p.send_signal(signal.SIGCONT)
        time.sleep(0.01)


def outsider(b):
    """A run without the group takes the table over while a member sleeps: the group does not know, so it is for the member to say."""
    held = lambda c: sum(1 for _ in c.call(BIN + "/wh-cat", "ods.o").splitlines())
    sent = lambda c: sum(1 for *_, v in c.producer.sent if v)
    pool = lambda c: sum(len(f) for _, _, f in os.walk(c.dir + "/wh/main/ods/o/.pool"))

    def begun(name, *more, session=30000, **how):
        """A table, and a member that has taken it over."""
        c = Case(b, name)
        c.send(3000)
        c.run("--until", "end")
        conf = property_file(c, "session.timeout.ms=%d\nheartbeat.interval.ms=300\n" % session)
        if more:
            c.send(3000)        # for who reads to an end
        at, c.pooled = len(fences_of(c)), pool(c)
        p = member(c, "err", name, "--properties", conf, "--every", "100ms", *more, **how)
        wait(lambda: len(fences_of(c)) > at)
        return c, p

    def asleep_meanwhile(c, p, seconds=0):
        c.send(300)
        wait(lambda: held(c) >= sent(c))
        put_to_sleep(c, p)
        c.send(1000)
        c.run("--until", "end")
        c.last = c.count
        time.sleep(seconds)
        c.send(1000)
        p.send_signal(signal.SIGCONT)
    members = []
    try:
        for name, session in (("outside", 30000), ("outside-back", 1500)):
            c, p = begun(name, session=session)
            members.append((c, p))
            asleep_meanwhile(c, p, 3 if session < 3000 else 0)
        c, p = members.pop()
        # whose session ended joins again, which is a takeover of its own
        wait(lambda: held(c) >= sent(c))
        p.send_signal(signal.SIGTERM)
        code, lines = p.wait(60), said_by(c).splitlines()
        left = lambda name: ["ingest: %s/%d: another writer of ods.o has taken over: what was read since its last commit is left to it" % (name, i) for i in range(3)]
        point(code == 0 and set(lines) <= set(left("outside-back")) and len(lines) == len(set(lines)),
              "asleep past its session while another run read all: it joins the group again and goes on", (code, lines))
        c.same("every offset once, by whom ever")
        c.producer.close()
        if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode == 0:
            # its first commit, behind that of its fence, is held until the other has read all, and more: only so far it is a replay
            c, p = begun("outside-end", "--until", "end", before=["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=linkat",
                                                                 "-e", "inject=linkat:delay_enter=20000000:when=2"])
            members.append((c, p))
            wait(lambda: pool(c) > c.pooled)
            time.sleep(0.5)
            c.send(1000)
            c.run("--until", "end")
            c.last = c.count
        yield
        for c, p in members:
            code, lines, t = p.wait(150), said_by(c).splitlines(), c.topic
            whole = ["ingest: ods.o: another writer has taken over this source"] if t == "outside-end" else []
            point(code == 75 and lines[:len(whole)] == whole and sorted(lines[len(whole):-1]) == left(t) and
                  re.fullmatch("ingest: %s/0: another writer of ods.o has taken over, and group %s does not know" % (t, t), lines[-1]) is not None,
                  "%s: another run has the table, and the group does not know: after a minute 75" % t, (code, lines))
            c.same("nothing of the member got in behind it", keep=lambda pt, o, v, c=c: json.loads(v)["n"] < c.last)
            c.run("--until", "end")
            c.same("and who comes next reads the rest: every offset once")
            c.producer.close()
    finally:
        for _, p in members:
            p.kill()
            p.wait()


def eager_end(b):
    """Members of the older kind in the group of who reads to an end: let in, it ends well; not let in for two minutes, with 75."""
    def outside(name):
        c = Case(b, name)
        c.send(3000)
        c.run("--until", "end")
        old = librdkafka.Member(b.address, name, name, partition_assignment_strategy="range", session_timeout_ms="6000")
        wait(lambda: old.held() == 3)
        c.send(3000)
        p = member(c, "err", name, "--until", "end", "--every", "100ms")
        wait(lambda: old.held() >= 0 and "lets nobody else in" in said_by(c))
        return c, old, p, len(c.log())
    running, there = [], None
    try:
        d, there, q, commits = outside("eager-stays")
        running.append(q)
        c, old, p, before = outside("eager-goes")
        running.append(p)
        held = old.held(), len(c.log())
        old.close()
        code, lines = p.wait(90), said_by(c).splitlines()
        point(held == (3, before) and code == 0 and len(lines) == 2 and lines[1] == "ingest: group eager-goes: it has let us in",
              "--until end behind members of another kind: nothing is read while they are there; then all of it, and 0", (held, before, code, lines))
        c.same("and every offset is there once")
        c.producer.close()
        yield
        while q.poll() is None and there.held() >= 0:
            pass
        lines = said_by(d).splitlines()
        point(q.wait(1) == 75 and len(lines) == 2 and "lets nobody else in until they are gone: waiting" in lines[0] and
              lines[1] == "ingest: group eager-stays: it does not let us in" and len(d.log()) == commits, "while they stay: after two minutes 75, and no commit", lines)
        d.run("--until", "end")
        d.same("a run without the group reads it")
        d.producer.close()
    finally:
        for x in running:
            x.kill()
            x.wait()
        if there is not None:
            there.close()


def main():
    for tool in ("java", "mvn", "openssl"):
        if not shutil.which(tool):
            point(False, "%s is there" % tool, "make check-real installs it")
    if not failures():
        with tempfile.TemporaryDirectory(prefix="kafka.") as d:
            b = Broker(d)
            try:
                b.start()
                later = []
                for f in (whole, transactions, times, killed, zombie, group, group_slow, asleep, eager, grown, flood, gone, secure, emitted, job_emitted, routed, job_routed,
                          outsider, eager_end, slow_commit, taken_between):
                    if len(sys.argv) > 1 and not re.search(sys.argv[1], f.__name__):
                        continue
                    try:
                        rest = f(b)
                        if rest is not None:    # it waits for minutes: its end is looked at when the others are through
                            next(rest)
                            later.append((f, rest))
                            RUNNING.clear()
                    except Exception as e:      # a case that cannot go on has failed; the others run
                        point(False, f.__name__, e if isinstance(e, AssertionError) else traceback.format_exc())
                    end_all()
                for f, rest in later:
                    try:
                        next(rest, None)
                    except Exception as e:
                        point(False, f.__name__, e if isinstance(e, AssertionError) else traceback.format_exc())
            finally:
                end_all()
                b.stop()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
