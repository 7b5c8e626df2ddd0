# more than -S goes to disk and the answer is the same; stats tell
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; retention-agg -u k --cohort c --day c in >want; retention-agg -u k --cohort c --day c -S 100K --stats s in | cmp - want && json-map 'ok=spilled_bytes > 100000 AND state_bytes < 400000' s
> {"ok":true}

# a directory for it that is not there: the command ends with 4, and nothing was written
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; TMPDIR=none retention-agg -u k --cohort c --day c -S 100K in
! retention-agg: none: no temporary file: No such file or directory
? 4
