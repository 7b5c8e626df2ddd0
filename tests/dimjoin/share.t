# --share: the second process reads nothing; a commit of other rows is another file, one of the same rows is not
$ export PIPEHOUSE_ROOT=$PWD/wh; echo 'kind snapshot' | wh-table dim.t -; seq 1 3000 | sed 's/.*/{"id":&,"n":"v&"}/' | wh-put dim.t dt=2026-11-20; echo '{"id":77}' >in
$ j() { dimjoin -k id --fields n --share --stats s "$@" wh:dim.t in; sed 's/.*"second_in":\([0-9]*\).*"dim_rows":\([0-9]*\).*"dim_shared":\([0-9]*\).*/\1 \2 \3/' s | tail -1; }
$ j; j; ls wh/main/_state/dim | grep -c 'dim$'; seq 1 3001 | sed 's/.*/{"id":&,"n":"w&"}/' | wh-put dim.t dt=2026-11-21; j; j; ls wh/main/_state/dim | grep -c 'dim$'; stat -c %a wh/main/_state/dim/*.dim | sort -u
> {"id":77,"n":"v77"}
> 3000 3000 1
> {"id":77,"n":"v77"}
> 0 3000 1
> 1
> {"id":77,"n":"w77"}
> 3001 3001 1
> {"id":77,"n":"w77"}
> 0 3001 1
> 2
> 600

# --share: other keys, fields, kinds of keys and zones are other tables
$ export PIPEHOUSE_ROOT=$PWD/wh; printf '{"id":1,"b":"1","n":"x","m":2}\n' | wh-put dim.t dt=2026-11-20; echo '{"id":1,"b":"1"}' >in
$ for a in '--fields n' '--fields n,m' '--fields m,n' '--as n' '--fill n' '--fields n --key-as text' '--type semi' '--type anti'; do dimjoin -k id --share --stats s $a wh:dim.t in; done; dimjoin -k id -K b --key-as text --fields n --share --stats s wh:dim.t in; grep -o '"second_in":.' s | tr '\n' ' '; ls wh/main/_state/dim | grep -c 'dim$'
> {"id":1,"b":"1","n":"x"}
> {"id":1,"b":"1","n":"x","m":2}
> {"id":1,"b":"1","m":2,"n":"x"}
> {"id":1,"b":"1","n":{"id":1,"b":"1","n":"x","m":2}}
> {"id":1,"b":"1","n":"x"}
> {"id":1,"b":"1","n":"x"}
> {"id":1,"b":"1"}
> {"id":1,"b":"1","n":"x"}
> "second_in":1 "second_in":1 "second_in":1 "second_in":1 "second_in":0 "second_in":1 "second_in":1 "second_in":0 "second_in":1 7

# --share: a damaged file is made anew, wherever the damage is, and never believed
$ export PIPEHOUSE_ROOT=$PWD/wh; seq 1 500 | sed 's/.*/{"id":&,"n":"v&"}/' | wh-put dim.t dt=2026-11-20; seq 1 600 | sed 's/.*/{"id":&}/' >in; dimjoin -k id --fields n wh:dim.t in >want
$ dimjoin -k id --fields n --share wh:dim.t in | cmp - want; f=$(ls wh/main/_state/dim/*.dim); n=$(stat -c %s $f)
$ for at in 0 8 16 24 32 64 100 130 150 4095 4096 5000 9000 $((n - 9)) $((n - 1)); do cp $f good; printf '\377' | dd of=$f bs=1 seek=$at conv=notrunc 2>/dev/null; cmp -s $f good && printf '\125' | dd of=$f bs=1 seek=$at conv=notrunc 2>/dev/null; dimjoin -k id --fields n --share --stats s wh:dim.t in | cmp - want; done
$ for size in 0 10 100 4096 $((n - 1)) $((n + 1)); do truncate -s $size $f; dimjoin -k id --fields n --share --stats s wh:dim.t in | cmp - want; done; chmod g+w $f; dimjoin -k id --fields n --share --stats s wh:dim.t in | cmp - want; grep -c '"second_in":500.*"dim_shared":1' s; dimjoin -k id --fields n --share --stats s wh:dim.t in | cmp - want; grep -c '"second_in":0' s
> 22
> 1

# --share: of many that start at once one reads
$ export PIPEHOUSE_ROOT=$PWD/wh; seq 1 20000 | sed 's/.*/{"id":&,"n":"v&"}/' | wh-put dim.t dt=2026-11-20; echo '{"id":20000}' >in; for i in 1 2 3 4 5 6; do dimjoin -k id --fields n --share --stats s$i wh:dim.t in >out$i & done; wait; cat out? | sort -u; cat s? | grep -o '"second_in":[0-9]*' | sort | uniq -c | tr -s ' '; ls wh/main/_state/dim | sed 's/.*[.]//'
> {"id":20000,"n":"v20000"}
>  5 "second_in":0
>  1 "second_in":20000
> dim
> lock

# --share with --as-of, and --reload to a newer commit
$ export PIPEHOUSE_ROOT=$PWD/wh; printf 'kind scd2\nkey id\n' | wh-table dim.z -; z() { printf '%s\n' "{\"id\":1,\"v\":\"old$1\",\"start_date\":\"2026-01-01\",\"end_date\":\"2026-01-31\"}" "{\"id\":1,\"v\":\"new$1\",\"start_date\":\"2026-02-01\",\"end_date\":\"9999-12-31\"}" | wh-put dim.z dt=2026-11-2$1; }
$ z 0; mkfifo in out; dimjoin -k id --as-of d --fields v --share --reload 10ms wh:dim.z <in >out & p=$!; exec 3>in 4<out; echo '{"id":1,"d":"2026-01-31"}' >&3; read x <&4; echo "$x"
$ printf '{"id":1,"d":"2026-02-01"}\n{"id":1,"d":"2025-12-31"}\n' | dimjoin -k id --as-of d --fields v --share --stats s wh:dim.z; grep -o '"second_in":.' s
$ z 1; for i in $(seq 1000); do echo '{"id":1,"d":"2026-02-02"}' >&3; read x <&4; case $x in *new1*) break;; esac; sleep 0.01; done; echo "$x"; exec 3>&-; wait $p
> {"id":1,"d":"2026-01-31","v":"old0"}
> {"id":1,"d":"2026-02-01","v":"new0"}
> {"id":1,"d":"2025-12-31","v":null}
> "second_in":0
> {"id":1,"d":"2026-02-02","v":"new1"}

