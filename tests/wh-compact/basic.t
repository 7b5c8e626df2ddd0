# wh-compact: files that stand side by side become one, and no byte of the rows changes
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 19 20; do for i in 1 2 3; do echo "{\"id\":$i,\"t\":\"2026-11-$d\"}" | wh-put a.l --partition-by t; done; done; wh-cat --dt a.l >before
$ wh-compact a.l; wh-cat --dt a.l | cmp - before; for d in 19 20; do ls wh/main/a/l/dt=2026-11-$d; zstdcat -q wh/main/a/l/dt=2026-11-$d/*.zst | sed 's/}$/,"dt":"2026-11-'$d'"}/'; done | grep -v zst | cmp - before; ls wh/main/a/l/dt=*; wh-compact; wh-fsck
> {"table":"a.l","dt":"2026-11-19","commit":8,"files":3,"made":1,"rows":3}
> {"table":"a.l","dt":"2026-11-20","commit":9,"files":3,"made":1,"rows":3}
> wh/main/a/l/dt=2026-11-19:
> 000000.ndjson.zst
> 
> wh/main/a/l/dt=2026-11-20:
> 000000.ndjson.zst

# wh-compact: of two at once the second finds nothing left to do, and says nothing of it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put ods.t --partition-by t; done
$ strace -f -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_enter=1500000:when=1 wh-compact ods.t & first=$!
$ sleep 0.5; wh-compact ods.t; wait $first; echo $?; wh-cat ods.t; ls wh/main/ods/t/_log/*.json | wc -l
> {"table":"ods.t","dt":"2026-11-20","commit":5,"files":3,"made":1,"rows":3}
> 0
> {"id":1,"t":"2026-11-20"}
> {"id":2,"t":"2026-11-20"}
> {"id":3,"t":"2026-11-20"}
> 5

# wh-compact: --target bounds what is put together, and order holds
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3 4 5; do seq $((i * 1000)) $((i * 1000 + 999)) | sed 's/.*/{"id":&,"t":"2026-11-20"}/' | wh-put a.l --partition-by t; done; wh-cat a.l >before
$ b=$(wh-ls a.l | json-map b=bytes | tr -cd 0-9); wh-compact --target $((b / 2)) a.l | json-map --keep files,made,rows; wh-cat a.l | cmp - before; wh-compact -n --target 1G a.l | json-map --keep files,made,commit; wh-ls a.l | json-map --keep files
> {"files":2,"made":1,"rows":2000}
> {"files":2,"made":1,"rows":2000}
> {"files":3,"made":0,"commit":0}
> {"files":3}

# wh-compact: a keyed day is folded: the view shows its rows, tombstones stay out of it and still hold
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table a.k -
$ printf '{"id":1,"o":1,"d":"2026-11-20"}\n{"id":2,"o":5,"d":"2026-11-20","gone":true}\n{"id":3,"o":1,"d":"2026-11-20"}\n' | wh-put a.k; printf '{"id":1,"o":2,"d":"2026-11-20"}\n' | wh-put a.k; wh-cat a.k >before
$ ls wh/main/a/k; wh-compact a.k; zstdcat -q wh/main/a/k/dt=2026-11-20/*.zst | cmp - before; wh-cat a.k | cmp - before; wh-compact a.k; printf '{"id":2,"o":4,"d":"2026-11-20"}\n' | wh-put a.k; wh-cat a.k | cmp - before; printf '{"id":2,"o":6,"d":"2026-11-20"}\n{"id":3,"o":6,"d":"2026-11-20","gone":true}\n' | wh-put a.k; wh-compact a.k; zstdcat -q wh/main/a/k/dt=2026-11-20/*.zst; wh-fsck
> _log
> _table
> {"table":"a.k","dt":"2026-11-20","commit":4,"files":2,"made":2,"rows":3}
> {"table":"a.k","dt":"2026-11-20","commit":6,"files":3,"made":2,"rows":3}
> {"id":1,"o":2,"d":"2026-11-20"}
> {"id":2,"o":6,"d":"2026-11-20"}

# wh-compact: a keyed day of more deltas than are read at once
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\nday d\n' | wh-table a.k -
$ for i in $(seq 1 70); do echo "{\"id\":$((i % 40)),\"o\":$i,\"d\":\"2026-11-20\"}"; done >in; while read -r l; do echo "$l" | wh-put a.k; done <in; wh-cat a.k >before
$ wh-compact a.k | json-map --keep files,made,rows; wh-cat a.k | cmp - before; wc -l <before
> {"files":64,"made":1,"rows":40}
> {"files":7,"made":1,"rows":40}
> 40

# wh-compact: a run that read the day would read the same afterwards
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put a.l --partition-by t; done
$ p='wh-cat a.l@2026-11-20 | wh-put b.l dt=2026-11-20; wh-cat a.l@2026-11-20 | wc -l | sed "s/.*/{\"n\":&}/" | wh-put b.n dt=2026-11-20'; wh-run "$p"; wh-compact a.l >/dev/null; wh-run 'wh-cat a.l@2026-11-20 | json-map --all new=1 | wh-put b.l dt=2026-11-20'; wh-ls --why b.l | json-map --keep input,why
$ echo '{"id":4,"t":"2026-11-20"}' | wh-put a.l --partition-by t; wh-run 'wh-cat a.l@2026-11-20 | wh-put b.l dt=2026-11-20'; wh-ls --why b.l | json-map --keep input,why
> {"input":null,"why":"the same inputs: the command or its files changed"}
> {"input":"a.l@2026-11-20","why":"other rows"}

# wh-compact: in a run it is staged; one that lost its place by then is left out, and the run goes through
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put a.l --partition-by t; done
$ wh-run 'wh-compact a.l | json-map --keep files,made,commit >out; echo "{}" | wh-put a.m dt=2026-11-20'; cat out; wh-ls a.l | json-map --keep files,rows
> {"files":2,"made":1,"commit":0}
> {"files":1,"rows":2}

# wh-compact: what a damaged file, a table that is not there, and bad words end with
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put a.l --partition-by t; done
$ wh-compact a.no; echo $?; wh-compact a.l@2026-13-01 2>/dev/null; echo $?; f=$(ls wh/main/a/l/.pool/*/*z | head -n 1); chmod u+w "$f"; printf 'xx' | dd of="$f" bs=1 seek=20 conv=notrunc status=none; wh-compact a.l 2>/dev/null; echo $?; ls wh/main/a/l/_log/*.json | wc -l; ls wh/main/a/l/.pool/* | wc -l
> 1
> 2
> 3
> 3
> 2
! wh-compact: a.no: no such table
