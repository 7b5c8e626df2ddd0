# cdc-merge: the newest by ord counts, in key order, numbers as they came
$ cdc-merge
< {"op":"u","db":"d","table":"t","key":{"id":10},"ts":1,"ord":"3","row":{"id":10, "v":1.10}}
< {"op":"c","db":"d","table":"t","key":{"id":10.0},"ts":1,"ord":"1","row":{"id":10.0,"v":0}}
< {"op":"c","db":"d","table":"t","key":{"id":9},"ts":1,"ord":"2","row":{"id":9,"v":-0}}
< {"op":"c","db":"d","table":"t","key":{"id":"9"},"ts":1,"ord":"4","row":{"id":"9","v":1e400}}
< {"op":"d","db":"d","table":"t","key":{"id":8},"ts":1,"ord":"6","row":{"id":8}}
< {"op":"c","db":"d","table":"t","key":{"id":8},"ts":1,"ord":"5","row":{"id":8}}
> {"id":"9","v":1e400}
> {"id":10, "v":1.10}
> {"id":9,"v":-0}

# cdc-merge: keys that differ only far behind, and keys that others begin with, in byte order
$ for i in $(seq 1 400); do printf '"%040d%s"\n' $((i * 7919 % 100)) "$(seq -s '' 1 $((i % 5)))"; printf '"%d"\n%d\n' $i $i; done | sort -u | sort -R --random-source=/dev/zero >keys; awk '{ printf "{\"op\":\"c\",\"db\":\"d\",\"table\":\"t\",\"key\":null,\"ts\":1,\"ord\":\"%06d\",\"row\":{\"k\":%s}}\n", NR, $0 }' keys | cdc-merge -k k >got; sort keys | sed 's/.*/{"k":&}/' | cmp - got && wc -l <got
> 900

# cdc-merge: from memory and from disk, by one thread and by several who write ranges of the keys: what sort(1) makes of it
$ awk 'BEGIN { pad = sprintf("%0300d", 0); for (i = 1; i <= 90000; i++) printf "k%06d %07d %s {\"k\":\"k%06d\",\"i\":%d,\"pad\":\"%s\"}\n", i * 7919 % 60013, i * 104729 % 999983, i % 9 == 0 ? "d" : "u", i * 7919 % 60013, i, pad }' >raw
$ awk '{ printf "{\"op\":\"%s\",\"db\":\"d\",\"table\":\"t\",\"key\":null,\"ts\":1,\"ord\":\"%s\",\"row\":%s}\n", $3, $2, $4 }' raw >changes
$ sort -k1,1 -k2,2 raw | awk '$1 != key { if (row != "" && op != "d") print row; key = $1 } { op = $3; row = $4 } END { if (op != "d") print row }' >want; wc -l <want
$ for o in '-S 1G -j 1' '-S 1G -j 2' '-S 16M -j 1' '-S 16M -j 2' '-S 16M -j 3'; do cdc-merge -k k $o --stats stats changes | cmp - want; done; grep -c '"in":90000,.*"rejected":0,' stats
> 53338
> 5

# cdc-merge: equal ords: the later in the input counts
$ cdc-merge
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"3","row":{"v":1}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"3","row":{"v":2}}
> {"v":2}

# cdc-merge: a base in no order; rows nobody touched come out as they came, blanks and all
$ printf '%s\n' '{ "id" : 7 , "v" : 1 }' '{"id":10,"v":1}' '{"id":2,"v":1}' >base; cdc-merge -k id --base base
< {"op":"u","db":"d","table":"t","key":null,"ts":1,"ord":"3","row":{"id":2,"v":2}}
< {"op":"d","db":"d","table":"t","key":null,"ts":1,"ord":"4","row":{"id":10,"v":1}}
< {"op":"c","db":"d","table":"t","key":null,"ts":1,"ord":"5","row":{"id":3,"v":3}}
> {"id":2,"v":2}
> {"id":3,"v":3}
> { "id" : 7 , "v" : 1 }

