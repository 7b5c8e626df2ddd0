# dq-reconcile: equal in another order, numbers written in other ways
$ printf '%s\n' '{"id":1,"v":1.50}' '{"id":2,"v":"2"}' '{"id":3}' >a; printf '%s\n' '{"id":3.0,"v":null}' '{"id":2e0,"v":2.0}' '{"id":1,"v":15e-1}' >b
$ dq-reconcile -k id --sum v --result r a b; echo $?; jq -c '[.event,.severity,.name,.value,.expected,.rows,.bad]' r
> {"is":"all","rows":{"a":3,"b":3,"diff":0},"sums":{"v":{"a":3.50,"b":3.5,"diff":0.00}},"null_keys":{"a":0,"b":0}}
> 0
> ["dq.reconcile","ok","reconcile a b",3,3,3,0]

# dq-reconcile: null is not 0, a key as text is another one
$ printf '%s\n' '{"id":1,"v":0}' '{"id":2}' >a; printf '%s\n' '{"id":1,"v":null}' '{"id":"2"}' >b
$ dq-reconcile -k id --sum v a b 2>/dev/null | sed 1d; dq-reconcile --key-as text -k id --sum v a b 2>/dev/null | sed 1d
> {"is":"only_b","key":{"id":"2"},"a":null,"b":{"v":null},"within":false}
> {"is":"differs","key":{"id":1},"a":{"v":0},"b":{"v":null},"within":false}
> {"is":"only_a","key":{"id":2},"a":{"v":null},"b":null,"within":false}
> {"is":"differs","key":{"id":"1"},"a":{"v":0},"b":{"v":null},"within":false}

# dq-reconcile: records of one key: equal ones first, then pairs in the order of their values
$ printf '{"id":1,"v":%s}\n' 5 5 7 1 >a; printf '{"id":1,"v":%s}\n' 5 2 8 8 9 >b; dq-reconcile -k id --sum v a b 2>/dev/null | sed 1d | jq -c '[.is,.a.v,.b.v]'
> ["differs",1,2]
> ["differs",5,8]
> ["differs",7,8]
> ["only_b",null,9]

# dq-reconcile: keys of several paths and names, fields of any kind
$ echo '{"k":{"a":"x\u0000y","b":1},"o":[1, 2],"t":"a","n":1}' >a; echo '{"k":{"a":"x\u0000y","b":1},"o":[1,2],"t":"\u0061","n":1}' >b
$ dq-reconcile -k 'first=k.a,k.b' --fields t,n a b >/dev/null; echo $?; dq-reconcile -k 'first=k.a,k.b' --fields t,what=o a b 2>/dev/null | sed 1d
> 0
> {"is":"differs","key":{"first":"x\u0000y","b":1},"a":{"t":"a","what":[1, 2]},"b":{"t":"a","what":[1,2]},"within":false}

# dq-reconcile --by: a record that moved differs, in both buckets
$ printf '{"id":1,"p":"%s"}\n' x >a; printf '{"id":1,"p":"%s"}\n' y >b; dq-reconcile -k id --by p --result r a b 2>/dev/null; jq -c '[.severity,.name,.bad]' r
> {"is":"all","rows":{"a":1,"b":1,"diff":0},"null_keys":{"a":0,"b":0}}
> {"is":"bucket","by":"x","rows":{"a":1,"b":0,"diff":-1}}
> {"is":"bucket","by":"y","rows":{"a":0,"b":1,"diff":1}}
> {"is":"differs","key":{"id":1},"a":{"p":"x"},"b":{"p":"y"},"within":false}
> ["fail","reconcile a b",1]
> ["fail","reconcile a b p=\"x\"",1]
> ["fail","reconcile a b p=\"y\"",1]

# dq-reconcile --tolerate: in percent of A, for rows, sums and records; what it hides is listed
$ seq 1 100 | sed 's/.*/{"id":&,"v":1}/' >a; (seq 1 98; seq 201 201) | sed 's/.*/{"id":&,"v":1}/; 1s/1}/1.02}/' >b
$ for t in 0 2% 3% 2 3; do dq-reconcile -k id --sum v --tolerate $t a b >o 2>err; echo "$? $(sed 1d o | grep -c true) $(sed 1d o | grep -c false)"; done; cat err
> 1 0 4
> 1 1 3
> 0 1 3
> 1 1 3
> 0 1 3
> dq-reconcile: a and b are equal within the tolerance: 100 and 99 rows, v 100 and 99.02; 2 only in A, 1 only in B, 0 with other values, 1 within the tolerance

# dq-reconcile --tolerate: sums that agree do not hide records that are others
$ printf '{"id":%d,"v":1}\n' 1 2 3 4 >a; printf '{"id":%d,"v":1}\n' 5 6 7 8 >b; dq-reconcile -k id --sum v --tolerate 50% a b >/dev/null 2>&1
? 1

# dq-reconcile: records without a key are counted, summed and told; others than those on the other side differ
$ printf '%s\n' '{"id":1,"v":1}' '{"v":2}' '{"id":null,"v":3}' >a; printf '%s\n' '{"id":1,"v":1}' '{"v":3}' '{"v":2}' >b; printf '%s\n' '{"id":1,"v":1}' '{"v":4}' '{"v":1}' >c
$ dq-reconcile -k id --sum v a b; echo $?; dq-reconcile -k id --sum v a c >/dev/null; echo $?
> {"is":"all","rows":{"a":3,"b":3,"diff":0},"sums":{"v":{"a":6,"b":6,"diff":0}},"null_keys":{"a":2,"b":2}}
> 0
> 1
! dq-reconcile: a and b are equal within the tolerance: 3 and 3 rows, v 6 and 6; 2 and 2 rows without a key
! dq-reconcile: a and c are apart: 3 and 3 rows, v 6 and 6; 2 and 2 rows without a key, which differ

