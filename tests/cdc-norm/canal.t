# Flat messages as Canal 1.1.7 writes them; every value is a string, the types stand beside.

# canal: rows of one message are lines of their own, typed by mysqlType; the key by pkNames
$ cdc-norm --stats s; grep -o '"in":.*"out":[0-9]*' s
< {"data":[{"id":"1","status":"1","amount":"20.0","rate":"1.0E300","tags":"5","flag":"1","raw":"\u0000ÿ\u0010","y":"2024","t":"-01:02:03.000","n":null},{"id":"2","status":"0","amount":"-0.5","rate":"0.1","tags":"0","flag":"0","raw":"","y":null,"t":null,"n":"x"}],"database":"shop","es":1795212731000,"gtid":"","id":3,"isDdl":false,"mysqlType":{"id":"bigint(20) unsigned","status":"enum('new','paid')","amount":"decimal(20,6)","rate":"double","tags":"set('a','b','c')","flag":"bit(1)","raw":"varbinary(16)","y":"year(4)","t":"time(3)","n":"varchar(9)"},"old":null,"pkNames":["id"],"sql":"","sqlType":{"id":-5},"table":"orders","ts":1795212731579,"type":"INSERT"}
> {"op":"c","db":"shop","table":"orders","key":{"id":1},"ts":1795212731000,"ord":"0000000000n.00000000000000000001.0000000000.1","row":{"id":1,"status":"new","amount":20.000000,"rate":1.0E300,"tags":"a,c","flag":1,"raw":"AP8Q","y":2024,"t":"-01:02:03.000","n":null},"src":{"from":"canal"}}
> {"op":"c","db":"shop","table":"orders","key":{"id":2},"ts":1795212731000,"ord":"0000000000n.00000000000000000001.0000000001.1","row":{"id":2,"status":"","amount":-0.500000,"rate":0.1,"tags":"","flag":0,"raw":"","y":null,"t":null,"n":"x"},"src":{"from":"canal"}}
> "in":1,"passed":1,"dropped":0,"used":0,"rejected":0,"made":1,"out":2

# canal: old lists columns that did not change in that row: they are left out; a key change is two lines
$ cdc-norm | sed 's/,"ts":[0-9]*//; s/,"src".*//'
< {"data":[{"id":"3","v":"1"},{"id":"9","v":"5"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"id":"int(11)","v":"int(11)"},"old":[{"id":"3","v":"0"},{"id":"4","v":"5"}],"pkNames":["id"],"sql":"","table":"t","ts":2,"type":"UPDATE","gtid":"8f0e-1:77"}
> {"op":"u","db":"d","table":"t","key":{"id":3},"ord":"0000000000g.00000000000000000077.00000000000000000001.0000000000.1","tx":"8f0e-1:77","row":{"id":3,"v":1},"old":{"v":0}
> {"op":"d","db":"d","table":"t","key":{"id":4},"ord":"0000000000g.00000000000000000077.00000000000000000001.0000000001.0","tx":"8f0e-1:77","row":{"id":4,"v":5}
> {"op":"c","db":"d","table":"t","key":{"id":9},"old_key":{"id":4},"ord":"0000000000g.00000000000000000077.00000000000000000001.0000000001.1","tx":"8f0e-1:77","row":{"id":9,"v":5},"old":{"id":4}

# canal: truncate is a change, other statements are ddl, the text of a row statement is none
$ cdc-norm --stats s | sed 's/,"ord".*"src"/ "src"/'; grep -o '"marks":[0-9]*' s
< {"data":null,"database":"shop","es":5000,"gtid":"","id":15,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"truncate table t","sqlType":null,"table":"t","ts":1,"type":"TRUNCATE"}
< {"data":null,"database":"`shop`","es":5000,"gtid":"","id":15,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"create database shop","sqlType":null,"table":"","ts":1,"type":"QUERY"}
< {"data":null,"database":"shop","es":5000,"gtid":"","id":15,"isDdl":false,"mysqlType":null,"old":null,"pkNames":null,"sql":"insert into t values(1)","sqlType":null,"table":"","ts":1,"type":"QUERY"}
> {"op":"t","db":"shop","table":"t","key":null,"ts":5000 "src":{"from":"canal","sql":"truncate table t"}}
> {"op":"ddl","db":"shop","table":null,"key":null,"ts":5000 "src":{"from":"canal","sql":"create database shop"}}
> "marks":1

# canal: a statement's database in backquotes is the one that --table names
$ cdc-norm --table shop.t | grep -o '^.*"key"'
< {"data":null,"database":"`shop`","es":5000,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"truncate table `shop`.`t`","table":"t","ts":1,"type":"TRUNCATE"}
< {"data":null,"database":"`shop2`","es":5000,"isDdl":true,"mysqlType":null,"old":null,"pkNames":null,"sql":"truncate table `shop2`.`t`","table":"t","ts":1,"type":"TRUNCATE"}
> {"op":"t","db":"shop","table":"t","key"

# canal: a message with one bad value is refused whole, and nothing of it came out
$ cdc-norm --reject r; jq -r .reason r
< {"data":[{"id":"1"},{"id":"x"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"id":"int"},"old":null,"pkNames":["id"],"table":"t","ts":2,"type":"INSERT"}
< {"data":[{"b":"\u0100"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"b":"blob"},"old":null,"pkNames":null,"table":"t","ts":2,"type":"INSERT"}
< {"data":[{"b":"4"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"b":"enum('a')"},"old":null,"pkNames":null,"table":"t","ts":2,"type":"INSERT"}
< {"data":null,"database":"d","es":1,"isDdl":false,"mysqlType":{"b":"int"},"old":null,"pkNames":null,"sql":"update t set b=1","table":"t","ts":2,"type":"UPDATE"}
> a column of numbers holds something else
> a binary column holds a character above U+00FF
> an enum's number has no label in the column's type
> a statement instead of rows: the source's binlog_format must be ROW

# --meta: partition and offset give the order, the row's place in the message the rest
$ cdc-norm --meta kafka --table d.t | sed 's/,"row".*"src"/ "src"/'
< {"data":[{"id":"1"},{"id":"2"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"id":"int"},"old":null,"pkNames":["id"],"table":"t","ts":2,"type":"INSERT","kafka":{"topic":"shop","partition":3,"offset":4711,"key":null}}
< {"data":[{"id":"1"}],"database":"d","es":1,"isDdl":false,"mysqlType":{"id":"int"},"old":null,"pkNames":["id"],"table":"u","ts":2,"type":"INSERT","kafka":{"topic":"shop","partition":3,"offset":4712,"key":null}}
> {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1,"ord":"0000000000k.00000000000000004711.0000000003.0000000000.1" "src":{"from":"canal","topic":"shop","partition":3,"offset":4711}}
> {"op":"c","db":"d","table":"t","key":{"id":2},"ts":1,"ord":"0000000000k.00000000000000004711.0000000003.0000000001.1" "src":{"from":"canal","topic":"shop","partition":3,"offset":4711}}
