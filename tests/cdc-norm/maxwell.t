# The messages are in the forms that Maxwell 1.22 writes (documentation and real runs); what is expected is read off them by hand.

# maxwell: insert, update, delete; the last row of a transaction has commit instead of a number
$ cdc-norm
< {"database":"shop","table":"t","type":"insert","ts":1795212731,"xid":197,"xoffset":0,"position":"bin.000001:26339","data":{"id":1,"amount":19.990000}}
< {"database":"shop","table":"t","type":"update","ts":1795212731,"xid":197,"xoffset":1,"position":"bin.000001:26400","data":{"id":1,"amount":20.000000},"old":{"amount":19.990000}}
< {"database":"shop","table":"t","type":"delete","ts":1795212731,"xid":197,"commit":true,"position":"bin.000001:26500","data":{"id":1,"amount":20.000000}}
> {"op":"c","db":"shop","table":"t","key":null,"ts":1795212731000,"ord":"0000000000b.0000000001.000000026339.0000000000.1","tx":197,"row":{"id":1,"amount":19.990000},"src":{"from":"maxwell","position":"bin.000001:26339"}}
> {"op":"u","db":"shop","table":"t","key":null,"ts":1795212731000,"ord":"0000000000b.0000000001.000000026400.0000000001.1","tx":197,"row":{"id":1,"amount":20.000000},"old":{"amount":19.990000},"src":{"from":"maxwell","position":"bin.000001:26400"}}
> {"op":"d","db":"shop","table":"t","key":null,"ts":1795212731000,"ord":"0000000000b.0000000001.000000026500.9999999999.1","tx":197,"row":{"id":1,"amount":20.000000},"src":{"from":"maxwell","position":"bin.000001:26500"}}

# maxwell: a key change is two lines, d of the old and c of the new
$ cdc-norm
< {"database":"shop","table":"t","type":"update","ts":1795212731,"xid":1,"commit":true,"position":"bin.000002:4","primary_key":[7,"b"],"primary_key_columns":["id","k"],"data":{"k":"b","v":1,"id":7},"old":{"k":"a","v":0}}
> {"op":"d","db":"shop","table":"t","key":{"id":7,"k":"a"},"ts":1795212731000,"ord":"0000000000b.0000000002.000000000004.9999999999.0","tx":1,"row":{"k":"a","v":0,"id":7},"src":{"from":"maxwell","position":"bin.000002:4"}}
> {"op":"c","db":"shop","table":"t","key":{"id":7,"k":"b"},"old_key":{"id":7,"k":"a"},"ts":1795212731000,"ord":"0000000000b.0000000002.000000000004.9999999999.1","tx":1,"row":{"k":"b","v":1,"id":7},"old":{"k":"a","v":0},"src":{"from":"maxwell","position":"bin.000002:4"}}

