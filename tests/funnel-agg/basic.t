# three steps in the order of time, whatever the order of the input; the end of --within is inside
$ printf '%s\n' '{"u":1,"t":50,"p":"c"}' '{"u":1,"t":0,"p":"a"}' '{"u":1,"t":20,"p":"b"}' '{"u":2,"t":0,"p":"a"}' '{"u":2,"t":51,"p":"b"}' '{"u":3,"t":5,"p":"b"}' '{"u":3,"t":9,"p":"a"}' '{"u":4,"t":0,"p":"x"}' >d
$ funnel-agg -u u -t t:s --within 50s "first: p = 'a'" "second: p = 'b'" "third: p = 'c'" d; tac d | funnel-agg -u u -t t:s --within 50s "first: p = 'a'" "second: p = 'b'" "third: p = 'c'" | tail -1
> {"step":"first","n":1,"users":3,"rate":1.0000}
> {"step":"second","n":2,"users":1,"rate":0.3333}
> {"step":"third","n":3,"users":1,"rate":1.0000}
> {"step":"third","n":3,"users":1,"rate":1.0000}

# any way counts: the second record of step 1 has time enough where the first had not
$ funnel-agg -u u -t t:s --within 10s 'a: p = 1' 'b: p = 2' 'c: p = 3'
< {"u":1,"t":0,"p":1}
< {"u":1,"t":4,"p":1}
< {"u":1,"t":6,"p":2}
< {"u":1,"t":14,"p":3}
< {"u":2,"t":0,"p":1}
< {"u":2,"t":4,"p":2}
< {"u":2,"t":6,"p":1}
< {"u":2,"t":14,"p":3}
> {"step":"a","n":1,"users":2,"rate":1.0000}
> {"step":"b","n":2,"users":2,"rate":1.0000}
> {"step":"c","n":3,"users":1,"rate":0.5000}

# records of one time are in the order of the steps; one record may be several steps
$ funnel-agg -u u -t t:s --within 1s 'a: p >= 1' 'b: p >= 2' 'c: p = 3'
< {"u":1,"t":5,"p":2}
< {"u":2,"t":5,"p":3}
< {"u":2,"t":5,"p":1}
< {"u":3,"t":5,"p":1}
> {"step":"a","n":1,"users":3,"rate":1.0000}
> {"step":"b","n":2,"users":2,"rate":0.6667}
> {"step":"c","n":3,"users":1,"rate":0.5000}

# the last day there is
$ printf '{"u":1,"t":"9999-12-31","p":1}\n{"u":1,"t":"9999-12-31 23:59:59","p":2}\n' | funnel-agg -u u -t t --within day 'a: p = 1' 'b: p = 2'
> {"step":"a","n":1,"users":1,"rate":1.0000}
> {"step":"b","n":2,"users":1,"rate":1.0000}

# --within day: the local day of the first step; 24h crosses midnight
$ printf '{"u":1,"t":"2026-03-01 23:50:00","p":1}\n{"u":1,"t":"2026-03-02 00:10:00","p":2}\n{"u":2,"t":"2026-03-02 00:00:00","p":1}\n{"u":2,"t":"2026-03-02 23:59:59.999999","p":2}\n' >d
$ for w in day 24h; do funnel-agg -u u -t t --within $w --tz Asia/Shanghai 'a: p = 1' 'b: p = 2' d; done
> {"step":"a","n":1,"users":2,"rate":1.0000}
> {"step":"b","n":2,"users":1,"rate":0.5000}
> {"step":"a","n":1,"users":2,"rate":1.0000}
> {"step":"b","n":2,"users":2,"rate":1.0000}

# groups in key order, null is one; each is a funnel of its own records
$ funnel-agg -u u,v -t t:s --within 1m -g ch=common.ch 'a: p = 1' '"the second": p = 2'
< {"common":{"ch":"web"},"u":1,"v":"x","t":1,"p":1}
< {"common":{"ch":"app"},"u":1,"v":"x","t":2,"p":2}
< {"common":{"ch":"app"},"u":1.0,"v":"x","t":1,"p":1}
< {"common":{},"u":1,"v":"x","t":1,"p":2}
< {"common":{"ch":"web"},"u":1,"v":"y","t":1,"p":1}
> {"ch":"app","step":"a","n":1,"users":1,"rate":1.0000}
> {"ch":"app","step":"the second","n":2,"users":1,"rate":1.0000}
> {"ch":"web","step":"a","n":1,"users":2,"rate":1.0000}
> {"ch":"web","step":"the second","n":2,"users":0,"rate":0.0000}
> {"ch":null,"step":"a","n":1,"users":0,"rate":null}
> {"ch":null,"step":"the second","n":2,"users":0,"rate":null}

# --unordered: the users of each step by itself, at any time; no time is needed
$ funnel-agg -u u --unordered 'a: p = 1' 'b: p = 2'
< {"u":1,"p":2}
< {"u":2,"p":2,"t":"no time"}
< {"u":2,"p":2}
< {"u":2,"p":1}
> {"step":"a","n":1,"users":1,"rate":1.0000}
> {"step":"b","n":2,"users":2,"rate":2.0000}

# no user, no step: dropped and counted; a step without a time is a bad record
$ printf '{"u":null,"t":1,"p":1}\n{"t":1,"p":1}\n{"u":1,"p":9}\n{"u":1,"t":1,"p":1}\n{"u":1,"p":2}\n' | funnel-agg -u u -t t:s --within 1m 'a: p = 1' 'b: p = 2' --on-error skip --stats s; grep -o '"dropped":[0-9]*,"used":[0-9]*,"rejected":[0-9]*' s
> {"step":"a","n":1,"users":1,"rate":1.0000}
> {"step":"b","n":2,"users":0,"rate":0.0000}
> "dropped":3,"used":1,"rejected":1

# nothing came: no row
$ funnel-agg -u u -t t --within 1h 'a: p = 1' </dev/null

# misuse
$ funnel-agg -t t --within 1h 'a: p' </dev/null 2>&1 | head -1; funnel-agg -u u -t t --within 1h </dev/null 2>&1 | head -1; funnel-agg -u u --within 1h 'a: p' </dev/null 2>&1 | head -1; funnel-agg -u u -t t 'a: p' </dev/null 2>&1 | head -1; funnel-agg -u u -t t --within -1h 'a: p' </dev/null 2>&1 | head -1; funnel-agg -u u -t t --within 1h 'a: p' '"a": q' </dev/null 2>&1 | head -1; funnel-agg -u u -t t --within 1h -g step 'a: p' </dev/null 2>&1 | head -1
> funnel-agg: -u is required
> funnel-agg: no step given, 'NAME: COND'
> funnel-agg: -t is required, but with --unordered
> funnel-agg: --within is required, but with --unordered
> funnel-agg: --within: must be longer than nothing
> funnel-agg: the step 'a' stands twice
> funnel-agg: -g: the name 'step' is that of a result
