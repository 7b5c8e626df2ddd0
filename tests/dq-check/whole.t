# dq-check fresh: against the end of the day; the zone's midnight
$ cat >rows; for d in 239m 4h; do dq-check --dt 2026-11-20 --tz Asia/Shanghai "fresh(ts,$d)" rows >/dev/null 2>err; echo $?; sed 's/.*): //' err; done
< {"ts":"2026-11-20 20:00:00"}
< {"ts":1763553600000}
< {"ts":null}
< {}
> 1
> newest 2026-11-20 20:00:00, expected 2026-11-20 20:01:00 or later
> 0
! ...

# dq-check fresh: --now decides; a row behind it is no proof that data came
$ dq-check --now '2026-11-20 12:00:00' --dt 2026-11-25 'fresh(ts:s,26h)' --result r >/dev/null; echo $?; jq -r '.value, .expected, .text' r
< {"ts":1795000000}
< {"ts":1795200000}
> 1
> 2026-11-18 11:06:40
> 2026-11-19 10:00:00
> newest 2026-11-18 11:06:40, expected 2026-11-19 10:00:00 or later; 1 rows lie behind 2026-11-20 12:00:00
! ...

# dq-check fresh: $DT is the day; no row at all is not fresh, nor is what is no time
$ export DT=2026-11-20; dq-check 'fresh(ts,1d)' </dev/null; echo $?; echo '{"ts":"2026-11-20 10:00:00"}{"ts":"soon"}' | tr '}' '}\n' | sed 's/}{/}\n{/' | dq-check 'fresh(ts,1d)' >/dev/null
> 1
! dq-check: fail fresh(ts,1d): no row has a time, expected 2026-11-20 00:00:00 or later
! dq-check: fail fresh(ts,1d): newest 2026-11-20 10:00:00, expected 2026-11-20 00:00:00 or later; 1 rows could not be judged, first at <stdin>:2: not a time
? 1

# dq-check fresh: without a day and without --now it is the clock
$ date -u '+{"ts":"%Y-%m-%d %H:%M:%S"}' | dq-check 'fresh(ts,10m)' >/dev/null; echo $?; echo '{"ts":"2020-01-01"}' | dq-check 'fresh(ts,10m)' >/dev/null 2>&1
> 0
? 1

# dq-check fresh: rows that --drop-bad takes out prove nothing
$ dq-check --drop-bad --dt 2026-11-20 'not_null(id)' 'fresh(ts,1h)'
< {"id":1,"ts":"2026-11-20 10:00:00"}
< {"ts":"2026-11-20 23:30:00"}
> {"id":1,"ts":"2026-11-20 10:00:00"}
! dq-check: warn not_null(id): 1 of 2 rows, first at <stdin>:2; dropped
! dq-check: fail fresh(ts,1h): newest 2026-11-20 10:00:00, expected 2026-11-20 23:00:00 or later
? 1

# dq-check change: against yesterday and the same weekday, both
$ day() { d=$1 n=$2; shift 2; seq "$n" | sed 's/.*/{"id":&}/' | dq-check --history h --table t.x --dt "2026-11-$d" "$@" --result r >/dev/null 2>&1; echo "$? $(jq -r '.severity + " " + .text' r)"; }
$ day 12 1000 'change(rows,20%)'; day 13 1000 'change(rows,20%)'; day 19 1300 'change(rows,20%)'; day 20 1200 'change(rows,20%)'; day 20 1201 'change(rows,20%)'; day 20 1039 'change(rows,20%)'; day 20 1040 'change(rows,20%)'
> 0 ok 1000; nothing of 2026-11-11, nothing of 2026-11-05
> 0 ok 1000; 1000 on 2026-11-12 (+0.0%), nothing of 2026-11-06; expected 800..1200
> 1 fail 1300; nothing of 2026-11-18, 1000 on 2026-11-12 (+30.0%); expected 800..1200
> 0 ok 1200; 1300 on 2026-11-19 (-7.7%), 1000 on 2026-11-13 (+20.0%); expected 1040..1200
> 1 fail 1201; 1300 on 2026-11-19 (-7.6%), 1000 on 2026-11-13 (+20.1%); expected 1040..1200
> 1 fail 1039; 1300 on 2026-11-19 (-20.1%), 1000 on 2026-11-13 (+3.9%); expected 1040..1200
> 0 ok 1040; 1300 on 2026-11-19 (-20.0%), 1000 on 2026-11-13 (+4.0%); expected 1040..1200

