# tumbling windows of two seconds: the reference case, six pairs
$ for t in 1999 2000 2001; do echo "{\"k\":1,\"t\":$t}"; done >l; for t in 1000 1001 1002 1500 3999 4000; do echo "{\"k\":1,\"t\":$t}"; done >r
$ stream-join --left l --right r -k k -t t:ms --window 2s
> {"left":{"k":1,"t":1999},"right":{"k":1,"t":1000},"window_start":0,"window_end":2000}
> {"left":{"k":1,"t":1999},"right":{"k":1,"t":1001},"window_start":0,"window_end":2000}
> {"left":{"k":1,"t":1999},"right":{"k":1,"t":1002},"window_start":0,"window_end":2000}
> {"left":{"k":1,"t":1999},"right":{"k":1,"t":1500},"window_start":0,"window_end":2000}
> {"left":{"k":1,"t":2000},"right":{"k":1,"t":3999},"window_start":2000,"window_end":4000}
> {"left":{"k":1,"t":2001},"right":{"k":1,"t":3999},"window_start":2000,"window_end":4000}

# clicks and what was browsed from ten minutes before to the same second: the reference case, five pairs
$ for t in 1500 2000; do echo "{\"k\":1,\"t\":$t}"; done >l; for t in 1000 1500 1501 1502; do echo "{\"k\":1,\"t\":$t}"; done >r
$ stream-join --left l --right r -k k -t t:s --between -10m,0
> {"left":{"k":1,"t":1500},"right":{"k":1,"t":1000}}
> {"left":{"k":1,"t":1500},"right":{"k":1,"t":1500}}
> {"left":{"k":1,"t":2000},"right":{"k":1,"t":1500}}
> {"left":{"k":1,"t":2000},"right":{"k":1,"t":1501}}
> {"left":{"k":1,"t":2000},"right":{"k":1,"t":1502}}

# both bounds are inside, to the microsecond
$ printf '{"t":1000000000000001}\n{"t":1000000000000002}\n' >r; echo '{"t":1000000000000000}' >l
$ stream-join --left l --right r -k x -t t --between 1us,1us --type full; sed 's/}/,"x":1}/' l >l1; sed 's/}/,"x":1}/' r >r1; stream-join --left l1 --right r1 -k x -t t --between 1us,1us
> {"left":{"t":1000000000000000},"right":null}
> {"left":null,"right":{"t":1000000000000001}}
> {"left":null,"right":{"t":1000000000000002}}
> {"left":{"t":1000000000000000,"x":1},"right":{"t":1000000000000001,"x":1}}

# records go in as they stand, without the blanks around them
$ printf '  {"k" : 1.0,"t":1700000000,"a":[1, 2 ,{}]}\t\r\n' >l; printf '{"t":"2023-11-14T22:13:20Z","id":1e0,"m":1.10}' >r
$ stream-join --left l --right r -k k -K id -t t --between 0,0
> {"left":{"k" : 1.0,"t":1700000000,"a":[1, 2 ,{}]},"right":{"t":"2023-11-14T22:13:20Z","id":1e0,"m":1.10}}

# a session is of both sides; days are those of the zone; times as they are wanted
$ printf '{"k":1,"t":1711836000}\n{"k":1,"t":1711922399}\n' >l; printf '{"k":1,"t":1711839600}\n{"k":1,"t":1711922400}\n' >r
$ stream-join --left l --right r -k k -t t --session 1h --type full --time-format s; stream-join --left l --right r -k k -t t --window 1d --tz Europe/Berlin --time-format rfc3339
> {"left":{"k":1,"t":1711836000},"right":{"k":1,"t":1711839600},"window_start":1711836000,"window_end":1711839600}
> {"left":{"k":1,"t":1711922399},"right":{"k":1,"t":1711922400},"window_start":1711922399,"window_end":1711922400}
> {"left":{"k":1,"t":1711922399},"right":{"k":1,"t":1711839600},"window_start":"2024-03-31T00:00:00+01:00","window_end":"2024-04-01T00:00:00+02:00"}

