# --within DUR: since the first that passed, not since the last that came; the end of the window is outside
$ dedup -k k -t t:s --within 10s
< {"t":0,"k":"a"}
< {"t":6,"k":"a"}
< {"t":9,"k":"a"}
< {"t":9,"k":"b"}
< {"t":10,"k":"a"}
< {"t":15,"k":"a"}
< {"t":19,"k":"b"}
< {"t":20,"k":"a"}
> {"t":0,"k":"a"}
> {"t":9,"k":"b"}
> {"t":10,"k":"a"}
> {"t":19,"k":"b"}
> {"t":20,"k":"a"}

# a late record passes unless one less than DUR away passed, before or after it
$ dedup -k k -t t:s --within 10s
< {"t":100,"k":1}
< {"t":91,"k":1}
< {"t":90,"k":1}
< {"t":79,"k":1.0}
< {"t":85,"k":1}
< {"t":-5,"k":1}
< {"t":4,"k":1}
< {"t":5,"k":1}
> {"t":100,"k":1}
> {"t":90,"k":1}
> {"t":79,"k":1.0}
> {"t":-5,"k":1}
> {"t":5,"k":1}

# --within day: one of each key and local day
$ printf '{"t":"2026-03-28T15:59:59Z","k":1}\n{"t":"2026-03-28T16:00:00Z","k":1}\n{"t":"2026-03-29 23:59:59.9","k":1}\n{"t":"2026-03-28","k":1}\n{"t":"2026-03-30","k":1}\n' >d; dedup -k k -t t --within day --tz Asia/Shanghai d; echo; dedup -k k -t t --within day d
> {"t":"2026-03-28T15:59:59Z","k":1}
> {"t":"2026-03-28T16:00:00Z","k":1}
> {"t":"2026-03-30","k":1}
>
> {"t":"2026-03-28T15:59:59Z","k":1}
> {"t":"2026-03-29 23:59:59.9","k":1}
> {"t":"2026-03-30","k":1}

# calendar units: a day where the clock changes is 23 hours long; a month from the 31st ends at the last of February
$ printf '{"t":"2026-03-28 12:00:00","k":1}\n{"t":"2026-03-29 11:59:59","k":1}\n{"t":"2026-03-29 12:00:00","k":1}\n' | dedup -k k -t t --within 1d --tz Europe/Berlin; printf '{"t":"2026-01-31"}\n{"t":"2026-02-27"}\n{"t":"2026-02-28"}\n' | json-map --all k=1 | dedup -k k -t t --within 1M
> {"t":"2026-03-28 12:00:00","k":1}
> {"t":"2026-03-29 12:00:00","k":1}
> {"t":"2026-01-31","k":1}
> {"t":"2026-02-28","k":1}

# no time, no key: bad records
$ printf '{"k":1,"t":1700000000}\n{"k":1}\n{"t":1700000001}\n{"k":1,"t":"x"}\n' | dedup -k k -t t --within 1m --reject bad; grep -c . bad
> {"k":1,"t":1700000000}
> 3

# misuse
$ for a in '--within 1m' '--within 0 -t t' '--within -1m -t t' '--within x -t t' '-t t' '--within 1m -t t --keep last' '--within day -t t --by v' '--within 1m -t t --count n' '--ttl 1m' '--ttl 0 -t t' '--state d --keep last' '--state d --count n' '--ttl 1d -t t --by v' '--count a.b' '--count a,b'; do dedup -k k $a </dev/null 2>&1 | head -1; done; ls
> dedup: --within needs the time of records, -t
> dedup: --within: must be longer than nothing
> dedup: --within: must be longer than nothing
> dedup: --within: a duration is a number and one of us ms s m h d w M
> dedup: -t goes with --within or --ttl
> dedup: --within keeps the first that comes: no --keep last, no --by, no --count with it
> dedup: --within keeps the first that comes: no --keep last, no --by, no --count with it
> dedup: --within keeps the first that comes: no --keep last, no --by, no --count with it
> dedup: --ttl needs the time of records, -t
> dedup: --ttl: must be longer than nothing
> dedup: --state is for the first that comes: no --keep last, no --by, no --count with it
> dedup: --state is for the first that comes: no --keep last, no --by, no --count with it
> dedup: --ttl is for the first that comes: no --keep last, no --by, no --count with it
> dedup: --count: one name is wanted, not a path
> dedup: --count: one name is wanted, not a path
