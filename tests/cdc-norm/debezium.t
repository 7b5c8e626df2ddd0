# Envelopes as Debezium 3.3 writes them, cut down to what counts.

# debezium: without a schema and --types values stay as they came; old holds what changed
$ cdc-norm --meta k | sed 's/,"src".*//'
< {"before":{"id":1,"a":"1.50","d":19792},"after":{"id":1,"a":"2.50","d":19792},"source":{"connector":"mariadb","ts_ms":1795211670000,"snapshot":"false","db":"shop","table":"t","file":"bin.000001","pos":317083,"row":0},"transaction":{"id":"0-1-227","total_order":1},"op":"u","ts_ms":9,"k":{"key":"{\"id\":1}"}}
> {"op":"u","db":"shop","table":"t","key":{"id":1},"ts":1795211670000,"ord":"0000000000b.0000000001.000000317083.0000000001.1","tx":"0-1-227","row":{"id":1,"a":"2.50","d":19792},"old":{"a":"1.50"}

# debezium: the schema says how values are written
$ cdc-norm | grep -o '"row".*,"src'
< {"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"int64","field":"id"},{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"6"},"field":"a"},{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"0"},"field":"z"},{"type":"struct","name":"io.debezium.data.VariableScaleDecimal","field":"v"},{"type":"boolean","field":"f"},{"type":"bytes","name":"io.debezium.data.Bits","field":"b"},{"type":"int64","name":"io.debezium.time.MicroTimestamp","field":"us"},{"type":"int64","name":"io.debezium.time.Timestamp","field":"ms"},{"type":"int64","name":"io.debezium.time.NanoTimestamp","field":"ns"},{"type":"string","name":"io.debezium.time.ZonedTimestamp","field":"z1"},{"type":"int32","name":"io.debezium.time.Date","field":"d"},{"type":"int64","name":"io.debezium.time.MicroTime","field":"t"},{"type":"int32","name":"io.debezium.time.Time","field":"t3"},{"type":"string","name":"io.debezium.time.IsoTimestamp","field":"iso"},{"type":"string","name":"io.debezium.time.IsoDate","field":"isod"}],"name":"x.Value","field":"after"}]},"payload":{"before":null,"after":{"id":1,"a":"/uzl","z":"AQ==","v":{"scale":2,"value":"AMg="},"f":true,"b":"AQI=","us":-1,"ms":1710037800123,"ns":-1,"z1":"2024-03-10T02:30:00.25Z","d":-1,"t":-3723000001,"t3":86399999,"iso":"2024-03-10T02:30:00.5Z","isod":"2024-03-10Z"},"source":{"connector":"mysql","ts_ms":1,"snapshot":"true","db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"r"}}
> "row":{"id":1,"a":-0.070427,"z":1,"v":2.00,"f":1,"b":513,"us":"1969-12-31 23:59:59.999999","ms":"2024-03-10 02:30:00.123","ns":"1969-12-31 23:59:59.999999","z1":"2024-03-10 02:30:00.25","d":"1969-12-31","t":"-01:02:03.000001","t3":"23:59:59.999","iso":"2024-03-10 02:30:00.5","isod":"2024-03-10"},"src

# debezium: --types without a schema, and digits that the schema does not know
$ t() { printf '{"db":"d","table":"t","column":"%s","type":"%s","key":%s}\n' "$@"; }
$ { t id 'bigint(20) unsigned' 1; t a 'decimal(10,2)' null; t a2 'decimal(10,2)' null; t d date null; t dt datetime null; t dt6 'datetime(6)' null
$   t ts 'timestamp(1)' null; t t 'time(3)' null; t f 'bit(1)' null; t b 'bit(12)' null; t y year null; t e "enum('a')" null; } >types
$ cdc-norm --types types | grep -o '"key".*,"src' | sed 's/"ts":1,.*"row"/"row"/'
< {"before":null,"after":{"id":-1,"a":"-12.50","a2":"A+k=","d":19792,"dt":1710037800000,"dt6":1710037800000001,"ts":"2024-03-10T02:30:00.25Z","t":86399999000,"f":false,"b":"AQI=","y":2024,"e":"a"},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}
> "key":{"id":18446744073709551615},"row":{"id":18446744073709551615,"a":-12.50,"a2":10.01,"d":"2024-03-10","dt":"2024-03-10 02:30:00","dt6":"2024-03-10 02:30:00.000001","ts":"2024-03-10 02:30:00.2","t":"23:59:59.999","f":0,"b":513,"y":2024,"e":"a"},"src

