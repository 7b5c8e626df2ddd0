# --fields appends; a name that stands is replaced in its place; other bytes stay
$ printf '{"id":1,"name":"pen","x":{"c": 1.10}}\n{"id":2,"name":"\\u00e9"}\n' >dim
$ dimjoin -k id --fields name,c=x.c dim
< { "id" : 1.0, "v":-0 }
< {"id":2,"name" : [1] ,"z":1}
< {"id":3}
< {}
< {"id":null,"name":"kept?"}
< {"id":1, "c":5,"name":6}
> { "id" : 1.0, "v":-0 ,"name":"pen","c":1.10}
> {"id":2,"name" : "\u00e9" ,"z":1,"c":null}
> {"id":3,"name":null,"c":null}
> {"name":null,"c":null}
> {"id":null,"name":null,"c":null}
> {"id":1, "c":1.10,"name":"pen"}

# --as nests the row as it stands
$ printf ' {"id": 1,"v":1e5} \n' >dim
$ dimjoin -k uid -K id --as user dim
< {"uid":1}
< {"uid":2,"user":3}
< { }
> {"uid":1,"user":{"id": 1,"v":1e5}}
> {"uid":2,"user":null}
> { "user":null}

# --fill sets only what is null or absent, and touches nothing else
$ printf '{"id":1,"a":"A","b":null}\n{"id":2,"b":"B"}\n' >dim
$ dimjoin -k id --fill a,b dim
< {"id":1 , "a":null}
< {"id":1,"a":"mine" }
< {"id":2,"a":null, "b" : null}
< {"id":3,"a":null}
< { "id":2 ,"b":false}
> {"id":1 , "a":"A"}
> {"id":1,"a":"mine" }
> {"id":2,"a":null, "b" : "B"}
> {"id":3,"a":null}
> { "id":2 ,"b":false}

# inner drops what has no row; semi and anti pass lines untouched
$ printf '{"id":1,"n":"x"}\n{"id":1e1,"n":"y"}\n' >dim
$ printf '{ "id":1 }\n{"id":2}\n{"id":10.0}\n{"id":null}\n{"id":"1"}\n' >in
$ dimjoin -k id --type inner --fields n dim in; echo; dimjoin -k id --type semi dim in; echo; dimjoin -k id --type anti dim in
> { "id":1 ,"n":"x"}
> {"id":10.0,"n":"y"}
> 
> { "id":1 }
> {"id":10.0}
> 
> {"id":2}
> {"id":null}
> {"id":"1"}

# keys of two columns; null in one of them matches nothing, on either side
$ printf '{"a":1,"b":"x","n":1}\n{"a":1,"b":null,"n":2}\n{"a":null,"b":"x","n":3}\n{"a":1,"n":4}\n' >dim
$ dimjoin -k p.a,p.b -K a,b --fields n dim
< {"p":{"a":1,"b":"x"}}
< {"p":{"a":1,"b":null}}
< {"p":{"a":1}}
< {"p":null}
> {"p":{"a":1,"b":"x"},"n":1}
> {"p":{"a":1,"b":null},"n":null}
> {"p":{"a":1},"n":null}
> {"p":null,"n":null}

# a key that stands twice in DIM is an error, with its line
$ printf '{"id":1}\n{"id":2}\n{"id":1.0}\n' >dim; dimjoin -k id --type semi dim </dev/null
! dimjoin: dim:3: this key stands twice in the dimension
? 3

# --reject lets it go; the first row stays
$ printf '{"id":1,"n":"a"}\n{"id":1.0,"n":"b"}\nx\n{"id":[2]}\n' >dim; echo '{"id":1}' | dimjoin -k id --fields n --reject r dim; wc -l <r
> {"id":1,"n":"a"}
> 3

# nothing matched because the types differ: said, not hidden
$ printf '{"id":1}\n' >dim; dimjoin -k id --type semi dim; echo $?; echo '{"id":"1"}' | dimjoin -k id --type semi --key-as text dim
< {"id":"1"}
< {"id":"2"}
> 0
> {"id":"1"}
! dimjoin: nothing matched: the key id is a string in the records and a number in DIM (--key-as text)

# one match, or the same types: nothing to say
$ printf '{"id":1}\n{"id":"2"}\n' >dim; dimjoin -k id --type anti dim
< {"id":"1"}
< {"id":"3"}
> {"id":"1"}
> {"id":"3"}

