#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""index - what trace-grep finds by index is what a reader of every row finds, whatever became of the indexes; TAP

    BIN=build/bin python3 tests/trace-grep/index.py [SEED]

Random tables: ids that are escaped, numbers, shared by rows, at several paths.  The oracle is Python: the rows that were put,
json.loads, equality.  Then the same questions with the indexes damaged, cut, of other files and paths, gone; after compaction,
rollback, collection, in an overlay.  --stats proves that an index was used, or could not be.
"""
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402
from tap import finish, point  # noqa: E402

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 20261120
rnd = random.Random(SEED)
DIR = tempfile.mkdtemp(prefix="traceindex.")
ENV = cases.environment(DIR)
ENV["PIPEHOUSE_ROOT"] = os.path.join(DIR, "wh")
DAYS = ["2026-11-%02d" % d for d in range(17, 21)]
PAD = "".join(rnd.choice("abcdefghij klmnopq") for _ in range(3000))


def ok(good, name, why=""):
    point(good, name, "seed %d: %s" % (SEED, why))


def run(*argv, data=b"", env=None):
    p = subprocess.run(argv, cwd=DIR, env=env or ENV, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return p.returncode, p.stdout, p.stderr.decode("utf-8", "replace")


def must(*argv, data=b"", env=None):
    status, out, err = run(*argv, data=data, env=env)
    assert status == 0, (argv, status, err)
    return out


def quoted(s):
    """A string as JSON, its bytes escaped in one way or another."""
    out = []
    for c in s:
        how = rnd.random()
        if c in '"\\' or how < 0.05:
            out.append("\\u%04x" % ord(c) if ord(c) < 0x10000 and (how < 0.03 or c not in '"\\') else "\\" + c if c in '"\\' else c)
        else:
            out.append("\\/" if c == "/" and how < 0.5 else c)
    return '"' + "".join(out) + '"'


IDS = ["%032x" % rnd.getrandbits(128) for _ in range(300)] + ["t-%d" % i for i in range(40)] + \
      ["a/b\"c\\%d" % i for i in range(10)] + ["größe-%d-😀" % i for i in range(10)] + [str(i) for i in range(700, 720)]


def value():
    v = rnd.choice(IDS)
    if v.isdigit() and rnd.random() < 0.5:
        return v
    return quoted(v)


def row(i):
    """One record's text: an id at trace_id, at data.trace_id, at ids[1], or somewhere else."""
    kind, pad = rnd.random(), PAD[:rnd.randrange(len(PAD))]
    if kind < 0.5:
        return '{"id":%d,"trace_id":%s,"ts":%d,"pad":"%s"}' % (i, value(), 1700000000000 + i, pad)
    if kind < 0.6:
        return '{"id":%d, "pad":"%s", "tr\\u0061ce_id" : %s ,"data":{"trace_id":%s}}' % (i, pad, value(), value())
    if kind < 0.8:
        return '{"id":%d,"data":{"n":{"x":[1,"}"]},"trace_id":%s},"trace_id":null,"pad":"%s"}' % (i, value(), pad)
    if kind < 0.9:
        return '{"id":%d,"ids":[%s,%s],"pad":"%s"}' % (i, value(), value(), pad)
    return '{"id":%d,"other":%s,"trace_id":{"trace_id":%s},"pad":"%s"}' % (i, value(), value(), pad)


def at(o, path):
    for p in path:
        if isinstance(p, int):
            o = o[p] if isinstance(o, list) and p < len(o) else None
        else:
            o = o.get(p) if isinstance(o, dict) else None
    return o


def is_id(v, want):
    return v == want if isinstance(v, str) else isinstance(v, int) and not isinstance(v, bool) and str(v) == want


def anywhere(o, want):
    if isinstance(o, dict):
        return any(k == want or anywhere(v, want) for k, v in o.items())
    return any(anywhere(v, want) for v in o) if isinstance(o, list) else o == want


PARSED = {}


def parsed(line):
    o = PARSED.get(line)
    if o is None:
        o = PARSED[line] = json.loads(line)
    return o


def wanted(rows, want, paths):
    for line in rows:
        o = parsed(line)
        if anywhere(o, want) if paths is None else any(is_id(at(o, p), want) for p in paths):
            yield line


