# one record per element, kept fields before it, bytes as they are
$ json-split -e data.list --keep id,who=user.name
< {"id": 1.10,"user":{"name":"\u00e9"},"data":{"list":[ {"x" : 1} ,[2,3],"a\"]",-0,null]}}
> {"id":1.10,"who":"\u00e9","list":{"x" : 1}}
> {"id":1.10,"who":"\u00e9","list":[2,3]}
> {"id":1.10,"who":"\u00e9","list":"a\"]"}
> {"id":1.10,"who":"\u00e9","list":-0}
> {"id":1.10,"who":"\u00e9","list":null}

# --as and --index; a kept field that is absent is null
$ json-split -e list --as item --index no --keep id
< {"list":["a","b"]}
> {"id":null,"item":"a","no":0}
> {"id":null,"item":"b","no":1}

# absent, null and empty arrays make no row and are used
$ json-split -e a --stats s && sed 's/.*"in":\([0-9]*\).*"used":\([0-9]*\).*"made":\([0-9]*\).*/in \1 used \2 made \3/' s
< {"id":1}
< {"a":null}
< {"a":[]}
< {"a":[ ]}
< {"a":[1]}
> {"a":1}
> in 5 used 5 made 1

# any other type is that record's error
$ json-split -e a --reject r; grep -o '"line":[0-9]*,.*"reason":"[^"]*"' r | sed 's/,.*reason/ reason/'
< {"a":1}
< {"a":"x"}
< {"a":{"b":1}}
< {"a":false}
< {"a":[true]}
> {"a":true}
> "line":1 reason":"the value to split is not an array"
> "line":2 reason":"the value to split is not an array"
> "line":3 reason":"the value to split is not an array"
> "line":4 reason":"the value to split is not an array"

# an array in an array, by index
$ json-split -e 'a[1]' --as x
< {"a":[[1],[2,3]]}
> {"x":2}
> {"x":3}

# names of a path's last segment, unescaped and odd ones too
$ json-split -e 'o."a.b"' --as 'x"y' --index 'é'
< {"o":{"a.b":[1]}}
> {"x\"y":1,"é":0}

# the array twice in one record
$ json-split -e a
< {"a":[1],"\u0061":[2]}
! json-split: <stdin>:1: path occurs twice
? 3

# -e is not optional
$ json-split 2>&1 | head -n 1
> json-split: -e is required

# equal names are misuse
$ for w in '--keep a' '--index a' '--keep b,b' '--index b --keep b'; do json-split -e a $w 2>&1 </dev/null | head -n 1; done
> json-split: the name 'a' stands twice
> json-split: the name 'a' stands twice
> json-split: --keep: the name 'b' stands twice
> json-split: the name 'b' stands twice

# 100,000 elements of one record
$ awk 'BEGIN { printf "{\"a\":["; for (i = 0; i < 100000; i++) printf "%s%d", i ? "," : "", i; print "]}" }' | json-split -e a | awk -F'[:}]' '{ s += $2 } END { print NR, s }'
> 100000 4999950000
