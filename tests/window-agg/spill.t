# more than -S goes to disk and the answer is the same; stats tell
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; window-agg -g k 'n=count()' in >want; window-agg -g k 'n=count()' -S 100K --stats s in | cmp - want && json-map 'ok=spilled_bytes > 100000 AND state_bytes < 400000' s
> {"ok":true}

# a directory for it that is not there: the command ends with 4, and nothing was written
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; TMPDIR=none window-agg -g k 'n=count()' -S 100K in
! window-agg: none: no temporary file: No such file or directory
? 4

# no room for it: the command ends with 4, and nothing was written
$ seq 40000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d}\n", $1, $1 }' >in; mkdir full; (ulimit -f 100; TMPDIR=full window-agg -g k 's=sum(v)' -S 100K in)
! window-agg: full: temporary file: File too large
? 4

# thousands of groups, which threads share in parts: the same from one thread and several, in memory and on disk, as awk and sort have it
$ seq 40000 | awk '{ printf "{\"k\":\"k%d\",\"t\":%d,\"v\":%d,\"pad\":\"%060d\"}\n", $1 * 7919 % 12007, 1800000000 + $1 % 9000, $1 % 100, 0 }' >in; seq 40000 | awk '{ k = int((1800000000 + $1 % 9000) / 3600) * 3600 "\t\"k" $1 * 7919 % 12007 "\""; n[k]++; s[k] += $1 % 100 } END { for (k in n) print k "\t" n[k] "\t" s[k] }' | LC_ALL=C sort -k1,1n -k2,2 | awk '{ printf "{\"window_start\":%d000,\"window_end\":%d000,\"k\":%s,\"n\":%d,\"s\":%d}\n", $1, $1 + 3600, $2, $3, $4 }' >want; for s in 64M 300K; do for j in 1 2 3; do window-agg -t t:s -w 1h -g k -S $s -j $j 'n=count()' 's=sum(v)' in | cmp - want && echo same; done; done
> same
> same
> same
> same
> same
> same

# sessions of thousands of groups, which threads share in parts, and breaks: the same from one thread and several, in memory and on disk, as awk and sort have it
$ seq 60000 | awk '{ print $1 * 7919 % 12007, 1800000000 + $1 * 31 % 9000, $1 % 100, $1 % 17 == 0 }' >rows; awk '{ printf "{\"k\":\"k%d\",\"t\":%d,\"v\":%d,\"new\":%s,\"pad\":\"%050d\"}\n", $1, $2, $3, $4 ? "true" : "false", 0 }' rows >in; sort -k1,1n -k2,2n -k4,4nr -k3,3n rows | awk 'function out() { if (n > 0) print from, to, k, n, s, first, last } $1 != k || $2 - to > 1800 || $4 { out(); k = $1; from = $2; first = $3; n = s = 0 } { to = $2; n++; s += $3; last = $3 } END { out() }' | awk '{ print $1, $2, "k" $3, $4, $5, $6, $7 }' | LC_ALL=C sort -k1,1n -k3,3 -k2,2n | awk '{ printf "{\"window_start\":%d000,\"window_end\":%d000,\"k\":\"%s\",\"n\":%d,\"s\":%d,\"f\":%d,\"l\":%d}\n", $1, $2, $3, $4, $5, $6, $7 }' >want; wc -l <want; for s in 64M 700K; do for j in 1 2 3; do window-agg -t t:s --session 30m --break 'new = true' -g k -S $s -j $j 'n=count()' 's=sum(v)' 'f=first(v)' 'l=last(v)' in | cmp - want && echo same; done; done
> 39051
> same
> same
> same
> same
> same
> same

# thousands of groups and threads: a bad value ends it as one thread would, or goes to the rejects
$ seq 40000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%s,\"pad\":\"%060d\"}\n", $1 * 7919 % 12007, $1 == 39000 ? "\"x\"" : 1, 0 }' >in; for j in 1 3; do window-agg -g k 's=sum(v)' -j $j in; echo $?; done 2>&1; for j in 1 3; do window-agg -g k 's=sum(v)' --reject r -j $j in | md5sum; done | uniq | wc -l; jq .line r
> window-agg: in:39000: not a number
> 3
> window-agg: in:39000: not a number
> 3
> 1
> 39000
> 39000
