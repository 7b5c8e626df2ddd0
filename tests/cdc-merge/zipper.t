# 1795219200000 is 2026-11-21 00:00 UTC; a day is 86400000.

# --scd2: a change ends the row before on the day before; of one day the last counts; later days are left aside
$ cdc-merge --scd2 --date 2026-11-22 --stats s; grep -o '"later_days":.' s
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"v":1}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795305600000,"ord":"2","row":{"id":1,"v":2}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795391999999,"ord":"3","row":{"id":1,"v":3}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795392000000,"ord":"4","row":{"id":1,"v":4}}
> {"id":1,"v":1,"start_date":"2026-11-21","end_date":"2026-11-21"}
> {"id":1,"v":3,"start_date":"2026-11-22","end_date":"9999-12-31"}
> "later_days":1

# --scd2: the day is the day of the zone
$ cdc-merge --scd2 --date 2026-11-21 --tz Asia/Shanghai
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1795190400000,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{"id":2},"ts":1795190399999,"ord":"1","row":{"id":2}}
> {"id":1,"start_date":"2026-11-21","end_date":"9999-12-31"}
> {"id":2,"start_date":"2026-11-20","end_date":"9999-12-31"}

# --scd2: a deleted row stays and is a row of its own; put back it is one more; with --deletes drop there is a hole
$ cat >in; cdc-merge --scd2 --date 2026-11-30 in; cdc-merge --scd2 --date 2026-11-30 --deletes drop in
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"v":1}}
< {"op":"d","db":"d","table":"t","key":{"id":1},"ts":1795305600000,"ord":"2","row":{"id":1,"v":1}}
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1795478400000,"ord":"3","row":{"id":1,"v":2}}
> {"id":1,"v":1,"start_date":"2026-11-21","end_date":"2026-11-21"}
> {"id":1,"v":1,"start_date":"2026-11-22","end_date":"2026-11-23","deleted":true}
> {"id":1,"v":2,"start_date":"2026-11-24","end_date":"9999-12-31"}
> {"id":1,"v":1,"start_date":"2026-11-21","end_date":"2026-11-21"}
> {"id":1,"v":2,"start_date":"2026-11-24","end_date":"9999-12-31"}

# --scd2: untouched rows of the base come out as they came, closed ones too; only an end is rewritten
$ printf '%s\n' '{"id":1,"start_date":"2026-01-01", "end_date":"2026-02-01" ,"v":1}' '{"id":1,"start_date":"2026-02-02", "end_date": "9999-12-31" ,"v":2}' '{"id":2,"v":1,"end_date":"9999-12-31","start_date":"2026-01-01"}' >base
$ cdc-merge --scd2 --date 2026-11-21 --base base
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"v":3}}
> {"id":1,"start_date":"2026-01-01", "end_date":"2026-02-01" ,"v":1}
> {"id":1,"start_date":"2026-02-02", "end_date": "2026-11-20" ,"v":2}
> {"id":1,"v":3,"start_date":"2026-11-21","end_date":"9999-12-31"}
> {"id":2,"v":1,"end_date":"9999-12-31","start_date":"2026-01-01"}

# --scd2: a late change is put into the closed range of its day, which it splits
$ printf '%s\n' '{"id":1,"v":1,"start_date":"2026-11-01","end_date":"2026-11-30"}' '{"id":1,"v":3,"start_date":"2026-12-01","end_date":"9999-12-31"}' >base
$ cdc-merge --scd2 --date 2026-12-02 --base base --stats s; grep -o '"late":.,"same_day":.' s
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"v":2}}
> {"id":1,"v":1,"start_date":"2026-11-01","end_date":"2026-11-20"}
> {"id":1,"v":2,"start_date":"2026-11-21","end_date":"2026-11-30"}
> {"id":1,"v":3,"start_date":"2026-12-01","end_date":"9999-12-31"}
> "late":1,"same_day":0

# --scd2: of the day a row of the base began at: the same again is nothing, another is taken for newer and said
$ printf '%s\n' '{"id":1,"v":1,"start_date":"2026-11-21","end_date":"9999-12-31"}' '{"id":2,"v":1,"start_date":"2026-11-21","end_date":"9999-12-31"}' >base
$ cdc-merge --scd2 --date 2026-11-22 --base base
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"v":1}}
< {"op":"u","db":"d","table":"t","key":{"id":2},"ts":1795219200000,"ord":"1","row":{"id":2,"v":2}}
! cdc-merge: 1 changes are of a day that a row of the base began at, and were taken for newer; --ord would know
> {"id":1,"v":1,"start_date":"2026-11-21","end_date":"9999-12-31"}
> {"id":2,"v":2,"start_date":"2026-11-21","end_date":"9999-12-31"}

