# GROUP BY: every aggregate; sums exact, the largest scale met, avg four more
$ window-agg -g g -t t 'n=count()' 'star=COUNT(*)' 'c=count(x)' 's=sum(x)' 'a=avg(x)' 'lo=min(x)' 'hi=max(x)' 'f=first(x)' 'l=last(x)' 'd=distinct(x)' 'cd=count(distinct x)'
< {"g":"a","x":1,"t":"2026-01-01 00:00:02"}
< {"g":"a","x":2.50,"t":"2026-01-01 00:00:01"}
< {"g":"b","x":0.1,"t":"2026-01-01"}
< {"g":"b","x":0.2,"t":"2026-01-01"}
< {"g":"a","x":null,"t":"2025-01-01"}
< {"g":"a","x":1.0,"t":"2026-01-01 00:00:02"}
< {"g":"c","t":"2026-01-01"}
> {"g":"a","n":4,"star":4,"c":3,"s":4.50,"a":1.500000,"lo":1.00,"hi":2.50,"f":2.50,"l":1.0,"d":2,"cd":2}
> {"g":"b","n":2,"star":2,"c":2,"s":0.3,"a":0.15000,"lo":0.1,"hi":0.2,"f":0.1,"l":0.2,"d":2,"cd":2}
> {"g":"c","n":1,"star":1,"c":0,"s":null,"a":null,"lo":null,"hi":null,"f":null,"l":null,"d":0,"cd":0}

# no group: one row, also over nothing; with groups or windows none
$ window-agg 'n=count()' 's=sum(x)' </dev/null; window-agg -g a 'n=count()' </dev/null; window-agg -t t -w 1m 'n=count()' </dev/null; window-agg -t t --session 1m 'n=count()' </dev/null
> {"n":0,"s":null}

# groups: null is one, 1 and 1.0 are one, written in canonical form and key order
$ window-agg -g who=u,h 'n=count()'
< {"u":"b","h":10}
< {"u":"b","h":9}
< {"u":"\u0062","h":9.00}
< {"h":1e1}
< {"u":null,"h":10}
< {"u":"a\"","h":true}
> {"who":"a\"","h":true,"n":1}
> {"who":"b","h":10,"n":1}
> {"who":"b","h":9,"n":2}
> {"who":null,"h":10,"n":2}

# WHERE, expressions, :arguments
$ window-agg --arg 'lim=10' 'big=count(* WHERE price * num > :lim)' 'total=sum(price * num)' 'web=sum(price WHERE ch = '"'web'"')' 'none=sum(price WHERE num > 5)'
< {"price":19.99,"num":3,"ch":"web"}
< {"price":0.01,"num":2,"ch":null}
> {"big":1,"total":59.99,"web":19.99,"none":null}

# tumbling windows: [start, end), aligned to the epoch
$ window-agg -t t:ms -w 5m 'n=count()'
< {"t":1700000100000}
< {"t":1700000399999}
< {"t":1700000400000}
< {"t":-1}
> {"window_start":-300000,"window_end":0,"n":1}
> {"window_start":1700000100000,"window_end":1700000400000,"n":2}
> {"window_start":1700000400000,"window_end":1700000700000,"n":1}

# sliding windows: a record is in each that holds its time
$ window-agg -t t:s -w 60s -s 20s --time-format s 'n=count()'
< {"t":100}
< {"t":120}
> {"window_start":60,"window_end":120,"n":1}
> {"window_start":80,"window_end":140,"n":2}
> {"window_start":100,"window_end":160,"n":2}
> {"window_start":120,"window_end":180,"n":1}

