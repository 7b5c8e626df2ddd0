# SPDX-License-Identifier: BSD-2-Clause
"""jars - Java programs for the tests in this directory: fetched once for a build directory, run with a small heap

    cp = jars.fetch("kafka")            # what tests/real/kafka/pom.xml names, by maven
    p = jars.java(cp, "kafka.Kafka", "server.properties", cwd=d, log=d + "/log")
"""
import glob
import os
import shutil
import socket
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(os.path.abspath(os.environ.get("O", os.path.join(TOP, "build"))), "real")
LEAN = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def fetch(name):
    """The jars' class path."""
    lib = os.path.join(CACHE, name)
    if not os.path.exists(lib + "/complete"):
        os.makedirs(lib, exist_ok=True)
        shutil.copy(os.path.join(TOP, "tests/real", name, "pom.xml"), lib)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib", "-DincludeScope=runtime"],
                       cwd=lib, check=True, stdout=sys.stderr, timeout=900)
        open(lib + "/complete", "w").close()
    return ":".join(sorted(glob.glob(lib + "/lib/*.jar")))


def java(classpath, *args, cwd, log, out=subprocess.DEVNULL, heap="384m", options=()):
    """Start it; args: a class, or a source file, and its arguments."""
    with open(log, "ab") as err:
        return subprocess.Popen(["java", "-Xmx" + heap] + LEAN + list(options) + ["-cp", classpath] + list(args), cwd=cwd,
                                stdin=subprocess.DEVNULL, stdout=err if out is None else out, stderr=err)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def text(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""
