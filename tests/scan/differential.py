#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The scanner against Python's json: what is accepted, and the spans of asked paths; TAP on stdout.

Python takes unpaired surrogates and keys twice, we do not: these two are worked out here.  O names the build directory; SEED and
SCALE (1) change the lines and how many.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "bench"), os.path.join(HERE, "..")]
import gen_events  # noqa: E402
from tap import finish, holds  # noqa: E402

DUMP = os.path.join(os.environ.get("O", "build"), "tests", "scan_dump")
KERNELS = ("plain", "portable", "avx2", "avx512", "gfni")
SEED = int(os.environ.get("SEED", "1"))
SCALE = float(os.environ.get("SCALE", "1"))
EVENTS = ["common.uid", "common.mid", "page.page_id", "ts", "amount", "displays", "displays[0].item", "displays[1]",
          "page", "common", "actions[0].ts"]
CHANGES = ["table", "type", "ts", "data.id", "data.total_amount", "data.order_status", "old", "old.order_status"]
SMALL = ["a", "ts", "a.b", "common.a", "a[0]", "a[1].a", "b[0][0]", "/a/0"]
ODD = ['"a rather long key of more than 16"', 'common."a rather long key of more than 16"', '"zz\\""', 'common."zz\\""', '""', 'b.""', "a", "a.ts",
       "b.common"]

class Pairs(list):
    """An object as (key, value) pairs, so that a key twice is seen."""


class Number(str):
    """A number's text."""


def no_constant(name):
    raise ValueError(name)


DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_int=Number, parse_float=Number, parse_constant=no_constant)


def unpaired(value):
    """Does any string in it hold half a surrogate pair?"""
    stack = [value]
    while stack:
        v = stack.pop()
        if isinstance(v, Pairs):
            for k, x in v:
                stack += [k, x]
        elif isinstance(v, list):
            stack += v
        elif isinstance(v, str) and any(0xD800 <= ord(c) < 0xE000 for c in v):
            return True
    return False


def segments(path):
    if path.startswith("/"):
        return [(s, int(s) if s.isdigit() else None) for s in path[1:].split("/")]
    if '"' in path:
        first, last = path.split('"', 1)
        return [(x, None) for x in first.split(".")[:-1]] + [(json.loads('"' + last), None)]
    out = []
    for part in path.replace("[", ".[").split("."):
        out.append((None, int(part[1:-1])) if part.startswith("[") else (part, None))
    return out


class Twice(Exception):
    pass


def look_up(value, path):
    """(found, value); Twice where a key on the way stands twice."""
    for name, index in path:
        if isinstance(value, Pairs) and name is not None:
            hits = [v for k, v in value if k == name]
            if len(hits) > 1:
                raise Twice
            if not hits:
                return False, None
            value = hits[0]
        elif isinstance(value, list) and not isinstance(value, Pairs) and index is not None and index < len(value):
            value = value[index]
        else:
            return False, None
    return True, value


def judge(line, paths, any_value=False):
    """None: blank; False: bad; else the (found, value) of each path."""
    if not line.strip(b" \t\r"):
        return None
    try:
        text = line.decode("utf-8")
        value, end = DECODER.raw_decode(text, len(text) - len(text.lstrip(" \t\r")))
        if text[end:].strip(" \t\r"):
            return False
        if not (any_value or isinstance(value, Pairs)):
            return False
        if "\\u" in text and unpaired(value):
            return False
        return [look_up(value, p) for p in paths]
    except (ValueError, Twice, RecursionError):
        return False


def type_of(v):
    if isinstance(v, Number):
        return "n"
    if isinstance(v, bool):
        return "t" if v else "f"
    return {str: "s", Pairs: "o", list: "a", type(None): "z"}[type(v)]


def wrong_spans(line, want, said):
    """What is wrong with the columns of one `ok` line."""
    cols = said.split("\t")[1:]
    if len(cols) != len(want):
        return "columns"
    for (found, value), col in zip(want, cols):
        if (col != "-") != found:
            return "found %s, said %s" % (found, col)
        if not found:
            continue
        kind, off, n = col.split(":")
        raw = line[int(off):int(off) + int(n)]
        if kind[0] != type_of(value) or raw.strip(b" \t\r") != raw:
            return "%s is %r" % (col, raw)
        if (kind[0] == "s" and b"\\" in raw) != (kind[1:] == "e"):
            return "%s: escapes of %r" % (col, raw)
        if kind[0] == "n":
            if raw.decode() != value:
                return "%s is %r, not %s" % (col, raw, value)
        elif DECODER.decode(raw.decode()) != value:
            return "%s is %r, not %r" % (col, raw, value)
    return None


