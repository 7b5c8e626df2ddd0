# wh-put: a day holds the rows as they came, byte for byte
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-put ods.t dt=2026-11-20 && wh-cat ods.t@2026-11-20
< {"id":1,"v":19.99,"w":1.10}
< {"id":2,"v":-0,"w":1e400}
< {"id":18446744073709551615, "v":"\u00e9\/"}
> {"id":1,"v":19.99,"w":1.10}
> {"id":2,"v":-0,"w":1e400}
> {"id":18446744073709551615, "v":"\u00e9\/"}

# wh-put: dt= replaces the day and no other
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 19 20; do echo '{"id":1}' | wh-put ods.t dt=2026-11-$d; done
$ echo '{"id":2}' | wh-put ods.t dt=2026-11-20
$ wh-cat --dt ods.t
> {"id":1,"dt":"2026-11-19"}
> {"id":2,"dt":"2026-11-20"}

# wh-put: the same rows again are no commit
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do printf '{"id":1}\n{"id":2}\n' | wh-put ods.t dt=2026-11-20; done
$ ls wh/main/ods/t/_log/*.json | wc -l; ls wh/main/ods/t/.pool/2026-11-20 | wc -l
> 2
> 1

# wh-put: an empty day is a day
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-put ods.t dt=2026-11-20 </dev/null; wh-cat ods.t@2026-11-20; echo $?; ls wh/main/ods/t; wh-cat ods.t@2026-11-21 2>/dev/null; echo $?
> 0
> _log
> _table
> dt=2026-11-20
> 1

# wh-put: a day that becomes empty has an empty view
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put ods.t dt=2026-11-20; wh-put ods.t dt=2026-11-20 </dev/null
$ wh-cat ods.t@2026-11-20; ls wh/main/ods/t/dt=2026-11-20

# wh-put: the view's files are the live ones, in order, and nothing else matches the globs of engines
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put ods.t --partition-by t; done
$ (cd wh/main/ods/t && ls dt=*; find . -name '*.zst' -o -name '*.ndjson*' | sort; zstdcat -q dt=2026-11-20/*.zst)
> 000000.ndjson.zst
> 000001.ndjson.zst
> 000002.ndjson.zst
> ./dt=2026-11-20/000000.ndjson.zst
> ./dt=2026-11-20/000001.ndjson.zst
> ./dt=2026-11-20/000002.ndjson.zst
> {"id":1,"t":"2026-11-20"}
> {"id":2,"t":"2026-11-20"}
> {"id":3,"t":"2026-11-20"}

# wh-put: who makes a view and is stopped at it holds nobody up for long: the commit stands, and the next one makes the view
$ export PIPEHOUSE_ROOT=$PWD/wh d=wh/main/ods/t
$ echo '{"id":1,"t":"2026-11-20"}' | wh-put ods.t --partition-by t
$ exec 9>$d/.pool/2026-11-20/.lock; flock 9
$ echo '{"id":2,"t":"2026-11-20"}' | wh-put ods.t --partition-by t; echo $?; ls $d/dt=2026-11-20; wh-cat ods.t@2026-11-20
$ exec 9>&-
$ echo '{"id":3,"t":"2026-11-21"}' | wh-put ods.t --partition-by t; ls $d/dt=2026-11-20
! wh-put: ods.t@2026-11-20: its view stays behind: another process has been at it for 5 s; is one stopped?
> 0
> 000000.ndjson.zst
> {"id":1,"t":"2026-11-20"}
> {"id":2,"t":"2026-11-20"}
> 000000.ndjson.zst
> 000001.ndjson.zst

# wh-put: equal rows give equal files, whatever else is different
$ for r in a b; do
$ 	export PIPEHOUSE_ROOT=$PWD/$r
$ 	[ $r = b ] && echo '{"x":0}' | wh-put ods.t dt=2026-11-20
$ 	seq 1 100000 | sed 's/.*/{"id":&,"v":"value &"}/' | (if [ $r = b ]; then dd bs=77 status=none; else cat; fi) | wh-put ods.t dt=2026-11-20
$ done
$ diff -r a/main/ods/t/dt=2026-11-20 b/main/ods/t/dt=2026-11-20 && ls a/main/ods/t/dt=2026-11-20
> 000000.ndjson.zst

