#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A full disk, a read-only one, I/O errors, a database that dies in mid-load: the statuses of the manual, nothing half done, and --resume completes.

Nights of real recipes (slice.py).  The disk is a tmpfs of its own where mounts are possible; the errors come by strace.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slice  # noqa: E402
from shop import BIN, TOP, Shop, Tap, differences  # noqa: E402

DAY = "2026-06-01"
ENDS = ["load_trade", "load_sales", "dim_user_zip"]
CALLS = ("write", "fsync", "/^link", "/^rename")
t = Tap()


def state(house):
    return house.files(), house.heads(), house.metrics()


def same(house, calm, name):
    a, b = (h.files() for h in (calm, house))
    ok = a == b and calm.metrics() == house.metrics() and all(calm.rows(x) == house.rows(x) for x in calm.heads())
    t.ok(ok, name, differences(a, b)[:2000])


def values(events):
    """The statuses of nodes that failed by themselves."""
    out = set()
    for line in events.splitlines():
        if '"event":"dag.node","severity":"fail"' in line and "not run" not in line:
            out.add(int(line.split('"value":')[1].split(",")[0]))
    return out


# ---- strace ----

def shim(where, tool):
    """A directory where one tool is run under strace with FAULT, an inject expression."""
    os.makedirs(where, exist_ok=True)
    path = os.path.join(where, tool)
    with open(path, "w") as f:
        f.write('#!/bin/sh\nexec strace -qq -o /dev/null -e trace="${FAULT%%%%:*}" -e inject="$FAULT" %s/%s "$@"\n' % (BIN, tool))
    os.chmod(path, 0o755)
    return where


def tool_faults(house, dag, node, tool, calls, errors, shims, whens=(1, 2, 3)):
    """A node with each call of a tool failing in turn; then the node as it should be."""
    before, wrong, hits = state(house), [], 0
    for call in calls:
        for error in errors:
            for when in whens:
                env = house.env(FAULT="%s:error=%s:when=%d" % (call, error, when))
                env["PATH"] = shims + ":" + env["PATH"]
                status, events, err = house.dag(dag, DAY, "--only", node, env=env)
                if status == 0:         # that call is not made so often
                    before = state(house)
                    continue
                hits += 1
                if (status, values(events)) not in ((1, {4}), (75, {75})):
                    wrong.append("%s %s no. %d: status %d, node %s: %s" % (call, error, when, status, values(events), err))
                if state(house) != before:
                    wrong.append("%s %s no. %d: something was published" % (call, error, when))
    t.ok(not wrong and hits >= len(calls), "%s of %s: %d failing calls, each an end with 4, or 75 for the network, nothing published" % (tool, node, hits), "\n".join(wrong))
    status, _events, err = house.dag(dag, DAY, "--resume", "--only", node)
    t.ok(status == 0, "then %s comes through" % node, err)


def runner_faults(house, dag):
    """dag-run itself with a call failing: 4, or a node's failure; what was said is true, and --resume goes on."""
    cases = [(call, when) for when in (1, 2, 3, 4, 6, 9) for call in CALLS]
    wrong, hits = [], 0
    for node in slice.nodes(dag):
        for call, when in cases[:4]:
            p = house.run("strace", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e", "inject=%s:error=EIO:when=%d" % (call, when),
                          os.path.join(BIN, "dag-run"), dag, "--date", DAY, "--resume", "--only", node)
            hits += p.returncode != 0
            if p.returncode not in (0, 1, 4):
                wrong.append("%s no. %d in %s: status %d: %s" % (call, when, node, p.returncode, p.stderr.decode()))
            if house.run("wh-ls").returncode != 0:
                wrong.append("%s no. %d in %s: wh-ls does not read what is there" % (call, when, node))
        cases = cases[4:]
        status, _events, err = house.dag(dag, DAY, "--resume", "--only", node)
        if status != 0:
            wrong.append("%s does not come through: %s" % (node, err))
    t.ok(not wrong and hits > 4, "dag-run: %d failing calls, each an end with 1 or 4" % hits, "\n".join(wrong))
    status, _events, err = house.dag(dag, DAY, "--resume")
    t.ok(status == 0, "then the night comes through", err)


# ---- a disk of its own ----

