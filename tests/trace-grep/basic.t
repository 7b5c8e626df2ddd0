# trace-grep: a whole string, at any depth, as value or name
$ trace-grep abc
< {"id":"abc"}
< {"id":"abcd"}
< {"id":"xabc"}
< {"id":"ABC"}
< {"a":{"b":[1,{"c":["abc"]}]}}
< {"abc":1}
< {"id":"abc "}
< {"id":"it is abc indeed"}
> {"id":"abc"}
> {"a":{"b":[1,{"c":["abc"]}]}}
> {"abc":1}

# trace-grep: nothing found is 1
$ trace-grep abc
< {"id":"abcd"}
? 1

# trace-grep: no input is nothing found
$ trace-grep abc </dev/null
? 1

# trace-grep: escapes hide nothing
$ trace-grep 'a/b"c'
< {"id":"a\/b\"c"}
< {"id":"\u0061/b\u0022c"}
< {"id":"a/b\\\"c"}
< {"id":"a/b'c"}
> {"id":"a\/b\"c"}
> {"id":"\u0061/b\u0022c"}

# trace-grep: a surrogate pair is the character
$ trace-grep 😀é
< {"id":"\ud83d\ude00\u00e9"}
< {"id":"😀é"}
< {"id":"\ud83d\ude01é"}
> {"id":"\ud83d\ude00\u00e9"}
> {"id":"😀é"}

# trace-grep: a backslash before the closing quote does not move it
$ trace-grep x
< {"a":"\\","b":"x"}
< {"a":"\\\",\"x","b":"y"}
> {"a":"\\","b":"x"}

# trace-grep: an id that looks like JSON is text
$ trace-grep '","b":"'
< {"a":"1","b":"2"}
< {"a":"\",\"b\":\""}
> {"a":"\",\"b\":\""}

# trace-grep: a whole word in plain text
$ trace-grep 12
< 12
< a 12.
< a 12, b
< (12)
< 12.50
< 3.12
< a-12
< 12-a
< a_12
< 123
< é12
< -12-
< {"cut":12
> 12
> a 12.
> a 12, b
> (12)
> -12-
> {"cut":12

# trace-grep: a number in a record is no string
$ trace-grep 12
< {"id":12}
? 1

# trace-grep: a second place in a line counts where the first does not
$ trace-grep abc
< abcd abc
< {"a":"abcd","b":"abc"}
< abcd abce
> abcd abc
> {"a":"abcd","b":"abc"}

# trace-grep -k: only that value, strings and numbers
$ trace-grep -k o.id 12
< {"o":{"id":12}}
< {"o":{"id":"12"}}
< {"o":{"id":"\u00312"}}
< {"o":{"id":12.0}}
< {"o":{"id":["12"]}}
< {"o":{"no":"12"},"id":"12"}
< 12
< {"o":{"id":null}}
> {"o":{"id":12}}
> {"o":{"id":"12"}}
> {"o":{"id":"\u00312"}}

# trace-grep -H -n: names and numbers
$ printf '%s\n' '{"a":"1"}' 'x' '{"a":"t"}' >a; printf '%s\n' 'a t b' '' 't' >b; trace-grep -Hn t a b; trace-grep -H t - <a; trace-grep -n t b
> a:3:{"a":"t"}
> b:1:a t b
> b:3:t
> <stdin>:{"a":"t"}
> 1:a t b
> 3:t

# trace-grep: zstd and gzip, also without a name that says so
$ echo '{"a":"t"}' | zstd -q >a; echo 't u' | gzip >b.gz; trace-grep t a b.gz
> {"a":"t"}
> t u

# trace-grep: a torn zstd file is 3, what stood before it was found
$ (echo '{"a":"t"}' | zstd -q; seq 99 | zstd -q | head -c 40) >a; trace-grep t a 2>/dev/null
> {"a":"t"}
? 3

# trace-grep: lines with CRLF come out with CRLF
$ printf '{"a":"t"}\r\nt\r\n' | trace-grep t | od -An -c | tr -s ' '
>  { " a " : " t " } \r \n t \r \n

# trace-grep: NUL and bytes that are no UTF-8 are bytes like others
$ printf 'a\0 t \377\n\377t\n{"a":"t","b":"\377"}\n' | trace-grep t | od -An -c -w32 | tr -s ' '
>  a \0 t 377 \n { " a " : " t " , " b " : " 377 " } \n

# trace-grep: many lines, against grep
$ seq 1 200000 | sed 's/.*/{"id":"&","x":"y\\\\n"}/' >a; trace-grep 77777 a >b; grep '"77777"' a | cmp - b && wc -l <b
> 1

# trace-grep: a file whose name looks like anything stands behind --
$ echo t >-n; trace-grep -- t -n
> t

# trace-grep: an ID is required
$ trace-grep -H
! trace-grep: an ID is required
! ...
? 2

# trace-grep: a path that is none
$ trace-grep -k 'a[' t
! trace-grep: -k: path 'a[': column 3: an index is a whole number from 0 on, a name in brackets needs quotes
! ...
? 2

# trace-grep: tables, in the order of days, named by table and day
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":"t","n":1}\n{"id":"u"}\n' | wh-put ods.log dt=2026-11-19
$ printf '{"id":"t","n":3}\n' | wh-put ods.log dt=2026-11-20
$ echo 'plain t' | trace-grep -Hn t - wh:ods.log; trace-grep -H t wh:ods.log@last; trace-grep -H u wh:ods.log@2026-11-20
> <stdin>:1:plain t
> wh:ods.log@2026-11-19:1:{"id":"t","n":1}
> wh:ods.log@2026-11-20:1:{"id":"t","n":3}
> wh:ods.log@2026-11-20:{"id":"t","n":3}
? 1

# trace-grep: a table that is not there is nothing found
$ mkdir wh; PIPEHOUSE_ROOT=$PWD/wh trace-grep t wh:ods.none
! trace-grep: ods.none: never committed
? 1