def dump(name, kernel, paths, *args):
    cmd = [DUMP, "-k", kernel, *args]
    for p in paths:
        cmd += ["-p", p]
    out = subprocess.run(cmd + [name], stdout=subprocess.PIPE, check=True).stdout.decode("latin1")
    return out.split("\n")[:-1]


def compare(title, lines, paths, blocks=(), any_value=False):
    """Lines against Python; then every kernel and block size against the first answer, reasons and offsets too."""
    lines = [x.replace(b"\n", b"") for x in lines]
    parsed = [segments(p) for p in paths]
    flags = ["-a"] if any_value else []
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as f:
        f.write(b"\n".join(lines) + b"\n")
        f.flush()
        first = dump(f.name, KERNELS[0], paths, *flags)
        wrong = [] if len(first) == len(lines) else ["%d lines, %d answers" % (len(lines), len(first))]
        accepted = 0
        for line, said in zip(lines, first):
            want = judge(line, parsed, any_value)
            if want is None or want is False:
                why = None if said.split(" ")[0] == ("blank" if want is None else "bad") else "said %s" % said
            elif not said.startswith("ok"):
                why = "said %s" % said
            else:
                accepted += 1
                why = wrong_spans(line, want, said)
            if why:
                wrong.append("%s: %r" % (why, line[:300]))
        holds("%s: %d lines, %d of them good, like Python's json" % (title, len(lines), accepted), wrong[:5])
        differs = []
        for kernel in KERNELS:
            for block in [None, *blocks]:
                args = flags + (["-b", str(block)] if block else [])
                got = dump(f.name, kernel, paths, *args)
                if got != first:
                    at = next((i for i, (a, b) in enumerate(zip(got, first)) if a != b), -1)
                    differs.append("%s, blocks of %s: line %d: %s, not %s: %r" % (
                        kernel, block, at + 1, got[at], first[at], lines[at][:300]))
        holds("%s: the same from %d kernels, %d block sizes" % (title, len(KERNELS), len(blocks) + 1), differs[:5])


POOL = b'\\"{}[]:,0123456789.-+eEtrufalsn \t\x00\x1f\x7f\x80\xbf\xc0\xc3\xe4\xed\xf0\xf4\xff\r'


def mutated(r, line):
    b = bytearray(line.encode())
    for _ in range(r.choice((0, 1, 1, 1, 2, 3))):
        i, k = r.randrange(len(b)), r.random()
        if k < .35:
            b[i] = r.choice(POOL)
        elif k < .5:
            b[i] ^= 1 << r.randrange(8)
        elif k < .65:
            b.insert(i, r.choice(POOL))
        elif k < .8:
            del b[i]
        elif k < .9:
            del b[i:]
        else:
            j = r.randrange(len(b))
            b[i:i] = b[j:j + r.randrange(12)]
        if not b:
            b = bytearray(b"1")
    return bytes(b)


