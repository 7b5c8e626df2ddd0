# dq-check: rows pass untouched, blanks and order and all
$ dq-check 'not_null(id)' 'range(v,0,9)'
< { "v" : 1.10 , "id":1e0}
< {"id":"x","v":0,"v2":[ 1, 2]}
> { "v" : 1.10 , "id":1e0}
> {"id":"x","v":0,"v2":[ 1, 2]}

# dq-check: no rows, nothing is broken but rows()
$ dq-check 'not_null(id)' 'unique(id)' 'rows(0,0)' </dev/null && dq-check 'rows(1,)' </dev/null
! dq-check: fail rows(1,): 0 rows, expected 1..
? 1

# dq-check not_null: null and absent are one thing, an empty string is none
$ dq-check 'not_null(a.b)'
< {"a":{"b":0}}
< {"a":{"b":""}}
< {"a":{"b":false}}
< {"a":{"b":null}}
< {"a":{}}
< {"a":1}
< {}
> {"a":{"b":0}}
> {"a":{"b":""}}
> {"a":{"b":false}}
> {"a":{"b":null}}
> {"a":{}}
> {"a":1}
> {}
! dq-check: fail not_null(a.b): 4 of 7 rows, first at <stdin>:4
? 1

# dq-check not_null: one of several
$ dq-check 'not_null(a, b)' >/dev/null
< {"a":1,"b":1}
< {"a":1}
< {"b":1}
< {}
! dq-check: fail not_null(a, b): 3 of 4 rows, first at <stdin>:2
? 1

# dq-check unique: repeats count, however a number is written; text differs; null is left alone
$ dq-check 'unique(id)' >/dev/null
< {"id":1}
< {"id":1.0}
< {"id":1e0}
< {"id":"1"}
< {"id":null}
< {}
< {"id":null}
< {"id":"\u0031"}
! dq-check: fail unique(id): 3 of 8 rows, first at <stdin>:2
? 1

# dq-check unique: --key-as text
$ dq-check --key-as text 'unique(id)' >/dev/null
< {"id":1}
< {"id":"1"}
! dq-check: fail unique(id): 1 of 2 rows, first at <stdin>:2
? 1

# dq-check unique: several paths are one key, and the join of two texts is not
$ dq-check 'unique(a,b)' >/dev/null
< {"a":"x","b":"y,z"}
< {"a":"x,y","b":"z"}
< {"a":"x","b":"z"}
< {"a":"x","b":"z"}
! dq-check: fail unique(a,b): 1 of 4 rows, first at <stdin>:4
? 1

# dq-check unique: an object cannot be a key
$ dq-check 'unique(id)' 2>&1 >/dev/null | cut -d';' -f1,2 | cut -c1-84
< {"id":{}}
> dq-check: fail unique(id): 1 of 1 rows, first at <stdin>:1; 1 could not be judged: a

# dq-check unique: a million keys, three of them twice, against sort
$ seq 1 300000 >n; (cat n; echo 5; echo 299999; echo 5) | sed 's/.*/{"id":&}/' | dq-check 'unique(id)' --result r >/dev/null 2>&1; jq -r .bad r; (cat n; echo 5; echo 299999; echo 5) | sort | uniq -c | awk '{s+=$1-1} END {print s}'
> 3
> 3

# dq-check in: values are SQL's
$ dq-check 'in(ch,'"'web','it''s, (not)'"',1.0)' >/dev/null
< {"ch":"web"}
< {"ch":"it's, (not)"}
< {"ch":1}
< {"ch":null}
< {"ch":2}
! dq-check: fail in(ch,'web','it''s, (not)',1.0): 1 of 5 rows, first at <stdin>:5; 1 could not be judged: a text that is no number meets a number
? 1