# debezium: a decimal that could be text or base64 is refused, unless it is said
$ echo '{"db":"d","table":"t","column":"a","type":"decimal(10,0)","key":null}' >types
$ echo '{"before":null,"after":{"a":"1234"},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}' >in
$ cdc-norm --types types in; for d in string base64; do cdc-norm --types types --decimals $d in | grep -o '"row":{[^}]*}'; done
! cdc-norm: in:1: a decimal without schema that could be text or base64: give --decimals
> "row":{"a":1234}
> "row":{"a":-2658824}

# debezium: what was not sent is left out, and the row says that it is partial
$ cdc-norm | grep -o '"row".*'
< {"before":null,"after":{"id":1,"doc":"__debezium_unavailable_value","v":2},"source":{"connector":"postgresql","ts_ms":1,"db":"d","schema":"public","table":"t","lsn":30,"sequence":"[\"10\",\"30\"]"},"op":"u"}
< {"before":{"id":1,"doc":null,"v":null},"after":null,"source":{"connector":"postgresql","ts_ms":1,"db":"d","schema":"public","table":"t","lsn":40,"sequence":"[null,\"40\"]"},"op":"d"}
> "row":{"id":1,"v":2},"src":{"from":"debezium","connector":"postgresql","schema":"public","pos":30,"partial":true}}
> "row":{"id":1},"src":{"from":"debezium","connector":"postgresql","schema":"public","pos":40,"partial":true}}

# debezium: PostgreSQL's order is that of commits, then of places; rows that share both are counted
$ cdc-norm | grep -o '"ord":"[^"]*"'
< {"before":null,"after":{"id":1},"source":{"connector":"postgresql","ts_ms":1,"db":"d","table":"t","lsn":30,"sequence":"[\"10\",\"30\"]"},"op":"c"}
< {"before":null,"after":{"id":2},"source":{"connector":"postgresql","ts_ms":1,"db":"d","table":"t","lsn":30,"sequence":"[\"10\",\"30\"]"},"op":"c"}
< {"before":null,"after":{"id":2},"source":{"connector":"postgresql","ts_ms":1,"db":"d","table":"t","lsn":20,"sequence":"[\"31\",\"20\"]"},"op":"c"}
> "ord":"0000000000p.00000000000000000010.00000000000000000030.0000000000.1"
> "ord":"0000000000p.00000000000000000010.00000000000000000030.0000000001.1"
> "ord":"0000000000p.00000000000000000031.00000000000000000020.0000000000.1"