# cdc-merge: a base and no change at all, without -k: as it came
$ printf '%s\n' '{"id":7}' '{"id":10}' >base; cdc-merge --base base </dev/null
> {"id":7}
> {"id":10}

# cdc-merge: a base from standard input, changes from a file
$ echo '{"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"3","row":{"id":1}}' >changes; cdc-merge --base - changes
< {"id":2}
< {"id":0}
> {"id":0}
> {"id":1}
> {"id":2}

# cdc-merge: a base from a pipe is read once, in order or not
$ echo '{"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"3","row":{"id":1}}' >changes; bash -c 'cdc-merge --base <(printf "%s\n" "{\"id\":0}" "{\"id\":2}") changes'
> {"id":0}
> {"id":1}
> {"id":2}

# cdc-merge: where only -k knows the key, the old key comes from old, also for keys of two columns and below the top
$ printf '%s\n' '{"a":{"b":1},"c":"x","v":0}' >base; cdc-merge -k a.b,c --base base
< {"op":"u","db":"d","table":"t","key":null,"ts":1,"ord":"3","row":{"a":{"b":1},"c":"y","v":1},"old":{"c":"x","v":0}}
> {"a":{"b":1},"c":"y","v":1}

# cdc-merge: keys that move along within one statement
$ printf '%s\n' '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' '{"id":3,"v":"c"}' >base; cdc-merge -k id --base base
< {"op":"u","db":"d","table":"t","key":null,"ts":1,"ord":"3.2","row":{"id":2,"v":"a"},"old":{"id":1}}
< {"op":"u","db":"d","table":"t","key":null,"ts":1,"ord":"3.0","row":{"id":4,"v":"c"},"old":{"id":3}}
< {"op":"u","db":"d","table":"t","key":null,"ts":1,"ord":"3.1","row":{"id":3,"v":"b"},"old":{"id":2}}
> {"id":2,"v":"a"}
> {"id":3,"v":"b"}
> {"id":4,"v":"c"}

