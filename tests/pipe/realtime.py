#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The jobs of dags/shop/realtime over a live log of mock-shop: what stands in MySQL is what SQL over the raw lines says, and what the generator counted.

    BIN=build/bin python3 tests/pipe/realtime.py [RECIPE ...]       SHOP_RATE=2 SHOP_SECONDS=9000 SHOP_SEED=3
"""
import calendar
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shop import BIN, TOP, Tap  # noqa: E402

RATE, SECONDS, SEED = os.environ.get("SHOP_RATE", "2"), os.environ.get("SHOP_SECONDS", "9000"), os.environ.get("SHOP_SEED", "3")
CLOCK = "2026-06-01T22:30:00"          # over midnight
PIPES = os.path.join(TOP, "dags", "shop", "realtime")
ZONE = 8 * 3600 * 1000
# nothing is late, and each window is over: the answers are those of all that came
SOURCE = "--barriers 200ms --event-time ts --late 1h --idle 1h --until end"
# in the order of their running: the first ones fill tables that others look up
ALL = ["users", "blacklist", "orders_5m", "top_cities", "ad_clicks", "hot_ads", "ad_clicks_clean", "burst", "unequal", "paid_twice", "channel_visits",
       "channel_firsts", "click_browse", "coupons", "stock", "totals", "orders_wide"]
# what is asked of MySQL, for the members of truth/NAME.ndjson
MYSQL = {
    "orders_5m": "SELECT window_end, province_id, city, orders, amount FROM rt_orders_5m",
    "top_cities": "SELECT window_end, province_id, city, `rank`, orders, amount FROM rt_top_cities",
    "ad_clicks": "SELECT window_end, ad_id, clicks FROM rt_ad_clicks",
    "ad_clicks_clean": "SELECT window_end, ad_id, clicks FROM rt_ad_clicks_clean",
    "hot_ads": "SELECT dt, province_id, ad_id, clicks FROM rt_hot_ads",
    "burst": "SELECT kind, who, window_end, orders FROM rt_burst",
    "unequal": "SELECT payment_id, order_id, paid FROM rt_unequal",
    "paid_twice": "SELECT payment_id, order_id, first_payment_id FROM rt_paid_twice",
    "channel_visits": "SELECT window_end, ch, visits, pages, stay_ms, favours FROM rt_channel_visits",
    "channel_firsts": "SELECT window_end, ch, buyers, amount FROM rt_channel_firsts",
    "click_browse": "SELECT window_end, ad_id, pairs FROM rt_click_browse",
    "coupons": "SELECT window_end, coupon_id, taken, used FROM rt_coupons",
    "stock": "SELECT sku_id, at, stock FROM rt_stock",
    "totals": "SELECT dt, orders, gmv, paid, pv, uv FROM rt_totals_day",
    "orders_wide": "SELECT order_id, user_id, amount, CASE WHEN user_level IS NULL THEN 0 ELSE 1 END AS user_told FROM rt_orders",
}
TIME = "strftime('%%Y-%%m-%%d %%H:%%M:%%S', (%s) / 1000 + 28800, 'unixepoch')"
DAY = "strftime('%%Y-%%m-%%d', (%s) / 1000 + 28800, 'unixepoch')"
MONEY = "printf('%%s%%d.%%02d', CASE WHEN %s < 0 THEN '-' ELSE '' END, abs(%s) / 100, abs(%s) %% 100)"
t = Tap()


def at(ms):
    return TIME % ms


def up(ms, unit):
    return "((%s) / %d + 1) * %d" % (ms, unit, unit)


def money(cents):
    return MONEY % (cents, cents, cents)


# ---- the oracle: the raw lines as rows, and SQL ----

SQL = {
    "orders_5m": "WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < 11) SELECT " + at("e") + " AS window_end, province_id, city,"
                 " orders, " + money("cents") + " AS amount FROM (SELECT " + up("us / 1000", 300000) + " + n * 300000 AS e, province_id, city,"
                 " count(*) AS orders, sum(cents) AS cents FROM orders, k GROUP BY e, province_id, city)",
    "top_cities": "WITH RECURSIVE k(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM k WHERE n < 11) SELECT " + at("e") + " AS window_end, province_id, city,"
                  " place AS rank, orders, " + money("cents") + " AS amount FROM (SELECT *, row_number() OVER (PARTITION BY e, province_id ORDER BY"
                  " cents DESC, city) AS place FROM (SELECT " + up("us / 1000", 300000) + " + n * 300000 AS e, province_id, city,"
                  " count(*) AS orders, sum(cents) AS cents FROM orders, k GROUP BY e, province_id, city)) WHERE place <= 3",
    "ad_clicks": "SELECT " + at(up("ts", 300000)) + " AS window_end, ad_id, count(*) AS clicks FROM clicks GROUP BY 1, 2",
    "ad_clicks_clean": "SELECT " + at(up("ts", 300000)) + " AS window_end, ad_id, count(*) AS clicks FROM clicks WHERE mid NOT IN"
                       " (SELECT mid FROM clicks GROUP BY mid, ad_id, " + DAY % "ts" + " HAVING count(*) > 100) GROUP BY 1, 2",
    "hot_ads": "SELECT " + DAY % "ts" + " AS dt, p.id AS province_id, ad_id, count(*) AS clicks FROM clicks JOIN province p ON p.area = ar GROUP BY 1, 2, 3",
    "blacklist": "SELECT " + DAY % "ts" + " AS dt, mid AS who, ad_id, count(*) AS clicks FROM clicks GROUP BY 1, 2, 3 HAVING count(*) > 100",
    "unequal": "SELECT id AS payment_id, order_id, " + money("cents") + " AS paid FROM paid p WHERE NOT EXISTS (SELECT 1 FROM versions v WHERE"
               " v.order_id = p.order_id AND v.cents = p.cents AND v.us BETWEEN p.us - 86400000000 AND p.us)",
    "paid_twice": "SELECT b.id AS payment_id, b.order_id, a.id AS first_payment_id FROM paid a JOIN paid b ON a.order_id = b.order_id AND a.id < b.id",
    "channel_visits": "SELECT " + at(up("last + 1800000", 3600000)) + " AS window_end, ch, count(*) AS visits, sum(n) AS pages, sum(ms) AS stay_ms,"
                      " sum(favours) AS favours FROM (SELECT mid, ch, visit, max(ts) AS last, count(*) AS n, sum(ms) AS ms, sum(favour) AS favours FROM"
                      " (SELECT *, sum(fresh) OVER (PARTITION BY mid ORDER BY ts) AS visit FROM (SELECT *, CASE WHEN last_page IS NULL OR ts -"
                      " lag(ts) OVER (PARTITION BY mid ORDER BY ts) > 1800000 THEN 1 ELSE 0 END AS fresh FROM pages)) GROUP BY mid, ch, visit) GROUP BY 1, 2",
    "channel_firsts": "SELECT " + at(up("us / 1000", 3600000)) + " AS window_end, p.ch, count(*) AS buyers, " + money("sum(cents)") + " AS amount FROM orders o"
                      " JOIN pages p ON p.trace = o.trace AND p.page = 'trade' WHERE o.rowid IN (SELECT min(rowid) FROM orders GROUP BY user_id) GROUP BY 1, 2",
    "click_browse": "SELECT " + at(up("c.ts", 300000)) + " AS window_end, ad_id, count(*) AS pairs FROM clicks c JOIN pages p ON p.mid = c.mid AND"
                    " p.page = 'good_detail' AND p.ts BETWEEN c.ts - 600000 AND c.ts GROUP BY 1, 2",
    "coupons": "SELECT " + at(up("us / 1000", 60000)) + " AS window_end, coupon_id, sum(taken) AS taken, sum(1 - taken) AS used FROM uses GROUP BY 1, 2",
    "stock": "SELECT sku_id, " + at("ts") + " AS at, stock FROM stock WHERE stock < 10 AND before >= 10",
    "totals": "SELECT dt, sum(orders) AS orders, " + money("sum(gmv)") + " AS gmv, " + money("sum(paid)") + " AS paid, sum(pv) AS pv, sum(uv) AS uv FROM ("
              "SELECT " + DAY % "us / 1000" + " AS dt, first AS orders, cents - before AS gmv, 0 AS paid, 0 AS pv, 0 AS uv FROM versions UNION ALL "
              "SELECT " + DAY % "us / 1000" + ", 0, 0, cents, 0, 0 FROM paid UNION ALL SELECT " + DAY % "ts" + ", 0, 0, 0, count(*),"
              " count(DISTINCT coalesce(uid, mid)) FROM pages GROUP BY 1) GROUP BY dt",
    "orders_wide": "SELECT id AS order_id, user_id, " + money("cents") + " AS amount, user_id IN (SELECT id FROM users) AS user_told FROM orders",
}


def us(text):
    """Local time, as the database prints it, to microseconds since 1970."""
    y, mo, d, h, mi, s, f = map(int, re.match(r"(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)(?:\.(\d{6}))?", text + ".000000").groups())
    return calendar.timegm((y, mo, d, h, mi, s)) * 1000000 + f - ZONE * 1000


def cents(text):
    whole, _, part = text.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def objects(path):
    with open(path, "rb") as f:
        for raw in f:
            try:
                r = json.loads(raw.decode(), parse_float=str)
                if b"\\ud" in raw:
                    json.dumps(r, ensure_ascii=False).encode()      # half a pair is no text
            except (ValueError, UnicodeError):
                continue
            if isinstance(r, dict):
                yield r


def nothing(v):
    return None if v in ("", "null", "NULL", "\\N") else v


def read_app(db, path):
    seen = set()
    for r in objects(path):
        mid, ts = nothing(r["common"].get("mid")), nothing(r.get("ts"))
        if mid is None or ts is None or "page" not in r or (mid, int(ts)) in seen:
            continue
        ts = int(ts)
        seen.add((mid, ts))
        c, p = r["common"], r["page"]
        acts = r.get("actions") or []
        db.execute("INSERT INTO pages VALUES (?,?,?,?,?,?,?,?,?)", (ts, mid, nothing(c.get("uid")), c["ch"], p["page_id"], nothing(p.get("last_page_id")),
                   p["during_time"], int(any(a["action_id"] == "favor_add" for a in acts)), r.get("trace_id")))
        for a in acts + (r.get("displays") or []):
            if a.get("ad_action") == 1:
                db.execute("INSERT INTO clicks VALUES (?,?,?,?)", (ts, mid, a["ad_id"], c["ar"]))


def read_feed(db, path):
    seen = set()
    for r in objects(path):
        row, old, kind = r.get("data"), r.get("old") or {}, r.get("type")
        place = (r.get("position"), r.get("xoffset"), r.get("commit"))
        if not row or not kind or "alter" in kind or (place in seen and r.get("position")):
            continue
        seen.add(place)
        table = r["table"]
        if table == "order_info" and kind == "insert":
            db.execute("INSERT INTO orders VALUES (?,?,?,?,?,?,?)", (row["id"], us(row["create_time"]), row["province_id"], nothing(row["city"]) or "-",
                       cents(row["total_amount"]), row["user_id"], row["trace_id"]))
        if table == "order_info" and (kind == "insert" or "total_amount" in old):
            db.execute("INSERT INTO versions VALUES (?,?,?,?,?)", (row["id"], us(row["operate_time"] or row["create_time"]), cents(row["total_amount"]),
                       int(kind == "insert"), cents(old["total_amount"]) if "total_amount" in old else 0))
        if table == "payment_info" and row["payment_status"] == "1602" and "payment_status" in old:
            db.execute("INSERT INTO paid VALUES (?,?,?,?)", (row["id"], row["order_id"], cents(row["total_amount"]), us(row["callback_time"])))
        if table == "coupon_use" and (kind == "insert" or (row["coupon_status"] == "1403" and "coupon_status" in old)):
            db.execute("INSERT INTO uses VALUES (?,?,?)", (row["coupon_id"], us(row["get_time"] if kind == "insert" else row["used_time"]), int(kind == "insert")))
        if table == "ware_sku":
            db.execute("INSERT INTO stock VALUES (?,?,?,?)", (row["sku_id"], r["ts"] * 1000, row["stock"], old["stock"]))
        if table == "user_info":
            db.execute("INSERT OR IGNORE INTO users VALUES (?)", (row["id"],))


def oracle(live, provinces):
    db = sqlite3.connect(":memory:")
    db.executescript("""CREATE TABLE pages (ts, mid, uid, ch, page, last_page, ms, favour, trace); CREATE TABLE clicks (ts, mid, ad_id, ar);
        CREATE TABLE orders (id, us, province_id, city, cents, user_id, trace); CREATE TABLE versions (order_id, us, cents, first, before);
        CREATE TABLE paid (id, order_id, cents, us); CREATE TABLE uses (coupon_id, us, taken); CREATE TABLE stock (sku_id, ts, stock, before);
        CREATE TABLE users (id PRIMARY KEY); CREATE TABLE province (id, area);""")
    db.executemany("INSERT INTO province VALUES (?,?)", provinces)
    read_app(db, os.path.join(live, "app.log"))
    read_feed(db, os.path.join(live, "changes.log"))
    db.executescript("CREATE INDEX a ON pages(mid, ts); CREATE INDEX b ON pages(trace); CREATE INDEX c ON versions(order_id); CREATE INDEX d ON paid(order_id)")
    return db


def bursts(db):
    """Windows of a minute, one each second: the first with five orders of a user or a device, and none within ten minutes of it."""
    who = {}
    for user, mid, at_us in db.execute("SELECT o.user_id, p.mid, o.us FROM orders o LEFT JOIN pages p ON p.trace = o.trace AND p.page = 'trade'"):
        who.setdefault(("user", str(user)), []).append(at_us)
        if mid is not None:
            who.setdefault(("device", mid), []).append(at_us)
    out = []
    for (kind, name), times in who.items():
        told = None
        for end in sorted({x // 1000000 + 1 for x in times}):
            n = sum(1 for x in times if (end - 60) * 1000000 <= x < end * 1000000)
            if n >= 5 and (told is None or end >= told + 600):
                told = end
                out.append({"kind": kind, "who": name, "window_end": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(end + 28800)), "orders": n})
    return out


def expected(db, name):
    if name == "burst":
        rows = bursts(db)
    else:
        c = db.execute(SQL[name])
        names = [d[0] for d in c.description]
        rows = [dict(zip(names, r)) for r in c]
    return table(rows)


def table(rows):
    return sorted(json.dumps({k: str(v) for k, v in r.items()}, sort_keys=True, ensure_ascii=False) for r in rows)


def truth(live, name, members):
    with open(os.path.join(live, "truth", name + ".ndjson"), encoding="utf-8") as f:
        return table({k: v for k, v in json.loads(x, parse_float=str).items() if k in members} for x in f)


def unlike(a, b):
    """What the first has and the second has not, and the other way round, a few of each."""
    x, y = set(a), set(b)
    return "" if a == b else "%d and %d rows; only the first: %s; only the second: %s" % (len(a), len(b), sorted(x - y)[:3], sorted(y - x)[:3])


# ---- the servers and the jobs ----

class House:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ph-realtime.")
        self.live, self.cnf, self.db = os.path.join(self.dir, "live"), os.path.join(self.dir, "db", "client.cnf"), None
        subprocess.run(["sh", os.path.join(TOP, "tests", "mariadb.sh"), "start", os.path.join(self.dir, "db")], check=True)

    def close(self):
        subprocess.run(["sh", os.path.join(TOP, "tests", "mariadb.sh"), "stop", os.path.join(self.dir, "db")])
        shutil.rmtree(self.dir, ignore_errors=True)

    def sql(self, text, db=None):
        argv = ["mariadb", "--defaults-file=" + self.cnf, "--default-character-set=utf8mb4", "--batch"] + ([db] if db else [])
        return subprocess.run(argv, input=text if isinstance(text, bytes) else text.encode(), check=True, stdout=subprocess.PIPE).stdout.decode()

    def rows(self, query):
        lines = self.sql(query, self.db).splitlines()
        names = lines[0].split("\t") if lines else []
        return table(dict(zip(names, x.split("\t"))) for x in lines[1:])

    def play(self, *more, to=None):
        return subprocess.run(self.player(*more, to=to), stderr=subprocess.PIPE)

    def player(self, *more, to=None):
        return [os.path.join(BIN, "mock-shop"), "--live", "--rate", RATE, "--seconds", SECONDS, "--seed", SEED, "--clock", CLOCK, *more, to or self.live]

    def warehouse(self, name, live, source):
        """A warehouse of its own with a metrics database of that name."""
        self.live, self.db, root = live, name, os.path.join(self.dir, "root-" + name)
        os.makedirs(os.path.join(root, "main"))
        with open(os.path.join(root, "main", "warehouse.conf"), "w") as f:
            f.write("tz Asia/Shanghai\n")
        with open(os.path.join(self.dir, "alert.conf"), "w") as f:
            f.write("* exec /usr/bin/tee -a %s\n" % os.path.join(self.dir, "alerts"))
        os.chmod(os.path.join(self.dir, "alert.conf"), 0o600)
        with open(os.path.join(root, "main", "shop.env"), "w") as f:
            f.write("SHOP_LIVE='%s'\nSHOP_SOURCE_CNF='%s'\nSHOP_SOURCE_DB=gmall\nSHOP_ADS_CNF='%s'\nSHOP_ADS_DB=%s\nSHOP_ALERT='%s'\nRT_COUNTS='%s'\n"
                    "RT_ALERTS='%s'\n" % (live, self.cnf, self.cnf, name, os.path.join(self.dir, "alert.conf"), source, source))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update(PIPEHOUSE_ROOT=root, PATH=BIN + ":" + self.env["PATH"])
        self.sql("CREATE DATABASE %s CHARACTER SET utf8mb4" % name)

    def prepare(self):
        """The business database as it stood, and what the jobs look up."""
        self.sql("DROP DATABASE IF EXISTS gmall; CREATE DATABASE gmall CHARACTER SET utf8mb4")
        for f in ("schema.sql", CLOCK[:10] + ".sql"):
            with open(os.path.join(self.live, "mysql", f), "rb") as g:
                self.sql(g.read(), "gmall")
        for table_name, dim in (("base_province", "dim.province"), ("coupon_info", "dim.coupon")):
            self.shell("mysql-extract --defaults-file '%s' --table gmall.%s | wh-put %s dt=%s" % (self.cnf, table_name, dim, CLOCK[:10]))
        self.shell("cd '%s' && bash prepare.sh && bash prepare.sh" % PIPES)

    def shell(self, text):
        p = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if p.returncode != 0:
            raise RuntimeError(text + ": " + p.stderr.decode())
        return p.stdout.decode()

    def job(self, name):
        p = subprocess.run(["pipe-run", os.path.join(PIPES, name + ".pipe"), "run"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=600)
        return p.returncode, (p.stderr + p.stdout).decode(errors="replace")[-1500:]


def close_windows(live):
    """A record in each log that is days ahead: every window of the others is over."""
    end = us(CLOCK.replace("T", " ")) // 1000 + (int(SECONDS) + 3 * 86400) * 1000
    with open(os.path.join(live, "app.log"), "a") as f:
        f.write('{"common":{"mid":"none","ch":"none","ar":"0"},"page":{"page_id":"none","during_time":0},"ts":%d}\n' % end)
    with open(os.path.join(live, "changes.log"), "a") as f:
        f.write('{"database":"gmall","table":"heartbeat","type":"insert","ts":%d,"xid":1,"commit":true,"position":"bin.999999:4",'
                '"data":{"id":1}}\n' % (end // 1000))


def the_generator(house):
    p = house.play("--speed", "0")
    t.ok(p.returncode == 0, "mock-shop --live writes its logs", p.stderr.decode())
    with open(os.path.join(house.live, "app.log"), "rb") as f:
        whole = f.read()
    again = os.path.join(house.dir, "again")
    house.play("--speed", "4000", "--rotate", "5000", to=again)
    names = sorted(n for n in os.listdir(again) if n.startswith("app.log"))
    parts = [n for n in names if n != "app.log"] + ["app.log"]
    text = b"".join(open(os.path.join(again, n), "rb").read() for n in parts)
    t.ok(text == whole and len(parts) > 2, "at another speed and rotated it is the same bytes (%d files)" % len(parts), "%d, %d" % (len(text), len(whole)))
    t.ok(all(open(os.path.join(again, "truth", n)).read() == open(os.path.join(house.live, "truth", n)).read()
             for n in os.listdir(os.path.join(again, "truth"))), "and so are its answers")
    shutil.rmtree(again)


def the_truth(house, db):
    """The generator's accounting against SQL over its lines, both before any job runs."""
    for name in SQL.keys() | {"burst"}:
        if name == "ad_clicks_clean":
            continue
        want = expected(db, name)
        got = truth(house.live, name, json.loads(want[0]).keys() if want else ())
        t.ok(want and got == want, "truth/%s: the generator counted what its lines say (%d rows)" % (name, len(want)), unlike(got, want))


