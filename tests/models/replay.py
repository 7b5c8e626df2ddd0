#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""replay - the system calls that the writing commands really make, on the disk that forgets what was not synced; TAP

    BIN=build/bin python3 tests/models/replay.py

A command runs under strace; its calls on the warehouse are played on crash.Disk, and after each of them every disk that a
power failure may leave is judged: each commit under its final name is whole and has no gap below it, each file it names
is there and whole, the view shows nothing that is not committed; and once the command has ended with 0, its commit is on
every such disk.  Some of those disks are written out, and the real commands must read them, and end as if nothing was.
To show that this can fail, the same log is judged again with each kind of fsync left out.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import cases  # noqa: E402
import crash  # noqa: E402
from tap import finish, holds  # noqa: E402

DAY = "2026-11-20"
TRACE = "openat,open,creat,write,pwrite64,fsync,fdatasync,linkat,link,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,ftruncate"
ENOUGH = 20             # wrong disks that show what a rule is for
SAMPLE = 40             # disks after one call, where more than five names are loose


class Place:
    def __init__(self):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="replay."))
        self.wh = os.path.join(self.dir, "wh")

    def env(self):
        env = cases.environment(self.dir)
        env["PIPEHOUSE_ROOT"] = self.wh
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        return env

    def run(self, argv, data=b""):
        p = subprocess.run(argv, cwd=self.dir, env=self.env(), input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")

    def disk(self):
        """The warehouse as it stands, all of it durable."""
        d = crash.Disk()
        inodes = {}
        for top, dirs, files in os.walk(self.wh):
            for x in dirs:
                d.mkdir(self.rel(os.path.join(top, x)))
            for x in files:
                path = os.path.join(top, x)
                ino = os.stat(path).st_ino
                if ino in inodes:
                    d.names[self.rel(path)] = inodes[ino]
                    continue
                with open(path, "rb") as f:
                    d.create(self.rel(path), f.read())
                inodes[ino] = d.names[self.rel(path)]
        d.durable_data, d.durable_names = dict(d.data), dict(d.names)
        return d

    def rel(self, path):
        return os.path.relpath(path, self.wh)


def unescape(text):
    return bytes(int(x, 16) for x in re.findall(r"\\x([0-9a-f]{2})", text))


def calls(log, wh):
    """(call, arguments) of each call that ended well on something in the warehouse; unfinished ones are put together."""
    open_calls, found, nameless = {}, [], {}
    with open(log) as f:
        for line in f:
            m = re.match(r"(\d+) +(.*)", line.rstrip("\n"))
            pid, text = m.groups()
            if text.endswith("<unfinished ...>"):
                open_calls[pid] = text[:-len("<unfinished ...>")]
                continue
            m = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
            if m:
                text = open_calls.pop(pid, "") + m.group(1)
            m = re.match(r"(\w+)\((.*)\) += (-?\d+)(<.*>)?", text)
            if m and int(m.group(3)) >= 0 and (wh + "/" in text or wh + ">" in text):
                if "O_TMPFILE" in m.group(2):
                    nameless["/proc/self/fd/" + m.group(3)] = re.match(r"<(.*/#\d+)", m.group(4)).group(1)
                if m.group(1) == "linkat":      # which of the files without a name it is that gets one
                    old = re.search(r'"((?:[^"\\]|\\.)*)"', m.group(2)).group(1)
                    text = m.group(2).replace(old, nameless.get(old, old), 1)
                    found.append((m.group(1), text, m.group(4) or ""))
                    continue
                found.append((m.group(1), m.group(2), m.group(4) or ""))
    return found


def play(d, call, args, result, wh, off):
    """One call on the disk; the kind of fsync it was, or None when it changes nothing."""
    def rel(p):     # a file without a name stands where no crash leaves it
        return os.path.relpath(p, wh) if not re.search(r"/#\d+$", p) else "nameless/" + os.path.basename(p)

    def inside(p):
        return p == wh or p.startswith(wh + "/")

    strings = [] if call == "write" else re.findall(r'"((?:[^"\\]|\\.)*)"', args)
    fd = re.match(r"\d+<([^>]*)>", args)
    fd = fd.group(1).replace("(deleted)", "").strip() if fd else None
    if call in ("openat", "open") and "O_TMPFILE" in args and inside(strings[0]):
        d.create(rel(re.match(r"<(.*/#\d+)", result).group(1)), b"")
        return "create"
    if call in ("openat", "open") and "O_CREAT" in args and inside(strings[0]):
        if rel(strings[0]) not in d.names:
            d.create(rel(strings[0]), b"")
            return "create"
        return None
    if call == "write" and fd and inside(fd) and rel(fd) in d.names:
        d.write(rel(fd), unescape(re.search(r'"((?:\\x..)*)"', args).group(1)))
        return "write"
    if call == "fsync" and fd and inside(fd):
        p = rel(fd)
        if p == "." or d.data.get(d.names.get(p), None) == ():
            kind = "log" if p.endswith("_log") else "dir"
            if kind not in off:
                d.fsync_dir("" if p == "." else p)
            return "fsync " + kind
        kind = "record" if "_log/" in fd else "data"
        if kind not in off and p in d.names:
            d.fsync(p)
        return "fsync " + kind
    paths = [rel(p) for p in strings if inside(p)]
    if call == "linkat" and len(paths) == 2:
        d.link(*paths)
        return "link"
    if call in ("rename", "renameat2") and len(paths) == 2:
        if "RENAME_EXCHANGE" in args:
            move(d, paths[0], "swap")
            move(d, paths[1], paths[0])
            move(d, "swap", paths[1])
        else:
            move(d, *paths)
        return "rename"
    if call in ("unlink", "unlinkat", "rmdir") and paths:
        d.unlink(paths[0])
        return "unlink"
    if call in ("mkdir", "mkdirat") and paths and paths[0] not in d.names:
        d.mkdir(paths[0])
        return "mkdir"
    return None


def move(d, a, b):
    """A directory takes what is in it along."""
    for names in (d.names, d.durable_names):
        for p in [p for p in names if p.startswith(a + "/")]:
            names[b + p[len(a):]] = names.pop(p)
    d.rename(a, b)


def judge(d, final, tables):
    """What is wrong with a disk; final: the content each file had in the end."""
    def good(path):
        return d.read(path) == final.get(path, d.read(path))

    for t in tables:
        log, live, day_files = t + "/_log/", set(), []
        floor = int(d.read(log + "FLOOR") or b"0")
        k = floor + 1
        numbers = sorted(p for p in d.listing(t + "/_log") if re.search(r"/\d{20}\.json$", p) and number(p) > floor)
        if floor:
            # what the checkpoint holds is what stays in the end
            p = "%s%020d.ckpt.zst" % (log, floor)
            if d.read(p) is None or not good(p):
                return "FLOOR is %d, and its checkpoint is %s" % (floor, "gone" if d.read(p) is None else "torn")
            for p in final:
                if "/.pool/" in p and p.startswith(t + "/"):
                    if d.read(p) is None or not good(p):
                        return "%s, of the checkpoint, is %s" % (p, "gone" if d.read(p) is None else "torn")
                    live.add(d.names[p])
        for p in numbers:
            if p != "%s%020d.json" % (log, k):
                return "commit %d is missing below %s" % (k, p)
            k += 1
            if not good(p) or not d.read(p).endswith(b"\"}\n"):
                return "%s is torn" % p
            for day, x in json.loads(d.read(p)).get("days", {}).items():
                if x["mode"] == "replace":
                    day_files = []
                for f in x["add"]:
                    path = "%s/.pool/%s/%s" % (t, day, f["file"])
                    if d.read(path) is None or not good(path):
                        return "%s, of commit %d, is %s" % (path, k - 1, "gone" if d.read(path) is None else "torn")
                    live.add(d.names[path])
                    day_files.append(path)
        shown = [p for p in d.listing(t + "/dt=" + DAY)]
        if any(d.names[p] not in live for p in shown):
            return "the view of %s shows what no commit names" % t
    return None


def number(path):
    return int(os.path.basename(path)[:20])


def head(d, table):
    return max([number(p) for p in d.listing(table + "/_log") if re.search(r"/\d{20}\.(json|ckpt\.zst)$", p)] or [0])


def walk(start, log, wh, final, tables, off, keep):
    """Judge all disks along a log: (disks, wrong ones); keep(disk) is given each good one."""
    d, seen, wrong = start.copy(), set(), []
    for call, args, result in log:
        if play(d, call, args, result, wh, off) is None:
            continue
        for i, c in enumerate(limited(d)):
            k = hash(c.key())
            if k in seen:
                continue
            seen.add(k)
            why = judge(c, final, tables)
            if why:
                wrong.append("after %s(%s): %s" % (call, args[:100], why))
                if len(wrong) == ENOUGH:
                    return d, len(seen), wrong
            elif keep:
                keep(c)
    return d, len(seen), wrong


def limited(d):
    """All crashes, or where there are too many a fixed sample of them, with none and all of what is loose among them."""
    changed = [p for p in set(d.names) | set(d.durable_names) if d.names.get(p) != d.durable_names.get(p)]
    dirty = [i for i in set(d.names.values()) if d.data[i] != d.durable_data[i]]
    if len(changed) + 2 * len(dirty) <= 7:
        yield from d.crashes()
        return
    r = random.Random(len(changed))
    for k in range(SAMPLE):
        names = dict(d.durable_names)
        for p in sorted(changed):
            if k == 1 or (k > 1 and r.random() < 0.5):
                if p in d.names:
                    names[p] = d.names[p]
                else:
                    names.pop(p, None)
        names = crash.reachable(names)
        loose = [i for i in sorted(set(names.values())) if d.data[i] != d.durable_data[i]]
        yield d.after(names, {i: r.randrange(3) if k > 1 else 2 * k for i in loose})


def write_out(d, place):
    shutil.rmtree(place.wh, ignore_errors=True)
    os.mkdir(place.wh)
    made = {}
    for p in sorted(d.names):
        path = os.path.join(place.wh, p)
        i = d.names[p]
        if d.data[i] == ():
            os.makedirs(path, exist_ok=True)
        elif i in made:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.link(made[i], path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(d.data[i])
            made[i] = path


def command(title, before, argv, tables, want, rules=("data", "dir", "record", "log")):
    """want: {table: rows in the end}; before: commands that come first; rules: the kinds of fsync that matter here."""
    place = Place()
    os.mkdir(place.wh)
    for name, rows in (("in", b'{"id":1,"v":"new"}\n{"id":2,"v":"new"}\n'), ("old", b'{"id":1,"v":"old"}\n')):
        with open(os.path.join(place.dir, name), "wb") as f:
            f.write(rows)
    with open(os.path.join(place.dir, "log"), "wb") as f:
        f.write(b'{"t":"2026-11-20","n":1}\n{"t":"2026-11-20","n":2}\n')
    for c in before:
        status, _, err = place.run(["bash", "-c", c])
        assert status == 0, err
    start = place.disk()
    trace = os.path.join(place.dir, "trace")
    status, _, err = place.run(["strace", "-f", "-qq", "-y", "-xx", "-s", "1000000", "-o", trace, "-e",
                                "trace=" + TRACE] + argv)
    assert status == 0, err
    # -xx writes all strings in hex, the paths of descriptors too
    with open(trace) as f:
        text = re.sub(r"<((?:\\x[0-9a-f]{2})+)>", lambda m: "<%s>" % unescape(m.group(1)).decode(), f.read())
    with open(trace, "w") as f:
        f.write(re.sub(r'"((?:\\x[0-9a-f]{2})+)"', lambda m: '"%s"' % unescape(m.group(1)).decode()
                       if unescape(m.group(1)).startswith(b"/") else m.group(0), text))
    log = calls(trace, place.wh)
    end = place.disk()
    final = {p: end.data[i] for p, i in end.names.items() if re.search(r"/_log/\d{20}\.(json|ckpt\.zst)$|/\.pool/.*z$", p)}
    dirs = ["main/" + t.replace(".", "/") for t in tables]
    crash.DIRECTORIES = {"nameless"} | {p for d in (start, end) for p, i in d.names.items() if d.data[i] == ()}
    kept = []
    last, states, wrong = walk(start, log, place.wh, final, dirs, (), kept.append)
    holds("%s: %d calls, %d disks, each of them sound" % (title, len(log), states), wrong)
    short = [c for c in limited(last) if any(head(c, t) < head(end, t) for t in dirs)]
    holds("%s: once it has ended its commits are on every disk" % title, ["%d disks lack one" % len(short)] if short else [])
    for off in rules:
        _, k, wrong = walk(start, log, place.wh, final, dirs, (off,), None)
        last, _, _ = walk(start, log, place.wh, final, dirs, (off,), None) if not wrong else (None, 0, 0)
        lost = last is not None and any(head(c, t) < head(end, t) for c in limited(last) for t in dirs)
        holds("%s: without the fsync of %s %d of %d disks are wrong%s" % (title, off, len(wrong), k, ", commits are lost" if lost else ""),
              [] if wrong or lost else ["it makes no difference here"])
    random.Random(7).shuffle(kept)
    bad = []
    for d in kept[:12]:
        write_out(d, place)
        for t in tables:
            s, out, err = place.run(["wh-cat", "--missing-ok", t])
            if s != 0:
                bad.append("wh-cat %s ended with %d: %s" % (t, s, err))
        s, _, err = place.run(argv)
        if s != 0:
            bad.append("again it ended with %d: %s" % (s, err))
        for t, rows in want.items():
            got = place.run(["wh-cat", t])[1]
            seen = place.run(["sh", "-c", "zstdcat -q wh/main/%s/dt=%s/*.zst" % (t.replace(".", "/"), DAY)])[1]
            if got != rows or seen != b"".join(x for x in rows.splitlines(True) if b'"2026-11-19"' not in x):
                bad.append("again: %s has %r, its view %r" % (t, got[:100], seen[:100]))
    holds("%s: %d of those disks written out: read, and the command again" % (title, min(12, len(kept))), bad)
    shutil.rmtree(place.dir, ignore_errors=True)


def main():
    probe = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL) if shutil.which("strace") else None
    if probe is None or probe.returncode != 0:
        print("ok 1 - replay # SKIP no strace, or ptrace is not allowed")
        print("1..1")
        return 0
    new = b'{"id":1,"v":"new"}\n{"id":2,"v":"new"}\n'
    rows = b'{"t":"2026-11-20","n":1}\n{"t":"2026-11-20","n":2}\n'
    command("wh-put, a table's first", [], ["wh-put", "a.t", "dt=" + DAY, "in"], ["a.t"], {"a.t": new})
    command("wh-put over an old day", ["wh-put a.t dt=%s old" % DAY], ["wh-put", "a.t", "dt=" + DAY, "in"], ["a.t"], {"a.t": new})
    command("wh-run", ["wh-put a.x dt=%s old" % DAY, "wh-put a.y dt=%s old" % DAY],
            ["wh-run", "wh-put a.x dt=%s in; wh-put a.y dt=%s in" % (DAY, DAY)], ["a.x", "a.y"], {"a.x": new, "a.y": new})
    command("ingest", ["echo '{\"t\":\"2026-11-19\"}' | wh-put a.l --partition-by t"],
            ["ingest", "log", "-d", "a.l", "--partition-by", "t"], ["a.l"], {"a.l": b'{"t":"2026-11-19"}\n' + rows})
    nonce, hop = "0123456789abcdef0123456789abcdef", '{"t":"s","in":%d,"pass":%d,"drop":0,"used":0,"rej":0,"made":0}'
    mark = '{"$barrier":"' + nonce + '","id":%d,"run":1,"kind":"%s","n":%d,"now":0,"wm":null,"from":{},"to":{},"pins":{},"hops":[%s]}'
    epochs = [mark % (0, "open", 0, hop % (0, 0)), '{"t":"2026-11-19"}', mark % (1, "%s", 1, hop % (1, 1))]
    more = [rows.decode().rstrip("\n"), mark % (2, "end", 2, hop % (2, 2))]
    put = 'PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1 exec wh-put a.l --partition-by t --job j <'
    command("wh-put --job", ["mkdir -p job/ack job/begun/1; echo %s >job/nonce; chmod 600 job/nonce; echo j >job/sinks" % nonce,
                             "cat >one <<'.'\n%s\n.\ncat >two <<'.'\n%s\n.\n" % ("\n".join(epochs) % "end", "\n".join(epochs + more) % "mark"), put + "one"],
            ["sh", "-c", put + "two"], ["a.l"], {"a.l": b'{"t":"2026-11-19"}\n' + rows})
    grow = ["echo '{\"t\":\"%s\",\"n\":%d}' | wh-put a.l --partition-by t" % (DAY, i) for i in (1, 2)]
    command("wh-compact", grow, ["wh-compact", "a.l"], ["a.l"], {"a.l": rows})
    twice = ["wh-put a.t dt=%s in" % DAY, "wh-put a.t dt=%s old" % DAY]
    command("wh-rollback", twice, ["wh-rollback", "a.t", "dt=" + DAY, "--to", "2"], ["a.t"], {"a.t": new}, ("record", "log"))
    aged = ["wh-put a.t dt=%s old" % DAY, "wh-put a.t dt=%s in" % DAY, "find wh -exec touch -d '2 days ago' {} +"]
    command("wh-gc", aged, ["wh-gc", "--keep", "0", "a.t"], ["a.t"], {"a.t": new}, ("record", "log"))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
