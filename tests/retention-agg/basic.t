# users of the cohort, and those who came back on exactly that day; null where the day is not known yet
$ retention-agg -u u --cohort c --day d --days 0,1,3
< {"u":1,"c":"2026-11-01","d":"2026-11-01"}
< {"u":1,"c":"2026-11-01","d":"2026-11-02"}
< {"u":2,"c":"2026-11-01","d":"2026-11-02"}
< {"u":2.0,"c":"2026-11-01","d":"2026-11-02"}
< {"u":3,"c":"2026-11-01","d":"2026-11-03"}
< {"u":4,"c":"2026-11-02","d":"2026-11-03"}
> {"cohort":"2026-11-01","day":0,"users":3,"kept":1}
> {"cohort":"2026-11-01","day":1,"users":3,"kept":2}
> {"cohort":"2026-11-01","day":3,"users":3,"kept":null}
> {"cohort":"2026-11-02","day":0,"users":1,"kept":0}
> {"cohort":"2026-11-02","day":1,"users":1,"kept":1}
> {"cohort":"2026-11-02","day":3,"users":1,"kept":null}

# the days when none are given
$ echo '{"u":1,"c":"2026-11-01","d":"2026-12-01"}' | retention-agg -u u --cohort c --day d
> {"cohort":"2026-11-01","day":1,"users":1,"kept":0}
> {"cohort":"2026-11-01","day":2,"users":1,"kept":0}
> {"cohort":"2026-11-01","day":3,"users":1,"kept":0}
> {"cohort":"2026-11-01","day":7,"users":1,"kept":0}
> {"cohort":"2026-11-01","day":14,"users":1,"kept":0}
> {"cohort":"2026-11-01","day":30,"users":1,"kept":1}

# groups in key order; a visit of any group tells how far the days are known; a null day counts the user alone
$ retention-agg -u u --cohort c --day d --days 1,2 -g ch=common.ch
< {"common":{"ch":"web"},"u":1,"c":"2026-02-28","d":"2026-03-01"}
< {"common":{"ch":"app"},"u":1,"c":"2026-02-28","d":null}
< {"common":{"ch":"app"},"u":2,"c":"2026-02-28"}
< {"common":{"ch":null},"u":2,"c":"2026-03-01","d":"2026-02-01"}
> {"ch":"app","cohort":"2026-02-28","day":1,"users":2,"kept":0}
> {"ch":"app","cohort":"2026-02-28","day":2,"users":2,"kept":null}
> {"ch":"web","cohort":"2026-02-28","day":1,"users":1,"kept":1}
> {"ch":"web","cohort":"2026-02-28","day":2,"users":1,"kept":null}
> {"ch":null,"cohort":"2026-03-01","day":1,"users":1,"kept":null}
> {"ch":null,"cohort":"2026-03-01","day":2,"users":1,"kept":null}

# times stand for their local day; units
$ printf '{"u":1,"c":"2026-10-31T16:30:00Z","d":1793638799000}\n{"u":1,"c":"2026-11-01","d":1793638800000}\n' | retention-agg -u u --cohort c --day d:ms --days 1,2 --tz Asia/Shanghai
> {"cohort":"2026-11-01","day":1,"users":1,"kept":0}
> {"cohort":"2026-11-01","day":2,"users":1,"kept":1}

# no user: dropped; no cohort, no date: bad, and such a record tells nothing of the days
$ printf '{"u":null,"c":"2026-11-01","d":"2026-11-09"}\n{"u":1,"d":"2026-11-09"}\n{"u":1,"c":"2026-11-01","d":"x"}\n{"u":[1],"c":"2026-11-01","d":"2026-11-09"}\n{"u":1,"c":"2026-11-01","d":"2026-11-02"}\n' | retention-agg -u u --cohort c --day d --days 1,2 --reject bad; grep -o '"line":[0-9]*\|"reason":"[^"]*"' bad
> {"cohort":"2026-11-01","day":1,"users":1,"kept":1}
> {"cohort":"2026-11-01","day":2,"users":1,"kept":null}
> "line":2
> "reason":"no cohort"
> "line":3
> "reason":"not a time"
> "line":4
> "reason":"an array cannot be a key"

# nothing came: no row
$ retention-agg -u u --cohort c --day d </dev/null

# misuse
$ retention-agg --cohort c --day d </dev/null 2>&1 | head -1; retention-agg -u u --day d </dev/null 2>&1 | head -1; retention-agg -u u --cohort c </dev/null 2>&1 | head -1; for l in '' 1, a 7,1 1,1 -1 1.5; do retention-agg -u u --cohort c --day d --days "$l" </dev/null 2>&1 | head -1; done; retention-agg -u u --cohort c --day d -g day </dev/null 2>&1 | head -1
> retention-agg: -u is required
> retention-agg: --cohort is required
> retention-agg: --day is required
> retention-agg: --days: a list of numbers of days, such as 1,2,3,7,14,30
> retention-agg: --days: a list of numbers of days, such as 1,2,3,7,14,30
> retention-agg: --days: a list of numbers of days, such as 1,2,3,7,14,30
> retention-agg: --days: must rise
> retention-agg: --days: must rise
> retention-agg: --days: a list of numbers of days, such as 1,2,3,7,14,30
> retention-agg: --days: a list of numbers of days, such as 1,2,3,7,14,30
> retention-agg: -g: the name 'day' is that of a result