# dq-check change: a day run again replaces its own value, and is not compared with itself
$ day() { seq "$2" | sed 's/.*/{"id":&}/' | dq-check --history h --table t.x --dt "2026-11-$1" 'change(rows,0)' --result r >/dev/null 2>&1; jq -r .text r; }
$ day 19 5; day 19 9; day 20 9; wc -l <h/t.x.ndjson; ls h
> 5; nothing of 2026-11-18, nothing of 2026-11-12
> 9; nothing of 2026-11-18, nothing of 2026-11-12
> 9; 9 on 2026-11-19 (+0.0%), nothing of 2026-11-13; expected 9
> 6
> t.x.ndjson

# dq-check change: null rate in points, distinct keys, exact money
$ c() { dq-check --history h --table t.x --dt "$1" 'change(null_rate(a),10%)' 'change(distinct(id,k),0)' 'change(sum(a),0.01)' 'change(sum(a * 2),1%)' --result r >/dev/null 2>&1; echo $?; jq -c '[.severity,.value,.expected]' r; }
$ printf '%s\n' '{"id":1,"k":1,"a":0.1}' '{"id":1.0,"k":1,"a":0.2}' '{"id":2,"k":1}' '{"id":null,"a":"0.3"}' | c 2026-11-19
$ printf '%s\n' '{"id":1,"k":1,"a":0.1}' '{"id":2,"k":1,"a":0.51}' '{"id":1,"k":1}' | c 2026-11-20
> 0
> ["ok",0.25,null]
> ["ok",2,null]
> ["ok",0.6,null]
> ["ok",1.2,null]
> 1
> ["ok",0.333333,"0.15..0.35"]
> ["ok",2,"2"]
> ["ok",0.61,"0.59..0.61"]
> ["fail",1.22,"1.188..1.212"]

# dq-check change: history keeps what every check measured, and the rows whoever asks
$ echo '{"id":1}' | dq-check --history h --table t.x --dt 2026-11-20 'not_null(id)' >/dev/null; jq -c 'del(.ts)' h/t.x.ndjson
> {"table":"t.x","dt":"2026-11-20","metric":null,"value":0,"name":"not_null(id)","severity":"ok","rows":1,"bad":0,"run":null}
> {"table":"t.x","dt":"2026-11-20","metric":"rows","value":1,"name":"rows","severity":"ok","rows":1,"bad":0,"run":null}

# dq-check change: other days are known, but neither of the two: told
$ for d in 10 20; do echo '{}' | dq-check --history h --table t.x --dt 2026-11-$d 'change(rows,5%)' >/dev/null; echo $?; done
> 0
> 0
! dq-check: warn change(rows,5%): 1; nothing of 2026-11-19, nothing of 2026-11-13

# dq-check change: from nothing to something is a change, nothing twice is none; no rows have no null rate
$ c() { dq-check --history h --table t.x --dt "$1" 'change(rows,20%)' 'change(null_rate(a),1%)' --result r >/dev/null 2>&1; echo $?; jq -r .text r; }
$ c 2026-11-18 </dev/null; c 2026-11-19 </dev/null; echo '{}' | c 2026-11-20
> 0
> 0; nothing of 2026-11-17, nothing of 2026-11-11
> no value: no rows
> 0
> 0; 0 on 2026-11-18, nothing of 2026-11-12; expected 0
> no value: no rows
> 1
> 1; 0 on 2026-11-19, nothing of 2026-11-13; expected 0
> 1.000000; nothing of 2026-11-19, nothing of 2026-11-13

# dq-check change: a line that a crash cut off is passed over, and the next one begins a line
$ mkdir h; printf '{"table":"t.x","dt":"2026-11-19","metric":"rows","value":7}\n{"table":"t.x","dt":"2026-11-19","metr' >h/t.x.ndjson
$ seq 7 | sed 's/.*/{}/' | dq-check --history h --table t.x --dt 2026-11-20 'change(rows,0)' >/dev/null; echo $?; sed -n 3p h/t.x.ndjson | jq -r .name
> 0
> change(rows,0)

