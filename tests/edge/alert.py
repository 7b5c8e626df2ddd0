#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""alert - wh-alert against a receiver that fails, is slow, redirects, and against programs; TAP

    BIN=build/bin python3 tests/edge/alert.py
"""
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402

SLOW = 5 if cases.SANITIZED else 1
HOME = tempfile.mkdtemp(prefix="alert.")
n = failed = 0


class Receiver(http.server.ThreadingHTTPServer):
    """Answers by a list of statuses (the last one for ever); keeps what it got."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.answers, self.wait = [], [200], 0.0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="/send"):
        return "http://127.0.0.1:%d%s" % (self.server_address[1], path)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        s = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        s.got.append((self.path, dict(self.headers), body))
        time.sleep(s.wait)
        status = s.answers.pop(0) if len(s.answers) > 1 else s.answers[0]
        try:
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *a):
        pass


def check(held, name, why=""):
    global n, failed
    n += 1
    print("%sok %d - %s" % ("" if held else "not ", n, name))
    if not held:
        failed += 1
        print("#   %s" % (why,))
    sys.stdout.flush()


def write(name, text, mode=0o600):
    path = os.path.join(HOME, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def event(severity="fail", **more):
    e = {"event": "dq.check", "severity": severity, "tenant": "main", "table": "ads.gmv", "dt": "2026-11-20", "name": "rows",
         "value": 0, "expected": "1000..", "rows": 0, "bad": 0, "text": "text", "run": None, "ts": 1763600000000}
    e.update(more)
    return json.dumps(e, ensure_ascii=False) + "\n"


def env():
    e = cases.environment(HOME)
    e["PIPEHOUSE_STATE"] = os.path.join(HOME, "state")
    return e


def run(data, *options, config="alert.conf", wait=True):
    p = subprocess.Popen([os.path.join(cases.BIN, "wh-alert"), "--config", os.path.join(HOME, config)] + list(options), cwd=HOME,
                         env=env(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if not wait:
        p.stdin.write(data.encode())
        p.stdin.close()
        return p
    out, err = p.communicate(data.encode(), 60 * SLOW)
    return p.returncode, out, err.decode("utf-8", "replace")


def spooled():
    d = os.path.join(HOME, "state/alert")
    return sorted(x for x in os.listdir(d) if x.endswith(".event")) if os.path.isdir(d) else []


def sms(r, i=-1):
    return dict(urllib.parse.parse_qsl(r.got[i][2].decode(), keep_blank_values=True))


def main():
    r = Receiver()
    write("sms.url", r.url("/sms?token=S3CRET") + "\n")
    write("hook.url", r.url("/hook"))
    write("alert.conf", "# who hears of what\nfail sms to=oncall url-file=sms.url\nwarn webhook url-file=hook.url\n", 0o644)

    status, out, err = run(event() + event("ok") + event("warn", name="null \u0007\nrate\u202e"))
    check(status == 0 and out == b"" and err == "", "a fail and a warn go out, ok is ignored", (status, err))
    check(len(r.got) == 2 and spooled() == [], "two deliveries, an empty spool", (len(r.got), spooled()))
    check(sms(r, 0) == {"to": "oncall", "text": "[FAIL] main ads.gmv 2026-11-20 rows: value 0 expected 1000..: text"},
          "the SMS: a form with to and one line of text", r.got[0][2])
    check(r.got[0][0] == "/sms?token=S3CRET" and r.got[0][1]["Content-Type"] == "application/x-www-form-urlencoded", "its URL and type")
    check(r.got[1][2].decode() == event("warn", name="null \u0007\nrate\u202e").rstrip("\n") and
          r.got[1][1]["Content-Type"] == "application/json", "the webhook gets the event byte for byte", r.got[1][2])

    r.got.clear()
    long = event(text="a\nb\x1b[31m" + "\U0001f600" * 400, value="x" * 5, expected=None)
    status, _, err = run(long)
    text = sms(r)["text"]
    check(status == 0 and len(text) == 300 and "\n" not in text and "\x1b" not in text and text.isprintable() and
          text.startswith("[FAIL] main ads.gmv 2026-11-20 rows: value xxxxx: a\\x0ab\\x1b[31m\U0001f600"),
          "an SMS is one line of at most 300 characters, control bytes masked", text)

    # a receiver that fails first
    r.got.clear()
    r.answers = [500, 429, 200]
    status, _, err = run(event(), "--tries", "5")
    check(status == 0 and len(r.got) == 3 and spooled() == [], "500, 429, then 200: tried again, delivered once taken", (status, len(r.got), err))
    check(len({g[1]["Idempotency-Key"] for g in r.got}) == 1, "each try carries the same Idempotency-Key")

    # down: what is undelivered stays, and the next call brings it
    r.got.clear()
    r.answers = [503]
    status, _, err = run(event(name="first") + event(name="second"), "--tries", "1")
    check(status == 75 and len(spooled()) == 2, "a receiver that is down: 75, both events wait", (status, spooled()))
    check("S3CRET" not in err and "HTTP 503" in err and "2 events wait" in err, "the message says why, and not the URL", err)
    check(len(r.got) <= 3, "a receiver that is down is not asked for each event", len(r.got))
    r.answers = [200]
    r.got.clear()
    status, _, err = run("")
    check(status == 0 and [sms(r, i)["text"].split()[4] for i in range(len(r.got))] == ["first:", "second:"] and spooled() == [],
          "the next call delivers, oldest first, without new input", (status, err, len(r.got)))

    # one of two receivers has it
    write("two.conf", "fail sms to=a url-file=sms.url\nfail webhook url-file=gone.url\n* webhook as=wecom url-file=hook.url\n")
    r.got.clear()
    status, _, err = run(event(), "--tries", "1", config="two.conf")
    check(status == 75 and sorted(g[0] for g in r.got) == ["/hook", "/sms?token=S3CRET"], "two of three have it: 75", (status, err))
    check(json.loads(r.got[1][2]) == {"msgtype": "text", "text": {"content": sms(r, 0)["text"]}}, "as=wecom", r.got[1][2])
    write("gone.url", r.url("/back"))
    r.got.clear()
    status, _, err = run("", config="two.conf")
    check(status == 0 and [g[0] for g in r.got] == ["/back"], "the next call gives it to the third alone", (status, [g[0] for g in r.got]))

    # redirects, slowness
    r.got.clear()
    r.answers = [307]
    status, _, err = run(event(), "--tries", "1")
    check(status == 75 and {g[0] for g in r.got} == {"/sms?token=S3CRET"} and "HTTP 307" in err, "a redirect is not followed", (status, err))
    r.answers, r.wait = [200], 3.0 * SLOW
    began = time.monotonic()
    status, _, err = run("", "--tries", "1", "--timeout", "300ms")
    check(status == 75 and time.monotonic() - began < 2.5 * SLOW and len(spooled()) == 1, "a slow receiver: given up after --timeout", (status, err))
    r.wait = 0.0
    status, _, err = run("")
    check(status == 0 and spooled() == [], "and delivered when it is quick again", (status, err))

    # kill -9 between the spool and the delivery
    r.answers, r.wait = [200], 2.0 * SLOW
    r.got.clear()
    p = run(event(name="killed"), wait=False)
    deadline = time.monotonic() + 20 * SLOW
    while not r.got and time.monotonic() < deadline:
        time.sleep(0.01)
    p.send_signal(signal.SIGKILL)
    p.wait()
    p.stdout.close()
    p.stderr.close()
    check(len(spooled()) == 1, "kill -9 in mid-delivery: the event is in the spool", spooled())
    r.wait = 0.0
    status, _, err = run("")
    check(status == 0 and sms(r)["text"].split()[4] == "killed:" and len({g[1]["Idempotency-Key"] for g in r.got}) == 1,
          "the next call delivers it under the same key", (status, err))

    # two at once
    r.got.clear()
    many = [run("".join(event(name="p%d-%d" % (k, i)) for i in range(5)), wait=False) for k in range(4)]
    codes = []
    for p in many:
        codes.append(p.wait(60 * SLOW))
        p.stdout.close()
        p.stderr.close()
    names = sorted(sms(r, i)["text"].split()[4] for i in range(len(r.got)))
    check(codes == [0] * 4 and names == sorted("p%d-%d:" % (k, i) for k in range(4) for i in range(5)) and spooled() == [],
          "four at once: each event exactly once", (codes, len(names)))

    # programs: an argument array, the event on stdin, a clean environment, no shell
    prog = write("prog", "#!/bin/sh\ncat >%s/heard\nenv | sort >%s/env\nprintf '%%s\\n' \"$@\" >%s/args\nls /proc/self/fd >%s/fds\n" % ((HOME,) * 4), 0o700)
    write("exec.conf", "fail exec %s 'a b' '$(touch %s/x)' --flag\n" % (prog, HOME))
    nasty = event(text="$(touch %s/x); `id` -rf" % HOME)
    status, _, err = run(nasty, config="exec.conf")
    read = lambda f: open(os.path.join(HOME, f)).read()
    check(status == 0 and read("heard") == nasty, "exec: the event on standard input", (status, err))
    check(read("args") == "a b\n$(touch %s/x)\n--flag\n" % HOME and not os.path.exists(os.path.join(HOME, "x")), "exec: its arguments as written, no shell")
    left = {x.split("=")[0] for x in read("env").split()} - {"PWD", "SHLVL", "_", "OLDPWD"}
    check(left == {"PATH", "LC_ALL"}, "exec: nothing of our environment", left)
    check(set(read("fds").split()) <= {"0", "1", "2", "3"}, "exec: no descriptor of ours", read("fds"))
    hang = write("hang", "#!/bin/sh\nsleep 300 &\necho $! >%s/child\nsleep 300\n" % HOME, 0o700)
    write("hang.conf", "fail exec %s\n" % hang)
    status, _, err = run(event(), "--tries", "1", "--timeout", "500ms", config="hang.conf")
    child = int(read("child"))
    time.sleep(0.1)
    alive = os.path.exists("/proc/%d" % child) and open("/proc/%d/stat" % child).read().split()[2] not in "ZX"
    check(status == 75 and "killed after 500 ms" in err and not alive, "exec: a program that hangs is killed with its children", (status, err, alive))
    shutil.rmtree(os.path.join(HOME, "state"))
    write("no.conf", "fail exec %s\n" % write("fails", "#!/bin/sh\nexit 7\n", 0o700))
    status, _, err = run(event(), "--tries", "2", config="no.conf")
    check(status == 75 and "ended with 7" in err and len(spooled()) == 1, "exec: a program that fails leaves the event in the spool", (status, err))
    shutil.rmtree(os.path.join(HOME, "state"))

    # what is refused, before an event is read
    os.chmod(os.path.join(HOME, "fails"), 0o722)
    for name, text in (("others can change the program", "fail exec %s/fails\n" % HOME), ("needs an absolute path", "fail exec fails\n"),
                       ("no such program", "fail exec /no/such\n"), ("the severity is", "bad sms to=x url-file=sms.url\n"),
                       ("the kind is", "fail mail to=x\n"), ("sms needs", "fail sms to=x\n"), ("sms knows", "fail sms to=x url-file=u url=http://x\n"),
                       ("as= is", "fail sms to=x url-file=sms.url as=xml\n"), ("no line is for fail", "warn sms to=x url-file=sms.url\n")):
        write("bad.conf", text)
        status, _, err = run(event(), config="bad.conf")
        check(status == 2 and name in err, "config refused: " + name, (status, err))
    write("open.conf", "fail sms to=x url-file=sms.url\n", 0o666)
    status, _, err = run(event(), config="open.conf")
    check(status == 2 and "others can write it" in err, "config refused: others can write it", (status, err))

    # a URL that others can read, and one that leaves this machine without TLS
    for name, mode, url, words in (("loose.url", 0o644, r.url(), "others can read it"), ("far.url", 0o600, "http://192.0.2.1/x", "without TLS"),
                                   ("file.url", 0o600, "file:///etc/passwd", "neither http nor https"), ("none.url", 0o600, "", "is empty")):
        write(name, url, mode)
        write("url.conf", "fail sms to=x url-file=%s\n" % name)
        r.got.clear()
        status, _, err = run(event(), "--tries", "1", config="url.conf")
        check(status == 75 and words in err and not r.got and len(spooled()) == 1, "undelivered: " + words, (status, err))
        shutil.rmtree(os.path.join(HOME, "state"))

    # bad records
    r.got.clear()
    status, _, err = run(event(name="good") + event("loud") + '{"event":"x"}\n', "--reject", os.path.join(HOME, "rejects"))
    rows = [json.loads(x) for x in read("rejects").splitlines()]
    check(status == 0 and [x["line"] for x in rows] == [2, 3] and len(r.got) == 1, "no severity: rejected, the rest goes out", (status, err))
    status, _, err = run(event(name="before") + "nonsense\n")
    check(status == 3 and sms(r)["text"].split()[4] == "before:" and spooled() == [], "a bad line stops it with 3; what came before is delivered", (status, err))
    os.chmod(os.path.join(HOME, "state/alert"), 0o777)
    status, _, err = run(event())
    check(status == 2 and "others can write it" in err, "a spool that others can write is refused", (status, err))
    r.shutdown()
    print("1..%d" % n)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    sys.exit(code)
