#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""maxwell - a real Maxwell on a real MariaDB: its feed, merged, is exactly what the database holds at the end; TAP

    BIN=build/bin O=build python3 tests/real/maxwell.py [SEED [TRANSACTIONS]]

Two connections write at once: inserts, updates, deletes, key changes, whole statements over many rows, rollbacks.  Maxwell is
killed in the middle and started again, so it tells some changes twice; one table is bootstrapped while it is written to.  The
programs come from their registry by maven; everything else lives in a temporary directory and is ended by its pid.
"""
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import jars  # noqa: E402
from tap import failures, finish, point  # noqa: E402

TOP = jars.TOP
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 1
TRANSACTIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 600

TABLES = {
    "plain": (["id"], """create table plain(id bigint unsigned not null primary key, a int, m decimal(20,6) not null, x double, s varchar(60),
        e enum('new','paid','gone') not null default 'new', t set('a','b','c'), b bit(10), r varbinary(20), body text, d date, d6 datetime(6),
        ts timestamp null, o time(3), y year)"""),
    "pair": (["k", "i"], "create table pair(i int not null, v int, k varchar(20) collate utf8mb4_bin not null, m decimal(12,2), primary key(k,i))"),
    "boot": (["id"], "create table boot(id int not null primary key, v int, s varchar(30), m decimal(10,3), d date)"),
    "acct": (["id"], "create table acct(id bigint not null primary key, v int, m decimal(18,4) not null, s varchar(30), ts timestamp null)"),
    "wide": (["id"], """create table wide(id int unsigned not null primary key, v int, e enum('new','paid','gone') not null default 'new', b bit(10),
        x double, d6 datetime(6), o time(3), body text, t set('a','b','c'))"""),
}
SELECT = {"b": "b+0", "r": "to_base64(r)"}
FLOATS = {"x"}
NUMBERS = {"id", "i", "a", "v", "m", "b", "y", "z"} | FLOATS
LATER = set()       # columns that came while rows stood: those that nobody touched since do not tell them


def stub(directory):
    """Maxwell 1.22 asks `instanceof` of a class of Nashorn, which Java 17 has not: an empty class of that name does."""
    name = "jdk/nashorn/api/scripting/ScriptObjectMirror"
    utf8 = lambda s: b"\1" + struct.pack(">H", len(s)) + s.encode()
    pool = utf8(name) + b"\7\0\1" + utf8("java/lang/Object") + b"\7\0\3"
    data = b"\xca\xfe\xba\xbe" + struct.pack(">HHH", 0, 52, 5) + pool + struct.pack(">HHHHHHH", 0x21, 2, 4, 0, 0, 0, 0)
    path = os.path.join(directory, name + ".class")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


class Database:
    def __init__(self, directory):
        self.port = jars.free_port()
        self.dir = directory
        self.statements = 0
        # --old-mode=: utf8 means utf8mb4, the only one of the two that Maxwell knows
        self.sh("start", "--skip-networking=0", "--bind-address=127.0.0.1", "--port=%d" % self.port, "--server-id=1", "--log-bin=bin",
                "--binlog-format=ROW", "--binlog-row-image=FULL", "--binlog-row-metadata=NO_LOG", "--binlog-annotate-row-events=OFF",
                "--old-mode=", "--innodb-lock-wait-timeout=5")

    def sh(self, what, *options):
        subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), what, self.dir] + list(options), check=True, stdout=sys.stderr, timeout=300)

    def run(self, sql, database="shop", force=False):
        p = subprocess.run(["mariadb", "--defaults-file=" + self.dir + "/client.cnf", "-B", "--default-character-set=utf8mb4"] +
                           (["--force"] if force else []) + [database], input=sql.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        if p.returncode and not force:
            raise RuntimeError(p.stderr.decode())
        return p.stdout.decode()

    def table(self, name):
        """The rows as the client prints them: {column: text or None}."""
        columns = self.run("select column_name from information_schema.columns where table_schema='shop' and table_name='%s' "
                           "order by ordinal_position" % name).split()[1:]
        out = self.run("set time_zone='+00:00'; select %s from %s" % (",".join("%s as %s" % (SELECT.get(c, c), c) for c in columns), name))
        back = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}

        def plain(s):
            if s == "NULL":
                return None
            o, i = "", 0
            while i < len(s):
                o += back.get(s[i + 1], s[i + 1]) if s[i] == "\\" else s[i]
                i += 2 if s[i] == "\\" else 1
            return o
        return [dict(zip(columns, map(plain, r.split("\t")))) for r in out.split("\n")[1:-1]]


def arguments(port):
    return ["com.zendesk.maxwell.Maxwell", "--host=127.0.0.1", "--port=%d" % port, "--user=maxwell", "--password=mx", "--producer=stdout",
            "--output_binlog_position=true", "--output_xoffset=true", "--output_primary_keys=true", "--output_primary_key_columns=true",
            "--output_ddl=true"]


class Maxwell:
    def __init__(self, db, directory):
        self.db, self.dir, self.process = db, directory, None
        self.feed = os.path.join(directory, "feed.ndjson")

    def start(self):
        with open(self.feed, "ab") as out:
            self.process = jars.java(self.dir + "/stub:" + jars.fetch("maxwell"), *arguments(self.db.port), cwd=self.dir,
                                     log=self.dir + "/maxwell.log", out=out, heap="256m")
        self.wait_log("Binlog connected", 120)

    def log(self):
        return jars.text(self.dir + "/maxwell.log")

    def wait_log(self, text, limit):
        seen = getattr(self, "connects", 0)
        end = time.monotonic() + limit
        while self.log().count(text) <= seen:
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("Maxwell does not start:\n" + self.log()[-2000:])
            time.sleep(0.1)
        self.connects = seen + 1

    def wait_feed(self, text, limit=120):
        end = time.monotonic() + limit
        while True:
            with open(self.feed, "rb") as f:
                if text.encode() in f.read():
                    return
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("Maxwell does not tell " + text + ":\n" + self.log()[-2000:])
            time.sleep(0.2)

    def kill(self, sig=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            self.process.wait(60)


def value(r, c):
    """A random SQL literal for a column."""
    if c not in ("m", "id", "i", "k", "e") and r.random() < 0.15:
        return "null"
    text = lambda: "'" + "".join(r.choice(["a", "Z", "é", "中", "😀", "''", '"', "\\\\", "\\n", "\\t", " "]) for _ in range(r.randint(0, 8))) + "'"
    return {"a": lambda: str(r.randint(-2**31, 2**31 - 1)), "v": lambda: str(r.randint(-9, 9)), "z": lambda: str(r.randint(0, 99)),
            "x": lambda: repr(r.choice([0.1, -1.5, 1e300, 3.25e-7, r.random()])),
            "m": lambda: "%d.%02d" % (r.randint(-10**6, 10**6), r.randint(0, 99)), "s": text, "body": text,
            "e": lambda: r.choice(["'new'", "'paid'", "'gone'"]), "t": lambda: r.choice(["''", "'a'", "'a,c'", "'a,b,c'"]),
            "b": lambda: str(r.randint(0, 1023)), "r": lambda: "x'%s'" % r.choice(["", "00", "ff00fe", "0a0d22"]),
            "d": lambda: "'%04d-%02d-%02d'" % (r.randint(1000, 9999), r.randint(1, 12), r.randint(1, 28)),
            "d6": lambda: "'2024-%02d-%02d %02d:%02d:%02d.%06d'" % (r.randint(1, 12), r.randint(1, 28), r.randint(0, 23), r.randint(0, 59), r.randint(0, 59), r.randint(0, 999999)),
            "ts": lambda: "'2026-%02d-%02d %02d:00:01'" % (r.randint(1, 12), r.randint(1, 28), r.randint(0, 23)),
            "o": lambda: "'%02d:%02d:%02d.%03d'" % (r.randint(0, 23), r.randint(0, 59), r.randint(0, 59), r.randint(0, 999)), "y": lambda: str(r.randint(1970, 2100))}[c]()


COLUMNS = {"plain": ["a", "m", "x", "s", "e", "t", "b", "r", "body", "d", "d6", "ts", "o", "y"], "pair": ["v", "m"], "boot": ["v", "s", "m", "d"],
           "acct": ["v", "m", "s", "ts"], "wide": ["v", "e", "b", "x", "d6", "o", "body", "t"]}


def key(r, table):
    if table == "pair":
        return {"k": "'%s'" % r.choice(["a", "A", "b 1", "é", '"q"']), "i": str(r.randint(1, 6))}
    big = [18446744073709551615 - i for i in range(5)] if table == "plain" else []
    return {"id": str(r.choice(list(range(1, 40)) + big))}


def statement(r, table):
    where = lambda k: " and ".join("%s=%s" % x for x in k.items())
    some = r.sample(COLUMNS[table], r.randint(1, len(COLUMNS[table])))
    what = r.random()
    if what < 0.4:
        rows = []
        for _ in range(r.choice((1, 1, 2, 5))):
            rows.append("(%s)" % ",".join(list(key(r, table).values()) + [value(r, c) for c in COLUMNS[table]]))
        names = ",".join(list(key(r, table)) + COLUMNS[table])
        return "insert ignore into %s(%s) values%s" % (table, names, ",".join(rows)) if r.random() < 0.7 else \
            "replace into %s(%s) values%s" % (table, names, rows[0])
    if what < 0.6:
        return "update %s set %s where %s" % (table, ",".join("%s=%s" % (c, value(r, c)) for c in some), where(key(r, table)))
    if what < 0.72:     # a key change; ignored where the new key is taken
        return "update ignore %s set %s where %s" % (table, ",".join("%s=%s" % x for x in key(r, table).items()), where(key(r, table)))
    if what < 0.8 and table != "plain":     # keys move along, many rows in one event
        c = "i" if table == "pair" else "id"
        return "update %s set %s=%s+1 where %s<30 order by %s desc" % (table, c, c, c, c) if r.random() < 0.3 else \
            "update %s set v=coalesce(v,0)+1" % table
    return "delete from %s where %s" % (table, where(key(r, table)))


def writer(db, seed, count, tables):
    """One connection: its statements go through one client; deadlocks and lock waits undo a transaction, no more."""
    r = random.Random(seed)
    sql = []
    for _ in range(count):
        table = r.choice(tables)
        if r.random() < 0.5:
            sql.append(statement(r, table) + ";")
            continue
        body = ";".join(statement(r, r.choice(tables)) for _ in range(r.randint(2, 6)))
        sql.append("begin;%s;%s;" % (body, "commit" if r.random() < 0.85 else "rollback"))
    db.statements += sum(x.count(";") for x in sql)
    db.run("set sql_mode='STRICT_ALL_TABLES';\n" + "\n".join(sql), force=True)


def write(db, seed, count, tables):
    both = [threading.Thread(target=writer, args=(db, "%s %d" % (seed, i), count, tables)) for i in range(2)]
    for t in both:
        t.start()
    for t in both:
        t.join()


def call(tool, *args, data=None):
    p = subprocess.run([os.path.join(BIN, tool)] + list(args), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    if p.returncode:
        raise RuntimeError("%s %s: %d %s" % (tool, args, p.returncode, p.stderr.decode()))
    return p.stdout, p.stderr.decode()


def parse(line):
    return json.loads(line, parse_float=lambda s: ("number", s), parse_int=lambda s: ("number", s))


def differ(table, merged, want):
    """The first difference between cdc-merge's rows and the database's; texts must be equal, numbers to the digit."""
    keys = TABLES[table][0]
    got = {tuple(r[k][1] if k in NUMBERS else r[k] for k in keys): r for r in map(parse, merged.splitlines())}
    true = {tuple(r[k] for k in keys): r for r in want}
    if set(got) != set(true):
        return "keys: too many %s, missing %s" % (sorted(set(got) - set(true))[:5], sorted(set(true) - set(got))[:5])
    for k, w in true.items():
        for c, v in w.items():
            g = got[k].get(c, None if c in LATER else "absent")
            if c in FLOATS and v is not None and isinstance(g, tuple):
                if float(g[1]) != float(v):
                    return "%s %s: %r, wanted %r" % (k, c, g, v)
            elif g != (("number", v) if c in NUMBERS and v is not None else v):
                return "%s %s: %r, wanted %r" % (k, c, g, v)
        if list(got[k]) != [c for c in w if c in got[k] or c not in LATER]:
            return "%s: columns %s, wanted %s" % (k, list(got[k]), list(w))
    return ""


def types(db, path):
    rows = [r.split("\t") for r in db.run("select table_name,column_name,column_type from information_schema.columns "
                                          "where table_schema='shop'").split("\n")[1:-1]]
    with open(path, "w", encoding="utf-8") as f:
        for table, column, kind in rows:
            order = TABLES.get(table, ([], ""))[0]
            f.write(json.dumps({"db": "shop", "table": table, "column": column, "type": kind,
                                "key": order.index(column) + 1 if column in order else None}) + "\n")


def work(d):
    stub(d + "/stub")
    db = Database(d + "/db")
    mx = Maxwell(db, d)
    try:
        db.run("create user maxwell@'127.0.0.1' identified by 'mx'; grant all on *.* to maxwell@'127.0.0.1'; create database shop", "mysql")
        db.run(TABLES["boot"][1])
        write(db, "%d before" % SEED, 40, ["boot"])            # what no binlog position of the feed tells
        held = len(db.table("boot"))
        mx.start()
        # made before its eyes: of tables it finds it does not learn how many digits their times have
        db.run(";".join(TABLES[x][1] for x in TABLES if x != "boot") + "; create table done(id int primary key)")
        write(db, "%d first" % SEED, TRANSACTIONS // 3, ["plain", "pair", "acct", "wide"])
        # a bootstrap, and changes of the same table while it runs
        background = threading.Thread(target=write, args=(db, "%d during" % SEED, TRANSACTIONS // 3, ["boot", "pair", "plain"]))
        background.start()
        db.run("insert into maxwell.bootstrap(database_name,table_name,client_id) values('shop','boot','maxwell')", "maxwell")
        background.join()
        mx.wait_feed('"bootstrap-complete"')
        # killed while it has work, so that it tells a part again
        background = threading.Thread(target=write, args=(db, "%d last" % SEED, TRANSACTIONS // 3, list(TABLES)))
        size = os.path.getsize(mx.feed)
        background.start()
        while background.is_alive() and os.path.getsize(mx.feed) < size + 50000:
            time.sleep(0.02)
        mx.kill()
        background.join()
        mx.start()
        db.run("insert into done values(1)")
        mx.wait_feed('"table":"done","type":"insert"')
        mx.kill(signal.SIGTERM)
        types(db, d + "/types")
        with open(mx.feed, "rb") as f:
            feed = f.read()
        told = feed.count(b"\n")
        twice = told - len(set(feed.split(b"\n")))
        point(told > TRANSACTIONS, "Maxwell told %d changes, %d of them again after it was killed; %d rows stood before it came" % (told, max(twice, 0), held),
              mx.log()[-1000:])
        norm, err = call("cdc-norm", "--types", d + "/types", "--reject", d + "/torn", mx.feed)
        # the kill may have torn one line
        torn = sum(1 for _ in open(d + "/torn")) if os.path.exists(d + "/torn") else 0
        point(err == "" and torn <= 1, "the feed is normalised whole, but for a line torn by the kill", "%d %s" % (torn, err))
        lines = norm.splitlines(True)
        shuffled = lines + random.Random(SEED).sample(lines, len(lines) // 2)
        random.Random(SEED).shuffle(shuffled)
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400))
        for table in TABLES:
            want = db.table(table)
            merged, err = call("cdc-merge", "--table", "shop." + table, data=norm)
            why = differ(table, merged, want) or err
            point(not why and want, "%s: %d rows, exactly the database's" % (table, len(want)), why)
            again, err = call("cdc-merge", "--table", table, data=b"".join(shuffled))
            point(again == merged and not err, table + ": the same bytes told twice and in no order", err)
            own, err = call("cdc-merge", "-k", ",".join(TABLES[table][0]), "--table", table,
                            data=call("cdc-norm", "--types", d + "/types", "--table", table, mx.feed, "--on-error", "skip")[0])
            point(own == merged and not err, table + ": the same bytes by -k", err)
            zipped, err = call("cdc-merge", "--scd2", "--date", today, "--table", table, data=norm)
            live = b"".join(x.split(b',"start_date"')[0] + b"}\n" for x in zipped.splitlines()
                            if b'"end_date":"9999-12-31"}' in x)
            point(live == merged and not err, table + ": the zipper's open rows are the snapshot", err)
    finally:
        mx.kill()
        db.sh("stop")


def main():
    for tool in ("java", "mvn", "mariadbd"):
        if not shutil.which(tool):
            point(False, "%s is there" % tool, "make check-real installs it")
    if not failures():
        with tempfile.TemporaryDirectory(prefix="maxwell.") as d:
            work(d)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
