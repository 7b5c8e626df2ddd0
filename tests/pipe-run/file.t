# pipe-run: what it wants
$ pipe-run; pipe-run x; pipe-run x go; pipe-run x run run; true
! pipe-run: which pipeline? a FILE is needed
! usage: pipe-run FILE start|stop|status|run [--json] [--sync disk|process]
! pipe-run: start, stop, status or run?
! usage: pipe-run FILE start|stop|status|run [--json] [--sync disk|process]
! pipe-run: start, stop, status or run?
! usage: pipe-run FILE start|stop|status|run [--json] [--sync disk|process]
! ...

# pipe-run: --sync takes its two words and no other
$ for w in file '' Disk disk,process; do pipe-run x run --sync "$w" 2>&1 | head -n 1; pipe-run x run --sync "$w" 2>/dev/null; echo $?; done
$ pipe-run none status --sync disk 2>&1 | head -n 1; pipe-run none run --sync process
> pipe-run: --sync: 'file' is none of disk, process
> 2
> pipe-run: --sync: '' is none of disk, process
> 2
> pipe-run: --sync: 'Disk' is none of disk, process
> 2
> pipe-run: --sync: 'disk,process' is none of disk, process
> 2
> pipe-run: --sync goes with start and run
! pipe-run: none: No such file or directory
? 4

# pipe-run: a file that is not there; one without a pipeline, with two, without shell, without a sink
$ export PIPEHOUSE_STATE=$PWD/s
$ t() { printf "$1" >p; pipe-run p status 2>&1; echo "$?"; }
$ pipe-run none status 2>/dev/null; echo $?; t ''; t 'a:\n\tx --job j\nb:\n\ty --job k\n'; t 'a:\n'; t 'a:\n\tcat\n'; t 'a b:\n\tx --job j\n'; t '.a:\n\tx --job j\n'
> 4
> pipe-run: p: one pipeline a file, `NAME: …` over lines of shell; here are 0
> 2
> pipe-run: p: one pipeline a file, `NAME: …` over lines of shell; here are 2
> 2
> pipe-run: p:1: the pipeline 'a' has no shell lines
> 2
> pipe-run: p:1: a has no sink: nothing in it has --job, and there is no sinks=
> 2
> pipe-run: p:1: expected 'NAME: …', found 'a'
> 2
> pipe-run: p:1: '.a' is no pipeline name ([A-Za-z0-9_.-], at most 60)
> 2

# pipe-run: settings
$ export PIPEHOUSE_STATE=$PWD/s
$ t() { printf 'a: %s\n\tx --job j\n' "$1" >p; pipe-run p status 2>&1; echo "$?"; }
$ t restart=0s; t restart=1d; t stalled; t foo=1; t log-size=x; t log-keep=1001; t sinks=; t sinks=a,,b; t sync=none; t 'sync=disk restart=1s restart-max=2s stalled=1h stop=5m log-size=1K log-keep=0 sinks=a,b'
> pipe-run: p:1: restart=0s: an exact duration is needed (30s, 5m, 2h)
> 2
> pipe-run: p:1: restart=1d: an exact duration is needed (30s, 5m, 2h)
> 2
> pipe-run: p:1: stalled: unknown setting (sinks, restart, restart-max, stalled, stop, log-size, log-keep, sync)
> 2
> pipe-run: p:1: foo=1: unknown setting (sinks, restart, restart-max, stalled, stop, log-size, log-keep, sync)
> 2
> pipe-run: p:1: log-size=x: a size is needed (10M)
> 2
> pipe-run: p:1: log-keep=1001: a number up to 1000 is needed
> 2
> pipe-run: p:1: sinks=: names are needed
> 2
> pipe-run: p:1: sinks=a,,b: names are needed, with commas between them
> 2
> pipe-run: p:1: sync=none: disk or process
> 2
> a was never started
> 1

# pipe-run: a sink whose name only the shell knows must be named
$ export PIPEHOUSE_STATE=$PWD/s; printf 'a:\n\tx --job "$J"\n' >p; pipe-run p status
! pipe-run: p:1: the sink behind --job is no plain name: name it by sinks=
? 2

# pipe-run: without a place for its state
$ printf 'a:\n\tx --job j\n' >p; pipe-run p status
! pipe-run: PIPEHOUSE_STATE or PIPEHOUSE_ROOT says where a job's state lies
? 2

# pipe-run: neither in a run nor in a job
$ export PIPEHOUSE_STATE=$PWD/s; printf 'a:\n\tx --job j\n' >p; mkdir -p r/flow
$ PIPEHOUSE_RUN=$PWD/r pipe-run p status 2>&1 | head -n 1; PIPEHOUSE_JOB=$PWD/r PIPEHOUSE_JOB_RUN=1 pipe-run p status 2>&1 | head -n 1
> pipe-run: a job stands neither in a run nor in a job
> pipe-run: a job stands neither in a run nor in a job

# pipe-run: a job keeps its sinks
$ export PIPEHOUSE_STATE=$PWD/s; printf 'a: sinks=x\n\ttrue\n' >p; pipe-run p run >/dev/null 2>&1; printf 'a: sinks=y\n\ttrue\n' >p; pipe-run p run 2>&1 | sed 's/: a changed.*//'
> pipe-run: a: the job had other sinks before

# pipe-run: status of what was never started
$ export PIPEHOUSE_STATE=$PWD/s; printf 'a:\n\tx --job j\n' >p; pipe-run p status --json | json-map --keep pipeline,up,run; pipe-run p stop
> {"pipeline":"a","up":false,"run":0}
! pipe-run: a does not run

# pipe-run: the shell runs where the file is, with the job, its run and the tables to be pinned in its environment
$ export PIPEHOUSE_STATE=s; mkdir d
$ cat >d/p <<'X'
$ a: sinks=x
$ 	# wh:no.comment --job no
$ 	pwd | sed 's|.*/||' >out
$ 	echo "$PIPEHOUSE_PINS; ${PIPEHOUSE_JOB##*/} $PIPEHOUSE_JOB_RUN" >>out
$ 	true 'dimjoin wh:dim.sku@last' wh:dim.user -d=wh:dim.sku 'ref(a,wh:dim.shop,b)' xwh:not.this
$ X
$ pipe-run d/p run >/dev/null 2>&1; pipe-run d/p run >/dev/null 2>&1; cat d/out; ls s
> d
> dim.sku dim.user dim.shop; a 2
> a

# pipe-run: what an epoch outlives: as the file says, or the option
$ export PIPEHOUSE_STATE=$PWD/s
$ for set in '' sync=process sync=disk; do printf 'a: sinks=x %s\n\techo "$PIPEHOUSE_SYNC" >>out\n' "$set" >p; pipe-run p run >/dev/null 2>&1; done
$ pipe-run p run --sync=process >/dev/null 2>&1; cat out; pipe-run p stop --sync disk 2>&1 | head -n 1
> disk
> process
> disk
> process
> pipe-run: --sync goes with start and run

# pipe-run: the event of a failure has the stage's own words, in the foreground too
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh; echo '{"id":1,"day":"2026-11-20"}' >in
$ printf 'a:\n\tingest --barriers 100ms -f in --until end | dedup -k nokey | wh-put ods.a --partition-by day --job a\n' >p
$ pipe-run p run 2>err | json-map --keep value,text; grep '^dedup' err
> {"value":3,"text":"dedup ended with 3, saying \"<stdin>:2: null key\", which another start does not mend"}
> dedup: <stdin>:2: null key
