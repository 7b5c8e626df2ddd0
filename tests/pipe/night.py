#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whole nights on sample data, seven days of them: every metric is what the sample data's own answers and what SQL over the ods rows say; a day run twice
gives the same bytes, -j changes nothing, what came late is in its day once that day runs again, and the dags wait for what their scripts read."""
import datetime
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
from shop import DAG, LAND, METRICS, TOP, Shop, Tap, differences, graph, nodes  # noqa: E402

FIRST, N = datetime.date(2026, 6, 1), int(os.environ.get("DAYS", "7"))
DAYS = [str(FIRST + datetime.timedelta(days=i)) for i in range(N)]
DAGS = len(nodes(LAND)) + len(nodes(DAG))
t = Tap()


def compare(shop, house, day, *more):
    return subprocess.run([os.path.join(TOP, "demo", "compare"), house.db, os.path.join(shop.dir, "source"), shop.cnf, day, *more],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def reads_are_waited_for():
    """Each node waits, directly or not, for the nodes that make what its script reads on the same day."""
    dag, wrong = graph(DAG), []
    above = {}

    def all_above(node):
        if node not in above:
            above[node] = set()
            for d in dag[node][0]:
                if "@" not in d:
                    above[node] |= {d} | all_above(d)
        return above[node]
    for node, (_deps, text) in dag.items():
        path = os.path.join(TOP, "dags", "shop", text.split()[1])
        with open(path) as f:
            script = f.read()
        for layer, table in re.findall(r"\b(ods|dim|dwd|dws|ads)\.(\w+)@\$DT", script):
            made = layer + "_" + table
            if made in dag and made != node and made not in all_above(node):
                wrong.append("%s reads %s.%s and does not wait for it" % (node, layer, table))
    return wrong


def twice(one, two, day):
    """The night of a day in another warehouse, on two cores, and in the first one once more."""
    status, _events, err = two.night(day, "-j", "2")
    t.ok(status == 0, "the night of %s with -j 2" % day, err)
    t.ok(one.files() == two.files(), "another warehouse has the same bytes", differences(one.files(), two.files()))
    was, heads, rows = one.files(), one.heads(), one.metrics()
    status, _events, err = one.night(day, "-j", "2")
    t.ok(status == 0, "the night of %s once more" % day, err)
    t.ok(one.files() == was, "gives the same bytes", differences(one.files(), was))
    t.ok(one.heads() == heads, "and makes no commit", differences(one.heads(), heads))
    t.ok(one.metrics() == rows, "and the same rows in MySQL")


wrong = reads_are_waited_for()
t.ok(not wrong, "every node waits for what its script reads", "\n".join(wrong))
with Shop(scale=os.environ.get("SCALE", "0.004"), days=N) as shop:
    one, two = shop.house("one"), shop.house("two")
    sql = oracle.Oracle(one)
    for i, day in enumerate(DAYS):
        shop.business_day(day)
        status, events, err = one.night(day, "-j", "2")
        t.ok(status == 0, "the night of %s" % day, err)
        t.ok(events.count('"dag.node"') == DAGS, "an event of every node of %s" % day, events[-2000:])
        if i < 2:
            twice(one, two, day)
        p = compare(shop, one, day)
        t.ok(p.returncode == 0, day + ": " + (p.stdout.decode().strip() or "compare"), p.stderr.decode())
        differ = sql.night(day)
        t.ok(not differ, "%s: %d of %d metrics are what SQL makes of the ods rows" % (day, len(METRICS) - len(differ), len(METRICS)),
             "\n".join("%s: %s" % d for d in differ))
    status, events, err = one.night(DAYS[-1], "--resume")
    t.ok(status == 0 and events == "", "--resume after a night that is done runs nothing", events + err)
    status, plan, err = one.night(DAYS[-1], "--resume", "-n")
    t.ok(status == 0 and plan.count(" skip ") == DAGS, "-n says so of each node", plan)
t.done()
