# more than -S goes to disk and the answer is the same; stats tell
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; funnel-agg -u k --unordered 'a: v > 0' in >want; funnel-agg -u k --unordered 'a: v > 0' -S 100K --stats s in | cmp - want && json-map 'ok=spilled_bytes > 100000 AND state_bytes < 400000' s
> {"ok":true}

# a directory for it that is not there: the command ends with 4, and nothing was written
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; TMPDIR=none funnel-agg -u k --unordered 'a: v > 0' -S 100K in
! funnel-agg: none: no temporary file: No such file or directory
? 4

# nearly as many groups as users, in memory and on disk, with threads or without: groups in the order of bytes
$ seq 9000 | awk '{ printf "{\"u\":%d,\"g\":\"g%d\",\"v\":1}\n", $1, $1 % 6000 }' >in; seq 0 5999 | sed 's/.*/"g&"/' | LC_ALL=C sort | awk '{ n = substr($0, 3) + 0; u = n > 0 && n <= 3000 ? 2 : 1; printf "{\"g\":%s,\"step\":\"a\",\"n\":1,\"users\":%d,\"rate\":1.0000}\n", $0, u }' >want; for s in 64M 100K; do for j in 1 3; do funnel-agg -u u -g g --unordered -S $s -j $j 'a: v = 1' in | cmp - want && echo same; done; done
> same
> same
> same
> same

# thousands of users, whom threads share in parts: the same from one thread and several, in memory and on disk, as awk has it
$ seq 40000 | awk '{ k = $1 * 7919 % 12007; printf "{\"u\":\"u%d\",\"g\":%d,\"t\":%d,\"v\":%d,\"pad\":\"%060d\"}\n", k, k % 7, 1800000000 + $1, $1 % 5 == 0 ? 0 : $1 <= 20000 ? 1 : 2, 0 }' >in; seq 40000 | awk '$1 % 5 > 0 { k = $1 * 7919 % 12007; if ($1 <= 20000) a[k] = 1; else if (k in a) b[k] = 1 } END { for (k in a) { x[k % 7]++; y[k % 7] += k in b } for (g = 0; g < 7; g++) printf "{\"g\":%d,\"step\":\"a\",\"n\":1,\"users\":%d,\"rate\":1.0000}\n{\"g\":%d,\"step\":\"b\",\"n\":2,\"users\":%d,\"rate\":%.4f}\n", g, x[g], g, y[g], y[g] / x[g] }' >want; for s in 64M 300K; do for j in 1 2 3; do funnel-agg -u u -g g -t t:s --within 24h -S $s -j $j 'a: v = 1' 'b: v = 2' in | cmp - want && echo same; done; done
> same
> same
> same
> same
> same
> same
