# more than -S: the first of each key, the last, by a value: the same lines in the same order; stats tell
$ seq 40000 | awk '{ printf "{\"k\":\"k%d\",\"v\":%d}\n", $1 * 7919 % 14983, $1 * 31 % 997 }' >in
$ for a in '' '--keep last' '--by v' '--keep last --by v'; do dedup -k k $a in >want; dedup -k k $a -S 100K --stats s in | cmp - want && wc -l <want; done; json-map --keep tool 'ok=spilled_bytes > 100000 AND state_bytes < 400000' 'sum="in" = passed + dropped + used + rejected' s
> 14983
> 14983
> 14983
> 14983
> {"tool":"dedup","ok":true,"sum":true}
> {"tool":"dedup","ok":true,"sum":true}
> {"tool":"dedup","ok":true,"sum":true}
> {"tool":"dedup","ok":true,"sum":true}

# what passed before memory was full passes at once, what waits is used and made again at the end
$ seq 20000 | awk '{ printf "{\"k\":%d}\n", $1 % 15000 }' | dedup -k k -S 200K --stats s | sha256sum >a; seq 0 14999 | awk '{ k = $1 + 1; printf "{\"k\":%d}\n", k % 15000 }' | sha256sum | cmp - a; json-map 'ok=passed > 1000 AND used >= made AND passed + made = 15000 AND "in" = passed + dropped + used' s
> {"ok":true}

# what --ttl keeps fits twice over: nothing goes to disk, however many came and went
$ seq 600000 | awk '{ printf "{\"k\":%d,\"t\":%d}\n", $1, 1e12 + $1 }' | dedup -k k -t t --ttl 60s -S 6M --stats s | wc -l; json-map 'kept=spilled_bytes IS NULL AND state_bytes < 6000000' s
> 600000
> {"kept":true}
