# an overlay: its tables hide those below, whole; all else is read through; below nothing changes, not a byte, not a name
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for t in ods.a ods.b dwd.c; do for d in 19 20; do echo "{\"id\":$d}" | wh-put $t dt=2026-11-$d; done; done; find wh -type f -exec cksum {} + | sort >before; find wh | sort >>before
$ export PIPEHOUSE_OVERLAY=$PWD/over
$ wh-run 'wh-cat ods.a@2026-11-20 | json-map --all v=1 | wh-put dwd.c dt=2026-11-20; wh-cat ods.b@2026-11-19 | wh-put ads.new dt=2026-11-20'
$ wh-cat --dt dwd.c; wh-cat ads.new; wh-cat --dt ods.a; wh-ls | json-map --keep table,days; wh-fsck; wh-compact; wh-gc --keep 0 | json-map -w 'table IS NOT NULL' --keep table; ls over
$ unset PIPEHOUSE_OVERLAY; (find wh -type f -exec cksum {} + | sort; find wh | sort) | diff before - && wh-cat dwd.c@2026-11-20; wh-cat ads.new 2>/dev/null; echo $?
> {"id":20,"v":1,"dt":"2026-11-20"}
> {"id":19}
> {"id":19,"dt":"2026-11-19"}
> {"id":20,"dt":"2026-11-20"}
> {"table":"ads.new","days":1}
> {"table":"dwd.c","days":1}
> {"table":"ods.a","days":2}
> {"table":"ods.b","days":2}
> {"table":"ads.new"}
> {"table":"dwd.c"}
> _run
> _view
> ads
> dwd
> {"id":20}
> 1

# an overlay: a table first written there is what the hidden one is: its kind, key, day, zone
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\ntz Asia/Shanghai\n' | wh-table ods.k -; echo '{"id":1,"o":1,"d":"2026-11-20T17:00:00Z"}' | wh-put ods.k
$ export PIPEHOUSE_OVERLAY=$PWD/over
$ printf '{"id":2,"o":2,"d":"2026-11-20T17:00:00Z"}\n{"id":2,"o":1,"d":"2026-11-20T17:00:00Z"}\n{"id":3,"o":1,"d":"2026-11-20T17:00:00Z","gone":true}\n' | wh-put ods.k; wh-cat --dt ods.k; wh-table ods.k | head -n 3; cmp wh/main/ods/k/_table over/ods/k/_table
> {"id":2,"o":2,"d":"2026-11-20T17:00:00Z","dt":"2026-11-21"}
> kind upsert
> key id
> order o

# an overlay: taking back and writing anew concern it alone; without a table of its own there is nothing to take back
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2; do echo "{\"id\":$i}" | wh-put ods.a dt=2026-11-20; done; export PIPEHOUSE_OVERLAY=$PWD/over
$ wh-rollback ods.a dt=2026-11-20; echo $?; wh-compact ods.a; echo $?; for i in 8 9; do echo "{\"id\":$i}" | wh-put ods.a dt=2026-11-20; done; wh-rollback ods.a dt=2026-11-20; wh-cat ods.a; PIPEHOUSE_OVERLAY= wh-cat ods.a
> 1
> 1
> {"table":"ods.a","dt":"2026-11-20","to":2,"rows":1}
> {"id":8}
> {"id":2}
! wh-rollback: ods.a@2026-11-20: never committed
! wh-compact: ods.a: no such table

# an overlay: nothing leaves it
$ export PIPEHOUSE_ROOT=$PWD/wh PIPEHOUSE_OVERLAY=$PWD/over
$ : >f; mysql-load --defaults-file f --table a.b -k id </dev/null; echo $?
> 2
! mysql-load: PIPEHOUSE_OVERLAY is set: nothing leaves the overlay
