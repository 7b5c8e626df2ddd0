#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A late change and a bad day: what changes is what had to change, and all else stays byte-identical.

Four nights of real recipes (slice.py).  The fourth brings changes of rows of the days before it.  SQLite, over the ods rows as they were and as they
are, says which keys and which sums that concerns; the rows of every table before and after the day runs again are held against that.
Then somebody publishes a bad day; it goes on into all that is made of it; it is rolled back, and what stands below it is run again.
"""
import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slice  # noqa: E402
from shop import Shop, Tap, differences  # noqa: E402

DAYS = ["2026-06-01", "2026-06-02", "2026-06-03", "2026-06-04"]
LATE, DAY = DAYS[3], DAYS[2]
ENDS = ["load_trade", "load_sales", "load_hot_sku", "dws_trade_user_1d", "dws_trade_user_7d", "dim_user_zip"]
# what SQL says of a table of sums: its group, and its sums over the orders (o) or the lines (d) of a day
SUMS = {
    "dws.trade_user_1d": ("user_id", "o", "COUNT(*), SUM(cents)"),
    "dws.trade_province_1d": ("province_id || '/' || channel", "o", "COUNT(*), SUM(cents)"),
    "ads.sales": ("province_id || '/' || channel", "o", "COUNT(*), SUM(cents)"),
    "ads.trade": ("1", "o", "COUNT(*), COUNT(DISTINCT user_id), SUM(cents)"),
}
t = Tap()


def whole(house):
    """TABLE@DAY -> its rows, of everything there is."""
    out = {}
    for line in house.run("wh-ls").stdout.splitlines():
        table = json.loads(line)["table"]
        for d in house.run("wh-ls", table).stdout.splitlines():
            dt = json.loads(d)["dt"]
            out["%s@%s" % (table, dt)] = house.rows("%s@%s" % (table, dt))
    return out


def changed(before, after):
    """TABLE@DAY -> rows that are only in one of the two."""
    out = {}
    for k in set(before) | set(after):
        a, b = set(before.get(k, [])), set(after.get(k, []))
        if before.get(k) != after.get(k):
            out[k] = a ^ b
    return out


def keys(rows, name="id"):
    return {json.loads(r)[name] for r in rows}


def without(row, *names):
    j = json.loads(row)
    for n in names:
        j.pop(n, None)
    return json.dumps(j, sort_keys=True)


def orders(rows):
    """A table of a day's orders in SQLite, as ods has them."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE o (id INTEGER PRIMARY KEY, user_id, province_id, channel, cents INTEGER)")
    for r in rows:
        j = json.loads(r, parse_float=str)
        cents = j["total_amount"]
        whole_part, _dot, part = str(cents).partition(".")
        db.execute("INSERT INTO o VALUES (?, ?, ?, ?, ?)", (j["id"], j["user_id"], j["province_id"], j["channel"], int(whole_part) * 100 + int((part + "00")[:2])))
    return db


def groups(db, table):
    group, source, sums = SUMS[table]
    return {row[0]: row[1:] for row in db.execute("SELECT CAST(%s AS TEXT) AS g, %s FROM %s GROUP BY g" % (group, sums, source))}


def group_of(table, row):
    j = json.loads(row)
    return {"user_id": lambda: str(j["user_id"]), "1": lambda: "1"}.get(SUMS[table][0], lambda: "%s/%s" % (j["province_id"], j["channel"]))()


def late_change(house, dag):
    before, files = whole(house), house.files()
    house.shop.business_day(LATE)
    status, _events, err = house.dag(dag, LATE, "-j", "2")
    t.ok(status == 0, "night 4, which brings changes of the days before", err)
    landed = whole(house)
    late = {k: v for k, v in changed(before, landed).items() if not k.endswith(LATE)}
    t.ok(late and all(k.startswith(("ods.", "stg.")) for k in late), "of the days before it changed only what landed: %s" % " ".join(sorted(late)), "\n".join(sorted(late)))
    t.ok("ods.order_info@" + DAY in late, "orders of %s among it" % DAY)
    now = house.files()
    kept = {k: v for k, v in files.items() if not k.startswith(("ods.", "stg."))}
    t.ok(all(now.get(k) == v for k, v in kept.items()), "the files of all other tables and days are the same bytes", differences(kept, now)[:2000])
    heads = house.heads()
    status, _events, err = house.dag(dag, DAY, "-j", "2", *late_again(dag))
    t.ok(status == 0, "%s runs again" % DAY, err)
    after = whole(house)
    made = changed(landed, after)
    other = [k for k in made if not k.endswith("@" + DAY) and not k.startswith("dim.user_zip@")]
    t.ok(made and not other, "only rows of %s changed" % DAY, "\n".join(other))
    rows_of_keys(before, landed, made, after)
    sums_of_rows(before, landed, made)
    same = [k for k in heads if not any(m.startswith(k + "@") for m in made)]
    t.ok(all(house.heads()[k] == heads[k] for k in same), "%d tables that did not change made no commit" % len(same))
    return after