# a day where the clock changes has 23 hours, a week begins on Monday, a month has its own length
$ printf '{"t":"2026-03-29 12:00:00"}\n' >d; for w in 1d 1w 1M; do window-agg -t t -w $w --tz Europe/Berlin --time-format sql 'n=count()' d; window-agg -t t -w $w --tz Europe/Berlin 'n=count()' d; done
> {"window_start":"2026-03-29 00:00:00","window_end":"2026-03-30 00:00:00","n":1}
> {"window_start":1774738800000,"window_end":1774821600000,"n":1}
> {"window_start":"2026-03-23 00:00:00","window_end":"2026-03-30 00:00:00","n":1}
> {"window_start":1774220400000,"window_end":1774821600000,"n":1}
> {"window_start":"2026-03-01 00:00:00","window_end":"2026-04-01 00:00:00","n":1}
> {"window_start":1772319600000,"window_end":1774994400000,"n":1}

# a day that begins at one, for midnight does not exist (Beirut, 2026-03-29): it ends at a midnight, and the day before it at one
$ printf '{"t":"2026-03-28 12:00:00"}\n{"t":"2026-03-29 12:00:00"}\n' | window-agg -t t -w 1d --tz Asia/Beirut --time-format sql 'n=count()'
> {"window_start":"2026-03-28 00:00:00","window_end":"2026-03-29 01:00:00","n":1}
> {"window_start":"2026-03-29 01:00:00","window_end":"2026-03-30 00:00:00","n":1}