# --share: rows that were let go as bad are not shared: who does not let them go must see them
$ export PIPEHOUSE_ROOT=$PWD/wh; printf '{"id":1,"n":"a"}\n{"id":1,"n":"b"}\n' | wh-put dim.t dt=2026-11-20; echo '{"id":1}' >in; dimjoin -k id --fields n --share --on-error skip wh:dim.t in; dimjoin -k id --fields n --share wh:dim.t in
> {"id":1,"n":"a"}
! dimjoin: wh:dim.t@2026-11-20:2: this key stands twice in the dimension
? 3

# --share: an empty table; in an overlay, the overlay's place; where there is no place a copy of one's own
$ export PIPEHOUSE_ROOT=$PWD/wh; : | wh-put dim.t dt=2026-11-20; echo '{"id":1}' >in; dimjoin -k id --fields n --share wh:dim.t in; dimjoin -k id --fields n --share --stats s wh:dim.t in; grep -o '"dim_shared":.' s; PIPEHOUSE_OVERLAY=$PWD/over dimjoin -k id --fields n --share wh:dim.t in; ls over/_state/dim | wc -l; PIPEHOUSE_STATE=/dev/null/x dimjoin -k id --fields n --share --stats s wh:dim.t in 2>/dev/null; grep -o '"dim_shared":.' s | tail -1
> {"id":1,"n":null}
> {"id":1,"n":null}
> "dim_shared":1
> {"id":1,"n":null}
> 2
> {"id":1,"n":null}
> "dim_shared":0

# --share: of a table only
$ dimjoin -k id --fields n --share dim </dev/null 2>&1 | head -1
> dimjoin: --share goes with a DIM that is a table, wh:TABLE

# --share: who reads the table for all and is stopped at it is not waited for: the others say so, name it, and read it themselves, within -S
$ export PIPEHOUSE_ROOT=$PWD/wh d=wh/main/_state/dim; seq 1 200000 | sed 's/.*/{"id":&,"n":"v&"}/' | wh-put dim.t dt=2026-11-20; echo '{"id":77}' >in; for i in $(seq 50); do rm -rf $d; dimjoin -k id --fields n --share --stats s1 wh:dim.t in >first & p=$!; until [ -s $d/*.lock ]; do sleep 0.001; done 2>/dev/null; kill -STOP $p; ls $d/*.dim >/dev/null 2>&1 || break; kill -CONT $p; wait $p; done
$ dimjoin -k id --fields n --share -S 1M --stats s2 wh:dim.t in 2>err; sed "s/process $p/process P/; s| /[^ ]*lock,| LOCK,|" err; grep -o '"second_in":[0-9]*' s2; grep -o '"dim_shared":.' s2; grep -c '"dim_spilled_bytes":[1-9]' s2
$ kill -CONT $p; wait $p; cat first; dimjoin -k id --fields n --share --stats s3 wh:dim.t in; grep -o '"second_in":[0-9]*' s3
> {"id":77,"n":"v77"}
> dimjoin: wh:dim.t: process P reads it for all, and holds LOCK, but has done nothing for 5 s; is it stopped? This process has its own copy
> "second_in":200000
> "dim_shared":0
> 1
> {"id":77,"n":"v77"}
> {"id":77,"n":"v77"}
> "second_in":0

# --share: one that is busy is waited for, and that is said
$ export PIPEHOUSE_ROOT=$PWD/wh d=wh/main/_state/dim; echo '{"id":77,"n":"v"}' | wh-put dim.t dt=2026-11-20; echo '{"id":77}' >in; dimjoin -k id --fields n --share wh:dim.t in; rm $d/*.dim
$ while :; do :; done & p=$!; exec 9>>$(ls $d/*.lock); flock 9; echo $p >$(ls $d/*.lock); dimjoin -k id --fields n --share --stats s wh:dim.t in 2>err 9>&- & q=$!; until grep -qs waiting err; do sleep 0.1; done; exec 9>&-; wait $q; kill $p; sed "s/process $p/process P/" err; grep -o '"dim_shared":.' s; ls $d | grep -c dim$
> {"id":77,"n":"v"}
> {"id":77,"n":"v"}
> dimjoin: wh:dim.t: waiting for process P, which reads it for all
> "dim_shared":1
> 1
