#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bad - sixty-four sorts of bad input, B01 to B64, against every command; TAP

    BIN=build/bin python3 tests/contract/bad.py [-j N] [COMMAND | Bnn ...]

One table, INPUTS: by id what stands between good records, each item with what it is: a record that passes with every byte of it, a line
that is bad, a blank one.  What must hold is said by kind of command, once:
  with --reject   the command ends with 0; in = passed + dropped + used + rejected, and in is as many as there were; exactly the bad lines are
                  rejected, each with its number and its bytes; a filter's output is the good lines, another's is whole lines of JSON;
  without         it ends with 3 and `tool: <stdin>:N: why` of the first bad line; a filter's output is what stood before it; a sink's is nothing.
A command that reads no records gets the bytes where it reads some: a spec, an operand.  It ends with 2 and says why.
Whatever happens: no signal, no hang, no control byte on stderr, no status that is not one of ours.
What only some commands can meet (times, keys, routes, CSV, a server) is in SPECIAL, below.
"""
import base64
import functools
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import run as contract  # noqa: E402
from run import BIN, SANITIZED, TOP, Failure, need, same  # noqa: E402
from tap import finish, point  # noqa: E402

OURS = {0, 1, 2, 3, 4, 5, 75}
# Python may read back what is deep; a hang is told from a busy machine.
sys.setrecursionlimit(20000)
threading.stack_size(64 << 20)
contract.LIMIT *= 3
SMALL_STACK = None if SANITIZED else 'ulimit -s 256 && exec "$@"'
SMALL = None if SANITIZED else 'ulimit -v 500000 && exec "$@"'


class Item:
    """What stands on one line (a good one: what is added to a good record), and what becomes of it."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data


def good(*extra):
    return [Item("good", e) for e in extra]


def x(*values):
    """Good records with these values of a member that nobody asks about."""
    return good(*[b',"x":' + v for v in values])


def bad(*lines):
    return [Item("bad", b) for b in lines]


def blank(*lines):
    return [Item("blank", b) for b in lines]


def text(*values):
    """The same as strings."""
    return x(*[json.dumps(v, ensure_ascii=False).encode() for v in values])


RECORD = b'{"a":"' + b"\xc3\xa9\\u00e9\\\\" * 4 + b'","b":[1,-2.5e3,true,null,{"c":"' + b"y" * 90 + b'"}],"d":{}}'
DEEP = lambda n: b"[" * n + b"]" * n
HASH = [""]
for _ in range(12):
    HASH = [a + b for a in HASH for b in ("Aa", "BB")]  # equal under hashes of the sort h * 31 + c

GRAMMAR = [b"%s" % v for v in (
    b"[1 true]", b"[a]", b'["": 1]', b'[""],', b"[,1]", b"[1,,2]", b'["x"]]', b'["",]', b'["x"', b"[x", b"[3[4]]", b"[1:2]", b"[,]", b"[-]", b"[   , \"\"]", b"[1,]",
    b"[1,,]", b"[*]", b'[""', b"[1,", b"[1,\"a\"", b"[fals]", b"[nul]", b"[tru]", b"[++1234]", b"[+1]", b"[+Inf]", b"[-01]", b"[-1.0.]", b"[-2.]", b"[-NaN]", b"[.-1]",
    b"[.2e-3]", b"[0.1.2]", b"[0.3e+]", b"[0.3e]", b"[0.e1]", b"[0E+]", b"[0E]", b"[0e+]", b"[0e]", b"[1.0e+]", b"[1.0e-]", b"[1.0e]", b"[1 000.0]", b"[1eE2]",
    b"[2.e+3]", b"[2.e-3]", b"[2.e3]", b"[9.e+]", b"[Inf]", b"[NaN]", b"[1+2]", b"[0x1]", b"[0x42]", b"[Infinity]", b"[0e+-1]", b"[-123.123foo]", b"[-Infinity]",
    b"[-foo]", b"[- 1]", b"[-012]", b"[-.123]", b"[-1x]", b"[1ea]", b"[1.]", b"[.123]", b"[1.2a-3]", b"[1.8011670033376514H-308]", b"[012]", b'["x", truth]',
    b'{[: "x"}', b'{"x", null}', b'{"x"::"b"}', b'{"a":"a" 123}', b"{key: 'value'}", b'{"a" b}', b'{:"b"}', b'{"a" "b"}', b'{"a":', b'{"a"', b"{1:1}",
    b"{9999E9999:1}", b"{null:null,null:null}", b'{"id":0,,,,,}', b"{'a':0}", b'{"id":0,}', b'{"a":"b",,"c":"d"}', b'{a: "b"}', b'{"a":"a', b'["\\uD800\\"]',
    b'["\\uD800\\u"]', b'["\\uD800\\u1"]', b'["\\uD800\\u1x"]', b"[\xc3\xa9]", b'["\\\x00"]', b'["\\\xf0\x9f\x8c\x80"]', b'["\\x00"]', b'["\\\\\\"]', b'["\\\t"]',
    b'["\\"]', b'["\\u00A"]', b'["\\uD834\\uDd"]', b'["\\uD800\\uD800\\x"]', b'["\\a"]', b'["\\uqqqq"]', b"[\\u0020\"asdf\"]", b"[\\n]", b'"', b"['single quote']",
    b"abc", b'["a\x00a"]', b'["a\tb"]', b'""x', b"<.>", b"[<null>]", b"[1]x", b"[1]]", b'["asd]', b"[True]", b"1]", b'{"x": true,', b"[][]", b"]", b"{}}",
    b'{"":', b'{"a":/*comment*/"b"}', b'{"a": true} "x"', b"['", b"[,", b'["a', b'["a"', b"{", b"{]", b"{,", b"{[", b'{"a', b"{'a'", b'["\\{["\\{["\\{["\\{', b"*",
    b'{"a":"b"}#{}', b"[\\u000A\"\"]", b"[1", b"[ false, nul", b"[ true, fals", b"[ false, tru", b'{"asd":"asd"', b"\xc3\xa5", b"[\xe2\x81\xa0]", b"&", b"[\xc2\xa0]")]

