# a DIM larger than -S: the same bytes, by any number of threads; stats tell
$ seq 30000 | awk '{ printf "{\"id\":%d,\"name\":\"n%d\",\"x\":[%d]}\n", $1 * 7919 % 60013, $1, $1 % 7 }' >dim
$ seq 0 40000 | awk '{ printf "{\"id\":%d}\n", $1 }' >in
$ seq 30000 | awk '{ k = $1 * 7919 % 60013; n[k] = $1 } END { for (i = 0; i <= 40000; i++) if (i in n) printf "{\"id\":%d,\"name\":\"n%d\",\"x\":[%d]}\n", i, n[i], n[i] % 7; else printf "{\"id\":%d,\"name\":null,\"x\":null}\n", i }' >want
$ for a in '-S 256M' '-S 1M -j 1' '-S 1M -j 3' '-S 100K' '-S 100K --reload 1s'; do dimjoin -k id --fields name,x $a --stats s dim in | cmp - want && echo same; done; json-map 'disk=dim_spilled_bytes > 500000' 'memory=state_bytes < 1000000' s
> same
> same
> same
> same
> same
> {"disk":null,"memory":false}
> {"disk":true,"memory":true}
> {"disk":true,"memory":true}
> {"disk":true,"memory":true}
> {"disk":true,"memory":true}

# rows with periods
$ seq 20000 | awk '{ y = 2000 + $1 % 20; printf "{\"id\":%d,\"start_date\":\"%d-01-01\",\"end_date\":\"%d-12-31\",\"v\":%d}\n", int($1 / 20), y, y, $1 }' >zip
$ seq 5000 | awk '{ printf "{\"id\":%d,\"d\":\"%d-06-15\"}\n", $1 % 1100, 1998 + $1 % 25 }' >in
$ dimjoin -k id --as-of d --fields v zip in >want; dimjoin -k id --as-of d --fields v -S 100K zip in | cmp - want && grep -c ':null}' want; awk '{ split($0, p, /[:,"-]+/); id = p[3]; y = p[5]; for (n = id * 20; n < id * 20 + 20; n++) if (n >= 1 && n <= 20000 && 2000 + n % 20 == y) found++ } END { print 5000 - found }' in
> 1320
> 1320

# a key that stands twice is an error of its line there too
$ seq 30000 | awk '{ printf "{\"id\":%d,\"v\":%d}\n", $1 == 29000 ? 77 : $1, $1 }' | dimjoin -k id --fields v -S 100K /dev/stdin /dev/null
? 3
! dimjoin: /dev/stdin:29000: this key stands twice in the dimension

# no room for the file
$ seq 30000 | awk '{ printf "{\"id\":%d,\"v\":%d}\n", $1, $1 }' >dim; TMPDIR=none dimjoin -k id --fields v -S 100K dim dim
? 4
! dimjoin: none: no temporary file: No such file or directory
