# What a column is known by, and what becomes of a value that is not of it.

# drift: a declared type that changes flows through, is said once, and told as an event; a new column is told too
$ m() { printf '{"data":[{"id":"%s","a":"%s"%s}],"database":"d","es":1,"isDdl":false,"mysqlType":{"id":"int(11)","a":"%s"%s},"old":null,"gtid":"x:1","pkNames":["id"],"table":"t","ts":2,"type":"INSERT"}\n' "$@"; }
$ { m 1 5 '' 'int(10)' ''; m 2 6 '' int ''; m 3 5000000000 '' bigint ''; m 4 7 '' bigint ''; m 5 8 ',"b":"x"' 'BIGINT(20)' ',"b":"varchar(9)"'; m 6 9 '' int ''; } >in
$ cdc-norm --events e --stats s in | grep -o '"row":{[^}]*}'; jq -c '[.event,.severity,.table,.name,.value,.expected,.text]' e; grep -o '"new_columns":[0-9]*,"type_changes":[0-9]*' s
> "row":{"id":1,"a":5}
> "row":{"id":2,"a":6}
> "row":{"id":3,"a":5000000000}
> "row":{"id":4,"a":7}
> "row":{"id":5,"a":8,"b":"x"}
> "row":{"id":6,"a":9}
> ["cdc.drift","warn","d.t","a","bigint","int","d.t: a was int, now is bigint"]
> ["cdc.column","ok","d.t","b","varchar(9)",null,"d.t: b is a new column: varchar(9)"]
> "new_columns":1,"type_changes":1
! cdc-norm: d.t: a was int, now is bigint

# drift: fail stops with 3 before the first such record; the event is there
$ m() { printf '{"data":[{"a":"%s"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"a":"%s"},"table":"t","ts":2,"type":"INSERT","gtid":"x:%s"}\n' "$@"; }
$ { m 1.5 'decimal(10,2)' 1; m 2.5 'decimal(10,2)' 2; m 2.555 'decimal(10,3)' 3; m 3 'decimal(10,2)' 4; } >in; cdc-norm --on-drift fail --events e in >out; echo $?; jq -c '[.event,.severity,.value]' e
> 3
> ["cdc.drift","fail","decimal(10,3)"]
! cdc-norm: d.t: a was decimal(10,2), now is decimal(10,3)

# drift: cast makes them of the first type where nothing is lost, and rejects what cannot be
$ m() { printf '{"data":[{"a":"%s"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"a":"%s"},"table":"t","ts":2,"type":"INSERT","gtid":"x:1"}\n' "$@"; }
$ { m 1.5 'decimal(6,2)'; m 2.500 'decimal(6,3)'; m 2.555 'decimal(6,3)'; m 12345.00 'decimal(9,2)'; m 7 int; m ' 7' 'varchar(9)'; m 8.1 'varchar(9)'; m x text; } >in
$ cdc-norm --on-drift cast --reject r --stats s in | grep -o '"row":{[^}]*}'; jq -r '"\(.line) \(.reason)"' r; grep -o '"type_changes":[0-9]*,"cast":[0-9]*' s
> "row":{"a":1.50}
> "row":{"a":2.50}
> "row":{"a":7.00}
> "row":{"a":8.10}
> 3 a column has another type, and its value is none of the type it is known by
> 4 a column has another type, and its value is none of the type it is known by
> 6 a column has another type, and its value is none of the type it is known by
> 8 a column has another type, and its value is none of the type it is known by
> "type_changes":5,"cast":3
! cdc-norm: d.t: a was decimal(6,2), now is decimal(6,3)
! cdc-norm: d.t: a was decimal(6,2), now is decimal(9,2)
! cdc-norm: d.t: a was decimal(6,2), now is int
! cdc-norm: d.t: a was decimal(6,2), now is varchar(9)
! cdc-norm: d.t: a was decimal(6,2), now is text

