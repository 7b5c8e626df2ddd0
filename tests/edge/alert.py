#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""alert - wh-alert against a receiver that fails, is slow, redirects, and against programs; TAP

    BIN=build/bin python3 tests/edge/alert.py
"""
import base64
import email
import email.policy
import glob
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import cases  # noqa: E402
from tap import finish, point  # noqa: E402

SLOW = 5 if cases.SANITIZED else 1
HOME = tempfile.mkdtemp(prefix="alert.")


class Receiver(http.server.ThreadingHTTPServer):
    """Answers by a list of statuses (the last one for ever); keeps what it got."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.answers, self.says = [], [200], b""
        self.open = threading.Event()       # who is slow answers when it is set
        self.open.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path="/send"):
        return "http://127.0.0.1:%d%s" % (self.server_address[1], path)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        s = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        s.got.append((self.path, dict(self.headers), body))
        s.open.wait(600)
        status = s.answers.pop(0) if len(s.answers) > 1 else s.answers[0]
        try:
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(s.says)))
            self.end_headers()
            self.wfile.write(s.says)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def log_message(self, *a):
        pass


class Mail(socketserver.ThreadingTCPServer):
    """A mail server: keeps (login, from, to, message) of what it took; refuses recipients that begin with no."""
    daemon_threads, allow_reuse_address = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.got, self.lines, self.cut = [], [], False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Talk(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        s, login, sender, to = self.server, None, None, []
        self.say("220 test")
        for raw in self.rfile:
            line = raw.decode("latin-1").rstrip("\r\n")
            s.lines.append(line)
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                self.say("250-test\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                self.say("334 ")
                login = base64.b64decode(self.rfile.readline()).split(b"\0")[1:]
                self.say("235 ok")
            elif word == "MAIL":
                sender = line[10:]
                self.say("250 ok")
            elif word == "RCPT":
                to.append(line[8:])
                self.say("550 nobody" if "<no" in line else "250 ok")
            elif word == "DATA":
                self.say("354 go on")
                text = b""
                while (raw := self.rfile.readline()) not in (b".\r\n", b""):
                    text += raw[1:] if raw.startswith(b"..") else raw
                if s.cut:
                    return
                s.got.append((login, sender, to, text))
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("500 what")


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


def mails(r):
    m = Mail()
    write("mail.url", "smtp://bot:S3CRET%%40x@127.0.0.1:%d\n" % m.server_address[1])
    write("mail.conf", "fail mail to=oncall@example.org,b.c+d@example.net from=wh@example.com url-file=mail.url\n")
    nasty = event(name="rows\r\nBcc: evil@example.org\r\n.\r\nMAIL FROM:<x>", text="中文 " * 30 + "\n.\nQUIT")
    status, _, err = run(nasty, config="mail.conf")
    point(status == 0 and len(m.got) == 1 and spooled() == [], "mail: delivered", (status, err))
    login, sender, to, text = m.got[0]
    point(login == [b"bot", b"S3CRET@x"] and sender == "<wh@example.com>" and to == ["<oncall@example.org>", "<b.c+d@example.net>"],
          "mail: the login of the file, both addresses", (login, sender, to))
    head = text.split(b"\r\n\r\n")[0].decode()
    names = [x.split(":")[0] for x in head.split("\r\n") if x[0] not in " \t"]
    point(sorted(names) == sorted(["Date", "From", "To", "Message-ID", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
                                   "Auto-Submitted"]) and max(map(len, text.decode().split("\r\n"))) <= 78, "mail: no header but ours, short lines", head)
    msg = email.message_from_bytes(text, policy=email.policy.default)
    body = msg.get_content()
    point(msg["Subject"].startswith("[FAIL] main ads.gmv 2026-11-20 rows\\x0d\\x0aBcc: evil@example.org") and "中文 中文" in msg["Subject"] and
          body.split("\n")[0] == msg["Subject"] and body.split("\n")[2] + "\n" == nasty, "mail: subject and body say what happened", (msg["Subject"], body))
    point([x.split(" ")[0] for x in m.lines] == ["EHLO", "AUTH", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"], "mail: no command from the data", m.lines)
    m.got.clear()
    m.cut = True
    status, _, err = run(event(), "--tries", "1", config="mail.conf")
    point(status == 75 and len(spooled()) == 1 and "S3CRET" not in err, "mail: a server that goes away before it took it: it waits", (status, err))
    m.cut = False
    status, _, err = run("", config="mail.conf")
    point(status == 0 and len(m.got) == 1 and spooled() == [], "mail: and is delivered later", (status, err))
    write("mail.conf", "fail mail to=nobody@example.org from=wh@example.com url-file=mail.url\n")
    status, _, err = run(event(), "--tries", "1", config="mail.conf")
    point(status == 75 and "SMTP 550" in err and len(spooled()) == 1, "mail: refused: 75", (status, err))
    shutil.rmtree(os.path.join(HOME, "state"))
    for url, words in (("smtp://192.0.2.1", None), ("http://127.0.0.1/", "neither smtp nor smtps"), ("smtp://", "not a URL")):
        write("mail.url", url)
        status, _, err = run(event(), "--tries", "1", "--timeout", "300ms", config="mail.conf")
        point(status == 75 and (words is None or words in err), "mail: undelivered by " + url, (status, err))
        shutil.rmtree(os.path.join(HOME, "state"))
    for line, words in (("to=x from=a@b url-file=u", "to= is no"), ("to=a@b,-x@y from=a@b url-file=u", "to= is no"), ("'to=a@b\rBcc: c@d' from=a@b url-file=u", "to= is no"),
                        ("to=a@b from=a@b,c@d url-file=u", "from= is no"), ("to=a@b url-file=u", "mail needs"), ("to=a@b from=a@b url-file=u as=text", "mail knows"),
                        ("to=a@b, from=a@b url-file=u", "to= is no")):
        write("bad.conf", "fail mail %s\n" % line)
        status, _, err = run(event(), config="bad.conf")
        point(status == 2 and words in err, "mail: refused: %r" % line, (status, err))
    m.shutdown()


def signatures(r):
    key = "SEC-canary-key"
    write("key", key + "\n")
    write("hook.url", r.url("/hook?token=T"))
    r.says = b'{"errcode":0,"errmsg":"ok"}'
    mac = lambda k, m: hmac.new(k.encode(), m if isinstance(m, bytes) else m.encode(), hashlib.sha256)
    for as_ in ("event", "text"):
        write("sign.conf", "fail webhook as=%s sign=hmac url-file=hook.url key-file=key\n" % as_)
        r.got.clear()
        status, _, err = run(event(), config="sign.conf")
        _, head, body = r.got[0]
        when = head["X-Pipehouse-Timestamp"]
        point(status == 0 and head["X-Pipehouse-Signature"] == "sha256=" + mac(key, when.encode() + b"." + body).hexdigest() and abs(int(when) - time.time()) < 300,
              "sign=hmac, as=%s: the HMAC of time and body in a header" % as_, (status, err, head))
    write("sign.conf", "fail webhook as=dingtalk sign=dingtalk url-file=hook.url key-file=key\n")
    r.got.clear()
    status, _, err = run(event(), config="sign.conf")
    path, head, body = r.got[0]
    q = dict(urllib.parse.parse_qsl(path.split("?")[1]))
    want = base64.b64encode(mac(key, q["timestamp"] + "\n" + key).digest()).decode()
    point(status == 0 and q["token"] == "T" and q["sign"] == want and len(q["timestamp"]) == 13 and json.loads(body)["msgtype"] == "text",
          "sign=dingtalk: time and HMAC in the query", (status, err, path))
    write("sign.conf", "fail webhook as=feishu sign=feishu url-file=hook.url key-file=key\n")
    r.got.clear()
    status, _, err = run(event(), config="sign.conf")
    body = json.loads(r.got[0][2])
    point(status == 0 and body["sign"] == base64.b64encode(mac(body["timestamp"] + "\n" + key, "").digest()).decode() and body["msg_type"] == "text" and
          body["content"]["text"].startswith("[FAIL]"), "sign=feishu: time and HMAC in the body", (status, err, body))
    point(all(key.encode() not in repr(g).encode() for g in r.got), "the key itself never goes out")
    # each try has a time and a signature of its own
    r.got.clear()
    r.answers = [500, 200]
    write("sign.conf", "fail webhook sign=hmac url-file=hook.url key-file=key\n")
    status, _, err = run(event(), config="sign.conf")
    point(status == 0 and len(r.got) == 2 and all(h["X-Pipehouse-Signature"] == "sha256=" + mac(key, h["X-Pipehouse-Timestamp"].encode() + b"." + b).hexdigest()
                                                  for _, h, b in r.got), "each try is signed anew", (status, err))
    # receivers that refuse with 200
    r.answers = [200]
    for as_, says, words in (("dingtalk", '{"errcode": 310000,"errmsg":"sign not match S3CRET"}', "errcode 310000"), ("wecom", '{"errcode":93000}', "errcode 93000"),
                             ("feishu", '{"code":19021,"msg":"sign match fail"}', "code 19021")):
        write("sign.conf", "fail webhook as=%s url-file=hook.url\n" % as_)
        r.says = says.encode()
        status, _, err = run(event(), "--tries", "1", config="sign.conf")
        point(status == 75 and words in err and "S3CRET" not in err and len(spooled()) == 1, "as=%s: 200 with %s is a refusal" % (as_, words), (status, err))
        shutil.rmtree(os.path.join(HOME, "state"))
    r.says = b""
    os.chmod(os.path.join(HOME, "key"), 0o640)
    write("sign.conf", "fail webhook sign=hmac url-file=hook.url key-file=key\n")
    r.got.clear()
    status, _, err = run(event(), "--tries", "1", config="sign.conf")
    point(status == 75 and "others can read it" in err and not r.got, "a key that others can read is not used", (status, err))
    shutil.rmtree(os.path.join(HOME, "state"))
    for line, words in (("sign=hmac url-file=u", "needs key-file"), ("key-file=k url-file=u", "goes with sign"), ("sign=md5 key-file=k url-file=u", "sign= is"),
                        ("sign=feishu key-file=k url-file=u", "goes with as=feishu")):
        write("bad.conf", "fail webhook %s\n" % line)
        status, _, err = run(event(), config="bad.conf")
        point(status == 2 and words in err, "refused: webhook " + line, (status, err))


def told():
    return glob.glob(os.path.join(HOME, "state/alert/*.told"))


def pass_window():
    """As if the windows were over: their end lies in the past."""
    for path in told():
        first, rest = open(path).read().split("\n", 1)
        words = first.split(" ")
        words[1] = words[0]
        with open(path, "w") as f:
            f.write(" ".join(words) + "\n" + rest)


def dedupe(r):
    write("sms.url", r.url("/sms"))
    write("d.conf", "* sms to=x url-file=sms.url\n")
    d = ("--dedupe", "1h")
    text = lambda: [sms(r, i)["text"] for i in range(len(r.got))]
    r.got.clear()
    status, _, err = run(event(text="t1") + event(text="t2", value=5, ts=1) + event(name="other") + event("warn") + event(dt="2026-11-21"), *d, config="d.conf")
    point(status == 0 and len(r.got) == 4 and spooled() == [], "--dedupe: the second of two is held back; other names, severities, days are others", (status, err, text()))
    status, _, err = run(event(text="t3") * 7, *d, "--stats", os.path.join(HOME, "st"), config="d.conf")
    st = json.loads(open(os.path.join(HOME, "st")).read())
    point(status == 0 and len(r.got) == 4 and (st["suppressed"], st["delivered"]) == (7, 0), "a later call holds back too", (status, err, st))
    r.got.clear()
    pass_window()
    status, _, err = run("", *d, config="d.conf")
    point(status == 0 and len(r.got) == 1 and "value 8: 8 more were held back since 2" in text()[0] and text()[0].endswith("; the last one: t3") and told() == [],
          "when the window is over: how many it were, and the last one", (status, err, text()))
    r.got.clear()
    status, _, err = run(event(text="t4"), *d, config="d.conf")
    point(status == 0 and len(r.got) == 1 and text()[0].endswith(": t4"), "then it is told again", text())
    pass_window()
    r.got.clear()
    status, _, err = run(event(text="t5"), *d, config="d.conf")
    point(status == 0 and len(r.got) == 1 and text()[0].endswith(": t5"), "nothing held back, nothing said of it", text())
    run(event(text="t6"), *d, config="d.conf")
    r.got.clear()
    pass_window()
    status, _, err = run(event(text="t7"), *d, config="d.conf")
    point(status == 0 and sorted("held back" in t for t in text()) == [False, True] and spooled() == [], "a window that is over and a new alert: both are told", text())
    shutil.rmtree(os.path.join(HOME, "state"))

    # the one that opened the window waits for its receiver; those behind it are held back all the same
    r.got.clear()
    r.answers = [503]
    status, _, err = run(event(text="w1") + event(text="w2"), "--tries", "1", *d, config="d.conf")
    point(status == 75 and len(spooled()) == 1, "a receiver that is down: one waits, one is counted", (status, err, spooled()))
    r.answers = [200]
    r.got.clear()
    status, _, err = run("", *d, config="d.conf")
    point(status == 0 and [t.split(": ")[-1] for t in text()] == ["w1"], "it is delivered, although its window is open", (status, err, text()))
    shutil.rmtree(os.path.join(HOME, "state"))

    # kill -9 at many moments: none lost, none counted twice
    r.got.clear()
    sent = 0
    for k in range(12):
        p = run("".join(event(text="k") for _ in range(20)), *d, config="d.conf", wait=False)
        time.sleep(0.004 * k * SLOW)
        p.send_signal(signal.SIGKILL)
        p.wait()
        p.stdout.close()
        p.stderr.close()
    sent = len(spooled())
    status, _, err = run("", *d, config="d.conf")
    opened = [int(open(f).readline().split(" ")[2]) for f in told()]
    pass_window()
    mid = len(r.got)
    status, _, err = run("", *d, config="d.conf")
    keys = {g[1]["Idempotency-Key"] for g in r.got}
    point(status == 0 and spooled() == [] and told() == [] and len(opened) <= 1 and mid >= (1 if opened else 0), "kill -9 while it counts: it goes on", (status, err, opened, sent))
    point(len([k for k in keys if "-held-" not in k]) <= 1 and (not opened or opened[0] == 0 or "value %d: %d more were held back" % (opened[0], opened[0]) in text()[-1]),
          "one told, the others counted once", (opened, text()))
    # counted, killed before the letter was dropped: the same letter is not counted again
    if os.path.isdir(os.path.join(HOME, "state")):
        shutil.rmtree(os.path.join(HOME, "state"))
    run(event(text="c1"), *d, config="d.conf")
    p = run(event(text="c2"), *d, config="d.conf")
    path = told()[0]
    last = open(path).readline().split()[4]
    with open(os.path.join(HOME, "state/alert", last + ".event"), "w") as f:
        f.write(event(text="c2"))
    status, _, err = run("", *d, config="d.conf")
    point(status == 0 and open(path).readline().split()[2] == "1" and spooled() == [], "a letter that was counted and not dropped is counted once", open(path).read())
    # a file that is none of ours, a clock that went back
    with open(path, "w") as f:
        f.write("nonsense\n")
    r.got.clear()
    point(run(event(text="n"), *d, config="d.conf")[0] == 0 and len(r.got) == 1, "a damaged window is as good as none: the alert is told", text())
    words = open(path).readline().split()
    ahead = int(words[0]) + 10 ** 9
    with open(path, "w") as f:
        f.write("%d %d 0 x x\n{}\n" % (ahead, ahead + 10 ** 6))
    r.got.clear()
    point(run(event(text="n"), *d, config="d.conf")[0] == 0 and len(r.got) == 1, "a window that begins in the future is over: the clock went back", text())
    shutil.rmtree(os.path.join(HOME, "state"))
    point(run("", "--dedupe", "0", config="d.conf")[0] == 2 and run("", "--dedupe", "soon", config="d.conf")[0] == 2, "--dedupe: durations that are none")


def secrets(r):
    """Nothing that is secret stands where other users, or the programs we start, can see it."""
    write("sms.url", r.url("/sms?token=CANARYTOKEN"))
    write("key", "CANARYKEY")
    look = write("look", "#!/bin/sh\ncat /proc/$PPID/cmdline /proc/self/environ /proc/self/cmdline /proc/$PPID/environ >%s/seen 2>/dev/null\ntrue\n" % HOME, 0o700)
    write("look.conf", "fail sms to=x url-file=sms.url sign=hmac key-file=key\nfail exec %s\n" % look)
    status, _, err = run(event(), config="look.conf")
    seen = open(os.path.join(HOME, "seen"), "rb").read()
    point(status == 0 and b"wh-alert" in seen and b"CANARY" not in seen, "no URL and no key in an argument or the environment of ours and of programs", seen[:300])


def main():
    r = Receiver()
    write("sms.url", r.url("/sms?token=S3CRET") + "\n")
    write("hook.url", r.url("/hook"))
    write("alert.conf", "# who hears of what\nfail sms to=oncall url-file=sms.url\nwarn webhook url-file=hook.url\n", 0o644)

    status, out, err = run(event() + event("ok") + event("warn", name="null \u0007\nrate\u202e"))
    point(status == 0 and out == b"" and err == "", "a fail and a warn go out, ok is ignored", (status, err))
    point(len(r.got) == 2 and spooled() == [], "two deliveries, an empty spool", (len(r.got), spooled()))
    point(sms(r, 0) == {"to": "oncall", "text": "[FAIL] main ads.gmv 2026-11-20 rows: value 0 expected 1000..: text"},
          "the SMS: a form with to and one line of text", r.got[0][2])
    point(r.got[0][0] == "/sms?token=S3CRET" and r.got[0][1]["Content-Type"] == "application/x-www-form-urlencoded", "its URL and type")
    point(r.got[1][2].decode() == event("warn", name="null \u0007\nrate\u202e").rstrip("\n") and
          r.got[1][1]["Content-Type"] == "application/json", "the webhook gets the event byte for byte", r.got[1][2])

    r.got.clear()
    long = event(text="a\nb\x1b[31m" + "\U0001f600" * 400, value="x" * 5, expected=None)
    status, _, err = run(long)
    text = sms(r)["text"]
    point(status == 0 and len(text) == 300 and "\n" not in text and "\x1b" not in text and text.isprintable() and
          text.startswith("[FAIL] main ads.gmv 2026-11-20 rows: value xxxxx: a\\x0ab\\x1b[31m\U0001f600"),
          "an SMS is one line of at most 300 characters, control bytes masked", text)

    # a receiver that fails first
    r.got.clear()
    r.answers = [500, 429, 200]
    status, _, err = run(event(), "--tries", "5")
    point(status == 0 and len(r.got) == 3 and spooled() == [], "500, 429, then 200: tried again, delivered once taken", (status, len(r.got), err))
    point(len({g[1]["Idempotency-Key"] for g in r.got}) == 1, "each try carries the same Idempotency-Key")

    # down: what is undelivered stays, and the next call brings it
    r.got.clear()
    r.answers = [503]
    status, _, err = run(event(name="first") + event(name="second"), "--tries", "1")
    point(status == 75 and len(spooled()) == 2, "a receiver that is down: 75, both events wait", (status, spooled()))
    point("S3CRET" not in err and "HTTP 503" in err and "2 events wait" in err, "the message says why, and not the URL", err)
    point(len(r.got) <= 3, "a receiver that is down is not asked for each event", len(r.got))
    r.answers = [200]
    r.got.clear()
    status, _, err = run("")
    point(status == 0 and [sms(r, i)["text"].split()[4] for i in range(len(r.got))] == ["first:", "second:"] and spooled() == [],
          "the next call delivers, oldest first, without new input", (status, err, len(r.got)))

    # one of two receivers has it
    write("two.conf", "fail sms to=a url-file=sms.url\nfail webhook url-file=gone.url\n* webhook as=wecom url-file=hook.url\n")
    r.got.clear()
    status, _, err = run(event(), "--tries", "1", config="two.conf")
    point(status == 75 and sorted(g[0] for g in r.got) == ["/hook", "/sms?token=S3CRET"], "two of three have it: 75", (status, err))
    point(json.loads(r.got[1][2]) == {"msgtype": "text", "text": {"content": sms(r, 0)["text"]}}, "as=wecom", r.got[1][2])
    write("gone.url", r.url("/back"))
    r.got.clear()
    status, _, err = run("", config="two.conf")
    point(status == 0 and [g[0] for g in r.got] == ["/back"], "the next call gives it to the third alone", (status, [g[0] for g in r.got]))

    # redirects, slowness
    r.got.clear()
    r.answers = [307]
    status, _, err = run(event(), "--tries", "1")
    point(status == 75 and {g[0] for g in r.got} == {"/sms?token=S3CRET"} and "HTTP 307" in err, "a redirect is not followed", (status, err))
    r.answers = [200]
    r.open.clear()
    status, _, err = run("", "--tries", "1", "--timeout", "300ms")
    point(status == 75 and len(spooled()) == 1, "a slow receiver: given up after --timeout", (status, err))
    r.open.set()
    status, _, err = run("")
    point(status == 0 and spooled() == [], "and delivered when it is quick again", (status, err))

    # kill -9 between the spool and the delivery
    r.open.clear()
    r.got.clear()
    p = run(event(name="killed"), wait=False)
    deadline = time.monotonic() + 60 * SLOW
    while not r.got and time.monotonic() < deadline:
        time.sleep(0.01)
    p.send_signal(signal.SIGKILL)
    p.wait()
    p.stdout.close()
    p.stderr.close()
    point(len(spooled()) == 1, "kill -9 in mid-delivery: the event is in the spool", spooled())
    r.open.set()
    status, _, err = run("")
    point(status == 0 and sms(r)["text"].split()[4] == "killed:" and len({g[1]["Idempotency-Key"] for g in r.got}) == 1,
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
    point(codes == [0] * 4 and names == sorted("p%d-%d:" % (k, i) for k in range(4) for i in range(5)) and spooled() == [],
          "four at once: each event exactly once", (codes, len(names)))

    # programs: an argument array, the event on stdin, a clean environment, no shell
    prog = write("prog", "#!/bin/sh\ncat >%s/heard\nenv | sort >%s/env\nprintf '%%s\\n' \"$@\" >%s/args\nls /proc/self/fd >%s/fds\n" % ((HOME,) * 4), 0o700)
    write("exec.conf", "fail exec %s 'a b' '$(touch %s/x)' --flag\n" % (prog, HOME))
    nasty = event(text="$(touch %s/x); `id` -rf" % HOME)
    status, _, err = run(nasty, config="exec.conf")
    read = lambda f: open(os.path.join(HOME, f)).read()
    point(status == 0 and read("heard") == nasty, "exec: the event on standard input", (status, err))
    point(read("args") == "a b\n$(touch %s/x)\n--flag\n" % HOME and not os.path.exists(os.path.join(HOME, "x")), "exec: its arguments as written, no shell")
    left = {x.split("=")[0] for x in read("env").split()} - {"PWD", "SHLVL", "_", "OLDPWD"}
    point(left == {"PATH", "LC_ALL"}, "exec: nothing of our environment", left)
    point(set(read("fds").split()) <= {"0", "1", "2", "3"}, "exec: no descriptor of ours", read("fds"))
    hang = write("hang", "#!/bin/sh\nsleep 300 &\necho $! >%s/child\nsleep 300\n" % HOME, 0o700)
    write("hang.conf", "fail exec %s\n" % hang)
    status, _, err = run(event(), "--tries", "1", "--timeout", "3s", config="hang.conf")
    child, deadline = int(read("child")), time.monotonic() + 20 * SLOW

    def lives():
        try:
            return open("/proc/%d/stat" % child).read().split()[2] not in "ZX"
        except OSError:
            return False
    while lives() and time.monotonic() < deadline:
        time.sleep(0.02)
    alive = lives()
    point(status == 75 and "killed after 3000 ms" in err and not alive, "exec: a program that hangs is killed with its children", (status, err, alive))
    shutil.rmtree(os.path.join(HOME, "state"))
    write("no.conf", "fail exec %s\n" % write("fails", "#!/bin/sh\nexit 7\n", 0o700))
    status, _, err = run(event(), "--tries", "2", config="no.conf")
    point(status == 75 and "ended with 7" in err and len(spooled()) == 1, "exec: a program that fails leaves the event in the spool", (status, err))
    shutil.rmtree(os.path.join(HOME, "state"))

    # what is refused, before an event is read
    os.chmod(os.path.join(HOME, "fails"), 0o722)
    for name, text in (("others can change the program", "fail exec %s/fails\n" % HOME), ("needs an absolute path", "fail exec fails\n"),
                       ("no such program", "fail exec /no/such\n"), ("the severity is", "bad sms to=x url-file=sms.url\n"),
                       ("the kind is", "fail fax to=x\n"), ("sms needs", "fail sms to=x\n"), ("sms knows", "fail sms to=x url-file=u url=http://x\n"),
                       ("as= is", "fail sms to=x url-file=sms.url as=xml\n"), ("no line is for fail", "warn sms to=x url-file=sms.url\n")):
        write("bad.conf", text)
        status, _, err = run(event(), config="bad.conf")
        point(status == 2 and name in err, "config refused: " + name, (status, err))
    write("open.conf", "fail sms to=x url-file=sms.url\n", 0o666)
    status, _, err = run(event(), config="open.conf")
    point(status == 2 and "others can write it" in err, "config refused: others can write it", (status, err))

    # a URL that others can read, and one that leaves this machine without TLS
    for name, mode, url, words in (("loose.url", 0o644, r.url(), "others can read it"), ("far.url", 0o600, "http://192.0.2.1/x", "without TLS"),
                                   ("near.url", 0o600, "http://127.1.evil.example/x", "without TLS"),
                                   ("file.url", 0o600, "file:///etc/passwd", "neither http nor https"), ("none.url", 0o600, "", "is empty")):
        write(name, url, mode)
        write("url.conf", "fail sms to=x url-file=%s\n" % name)
        r.got.clear()
        status, _, err = run(event(), "--tries", "1", config="url.conf")
        point(status == 75 and words in err and not r.got and len(spooled()) == 1, "undelivered: " + words, (status, err))
        shutil.rmtree(os.path.join(HOME, "state"))

    # bad records
    r.got.clear()
    status, _, err = run(event(name="good") + event("loud") + '{"event":"x"}\n', "--reject", os.path.join(HOME, "rejects"))
    rows = [json.loads(x) for x in read("rejects").splitlines()]
    point(status == 0 and [x["line"] for x in rows] == [2, 3] and len(r.got) == 1, "no severity: rejected, the rest goes out", (status, err))
    status, _, err = run(event(name="before") + "nonsense\n")
    point(status == 3 and sms(r)["text"].split()[4] == "before:" and spooled() == [], "a bad line stops it with 3; what came before is delivered", (status, err))
    os.chmod(os.path.join(HOME, "state/alert"), 0o777)
    status, _, err = run(event())
    point(status == 2 and "others can write it" in err, "a spool that others can write is refused", (status, err))
    shutil.rmtree(os.path.join(HOME, "state"))
    mails(r)
    signatures(r)
    dedupe(r)
    secrets(r)
    r.shutdown()
    return finish()


if __name__ == "__main__":
    try:
        code = main()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    sys.exit(code)