# seven days that slide by a day
$ printf '{"t":"2026-01-10"}\n' | window-agg -t t -w 7d -s 1d --time-format sql 'n=count()' | cut -c 1-71 | sed -n '1p;$p;$='
> {"window_start":"2026-01-04 00:00:00","window_end":"2026-01-11 00:00:00
> {"window_start":"2026-01-10 00:00:00","window_end":"2026-01-17 00:00:00
> 7

# --offset: a day that begins at six; --time-format rfc3339
$ window-agg -t t -w 1d --offset 6h --time-format rfc3339 --tz +08:00 'n=count()'
< {"t":"2026-01-10 05:59:59"}
< {"t":"2026-01-10 06:00:00"}
> {"window_start":"2026-01-09T06:00:00+08:00","window_end":"2026-01-10T06:00:00+08:00","n":1}
> {"window_start":"2026-01-10T06:00:00+08:00","window_end":"2026-01-11T06:00:00+08:00","n":1}

# sessions end at a gap longer than GAP, not at one as long; order of input does not matter
$ window-agg -t t:s --session 30m -g u --time-format s 'n=count()' 'l=last(p)'
< {"u":1,"t":5400,"p":"c"}
< {"u":1,"t":0,"p":"a"}
< {"u":2,"t":10,"p":"x"}
< {"u":1,"t":7201,"p":"d"}
< {"u":1,"t":1800,"p":"b"}
< {"u":1,"t":3600,"p":"e"}
> {"window_start":0,"window_end":5400,"u":1,"n":4,"l":"c"}
> {"window_start":10,"window_end":10,"u":2,"n":1,"l":"x"}
> {"window_start":7201,"window_end":7201,"u":1,"n":1,"l":"d"}

# --break: before a record for which it holds, also one that comes late
$ window-agg -t t:s --session 30m --break 'last IS NULL' -g u --time-format s 'n=count()'
< {"u":1,"t":100,"last":"home"}
< {"u":1,"t":300,"last":"home"}
< {"u":1,"t":200,"last":null}
< {"u":1,"t":400}
< {"u":1,"t":400,"last":"x"}
> {"window_start":100,"window_end":100,"u":1,"n":1}
> {"window_start":200,"window_end":300,"u":1,"n":2}
> {"window_start":400,"window_end":400,"u":1,"n":2}

# the case of the requirements: 3 pages at 10:00 and 2 at 11:00 are PV 5, VV 2, UV 1
$ for i in 00 10 20; do echo "{\"mid\":\"m\",\"ts\":\"2026-01-01 10:00:$i\"}"; done >d; for i in 00 10; do echo "{\"mid\":\"m\",\"ts\":\"2026-01-01 11:00:$i\"}"; done >>d
$ window-agg 'pv=count()' 'uv=distinct(mid)' d; window-agg -t ts --session 30m -g mid 'pages=count()' d | window-agg 'vv=count()' 'pages=sum(pages)'
> {"pv":5,"uv":1}
> {"vv":2,"pages":5}

# first and last: by time, then canonical value, then bytes; objects by bytes; the value as it stood
$ window-agg -t t:s 'f=first(v)' 'l=last(v)' 'o=last(o)'
< {"t":1,"v":"b","o":{"x":1}}
< {"t":1,"v":10.0,"o":{"x":2}}
< {"t":1,"v":10,"o":null}
< {"t":1,"v":9,"o":{"x": 1}}
< {"t":0,"v":null}
> {"f":"b","l":9,"o":{"x":2}}

# min and max of texts, by bytes after unescaping; of booleans
$ window-agg 'lo=min(s)' 'hi=max(s)' 'b=max(b)'
< {"s":"b","b":false}
< {"s":"\u0041","b":true}
< {"s":"é"}
< {"s":"a\u0000"}
> {"lo":"A","hi":"é","b":true}

# a condition in error is that record's error, for all of it
$ window-agg 'n=count()' 'm=sum(v WHERE ch = 1)'
< {"v":1,"ch":"1"}
< {"v":1,"ch":"web"}
! window-agg: <stdin>:2: a text that is no number meets a number
? 3

# numbers and texts in one group: an error of the later record, which then counts nowhere
$ window-agg 'n=count()' 'm=min(v)' 's=sum(w)' --on-error skip
< {"v":1,"w":1}
< {"v":"x","w":10}
< {"v":0,"w":"x"}
< {"v":0,"w":"2.5"}
< {"v":5,"w":true}
> {"n":3,"m":0,"s":4.5}

# sums beyond 10^38 on the way are right, as a result they are an error
$ N=99999999999999999999999999999999999999; printf '{"x":%s}\n{"x":%s}\n{"x":-%s}\n' $N $N $N >d; window-agg 's=sum(x)' d; head -n 2 d | window-agg -g g 's=sum(x)'
> {"s":99999999999999999999999999999999999999}
! window-agg: group null: sum outside 10^38
? 3

# distinct: 1 = 1.0, "1" differs, unless --key-as text; long and short, null does not count
$ printf '%s\n' '{"v":1}' '{"v":1.0}' '{"v":"1"}' '{"v":null}' '{"v":"a long text, longer than seven"}' '{"v":"a long text, longer than seven"}' '{"v":true}' '{"v":"true"}' '{"v":0}' '{"v":-0}' '{"v":""}' '{"v":1234567890123456789012}' >d; window-agg 'd=distinct(v)' d; window-agg 'd=distinct(v)' --key-as text d
> {"d":8}
> {"d":7}

# 100,000 distinct values in one group
$ seq 1 200000 | awk '{ printf "{\"u\":%d,\"s\":\"user-%d\"}\n", $1 % 100000, $1 % 70000 }' | window-agg 'u=distinct(u)' 's=distinct(s)'
> {"u":100000,"s":70000}

# no time, a bad time
$ window-agg -t t -w 1m 'n=count()' --on-error skip --stats s; grep -o '"reasons":{[^}]*}' s
< {"t":null}
< {}
< {"t":"2026-02-30"}
< {"t":99999999999999}
< {"t":"2026-01-01 23:59:60"}
< {"t":[1]}
< {"t":0}
> "reasons":{"no such date":1,"no such time of day":1,"no time":2,"not 10, 13 or 16 digits: say the unit":2,"not a time":1}

# one event dated 2999 closes nothing: nothing is late, the others count as ever
$ window-agg -t t -w 1d --time-format sql 'n=count()'
< {"t":"2026-01-01 10:00:00"}
< {"t":"2999-01-01"}
< {"t":"2026-01-01 09:00:00"}
> {"window_start":"2026-01-01 00:00:00","window_end":"2026-01-02 00:00:00","n":2}
> {"window_start":"2999-01-01 00:00:00","window_end":"2999-01-02 00:00:00","n":1}

# names: no two alike, whatever they come from
$ for w in 'a=count() a=count()' '-g a a=count()' '-t t -w 1m window_end=count()' '-g x=a,x=b n=count()'; do window-agg $w 2>&1 </dev/null | head -n 1; done; echo '{}' | window-agg '"a b\""=count()' 'é=count()'
> window-agg: the name 'a' stands twice
> window-agg: the name 'a' stands twice
> window-agg: the name 'window_end' stands twice
> window-agg: -g: the name 'x' stands twice
> {"a b\"":1,"é":1}

# the end of all time: what would end behind it ends with it, and holds its last records
$ for w in '-w 1d' '-w 7d -s 6d' '-w 1h -s 30m'; do printf '{"t":"9999-12-31T23:59:59.999999Z"}\n{"t":"9999-12-31"}\n' | window-agg -t t $w --time-format sql 'n=count()' | cut -c 1-74; done
> {"window_start":"9999-12-31 00:00:00","window_end":"9999-12-31 23:59:59.99
> {"window_start":"9999-12-25 00:00:00","window_end":"9999-12-31 23:59:59.99
> {"window_start":"9999-12-31 00:00:00","window_end":"9999-12-31 23:59:59.99
> {"window_start":"9999-12-30 23:30:00","window_end":"9999-12-31 00:30:00","
> {"window_start":"9999-12-31 00:00:00","window_end":"9999-12-31 01:00:00","
> {"window_start":"9999-12-31 23:00:00","window_end":"9999-12-31 23:59:59.99
> {"window_start":"9999-12-31 23:30:00","window_end":"9999-12-31 23:59:59.99

# misuse
$ while read -r w; do eval "window-agg $w" 2>&1 </dev/null | head -n 1; done <<'E'
$
$ 'n=count'
$ 'n=median(x)'
$ 'n=sum()'
$ 'n=sum(a,b)'
$ 'n=count(* WHERE )'
$ 'n=first(x)'
$ -w 1m 'n=count()'
$ -t t -s 1m 'n=count()'
$ -t t -w 1m --session 1m 'n=count()'
$ -t t -w 0 'n=count()'
$ -t t -w -5m 'n=count()'
$ -t t -w 1m -s 2m 'n=count()'
$ -t t -w 1d -s 6h 'n=count()'
$ -t t -w 24h -s 1d 'n=count()'
$ -t t -w 365d -s 1s 'n=count()'
$ -t t --session 0s 'n=count()'
$ -t t -w 1m --break x 'n=count()'
$ -t t -w 1m --offset 1d 'n=count()'
$ E
> window-agg: no NAME=AGG(EXPR) given
> window-agg: n: column 1: NAME(…) expected
> window-agg: n: 'median' is none of count sum avg min max first last distinct quantile stddev stddev_samp hll topk collect
> window-agg: n: sum takes one argument
> window-agg: n: sum takes one argument
> window-agg: WHERE: column 1: a value expected, but the expression ends
> window-agg: n: first needs the time of records, -t
> window-agg: windows need the time of records, -t
> window-agg: -s goes with -w
> window-agg: --session and -w exclude each other
> window-agg: -w: a window must be longer than nothing
> window-agg: -w: a window must be longer than nothing
> window-agg: -w, -s: windows that slide by more than their length would leave records out
> window-agg: -w, -s: a window and its slide must both be exact, as 24h and 6h, or both of days, as 7d and 1d
> window-agg: -w, -s: a window and its slide must both be exact, as 24h and 6h, or both of days, as 7d and 1d
> window-agg: -w, -s: each record would be in more than 10,000 windows
> window-agg: --session: a session's gap must be longer than nothing
> window-agg: --break goes with --session
> window-agg: --offset takes an exact duration, such as 8h

# a file whose name looks like a word stands behind -- or as a path
$ mkdir dt=1; echo '{}' >dt=1/x; window-agg 'n=count()' ./dt=1/x; window-agg 'n=count()' -- dt=1/x
> {"n":1}
> {"n":1}
