# ingest: --compact puts the files of small commits together, to the same rows in the same order
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest a b -d "$1" --partition-by t --compact "$2"; }
$ files() { find "wh/main/ods/$1/dt=2026-11-20" -name '*.zst' | wc -l; }
$ most=0
$ for n in $(seq 25); do
$ 	echo "{\"t\":\"2026-11-20\",\"n\":$n,\"f\":\"a\"}" >>a; echo "{\"t\":\"2026-11-20\",\"n\":$n,\"f\":\"b\"}" >>b
$ 	i ods.few 4; i ods.many 0; [ "$(files few)" -le "$most" ] || most=$(files few)
$ done
$ files many; [ "$most" -gt 1 ] && [ "$most" -le 4 ] && echo few
$ wh-cat ods.few >few; wh-cat ods.many >many; cmp few many && wc -l <few; sort -u few | wc -l; wh-fsck ods.few 2>&1; i ods.few 4; wh-cat ods.few | cmp - few
> 50
> few
> 50
> 50

# ingest: --compact lets go though others add to the day as fast as it folds
$ export PIPEHOUSE_ROOT=$PWD/wh
$ row() { echo '{"t":"2026-11-20","n":'"$1"'}'; }
$ for i in 1 2 3 4 5 6 7; do row $i | wh-put ods.t --partition-by t; done; row 8 >x; touch going
$ (i=100; while [ -e going ] && [ $i -lt 300 ]; do row $i | wh-put ods.t --partition-by t; i=$((i + 1)); sleep 0.02; done; echo over >late) & other=$!
$ strace -f -qq -o /dev/null -P "$PWD/wh/main/ods/t/.pool/2026-11-20" -e trace=fsync -e inject=fsync:delay_enter=300000 ingest x -d ods.t --partition-by t --compact 6; echo $?; [ ! -e late ] || echo stuck
$ rm going; wait $other; wh-cat ods.t | sort | uniq -d | wc -l; wh-cat ods.t | json-map -w 'n < 100' | sort
> 0
> 0
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
> {"t":"2026-11-20","n":3}
> {"t":"2026-11-20","n":4}
> {"t":"2026-11-20","n":5}
> {"t":"2026-11-20","n":6}
> {"t":"2026-11-20","n":7}
> {"t":"2026-11-20","n":8}

# ingest: --compact takes a number of files, and a table
$ ingest a -d ods.l --compact 1; echo $?; ingest a --compact 4; echo $?; ingest a -d ods.l --compact x; echo $?
> 2
> 2
> 2
! ingest: --compact: a number of files, 2 or more or 0, with -d or --route
! ...
