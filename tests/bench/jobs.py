# SPDX-License-Identifier: BSD-2-Clause
"""jobs.py - the races: our command, and each peer's as one who knows it would write it

A command is a list of words, a text for the shell, or (engine, query), see peer.py.  @events@, @changes@, @rows@, @users@ are files.
`values` are the names that must agree, with the types in which DuckDB reads them; a peer's `names` are its own for the same ones.
"""
import collections

START = {}      # seconds an engine takes to start

Race = collections.namedtuple("Race", "title input mine values peers goal about one keys_only zero")
Peer = collections.namedtuple("Peer", "command names small")


def race(title, input_, mine, values, goal, engines, others=None, about=(), one=False, keys_only=False, zero=False):
    peers = {}
    for small, group in ((False, engines), (True, others or {})):
        for who, p in group.items():
            command, names = (p.command, p.names) if isinstance(p, Peer) else (p, None)
            peers[who] = Peer(command, names, small)
    return Race(title, input_, mine, values, peers, {"duckdb": goal}, about, one, keys_only, zero)


def named(command, names):
    return Peer(command, names.split(), False)


def bin_(*words):
    return ["@bin@/" + words[0]] + list(words[1:])


def jqs(program, *options, names=""):
    """The same program for three; jaq and gojq are faster readings of jq's language."""
    return {who: [who, "-c"] + list(options[:-1]) + [program, options[-1]] for who in names.split() or ("jq", "gojq", "jaq")}


def mlr(path, *verbs):
    return ["mlr", "--json", "--ojsonl", "--no-auto-flatten", "--from", path] + list(verbs)


def duck(path, **columns):
    return "read_json('%s', format='newline_delimited', columns={%s})" % (path, ", ".join("\"%s\": '%s'" % x for x in columns.items()))


def house(path, structure):
    return "file('%s', 'JSONEachRow', '%s')" % (path, structure)


# --- json-map: five of a change's 41 values
D_CHANGE = duck("@changes@", type="VARCHAR", ts="BIGINT",
                data="STRUCT(id BIGINT, total_amount DECIMAL(16,2), order_status VARCHAR, province_id BIGINT)")
H_CHANGE = house("@changes@", "type String, ts Int64, data Tuple(id Int64, total_amount Decimal(16,2), order_status String, province_id Int64)")
P_CHANGE = ("scan('@changes@', type=pl.String, ts=pl.Int64, data=pl.Struct({'id': pl.Int64, 'total_amount': pl.Float64, 'order_status': pl.String,"
            " 'province_id': pl.Int64}))")
P_DATA = "id=pl.col('data').struct['id'], amount=pl.col('data').struct['total_amount'], status=pl.col('data').struct['order_status']"
FIVE = "data.id AS id, data.total_amount AS amount, data.order_status AS status, type, ts"
KEEP = "id=data.id,amount=data.total_amount,status=data.order_status,type,ts"
FIVE_JQ = "{id: .data.id, amount: .data.total_amount, status: .data.order_status, type, ts}"
FIVE_MLR = 'emit1 {"id": $data["id"], "amount": $data["total_amount"], "status": $data["order_status"], "type": $type, "ts": $ts}'
# jq 1.6 reads numbers as doubles and gets these ids wrong: of its answers the rest is compared, and it cannot merge by them
FIVE_VALUES = "amount:DECIMAL(16,2) status:VARCHAR type:VARCHAR ts:BIGINT id:BIGINT"
JQ_VALUES = {"jq": "amount status type ts"}
TENTH = "data.order_status = '1004' AND data.province_id < 18"