# dq-check range: bounds belong to it, decimals are exact, one side may be open
$ dq-check 'range(v,0,1e6)' 'range(v,,1000000)' 'range(v,0.10,)' 'warn range(v,-1,0)' >/dev/null
< {"v":1000000.00}
< {"v":0.1}
< {"v":1000000.00000000000000000001}
< {"v":0.09999999999999999999}
< {"v":null}
! dq-check: fail range(v,0,1e6): 1 of 5 rows, first at <stdin>:3
! dq-check: fail range(v,,1000000): 1 of 5 rows, first at <stdin>:3
! dq-check: fail range(v,0.10,): 1 of 5 rows, first at <stdin>:4
! dq-check: warn range(v,-1,0): 4 of 5 rows, first at <stdin>:1
? 1

# dq-check: a value that cannot be judged breaks it, and the message says why
$ dq-check 'range(v,0,9)' >/dev/null
< {"v":"7"}
< {"v":"seven"}
< {"v":[7]}
! dq-check: fail range(v,0,9): 2 of 3 rows, first at <stdin>:2; 2 could not be judged: a text that is no number meets a number
? 1

# dq-check regex: the pattern is anchored only where it says so
$ dq-check 'regex(tel,'"'^1[0-9]{10}$'"')' >/dev/null
< {"tel":"13800138000"}
< {"tel":"x13800138000"}
< {"tel":"1380013800"}
< {}
! dq-check: fail regex(tel,'^1[0-9]{10}$'): 2 of 4 rows, first at <stdin>:2
? 1

# dq-check ref: a value of the other file; null is left alone
$ printf '{"id":%s}\n' 1 2 '"a"' null >dim; dq-check 'ref(sku_id,dim,id)' >/dev/null
< {"sku_id":1.0}
< {"sku_id":"a"}
< {"sku_id":null}
< {"sku_id":"1"}
< {"sku_id":3}
! dq-check: fail ref(sku_id,dim,id): 2 of 5 rows, first at <stdin>:4
? 1

# dq-check ref: a file that is not there is 4, a bad record in it 3
$ dq-check 'ref(a,none,id)' </dev/null; echo $?; echo '{"id":' >bad; dq-check "ref(a,'bad',id)" </dev/null; echo $?
> 4
> 3
! dq-check: none: No such file or directory
! dq-check: bad:1: the line ends where a value should be

# dq-check expr: false breaks it, NULL does not
$ dq-check 'expr('"'paid = amount - reduced'"')' 'expr(paid > 0 OR coalesce(x, 1) = 1)' >/dev/null
< {"paid":0.3,"amount":0.4,"reduced":0.1}
< {"paid":0.3,"amount":0.4}
< {"paid":0.30000000000000004,"amount":0.4,"reduced":0.1}
< {"paid":0,"x":2}
! dq-check: fail expr('paid = amount - reduced'): 1 of 4 rows, first at <stdin>:3
! dq-check: fail expr(paid > 0 OR coalesce(x, 1) = 1): 1 of 4 rows, first at <stdin>:4
? 1

# dq-check rows: bounds from --arg
$ for n in 1 2 3; do printf '{}\n{}\n' | dq-check 'rows(:n,:n)' --arg n=$n >/dev/null; echo $?; done
> 1
> 0
> 1
! dq-check: fail rows(:n,:n): 2 rows, expected 1
! dq-check: fail rows(:n,:n): 2 rows, expected 3

# dq-check: warn never changes the exit status
$ dq-check 'warn not_null(a)' 'warn rows(5,)' >/dev/null
< {}
! dq-check: warn not_null(a): 1 of 1 rows, first at <stdin>:1
! dq-check: warn rows(5,): 1 rows, expected 5..

# dq-check --drop-bad: only fail checks drop; a row that goes makes no repeat; rows() counts what comes out
$ dq-check --drop-bad --stats s 'not_null(v)' 'unique(id)' 'warn range(v,0,9)' 'rows(3,3)' && jq -c '[.in,.passed,.dropped]' s
< {"id":1}
< {"id":1,"v":1}
< {"id":1,"v":2}
< {"id":2,"v":99}
< {"id":3,"v":3}
> {"id":1,"v":1}
> {"id":2,"v":99}
> {"id":3,"v":3}
> [5,3,2]
! dq-check: warn not_null(v): 1 of 5 rows, first at <stdin>:1; dropped
! dq-check: warn unique(id): 1 of 5 rows, first at <stdin>:3; dropped
! dq-check: warn range(v,0,9): 1 of 5 rows, first at <stdin>:4

