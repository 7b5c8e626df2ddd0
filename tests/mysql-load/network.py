#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""network - connections reset at each packet of a job's life and of an extract's answer, and what a server says for a while; TAP

    BIN=build/bin python3 tests/mysql-load/network.py

A proxy on the loopback stands before a private MariaDB and resets the connection (RST) at the k-th command: before it, within it,
behind it, or within its answer; then it lets anybody in.  Whatever was lost, each epoch is in the table once, as its trigger counts.
"""
import concurrent.futures
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import job  # noqa: E402
from job import COLUMNS, Job, account, make_epochs, refused  # noqa: E402
import mysql as m  # noqa: E402
from mysql import check, one, sql, write  # noqa: E402

COMMANDS = 30       # of a whole life of the job below; the last ones are its good-byes
MODES = ("before", "within", "behind", "within the answer to")


class Reset(threading.Thread):
    """Resets the first connection at its k-th command, or behind so many bytes of all that the server answers."""

    def __init__(self, to, k=None, mode=None, answers=None):
        super().__init__(daemon=True)
        self.to, self.k, self.mode, self.answers, self.hit, self.seen, self.bytes = to, k, mode, answers, False, 0, 0
        self.listener = socket.socket(socket.AF_INET)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]

    def conf(self, name):
        return write(name, "[client]\nhost=127.0.0.1\nport=%d\nuser=root\n" % self.port)

    def run(self):
        first = True
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.to)
            except OSError:
                c.close()
                continue
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            state = {"first": first, "answer": None}
            first = False
            for work, a, b in ((self.ask, c, s), (self.answer, s, c)):
                threading.Thread(target=work, args=(a, b, c, state), daemon=True).start()

    @staticmethod
    def end(a, b, client, reset):
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for x in (a, b):
            try:
                # the other thread may wait in it: it is let go, or the socket would stay open
                x.shutdown(socket.SHUT_RD if reset and x is client else socket.SHUT_RDWR)
            except OSError:
                pass
            if reset and x is client:
                x.close()

    @staticmethod
    def exactly(a, n):
        out = b""
        while len(out) < n:
            data = a.recv(n - len(out))
            if not data:
                raise OSError
            out += data
        return out

    def ask(self, a, b, client, state):
        reset = False
        try:
            while not reset:
                head = self.exactly(a, 4)
                body = self.exactly(a, head[0] | head[1] << 8 | head[2] << 16)
                data = head + body
                if state["first"] and head[3] == 0 and self.k is not None:
                    self.seen += 1
                    if self.seen == self.k:
                        self.hit = reset = True
                        data = {"before": b"", "within": data[:4 + len(body) // 2]}.get(self.mode, data)
                        if self.mode == MODES[3]:
                            state["answer"], reset = 5, False
                b.sendall(data)
                if reset and self.mode == "behind":
                    time.sleep(0.03)        # it is done, or is not: the answer is lost
        except OSError:
            pass
        self.end(a, b, client, reset)

    def answer(self, a, b, client, state):
        reset = False
        try:
            while not reset and (data := a.recv(65536)):
                self.bytes += len(data)
                left = state["answer"]
                if left is None and state["first"] and self.answers is not None and self.bytes >= self.answers:
                    left = len(data) - (self.bytes - self.answers)
                if left is not None:
                    data, self.hit, reset = data[:left], True, True
                b.sendall(data)
                if reset:
                    time.sleep(0.01)        # what is before the cut arrives
        except OSError:
            pass
        self.end(a, b, client, reset)


def one_life(k, mode, number, sock, epochs):
    """A job whose connection is reset, and that is started until it has come to its end; what was odd."""
    sql("CREATE OR REPLACE DATABASE net{0}; USE net{0}; CREATE TABLE t ({1}, PRIMARY KEY (id)); CREATE TABLE hits (n INT) ENGINE=InnoDB; INSERT INTO hits VALUES (0); "
        "CREATE TRIGGER hit BEFORE INSERT ON t FOR EACH ROW UPDATE net{0}.hits SET n = n + 1".format(number, COLUMNS))
    proxy = Reset(sock, k, mode)
    proxy.start()
    j = Job("net%d.t" % number, cnf=proxy.conf("net%d.cnf" % number))
    said = []
    for _ in range(3):
        code, err = j.go(epochs)
        said.append((code, err))
        if code != 75:
            break
    proxy.listener.close()
    want, put, out = account(epochs)
    got = ({r[0]: r[1:] for r in sql("SELECT id, a, t FROM net%d.t" % number)}, int(one("SELECT n FROM net%d.hits" % number)), refused(j))
    sql("DROP DATABASE net%d" % number)
    return proxy.hit, None if code == 0 and got == (want, put, out) else (k, mode, got[1], put, said)


@job.crashes
def each_command():
    sock = open(m.CNF).read().split('"')[1]
    epochs = make_epochs(91, 2, 30, 0.1)
    moments = [(k, mode) for k in range(1, COMMANDS + 1) for i, mode in enumerate(MODES) if k > 10 or i == k % 4]
    sql("SET GLOBAL max_connections=300")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        lives = [pool.submit(one_life, *moment, number, sock, epochs) for number, moment in enumerate(moments)]
    hits = sum(x.result()[0] for x in lives)
    odd = [x.result()[1] for x in lives if x.result()[1] is not None]
    check(odd == [] and 70 < hits <= len(moments), "a job of two epochs, reset %d times, %s a command: each epoch once, each refused row told once" % (hits, ", ".join(MODES)), odd)
    sql("SET GLOBAL max_connections=151")


@job.crashes
def extract_cut():
    m.series()
    sql("CREATE TABLE v.x (id INT PRIMARY KEY, t VARCHAR(40)); INSERT INTO v.x SELECT seq, CONCAT('row ', seq) FROM v.s")
    sock = open(m.CNF).read().split('"')[1]
    whole = m.extract("v.x")[1]
    calm = Reset(sock)
    calm.start()
    check(m.extract("v.x", cnf=calm.conf("calm.cnf"))[1] == whole and calm.bytes > 30000, "through the proxy, uncut: the same bytes", calm.bytes)
    odd, hit, d = [], 0, tempfile.mkdtemp(dir=m.HOME)
    for i in range(36):
        at = 1 + (calm.bytes - 2) * i // 35
        proxy = Reset(sock, answers=at)
        proxy.start()
        cnf = proxy.conf("x.cnf")
        status, out, err = m.extract("v.x", cnf=cnf)
        hit += proxy.hit
        # behind its last row nothing is lost but the answer that it does not wait for
        if status != 75 and not (status == 0 and out == whole) or not whole.startswith(out) or (out and not out.endswith(b"\n")):
            odd.append((at, status, len(out), err))
        proxy.listener.close()
        if i % 4:
            continue
        proxy, to = Reset(sock, answers=at), os.path.join(d, str(i))
        proxy.start()
        args = ("--to", to, "--chunk", "300")
        first = m.extract("v.x", *args, cnf=proxy.conf("x.cnf"))
        again = m.extract("v.x", *args) if first[0] else first
        if first[0] not in (0, 75) or again[0] != 0 or m.pieces_of(to, "v.x")[1] != whole:
            odd.append(("--to", at, first, again))
        proxy.listener.close()
    check(odd == [] and hit >= 34, "mysql-extract cut at %d places: 75, whole lines, no short success; its pieces are gone on with" % hit, odd)


def fill(cnf):
    """Sessions of `one` until there are ten; the server has one more for root."""
    out, deadline = [], time.monotonic() + m.LIMIT
    while int(one("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'one'")) < 10 and time.monotonic() < deadline:
        out.append(subprocess.Popen(["mariadb", "--defaults-file=" + cnf, "-N"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(0.1)
    return out


@job.crashes
def what_passes():
    """A server that is read-only, that has no room, or that is stopped for a while: tried again as whole transactions."""
    epochs = make_epochs(92, 5, 200, 0.02)
    job.counted("w", COLUMNS)
    sql("CREATE OR REPLACE USER one@localhost; GRANT ALL ON v.* TO one@localhost")
    cnf = write("w.cnf", open(m.CNF).read().replace("root", "one"))
    j = Job("v.w", cnf=cnf)
    p, _ = j.start()

    def felt(words, k):
        """Epoch k is sent; it says that it could not."""
        j.send(p, j.text(epochs, k, k, k == 5))
        deadline = time.monotonic() + m.LIMIT
        while words not in p.said.decode("utf-8", "replace") and time.monotonic() < deadline and p.poll() is None:
            time.sleep(0.005)
        return words in p.said.decode("utf-8", "replace")

    j.send(p, j.mark("open", 0, 0) + j.text(epochs, 1, 1, False))
    j.until(p, 1)
    sql("SET GLOBAL read_only=1")
    check(felt("trying again: The MariaDB server is running with the --read-only option", 2), "a server that is read-only for a while", p.said)
    sql("SET GLOBAL read_only=0")
    j.until(p, 2)
    # no room: the others hold all sessions, its own is ended
    sql("SET GLOBAL max_connections=10")
    holders = fill(cnf)
    status, _, err = m.load("v.w", "id", '{"id":1,"a":1,"t":"x"}\n', cnf=cnf)
    check(status == 75 and "Too many connections" in err, "a start that finds no room: 75", (status, err))
    mine = one("SELECT connection FROM v.pipehouse_job WHERE job = 'rt'")
    sql("KILL CONNECTION " + mine)
    deadline = time.monotonic() + m.LIMIT
    while sql("SELECT 1 FROM information_schema.processlist WHERE id = " + mine) and time.monotonic() < deadline:
        time.sleep(0.02)        # it counts as a session until it is gone
    holders += fill(cnf)
    check(felt("Too many connections", 3), "its session is ended and there is no room for another", p.said)
    for x in holders:
        x.stdin.close()
        x.wait(m.LIMIT)
    sql("SET GLOBAL max_connections=151")
    j.until(p, 3)
    m.server("stop")
    began = felt("trying again: Can't connect", 4) or felt("trying again: Server has gone away", 4) or "trying again" in p.said.decode()
    m.server("start")
    j.until(p, 4)
    code, err = j.end(p, j.text(epochs, 5, 5))
    check(began and code == 0, "a server that is stopped and started: it goes on", (code, err))
    job.holds("w", "w", j, epochs, "each epoch once, each refused row told once")


if __name__ == "__main__":
    m.program([each_command, extract_cut, what_passes])