# drift: against --types, which are never forgotten: of a feed that declares nothing too
$ t() { printf '{"db":"d","table":"t","column":"%s","type":"%s","key":null}\n' "$@"; }
$ { t i 'tinyint(3) unsigned'; t n 'decimal(5,2)'; t c 'varchar(3)'; t e "enum('a','b')"; t s "set('a','b')"; t d date; t dt 'datetime(3)'; t tm time; t y year; t b 'bit(4)'; t j json; } >types
$ m() { printf '{"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"b.1:%s","data":%s}\n' "$@"; }
$ { m 1 '{"i":255,"n":123.45,"c":"äöü","e":"b","s":["a","b"],"d":"2026-01-01","dt":"2026-01-01 00:00:00","tm":"-838:59:59","y":2026,"b":3,"j":{"x":1}}'
$   m 2 '{"i":256}'; m 3 '{"i":-1}'; m 4 '{"i":"7"}'; m 5 '{"i":1.0}'; m 6 '{"n":1234}'; m 7 '{"n":"1.5"}'; m 8 '{"c":"äöü!"}'; m 9 '{"c":12}'; m 10 '{"c":1234}'; m 11 '{"e":"c"}'; m 12 '{"s":"a,c"}'
$   m 13 '{"d":"2026-01-01 00:00:00"}'; m 14 '{"d":"2026-01-01 00:00:01"}'; m 15 '{"dt":"2026-01-01"}'; m 16 '{"dt":"2026-01-01 00:00:00.1230"}'; m 17 '{"dt":"2026-01-01 00:00:00.1234"}'
$   m 18 '{"tm":"10:00"}'; m 19 '{"y":"2026"}'; m 20 '{"z":1}'; m 21 '{"c":{"x":1}}'; m 22 '{"i":null,"c":null}'; m 23 '{"n":true}'; m 24 '{"c":true}'; m 25 '{"dt":"0000-00-00 00:00:00.000"}'; } >in
$ cdc-norm --types types --on-drift cast --reject r --events e in 2>said | grep -o '"row":{.*},"src":{"from":"maxwell","position":"b.1:[0-9]*' | sed 's/"row"://; s/,"src".*:/ /'; jq -r .line r | paste -sd ' '; jq -r '"\(.name) \(.expected) \(.value)"' e
> {"i":255,"n":123.45,"c":"äöü","e":"b","s":"a,b","d":"2026-01-01","dt":"2026-01-01 00:00:00","tm":"-838:59:59","y":2026,"b":3,"j":"{\"x\":1}"} 1
> {"i":7} 4
> {"i":1} 5
> {"n":1.50} 7
> {"c":"12"} 9
> {"d":"2026-01-01"} 13
> {"dt":"2026-01-01 00:00:00.000"} 15
> {"dt":"2026-01-01 00:00:00.123"} 16
> {"y":2026} 19
> {"z":1} 20
> {"i":null,"c":null} 22
> {"n":1.00} 23
> {"dt":"0000-00-00 00:00:00.000"} 25
> 2 3 6 8 10 11 12 14 17 18 21 24
> i tinyint unsigned a number out of its range
> i tinyint unsigned text
> i tinyint unsigned more digits behind the point
> n decimal(5,2) a number out of its range
> n decimal(5,2) text
> c varchar(3) a longer text
> c varchar(3) number
> e enum('a','b') another label
> s set('a','b') another label
> d date another form of text
> dt datetime(3) another form of text
> dt datetime(3) more digits behind the point
> tm time another form of text
> y year text
> z null number
> c varchar(3) object
> n decimal(5,2) boolean
> c varchar(3) boolean

# drift: without types and declarations the kind of a column's values, by its first, and only where it is asked for
$ m() { printf '{"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"b.1:%s","data":%s}\n' "$@"; }
$ { m 1 '{"a":1,"b":null,"c":"x"}'; m 2 '{"a":"2","b":true,"c":3}'; m 3 '{"a":"x","b":0,"c":[1]}'; m 4 '{"d":1}'; } >in
$ cdc-norm --events e in >/dev/null; wc -c <e; cdc-norm --on-drift warn --events e in 2>&1 >/dev/null; jq -r '"\(.event) \(.name) \(.expected) \(.value)"' e; cdc-norm --on-drift cast --reject r in 2>&1 >out | wc -l; grep -o '"row":{[^}]*}' out; jq -r .line r
> 0
> cdc-norm: d.t: a was number, now is text
> cdc-norm: d.t: c was text, now is number
> cdc-norm: d.t: b was boolean, now is number
> cdc-norm: d.t: c was text, now is array
> cdc.drift a number text
> cdc.drift c text number
> cdc.drift b boolean number
> cdc.drift c text array
> cdc.column d null number
> 4
> "row":{"a":1,"b":null,"c":"x"}
> "row":{"a":2,"b":true,"c":"3"}
> "row":{"d":1}
> 3