# debezium: a snapshot's row comes before a change at the same place; truncate; ddl; mixed with the others and with what is no change
$ cdc-norm --meta m --stats s | grep -o '"op":"[a-z]*"\|"key":[^}]*}\|"ord":"[^"]*"' | paste - - -; grep -o '"marks".*"other_tables":[0-9]*\|"dropped":[0-9]*\|"nulls":[0-9]*' s
< {"key":{"id":7},"value":{"before":null,"after":{"id":7},"source":{"connector":"mysql","ts_ms":1,"snapshot":"last","db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"r"}}
< {"key":{"schema":{},"payload":{"id":7}},"value":{"schema":{},"payload":{"before":null,"after":{"id":7},"source":{"connector":"mysql","ts_ms":1,"snapshot":"false","db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}}}
< {"key":{"id":7},"value":null}
< {"schema":null,"payload":null}
< null
< {}
< {"m":{"topic":"t","partition":0,"offset":1}}
< {"ts_ms":1795211670000}
< {"status":"BEGIN","id":"0-1-2","event_count":null,"data_collections":null,"ts_ms":1}
< {"key":{"id":7},"value":{"before":{"id":7},"after":null,"source":{"connector":"mysql","ts_ms":1,"snapshot":"false","db":"d","table":"t","file":"bin.000001","pos":9,"row":1},"op":"d"}}
< {"database":"d","table":"t","type":"delete","ts":1,"xid":2,"commit":true,"primary_key_columns":["id"],"data":{"id":7}}
> "op":"r"	"key":{"id":7}	"ord":"0000000000b.0000000001.000000000004.0000000000.1"
> "op":"c"	"key":{"id":7}	"ord":"0000000000b.0000000001.000000000004.0000000001.1"
> "op":"d"	"key":{"id":7}	"ord":"0000000000b.0000000001.000000000009.0000000002.1"
> "op":"d"	"key":{"id":7}	"ord":"0000000000n.00000000000000000001.0000000000.1"
> "dropped":7
> "nulls":1
> "marks":1,"heartbeats":1,"tombstones":4,"other_tables":0

# debezium: --from refuses the others
$ cdc-norm --from debezium
< {"database":"d","table":"t","type":"delete","ts":1,"data":{"id":7}}
! cdc-norm: <stdin>:1: a message of Maxwell where --from names another
? 3

# debezium: truncate and ddl
$ cdc-norm | sed 's/"ord".*"src"/"src"/'
< {"before":null,"after":null,"source":{"connector":"mysql","ts_ms":5,"snapshot":"false","db":"d","table":"t","file":"bin.000001","pos":9,"row":0},"op":"t"}
< {"source":{"connector":"mysql","ts_ms":6,"snapshot":"false","db":"d","table":"t","file":"bin.000001","pos":19,"row":0},"ts_ms":7,"databaseName":"d","schemaName":null,"ddl":"drop table t","tableChanges":[]}
> {"op":"t","db":"d","table":"t","key":null,"ts":5,"src":{"from":"debezium","connector":"mysql","file":"bin.000001","pos":9}}
> {"op":"ddl","db":"d","table":"t","key":null,"ts":6,"src":{"from":"debezium","connector":"mysql","file":"bin.000001","pos":19,"sql":"drop table t"}}

# debezium: an isostring time is what the database prints, whether a schema says so or --types
$ echo '{"db":null,"table":"u","column":"t","type":"time(3)","key":null}' >types
$ cdc-norm --types types | grep -o '"row":{[^}]*}'
< {"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"string","name":"io.debezium.time.IsoTime","field":"t"}],"name":"x.Value","field":"after"}]},"payload":{"before":null,"after":{"t":"10:00:00.123Z"},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}}
< {"before":null,"after":{"t":"10:00:00.5Z"},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"u","file":"bin.000001","pos":4,"row":0},"op":"c"}
< {"before":null,"after":{"t":"-838:59:59"},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"u","file":"bin.000001","pos":4,"row":0},"op":"c"}
> "row":{"t":"10:00:00.123"}
> "row":{"t":"10:00:00.500"}
> "row":{"t":"-838:59:59.000"}

# debezium: what no schema says: a wrapped or `precise` unsigned, a double with its column's digits; nanoseconds taken for microseconds are no time
$ t() { printf '{"db":"d","table":"t","column":"%s","type":"%s","key":null}\n' "$@"; }
$ { t u 'bigint(20) unsigned'; t p 'decimal(10,2)'; t t time; } >types
$ cdc-norm --types types --reject bad | grep -o '"row":{[^}]*}'; jq -r .reason bad
< {"before":null,"after":{"u":"AP//////////","p":1.5},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}
< {"before":null,"after":{"u":-1,"p":1.0E1},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}
< {"before":null,"after":{"u":1,"p":1.255,"t":-1000000},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}
< {"before":null,"after":{"t":36000000000000},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}
< {"before":null,"after":{"t":"10 o'clock"},"source":{"connector":"mysql","ts_ms":1,"db":"d","table":"t","file":"bin.000001","pos":4,"row":0},"op":"c"}
> "row":{"u":18446744073709551615,"p":1.50}
> "row":{"u":18446744073709551615,"p":10.00}
> "row":{"u":1,"p":1.255,"t":"-00:00:01"}
> a time beyond 838:59:59
> a column of times holds something else

# debezium: a decimal whose scale the schema does not say is no number yet
$ cdc-norm
< {"schema":{"type":"struct","fields":[{"type":"struct","fields":[{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"-2"},"field":"a"}],"name":"x.Value","field":"after"}]},"payload":{"before":null,"after":{"a":"AQ=="},"source":{"connector":"oracle","ts_ms":1,"db":"d","table":"t"},"op":"c"}}
! cdc-norm: <stdin>:1: a decimal whose schema does not say its scale
? 3