# --- the app log
LOG = {"ts": "BIGINT", "common": "STRUCT(uid VARCHAR, ar VARCHAR)", "page": "STRUCT(during_time BIGINT)"}
D_LOG = duck("@events@", **LOG)
H_LOG = house("@events@", "ts Int64, common Tuple(uid Nullable(String), ar String), page Tuple(during_time Nullable(Int64))")
P_LOG = ("scan('@events@', ts=pl.Int64, common=pl.Struct({'uid': pl.String, 'ar': pl.String}), page=pl.Struct({'during_time': pl.Int64})).select("
         "window_start=pl.col('ts') // 300000 * 300000, ar=pl.col('common').struct['ar'], uid=pl.col('common').struct['uid'],"
         " d=pl.col('page').struct['during_time']).group_by('window_start', 'ar').agg(n=pl.len(),"
         " d=pl.when(pl.col('d').count() > 0).then(pl.col('d').sum()), uv=pl.col('uid').drop_nulls().%s())")
WINDOW = ("SELECT ts // 300000 * 300000 AS window_start, common.ar AS ar, count(*) AS n, sum(page.during_time) AS d, %s AS uv FROM " + D_LOG +
          " GROUP BY ALL")
H_WINDOW = ("SELECT intDiv(ts, 300000) * 300000 AS window_start, common.ar AS ar, count() AS n, sum(page.during_time) AS d, %s AS uv FROM " + H_LOG +
            " GROUP BY window_start, ar")
WINDOW_VALUES = "window_start:BIGINT ar:VARCHAR n:BIGINT d:BIGINT uv:BIGINT"
WINDOW_JQ = ("[inputs | {w: (.ts / 300000 | floor * 300000), ar: .common.ar, uid: .common.uid, d: .page.during_time}] | group_by([.w, .ar])[] |"
             " {window_start: .[0].w, ar: .[0].ar, n: length, d: (map(.d) | add), uv: (map(.uid // empty) | unique | length)}")
DATAMASH = ("jq -r '[(.ts / 300000 | floor * 300000), .common.ar, .common.uid // \"\", .page.during_time // 0] | @tsv' @events@ |"
            " datamash -s -g 1,2 count 1 sum 4 countunique 3 |"
            " awk '{ printf \"{\\\"window_start\\\":%s,\\\"ar\\\":\\\"%s\\\",\\\"n\\\":%s,\\\"d\\\":%s}\\n\", $1, $2, $3, $4 }'")


def window(last):
    return bin_("window-agg", "-t", "ts:ms", "-w", "5m", "-g", "ar=common.ar", "n=count()", "d=sum(page.during_time)", "uv=" + last, "@events@")


# --- dimjoin: whole records and three fields more; chdb and polars are let off with five columns
D_USERS = duck("@users@", id="VARCHAR", user_level="VARCHAR", gender="VARCHAR", birthday="VARCHAR")
THREE = "user_level gender birthday".split()
QUOTED = ", ".join("',\"%s\":', coalesce('\"' || %s || '\"', 'null')" % (n, n) for n in THREE)
JOIN = ("SELECT concat(left(json, length(json) - 1), %s, '}') FROM read_ndjson_objects('@events@') e LEFT JOIN %s d ON d.id = e.json->>'$.common.uid'"
        % (QUOTED, D_USERS))
H_JOIN = ("SELECT e.trace_id AS trace_id, e.ts AS ts, d.user_level AS user_level, d.gender AS gender, d.birthday AS birthday FROM %s AS e"
          " LEFT ANY JOIN %s AS d ON d.id = e.common.uid"
          % (house("@events@", "ts Int64, trace_id String, common Tuple(uid Nullable(String))"),
             house("@users@", "id String, user_level Nullable(String), gender Nullable(String), birthday Nullable(String)")))
P_JOIN = ("scan('@events@', ts=pl.Int64, trace_id=pl.String, common=pl.Struct({'uid': pl.String})).select('ts', 'trace_id',"
          " uid=pl.col('common').struct['uid']).join(scan('@users@', id=pl.String, user_level=pl.String, gender=pl.String, birthday=pl.String),"
          " left_on='uid', right_on='id', how='left')")
