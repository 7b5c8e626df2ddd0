#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""oracle - take the answers of cases.tsv from a private MariaDB again

	python3 tests/expr/oracle.py		# TAP: does every expected value still hold?
	python3 tests/expr/oracle.py -u		# write them into cases.tsv

A case is EXPRESSION TAB RECORD TAB EXPECTED [TAB MARIADB]: MARIADB is the same question in its words where ours it does
not know.  EXPECTED is what its client prints in batch mode, or `ours N: VALUE` (`!`: that record's error) where we differ by
difference N of docs/EXPRESSIONS.md: then MariaDB must say something else.  The record's scalars are columns of a row, its
objects are rows of that name.  Zone +08:00; texts compare by code points.  MARIADB_SOCKET=PATH asks a server that runs.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = os.path.join(HERE, "cases.tsv")
DOCS = os.path.join(HERE, "..", "..", "docs", "EXPRESSIONS.md")
SETUP = """SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin;
SET sql_mode='PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,ANSI_QUOTES';
SET time_zone='+08:00';
"""


class Number(str):
    pass


def literal(v):
    if v is None:
        return "NULL"
    if v is True or v is False:
        return "TRUE" if v else "FALSE"
    if isinstance(v, Number):
        return format(Decimal(v), "f") if "e" in v.lower() else str(v)
    return "'" + v.replace("'", "''") + "'"


def row(name, members):
    cells = ", ".join("%s AS `%s`" % (literal(v), k.replace("`", "``")) for k, v in members.items() if not isinstance(v, (dict, list)))
    return "(SELECT %s) AS `%s`" % (cells or "1 AS `no cells`", name)


def query(n, expr, record):
    r = json.loads(record, parse_int=Number, parse_float=Number)
    tables = [row("r", r)] + [row(k, v) for k, v in r.items() if isinstance(v, dict)]
    return "SELECT %d, %s FROM %s;\n" % (n, expr, ", ".join(tables))


def ask(socket, text):
    """Answers by number; a statement that fails leaves a hole."""
    out = subprocess.run(["mariadb", "--no-defaults", "-S", socket, "-u", "root", "-N", "-B", "--force",
                          "--default-character-set=utf8mb4"], input=SETUP + text, capture_output=True, text=True, check=False)
    errors = [e for e in out.stderr.splitlines() if "ERROR" in e]
    return dict(line.split("\t", 1) for line in out.stdout.splitlines()), errors


def server(top):
    """A server of our own on a socket in a directory of our own; returns its process and socket."""
    data, sock = os.path.join(top, "data"), os.path.join(top, "s")
    who = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run(["mariadb-install-db", "--no-defaults", "--user=" + who, "--datadir=" + data, "--skip-test-db",
                    "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    p = subprocess.Popen(["mariadbd", "--no-defaults", "--user=" + who, "--datadir=" + data, "--socket=" + sock,
                          "--skip-networking", "--pid-file=" + os.path.join(top, "pid"), "--innodb-buffer-pool-size=16M"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        if p.poll() is not None:
            sys.exit("oracle: mariadbd did not start")
        if ask(sock, "SELECT 0, 1;\n")[0]:
            return p, sock
        time.sleep(0.1)
    sys.exit("oracle: mariadbd does not answer")


def main():
    lines = open(CASES, encoding="utf-8").read().split("\n")
    cases = [(i, line.split("\t")) for i, line in enumerate(lines) if line and not line.startswith("#")]
    known = set(re.findall(r"^(\d+)\. ", open(DOCS, encoding="utf-8").read(), re.M)) if os.path.exists(DOCS) else set()
    text = "".join(query(i, f[3] if len(f) > 3 else f[0], f[1]) for i, f in cases)
    top = tempfile.mkdtemp(prefix="expr-oracle.")
    p = None
    try:
        sock = os.environ.get("MARIADB_SOCKET")
        if not sock:
            p, sock = server(top)
        answers, errors = ask(sock, text)
    finally:
        if p:
            p.terminate()
            p.wait(60)
        shutil.rmtree(top)
    failed, ours = 0, 0
    for i, f in cases:
        says = answers.get(str(i), "!")
        m = re.match(r"ours (\d+): (.*)", f[2])
        if m:
            ours += 1
            if m[1] not in known:
                failed += 1
                print("# line %d: difference %s is not in docs/EXPRESSIONS.md" % (i + 1, m[1]))
            if says == m[2]:
                failed += 1
                print("# line %d: no difference at all: %s is %s to both" % (i + 1, f[0], says))
        elif f[2] != says:
            if "-u" in sys.argv:
                lines[i] = "\t".join(f[:2] + [says] + f[3:])
            else:
                failed += 1
                print("# line %d: %s over %s: MariaDB says %s, not %s" % (i + 1, f[0], f[1], says, f[2]))
    if "-u" in sys.argv:
        open(CASES, "w", encoding="utf-8").write("\n".join(lines))
    for e in errors:
        print("# " + e)
    print("%s 1 - MariaDB answers as cases.tsv says (%d cases, %d of them ours)" % ("not ok" if failed else "ok", len(cases), ours))
    print("1..1")
    return failed > 0


sys.exit(main())
