#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""gen_events.py KIND LINES [SEED] - input for benchmarks, on stdout; the same bytes for the same arguments.

events  app log lines of about 570 bytes: nested objects, arrays, Chinese text, two escapes a line
cdc     change-feed lines of about 510 bytes, in Maxwell's form
spaced  the events as Python's json.dumps writes them: blanks behind ',' and ':', \\uXXXX escapes
shapes  the events with the keys of each object in random order: no line is like another
optional  the events, each of 16 keys there or not, and an array of random length: over 2^16 shapes
crlf    the events with CRLF line ends
bad     the events, every tenth line on average cut off somewhere
"""
import json
import random
import sys

BRANDS = ["Xiaomi", "华为", "iPhone", "荣耀", "vivo", "OPPO", "Redmi"]
CHANNELS = ["wechat_mp", "mini_program", "live", "app_store", "web", "oppo", "huawei"]
PAGES = ["home", "good_list", "good_detail", "cart", "trade", "payment", "mine", "search", "category", "activity"]
ACTIONS = ["cart_add", "favor_add", "get_coupon", "trade_add_address"]
T0 = 1697328000000


def event(r, i):
    ts = T0 + i * 43 + r.randrange(20000)
    pick = r.choice
    shown = ",".join(
        '{"display_type":"%s","item":"%d","item_type":"sku_id","order":%d,"pos_id":%d}'
        % (pick(("query", "recommend", "promotion")), r.randrange(5000), k + 1, r.randrange(5))
        for k in range(r.randrange(4)))
    acted = ""
    if r.random() < 0.3:
        acted = '"actions":[{"action_id":"%s","item":"%d","item_type":"sku_id","ts":%d}],' % (
            pick(ACTIONS), r.randrange(5000), ts + 500)
    return (
        '{"trace_id":"%032x","common":{"ar":"%d","ba":"%s","ch":"%s","is_new":"%d","md":"手机 Mi %d","mid":"mid_%d",'
        '"os":"Android %d.0","uid":"%d","vc":"v2.1.%d"},"page":{"during_time":%d,"item":"%d","item_type":"sku_id",'
        '"last_page_id":%s,"page_id":"%s","source_type":"query"},%s"displays":[%s],"amount":%d.%02d,'
        '"title":"秋季新品 \\"限时\\" %d","ts":%d}'
        % (r.getrandbits(128), 110000 + r.randrange(34) * 10000, pick(BRANDS), pick(CHANNELS), r.random() < 0.1,
           r.randrange(12), r.randrange(300000), 8 + r.randrange(5), r.randrange(500000), r.randrange(140),
           r.randrange(20000), r.randrange(5000), '"%s"' % pick(PAGES) if r.random() < 0.8 else "null", pick(PAGES),
           acted, shown, r.randrange(3000), r.randrange(100), r.randrange(1000), ts))


def change(r, i, n):
    kind = r.choices(("insert", "update", "delete"), (35, 62, 3))[0]
    status = ("1001", "1002", "1003", "1004", "1005")
    old = ',"old":{"order_status":"%s","operate_time":null}' % r.choice(status) if kind == "update" else ""
    return (
        '{"database":"gmall","table":"order_info","type":"%s","ts":%d,"xid":%d,"xoffset":%d,"commit":true,"data":{"id":%d,'
        '"consignee":"李苹%d","consignee_tel":"13%09d","total_amount":%d.%02d,"order_status":"%s","user_id":%d,'
        '"payment_way":"1102","delivery_address":"第%d大街第%d号楼%d单元","order_comment":"描述%d","out_trade_no":"%015d",'
        '"create_time":"2023-10-%02d %02d:%02d:%02d","operate_time":null,"province_id":%d,"feight_fee":%d.00}%s}'
        % (kind, T0 // 1000 + i * 86400 * 30 // n, i // 3, i % 3, r.randrange(n) + 1, r.randrange(9999),
           r.randrange(10**9), r.randrange(9000), r.randrange(100), r.choice(status), r.randrange(500000),
           r.randrange(20), r.randrange(40), r.randrange(9), r.randrange(999999), r.randrange(10**15),
           1 + r.randrange(30), r.randrange(24), r.randrange(60), r.randrange(60), 1 + r.randrange(34),
           r.randrange(30), old))


def shuffled(r, v):
    if isinstance(v, list):
        return [shuffled(r, x) for x in v]
    if isinstance(v, dict):
        keys = list(v)
        r.shuffle(keys)
        return {k: shuffled(r, v[k]) for k in keys}
    return v


def optional(r, v):
    for part in (v, v["common"], v["page"]):
        for key in [k for k in part if k not in ("common", "page", "uid", "mid", "page_id", "ts", "amount")]:
            if r.random() < .5:
                del part[key]
    v["sizes"] = [r.randrange(50) for _ in range(r.randrange(9))]
    return v


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("events", "cdc", "spaced", "shapes", "optional", "crlf", "bad"):
        sys.exit(__doc__)
    kind, n = sys.argv[1], int(sys.argv[2])
    r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    out = sys.stdout
    for i in range(n):
        line = change(r, i, n) if kind == "cdc" else event(r, i)
        if kind == "spaced":
            line = json.dumps(json.loads(line))
        elif kind == "shapes":
            line = json.dumps(shuffled(r, json.loads(line)), ensure_ascii=False, separators=(",", ":"))
        elif kind == "optional":
            line = json.dumps(optional(r, json.loads(line)), ensure_ascii=False, separators=(",", ":"))
        elif kind == "crlf":
            line += "\r"
        elif kind == "bad" and r.random() < .1:
            line = line[:r.randrange(2, len(line))]
        out.write(line + "\n")


if __name__ == "__main__":
    main()