# the dimension as one object: each has its own way that takes linear time
INDEX = {"jq": "reduce $dim[] as $r ({}; . + {($r.id): $r})", "gojq": "$dim | map({key: .id, value: .}) | from_entries",
         "jaq": "$dim | map({key: .id, value: .}) | from_entries"}
JOIN_JQ = "(%s) as $d | inputs | . + ($d[.common.uid // \"\"] | {user_level, gender, birthday})"

# --- cdc-merge
D_ROWS = duck("@rows@", op="VARCHAR", ord="VARCHAR", key="STRUCT(id BIGINT)", row="JSON")
MERGE = "SELECT a.r FROM (SELECT arg_max({op: op, r: \"row\"}, ord) AS a FROM %s GROUP BY key.id) WHERE a.op <> 'd'" % D_ROWS
MAXWELL = ("SELECT a.d FROM (SELECT arg_max({t: type, d: data}, split_part(position, ':', 2)::BIGINT) AS a FROM %s GROUP BY primary_key[1])"
           " WHERE a.t <> 'delete'" % duck("@changes@", type="VARCHAR", position="VARCHAR", primary_key="BIGINT[]", data="JSON"))
H_MERGE = ("SELECT tupleElement(a, 2) FROM (SELECT argMax(tuple(op, row), ord) AS a FROM %s GROUP BY key.id) WHERE tupleElement(a, 1) != 'd'"
           % house("@rows@", "op String, ord String, key Tuple(id Int64), row String"))
P_MERGE = ("scan('@rows@', op=pl.String, ord=pl.String, key=pl.Struct({'id': pl.Int64}), row=pl.Struct({'id': pl.Int64, 'order_status': pl.String,"
           " 'operate_time': pl.String})).with_columns(id=pl.col('key').struct['id']).group_by('id').agg(pl.col('row').sort_by('ord').last(),"
           " pl.col('op').sort_by('ord').last()).filter(pl.col('op') != 'd').select('row')")
MERGE_VALUES = "id:BIGINT order_status:VARCHAR operate_time:VARCHAR"
MERGE_JQ = "[inputs] | group_by(.key.id)[] | max_by(.ord) | select(.op != \"d\") | .row"

# --- dq-check
CHECKS = """warn not_null(trace_id)
warn not_null(common.uid)
warn not_null(page.page_id)
warn unique(trace_id)
warn in(common.is_new,'0','1')
warn in(common.ch,'xiaomi','huawei','vivo','oppo')
warn range(page.during_time,0,60000)
warn range(ts,1780243200000,1780329599999)
warn regex(common.mid,'^mid_[0-9]+$')
warn regex(common.ip,'^36[.]0[.]')
warn expr(page.page_id IS NULL OR page.during_time > 1000)
rows(1,)"""
DQ = ("printf '%%s\\n' \"%s\" >@tmp@/dq.spec; @bin@/dq-check -s @tmp@/dq.spec --result @tmp@/dq.out --table ods.log --dt 2026-06-01 @events@"
      " 2>/dev/null >/dev/null; s=$?; cat @tmp@/dq.out; exit $s" % CHECKS.replace("$", "\\$"))
D_DQ = "SELECT %s FROM %s"
COUNTS = ["count(*) FILTER (trace_id IS NULL) AS c1", "count(*) FILTER (common.uid IS NULL) AS c2", "count(*) FILTER (page.page_id IS NULL) AS c3",
          "count(trace_id) - count(DISTINCT trace_id) AS c4", "count(*) FILTER (common.is_new NOT IN ('0', '1')) AS c5",
          "count(*) FILTER (common.ch NOT IN ('xiaomi', 'huawei', 'vivo', 'oppo')) AS c6",
          "count(*) FILTER (page.during_time NOT BETWEEN 0 AND 60000) AS c7", "count(*) FILTER (ts NOT BETWEEN 1780243200000 AND 1780329599999) AS c8",
          "count(*) FILTER (NOT regexp_matches(common.mid, '^mid_[0-9]+$')) AS c9",
          "count(*) FILTER (NOT regexp_matches(common.ip, '^36[.]0[.]')) AS c10",
          "count(*) FILTER (NOT (page.page_id IS NULL OR page.during_time > 1000)) AS c11", "count(*) AS c12"]
