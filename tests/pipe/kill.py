#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 of any process of any recipe: the node fails, nothing of it is published, --resume gives the undisturbed bytes.

The night runs node by node.  Scripts of one shape - the same tools in the same order - are alike: of each shape one is tried, with KILL=all every one.
Before such a node is let through, it is run once for each of its tools with that tool killed by strace at its first write of records, and once for each with the tool killed
where it would say that it ended well: its output is complete then, and only the missing end record tells.  Tools inside <( ) and >( ) are tools like
all others here.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shop import BIN, DAG, Shop, Tap, differences, nodes  # noqa: E402

DAY = "2026-06-01"
PROCSUB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "procsub.dag")
TOOLS = sorted(n for n in os.listdir(BIN) if n not in ("mock-shop", "dag-run", "wh-run", "wh-table", "wh-ls"))
ALL = os.environ.get("KILL") == "all"
t = Tap()


def shims(where):
    """A directory of scripts named like the tools: the KILL_NTH call of KILL_TOOL runs under strace and dies at write KILL_AT."""
    os.makedirs(where)
    for name in TOOLS:
        path = os.path.join(where, name)
        with open(path, "w") as f:
            f.write("""#!/bin/sh
[ "$KILL_TOOL" = %s ] || exec %s/%s "$@"
n=1
while ! mkdir "$KILL_DIR/$n" 2>/dev/null; do n=$((n + 1)); done
[ "$n" = "$KILL_NTH" ] || exec %s/%s "$@"
strace -qq -o /dev/null -e trace=write -e inject=write:signal=KILL:when="$KILL_AT" %s/%s "$@"
s=$?
[ $s -ne 137 ] || : >"$KILL_DIR/killed"
exit $s
""" % (name, BIN, name, BIN, name, BIN, name))
        os.chmod(path, 0o755)


def text_of(file, node):
    """The shell of a node, with the scripts it calls."""
    with open(file) as f:
        dag = f.read()
    body = re.search(r"^%s:.*\n((?:\t.*\n|\n)+)" % re.escape(node), dag, re.M).group(1)
    for script in re.findall(r"[a-z_]+/[a-z0-9_]+\.sh", body):
        with open(os.path.join(os.path.dirname(file), script)) as f:
            body += f.read()
    return "\n".join(line for line in body.splitlines() if not line.lstrip().startswith("#"))


def state(house):
    return house.heads(), house.files(), house.metrics()


def torture(house, file, node, shim, counter):
    """Run a node with each of its tools killed, then undisturbed; what went wrong, and how many kills."""
    body, kills, wrong, before = text_of(file, node), 0, [], state(house)
    cases = [(at, tool, nth) for at in ("2", "3") for tool in TOOLS
             for nth in range(1, len(re.findall(r"(?<![\w./-])%s(?![\w.-])" % re.escape(tool), body)) + 1)]
    for at, tool, nth in cases:
        shutil.rmtree(counter, ignore_errors=True)
        os.mkdir(counter)
        env = house.env(KILL_TOOL=tool, KILL_NTH=str(nth), KILL_AT=at, KILL_DIR=counter)
        env["PATH"] = shim + ":" + env["PATH"]
        status, events, err = house.dag(file, DAY, "--only", node, env=env)
        killed = os.path.exists(os.path.join(counter, "killed"))
        kills += killed
        if at == "2" and not killed:
            wrong.append("%s no. %d was not killed at write 2" % (tool, nth))
        if killed and status == 0:
            wrong.append("%s no. %d killed at write %s: the node ended with 0" % (tool, nth, at))
        elif killed and state(house) != before:
            wrong.append("%s no. %d killed at write %s: something was published" % (tool, nth, at))
        elif not killed:
            before = state(house)
    wrong += through(house, file, node)
    return wrong, kills


def through(house, file, node):
    status, _events, err = house.dag(file, DAY, "--resume", "--only", node)
    return ["--resume: " + err] if status != 0 else []


def shape(file, node):
    """The tools of a node in their order."""
    words = re.findall(r"(?<![\w./-])(?:%s)(?![\w.-])" % "|".join(map(re.escape, sorted(TOOLS, key=len, reverse=True))), text_of(file, node))
    return tuple(words)


with Shop(scale="0.001", days=1) as shop:
    calm, house = shop.house("calm"), shop.house("killed")
    shop.business_day(DAY)
    for file in (DAG, PROCSUB):
        status, events, err = calm.dag(file, DAY, "-j", "2")
        t.ok(status == 0, "an undisturbed night of " + os.path.basename(file), err)
    shim = os.path.join(shop.dir, "shim")
    shims(shim)
    tried = {}
    for file in (DAG, PROCSUB):
        for node in nodes(file):
            kind = shape(file, node)
            tried[kind] = tried.get(kind, 0) + 1
            if tried[kind] > 1 and not ALL:
                wrong = through(house, file, node)
                if wrong:
                    t.ok(False, node, "\n".join(wrong))
                continue
            wrong, kills = torture(house, file, node, shim, os.path.join(shop.dir, "count"))
            t.ok(not wrong, "%s: %d kills" % (node, kills), "\n".join(wrong))
    t.ok(house.files() == calm.files(), "the bytes of an undisturbed night", differences(house.files(), calm.files()))
    t.ok(house.metrics() == calm.metrics(), "the metrics of an undisturbed night")
t.done()
