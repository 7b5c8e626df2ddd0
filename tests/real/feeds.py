#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""feeds - real Maxwell, Debezium and Canal on one workload: each feed, through a real Kafka, merged, is the database, at three moments and at the end; TAP

    BIN=build/bin O=build python3 tests/real/feeds.py [SEED [TRANSACTIONS]]

Two connections write to five tables of one MariaDB (inserts, updates, key changes, deletes, statements over many rows, rollbacks, DDL of these and of
others) while three programs read its binlog; Debezium twice, with its schemas and without, and once killed in the middle.  What they tell goes to a
topic each, with the keys and null values it has, and from there `ingest --meta | cdc-norm --meta | cdc-merge`.
"""
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import jars  # noqa: E402
import maxwell as mx  # noqa: E402
from tap import failures, finish, point  # noqa: E402

spec = importlib.util.spec_from_file_location("real_kafka", os.path.join(jars.TOP, "tests/real/kafka.py"))
broker_module = importlib.util.module_from_spec(spec)
argv, sys.argv = sys.argv, sys.argv[:1]
spec.loader.exec_module(broker_module)
sys.argv = argv
HERE = os.path.dirname(os.path.abspath(__file__))


class Reader:
    """A program that tells the binlog's changes on its standard output."""

    def __init__(self, d, name, classpath, ready, args, options=()):
        self.d, self.name, self.classpath, self.ready, self.args, self.options = d, name, classpath, ready, args, options
        self.feed, self.log, self.process, self.starts = os.path.join(d, name + ".ndjson"), os.path.join(d, name + ".log"), None, 0

    def start(self):
        with open(self.feed, "ab") as out:
            self.process = jars.java(self.classpath, *self.args, cwd=self.d, log=self.log, out=out, heap="320m", options=self.options)
        self.starts += 1

    def wait_ready(self):
        self.wait(lambda: jars.text(self.log).count(self.ready) >= self.starts)

    def wait(self, cond, seconds=180):
        end = time.monotonic() + seconds
        while not cond():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(self.name + " does not go on:\n" + jars.text(self.log)[-1500:])
            time.sleep(0.1)

    def tells(self, *words):
        with open(self.feed, "rb") as f:
            return any(all(w in line for w in words) for line in f)

    def kill(self, sig=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def readers(db, d):
    dbz, canal = jars.fetch("debezium"), jars.fetch("canal")
    mx.stub(d + "/stub")
    port = str(db.port)
    maxwell = d + "/stub:" + jars.fetch("maxwell")
    info = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=info"]
    for name in ("plain-dbz", "schema-dbz"):
        os.mkdir(os.path.join(d, name))
    cdc = os.path.join(HERE, "debezium/Cdc.java")
    return [
        Reader(d, "maxwell", maxwell, "Binlog connected", mx.arguments(db.port)),
        Reader(d, "debezium", dbz, "Connected to", [cdc, port, d + "/plain-dbz", "5400", "decimal.handling.mode=string", "converter.schemas.enable=false"], info),
        Reader(d, "debezium-schema", dbz, "Connected to", [cdc, port, d + "/schema-dbz", "5401", "decimal.handling.mode=precise",
                                                             "bigint.unsigned.handling.mode=precise", "converter.schemas.enable=true"], info),
        Reader(d, "canal", canal, "find start position succ", [os.path.join(HERE, "canal/CanalOut.java"), port],
               ["--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.net=ALL-UNNAMED",
                "-Dlogback.configurationFile=" + os.path.join(HERE, "canal/logback.xml")]),
    ]


def noise(db):
    """Statements that end in no row of the tables compared.  Canal asks for a table when it reads of it, so it gets the time."""
    for sql in ("create table junk(a int, b varchar(10))", "insert into junk values(1,'x'),(1,'x'),(null,null)", "update junk set b='y' where a=1",
                "delete from junk", "alter table junk add column c decimal(10,2) default 1.5", "insert into junk(a) values(7)", "truncate table junk",
                "rename table junk to rubbish", "drop table rubbish"):
        db.run(sql)
        time.sleep(0.5)


def publish(broker, r):
    """Its lines to a topic of its own, as the program itself would: Debezium's keys are the records' keys. How many, and how many torn."""
    p = broker_module.Producer(broker.address, compression_codec="zstd")
    count = torn = 0
    with open(r.feed, "rb") as f:
        for line in f:
            key, value = None, line.rstrip(b"\n")
            try:
                got = json.loads(line)
            except ValueError:
                torn += 1
                continue
            if r.name.startswith("debezium"):
                key = json.dumps(got["key"]).encode() if got["key"] is not None else None
                # the value's own bytes, not Python's idea of its numbers
                value = None if got["value"] is None else line[line.index(b',"value":') + 9:-2] if got["key"] is None else \
                    line.rstrip(b"\n")[line.index(b',"value":', line.index(b',"key":')) + 9:-1]
            p.send(r.name, 0, value, key)
            count += 1
    p.flush()
    p.close()
    return count, torn


def compare(db, d, broker, r, killed, moments):
    env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
    env.update(PIPEHOUSE_ROOT=d + "/wh", PATH=mx.BIN + ":" + env["PATH"], LC_ALL="C")

    def sh(text, status=0):
        p = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=env, cwd=d, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        if p.returncode != status:
            raise RuntimeError("%s: %d %s" % (text, p.returncode, p.stderr.decode()))
        return p.stdout, p.stderr.decode()
    count, torn = publish(broker, r)
    point(count > mx.TRANSACTIONS and torn <= killed, "%s told %d messages" % (r.name, count), "%d torn" % torn)
    norm = r.name + ".norm"
    _, err = sh("ingest -b %s -t %s --meta k --until end --stats %s.stats | cdc-norm --meta k --types types %s >%s" %
                (broker.address, r.name, r.name, "--decimals string" if r.name == "debezium" else "", norm))
    point(err == "", r.name + ": normalised whole, and nothing to say", err)
    if r.name.startswith("debezium"):
        with open(os.path.join(d, r.name + ".stats")) as f:
            stats = json.loads(f.readlines()[-1])
        point(stats["nulls"] > 0, "%s: %d tombstones are counted and dropped" % (r.name, stats["nulls"]), stats)
    whole = sh("cat " + norm)[0].splitlines(True)
    cuts = [first(whole, k) for k in range(len(moments))] + [len(whole)]
    point(all(a < b for a, b in zip([0] + cuts, cuts)), "%s: %d moments within %d changes" % (r.name, len(moments), len(whole)), cuts)
    for k, at in enumerate(cuts):
        part = whole[:at]
        mixed = part + part[:at // 2]
        random.Random(mx.SEED).shuffle(mixed)
        for name, lines in (("part", part), ("mixed", mixed)):
            with open(os.path.join(d, name), "wb") as f:
                f.writelines(lines)
        for table in mx.TABLES:
            want, when = (moments[k][table], "moment %d" % (k + 1)) if k < len(moments) else (db.table(table), "the end")
            merged, err = sh("cdc-merge --table shop.%s part" % table)
            why = mx.differ(table, merged, want) or err
            point(not why and want, "%s, %s: %s, %d rows, exactly the database's" % (r.name, when, table, len(want)), why)
            again, err = sh("cdc-merge --table shop.%s mixed" % table)
            point(again == merged and not err, "%s, %s: %s, the same bytes told twice and in no order" % (r.name, when, table), err)


def first(lines, k):
    """Where the row that marks moment k is told, the first time."""
    return next(i for i, x in enumerate(lines) if b'"table":"done"' in x and b'"row":{"id":%d}' % k in x)


def kill_between_saves(r, offsets):
    """Kill it where it can go on: without a saved place in the binlog, or with half a file of it, for that is rewritten in place,
    Debezium takes a new snapshot, which tells no delete."""
    def saved():
        if not os.path.exists(offsets) or time.time() - os.stat(offsets).st_mtime < 0.3:
            return False
        with open(offsets, "rb") as f:
            place = f.read()
        return b'"pos":' in place and b"snapshot" not in place
    end = time.monotonic() + 120
    while True:
        r.process.send_signal(signal.SIGSTOP)
        if saved():
            break
        r.process.send_signal(signal.SIGCONT)
        if time.monotonic() > end:
            raise RuntimeError(r.name + " saves no place")
        time.sleep(0.05)
    r.kill()


def work(d):
    db = mx.Database(d + "/db")
    os.mkdir(d + "/broker")
    broker = broker_module.Broker(d + "/broker")
    all_ = readers(db, d)
    try:
        db.run("create user maxwell@'127.0.0.1' identified by 'mx'; grant all on *.* to maxwell@'127.0.0.1'; create database shop", "mysql")
        for r in all_:
            r.start()
        for r in all_:
            r.wait_ready()
        # made before their eyes: of tables it finds Maxwell does not learn how many digits their times have
        for name in mx.TABLES:
            db.run(mx.TABLES[name][1])
        db.run("create table done(id int primary key)")
        time.sleep(2)
        moments, tables = [], list(mx.TABLES)

        def moment():
            """Nobody writes: what is there, and a row that says in every feed where this is."""
            db.run("insert into done values(%d)" % len(moments))
            moments.append({table: db.table(table) for table in tables})
        mx.write(db, "%d first" % mx.SEED, mx.TRANSACTIONS // 2, tables)
        moment()
        noise(db)
        # Canal reads the table's form from the server when it meets its rows: those before must be behind it
        all_[3].wait(lambda: all_[3].tells(b'"done"', b'"id":"0"'))
        db.run("alter table acct add column z int")
        time.sleep(1)
        mx.COLUMNS["acct"].append("z")
        mx.LATER.add("z")
        mx.write(db, "%d second" % mx.SEED, mx.TRANSACTIONS // 2, tables)
        moment()
        # one is killed while it has work, so that it tells a part again
        killed = all_[1]
        background = threading.Thread(target=mx.write, args=(db, "%d third" % mx.SEED, mx.TRANSACTIONS // 2, tables))
        background.start()
        size = os.path.getsize(killed.feed)
        while background.is_alive() and os.path.getsize(killed.feed) < size + 20000:
            time.sleep(0.02)
        kill_between_saves(killed, d + "/plain-dbz/offsets")
        background.join()
        killed.start()
        killed.wait_ready()
        moment()
        mx.write(db, "%d last" % mx.SEED, mx.TRANSACTIONS // 2, tables)
        point(db.statements >= 5000 or mx.TRANSACTIONS < 600, "%d statements on %d tables" % (db.statements, len(tables)))
        db.run("insert into done values(4711)")
        for r in all_:
            r.wait(lambda: r.tells(b'"done"', b"4711"))
            r.kill(signal.SIGTERM)
        with open(killed.feed) as f:
            point(sum('"snapshot":"last"' in line for line in f) == 1, "Debezium, killed and started again, went on where it was")
        mx.types(db, d + "/types")
        broker.start()
        for r in all_:
            try:
                compare(db, d, broker, r, 1 if r is killed else 0, moments)
            except Exception as e:      # one that cannot go on has failed; the others are compared
                point(False, r.name, e)
    finally:
        for r in all_:
            r.kill()
        broker.stop()
        db.sh("stop")


def main():
    for tool in ("java", "javac", "mvn", "mariadbd", "openssl"):
        if not shutil.which(tool):
            point(False, "%s is there" % tool, "make check-real installs it")
    if not failures():
        with tempfile.TemporaryDirectory(prefix="feeds.") as d:
            work(d)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