TOKENS = [b"{", b"}", b"[", b"]", b",", b":", b'"a"', b'"b\\u00e9"', b"1", b"-0.5e-3", b"01", b"1.", b"1.2.3", b"true",
          b"null", b"false", b" ", b"\t", b"-", b'"\\', b'"', b"\xe4\xb8\xad", b'"\xe4\xb8\xad"', b"1e5", b"1E+", b"0",
          b"-0", b"\\", b"tru", b"nulll", b'"\\x"', b'"\\u12g4"', b"{}", b"[]", b'{"a":1}', b"[1,2]", b"\x00", b"\r",
          b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\udc00"', b"1e-05", b"-05", b"Infinity", b"NaN", b"\xef\xbb\xbf"]
SCALARS = [b"1", b"-0.5e-3", b"0", b"-0", b"12.50", b"1E+5", b"1e-05", b"true", b"null", b"false", b'"x"', b'""',
           b'"\\"\\\\\xe4\xb8\xad"', b'"\\u00e9\\n"', b'"\\ud83d\\ude00"', b'"\\ud7ff\\ue000\\uD834\\uDD1E"']
KEYS = [b'"a"', b'"b"', b'"common"', b'"ts"', b'"\\u0074s"', b'"\\u0061"', b'"zz\\""', b'"a rather long key of more than 16"', b'""']


def grown(r, depth=0):
    """A value by the grammar, with blanks anywhere."""
    k, w = r.random(), r.choice((b"", b"", b"", b" ", b"  ", b"\t", b"\r"))
    if depth > 4 or (k < .35 and depth > 0):
        s = r.choice(SCALARS + [b'"' + b"k" * r.randrange(140) + b'"', b"9" * r.randrange(1, 80),
                                b"0." + b"1" * r.randrange(1, 70)])
        return w + s + w
    n = r.randrange(0, 4)
    if k < .55 and depth > 0:
        return w + b"[" + b",".join(grown(r, depth + 1) for _ in range(n)) + (b"" if n else w) + b"]" + w
    members = [w + r.choice(KEYS) + w + b":" + grown(r, depth + 1) for _ in range(n)]
    return w + b"{" + b",".join(members) + (b"" if n else w) + b"}" + w


def broken(r, line):
    g = bytearray(line)
    if g and r.random() < .5:
        i = r.randrange(len(g))
        if r.random() < .5:
            del g[i]
        else:
            g[i] = r.choice(b'{}[],:"0.-e1 \\')
    return bytes(g) or b"1"


def around_edges():
    """Whatever may straddle the edge of 64 bytes, at every place around two of them."""
    parts = [b"9" * n for n in range(1, 81, 3)] + [b"-0." + b"0" * n + b"1" for n in (1, 31, 61, 64)] + [
        b"0", b"-0", b"00", b"-01", b"1.5", b"1..5", b"1.5.5", b"1.", b".5", b"1e5", b"1e-05", b"1E+05", b"1e", b"-", b"--1",
        b"1-1", b"true", b"false", b"null", b"tru", b"truex", b"nul", b'"\\\\"', b'"\\\\\\""', b'"\\\\\\\\"', b'"\\u00e9"', b'"\\u00g9"',
        b'"\\ud83d\\ude00"', b'"\\ud83dx"', b'"\\ude00"', b'"\\uD7FF"', b'"\xc3\xa9"', b'"\xe4\xb8\xad"',
        b'"\xf0\x9f\x98\x80"', b'"\xf0\x9f\x98"', b'"\xe4\xb8"', b'"\xc3"', b'"\x80"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"',
        b'"\xc0\xaf"', b'"\xe0\x80\xaf"', b'"\xff"', b'"\x1f"', b'"\t"', b'"x', b'x"', b'""', b'"a""b"', b"{}", b"[]", b"[,]", b"[1,]",
        b'{"b"}', b'{"b":}', b"[1 2]", b"[ 1 , 2 ]", b"[1,\t2]", b"{ }", b"[ ]"]
    lines = []
    for part in parts:
        for pad in [*range(50, 70), *range(114, 134)]:
            lines.append(b'{"p":"' + b"x" * (pad - 12) + b'","a":' + part + b',"ts":1}')
    return lines


def main():
    sys.setrecursionlimit(100000)
    r = random.Random(SEED)
    n = int(6000 * SCALE)
    blocks = (997, 65536)
    compare("mutated events", [mutated(r, gen_events.event(r, i)) for i in range(n)], EVENTS, blocks)
    compare("mutated changes", [mutated(r, gen_events.change(r, i, n)) for i in range(n)], CHANGES, blocks)
    compare("events as they are", [gen_events.event(r, i).encode() for i in range(n // 2)], EVENTS, blocks)
    spaced = [json.dumps(json.loads(gen_events.event(r, i))) for i in range(n // 2)]
    compare("spaced and \\u-escaped events", [mutated(r, x) for x in spaced], EVENTS, blocks)
    compare("CRLF", [x.encode() + b"\r" for x in spaced[:n // 6]], EVENTS, blocks)
    tokens = [b"".join(r.choice(TOKENS) for _ in range(r.randrange(1, 9))) for _ in range(n * 5)]
    compare("random tokens", tokens, SMALL, any_value=True)
    compare("random objects", [broken(r, grown(r)) for _ in range(n * 4)], SMALL, (997,))
    compare("random objects, odd keys asked for", [broken(r, grown(r)) for _ in range(n * 3)], ODD, (997,))
    edges = around_edges()
    compare("around 64-byte edges", edges, ["a", "ts"], (63, 4096))
    compare("block splits 1..80", r.sample(edges, 150) + [grown(r) for _ in range(50)], ["a", "ts", "a.b"], range(1, 81))
    return finish()


sys.exit(main())