def own_mounts():
    """Go on in a mount namespace of our own, whose mounts end with us; False where that cannot be."""
    if os.environ.get("OWN_MOUNTS"):
        return True
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.execvpe("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, os.path.abspath(__file__)], dict(os.environ, OWN_MOUNTS="1"))
    return False


def mount(path, options, what="tmpfs"):
    subprocess.run(["mount", "-o", options] + (["-t", "tmpfs", "tmpfs"] if what == "tmpfs" else []) + [path], check=True)


def remount(path, options):
    mount(path, "remount," + options, what="")


def used(path):
    return sum(os.lstat(os.path.join(d, f)).st_blocks * 512 for d, _dirs, files in os.walk(path) for f in files)


def small_disk(shop, dag, calm, name, small, large):
    place = os.path.join(shop.dir, name)
    os.mkdir(place)
    mount(place, small)
    house = shop.house(name)
    status, events, err = house.dag(dag, DAY, "-j", "2", "--keep-going")
    t.ok(status in (1, 4) and values(events) <= {4, 75}, "a disk of %s: the night ends with %d" % (small, status), events + err)
    t.ok(house.run("wh-ls").returncode == 0, "what is there can be read")
    remount(place, large)
    status, events, err = house.dag(dag, DAY, "--resume")
    t.ok(status == 0, "with more room it goes on", err)
    same(house, calm, "and is as on a large disk")
    subprocess.run(["umount", "-l", place], check=True)


def read_only(shop, dag, calm):
    place = os.path.join(shop.dir, "ro")
    os.mkdir(place)
    mount(place, "size=256m")
    house = shop.house("ro")
    for node in slice.nodes(dag)[:5]:
        house.dag(dag, DAY, "--only", node)
    before = state(house)
    remount(place, "ro")
    status, events, err = house.dag(dag, DAY)
    t.ok(status == 4 and events == "", "a disk that is read-only: 4, and no node was begun", events + err)
    status = house.run("dag-run", dag, "--date", DAY, "-n").returncode
    t.ok(status == 0, "a plan needs no writing")
    remount(place, "rw")
    t.ok(state(house) == before, "nothing changed")
    status, events, err = house.dag(dag, DAY, "--resume")
    t.ok(status == 0, "writable again, it goes on", err)
    same(house, calm, "and is as without it")
    subprocess.run(["umount", "-l", place], check=True)


# ---- the database ----

def dead_server(shop, dag, calm, name, lock, waiting):
    """kill -9 of the server while a load stands in the middle of its transaction, held there by a lock."""
    house = shop.house(name)
    holder = subprocess.Popen(["mariadb", "--defaults-file=" + shop.cnf, "-n", house.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    holder.stdin.write((lock + "; SELECT 'held';\n").encode())
    holder.stdin.flush()
    holder.stdout.readline(), holder.stdout.readline()
    p = subprocess.Popen(["dag-run", dag, "--date", DAY, "-j", "2"], env=house.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(20000):
        if waiting in shop.sql("SELECT State FROM information_schema.processlist WHERE db = '%s' OR info LIKE '%%%s%%'" % (house.db, house.db)):
            break
        if p.poll() is not None:
            break
        time.sleep(0.02)
    held = p.poll() is None
    subprocess.run(["sh", os.path.join(TOP, "tests", "mariadb.sh"), "crash", os.path.join(shop.dir, "db")], check=True)
    holder.stdin.close()
    holder.wait()
    events = p.communicate()[0].decode()
    t.ok(held and p.returncode == 75 and values(events) == {75}, "%s: the server dies in mid-load: 75" % name, "%d %s" % (p.returncode, events))
    subprocess.run(["sh", os.path.join(TOP, "tests", "mariadb.sh"), "start", os.path.join(shop.dir, "db")], check=True)
    # the other load may have been done before: then all of it is there
    rows, whole = house.metrics(), calm.metrics()
    half = {table: got for table, got in rows.items() if got not in ("", whole[table])}
    t.ok(rows["ads_trade"] == "" and not half, "nothing of it is in the tables", "%s\n%s" % (rows["ads_trade"], half))
    status, events, err = house.dag(dag, DAY, "--resume")
    t.ok(status == 0, "with the server back it goes on", err)
    same(house, calm, "and is as without it")


mounts = own_mounts()
with Shop(scale="0.001", days=1) as shop:
    shop.business_day(DAY)
    dag, calm = slice.cut(shop.dir, ENDS), shop.house("calm")
    status, events, err = calm.dag(dag, DAY, "-j", "2")
    t.ok(status == 0, "a night of %d nodes without a fault" % len(slice.nodes(dag)), err)

    house = shop.house("calls")
    dir = os.path.join(shop.dir, "shims")
    for node in slice.nodes(dag):
        if node == "dwd_order_info":
            tool_faults(house, dag, node, "wh-put", CALLS[:3], ("EIO", "ENOSPC"), shim(os.path.join(dir, "put"), "wh-put"))
        elif node == "stg_changes":
            tool_faults(house, dag, node, "ingest", CALLS[:3], ("EIO",), shim(os.path.join(dir, "ingest"), "ingest"))
        elif node == "load_trade":
            tool_faults(house, dag, node, "mysql-load", ("sendto",), ("ECONNRESET", "EPIPE"), shim(os.path.join(dir, "load"), "mysql-load"), (2, 5, 8))
        else:
            house.dag(dag, DAY, "--only", node)
    same(house, calm, "the night of failing calls is as without them")
    house = shop.house("runner")
    runner_faults(house, dag)
    same(house, calm, "the night of a failing dag-run is as without it")
    if mounts:
        room = used(calm.root)
        for eighths in (2, 6):
            small_disk(shop, dag, calm, "full%d" % eighths, "size=%dk" % (room * eighths // 8192), "size=256m")
        small_disk(shop, dag, calm, "inodes", "size=256m,nr_inodes=400", "nr_inodes=100000")
        read_only(shop, dag, calm)
    else:
        t.ok(True, "full and read-only disks # SKIP no mounts for this user")
    dead_server(shop, dag, calm, "in_mid_load", "LOCK TABLES ads_trade WRITE", "metadata lock")
    dead_server(shop, dag, calm, "at_commit", "BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT", "backup lock")
t.done()
