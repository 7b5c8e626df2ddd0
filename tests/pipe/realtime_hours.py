#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The day so far, refreshed while it lasts (dags/shop/realtime/hourly.sh): after the night every table of dwd and dws has the rows of one run over the whole day."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shop import TOP, Shop, Tap  # noqa: E402

DAY = "2026-06-01"
t = Tap()


def grow(source, part):
    """So much of what came on the day, in whole lines; the files grow in place, as a collector writes them."""
    for kind in ("log", "cdc", "api"):
        whole, growing = (os.path.join(source, d, DAY + ".ndjson") for d in (kind + ".whole", kind))
        with open(whole, "rb") as f:
            lines = f.readlines()
        have = os.path.getsize(growing) if os.path.exists(growing) else 0
        want = b"".join(lines[:int(len(lines) * part)])
        with open(growing, "ab") as f:
            f.write(want[have:])


def main():
    with Shop(scale="0.001", days=1) as shop:
        shop.business_day(DAY)
        source = os.path.join(shop.dir, "source")
        night, hours = shop.house("night"), shop.house("hours")
        status, _, err = night.night(DAY, "-j", "2")
        t.ok(status == 0, "one night over the whole day", err)
        for kind in ("log", "cdc", "api"):
            os.rename(os.path.join(source, kind), os.path.join(source, kind + ".whole"))
            os.mkdir(os.path.join(source, kind))
        hourly = os.path.join(TOP, "dags", "shop", "realtime", "hourly.sh")
        grow(source, 0.004)
        p = hours.run("bash", hourly, DAY, stdin=subprocess.DEVNULL)
        t.ok(p.returncode == 1 and b"no order of " + DAY.encode() + b" has come yet" in p.stderr, "before the first order it says so",
             p.stderr.decode())
        orders = []
        for part in (0.6, 0.8, 1):
            grow(source, part)
            p = hours.run("bash", hourly, DAY, stdin=subprocess.DEVNULL)
            t.ok(p.returncode == 0, "%d %% of the day" % (part * 100), p.stderr.decode())
            orders.append(len(hours.rows("dwd.order_info@" + DAY)))
        t.ok(0 < orders[0] < orders[2], "orders of the day grow: %s" % orders)
        layers = os.path.join(night.root, "main")
        tables = [layer + "." + n for layer in ("dwd", "dws") for n in sorted(os.listdir(os.path.join(layers, layer)))]
        unlike = [n for n in tables if sorted(night.rows(n + "@" + DAY)) != sorted(hours.rows(n + "@" + DAY))]
        t.ok(len(tables) > 40 and not unlike, "%d tables of dwd and dws have the rows of the night" % len(tables), unlike)
    t.done()


if __name__ == "__main__":
    main()
