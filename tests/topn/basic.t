# the n largest, by size, ties by input order
$ topn -n 3 --by v
< {"id":1,"v":9}
< {"id":2,"v":10}
< {"id":3,"v":9.00}
< {"id":4,"v":-1}
< {"id":5,"v":10.0}
> {"id":2,"v":10,"rank":1}
> {"id":5,"v":10.0,"rank":2}
> {"id":1,"v":9,"rank":3}

# --ties rank: equal values share a rank, the next is left out
$ topn -n 3 --by v --ties rank
< {"v":1}
< {"v":5}
< {"v":5}
< {"v":3}
< {"v":3}
< {"v":3}
> {"v":5,"rank":1}
> {"v":5,"rank":1}
> {"v":3,"rank":3}
> {"v":3,"rank":3}
> {"v":3,"rank":3}

# --ties dense: the n largest values
$ topn -n 2 --by v --ties dense
< {"v":1}
< {"v":5}
< {"v":3}
< {"v":5}
< {"v":3}
> {"v":5,"rank":1}
> {"v":5,"rank":1}
> {"v":3,"rank":2}
> {"v":3,"rank":2}

# groups in key order, null is one
$ topn -n 1 --by v -g g,h
< {"g":"b","v":1}
< {"v":2}
< {"g":10,"v":3}
< {"g":9,"v":4}
< {"g":9.0,"v":5}
< {"g":"a","h":1,"v":6}
> {"g":"a","h":1,"v":6,"rank":1}
> {"g":"b","v":1,"rank":1}
> {"g":10,"v":3,"rank":1}
> {"g":9.0,"v":5,"rank":1}
> {"v":2,"rank":1}

# a rank that is there is replaced in its place, all else keeps its bytes
$ topn -n 2 --by v
< { "rank" : {"x":[1]} , "v":1.10 }
< {"v":-0,"rank":null,"z":"\u00e9"}
> { "rank" : 1 , "v":1.10 }
> {"v":-0,"rank":2,"z":"\u00e9"}

# null comes last
$ topn -n 3 --by v
< {"id":1}
< {"id":2,"v":-5}
< {"id":3,"v":null}
< {"id":4,"v":-7}
> {"id":2,"v":-5,"rank":1}
> {"id":4,"v":-7,"rank":2}
> {"id":1,"rank":3}

# the smallest, and an expression
$ topn -n 1 --by '-a'
< {"a":2}
< {"a":1.5}
> {"a":1.5,"rank":1}

# an expression over several fields
$ topn -n 1 --by 'price * num'
< {"price":19.99,"num":3}
< {"price":60,"num":1}
> {"price":60,"num":1,"rank":1}

# texts by bytes
$ topn -n 3 --by s
< {"s":"a"}
< {"s":"B"}
< {"s":"é"}
< {"s":"\u0062"}
> {"s":"é","rank":1}
> {"s":"\u0062","rank":2}
> {"s":"a","rank":3}

# values of two types in a group: an error of the later record
$ topn -n 3 --by v -g g
< {"g":1,"v":1}
< {"g":2,"v":"x"}
< {"g":1,"v":"x"}
! topn: <stdin>:3: values of different types have no order
? 3

# what has no order
$ topn -n 1 --by v --on-error skip
< {"v":[1]}
< {"v":{}}
< {"v":1e400}
< {"v":1}
> {"v":1,"rank":1}

# nothing in, nothing out
$ topn -n 5 --by v </dev/null

# misuse
$ topn 2>&1 | head -n 1; topn -n 0 --by v 2>&1 | head -n 1; topn -n 1 2>&1 | head -n 1; topn -n 1 --by '(' 2>&1 | head -n 1 | cut -c 1-11
> topn: -n is required, and more than 0
> topn: -n is required, and more than 0
> topn: --by is required
> topn: --by:

# 200,000 records in 50 groups, against sort
$ awk 'BEGIN { for (i = 0; i < 200000; i++) printf "{\"g\":\"g%02d\",\"i\":%d,\"v\":%d}\n", i % 50, i, i * 48271 % 2147483647 % 1000 }' >d
$ topn -n 20 --by v -g g d >ours
$ sed 's/.*"g\([0-9]*\)","i":\([0-9]*\),"v":\([0-9]*\).*/\1 \2 \3/' d | sort -k1,1 -k3,3nr -k2,2n |
$ awk '{ if ($1 != g) n = 0; g = $1; if (++n <= 20) printf "{\"g\":\"g%s\",\"i\":%d,\"v\":%d,\"rank\":%d}\n", $1, $2, $3, n }' | cmp - ours && wc -l <ours
> 1000