# cdc-merge: --deletes mark keeps the last row, and what is put back is not deleted
$ printf '%s\n' '{"id":1,"v":1,"deleted":true}' '{"id":2}' >base; cdc-merge --deletes mark --base base
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"3","row":{"id":1,"v":2}}
< {"op":"d","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"4","row":{"id":2,"v":9}}
< {"op":"d","db":"d","table":"t","key":{"id":3},"ts":1,"ord":"5","row":{}}
> {"id":1,"v":2}
> {"id":2,"v":9,"deleted":true}
> {"deleted":true}

# cdc-merge: partial rows lie over the base and over each other in their order; one whose row is not known is said
$ printf '%s\n' '{"id":1,"v":1,"w":[1, 2]}' >base; cdc-merge --base base --stats s; grep -o '"incomplete":.' s
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"4","row":{"id":1,"v":3},"src":{"partial":true}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"3","row":{"id":1,"v":2,"x":1},"src":{"partial":true}}
< {"op":"u","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"5","row":{"id":2,"v":2},"src":{"partial":true}}
! cdc-merge: 1 rows hold only the columns that were sent: the row before them is not known
> {"id":1,"v":3,"w":[1, 2],"x":1}
> {"id":2,"v":2}
> "incomplete":1

# cdc-merge: a truncate ends what came before it, in the base and among the changes
$ printf '%s\n' '{"id":1}' '{"id":5}' >base; cdc-merge -k id --base base
< {"op":"c","db":"d","table":"t","key":null,"ts":1,"ord":"5","row":{"id":2}}
< {"op":"t","db":"d","table":"t","key":null,"ts":1,"ord":"4"}
< {"op":"c","db":"d","table":"t","key":null,"ts":1,"ord":"3","row":{"id":3}}
> {"id":2}

# cdc-merge: a truncate that no -k can lay over a base is refused
$ printf '%s\n' '{"id":1}' >base; cdc-merge --base base
< {"op":"t","db":"d","table":"t","key":null,"ts":1,"ord":"4"}
! cdc-merge: a truncate, but no change says the key: give -k
? 2

# cdc-merge: of the names that are written no two are one; one input is not read twice; a key has a path
$ for a in '--scd2 --date 2026-11-20 --valid a,a' '--scd2 --date 2026-11-20 --ord end_date' '--scd2 --date 2026-11-20 --ord deleted' '--scd2 --date 2026-11-20 --valid deleted,x' '--deletes mark --ord deleted' '--base -' '--base - a -'; do cdc-merge $a 2>&1 </dev/null | head -n 1; done; cdc-merge -k '' 2>&1 </dev/null | head -n 1; cdc-merge -k 'id,' 2>&1 </dev/null | head -n 1; cdc-merge --ord end_date </dev/null; cdc-merge --scd2 --date 2026-11-20 --deletes drop --ord deleted </dev/null
> cdc-merge: --valid, --ord and deleted: the name 'a' stands twice
> cdc-merge: --valid, --ord and deleted: the name 'end_date' stands twice
> cdc-merge: --valid, --ord and deleted: the name 'deleted' stands twice
> cdc-merge: --valid, --ord and deleted: the name 'deleted' stands twice
> cdc-merge: --valid, --ord and deleted: the name 'deleted' stands twice
> cdc-merge: --base and the changes cannot both be the standard input
> cdc-merge: --base and the changes cannot both be the standard input
> cdc-merge: -k: path '': column 1: a path is missing
> cdc-merge: -k: path '': column 1: a path is missing

# cdc-merge: a base from the standard input, changes from a file
$ printf '{"op":"c","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"5","row":{"id":2}}\n' >in; printf '{"id":1}\n' | cdc-merge --base - in
> {"id":1}
> {"id":2}

# cdc-merge: --table, of two tables one; without it the second is bad
$ cat >in; cdc-merge --table b in; cdc-merge --table d.a in; cdc-merge in
< {"op":"c","db":"d","table":"a","key":{"id":1},"ts":1,"ord":"5","row":{"id":1}}
< {"op":"c","db":"d","table":"b","key":{"id":2},"ts":1,"ord":"5","row":{"id":2}}
< {"op":"ddl","db":"d","table":"c","key":null,"ts":1,"ord":"5"}
> {"id":2}
> {"id":1}
! cdc-merge: in:2: a change of a second table: give --table
? 3

# cdc-merge: --ord: rows keep their ord, and older changes told again lose to the base
$ printf '%s\n' '{"id":1,"v":7,"ord":"7"}' '{"id":2,"v":1}' >base; cdc-merge --ord ord --base base
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"6","row":{"id":1,"v":6}}
< {"op":"u","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"1","row":{"id":2,"v":2}}
> {"id":1,"v":7,"ord":"7"}
> {"id":2,"v":2,"ord":"1"}

# cdc-merge: a bootstrap's row with a place loses to what came behind, one without loses to all changes but not to the base
$ printf '%s\n' '{"id":3,"v":0,"ord":"0000000000b.1"}' >base; cdc-merge --ord ord --base base | sed 's/,"ord.*//'
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"0000000000b.5.1","row":{"id":1,"v":"new"}}
< {"op":"r","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"0000000000b.4.2","row":{"id":1,"v":"old"}}
< {"op":"u","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"0000000000b.5.1","row":{"id":2,"v":"new"}}
< {"op":"r","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"0000000000a.0.2","row":{"id":2,"v":"old"}}
< {"op":"r","db":"d","table":"t","key":{"id":3},"ts":1,"ord":"0000000000a.0.2","row":{"id":3,"v":"booted"}}
> {"id":1,"v":"new"
> {"id":2,"v":"new"
> {"id":3,"v":"booted"

# cdc-merge: orders that cannot be compared are said
$ cdc-merge
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"9","row":{"v":9}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"10","row":{"v":10}}
! cdc-merge: 1 keys have changes whose orders cannot be compared with each other
> {"v":9}

# cdc-merge: two partitions' offsets of one key are such
$ cdc-merge >/dev/null
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"0000000000k.00000000000000004711.0000000003.0000000000.1","row":{"v":9}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"0000000000k.00000000000000004712.0000000004.0000000000.1","row":{"v":9}}
! cdc-merge: 1 keys have changes whose orders cannot be compared with each other

# cdc-merge: what is no change is bad, one by one
$ cdc-merge --reject r; jq -r '"\(.line) \(.reason)"' r
< {"id":1}
< {"op":"x","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"1","row":{}}
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"row":{}}
< {"op":"c","db":"d","table":"t","key":null,"ts":1,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{"id":null},"ts":1,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{},"ts":1,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"1"}
< {"op":"c","db":"d","table":"t","key":{"id":[1]},"ts":1,"ord":"1","row":{}}
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{"no":1},"ts":1,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{"id":1,"no":1},"ts":1,"ord":"1","row":{"id":1}}
> {"id":1}
> 1 no change record: op or table is missing
> 2 op is none of c, u, d, r, t, ddl
> 3 ord is no string, or has an escape in it
> 4 the change has no key: give -k
> 5 a key column is null or absent
> 6 an empty key
> 7 a change without its row
> 8 an array cannot be a key
> 10 its key has other columns than the first change's
> 11 its key has other columns than the first change's

# cdc-merge: a key that stands twice in the base
$ printf '%s\n' '{"id":1}' '{"id":1.0}' >base; cdc-merge --base base
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"1","row":{"id":1}}
! cdc-merge: key 1: a key stands twice in the base
? 3

# cdc-merge: a bad row of the base
$ printf '%s\n' '{"id":1}' '{"id":null}' >base; cat >in; cdc-merge --base base in; echo $?; cdc-merge --base base --reject r in; jq -r '"\(.source):\(.line) \(.reason)"' r
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"1","row":{"id":1}}
! cdc-merge: base:2: a key column is null or absent
> 3
> {"id":1}
> base:2 a key column is null or absent

# cdc-merge: past -S the state goes to disk, and the answer is the same; the runs leave nothing behind
$ seq 1 90000 | awk '{ printf "{\"op\":\"u\",\"db\":\"d\",\"table\":\"t\",\"key\":{\"id\":%d},\"ts\":1,\"ord\":\"%09d\",\"row\":{\"id\":%d,\"v\":%d,\"pad\":\"%0300d\"}}\n", $1 * 7919 % 45000, $1, $1 * 7919 % 45000, $1, 0 }' >in
$ seq 30000 60000 | awk '{ printf "{\"id\":%d,\"v\":0,\"pad\":\"%0900d\"}\n", $1, 0 }' >base
$ cdc-merge --base base -S 1G in | sha256sum >one; cdc-merge --base base -S 1M in | sha256sum | cmp - one; ls -A
$ for s in 1G 1M; do for j in 1 2 3; do cdc-merge -j $j -S $s in | sha256sum; done; done | uniq | wc -l
$ for s in 1G 1M; do for j in 2 3; do cdc-merge -j $j --base base -S $s in | sha256sum | cmp - one; done; done
$ cdc-merge --base base in | wc -l; TMPDIR=/proc cdc-merge -S 1M --base base in 2>&1 >/dev/null | cut -c 1-39
> base
> in
> one
> 1
> 60001
> cdc-merge: /proc: no temporary file: No

# cdc-merge: options that do not fit
$ cdc-merge --scd2 2>&1 </dev/null | head -n 1; cdc-merge --deletes no 2>&1 </dev/null | head -n 1; cdc-merge --missing-ok 2>&1 </dev/null | head -n 1
$ cdc-merge --scd2 --date 2026-02-30 </dev/null 2>&1 | head -n 1; cdc-merge --scd2 --date 2026-02-03 --valid a </dev/null 2>&1 | head -n 1
> cdc-merge: --scd2 and --date D go together
> cdc-merge: --deletes: drop or mark, not 'no'
> cdc-merge: --missing-ok goes with --base
> cdc-merge: --date: '2026-02-30': no such date
> cdc-merge: --valid: two names, FROM,TO
