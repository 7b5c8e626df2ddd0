#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mysql - mysql-extract and mysql-load against a private MariaDB: values, keys, crashes, cut connections, hostile files; TAP

    BIN=build/bin python3 tests/edge/mysql.py [NAME ...]        NAME: part of a group's function name, `crashes` or `calm`

What is expected comes from MariaDB's own client (HEX() where bytes matter), from Python, or is said by hand.
"""
import base64
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cases  # noqa: E402
from runs import heard, listens  # noqa: E402
from tap import finish, point  # noqa: E402

BIN, TOP, SANITIZED = cases.BIN, cases.TOP, cases.SANITIZED
LIMIT = 120 * (4 if SANITIZED else 1)
HOME = tempfile.mkdtemp(prefix="mysql.")
DB = os.path.join(HOME, "db")
CNF = os.path.join(DB, "client.cnf")
GROUPS = []


def group(f):
    GROUPS.append(f)
    return f


def crashes(f):
    """A group in which somebody dies: a part of its own in tests/PARTS, for it takes its time."""
    f.crashes = True
    return group(f)


def check(held, name, why=""):
    return point(held, name.replace("#", "\\#"), why)


def server(what, *options):
    subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), what, DB] + list(options), check=True, timeout=180)


def sql(text, cnf=CNF):
    """Run statements with the server's own client; rows as lists of strings."""
    p = subprocess.run(["mariadb", "--defaults-file=" + cnf, "--default-character-set=utf8mb4", "--batch", "--raw", "--skip-column-names"],
                       input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    if p.returncode:
        raise RuntimeError(p.stderr.decode("utf-8", "replace") + "\n" + text[:300])
    return [x.split("\t") for x in p.stdout.decode("utf-8", "backslashreplace").split("\n")[:-1]]


def one(text):
    return sql(text)[0][0]


def env(**more):
    e = cases.environment(HOME)
    e.update(more)
    return e


def run(*argv, data=b"", start=False, **more):
    """(status, stdout, stderr); start: the process itself, its input written."""
    argv = [os.path.join(BIN, argv[0])] + [str(a) for a in argv[1:]]
    p = subprocess.Popen(argv, cwd=HOME, env=env(**more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if start:
        return p
    out, err = p.communicate(data if isinstance(data, bytes) else data.encode(), LIMIT)
    return p.returncode, out, err.decode("utf-8", "replace")


def load(table, key, data, *options, cnf=CNF, **more):
    return run("mysql-load", "--defaults-file", cnf, "--table", table, "-k", key, *options, data=data, **more)


def extract(table, *options, cnf=CNF, **more):
    return run("mysql-extract", "--defaults-file", cnf, "--table", table, *options, **more)


def lines(rows):
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows).encode()


def write(name, text, mode=0o600):
    path = os.path.join(HOME, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)
    return path


def rejects(path):
    with open(path) as f:
        return [json.loads(x) for x in f]


# ---- values ----

EVERY_TYPE = r"""
CREATE OR REPLACE DATABASE v; USE v; SET sql_mode='', time_zone='+00:00';
CREATE TABLE `we``ird.t` (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, `a``b` VARCHAR(50), d DECIMAL(16,2), d38 DECIMAL(38,10), d65 DECIMAL(65,30),
 z INT(6) UNSIGNED ZEROFILL, f FLOAT, g DOUBLE, dt DATE, tm DATETIME(6), tm0 DATETIME, ts TIMESTAMP(3) NULL, ti TIME(2), y YEAR,
 e ENUM('a','it''s','b\\c',','), s SET('x','y'), c CHAR(5), b BIT(33), b64 BIT(64), b1 BIT(1), j JSON, vb VARBINARY(20), fb BINARY(3), bl BLOB, t LONGTEXT,
 n8 TINYINT DEFAULT -128, tx TEXT DEFAULT '中😀 ', t1 TINYINT(1), l1 VARCHAR(10) CHARACTER SET latin1, pt POINT, gen BIGINT GENERATED ALWAYS AS (t1 + 1) VIRTUAL) ENGINE=InnoDB;
INSERT INTO `we``ird.t` (id,`a``b`,d,d38,d65,z,f,g,dt,tm,tm0,ts,ti,y,e,s,c,b,b64,b1,j,vb,fb,bl,t,t1,l1,pt) VALUES
(18446744073709551615,'q\'"\\\0`x',19.99,'-1.1000000000','12345678901234567890123456789012345.123456789012345678901234567890',7,0.1,0.1,'2026-11-20',
 '2026-11-20 01:02:03.4','2026-11-20 00:00:00','2026-07-01 00:00:00.5','-838:59:59.9',2026,'it''s','x,y','ab',b'100000000000000000000000000000001',
 0xffffffffffffffff,1,'{"a": 1.10}',x'00ff80',x'010203',x'deadbeef','😀\n\t é',1,'é',POINT(1,2)),
(1,'',1.10,0.0000000001,'-0.000000000000000000000000000001',0,16777216,1e300,'0000-00-00','0000-00-00 00:00:00','0000-00-00 00:00:00','2026-11-01 06:30:00',
 0,0,'b\\c','','',0,0,0,'[1, 2]','','','','',0,'',NULL),
(2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL),
(3,' x ',-0.01,'9999999999999999999999999999.9999999999','99999999999999999999999999999999999.999999999999999999999999999999',999999,-3.4028234e38,
 -2.2250738585072014e-308,'9999-12-31','9999-12-31 23:59:59.999999','1000-01-01 00:00:00','1970-01-01 00:00:01','00:00:00.01',1901,',','y','zz',8589934591,
 1,0,'"s"',REPEAT(x'00',20),x'ff',REPEAT('z',200),REPEAT('中',1000),-128,'ÿ',NULL);
CREATE TABLE copy LIKE `we``ird.t`;
"""


@group
def values():
    sql(EVERY_TYPE)
    columns = [c[0].replace("`", "``") for c in sql("SELECT column_name FROM information_schema.columns WHERE table_schema='v' AND table_name='copy' AND data_type <> 'point'")]
    for zone, way in (("UTC", ()), ("Asia/Shanghai", ()), ("America/New_York", ()), ("Asia/Shanghai", ("--replace-table",))):
        status, first, err = extract("v.`we``ird.t`", "--tz", zone)
        check(status == 0 and first.count(b"\n") == 4 and err == "", "extract every type, zone " + zone, (status, err))
        sql("TRUNCATE v.copy")
        status, _, err = load("v.copy", "id", first, "--zero-dates", "--ignore-unknown", "--tz", zone, *way)
        check(status == 0 and err == "", " ".join(("load it",) + way), (status, err))
        check(extract("v.copy", "--tz", zone)[1] == first, "extract, load, extract: the same bytes, zone " + zone)
        # the clock's double hour of New York is the one place where text is not enough
        equal = " AND ".join("(a.`{0}` <=> b.`{0}` AND HEX(a.`{0}`) <=> HEX(b.`{0}`){1})".format(c, " OR a.id = 1" if c == "ts" and "York" in zone else "") for c in columns)
        check(sql("SELECT COUNT(*), SUM(%s) FROM v.`we``ird.t` a JOIN v.copy b USING (id)" % equal) == [["4", "4"]], "and the server finds all %d columns equal" % len(columns))
    rows = {json.loads(x)["id"]: x for x in extract("v.`we``ird.t`", "--tz", "Asia/Shanghai")[1].decode().splitlines()}
    big = rows[18446744073709551615]
    for member in ('"id":18446744073709551615', '"d":19.99', '"d38":-1.1000000000', '"z":7', '"f":0.1', '"g":0.1', '"ts":"2026-07-01 08:00:00.500"',
                   '"ti":"-838:59:59.90"', '"y":2026', '"e":"it\'s"', '"s":"x,y"', '"b":4294967297', '"b64":18446744073709551615', '"b1":1',
                   '"j":"{\\"a\\": 1.10}"', '"vb":"AP+A"', '"bl":"3q2+7w=="', '"t":"😀\\n\\t é"', '"t1":1', '"l1":"é"', '"gen":2',
                   '"a`b":"q\'\\"\\\\\\u0000`x"', '"d65":12345678901234567890123456789012345.123456789012345678901234567890'):
        check(member + "," in big or member + "}" in big, "value " + member, big)
    for member in ('"d":1.10', '"dt":"0000-00-00"', '"tm":"0000-00-00 00:00:00.000000"', '"f":16777216', '"g":1e300', '"y":0', '"pt":null', '"fb":"AAAA"'):
        check(member + "," in rows[1] or member + "}" in rows[1], "value " + member, rows[1])
    order = [x[0] for x in sql("SELECT column_name FROM information_schema.columns WHERE table_schema='v' AND table_name='copy' ORDER BY ordinal_position")]
    check(list(json.loads(big)) == order, "members stand in the table's order")


@group
def refused_values():
    """What the server would round, cut or guess without a word."""
    sql("CREATE OR REPLACE TABLE v.strict_t (id INT PRIMARY KEY, i INT, d DECIMAL(10,2), dt DATE, tm DATETIME, tm3 DATETIME(3), ti TIME, e ENUM('a','b'), "
        "s SET('x','y'), c CHAR(3), vc VARCHAR(3), u8 VARCHAR(9) CHARACTER SET utf8mb3, y YEAR, b BIT(4), by1 VARBINARY(3), j JSON, t1 BOOLEAN, u BIGINT UNSIGNED, ck INT CHECK (ck < 5))")
    bad = [("i", "1.5"), ("i", '"1x"'), ("i", '""'), ("i", "true"), ("i", "3000000000"), ("d", "1.005"), ("d", "1e-3"), ("d", '"abc"'), ("d", "100000000"),
           ("dt", '"2026-11-20 10:00:00"'), ("dt", '"2026-02-30"'), ("dt", '"0000-00-00"'), ("dt", "20261120"), ("dt", '"26-1-2"'), ("tm", '"2026-11-20 10:00:00.5"'),
           ("tm", '"2026-11-20T10:00:00Z"'), ("tm", '"20261120100000"'), ("tm3", '"2026-11-20 10:00:00.1234"'), ("ti", '"2026-11-20 10:00:00"'), ("ti", '"1000"'),
           ("e", '"A"'), ("e", "1"), ("e", '"1"'), ("e", '""'), ("s", '"x,z"'), ("s", "3"), ("c", '"ab "'), ("c", '"abcd"'), ("vc", '"abc "'), ("vc", '"abcd"'), ("u8", '"😀"'),
           ("y", "26"), ("b", "16"), ("b", '"5x"'), ("b", "-1"), ("by1", '"abc"'), ("by1", '"AAAAAA=="'), ("by1", '"QQ=B"'), ("by1", "1"), ("j", '"{"'), ("u", "-1"), ("u", "18446744073709551616"),
           ("ck", "7"), ("vc", "[1,2,3]"), ("i", "1e40"), ("t1", '"true"')]
    data = "".join('{"id":%d,"%s":%s}\n' % (k, c, v) for k, (c, v) in enumerate(bad, 1))
    good = [("i", "1.0", "1"), ("i", "1e3", "1000"), ("i", '"12"', "12"), ("d", "1.990", "1.99"), ("d", "1e2", "100.00"), ("tm", '"2026-11-20 10:00:00.000"', "2026-11-20 10:00:00"),
            ("tm", '"2026-11-20T10:00:00"', "2026-11-20 10:00:00"), ("tm", '"2026-11-20"', "2026-11-20 00:00:00"), ("t1", "true", "1"), ("t1", "false", "0"), ("vc", "1.0", "1.0"),
            ("vc", "[1]", "[1]"), ("e", '"b"', "b"), ("s", '"y,x"', "x,y"), ("s", '""', ""), ("b", "15", "15"), ("by1", '"QUJD"', "ABC"), ("y", "1999", "1999"),
                   ("u", "18446744073709551615", "18446744073709551615"),
            ("d", "-0", "0.00"), ("ti", '"-10:00:00"', "-10:00:00"), ("u8", '"中"', "中")]
    data += "".join('{"id":%d,"%s":%s}\n' % (k, c, v) for k, (c, v, _) in enumerate(good, 1000))
    for bulk in ("", "1"):
        more = {"PIPEHOUSE_NO_BULK": "1"} if bulk else {}
        sql("TRUNCATE v.strict_t")
        path = os.path.join(HOME, "strict.rejects" + bulk)
        status, _, err = load("v.strict_t", "id", data, "--reject", path, **more)
        got = {json.loads(r["raw"])["id"]: r for r in rejects(path)}
        check(status == 0, "bad values are rejected, the rest is loaded" + (" (multi-row statements)" if bulk else ""), (status, err))
        for k, (c, v) in enumerate(bad, 1):
            check(k in got and got[k]["line"] == k and " at row " not in got[k]["reason"], "refused: %s = %s" % (c, v), got.get(k,
                   "it was taken: %s" % sql("SELECT %s FROM v.strict_t WHERE id=%d" % (c, k))))
        for k, (c, v, want) in enumerate(good, 1000):
            value = sql("SELECT CAST(%s + 0 AS CHAR) FROM v.strict_t WHERE id=%d" % (c, k) if c == "b" else "SELECT %s FROM v.strict_t WHERE id=%d" % (c, k))
            check(value == [[want]], "taken: %s = %s" % (c, v), (value, got.get(k)))
        check(int(one("SELECT COUNT(*) FROM v.strict_t")) == len(good), "as many rows as good records")


@group
def arrays():
    """Arrays of integers, decimals and times store what text stores, and the server says the same words of what it refuses."""
    edge = {
        "TINYINT": ["-128", "127", "128", "-129"], "SMALLINT UNSIGNED": ["0", "65535", "65536", "-1"], "INT": ["-2147483648", "2147483647", "2147483648", "007"],
        "BIGINT": ["-9223372036854775808", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615", "1e18", "99999999999999999999999"],
        "BIGINT UNSIGNED": ["18446744073709551615", "9223372036854775808", "18446744073709551616", "-1", "0", "-0"],
        "DECIMAL(65,30)": ["12345678901234567890123456789012345.123456789012345678901234567890", "-0.000000000000000000000000000001", "1" + "0" * 35, "9" * 35, "9" * 90, "-" + "9" * 70],
        "DECIMAL(10,2)": ["99999999.99", "-99999999.99", "100000000", "0.1", "-0.0", "9" * 66, "9" * 65], "DECIMAL(65,0)": ["9" * 65, "-" + "9" * 65, "9" * 66, "9" * 82],
        "DATE": ["2024-02-29", "2023-02-29", "0001-01-01", "9999-12-31", "2026-13-01", "2026-00-10", "0000-00-00", "1000-01-01", "0000-01-01"],
        "DATETIME": ["2026-11-20 23:59:59", "2026-11-20 24:00:00", "2026-02-30 00:00:00", "0000-00-00 00:00:00", "2026-11-20T01:02:03", "2026-11-20", "0000-01-01 00:00:00",
                     "2026-11-20 10:00:00.000", "2026-11-20 10:60:00", "9999-12-31 23:59:59"],
        "DATETIME(6)": ["2026-11-20 23:59:59.999999", "2026-11-20 23:59:59", "2026-04-31 00:00:00", "2026-11-20 23:59:60"],
    }
    path = os.path.join(HOME, "arrays.rejects")
    for kind, values in edge.items():
        quoted = kind[0] == "D" and kind[1] == "A"
        got, said = [], []
        for more in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
            sql("CREATE OR REPLACE TABLE v.arr (id INT PRIMARY KEY, v %s, n %s)" % (kind, kind))
            # each bad value beside good ones, then the good ones alone: their column goes as text, and as what it is
            data = "".join('{"id":%d,"v":%s,"n":%s}\n' % (i, '"%s"' % v if quoted else '"%s"' % v if v[:2] == "00" else v, "null") for i, v in enumerate(values * 2))
            if os.path.exists(path):
                os.unlink(path)
            status, _, err = load("v.arr", "id", data, "--reject", path, **more)
            bad = rejects(path)
            out = {r["line"] for r in bad}
            good = "".join(x.replace('"id":', '"id":100') + "\n" for i, x in enumerate(data.splitlines()) if i + 1 not in out)
            again = load("v.arr", "id", good, **more)
            said.append((status, [(r["line"], r["reason"]) for r in bad], again[0]))
            got.append(sql("SELECT id, v, n FROM v.arr ORDER BY id"))
        check(got[0] == got[1] and said[0] == said[1] and said[0][0] == said[0][2] == 0 and len(got[0]) == 2 * (2 * len(values) - len(said[0][1])),
              "%s: %d values, %d of them refused, in arrays as alone" % (kind, len(values), len(said[0][1]) // 2), (got, said))


@group
def warned():
    """What the server takes with a warning (blanks beyond a VARCHAR's length) is out, in every way to load, and nothing of it stays."""
    rows = [{"id": i, "s": "abcde  " if i % 700 == 7 else "abcde" if i % 2 else "x"} for i in range(3500)]
    want = [[str(r["id"]), r["s"]] for r in rows if r["s"][-1] != " "]
    path = os.path.join(HOME, "warned.rejects")
    for options, day in (((), False), (("--partition", "dt=2026-11-20"), True), (("--replace-table",), False)):
        for more in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
            sql("CREATE OR REPLACE TABLE v.warned (%s id INT, s VARCHAR(5), PRIMARY KEY (%s id)); DROP TABLE IF EXISTS v.pipehouse_ledger" % (("dt DATE,", "dt,") if day else ("", "")))
            if os.path.exists(path):
                os.unlink(path)
            status, _, err = load("v.warned", "id", lines(rows), *options, "--reject", path, **more)
            out = [(r["line"], r["reason"]) for r in rejects(path)]
            check((status, err) == (0, "") and out == [(i + 1, "Data truncated for column 's' (1265)") for i in range(7, 3500, 700)] and
                  sql("SELECT id, s FROM v.warned ORDER BY id") == want, "a warning is that row's error%s%s" % (": " + options[0] if options else "", ", multi-row statements" if more else ""),
                  (status, err, out))
    sql("CREATE OR REPLACE TABLE v.warned (id INT PRIMARY KEY, s VARCHAR(5))")
    status, _, err = load("v.warned", "id", lines(rows))
    check(status == 3 and "truncated" in err and "trying again" not in err and one("SELECT COUNT(*) FROM v.warned") == "0", "without --reject it ends the load: nothing is in", (status, err))


@group
def hostile_text():
    sql("CREATE OR REPLACE TABLE v.x (id VARBINARY(100) PRIMARY KEY, t LONGTEXT); CREATE OR REPLACE TABLE v.victim (a INT); INSERT INTO v.victim VALUES (1); "
        "SET GLOBAL log_output='TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log=1")
    texts = ["'; DROP TABLE v.victim; -- ", '"; DROP TABLE v.victim; -- ', "\\", "\\'", "''", "\0", "\0'; DROP", "\ufeff", "😀", "\u202eevil", "%s%n", "`", "/*!50000 x*/", "\r\n",
           "\x1a", "bf\u00bf'", "é", "e\u0301",
             "' OR '1'='1", "1; SELECT SLEEP(9)", "${jndi:ldap://x}", "NULL", "\\N", "\x7f", "\uffff", "canary-in-a-value"]
    rows = [{"id": base64.b64encode(b"%d" % k).decode(), "t": t} for k, t in enumerate(texts)]
    status, _, err = load("v.x", "id", lines(rows))
    sql("SET GLOBAL general_log=0")
    check(status == 0, "hostile texts are loaded", err)
    got = dict(sql("SELECT CAST(id AS CHAR), HEX(t) FROM v.x"))
    check(all(got[str(k)] == t.encode().hex().upper() for k, t in enumerate(texts)), "each byte for byte")
    check(one("SELECT COUNT(*) FROM v.victim") == "1", "and nothing was dropped")
    log = "\n".join(x[0] for x in sql("SELECT HEX(argument) FROM mysql.general_log WHERE command_type IN ('Query','Prepare')"))
    check("canary-in-a-value".encode().hex().upper() not in log, "values are bound: no statement holds one")
    status, out, _ = extract("v.x", "--where", "t = :v AND id <> ':v'", "--arg", "v=' OR 1=1 -- ")
    check(status == 0 and out == b"", "--arg in --where cannot end its literal")
    status, out, _ = extract("v.x", "--where", "t = :v", "--arg", "v='; DROP TABLE v.victim; -- ", "--columns", "t")
    check(status == 0 and [json.loads(x)["t"] for x in out.splitlines()] == [texts[0]], "and is found as the text it is")
    check(extract("v.x", "--where", "t = :w")[0] == 2 and extract("v.x", "--where", "t = 'x")[0] == 2, ":NAME without --arg, an open quote: 2")
    names = ["a`; DROP TABLE v.victim;-- ", "a``b", "`", "select", "x" * 65, "t\0", "", "T", "id "]
    path = os.path.join(HOME, "names.rejects")
    status, _, err = load("v.x", "id", lines([{"id": "eA==", k: "v"} for k in names]), "--reject", path)
    check(status == 0 and len(rejects(path)) == len(names), "names that are no column are rejected", (status, err))
    status, _, err = load("v.x", "id", lines([{"id": "eA==", k: "v"} for k in names]), "--ignore-unknown")
    check(status == 0 and one("SELECT COUNT(*) FROM v.victim") == "1", "or left out", (status, err))
    status, _, err = load("v.x", "id", '{"id":"eA==","t":"1","t":"2"}\n')
    check(status == 3 and "twice" in err, "a member that stands twice is an error", err)
    sql("CREATE OR REPLACE TABLE v.`q``q` (`select` INT PRIMARY KEY, `a``; DROP TABLE v.victim;--` INT)")
    status, _, err = load("v.`q``q`", "select", '{"select":1,"a`; DROP TABLE v.victim;--":2}\n')
    check(status == 0 and sql("SELECT * FROM v.`q``q`") == [["1", "2"]], "a column that is named like that is one", err)


@group
def keys():
    sql("CREATE OR REPLACE TABLE v.ci (id VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, a INT); "
        "CREATE OR REPLACE TABLE v.bin (id VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY, a INT, b INT DEFAULT 7);"
        "CREATE OR REPLACE TABLE v.two (id INT PRIMARY KEY, a INT, UNIQUE (a)); CREATE OR REPLACE TABLE v.my (id INT PRIMARY KEY) ENGINE=MyISAM; CREATE OR REPLACE TABLE v.none (id INT, KEY (id));"
        "CREATE OR REPLACE TABLE v.pre (id VARCHAR(9) COLLATE utf8mb4_bin NOT NULL, UNIQUE (id(3))); CREATE OR REPLACE TABLE v.day (dt DATE, id INT, a INT, PRIMARY KEY (dt, id));"
        "CREATE OR REPLACE TABLE v.gen (id INT PRIMARY KEY, g INT AS (id + 1) STORED); CREATE OR REPLACE VIEW v.view AS SELECT * FROM v.day")
    for table, key, words in (("v.ci", "id", "K and k are one key"), ("v.two", "id", "other unique index"), ("v.my", "id", "InnoDB"), ("v.none", "id", "no unique index"),
           ("v.pre", "id", "no unique index"),
                              ("v.bin", "a", "no unique index on exactly a; it has id"), ("v.bin", "id,a", "no unique index"), ("v.bin", "nix", "no column 'nix'"), ("v.day", "id", "id; it has dt,id"),
                                     ("v.nix", "id", "no such table"),
                              ("v.bin", "id,", "A,B"), ("v.view", "id", "InnoDB"), ("x.y.z", "id", "not [DB.]TABLE"), ("bin", "id", "which database")):
        status, _, err = load(table, key, '{"id":"1"}\n')
        check(status == 2 and words in err, "refused: %s -k %s: %s" % (table, key, words), (status, err))
    check(load("v.ci", "id", '{"id":"K","a":1}\n', "--collate-ok")[0] == 0 and load("v.two", "id", '{"id":1,"a":1}\n', "--unique-ok")[0] == 0, "--collate-ok, --unique-ok")
    status, _, err = load("v.day", "id", "", "--partition", "dt=2026-02-30")
    check(status == 2, "--partition: a day that is none", err)
    check(load("v.day", "id", "", "--partition", "nix=2026-02-01")[0] == 2, "--partition: a column that is none")
    path = os.path.join(HOME, "keys.rejects")
    data = '{"id":"K","a":1}\n{"id":"k","a":2}\n{"id":null}\n{"a":1}\n{"id":"x "}\n{"id":"K","a":3}\n{"id":"e\u0301"}\n{"id":"é"}\n'
    status, _, err = load("v.bin", "id", data, "--reject", path)
    check(status == 0 and [r["line"] for r in rejects(path)] == [3, 4, 5], "keys that are null, absent, or end in a blank are rejected", (status, err))
    check(sorted(sql("SELECT id, a FROM v.bin WHERE a IS NOT NULL")) == [["K", "3"], ["k", "2"]] and one("SELECT COUNT(*) FROM v.bin") == "4", "K and k are two; of two K the last wins")
    load("v.bin", "id", '{"id":"K","b":1}\n{"id":"new","a":null}\n')
    check(sorted(sql("SELECT id, a, b FROM v.bin WHERE id IN ('K','new')")) == [["K", "3", "1"], ["new", "NULL", "7"]], "an absent member leaves the column, or takes its default")
    status, _, err = load("v.gen", "id", '{"id":1,"g":2}\n')
    check(status == 3 and "computes" in err, "a column that the server computes is not loaded", err)
    check(load("v.gen", "id", '{"id":1,"g":2}\n', "--ignore-unknown")[0] == 0, "but may be left out")


# ---- days and the ledger ----

@group
def days():
    sql("CREATE OR REPLACE TABLE v.m (dt DATE, id INT, a DECIMAL(9,2), PRIMARY KEY (dt, id)); INSERT INTO v.m VALUES ('2026-11-19', 1, 1), ('2026-11-20', 99, 9)")
    stats = os.path.join(HOME, "day.stats")
    args = ("v.m", "id", lines([{"id": i, "a": i} for i in range(5)]), "--partition", "dt=2026-11-20", "--stats", stats)
    for k in (1, 2):
        status, _, err = load(*args)
        s = rejects(stats)[-1]
        check(status == 0 and (s["in"], s["used"], s["loaded"], s["already"]) == (5, 5, 5 if k == 1 else 0, k - 1), "a day is replaced; again: found done", (status, err, s))
    check([x[0] for x in sql("SELECT id FROM v.m WHERE dt='2026-11-20' ORDER BY id")] == list("01234") and one("SELECT COUNT(*) FROM v.m WHERE dt='2026-11-19'") == "1", "that day alone")
    sql("DELETE FROM v.m WHERE dt='2026-11-20' AND id=2")
    load(*args)
    check(one("SELECT COUNT(*) FROM v.m WHERE dt='2026-11-20'") == "5", "rows that somebody deleted come back")
    status, _, err = load("v.m", "id", '{"id":1,"a":1}\n{"id":2,"a":1.005}\n', "--partition", "dt=2026-11-20")
    check(status == 3 and one("SELECT COUNT(*) FROM v.m WHERE dt='2026-11-20'") == "5", "a bad record ends it: the old day stands", err)
    path = os.path.join(HOME, "day.rejects")
    data = '{"id":1,"a":1}\n{"id":1,"a":2}\n{"id":2,"a":1.005}\n{"id":3,"dt":"2026-11-21"}\n{"id":4,"dt":"2026-11-20"}\n'
    for k in (1, 2):
        status, _, err = load("v.m", "id", data, "--partition", "dt=2026-11-20", "--reject", path)
        check(status == 0 and sorted(r["line"] for r in rejects(path)) == sorted([2, 3, 4] * k), "rejects are told at each run", (status, err))
    check("Duplicate entry" in next(r["reason"] for r in rejects(path) if r["line"] == 2), "two records of one key: the server's words")
    check(sql("SELECT id, a FROM v.m WHERE dt='2026-11-20' ORDER BY id") == [["1", "1.00"], ["4", "NULL"]], "the good ones are there")
    status, _, err = load("v.m", "id", data, "--partition", "dt=2026-11-22", "--reject", path, "--max-rejects", "10%")
    check(status == 3 and one("SELECT COUNT(*) FROM v.m WHERE dt='2026-11-22'") == "0", "too many rejects: nothing is committed", (status, err))
    check(load("v.m", "id", b"", "--partition", "dt=2026-11-20")[0] == 0 and one("SELECT COUNT(*) FROM v.m WHERE dt='2026-11-20'") == "0", "no records: an empty day")
    sql("ALTER TABLE v.m ADD COLUMN b INT")
    load("v.m", "id", '{"id":1,"b":5}\n', "--partition", "dt=2026-11-20", "--ignore-unknown")
    check(one("SELECT b FROM v.m WHERE dt='2026-11-20'") == "5", "a changed table is not taken for the old one")
    a = [run("mysql-load", "--defaults-file", CNF, "--table", "v.m", "-k", "id", "--partition", "dt=2026-12-01", start=True) for _ in range(4)]
    data = lines([{"id": i, "a": i} for i in range(3000)])
    for p in a:
        threading.Thread(target=lambda p=p: (p.stdin.write(data), p.stdin.close())).start()
    codes = [p.wait(LIMIT) for p in a]
    for p in a:
        p.stdout.close(), p.stderr.close()
    check(codes == [0] * 4 and one("SELECT COUNT(*) FROM v.m WHERE dt='2026-12-01'") == "3000", "four loaders of one day at once", codes)


# ---- a whole table ----

def replace(table, key, data, *options, **more):
    return load(table, key, data, "--replace-table", *options, **more)


def beside():
    return sql("SELECT table_name FROM information_schema.tables WHERE table_schema='v' AND table_name LIKE '%pipehouse\\_%' AND table_name <> 'pipehouse_ledger'")


@group
def whole_tables():
    sql("CREATE OR REPLACE TABLE v.w (id INT PRIMARY KEY, a INT NOT NULL DEFAULT 4, t VARCHAR(99) COMMENT 'words', UNIQUE KEY t (t), KEY a (a)) COMMENT 'whole'; "
        "INSERT INTO v.w VALUES (7, 7, 'seven'), (8, 8, 'eight'); CREATE OR REPLACE USER reader@localhost; GRANT SELECT (id, a) ON v.w TO reader@localhost; "
        "CREATE OR REPLACE VIEW v.w_view AS SELECT id FROM v.w")
    shape = sql("SHOW CREATE TABLE v.w")
    grants = sql("SHOW GRANTS FOR reader@localhost")
    data = '{"id":1,"a":10,"t":"x"}\n{"id":2}\n'
    for k in (1, 2):
        status, _, err = replace("v.w", "id", data)
        check(status == 0 and err == "" and sql("SELECT * FROM v.w ORDER BY id") == [["1", "10", "x"], ["2", "4", "NULL"]], "the table is replaced; again: the same", (status, err))
    check(sql("SHOW CREATE TABLE v.w") == shape and sql("SHOW GRANTS FOR reader@localhost") == grants and sql("SELECT * FROM v.w_view ORDER BY id") == [["1"], ["2"]],
          "columns, indexes, comments, grants and views stay")
    check(beside() == [], "nothing is left beside it", beside())
    for what, bad in (("a bad value", '{"id":3,"a":"x"}\n'), ("a key twice", '{"id":3}\n{"id":3}\n'), ("a bad line", '{"id":3}\nnonsense\n'),
                      ("another unique index", '{"id":3,"t":"q"}\n{"id":4,"t":"q"}\n')):
        status, _, err = replace("v.w", "id", bad)
        check(status == 3 and sql("SELECT id FROM v.w ORDER BY id") == [["1"], ["2"]] and beside() == [], what + ": the old table stands", (status, err, beside()))
    path = os.path.join(HOME, "w.rejects")
    status, _, err = replace("v.w", "id", '{"id":3}\n{"id":3}\n{"id":4,"a":null}\n{"id":5}\n', "--reject", path)
    check(status == 0 and sorted(r["line"] for r in rejects(path)) == [2, 3] and sql("SELECT id FROM v.w ORDER BY id") == [["3"], ["5"]], "with --reject: the good ones", (status, err))
    status, _, err = replace("v.w", "id", '{"id":6}\n{"id":6}\n', "--reject", path, "--max-rejects", "10%")
    check(status == 3 and one("SELECT COUNT(*) FROM v.w") == "2", "too many rejects: the old table stands", (status, err))
    check(replace("v.w", "id", b"")[0] == 0 and one("SELECT COUNT(*) FROM v.w") == "0", "no records: an empty table")
    # names
    for name in ("n`1", "n" * 64, "中" * 30):
        q = "`" + name.replace("`", "``") + "`"
        sql("CREATE OR REPLACE TABLE v.%s (id INT PRIMARY KEY)" % q)
        check(replace("v." + q, "id", '{"id":1}\n')[0] == 0 and one("SELECT COUNT(*) FROM v." + q) == "1" and beside() == [], "a table of the name " + name[:20])
    check(replace("v.fresh", "id", '{"id":1}\n')[0] == 2 and replace("v.fresh", "id", '{"id":1}\n', "--create")[0] == 0 and one("SELECT COUNT(*) FROM v.fresh") == "1", "--create makes it first")
    # what a RENAME would lose
    sql("CREATE OR REPLACE TABLE v.trig (id INT PRIMARY KEY); CREATE TRIGGER v.tr BEFORE INSERT ON v.trig FOR EACH ROW SET @x = 1; "
        "CREATE TABLE v.parent (id INT PRIMARY KEY); CREATE TABLE v.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES v.parent (id))")
    for name, words in (("trig", "a trigger"), ("parent", "a foreign key"), ("child", "a foreign key")):
        status, _, err = replace("v." + name, "id", '{"id":1}\n')
        check(status == 2 and words in err and beside() == [], "refused: %s of %s" % (words, name), (status, err))
    sql("DROP TABLE v.child, v.parent")
    check(replace("v.w", "id", "", "--partition", "dt=2026-11-20")[0] == 2, "--partition goes not with it")
    # the ledger of days knows nothing of the new table
    sql("CREATE OR REPLACE TABLE v.wd (dt DATE, id INT, a INT, PRIMARY KEY (dt, id))")
    load("v.wd", "id", '{"id":1,"a":1}\n', "--partition", "dt=2026-11-20")
    replace("v.wd", "dt,id", '{"dt":"2026-11-20","id":1,"a":2}\n')
    load("v.wd", "id", '{"id":1,"a":1}\n', "--partition", "dt=2026-11-20")
    check(one("SELECT a FROM v.wd") == "1", "a day loaded after it is not taken for loaded")
    # what crashes leave: tables beside it; on servers without atomic DDL a table without its name
    sql("CREATE TABLE v.w__pipehouse_new (x INT); CREATE TABLE v.w__pipehouse_old (x INT)")
    check(replace("v.w", "id", data)[0] == 0 and beside() == [] and one("SELECT COUNT(*) FROM v.w") == "2", "what a crash left beside it goes")
    sql("RENAME TABLE v.w TO v.w__pipehouse_old; CREATE TABLE v.w__pipehouse_new LIKE v.w__pipehouse_old")
    status, _, err = replace("v.w", "id", '{"id":9}\n')
    check(status == 0 and "left it under the name" in err and sql("SELECT id FROM v.w") == [["9"]] and beside() == [], "a table that lost its name gets it back", (status, err))
    # one that gives up because of another one leaves that one's table alone
    reader = subprocess.Popen(["mariadb", "--defaults-file=" + CNF, "-Nn"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader.stdin.write(b"LOCK TABLES v.w READ; SELECT 'locked';\n")
    reader.stdin.flush()
    reader.stdout.readline()
    first = run("mysql-load", "--defaults-file", CNF, "--table", "v.w", "-k", "id", "--replace-table", start=True)
    first.stdin.write(b'{"id":77}\n')
    first.stdin.close()
    first.stdin = None
    deadline = time.monotonic() + LIMIT
    while not sql("SELECT 1 FROM information_schema.processlist WHERE info LIKE 'RENAME TABLE%'") and time.monotonic() < deadline:
        time.sleep(0.05)
    second = run("mysql-load", "--defaults-file", CNF, "--table", "v.w", "-k", "id", "--replace-table", start=True)
    second.stdin.close()
    second.stdin = None
    while not sql("SELECT 1 FROM information_schema.processlist WHERE info LIKE '%GET_LOCK%' AND info NOT LIKE '%processlist%'") and time.monotonic() < deadline:
        time.sleep(0.05)
    second.send_signal(signal.SIGTERM)
    _, err = second.communicate(timeout=LIMIT)
    check(second.returncode == 75 and b"another load" in err and beside() == [["w__pipehouse_new"]], "a loader that another one keeps out: 75, and does not touch its table",
          (second.returncode, err, beside()))
    reader.stdin.close()
    reader.wait(), reader.stdout.close()
    _, err = first.communicate(timeout=LIMIT)
    check(first.returncode == 0 and sql("SELECT id FROM v.w") == [["77"]] and beside() == [], "which then ends well", (first.returncode, err))
    # readers never see less than a whole table; two loaders take turns
    sets = [lines([{"id": i, "a": k, "t": "%d-%d" % (k, i)} for i in range(2000)]) for k in (1, 2)]
    replace("v.w", "id", sets[0])
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            try:
                seen.add(tuple(sql("SELECT COUNT(*), COUNT(DISTINCT a) FROM v.w")[0]))
            except RuntimeError as e:
                seen.add(str(e))
    t = threading.Thread(target=look)
    t.start()
    for k in range(6):
        status, _, err = replace("v.w", "id", sets[k % 2])
        check(status == 0, "replaced while it is read", (status, err))
    a = [run("mysql-load", "--defaults-file", CNF, "--table", "v.w", "-k", "id", "--replace-table", start=True) for _ in range(3)]
    for k, p in enumerate(a):
        threading.Thread(target=lambda p=p, k=k: (p.stdin.write(sets[k % 2]), p.stdin.close())).start()
    errs = [(p.wait(LIMIT), p.stderr.read()) for p in a]
    stop.set()
    t.join()
    for p in a:
        p.stdout.close(), p.stderr.close()
    check([e[0] for e in errs] == [0] * 3 and beside() == [], "three loaders at once", (errs, beside()))
    check(seen == {("2000", "1")}, "a reader sees one whole table or the other", seen)


@crashes
def replace_and_crash():
    """kill -9 of the loader, and of the server, while a table is replaced."""
    sql("CREATE OR REPLACE TABLE v.wk (id INT PRIMARY KEY, a INT, t TEXT); INSERT INTO v.wk VALUES (-1, -1, '')")
    path = write("rows.ndjson", lines(ROWS))
    rng = random.Random(11)
    began = time.monotonic()
    check(replace("v.wk", "id", b"", path)[0] == 0 and table_of("v.wk") == expected(ROWS), "an undisturbed load")
    took = time.monotonic() - began
    torn = 0
    for k in range(8):
        if k % 4 == 0:
            sql("DELETE FROM v.wk; INSERT INTO v.wk VALUES (-1, -1, '')")
        p = run("mysql-load", "--defaults-file", CNF, "--table", "v.wk", "-k", "id", "--replace-table", path, start=True)
        time.sleep(rng.random() * took * 1.1)
        p.send_signal(signal.SIGKILL)
        p.wait(), p.stdin.close(), p.stdout.close(), p.stderr.close()
        torn += one("SELECT COUNT(*) FROM v.wk") not in ("1", str(len(ROWS)))
    check(torn == 0, "kill -9 of the loader, 8 times: the old table or the new one", torn)
    status, _, err = replace("v.wk", "id", b"", path)
    check(status == 0 and table_of("v.wk") == expected(ROWS) and beside() == [], "then run again: all rows, nothing beside", (status, err, beside()))
    for k in range(2):
        sql("DELETE FROM v.wk; INSERT INTO v.wk VALUES (-1, -1, '')")
        p = run("mysql-load", "--defaults-file", CNF, "--table", "v.wk", "-k", "id", "--replace-table", path, start=True)
        time.sleep(rng.random() * took)
        server("crash")
        server("start")
        _, err = p.communicate(timeout=LIMIT)
        check(p.returncode in (0, 75) and one("SELECT COUNT(*) FROM v.wk") in (("1", str(len(ROWS))) if p.returncode else (str(len(ROWS)),)),
              "kill -9 of the server: it goes on, or 75 and the old table", (p.returncode, err))
        status = replace("v.wk", "id", b"", path)[0]
        check(status == 0 and table_of("v.wk") == expected(ROWS) and beside() == [], "run again: all rows, nothing beside", (status, beside()))


@group
def created():
    sql("DROP TABLE IF EXISTS v.made, v.made2")
    data = ('{"id":"a","n":1,"big":18446744073709551615,"d":19.99,"day":"2026-01-02","tm":"2026-01-02 10:00:00.50","ok":true,"o":{"a":1},"mix":1,"nul":null,"t":"x"}\n'
            '{"id":"b","n":-2,"big":1,"d":1.1,"day":"2026-01-03","tm":"2026-01-02 10:00:00.25","ok":false,"o":[1],"mix":"x","t":"' + "y" * 20000 + '"}\n')
    status, _, err = load("v.made", "id", data, "--create", "--partition", "dt=2026-11-20")
    got = {x[0]: x[1] for x in sql("SELECT column_name, column_type FROM information_schema.columns WHERE table_schema='v' AND table_name='made'")}
    want = {"dt": "date", "id": "varchar(255)", "n": "bigint(20)", "big": "decimal(38,0)", "d": "decimal(38,2)", "day": "date", "tm": "datetime(2)", "ok": "tinyint(1)", "o": "text",
           "mix": "text", "nul": "text", "t": "longtext"}
    check(status == 0 and got == want, "--create: types from the values", (status, err, {k: (v, got.get(k)) for k, v in want.items() if got.get(k) != v}))
    check(sql("SELECT id, n, big, d, day, tm, ok, o, mix, LENGTH(t) FROM v.made ORDER BY id") == [
        ["a", "1", "18446744073709551615", "19.99", "2026-01-02", "2026-01-02 10:00:00.50", "1", '{"a":1}', "1", "1"],
        ["b", "-2", "1", "1.10", "2026-01-03", "2026-01-02 10:00:00.25", "0", "[1]", "x", "20000"]], "and the rows in it")
    check(load("v.made", "id", data, "--create", "--partition", "dt=2026-11-20")[0] == 0, "again, now that it is there")
    check(load("v.made2", "id", b"", "--create")[0] == 0 and one("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='v' AND table_name='made2'") == "0", "no record, no table")
    status, _, err = load("v.made2", "id", '{"id":1,"a`b":2,"":3}\n', "--create")
    check(status == 3 and "cannot be a column" in err, "a name that no column can have", err)
    status, _, err = load("v.made2", "id,nix", '{"id":1,"a":2}\n', "--create")
    check(status == 3 and "no record has the key 'nix'" in err, "--create: a key that no record has", err)
    check(load("v.made2", "id", '{"id":1,"a`b":2}\n', "--create")[0] == 0 and sql("SELECT `a``b` FROM v.made2") == [["2"]], "backticks in a name")
    sql("DROP TABLE v.made2")
    data = '{"id":1,"at":"2026-01-01 25:00:00","to":"2026-01-01 23:59:59"}\n'
    check(load("v.made2", "id", data, "--create")[0] == 0 and sql("SELECT at, `to` FROM v.made2") == [["2026-01-01 25:00:00", "2026-01-01 23:59:59"]],
          "a text that looks like a time and is none is a text")


# ---- option files, TLS, rogue servers ----

@group
def option_files():
    base = open(CNF).read()
    sql("CREATE OR REPLACE TABLE v.o (id INT PRIMARY KEY); DROP TABLE IF EXISTS v.pwned")
    for mode in (0o644, 0o640, 0o604, 0o660, 0o620):
        status, out, err = extract("v.o", cnf=write("loose.cnf", base, mode))
        check(status == 2 and "chmod 600" in err, "mode %o is refused" % mode, (status, err))
    if os.geteuid() == 0:
        path = write("foreign.cnf", base)
        os.chown(path, 65534, 65534)
        status, _, err = extract("v.o", cnf=path)
        check(status == 2 and "somebody else" in err, "a file of somebody else is refused", (status, err))
    check(extract("v.o", cnf=os.path.join(HOME, "no.cnf"))[0] == 4 and extract("v.o", cnf=HOME)[0] == 2, "no file: 4; a directory: 2")
    os.mkfifo(os.path.join(HOME, "fifo.cnf"), 0o600)
    check(extract("v.o", cnf=os.path.join(HOME, "fifo.cnf"))[0] == 2, "a FIFO is refused, not waited for")
    status, _, err = extract("v.o", cnf=write("loose.cnf", "user = root\n" + base))
    check(status == 2 and "loose.cnf:1: an option before any group" in err, "an option before any group is refused, not left out", (status, err))
    for line in ("!include /etc/passwd", "!includedir /etc"):
        status, _, err = extract("v.o", cnf=write("inc.cnf", base + line + "\n"))
        check(status == 2 and "not included" in err, line.split()[0] + " is refused", err)
    rogue = base + "init-command = CREATE TABLE v.pwned (a INT)\nlocal-infile = 1\nplugin-dir = %s\nreconnect\ndefault-auth = x\nmax-allowed-packet = 1\ndefault-character-set = gbk\n" % HOME
    status, _, err = extract("v.o", cnf=write("rogue.cnf", rogue))
    check(status == 0 and one("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema='v' AND table_name='pwned'") == "0", "init-command and the like are not read", (status, err))
    sql("CREATE OR REPLACE USER u@localhost IDENTIFIED BY 'p#a ss\"'; GRANT SELECT ON v.* TO u@localhost")
    sock = base.split('"')[1]
    form = "# c\n[other]\nuser=nobody\n[client]\n  user = u  # comment\nsocket=%s\npassword = 'p#a ss\"'\ndatabase=v\n\n[mysqld]\nuser=x\n" % sock
    status, _, err = extract("o", cnf=write("quoted.cnf", form))
    check(status == 0, "groups, comments, quotes; the database of the file", (status, err))
    status, _, err = extract("o", cnf=write("wrong.cnf", form.replace("p#a", "S3CRETCANARY")))
    check(status == 5 and "S3CRETCANARY" not in err, "a wrong password: 5, and it is not told", (status, err))
    status, _, err = load("v.o", "id", '{"id":1}\n', cnf=os.path.join(HOME, "quoted.cnf"))
    check(status == 5, "no right to insert: 5", (status, err))
    status, _, err = extract("v.o", cnf=write("nosock.cnf", "[client]\nsocket=%s/none\nuser=root\n" % HOME))
    check(status == 75, "no server: 75", (status, err))
    p = run("mysql-load", "--defaults-file", os.path.join(HOME, "quoted.cnf"), "--table", "o", "-k", "id", start=True)
    time.sleep(0.3)
    seen = b"".join(open("/proc/%d/%s" % (p.pid, f), "rb").read() for f in ("cmdline", "environ"))
    p.stdin.close(), p.wait(LIMIT), p.stdout.close(), p.stderr.close()
    check(b"p#a ss" not in seen, "the password is in no argument and no variable")


class Rogue(threading.Thread):
    """A server that answers the first statement by asking for a file of the client's."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.listen(4)
        self.got, self.caps, self.login = b"", 0, b""

    def run(self):
        while True:
            c, _ = self.listener.accept()
            c.settimeout(5)
            try:
                caps = 0x000fffff | 0x80
                hello = b"\x0a10.11.0-MariaDB\0" + struct.pack("<I", 1) + b"12345678\0" + struct.pack("<HBHH", (caps | 0x8000) & 0xf7ff, 45, 2,
                       (caps >> 16) | 8) + b"\x15" + b"\0" * 10 + b"123456789012\0" + b"mysql_native_password\0"
                self.send(c, 0, hello)
                seq, login = self.read(c)
                self.caps, self.login = struct.unpack("<I", login[:4])[0], login
                self.send(c, seq + 1, b"\0\0\0\x02\0\0\0")
                seq, _ = self.read(c)
                self.send(c, seq + 1, b"\xfb/etc/passwd")
                while True:
                    seq, data = self.read(c)
                    self.got += data
            except (OSError, EOFError, struct.error):
                pass
            c.close()

    @staticmethod
    def send(c, seq, data):
        c.sendall(struct.pack("<I", len(data))[:3] + bytes([seq & 255]) + data)

    @staticmethod
    def read(c):
        head = b""
        while len(head) < 4:
            x = c.recv(4 - len(head))
            if not x:
                raise EOFError
            head += x
        size, data = struct.unpack("<I", head[:3] + b"\0")[0], b""
        while len(data) < size:
            data += c.recv(size - len(data))
        return head[3], data


@group
def rogue_server():
    path = os.path.join(tempfile.mkdtemp(dir="/tmp", prefix="rg."), "s")
    r = Rogue(path)
    r.start()
    status, _, err = extract("v.o", cnf=write("rogue-server.cnf", "[client]\nsocket=%s\nuser=root\npassword=x\nlocal-infile=1\n" % path))
    check(status in (5, 75), "a server that asks for a file is refused", (status, err))
    check(r.caps and b"root:" not in r.got, "and does not get it", r.got[:80])
    check(r.caps & 0x80 == 0, "LOCAL INFILE is not even offered", hex(r.caps))
    shutil.rmtree(os.path.dirname(path))


class Garbler(threading.Thread):
    """A proxy that changes bytes of what the server says: one run of the random generator for each connection."""

    def __init__(self, path, to, seed):
        super().__init__(daemon=True)
        self.to, self.rng = to, random.Random(seed)
        self.at = self.rng.randrange(2000) if seed % 2 else self.rng.randrange(200)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)

    def run(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.to)
            threading.Thread(target=self.forward, args=(c, s), daemon=True).start()
            threading.Thread(target=self.garble, args=(s, c), daemon=True).start()

    def forward(self, a, b):
        try:
            while (data := a.recv(65536)):
                b.sendall(data)
        except OSError:
            pass

    def garble(self, a, b):
        seen = 0
        a.settimeout(1.0)       # a length that was made larger waits for ever
        try:
            while (data := bytearray(a.recv(65536))):
                for k in range(self.rng.randrange(1, 5)):
                    i = self.at + k * self.rng.randrange(1, 40) - seen
                    if 0 <= i < len(data):
                        data[i] = self.rng.choice((0, 255, 251, 252, 254, data[i] ^ 1 << self.rng.randrange(8)))
                seen += len(data)
                b.sendall(data)
        except OSError:
            pass
        for x in (a, b):
            try:
                x.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@group
def malformed_packets():
    """Whatever a server says, it ends with a status."""
    sql("CREATE OR REPLACE TABLE v.g (id INT PRIMARY KEY, a INT, t TEXT, d DECIMAL(9,2), b BLOB); INSERT INTO v.g SELECT seq, seq, REPEAT('x', seq * 10), seq, 'b' FROM v.seq_1_to_50")
    sock = open(CNF).read().split('"')[1]
    d = tempfile.mkdtemp(dir="/tmp", prefix="gb.")
    hello = b"\x0a10.11.0-MariaDB\0" + struct.pack("<I", 1) + b"12345678\0"
    greetings = [b"", b"\0" * 4, b"\xff\xff\xff\0", b"\1\0\0\0\x0a", b"\1\0\0\0\x09", b"\5\0\0\0\xff", struct.pack("<I", len(hello)) + hello, b"\x10\0\0\0" + b"\x0a" + b"9" * 15,
                 struct.pack("<I", 400) + b"\x0a" + b"A" * 399, b"SSH-2.0-OpenSSH\r\n", b"\xff\xff\xff\0" + b"\x0a" * 100000]
    odd = []
    for k, g in enumerate(greetings):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("%s/h%d" % (d, k))
        listener.listen(1)

        def answer(listener=listener, g=g):
            c, _ = listener.accept()
            try:
                c.sendall(g)
                c.shutdown(socket.SHUT_WR)
                c.recv(1000)
            except OSError:
                pass
            c.close()
        threading.Thread(target=answer, daemon=True).start()
        status, out, err = extract("v.g", cnf=write("hello.cnf", "[client]\nsocket=%s/h%d\nuser=root\n" % (d, k)))
        if status not in (5, 75) or out:
            odd.append((k, status, err))
        listener.close()
    check(odd == [], "%d greetings that are none: 5 or 75" % len(greetings), odd)
    odd, seen = [], {}
    whole = extract("v.g")[1]
    jobs = []
    for seed in range(60):
        path = "%s/g%d" % (d, seed)
        garbler = Garbler(path, sock, seed)
        garbler.start()
        cnf = write("garble%d.cnf" % seed, "[client]\nsocket=%s\nuser=root\n" % path)
        jobs.append((seed, garbler, run("mysql-extract", "--defaults-file", cnf, "--table", "v.g", start=True)))
        if len(jobs) < 12 and seed < 59:
            continue
        for seed_, garbler, p in jobs:
            out, err = p.communicate(timeout=LIMIT)
            garbler.listener.close()
            seen[p.returncode] = seen.get(p.returncode, 0) + 1
            # 0: a byte of a value was changed, or none
            if p.returncode not in (0, 2, 3, 5, 75) or b"Sanitizer" in err or (p.returncode == 0 and out.count(b"\n") != whole.count(b"\n")):
                odd.append((seed_, p.returncode, err[:300]))
        jobs = []
    check(odd == [] and seen.get(0, 0) < 50, "60 connections with bytes changed on the way: no crash, no short success", (odd, seen))
    shutil.rmtree(d)


def openssl(*argv):
    subprocess.run(["openssl"] + [str(a) for a in argv], cwd=HOME, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificate(name, ca, san, days):
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
    write(name + ".ext", "subjectAltName=%s\n" % san)
    past = ["-not_before", "20200101000000Z", "-not_after", "20200102000000Z"] if days < 0 else []
    if past:        # x509 -req cannot set dates in openssl 3.0: the ca command can
        os.makedirs(os.path.join(HOME, "demoCA/newcerts"), exist_ok=True)
        write("demoCA/index.txt", "")
        write("demoCA/serial", "01\n")
        write("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndir=demoCA\nnew_certs_dir=demoCA/newcerts\ndatabase=demoCA/index.txt\nserial=demoCA/serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        openssl("ca", "-batch", "-config", "ca.cnf", "-in", name + ".csr", "-out", name + ".pem", "-cert", ca + ".pem", "-keyfile", ca + ".key", "-startdate", "20200101000000Z", "-enddate",
                "20200102000000Z", "-extfile", name + ".ext", "-notext")
    else:
        openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".pem", "-CAkey", ca + ".key", "-CAcreateserial", "-days", days, "-out", name + ".pem", "-extfile", name + ".ext")


@group
def tls():
    for ca in ("ca", "otherca"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 30, "-keyout", ca + ".key", "-out", ca + ".pem", "-subj", "/CN=" + ca)
    certificate("good", "ca", "DNS:localhost,IP:127.0.0.1,IP:0.0.0.0", 30)
    certificate("wrongname", "ca", "DNS:elsewhere.example,IP:192.0.2.1", 30)
    certificate("expired", "ca", "DNS:localhost,IP:127.0.0.1,IP:0.0.0.0", -1)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    sql("CREATE OR REPLACE USER tcp@'%' IDENTIFIED BY 'pw'; GRANT ALL ON v.* TO tcp@'%'; CREATE OR REPLACE TABLE v.o (id INT PRIMARY KEY)")
    net = ["--skip-networking=0", "--bind-address=127.0.0.1", "--port=%d" % port]
    # 0.0.0.0 reaches this machine without being called near
    far = "[client]\nhost=0.0.0.0\nport=%d\nuser=tcp\npassword=pw\n" % port
    near = far.replace("0.0.0.0", "127.0.0.1")
    ca = "ssl-ca=%s/ca.pem\n" % HOME
    for cert, text, options, want, what in (
            (None, far, (), 5, "a server without TLS, elsewhere: refused"), (None, far, ("--insecure",), 0, "the same with --insecure"),
            (None, near, (), 0, "a server without TLS, here: taken"), (None, near + ca, (), 5, "a CA is named, the server has no TLS: refused"),
            ("good", far + ca, (), 0, "a good certificate: taken"), ("good", far, (), 5, "a CA that nobody knows: refused"),
            ("good", far + ca.replace("ca.pem", "otherca.pem"), (), 5, "another CA: refused"), ("wrongname", far + ca, (), 5, "another name: refused"),
            ("expired", far + ca, (), 5, "expired: refused")):
        server("stop")
        server("start", *net, *(["--ssl-cert=%s/%s.pem" % (HOME, cert), "--ssl-key=%s/%s.key" % (HOME, cert), "--ssl-ca=%s/ca.pem" % HOME] if cert else ["--skip-ssl"]))
        status, _, err = extract("v.o", *options, cnf=write("tcp.cnf", text))
        check(status == want and ("--insecure" not in options or "clear text" in err), "TLS: " + what, (status, err))
    # somebody between who says that there is no TLS: he is told neither the user nor what the password makes of his salt
    r = Rogue(None)
    r.start()
    text = "[client]\nhost=127.0.0.1\nport=%d\nuser=canaryuser\npassword=pw\n" % r.listener.getsockname()[1]
    status, _, err = extract("v.o", cnf=write("strip.cnf", text + ca))
    check(status == 5 and r.login == b"" and r.got == b"", "TLS: a greeting without it, where it is asked for: refused, nothing told", (status, err, r.login))
    server("stop")
    server("start")


# ---- crashes ----

def expected(rows):
    return {str(r["id"]): str(r["a"]) for r in rows}


def table_of(table, where=""):
    return dict(sql("SELECT id, a FROM %s %s" % (table, where)))


ROWS = [{"id": i, "a": i * 7 % 1000, "t": "x" * (i % 50)} for i in range(30000 if not SANITIZED else 8000)]


@crashes
def kill_the_loader():
    sql("CREATE OR REPLACE TABLE v.k (dt DATE, id INT, a INT, t TEXT, PRIMARY KEY (dt, id)); CREATE OR REPLACE TABLE v.ku (id INT PRIMARY KEY, a INT, t TEXT); "
        "INSERT INTO v.k VALUES ('2026-11-20', -1, -1, '')")
    path = write("rows.ndjson", lines(ROWS))
    rng = random.Random(5)
    began = time.monotonic()
    check(load("v.k", "id", b"", "--partition", "dt=2026-11-19", path)[0] == 0, "an undisturbed load")
    took = time.monotonic() - began
    torn = loaded = 0
    for k in range(25):
        p = run("mysql-load", "--defaults-file", CNF, "--table", "v.k", "-k", "id", "--partition", "dt=2026-11-20", path, start=True)
        time.sleep(rng.random() * took * 1.1)
        p.send_signal(signal.SIGKILL)
        p.wait(), p.stdin.close(), p.stdout.close(), p.stderr.close()
        count = one("SELECT COUNT(*) FROM v.k WHERE dt='2026-11-20'")
        torn += count not in ("1", str(len(ROWS)))
        loaded += count == str(len(ROWS))
        if count != "1":
            sql("DELETE FROM v.k WHERE dt='2026-11-20'; DELETE FROM v.pipehouse_ledger WHERE target LIKE 'k %'; INSERT INTO v.k VALUES ('2026-11-20', -1, -1, '')")
    check(torn == 0, "kill -9 of a day's load, 25 times: the old day or the new one", (torn, loaded))
    status, _, err = load("v.k", "id", b"", "--partition", "dt=2026-11-20", path)
    check(status == 0 and table_of("v.k", "WHERE dt='2026-11-20'") == expected(ROWS), "then run again: all rows", err)
    for k in range(8):
        p = run("mysql-load", "--defaults-file", CNF, "--table", "v.ku", "-k", "id", path, start=True)
        time.sleep(rng.random() * took)
        p.send_signal(signal.SIGKILL)
        p.wait(), p.stdin.close(), p.stdout.close(), p.stderr.close()
    status, _, err = load("v.ku", "id", b"", path)
    check(status == 0 and table_of("v.ku") == expected(ROWS), "kill -9 of upserts, then run again: all rows", err)
    p = run("mysql-load", "--defaults-file", CNF, "--table", "v.k", "-k", "id", "--partition", "dt=2026-11-21", path, start=True)
    listens(p)
    time.sleep(took * 0.6)
    p.send_signal(signal.SIGTERM)
    p.wait(LIMIT), p.stdin.close(), p.stdout.close(), p.stderr.close()
    check(p.returncode in (0, 75) and one("SELECT COUNT(*) FROM v.k WHERE dt='2026-11-21'") in ("0" if p.returncode else "", str(len(ROWS))),
           "SIGTERM: 75 and nothing loaded, or done", p.returncode)


class Moment(threading.Thread):
    """A proxy that at the k-th statement cuts the connection, and lets no other in; `act` is called first."""

    def __init__(self, path, to, k, act=None):
        super().__init__(daemon=True)
        self.to, self.left, self.act, self.closed, self.seen = to, k, act, False, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)

    def run(self):
        while True:
            c, _ = self.listener.accept()
            s = socket.socket(socket.AF_UNIX)
            try:
                if self.closed and self.act is None:
                    raise OSError
                s.connect(self.to)
            except OSError:
                c.close()
                continue
            threading.Thread(target=self.pump, args=(s, c), daemon=True).start()
            threading.Thread(target=self.count, args=(c, s), daemon=True).start()

    def pump(self, a, b):
        try:
            while (data := a.recv(65536)):
                b.sendall(data)
        except OSError:
            pass
        self.end(a, b)

    def count(self, a, b):
        """Client packets: a command begins with sequence number 0."""
        head, rest = b"", 0
        try:
            while (data := a.recv(65536)):
                i = 0
                while i < len(data):
                    if rest:
                        n = min(rest, len(data) - i)
                        i, rest = i + n, rest - n
                        continue
                    head += data[i:i + 1]
                    i += 1
                    if len(head) == 4:
                        rest = head[0] | head[1] << 8 | head[2] << 16
                        command, head = head[3] == 0, b""
                        if command:
                            self.left -= 1
                            self.seen.append(bytes(data[i + 1:i + 30]))
                        if command and self.left == 0:
                            self.closed = True
                            b.sendall(data)     # this statement still arrives, its answer does not
                            if self.act:
                                self.act()
                            self.end(a, b)
                            return
                b.sendall(data)
        except OSError:
            pass
        self.end(a, b)

    @staticmethod
    def end(*sockets):
        for x in sockets:
            try:
                x.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


MODES = (("day", ("--partition", "dt=2026-11-20")), ("whole", ("--replace-table",)), ("upsert", ()))


@crashes
def every_statement():
    """The connection is lost at each statement of a load, for good: 75, the old rows or all new ones; run again: all."""
    rows = ROWS[:2500]
    path = write("moment.ndjson", lines(rows))
    sock = open(CNF).read().split('"')[1]
    d = tempfile.mkdtemp(dir="/tmp", prefix="mo.")
    moments, jobs = range(1, 31), []
    # the first load makes the ledger; so many sessions wait at once
    sql("SET GLOBAL max_connections=300; DROP TABLE IF EXISTS v.pipehouse_ledger")
    for mode, options in MODES:
        dt = ("dt DATE,", "dt,", "dt,", "'2026-11-20',") if mode == "day" else ("",) * 4
        for k in moments:
            name = "%s%d" % (mode, k)
            sql("CREATE OR REPLACE TABLE v.{0} ({1} id INT, a INT, t TEXT, PRIMARY KEY ({2} id)); INSERT INTO v.{0} ({3} id, a) VALUES ({4} -1, 5)".format(name, *dt))
            m = Moment("%s/%s" % (d, name), sock, k)
            m.start()
            cnf = write(name + ".cnf", "[client]\nsocket=%s/%s\nuser=root\n" % (d, name))
            jobs.append((name, mode, options, m, run("mysql-load", "--defaults-file", cnf, "--table", "v." + name, "-k", "id", *options, path, start=True)))
    whole = {mode: dict(expected(rows), **({"-1": "5"} if mode == "upsert" else {})) for mode, _ in MODES}
    odd, cut = [], dict.fromkeys(whole, 0)
    for name, mode, _, m, p in jobs:
        out, err = p.communicate(timeout=LIMIT)
        now = table_of("v." + name)
        cut[mode] += m.closed
        # behind its last word a load has nothing left to lose
        if p.returncode not in ((75, 0) if m.closed else (0,)) or not (now == whole[mode] or (now == {"-1": "5"} and p.returncode == 75)):
            odd.append((name, p.returncode, len(now), err[-200:], m.seen[-1:]))
    check(odd == [] and all(10 <= x < 30 for x in cut.values()), "lost at each statement, %s: 75, and the old rows or all new ones" % cut, odd)
    odd = []
    again = [(name, mode, run("mysql-load", "--defaults-file", CNF, "--table", "v." + name, "-k", "id", *options, path, start=True)) for name, mode, options, _, _ in jobs]
    for name, mode, p in again:
        out, err = p.communicate(timeout=LIMIT)
        if p.returncode != 0 or table_of("v." + name) != whole[mode]:
            odd.append((name, p.returncode, err))
    check(odd == [] and beside() == [], "run again: all rows, nothing beside", (odd, beside()))
    sql("SET GLOBAL max_connections=151")
    shutil.rmtree(d)


@crashes
def kill_the_server_at_statements():
    rows = ROWS[:2500]
    path = write("moment.ndjson", lines(rows))
    sock = open(CNF).read().split('"')[1]
    d = tempfile.mkdtemp(dir="/tmp", prefix="ks.")
    for mode, options, moments in ((*MODES[0], (9, 12, 14)), (*MODES[1], (11, 14, 18))):
        for k in moments:
            sql("CREATE OR REPLACE TABLE v.ks (%s id INT, a INT, t TEXT, PRIMARY KEY (%s id)); DROP TABLE IF EXISTS v.pipehouse_ledger" % (
                ("dt DATE,", "dt,") if mode == "day" else ("", "")))
            m = Moment("%s/%s%d" % (d, mode, k), sock, k, lambda: (server("crash"), server("start")))
            m.start()
            status, _, err = load("v.ks", "id", b"", *options, path, cnf=write("ks.cnf", "[client]\nsocket=%s/%s%d\nuser=root\n" % (d, mode, k)))
            check(m.closed and status in (0, 75) and "trying again" in err, "%s: kill -9 of the server at statement %d (%r): it goes on, or 75" % (mode, k, m.seen[k - 1][:20]), (status, err))
            if status == 75:
                status = load("v.ks", "id", b"", *options, path)[0]
            check(status == 0 and table_of("v.ks") == expected(rows) and beside() == [], "all rows, once", (status, err, beside()))
    shutil.rmtree(d)


@crashes
def kill_the_server():
    sql("CREATE OR REPLACE TABLE v.s (dt DATE, id INT, a INT, t TEXT, PRIMARY KEY (dt, id)); CREATE OR REPLACE TABLE v.su (id INT PRIMARY KEY, a INT, t TEXT)")
    path = write("rows.ndjson", lines(ROWS))
    rng = random.Random(7)
    for k, (table, options, where) in enumerate([("v.s", ("--partition", "dt=2026-11-20"), "WHERE dt='2026-11-20'"), ("v.su", (), "")] * 2):
        sql("DELETE FROM v.s; DELETE FROM v.su; DROP TABLE IF EXISTS v.pipehouse_ledger")
        p = run("mysql-load", "--defaults-file", CNF, "--table", table, "-k", "id", *options, path, start=True)
        time.sleep(0.05 + rng.random() * 0.3)
        server("crash")
        server("start")
        _, err = p.communicate(timeout=LIMIT)
        status = p.returncode
        check(status in (0, 75), "kill -9 of the server in mid-load of %s: it goes on, or 75" % table, (status, err))
        if status == 75:
            status = load(table, "id", b"", *options, path)[0]
        check(status == 0 and table_of(table, where) == expected(ROWS), "all rows, once", (status, err))
    # more than pipe and sockets hold, so that it cannot have ended
    sql("UPDATE v.su SET t = REPEAT('x', 2000)")
    p = subprocess.Popen([os.path.join(BIN, "mysql-extract"), "--defaults-file", CNF, "--table", "v.su"], env=env(), bufsize=0,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    server("crash")
    rest, err = p.communicate(timeout=LIMIT)
    check(p.returncode == 75 and b"rows are missing" in err and rest.count(b"\n") + 1 < len(ROWS) and rest.endswith(b"\n"),
          "kill -9 of the server in mid-extract: 75, whole lines, never a short success", (p.returncode, err, rest[-60:]))
    server("start")


class Cutter(threading.Thread):
    """A proxy that cuts the connection at the k-th COMMIT: before it reaches the server, or behind it so that the answer is lost."""

    def __init__(self, path, to, forward):
        super().__init__(daemon=True)
        self.to, self.forward, self.cuts = to, forward, 1
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)

    def run(self):
        while True:
            c, _ = self.listener.accept()
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.to)
            except OSError:
                c.close()
                continue
            threading.Thread(target=self.pump, args=(s, c, False), daemon=True).start()
            threading.Thread(target=self.pump, args=(c, s, True), daemon=True).start()

    def pump(self, a, b, to_server):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                if to_server and self.cuts and data.endswith(b"\x03COMMIT"):
                    self.cuts -= 1
                    if self.forward:
                        # our end for reading is closed first: the answer is lost for certain
                        a.shutdown(socket.SHUT_RDWR)
                        b.sendall(data)
                        time.sleep(0.3)
                    break
                b.sendall(data)
        except OSError:
            pass
        for x in (a, b):
            try:
                x.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@crashes
def lost_commits():
    sql("CREATE OR REPLACE TABLE v.c (dt DATE, id INT, a INT, t TEXT, PRIMARY KEY (dt, id)); CREATE OR REPLACE TABLE v.cu (id INT PRIMARY KEY, a INT, t TEXT)")
    rows = ROWS[:3000]
    sock = open(CNF).read().split('"')[1]
    stats = os.path.join(HOME, "cut.stats")
    for forward in (False, True):
        for table, options, where in (("v.c", ("--partition", "dt=2026-11-20"), "WHERE dt='2026-11-20'"), ("v.cu", (), "")):
            sql("DELETE FROM v.c; DELETE FROM v.cu; DROP TABLE IF EXISTS v.pipehouse_ledger")
            d = tempfile.mkdtemp(dir="/tmp", prefix="cut.")
            cut = Cutter(d + "/s", sock, forward)
            cut.start()
            status, _, err = load(table, "id", lines(rows), *options, "--stats", stats, cnf=write("cut.cnf", "[client]\nsocket=%s/s\nuser=root\n" % d))
            s = rejects(stats)[-1]
            what = "%s: COMMIT %s" % (table, "reached the server, its answer was lost" if forward else "never reached the server")
            check(cut.cuts == 0 and status == 0 and "trying again" in err, what, (status, err))
            check(table_of(table, where) == expected(rows) and s["loaded"] == len(rows) and s["already"] == 0, "all rows, once, and counted once", s)
            if options:
                check(one("SELECT loaded FROM v.pipehouse_ledger WHERE target='c dt=2026-11-20'") == str(len(rows)), "the ledger says so")
            shutil.rmtree(d)


@crashes
def locks():
    sql("CREATE OR REPLACE TABLE v.l (id INT PRIMARY KEY, a INT, t TEXT); INSERT INTO v.l VALUES (5, 5, '')")
    old = one("SELECT @@global.innodb_lock_wait_timeout")
    sql("SET GLOBAL innodb_lock_wait_timeout=1")
    blocker = subprocess.Popen(["mariadb", "--defaults-file=" + CNF, "-Nn"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    blocker.stdin.write(b"START TRANSACTION; UPDATE v.l SET a=6 WHERE id=5; SELECT 'held';\n")
    blocker.stdin.flush()
    blocker.stdout.readline()
    p = run("mysql-load", "--defaults-file", CNF, "--table", "v.l", "-k", "id", start=True)
    p.stdin.write(lines(ROWS[:100]))
    p.stdin.close()
    p.stdin = None
    err = heard(p, b"trying again")
    blocker.stdin.write(b"COMMIT;\n")
    blocker.stdin.close()
    blocker.wait(LIMIT), blocker.stdout.close()
    err += p.communicate(timeout=LIMIT)[1].decode("utf-8", "replace")
    check(p.returncode == 0 and "trying again" in err and table_of("v.l") == expected(ROWS[:100]), "a lock wait that times out is tried again", (p.returncode, err))
    sql("SET GLOBAL innodb_lock_wait_timeout=" + old)
    # two sessions that take the same rows in opposite order
    sql("CREATE OR REPLACE TABLE v.dl (id INT PRIMARY KEY, a INT, t TEXT)")
    up, down = lines(ROWS[:20000]), lines(ROWS[:20000][::-1])
    ps = [run("mysql-load", "--defaults-file", CNF, "--table", "v.dl", "-k", "id", start=True) for _ in range(4)]
    for p, data in zip(ps, (up, down, up, down)):
        threading.Thread(target=lambda p=p, data=data: (p.stdin.write(data), p.stdin.close())).start()
    errs = []
    for p in ps:
        errs.append(p.stderr.read().decode())
        p.wait(LIMIT), p.stdout.close(), p.stderr.close()
    check([p.returncode for p in ps] == [0] * 4 and table_of("v.dl") == expected(ROWS[:20000]), "four loaders in opposite orders: all end well", ([p.returncode for p in ps], errs))


@group
def many_bad_rows():
    """The same rows out by arrays and by multi-row statements, whatever the number of bad ones."""
    sql("CREATE OR REPLACE TABLE v.b (id INT PRIMARY KEY, a TINYINT, t VARCHAR(60))")
    for every in (1, 2, 7, 100, 1001):
        # 200 fits no TINYINT: only the server knows
        rows = [{"id": i, "a": 200 if i % every == 0 else 1, "t": "x"} for i in range(1500)]
        want = {str(r["id"]): "1" for r in rows if r["a"] == 1}
        for more in ({}, {"PIPEHOUSE_NO_BULK": "1"}):
            sql("TRUNCATE v.b")
            path = os.path.join(HOME, "b.rejects")
            if os.path.exists(path):
                os.unlink(path)
            status, _, err = load("v.b", "id", lines(rows), "--reject", path, **more)
            got = sorted(json.loads(r["raw"])["id"] for r in rejects(path))
            check(status == 0 and got == [r["id"] for r in rows if r["a"] == 200] and table_of("v.b") == want,
                  "one bad row in %d%s" % (every, ", multi-row statements" if more else ""), (status, err, len(got)))
    sql("TRUNCATE v.b")
    mixed = lines([{"id": i, **({"a": 1} if i % 2 else {}), **({"t": "y"} if i % 3 else {})} for i in range(1000)])
    check(load("v.b", "id", mixed)[0] == 0 and one("SELECT SUM(a) FROM v.b") == "500" and one("SELECT COUNT(t) FROM v.b") == "666", "rows that bring different columns")


@group
def large_rows():
    sql("CREATE OR REPLACE TABLE v.big (dt DATE, id INT, t LONGTEXT, PRIMARY KEY (dt, id)); SET GLOBAL max_allowed_packet=1048576")
    path = os.path.join(HOME, "big.rejects")
    rows = [{"id": i, "t": chr(97 + i % 26) * (2000000 if i == 7 else 400000)} for i in range(20)]
    status, _, err = load("v.big", "id", lines(rows), "--partition", "dt=2026-11-20", "--reject", path, "-S", "2M")
    check(status == 0 and [json.loads(r["raw"])["id"] for r in rejects(path)] == [7] and "max_allowed_packet" in rejects(path)[0]["reason"], "a row that no packet holds is rejected",
           (status, err))
    check(one("SELECT COUNT(*) FROM v.big WHERE LENGTH(t) = 400000") == "19" and os.listdir(HOME).count("pipehouse.") == 0, "the others are loaded, by way of a file with no name")
    sql("SET GLOBAL max_allowed_packet=16777216")
    status, out, err = extract("v.big")
    check(status == 0 and sorted(len(json.loads(x)["t"]) for x in out.splitlines()) == [400000] * 19, "and read back", err)


# ---- incremental ----

@group
def since():
    sql("USE v; CREATE OR REPLACE TABLE v.i (id INT PRIMARY KEY, up DATETIME(6), ts TIMESTAMP(6) NULL, n BIGINT UNSIGNED, t TEXT, KEY (up)); "
        "INSERT INTO v.i SELECT seq, '2026-11-20 00:00:00' + INTERVAL seq HOUR, FROM_UNIXTIME(1763568000 + seq * 3600), seq * 10, 'x' FROM seq_1_to_47")
    ids = lambda out: [json.loads(x)["id"] for x in out.splitlines()]
    part = ("--since", "up,id", "--from", "2026-11-20", "--until", "2026-11-21")
    status, out, err = extract("v.i", *part)
    check(status == 0 and ids(out) == list(range(1, 24)) and extract("v.i", *part)[1] == out, "a part by --from and --until, twice the same", (status, err))
    got = [i for a, z in (("2026-11-19", "2026-11-20 07:00:00"), ("2026-11-20 07:00:00", "2026-11-21"),
           ("2026-11-21", "2026-11-30")) for i in ids(extract("v.i", "--since", "up", "--from", a, "--until", z)[1])]
    check(got == list(range(1, 48)), "parts end to end: every row once", got)
    for bad in (("--since", "t"), ("--since", "nix"), ("--since", "up", "--from", "yesterday"), ("--since", "up", "--lag", "soon"), ("--lag", "1h"),
           ("--since", "n", "--lag", "1h", "--hwm", "x.hwm"),
                ("--since", "up", "--until", "2026-11-21"), ("--since", "up", "--from", "2026-11-20", "--hwm", "x")):
        status, _, err = extract("v.i", *bad)
        check(status == 2, "refused: " + " ".join(bad), (status, err))
    hwm = os.path.join(HOME, "i.hwm")
    # whole numbers: rows come, each is read once
    check(ids(extract("v.i", "--since", "n", "--hwm", hwm)[1]) == list(range(1, 48)), "the first part by a number: all")
    check(extract("v.i", "--since", "n", "--hwm", hwm)[1] == b"", "nothing new: nothing")
    sql("INSERT INTO v.i (id, n) VALUES (100, 471), (101, 480)")
    status, out, err = extract("v.i", "--since", "n", "--hwm", hwm)
    check(ids(out) == [100, 101], "what is new", err)
    sql("UPDATE v.i SET n=18446744073709551615 WHERE id=101")
    check(ids(extract("v.i", "--since", "n", "--hwm", hwm)[1]) == [101] and extract("v.i", "--since", "n", "--hwm", hwm)[1] == b"", "up to 2^64-1")
    status, _, err = extract("v.i", "--since", "up", "--hwm", hwm)
    check(status == 2 and "it is the mark of" in err, "a mark of another column is refused", err)
    # times: behind the server's clock
    hwm = os.path.join(HOME, "t.hwm")
    sql("UPDATE v.i SET ts = NULL, up = NULL; "
        "UPDATE v.i SET ts = NOW(6) - INTERVAL 1 HOUR WHERE id <= 3; UPDATE v.i SET ts = NOW(6) WHERE id = 4; UPDATE v.i SET ts = NOW(6) + INTERVAL 1 DAY WHERE id = 5")
    for zone in ("Asia/Shanghai", "UTC"):
        status, out, err = extract("v.i", "--since", "ts,id", "--hwm", hwm + zone, "--tz", zone)
        check(status == 0 and ids(out) == [1, 2, 3] and "44 rows have no ts" in err, "a TIMESTAMP up to a minute ago, zone " + zone, (status, ids(out), err))
        check(ids(extract("v.i", "--since", "ts,id", "--hwm", hwm + zone, "--tz", zone, "--lag", "0")[1]) == [4], "then up to now")
    before = open(hwm + "UTC").read()
    extract("v.i", "--since", "ts,id", "--hwm", hwm + "UTC", "--lag", "2h")
    check(open(hwm + "UTC").read() == before, "a larger lag does not set the mark back")
    # the mark moves only when the output is whole
    sql("UPDATE v.i SET ts = NOW(6) - INTERVAL 1 HOUR")
    hwm = os.path.join(HOME, "f.hwm")
    with open("/dev/full", "wb") as full:
        p = subprocess.run([os.path.join(BIN, "mysql-extract"), "--defaults-file", CNF, "--table", "v.i", "--since", "ts", "--hwm", hwm], env=env(), stdout=full, stderr=subprocess.PIPE)
    check(p.returncode == 4 and not os.path.exists(hwm), "a full disk: 4, no mark", p.returncode)
    # in a run the mark is the run's
    runs = os.path.join(HOME, "wh/main/_run")
    os.makedirs(runs + "/r1/flow")
    more = {"PIPEHOUSE_ROOT": os.path.join(HOME, "wh"), "PIPEHOUSE_RUN": runs + "/r1"}
    args = ("v.i", "--since", "ts", "--hwm", hwm)
    status, out, err = extract(*args, **more)
    check(status == 0 and len(ids(out)) == 49, "in a run: all rows", (status, err))
    os.makedirs(runs + "/failed")
    os.rename(runs + "/r1", runs + "/failed/r1")
    os.makedirs(runs + "/r2/flow")
    more["PIPEHOUSE_RUN"] = runs + "/r2"
    check(len(ids(extract(*args, **more)[1])) == 49, "that run failed: all rows again")
    os.makedirs(runs + "/done")
    os.rename(runs + "/r2", runs + "/done/r2")
    more.pop("PIPEHOUSE_RUN")
    check(extract(*args, **more)[1] == b"", "that run was published: nothing is left")


# ---- in a run ----

def told(d):
    with open(os.path.join(d, "manifest")) as f:
        return [json.loads(x) for x in f]


def pieces_of(d, table):
    names = sorted(x for x in os.listdir(os.path.join(d, table)))
    return names, b"".join(subprocess.run(["zstd", "-dcq", os.path.join(d, table, x)], check=True, stdout=subprocess.PIPE).stdout for x in names)


def series():
    """v.s: 1 to 2000"""
    if not sql("SHOW TABLES IN v LIKE 's'"):
        sql("CREATE TABLE v.n10 (n INT); INSERT INTO v.n10 VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9); CREATE TABLE v.s (seq INT);"
            "INSERT INTO v.s SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n FROM v.n10 a, v.n10 b, v.n10 c, v.n10 d WHERE d.n < 2")


@group
def pieces():
    """Several tables to files in pieces: one snapshot, killed and gone on with, each row once."""
    series()
    sql("CREATE TABLE v.p1 (id BIGINT UNSIGNED PRIMARY KEY, s VARCHAR(20)); INSERT INTO v.p1 SELECT 18446744073709551615 - seq, CONCAT('x', seq) FROM v.s;"
        "CREATE TABLE v.p2 (k VARCHAR(10), i INT, d DECIMAL(10,2), PRIMARY KEY (k, i));"
        "INSERT INTO v.p2 SELECT CONCAT('k', seq % 7, IF(seq % 3, 'É', '\\'')), seq, seq / 3 FROM v.s;"
        "CREATE TABLE v.p3 (e ENUM('z', 'a') PRIMARY KEY); INSERT INTO v.p3 VALUES ('z'), ('a'); CREATE TABLE v.p4 (x INT); INSERT INTO v.p4 VALUES (1), (1), (NULL);"
        "CREATE TABLE v.p5 (id INT PRIMARY KEY)")
    tables = ["v.p%d" % i for i in range(1, 6)]
    want = {t: extract(t)[1] for t in tables}
    more = [x for t in tables[1:] for x in ("--table", t)]
    for connections in ("1", "3"):
        d = os.path.join(HOME, "pieces" + connections)
        args = ["--to", d, *more, "--chunk", "300", "--connections", connections]
        status, out, err = extract(tables[0], *args)
        got = {t: pieces_of(d, t) for t in tables}
        check(status == 0 and out == b"" and {t: x[1] for t, x in got.items()} == want, "several tables by %s connections: the rows of each" % connections, err)
        check([len(got[t][0]) for t in tables] == [7, 7, 1, 1, 1], "in pieces, where the key can be stepped through", [x[0] for x in got.values()])
        lines = told(d)
        check(sum(x.get("rows", 0) for x in lines) == 4005 and sum("snapshot" in x for x in lines) == 1, "the manifest has them all, of one snapshot", lines[:3])
        before = lines, {t: pieces_of(d, t)[0] for t in tables}
        status, _, err = extract(tables[0], *args)
        check(status == 0 and err == "" and (told(d), {t: pieces_of(d, t)[0] for t in tables}) == before, "again: nothing is left to do", err)
    d, kills, rng = os.path.join(HOME, "pieces-killed"), 0, random.Random(5)
    args = ["--to", d, *more, "--chunk", "150", "--connections", "2", "--rate", "6000"]
    while kills < 12:
        p = extract(tables[0], *args, start=True)
        size = lambda: os.path.getsize(os.path.join(d, "manifest")) if os.path.exists(os.path.join(d, "manifest")) else 0
        was, until = size(), time.monotonic() + LIMIT
        while kills % 3 == 0 and size() == was and p.poll() is None and time.monotonic() < until:
            time.sleep(0.005)           # as soon as it has done something: else a slow machine would end it each time before that
        try:
            p.wait(timeout=rng.random() * 0.25 if kills % 3 else 0)
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            kills += 1
    with open(os.path.join(d, "manifest"), "a") as f:
        f.write('{"table":"v.p1","pie')
    status, _, err = extract(tables[0], *args)
    check(status == 0 and {t: pieces_of(d, t)[1] for t in tables} == want, "killed %d times, its last line torn, and gone on with: each row once" % kills, err)
    keys = [(x["table"], x["piece"]) for x in told(d) if "piece" in x]
    check(kills > 0 and len(keys) == len(set(keys)) and sum("snapshot" in x for x in told(d)) > 1, "no piece counts twice; how many snapshots it took is told", (kills, keys[:4]))
    for bad, why in ((["--where", "id > 5"], "of other tables, columns or conditions"), (["--since", "id"], "whole tables"), (["--schema"], "whole tables")):
        status, _, err = extract(tables[0], "--to", d, *bad)
        check(status == 2 and why in err, "--to with %s: 2" % bad[0], (status, err))
    for bad in (["--chunk", "5"], ["--connections", "2"], ["--table", "v.p2"], ["--overlap", "1m"]):
        check(extract(tables[0], *bad)[0] == 2, "%s without what it belongs to: 2" % bad[0])
    check(extract("v.p1", "--to", d + "2", "--table", "v.p2", "--columns", "s")[0] == 2 and extract("v.p1", "--to", d + "2", "--table", "v.p1")[0] == 2,
          "columns of several tables, one twice: 2")


@group
def piece_keys():
    """Texts that are keys, the empty one, blanks, a NUL and what is one to the server, as the last one of a piece, and of the one before a crash."""
    words = ["", "a", "A ", "b", "e", "É", "ß", "ss", "z\t", "\\", "'", '"', "%", "_", "😀", "a a", "\x01", "\x7f", "n\0l", "n\0"]
    texts = ", ".join("(CONVERT(x'%s' USING utf8mb4), %d)" % (w.encode().hex(), i) for i, w in enumerate(words))
    columns = ["VARCHAR(20) COLLATE %s" % c for c in ("utf8mb4_bin", "utf8mb4_general_ci", "utf8mb4_unicode_ci")] + [
        "VARCHAR(20) CHARACTER SET latin1", "VARCHAR(20) CHARACTER SET utf16", "CHAR(20) COLLATE utf8mb4_bin"]
    for at, column in enumerate(columns):
        table = "v.pk%d" % at
        sql("SET NAMES utf8mb4; CREATE TABLE %s (k %s, i INT, PRIMARY KEY (k, i)); INSERT IGNORE INTO %s VALUES %s" % (table, column, table, texts))
        want, found = extract(table)[1], []
        for chunk in (1, 2, 7):
            d = os.path.join(HOME, "keys-%d-%d" % (at, chunk))
            args = ["--to", d, "--chunk", str(chunk)]
            status, _, err = extract(table, *args)
            for n in range(len(told(d)) - 1) if at == 0 and chunk == 1 else ():
                with open(os.path.join(d, "manifest"), "r+") as f:
                    whole = f.readlines()
                    f.seek(0)
                    f.writelines(whole[:n + 1])
                    f.truncate()
                again = extract(table, *args)
                found.append((again[0], pieces_of(d, table)[1] == want))
            found.append((status, pieces_of(d, table)[1] == want))
        check(want.count(b"\n") == len(words) and set(found) == {(0, True)}, "pieces of a %s" % column, (want.count(b"\n"), found, err))


@group
def one_snapshot():
    """Money moves between two tables while both are read by two connections: none is made or lost."""
    series()
    sql("CREATE TABLE v.m1 (id INT PRIMARY KEY, x BIGINT); INSERT INTO v.m1 SELECT seq, 100 FROM v.s WHERE seq <= 600;"
        "CREATE TABLE v.m2 LIKE v.m1; INSERT INTO v.m2 SELECT * FROM v.m1")
    stop = threading.Event()

    def move():
        rng = random.Random(1)
        while not stop.is_set():
            sql("".join("BEGIN; UPDATE v.m%d SET x = x - 7 WHERE id = %d; UPDATE v.m%d SET x = x + 7 WHERE id = %d; COMMIT;" % (
                i, rng.randrange(1, 601), 3 - i, rng.randrange(1, 601)) for i in (rng.choice((1, 2)) for _ in range(20))))
    t = threading.Thread(target=move)
    t.start()
    try:
        sums, errs = [], []
        for k in range(4):
            d = os.path.join(HOME, "money%d" % k)
            status, _, err = extract("v.m1", "--table", "v.m2", "--to", d, "--chunk", "100", "--connections", "2", "--rate", "3000")
            rows = [json.loads(x) for n in ("v.m1", "v.m2") for x in pieces_of(d, n)[1].splitlines()]
            sums.append((status, len(rows), sum(r["x"] for r in rows)))
            errs.append((err, any(r["x"] != 100 for r in rows)))
    finally:
        stop.set()
        t.join()
    check(sums == [(0, 1200, 120000)] * 4 and errs[-1] == ("", True), "two connections, one snapshot", (sums, errs))


@group
def zero_dates():
    """Dates without a month or a day by each policy, whole, in parts and in pieces; what the server's client prints is the oracle."""
    days = ["0000-00-00", "2024-00-15", "2024-02-00", "0000-03-04", "2024-10-05", "2000-01-01"]
    sql("SET sql_mode='', time_zone='+00:00'; CREATE OR REPLACE TABLE v.zd (d DATE, id INT, m DATETIME(3) NULL, t TIMESTAMP NULL, s VARCHAR(20), ti TIME, PRIMARY KEY (d, id)); " + "".join(
        "INSERT INTO v.zd VALUES ('%s', %d, %s, %s, '0000-00-00', '00:00:00');" % (
            d, k, "NULL" if k == 3 else "'%s 10:00:00.5'" % days[(k + i) % 6], "'0000-00-00 00:00:00'" if k == 2 else "'2024-10-0%d 00:00:00'" % (1 + i))
        for i, d in enumerate(days) for k in range(5)))
    value = lambda x: None if x == "NULL" else x
    held = [{"d": r[0], "id": int(r[1]), "m": value(r[2]), "t": value(r[3]), "s": r[4], "ti": r[5]} for r in sql("SET sql_mode=''; SELECT d, id, m, t, s, ti FROM v.zd ORDER BY d, id")]
    zero = lambda x: x is not None and re.match(r"\d{4}-(00-..|..-00)", x) is not None
    bad = lambda r: [c for c in ("d", "m", "t") if zero(r[c])]
    n = sum(len(bad(r)) for r in held)
    want = {"keep": held, "null": [dict(r, **{c: None for c in bad(r)}) for r in held], "reject": [r for r in held if not bad(r)]}
    check(len(held) == 30 and 0 < len(want["reject"]) < 30 and {zero(d) for d in days} == {True, False}, "rows with zero dates and without", held)
    parse, stats, path = lambda out: [json.loads(x) for x in out.splitlines()], os.path.join(HOME, "zd.stats"), os.path.join(HOME, "zd.rejects")
    shown = lambda rows: sorted(map(json.dumps, rows))
    check(parse(extract("v.zd")[1]) == held, "without the option they are kept")
    for policy in ("keep", "null", "reject"):
        options = ["--zero-dates", policy, "--stats", stats] + (["--reject", path] if policy == "reject" else [])

        def told(rows, what, order=True):
            """The answer, and of what is rejected its reason and itself."""
            with open(stats) as f:
                s = json.loads(f.read().splitlines()[-1])
            out = [r for r in held if bad(r)] if policy == "reject" else []
            r = rejects(path) if os.path.exists(path) else []
            key = (lambda x: x) if order else shown
            check(key(rows) == key(want[policy]) and s["zero_dates"] == n and shown(json.loads(x["raw"]) for x in r) == shown(out) and
                  all(x["reason"] == bad(json.loads(x["raw"]))[0] + ": a zero date" for x in r), "--zero-dates %s: %s" % (policy, what), (s, len(rows), r[:2]))
            if r:
                os.unlink(path)
        status, out, err = extract("v.zd", *options)
        told(parse(out), "a whole table")
        check(status == 0 and err == "", "its status", (status, err))
        for chunk in (1, 7):
            dump = os.path.join(HOME, "zd.%s.%d" % (policy, chunk))
            args = ["--to", dump, "--chunk", chunk] + options
            status, _, err = extract("v.zd", *args)
            files = sorted(os.listdir(os.path.join(dump, "v.zd")))
            told(parse(b"".join(subprocess.run(["zstd", "-dcq", os.path.join(dump, "v.zd", f)], stdout=subprocess.PIPE, check=True).stdout for f in files)), "in pieces of %d" % chunk)
            other = extract("v.zd", "--to", dump, "--chunk", chunk, "--zero-dates", {"keep": "null", "null": "reject", "reject": "keep"}[policy])[0]
            check(status == 0 and len(files) >= 30 // chunk and other == 2, "all pieces; a manifest is of one policy", (status, err, files, other))
        # two parts: what is before a bound, and the rest; a key of time orders them by the server's values
        for column, bound in (("d", "2000-01-01"), ("d", "2024-00-15"), ("d", "2024-00-16"), ("m", "2024-00-15 10:00:00.500"), ("t", "2024-10-02")):
            mark, rows = os.path.join(HOME, "zd.mark"), []
            if os.path.exists(mark):
                os.unlink(mark)
            order = [json.loads(x) for x in extract("v.zd", "--where", column + " IS NOT NULL", "--zero-dates", "keep")[1].splitlines()]
            end = sql("SET sql_mode=''; SELECT COUNT(*) FROM v.zd WHERE %s < '%s'" % (column, bound))[0][0]
            first, rest = [extract("v.zd", "--since", column, "--hwm", mark, "--until", u, "--zero-dates", policy, *(["--on-error", "skip"] if policy == "reject" else []))
                           for u in (bound, "9999-12-31" if column != "t" else "2030-01-01")]
            expect = {"keep": order, "null": [dict(r, **{c: None for c in bad(r)}) for r in order], "reject": [r for r in order if not bad(r)]}[policy]
            early = parse(first[1])
            check(first[0] == rest[0] == 0 and shown(early + parse(rest[1])) == shown(expect) and (policy == "reject" or len(early) == int(end)),
                  "--zero-dates %s: by %s up to %s, then the rest" % (policy, column, bound), (first, rest, end, len(expect)))
    status, _, err = extract("v.zd", "--zero-dates", "reject")
    check(status == 3 and "d: a zero date" in err, "rejected without --reject: 3", (status, err))
    check(extract("v.zd", "--zero-dates", "reject", "--schema")[0] == 2 and extract("v.zd", "--zero-dates", "x")[0] == 2, "--schema has none; no other words")
    sql("SET sql_mode=''; CREATE OR REPLACE TABLE v.zd2 LIKE v.zd")
    status, _, err = load("v.zd2", "d,id", extract("v.zd")[1], "--zero-dates")
    check(status == 0 and sql("SET sql_mode=''; SELECT * FROM v.zd2 ORDER BY d, id") == sql("SET sql_mode=''; SELECT * FROM v.zd ORDER BY d, id"),
          "what is kept mysql-load --zero-dates stores again", (status, err))


@group
def overlap():
    series()
    sql("CREATE TABLE v.ov (id INT PRIMARY KEY, n BIGINT UNSIGNED, t DATETIME(3)); INSERT INTO v.ov VALUES (1, 10, '2026-11-20 10:00:00'), (2, 20, '2026-11-20 11:00:00')")
    ids = lambda got: [json.loads(x)["id"] for x in got[1].splitlines()]
    for column, by, late, end in (("n", "5", "3, 17, NULL", "21"), ("t", "30m", "4, NULL, '2026-11-20 10:45:00'", "2026-11-20 11:00:00.001")):
        mark = os.path.join(HOME, "overlap." + column)
        args = ["--since", column, "--hwm", mark, "--until", end]
        first = ids(extract("v.ov", *args))
        sql("INSERT INTO v.ov VALUES (%s)" % late)
        plain, over = extract("v.ov", *args), extract("v.ov", *args, "--overlap", by)
        check(first == [1, 2] and ids(plain) == [] and ids(over) == [int(late[0]), 2], "--overlap %s: what came late behind the mark is read" % by, (first, plain, over))
        with open(mark) as f:
            kept = f.read()
        extract("v.ov", *args[:-1], "2026-11-20 10:59:00" if column == "t" else "19", "--overlap", by)
        with open(mark) as f:
            check(f.read() == kept, "an overlap does not set the mark back")
    check(extract("v.ov", "--since", "n", "--overlap", "1m", "--hwm", os.path.join(HOME, "overlap.n"))[0] == 2, "a duration of a number: 2")
    began = time.monotonic()
    status, out, _ = extract("v.s", "--rate", "4000")
    check(status == 0 and out.count(b"\n") == 2000 and time.monotonic() - began >= 0.45, "--rate: no more than so many a second", time.monotonic() - began)


@group
def in_a_run():
    if not all(os.access(os.path.join(BIN, x), os.X_OK) for x in ("wh-run", "wh-put", "wh-cat")):
        print("# no wh-run here")
        return
    root = os.path.join(HOME, "house")
    os.makedirs(root, exist_ok=True)
    e = {"PIPEHOUSE_ROOT": root}
    sql("CREATE OR REPLACE TABLE v.r (dt DATE, id INT, a DECIMAL(9,2), PRIMARY KEY (dt, id)); CREATE OR REPLACE TABLE v.rx (id INT PRIMARY KEY, a DECIMAL(9,2))")
    status, _, err = run("wh-put", "ads.r", "dt=2026-11-20", data='{"id":1,"a":19.90}\n{"id":2,"a":1.10}\n', **e)
    check(status == 0, "a table of the warehouse", err)
    command = "mysql-load --defaults-file %s --table v.r -k id --partition dt=2026-11-20 " % CNF
    status, _, err = run("wh-run", command + "wh:ads.r@2026-11-20", **e)
    check(status == 0 and sql("SELECT id, a FROM v.r ORDER BY id") == [["1", "19.90"], ["2", "1.10"]], "wh:TABLE@D in a run", (status, err))
    status, _, err = run("wh-run", "wh-cat ads.r@2026-11-20 | " + command, **e)
    check(status == 2 and "not a pipe" in err, "a pipe in a run is refused", (status, err))
    status, _, err = run("wh-run", command + "wh:ads.r@2026-11-21", **e)
    check(status == 1, "a day never committed: 1", (status, err))
    status, out, err = run("wh-run", "mysql-extract --defaults-file %s --table v.r --columns id,a | wh-put ods.r dt=2026-11-20" % CNF, **e)
    status2, out, _ = run("wh-cat", "ods.r@2026-11-20", **e)
    check(status == status2 == 0 and out == b'{"id":1,"a":19.90}\n{"id":2,"a":1.10}\n', "extract into the warehouse in a run", (status, err, out))
    status, _, err = run("mysql-load", "--defaults-file", CNF, "--table", "v.rx", "-k", "id", PIPEHOUSE_OVERLAY=os.path.join(HOME, "ov"), **e)
    check(status == 2 and "overlay" in err, "nothing leaves an overlay", (status, err))


@group
def man_pages():
    """The examples of the two pages, which tests/man-examples leaves to us."""
    loader = importlib.machinery.SourceFileLoader("man_examples", os.path.join(TOP, "tests/man-examples"))
    spec = importlib.util.spec_from_loader("man_examples", loader)
    m = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(m)
    sql("CREATE OR REPLACE DATABASE shop; CREATE TABLE shop.pet (id BIGINT PRIMARY KEY, name VARCHAR(9), price DECIMAL(9,2), born DATE); "
        "INSERT INTO shop.pet VALUES (1, 'Rex', 19.90, '2021-02-03'), (2, 'Tom', 1.10, NULL)")
    shutil.copy(CNF, os.path.join(HOME, "shop.cnf"))
    for page in ("mysql-extract.1", "mysql-load.1"):
        with open(os.path.join(TOP, "man", page)) as f:
            text = f.read()
        for line, block, _ in m.mdoc_blocks(text):
            for command, want in m.steps(block):
                got = m.run(command, HOME, env()).decode("utf-8", "replace").split("\n")[:-1]
                check(m.same(want, got), "man/%s:%d: %s" % (page, line, command.split("\n")[0]), "\n".join(got))


def main(names, groups):
    server("start")
    sql("CREATE DATABASE v")
    try:
        for g in groups:
            kind = "crashes" if hasattr(g, "crashes") else "calm"
            if names and not any(x in g.__name__ or x == kind for x in names):
                continue
            began = time.monotonic()
            try:
                g()
            except Exception as e:      # a test's own mistake must not look like a pass
                import traceback
                check(False, "%s ran to its end" % g.__name__, traceback.format_exc())
                server("stop")
                server("start")
            print("# %s: %.1f s" % (g.__name__, time.monotonic() - began))
    finally:
        server("stop")
    return finish()


def program(groups):
    """The whole of a test program against a server: arguments are parts of the names of groups, `calm` or `crashes`; none: all of them."""
    try:
        code = main(sys.argv[1:], groups)
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    program(GROUPS)