D_DQ %= (", ".join(COUNTS), duck("@events@", trace_id="VARCHAR", ts="BIGINT", page="STRUCT(page_id VARCHAR, during_time BIGINT)",
                                 common="STRUCT(uid VARCHAR, mid VARCHAR, is_new VARCHAR, ch VARCHAR, ip VARCHAR)"))
H_DQ = ("SELECT %s FROM %s" % (", ".join(COUNTS), house(
    "@events@", "trace_id Nullable(String), ts Nullable(Int64), page Tuple(page_id Nullable(String), during_time Nullable(Int64)),"
    " common Tuple(uid Nullable(String), mid Nullable(String), is_new Nullable(String), ch Nullable(String), ip Nullable(String))"))
    ).replace("FILTER (", "FILTER (WHERE ").replace("regexp_matches", "match").replace("count(DISTINCT", "uniqExact(")
COUNTS_P = ["c('trace_id').is_null()", "g('uid').is_null()", "h('page_id').is_null()", None, "~g('is_new').is_in(['0', '1'])",
            "~g('ch').is_in(['xiaomi', 'huawei', 'vivo', 'oppo'])", "~h('during_time').is_between(0, 60000)",
            "~c('ts').is_between(1780243200000, 1780329599999)", "~g('mid').str.contains('^mid_[0-9]+$')", "~g('ip').str.contains('^36[.]0[.]')",
            "~(h('page_id').is_null() | (h('during_time') > 1000))"]
P_DQ = ("(lambda c, g, h: scan('@events@', trace_id=pl.String, ts=pl.Int64, page=pl.Struct({'page_id': pl.String, 'during_time': pl.Int64}),"
        " common=pl.Struct({'uid': pl.String, 'mid': pl.String, 'is_new': pl.String, 'ch': pl.String, 'ip': pl.String})).select(" +
        ", ".join("c%d=(%s)%s" % (i + 1, x or "c('trace_id').count() - c('trace_id').drop_nulls().n_unique()", ".sum()" if x else "")
                  for i, x in enumerate(COUNTS_P)) +
        ", c12=pl.len()))(pl.col, lambda x: pl.col('common').struct[x], lambda x: pl.col('page').struct[x])")

# --- json-split
D_SPLIT = ("SELECT common.mid AS mid, ts, unnest(displays) AS display FROM " +
           duck("@events@", common="STRUCT(mid VARCHAR)", ts="BIGINT", displays="JSON[]"))
ITEM = "display_type Nullable(String), item Nullable(String), item_type Nullable(String), order Nullable(Int64), pos_id Nullable(Int64)"
H_SPLIT = "SELECT common.mid AS mid, ts, arrayJoin(displays) AS display FROM " + house(
    "@events@", "common Tuple(mid String), ts Int64, displays Array(Tuple(%s))" % ITEM)
P_SPLIT = ("scan('@events@', common=pl.Struct({'mid': pl.String}), ts=pl.Int64, displays=pl.List(pl.Struct({'display_type': pl.String, 'item': pl.String,"
           " 'item_type': pl.String, 'order': pl.Int64, 'pos_id': pl.Int64}))).select(mid=pl.col('common').struct['mid'], ts='ts',"
           " display='displays').explode('display').filter(pl.col('display').is_not_null())")