def jobs(house, db, names):
    for name in names:
        began = time.monotonic()
        status, said = house.job(name)
        took = time.monotonic() - began
        if not t.ok(status == 0, "%s.pipe runs to the end of its logs" % name, "%d: %s" % (status, said)):
            continue
        print("# %s: %.1f s" % (name, took))
        if name in MYSQL:
            want, got = expected(db, name), house.rows(MYSQL[name])
            t.ok(want and got == want, "%s: MySQL has what SQL over the lines says (%d rows)" % (name, len(want)), unlike(got, want))
        elif name == "blacklist":
            got = sorted({json.loads(x)["who"] for x in house.shell("wh-cat dim.ad_blacklist").splitlines()})
            want = sorted({json.loads(x)["who"] for x in expected(db, name)})
            t.ok(want and got == want, "blacklist: those who clicked one ad more than a hundred times (%d)" % len(want), unlike(got, want))
        elif name == "users":
            n = len(set(json.loads(x)["id"] for x in house.shell("wh-cat dim.rt_user").splitlines()))
            t.ok(n == db.execute("SELECT count(*) FROM users").fetchone()[0], "users: each is there (%d)" % n)
    if set(names) & {"burst", "unequal", "paid_twice", "stock"}:
        path = os.path.join(house.dir, "alerts")
        heard = [json.loads(x)["event"] for x in open(path)] if os.path.exists(path) else []
        for name, event in (("burst", "risk.burst"), ("unequal", "risk.unequal"), ("paid_twice", "risk.paid_twice"), ("stock", "stock.low")):
            if name in names:
                n = len(expected(db, name))
                t.ok(heard.count(event) >= n > 0, "%s: each was told (%d of %d)" % (name, heard.count(event), n))


