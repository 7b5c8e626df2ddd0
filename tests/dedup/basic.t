# the first of each key, bytes as they are
$ dedup -k id
< {"id":1, "v":1.10}
< { "v":2,"id":1}
< {"id":2,"v":-0}
< {"id":1}
> {"id":1, "v":1.10}
> {"id":2,"v":-0}

# 1, 1.0, 1e0 and 10e-1 are one key, -0 is 0, "1" is another
$ dedup -k k
< {"k":1}
< {"k":1.0}
< {"k":1e0}
< {"k":10e-1}
< {"k":"1"}
< {"k":-0}
< {"k":0.00}
< {"k":-1}
> {"k":1}
> {"k":"1"}
> {"k":-0}
> {"k":-1}

# --key-as text: the number 1 is the text "1"
$ dedup -k k --key-as text
< {"k":1}
< {"k":"1"}
< {"k":"1.0"}
< {"k":1.00}
> {"k":1}
> {"k":"1.0"}

# texts are compared after unescaping, and by bytes: é has two forms
$ dedup -k k
< {"k":"\u0041"}
< {"k":"A"}
< {"k":"a"}
< {"k":"é"}
< {"k":"e\u0301"}
< {"k":"\u00e9"}
< {"k":"A\u0000"}
> {"k":"\u0041"}
> {"k":"a"}
> {"k":"é"}
> {"k":"e\u0301"}
> {"k":"A\u0000"}

# two columns do not run into each other
$ dedup -k a,b
< {"a":"x","b":"y,z"}
< {"a":"x,y","b":"z"}
< {"a":"x\",\"y","b":"z"}
< {"a":1,"b":23}
< {"a":12,"b":3}
< {"a":"x","b":"y,z"}
> {"a":"x","b":"y,z"}
> {"a":"x,y","b":"z"}
> {"a":"x\",\"y","b":"z"}
> {"a":1,"b":23}
> {"a":12,"b":3}

# a key that is null, absent, an array, an object or out of range is an error of its record
$ dedup -k k --reject r; sed 's/.*"line":\([0-9]*\).*"reason":"\([^"]*\)".*/\1 \2/' r
< {"k":null}
< {"x":1}
< {"k":[1]}
< {"k":{}}
< {"k":1e400}
< {"k":true}
< {"k":false}
< {"k":true}
> {"k":true}
> {"k":false}
> 1 null key
> 2 null key
> 3 an array cannot be a key
> 4 an object cannot be a key
> 5 number outside 10^38

# without --reject it stops there
$ dedup -k a,b
< {"a":1,"b":1}
< {"a":1}
> {"a":1,"b":1}
! dedup: <stdin>:2: null key
? 3

# --keep last: at the place of the last
$ dedup -k id --keep last
< {"id":1,"v":1}
< {"id":2,"v":2}
< {"id":1,"v":3}
< {"id":3,"v":4}
> {"id":2,"v":2}
> {"id":1,"v":3}
> {"id":3,"v":4}

# --keep last --by: the largest by size, ties by place, none loses
$ dedup -k id --keep last --by v
< {"id":1,"v":9}
< {"id":1,"v":10.0,"n":"a"}
< {"id":2}
< {"id":1,"v":10,"n":"b"}
< {"id":2,"v":-5}
< {"id":2,"v":null}
< {"id":1,"v":2}
> {"id":1,"v":10,"n":"b"}
> {"id":2,"v":-5}

# --keep first --by: the smallest, ties by place, none loses
$ dedup -k id --keep first --by v
< {"id":1}
< {"id":1,"v":"2026-01-02"}
< {"id":1,"v":"2026-01-01","n":"a"}
< {"id":1,"v":"2026-01-01","n":"b"}
> {"id":1,"v":"2026-01-01","n":"a"}

# values of two types have no order
$ dedup -k id --keep last --by v
< {"id":1,"v":1}
< {"id":2,"v":"a"}
< {"id":1,"v":"2"}
! dedup: <stdin>:3: values of different types have no order
? 3

# in = passed + dropped + rejected
$ dedup -k id --on-error skip --stats s && sed 's/.*"in":\([0-9]*\),"passed":\([0-9]*\),"dropped":\([0-9]*\),"used":\([0-9]*\),"rejected":\([0-9]*\).*/\1 \2 \3 \4 \5/' s
< {"id":1}
< {"id":1}
< {"id":null}
< {"id":2}
> {"id":1}
> {"id":2}
> 4 2 1 0 1

# -k is not optional, --keep is first or last
$ dedup 2>&1 | head -n 1; dedup -k id --keep some 2>&1 | head -n 1
> dedup: -k is required
> dedup: --keep: 'some' is none of first, last

# 300,000 records of 1,000 keys, first and last, against awk
$ awk 'BEGIN { for (i = 0; i < 300000; i++) printf "{\"k\":\"u%d\",\"i\":%d}\n", i * 7919 % 1000, i }' >d
$ dedup -k k d >ours; awk -F'"' '!s[$4]++' d | cmp - ours && wc -l <ours
$ dedup -k k --keep last d >ours; tac d | awk -F'"' '!s[$4]++' | tac | cmp - ours && wc -l <ours
> 1000
> 1000

# --count: how many of its key there were, with the first or the last, in the place of a member of that name
$ cat >d; dedup -k id --count n d; echo; dedup -k id --count n --keep last --by v d; echo; dedup -k id --count '"a b"' --keep last d
< {"id":1,"v":1}
< {"id":2,"n":"x","v":2}
< {"id":1.0,"v":3}
> {"id":1,"v":1,"n":2}
> {"id":2,"n":1,"v":2}
>
> {"id":2,"n":1,"v":2}
> {"id":1.0,"v":3,"n":2}
>
> {"id":2,"n":"x","v":2,"a b":1}
> {"id":1.0,"v":3,"a b":2}

# --count: a member of that name that stands twice is an error, as any path that is asked for
$ dedup -k id --count n
< {"id":1,"n":1,"n":2}
! dedup: <stdin>:1: path occurs twice
? 3