# dq-check --tee-bad: copies of rows that break any check, each once
$ dq-check --tee-bad bad 'warn not_null(v)' 'range(v,0,9)' 'regex(id,'"'^[0-9]+$'"')' 2>/dev/null; cat bad
< {"id":"1","v":1}
< {"id":"x","v":99}
< {"id":"2"}
> {"id":"1","v":1}
> {"id":"x","v":99}
> {"id":"2"}
> {"id":"x","v":99}
> {"id":"2"}

# dq-check --result: one event a check, whole also where one failed
$ DT=2026-11-20 dq-check --table dwd.x --result r 'not_null(a)' 'warn unique(a)' 'rows(1,2)' >/dev/null 2>&1; echo $?; jq -c 'del(.ts, .text)' r; jq -r .text r
< {"a":1}
< {}
< {"a":1}
> 1
> {"event":"dq.check","severity":"fail","tenant":"main","table":"dwd.x","dt":"2026-11-20","name":"not_null(a)","value":1,"expected":0,"rows":3,"bad":1,"run":null}
> {"event":"dq.check","severity":"warn","tenant":"main","table":"dwd.x","dt":"2026-11-20","name":"unique(a)","value":1,"expected":0,"rows":3,"bad":1,"run":null}
> {"event":"dq.check","severity":"fail","tenant":"main","table":"dwd.x","dt":"2026-11-20","name":"rows(1,2)","value":3,"expected":"1..2","rows":3,"bad":0,"run":null}
> 1 of 3 rows, first at <stdin>:2
> 1 of 3 rows, first at <stdin>:3
> 3 rows, expected 1..2

# dq-check --result: not written where the input was bad
$ dq-check --result r 'not_null(a)'; echo $?; ls
< {"a":1}
< {"a":
> {"a":1}
> 3
! dq-check: <stdin>:2: the line ends where a value should be

# dq-check -s: one check a line; SQL's quotes, or quoted as a whole; operands first
$ cat >dq.spec <<'E'
$ # comment
$ fail unique(id)
$ warn in(ch,'web',   # and more
$     'app')
$ "regex(id,'^[a-z]$')"
$ not_null(ch)
$ E
$ dq-check -s dq.spec 'rows(3,)' >/dev/null
< {"id":"a","ch":"web"}
< {"id":"1","ch":"web, "}
! dq-check: fail rows(3,): 2 rows, expected 3..
! dq-check: warn in(ch,'web', 'app'): 1 of 2 rows, first at <stdin>:2
! dq-check: fail regex(id,'^[a-z]$'): 1 of 2 rows, first at <stdin>:2
? 1

# dq-check -s: a mistake is told with its line
$ printf 'unique(id)\nuniq(id)\n' >dq.spec; dq-check -s dq.spec </dev/null
! dq-check: dq.spec:2: uniq(id): no such check; there are not_null, unique, in, range, regex, ref, expr, schema, rows, fresh, change
! ...
? 2

# dq-check: misuse
$ dq-check; echo $?; dq-check 'range(a,,)' ; echo $?; dq-check 'rows(a,2)'; echo $?; dq-check 'in(a)'; echo $?; dq-check 'unique(a' x; echo $?
> 2
> 2
> 2
> 2
> 2
! dq-check: a CHECK or -s SPEC is required
! ...

# dq-check: a name in quotes is a text, which is never null
$ echo '{}' | dq-check "not_null(b,'a')" 2>&1 | head -n 1
> dq-check: check: not_null(b,'a'): the form is not_null(PATH,…), the PATH without quotes

# dq-check: a file whose name looks like a check is written with a slash
$ echo '{"a":1}' >'f(1)'; dq-check 'not_null(a)' './f(1)'
> {"a":1}

# dq-check: several files, messages name theirs
$ echo '{"a":1}' >x; echo '{}' >y; dq-check 'not_null(a)' x y
> {"a":1}
> {}
! dq-check: fail not_null(a): 1 of 2 rows, first at y:1
? 1

# dq-check: in a run the events are left for its runner
$ mkdir -p run/flow; PIPEHOUSE_RUN=$PWD/run dq-check 'not_null(a)' 2>/dev/null; jq -r '.severity, .run' run/events.ndjson
< {}
> {}
> fail
> run

# dq-check ref: a table of the warehouse, at a day
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1}\n' | wh-put dim.sku dt=2026-11-19
$ printf '{"id":1}\n{"id":2}\n' | wh-put dim.sku dt=2026-11-20
$ dq-check 'ref(sku_id,wh:dim.sku@2026-11-19,id)' 'ref(sku_id,wh:dim.sku@last,id)' >/dev/null
< {"sku_id":1}
< {"sku_id":2}
! dq-check: fail ref(sku_id,wh:dim.sku@2026-11-19,id): 1 of 2 rows, first at <stdin>:2
? 1