def dedup(key, column, struct, goal, title):
    """Peers write the keys; we write the first record of each."""
    return race(title, "@events@", bin_("dedup", "-k", key, "@events@"), column + ":VARCHAR", goal, {
        "duckdb": named(("duckdb", "SELECT DISTINCT %s AS k FROM %s" % (key, duck("@events@", **struct[0]))), "k"),
        "chdb": named(("chdb", "SELECT DISTINCT %s AS k FROM %s" % (key, house("@events@", struct[1]))), "k"),
        "polars": named(("polars", "scan('@events@', %s).select(k=%s).unique()" % (struct[2], struct[3])), "k")}, {
        **{k: v for k, v in jqs("unique_by(.%s)[]" % key, "-s", "@events@").items()},
        "mlr": mlr("@events@", "put", "-q", '@n[%s] = 1; if (is_absent(@s[%s])) { @s[%s] = 1; emit1 {"k": %s} }' % ((struct[4],) * 4)),
        "jq+sort": "jq -c '{k: .%s}' @events@ | LC_ALL=C sort -u --parallel=2" % key}, keys_only=True)


def with_names(r, **names):
    return r._replace(peers={k: p._replace(names=names[k].split()) if k in names else p for k, p in r.peers.items()})


BY_DEVICE = with_names(dedup("common.mid", "common.mid", (
    {"common": "STRUCT(mid VARCHAR)"}, "common Tuple(mid String)", "common=pl.Struct({'mid': pl.String})", "pl.col('common').struct['mid']",
    '$common["mid"]'), 2, "dedup by device"), mlr="k", **{"jq+sort": "k"})
BY_TRACE = with_names(dedup("trace_id", "trace_id", (
    {"trace_id": "VARCHAR"}, "trace_id String", "trace_id=pl.String", "pl.col('trace_id')", "$trace_id"), 1.5, "dedup by trace_id, all different"),
    mlr="k", **{"jq+sort": "k"})

# these two count the records without a user as one user: that column is not compared
OTHERS = {"mlr": "window_start ar d_count_sum d_sum_sum", "jq+datamash": "window_start ar n d"}

