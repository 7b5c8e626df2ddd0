#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""cases - run text case files and print TAP

    BIN=build/bin python3 tests/cases.py [-u] [-j N] [-v] [FILE | DIRECTORY ...]     default: tests/*/*.t

A case is a group of lines; a blank line ends it:
    # title                     (more # lines are comments; a group of # lines alone is one too)
    @ WORD                      skip where WORD holds: sanitized (the binaries carry sanitizers), root (the tests run as root)
    $ one sh script, all $ lines together; `set -e` is not given, PIPESTATUS is not there: it is sh
    < standard input            > standard output            ! standard error
    ? exit status, 0 when not written
After the marker comes one space, then bytes as they are. A last `> ...` or `! ...` means: more may follow.
What a line cannot hold (NUL, no last newline) is made by printf in the $ line.

Each case runs in an empty directory of its own with PATH=$BIN:$PATH, HOME and TMPDIR there, LC_ALL=C, TZ unset,
no PIPEHOUSE_*; $TOP is the source tree. -u rewrites what a case expects to what it got: read the diff.
"""
import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
SANITIZED = bool(os.environ.get("SANITIZED"))
TIMEOUT = float(os.environ.get("CASE_TIMEOUT", "90")) * (4 if SANITIZED else 1)
SKIPS = {b"sanitized": SANITIZED, b"root": os.geteuid() == 0}


def environment(home):
    """What a case may see of ours: nothing that could change an answer."""
    keep = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "JSON_TEST_SUITE", "SANITIZED")
    env = {k: os.environ[k] for k in keep if k in os.environ}
    env.update(PATH=BIN + ":" + os.environ.get("PATH", "/usr/bin:/bin"), HOME=home, TMPDIR=home, LC_ALL="C", TOP=TOP, BIN=BIN)
    return env


class Case:
    """One group of lines of a case file; lines: the group as it stands, first: its line number."""

    def __init__(self, path, first, lines):
        self.path, self.first, self.lines = path, first, lines
        part = {m: [ln[2:] for ln in lines if ln[:1] == m] for m in (b"#", b"@", b"$", b"<", b">", b"!", b"?")}
        self.title = (part[b"#"] or [b"(no title)"])[0].decode("utf-8", "replace")
        self.words, self.script, self.stdin = part[b"@"], part[b"$"], part[b"<"]
        self.out, self.err = part[b">"], part[b"!"]
        self.status = int(part[b"?"][0]) if part[b"?"] else 0
        self.bad = [ln for ln in lines if ln[:1] not in b"#@$<>!?" or (len(ln) > 1 and ln[1:2] != b" ")]

    def run(self):
        """Returns what the script did: (stdout, stderr, status, note)."""
        home = tempfile.mkdtemp(prefix="case.")
        note = ""
        try:
            p = subprocess.Popen(["sh", "-c", b"\n".join(self.script)], cwd=home, env=environment(home), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
            try:
                out, err = p.communicate(b"".join(ln + b"\n" for ln in self.stdin), TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                out, err = p.communicate()
                note = "killed after %g s" % TIMEOUT
            try:                    # nothing of a case outlives it
                os.killpg(p.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            return out, err, p.returncode, note
        finally:
            shutil.rmtree(home, ignore_errors=True)


def matches(want, got):
    """Do the lines of got equal want, where a last line `...` stands for any more?"""
    text = b"".join(ln + b"\n" for ln in want)
    if want and want[-1] == b"...":
        return got.startswith(text[:-4])
    return got == text


def diff(name, want, got):
    """A unified diff as TAP diagnostics."""
    show = lambda b: b.decode("utf-8", "backslashreplace").replace("\r", "\\r").replace("\0", "\\0")
    a = [show(ln) for ln in want]
    b = [show(ln) for ln in got.split(b"\n")]
    if b[-1] == "":
        b.pop()
    else:
        b.append("\\ no newline at the end")
    lines = list(difflib.unified_diff(a, b, name + " wanted", name + " got", lineterm="", n=2))
    return ["#   " + ln[:400] for ln in lines[:60]]


def judge(case):
    """Returns (verdict, diagnostics, what it did)."""
    for w in case.words:
        if SKIPS.get(w):
            return "skip", [w.decode()], None
        if w not in SKIPS:
            return "fail", ["#   unknown word behind @"], None
    if case.bad or not case.script:
        return "fail", ["#   not a case: no $ line, or a line with an unknown marker"], None
    did = out, err, status, note = case.run()
    why = ["#   " + note] if note else []
    if not matches(case.out, out):
        why += diff("stdout", case.out, out)
    if not matches(case.err, err):
        why += diff("stderr", case.err, err)
    if status != case.status:
        why.append("#   exit status %d, wanted %d" % (status, case.status))
        why += ["#   stderr: " + err[:300].decode("utf-8", "backslashreplace").replace("\n", "\\n")] if not case.err and err else []
    return ("fail" if why else "pass"), why, did


def rewrite(case, did):
    """The case's lines with its expectations replaced; None when a line cannot hold them."""
    out, err, status, note = did
    if note or any(x and not x.endswith(b"\n") or b"\0" in x for x in (out, err)):
        return None
    lines = [ln for ln in case.lines if ln[:1] not in b">!?"]
    for mark, want, got in ((b"> ", case.out, out), (b"! ", case.err, err)):
        lines += [mark + ln for ln in (want if matches(want, got) else got.split(b"\n")[:-1])]
    return lines + ([b"? %d" % status] if status else [])


def read(path):
    """The groups of a case file, in order: cases and groups of comments (as plain lists of lines)."""
    with open(path, "rb") as f:
        text = f.read()
    groups, lines, first = [], [], 1
    for n, ln in enumerate(text.split(b"\n") + [b""], 1):
        if ln == b"":
            if lines:
                groups.append(lines if all(x[:1] == b"#" for x in lines) else Case(path, first, lines))
            lines, first = [], n + 1
        else:
            lines.append(ln)
    return groups


def files(operands):
    found = []
    for op in operands or [os.path.join(TOP, "tests")]:
        if os.path.isdir(op):
            for base, dirs, names in sorted(os.walk(op)):
                dirs[:] = [d for d in dirs if d not in ("real", "data")]
                found += [os.path.join(base, n) for n in sorted(names) if n.endswith(".t")]
        else:
            found.append(op)
    return found


def main(argv):
    update, verbose, jobs, operands = False, False, 2, []
    while argv:
        a = argv.pop(0)
        if a == "-u":
            update = True
        elif a == "-v":
            verbose = True
        elif a == "-j":
            jobs = int(argv.pop(0))
        elif a.startswith("-"):
            print(__doc__)
            return 0 if a == "-h" else 2
        else:
            operands.append(a)
    book = [(path, read(path)) for path in files(operands)]
    cases = [c for _, groups in book for c in groups if isinstance(c, Case)]
    failed, n, changed = 0, 0, {}
    with ThreadPoolExecutor(jobs) as pool:
        began = time.monotonic()
        for case, (verdict, why, did) in zip(cases, pool.map(judge, cases)):
            n += 1
            name = "%s:%d: %s" % (os.path.relpath(case.path, TOP), case.first, case.title.replace("#", "\\#"))
            if verdict == "fail" and update and did:
                new = rewrite(case, did)
                if new is not None:
                    changed[id(case)] = new
                    verdict = "pass"
            if verdict == "fail":
                failed += 1
                print("not ok %d - %s" % (n, name))
                print("\n".join(why))
            elif verdict == "skip":
                print("ok %d - %s # SKIP %s" % (n, name, why[0]))
            else:
                print("ok %d - %s" % (n, name))
                if verbose and why:
                    print("\n".join(why))
    for path, groups in book:
        if any(id(g) in changed for g in groups):
            text = b"\n\n".join(b"\n".join(changed.get(id(g), g.lines if isinstance(g, Case) else g)) for g in groups) + b"\n"
            with open(path, "wb") as f:
                f.write(text)
            print("# rewritten: " + path)
    print("1..%d" % n)
    print("# %d cases, %d failed, %.1f s" % (n, failed, time.monotonic() - began))
    return 1 if failed or n == 0 else 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main(sys.argv[1:]))
