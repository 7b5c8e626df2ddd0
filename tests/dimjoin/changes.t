# SIGHUP reads DIM again, between batches
$ mkfifo in out; printf '{"id":1,"n":"a"}\n' >dim; dimjoin -k id --fields n dim <in >out & p=$!; exec 3>in 4<out
$ echo '{"id":1}' >&3; read x <&4; echo "$x"; printf '{"id":1,"n":"b"}\n' >new; mv new dim; echo '{"id":1}' >&3; read x <&4; echo "$x"
$ kill -HUP $p; echo '{"id":1}' >&3; read x <&4; echo "$x"; exec 3>&-; wait $p
> {"id":1,"n":"a"}
> {"id":1,"n":"a"}
> {"id":1,"n":"b"}

# --reload: DIM is looked at so often; a bad one, and one that is gone, leaves the rows as they are
$ mkfifo in out; printf '{"id":1,"n":"a"}\n' >dim; dimjoin -k id --fields n --reload 10ms dim <in >out 2>err & p=$!; exec 3>in 4<out
$ until_is() { for i in $(seq 1000); do echo '{"id":1}' >&3; read x <&4; [ "$x" = "$1" ] && break; sleep 0.01; done; echo "$x"; }
$ until_is '{"id":1,"n":"a"}'; printf '{"id":1,"n":"b"}\n' >new; mv new dim; until_is '{"id":1,"n":"b"}'
$ printf 'no\n' >new; mv new dim; until grep -qs 'stay$' err; do echo '{"id":1}' >&3; read x <&4; done; until_is '{"id":1,"n":"b"}'; rm dim; until_is '{"id":1,"n":"b"}'
$ printf '{"id":1,"n":"c"}\n' >new; mv new dim; until_is '{"id":1,"n":"c"}'; exec 3>&-; wait $p; echo $?; sed 's/:1: .*/:1: .../' err
> {"id":1,"n":"a"}
> {"id":1,"n":"b"}
> {"id":1,"n":"b"}
> {"id":1,"n":"b"}
> {"id":1,"n":"c"}
> 0
> dimjoin: dim:1: ...
> dimjoin: dim: the rows that were read before stay

# --miss park: a record waits for its row while the input is silent, and those of other keys pass it
$ mkfifo in out; printf '{"id":2,"n":"b"}\n' >dim; dimjoin -k id --fields n --miss park=1d --reload 10ms dim <in >out & p=$!; exec 3>in 4<out
$ printf '%s\n' '{"id":1,"i":1}' '{"id":2,"i":2}' '{"id":1,"i":3}' >&3; read x <&4; echo "$x"; printf '{"id":1,"n":"a"}\n' >new; mv new dim; read x <&4; echo "$x"; read x <&4; echo "$x"
$ echo '{"id":3,"i":4}' >&3; exec 3>&-; cat <&4; wait $p
> {"id":2,"i":2,"n":"b"}
> {"id":1,"i":1,"n":"a"}
> {"id":1,"i":3,"n":"a"}
> {"id":3,"i":4,"n":null}

# --miss park: when the time is over it is null, or bad; a null key waits for nothing
$ mkfifo in out; printf '{"id":2,"n":"b"}\n' >dim; dimjoin -k id --fields n --miss park=20ms dim <in >out & p=$!; exec 3>in 4<out
$ printf '%s\n' '{"id":1,"i":1}' '{"id":null}' >&3; read x <&4; echo "$x"; read x <&4; echo "$x"; exec 3>&-; wait $p
$ echo '{"id":1,"i":1}' | dimjoin -k id --fields n --miss park=20ms,reject --reject r --stats s dim; jq -c '[.source,.line,.reason,.raw]' r; grep -o '"parked":.*"parked_most":1' s
> {"id":null,"n":null}
> {"id":1,"i":1,"n":null}
> ["<stdin>",1,"no row of the dimension has this key, and none came","{\"id\":1,\"i\":1}"]
> "parked":1,"parked_came":0,"parked_most":1

# --miss park: at the end of the input nobody waits, but DIM is looked at once more
$ printf '{"id":2,"n":"b"}\n' >dim; { echo '{"id":1}'; echo '{"id":3}'; echo '{"id":2}'; printf '{"id":1,"n":"a"}\n{"id":2,"n":"b"}\n' >new; until [ -s out ]; do sleep 0.02; done; mv new dim; } | dimjoin -k id --fields n --miss park=1d --reload 1d dim >out; cat out
> {"id":2,"n":"b"}
> {"id":1,"n":"a"}
> {"id":3,"n":null}

