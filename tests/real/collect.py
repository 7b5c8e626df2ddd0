#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""collect - app events over HTTP: JMeter to nginx to a log that rotates to a table, all of it counted; TAP

    BIN=build/bin O=build python3 tests/real/collect.py [SECONDS]

The recipe of dags/shop/collect as it stands, but for the ports.  The log is rotated, and ingest killed, while the load runs.  Every event that
nginx took, says JMeter, is in the table, once.
"""
import csv
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import jars  # noqa: E402
from runs import listens  # noqa: E402
from tap import finish, point  # noqa: E402

TOP = jars.TOP
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
RECIPE = os.path.join(TOP, "dags/shop/collect")
SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 30


def free_ports(count):
    s = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [x.getsockname()[1] for x in s]
    for x in s:
        x.close()
    return ports


def post(port, body, method="POST", path="/events"):
    try:
        with urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), data=body, method=method), timeout=30) as r:
            return r.status
    except urllib.error.HTTPError as e:
        return e.code


def jmeter_home(d):
    """JMeter as its own archive lays it out: what it finds its functions by."""
    home = d + "/jmeter"
    for sub in ("bin", "lib/ext", "lib/junit"):
        os.makedirs(home + "/" + sub)
    for path in jars.fetch("jmeter").split(":"):
        name = os.path.basename(path)
        if name.startswith("ApacheJMeter-"):
            shutil.copy(path, home + "/bin/ApacheJMeter.jar")      # where it really lies is its home
        elif name.startswith("ApacheJMeter_config"):
            with zipfile.ZipFile(path) as z:
                z.extractall(home, [x for x in z.namelist() if x.startswith("bin/")])
        else:
            os.symlink(path, home + ("/lib/ext/" if name.startswith("ApacheJMeter") else "/lib/") + name)
    return home


class Nginx:
    def __init__(self, d):
        self.port, behind = free_ports(2)
        self.log = d + "/events.log"
        with open(RECIPE + "/nginx.conf") as f:
            text = f.read()
        with open(d + "/nginx.conf", "w") as f:
            # workers of root's become another user, who may not write here
            f.write(("user root;\n" if os.geteuid() == 0 else "") + text.replace(":8080", ":%d" % self.port).replace(":8081", ":%d" % behind))
        self.p = subprocess.Popen(["nginx", "-p", d, "-c", d + "/nginx.conf", "-e", d + "/error.log", "-g", "daemon off;"], stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nginx does not answer")

    def rotate(self, k):
        os.rename(self.log, self.log + ".%d" % k)
        self.p.send_signal(signal.SIGUSR1)

    def stop(self):
        self.p.send_signal(signal.SIGQUIT)
        return self.p.wait(timeout=60)


def main():
    r = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="collect.") as d:
        env = {k: v for k, v in os.environ.items() if not k.startswith("PIPEHOUSE_")}
        env.update(PIPEHOUSE_ROOT=d + "/wh", PATH=BIN + ":" + env["PATH"], LC_ALL="C")
        args = ["ingest", "-f", d + "/events.log*", "-d", "stg.events", "--partition-by", "t:ms", "--reject", d + "/bad"]
        start = lambda: subprocess.Popen(args + ["--every", "200ms"], env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        home, web = jmeter_home(d), Nginx(d)
        try:
            point(post(web.port, None, "GET") == 403 and post(web.port, b"{}", path="/") == 404, "only what is meant is taken")
            point(post(web.port, b'{"id":"big","t":1,"x":"' + b"x" * 70000 + b'"}') == 413, "not what is too large to be kept whole")
            sent = [b"not json", b'{"id":"a","t":1780000000000}\n{"id":"b","t":1780000000000}', b'{"id":"c","t":1780000000000,"x":"\xc3\xa9\\n\\"\\\\"}',
                    b'{"id":"d","t":1780000000000,"x":"' + b"y" * 60000 + b'"}']
            point([post(web.port, s) for s in sent] == [204] * 4, "the rest is")
            load = subprocess.Popen(["java", "-Xmx256m", *jars.LEAN, "-Djmeter.home=" + home, "-cp", home + "/bin/ApacheJMeter.jar",
                                     "org.apache.jmeter.NewDriver", "-n", "-t", RECIPE + "/load.jmx", "-l", d + "/answers.csv", "-j", d + "/jmeter.log",
                                     "-Jport=%d" % web.port, "-Jseconds=%d" % SECONDS],
                                    cwd=d, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            p, turns, kills, said = start(), 0, 0, ""
            while load.poll() is None:
                time.sleep(r.uniform(0.5, 1.5))
                if r.random() < 0.5:
                    p.kill()
                    said += p.communicate()[1].decode()
                    p, kills = start(), kills + 1
                elif os.path.getsize(web.log) > 0:
                    turns += 1
                    web.rotate(turns)
            out = load.communicate()[0].decode(errors="replace")
            point(load.returncode == 0, "JMeter ran to its end", out)
            listens(p)
            time.sleep(2)
            p.send_signal(signal.SIGTERM)
            said += p.communicate(timeout=60)[1].decode()
            point(p.returncode == 0 and not said, "ingest had nothing to say", said)
        finally:
            point(web.stop() == 0, "nginx ends well")
        subprocess.run(args + ["--until", "end"], env=env, check=True)
        with open(d + "/answers.csv", newline="") as f:
            taken = sum(row["responseCode"] == "204" for row in csv.DictReader(f))
        rows = [json.loads(x) for x in subprocess.run(["wh-cat", "stg.events"], env=env, stdout=subprocess.PIPE, check=True).stdout.splitlines()]
        own = {x["id"]: x for x in rows if re.fullmatch("[a-z]", x["id"])}
        ids = [x["id"] for x in rows if x["id"] not in own]
        point(taken > 20 * SECONDS and len(ids) == taken and len(set(ids)) == taken,
              "%d events were taken, and are there, once each; the log rotated %d times, ingest killed %d times" % (taken, turns, kills),
              "%d taken, %d rows, %d of them different" % (taken, len(ids), len(set(ids))))
        point(sorted(own) == ["a", "b", "c", "d"] and own["c"]["x"] == '\u00e9\n"\\' and len(own["d"]["x"]) == 60000, "bodies are as they came", list(own))
        with open(d + "/bad") as f:
            # who is killed before its commit rejects again
            bad = {(json.loads(x)["reason"], json.loads(x)["raw"]) for x in f}
            point({raw for why, raw in bad} == {"not json"}, "what is no record is a reject", bad)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
