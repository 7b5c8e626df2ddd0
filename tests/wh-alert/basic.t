# deliveries over HTTP, crashes and refusals are in tests/edge/alert.py

# warn and fail go where the configuration says, ok nowhere
$ echo 'fail exec /usr/bin/tee -a heard' >c; echo 'warn exec /usr/bin/tee -a warned' >>c
$ wh-alert --config c --spool s --stats st; echo $?; cat heard; echo; cat warned; ls s; jq -c '[.in,.used,.dropped,.delivered]' st
< {"event":"a","severity":"ok"}
< {"event":"b","severity":"fail","v":1.10}
< {"event":"c","severity":"warn"}
> 0
> {"event":"b","severity":"fail","v":1.10}
>
> {"event":"c","severity":"warn"}
> [3,2,1,2]

# * is both
$ echo '* exec /usr/bin/tee -a heard' >c
$ wh-alert --config c --spool s; wc -l <heard
< {"severity":"warn"}
< {"severity":"fail"}
> 2

# an escaped name of a member, a severity of another type
$ echo 'fail exec /bin/true' >c; wh-alert --config c --spool s --reject r; jq -c '[.line,.reason]' r
< {"severity":1}
< {"severity":null}
< {"severity":["fail"]}
< {}
> [1,"severity: not ok, warn or fail"]
> [2,"severity: not ok, warn or fail"]
> [3,"severity: not ok, warn or fail"]
> [4,"severity: not ok, warn or fail"]

# what waits is delivered by a call without events
$ echo 'fail exec /bin/false' >c; echo '{"severity":"fail"}' | wh-alert --config c --spool s --tries 1; echo $?
$ echo 'fail exec /bin/true' >c; wh-alert --config c --spool s </dev/null; echo $?; ls s
> 75
> 0
! wh-alert: exec /bin/false: ended with 1: it waits
! wh-alert: 1 events wait to be delivered

# where do events wait
$ echo 'fail exec /bin/true' >c; wh-alert --config c </dev/null 2>&1 | head -n 1
> wh-alert: where do events wait? --spool or PIPEHOUSE_ROOT

# the state directory is the place; nobody else may look into it
$ echo 'fail exec /bin/false' >c; export PIPEHOUSE_STATE=$PWD/st
$ echo '{"severity":"fail"}' | wh-alert --config c --tries 1 2>/dev/null; ls st/alert | wc -l; stat -c %a st/alert st/alert/*
> 1
> 700
> 600

# no configuration, none that is there
$ wh-alert </dev/null 2>&1 | head -n 1; wh-alert --config none --spool s </dev/null
> wh-alert: --config is needed
! wh-alert: none: No such file or directory
? 4

# a line that is none
$ printf 'fail exec /bin/true\nfail\n' >c; wh-alert --config c --spool s </dev/null
! wh-alert: c:2: not SEVERITY KIND ...
? 2

# a replay in an overlay calls nobody
$ echo 'fail exec /usr/bin/tee -a heard' >c; PIPEHOUSE_OVERLAY=$PWD/o wh-alert --config c --spool s; echo $?; ls
< {"severity":"fail"}
> 2
> c
! wh-alert: PIPEHOUSE_OVERLAY is set: nothing leaves the overlay
