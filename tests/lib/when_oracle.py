#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""when_oracle - random cases for when_test, answered by Python's datetime and zoneinfo

	python3 tests/lib/when_oracle.py SEED COUNT	# lines: OP TAB ZONE TAB A TAB B TAB ANSWER ("!": must be refused)
"""
import random
import re
import sys
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo",
         "Africa/Casablanca", "Asia/Tehran", "Europe/Dublin", "Pacific/Apia", "America/Nuuk", "Asia/Gaza",
         "America/Santiago", "Antarctica/Troll", "Asia/Kolkata", "Africa/Monrovia"]
EPOCH = datetime(1970, 1, 1)
UTC = timezone.utc


def zone(name):
    if name == "UTC":
        return UTC
    if name[0] in "+-":
        h, m = name[1:].split(":")
        return timezone((1 if name[0] == "+" else -1) * timedelta(hours=int(h), minutes=int(m)))
    return ZoneInfo(name)


def secs(rng):
    """Mostly our days, sometimes any year."""
    kind = rng.random()
    if kind < 0.6:
        return rng.randint(1_500_000_000, 1_900_000_000)
    if kind < 0.8:
        return rng.randint(-3_000_000_000, 4_500_000_000)
    return rng.randint(-60_000_000_000, 253_000_000_000)


def near_change(rng, tz):
    """An instant near a change of the clock, if that zone has one that year."""
    year = rng.randint(1975, 2450)
    t = datetime(year, 1, 1, tzinfo=UTC)
    for day in range(366):
        a, b = t + timedelta(days=day), t + timedelta(days=day + 1)
        if a.astimezone(tz).utcoffset() != b.astimezone(tz).utcoffset() and rng.random() < 0.6:
            return int(a.timestamp()) + rng.randint(-7200, 86400 + 7200)
    return secs(rng)


def at(s, tz):
    return (EPOCH + timedelta(seconds=s)).replace(tzinfo=UTC).astimezone(tz)


def epoch(d):
    """Seconds of an aware time, exactly."""
    return (d.replace(tzinfo=None) - EPOCH) // timedelta(seconds=1) - int(d.utcoffset().total_seconds())


STRICT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)


def in_years(n, tz):
    """Whether that second is one of the years 1 to 9999, in UTC and by the local clock."""
    if not -62135596800 <= n < 253402300800:
        return False
    try:
        at(n, tz)
    except OverflowError:
        return False
    return True


def parse(text, tz):
    m = STRICT.fullmatch(text)
    if not m:
        if re.fullmatch(r"\d{10}|\d{13}|\d{16}", text, re.ASCII) and text[0] != "0":
            us = int(text) * {10: 10**6, 13: 1000, 16: 1}[len(text)]
            return str(us) if in_years(us // 10**6, tz) else "!"
        return "!"
    y, mo, d, h, mi, s, f, z = m.groups()
    if f and f[6:].strip("0"):
        return "!"
    try:
        t = datetime(int(y), int(mo), int(d), int(h or 0), int(mi or 0), int(s or 0))
    except ValueError:
        return "!"
    us = int(((f or "") + "000000")[:6])
    if z:
        off = 0
        if z not in "Zz":
            if int(z[1:3]) > 23 or int(z[4:]) > 59:
                return "!"
            off = (int(z[1:3]) * 3600 + int(z[4:]) * 60) * (1 if z[0] == "+" else -1)
        n = (t - EPOCH) // timedelta(seconds=1) - off
    else:
        n = epoch(t.replace(tzinfo=tz))
    return str(n * 10**6 + us) if in_years(n, tz) else "!"


def text(rng):
    t = "%04d-%02d-%02d" % (rng.choice([0, 1, 1969, 1970, 2000, 2024, 2025, 2100, 9999]), rng.randint(0, 13), rng.randint(0, 32))
    if rng.random() < 0.1:
        t = rng.choice(["0001-01-01", "9999-12-31"])
    if rng.random() < 0.8:
        t += rng.choice([" ", "T", "t"]) + "%02d:%02d:%02d" % (rng.randint(0, 24), rng.randint(0, 60), rng.randint(0, 60))
        if rng.random() < 0.5:
            t += "." + "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 6))) + "0" * rng.choice([0, 0, 1, 3])
        if rng.random() < 0.5:
            t += rng.choice(["Z", "z", "+08:00", "-00:00", "-23:59", "+24:00", "+05:60"])
    if rng.random() < 0.2:
        i = rng.randrange(len(t))
        t = t[:i] + rng.choice("0 -:.ZTx+") + t[i + rng.randint(0, 1):]
    if rng.random() < 0.1:
        t = "".join(rng.choice("0123456789") for _ in range(rng.choice([1, 9, 10, 11, 13, 14, 16, 17])))
    return t


LETTERS = "YCyGmBbhdejuwAaVHIpMSfzZFTRD"


def months_later(t, n):
    k = t.year * 12 + t.month - 1 + n
    y, m = divmod(k, 12)
    last = (date(y + (m == 11), (m + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return t.replace(year=y, month=m + 1, day=min(t.day, last))


def floor(rng, name, s):
    tz = zone(name)
    unit = rng.choice(["1d", "7d", "1w", "2w", "3d", "1M", "3M", "12M", "1h", "15m", "86400s"])
    n, u = int(unit[:-1]), unit[-1]
    if u in "hms":
        step = n * {"h": 3600, "m": 60, "s": 1}[u]
        return unit, str(s // step * step * 10**6)
    local = at(s, tz).replace(tzinfo=None)
    if u == "M":
        k = (local.year - 1970) * 12 + local.month - 1
        k = k // n * n
        start = datetime(1970 + k // 12, k % 12 + 1, 1)
    else:
        days = n * (7 if u == "w" else 1)
        shift = 3 if days % 7 == 0 else 0
        d = (local - EPOCH).days + shift
        start = EPOCH + timedelta(days=d // days * days - shift)
    return unit, str(epoch(start.replace(tzinfo=tz)) * 10**6)


def add(rng, name, s):
    tz = zone(name)
    unit, n = rng.choice(["1d", "1w", "1M", "1h", "90s"]), rng.randint(-40, 40)
    if unit in ("1h", "90s"):
        return "%s*%d" % (unit, n), str((s + n * (3600 if unit == "1h" else 90)) * 10**6)
    local = at(s, tz).replace(tzinfo=None, fold=0)
    local = months_later(local, n) if unit == "1M" else local + timedelta(days=n * (7 if unit == "1w" else 1))
    return "%s*%d" % (unit, n), str(epoch(local.replace(tzinfo=tz)) * 10**6)


def main():
    rng = random.Random(int(sys.argv[1]))
    for i in range(int(sys.argv[2])):
        name = rng.choice(ZONES + ["+08:00", "-03:30"])
        tz = zone(name)
        s = near_change(rng, tz) if rng.random() < 0.05 else secs(rng)
        op = ["offset", "local", "parse", "format", "floor", "add"][i % 6]
        if op in ("floor", "add", "format") and not -25_000_000_000 < s < 250_000_000_000:
            s = 1_700_000_000
        if op == "offset":
            row = (str(s), "0", str(int(at(s, tz).utcoffset().total_seconds())))
        elif op == "local":
            t = at(s, tz).replace(tzinfo=None, fold=0) + timedelta(seconds=rng.choice([0, 0, 1800, -1800, 3600]))
            row = (str((t - EPOCH) // timedelta(seconds=1)), "0", str(epoch(t.replace(tzinfo=tz))))
        elif op == "parse":
            t = text(rng)
            row = (t, "0", parse(t, tz))
        elif op == "format":
            us = rng.choice([0, 5, 123000, 999999])
            letter = rng.choice(LETTERS)
            if name[0] in "+-" and letter == "Z":
                letter = "z"
            t = at(s, tz).replace(microsecond=us)	# a sum would forget which of two equal hours it is
            want = t.strftime("%" + letter)
            if letter == "z":
                want = want[:5]
            row = (str(s * 10**6 + us), "<%" + letter + "%%>", "<" + want + "%>")
        elif op == "floor":
            row = (str(s * 10**6), *floor(rng, name, s))
        else:
            row = (str(s * 10**6), *add(rng, name, s))
        print("\t".join((op, name, *row)))


main()