# --as-of: first and last day are inside, times count as local days
$ printf '%s\n' '{"id":1,"v":"a","start_date":"2026-01-01","end_date":"2026-01-31"}' '{"id":1,"v":"b","start_date":"2026-02-01","end_date":"9999-12-31"}' >dim
$ dimjoin -k id --as-of t --fields v --tz Asia/Shanghai dim
< {"id":1,"t":"2025-12-31"}
< {"id":1,"t":"2026-01-01"}
< {"id":1,"t":"2026-01-31T15:59:59Z"}
< {"id":1,"t":"2026-01-31T16:00:00Z"}
< {"id":1,"t":1769875199}
< {"id":1,"t":1769875200000}
< {"id":1,"t":null}
< {"id":2,"t":"2026-01-01"}
> {"id":1,"t":"2025-12-31","v":null}
> {"id":1,"t":"2026-01-01","v":"a"}
> {"id":1,"t":"2026-01-31T15:59:59Z","v":"a"}
> {"id":1,"t":"2026-01-31T16:00:00Z","v":"b"}
> {"id":1,"t":1769875199,"v":"a"}
> {"id":1,"t":1769875200000,"v":"b"}
> {"id":1,"t":null,"v":null}
> {"id":2,"t":"2026-01-01","v":null}

# --valid names other columns; null is open
$ printf '%s\n' '{"id":1,"v":"old","f":null,"u":"2026-01-31"}' '{"id":1,"v":"new","f":"2026-02-01","u":null}' >dim
$ dimjoin -k id --as-of t --valid f,u --fields v dim
< {"id":1,"t":"0001-01-01"}
< {"id":1,"t":"2026-02-01"}
< {"id":1,"t":"9999-12-31"}
> {"id":1,"t":"0001-01-01","v":"old"}
> {"id":1,"t":"2026-02-01","v":"new"}
> {"id":1,"t":"9999-12-31","v":"new"}

# rows of one key may not hold on the same day, nor end before they begin
$ printf '%s\n' '{"id":1,"start_date":"2026-01-01","end_date":"2026-01-31"}' '{"id":1,"start_date":"2026-01-31","end_date":"2026-02-01"}' >dim
$ dimjoin -k id --as-of t --type semi dim </dev/null
$ printf '%s\n' '{"id":1,"start_date":"2026-02-01","end_date":"2026-01-31"}' >dim; dimjoin -k id --as-of t --type semi dim </dev/null
! dimjoin: dim:2: two rows of this key hold on the same day
! dimjoin: dim:1: the row ends before it begins
? 3

# a day that is none is that record's error
$ printf '{"id":1,"start_date":"2026-01-01","end_date":"2026-01-31"}\n' >dim; dimjoin -k id --as-of t --type anti --on-error skip dim
< {"id":1,"t":"2026-02-30"}
< {"id":1,"t":[1]}
< {"id":1,"t":"2026-02-28"}
> {"id":1,"t":"2026-02-28"}

# DIM from standard input, and compressed
$ printf '{"id":1,"n":1}\n' | gzip >dim; printf '{"id":1}\n' >in; gzip -dc dim | dimjoin -k id --fields n - in; dimjoin -k id --fields n dim in
> {"id":1,"n":1}
> {"id":1,"n":1}

# DIM may stand behind --
$ printf '{"id":1}\n' >-dim; echo '{"id":1}' | dimjoin -k id --type semi -- -dim -
> {"id":1}

# one of the three with left and inner, none with semi and anti
$ for w in '' '--as a --fields b' '--type inner' '--type semi --as a' '--type anti --fill b' '--type outer' '--fields a,a' '--fields a=b,a=c' '--as a --valid x,y' '--as a --as-of t --valid x'; do dimjoin -k id $w dim 2>&1 </dev/null | head -n 1; done; dimjoin -k id --fill a,a dim 2>&1 | head -n 1; dimjoin 2>&1 | head -n 1; dimjoin -k id --as x 2>&1 | head -n 1; dimjoin -k id -K a,b --as x dim 2>&1 | head -n 1; dimjoin -k id --as x - 2>&1 | head -n 1; dimjoin -k id --as x - dim - </dev/null 2>&1 | head -n 1
> dimjoin: --type left takes one of --as, --fields and --fill
> dimjoin: --type left takes one of --as, --fields and --fill
> dimjoin: --type inner takes one of --as, --fields and --fill
> dimjoin: --type semi adds nothing: no --as, --fields, --fill with it
> dimjoin: --type anti adds nothing: no --as, --fields, --fill with it
> dimjoin: --type: 'outer' is none of left, inner, semi, anti
> dimjoin: --fields: the name 'a' stands twice
> dimjoin: --fields: the name 'a' stands twice
> dimjoin: --valid goes with --as-of
> dimjoin: --valid takes two paths, FROM,TO
> dimjoin: --fill: the name 'a' stands twice
> dimjoin: -k is required
> dimjoin: DIM is required
> dimjoin: -K has 2 paths, -k 1
> dimjoin: DIM and the records cannot both be the standard input
> dimjoin: DIM and the records cannot both be the standard input

