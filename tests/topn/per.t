# --per: groups are written, and begin anew, when the value grows
$ topn -n 1 --by v --per w -g g
< {"w":1,"g":"b","v":1}
< {"w":1,"g":"a","v":2}
< {"w":1.0,"g":"b","v":3}
< {"w":2,"g":"b","v":0}
< {"w":10,"g":"b","v":7}
< {"w":10,"g":"a","v":7}
> {"w":1,"g":"a","v":2,"rank":1}
> {"w":1.0,"g":"b","v":3,"rank":1}
> {"w":2,"g":"b","v":0,"rank":1}
> {"w":10,"g":"a","v":7,"rank":1}
> {"w":10,"g":"b","v":7,"rank":1}

# a value that comes back, none, one of another type: bad records; the next ones are as if these had not come
$ topn -n 2 --by v --per w --reject r; sed 's/.*"line":\([0-9]*\).*"reason":"\([^"]*\)".*/\1 \2/' r
< {"v":1}
< {"w":2,"v":1}
< {"w":1,"v":9}
< {"w":"3","v":9}
< {"w":null,"v":9}
< {"w":[2],"v":9}
< {"w":2,"v":2}
< {"w":3,"v":5}
< {"w":2,"v":6}
< {"w":3,"v":4}
> {"w":2,"v":2,"rank":1}
> {"w":2,"v":1,"rank":2}
> {"w":3,"v":5,"rank":1}
> {"w":3,"v":4,"rank":2}
> 1 no value of --per
> 3 its groups were written: the input is not ordered by --per
> 4 values of different types have no order
> 5 no value of --per
> 6 an array has no order
> 9 its groups were written: the input is not ordered by --per

# without --reject it stops there; what was over has gone out
$ topn -n 1 --by v --per w
< {"w":"b","v":1}
< {"w":"c","v":1}
< {"w":"a","v":1}
> {"w":"b","v":1,"rank":1}
! topn: <stdin>:3: its groups were written: the input is not ordered by --per
? 3

# a group goes out while the input goes on
$ mkfifo in out; exec 4<>out; topn -n 1 --by v --per w --line-buffered in >out & exec 3>in; printf '{"w":1,"v":1}\n{"w":1,"v":2}\n{"w":2,"v":3}\n' >&3; read -r line <&4; echo "$line"; exec 3>&-; read -r line <&4; echo "$line"; wait
> {"w":1,"v":2,"rank":1}
> {"w":2,"v":3,"rank":1}

# 30,000 records, 300 values, three groups each, an expression: the same as value by value; and with little memory
$ awk 'BEGIN { for (i = 0; i < 30000; i++) printf "{\"w\":%d,\"g\":%d,\"v\":%d}\n", i / 100, i % 3, i * 7919 % 1009 }' >d
$ for w in $(seq 0 7 299); do grep "^{\"w\":$w," d | topn -n 3 --by '-v * 2' -g g --ties rank; done >want
$ for a in '' '-S 1K'; do topn -n 3 --by '-v * 2' -g g --ties rank --per w $a d | awk -F'[:,]' '$2 % 7 == 0' | cmp - want && wc -l <want; done
> 387
> 387

# nothing in, nothing out; misuse
$ topn -n 1 --by v --per w </dev/null; topn -n 1 --by v --per 'w[' </dev/null 2>&1 | head -1 | cut -c 1-12
> topn: --per:
