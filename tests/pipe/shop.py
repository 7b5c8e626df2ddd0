# SPDX-License-Identifier: BSD-2-Clause
"""A small shop for the tests of whole nights: sample data, a private MariaDB, warehouses to run nights in.

    with Shop(scale="0.002", days=2) as shop:
        house = shop.house("a")                     # an empty warehouse and a metrics database of its own
        shop.business_day(day)                      # what happened on that day enters the business database
        status, events, err = house.night(day, "-j", "2")       # nightly.dag
        status, events, err = house.day(before, "-j", "2")      # a day once more, from what has landed
        house.files(), house.heads(), house.metrics()
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("BIN", os.path.join(TOP, "build", "bin"))
DAG = os.path.join(TOP, "dags", "shop", "nightly.dag")
sys.path[:0] = [os.path.join(TOP, "demo"), os.path.join(TOP, "tests")]
import metrics  # noqa: E402
import tap  # noqa: E402

METRICS = metrics.read()
LAYERS = ("stg", "ods", "dim", "dwd", "dws", "ads")
ADS = {m.table: ", ".join("`%s`" % k for k in ["dt"] + m.keys) for m in METRICS}


class House:
    def __init__(self, shop, name):
        self.shop, self.name = shop, name
        self.root = os.path.join(shop.dir, name)
        self.db = "ads_" + name
        self.hashes, self.kinds = {}, {}
        os.makedirs(os.path.join(self.root, "main"))
        with open(os.path.join(self.root, "main", "warehouse.conf"), "w") as f:
            f.write("tz Asia/Shanghai\n")
        os.makedirs(os.path.join(self.root, "main", "keys"), mode=0o700)
        with open(os.open(os.path.join(self.root, "main", "keys", "pii"), os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write("test %s\n" % ("0123456789abcdef" * 8))
        with open(os.path.join(self.root, "main", "shop.env"), "w") as f:
            f.write("SHOP_SOURCE='%s/source'\nSHOP_SOURCE_CNF='%s'\nSHOP_SOURCE_DB=gmall\nSHOP_ADS_CNF='%s'\nSHOP_ADS_DB=%s\n"
                    % (shop.dir, shop.cnf, shop.cnf, self.db))
        shop.sql("CREATE DATABASE %s CHARACTER SET utf8mb4" % self.db)
        with open(os.path.join(TOP, "dags", "shop", "ads", "schema.sql"), "rb") as f:
            shop.sql(f.read(), self.db)

    def env(self, **more):
        e = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        e.update(PIPEHOUSE_ROOT=self.root, PATH=BIN + ":" + e["PATH"], **more)
        return e

    def run(self, *argv, env=None, **kw):
        return subprocess.run(argv, env=env or self.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)

    def dag(self, dag, day, *more, env=None):
        p = self.run("dag-run", dag, "--date", day, *more, env=env)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def night(self, day, *more, env=None):
        return self.dag(DAG, day, *more, env=env)

    def day(self, day, *more, env=None):
        return self.dag(DAG, day, "--from-node", "landed", *more, env=env)

    def rows(self, table):
        """What wh-cat reads: lines."""
        p = self.run("wh-cat", "--missing-ok", table)
        if p.returncode != 0:
            raise RuntimeError(p.stderr.decode())
        return p.stdout.splitlines()

    def files(self):
        """Every data file that a glob sees: path -> hash of its bytes."""
        out = {}
        base = os.path.join(self.root, "main")
        for layer in sorted(os.listdir(base)):
            if layer not in LAYERS:
                continue
            for table in sorted(os.listdir(os.path.join(base, layer))):
                for day in sorted(os.listdir(os.path.join(base, layer, table))):
                    if not day.startswith("dt="):
                        continue
                    d = os.path.join(base, layer, table, day)
                    for f in sorted(os.listdir(d)):
                        out["%s.%s/%s/%s" % (layer, table, day, f)] = self.hash(os.path.join(d, f))
        return out

    def heads(self):
        """The commits of rows of every table: what has been published. A source's fence is none: it only silences older writers."""
        out = {}
        base = os.path.join(self.root, "main")
        for layer in sorted(os.listdir(base)):
            if layer not in LAYERS:
                continue
            for table in sorted(os.listdir(os.path.join(base, layer))):
                log = os.path.join(base, layer, table, "_log")
                if os.path.isdir(log):
                    names = sorted(n for n in os.listdir(log) if n.endswith(".json") and n[0].isdigit())
                    out[layer + "." + table] = [n for n in names if self.kind(os.path.join(log, n)) == "data"]
        return {k: v for k, v in out.items() if v}

    def hash(self, path):
        """Of a file's bytes; read once as long as it is the same inode of the same time."""
        st = os.stat(path)
        key = (st.st_ino, st.st_mtime_ns, st.st_size)
        if key not in self.hashes:
            with open(path, "rb") as f:
                self.hashes[key] = hashlib.sha256(f.read()).hexdigest()
        return self.hashes[key]

    def kind(self, path):
        """Of a commit, which never changes."""
        if path not in self.kinds:
            with open(path) as f:
                self.kinds[path] = json.load(f)["kind"]
        return self.kinds[path]

    def metrics(self):
        text = "".join("SELECT '== %s'; SELECT * FROM %s ORDER BY %s;" % (t, t, key) for t, key in ADS.items())
        parts = self.shop.sql(text, self.db).split("== ")[1:]
        return {part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in parts}


class Shop:
    def __init__(self, scale="0.002", days=2, seed="11", start="2026-06-01"):
        self.scale, self.days, self.seed, self.start = scale, days, seed, start

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="shop.")
        self.cnf = os.path.join(self.dir, "db", "client.cnf")
        subprocess.run([os.path.join(BIN, "mock-shop"), "--days", str(self.days), "--scale", self.scale, "--seed", self.seed,
                        "--start", self.start, os.path.join(self.dir, "source")], check=True)
        subprocess.run(["sh", os.path.join(TOP, "tests", "mariadb.sh"), "start", os.path.join(self.dir, "db")], check=True)
        self.sql("CREATE DATABASE gmall CHARACTER SET utf8mb4")
        with open(os.path.join(self.dir, "source", "mysql", "schema.sql"), "rb") as f:
            self.sql(f.read(), "gmall")
        return self

    def __exit__(self, *exc):
        subprocess.run(["sh", os.path.join(TOP, "tests", "mariadb.sh"), "stop", os.path.join(self.dir, "db")])
        if os.environ.get("KEEP"):
            print("# kept: " + self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def sql(self, text, db=None):
        argv = ["mariadb", "--defaults-file=" + self.cnf, "-N", "--default-character-set=utf8mb4"] + ([db] if db else [])
        return subprocess.run(argv, input=text if isinstance(text, bytes) else text.encode(), check=True, stdout=subprocess.PIPE).stdout.decode()

    def business_day(self, day):
        with open(os.path.join(self.dir, "source", "mysql", day + ".sql"), "rb") as f:
            self.sql(f.read(), "gmall")

    def house(self, name):
        return House(self, name)


class Tap:
    """tests/tap.py, for who hands it on."""
    ok = staticmethod(tap.point)

    def done(self):
        sys.exit(tap.finish())


def nodes(dag=DAG):
    """The nodes of a dag in the order of the file, which is one they can run in."""
    return list(graph(dag))


def graph(dag=DAG):
    """node -> (what it waits for, its shell)."""
    out, name = {}, None
    with open(dag) as f:
        for line in f:
            if line[0] == "\t":
                out[name][1].append(line.strip())
            elif line[0] not in "# \n":
                name, words = line.split(":")
                out[name] = ([w for w in words.split() if "=" not in w], [])
    return {k: (deps, "\n".join(text)) for k, (deps, text) in out.items()}


def differences(a, b):
    return "\n".join("%s: %s / %s" % (k, a.get(k), b.get(k)) for k in sorted(set(a) | set(b)) if a.get(k) != b.get(k))
