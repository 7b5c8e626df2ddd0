# SPDX-License-Identifier: BSD-2-Clause
"""The twelve metrics by SQL in MariaDB over the ods rows of a day, to be held against what the recipes put into the ads tables.

The rows are read from the files that any engine would read (zstd -dc of dt=DAY/*.zst) and given to the server as JSON texts; nothing here calls the
tools under test.
"""
import glob
import os
import subprocess

CLEAN = "NULLIF(NULLIF(NULLIF(NULLIF(TRIM(%s), ''), 'null'), 'NULL'), '\\\\N')"


def rows(house, table, day):
    layer, name = table.split(".")
    files = sorted(glob.glob(os.path.join(house.root, "main", layer, name, "dt=" + day, "*.zst")))
    out = b""
    for f in files:
        out += subprocess.run(["zstd", "-dcq", f], check=True, stdout=subprocess.PIPE).stdout
    return out.splitlines()


def load(shop, db, table, lines):
    sql = ["CREATE TABLE %s (j LONGTEXT CHARACTER SET utf8mb4) ENGINE=Aria;" % table]
    for i in range(0, len(lines), 500):
        sql.append("INSERT INTO %s VALUES %s;" % (table, ",".join("(CONVERT(X'%s' USING utf8mb4))" % l.hex() for l in lines[i:i + 500])))
    shop.sql("\n".join(sql), db)


PAGES = """CREATE TABLE pages AS SELECT DISTINCT {mid} AS mid, CAST(JSON_VALUE(j, '$.ts') AS UNSIGNED) AS ts, {uid} AS uid,
  JSON_VALUE(j, '$.common.ip') AS ip, JSON_VALUE(j, '$.common.is_new') AS is_new, {last} AS last_page
  FROM page_log WHERE {mid} IS NOT NULL AND JSON_VALUE(j, '$.ts') IS NOT NULL""".format(
    mid=CLEAN % "JSON_VALUE(j, '$.common.mid')", uid=CLEAN % "JSON_VALUE(j, '$.common.uid')", last=CLEAN % "JSON_VALUE(j, '$.page.last_page_id')")

FACT = """CREATE TABLE {t} AS SELECT * FROM (SELECT JSON_VALUE(j, '$.op') AS op, {cols},
  ROW_NUMBER() OVER (PARTITION BY CAST(JSON_VALUE(j, '$.key.id') AS UNSIGNED) ORDER BY CAST(JSON_VALUE(j, '$.ord') AS BINARY) DESC) AS newest
  FROM {src}) x WHERE newest = 1 AND op <> 'd' AND LEFT({day}, 10) = '{dt}'"""


def fact(t, src, cols, day, dt):
    parts = []
    for c in cols.split():
        name, kind = (c.split(":") + ["CHAR"])[:2]
        kind = {"M": "DECIMAL(18,2)", "N": "UNSIGNED", "CHAR": "CHAR CHARACTER SET utf8mb4"}[kind]
        parts.append("CAST(JSON_VALUE(j, '$.row.%s') AS %s) AS %s" % (name, kind, name))
    return FACT.format(t=t, src=src, cols=", ".join(parts), day=day, dt=dt)


def metrics(house, day):
    """{ads table: text of its rows}, in the form of House.metrics but without dt."""
    shop, db = house.shop, "oracle_" + house.name
    shop.sql("DROP DATABASE IF EXISTS %s; CREATE DATABASE %s CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" % (db, db))
    for t in ("page_log", "order_info", "order_detail", "payment_info", "order_refund_info", "base_province"):
        load(shop, db, t, rows(house, "ods." + t, day))
    shop.sql(";\n".join([
        PAGES,
        fact("orders", "order_info", "id:N user_id:N total_amount:M province_id:N channel create_time", "create_time", day),
        fact("details", "order_detail", "id:N order_id:N sku_id:N sku_num:N split_total_amount:M create_time", "create_time", day),
        fact("paid", "payment_info", "id:N total_amount:M payment_status callback_time", "callback_time", day),
        fact("refunds", "order_refund_info", "id:N order_id:N sku_id:N refund_amount:M create_time", "create_time", day),
        "CREATE TABLE province AS SELECT CAST(JSON_VALUE(j, '$.id') AS UNSIGNED) AS id, JSON_VALUE(j, '$.name') AS name FROM base_province"]), db)
    q = lambda text: shop.sql(text, db)
    return {
        "ads_traffic": q("SELECT COUNT(*), COUNT(DISTINCT COALESCE(uid, mid)), COUNT(DISTINCT ip), COUNT(DISTINCT IF(is_new = '1', mid, NULL)) FROM pages"),
        "ads_visit": q("""SELECT COUNT(*) FROM (SELECT last_page, ts - LAG(ts) OVER (PARTITION BY mid ORDER BY ts) AS gap FROM pages) x
            WHERE gap IS NULL OR gap > 1800000 OR last_page IS NULL"""),
        "ads_trade": q("""SELECT o.n, o.b, o.g, p.a, r.a, IF(o.g = 0, 0.000000, ROUND(r.a / o.g, 6)) FROM
            (SELECT COUNT(*) AS n, COUNT(DISTINCT user_id) AS b, COALESCE(SUM(total_amount), 0.00) AS g FROM orders) o,
            (SELECT COALESCE(SUM(total_amount), 0.00) AS a FROM paid WHERE payment_status = '1602') p,
            (SELECT COALESCE(SUM(refund_amount), 0.00) AS a FROM refunds) r"""),
        "ads_hot_sku": q("""SELECT ROW_NUMBER() OVER (ORDER BY s.amount DESC, s.sku_id), s.*, COALESCE(r.n, 0), COALESCE(r.a, 0.00) FROM
            (SELECT sku_id, SUM(split_total_amount) AS amount, SUM(sku_num), COUNT(DISTINCT order_id) FROM details GROUP BY sku_id) s LEFT JOIN
            (SELECT sku_id, COUNT(DISTINCT order_id) AS n, SUM(refund_amount) AS a FROM refunds GROUP BY sku_id) r USING (sku_id)
            ORDER BY 1 LIMIT 10"""),
        "ads_sales": q("""SELECT province_id, name, channel, COUNT(*), SUM(total_amount) FROM orders LEFT JOIN province p ON p.id = province_id
            GROUP BY province_id, name, channel ORDER BY province_id, channel"""),
    }


def loaded(house, day):
    where = " WHERE dt = '%s'" % day
    q = lambda text: house.shop.sql(text, house.db)
    return {
        "ads_traffic": q("SELECT pv, uv, ip, new_devices FROM ads_traffic" + where),
        "ads_visit": q("SELECT vv FROM ads_visit" + where),
        "ads_trade": q("SELECT orders, buyers, gmv, paid_amount, refund_amount, refund_rate FROM ads_trade" + where),
        "ads_hot_sku": q("SELECT `rank`, sku_id, amount, items, orders, refund_orders, refund_amount FROM ads_hot_sku%s ORDER BY `rank`" % where),
        "ads_sales": q("SELECT province_id, province_name, channel, orders, amount FROM ads_sales%s ORDER BY province_id, channel" % where),
    }