# id: (what it is, the items, options that scale a limit down, a shell around it)
INPUTS = {
    "B02": ("empty lines, lines of blanks", blank(b"", b"   ", b"\t \t", b"")),
    "B04": ("a record cut at every place", bad(*[RECORD[:n] for n in range(1, len(RECORD))])),
    "B06": ("CR as line end", bad(b'{"id":1}\r{"id":2}', b'\r{"id":1}\r{"id":2}')),
    "B07": ("two values on a line", bad(b'{"id":1}{"id":2}', b'{"id":1},{"id":2}', b'{"id":1} {"id":2}')),
    "B08": ("a value, then something", bad(b'{"id":1} x', b'{"id":1}]', b'{"id":1},')),
    "B09": ("a record written over several lines", bad(b"{", b'  "id": 1,', b'  "a": [', b'    1', b"  ]", b"}")),
    "B10": ("a byte order mark", bad(b'\xef\xbb\xbf{"id":1}', b"\xef\xbb\xbf")),
    "B11": ("UTF-16", bad(*['{"id":1}'.encode(e).replace(b"\n", b"") for e in ("utf-16le", "utf-16be", "utf-16")])),
    "B12": ("NULs between records", bad(b"\0", b'\0{"id":1}', b'{"id":1}\0')),
    "B13": ("a NUL in a string, in a name", bad(b'{"id":1,"v":"a\0b"}', b'{"id\0":1}')),
    "B14": ("4 KiB of NULs", bad(b"\0" * 4096)),
    "B18": ("U+2028 and U+2029 in a string", text("a\u2028b", "\u2029")),
    "B19": ("RS before a record", bad(b'\x1e{"id":1}', b"\x1e")),
    "B20": ("compressed bytes in the middle of text", bad(gzip.compress(b'{"id":1}')[:10].replace(b"\n", b""), b"\x28\xb5\x2f\xfd\x04\x00A")),
    "B21": ("deep nesting", x(DEEP(500), DEEP(1023)) + bad(*[b'{"id":1,"x":' + DEEP(n) + b"}" for n in (1024, 2048, 100000)]) +
            bad(b"[" * 1000000, b'{"a":' * 300000), [], SMALL_STACK),
    "B22": ("an object of very many names", x(b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(200000)) + b"}")),
    "B23": ("names of one hash", x(b"{" + b",".join(b'"%s":0' % h.encode() for h in HASH) + b"}")),
    "B24": ("an empty name, a name of 1 MB", good(b',"":1', b',"' + b"k" * 1000000 + b'":1')),
    "B25": ("names with signs in them", good(*[b"," + json.dumps(k).encode() + b":1" for k in (
        "a.b", "a/b", "a~b", "~1", "$", "$.a", "a[0]", "`", 'a"b', "a;b", "a\nb", "*", "?", "=", "a=b", "-", "--", "@", "a,b", "%s", "\\", "{}", "'")])),
    "B26": ("a name twice", good(b',"x":1,"x":2', b',"x":1,"\\u0078":2')),
    "B27": ("a name with a NUL beside one without", good(b',"x":1,"x\\u0000y":2', b',"id\\u0000x":7')),
    "B28": ("names that others reserve", good(b',"_offset":1,"_partition":"x","_ingest_ts":null', b',"_meta":{"topic":"x"}')),
    "B29": ("a value that is no object", bad(b"1", b'"x"', b"[]", b"true", b'[{"id":1}]', b"-0")),
    "B30": ("what no grammar of JSON takes", bad(*GRAMMAR) + bad(*[b'{"id":1,"x":' + v + b"}" for v in GRAMMAR])),
    "B31": ("integers above 2^53", x(b"9007199254740993", b"-9007199254740993")),
    "B32": ("integers above 64 bits", x(b"9223372036854775808", b"18446744073709551616", b"-9223372036854775809")),
    "B33": ("numbers of very many digits", x(b"1" * 100, b"0." + b"3" * 100, b"7" * 1000000)),
    "B34": ("numbers of any size", x(b"1e400", b"1e-400", b"-2645e-1141622225", b"1E+99999999999999999999")),
    "B35": ("zeros", x(b"-0", b"-0.0", b"0e0", b"0E-0")),
    "B36": ("fractions that binary cannot hold", x(b"0.1", b"19.99", b"100.10", b"1.10", b"1.0000000000000000000000000000001")),
    "B37": ("one number written in several ways", x(b"1", b"1.0", b"1e0", b'"1"')),
    "B38": ("thirty digits of fraction", x(b"0." + b"1" * 30)),
    "B39": ("a field of another type in each record", x(b"1", b'"a"', b"null", b"{}", b"[]", b"true")),
    "B40": ("surrogates", x(b'"\\ud83d\\ude00"', b'"\\uD83D\\uDE00x"') + bad(*[b'{"id":1,"x":"' + s + b'"}' for s in (
        b"\\ud800", b"\\udc00", b"\\udc00\\ud800", b"\\ud800x", b"\\ud800\\n", b"\\ud800\\ud800", b"\\udbff\\u0041")])),
    "B41": ("bytes that are no UTF-8", bad(*[b'{"id":1,"x":"' + s + b'"}' for s in (
        b"\xff", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3")] +
        [b'{"id":1,"x":"\xe2\x82', b'{"id":1,"\xff":1}'])),
    "B42": ("an escaped NUL", x(b'"\\u0000"', b'"a\\u0000b"')),
    "B43": ("control bytes in a string", bad(b'{"id":1,"x":"a\tb"}', b'{"id":1,"x":"a\x1fb"}', b'{"id":1,"x":"\x01"}', b'{"id":1,"x":"a\rb"}')),
    "B44": ("the last characters there are", text("\uffff", "\U0010ffff", "\ufffe", "😀", "\ufdd0")),
    "B45": ("characters that look alike, that turn the text", text("é", "e\u0301", "\u202eabc", "\u2066x", "\u00ad", "\ufeff", "ﬁ", "Å")),
    "B47": ("escapes", x(b'"\\/"', b'"\\b\\f\\n\\r\\t"', b'"\\u0041"', b'"\\\\\\""') + bad(b'{"id":1,"x":"\\x41"}', b'{"id":1,"x":"\\u12G4"}', b'{"id":1,"x":"\\0"}')),
    "B48": ("what drives a terminal", text("\x1b]0;owned\x07", "a\nb", "\x9b31m") + bad(b'\x1b]0;owned\x07{"id":1}', b"\x1b[2J", b'{"\x1b[31m":1}')),
    "B51": ("values that look like paths", text("../../etc/passwd", "..", ".", "", "a/b", "a\0b", "a\nb", "x" * 300, "-rf", "con", "/etc/passwd", "~", "$HOME", "`id`")),
    "B53": ("names that are SQL", good(*[b"," + json.dumps(k).encode() + b":1" for k in ("a`; DROP TABLE x;-- ", "a``b", "select", "x" * 65, "1", "a b")])),
    "B54": ("values that are SQL", text("'; DROP TABLE x;-- ", "\\", "\\'", '"', "/*", "0x27", "\u00bf'", "%s%n%n", "{{7*7}}", "$(touch x)", "| id")),
    "B55": ("what a strict database refuses", text("0000-00-00", "2024-02-30", "x" * 70000) + x(b"99999999999", b"true")),
    "B56": ("a value of 1 MB", text("y" * 1000000)),
    "B57": ("keys that a loose collation takes for one", text("K", "k", "a", "a ", "é", "e", "ß", "ss")),
    "B63": ("what a topic may hold for a value", bad(b'""', b'"x"', b"{}\0", b"\xff\xfe", b"\x00\x00\x00\x00\x01{}") + text("a\\nb") + [Item("null", b"null")]),
}

def stats(c, path):
    with open(path) as f:
        s = json.loads(f.read().splitlines()[-1])
    need(s["in"] == s["passed"] + s["dropped"] + s["used"] + s["rejected"], "counts: %s" % {k: s[k] for k in ("in", "passed", "dropped", "used", "rejected")})
    return s


def sane(c, status, out, err):
    """What holds however it ends."""
    need(status in OURS, "exit %d: %r" % (status, err[:300]))
    need(not re.search(rb"[\0-\x08\x0b-\x1f\x7f]", err), "control bytes reach the terminal: %r" % err[:200])
    need(status == 0 or status == c.nothing or err.startswith((c.name.encode() + b": ", b"json-map: ", b"wh-put: ")) or c.name == "wh-run",
         "exit %d, and says %r" % (status, err[:200]))
    need(not out or out.endswith(b"\n"), "a torn line came out: %r" % out[-80:])


def rejects(path):
    if not os.path.exists(path):
        return {}
    with open(path, "rb") as f:
        rows = [json.loads(r) for r in f.read().splitlines()]
    os.unlink(path)
    return {r["line"]: base64.b64decode(r["raw_base64"]) if "raw_base64" in r else r["raw"].encode() for r in rows}


class Feed:
    """Items between good records, for one command: the bytes, and what each line is."""

    def __init__(self, c, items):
        self.lines = []
        for i, item in enumerate(items, 1):
            self.add("good", c.good(2 * i - 1))
            kind = item.kind
            if kind == "null":
                kind = "skipped" if c.nulls else "bad"
            self.add(kind, c.good(2 * i)[:-1] + item.data + b"}" if kind == "good" else item.data)
        self.add("good", c.good(2 * len(items) + 1))
        self.data = b"".join(b + b"\n" for _, b in self.lines)

    def add(self, kind, data):
        assert b"\n" not in data
        self.lines.append((kind, data))

    def of(self, *kinds, before=None):
        return [b for i, (k, b) in enumerate(self.lines, 1) if k in kinds and (before is None or i < before)]

    def numbers(self, kind):
        return [i for i, (k, _) in enumerate(self.lines, 1) if k == kind]


def joined(lines):
    return b"".join(b + b"\n" for b in lines)


def fresh(c):
    """An empty warehouse."""
    shutil.rmtree(os.path.join(c.dir, "wh"), ignore_errors=True)
    os.mkdir(os.path.join(c.dir, "wh"))


def stored(c):
    p = subprocess.run([os.path.join(BIN, "wh-cat"), "t.x@2026-11-20"], env=c.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return p.returncode, p.stdout


def records(c, items, options=(), wrap=None):
    """A command that reads records."""
    feed = Feed(c, items)
    n = len(feed.of("good", "bad", "skipped"))
    path, st = os.path.join(c.dir, "bad.rejects"), os.path.join(c.dir, "bad.stats")
    fresh(c)
    status, out, err = c.run(list(options) + ["--reject", path, "--stats", st], data=feed.data, wrap=wrap)
    sane(c, status, out, err)
    need(status == 0, "with --reject: exit %d: %r" % (status, err[:300]))
    s = stats(c, st)
    need(s["in"] == n, "in is %d, there were %d" % (s["in"], n))
    need(s["blank"] == len(feed.of("blank")), "blank is %d" % s["blank"])
    got, want = rejects(path), {i: b for i, (k, b) in enumerate(feed.lines, 1) if k == "bad"}
    if not c.loose:
        need(sorted(got) == sorted(want), "taken: lines %s; refused: lines %s" % (
            [(i, want[i][:60]) for i in want if i not in got][:3], [(i, feed.lines[i - 1][1][-80:]) for i in got if i not in want][:3]))
    need(set(want) <= set(got), "taken: %s" % [(i, want[i][:60]) for i in want if i not in got][:3])
    for i in want:
        # a line that was too long is known by its beginning
        need(got[i] == want[i] or (len(got[i]) >= 64 and want[i].startswith(got[i])), "line %d: raw is %r" % (i, got[i][:80]))
    output(c, feed, s, out)
    if not want:
        return
    first = min(want)
    fresh(c)
    status, out, err = c.run(options, data=feed.data, wrap=wrap)
    sane(c, status, out, err)
    need(status == 3, "exit %d: %r" % (status, err[:300]))
    need(re.match(c.name.encode() + rb": <stdin>:%d: [^\n]+\n$" % first, err), "says %r, the first bad line is %d" % (err[:200], first))
    if c.kind == "filter":
        same(out, joined(feed.of("good", before=first)), "what came before the bad line")
    if c.name == "wh-put":
        need(stored(c)[0] == 1, "a pipe that failed left a day behind")


def output(c, feed, s, out):
    lines = feed.of("good")
    if c.kind == "filter":
        same(out, joined(lines), "stdout")
    elif c.name == "wh-put":
        need(stored(c) == (0, joined(lines)), "wh-cat gives something else than went in")
    elif not c.text and c.out:
        for row in out.splitlines():
            try:
                json.loads(row, parse_int=str, parse_float=str)
            except ValueError:
                raise Failure("no JSON came out: %r" % row[:200])
    if c.out:
        need(out.count(b"\n") == s["passed"] + s["made"], "%d lines came out, passed %d and made %d" % (out.count(b"\n"), s["passed"], s["made"]))


def lines(c, items, options=(), wrap=None):
    """A command whose records are lines of any kind."""
    feed = Feed(c, items)
    path, st = os.path.join(c.dir, "bad.rejects"), os.path.join(c.dir, "bad.stats")
    status, out, err = c.run(list(options) + ["--reject", path, "--stats", st], data=feed.data, wrap=wrap)
    sane(c, status, out, err)
    need(status == 0, "exit %d: %r" % (status, err[:300]))
    s = stats(c, st)
    need(out.count(b"\n") == s["passed"] + s["made"], "%d lines came out: %s" % (out.count(b"\n"), s))
    if c.kind == "lines":
        over = set(rejects(path))
        need(s["in"] == len(feed.lines), "in is %d, there were %d lines" % (s["in"], len(feed.lines)))
        same(out, joined(b for i, (k, b) in enumerate(feed.lines, 1) if i not in over and re.search(rb"(?<!\w)abc(?!\w)", b)), "the lines that hold it")
        return
    for row in out.splitlines():
        json.loads(row, parse_int=str)
    need(s["used"] == s["made"], "used %d, made %d" % (s["used"], s["made"]))


def tool(c, items, options=(), wrap=None):
    """The bytes where a command that reads no records reads some."""
    feed = Feed(c, items)
    data = feed.data
    for argv, stdin, want in arguments(c, data, feed):
        status, out, err = c.run(argv, data=stdin, own=False, wrap=wrap)
        sane(c, status, out, err)
        need(status in want, "%s: exit %d, not %s: %r" % (argv[:1], status, sorted(want), err[:200]))


def arguments(c, data, feed=None):
    """(argv, stdin, statuses that are right)"""
    path = c.file("bad.dag", data)
    os.chmod(path, 0o600)
    word = data.replace(b"\0", b"")[:300].decode("utf-8", "surrogateescape").encode("utf-8", "surrogateescape")
    refused = {2, 3, 4}
    if c.name in ("dag-run", "dag-export"):
        return [((["--date", "2026-11-20"] if c.name == "dag-run" else ["--to", "dot"]) + [path], b"", refused)]
    if c.name == "wh-table":
        return [(["t.x", path], b"", refused), ([word], b"", {2})]
    if c.name in ("mysql-extract", "mysql-load"):
        return [(["--defaults-file", path, "--table", "t.x"] + (["-k", "id"] if c.name == "mysql-load" else []), data, {2, 3, 4, 5, 75})]
    if c.name == "dq-reconcile":
        return [(["-k", "id", path, path], b"", {3} if feed.of("bad") else {0})]
    if c.name == "wh-run":
        return []
    return [([word] + (["dt=2026-11-20"] if c.name == "wh-rollback" else []), b"", refused | {1})]


def source(c, items, options=(), wrap=None):
    """Rows come out of a table as they went in."""
    feed = Feed(c, items)
    fresh(c)
    p = subprocess.run([os.path.join(BIN, "wh-put"), "t.x", "dt=2026-11-20", "--reject", os.path.join(c.dir, "r")], input=feed.data, env=c.env(),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    need(p.returncode == 0, "wh-put: exit %d: %r" % (p.returncode, p.stderr[:200]))
    status, out, err = c.run(data=b"")
    sane(c, status, out, err)
    same(out, joined(feed.of("good")), "stdout")


def transaction(c, items, options=(), wrap=None):
    """A pipe that meets a bad line leaves nothing; one that rejects it leaves the rest."""
    feed = Feed(c, items)
    fresh(c)
    status, out, err = c.run(["json-map --all | wh-put t.x dt=2026-11-20"], data=feed.data, own=False)
    sane(c, status, out, err)
    if feed.of("bad"):
        need(status == 3, "exit %d: %r" % (status, err[:300]))
        need(stored(c)[0] == 1, "a run that failed published")
        status, out, err = c.run(["json-map --all --on-error skip | wh-put t.x dt=2026-11-20"], data=feed.data, own=False)
        sane(c, status, out, err)
    need(status == 0, "exit %d: %r" % (status, err[:300]))
    need(stored(c) == (0, joined(feed.of("good"))), "other rows than the good lines")


class Command(contract.Command):
    def __init__(self, name, kind, record, args):
        super().__init__(name, kind, record, args)
        self.nulls = kind.endswith("+null")
        self.loose = False
        self.how = {"lines": lines, "rows": lines, "tool": tool, "source": source}.get(self.kind, records)
        if name == "wh-run":
            self.how = transaction
            self.template = contract.PLAIN
        elif not self.template.strip():
            self.template = contract.PLAIN


# ---- what all commands meet, but in another way than line by line ----

def reads(c):
    return c.input


SPECIAL = []


def special(ident, title, who):
    def add(f):
        SPECIAL.append((ident, title, who, f))
        return f
    return add


def named(*names):
    return lambda c: c.name in names


@special("B01", "no bytes", reads)
def _(c):
    status, out, err = c.run(data=b"")
    sane(c, status, out, err)
    need(status == c.nothing and err == b"", "exit %d: %r" % (status, err[:200]))
    need(c.kind not in ("filter", "edit", "lines", "rows") or out == b"", "stdout %r" % out[:100])


@special("B01", "no bytes for a spec", named("dag-run", "dag-export", "wh-table"))
def _(c):
    for argv, _, want in arguments(c, b"")[:1]:
        status, out, err = c.run(argv, own=False)
        sane(c, status, out, err)
        need(status in (0, 2), "exit %d: %r" % (status, err[:200]))


@special("B03", "no line end behind the last line", reads)
def _(c):
    want = c.ok(data=c.lines(4))
    same(c.ok(data=c.lines(4)[:-1]), want, "stdout")


@special("B04", "the last line torn: it never comes out", lambda c: c.records)
def _(c):
    last = c.good(3, b'"' + b"z" * 80 + b'"')
    for cut in (1, 2, 5, len(last) // 3, len(last) // 2, len(last) - 20, len(last) - 2, len(last) - 1):
        fresh(c)
        status, out, err = c.run(data=c.lines(2) + last[:cut])
        sane(c, status, out, err)
        need(status == 3, "cut at %d of %d: exit %d" % (cut, len(last), status))
        need(c.kind != "filter" or out == c.lines(2), "cut at %d: stdout %r" % (cut, out[-100:]))
        need(c.name != "wh-put" or stored(c)[0] == 1, "cut at %d: a day was committed" % cut)


@special("B05", "CRLF", lambda c: c.records)
def _(c):
    want = c.ok(data=c.lines(5))
    same(c.ok(data=c.lines(5).replace(b"\n", b"\r\n")), want, "stdout")


@special("B15", "a line without an end, in little memory", reads)
def _(c):
    path, st = os.path.join(c.dir, "b15.rejects"), os.path.join(c.dir, "b15.stats")
    for data in (c.lines(1) + b"x" * 8000000 + b"\n" + c.lines(1, 2), c.lines(2) + b"x" * 8000000):
        fresh(c)
        status, out, err = c.run(["--max-line", "64K", "--reject", path, "--stats", st], data=data, wrap=SMALL)
        sane(c, status, out, err)
        need(status == 0, "exit %d: %r" % (status, err[:200]))
        need(stats(c, st)["rejected"] == 1, "rejected: %s" % stats(c, st))
        got = rejects(path)
        need(len(got) == 1 and len(list(got.values())[0]) <= 1 << 20, "rejects: lines %s" % sorted(got))


@special("B16", "every split of the input", reads)
def _(c):
    data = b"".join(c.good(i, '"é\\u00e9\\ud83d\\ude00😀\\\\"'.encode()) + b"\n" for i in range(1, 9))
    want = c.ok(data=data)
    for size in (1, 2, 3, 7, 17):
        fresh(c)
        p = subprocess.Popen([c.path] + [a.replace("@/", c.dir + "/") for a in contract.shlex.split(c.args)], cwd=c.dir, env=c.env(),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            for i in range(0, len(data), size):
                os.write(p.stdin.fileno(), data[i:i + size])
        except BrokenPipeError:
            pass
        out, err = p.communicate(timeout=contract.LIMIT)
        need(p.returncode == 0, "pieces of %d: exit %d: %r" % (size, p.returncode, err[:200]))
        same(out, want, "stdout, in pieces of %d" % size)


@special("B16", "a line at its limit, and one byte more", lambda c: c.records)
def _(c):
    fit = c.good(1)[:-1] + b',"x":"' + b"x" * 2000 + b'"}'
    n = str(len(fit))
    c.ok(["--max-line", n], data=fit + b"\r\n" + fit + b"\n")
    status, out, err = c.run(["--max-line", n], data=c.lines(1) + fit.replace(b"xx", b"xxx", 1) + b"\n")
    sane(c, status, out, err)
    need(status == 3, "one byte over: exit %d" % status)


@special("B10", "what a bad line is, the reason says", lambda c: c.records)
def _(c):
    path = os.path.join(c.dir, "why.rejects")
    want = [(b'\xef\xbb\xbf{"id":1}', "byte order mark"), ('{"id":1}'.encode("utf-16le"), "UTF-16"), ('{"id":1}'.encode("utf-16"), "UTF-16"),
            (b"\x28\xb5\x2f\xfd\x04\x00A", "zstd"), (b"\x1f\x8b\x08\x00", "gzip"), (b"\0\0", "NUL"), (b'{"id":1,"x":"\xff"}', "UTF-8"),
            (b'{"id":1,"x":"\\ud800"}', "surrogate"), (b'{"id":1,"x":' + DEEP(1100) + b"}", "deep"), (b'{"id":1,"x":"\t"}', "control"), (b'{"id":1}{}', "")]
    c.run(["--reject", path], data=c.lines(1) + joined(b for b, _ in want))
    with open(path) as f:
        got = [json.loads(r)["reason"] for r in f]
    os.unlink(path)
    need(len(got) == len(want), "%d of %d rejected" % (len(got), len(want)))
    for (line, word), why in zip(want, got):
        need(why and word in why, "%r is refused for %r, which does not say %r" % (line[:30], why, word))


@special("B17", "100,000 lines that are no record", lambda c: c.records)
def _(c):
    st = os.path.join(c.dir, "b17.stats")
    fresh(c)
    status, out, err = c.run(["--on-error", "skip", "--stats", st], data=c.lines(1) + b"1\n" * 100000)
    sane(c, status, out, err)
    s = stats(c, st)
    need(status == 0 and s["in"] == 100001 and s["rejected"] == 100000, "exit %d, %s" % (status, s))


@special("B20", "a file that is compressed is read as what is in it", reads)
def _(c):
    want = c.ok(data=c.lines(5))
    packed = subprocess.run(["zstd", "-qc"], input=c.lines(5), stdout=subprocess.PIPE, check=True).stdout
    same(c.ok(data=packed), want, "zstd")
    same(c.ok(data=gzip.compress(c.lines(5))), want, "gzip")


@special("B22", "names above the limit", lambda c: c.records)
def _(c):
    body = lambda n: c.good(1)[:-1] + b',"x":{' + b",".join(b'"k%d":0' % i for i in range(n)) + b"}}\n"
    fresh(c)
    c.ok(["--max-keys", "1000"], data=body(1000))
    status, out, err = c.run(["--max-keys", "1000"], data=body(1001))
    sane(c, status, out, err)
    need(status == 3, "1001 names: exit %d" % status)


@special("B46", "a string above its limit", lambda c: c.records)
def _(c):
    # a limit is met by any size: where it is an option it is set low
    records(c, text("s" * 60000) + bad(b'{"id":1,"x":"' + b"s" * 70001 + b'"}'), ["--max-string", "70000"])


@special("B62", "compressed and cut, at every sixteenth", reads)
def _(c):
    # random digits do not shrink, so that a cut is in the middle of rows
    rng = random.Random(62)
    data = b"".join(c.good(i, b'"%048x"' % rng.getrandbits(192)) + b"\n" for i in range(1, 200))
    packed = subprocess.run(["zstd", "-qc", "--check"], input=data, stdout=subprocess.PIPE, check=True).stdout
    whole = c.ok(data=data) if c.name != "wh-put" else b""
    for k in range(1, 16):
        fresh(c)
        status, out, err = c.run(data=packed[:len(packed) * k // 16])
        sane(c, status, out, err)
        need(status == 3, "cut at %d/16: exit %d: %r" % (k, status, err[:200]))
        need(c.kind not in ("filter", "lines") or whole.startswith(out), "cut at %d/16: a line that was not there" % k)
        need(c.name != "wh-put" or stored(c)[0] == 1, "cut at %d/16: a day was committed" % k)


@special("B62", "compressed and changed, two frames, a frame to skip, other bytes behind", reads)
def _(c):
    pack = lambda b: subprocess.run(["zstd", "-qc", "--check"], input=b, stdout=subprocess.PIPE, check=True).stdout
    a, b = pack(c.lines(20)), pack(c.lines(20, 21))
    want = c.ok(data=c.lines(40))
    same(c.ok(data=a + b), want, "two frames")
    same(c.ok(data=a + b"\x50\x2a\x4d\x18\x04\0\0\0skip" + b), want, "a frame to skip")
    for what, data in (("other bytes behind a frame", a + b"not a frame at all"), ("NULs behind a frame", a + b"\0" * 64)):
        status, out, err = c.run(data=data)
        sane(c, status, out, err)
        need(status == 3, "%s: exit %d" % (what, status))
    whole = c.ok(data=c.lines(20))
    for at in range(4, len(a), max(1, len(a) // 12)):
        flip = bytearray(a)
        flip[at] ^= 0x20
        status, out, err = c.run(data=bytes(flip))
        sane(c, status, out, err)
        need(status == 3 or (status == 0 and out == whole), "bit flipped at %d of %d: exit %d" % (at, len(a), status))
    long = subprocess.run(["zstd", "-qc", "--ultra", "--long=31"], input=c.lines(20), stdout=subprocess.PIPE, check=True).stdout
    if long[5] >> 3 == 21:              # the frame says so: 2^31
        status, out, err = c.run(data=long, wrap=SMALL)
        sane(c, status, out, err)
        need(status == 3, "a window of 2 GiB: exit %d" % status)


@functools.lru_cache(None)
def bomb():
    return subprocess.run("head -c 268435456 /dev/zero | tr '\\0' x | zstd -qc", shell=True, stdout=subprocess.PIPE, check=True).stdout


@special("B62", "a bomb: 256 MiB in a few KB, in little memory", lambda c: c.records)
def _(c):
    st = os.path.join(c.dir, "bomb.stats")
    status, out, err = c.run(["--on-error", "skip", "--stats", st], data=bomb(), wrap=SMALL)
    sane(c, status, out, err)
    s = stats(c, st)
    need(status == 0 and s["in"] == s["rejected"] == 1, "exit %d: %s" % (status, s))


@special("B64", "an odd environment: locale, zone, descriptors, names of files", reads)
def _(c):
    want = c.ok(data=c.lines(4))
    link = os.path.join(c.dir, "tmp-link")
    os.path.lexists(link) or os.symlink("/tmp", link)
    for more in ({"LC_ALL": "de_DE.UTF-8"}, {"LC_ALL": "tr_TR.UTF-8"}, {"TZ": ":/etc/passwd"}, {"TZ": "XYZ+11:11"}, {"TMPDIR": link}, {"HOME": "/nonexistent"},
                 {"LD_BIND_NOW": "1", "PIPEHOUSE_TZ": ""}):
        fresh(c)
        same(c.ok(data=c.lines(4), env=c.env(**more)), want, str(more))
    for name in ("-rf", "a\nb", " ", "--", "$(id)"):
        fresh(c)
        path = c.file(name, c.lines(4))
        same(c.ok(operands=[path]), want, "a file called %r" % name)
        os.unlink(path)
    for path in (c.dir, "/proc/self/mem", "/nonexistent/x"):
        fresh(c)
        status, out, err = c.run(operands=[path])
        sane(c, status, out, err)
        need(status == 4, "%s: exit %d" % (path, status))


# ---- keys, numbers, times ----

ASK_ID = named("dedup", "dq-check", "topn", "window-agg", "dimjoin", "funnel-agg", "retention-agg", "json-to-csv")


@special("B26", "the name that is asked for stands twice", ASK_ID)
def _(c):
    records(c, bad(*[b'{"id":7,' + c.good(1)[1:], b'{"\\u0069d":7,' + c.good(1)[1:]]))


@special("B34", "a key or an amount that no decimal holds", named("dedup", "topn", "window-agg", "dimjoin"))
def _(c):
    records(c, bad(*[c.good(1).replace(b'"id":1', b'"id":' + v) for v in (b"1e400", b"-2645e-1141622225", b"1e-400", b"9" * 50)]))


@special("B34", "a sum of what no decimal holds", named("window-agg"))
def _(c):
    st = os.path.join(c.dir, "sum.stats")
    data = b'{"a":1}\n{"a":1e400}\n{"a":1e-400}\n{"a":99999999999999999999999999999999999999}\n'
    status, out, err = c.run(["s=sum(a)", "--on-error", "skip", "--stats", st], data=data, own=False)
    need(status == 0 and out == b'{"s":100000000000000000000000000000000000000}\n' or (status == 3 and out == b""), "exit %d: %r %r" % (status, out, err))
    need(stats(c, st)["in"] == 4, "in: %s" % stats(c, st))


@special("B35", "zeros are one key", named("dedup"))
def _(c):
    same(c.ok(data=b'{"id":-0}\n{"id":0.0}\n{"id":0e0}\n{"id":-0.0}\n{"id":"0"}\n'), b'{"id":-0}\n{"id":"0"}\n', "stdout")


@special("B37", "1, 1.0 and 1e0 are one key, \"1\" is another", named("dedup", "dimjoin", "topn"))
def _(c):
    data = b'{"id":1}\n{"id":1.0}\n{"id":1e0}\n{"id":"1"}\n'
    if c.name == "dedup":
        same(c.ok(data=data), b'{"id":1}\n{"id":"1"}\n', "stdout")
        same(c.ok(["--key-as", "text"], data=data), b'{"id":1}\n', "stdout")
    elif c.name == "dimjoin":
        out = c.run(data=data)[1]
        need([json.loads(r)["name"] for r in out.splitlines()] == ["n1", "n1", "n1", None], "matches: %r" % out)
    else:
        out = c.ok(["-n", "1", "--by", "v", "-g", "id"], data=data.replace(b"}", b',"v":1}'), own=False)
        need(len(out.splitlines()) == 2, "groups: %r" % out)


@special("B38", "a fraction that the type does not hold is an error, never rounded", named("json-clean"))
def _(c):
    spec = c.file("b38", b"x type decimal(10,2)\n")
    data = b'{"x":0.' + b"1" * 30 + b'}\n{"x":1.10}\n{"x":12345678.90}\n{"x":123456789.00}\n'
    path = os.path.join(c.dir, "b38.rejects")
    same(c.ok(["-s", spec, "--reject", path], data=data, own=False), b'{"x":1.10}\n{"x":12345678.90}\n', "stdout")
    need(sorted(rejects(path)) == [1, 4], "rejects")


@special("B39", "a field of another type than the spec says", named("json-clean", "dq-check"))
def _(c):
    data = b'{"x":1}\n{"x":"2"}\n{"x":"a"}\n{"x":null}\n{"x":{}}\n{"x":[]}\n{"x":true}\n'
    path = os.path.join(c.dir, "b39.rejects")
    if c.name == "json-clean":
        spec = c.file("b39", b"x type int\n")
        same(c.ok(["-s", spec, "--reject", path], data=data, own=False), b'{"x":1}\n{"x":2}\n{"x":null}\n', "stdout")
        need(sorted(rejects(path)) == [3, 5, 6, 7], "rejects")
    else:
        status, out, err = c.run(["range(x,0,9)", "--reject", path], data=data, own=False)
        sane(c, status, out, err)
        need(status == 1, "a column of all types passes its check: exit %d, %r" % (status, err[:200]))


TIMES_BAD = [b'"0000-01-01"', b'"10000-01-01 00:00:00"', b"-1", b"99999999999999", b'"2024-02-30"', b'"2023-02-29 10:00:00"', b'"2024-01-01T23:59:60Z"', b'"23:59:60"', b"1.7e11",
             b'"2024-13-01"', b'"2024-1-1"', b'"yesterday"', b'""', b"1.5", b"true", b"[]", b"{}", b'"2024-01-01 25:00:00"', b"12345", b"170000000000000000000"]


@special("B49", "times that are none, and that are there in no zone", named("window-agg", "funnel-agg"))
def _(c):
    items = bad(*[re.sub(rb'"t":[0-9]+', lambda m: b'"t":' + t, c.good(1)) for t in TIMES_BAD])
    keep, c.args = c.args, c.args.replace("-t t", "-t t -w 1h") if c.name == "window-agg" and " -w " not in c.args else c.args
    try:
        records(c, items)
    finally:
        c.args = keep


@special("B49", "times that are none do not pass a spec", named("json-clean"))
def _(c):
    spec = c.file("b49", b"t date to sql\n")
    path = os.path.join(c.dir, "b49.rejects")
    data = b"".join(b'{"t":%s}\n' % t for t in TIMES_BAD) + b'{"t":1700000000}\n{"t":"2024-02-29T10:00:00+08:00"}\n'
    same(c.ok(["-s", spec, "--reject", path], data=data, own=False),
         b'{"t":"2023-11-14 22:13:20"}\n{"t":"2024-02-29 02:00:00"}\n', "stdout")
    need(sorted(rejects(path)) == list(range(1, len(TIMES_BAD) + 1)), "rejects")


@special("B50", "one event of the year 2999 closes no other window", named("window-agg"))
def _(c):
    data = b'{"t":1700000000000}\n{"t":32503680000000}\n{"t":1700000001000}\n'
    out = c.ok(["-t", "t:ms", "-w", "1h", "n=count()"], data=data, own=False)
    need([json.loads(r)["n"] for r in out.splitlines()] == [2, 1], "stdout %r" % out)


# ---- tables ----

def into(c, data):
    """Arguments that put records into the table t.x by the day in d."""
    if c.name == "ingest":
        return ["-d", "t.x", "--partition-by", "d", c.file("into.ndjson", data)]
    return ["t.x", "--partition-by", "d"]


@special("B28", "a row does not hold its partition", named("wh-put"))
def _(c):
    records(c, bad(c.good(1)[:-1] + b',"dt":"2001-01-01"}'))


@special("B51", "a day that is a path leads nowhere", named("wh-put", "ingest"))
def _(c):
    fresh(c)
    days = ["../../etc/x", "..", ".", "", "a/b", "2026-11-20/..", "2026-11-20\0", "2026-11-20\n", "x" * 300, "-rf", "con", "2026-11-31", "２０２６-11-20"]
    path, st = os.path.join(c.dir, "b51.rejects"), os.path.join(c.dir, "b51.stats")
    data = b"".join(json.dumps({"d": d}).encode() + b"\n" for d in days + ["2026-11-20"])
    status, out, err = c.run(into(c, data) + ["--reject", path, "--stats", st], data=data, own=False)
    sane(c, status, out, err)
    need(status == 0, "exit %d: %r" % (status, err[:200]))
    need(sorted(rejects(path)) == list(range(1, len(days) + 1)), "rejects")
    need(stored(c) == (0, b'{"d": "2026-11-20"}\n'), "the good row")
    found = subprocess.run(["find", os.path.join(c.dir, "wh"), "-name", "dt=*"], stdout=subprocess.PIPE).stdout.split()
    need([os.path.basename(f) for f in found] == [b"dt=2026-11-20"], "days: %s" % found)
    lead = ["-d"] if c.name == "ingest" else ["--"]
    for name in ("../x.y", "t.x/..", "t.", ".x", "t.X", "t.x\n", "t", "/t.x", "t..x", "_run.x", "t.%2e", "a" * 65 + ".x", "-rf"):
        status, out, err = c.run(lead + [name] + into(c, data)[2:] if c.name == "ingest" else lead + [name, "dt=2026-11-20"], own=False)
        sane(c, status, out, err)
        need(status == 2, "a table called %r: exit %d" % (name, status))
    for day in () if c.name == "ingest" else ("dt=..", "dt=2026-11-31", "dt=../x", "dt=", "dt=2026-11-20/x", "x=1"):
        need(c.run(["t.x", day], own=False)[0] == 2, day)


@special("B52", "more days than files may be open", named("wh-put", "ingest"))
def _(c):
    fresh(c)
    days = ["20%02d-%02d-%02d" % (y, m, d) for y in range(20, 26) for m in range(1, 13) for d in (1, 15)]
    data = b"".join(b'{"d":"%s","n":%d}\n' % (d.encode(), i) for i in range(2) for d in days)
    status, out, err = c.run(into(c, data), data=data, own=False, wrap='ulimit -n 40 && exec "$@"')
    sane(c, status, out, err)
    need(status == 0, "exit %d: %r" % (status, err[:300]))
    p = subprocess.run([os.path.join(BIN, "wh-cat"), "t.x"], env=c.env(), stdout=subprocess.PIPE)
    need(sorted(p.stdout.splitlines()) == sorted(data.splitlines()), "%d rows came back" % p.stdout.count(b"\n"))


@special("B58", "a key that is null or not there", named("dedup", "cdc-merge", "wh-put"))
def _(c):
    if c.name == "dedup":
        records(c, bad(b'{"v":1}', b'{"id":null}', b'{"id":[1]}', b'{"id":{}}'))
    elif c.name == "cdc-merge":
        row = b'{"op":"c","db":"d","table":"t","key":{"id":%s},"ts":1700000000,"ord":"9","row":{"id":%s,"v":1}}'
        records(c, bad(*[row % (v, v) for v in (b"null", b"[1]", b"{}")]))
    else:
        fresh(c)
        meta = c.file("b58", b"kind upsert\nkey id\norder o\n")
        subprocess.run([os.path.join(BIN, "wh-table"), "t.x", meta], env=c.env(), check=True, stdout=subprocess.DEVNULL)
        path = os.path.join(c.dir, "b58.rejects")
        status, out, err = c.run(["t.x", "dt=2026-11-20", "--reject", path], own=False,
                                 data=b'{"id":1,"o":1}\n{"o":1}\n{"id":null,"o":1}\n{"id":[],"o":1}\n{"id":1,"o":2}\n')
        sane(c, status, out, err)
        need(status == 0, "exit %d: %r" % (status, err[:200]))
        need(sorted(rejects(path)) == [2, 3, 4], "rejects")
        need(stored(c) == (0, b'{"id":1,"o":2}\n'), "rows: %r" % stored(c)[1])


@special("B59", "changes out of order, twice, of unknown keys, of changed keys", named("cdc-merge"))
def _(c):
    change = lambda op, key, order, row: json.dumps({"op": op, "db": "d", "table": "t", "key": {"id": key}, "ts": 1700000000000, "ord": "%03d" % order,
                                                     **({"row": row} if row is not None else {})}).encode() + b"\n"
    events = [("d", 9, 1, {"id": 9, "v": 0}), ("c", 1, 2, {"id": 1, "v": "a"}), ("u", 7, 3, {"id": 7, "v": "b"}), ("u", 1, 5, {"id": 1, "v": "c"}),
              ("d", 1, 6, {"id": 1, "v": "c"}), ("c", 2, 7, {"id": 2, "v": "d"}), ("c", 2, 7, {"id": 2, "v": "d"}), ("u", 2, 9, {"id": 2, "v": "e", "w": None}),
              ("u", 7, 4, {"id": 7, "v": "old"})]
    state = {}
    for op, key, order, row in sorted(events, key=lambda e: e[2]):
        if op == "d":
            state.pop(key, None)
        else:
            state[key] = row
    want = [state[k] for k in sorted(state)]
    for turn in range(6):
        shuffled = sorted(events, key=lambda e: (hash((turn * 7919 + e[2]) % 11), e[2])) if turn else events[::-1]
        out = c.ok(data=b"".join(change(*e) for e in shuffled))
        got = [json.loads(r) for r in out.splitlines()]
        need(got == want, "order %d: %s, wanted %s" % (turn, got, want))


# ---- CSV ----

@special("B42", "a NUL cannot go into CSV", named("json-to-csv"))
def _(c):
    path = os.path.join(c.dir, "b42.rejects")
    out = c.ok(["--columns", "v", "--no-header", "--reject", path], data=b'{"v":"a\\u0000b"}\n{"v":"x"}\n', own=False)
    same(out, b"x\n", "stdout")
    need(sorted(rejects(path)) == [1], "rejects")


@special("B60", "CSV: quotes, NULs, ragged rows, headers", named("json-from-csv"))
def _(c):
    good_row, path, st = b"1,2\n", os.path.join(c.dir, "b60.rejects"), os.path.join(c.dir, "b60.stats")
    rows = [(b'"x"y,2\n', 1, 0), (b'x"y,2\n', 1, 0), (b'x"y"z,2\n', 1, 0), (b'"x""y",2\n', 0, 1), (b"a\0b,2\n", 1, 0), (b'"x\ny",2\n', 0, 1), (b"1\n", 1, 0), (b"1,2,3\n", 1, 0),
              (b"1,2\r3,4\n", 1, 0), (b"\xff,2\n", 1, 0), (b'"' + b"x" * 3000000 + b'",2\n', 0, 1), (b'"never closed,2\n', 1, 0)]
    for row, n_bad, n_good in rows:
        status, out, err = c.run(["--reject", path, "--stats", st, "--max-line", "4M"], data=b"a,b\n" + good_row + row, own=False)
        sane(c, status, out, err)
        need(status == 0, "%r: exit %d: %r" % (row[:30], status, err[:200]))
        need(out.count(b"\n") == 1 + n_good and stats(c, st)["rejected"] == n_bad, "%r: %d rows, %s" % (row[:30], out.count(b"\n"), stats(c, st)))
        got = rejects(path)
        need(n_bad == 0 or list(got) == [3], "%r: rejects of lines %s" % (row[:30], list(got)))
    for head in (b"a,a\n", b"a,\n", b",\n", b'"a\n', b'a"b,c\n', b"a\0,b\n", b"a,b\r1,2\r"):
        status, out, err = c.run(["--on-error", "skip"], data=head + good_row, own=False)
        sane(c, status, out, err)
        need(status == 3 and out == b"", "header %r: exit %d, %r" % (head, status, out[:60]))
    same(c.ok(data=b"\xef\xbb\xbfa,b\r\n1,2\r\n", own=False), b'{"a":"1","b":"2"}\n', "a byte order mark")


@special("B61", "CSV out: no cell that a spreadsheet would run", named("json-to-csv"))
def _(c):
    cells = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "-", "+", "=", "@"]
    out = c.ok(["--columns", "v", "--no-header"], data=b"".join(json.dumps({"v": s}).encode() + b"\n" for s in cells), own=False)
    contract_csv = out.decode().replace('"', "")
    need(all(("'" + s.replace('"', "")) in contract_csv for s in cells), "%r" % out)
    same(c.ok(["--columns", "v", "--no-header"], data=b'{"v":-1}\n{"v":"-1.5"}\n{"v":"+86"}\n{"v":1e3}\n', own=False), b"-1\n-1.5\n+86\n1e3\n", "numbers")


# ---- a server ----

class Database:
    """A MariaDB for the whole run, started when somebody needs it."""
    dir = None

    @classmethod
    def options(cls):
        if cls.dir is None:
            cls.dir = tempfile.mkdtemp(prefix="bad.db.")
            subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), "start", cls.dir], check=True, timeout=180, stdout=subprocess.DEVNULL)
        return os.path.join(cls.dir, "client.cnf")

    @classmethod
    def sql(cls, query):
        p = subprocess.run(["mariadb", "--defaults-file=" + cls.options(), "-N", "--raw", "-e", query], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        need(p.returncode == 0, p.stderr[:300].decode("utf-8", "replace"))
        return p.stdout

    @classmethod
    def end(cls):
        if cls.dir is not None:
            subprocess.run(["sh", os.path.join(TOP, "tests/mariadb.sh"), "stop", cls.dir], timeout=180, stdout=subprocess.DEVNULL)
            shutil.rmtree(cls.dir, ignore_errors=True)


def load(c, table, data, *more):
    return c.run(["--defaults-file", Database.options(), "--table", table, "-k", "id"] + list(more), data=data, own=False)


@special("B04", "a stream that is bad line by line loads the good rows, or none", named("mysql-load"))
def _(c):
    Database.sql("CREATE DATABASE IF NOT EXISTS b; CREATE OR REPLACE TABLE b.t (id INT PRIMARY KEY, v VARCHAR(20) COLLATE utf8mb4_bin)")
    path, st = os.path.join(c.dir, "db.rejects"), os.path.join(c.dir, "db.stats")
    broken = [i.data for ident in ("B04", "B06", "B07", "B08", "B10", "B11", "B12", "B13", "B14", "B19", "B29", "B41", "B43", "B48") for i in INPUTS[ident][1] if i.kind == "bad"]
    data = b"".join(b'{"id":%d,"v":"a"}\n%s\n' % (i, b) for i, b in enumerate(broken))
    status, out, err = load(c, "b.t", data)
    sane(c, status, out, err)
    need(status == 3 and Database.sql("SELECT COUNT(*) FROM b.t") == b"0\n", "it stopped with %d, and rows are there" % status)
    status, out, err = load(c, "b.t", data, "--reject", path, "--stats", st)
    sane(c, status, out, err)
    need(status == 0, "exit %d: %r" % (status, err[:200]))
    need(stats(c, st)["in"] == 2 * len(broken) and len(rejects(path)) == len(broken), "counts %s" % stats(c, st))
    need(Database.sql("SELECT COUNT(*) FROM b.t") == b"%d\n" % len(broken), "rows")


@special("B53", "names that are SQL touch nothing", named("mysql-load"))
def _(c):
    Database.sql("CREATE DATABASE IF NOT EXISTS b; CREATE OR REPLACE TABLE b.n (id INT PRIMARY KEY, v INT); CREATE OR REPLACE TABLE b.victim (id INT)")
    for name in ("a`; DROP TABLE b.victim;-- ", "a``b", "`", "x" * 65, "v`", "id`=1, `v", "v\0"):
        status, out, err = load(c, "b.n", json.dumps({"id": 1, name: 1}).encode() + b"\n")
        sane(c, status, out, err)
        need(status in (2, 3), "%r: exit %d" % (name, status))
    for table in ("b.n; DROP TABLE b.victim", "b.`n`; --", "b.n`", "../b.n"):
        status, out, err = load(c, table, b'{"id":1}\n')
        sane(c, status, out, err)
        need(status in (2, 3, 5), "table %r: exit %d" % (table, status))
    need(Database.sql("SELECT COUNT(*) FROM b.victim") == b"0\n" and Database.sql("SELECT COUNT(*) FROM b.n") == b"0\n", "tables changed")


@special("B54", "values that are SQL are values", named("mysql-load"))
def _(c):
    Database.sql("CREATE DATABASE IF NOT EXISTS b; CREATE OR REPLACE TABLE b.v (id INT PRIMARY KEY, v VARBINARY(200), s VARCHAR(100) COLLATE utf8mb4_bin)")
    values = ["'; DROP TABLE b.victim; -- ", "\\", "\\'", "\u00bf'", "%s%n", "a\0b", "\U0010ffff", "😀", "\u202e", "`", "/*!50000 x*/", "\r\n"]
    data = b"".join(json.dumps({"id": i, "s": v}).encode() + b"\n" for i, v in enumerate(values))
    status, out, err = load(c, "b.v", data)
    sane(c, status, out, err)
    need(status == 0, "exit %d: %r" % (status, err[:200]))
    got = Database.sql("SELECT HEX(s) FROM b.v ORDER BY id").decode().split("\n")[:-1]
    need([bytes.fromhex(h).decode() for h in got] == values, "values came back as %r" % got)


@special("B55", "what does not fit its column is refused, with the reason", named("mysql-load"))
def _(c):
    Database.sql("CREATE DATABASE IF NOT EXISTS b; CREATE OR REPLACE TABLE b.f (id INT PRIMARY KEY, s VARCHAR(3), n TINYINT, d DATE, m DECIMAL(10,2))")
    path = os.path.join(c.dir, "b55.rejects")
    rows = [{"s": "long"}, {"n": 1000}, {"d": "0000-00-00"}, {"d": "2024-02-30"}, {"m": "0." + "1" * 30}, {"n": "x"}, {"n": {}}]
    data = b"".join(json.dumps({"id": i, **r}).encode() + b"\n" for i, r in enumerate(rows)) + b'{"id":99,"s":"abc","n":1,"d":"2024-02-29","m":1.10}\n'
    status, out, err = load(c, "b.f", data, "--reject", path)
    sane(c, status, out, err)
    need(status == 0 and sorted(rejects(path)) == list(range(1, len(rows) + 1)), "exit %d: %r" % (status, err[:200]))
    need(Database.sql("SELECT * FROM b.f") == b"99\tabc\t1\t2024-02-29\t1.10\n", "rows %r" % Database.sql("SELECT * FROM b.f"))


@special("B56", "a row that no packet holds", named("mysql-load"))
def _(c):
    Database.sql("CREATE DATABASE IF NOT EXISTS b; CREATE OR REPLACE TABLE b.p (id INT PRIMARY KEY, v LONGTEXT); SET GLOBAL max_allowed_packet=1048576")
    path = os.path.join(c.dir, "b56.rejects")
    data = b'{"id":1,"v":"a"}\n{"id":2,"v":"' + b"y" * 2000000 + b'"}\n' + b"".join(b'{"id":%d,"v":"%s"}\n' % (i, b"z" * 100000) for i in range(3, 40))
    status, out, err = load(c, "b.p", data, "--reject", path)
    Database.sql("SET GLOBAL max_allowed_packet=16777216")
    sane(c, status, out, err)
    need(status == 0 and sorted(rejects(path)) == [2], "exit %d: %r" % (status, err[:200]))
    need(Database.sql("SELECT COUNT(*), SUM(LENGTH(v)) FROM b.p") == b"38\t3700001\n", "rows")


@special("B57", "a key whose collation takes K for k is refused", named("mysql-load"))
def _(c):
    Database.sql("CREATE DATABASE IF NOT EXISTS b; CREATE OR REPLACE TABLE b.c (id VARCHAR(10) COLLATE utf8mb4_general_ci PRIMARY KEY, v INT)")
    status, out, err = load(c, "b.c", b'{"id":"K","v":1}\n{"id":"k","v":2}\n')
    sane(c, status, out, err)
    need(status in (2, 5) and Database.sql("SELECT COUNT(*) FROM b.c") == b"0\n", "exit %d: %r" % (status, err[:200]))


# ---- the run ----

def of_table(c, ident):
    row = INPUTS[ident]
    options = row[2] if len(row) > 2 else []
    wrap = row[3] if len(row) > 3 else None
    c.how(c, row[1], options, wrap)


def points(c, wanted):
    for ident in sorted(INPUTS):
        if not wanted or ident in wanted:
            yield ident, INPUTS[ident][0], of_table, (c, ident)
    for ident, title, who, f in SPECIAL:
        if who(c) and (not wanted or ident in wanted):
            yield ident, title, f, (c,)


def run_all(c, wanted):
    results = []
    try:
        for ident, title, f, args in points(c, wanted):
            try:
                f(*args)
                why = None
            except Failure as e:
                why = str(e)
            except Exception as e:      # a test's own mistake must not look like a pass
                why = "%s: %s (line %s)" % (type(e).__name__, e, e.__traceback__.tb_next.tb_lineno if e.__traceback__.tb_next else "?")
            results.append((ident, "%s %s: %s" % (ident, c.name, title), why))
    finally:
        shutil.rmtree(c.dir, ignore_errors=True)
    return results


def main(argv):
    jobs = 2
    if argv[:1] == ["-j"]:
        jobs, argv = int(argv[1]), argv[2:]
    wanted = {a for a in argv if re.fullmatch(r"B\d\d", a)}
    rows = contract.table()
    names = [a for a in argv if a not in wanted] or sorted(f[:-2] for f in os.listdir(os.path.join(TOP, "cmd")) if f.endswith(".c"))
    met = set()
    results = [[(None, "%s is built, and has a line in tests/contract/commands" % x, None if x in rows and os.access(os.path.join(BIN, x), os.X_OK) else "no")
                for x in names]]
    there = [Command(x, *rows[x]) for x in names if x in rows and os.access(os.path.join(BIN, x), os.X_OK)]
    try:
        with ThreadPoolExecutor(jobs) as pool:
            results += list(pool.map(lambda c: run_all(c, wanted), there))
    finally:
        Database.end()
    for group in results:
        for ident, title, why in group:
            met.add(ident)
            point(why is None, title, why)
    if not argv:
        missing = [i for i in ("B%02d" % k for k in range(1, 65)) if i not in met]
        point(not missing, "all sixty-four were met", "\n".join(missing))
    return finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
