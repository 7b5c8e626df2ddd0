# cdc-merge | wh-put of a keyed table by day: only the days of changed rows get a file, told late or twice too
$ export PIPEHOUSE_ROOT=$PWD/wh; printf 'kind upsert\nkey id\norder ord\ndeleted deleted\nday day\n' | wh-table ods.o -
$ c() { printf '{"op":"%s","db":"d","table":"o","key":{"id":%d},"ts":1,"ord":"%02d","row":{"id":%d,"day":"2026-11-%s","v":%d}}\n' $1 $2 $3 $2 $4 $5; }
$ days() { for d in 20 21 22; do echo $(ls wh/main/ods/o/.pool/2026-11-$d | grep -c pz$); done | tr '\n' ' '; echo; }
$ m() { cdc-merge --deletes mark --ord ord | wh-put ods.o; }
$ { c c 1 1 20 1; c c 2 2 21 2; c c 3 3 22 3; c u 1 4 20 9; } | m; wh-cat ods.o | sed 's/,"ord.*/}/'; days
$ { c u 2 5 21 5; c u 2 6 21 6; } | m; wh-cat ods.o | sed 's/,"ord.*/}/'; days
$ { c u 2 5 21 5; c d 3 7 22 3; c c 1 1 20 1; } | m; wh-cat ods.o | sed 's/,"ord.*/}/'; days; { c d 3 7 22 3; c u 2 6 21 6; } | m; days
> {"id":1,"day":"2026-11-20","v":9}
> {"id":2,"day":"2026-11-21","v":2}
> {"id":3,"day":"2026-11-22","v":3}
> 1 1 1 
> {"id":1,"day":"2026-11-20","v":9}
> {"id":2,"day":"2026-11-21","v":6}
> {"id":3,"day":"2026-11-22","v":3}
> 1 2 1 
> {"id":1,"day":"2026-11-20","v":9}
> {"id":2,"day":"2026-11-21","v":6}
> 1 2 2 
> 1 2 2 

# cdc-merge -k KEY,DAY: a row that goes to another day leaves a tombstone on the one it came from, there and back
$ export PIPEHOUSE_ROOT=$PWD/wh; printf 'kind upsert\nkey id\norder ord\ndeleted deleted\nday at\n' | wh-table ods.o -
$ u() { printf '{"op":"u","db":"d","table":"o","key":null,"ts":1,"ord":"%02d","row":{"id":1,"at":"2026-11-%s","v":%d},"old":{"at":"2026-11-%s"}}\n' $1 "$2" $3 "$4"; }
$ m() { cdc-merge -k id,at --deletes mark --ord ord | wh-put ods.o; wh-cat --dt ods.o; echo; }
$ u 1 '20 08:00:00' 1 '20 08:00:00' | m; u 2 '21 09:00:00' 2 '20 08:00:00' | m; u 3 '21 10:00:00' 3 '21 09:00:00' | m; { u 4 '22 00:00:00' 4 '21 10:00:00'; u 5 '20 08:00:00' 5 '22 00:00:00'; } | m
> {"id":1,"at":"2026-11-20 08:00:00","v":1,"ord":"01","dt":"2026-11-20"}
> 
> {"id":1,"at":"2026-11-21 09:00:00","v":2,"ord":"02","dt":"2026-11-21"}
> 
> {"id":1,"at":"2026-11-21 10:00:00","v":3,"ord":"03","dt":"2026-11-21"}
> 
> {"id":1,"at":"2026-11-20 08:00:00","v":5,"ord":"05","dt":"2026-11-20"}
> 

# cdc-merge onto a table's days, put back day by day: a day that nothing touched is no commit
$ export PIPEHOUSE_ROOT=$PWD/wh; for d in 20 21; do printf '{"id":%d,"v":0}\n' $d | wh-put ods.s dt=2026-11-$d; done; wh-ls -v ods.s | grep -c kind.:.data
$ printf '{"op":"u","db":"d","table":"s","key":{"id":21},"ts":1,"ord":"1","row":{"id":21,"v":1}}\n' >changes; for d in 20 21; do json-map -w "row.id = $d" changes | cdc-merge -k id --base wh:ods.s@2026-11-$d | wh-put ods.s dt=2026-11-$d; done; wh-ls -v ods.s | grep -c kind.:.data; wh-cat ods.s
> 2
> 3
> {"id":20,"v":0}
> {"id":21,"v":1}