# dq-check change: bad input leaves no trace in history; four at once leave whole lines
$ dq-check --history h --table t.x --dt 2026-11-20 'change(rows,1%)' >/dev/null; echo $?; ls h 2>&1
$ for i in 1 2 3 4; do echo '{}' | dq-check --history h --table t.x --dt 2026-11-1$i 'change(rows,1%)' >/dev/null 2>&1 & done; wait; jq -s length h/t.x.ndjson
< {"a"
> 3
> ls: cannot access 'h': No such file or directory
> 8
! dq-check: <stdin>:1: the line ends inside an object

# dq-check change: in an overlay nothing is added
$ echo '{}' | PIPEHOUSE_OVERLAY=$PWD/o dq-check --history h --table t.x --dt 2026-11-20 'change(rows,1%)' >/dev/null; ls h 2>/dev/null | wc -l
> 0

# dq-check: what these checks need, and names that are none
$ t() { dq-check "$@" </dev/null >/dev/null 2>err; echo "$? $(head -n 1 err | cut -c1-64 | sed 's/ *$//')"; }
$ t 'change(rows,1%)'; t --history h 'change(rows,1%)'; t --history h --table ../x --dt 2026-11-20 'change(rows,1%)'; t --history h --table .x --dt 2026-11-20 'rows(0,)'
$ h='--history h --table t.x --dt 2026-11-20'; t $h 'change(rows)'; t $h 'change(rows,x%)'; t $h 'change(rows,-1)'; t $h 'change(median(a),1%)'; t $h 'change(null_rate(a),10)'; t $h 'change(cols,1%)'
$ t 'fresh(ts)'; t 'fresh(ts,0)'; t 'fresh(ts,soon)'; t --dt 2026-02-30 'rows(0,)'; t --now soon 'rows(0,)'; t 'schema()'; t --table t.x 'schema(1)'; ls
> 2 dq-check: check: change() compares with --history, of the --tabl
> 2 dq-check: --history needs --table and --dt
> 2 dq-check: --table: '../x' cannot be the name of a history
> 2 dq-check: --table: '.x' cannot be the name of a history
> 2 dq-check: check: change(rows): the form is change(METRIC,N% or N
> 2 dq-check: check: change(rows,x%): the form is change(METRIC,N% o
> 2 dq-check: check: change(rows,-1): the form is change(METRIC,N% o
> 2 dq-check: check: change(median(a),1%): the form is change(METRIC
> 2 dq-check: check: change(null_rate(a),10): the form is change(nul
> 2 dq-check: check: change(cols,1%): the form is change(METRIC,TOLE
> 2 dq-check: check: fresh(ts): the form is fresh(PATH[:s|ms|us],DUR
> 2 dq-check: check: fresh(ts,0): the form is fresh(PATH,DUR), with
> 2 dq-check: check: a duration is a number and one of us ms s m h d
> 2 dq-check: --dt: '2026-02-30': no such date
> 2 dq-check: --now: 'soon': not a time
> 2 dq-check: check: schema() needs --table
> 2 dq-check: check: schema(1): the form is schema()
> err

# dq-check schema: the columns and types a table says it has
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh
$ wh-table t.x - <<'E'
$ column id 'bigint unsigned' key
$ column n tinyint
$ column amount decimal(6,2) money
$ column name varchar(3) pii name
$ column ok boolean
$ column day date
$ column at datetime
$ column tags array
$ column ext json
$ E
$ cat >rows <<'E'
$ {"id":18446744073709551615,"n":-128,"amount":9999.99,"name":"中文字","ok":true,"day":"2026-02-28","at":"2026-11-20 10:00:00","tags":[],"ext":{"a":1}}
$ {"id":1.0,"n":127,"amount":1e1,"name":"","ok":0,"day":null,"at":1763553600000,"tags":null,"ext":1,"dt":"2026-11-20"}
$ E
$ dq-check --table t.x 'schema()' rows >/dev/null && while read -r row; do echo "$row" | dq-check --table t.x 'schema()' 2>&1 >/dev/null | sed 's/.*<stdin>:1: //; s/; no row.*//'; done
< {"id":18446744073709551616}
< {"id":-1}
< {"id":1.5}
< {"id":"1"}
< {"n":128}
< {"amount":0.001}
< {"amount":10000}
< {"name":"four"}
< {"name":1}
< {"ok":2}
< {"day":"2026-02-30"}
< {"day":"2026-02-28 00:00:00"}
< {"at":"later"}
< {"tags":{}}
< {"new":1}
> "id": this number is no bigint unsigned
> "id": this number is no bigint unsigned
> "id": this number is no bigint unsigned
> "id": this string is no bigint unsigned
> "n": this number is no tinyint
> "amount": this number is no decimal(6,2)
> "amount": this number is no decimal(6,2)
> "name": this string is no varchar(3)
> "name": this number is no varchar(3)
> "ok": this number is no boolean
> "day": this string is no date
> "day": this string is no date
> "at": this string is no datetime
> "tags": this object is no array
> no column "new"

# dq-check schema: a declared column that no row has; rows of another shape go aside
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; printf 'column id int\ncolumn gone string\ncolumn "a b" string\n' | wh-table t.x -
$ dq-check --table t.x 'schema()' --drop-bad; echo $?; dq-check --table t.x 'warn schema()' </dev/null
< {"id":1,"a b":null}
< {"id":"2"}
< {"id":3,"a\u0020b":"x"}
> {"id":1,"a b":null}
> {"id":3,"a\u0020b":"x"}
> 1
! dq-check: fail schema(): 1 of 3 rows, first at <stdin>:2: "id": this string is no int; no row has gone

# dq-check schema: a table that says nothing has the columns its rows had; one that is not there is told of
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; printf '{"id":1,"a":null,"b":"x","c":true}\n' | wh-put t.x dt=2026-11-19
$ dq-check --table t.x 'schema()' >/dev/null; echo $?; echo '{}' | dq-check --table t.none 'schema()'
< {"id":2,"a":{},"b":null,"c":false}
< {"b":7}
< {"d":1}
> 1
> {}
! dq-check: fail schema(): 2 of 3 rows, first at <stdin>:2: "b": this number is no string
! dq-check: warn schema(): 0 of 1 rows; nothing is known of the columns of t.none

# dq-check schema: a type that is none
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; echo 'column id integr key' | wh-table t.x -; dq-check --table t.x 'schema()' </dev/null 2>&1 | head -n 1
> dq-check: check: t.x: column id: schema() knows no type 'integr': any, number, string, boolean, object, array or one of SQL

# dq-check unique: keys past -S wait on disk; as many repeats as in memory, and distinct() too
$ (seq 1 60000; seq 20000 30000; seq 59990 60000) >n; sed 's/.*/{"id":&,"k":"&"}/' n >rows; all=$(wc -l <n); echo $((all - $(sort -u n | wc -l)))
$ for S in 256M 512K 64K; do dq-check -S $S --history h --table t.x --dt 2026-11-20 'unique(id)' 'warn unique(id,k)' 'change(distinct(id),0)' --result r rows 2>/dev/null | cmp - rows && jq -c '[.severity,.value,.bad]' r; done; ls | tr '\n' ' '; echo
> 10012
> ["fail",10012,10012]
> ["warn",10012,10012]
> ["ok",60000,0]
> ["fail",10012,10012]
> ["warn",10012,10012]
> ["ok",60000,0]
> ["fail",10012,10012]
> ["warn",10012,10012]
> ["ok",60000,0]
> h n r rows 

# dq-check unique: where a row's fate hangs on it its keys must fit; those of ref() always
$ seq 1 30000 | sed 's/.*/{"id":&}/' >rows; dq-check -S 64K --drop-bad 'unique(id)' rows >/dev/null; echo $?; dq-check -S 64K 'ref(id,rows,id)' rows >/dev/null
> 4
! dq-check: the keys of unique() and ref() need more memory than -S lets them have (0 MiB)
! dq-check: the keys of unique() and ref() need more memory than -S lets them have (0 MiB)
? 4

# dq-check schema: with threads a column stands in the rows of any of them
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh PIPEHOUSE_BLOCK=1000; printf 'column id int\ncolumn gone string\ncolumn rare int\ncolumn late int\n' | wh-table t.x -
$ seq 2000 | sed 's/.*/{"id":&}/; 1300s/}/,"rare":1}/; 1700s/,*"id":/"id":"x","late":1,"no":/; $s/}/,"late":"2"}/' >rows
$ for j in 1 2 4; do dq-check -j $j --table t.x 'schema()' rows 2>&1 >out; echo $?; cmp out rows; rm out; done; rm -r wh rows
> dq-check: fail schema(): 2 of 2000 rows, first at rows:1700: "id": this string is no int; no row has gone
> 1
> dq-check: fail schema(): 2 of 2000 rows, first at rows:1700: "id": this string is no int; no row has gone
> 1
> dq-check: fail schema(): 2 of 2000 rows, first at rows:1700: "id": this string is no int; no row has gone
> 1
