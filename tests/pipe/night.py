#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whole nights on sample data: the answers are mock-shop's, a day run twice gives the same bytes, -j changes nothing."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
from shop import TOP, Shop, Tap, differences, nodes  # noqa: E402

DAYS = ["2026-06-01", "2026-06-02"]
t = Tap()
with Shop(scale=os.environ.get("SCALE", "0.004"), days=len(DAYS)) as shop:
    one, two = shop.house("one"), shop.house("two")
    for day in DAYS:
        shop.business_day(day)
        status, events, err = one.night(day)
        t.ok(status == 0, "the night of %s" % day, err)
        t.ok(events.count('"dag.node"') == len(nodes()), "an event of every node of %s" % day, events[-2000:])
        status, events, err = two.night(day, "-j", "2")
        t.ok(status == 0, "the night of %s with -j 2" % day, err)
        t.ok(one.files() == two.files(), "another warehouse has the same bytes", differences(one.files(), two.files()))
        files, heads, metrics = one.files(), one.heads(), one.metrics()
        status, events, err = one.night(day)
        t.ok(status == 0, "the night of %s once more" % day, err)
        t.ok(one.files() == files, "gives the same bytes", differences(one.files(), files))
        t.ok(one.heads() == heads, "and makes no commit", differences(one.heads(), heads))
        t.ok(one.metrics() == metrics, "and the same rows in MySQL")
        p = subprocess.run([os.path.join(TOP, "demo", "compare"), one.db, os.path.join(shop.dir, "source"), shop.cnf, day],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        t.ok(p.returncode == 0, p.stdout.decode().strip() or "compare", p.stderr.decode())
        want, got = oracle.metrics(one, day), oracle.loaded(one, day)
        for table in want:
            t.ok(want[table] == got[table] and want[table], "%s of %s is what SQL in MariaDB makes of the same ods rows" % (table, day),
                 "SQL:\n%sours:\n%s" % (want[table], got[table]))
    status, events, err = one.night(DAYS[-1], "--resume")
    t.ok(status == 0 and events == "", "--resume after a night that is done runs nothing", events + err)
    status, plan, err = one.night(DAYS[-1], "--resume", "-n")
    t.ok(status == 0 and plan.count(" skip ") == len(nodes()), "-n says so of each node", plan)
t.done()