# maxwell: without positions the order is that of the stream, and it is said how many have no other
$ cdc-norm --epoch 20261120 --stats s | cut -c 1-118; grep -o '"unordered":[0-9]*' s
< {"database":"shop","table":"t","type":"insert","ts":1795212731,"xid":197,"xoffset":0,"data":{"id":1}}
< {"database":"shop","table":"t","type":"insert","ts":1795212731,"xid":197,"commit":true,"data":{"id":2}}
> {"op":"c","db":"shop","table":"t","key":null,"ts":1795212731000,"ord":"0020261120n.00000000000000000001.0000000000.1",
> {"op":"c","db":"shop","table":"t","key":null,"ts":1795212731000,"ord":"0020261120n.00000000000000000002.0000000000.1",
> "unordered":2

# maxwell: rows of one position without xoffset count in the order they come
$ cdc-norm | grep -o '"ord":"[^"]*"'
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"position":"bin.000001:9","data":{"id":1}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"position":"bin.000001:9","data":{"id":2}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"position":"bin.000001:20","data":{"id":3}}
> "ord":"0000000000b.0000000001.000000000009.0000000000.1"
> "ord":"0000000000b.0000000001.000000000009.0000000001.1"
> "ord":"0000000000b.0000000001.000000000020.0000000000.1"

# maxwell: bootstrap rows stand behind what came before their begin, and before what came after
$ cdc-norm --table t --stats s | grep -o '"op":"."\|"ord":"[^"]*"' | paste - - ; grep -o '"marks":[0-9]*' s
< {"database":"d","table":"x","type":"insert","ts":1,"xid":1,"commit":true,"position":"bin.000001:9","data":{"id":1}}
< {"database":"d","table":"t","type":"bootstrap-start","ts":1,"data":{}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":2,"xoffset":0,"position":"bin.000001:40","data":{"id":1}}
< {"database":"d","table":"t","type":"bootstrap-insert","ts":1,"data":{"id":1}}
< {"database":"d","table":"t","type":"bootstrap-complete","ts":1,"data":{}}
> "op":"c"	"ord":"0000000000b.0000000001.000000000040.0000000000.1"
> "op":"r"	"ord":"0000000000b.0000000001.000000000009.9999999999.2"
> "marks":2

# maxwell: a bootstrap whose begin was not seen loses to all
$ cdc-norm | grep -o '"ord":"[^"]*"'
< {"database":"d","table":"t","type":"bootstrap-insert","ts":1,"data":{"id":1}}
> "ord":"0000000000a.00000000000000000000.0000000000.2"

# maxwell: a DDL line is in milliseconds and has no row
$ cdc-norm
< {"type":"table-drop","database":"shop","table":"nopk","ts":1795212737000,"sql":"DROP TABLE `nopk`","position":"bin.000001:37278"}
> {"op":"ddl","db":"shop","table":"nopk","key":null,"ts":1795212737000,"ord":"0000000000b.0000000001.000000037278.0000000000.1","src":{"from":"maxwell","position":"bin.000001:37278","sql":"DROP TABLE `nopk`"}}

# maxwell: --types turns sets, bits, exponents, JSON and instants into their one form, and knows the key
$ t() { printf '{"db":%s,"table":"t","column":"%s","type":"%s","key":%s}\n' "$@"; }
$ { t null id 'bigint(20) unsigned' 2; t null k 'varchar(9)' 1; t null s "set('a','it''s','c')" null; t null e "enum('x','y')" null
$   t null b 'bit(1)' null; t null n 'decimal(20,10)' null; t null m 'decimal(65,2)' null; t null j json null; t null ts 'timestamp(3)' null
$   t null dt 'datetime' null; t '"other"' k int 1; } >types
$ cdc-norm --types types --tz Asia/Shanghai | sed 's/,"ts":.*"row"/ "row"/; s/"op".*"key"/"key"/; s/,"src".*//'
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"data":{"id":18446744073709551615,"k":"a","s":["a","it's"],"e":2,"b":true,"n":1E-8,"m":12.5,"j":{"a":[1, 2.50]},"ts":"2024-03-10 18:30:00.5","dt":"2024-03-10 18:30:00","z":[1]}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":2,"commit":true,"data":{"id":0,"k":"b","s":[],"e":"x","b":0,"n":0E-10,"m":-0.10,"j":"x","ts":"0000-00-00 00:00:00","dt":null}}
< {"database":"other","table":"t","type":"insert","ts":1,"xid":2,"commit":true,"data":{"k":1,"ts":"2024-03-10 18:30:00"}}
> {"key":{"k":"a","id":18446744073709551615} "row":{"id":18446744073709551615,"k":"a","s":"a,it's","e":"y","b":1,"n":0.0000000100,"m":12.50,"j":"{\"a\":[1, 2.50]}","ts":"2024-03-11 02:30:00.500","dt":"2024-03-10 18:30:00","z":[1]}
> {"key":{"k":"b","id":0} "row":{"id":0,"k":"b","s":"","e":"x","b":0,"n":0.0000000000,"m":-0.10,"j":"\"x\"","ts":"0000-00-00 00:00:00","dt":null}
> {"key":{"k":1} "row":{"k":1,"ts":"2024-03-10 18:30:00"}

# --types: what is no type is a bad record of that file
$ printf '%s\n' '{"db":"d","table":"t","column":"id","type":"int","key":1}' '{"db":"d","table":"t","column":"id","type":"int","key":null}' >types; cdc-norm --types types </dev/null
! cdc-norm: types:2: the column stands twice
? 3

# maxwell: minimal images say so
$ cdc-norm --minimal | grep -o '"src".*'
< {"database":"d","table":"t","type":"update","ts":1,"xid":1,"commit":true,"data":{"id":1,"a":1},"old":{"a":0}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":2,"commit":true,"data":{"id":2,"a":1}}
> "src":{"from":"maxwell","partial":true}}
> "src":{"from":"maxwell"}}

# maxwell: what cannot be, is bad, one by one
$ cdc-norm --reject r; jq -r '"\(.line) \(.reason)"' r
< {"database":"d","table":"t","type":"insert","ts":1}
< {"database":"d","table":"t","type":"insert","ts":"1","data":{}}
< {"database":"d","table":"t","type":"insert","ts":1,"position":"bin.000001","data":{}}
< {"database":"d","table":"t","type":"insert","ts":1,"position":"bin:5","data":{}}
< {"database":"d","table":"t","type":"insert","ts":1,"primary_key_columns":["id"],"data":{"a":1}}
< {"database":"d","table":"t","database":"e","type":"insert","ts":1,"data":{"a":1}}
< {"hello":1}
> 1 a row change without data
> 2 ts is no time in seconds
> 3 a position that is not FILE:OFFSET
> 4 the binlog's name does not end in a number
> 5 the row lacks a column of its key
> 6 path occurs twice
> 7 no message of Maxwell, Canal or Debezium

# maxwell: another base name of the binlog is said
$ cdc-norm >/dev/null
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"bin.000009:9","data":{"id":1}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"mysql-bin.000001:9","data":{"id":1}}
! cdc-norm: another source numbered the changes 1 times: their order may not hold; give --meta, or --epoch from there on

# maxwell: another server whose places are below those before is said; one that goes on above is none
$ cdc-norm >/dev/null
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"bin.000009:9","server_id":1,"data":{"id":1}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"bin.000010:4","server_id":2,"data":{"id":1}}
< {"database":"d","table":"t","type":"insert","ts":1,"xid":1,"commit":true,"position":"bin.000002:9","server_id":3,"data":{"id":1}}
! cdc-norm: another source numbered the changes 1 times: their order may not hold; give --meta, or --epoch from there on

# maxwell: an update whose old is null has no old values
$ cdc-norm | grep -o '"row".*"src"'
< {"database":"d","table":"t","type":"update","ts":1,"xid":1,"commit":true,"data":{"id":1},"old":null}
> "row":{"id":1},"src"