# one stream: what is on neither side is dropped, what is no side is in error
$ printf '{"s":"left","k":1,"t":1000000000}\n{"s":null,"k":1,"t":1000000000}\n{"s":"right","k":1,"t":1000000001}\n{"s":3,"k":1,"t":1000000001}\n' |
$ stream-join --side s -k k -t t --between 0,1s --reject rej --stats st; jq -c '[.in,.used,.dropped,.rejected,.made]' st; jq -r .reason rej
> {"left":{"s":"left","k":1,"t":1000000000},"right":{"s":"right","k":1,"t":1000000001}}
> [4,2,1,1,1]
> --side is neither true or false nor "left" or "right"

# late is what is further below its own stream's newest time than --late; it goes aside and is counted
$ printf '{"k":1,"t":1000000010}\n{"k":1,"t":1000000005}\n{"k":1,"t":1000000004}\n' >l; printf '{"k":1,"t":1000000004}\n{"k":1,"t":1000000005}\n' >r
$ stream-join --left l --right r -k k -t t --between 0,0 --late 5s --late-to late --stats st; cat late; jq -c '[.in,.used,.dropped,.late]' st; stream-join --left l --right r -k k -t t --between 0,0
> {"left":{"k":1,"t":1000000005},"right":{"k":1,"t":1000000005}}
> {"k":1,"t":1000000004}
> [5,4,1,1]
> {"left":{"k":1,"t":1000000004},"right":{"k":1,"t":1000000004}}
> {"left":{"k":1,"t":1000000005},"right":{"k":1,"t":1000000005}}

# a time far ahead of the clock is an error and makes nothing late
$ printf '{"k":1,"t":"9999-01-01"}\n{"k":1,"t":1000000005}\n' >l; echo '{"k":1,"t":1000000005}' >r
$ stream-join --left l --right r -k k -t t --between 0,0 --max-future 1h --late 0s --on-error skip; stream-join --left l --right r -k k -t t --between 0,0 --max-future 1h
> {"left":{"k":1,"t":1000000005},"right":{"k":1,"t":1000000005}}
! stream-join: l:1: time further ahead of the clock than --max-future
? 3

# files in the order of time take no more memory than the window holds
$ seq -f '{"k":1,"t":1%09.0f,"x":"................................................................"}' 100000 >l
$ stream-join --left l --right l -k k -t t --between 0,0 --stats st | wc -l; jq -c '.peak_records < 50000, .spilled_bytes' st
> 100000
> true
> null

# one writer, two FIFOs: all of one before the other, and by turns, cut anywhere
$ seq 40000 | awk '{ printf "{\"k\":%d,\"t\":%d,\"x\":\"%072d\"}\n", $1, 1000000000 + $1, 0 }' >l; mkfifo a b; sed 's/^{"k":\([0-9]*\),/{"k":\1,"y":1,/' l >r
$ stream-join --left l --right r -k k -t t --between 0,0 | cksum >want
$ (cat l >a; cat r >b) & stream-join --left a --right b -k k -t t --between 0,0 | cksum | cmp - want && echo one after the other; wait
$ (cat r >b; cat l >a) & stream-join --left a --right b -k k -t t --between 0,0 | cksum | cmp - want && echo the other first; wait
$ stream-join --left l --right l -k k -t t --between 0,0 --late 0s | cksum >want
$ tee a <l >b & stream-join --left a --right b -k k -t t --between 0,0 --late 0s | cksum | cmp - want && echo by turns; wait
$ tee a <l | stream-join --left a --right - -k k -t t --between 0,0 | cksum | cmp - want && echo one of them standard input
> one after the other
> the other first
> by turns
> one of them standard input