# --scd2 --ord: which of one day is newer is known, and nothing is said
$ printf '%s\n' '{"id":1,"v":5,"start_date":"2026-11-21","end_date":"9999-12-31","ord":"5"}' '{"id":2,"v":5,"start_date":"2026-11-21","end_date":"9999-12-31","ord":"5"}' >base
$ cdc-merge --scd2 --date 2026-11-22 --ord ord --base base
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"4","row":{"id":1,"v":4}}
< {"op":"u","db":"d","table":"t","key":{"id":2},"ts":1795219200000,"ord":"6","row":{"id":2,"v":6}}
> {"id":1,"v":5,"start_date":"2026-11-21","end_date":"9999-12-31","ord":"5"}
> {"id":2,"v":6,"start_date":"2026-11-21","end_date":"9999-12-31","ord":"6"}

# --scd2: a statement that began before midnight and came behind one of the new day: order is by ord, so it counts from that day
$ cdc-merge --scd2 --date 2026-11-22 --deletes drop
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1795132800000,"ord":"1","row":{"id":1,"v":1}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795305600000,"ord":"2","row":{"id":1,"v":2}}
< {"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795219200001,"ord":"3","row":{"id":1,"v":3}}
> {"id":1,"v":1,"start_date":"2026-11-20","end_date":"2026-11-21"}
> {"id":1,"v":3,"start_date":"2026-11-22","end_date":"9999-12-31"}

# --scd2: a bootstrap's row that says what is there already is no change
$ printf '%s\n' '{"id":1,"v":1,"start_date":"2026-11-01","end_date":"9999-12-31"}' '{"id":2,"v":1,"start_date":"2026-11-01","end_date":"9999-12-31"}' >base
$ cdc-merge --scd2 --date 2026-11-22 --base base
< {"op":"r","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"v":1}}
< {"op":"r","db":"d","table":"t","key":{"id":2},"ts":1795219200000,"ord":"1","row":{"id":2,"v":2}}
> {"id":1,"v":1,"start_date":"2026-11-01","end_date":"9999-12-31"}
> {"id":2,"v":1,"start_date":"2026-11-01","end_date":"2026-11-20"}
> {"id":2,"v":2,"start_date":"2026-11-21","end_date":"9999-12-31"}

# --scd2: a truncate marks what is there, its rows as they were
$ printf '%s\n' '{"id":1,"v":1,"start_date":"2026-11-01","end_date":"9999-12-31"}' >base
$ cdc-merge --scd2 --date 2026-11-22 --base base -k id
< {"op":"t","db":"d","table":"t","key":null,"ts":1795219200000,"ord":"2"}
< {"op":"c","db":"d","table":"t","key":null,"ts":1795219200000,"ord":"1","row":{"id":2}}
> {"id":1,"v":1,"start_date":"2026-11-01","end_date":"2026-11-20"}
> {"id":1,"v":1,"start_date":"2026-11-21","end_date":"9999-12-31","deleted":true}
> {"id":2,"start_date":"2026-11-21","end_date":"9999-12-31","deleted":true}

# --scd2: rows of the base that contradict each other, or hold no days
$ b() { printf '%s\n' "$@" >base; echo '{"op":"u","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1}}' | cdc-merge --scd2 --date 2026-11-21 --base base; echo $?; }
$ b '{"id":1,"start_date":"2026-01-01","end_date":"2026-02-01"}' '{"id":1,"start_date":"2026-02-01","end_date":"9999-12-31"}'
$ b '{"id":1}'; b '{"id":1,"start_date":"2026-01-02","end_date":"2026-01-01"}'
> 3
> 3
> 3
! cdc-merge: key 1: two rows of one key in the base hold on one day
! cdc-merge: key 1: the base's row does not hold from a first to a last day
! cdc-merge: key 1: the base's row does not hold from a first to a last day

# --scd2: a table that has a column of our names: --valid gives others, deleted has no other
$ cat >in; cdc-merge --scd2 --date 2026-11-21 in; cdc-merge --scd2 --date 2026-11-21 --valid from_day,to_day in
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1795219200000,"ord":"1","row":{"id":1,"start_date":"x"}}
! cdc-merge: in:1: the row has a column of a name that is written here
> {"id":1,"start_date":"x","from_day":"2026-11-21","to_day":"9999-12-31"}

# --scd2: ts must be a time
$ cdc-merge --scd2 --date 2026-11-21 --reject r; jq -r .reason r
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":null,"ord":"1","row":{"id":1}}
< {"op":"c","db":"d","table":"t","key":{"id":1},"ts":1.5,"ord":"1","row":{"id":1}}
> ts is no time in milliseconds
> ts is no time in milliseconds
