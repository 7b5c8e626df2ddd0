# more than -S goes to disk and the answer is the same; stats tell
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; retention-agg -u k --cohort c --day c in >want; retention-agg -u k --cohort c --day c -S 100K --stats s in | cmp - want && json-map 'ok=spilled_bytes > 100000 AND state_bytes < 400000' s
> {"ok":true}

# a directory for it that is not there: the command ends with 4, and nothing was written
$ seq 20000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d,\"c\":\"2026-11-%02d\"}\n", $1 * 7919 % 4999, $1, $1 % 20 + 1 }' >in; TMPDIR=none retention-agg -u k --cohort c --day c -S 100K in
! retention-agg: none: no temporary file: No such file or directory
? 4

# nearly as many groups as users, in memory and on disk, with threads or without: groups in the order of bytes
$ seq 9000 | awk '{ printf "{\"u\":%d,\"g\":\"g%d\",\"d\":\"2026-11-01\"}\n", $1, $1 % 6000 }' >in; seq 0 5999 | sed 's/.*/"g&"/' | LC_ALL=C sort | awk '{ n = substr($0, 3) + 0; u = n > 0 && n <= 3000 ? 2 : 1; printf "{\"g\":%s,\"cohort\":\"2026-11-01\",\"day\":0,\"users\":%d,\"kept\":%d}\n", $0, u, u }' >want; for s in 64M 100K; do for j in 1 3; do retention-agg -u u -g g --cohort d --day d --days 0 -S $s -j $j in | cmp - want && echo same; done; done
> same
> same
> same
> same

# thousands of users, whom threads share in parts: the same from one thread and several, in memory and on disk, as awk has it
$ seq 40000 | awk '{ k = $1 * 7919 % 12007; printf "{\"u\":\"u%d\",\"c\":\"2026-11-0%d\",\"d\":\"2026-11-0%d\",\"pad\":\"%060d\"}\n", k, 1 + k % 3, 1 + k % 3 + $1 % 3, 0 }' >in; seq 40000 | awk '{ k = $1 * 7919 % 12007; u[k] = 1; if ($1 % 3 > 0) r[k, $1 % 3] = 1 } END { for (k in u) { n[k % 3]++; for (d = 1; d < 3; d++) m[k % 3, d] += (k, d) in r } for (c = 0; c < 3; c++) for (d = 1; d < 3; d++) printf "{\"cohort\":\"2026-11-0%d\",\"day\":%d,\"users\":%d,\"kept\":%d}\n", 1 + c, d, n[c], m[c, d] }' >want; for s in 64M 300K; do for j in 1 2 3; do retention-agg -u u --cohort c --day d --days 1,2 -S $s -j $j in | cmp - want && echo same; done; done
> same
> same
> same
> same
> same
> same
