# ingest: --barriers is for a job that pipe-run starts, and to the standard output
$ : >a.log; ingest -f a.log --barriers 1s; echo $?
$ mkdir -p j/plan; echo 0123456789abcdef0123456789abcdef >j/nonce; echo a >j/sinks; echo 1 >j/run
$ export PIPEHOUSE_JOB=$PWD/j PIPEHOUSE_JOB_RUN=1 PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest "$@" 2>err; echo $? "$(head -n 1 err)"; }
$ i -f a.log; i -f a.log --barriers 1s -d ods.l; i --barriers 1s a.log; i -f a.log --barriers 1d; i -f a.log --barriers 1s -o x
$ i -f a.log --barriers 1s --every 1s; i -f a.log --barriers 1s --instance 0/2; i -f a.log --barriers 1s --late 1s
$ i -f a.log --barriers 1s --event-time t; i -f a.log --barriers 1s --event-time t --idle 1M; i -f a.log --barriers 1s --pin 'a b'
$ unset PIPEHOUSE_JOB; i -f a.log --until end --event-time t; i -b 127.0.0.1:1 -t t --instance 2/2
> 2
> 2 ingest: in a barrier job: --barriers
> 2 ingest: --barriers: from -b or -f to the standard output, without -d, --route, --every
> 2 ingest: --barriers: from -b or -f to the standard output, without -d, --route, --every
> 2 ingest: --barriers: an exact duration of 1ms or more
> 2 ingest: -o: in a barrier job the output is the next stage's input
> 2 ingest: --barriers: from -b or -f to the standard output, without -d, --route, --every
> 2 ingest: --instance: I/N with I from 0 to N - 1, with -b
> 2 ingest: --late, --idle and --max-future need --event-time
> 2 ingest: -f with --event-time needs --idle: a log that was rotated away is silent for ever
> 2 ingest: --idle takes an exact duration of 1ms or more, such as 30s
> 2 ingest: a table to pin, 'a b': a table is LAYER.TABLE
> 2 ingest: --event-time, --pin and --instance go with --barriers
> 2 ingest: --event-time, --pin and --instance go with --barriers
! ingest: --barriers: only in a job that pipe-run starts
! ...

# ingest: epochs of a log, as control lines say them; the clock apart
$ mkdir -p j/plan j/begun/1 j/begun/2; echo 0123456789abcdef0123456789abcdef >j/nonce; echo a >j/sinks; echo 0 >j/begun/1/a; echo 1 >j/begun/2/a
$ export PIPEHOUSE_JOB=$PWD/j PIPEHOUSE_JOB_RUN=1
$ i() { ingest -f '*.log' --until end --barriers 1ms --event-time t:ms --late 1s --idle 1h --reject bad | sed -E 's/"now":[0-9]+/"now":N/; s/file\/[0-9:]+/FILE/g; s/([0-9]+ [0-9]+) [0-9]+ [0-9a-f]+ [0-9a-f :]+/\1 .../g'; }
$ printf '{"t":1780000000000}\n{"x":1}\n{"t":1780000001500}\n' >a.log; i; i
$ printf '{"t":1780000000700}\n' >>a.log; PIPEHOUSE_JOB_RUN=2; i; unset PIPEHOUSE_JOB; json-map --keep line,reason bad
> {"$barrier":"0123456789abcdef0123456789abcdef","id":0,"run":1,"kind":"open","n":0,"now":N,"wm":null,"from":{},"to":{},"pins":{},"hops":[{"t":"ingest","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]}
> {"t":1780000000000}
> {"t":1780000001500}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":1,"run":1,"kind":"end","n":2,"now":N,"wm":1780000000500,"from":{},"to":{"FILE":["a.log","48 3 ..."]},"pins":{},"hops":[{"t":"ingest","in":3,"pass":2,"drop":0,"used":0,"rej":1,"made":0}]}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":0,"run":1,"kind":"open","n":0,"now":N,"wm":null,"from":{},"to":{},"pins":{},"hops":[{"t":"ingest","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]}
> {"t":1780000000000}
> {"t":1780000001500}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":1,"run":1,"kind":"mark","n":2,"now":N,"wm":1780000000500,"from":{},"to":{"FILE":["a.log","48 3 ..."]},"pins":{},"hops":[{"t":"ingest","in":3,"pass":2,"drop":0,"used":0,"rej":1,"made":0}]}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":2,"run":1,"kind":"end","n":0,"now":N,"wm":1780000000500,"from":{"FILE":["a.log","48 3 ..."]},"to":{"FILE":["a.log","48 3 ..."]},"pins":{},"hops":[{"t":"ingest","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":1,"run":2,"kind":"open","n":0,"now":N,"wm":1780000000500,"from":{},"to":{"FILE":["a.log","48 3 ..."]},"pins":{},"hops":[{"t":"ingest","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":2,"run":2,"kind":"mark","n":0,"now":N,"wm":1780000000500,"from":{"FILE":["a.log","48 3 ..."]},"to":{"FILE":["a.log","48 3 ..."]},"pins":{},"hops":[{"t":"ingest","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]}
> {"t":1780000000700}
> {"$barrier":"0123456789abcdef0123456789abcdef","id":3,"run":2,"kind":"end","n":1,"now":N,"wm":1780000000500,"from":{"FILE":["a.log","48 3 ..."]},"to":{"FILE":["a.log","68 4 ..."]},"pins":{},"hops":[{"t":"ingest","in":1,"pass":1,"drop":0,"used":0,"rej":0,"made":0}]}
> {"line":2,"reason":"no time: the value is null or absent"}

# ingest: a log that was cut is an error in a job too, until it is said to be a new one
$ mkdir -p j/plan j/begun/1 j/ack; echo 0123456789abcdef0123456789abcdef >j/nonce; echo a >j/sinks; echo 0 >j/begun/1/a
$ export PIPEHOUSE_JOB=$PWD/j PIPEHOUSE_JOB_RUN=1
$ i() { ingest -f a.log --until end --barriers 1ms "$@" >out; echo $?; grep -v barrier out; }
$ printf '{"n":1}\n{"n":2}\n' >a.log; i; echo 1 >j/begun/1/a; echo '{"n":3}' >a.log; i; i --cut new; echo 2 >j/begun/1/a; echo '{"n":4}' >>a.log; i
> 0
> {"n":1}
> {"n":2}
> 3
> 0
> {"n":3}
> 0
> {"n":4}
! ingest: a.log: it was cut: 16 bytes had been read that it does not hold any more; what came behind them is lost (rotate by renaming; --cut new reads it from its beginning)
! ingest: a.log: it was cut, and is read from its beginning: what had been written to it behind byte 16, if anything was, is lost

# ingest: a log that rotation has compressed beside its name is read, once, and before it
$ mkdir -p j/plan j/begun/1 j/ack; echo 0123456789abcdef0123456789abcdef >j/nonce; echo a >j/sinks; echo 0 >j/begun/1/a
$ export PIPEHOUSE_JOB=$PWD/j PIPEHOUSE_JOB_RUN=1
$ i() { ingest -f 'a.log*' --until end --barriers 1ms "$@" | grep -v barrier; }
$ echo '{"n":1}' | gzip >a.log.1.gz; echo '{"n":2}' >a.log; i; echo 1 >j/begun/1/a; echo '{"n":3}' >>a.log; i
> {"n":1}
> {"n":2}
> {"n":3}
