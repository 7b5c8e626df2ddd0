# SPDX-License-Identifier: BSD-2-Clause
"""The metrics by SQL in MariaDB over the ods rows, to be held against what the recipes put into the ads tables.

The SQL is that of docs/METRICS.md.  Rows of tables that are only appended to or replaced are read from the files that any engine would read (zstd -dc of
dt=DAY/*.zst); those of keyed tables, whose newest rows are no files of their own, by wh-cat.  A database is kept over the nights, as the page says.

    sql = oracle.Oracle(house)
    wrong = sql.night(day)          # [(metric, text)]: what differs
"""
import datetime
import glob
import json
import os
import subprocess
from decimal import Decimal, InvalidOperation

from shop import METRICS, metrics

KEYED = {"cart_info", "coupon_use", "favor_info", "order_detail", "order_info", "order_refund_info", "payment_info", "refund_payment", "user_info"}
CSV = {"ad_cost", "channel_cost"}


def files(house, table, day):
    layer, name = table.split(".")
    out = b""
    for f in sorted(glob.glob(os.path.join(house.root, "main", layer, name, "dt=" + day, "*.zst"))):
        out += subprocess.run(["zstd", "-dcq", f], check=True, stdout=subprocess.PIPE).stdout
    return out.splitlines()


def input_rows(house, name, day):
    """(dt, op, ord, JSON text) of an ods table, as docs/METRICS.md wants it."""
    if name not in KEYED:
        for line in files(house, "ods." + name, day):
            if name in CSV:                             # a row does not hold the day that it lies in
                line = json.dumps(dict(json.loads(line), dt=day), ensure_ascii=False).encode()
            yield day, "r", b"", line
        return
    for line in house.rows("ods." + name):
        r = json.loads(line)
        if name == "user_info":                         # changes, in the partition of their day
            yield local_day(r["ts"]), r["op"], r["ord"].encode(), json.dumps(r["row"], ensure_ascii=False).encode()
        elif name in ("cart_info", "favor_info"):       # what was touched on a day, as it stood then
            yield r["operate_time"][:10], "r", b"", line
        else:
            yield r.get("create_time", r.get("get_time"))[:10], "r", r["ord"].encode(), line


def local_day(ms):
    return str((datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms, hours=8)).date())


def same(a, b):
    if a == b:
        return True
    try:
        return Decimal(a) == Decimal(b)
    except InvalidOperation:
        return False


class Oracle:
    def __init__(self, house):
        self.house, self.shop, self.db = house, house.shop, "oracle_" + house.name
        self.shop.sql("CREATE DATABASE %s CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" % self.db)
        self.shop.sql(metrics.SETUP + "".join(metrics.ODS % t for t in metrics.ods_tables()), self.db)

    def load(self, name, day):
        text = ["DELETE FROM ods_%s%s;" % (name, "" if name in KEYED else " WHERE dt = '%s'" % day)]
        batch = []
        for dt, op, order, j in input_rows(self.house, name, day):
            batch.append("('%s','%s',X'%s',CONVERT(X'%s' USING utf8mb4))" % (dt, op, order.hex(), j.hex()))
            if len(batch) == 500:
                text.append("INSERT INTO ods_%s VALUES %s;" % (name, ",".join(batch)))
                batch = []
        if batch:
            text.append("INSERT INTO ods_%s VALUES %s;" % (name, ",".join(batch)))
        return "\n".join(text)

    def table(self, query, db):
        """The rows of a query as dictionaries of text."""
        p = subprocess.run(["mariadb", "--defaults-file=" + self.shop.cnf, "--raw", "--default-character-set=utf8mb4", db], input=query.encode(),
                           check=True, stdout=subprocess.PIPE)
        lines = p.stdout.decode().splitlines()
        return [dict(zip(lines[0].split("\t"), line.split("\t"))) for line in lines[1:]]

    def night(self, day):
        """Bring the day in; the metrics that differ from those in the ads tables, and how."""
        self.shop.sql("SET autocommit = 0;\n" + "\n".join(self.load(t, day) for t in metrics.ods_tables()) + "\nCOMMIT;\n" + metrics.views(day), self.db)
        wrong = []
        for m in METRICS:
            want, got = self.table(m.sql(day), self.db), self.table(m.loaded(day), self.house.db)
            text = self.differ(m, want, got)
            if text:
                wrong.append((m.name, text))
        return wrong

    @staticmethod
    def differ(m, want, got):
        def by(rows):
            return {tuple(r[k] for k in m.keys): r for r in rows}
        a, b = by(want), by(got)
        if len(a) != len(want) or len(b) != len(got):
            return "a key stands twice"
        return "\n".join("%s: SQL has %s, the ads table %s" % (" ".join(k), a.get(k), b.get(k)) for k in sorted(set(a) | set(b))
                         if k not in a or k not in b or not all(same(a[k][f], b[k][f]) for f in m.fields))