# drift: Debezium's schema; the old values of an update are made to fit too
$ s() { printf '{"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int32","field":"id"},%s],"field":"after"}]},"payload":{"before":%s,"after":%s,"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"b.1","pos":%s,"row":0},"op":"u"}}\n' "$@"; }
$ { s '{"type":"int32","field":"a"}' '{"id":1,"a":1}' '{"id":1,"a":2}' 4; s '{"type":"string","field":"a"}' '{"id":1,"a":"2"}' '{"id":1,"a":"3"}' 9; } >in
$ cdc-norm --on-drift cast in | grep -o '"row".*,"src'; cdc-norm in | grep -o '"row".*,"src'
> "row":{"id":1,"a":2},"old":{"a":1},"src
> "row":{"id":1,"a":3},"old":{"a":2},"src
> "row":{"id":1,"a":2},"old":{"a":1},"src
> "row":{"id":1,"a":"3"},"old":{"a":"2"},"src
! cdc-norm: d.t: a was int32, now is string
! cdc-norm: d.t: a was int32, now is string

# a type of message that is not known stops nothing: counted, said, kept where it is asked for
$ cdc-norm --unknown-to u --stats s | wc -l; cat u; grep -o '"unknown_types":[0-9]*' s
< {"database":"d","table":"t","type":"upsert","ts":1,"data":{}}
< {"database":"d","table":"t","type":"insert","ts":1,"data":{}}
< {"data":null,"database":"d","es":1,"isDdl":false,"table":"t","ts":2,"type":"NEWS"}
< {"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t"},"op":"z","after":{}}
> 1
> {"database":"d","table":"t","type":"upsert","ts":1,"data":{}}
> {"data":null,"database":"d","es":1,"isDdl":false,"table":"t","ts":2,"type":"NEWS"}
> {"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t"},"op":"z","after":{}}
> "unknown_types":3
! cdc-norm: 3 messages of a type that is not known: they are in u

# an order that may not hold is an event
$ cdc-norm --events e >/dev/null; jq -c '[.event,.severity,.name,.value]' e
< {"database":"d","table":"t","type":"insert","ts":1,"data":{"id":1}}
< {"database":"d","table":"t","type":"insert","ts":1,"position":"a.000009:9","commit":true,"data":{"id":1}}
< {"database":"d","table":"t","type":"insert","ts":1,"position":"b.000001:9","commit":true,"data":{"id":1}}
> ["cdc.order","warn","unordered",1]
> ["cdc.order","warn","order_breaks",1]
! cdc-norm: another source numbered the changes 1 times: their order may not hold; give --meta, or --epoch from there on

# threads tell the same, in the same order
$ awk 'BEGIN { split("int bigint varchar(9) text decimal(9,2) int", t, " "); for (i = 1; i <= 30000; i++) printf "{\"data\":[{\"id\":\"%d\",\"a\":\"%d\"}],\"database\":\"d\",\"es\":1,\"isDdl\":false,\"mysqlType\":{\"id\":\"int\",\"a\":\"%s\"},\"pkNames\":[\"id\"],\"table\":\"t%d\",\"ts\":2,\"type\":\"INSERT\",\"k\":{\"partition\":0,\"offset\":%d}}\n", i, i, t[1 + int(i / 5000) % 6], i % 7, i }' >in
$ for p in warn cast; do for j in 1 4; do PIPEHOUSE_BLOCK=20000 cdc-norm -j $j --meta k --on-drift $p --events e.$p.$j --stats s.$j in >o.$p.$j 2>x.$p.$j; done; cmp o.$p.1 o.$p.4; cmp x.$p.1 x.$p.4; sed -i 's/"ts":.*//' e.$p.?; cmp e.$p.1 e.$p.4; wc -l <e.$p.1; done; tail -qn 1 s.1 s.4 | grep -o '"type_changes":[0-9]*,"cast":[0-9]*'
> 28
> 28
> "type_changes":28,"cast":15000
> "type_changes":28,"cast":15000

# a policy that no message bears out is none
$ cdc-norm --on-drift maybe </dev/null 2>&1 | head -n 1; cdc-norm --events - </dev/null 2>&1 | head -n 1
> cdc-norm: --on-drift: 'maybe' is none of said, warn, fail, cast
> cdc-norm: --events: a side output cannot be the standard output
