#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""truth_check.py OUTDIR - recompute mock-shop's answers from its files

Reads log/, cdc/, csv/ and api/ as any reader would, knowing nothing of the generator,
and compares twelve metrics of every night, the counts of rejects, and the planted
troubles with truth/; sql_check.py does all metrics.  Exit 0 if all agree, 1 if not.
"""
import collections
import datetime
import decimal
import json
import os
import sys

D = decimal.Decimal
ZONE = datetime.timezone(datetime.timedelta(hours=8))
ABSENT = (None, "", "null", "NULL", "\\N")
GAP = 30 * 60 * 1000
ENTITIES = ("user_info", "order_info", "order_detail", "payment_info", "order_refund_info", "refund_payment", "coupon_use")
OURS = ("pv", "uv", "ip", "vv", "new_devices", "orders", "buyers", "gmv", "paid_amount", "refund", "hot_sku", "sales")


def no_constant(text):
    raise ValueError(text)


def parse(raw):
    """One strict JSON object, or None: Python takes unpaired surrogates and NaN, we do not."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_float=D, parse_constant=no_constant)
        if b"\\u" in raw:
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, UnicodeError):
        return None
    return value if isinstance(value, dict) else None


def day_of(ms):
    return datetime.datetime.fromtimestamp(ms // 1000, ZONE).strftime("%Y-%m-%d")


def lines(path):
    with open(path, "rb") as f:
        data = f.read()
    assert data.endswith(b"\n"), path
    return data[:-1].split(b"\n")


class Log:
    """The app log so far: good records by day, each once."""

    def __init__(self):
        self.seen = set()
        self.keys = set()
        self.ads = 0
        self.pages = collections.defaultdict(list)

    def read(self, path, day):
        n = collections.Counter(late=0)
        for raw in lines(path):
            n["lines"] += 1
            if not raw.strip():
                n["blank"] += 1
                continue
            if raw in self.seen:
                n["duplicate"] += 1
                self.rows(parse(raw), n, "duplicate", day)
                continue
            self.seen.add(raw)
            rec = parse(raw)
            if rec is None:
                n["broken"] += 1
            elif rec["common"].get("mid") in ABSENT:
                n["missing_mid"] += 1
                self.rows(rec, n, "missing_mid", day)
            elif rec.get("ts") in ABSENT:
                n["missing_ts"] += 1
                self.rows(rec, n, "missing_ts", day)
            else:
                self.keep(rec, day, n)
        return n

    @staticmethod
    def rows(rec, n, fate, day):
        """What a line that does not count would have been in the five tables, of its own day or of the day before."""
        fate = ("lost_late" if rec.get("ts") not in ABSENT and day_of(int(rec["ts"])) < day else "lost") + " " + fate
        n[fate, "start" if "start" in rec else "page"] += 1
        n[fate, "action"] += len(rec.get("actions") or [])
        n[fate, "display"] += len(rec.get("displays") or [])
        n[fate, "error"] += "err" in rec

    def keep(self, rec, day, n):
        mid, ts = rec["common"]["mid"], int(rec["ts"])
        if (mid, ts) in self.keys:
            raise SystemExit(f"two different records of {mid} at {ts}")
        self.keys.add((mid, ts))
        n["valid"] += 1
        n["late"] += day_of(ts) < day
        n["start" if "start" in rec else "page"] += 1
        n["action"] += len(rec.get("actions") or [])
        n["display"] += len(rec.get("displays") or [])
        n["error"] += "err" in rec
        for a in (rec.get("actions") or []) + (rec.get("displays") or []):
            self.ads += "ad_id" in a
        if "page" not in rec:
            return
        uid = rec["common"].get("uid")
        self.pages[day_of(ts)].append((
            mid, ts, None if uid in ABSENT else uid, rec["common"]["ip"],
            rec["page"].get("last_page_id") is None, rec["common"]["is_new"] == "1"))

    def metrics(self, day):
        pages = sorted(self.pages[day], key=lambda p: p[:2])
        vv = 0
        for i, (mid, ts, _, _, entry, _) in enumerate(pages):
            before = pages[i - 1] if i else (None, 0)
            vv += entry or before[0] != mid or ts - before[1] > GAP
        yield "pv", {}, "pv", len(pages)
        yield "uv", {}, "uv", len({("u", p[2]) if p[2] else ("m", p[0]) for p in pages})
        yield "ip", {}, "ip", len({p[3] for p in pages})
        yield "vv", {}, "vv", vv
        yield "new_devices", {}, "new_devices", len({p[0] for p in pages if p[5]})


class Feed:
    """The change feed so far: every change once, folded in the order of positions."""

    def __init__(self):
        self.changes = {}       # position key -> message
        self.base = {}          # bootstrap rows of user_info

    def read(self, path, day):
        n = collections.Counter(late=0)
        for raw in lines(path):
            n["lines"] += 1
            if raw == b"null":
                n["null_message"] += 1
                continue
            msg = parse(raw)
            if msg is None:
                n["broken"] += 1
            elif msg["type"] == "table-alter":
                self.keep(msg, day, n, "ddl")
            elif msg["type"].startswith("bootstrap"):
                n["bootstrap"] += 1
                if msg["data"]:
                    self.base[msg["data"]["id"]] = msg["data"]
            else:
                self.keep(msg, day, n)
        return n

    def keep(self, msg, day, n, kind="changes"):
        name, offset = msg["position"].split(":")
        key = (int(name.split(".")[1]), int(offset), msg.get("xoffset", float("inf")))
        if key in self.changes:
            assert self.changes[key] == msg, key
            n["duplicate"] += 1
            return
        self.changes[key] = msg
        n[kind] += 1
        n["late"] += kind == "changes" and day_of(msg["ts"] * 1000) < day

    def state(self, until=None):
        """Rows by table and id; `until` leaves out changes made on later days."""
        rows = {t: {} for t in ENTITIES}
        rows["user_info"] = dict(self.base)
        for key in sorted(self.changes):
            msg = self.changes[key]
            if until is not None and day_of(msg["ts"] * (1 if "data" not in msg else 1000)) > until:
                continue
            if "data" not in msg:       # the column comes with its default; no row is told of
                rows["user_info"] = {k: dict(r, vip=0) for k, r in rows["user_info"].items()}
                continue
            table, data = rows[msg["table"]], msg["data"]
            if msg["type"] == "insert":
                assert data["id"] not in table, msg
                table[data["id"]] = data
            elif msg["type"] == "delete":
                assert table.pop(data["id"]) == data, msg
            else:
                old = msg["old"]
                assert table.pop(old.get("id", data["id"])) == {**data, **old}, msg
                table[data["id"]] = data
        return rows


def trade(rows, day, provinces):
    def on(row, column):
        return (row[column] or "").startswith(day)

    orders = [o for o in rows["order_info"].values() if on(o, "create_time")]
    pays = [p for p in rows["payment_info"].values() if on(p, "callback_time")]
    back = [r for r in rows["order_refund_info"].values() if on(r, "create_time")]
    assert all((p["payment_status"] == "1602") == (p["callback_time"] is not None)
               for p in rows["payment_info"].values())
    gmv = sum((o["total_amount"] for o in orders), D("0.00"))
    refund = sum((r["refund_amount"] for r in back), D("0.00"))
    yield "orders", {}, "orders", len(orders)
    yield "buyers", {}, "buyers", len({o["user_id"] for o in orders})
    yield "gmv", {}, "gmv", gmv
    yield "paid_amount", {}, "paid_amount", sum((p["total_amount"] for p in pays), D("0.00"))
    yield "refund", {}, "refund_amount", refund
    yield "refund", {}, "refund_rate", (refund / gmv).quantize(D("0.000001"), decimal.ROUND_HALF_UP)
    yield from hot(rows, day, back, on)
    groups = collections.defaultdict(list)
    for o in orders:
        groups[o["province_id"], o["channel"]].append(o["total_amount"])
    for (province, channel), amounts in sorted(groups.items()):
        dims = {"province_id": province, "province_name": provinces[province], "channel": channel}
        yield "sales", dims, "orders", len(amounts)
        yield "sales", dims, "amount", sum(amounts)


def hot(rows, day, back, on):
    sku = collections.defaultdict(list)
    for d in rows["order_detail"].values():
        assert d["create_time"] == rows["order_info"][d["order_id"]]["create_time"]
        if on(d, "create_time"):
            sku[d["sku_id"]].append(d)
    amount = {k: sum(d["split_total_amount"] for d in v) for k, v in sku.items()}
    for rank, k in enumerate(sorted(sku, key=lambda k: (-amount[k], k))[:10], 1):
        dims, mine = {"rank": rank, "sku_id": k}, [r for r in back if r["sku_id"] == k]
        yield "hot_sku", dims, "amount", amount[k]
        yield "hot_sku", dims, "items", sum(d["sku_num"] for d in sku[k])
        yield "hot_sku", dims, "orders", len({d["order_id"] for d in sku[k]})
        yield "hot_sku", dims, "refund_orders", len({r["order_id"] for r in mine})
        yield "hot_sku", dims, "refund_amount", sum((r["refund_amount"] for r in mine), D("0.00"))


def province_names(outdir, day):
    """id -> name, from the INSERT of the first day's SQL."""
    names, inside = {}, False
    with open(f"{outdir}/mysql/{day}.sql", encoding="utf-8") as f:
        for line in f:
            if inside:
                number, name = line[1:].split(",")[:2]
                names[int(number)] = name.strip("'")
            inside = line.startswith("INSERT INTO base_province") or (
                inside and line.endswith(",\n"))
    return names


def compare(what, ours, theirs):
    bad = 0
    for a, b in zip(ours, theirs):
        if a != b:
            print(f"{what}: files say {a}, truth says {b}")
            bad += 1
    if len(ours) != len(theirs):
        print(f"{what}: {len(ours)} answers from the files, {len(theirs)} in truth")
        bad += 1
    return bad


def check_planted(outdir, days, feed):
    """Troubles that a run of two days or more must hold in the feed."""
    text = b"".join(open(f"{outdir}/cdc/{d}.ndjson", "rb").read() for d in days)
    sql = "".join(open(f"{outdir}/mysql/{d}.sql", encoding="utf-8").read() for d in days)
    kinds = collections.Counter((m["table"], m["type"]) for m in feed.changes.values())
    changes = [m for m in feed.changes.values() if "data" in m]
    statuses = {m["data"]["order_status"] for m in changes if m["table"] == "order_info"}
    user3 = collections.Counter(day_of(m["ts"] * 1000) for m in changes
                                if m["table"] == "user_info" and m["data"]["id"] == 3)
    users = [m["data"] for m in changes if m["table"] == "user_info"]
    rows = feed.state()
    paid = collections.defaultdict(list)
    for p in rows["payment_info"].values():
        if p["payment_status"] == "1602":
            paid[p["order_id"]].append(p["total_amount"])
    total = {o["id"]: o["total_amount"] for o in rows["order_info"].values()}
    bursts = collections.Counter((o["user_id"], o["create_time"][:13]) for o in rows["order_info"].values())
    want = {
        "key change": sum("id" in m.get("old", {}) for m in changes) == 1,
        "order line deleted": kinds["order_detail", "delete"] > 0,
        "user deleted": kinds["user_info", "delete"] == 1,
        "statuses": {"1001", "1002", "1003"} <= statuses,
        "zipper": all(user3[d] == 3 for d in days),
        "tab and newline": "制表\\t符\\n换行".encode() in text,
        "null text": b'"consignee_tel":"null"' in text and b'"city":"NULL"' in text,
        "empty text": b'"consignee_tel":""' in text and b'"city":""' in text,
        "backslash N": b'"consignee_tel":"\\\\N"' in text,
        "zero date": b'"birthday":"0000-00-00"' in text and "0000-00-00 00:00:00" in sql,
        "column added": kinds["user_info", "table-alter"] == 1 and any("vip" in u for u in users)
                        and any("vip" not in u for u in users) and "ADD COLUMN vip" in sql,
        "no old row of it": all("vip" not in r for r in feed.base.values()),
        "dimension row deleted": sql.count("DELETE FROM sku_info WHERE id=400;") == 1
                                 and any(r["sku_id"] == 400 for r in rows["order_detail"].values()),
        "paid twice": sum(len(v) > 1 for v in paid.values()) >= len(days),
        "unequal payment": sum(any(a != total[k] for a in v) for k, v in paid.items()) >= len(days),
        "burst buyer": sum(n >= 5 for n in bursts.values()) >= len(days),
        "merchant, maintainer and signer to fill": all(any(d[c] is None for d in rows["order_detail"].values())
                                                       for c in ("merchant_id", "maintainer_id", "signer_id")),
        "doubled day": doubled(outdir, days) == [days[min(2, len(days) - 1)]],
    }
    for name, there in want.items():
        if not there:
            print(f"not planted: {name}")
    return sum(not there for there in want.values())


def doubled(outdir, days):
    """The days on which marketing's file holds a row twice."""
    return [d for d in days if len(set(lines(f"{outdir}/csv/ad_cost-{d}.csv"))) < len(lines(f"{outdir}/csv/ad_cost-{d}.csv"))]


def handed(path, feed):
    """Counts of a file of marketing, or of the order interface: its orders are in the feed of the same night."""
    n, seen = collections.Counter(), set()
    for i, raw in enumerate(lines(path)):
        if path.endswith(".csv"):
            assert raw.endswith(b"\r")
            if i == 0:
                continue
            n["rows"] += 1
            n["bad_cost"] += raw.endswith(b"n/a\r")
            n["duplicate"] += raw in seen and not raw.endswith(b"n/a\r")
        else:
            n["lines"] += 1
            n["duplicate"] += raw in seen
            order = parse(raw)
            theirs = feed.orders[order["id"]]
            assert order["src"] == "interface" and order["channel"] in ("gift", "live"), raw
            assert all(theirs[k] == order[k] for k in ("user_id", "channel", "province_id", "create_time", "trace_id")), raw
        seen.add(raw)
    return n


def main():
    outdir = sys.argv[1]
    days = sorted(f[:10] for f in os.listdir(f"{outdir}/log"))
    provinces = province_names(outdir, days[0])
    log, feed, bad, answers = Log(), Feed(), 0, 0
    for night in days:
        counts = {f"log/{night}.ndjson": log.read(f"{outdir}/log/{night}.ndjson", night),
                  f"cdc/{night}.ndjson": feed.read(f"{outdir}/cdc/{night}.ndjson", night)}
        feed.orders = feed.state()["order_info"]
        counts.update((f, handed(f"{outdir}/{f}", feed)) for f in
                      (f"csv/ad_cost-{night}.csv", f"csv/channel_cost-{night}.csv", f"api/{night}.ndjson"))
        for raw in lines(f"{outdir}/truth/rejects-{night}.ndjson"):
            said = json.loads(raw)
            n = counts[said["file"]]
            for when in ("lost", "lost_late"):
                for fate, tables in said.get(when, {}).items():
                    theirs = {t: n[f"{when} {fate}", t] for t in tables}
                    if theirs != tables:
                        print(f"{said['file']}: {when} as {fate}: truth says {tables}, the file {theirs}")
                        bad += 1
            for k, v in said.items():
                if isinstance(v, int) and k != "out_of_order" and n[k] != v:
                    print(f"{said['file']}: {k}: {n[k]} in the file, truth says {v}")
                    bad += 1
            for k, v in said.get("planted", {}).items():
                last = night == days[-1] and k == "duplicate_late"
                first = night == days[0] and k == "late" or night == days[-1] and len(days) == 1
                if v == 0 and not first and not last:
                    print(f"{said['file']}: no {k} planted")
                    bad += 1
        rows, ours = feed.state(), []
        for dt in [d for d in days if d <= night][-2:]:
            for gen in (log.metrics(dt), trade(rows, dt, provinces)):
                ours += [dict(night=night, dt=dt, metric=m, dims=dims, field=f, value=str(v))
                         for m, dims, f, v in gen]
        theirs = [r for r in map(json.loads, lines(f"{outdir}/truth/{night}.ndjson")) if r["metric"] in OURS]
        place = lambda r: (r["dt"], OURS.index(r["metric"]))  # noqa: E731
        bad += compare(night, sorted(ours, key=place), sorted(theirs, key=place))
        answers += len(ours)
    if len(days) > 1:
        bad += check_planted(outdir, days, feed)
    print(f"{answers} answers of {len(days)} nights, {bad} wrong")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
