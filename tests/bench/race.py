#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""race.py DIR - our commands against others on the same bytes in the same run, two processors for everybody

DIR holds events, changes, rows (the changes as cdc-norm writes them), users, events.zst, and small/ with the first lines of these:
run made them.  VENV is a Python that imports duckdb, chdb and polars; who cannot start is left out, aloud.

Of each race a first run of everybody writes a file, and the answers are compared value by value, as bags of records (the order is
each tool's own affair): at full size between us and the engines, in small/ with all others.  Then they run in turn, output to
/dev/null, RUNS (5) times, but nobody longer than PATIENCE (12) seconds in all; the table says how often, and shows minima.
The engines start in Python: what `import` and an empty query take is measured and
taken off their seconds before they are compared.
A line-based peer, twenty to a hundred times slower, races on small/, and so do we then.  once.c says how memory is measured.
"""
import collections
import decimal
import json
import os
import shutil
import subprocess
import sys
import tempfile

from jobs import RACES, START

DIR = sys.argv[1]
RUNS = int(os.environ.get("RUNS", "5"))
PATIENCE = float(os.environ.get("PATIENCE", "12"))
LIMIT = os.environ.get("LIMIT", "300")   # seconds, then it is ended
ONLY = os.environ.get("RACE", "")        # races whose title holds this text
VENV = os.environ.get("VENV", "")
BIN = os.environ["BIN"]
ONCE = os.environ["ONCE"]
HERE = os.path.dirname(os.path.abspath(__file__))
ENGINES = ("duckdb", "chdb", "polars")
BUDGET = 256 + 64                        # MiB: -S and what may stand beside it
GOALS = {"chdb": 3, "polars": 3, "jq": 20, "mlr": 10}
left_out = []
TMP = tempfile.mkdtemp(prefix="race.")


class Ended(Exception):
    """A command that did not come to its end."""


class Other(Exception):
    """One that came to another answer."""


def argv_of(command, small):
    """A command of a race as words: a list is one already, a text belongs to the shell, a pair to an engine."""
    at = os.path.join(DIR, "small") if small else DIR

    def fill(text):
        for name in ("events", "changes", "rows", "users"):
            text = text.replace("@%s@" % name, os.path.join(at, name))
        return text.replace("@bin@", BIN).replace("@tmp@", TMP).replace("@here@", HERE)

    if isinstance(command, tuple):
        return [VENV, os.path.join(HERE, "peer.py"), command[0], fill(command[1])]
    return ["sh", "-c", fill(command)] if isinstance(command, str) else [fill(x) for x in command]


def once(argv, out, warm=()):
    """Wall seconds, CPU seconds, peak MiB; the files of `warm` are in the page cache before."""
    with tempfile.TemporaryFile() as err:
        p = subprocess.run([ONCE, LIMIT, out] + argv, stdout=subprocess.PIPE, stderr=err, check=False, env=dict(os.environ, WARM=":".join(warm)))
        word = p.stdout.split()
        if p.returncode != 0 or not word:
            sys.exit("once: ended with %d" % p.returncode)
        if int(word[0]) == 9:
            raise Ended("took longer than %s s" % LIMIT)
        if int(word[0]) != 0:
            err.seek(0)
            raise Ended("ended with %d: %s" % (int(word[0]) >> 8, err.read()[-300:].decode(errors="replace").strip().replace("\n", " ")))
    return float(word[1]), float(word[2]) + float(word[3]), int(word[4]) / 1024


def value(record, path, zero):
    """A value by its path, whether the peer nests it or has flattened it; numbers to cents, so that 1.10 is 1.1."""
    v = record
    if path in record:
        v = record[path]
    else:
        for name in path.split("."):
            v = v.get(name) if isinstance(v, dict) else None
    if v is None and zero and path.startswith("d"):
        v = 0       # a sum of nothing
    if isinstance(v, (int, decimal.Decimal)) and not isinstance(v, bool):
        return str(decimal.Decimal(v).quantize(decimal.Decimal("0.01")))
    return v


def bag(path, names, race):
    """The records as a multiset of the named values."""
    with open(path, encoding="utf-8") as f:
        # strict or not: Miller writes control bytes in strings as they are
        records = [json.loads(x, parse_float=decimal.Decimal, strict=False) for x in f if x != "\n"]
    if race.one:
        # checks: ours are one a line, a peer's one a column
        values = [r["value"] for r in records] if len(records) > 1 else list(records[0].values())
        return collections.Counter([tuple(str(v) for v in values)])
    return collections.Counter(tuple(value(r, n, race.zero) for n in names) for r in records)


def near(a, b, names, race):
    """An estimate may be off by three standard errors of the coarsest: DuckDB's has 64 registers, that is 13 % each."""
    keys = [i for i, n in enumerate(names) if n not in race.about]
    guess = [i for i, n in enumerate(names) if n in race.about]
    cut = lambda x: {tuple(r[i] for i in keys): [float(r[i]) for i in guess] for r in x}   # noqa: E731
    a, b = cut(a), cut(b)
    return a.keys() == b.keys() and all(abs(x - y) <= max(3, 0.4 * x) for k in a for x, y in zip(a[k], b[k]))


def compare(race, mine, theirs, names):
    """None, or how the answers differ."""
    ours = [n.split(":")[0] for n in race.values.split()][:len(names)]
    want, got = bag(mine, ours, race), bag(theirs, names, race)
    if race.about and near(want, got, names, race) or want == got:
        return None
    return "ours has %s, the other %s" % (next(iter(want - got), None), next(iter(got - want), None))


def column_types(items):
    """{'a': 'BIGINT', 'b': {'c': 'VARCHAR'}} as DuckDB's columns."""
    tree = {}
    for path, kind in items:
        at = tree
        for name in path.split(".")[:-1]:
            at = at.setdefault(name, {})
        at[path.split(".")[-1]] = kind

    def kind_of(t):
        return t if isinstance(t, str) else "STRUCT(" + ", ".join('"%s" %s' % (k, kind_of(v)) for k, v in t.items()) + ")"

    return ", ".join("\"%s\": '%s'" % (k, kind_of(v)) for k, v in tree.items())


def large(mine, theirs, ours, names, race):
    """The same of more records than Python would like: the multisets' difference, by DuckDB, whose they may be."""
    types = [v.split(":")[1] for v in race.values.split()]

    def select(path, paths):
        at = ", ".join(".".join('"%s"' % x for x in n.split(".")) for n in paths)
        return "SELECT %s FROM read_json('%s', format='newline_delimited', columns={%s})" % (at, path, column_types(zip(paths, types)))

    a, b = select(mine, ours), select(theirs, names)
    code = ("import duckdb, sys; c = duckdb.connect(); c.execute('SET threads=2; SET enable_progress_bar=false')\n"
            "for q in sys.argv[1:]:\n    r = c.execute(q).fetchall()\n    if r: print(r)")
    queries = ["(%s) EXCEPT ALL (%s) LIMIT 1" % x for x in ((a, b), (b, a))]
    found = subprocess.run([VENV, "-c", code] + queries, stdout=subprocess.PIPE, check=True).stdout.decode()
    return "of one, not of the other: " + found.replace("\n", " ") if found else None


def agree(race, who, mine, theirs):
    """Raise Other where the answers differ."""
    names = race.peers[who].names or [n.split(":")[0] for n in race.values.split()]
    names = names[:1] if race.keys_only else names
    if os.path.getsize(mine) > 30e6:
        why = large(mine, theirs, [n.split(":")[0] for n in race.values.split()][:len(names)], names, race)
    else:
        why = compare(race, mine, theirs, names)
    if why:
        raise Other("another answer: " + why)


def present(command):
    if isinstance(command, tuple):
        return command[0].split("_")[0] in START
    word = command.split()[0] if isinstance(command, str) else command[0]
    return shutil.which(word) is not None


def row(race, who, runs, best, size, ratio, cpu, goal):
    said = ""
    if goal:
        said = "%gx: %s" % (goal, "reached" if ratio >= goal else "NOT reached")
    if who == "ours" and best[2] > BUDGET and "-S" not in race.title:
        said = "memory over %d MiB" % BUDGET
    print("| %s | %s | %d | %.3f | %.2f | %.0f | %.0f | %s | %s | %s |" % (race.title, who, runs, best[0], best[1], size / 1e6 / best[0], best[2],
          "" if ratio is None else "%.2fx" % ratio, "" if cpu is None else "%.2fx" % cpu, said), flush=True)


def heat(race, small):
    """One table's worth of runs: at full size with the engines, or on small/ with the others."""
    peers = [n for n, p in race.peers.items() if present(p.command) and bool(p.small) == small]
    if small and not peers:
        return
    commands = {"ours": race.mine, **{n: race.peers[n].command for n in peers}}
    inputs = argv_of(race.input.split(), small)
    size = sum(os.path.getsize(x) for x in inputs)
    best, runs, spent = {}, collections.Counter(), collections.Counter()
    for who in list(commands):
        out = os.path.join(TMP, "ours" if who == "ours" else "peer")
        try:
            spent[who] = once(argv_of(commands[who], small), out, inputs)[0]
            if who != "ours" and (race.values or race.one):
                agree(race, who, os.path.join(TMP, "ours"), out)
        except (Ended, Other) as e:
            if who == "ours":
                raise
            print("| %s | %s | left out: %s |" % (race.title, who, e), flush=True)
            left_out.append(who)
            del commands[who]
    for i in range(RUNS):
        for who, command in commands.items():
            if i > 0 and spent[who] > PATIENCE:
                continue
            r = once(argv_of(command, small), "/dev/null", inputs)
            best[who] = r if who not in best else tuple(map(min, best[who], r))
            runs[who] += 1
            spent[who] += r[0]
    title = race.title + (" (small)" if small else "")
    shown = race._replace(title=title)
    for who, b in best.items():
        start = START.get(who, (0, 0)) if isinstance(commands[who], tuple) else (0, 0)
        ratio = None if who == "ours" else (b[0] - start[0]) / best["ours"][0]
        cpu = None if who == "ours" else (b[1] - start[1]) / best["ours"][1]
        goal = None if who == "ours" else race.goal.get(who, GOALS.get(who) if who not in race.goal else None)
        row(shown, who, runs[who], b, size, ratio, cpu, goal)


def starts():
    """What the engines need for nothing."""
    for name in ENGINES:
        empty = {"duckdb": "SELECT 1 AS one", "chdb": "SELECT 1 AS one", "polars": "pl.LazyFrame({'one': [1]})"}[name]
        try:
            START[name] = tuple(map(min, zip(*[once(argv_of((name, empty), False), "/dev/null")[:2] for _ in range(3)])))
        except Ended as e:
            print("not here: %s: %s" % (name, e))
    print("starting them takes: " + ", ".join("%s %.2f s, %.2f s CPU" % (k, *v) for k, v in START.items()))


def main():
    """0, or 1 where a peer had to be left out."""
    starts()
    for name in ("jq", "gojq", "jaq", "mlr", "rg", "datamash", "zstd"):
        if not shutil.which(name):
            print("not here: " + name)
    for name in ("events", "rows"):
        path = os.path.join(DIR, name)
        floor = min(once(["sh", "-c", "cat %s | cat" % path], "/dev/null", [path])[0] for _ in range(RUNS))
        print("%s through a pipe: %.0f MB in %.3f s" % (name, os.path.getsize(path) / 1e6, floor))
    print("| race | who | runs | seconds | CPU s | MB/s | peak MiB | ours is faster | takes less CPU | goal |\n|" + 10 * "---|")
    for race in RACES:
        if ONLY in race.title:
            heat(race, False)
            heat(race, True)
    return 1 if left_out else 0


try:
    sys.exit(main())
except Ended as end:
    sys.exit("ours: %s" % end)
finally:
    shutil.rmtree(TMP)
