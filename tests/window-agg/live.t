# --late: a window closes when the newest time met is so far past its end; what belongs to none that is open is late
$ window-agg -t t:s -w 10s --late 5s --late-to late --time-format s 'n=count()' --stats st && cat late && json-map late=late used=used dropped=dropped st
< {"t":1}
< {"t":12}
< {"t":14}
< {"t":9}
< {"t":15}
< {"t":9}
< {"t":10}
< {"t":25}
> {"window_start":0,"window_end":10,"n":2}
> {"window_start":10,"window_end":20,"n":4}
> {"window_start":20,"window_end":30,"n":1}
> {"t":9}
> {"late":1,"used":8,"dropped":0}

# without --late-to late records are dropped and counted; without --late nothing is late
$ printf '{"t":100}\n{"t":1}\n' >d; window-agg -t t:s -w 10s --late 5s --time-format s 'n=count()' --stats st d; json-map late=late used=used dropped=dropped st; window-agg -t t:s -w 10s --time-format s 'n=count()' d
> {"window_start":100,"window_end":110,"n":1}
> {"late":1,"used":1,"dropped":1}
> {"window_start":0,"window_end":10,"n":1}
> {"window_start":100,"window_end":110,"n":1}

# sliding windows: a record counts in those that are still open
$ window-agg -t t:s -w 20s -s 10s --late 0s --time-format s 'n=count()'
< {"t":5}
< {"t":11}
< {"t":7}
< {"t":30}
< {"t":19}
> {"window_start":-10,"window_end":10,"n":1}
> {"window_start":0,"window_end":20,"n":3}
> {"window_start":10,"window_end":30,"n":1}
> {"window_start":20,"window_end":40,"n":1}
> {"window_start":30,"window_end":50,"n":1}

# sessions: late is what is older than the watermark; they come when it is certain that they are over
$ window-agg -t t:s --session 10s --late 5s -g u --time-format s 'n=count()'
< {"u":"a","t":1}
< {"u":"b","t":2}
< {"u":"a","t":9}
< {"u":"b","t":15}
< {"u":"a","t":3}
< {"u":"a","t":11}
< {"u":"b","t":40}
> {"window_start":2,"window_end":2,"u":"b","n":1}
> {"window_start":1,"window_end":11,"u":"a","n":3}
> {"window_start":15,"window_end":15,"u":"b","n":1}
> {"window_start":40,"window_end":40,"u":"b","n":1}

# one event dated 2999 is bad with --max-future, and closes nothing
$ printf '{"t":"2020-01-01 00:00:01"}\n{"t":"2999-01-01"}\n{"t":"2020-01-01 00:00:02"}\n' >d; window-agg -t t -w 1m --late 5s --max-future 1h --reject bad --time-format sql 'n=count()' d; json-map line=line why=reason bad; window-agg -t t -w 1m --late 5s 'n=count()' --stats st --time-format sql d; json-map late=late st
> {"window_start":"2020-01-01 00:00:00","window_end":"2020-01-01 00:01:00","n":2}
> {"line":2,"why":"time further ahead of the clock than --max-future"}
> {"window_start":"2020-01-01 00:00:00","window_end":"2020-01-01 00:01:00","n":1}
> {"window_start":"2999-01-01 00:00:00","window_end":"2999-01-01 00:01:00","n":1}
> {"late":1}

# --max-future without windows, and of sessions: bad too
$ printf '{"t":"2999-01-01"}\n' >d; window-agg -t t --max-future 1d --on-error skip 'n=count()' d; window-agg -t t --session 1m --max-future 1d 'n=count()' d
> {"n":0}
! window-agg: d:1: time further ahead of the clock than --max-future
? 3

# --idle: a silent source closes what is over, and then event time runs with the clock; nothing of it without --idle
$ mkfifo p; for o in '--idle 200ms' ''; do window-agg -t t:s -w 2s --late 1h $o --time-format s 'n=count()' p >out & exec 3>p; printf '{"t":1}\n{"t":3}\n' >&3; i=0; while [ "$(wc -l <out)" -lt 2 ] && [ $i -lt 600 ] && [ -n "$o" ]; do sleep 0.1; i=$((i + 1)); done; wc -l <out; exec 3>&-; wait; wc -l <out; done
> 2
> 2
> 0
> 2

# options that need others
$ for o in '--late-to f -w 1m' '--idle 1s -w 1m' '--state s -w 1m' '--final --late 1s -w 1m' '--late 1s' '--late 1s -w 1m --partial' '--late -1s -w 1m' '--late 1s -w 1m --idle 1d' '--late 1s -w 1m --idle 0'; do window-agg -t t $o 'n=count()' </dev/null 2>&1 | head -n 1; done; window-agg --max-future 1h 'n=count()' </dev/null 2>&1 | head -n 1
> window-agg: --late-to goes with --late
> window-agg: --idle goes with --late
> window-agg: --state goes with --late
> window-agg: --final goes with --state
> window-agg: --late needs windows, -w or --session
> window-agg: --late and --max-future do not go with --partial and --merge
> window-agg: --late: must not be negative
> window-agg: --idle takes an exact duration, such as 30s
> window-agg: --idle takes an exact duration, such as 30s
> window-agg: --max-future needs the time of records, -t

# --state: windows that are open at the end go on in the next call; --final closes them
$ printf '{"t":1,"x":0.10}\n{"t":12,"x":1}\n{"t":16,"x":2}\n' >a; printf '{"t":3,"x":9}\n{"t":13,"x":4}\n{"t":31,"x":5}\n' >b; for f in a b; do window-agg -t t:s -w 10s --late 5s --state kept --time-format s 's=sum(x)' $f; echo $f; done; window-agg -t t:s -w 10s --late 5s --state kept --final --time-format s 's=sum(x)' </dev/null; ls kept
> {"window_start":0,"window_end":10,"s":0.10}
> a
> {"window_start":10,"window_end":20,"s":7}
> b
> {"window_start":30,"window_end":40,"s":5}
> 0000000000000003.state
> lock

# a state is refused with other arguments, when it is damaged, and while another process is at it
$ echo '{"t":1}' >a; window-agg -t t:s -w 10s --late 5s --state kept 'n=count()' a; window-agg -t t:s -w 20s --late 5s --state kept 'n=count()' a; echo $?; printf X | dd of=kept/0000000000000001.state bs=1 seek=70 conv=notrunc 2>/dev/null; window-agg -t t:s -w 10s --late 5s --state kept 'n=count()' a; echo $?; rm kept/*.state; mkfifo p; window-agg -t t:s -w 10s --late 5s --state kept 'n=count()' p & exec 3>p; while ! grep -q . kept/lock; do sleep 0.05; done; window-agg -t t:s -w 10s --late 5s --state kept 'n=count()' a 2>&1 | sed "s/process [0-9]*/process N/"; exec 3>&-; wait
> 3
> 3
> window-agg: kept: process N is at this state
! window-agg: kept: the state was saved by a command with other arguments
! window-agg: kept/0000000000000001.state: not a saved state, or a damaged one

# a call that fails leaves the state as it was
$ printf '{"t":1}\n' >a; window-agg -t t:s -w 10s --late 5s --state kept 'n=count()' a; printf '{"t":2}\n{"t":"x"}\n' | window-agg -t t:s -w 10s --late 5s --state kept 'n=count()'; echo $?; window-agg -t t:s -w 10s --late 5s --state kept --final --time-format s 'n=count()' </dev/null
> 3
> {"window_start":0,"window_end":10,"n":1}
! window-agg: <stdin>:2: not a time
