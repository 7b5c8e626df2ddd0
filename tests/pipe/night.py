#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whole nights on sample data, seven days of them: every metric is what the sample data's own answers and what SQL over the ods rows say; a day run twice
gives the same bytes, -j changes nothing, what came late is in its day once that day runs again, and the dags wait for what their scripts read."""
import datetime
import glob
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import oracle  # noqa: E402
from shop import DAG, METRICS, TOP, Shop, Tap, differences, graph, nodes  # noqa: E402

FIRST, N = datetime.date(2026, 6, 1), int(os.environ.get("DAYS", "7"))
DAYS = [str(FIRST + datetime.timedelta(days=i)) for i in range(N)]
DAGS = len(nodes())
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
        if node == "landed":
            continue
        path = os.path.join(TOP, "dags", "shop", text.split()[1])
        with open(path) as f:
            script = f.read()
        for layer, table in re.findall(r"\b(ods|dim|dwd|dws|ads)\.(\w+)@\$DT", script):
            made = layer + "_" + table
            if made in dag and made != node and made not in all_above(node):
                wrong.append("%s reads %s.%s and does not wait for it" % (node, layer, table))
    return wrong


def fates(house, dag, day, node):
    """(tool, fate) -> records, over the tools of a node's run: what the run itself wrote down."""
    state = os.path.join(house.root, "main", "_state", "dag", dag, day, node + ".json")
    with open(state) as f:
        run = json.load(f)["run"]
    out = {}
    for path in glob.glob(os.path.join(house.root, "main", "_run", "done", run, "flow", "*.json")):
        with open(path) as f:
            for r in map(json.loads, f):
                if "end" in r:
                    for fate in ("dropped", "rejected"):
                        key = r["stats"]["tool"], fate
                        out[key] = out.get(key, 0) + r["stats"][fate]
    return out


def rejects(shop, house, day):
    """Where the runs rejected or dropped another number of records than were planted on the first day."""
    with open(os.path.join(shop.dir, "source", "truth", "rejects-%s.ndjson" % day)) as f:
        log, feed, ad, channel, _api = map(json.loads, f)
    want = [("nightly", "stg_app_log", "ingest", "rejected", log["broken"] + log["missing_ts"]),
            ("nightly", "stg_changes", "ingest", "rejected", feed["broken"] + feed["null_message"]),
            ("nightly", "dwd_ad_cost", "json-clean", "rejected", ad["bad_cost"]), ("nightly", "dwd_ad_cost", "dedup", "dropped", ad["duplicate"]),
            ("nightly", "dwd_channel_cost", "dedup", "dropped", channel["duplicate"])]
    for name, table in (("start", "start"), ("page", "page_view"), ("action", "action"), ("display", "display"), ("error", "error")):
        want.append(("nightly", "dwd_" + table, "json-clean", "rejected", log["lost"]["missing_mid"][name]))
        want.append(("nightly", "dwd_" + table, "dedup", "dropped", log["lost"]["duplicate"][name]))
    return ["%s: %s %s %d, planted were %d" % (node, tool, fate, fates(house, dag, day, node).get((tool, fate), 0), n)
            for dag, node, tool, fate, n in want if fates(house, dag, day, node).get((tool, fate), 0) != n]


def in_the_open(house, day):
    """Phone numbers of the sources that can be read in dim or dwd; and whether what is encrypted there still tells who is who."""
    users = {r["row"]["id"]: r["row"] for r in map(json.loads, house.rows("ods.user_info@" + day)) if r["op"] != "d"}
    known = {str(u["phone_num"]) for u in users.values()}
    known |= {str(r["consignee_tel"]) for r in map(json.loads, house.rows("ods.order_info@" + day))}
    known |= {str(json.loads(r)["contact_tel"]) for r in house.rows("ods.merchant_info@" + day)}
    wrong = []
    for layer in ("dim", "dwd"):
        for table in sorted(os.listdir(os.path.join(house.root, "main", layer))):
            text = b"\n".join(oracle.files(house, layer + "." + table, day)).decode()
            wrong += ["%s.%s: %s" % (layer, table, n) for n in sorted(set(re.findall(r"(?<![0-9])1[0-9]{10}(?![0-9])", text)) & known)]
    sealed = {r["id"]: r["phone_num"] for r in map(json.loads, house.rows("dim.user_zip@" + day)) if r["end_date"] == "9999-12-31"}
    pairs = {(u["phone_num"], sealed[i]) for i, u in users.items() if i in sealed and u["phone_num"] is not None}
    if not pairs or len(pairs) != len({a for a, _b in pairs}) or len(pairs) != len({b for _a, b in pairs}):
        wrong.append("equal numbers are not equal, or others are, once they are encrypted")
    return wrong


def elsewhere(one, two, day):
    """The night of a day in another warehouse."""
    status, _events, err = two.night(day, "-j", "3")
    t.ok(status == 0, "the night of %s with -j 3" % day, err)
    t.ok(one.files() == two.files(), "another warehouse has the same bytes", differences(one.files(), two.files()))


def again(one, day):
    """The night of a day once more."""
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
        if i == 0:
            wrong = rejects(shop, one, day)
            t.ok(not wrong, "the runs rejected and dropped what was planted", "\n".join(wrong))
        if i < 2:
            elsewhere(one, two, day)
        if i == 1:
            again(one, day)
        p = compare(shop, one, day)
        t.ok(p.returncode == 0, day + ": " + (p.stdout.decode().strip() or "compare"), p.stderr.decode())
        if i == 0:
            wrong = in_the_open(one, day)
            t.ok(not wrong, "no number of a person can be read in dim and dwd, and encrypted ones still join", "\n".join(wrong))
        if i == 1:
            status, events, err = two.day(DAYS[0], "-j", "2")
            p = compare(shop, two, DAYS[0] + "@" + day)
            t.ok(status == 0 and p.returncode == 0, "%s once more, with what came late: %s" % (DAYS[0], p.stdout.decode().strip()), err + p.stderr.decode())
        differ = sql.night(day)
        t.ok(not differ, "%s: %d of %d metrics are what SQL makes of the ods rows" % (day, len(METRICS) - len(differ), len(METRICS)),
             "\n".join("%s: %s" % d for d in differ))
    status, events, err = one.night(DAYS[-1], "--resume")
    t.ok(status == 0 and events == "", "--resume after a night that is done runs nothing", events + err)
    status, plan, err = one.night(DAYS[-1], "--resume", "-n")
    t.ok(status == 0 and plan.count(" skip ") == DAGS, "-n says so of each node", plan)
t.done()