# wh-put: --partition-by sends each row to its day in the zone of the table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'tz Asia/Shanghai\n' | wh-table ods.t -
$ wh-put ods.t --partition-by ts:ms && wh-cat --dt ods.t
< {"id":1,"ts":1795190399999}
< {"id":2,"ts":1795190400000}
> {"id":1,"ts":1795190399999,"dt":"2026-11-20"}
> {"id":2,"ts":1795190400000,"dt":"2026-11-21"}

# wh-put: a day as text, a time as text, an expression
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"d":"2026-02-28"}' | wh-put a.a --partition-by d
$ echo '{"d":"2026-02-28T23:00:00-05:00"}' | wh-put a.a --partition-by d
$ echo '{"d":"20260302"}' | wh-put a.a --partition-by "substr(d,1,4) || '-' || substr(d,5,2) || '-' || substr(d,7,2)"
$ wh-cat --dt a.a
> {"d":"2026-02-28","dt":"2026-02-28"}
> {"d":"2026-02-28T23:00:00-05:00","dt":"2026-03-01"}
> {"d":"20260302","dt":"2026-03-02"}

# wh-put: a row without a day, or with dt, is that row's error
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-put ods.t --partition-by t --reject bad; echo $?; json-map --keep line,reason bad; wh-cat ods.t
< {"id":1}
< {"id":2,"t":"2026-11-20"}
< {"id":3,"t":"2026-11-31"}
< {"id":4,"t":"2026-11-20","dt":"2026-11-20"}
> 0
> {"line":1,"reason":"no day: the value is null or absent"}
> {"line":3,"reason":"no such date"}
> {"line":4,"reason":"a row does not hold dt: the partition says it"}
> {"id":2,"t":"2026-11-20"}

