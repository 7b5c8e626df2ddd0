#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""dags/shop/realtime/reconcile.sh: clicks that a real job counted against a night's; late, rejected and unflushed ones are told as such, others as missing; TAP

    BIN=build/bin python3 tests/pipe/reconcile.py
"""
import calendar
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(TOP, "demo")]
from shop import BIN, Tap  # noqa: E402

PIPES = os.path.join(TOP, "dags", "shop", "realtime")
DAY, AHEAD = "2026-06-01", "2039-06-01"
t = Tap()


def ms(day, clock):
    """Local time in Shanghai."""
    y, m, d = map(int, day.split("-"))
    h, mi, s = map(int, clock.split(":"))
    return (calendar.timegm((y, m, d, h, mi, s)) - 8 * 3600) * 1000


def click(day, clock, ad, mid):
    return {"common": {"mid": mid, "ar": "1"}, "page": {"page_id": "home"}, "actions": [{"ad_id": ad, "ad_action": 1}], "ts": ms(day, clock)}


class House:
    def __init__(self, top):
        self.top, self.cnf, self.root = top, os.path.join(top, "db/client.cnf"), os.path.join(top, "root")
        subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), "start", os.path.join(top, "db")], check=True)
        os.makedirs(self.root + "/main")
        os.mkdir(top + "/live")
        with open(self.root + "/main/warehouse.conf", "w") as f:
            f.write("tz Asia/Shanghai\n")
        with open(self.root + "/main/shop.env", "w") as f:
            f.write("SHOP_LIVE='%s/live'\nSHOP_ADS_CNF='%s'\nSHOP_ADS_DB=ads\nRT_COUNTS='--barriers 200ms --event-time ts --late 30s --idle 1h"
                    " --max-future 5m --until end'\n" % (top, self.cnf))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        self.env.update(PIPEHOUSE_ROOT=self.root, PATH=BIN + ":" + self.env["PATH"], LC_ALL="C")
        self.sql("CREATE DATABASE ads CHARACTER SET utf8mb4")
        with open(PIPES + "/schema.sql", "rb") as f:
            self.sql(f.read(), "ads")

    def sql(self, text, *db):
        return subprocess.run(["mariadb", "--defaults-file=" + self.cnf, "-N", *db], input=text if isinstance(text, bytes) else text.encode(), check=True,
                              stdout=subprocess.PIPE).stdout.decode()

    def call(self, *argv, data=b""):
        p = subprocess.run(argv, env=self.env, cwd=self.top, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def live(self, *records):
        with open(self.top + "/live/app.log", "ab") as f:
            f.writelines(r if isinstance(r, bytes) else json.dumps(r).encode() + b"\n" for r in records)
        return self.call("pipe-run", PIPES + "/ad_clicks.pipe", "run")

    def night(self, day, *records):
        rows = b"".join(json.dumps({"mid": r["common"]["mid"], "ts": r["ts"], "ordinal": 1, **r["actions"][0]}).encode() + b"\n" for r in records)
        return max(self.call("wh-put", "dwd.action", "dt=" + day, data=rows)[0], self.call("wh-put", "dwd.display", "dt=" + day)[0])

    def reconcile(self, day):
        status, out, err = self.call("bash", PIPES + "/reconcile.sh", day)
        lines = [json.loads(x) for x in out.splitlines()]
        return status, {(x["key"]["window_end"][11:16], x["key"]["ad_id"]): (x["why"], x["explained"]) for x in lines if x["is"] not in ("all", "bucket")}, err


def main():
    with tempfile.TemporaryDirectory(prefix="reconcile.") as top:
        house = House(top)
        try:
            first = [click(DAY, "10:01:0%d" % i, 1, "m%d" % i) for i in range(3)] + [click(DAY, "10:02:00", 2, "m1")]
            status, said, err = house.live(*first, first[0], b"broken\n", click(DAY, "10:20:00", 5, "m2"), click(AHEAD, "10:00:00", 4, "m3"))
            t.ok(status == 0, "the job runs", said + err)
            t.ok(house.sql("SELECT window_end, ad_id, clicks FROM rt_ad_clicks ORDER BY 1, 2", "ads") == "".join(
                "2026-06-01 10:05:00\t%d\t%d\n" % x for x in ((1, 3), (2, 1))), "and counts what it has time for")
            t.ok(house.night(DAY, *first, click(DAY, "10:20:00", 5, "m2")) == 0, "the night")
            got = house.reconcile(DAY)
            t.ok(got[:2] == (0, {("10:25", 5): ({"unflushed": 1}, True)}), "what is not yet written", got)
            late = [click(DAY, "10:03:00", 1, "m7"), click(DAY, "10:03:01", 1, "m8"), click(DAY, "10:04:00", 3, "m7")]
            status, said, err = house.live(*late, click(DAY, "10:40:00", 6, "m9"))
            t.ok(status == 0 and house.night(DAY, *first, *late, click(DAY, "10:20:00", 5, "m2"), click(DAY, "10:40:00", 6, "m9")) == 0, "more of both", said + err)
            got = house.reconcile(DAY)
            t.ok(got[:2] == (0, {("10:05", 1): ({"late": 1}, True), ("10:05", 3): ({"late": 1}, True), ("10:45", 6): ({"unflushed": 1}, True)}) and
                 "equal but for what is explained" in got[2], "what came too late", got)
            t.ok(house.night(AHEAD, click(AHEAD, "10:00:00", 4, "m3")) == 0, "the night of a day ahead")
            house.sql("INSERT INTO rt_ad_clicks (window_start, window_end, ad_id, clicks) VALUES ('2026-06-01 10:00', '2026-06-01 10:05', 9, 1)", "ads")
            got = house.reconcile(DAY)
            t.ok(got[0] == 1 and got[1][("10:05", 9)] == ({}, False) and got[1][("10:05", 1)] == ({"late": 1}, True), "what nobody can explain is 1", got)
            mark = json.loads(house.call("pipe-run", PIPES + "/ad_clicks.pipe", "status", "--json")[1])["wm"]
            t.ok(mark == ms(DAY, "10:39:30"), "the watermark of what is written", mark)
            got = house.reconcile(AHEAD)
            t.ok(got[0] == 0 and got[1] == {("10:05", 4): ({"rejected": 1, "unflushed": 1}, True)}, "what was rejected, and the night took", got)
        finally:
            subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), "stop", os.path.join(top, "db")])
    t.done()


if __name__ == "__main__":
    main()