# --miss park with -t: DUR is of the records' time; a record without a time does not wait
$ printf '{"id":2,"n":"b"}\n' >dim; dimjoin -k id --fill n --miss park=10s -t t dim
< {"id":1,"t":1700000000,"x": 1.0}
< {"id":5,"n":7}
< {"id":2,"t":1700000009}
< {"id":3,"n":"own","t":1700000001}
< {"id":2,"t":1700000010}
> {"id":5,"n":7}
> {"id":2,"t":1700000009,"n":"b"}
> {"id":1,"t":1700000000,"x": 1.0}
> {"id":2,"t":1700000010,"n":"b"}
> {"id":3,"n":"own","t":1700000001}

# --miss park: in a run inputs are pinned: nothing waits
$ export PIPEHOUSE_ROOT=$PWD/wh; printf '{"id":2,"n":"b"}\n' >dim; printf '{"id":1,"i":1}\n{"id":2,"i":2}\n' >in; wh-run 'dimjoin -k id --fields n --miss park=1h dim in >out; dimjoin -k id --fields n --miss park=1h,reject --reload 1s --reject r dim in >out2'; cat out out2; wc -l <r
> {"id":1,"i":1,"n":null}
> {"id":2,"i":2,"n":"b"}
> {"id":2,"i":2,"n":"b"}
> 1

# --reload follows a table to its newest commit; in a run it stays where the run saw it
$ export PIPEHOUSE_ROOT=$PWD/wh; echo 'kind snapshot' | wh-table dim.t -; echo '{"id":1,"n":"a"}' | wh-put dim.t dt=2026-11-20; mkfifo in out; dimjoin -k id --fields n --reload 10ms wh:dim.t <in >out & p=$!; exec 3>in 4<out
$ echo '{"id":1}' >&3; read x <&4; echo "$x"; echo '{"id":1,"n":"b"}' | wh-put dim.t dt=2026-11-21; for i in $(seq 1000); do echo '{"id":1}' >&3; read x <&4; [ "$x" = '{"id":1,"n":"b"}' ] && break; sleep 0.01; done; echo "$x"; exec 3>&-; wait $p
$ echo '{"id":1}' >rec; wh-run 'dimjoin -k id --fields n wh:dim.t rec; echo "{\"id\":1,\"n\":\"c\"}" | env -u PIPEHOUSE_RUN wh-put dim.t dt=2026-11-22; dimjoin -k id --fields n --reload 10ms wh:dim.t rec'; dimjoin -k id --fields n wh:dim.t rec
> {"id":1,"n":"a"}
> {"id":1,"n":"b"}
> {"id":1,"n":"b"}
> {"id":1,"n":"b"}
> {"id":1,"n":"c"}

# park and --reload need a DIM that can be read again
$ for a in '--miss park=5m' '--reload 5s'; do echo '{"id":1}' | dimjoin -k id --fields n $a - /dev/null 2>&1 | head -1; done; for a in '--miss park=0s' '--miss park=1M' '--miss park=5m,drop' '--miss drop' '--miss park=x' '--reload 0' '-t t' '--miss null -t t' '--type inner --miss park=5m'; do dimjoin -k id --fields n $a /dev/null </dev/null 2>&1 | head -1; done
> dimjoin: --reload and --miss park need a DIM that can be read again: a file, a table
> dimjoin: --reload and --miss park need a DIM that can be read again: a file, a table
> dimjoin: --miss park: '0s' is no time to wait
> dimjoin: --miss park: '1M' is no time to wait
> dimjoin: --miss: null, reject or park=DUR[,null|,reject], not 'drop'
> dimjoin: --miss: null, reject or park=DUR[,null|,reject], not 'drop'
> dimjoin: --miss park: a duration is a number and one of us ms s m h d w M
> dimjoin: --reload: '0' is no time to wait
> dimjoin: -t goes with --miss park=DUR
> dimjoin: -t goes with --miss park=DUR
> dimjoin: --miss goes with --type left: the others say what a record without a row is