SPEC = {"a.one": (b"kind append\n", [["trace_id"]]),
        "a.many": (b"kind append\ntrace data.trace_id 'ids[1]'\n", [["data", "trace_id"], ["ids", 1]]),
        "a.gz": (b"kind append\ncodec gz\n", [["trace_id"]]),
        "a.none": (b"kind append\ntrace none\n", None)}
ROWS = {}


def fill():
    for t, (spec, _) in SPEC.items():
        must("wh-table", t, "-", data=spec)
        for d in DAYS:
            rows = [row(i).encode() for i in range(1200)]
            ROWS[t, d] = rows
            must("wh-put", t, "dt=" + d, data=b"".join(r + b"\n" for r in rows))


def rows_of(t, days=DAYS):
    return [r for d in days for r in ROWS[t, d]]


def ask(t, want, *options, env=None):
    """Lines that are printed, and how many were looked at."""
    stats = os.path.join(DIR, "stats")
    if os.path.exists(stats):
        os.unlink(stats)
    status, out, err = run("trace-grep", "--stats", "stats", *options, want, "wh:" + t, env=env)
    with open(stats) as f:
        looked = json.loads(f.read())["in"]
    return status, out, err, looked


def same(name, tables=SPEC, ids=5, used=None, env=None):
    """Some ids, there or not, in each table: the oracle's lines, in order; used: which share of the rows has an index that works."""
    wrong = []
    for t in tables:
        rows, paths = rows_of(t), SPEC[t][1]
        for want in rnd.sample(IDS, ids) + ["none-%d" % rnd.randrange(10**9)]:
            lines = list(wanted(rows, want, paths))
            status, out, err, looked = ask(t, want, "-j", rnd.choice("124"), env=env)
            if out != b"".join(x + b"\n" for x in lines) or status != (0 if lines else 1) or err:
                wrong.append((t, want, len(lines), status, err, out.count(b"\n")))
            if used is not None and want.startswith("none") and t not in ("a.gz", "a.none") and looked != len(rows) * (1 - used):
                wrong.append((t, want, "looked at %d of %d" % (looked, len(rows))))
    ok(not wrong, name, wrong)


def indexes(t="*"):
    return sorted(glob.glob(os.path.join(DIR, "wh/main", t.replace(".", "/"), ".pool/*/.*.trace") if t != "*" else
                            os.path.join(DIR, "wh/main/*/*/.pool/*/.*.trace")))


def options():
    """What may be said about the same question."""
    t, wrong = "a.one", []
    for want in rnd.sample(IDS, 4):
        rows = rows_of(t)
        got = ask(t, want, "-k", ".trace_id")
        if got[1] != b"".join(x + b"\n" for x in wanted(rows, want, [["trace_id"]])) or got[3] >= len(rows):
            wrong.append(("-k trace_id", want, got[0], got[3]))
        got = ask(t, want, "-k", "data.trace_id")
        if got[1] != b"".join(x + b"\n" for x in wanted(rows, want, [["data", "trace_id"]])) or got[3] != len(rows):
            wrong.append(("-k data.trace_id", want, got[0], got[3]))
        got = ask(t, want, "--anywhere")
        if got[1] != b"".join(x + b"\n" for x in wanted(rows, want, None)) or got[3] != len(rows):
            wrong.append(("--anywhere", want, got[0], got[3]))
        got = ask(t, want, "--from", DAYS[1], "--to", DAYS[2], "--raw")
        if got[1] != b"".join(x + b"\n" for x in wanted(rows_of(t, DAYS[1:3]), want, [["trace_id"]])):
            wrong.append(("--from --to --raw", want, got[0]))
        lines = [b"wh:%s@%s:%d:%s\n" % (t.encode(), d.encode(), i, r) for d in DAYS for i, r in enumerate(ROWS[t, d], 1)
                 if is_id(parsed(r).get("trace_id"), want)]
        if ask(t, want, "-Hn")[1] != b"".join(lines):
            wrong.append(("-Hn", want))
        stamped = ask(t, want, "--timeline")[1].splitlines()
        plain = [x.partition(b"  {")[2] for x in stamped]
        if sorted(plain) != sorted(x[1:] for x in wanted(rows, want, [["trace_id"]])) or stamped != sorted(stamped, key=lambda x: x[:23]):
            wrong.append(("--timeline", want, len(stamped)))
    ok(not wrong, "-k, --anywhere, --from, --to, --raw, -H, -n, --timeline", wrong)


