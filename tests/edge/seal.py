#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""seal - what json-clean encrypts against AES-SIV (RFC 5297) written down here over openssl's CMAC and CTR; TAP

    BIN=build/bin python3 tests/edge/seal.py

The command uses openssl's SIV; here only its CMAC and its CTR are, and S2V is ours.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BIN", os.path.join(TOP, "build/bin")))
sys.path.insert(0, os.path.join(TOP, "tests"))
from tap import finish, point  # noqa: E402


def openssl(args, data):
    return subprocess.run(["openssl"] + args, input=data, stdout=subprocess.PIPE, check=True).stdout


def cmac(key, data):
    out = openssl(["mac", "-cipher", "AES-%d-CBC" % (8 * len(key)), "-macopt", "hexkey:" + key.hex(), "-in", "-", "-binary", "CMAC"], data)
    return out[:16]


def double(block):
    n = int.from_bytes(block, "big") << 1
    return ((n ^ 0x87 if n >> 128 else n) & (1 << 128) - 1).to_bytes(16, "big")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def siv(key, headers, text):
    """RFC 5297, 2.4 and 2.6."""
    k1, k2 = key[:len(key) // 2], key[len(key) // 2:]
    d = cmac(k1, bytes(16))
    for h in headers:
        d = xor(double(d), cmac(k1, h))
    t = text[:-16] + xor(text[-16:], d) if len(text) >= 16 else xor(double(d), (text + b"\x80").ljust(16, b"\0"))
    v = cmac(k1, t)
    q = bytearray(v)
    q[8] &= 0x7f
    q[12] &= 0x7f
    return v + openssl(["enc", "-aes-%d-ctr" % (8 * len(k2)), "-K", k2.hex(), "-iv", bytes(q).hex()], text)


def sealed(keyid, key, value):
    text = b"s" + value.encode() if isinstance(value, str) else b"j" + json.dumps(value).encode()
    head = b"enc:v1:" + keyid + b":"
    return (head + base64.urlsafe_b64encode(siv(key, [head], text)).rstrip(b"=")).decode()


def outside(d):
    """What others of the same user see of a process that holds a key: (who /proc says owns its memory, its limits).

    The kernel gives the files of a process that is not dumpable to root.  So the process is one of a user that is not."""
    other = 65534 if os.geteuid() == 0 else os.geteuid()
    tool = shutil.copy(BIN + "/json-clean", d + "/json-clean")      # where that user can reach it
    os.chmod(d, 0o711)
    for top, names, files in os.walk(d):
        for x in names + files:
            os.chown(os.path.join(top, x), other, -1)
    switch = {"user": other, "extra_groups": []} if os.geteuid() == 0 else {}
    p = subprocess.Popen([tool, "-s", d + "/s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         env=dict(os.environ, PIPEHOUSE_ROOT=d, PIPEHOUSE_TENANT="main"), **switch)
    p.stdin.write(b'{"v":1}\n')
    p.stdin.flush()
    began = p.stdout.read(1)        # it has read the key
    owner, limits = os.stat("/proc/%d/mem" % p.pid).st_uid, open("/proc/%d/limits" % p.pid).read()
    p.stdin.close()
    rest = p.stdout.read()
    return p.wait() == 0 and (began + rest).startswith(b'{"v":"enc:'), owner, limits


def main():
    rfc = siv(bytes.fromhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
              [bytes.fromhex("101112131415161718191a1b1c1d1e1f2021222324252627")], bytes.fromhex("112233445566778899aabbccddee"))
    point(rfc.hex() == "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c", "the oracle itself: RFC 5297, A.1")
    values = ["", "x", "13812345678", "北京市朝阳区", "a\nb\"c\\", "q" * 14, "q" * 15, "q" * 16, "é" * 40, 7, -12, True, [1, 2]]
    with tempfile.TemporaryDirectory() as d:
        os.makedirs(d + "/main/keys")
        with open(d + "/s", "w") as f:
            f.write("* encrypt key=pii\n")
        for size in (32, 64):
            key = bytes((i * 7 + size) % 256 for i in range(size))
            path = d + "/main/keys/pii"
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
                f.write("id-%d %s\n" % (size, key.hex()))
            out = subprocess.run([BIN + "/json-clean", "-s", d + "/s"], stdout=subprocess.PIPE, check=True,
                                 env=dict(os.environ, PIPEHOUSE_ROOT=d, PIPEHOUSE_TENANT="main"),
                                 input="".join(json.dumps({"v": v}) + "\n" for v in values).encode()).stdout.splitlines()
            got = [json.loads(x)["v"] for x in out]
            for v, g in zip(values, got):
                want = sealed(b"id-%d" % size, key, v)
                point(g == want, "AES-%d-SIV of %s" % (4 * size, json.dumps(v)[:30]), "got  %s\nwant %s" % (g, want))
            point(len(got) == len(values), "as many as went in")
        done, owner, limits = outside(d)
        point(done and owner == 0, "another process of the same user cannot look into one that holds a key")
        point([x.split()[4:6] for x in limits.splitlines() if x.startswith("Max core file")] == [["0", "0"]], "and it leaves no core file")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
