# a key goes to one copy, whatever the number of copies; nothing is lost
$ seq 20000 | awk '{ printf "{\"id\":%d,\"g\":%d}\n", $1, $1 * 7 % 31 }' >in; sort in >want
$ for n in 1 2 3 16; do shard -n $n -k g in -- sed 's/$/ x/' | sed 's/ x$//' | sort | cmp - want || echo differs; done
$ shard -n 4 -k g in -- sh -c 'sed "s/.*\"g\":\([0-9]*\).*/\1 $SHARD of $SHARDS/" | sort -u' | sort -n | awk '{ print $1 }' | uniq -c | awk '$1 != 1' | wc -l; shard -n 4 -k g in -- sh -c 'cat >/dev/null; echo "$SHARD of $SHARDS"' | sort
> 0
> 0 of 4
> 1 of 4
> 2 of 4
> 3 of 4

# equal keys are those of all commands: 1, 1.0, 1e0; null is a key too
$ printf '{"k":1}\n{"k":1.0}\n{"k":1e0}\n{"k":null}\n{}\n{"k":"\\u0041"}\n{"k":"A"}\n' | shard -n 7 -k k -- sh -c 'wc -l' | sort -n | awk '$1 > 0'
> 2
> 2
> 3

# the copy of a key is the same in each run, and does not depend on what came before
$ seq 1000 | awk '{ printf "{\"k\":%d}\n", $1 }' >in; tac in >ni; for f in in ni; do shard -n 5 -k k $f -- sed 's/$/ '"'"'$SHARD'"'"'/' | sort | cksum; done | uniq | wc -l
$ for f in in ni; do shard -n 5 -k k $f -- sh -c 'sed "s/$/ $SHARD/"' | sort | cksum; done | uniq | wc -l
> 1
> 1

# --ordered: the same bytes in each run, also where what waits goes to disk
$ seq 50000 | awk '{ printf "{\"id\":%d,\"x\":\"%050d\"}\n", $1, 0 }' >in; for i in 0 1 2 3; do shard -n 4 -k id in -- sh -c "[ \$SHARD = $i ] && exec cat; exec cat >/dev/null"; done >want
$ for o in '' '-S 64K'; do shard -n 4 -k id --ordered $o in -- cat | cmp - want && echo same; done; shard -n 4 -k id --ordered in -- sh -c '[ $SHARD = 0 ] && sleep 0.1; exec cat' | cmp - want && echo same
> same
> same
> same

# copies that read all before they write, that write much more than they read, that are slow, that do not read
$ seq 100000 | awk '{ printf "{\"id\":%d,\"x\":\"%050d\"}\n", $1, 0 }' >in
$ shard -n 3 -k id in -- sort -r | wc -l; head -20000 in | shard -n 3 -k id -- awk '{ for (i = 0; i < 50; i++) print }' | wc -l; shard -n 3 -k id in -- sh -c '[ $SHARD = 1 ] && sleep 0.2; exec cat' | wc -l
$ shard -n 2 -k id in --stats st -- sh -c '[ $SHARD = 1 ] && { echo none; exit 0; }; exec cat' | grep -c none; jq -c '.in == 100000, .dropped > 0, .used > 0, .in == .used + .dropped, .rejected' st
> 100000
> 1000000
> 100000
> 1
> true
> true
> true
> true
> 0

# what waits for a slow copy is bounded
@ sanitized
$ seq 300000 | awk '{ printf "{\"id\":%d,\"x\":\"%050d\"}\n", $1, 0 }' | shard -n 2 -k id -S 4M --stats st -- sh -c 'sleep 0.3; exec cat' | wc -l; jq '.peak_kib < 20000' st
> 300000
> true

# lines are whole; a last one without its end is one too
$ seq 20000 | awk '{ printf "{\"id\":%d,\"x\":\"%0*d\"}\n", $1, $1 % 997, 0 }' >in; shard -n 8 -k id in -- sh -c 'cat; printf "{\"id\":0}"' | sort >a; (cat in; for i in 1 2 3 4 5 6 7 8; do echo '{"id":0}'; done) | sort | cmp - a && echo whole
> whole

# the worst exit status; a status that is none of ours, and a signal, are said
$ echo '{"id":1}' >in; for s in 'exit 0' 'exit $SHARD' 'exit 3' 'exit $((SHARD == 1 ? 75 : 0))' '[ $SHARD = 2 ] && exit 5; exit 1'; do shard -n 3 -k id in -- sh -c "cat >/dev/null; sleep 0.1; $s" 2>/dev/null; echo $?; done
$ shard -n 1 -k id in -- sh -c 'exit 7'; echo $?; shard -n 1 -k id in -- sh -c 'kill -SEGV $$'; echo $?; shard -n 1 -k id in -- no-such-program; echo $?
> 0
> 2
> 3
> 75
> 5
> 4
> 4
> 4
! shard: copy 1 of 1: sh: ended with 7
! shard: copy 1 of 1: sh: killed by signal 11 (Segmentation fault)
! shard: copy 1 of 1: no-such-program: No such file or directory