# dq-check unique: with threads the repeats are those of one, and the first of them; past -S too
$ { seq 20000; seq 15001 40000; } | sed 's/.*/{"id":&,"k":"k&"}/' >rows; export PIPEHOUSE_BLOCK=20000
$ for j in 1 2 4; do dq-check -j $j 'unique(k)' 'warn unique(id,k)' rows 2>&1 >/dev/null; dq-check -j $j -S 512K 'unique(k)' rows 2>&1 >/dev/null; done; rm rows
> dq-check: fail unique(k): 5000 of 45000 rows, first at rows:20001
> dq-check: warn unique(id,k): 5000 of 45000 rows, first at rows:20001
> dq-check: fail unique(k): 5000 of 45000 rows, first at rows:20001
> dq-check: fail unique(k): 5000 of 45000 rows, first at rows:20001
> dq-check: warn unique(id,k): 5000 of 45000 rows, first at rows:20001
> dq-check: fail unique(k): 5000 of 45000 rows, first at rows:20001
> dq-check: fail unique(k): 5000 of 45000 rows, first at rows:20001
> dq-check: warn unique(id,k): 5000 of 45000 rows, first at rows:20001
> dq-check: fail unique(k): 5000 of 45000 rows, first at rows:20001

# dq-check unique: past -S the first repeat is found in the file it is in, behind rows that cannot be judged too
$ seq 30000 | sed 's/.*/{"id":&}/' >a; { seq 40001 42000; echo 40100; echo 7; seq 50001 51000; } | sed 's/.*/{"id":&}/' >b; echo '{"id":1e999}' >c; export PIPEHOUSE_BLOCK=5000
$ for S in 256M 64K; do for j in 1 3; do dq-check -S $S -j $j 'unique(id)' a b b c 2>&1 >/dev/null; dq-check -S $S -j $j 'unique(id)' a c a b 2>&1 >/dev/null; dq-check -S $S -j $j 'unique(id)' a a 2>&1 >/dev/null; done; done; rm a b c
> dq-check: fail unique(id): 3005 of 36005 rows, first at b:2001; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30003 of 63003 rows, first at c:1; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30000 of 60000 rows, first at a:1
> dq-check: fail unique(id): 3005 of 36005 rows, first at b:2001; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30003 of 63003 rows, first at c:1; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30000 of 60000 rows, first at a:1
> dq-check: fail unique(id): 3005 of 36005 rows, first at b:2001; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30003 of 63003 rows, first at c:1; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30000 of 60000 rows, first at a:1
> dq-check: fail unique(id): 3005 of 36005 rows, first at b:2001; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30003 of 63003 rows, first at c:1; 1 could not be judged: number outside 10^38
> dq-check: fail unique(id): 30000 of 60000 rows, first at a:1