# a side that is silent is not waited for with --idle; nothing ends here before the line came
$ mkfifo l r; stream-join --left l --right r -k k -t t --between 0,1s --late 0s --idle 50ms --type right >out & exec 4>l 5>r
$ printf '{"k":1,"t":1000000000}\n{"k":1,"t":1000000010}\n' >&5; until [ -s out ]; do sleep 0.02; done; cat out; printf '{"k":1,"t":1000000000}\n' >&4
$ exec 4>&- 5>&-; wait; tail -n +2 out
> {"left":null,"right":{"k":1,"t":1000000000}}
> {"left":null,"right":{"k":1,"t":1000000010}}

# what a stream holds without an end must fit; what a file holds goes to disk
$ seq 5000 | awk '{ printf "{\"k\":%d,\"t\":%d}\n", $1, 1000000000 + $1 }' >l; cat l | stream-join --left - --right l -k k -t t --between 0,0 --late 1h -S 10K 2>&1 | sed 's/[0-9][0-9]* records/N records/'
$ stream-join --left l --right l -k k -t t --between 0,0 --late 1h -S 10K --stats st | cksum >a; jq '.spilled_bytes > 0' st; stream-join --left l --right l -k k -t t --between 0,0 | cksum | cmp - a
> stream-join: N records wait for others and take more than the memory budget, -S
> true

# nothing matched, for the types of the keys differ
$ echo '{"k":1,"t":1000000000}' >l; echo '{"k":"1","t":1000000000}' >r; stream-join --left l --right r -k k -t t --between 0,0; stream-join --left l --right r -k k -t t --between 0,0 --key-as text
> {"left":{"k":1,"t":1000000000},"right":{"k":"1","t":1000000000}}
! stream-join: nothing matched: the key k is a number on the left and a string on the right (--key-as text)

# tables; a day of both
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; for t in l r; do echo kind append | wh-table ods.$t >/dev/null 2>&1 || :; printf '{"k":1,"t":1763600000,"n":"%s"}\n' $t | wh-put ods.$t dt=2026-11-20; done 2>/dev/null
$ stream-join --left wh:ods.l@2026-11-20 --right wh:ods.r@last -k k -t t --window 1m | jq -c '[.left.n,.right.n]'; stream-join --left wh:ods.l@2026-11-21 --right wh:ods.r -k k -t t --window 1m 2>/dev/null
> ["l","r"]
? 1

# the end of all time: what would end behind it ends with it, and holds its last records
$ for w in 1d 2d,1d 1h,30m; do printf '{"k":1,"s":true,"t":"9999-12-31T23:59:59.999999Z"}\n{"k":1,"s":false,"t":"9999-12-31T23:59:00Z"}\n' | timeout 60 stream-join --side s -k k -t t --window $w --time-format sql | grep -o '"window_start.*'; done
> "window_start":"9999-12-31 00:00:00","window_end":"9999-12-31 23:59:59.999999"}
> "window_start":"9999-12-30 00:00:00","window_end":"9999-12-31 23:59:59.999999"}
> "window_start":"9999-12-31 00:00:00","window_end":"9999-12-31 23:59:59.999999"}
> "window_start":"9999-12-31 23:00:00","window_end":"9999-12-31 23:59:59.999999"}
> "window_start":"9999-12-31 23:30:00","window_end":"9999-12-31 23:59:59.999999"}