def late_again(dag):
    return ["--from-node", "landed"]


def rows_of_keys(before, landed, made, after):
    """dwd holds other rows for exactly the keys that ods holds other rows for."""
    for table in ("order_info", "order_detail", "payment", "refund"):
        source = {"payment": "payment_info", "refund": "order_refund_info"}.get(table, table)
        a, b = ({json.loads(r)["id"]: r for r in x.get("ods.%s@%s" % (source, DAY), [])} for x in (before, landed))
        told = {k for k in a.keys() | b.keys() if a.get(k) != b.get(k)}
        other = {k for k in told if k not in a or k not in b or without(a[k], "ord") != without(b[k], "ord")}
        columns = {c for r in after.get("dwd.%s@%s" % (table, DAY), [])[:1] for c in json.loads(r)}
        must = {k for k in other if k not in a or k not in b or
                any(json.loads(a[k]).get(c) != json.loads(b[k]).get(c) for c in columns & set(json.loads(a[k])))}
        got = keys(made.get("dwd.%s@%s" % (table, DAY), []))
        if table == "order_detail":     # a line is as wide as its order: it changes with it too
            lines = {json.loads(r)["id"]: json.loads(r)["order_id"] for x in (before, landed) for r in x["ods.order_detail@" + DAY]}
            changed_orders = keys(made.get("dwd.order_info@" + DAY, []))
            other |= {k for k, o in lines.items() if o in changed_orders}
        t.ok(must <= got <= other, "dwd.%s: %d late keys, rows of %d changed, and of no other" % (table, len(told), len(got)),
             "missing %s, too many %s" % (sorted(must - got)[:5], sorted(got - other)[:5]))


def sums_of_rows(before, landed, made):
    a, b = (orders(x["ods.order_info@" + DAY]) for x in (before, landed))
    for table in SUMS:
        was, now = groups(a, table), groups(b, table)
        want = {g for g in was.keys() | now.keys() if was.get(g) != now.get(g)}
        got = {group_of(table, r) for r in made.get("%s@%s" % (table, DAY), [])}
        if table == "ads.trade":        # it holds payments and refunds too
            want |= {"1"} if any(k in made for k in ("dwd.payment@" + DAY, "dwd.refund@" + DAY)) else set()
        t.ok(want == got, "%s: the sums that changed are the %d that SQL over ods says" % (table, len(want)), "SQL %s\nours %s" % (sorted(want), sorted(got)))


def bad_day(house, dag, good):
    files, metrics, heads = house.files(), house.metrics(), house.heads()
    p = house.run("wh-run", "wh-cat dwd.order_info@%s | json-map --all 'total_amount=total_amount * 10' | wh-put dwd.order_info dt=%s" % (DAY, DAY))
    t.ok(p.returncode == 0, "somebody publishes a bad day", p.stderr.decode())
    run = json.loads(house.run("wh-ls", "-v", "dwd.order_info").stdout.splitlines()[-1])["run"]
    status, _events, err = house.dag(dag, DAY, "--downstream", "dwd_order_info")
    bad = set(changed(good, whole(house)))
    t.ok(status == 0 and house.metrics() != metrics and "dwd.order_info@" + DAY in bad and "ads.trade@" + DAY in bad,
         "it goes on into %d tables and into MySQL" % len(bad), err)
    t.ok(all(k.endswith("@" + DAY) for k in bad), "and into no other day", "\n".join(sorted(bad)))
    p = house.run("wh-rollback", "--run", run)
    t.ok(p.returncode == 0, "wh-rollback --run takes it back", p.stderr.decode())
    status, plan, err = house.dag(dag, DAY, "--downstream", "dwd_order_info", "-n")
    t.ok("differs" in plan, "-n says which input differs", plan + err)
    status, _events, err = house.dag(dag, DAY, "--downstream", "dwd_order_info", "-j", "2")
    t.ok(status == 0, "what stands below is run again", err)
    t.ok(whole(house) == good, "all rows are as before", "\n".join(sorted(changed(good, whole(house)))))
    t.ok(house.files() == files, "all files are the same bytes", differences(files, house.files())[:2000])
    t.ok(house.metrics() == metrics, "and so are the rows in MySQL")
    touched = {k.split("@")[0] for k in bad}
    now = house.heads()
    t.ok(all(now[k] == heads[k] for k in heads if k not in touched), "no other table has a new commit",
         differences({k: v for k, v in heads.items() if k not in touched}, {k: v for k, v in now.items() if k not in touched})[:2000])


with Shop(scale="0.002", days=len(DAYS)) as shop:
    house, dag = shop.house("late"), slice.cut(shop.dir, ENDS)
    for day in DAYS[:3]:
        shop.business_day(day)
        status, events, err = house.dag(dag, day, "-j", "2")
        t.ok(status == 0, "the night of %s, %d nodes" % (day, len(slice.nodes(dag))), err)
    bad_day(house, dag, late_change(house, dag))
t.done()