def processes(job):
    """The stages of a job that run now: pid -> name."""
    out, word = {}, b"PIPEHOUSE_JOB=" + job.encode() + b"\0"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                ours = word in f.read()
            if ours:
                with open("/proc/%s/comm" % pid) as f:
                    out[int(pid)] = f.read().strip()
        except OSError:
            pass
    return out


def growing(house, db):
    """The logs grow and rotate while the job runs, and its stages are killed: the answer is the same."""
    live, kills = os.path.join(house.dir, "grow"), ["window-agg", "mysql-load", "ingest"]
    house.warehouse("ads_grow", live, SOURCE.replace(" --until end", "").replace("--idle 1h", "--idle 2s"))
    player = subprocess.Popen(house.player("--speed", "1500", "--rotate", str(3000 * int(RATE)), to=live))
    while not os.path.exists(os.path.join(live, "changes.log")):
        time.sleep(0.05)
    house.prepare()
    pipe = os.path.join(PIPES, "totals.pipe")
    job = os.path.join(house.env["PIPEHOUSE_ROOT"], "main", "_state", "totals")
    p = subprocess.run(["pipe-run", pipe, "start"], env=house.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not t.ok(p.returncode == 0, "pipe-run start: it runs while the logs grow", p.stderr.decode()):
        player.kill()
        player.wait()
        return
    killed = 0
    while kills and killed < 600:
        time.sleep(0.7)
        for pid in [x for x, name in processes(job).items() if name == kills[0]][:1]:
            try:
                os.kill(pid, signal.SIGKILL)
                kills.pop(0)
            except ProcessLookupError:
                pass
        killed += 1
    player.wait()
    close_windows(live)
    want, got = expected(db, "totals"), None
    for _ in range(1500):
        got = house.rows(MYSQL["totals"])
        if got == want:
            break
        time.sleep(0.2)
    t.ok(not kills and got == want, "totals.pipe over growing, rotating logs, three stages killed: what SQL over all lines says", unlike(got, want))
    status = subprocess.run(["pipe-run", pipe, "status", "--json"], env=house.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    t.ok(status.returncode == 0 and json.loads(status.stdout), "pipe-run status: it runs", status.stdout + status.stderr)
    p = subprocess.run(["pipe-run", pipe, "stop"], env=house.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    t.ok(p.returncode == 0 and not processes(job), "pipe-run stop: it ends with an epoch", "%d %s" % (p.returncode, p.stderr))
    t.ok(house.rows(MYSQL["totals"]) == want, "and nothing has changed by that")


def main():
    names = sys.argv[1:] or ALL
    house = House()
    try:
        the_generator(house)
        house.warehouse("ads", house.live, SOURCE)
        house.prepare()
        provinces = [tuple(x.split("\t")) for x in house.sql("SELECT id, area_code FROM base_province", "gmall").splitlines()[1:]]
        db = oracle(house.live, provinces)
        the_truth(house, db)
        close_windows(house.live)
        jobs(house, db, [n for n in ALL if n in names])
        if "totals" in names:
            growing(house, db)
    finally:
        house.close()
    t.done()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