# dq-reconcile: a pipe is read once, with the same answer; both sides are too much for one standard input
$ printf '{"id":%d,"v":1}\n' 1 2 3 >a; printf '{"id":%d,"v":1}\n' 2 3 4 >b; dq-reconcile -k id --sum v a b >o1 2>/dev/null; dq-reconcile -k id --sum v - b <a >o2 2>/dev/null; cat a | dq-reconcile -k id --sum v /dev/stdin b >o3 2>/dev/null
$ cmp o1 o2 && cmp o1 o3 && wc -l <o1; dq-reconcile -k id - - <a 2>&1 | head -n 1
> 3
> dq-reconcile: A and B cannot both be the standard input

# dq-reconcile: nothing on both sides is equal
$ : >a; dq-reconcile -k id --sum v --by p a a
> {"is":"all","rows":{"a":0,"b":0,"diff":0},"sums":{"v":{"a":0,"b":0,"diff":0}},"null_keys":{"a":0,"b":0}}

# dq-reconcile: what is no number or no key stops it, or goes aside and is told once
$ printf '%s\n' '{"id":1,"v":1}' '{"id":2,"v":"x"}' '{"id":[],"v":1}' >a; dq-reconcile -k id --sum v a a >/dev/null; echo $?; echo '{"id":1,"v":2}' >b
$ dq-reconcile -k id --sum v --reject rej a b >/dev/null 2>&1; echo $?; jq -r '"\(.source):\(.line): \(.reason)"' rej
> 3
> 1
> a:2: a --sum is no number
> a:3: an array cannot be a key
! dq-reconcile: a:2: a --sum is no number

# dq-reconcile: money that a double cannot hold
$ printf '{"id":%d,"v":%s}\n' 1 90071992547409930.01 2 0.02 >a; printf '{"id":%d,"v":%s}\n' 1 90071992547409930.02 2 0.01 >b; dq-reconcile -k id --sum v a b 2>/dev/null | sed -n 1,2p
> {"is":"all","rows":{"a":2,"b":2,"diff":0},"sums":{"v":{"a":90071992547409930.03,"b":90071992547409930.03,"diff":0.00}},"null_keys":{"a":0,"b":0}}
> {"is":"differs","key":{"id":1},"a":{"v":90071992547409930.01},"b":{"v":90071992547409930.02},"within":false}

# dq-reconcile: tables of the warehouse, a day never committed
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; printf '{"id":1}\n{"id":2}\n' | wh-put ods.x dt=2026-11-20; printf '{"id":2}\n' | wh-put dwd.x dt=2026-11-20
$ dq-reconcile -k id wh:ods.x@2026-11-20 wh:dwd.x@2026-11-20 2>/dev/null | jq -c '[.is,.rows.diff,.key.id]'; dq-reconcile -k id wh:ods.x@2026-11-20 wh:dwd.x@2026-11-21 >/dev/null
> ["all",-1,null]
> ["only_a",null,1]
! dq-reconcile: dwd.x@2026-11-21: never committed
? 1

# dq-reconcile: misuse
$ : >a; for o in '' '-k id a' '-k id a a a' '-k id --by p,q a a' '-k id --tolerate x a a' '-k id --tolerate -1% a a' '-k id,id a a' '--sum v a a' '-k id --dt 2026-13-01 a a'; do dq-reconcile $o 2>err; echo "$? $(head -n 1 err)"; done; dq-reconcile -k id a none
> 2 dq-reconcile: -k is required
> 2 dq-reconcile: A and B are required
> 2 dq-reconcile: 'a' is one too many
> 2 dq-reconcile: --by takes one path
> 2 dq-reconcile: --tolerate: 'x': not a number
> 2 dq-reconcile: --tolerate: '-1%': not below 0
> 2 dq-reconcile: -k: the name id twice
> 2 dq-reconcile: -k is required
> 2 dq-reconcile: --dt: '2026-13-01': no such date
! dq-reconcile: none: No such file or directory
? 4

# however little memory there is: without --by there is nothing to hold
$ echo '{"id":1}' >a; dq-reconcile -S 1 -k id a a
> {"is":"all","rows":{"a":1,"b":1,"diff":0},"null_keys":{"a":0,"b":0}}

# dq-reconcile -j: bad records of both sides in their order, and the same answer, whoever counts them
$ seq 1 3000 | awk '{ printf "{\"id\":%d,\"v\":%s%s\n", $1, $1 % 7 == 0 ? "\"x\"" : $1 / 4, $1 % 11 == 0 ? "" : "}" }' >a; sed '100,110d; s/"v":2.25}/"v":2.5}/' a >b
$ for j in 1 2 3; do for n in 300 4096 262144; do rm -f r; PIPEHOUSE_BLOCK=$n dq-reconcile -j $j --reject r -k id --sum v a b >o 2>e; echo $? >s; cat s o r e | cksum; PIPEHOUSE_BLOCK=$n dq-reconcile -j $j -k id --sum v a b 2>&1 | cksum; done; done | sort | uniq -c | wc -l
> 2
$ cat s; wc -l <r; jq -r '[.source,.line,.reason]|join(" ")' r | sed -n '1,3p; 662,663p'; sed 1d o | jq -r .is | sort | uniq -c
> 1
> 1322
> a 7 a --sum is no number
> a 11 the line ends inside an object
> a 14 a --sum is no number
> a 2996 a --sum is no number
> b 7 a --sum is no number
>       1 differs
>       9 only_a