RACES = [
    with_names(race("json-map: 5 of 41 values", "@changes@", bin_("json-map", "--keep", KEEP, "@changes@"), FIVE_VALUES, 4, {
        "duckdb": ("duckdb", "SELECT %s FROM %s" % (FIVE, D_CHANGE)), "chdb": ("chdb", "SELECT %s FROM %s" % (FIVE, H_CHANGE)),
        "polars": ("polars", P_CHANGE + ".select(%s, type='type', ts='ts')" % P_DATA)},
        {**jqs(FIVE_JQ, "@changes@"), "mlr": mlr("@changes@", "put", "-q", FIVE_MLR)}), **JQ_VALUES),
    with_names(race("json-map: the same of a tenth, WHERE", "@changes@", bin_("json-map", "-w", TENTH, "--keep", KEEP, "@changes@"), FIVE_VALUES, 2.5, {
        "duckdb": ("duckdb", "SELECT %s FROM %s WHERE %s" % (FIVE, D_CHANGE, TENTH)),
        "chdb": ("chdb", "SELECT %s FROM %s WHERE %s" % (FIVE, H_CHANGE, TENTH)),
        "polars": ("polars", P_CHANGE + ".filter((pl.col('data').struct['order_status'] == '1004') & (pl.col('data').struct['province_id'] < 18))"
                   ".select(%s, type='type', ts='ts')" % P_DATA)}, {
        **jqs('select(.data.order_status == "1004" and .data.province_id < 18) | ' + FIVE_JQ, "@changes@"),
        "mlr": mlr("@changes@", "put", "-q", 'if ($data["order_status"] == "1004" && $data["province_id"] < 18) { %s }' % FIVE_MLR)}), **JQ_VALUES),
    BY_DEVICE, BY_TRACE,
    race("dimjoin: 500,000 rows, 3 fields to the whole record", "@events@ @users@",
         bin_("dimjoin", "-k", "common.uid", "-K", "id", "--fields", ",".join(THREE), "@users@", "@events@"),
         "trace_id:VARCHAR user_level:VARCHAR gender:VARCHAR birthday:VARCHAR", 4,
         {"duckdb": ("duckdb_text", JOIN), "chdb": ("chdb", H_JOIN), "polars": ("polars", P_JOIN)}, {
        **{who: [who, "-n", "-c", "--slurpfile", "dim", "@users@", JOIN_JQ % INDEX[who], "@events@"] for who in INDEX},
        "mlr": ["mlr", "--json", "--ojsonl", "--from", "@events@", "flatten", "then", "join", "--ul", "--ur", "-i", "json", "-f", "@users@", "-l", "id",
                "-r", "common.uid", "-j", "common.uid", "then", "filter", "is_present($ts)"]}),
    with_names(race("window-agg: 5 min by area, count, exact sum, exact distinct", "@events@", window("distinct(common.uid)"), WINDOW_VALUES, 2.5, {
        "duckdb": ("duckdb", WINDOW % "count(DISTINCT common.uid)"), "chdb": ("chdb", H_WINDOW % "uniqExact(common.uid)"),
        "polars": ("polars", P_LOG % "n_unique")}, {
        **jqs(WINDOW_JQ, "-n", "@events@"), "jq+datamash": DATAMASH,
        "mlr": mlr("@events@", "put", "-q", 'emit1 {"window_start": $ts // 300000 * 300000, "ar": $common["ar"], "uid": "u" . $common["uid"],'
                   ' "d": $page["during_time"] ?? 0}', "then", "stats1", "-a", "count,sum", "-f", "d", "-g", "window_start,ar,uid", "then",
                   "stats1", "-a", "count,sum", "-f", "d_count,d_sum", "-g", "window_start,ar")}, zero=True), **OTHERS),
    race("window-agg: the same with hll", "@events@", window("hll(common.uid)"), WINDOW_VALUES, 2, {
        "duckdb": ("duckdb", WINDOW % "approx_count_distinct(common.uid)"), "chdb": ("chdb", H_WINDOW % "uniqHLL12(common.uid)"),
        "polars": ("polars", P_LOG % "approx_n_unique")}, about=("uv",)),
    race("cdc-merge: the newest row of each key", "@rows@", bin_("cdc-merge", "@rows@"), MERGE_VALUES, 4, {
        "duckdb": ("duckdb_text", MERGE), "chdb": ("chdb_text", H_MERGE),
        "polars": named(("polars", P_MERGE), "row.id row.order_status row.operate_time")}, jqs(MERGE_JQ, "-n", "@rows@", names="gojq jaq")),
    race("cdc-merge: the same with -S 1G", "@rows@", bin_("cdc-merge", "-S", "1G", "@rows@"), MERGE_VALUES, 4,
         {"duckdb": ("duckdb_text", MERGE)}),
    race("cdc-norm, cdc-merge: from Maxwell's messages", "@changes@", "@bin@/cdc-norm @changes@ | @bin@/cdc-merge", MERGE_VALUES, None,
         {"duckdb": ("duckdb_text", MAXWELL)}),
    race("dq-check: 12 checks", "@events@", DQ, "", 1.5, {"duckdb": ("duckdb", D_DQ), "chdb": ("chdb", H_DQ), "polars": ("polars", P_DQ)}, one=True),
    race("json-split", "@events@", bin_("json-split", "-e", "displays", "--as", "display", "--keep", "mid=common.mid,ts", "@events@"),
         "mid:VARCHAR ts:BIGINT display.item:VARCHAR display.order:BIGINT display.pos_id:BIGINT", 3,
         {"duckdb": ("duckdb", D_SPLIT), "chdb": ("chdb", H_SPLIT), "polars": ("polars", P_SPLIT)}, {
        **jqs("{mid: .common.mid, ts, display: .displays[]?}", "@events@"),
        "mlr": mlr("@events@", "put", "-q", 'if (is_present($displays) && is_map($displays) || is_array($displays)) { for (d in $displays)'
                   ' { emit1 {"mid": $common["mid"], "ts": $ts, "display": d} } }')}),
]
