#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""sql_check.py OUTDIR CLIENT [ARG ...] - mock-shop's answers against the SQL of docs/METRICS.md

Loads OUTDIR/mysql day by day into a scratch database, makes the ods rows of each night of the files and tables as a warehouse would (in Python and SQL,
with none of our tools), and runs the SQL of every metric: for the night's day, and for the day before as a run of that day after this night.
Exit 0 if every value is the one in truth/, 1 if not.
"""
import collections
import csv
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(os.path.dirname(HERE)), "demo")]
import metrics  # noqa: E402
import truth_check  # noqa: E402

SHOP, ODS = "gmall_sql", "gmall_ods"
FULL = "base_category3 base_dic base_province base_region base_trademark sku_info spu_info".split()
BY_TIME = "cart_info favor_info".split()
BY_ID = "comment_info order_detail_activity order_detail_coupon order_status_log".split()
FED = "order_info order_detail payment_info order_refund_info refund_payment coupon_use".split()
KEPT = "pages visits ad_records orders".split()


class Db:
    def __init__(self, client):
        self.client = client

    def run(self, sql, db=ODS):
        done = subprocess.run(self.client + ["--default-character-set=utf8mb4", "-N", "-B", db], input=sql.encode(), stdout=subprocess.PIPE, check=True)
        return [line.split("\t") for line in done.stdout.decode().splitlines()]

    def load(self, table, rows):
        """rows: (dt, op, ord, record)."""
        sql = []
        for i in range(0, len(rows), 400):
            values = ["('%s','%s',%s,X'%s')" % (dt, op, "'%s'" % o if o else "NULL", json.dumps(r, ensure_ascii=False, default=str).encode().hex())
                      for dt, op, o, r in rows[i:i + 400]]
            sql.append("INSERT INTO ods_%s VALUES %s;" % (table, ",".join(values)))
        if sql:
            self.run("\n".join(sql))


class Logs:
    """The app log by the day of each record, split into the tables that the metrics read."""

    def __init__(self):
        self.days = collections.defaultdict(lambda: collections.defaultdict(list))

    def read(self, path):
        for raw in truth_check.lines(path):
            rec = truth_check.parse(raw) if raw.strip() else None
            if rec is None or rec.get("ts") in truth_check.ABSENT:
                continue
            day = self.days[truth_check.day_of(int(rec["ts"]))]
            head = {k: rec[k] for k in ("common", "page", "ts") if k in rec}
            if "page" in rec:
                day["page_log"].append(head)
            for name in ("action", "display"):
                for i, element in enumerate(rec.get(name + "s") or []):
                    day[name + "_log"].append(dict(head, ordinal=i, **{name: element}))


def user_changes(feed):
    for row in feed.base.values():
        yield row["create_time"][:10], "r", "0", row
    for key in sorted(feed.changes):
        m = feed.changes[key]
        if m["table"] != "user_info" or "data" not in m:
            continue
        ord_, day, data = "%09d.%015d.%s" % (key[0], key[1], "9" * 6 if key[2] == float("inf") else "%06d" % key[2]), truth_check.day_of(m["ts"] * 1000), m["data"]
        if m["type"] == "delete":
            yield day, "d", ord_, data
            continue
        if "id" in m.get("old", {}):
            yield day, "d", ord_ + ".0", dict(data, id=m["old"]["id"])
        yield day, "c", ord_ + ".1", data


class Nights:
    def __init__(self, outdir, db):
        self.outdir, self.db, self.logs, self.feed = outdir, db, Logs(), truth_check.Feed()
        self.mark = dict.fromkeys(BY_ID, 0)
        db.run("DROP DATABASE IF EXISTS %s; CREATE DATABASE %s CHARACTER SET utf8mb4; DROP DATABASE IF EXISTS %s; "
               "CREATE DATABASE %s CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" % (SHOP, SHOP, ODS, ODS), "mysql")
        db.run(metrics.SETUP + "\n".join(metrics.ODS % t for t in metrics.ods_tables()))
        self.source("schema")
        self.columns = collections.defaultdict(list)
        for table, column in db.run("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = '%s' ORDER BY ordinal_position" % SHOP):
            self.columns[table].append(column)

    def source(self, part):
        with open("%s/mysql/%s.sql" % (self.outdir, part), encoding="utf-8") as f:
            self.db.run(f.read(), SHOP)

    def extract(self, table, day, where):
        pairs = ",".join("'%s', CAST(%s AS CHAR)" % (c, c) for c in self.columns[table])
        self.db.run("INSERT INTO ods_%s SELECT '%s', 'r', NULL, JSON_OBJECT(%s) FROM %s.%s WHERE %s" % (table, day, pairs, SHOP, table, where))

    def costs(self, name, day):
        with open("%s/csv/%s-%s.csv" % (self.outdir, name, day), encoding="utf-8", newline="") as f:
            self.db.load(name, [(day, "r", None, r) for r in csv.DictReader(f)])

    def night(self, day):
        self.source(day)
        for t in FULL:
            self.extract(t, day, "TRUE")
        for t in BY_TIME:
            self.extract(t, day, "operate_time >= '%s' AND operate_time < '%s' + INTERVAL 1 DAY" % (day, day))
        for t in BY_ID:
            self.extract(t, day, "id > %d" % self.mark[t])
            self.mark[t] = int(self.db.run("SELECT COALESCE(MAX(id), 0) FROM " + t, SHOP)[0][0])
        for name in ("ad_cost", "channel_cost"):
            self.costs(name, day)
        self.logs.read("%s/log/%s.ndjson" % (self.outdir, day))
        self.feed.read("%s/cdc/%s.ndjson" % (self.outdir, day), day)
        self.fed()

    def fed(self):
        state = self.feed.state()
        self.db.run("".join("TRUNCATE ods_%s;" % t for t in FED + ["user_info"]))
        for t in FED:
            self.db.load(t, [(r["create_time"][:10], "r", "1", r) for r in state[t].values()])
        self.db.load("user_info", list(user_changes(self.feed)))

    def views(self, day):
        for t in ("page_log", "action_log", "display_log"):
            self.db.run("DELETE FROM ods_%s WHERE dt = '%s'" % (t, day))
            self.db.load(t, [(day, "r", None, r) for r in self.logs.days[day][t]])
        self.db.run(metrics.views(day))

    def answers(self, day):
        out, known = {}, metrics.read()
        rows = self.db.run(";\n".join("SELECT '== %s';\n%s" % (m.name, m.sql(day)) for m in known))
        for row in rows:
            if row[0].startswith("== "):
                m = next(m for m in known if m.name == row[0][3:])
            else:
                values = [None if v == "NULL" else v for v in row]
                if len(values) != len(m.keys) + len(m.fields):
                    raise SystemExit("%s: %d columns" % (m.name, len(values)))
                for field, value in zip(m.fields, values[len(m.keys):]):
                    out[(m.name, tuple(values[:len(m.keys)]), field)] = value
        return out


def compare(what, ours, theirs):
    bad = [k for k in sorted(set(ours) | set(theirs), key=str) if ours.get(k, "no row") != theirs.get(k, "no row")]
    for k in bad[:25]:
        print("%s %s %s %s: SQL says %s, truth says %s" % (what, k[0], ",".join(map(str, k[1])), k[2], ours.get(k, "no row"), theirs.get(k, "no row")))
    if len(bad) > 25:
        print("%s: and %d more, of %s" % (what, len(bad) - 25, sorted({k[0] for k in bad[25:]})))
    return len(bad)


def main():
    outdir, db = sys.argv[1], Db(sys.argv[2:])
    days = sorted(f[:10] for f in os.listdir(outdir + "/log"))
    nights, bad, values, answered = Nights(outdir, db), 0, 0, set()
    known = {m.name: m for m in metrics.read()}
    for n, night in enumerate(days):
        nights.night(night)
        truth = collections.defaultdict(dict)
        for raw in truth_check.lines("%s/truth/%s.ndjson" % (outdir, night)):
            r = json.loads(raw)
            dims = tuple(str(r["dims"][k]) for k in known[r["metric"]].keys)
            truth[r["dt"]][(r["metric"], dims, r["field"])] = r["value"]
        if n > 0:		# the day before, once more: then its own night's views come back
            before = days[n - 1]
            db.run("".join("CREATE OR REPLACE TABLE kept_%s AS SELECT * FROM %s WHERE dt = '%s';" % (t, t, before) for t in KEPT))
            nights.views(before)
            bad += compare("%s again in the night of %s:" % (before, night), nights.answers(before), truth[before])
            db.run("".join("DELETE FROM %s WHERE dt = '%s'; INSERT INTO %s SELECT * FROM kept_%s;" % (t, before, t, t) for t in KEPT))
        nights.views(night)
        bad += compare(night, nights.answers(night), truth[night])
        values += len(truth[night])
        answered |= {k[0] for k in truth[night]}
    # a first day has no cohort, a small one perhaps no order with an activity; but in a run of a few days each metric says something
    missing = set(known) - answered - ({"retention"} if len(days) == 1 else set())
    if missing:
        print("no answer of %s" % sorted(missing))
        bad += len(missing)
    db.run("DROP DATABASE %s; DROP DATABASE %s" % (SHOP, ODS), "mysql")
    print("%d values of %d metrics and %d nights, %d wrong" % (values, len(known), len(days), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