# a copy that is killed in the middle of a line: the others end too, no torn line comes out
$ yes '{"id":1}' | shard -n 4 -k id -- sh -c 'head -c 100000 >/dev/null; printf torn; kill -9 $$' 2>err; echo $?; grep -c 'killed by signal 9' err
$ yes '{"id":1}' | shard -n 3 --stateless -- sh -c 'echo first; : >up$SHARD; [ $SHARD = 1 ] && { until [ -e up0 ] && [ -e up2 ]; do sleep 0.02; done; sleep 0.1; kill -9 $$; }; exec cat >/dev/null' 2>/dev/null | sort | uniq -c | awk '{ print $1, $2 }'
> 4
> 1
> 3 first

# the reader of the output goes away; the copies do not stay behind
$ yes '{"id":1}' | shard -n 2 -k id -- sh -c 'echo $$ >>pids; exec cat' | head -1; for p in $(cat pids); do while grep -q 'State:.[^Z]' /proc/$p/status 2>/dev/null; do sleep 0.02; done; done; echo none stays
> {"id":1}
> none stays

# killed itself, too; whoever stayed would hang this
$ mkfifo f; shard -n 2 -k id f -- sh -c 'echo $$ >>pids; exec cat' & exec 3>f; until [ "$(cat pids 2>/dev/null | wc -l)" = 2 ]; do sleep 0.02; done; kill -9 $!; wait $! 2>/dev/null
$ for p in $(cat pids); do while grep -q 'State:.[^Z]' /proc/$p/status 2>/dev/null; do sleep 0.02; done; done; echo none stays
> none stays

# a hot key is said, as an event too
$ seq 9000 | awk '{ printf "{\"k\":\"%s\"}\n", $1 % 10 < 8 ? "hot" : $1 }' | shard -n 4 -k k --result ev --stats st -- cat 2>err | wc -l; sed 's/has [0-9]*$/has N/' err; jq -c '[.event,.severity,.name,.value,.rows]' ev; jq '.copies, .hot_records' st
> 9000
> shard: 7200 of 9000 records have the key "hot": the largest of 4 copies has N
> ["shard.hot","warn","\"hot\"",7200,9000]
> 4
> 7200

# aggregation in two phases: skew costs nothing, the same bytes as from one process
$ seq 30000 | awk '{ printf "{\"area\":\"%s\",\"uid\":%d,\"amt\":%d.%02d,\"t\":%d}\n", $1 % 10 < 9 ? "BJ" : "SH" $1 % 5, $1 % 777, $1 % 100, $1 % 7, 1700000000 + $1 }' >in
$ set -- -t t -w 5m -g area 'n=count()' 'gmv=sum(amt)' 'uv=distinct(uid)' 'p=quantile(amt,0.9)' 'first=first(uid)'; window-agg "$@" in >want
$ shard -n 4 --stateless in -- window-agg "$@" --partial | window-agg "$@" --merge | cmp - want && echo two phases; shard -n 4 -k area in -- window-agg "$@" 2>/dev/null | sort | cksum >a; sort want | cksum | cmp - a && echo by key
$ shard -n 4 --stateless in -- window-agg "$@" --partial | shard -n 3 -k area,\$at -- window-agg "$@" --merge | sort | cksum | cmp - a && echo two phases, both sharded
> two phases
> by key
> two phases, both sharded

# misuse
$ for o in '-k id' '-n 0 -k id' '-n 2000 -k id' '-n 2' '-n 2 -k id --stateless' '-n 2 -k a..b'; do shard $o -- cat 2>&1 </dev/null | head -1; done; shard -n 2 -k id 2>&1 </dev/null | head -1; shard -n 2 -k id -- 2>&1 </dev/null | head -1
> shard: -n is required, from 1 to 1024
> shard: -n is required, from 1 to 1024
> shard: -n is required, from 1 to 1024
> shard: -k or --stateless is required, not both
> shard: -k or --stateless is required, not both
> shard: -k: path 'a..b': column 3: a name is missing
> shard: -- COMMAND is required
> shard: -- COMMAND is required

# a bad record stops it; what stood before it went through
$ printf '{"id":1}\n{"id":\n{"id":2}\n' | shard -n 2 -k id -- cat
> {"id":1}
! shard: <stdin>:2: the line ends where a value should be
? 3
