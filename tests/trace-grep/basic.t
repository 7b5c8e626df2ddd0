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

# trace-grep --from, --to: only these days, of tables
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 18 19 20 21; do echo '{"id":"t","n":'$d'}' | wh-put ods.log dt=2026-11-$d; done; echo 't file' >f
$ trace-grep --from 2026-11-19 --to 2026-11-20 t wh:ods.log f; trace-grep -H --from 2026-11-21 t wh:ods.log; trace-grep --to 2026-11-18 t wh:ods.log
$ trace-grep --from 2026-11-22 t wh:ods.log
> {"id":"t","n":19}
> {"id":"t","n":20}
> t file
> wh:ods.log@2026-11-21:{"id":"t","n":21}
> {"id":"t","n":18}
? 1

# trace-grep --from, --to: a snapshot is read on all of these days, not the last alone
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; echo 'kind snapshot' | wh-table dim.x -
$ for d in 19 20 21; do echo '{"id":"t","n":'$d'}' | wh-put dim.x dt=2026-11-$d; done
$ trace-grep t wh:dim.x; trace-grep --to 2026-11-20 t wh:dim.x
> {"id":"t","n":21}
> {"id":"t","n":19}
> {"id":"t","n":20}

# trace-grep --timeline: by time, then by layer, each with its layer, table and day; files first
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; printf 'tz Asia/Shanghai\n' >wh/main.conf; mkdir wh/main; mv wh/main.conf wh/main/warehouse.conf
$ printf 'kind append\nday at:s\n' | wh-table stg.log -
$ printf '%s\n' '{"tr":"t","at":1700000000}' '{"tr":"u","at":1700000000}' '{"tr":"t","at":1699999999}' | wh-put stg.log dt=2023-11-15
$ printf '%s\n' '{"tr":"t","ts":1700000000000}' '{"tr":"t","ts":1700000000001,"x":"\u001b"}' | wh-put dwd.page dt=2023-11-15
$ printf '%s\n' '{"trace_id":"t","create_time":"2023-11-15 06:13:20.000","operate_time":null}' | wh-put ods.order dt=2023-11-15
$ printf '%s\n' '{"id":["t"],"n":1}' | wh-put dim.x dt=2023-11-15
$ printf 'boot t \033[31m\n{"u":"t","ts":"soon"}\n' >app.log
$ trace-grep --timeline t app.log wh:dwd.page wh:stg.log wh:dim.x wh:ods.order
$ echo; trace-grep --timeline t | sed 's/  *$//' | cut -c1-50
> -                        file  app.log  -           boot t \x1b[31m
> -                        file  app.log  -           {"u":"t","ts":"soon"}
> 2023-11-15               dim   x        2023-11-15  {"id":["t"],"n":1}
> 2023-11-15 06:13:19.000  stg   log      2023-11-15  {"tr":"t","at":1699999999}
> 2023-11-15 06:13:20.000  stg   log      2023-11-15  {"tr":"t","at":1700000000}
> 2023-11-15 06:13:20.000  ods   order    2023-11-15  {"trace_id":"t","create_time":"2023-11-15 06:13:20.000","operate_time":null}
> 2023-11-15 06:13:20.000  dwd   page     2023-11-15  {"tr":"t","ts":1700000000000}
> 2023-11-15 06:13:20.001  dwd   page     2023-11-15  {"tr":"t","ts":1700000000001,"x":"\u001b"}
> 
> 2023-11-15               dim  x      2023-11-15  {
> 2023-11-15 06:13:19.000  stg  log    2023-11-15  {
> 2023-11-15 06:13:20.000  stg  log    2023-11-15  {
> 2023-11-15 06:13:20.000  ods  order  2023-11-15  {
> 2023-11-15 06:13:20.000  dwd  page   2023-11-15  {
> 2023-11-15 06:13:20.001  dwd  page   2023-11-15  {

# trace-grep --timeline -t: where the time stands
$ trace-grep --timeline -t o.at:ms t - --tz UTC
< {"id":"t","o":{"at":1700000000001},"ts":1}
< {"id":"t","o":{"at":1700000000000},"ts":2}
< {"id":"t","ts":1700000000000}
> -                        file  <stdin>  -  {"id":"t","ts":1700000000000}
> 2023-11-14 22:13:20.000  file  <stdin>  -  {"id":"t","o":{"at":1700000000000},"ts":2}
> 2023-11-14 22:13:20.001  file  <stdin>  -  {"id":"t","o":{"at":1700000000001},"ts":1}

# trace-grep --timeline: nothing found is 1; what was found counts as used, what is printed as made
$ trace-grep --timeline x f - </dev/null; echo $?; printf '%s\n' '"t"' '"u"' '"t"' | trace-grep --timeline t - --stats s; jq -c '[.in, .used, .dropped, .made]' s
> 4
> -                        file  <stdin>  -  "t"
> -                        file  <stdin>  -  "t"
> [3,2,1,2]
! trace-grep: f: No such file or directory

# trace-grep --timeline: more than the memory it may use
$ seq 2000 | sed 's/.*/"t" &/' | trace-grep --timeline -S 4K t -
! trace-grep: more lines hold the id than -S has memory for: --from and --to take fewer days
? 4

# trace-grep --raw: the bytes that landed, also of what only looks alike
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; cat >in
$ wh-put stg.log dt=2026-11-20 <in; trace-grep --raw t wh:stg.log@2026-11-20 | cmp - in
< { "id" : "t" , "v" : 1.10 }
< {"v":1e400,"id":"\u0074"}

# trace-grep --raw: of a table whose rows are replaced nothing landed
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; printf 'kind snapshot\n' | wh-table dim.x -
$ trace-grep --raw t wh:dim.x 2>&1 | head -n 1
> trace-grep: --raw: dim.x is no landing: kind snapshot

# trace-grep: usage of its ways to print
$ for o in '--timeline -H' '--raw -n' '--raw --timeline' '-t ts' '--from 2026-11-20' '--from x' '--from 2026-11-20 --to 2026-11-19'; do trace-grep $o t 2>&1 | head -n 1; done
$ mkdir wh; PIPEHOUSE_ROOT=$PWD/wh trace-grep --from 2026-11-20 t wh:a.b@last 2>&1 | head -n 1
> trace-grep: --timeline, --raw, and -H or -n exclude each other
> trace-grep: --timeline, --raw, and -H or -n exclude each other
> trace-grep: --timeline, --raw, and -H or -n exclude each other
> trace-grep: -t goes with --timeline
> trace-grep: --from and --to need a table
> trace-grep: --from: 'x': a day is YYYY-MM-DD
> trace-grep: --from is after --to
> trace-grep: --from and --to go with tables without days: 'wh:a.b@last'

# trace-grep: control bytes reach no terminal
$ printf 'a t \033[31m\tb\177\n' >f; script -qec 'trace-grep -H t f; trace-grep --raw t f' /dev/null </dev/null | od -An -c -w80 | tr -s ' '
>  f : a t \ x 1 b [ 3 1 m \t b \ x 7 f \r \n a t 033 [ 3 1 m \t b 177 \r \n

# trace-grep --raw: a trace replayed in an overlay: the warehouse stays as it is
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh
$ printf '%s\n' '{"tr":"t-1","amount":5}' '{"tr":"t-2","amount":7}' | wh-put stg.pay dt=2026-11-20
$ printf '%s\n' 'ods_pay:' '	wh-cat "stg.pay@$DT" | json-map --all -w "amount > 0" | wh-put ods.pay "dt=$DT"' 'ads_sum: ods_pay' \
$   '	wh-cat "ods.pay@$DT" | window-agg "sum=sum(amount)" | wh-put ads.sum "dt=$DT"' >pay.dag
$ dag-run pay.dag --date 2026-11-20 >/dev/null; wh-cat ads.sum@2026-11-20; find wh -type f | sort | xargs cksum >before
$ (export PIPEHOUSE_OVERLAY=$PWD/try; trace-grep --raw t-1 wh:stg.pay@2026-11-20 | wh-put stg.pay dt=2026-11-20
$ dag-run pay.dag --date 2026-11-20 >/dev/null; echo $?; wh-cat stg.pay@2026-11-20; wh-cat ads.sum@2026-11-20)
$ wh-cat ads.sum@2026-11-20; find wh -type f | sort | xargs cksum | cmp - before && echo untouched
> {"sum":12}
> 0
> {"tr":"t-1","amount":5}
> {"sum":5}
> {"sum":12}
> untouched