# wh-put: a bad record stops it and nothing is there
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1}\n{"id":\n' | wh-put ods.t dt=2026-11-20 2>/dev/null; echo $?; wh-ls; find wh -name '*z' -type f
> 3

# wh-put: --partition-by with 100 days keeps the order of each
$ export PIPEHOUSE_ROOT=$PWD/wh
$ python3 -c 'import datetime
$ for k in range(3):
$     for i in range(100): print("{\"d\":\"%s\",\"k\":%d}" % (datetime.date(2026,1,1)+datetime.timedelta(i), k))' >in
$ wh-put ods.t --partition-by d in && wh-cat ods.t >out; sort in | cmp - out && wh-ls | json-map --keep days,rows
> {"days":100,"rows":300}

# wh-put: a keyed table keeps the newest row of each key, numbers by value
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey a b\norder o\nday d\n' | wh-table dim.t -
$ printf '{"a":1,"b":"x","o":9,"d":"2026-11-20"}\n{"a":1.0,"b":"x","o":10,"d":"2026-11-20"}\n' | wh-put dim.t
$ printf '{"a":1,"b":"x","o":9.5,"d":"2026-11-20"}\n{"a":0,"b":"y","o":1,"d":"2026-11-20"}\n{"a":1,"b":"x","o":1e1,"d":"2026-11-20","n":1}\n' | wh-put dim.t
$ wh-cat dim.t
> {"a":0,"b":"y","o":1,"d":"2026-11-20"}
> {"a":1,"b":"x","o":1e1,"d":"2026-11-20","n":1}

# wh-put: dt= of a keyed table is its base, each key once
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\nday d\n' | wh-table dim.t -
$ printf '{"id":2,"o":1}\n{"id":1,"o":2}\n{"id":1,"o":1}\n' | wh-put dim.t dt=2026-11-20
$ zstdcat -q wh/main/dim/t/dt=2026-11-20/*.zst
> {"id":1,"o":2}
> {"id":2,"o":1}

# wh-put: a key or order that is null is that row's error
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\nday d\n' | wh-table dim.t -
$ printf '{"o":1,"d":"2026-11-20"}\n{"id":1,"o":null,"d":"2026-11-20"}\n' | wh-put dim.t --reject bad; json-map --keep reason bad
> {"reason":"the key is null"}
> {"reason":"the order is null"}

# wh-put: codec gz is read by gzip
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo 'codec gz' | wh-table ods.t -; echo '{"id":1}' | wh-put ods.t dt=2026-11-20
$ ls wh/main/ods/t/dt=2026-11-20; zcat wh/main/ods/t/dt=2026-11-20/*.gz; wh-cat ods.t
> 000000.ndjson.gz
> {"id":1}
> {"id":1}

# wh-put: what it says of bad operands
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for t in ods Ods.t ods/x.y _run.t a.b.c ods..t; do wh-put "$t" dt=2026-11-20 </dev/null; done 2>&1 | grep -v ^usage; wh-put a.b dt=2026-02-29 </dev/null 2>&1 | head -n 1
> wh-put: 'ods': a table is LAYER.TABLE
> wh-put: 'Ods.t': layer and table are of a-z, 0-9 and _
> wh-put: 'ods/x.y': layer and table are of a-z, 0-9 and _
> wh-put: '_run.t': a layer does not begin with '_'
> wh-put: 'a.b.c': layer and table are of a-z, 0-9 and _
> wh-put: 'ods..t': layer and table are of a-z, 0-9 and _
> wh-put: dt=2026-02-29: not a day, YYYY-MM-DD

# wh-put: no warehouse
$ echo '{}' | wh-put ods.t dt=2026-11-20
! wh-put: PIPEHOUSE_ROOT is not set: where is the warehouse?
? 2

# wh-put: --job stands in a barrier job (job.py)
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-put a.b --partition-by d --job j </dev/null 2>&1 | head -n 1; test ! -e wh
> wh-put: --job: only in a barrier job, which pipe-run starts

# wh-put: twenty first writers at once make one table and lose nothing
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in $(seq 20); do echo "{\"id\":$i,\"d\":\"2026-11-2$((i % 2))\"}" | wh-put ods.t --partition-by d & done; wait
$ wh-cat ods.t | sort | uniq | wc -l; wh-table ods.t; zstdcat -q wh/main/ods/t/dt=*/*.zst | sort | uniq | wc -l
> 20
> kind append
> # seen "id" number
> # seen "d" string
> 20

# wh-put: of writers that replace one day at once some win, the others say 75, and the day is one of theirs
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in $(seq 8); do (seq 1 20000 | sed "s/.*/{\"id\":&,\"w\":$i}/" | wh-put ods.t dt=2026-11-20 2>/dev/null; echo $? >st.$i) & done; wait
$ cat st.* | sort -u | tr '\n' ' '; wh-cat ods.t | wc -l; wh-cat ods.t | json-map --keep w | sort -u | wc -l; ls wh/main/ods/t/dt=2026-11-20
> 0 75 20000
> 1
> 000000.ndjson.zst

# wh-put: a damaged commit stops everybody
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put ods.t dt=2026-11-20; sed -i 's/"rows":1/"rows":2/' wh/main/ods/t/_log/00000000000000000002.json
$ wh-cat ods.t 2>e; echo $?; sed 's/: .*_log/: LOG/' e; echo '{"id":1}' | wh-put ods.t dt=2026-11-21 2>/dev/null; echo $?
> 3
> wh-cat: LOG/00000000000000000002.json: its sum is wrong: the record was changed
> 3

# wh-put: an expression is evaluated in the table's zone, and --tz may not contradict it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo 'tz Asia/Shanghai' | wh-table ods.t -
$ echo '{"ts":1795190400000}' | wh-put ods.t --partition-by "date_format(to_timestamp(ts),'%Y-%m-%d')"; wh-cat --dt ods.t
$ echo '{"ts":1795190400000}' | wh-put ods.t --partition-by ts --tz UTC; echo $?
> {"ts":1795190400000,"dt":"2026-11-21"}
> 2
! wh-put: --tz says UTC, but the table's zone is Asia/Shanghai
# wh-put: a tombstone takes its key away, whatever comes first, and an older change does not bring it back
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table dim.t -
$ printf '{"id":1,"o":1,"d":"2026-11-20"}\n{"id":2,"o":1,"d":"2026-11-20"}\n{"id":3,"o":1,"d":"2026-11-20","gone":false}\n' | wh-put dim.t
$ printf '{"id":4,"o":5,"d":"2026-11-20","gone":true}\n{"id":2,"o":2,"d":"2026-11-20","gone":true}\n' | wh-put dim.t
$ printf '{"id":2,"o":1.5,"d":"2026-11-20","late":1}\n{"id":4,"o":4,"d":"2026-11-20"}\n{"id":1,"o":2,"d":"2026-11-20","gone":null}\n' | wh-put dim.t
$ wh-cat dim.t
$ echo '{"id":2,"o":3,"d":"2026-11-20","back":1}' | wh-put dim.t; wh-cat dim.t@2026-11-20 | wc -l
> {"id":1,"o":2,"d":"2026-11-20","gone":null}
> {"id":3,"o":1,"d":"2026-11-20","gone":false}
> 3

# wh-put: at one order a row wins over a tombstone, from the same input, another commit, or the other way round
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table dim.t -
$ r='{"id":1,"o":1,"d":"2026-11-20"}' t='{"id":1,"o":1,"d":"2026-11-20","gone":true}'
$ printf '%s\n' "$r" "$t" | wh-put dim.t; wh-cat dim.t; printf '%s\n' "$t" | wh-put dim.t; wh-cat dim.t
$ r=$(echo "$r" | sed s/20/19/2) t=$(echo "$t" | sed s/20/19/2)
$ echo "$t" | wh-put dim.t; echo "$r" | wh-put dim.t; wh-cat dim.t@2026-11-19
> {"id":1,"o":1,"d":"2026-11-20"}
> {"id":1,"o":1,"d":"2026-11-20"}
> {"id":1,"o":1,"d":"2026-11-19"}

# wh-put: dt= of a keyed table with tombstones: they are in no view, and hold against what comes late
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table dim.t -
$ for i in 1 2; do printf '{"id":2,"o":5,"gone":true}\n{"id":1,"o":2}\n{"id":2,"o":1}\n' | wh-put dim.t dt=2026-11-20; done
$ echo '{"id":2,"o":4,"d":"2026-11-20"}' | wh-put dim.t; wh-cat dim.t; zstdcat -q wh/main/dim/t/dt=2026-11-20/*.zst; ls wh/main/dim/t/_log/*.json | wc -l
> {"id":1,"o":2}
> {"id":1,"o":2}
> 2

# wh-put: a keyed table takes only news: the same again is no commit, one new row among old ones is a commit of one row
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table dim.t -
$ seq 1 1000 | sed 's/.*/{"id":&,"o":&,"d":"2026-11-1&"}/; s/1\([0-9]\)[0-9]*"}/1\1"}/' >in; seq 1 50 | sed 's/.*/{"id":&,"o":2000,"d":"2026-11-1&","gone":true}/; s/1\([0-9]\)[0-9]*","g/1\1","g/' >>in
$ wh-put dim.t in; wh-cat dim.t >a; wc -l <a
$ shuf in >again; wh-put dim.t again; head -n 500 in | wh-put dim.t; wh-ls -v dim.t | wc -l
$ (shuf in; echo '{"id":5,"o":2001,"d":"2026-11-15"}') | wh-put dim.t
$ wh-ls -v dim.t | tail -n 1 | json-map n=n days=days.\"2026-11-15\".add[0].rows known=counts.known other=days.\"2026-11-11\"
$ wh-cat dim.t | diff a - | sed 1d; wh-cat dim.t@2026-11-15 | wc -l; ls wh/main/dim/t/.pool/2026-11-15 | wc -l
> 950
> 2
> {"n":3,"days":1,"known":1050,"other":null}
> > {"id":5,"o":2001,"d":"2026-11-15"}
> 110
> 2

# wh-put: what is neither true nor false is no mark of deletion
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table dim.t -
$ printf '{"id":1,"o":1,"d":"2026-11-20","gone":"true"}\n{"id":1,"o":1,"d":"2026-11-20","gone":1}\n' | wh-put dim.t --reject bad; json-map --keep reason bad
> {"reason":"deleted is neither true nor false"}
> {"reason":"deleted is neither true nor false"}