# a DIM that is not there
$ dimjoin -k id --as x nowhere </dev/null
! dimjoin: nowhere: No such file or directory
? 4

# --stats: matched and unmatched
$ printf '{"id":1}\n' >dim; printf '{"id":1}\n{"id":1}\n{"id":2}\n' | dimjoin -k id --type semi --stats s dim >/dev/null; grep -o '"matched":[0-9]*,"unmatched":[0-9]*,"dim_rows":[0-9]*' s
> "matched":2,"unmatched":1,"dim_rows":1

# 200,000 rows and 200,000 records, against join(1)
$ seq 1 2 400000 | awk '{ printf "{\"id\":\"k%06d\",\"n\":\"v%d\"}\n", $1, $1 * 3 }' >dim
$ seq 1 200000 | awk '{ printf "{\"id\":\"k%06d\"}\n", $1 * 7919 % 400009 }' >in
$ dimjoin -k id --type inner --fields n dim in | sort >ours
$ sed 's/.*"\(k[0-9]*\)".*/\1/' in | sort >a; sed 's/.*"\(k[0-9]*\)","n":"\(v[0-9]*\)".*/\1 \2/' dim | sort >b
$ join a b | awk '{ printf "{\"id\":\"%s\",\"n\":\"%s\"}\n", $1, $2 }' | cmp - ours && wc -l <ours
> 99997

# DIM is a table of the warehouse
$ export PIPEHOUSE_ROOT=$PWD/wh; for d in 19 20; do echo "{\"id\":1,\"n\":$d}" | wh-put dim.sku dt=2026-11-$d; done
$ echo '{"id":1}' >in; dimjoin -k id --fields n wh:dim.sku@last in; dimjoin -k id --fields n wh:dim.sku@2026-11-19 in; dimjoin -k id --fields n wh:dim.sku@2026-11-21 in 2>/dev/null
> {"id":1,"n":20}
> {"id":1,"n":19}
? 1

# --miss: null by default; reject makes a record without a row a bad one, also where --fill had nothing to fill
$ printf '{"id":1,"n":"a"}\n{"id":2,"n":null}\n' >dim; printf '{"i":1,"id":1}\n{"i":2,"id":3}\n{"i":3,"id":null}\n{"i":4,"id":2,"n":5}\n{"i":5,"id":9,"n":5}\n' >in
$ dimjoin -k id --fields n --miss null dim in; dimjoin -k id --fill n --miss reject --reject bad dim in; sed 's/.*"line":\([0-9]*\).*"reason":\("[^"]*"\).*/\1 \2/' bad; head -2 in | dimjoin -k id --as d --miss reject dim
> {"i":1,"id":1,"n":"a"}
> {"i":2,"id":3,"n":null}
> {"i":3,"id":null,"n":null}
> {"i":4,"id":2,"n":null}
> {"i":5,"id":9,"n":null}
> {"i":1,"id":1,"n":"a"}
> {"i":4,"id":2,"n":5}
> 2 "no row of the dimension has this key"
> 3 "a null key, which has no row in the dimension"
> 5 "no row of the dimension has this key"
> {"i":1,"id":1,"d":{"id":1,"n":"a"}}
! dimjoin: <stdin>:2: no row of the dimension has this key
? 3

# --miss reject and --as-of: no row of that day is no row; rejects are counted as unmatched
$ printf '{"id":1,"n":"a","start_date":"2026-01-01","end_date":"2026-01-31"}\n' >dim; printf '{"id":1,"d":"2026-01-31"}\n{"id":1,"d":"2026-02-01"}\n{"id":1}\n' | dimjoin -k id --as-of d --fields n --miss reject --on-error skip --stats s dim; grep -o '"matched":[0-9]*,"unmatched":[0-9]*' s; grep -o '"rejected":[0-9]*' s
> {"id":1,"d":"2026-01-31","n":"a"}
> "matched":1,"unmatched":2
> "rejected":2

# --miss is a matter of left joins
$ echo '{"id":1}' >dim; for a in '--type inner --fields n --miss null' '--type semi --miss reject' '--fields n --miss drop'; do dimjoin -k id $a dim </dev/null 2>&1 | head -1; dimjoin -k id $a dim </dev/null 2>/dev/null; echo $?; done
> dimjoin: --miss goes with --type left: the others say what a record without a row is
> 2
> dimjoin: --miss goes with --type left: the others say what a record without a row is
> 2
> dimjoin: --miss: null, reject or park=DUR[,null|,reject], not 'drop'
> 2
