#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""contract - what holds for every command, made from one list and tests/contract/commands; TAP

    BIN=build/bin python3 tests/contract/run.py [-j N] [COMMAND ...]

A command without a line in the table is a failure.  What is expected is said here (a count, a status, the input's own bytes,
the same command's output on the same records written plainly), never taken from the output under test alone.
"""
import base64
import fcntl
import gzip
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import cases  # noqa: E402
from tap import finish, point  # noqa: E402

BIN, TOP, SANITIZED = cases.BIN, cases.TOP, cases.SANITIZED
LIMIT = 60 * (5 if SANITIZED else 1)
PLAIN = b'{"id":%d,"t":1700000%03d,"v":%v}'

VALUES = [b"19.99", b"1.10", b"-0", b"-0.0", b"1e400", b"1E+2", b"18446744073709551615", b"18446744073709551616", b"1" * 100,
          b"0." + b"1" * 60, b"0.1", b"100.10", b"true", b"false", b'""', b'"a\\u0000b"', b'"\\/\\b\\u00e9"', '"é\u2028\U0001f600"'.encode(),
          b'"\\ud83d\\ude00"', b'"' + b"x" * 5000 + b'"', b'{"b":1,"a":[1, 2 ,{}]}', b'"\\u003c\x7f"']

# Lines that are no record, whoever reads them: (what it is, the bytes).
BAD = [
    ("two values on a line", b'{"id":1}{"id":2}'), ("a word behind", b'{"id":1} x'), ("cut off", b'{"id":1,"v":'),
    ("open string", b'{"id":1,"v":"x'), ("an array", b"[1]"), ("a number", b"1"), ("a string", b'"x"'), ("null", b"null"),
    ("a comma too many", b'{"id":1,}'), ("leading zero", b'{"id":01}'), ("plus", b'{"id":+1}'), ("bare point", b'{"id":1.}'),
    ("NaN", b'{"id":NaN}'), ("single quotes", b"{'id':1}"), ("comment", b'{"id":1}//'), ("unquoted key", b"{id:1}"),
    ("BOM", b'\xef\xbb\xbf{"id":1}'), ("UTF-16LE", b'{\0"\0i\0d\0"\0:\x001\0}\0'), ("NUL between tokens", b'{"id":\x001}'),
    ("NUL in a string", b'{"id":1,"v":"a\0b"}'), ("a run of NULs", b"\0" * 64), ("raw tab in a string", b'{"id":1,"v":"a\tb"}'),
    ("raw 0x1f in a string", b'{"id":1,"v":"a\x1fb"}'), ("RS before it", b'\x1e{"id":1}'), ("lone CR as line end", b'{"id":1}\r{"id":2}'),
    ("bad escape", b'{"id":1,"v":"\\x41"}'), ("bad \\u", b'{"id":1,"v":"\\u12G4"}'), ("lone high surrogate", b'{"id":1,"v":"\\ud800"}'),
    ("lone low surrogate", b'{"id":1,"v":"\\udc00"}'), ("surrogates turned round", b'{"id":1,"v":"\\udc00\\ud800"}'),
    ("high surrogate, then text", b'{"id":1,"v":"\\ud800x"}'), ("lone surrogate in a key", b'{"id":1,"\\ud800":1}'),
    ("byte ff", b'{"id":1,"v":"\xff"}'), ("overlong c0 af", b'{"id":1,"v":"\xc0\xaf"}'), ("overlong e0 80 af", b'{"id":1,"v":"\xe0\x80\xaf"}'),
    ("surrogate as UTF-8", b'{"id":1,"v":"\xed\xa0\x80"}'), ("above 10ffff", b'{"id":1,"v":"\xf4\x90\x80\x80"}'),
    ("five bytes", b'{"id":1,"v":"\xf8\x88\x80\x80\x80"}'), ("sequence cut by the quote", b'{"id":1,"v":"\xe2\x82"}'),
    ("sequence cut by the line end", b'{"id":1,"v":"\xe2\x82'), ("UTF-8 tail alone", b'{"id":1,"v":"\x80"}'),
    ("1025 deep", b'{"id":1,"v":' + b"[" * 1024 + b"]" * 1024 + b"}"), ("100,000 deep", b'{"id":1,"v":' + b"[" * 100000),
]


class Failure(Exception):
    pass


def need(held, text):
    if not held:
        raise Failure(text)


def same(got, want, what):
    if got != want:
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
        raise Failure("%s differs at byte %d of %d (%d wanted)\n  got  ...%r\n  want ...%r" % (
            what, at, len(got), len(want), got[max(0, at - 40):at + 60], want[max(0, at - 40):at + 60]))


def fixtures(d):
    """Files that arguments may name by @/NAME."""
    with open(os.path.join(d, "dim"), "w") as f:
        f.write("".join('{"id":%d,"name":"n%d"}\n' % (i, i) for i in range(1, 4)))
    with open(os.path.join(d, "none"), "w"):
        pass
    with open(os.path.join(d, "clean"), "w") as f:
        f.write("nothing trim\n")
    with open(os.path.join(d, "alert"), "w") as f:
        f.write("fail exec /bin/true\n")
    os.mkdir(os.path.join(d, "wh"))


class Command:
    def __init__(self, name, kind, record, args):
        self.name, self.args = name, args
        self.kind, _, also = kind.partition("+")
        kind = self.kind
        # a feed's tombstone is the one line that is no object and no mistake
        self.bad = [(what, b) for what, b in BAD if (what, also) != ("null", "null")]
        self.template = PLAIN if record == b"-" else record
        self.dir = tempfile.mkdtemp(prefix="contract.")
        fixtures(self.dir)
        self.path = os.path.join(BIN, name)
        self.input = kind not in ("tool", "source")     # it reads what stdin or operands give
        self.records = self.input and kind not in ("lines", "rows")     # and each line must be a record
        self.out = kind in ("filter", "edit", "aggregator", "count", "lines", "rows")
        self.text = also == "text" or kind == "rows"    # its output, or its input, is no JSON: values change their form
        self.nothing = 1 if kind == "lines" else 0      # exit status of having found nothing

    def good(self, n, value=b"1"):
        t = self.template.replace(b"%03d", b"%03d" % (n % 1000)).replace(b"%d", b"%d" % n)
        return t.replace(b"%v", value)

    def lines(self, n, first=1):
        return b"".join(self.good(i) + b"\n" for i in range(first, first + n))

    def file(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def env(self, **more):
        env = cases.environment(self.dir)
        env["PIPEHOUSE_ROOT"] = os.path.join(self.dir, "wh")
        env.update(more)
        return env

    def run(self, options=(), operands=(), data=b"", env=None, wrap=None, own=True, stdout=subprocess.PIPE):
        """(status, stdout, stderr); wrap: a sh script that runs "$@"."""
        argv = [self.path] + list(options)
        args = [a.replace("@/", self.dir + "/") for a in shlex.split(self.args)] if own else []
        if "--" in args:        # a command stands behind it: files stand before; or nothing does: files do
            at = args.index("--")
            operands = ["./" + o if o[:1] == "-" and o != "-" else o for o in operands if o != "--"]
            at = len(args) if args[at + 1:] == [] else at
            args[at:at] = operands
        else:
            args += list(operands)
        argv += args
        if wrap:
            argv = ["sh", "-c", wrap, "sh"] + argv
        p = subprocess.Popen(argv, cwd=self.dir, env=env or self.env(), stdin=subprocess.PIPE, stdout=stdout,
                             stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = p.communicate(data, LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            p.communicate()
            raise Failure("hung for %d s: %s" % (LIMIT, shlex.join(argv[1:])))
        if b"Sanitizer" in err or b"runtime error" in err:
            raise Failure(err[:2000].decode("utf-8", "replace"))
        return p.returncode, out or b"", err

    def ok(self, *a, **k):
        """Run, want 0 and silence; stdout."""
        status, out, err = self.run(*a, **k)
        need(status == 0, "exit %d: %r" % (status, err[:300]))
        need(err == b"", "it talked: %r" % err[:300])
        return out

    def plain(self, n=5, first=1):
        return self.ok(data=self.lines(n, first))


CASES = []


def case(title, kinds="all"):
    def add(f):
        CASES.append((title, kinds, f))
        return f
    return add


# ---- what holds for all ----

@case("-h goes to stdout, exit 0: what it does, the usage")
def _(c):
    for h in ("-h", "--help"):
        status, out, err = c.run([h], own=False)
        need(status == 0 and err == b"", "exit %d, stderr %r" % (status, err))
        need(re.match(b"%s - [^\\n]+\\nusage: %s[ \\n]" % (c.name.encode(), c.name.encode()), out), "begins with %r" % out[:80])


@case("--version prints name and version")
def _(c):
    out = c.ok(["--version"], own=False)
    need(re.fullmatch(c.name.encode() + rb" [^\n]*\d+\.\d+[^\n]*\n", out), repr(out))


@case("an unknown option: one line why, the usage, exit 2")
def _(c):
    for o in ("--no-such-option", "-\x07", "-~"):
        status, out, err = c.run([o], own=False)
        need(status == 2, "%r: exit %d" % (o, status))
        need(out == b"", "stdout %r" % out[:80])
        why, _, rest = err.partition(b"\n")
        need(why.startswith(c.name.encode() + b": "), "why: %r" % why)
        need(rest.startswith(b"usage: " + c.name.encode()), "usage: %r" % rest[:80])
        need(not re.search(rb"[\0-\x08\x0b-\x1f\x7f]", err), "control bytes in %r" % err[:80])


@case("an option without its argument is misuse")
def _(c):
    for row in c.ok(["--print-options"], own=False).decode().splitlines():
        short, long, arg, _ = row.split("\t")
        if arg:
            status, out, err = c.run(["--" + long] if long else ["-" + short], own=False)
            need(status == 2 and err.startswith(c.name.encode() + b": "), "--%s: exit %d, %r" % (long, status, err[:100]))
            break


@case("-h on a full disk is 4, and with no stdout at all too")
def _(c):
    with open("/dev/full", "wb") as full:
        need(c.run(["-h"], own=False, stdout=full)[0] == 4, "/dev/full")
    need(c.run(["-h"], own=False, wrap='"$@" >&-')[0] == 4, ">&-")


@case("unknown option with descriptors 0, 1, 2 closed ends with 2")
def _(c):
    for close in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        need(c.run(["--no-such-option"], own=False, wrap='"$@" ' + close)[0] == 2, close)


# ---- what holds where records come in ----

@case("no input at all is not an error", "input")
def _(c):
    status, a, err = c.run()
    need(status == c.nothing and err == b"", "exit %d, %r" % (status, err[:200]))
    same(c.run(operands=[c.file("empty", b"")])[1], a, "an empty file")
    if c.kind in ("filter", "edit", "lines"):
        same(a, b"", "stdout")


@case("the last line may lack its newline", "input")
def _(c):
    same(c.ok(data=c.lines(5)[:-1]), c.plain(), "stdout")


@case("a filter passes good records byte for byte", "pass")
def _(c):
    same(c.plain(50), c.lines(50), "stdout")


@case("CRLF is LF", "records")
def _(c):
    same(c.ok(data=c.lines(5).replace(b"\n", b"\r\n")), c.plain(), "stdout")


@case("blank lines are skipped and counted", "records")
def _(c):
    stats = os.path.join(c.dir, "blank.stats")
    lines = c.lines(5).split(b"\n")
    data = b"\n\r\n" + b"\n \t\n".join(lines[:-1]) + b"\n\n   "
    same(c.ok(["--stats", stats], data=data), c.plain(), "stdout")
    with open(stats) as f:
        s = json.load(f)
    need(s["in"] == 5, "in is %d" % s["in"])
    need(s.get("blank") == 2 + 4 + 2, "blank is %s" % s.get("blank"))


@case("several operands are read in order, - is standard input", "input")
def _(c):
    a, b = c.file("a b", c.lines(3)), c.file("-rf", c.lines(3, 7))
    want = c.ok(data=c.lines(9))
    same(c.ok(operands=[a, "-", b], data=c.lines(3, 4)), want, "a - b")
    same(c.ok(operands=["--", "a b", "-", "-rf"], data=c.lines(3, 4)), want, "-- a - -rf")


@case("a bad record stops with 3 and says tool: file:line: why", "records")
def _(c):
    data = c.lines(2) + b'{"id":3,\n' + c.lines(2, 4)
    name = c.name.encode()
    status, _, err = c.run(data=data)
    need(status == 3, "exit %d" % status)
    need(re.fullmatch(name + rb": <stdin>:3: [^\n]+\n", err), "message %r" % err)
    path = c.file("bad.ndjson", data)
    status, _, err = c.run(operands=[path])
    need(status == 3, "exit %d" % status)
    need(re.fullmatch(name + b": " + re.escape(path.encode()) + rb":3: [^\n]+\n", err), "message %r" % err)


@case("--reject: the raw bytes in one JSON line, work goes on, exit 0", "records")
def _(c):
    bad = [b'{"id":3,', b'{"v":"\xff\x00"}', '{"é":}'.encode()]
    data = c.lines(2) + bad[0] + b"\r\n" + c.lines(1, 3) + bad[1] + b"\n" + c.lines(2, 4) + bad[2]
    for where, operands, feed in (("<stdin>", [], data), ("in.ndjson", ["in.ndjson"], b"")):
        c.file("in.ndjson", data)
        path = os.path.join(c.dir, "rejects." + where.strip("<>"))
        for twice in (1, 2):            # the file is appended to
            same(c.ok(["--reject", path], operands, feed), c.plain(), "stdout")
            with open(path, "rb") as f:
                rows = [json.loads(x) for x in f.read().splitlines()]
            need(len(rows) == 3 * twice, "%d rejects" % len(rows))
        for row, line, raw in zip(rows, (3, 5, 8), bad):
            need({"tool", "source", "line", "offset", "reason"} <= set(row), "fields %s" % list(row))
            need(row["tool"] == c.name and row["source"] == where, "tool, source: %s %s" % (row["tool"], row["source"]))
            need(row["line"] == line, "line %d, wanted %d" % (row["line"], line))
            got = base64.b64decode(row["raw_base64"]) if "raw_base64" in row else row["raw"].encode()
            same(got, raw, "raw")
            same(data[row["offset"]:row["offset"] + len(raw)], raw, "bytes at the offset")
            need(row["reason"], "no reason")


@case("--max-rejects N: N are let go, one more stops with 3", "records")
def _(c):
    data = c.lines(5) + b"x\n" + b"y\n" + c.lines(5, 6)
    path = os.path.join(c.dir, "max.rejects")
    c.ok(["--reject", path, "--max-rejects", "2"], data=data)
    need(c.run(["--reject", path, "--max-rejects", "1"], data=data)[0] == 3, "2 rejects pass --max-rejects 1")
    c.ok(["--reject", path, "--max-rejects", "20%"], data=data)
    need(c.run(["--reject", path, "--max-rejects", "1%"], data=data)[0] == 3, "2 of 12 pass --max-rejects 1%")


@case("--on-error skip goes on, fail stops", "records")
def _(c):
    data = c.lines(2) + b"nonsense\n" + c.lines(3, 3)
    status, out, err = c.run(["--on-error", "skip"], data=data)
    need(status == 0, "exit %d" % status)
    same(out, c.plain(), "stdout")
    need(c.run(["--on-error", "fail"], data=data)[0] == 3, "--on-error fail")
    need(c.run(["--on-error", "perhaps"])[0] == 2, "--on-error perhaps")


@case("what is no record is rejected, each with its line", "records")
def _(c):
    path = os.path.join(c.dir, "all.rejects")
    data = b"".join(c.good(i) + b"\n" + b + b"\n" for i, (_, b) in enumerate(c.bad, 1)) + c.good(len(c.bad) + 1)
    # Under a small stack: depth must not cost any.
    out = c.ok(["--reject", path], data=data, wrap=None if SANITIZED else 'ulimit -s 256 && exec "$@"')
    same(out, c.plain(len(c.bad) + 1), "stdout")
    with open(path, "rb") as f:
        rows = {r["line"]: r for r in map(json.loads, f.read().splitlines())}
    for i, (what, b) in enumerate(c.bad, 1):
        need(2 * i in rows, "accepted: " + what)
        r = rows.pop(2 * i)
        same(base64.b64decode(r["raw_base64"]) if "raw_base64" in r else r["raw"].encode(), b, "raw of " + what)
    need(not rows, "rejected but good: lines %s: %s" % (list(rows), [r["reason"] for r in rows.values()][:3]))


@case("odd but right records are taken", "records")
def _(c):
    head = c.good(1)[:-1]
    odd = [head + x + b"}" for x in (
        b',"d":' + b"[" * 1023 + b"]" * 1023, b',"":1', b',"x":1,"x":2', '," \u2028\u2029":"\uffff\U0010ffff"'.encode(), b',"n":' + b"9" * 3000,
        b',"n":-2645e-1141622225', b',"n\\u0000m":"\\u0000"', b',"k' + b"e" * 70000 + b'":0', b' , "blank s" : [ ] ' , b',"\x7f":"\x7f"')]
    out = c.ok(data=b"".join(c.good(i)[:-1] + o[len(head):] + b"\n" for i, o in enumerate(odd, 1)))
    if c.kind == "filter":
        same(out, b"".join(c.good(i)[:-1] + o[len(head):] + b"\n" for i, o in enumerate(odd, 1)), "stdout")


@case("a line over --max-line is one reject, the next is good", "input")
def _(c):
    size = max(len(c.good(i)) for i in range(1, 6)) + 100
    begin, end = (b"x", b"x") if c.kind == "rows" else (c.good(1)[:-1] + b',"pad":"', b'"}')
    long = begin + b"x" * size + end
    data = c.lines(2) + long + b"\n" + c.lines(3, 3)
    limit = ["--max-line", str(size)]
    status, _, err = c.run(limit, data=data)
    need(status == 3, "exit %d" % status)
    need(re.fullmatch(c.name.encode() + rb": <stdin>:3: [^\n]+\n", err), "message %r" % err)
    path = os.path.join(c.dir, "long.rejects")
    same(c.ok(limit + ["--reject", path], data=data), c.plain(), "stdout")
    with open(path, "rb") as f:
        rows = [json.loads(x) for x in f.read().splitlines()]
    need(len(rows) == 1 and rows[0]["line"] == 3, "rejects: %s" % [r["line"] for r in rows])
    exact = begin + b"x" * (size - len(begin) - len(end)) + end
    c.ok(limit, data=exact + b"\n" + exact)
    status, _, _ = c.run(limit, data=begin + b"x" + exact[len(begin):] + b"\n")
    need(status == 3, "one byte over the limit is taken")


@case("--max-depth, --max-string, --max-keys are limits", "records")
def _(c):
    for option, n, good, bad in (("--max-depth", 4, b"[[[]]]", b"[[[[]]]]"), ("--max-string", 12, b'"xxxxxxxxxxxx"', b'"xxxxxxxxxxxxx"'),
                                 ("--max-keys", 30, b"{" + b",".join(b'"k%d":0' % i for i in range(30)) + b"}",
                                  b"{" + b",".join(b'"k%d":0' % i for i in range(31)) + b"}")):
        rec = lambda v: c.good(1)[:-1] + b',"x":' + v + b"}\n"
        if option == "--max-string" and max(map(len, re.findall(rb'"((?:[^"\\]|\\.)*)"', c.good(1)))) > 12:
            continue
        if option == "--max-depth" and c.good(1).count(b"{") + c.good(1).count(b"[") > 1:
            continue
        need(c.run([option, str(n)], data=rec(good))[0] == 0, "%s %d: refused at the limit" % (option, n))
        need(c.run([option, str(n)], data=rec(bad))[0] == 3, "%s %d: taken above the limit" % (option, n))


@case("a line of 80 MB costs no memory", "records-plain")
def _(c):
    script = '(head -c 80000000 /dev/zero | tr "\\0" x; echo; printf %s "$REC") | (ulimit -v 262144 && exec "$@")'
    status, out, err = c.run(["--on-error", "skip", "-S", "16M"], env=c.env(REC=c.good(1).decode()), wrap=script)
    need(status == 0, "exit %d: %r" % (status, err[:200]))
    same(out, c.plain(1), "stdout")


@case("a file that is not there is 4, and so is a directory", "input")
def _(c):
    for path in (os.path.join(c.dir, "not-there\x1b[2J"), c.dir):
        status, out, err = c.run(operands=[path])
        need(status == 4, "%r: exit %d" % (path, status))
        need(err.startswith(c.name.encode() + b": ") and err.count(b"\n") == 1, "message %r" % err)
        need(b"\x1b" not in err, "control bytes reach the terminal: %r" % err)


@case("zstd and gzip are known by their first bytes", "input")
def _(c):
    want, data = c.plain(5), c.lines(5)
    zstd = subprocess.run(["zstd", "-qc"], input=c.lines(3), stdout=subprocess.PIPE, check=True).stdout
    zstd += subprocess.run(["zstd", "-qc"], input=c.lines(2, 4), stdout=subprocess.PIPE, check=True).stdout
    gz = gzip.compress(c.lines(3)) + gzip.compress(c.lines(2, 4))
    for name, packed in (("zstd", zstd), ("gzip", gz)):
        same(c.ok(data=packed), want, name + " on stdin")
        same(c.ok(operands=[c.file("odd.txt", packed)]), want, name + " in odd.txt")
        for cut in (len(packed) - 1, len(packed) - 5, 12):
            status, out, err = c.run(data=packed[:cut])
            need(status == 3, "%s cut at %d of %d: exit %d" % (name, cut, len(packed), status))
            need(not c.kind == "filter" or data.startswith(out) and (not out or out.endswith(b"\n")), "a torn line came out: %r" % out[-60:])
    flip = bytearray(zstd)
    flip[len(zstd) // 4] ^= 0x10
    need(c.run(data=bytes(flip))[0] == 3, "a flipped bit in zstd is not seen")


@case("standard output on a full disk is 4", "out")
def _(c):
    with open("/dev/full", "wb") as full:
        status, _, err = c.run(data=c.lines(3), stdout=full)
        need(status == 4 and err.startswith(c.name.encode() + b": "), "exit %d, %r" % (status, err))
        status, _, err = c.run(data=c.lines(3000), stdout=full)
        need(status == 4, "3,000 lines: exit %d" % status)


@case("a reader that leaves early: no message, no hang", "out")
def _(c):
    data = c.file("early", c.lines(40000))
    argv = [c.path] + [a.replace("@/", c.dir + "/") for a in shlex.split(c.args)] + [data]
    for lines in (0, 1):
        p = subprocess.Popen(argv, cwd=c.dir, env=c.env(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(lines):
            p.stdout.readline()
        p.stdout.close()
        try:
            err = p.stderr.read()
            status = p.wait(LIMIT)
        except subprocess.TimeoutExpired:
            p.kill()
            raise Failure("it hangs")
        need(err == b"", "it talked: %r" % err[:200])
        need(status in (0, -signal.SIGPIPE, 4), "exit %d" % status)


def may_enlarge():
    """Is a pipe of 1 MiB to be had here?  Who is not root may have but so many."""
    r, w = os.pipe()
    try:
        return fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 1 << 20) >= 1 << 20
    except PermissionError:
        return False
    finally:
        os.close(r)
        os.close(w)


def large_pipes(c, data):
    """Run between two pipes, if there is something to read; both are of 1 MiB then."""
    (r0, w0), (r1, w1) = os.pipe(), os.pipe()
    try:
        need(fcntl.fcntl(w1, fcntl.F_GETPIPE_SZ) < 1 << 20, "a pipe is as large as that from the start")
        os.write(w0, data)
        argv = [c.path] + [a.replace("@/", c.dir + "/") for a in shlex.split(c.args)]
        p = subprocess.Popen(argv, cwd=c.dir, env=c.env(), stdin=r0, stdout=w1, stderr=subprocess.PIPE)
        os.close(w0)
        w0 = -1
        try:
            err = p.communicate(timeout=LIMIT)[1]
        except subprocess.TimeoutExpired:
            p.kill()
            raise Failure("it hangs")
        need(p.returncode in (0, c.nothing), "exit %d, %r" % (p.returncode, err[:300]))
        sizes = [fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) for fd in ((r0, w1) if c.input else (w1,))]
        need(not may_enlarge() or all(s >= 1 << 20 for s in sizes), "of %s bytes" % sizes)
    finally:
        for fd in (r0, w0, r1, w1):
            if fd != -1:
                os.close(fd)


@case("the pipes at both ends are made as large as they may be", "out")
def _(c):
    large_pipes(c, c.lines(3))


@case("descriptors 0, 1, 2 closed at the start", "input")
def _(c):
    path, out = c.file("fd", c.lines(3)), os.path.join(c.dir, "fd.out")
    want = c.plain(3)
    # Nobody's stdin: an input that cannot be read is 4, not an empty one. With an operand it is not needed.
    need(c.run(wrap='"$@" <&-')[0] == 4, "no stdin: not 4")
    same(c.ok(operands=[path], wrap='"$@" <&-'), want, "with an operand and no stdin")
    if c.out:
        need(c.run(operands=[path], wrap='"$@" >&-')[0] == 4, "no stdout: records are lost and it is not 4")
        c.ok(["-o", out], [path], wrap='"$@" <&- >&-')
        with open(out, "rb") as f:
            same(f.read(), want, "-o with no stdin and stdout")
        # A message without stderr must not land in a file of ours.
        bad = c.file("fd.bad", c.lines(3) + (b"x\n" if c.records else b""))
        need(c.run(["-o", out, "--on-error", "skip"], [bad], wrap='"$@" 2>&-')[0] == 0, "no stderr")
        with open(out, "rb") as f:
            same(f.read(), want, "-o with no stderr")
    if c.records:
        rejects = os.path.join(c.dir, "fd.rejects")
        need(c.run(["--reject", rejects, "--max-rejects", "0"], data=c.lines(3) + b"x\n", wrap='"$@" 2>&-')[0] == 3, "over --max-rejects")
        with open(rejects, "rb") as f:
            need(len([json.loads(x) for x in f.read().splitlines()]) == 1, "a message went into the rejects")
    need(c.run(operands=[path], wrap='"$@" 2>&-')[0] == 0, "no stderr: not 0")
    need(not c.records or c.run(data=b"x\n", wrap='"$@" 2>&-')[0] == 3, "bad record, no stderr: not 3")


def nameless(d):
    """Are there files without a name in that directory?"""
    try:
        os.close(os.open(d, os.O_TMPFILE | os.O_WRONLY))
        return True
    except OSError:
        return False


def writes_beside(pid, d):
    """Has the process a file of that directory open?"""
    fds = "/proc/%d/fd" % pid
    try:
        return any(os.readlink(os.path.join(fds, fd)).startswith(d + "/") for fd in os.listdir(fds))
    except OSError:     # it was closed, or is gone, in between
        return False


@case("-o FILE: whole or not at all, compressed by its suffix", "out")
def _(c):
    d = os.path.join(c.dir, "o")
    os.mkdir(d)
    want, path = c.plain(5), os.path.join(d, "x.ndjson")
    same(c.ok(["-o", path], data=c.lines(5)), b"", "stdout")
    with open(path, "rb") as f:
        same(f.read(), want, "x.ndjson")
    for suffix, tool in (("zst", "zstd"), ("gz", "gzip")):
        c.ok(["-o", path + "." + suffix], data=c.lines(5))
        same(subprocess.run([tool, "-dcq", path + "." + suffix], stdout=subprocess.PIPE, check=True).stdout, want, "x.ndjson." + suffix)
        os.unlink(path + "." + suffix)
    torn = c.lines(2) + b"bad\n" if c.records else subprocess.run(["zstd", "-qc"], input=c.lines(9), stdout=subprocess.PIPE).stdout[:-3]
    need(c.run(["-o", path], data=torn)[0] == 3, "bad record")
    with open(path, "rb") as f:
        same(f.read(), want, "the file from before")
    os.unlink(path)
    need(c.run(["-o", path], data=torn)[0] == 3, "bad record")
    need(os.listdir(d) == [], "left behind: %s" % os.listdir(d))
    need(c.run(["-o", os.path.join(d, "no/such/x")], data=c.lines(2))[0] == 4, "a directory that is not there")


@case("-o FILE: a command that is killed leaves what was there, and nothing beside it", "out")
def _(c):
    d = os.path.join(c.dir, "killed")
    os.mkdir(d)
    if not nameless(d):         # then another name is left, as it must be
        return
    path = c.file("killed/x", b"before")
    for sig in (signal.SIGTERM, signal.SIGKILL):
        argv = [c.path, "-o", path] + [a.replace("@/", c.dir + "/") for a in shlex.split(c.args)]
        p = subprocess.Popen(argv, cwd=c.dir, env=c.env(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        p.stdin.write(c.lines(2))
        p.stdin.flush()
        deadline = time.monotonic() + LIMIT
        while not writes_beside(p.pid, d):
            need(p.poll() is None and time.monotonic() < deadline, "it did not open its output, exit %s" % p.returncode)
            time.sleep(0.005)
        os.killpg(p.pid, sig)
        p.communicate(timeout=LIMIT)
        with open(path, "rb") as f:
            same(f.read(), b"before", "the file from before")
        need(os.listdir(d) == ["x"], "left behind: %s" % os.listdir(d))


@case("--stats: in = passed + dropped + used + rejected, out = passed + made", "input")
def _(c):
    path = os.path.join(c.dir, "stats")
    data, n, bad = c.lines(20) + b"bad\n\n" + c.lines(20, 21) + b"{}{}\n", 42, 2
    if not c.records:
        data, n, bad = c.lines(20) + b"other\n\n" + c.lines(20, 21), 42, 0
    for more in ([], ["-j", "4"]):
        out = c.ok(["--stats", path, "--reject", os.path.join(c.dir, "stats.rejects")] + more, data=data)
        with open(path, "rb") as f:
            rows = f.read().splitlines()
        s = json.loads(rows[-1])
        need(s["in"] == n, "in %d, wanted %d" % (s["in"], n))
        need(s["rejected"] == bad, "rejected %d, wanted %d" % (s["rejected"], bad))
        need(s["in"] == s["passed"] + s["dropped"] + s["used"] + s["rejected"], "sum: %s" % s)
        if c.out:
            need(out.count(b"\n") == s["passed"] + s["made"], "%d lines came out: %s" % (out.count(b"\n"), s))
        need(s.get("tool") == c.name and s.get("status") == 0, "tool, status: %s" % s)
    need(len(rows) == 2, "the file is appended to: %d lines" % len(rows))
    c.run(["--stats", path], data=b"bad\n")
    with open(path, "rb") as f:
        s = json.loads(f.read().splitlines()[-1])
    need(s.get("status") == (3 if c.records else c.nothing), "a run that failed: %s" % s)


@case("-j 1, 2, 4: the same bytes", "out")
def _(c):
    data = c.lines(3000)
    want = c.ok(["-j", "1"], data=data)
    path = c.file("j", data)
    for j in ("2", "4"):
        same(c.ok(["-j", j], data=data), want, "-j " + j)
        same(c.ok(["-j" + j], [path]), want, "-j%s on a file" % j)


@case("one byte at a time: the same bytes", "input")
def _(c):
    data = c.lines(4) + (b"\r\n" if c.records else b"") + c.good(5)
    want = c.plain(5)
    argv = [c.path] + [a.replace("@/", c.dir + "/") for a in shlex.split(c.args)]
    p = subprocess.Popen(argv, cwd=c.dir, env=c.env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for i in range(len(data)):
        try:
            os.write(p.stdin.fileno(), data[i:i + 1])
        except BrokenPipeError:
            break
        if i % 16 == 0:
            time.sleep(0.001)
    out, err = p.communicate(timeout=LIMIT)
    need(p.returncode == 0, "exit %d: %r" % (p.returncode, err[:200]))
    same(out, want, "stdout")


@case("values that were not asked about keep their bytes", "out")
def _(c):
    for v in [] if c.text else VALUES:
        data = c.good(1, v) + b"\n"
        if c.kind in ("filter", "lines"):
            same(c.ok(data=data), data, "stdout")
        elif c.kind == "count":
            same(c.ok(data=data), c.plain(1), "stdout")
        else:
            out = c.ok(data=data)
            need(re.search(rb"[:,\[]\s*" + re.escape(v) + rb"\s*[,}\]]", out), "%r is not in %r" % (v[:60], out[:200]))


@case("locale and time zone of the environment change nothing", "out")
def _(c):
    data = c.good(1, b"1234567.891") + b"\n" + c.good(2, '"ıIİi"'.encode()) + b"\n"
    want = c.ok(data=data)
    for more in ({"LC_ALL": "de_DE.UTF-8"}, {"LC_ALL": "tr_TR.UTF-8"}, {"TZ": "XYZ+11:11"}, {"LANGUAGE": "tr"}):
        same(c.ok(data=data, env=c.env(**more)), want, str(more))


@case("output comes when the input idles, and at once with --line-buffered", "pass")
def _(c):
    for more in ([], ["--line-buffered"]):
        argv = [c.path] + more + [a.replace("@/", c.dir + "/") for a in shlex.split(c.args)]
        p = subprocess.Popen(argv, cwd=c.dir, env=c.env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            os.write(p.stdin.fileno(), c.good(1) + b"\n")
            os.set_blocking(p.stdout.fileno(), False)
            deadline, got = time.monotonic() + LIMIT, b""
            while not got.endswith(b"\n") and time.monotonic() < deadline:
                got += p.stdout.read() or b""
                time.sleep(0.01)
            same(got, c.good(1) + b"\n", "after the first line")
        finally:
            p.stdin.close()
            os.set_blocking(p.stdout.fileno(), True)
            p.stdout.read()
            p.stderr.read()
            p.wait(LIMIT)


# ---- what holds where records come from a table ----

def load(c, data):
    """Make data the day that the source prints."""
    p = subprocess.run([os.path.join(BIN, "wh-put"), "t.x", "dt=2026-11-20"], input=data, env=c.env(), cwd=c.dir,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
    need(p.returncode == 0, "wh-put: exit %d: %r" % (p.returncode, p.stderr[:200]))


@case("rows come out as they went in, byte for byte", "source")
def _(c):
    data = b"".join(c.good(i, v) + b"\n" for i, v in enumerate(VALUES, 1))
    load(c, data)
    same(c.ok(), data, "stdout")
    odd = b'{ "id" : 1 ,"x":1,"x":2, "":[ ] }\n'
    load(c, odd)
    same(c.ok(), odd, "stdout")
    for more in ({"LC_ALL": "tr_TR.UTF-8"}, {"TZ": "XYZ+11:11"}):
        same(c.ok(env=c.env(**more)), odd, str(more))


@case("a full disk, no stdout, no stdin", "source")
def _(c):
    load(c, c.lines(3))
    with open("/dev/full", "wb") as full:
        status, _, err = c.run(stdout=full)
        need(status == 4 and err.startswith(c.name.encode() + b": "), "exit %d, %r" % (status, err))
    need(c.run(wrap='"$@" >&-')[0] == 4, "no stdout: rows are lost and it is not 4")
    same(c.ok(wrap='"$@" <&-'), c.lines(3), "no stdin")
    out = os.path.join(c.dir, "source.out")
    c.ok(["-o", out], wrap='"$@" <&- >&-')
    with open(out, "rb") as f:
        same(f.read(), c.lines(3), "-o")


@case("the pipe that it writes to is made as large as it may be", "source")
def _(c):
    load(c, c.lines(3))
    large_pipes(c, b"")


@case("its reader leaves early: no message, no hang", "source")
def _(c):
    load(c, c.lines(40000))
    status, out, err = c.run(wrap='"$@" | head -n 1')
    same(out, c.good(1) + b"\n", "stdout")
    need(err == b"", "it talked: %r" % err[:200])


@case("--stats: as many rows as came out", "source")
def _(c):
    path = os.path.join(c.dir, "source.stats")
    load(c, c.lines(37))
    c.ok(["--stats", path])
    with open(path) as f:
        s = json.load(f)
    need(s["passed"] + s["made"] == 37 and s["in"] == s["passed"] + s["dropped"] + s["used"] + s["rejected"], str(s))


def applies(kinds, c):
    return {"all": True, "input": c.input, "records": c.records, "records-plain": c.records and not SANITIZED, "out": c.out,
            "records-out": c.records and c.out, "filter": c.kind == "filter", "pass": c.kind in ("filter", "lines"), "source": c.kind == "source"}[kinds]


def run_all(c):
    results = []
    try:
        for title, kinds, f in CASES:
            if not applies(kinds, c):
                continue
            try:
                f(c)
                results.append((c.name + ": " + title, None))
            except Failure as e:
                results.append((c.name + ": " + title, str(e)))
            except Exception as e:      # a test's own mistake must not look like a pass
                results.append((c.name + ": " + title, "%s: %s (line %s)" % (type(e).__name__, e, e.__traceback__.tb_next.tb_lineno
                                                                            if e.__traceback__.tb_next else "?")))
    finally:
        shutil.rmtree(c.dir, ignore_errors=True)
    return results


def table():
    rows = {}
    with open(os.path.join(HERE, "commands"), "rb") as f:
        for n, line in enumerate(f.read().splitlines(), 1):
            if line and not line.startswith(b"#"):
                cell = line.split(b"\t")
                if len(cell) != 4 or cell[1].partition(b"+")[0] not in (b"filter", b"edit", b"aggregator", b"count", b"lines", b"rows", b"sink",
                                                                       b"source", b"tool"):
                    raise SystemExit("Bail out! tests/contract/commands:%d: not NAME, KIND, RECORD, ARGUMENTS" % n)
                if cell[0].decode() in rows:
                    raise SystemExit("Bail out! tests/contract/commands:%d: %s stands twice" % (n, cell[0].decode()))
                rows[cell[0].decode()] = (cell[1].decode(), cell[2], cell[3].decode())
    return rows


def main(argv):
    jobs = 2
    if argv[:1] == ["-j"]:
        jobs, argv = int(argv[1]), argv[2:]
    rows = table()
    sources = sorted(f[:-2] for f in os.listdir(os.path.join(TOP, "cmd")) if f.endswith(".c"))
    names = argv or sources
    points = [("%s has a line in tests/contract/commands" % x, None if x in rows else "it has none") for x in names]
    points += [("%s is built" % x, None if os.access(os.path.join(BIN, x), os.X_OK) else "no " + os.path.join(BIN, x)) for x in names]
    there = [Command(x, *rows[x]) for x in names if x in rows and os.access(os.path.join(BIN, x), os.X_OK)]
    with ThreadPoolExecutor(jobs) as pool:
        for group in [points] + list(pool.map(run_all, there)):
            for name, why in group:
                point(why is None, name, why)
    return finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