# misuse
$ stream-join -k k -t t --between 0,0 2>&1 | head -1; stream-join --left a --side x -k k -t t --between 0,0 2>&1 | head -1; stream-join --left a --right b c -k k -t t --between 0,0 2>&1 | head -1
$ stream-join --left - --right - -k k -t t --between 0,0 2>&1 | head -1; stream-join --left a --right b -t t --between 0,0 2>&1 | head -1; stream-join --left a --right b -k k -t t 2>&1 | head -1
$ for o in '--between 1s' '--between 2s,1s' '--between 0,1d' '--window 0s' '--window 1s,2s' '--window 1d,6h' '--window 24h,1d' '--session 0s' '--session 1d' '--window 1s --session 1s' '--between 0,0 --idle 1s' '--between 0,0 --late-to f' '--between 0,0 --offset 1h' '--between 0,0 -K a,b'; do
$ stream-join --left a --right b -k k -t t $o 2>&1 | head -1; done
> stream-join: --left and --right, or --side, are required
> stream-join: --left and --right, or --side, are required
> stream-join: with --left and --right there are no further files
> stream-join: the standard input cannot be both sides
> stream-join: -k and -t are required
> stream-join: one of --between, --window and --session is required
> stream-join: --between takes two durations, LO,HI
> stream-join: --between: LO is above HI
> stream-join: --between takes exact durations, 24h, not 1d
> stream-join: --window: a window must be longer than nothing
> stream-join: --window: windows that slide by more than their length would leave records out
> stream-join: --window: a window and its slide must both be exact, as 24h and 6h, or both of days, as 7d and 1d
> stream-join: --window: a window and its slide must both be exact, as 24h and 6h, or both of days, as 7d and 1d
> stream-join: --session: a session's gap must be longer than nothing
> stream-join: --session takes exact durations, 24h, not 1d
> stream-join: one of --between, --window and --session is required
> stream-join: --idle goes with --late
> stream-join: --late-to goes with --late
> stream-join: --offset goes with --window
> stream-join: -K has 2 paths, -k 1

# stream-join: neither a lateness nor a lead is below nothing, and none waits for nothing
$ for o in '--late -1s' '--late -1d' '--max-future -1s' '--late 1s --idle 0s' '--late 1s --idle -1s'; do stream-join --left a --right b -k k -t t --between 0,0 $o 2>&1 | head -1; done
> stream-join: --late: must not be negative
> stream-join: --late: must not be negative
> stream-join: --max-future: must not be negative
> stream-join: --idle: must be longer than nothing
> stream-join: --idle: must be longer than nothing

# an input that is not there; a bad line says which of the two
$ echo '{"k":1,"t":1000000000}' >l; stream-join --left l --right none -k k -t t --between 0,0; echo $?; printf '{"k":1,"t":1000000000}\n{"k":1}\n' >r; stream-join --left l --right r -k k -t t --between 0,0; echo $?
> 4
> 3
! stream-join: none: No such file or directory
! stream-join: r:2: no time

# files of several blocks, out of order, with null keys, keys in two forms and lines in error: the same lines whatever -j; as many pairs as awk finds
$ cat >make.awk <<'EOF'
$ BEGIN { for (i = 0; i < 40000; i++) { if (right && i % 3 == 0) continue; t = 1700000000000 + i * 10 - (i % 7 ? 0 : i % 5 * 900) + (right && i % 4 == 0) * 5; k = i % 977
$ if (i % 50 == 3) k = k ".0"; if (i % 211 == 5) k = "null"; if (i % 3001 == 7) k = "[1]"; printf "{\"id\":%d,\"pad\":\"%64s\",\"k\":%s,\"t\":%s}\n", i, "", k, i % 4999 == 9 ? "\"x\"" : t } }
$ EOF
$ awk -f make.awk >l; awk -v right=1 -f make.awk >r
$ for how in '--between -30s,12s --type full' '--between 0,0' '--window 20s' '--session 700ms --type left'; do for j in 1 2 3; do stream-join -j $j --left l --right r -k k -t t:ms $how --on-error skip --stats st >out; echo "$(cksum <out) $(tail -1 st | jq -c '[.in,.used,.rejected,.no_key]')"; done | sort | uniq -c | awk '{ print $1, $4 }'; done
> 3 [66666,66629,37,317]
> 3 [66666,66629,37,317]
> 3 [66666,66629,37,317]
> 3 [66666,66629,37,317]
$ stream-join -j 2 --left l --right r -k k -t t:ms --between 0,0 --on-error skip | wc -l
$ for f in l r; do jq -r 'select((.k | type) == "number" and (.t | type) == "number") | "\(.k | floor) \(.t)"' $f >$f.keys; done; awk 'NR == FNR { n[$0]++; next } { all += n[$0] } END { print all }' l.keys r.keys
> 19895
> 19895