def damage():
    """Bytes changed, cut, exchanged: the same answers."""
    keep = {x: open(x, "rb").read() for x in indexes()}
    for round_ in range(3):
        for x, whole in keep.items():
            b = bytearray(whole)
            for _ in range(1 + len(b) // rnd.choice((50, 500, 5000))):
                b[rnd.randrange(len(b))] ^= rnd.randrange(1, 256)
            with open(x, "wb") as f:
                f.write(b)
        same("indexes with bytes changed, round %d" % round_, ids=3)
    for x, whole in keep.items():
        with open(x, "wb") as f:
            f.write(whole[:rnd.randrange(len(whole))])
    same("indexes that were cut", ids=2, used=False)
    names = list(keep)
    for x, y in zip(names, names[1:] + names[:1]):
        with open(x, "wb") as f:
            f.write(keep[y])
    same("indexes of other files", ids=2, used=False)
    out = run("wh-fsck", "a.one")
    ok(out[0] == 1 and out[1].count(b'"stale"') == len(DAYS) and b"index" in out[1], "wh-fsck says so", out)
    run("wh-fsck", "--repair-views", "a.one")
    ok(run("wh-fsck", "a.one")[:2] == (0, b""), "and makes them again", run("wh-fsck", "a.one"))
    same("of which trace-grep makes use", tables=["a.one"], used=True)
    for x in keep:
        os.unlink(x)
    same("no indexes", ids=2, used=False)
    for x, whole in keep.items():
        with open(x, "wb") as f:
            f.write(whole)
    same("all as it was", ids=2, used=True)


def stale():
    """The data file was written over by hand, and is no longer what was committed: read, not looked up."""
    f = glob.glob(os.path.join(DIR, "wh/main/a/one/.pool", DAYS[0], "*.pz"))[0]
    whole = open(f, "rb").read()
    rows = b"".join(r + b"\n" for r in ROWS["a.one", DAYS[0]])
    os.chmod(f, 0o644)
    with open(f, "wb") as h:
        h.write(must("zstd", "-qc", "-9", data=rows))
    same("a data file that was compressed anew", tables=["a.one"])
    # as long as it was, and other bytes: a frame is not what the index says
    packed = must("zstd", "-qc", "-5", data=rows)
    skip = len(whole) - len(packed) - 8
    if skip >= 0:
        with open(f, "wb") as h:
            h.write(packed + b"\x50\x2a\x4d\x18" + skip.to_bytes(4, "little") + b"\0" * skip)
        wrong = []
        for want in {str(json.loads(r).get("trace_id")) for r in ROWS["a.one", DAYS[0]][:25]} - {"None"}:
            lines = list(wanted(rows_of("a.one"), want, [["trace_id"]]))
            got = ask("a.one", want)
            if lines and got[1] != b"".join(x + b"\n" for x in lines):
                wrong.append((want, len(lines), got[0], got[1].count(b"\n"), got[2]))
        ok(not wrong, "a data file of the same length with other frames", wrong)
    with open(f, "wb") as h:
        h.write(whole)


def changed():
    """`trace` says other paths: old indexes are of no use, new ones are."""
    must("wh-table", "a.one", "-", data=b"kind append\ntrace 'ids[0]' trace_id\n")
    SPEC["a.one"] = (b"", [["ids", 0], ["trace_id"]])
    same("other paths than those of the indexes", tables=["a.one"], used=False)
    must("wh-put", "a.one", "dt=" + DAYS[0], data=b"".join(r + b"\n" for r in reversed(ROWS["a.one", DAYS[0]])))
    ROWS["a.one", DAYS[0]].reverse()
    same("one day with an index of the new paths", tables=["a.one"], used=0.25)


def upkeep():
    t = "b.log"
    must("wh-table", t, "-", data=b"kind append\nday day\n")
    SPEC[t] = (b"", [["trace_id"]])
    for d in DAYS:
        ROWS[t, d] = []
    for k in range(5):
        rows = [(d, row(i).replace("{", '{"day":"%s",' % d, 1).encode()) for i in range(250) for d in (rnd.choice(DAYS),)]
        for d, r in rows:
            ROWS[t, d].append(r)
        with open(os.path.join(DIR, "in"), "wb") as f:
            f.write(b"".join(r + b"\n" for _, r in rows))
        if k == 2:
            must("ingest", "-d", t, "in")
        else:
            must("wh-put", t, "in")
    same("appended by wh-put and ingest: many small files", tables=[t], used=True)
    must("wh-compact", t)
    files = glob.glob(os.path.join(DIR, "wh/main/b/log/.pool/*/*z"))
    ok(len(indexes(t)) == len(files) and len(must("wh-ls", "-v", t + "@" + DAYS[0])) > 0, "after wh-compact each file has an index", files)
    same("compacted", tables=[t], used=True)
    must("sh", "-c", "find wh -type f -exec touch -d '9 days ago' {} +; wh-gc --keep 0 " + t)
    files = {os.path.basename(f) for f in glob.glob(os.path.join(DIR, "wh/main/b/log/.pool/*/*z"))}
    ok(len(files) == len(DAYS) and {os.path.basename(x)[1:-6] for x in indexes(t)} == files, "wh-gc takes indexes with their files", files)
    same("collected", tables=[t], used=True)
    before = list(ROWS[t, DAYS[3]])
    must("wh-put", t, "dt=" + DAYS[3], data=b'{"day":"2026-11-20","trace_id":"only"}\n')
    must("wh-rollback", t, "dt=" + DAYS[3])
    ROWS[t, DAYS[3]] = before
    same("rolled back", tables=[t], used=True)
    lone = indexes(t)[0].replace("/.r-", "/.r-9")
    shutil.copy(indexes(t)[0], lone)
    must("wh-gc", t)
    ok(not os.path.exists(lone), "wh-gc takes an index whose file is not there")
    over = dict(ENV, PIPEHOUSE_OVERLAY=os.path.join(DIR, "over"))
    same("below an overlay", tables=[t], env=over, used=True)
    saved, ROWS[t, DAYS[0]] = ROWS[t, DAYS[0]], ROWS[t, DAYS[0]][:300]
    hidden = {d: ROWS[t, d] for d in DAYS[1:]}
    must("wh-put", t, "dt=" + DAYS[0], data=b"".join(r + b"\n" for r in ROWS[t, DAYS[0]]), env=over)
    for d in DAYS[1:]:
        ROWS[t, d] = []
    same("in an overlay", tables=[t], env=over)
    ROWS[t, DAYS[0]] = saved
    ROWS.update({(t, d): r for d, r in hidden.items()})
    same("and the warehouse as it was", tables=[t], used=True)


def view():
    shown = glob.glob(os.path.join(DIR, "wh/main/a/one/dt=*/*")) + glob.glob(os.path.join(DIR, "wh/main/a/one/dt=*/.[!.]*"))
    ok(len(shown) == len(DAYS) and all(x.endswith(".ndjson.zst") for x in shown), "views show data files and nothing else", shown)
    ok(len(indexes("a.one")) == len(DAYS) and not indexes("a.gz") and not indexes("a.none"), "which tables have indexes", indexes())
    size = {x: os.path.getsize(x) for x in indexes()}
    ok(all(s < 8192 for s in size.values()), "an index is small", size)


def keyed():
    """Base and deltas of a keyed table: an id that a newer row no longer has is not found."""
    must("wh-table", "k.t", "-", data=b"kind upsert\nkey id\norder o\ndeleted gone\nday d\n")
    best = {}
    for o in range(4):
        rows = []
        for i in rnd.sample(range(400), 250):
            r = {"id": i, "o": o, "d": DAYS[0], "trace_id": rnd.choice(IDS), "pad": PAD[:rnd.randrange(300)]}
            if rnd.random() < 0.1:
                r["gone"] = True
            best[i] = r
            rows.append(json.dumps(r))
        must("wh-put", "k.t", data="".join(x + "\n" for x in rows).encode())

    def right(name):
        wrong = []
        for want in rnd.sample(IDS, 12) + ["none"]:
            ids = sorted((str(i) for i, r in best.items() if r["trace_id"] == want and "gone" not in r))
            status, out, err, _ = ask("k.t", want)
            if sorted(str(json.loads(x)["id"]) for x in out.splitlines()) != ids or status != (0 if ids else 1):
                wrong.append((want, ids, status, out[:200], err))
        ok(not wrong, name, wrong)

    right("a keyed day of deltas")
    ok(ask("k.t", "none")[3] == 0, "an id that no delta has needs no merge")
    must("wh-compact", "k.t")
    right("folded")
    ok(len(indexes("k.t")) >= 2, "the folded base has an index")


def long_lines():
    """Lines and ids of any length around frames."""
    rows = [b'{"trace_id":"%s","x":"%s"}' % (b"L" * k, b"y" * m) for k, m in
            ((1, 0), (300000, 10), (2, 1 << 20), (3, (1 << 20) - 24), (4, 3 << 20), (70000, 0), (5, 5))]
    must("wh-put", "l.t", "dt=" + DAYS[0], data=b"".join(r + b"\n" for r in rows))
    wrong = [k for k in (1, 2, 3, 4, 5, 6, 70000) if ask("l.t", "L" * k)[1] !=
             b"".join(r + b"\n" for r in rows if r.startswith(b'{"trace_id":"%s"' % (b"L" * k)))]
    ok(not wrong, "rows longer than a frame", wrong)


def strict(raw):
    """A line as a record, or None: one JSON object in UTF-8."""
    try:
        o = json.loads(raw.decode(), parse_constant=lambda x: 1 / 0)
        return o if isinstance(o, dict) else None
    except (ValueError, ZeroDivisionError):
        return None


def has_word(line, want):
    """The id as a whole word: word bytes, and - and . between two of them, glue."""
    word = lambda i: 0 <= i < len(line) and (line[i:i + 1].isalnum() or line[i] == 0x5f or line[i] >= 0x80)
    glued = lambda i, beyond: word(i) or (0 <= i < len(line) and line[i] in b"-." and word(beyond))
    i = line.find(want)
    while i >= 0:
        if not glued(i - 1, i - 2) and not glued(i + len(want), i + len(want) + 1):
            return True
        i = line.find(want, i + 1)
    return False


def files():
    """Plain files, compressed in one frame and in many, a pipe; whatever -j: the lines that Python finds."""
    lines = []
    for i in range(2500):
        r = row(i).encode()
        lines.append(rnd.choice((r, r, r, r[:len(r) // 2], b"x %s y" % rnd.choice(IDS).encode(), r.replace(b"trace_id", b"t\r"), b"",
                                 b"%s-%s" % (rnd.choice(IDS).encode(), rnd.choice(IDS).encode()), r + b"\r")))
    lines.append(b'{"trace_id":"' + b"w" * 3000000 + b'"}')
    text = b"\n".join(lines)            # the last one without its LF
    for name, how in (("plain", ["cat"]), ("one.zst", ["zstd", "-qc"]), ("x.gz", ["gzip", "-c"])):
        with open(os.path.join(DIR, name), "wb") as f:
            f.write(must(*how, data=text))
    with open(os.path.join(DIR, "many.zst"), "wb") as f:
        for k in range(0, len(text), 100000):       # frames that end anywhere
            f.write(must("zstd", "-qc", data=text[k:k + 100000]))
    judged = [strict(x[:-1] if x.endswith(b"\r") else x) for x in lines]
    wrong = []
    for want in rnd.sample(IDS, 8) + ["t-1", "a/b\"c\\3", "trace_id", "708"]:
        hits = [(i, x) for i, (x, o) in enumerate(zip(lines, judged), 1)
                if (anywhere(o, want) if o is not None else has_word(x, want.encode()))]
        out = b"".join(b"%d:%s\n" % h for h in hits)
        for argv in (["plain"], ["one.zst"], ["many.zst"], ["x.gz"], []):
            got = run("trace-grep", "-n", "-j", rnd.choice("1234"), want, *argv, data=b"" if argv else text)
            if got[1] != out or got[0] != (0 if hits else 1):
                wrong.append((want[:50], argv, got[0], got[2], out.count(b"\n"), got[1].count(b"\n"), got[1][:300]))
        both = run("trace-grep", "-H", want, "many.zst", "plain")
        if both[1] != b"".join(b"%s:%s\n" % (f, x) for f in (b"many.zst", b"plain") for _, x in hits):
            wrong.append((want[:50], "two files", both[0], both[2]))
    ok(not wrong, "files, plain and compressed, and a pipe: as Python finds", wrong)


def main():
    try:
        files()
        fill()
        view()
        same("by index", used=True)
        options()
        damage()
        stale()
        changed()
        upkeep()
        keyed()
        long_lines()
    finally:
        shutil.rmtree(DIR, ignore_errors=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
