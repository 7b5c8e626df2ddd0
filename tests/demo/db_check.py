#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""db_check.py OUTDIR CLIENT [ARG ...] - mock-shop's SQL and its feed tell the same story

Loads OUTDIR/mysql day by day into a scratch database `gmall_check` with the given
client (for example: mariadb --no-defaults -S SOCKET -u root), and after each day
compares every row of the five captured tables, text for text, with the feed folded
up to that day.  Exit 0 if all agree, 1 if not.
"""
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import truth_check  # noqa: E402

DB = "gmall_check"


def run(client, sql):
    done = subprocess.run(client + ["--default-character-set=utf8mb4", "-N", "-B"], input=sql,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("ascii")


def table(client, name):
    columns = run(client, f"SELECT column_name FROM information_schema.columns WHERE table_schema="
                  f"'{DB}' AND table_name='{name}' ORDER BY ordinal_position".encode()).split()
    cells = ",".join(f"IFNULL(HEX(CAST({c} AS CHAR)),'-')" for c in columns)
    rows = {}
    for line in run(client, f"SELECT {cells} FROM {DB}.{name}".encode()).splitlines():
        row = [None if c == "-" else bytes.fromhex(c).decode("utf-8") for c in line.split("\t")]
        rows[int(row[0])] = dict(zip(columns, row))
    return rows


def main():
    outdir, client = sys.argv[1], sys.argv[2:]
    days = sorted(f[:10] for f in os.listdir(f"{outdir}/log"))
    feed, bad, rows = truth_check.Feed(), 0, 0
    for day in days:
        feed.read(f"{outdir}/cdc/{day}.ndjson", day)
    run(client, f"DROP DATABASE IF EXISTS {DB}; CREATE DATABASE {DB};".encode())
    for part in ["schema"] + days:
        with open(f"{outdir}/mysql/{part}.sql", "rb") as f:
            run(client, f"USE {DB};\n".encode() + f.read())
        if part == "schema":
            continue
        state = feed.state(until=part)
        for name in truth_check.ENTITIES:
            theirs = table(client, name)
            ours = {k: {c: None if v is None else str(v) for c, v in r.items()}
                    for k, r in state[name].items()}
            rows += len(ours)
            for k in sorted(ours.keys() | theirs.keys()):
                if ours.get(k) != theirs.get(k):
                    print(f"{part} {name} {k}: feed {json.dumps(ours.get(k), ensure_ascii=False)}"
                          f", database {json.dumps(theirs.get(k), ensure_ascii=False)}")
                    bad += 1
    run(client, f"DROP DATABASE {DB};".encode())
    print(f"{rows} rows of {len(days)} days, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
