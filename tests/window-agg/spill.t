# more than -S goes to disk and the answer is the same; stats tell
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; window-agg -g k 'n=count()' in >want; window-agg -g k 'n=count()' -S 100K --stats s in | cmp - want && json-map 'ok=spilled_bytes > 100000 AND state_bytes < 400000' s
> {"ok":true}

# a directory for it that is not there: the command ends with 4, and nothing was written
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; TMPDIR=none window-agg -g k 'n=count()' -S 100K in
! window-agg: none: no temporary file: No such file or directory
? 4

# no room for it: the command ends with 4, and nothing was written
$ seq 40000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d}\n", $1, $1 }' >in; (ulimit -f 100; window-agg -g k 's=sum(v)' -S 100K in)
! window-agg: temporary file: File too large
? 4
