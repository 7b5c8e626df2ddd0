# dag-run: nodes run in the order they wait for each other, whatever the file says
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'c: b\n\techo c >>order\nb: a\n\techo b >>order\na:\n\techo a >>order\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null && cat order
> a
> b
> c

# dag-run: DT is the day, the directory is the dag's
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir -p wh dags
$ printf 'a:\n\techo "$DT" >>days\n' >dags/t.dag
$ dag-run dags/t.dag --from 2026-02-27 --to 2026-03-01 >/dev/null && cat dags/days
> 2026-02-27
> 2026-02-28
> 2026-03-01

# dag-run: after a failure nothing new starts; what stands below it is named
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\texit 3\nb: a\n\techo b >>ran\nc:\n\techo c >>ran\n' >t.dag
$ dag-run t.dag --date 2026-11-20 2>/dev/null >ev; echo $?; json-map --keep name,severity,value ev; ls ran 2>&1; true
> 1
> {"name":"a","severity":"fail","value":3}
> {"name":"b","severity":"fail","value":1}
> ls: cannot access 'ran': No such file or directory

# dag-run: --keep-going runs what does not stand below the failure
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\texit 3\nb: a\n\techo b >>ran\nc:\n\techo c >>ran\n' >t.dag
$ dag-run t.dag --date 2026-11-20 --keep-going 2>/dev/null >ev; echo $?; json-map --keep name,severity,value ev; cat ran
> 1
> {"name":"a","severity":"fail","value":3}
> {"name":"b","severity":"fail","value":1}
> {"name":"c","severity":"ok","value":0}
> c

# dag-run: only 75 is retried, and only as often as asked
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a: retries=2 delay=10ms\n\techo x >>tries; [ $(wc -l <tries) -ge 3 ] || exit 75\nb: retries=2 delay=10ms\n\techo y >>other; exit 4\n' >t.dag
$ dag-run t.dag --date 2026-11-20 --keep-going 2>/dev/null >ev; echo $?; json-map --keep name,value ev; cat tries other
> 1
> {"name":"b","value":4}
> {"name":"a","value":0}
> x
> x
> x
> y

# dag-run: ends with 75 when all failures were temporary
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a: retries=1 delay=10ms\n\texit 75\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null 2>&1
? 75

# dag-run: a node over its time is ended with all it started
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a: timeout=200ms\n\t(sleep 60; echo late >>ran) & sleep 60 | cat\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >ev 2>/dev/null; echo $?; json-map --keep name,severity ev; ls ran 2>&1; true
> 1
> {"name":"a","severity":"fail"}
> ls: cannot access 'ran': No such file or directory

# dag-run: a day is run by one at a time
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\ttouch up; while [ ! -e go ]; do sleep 0.01; done\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null 2>&1 & while [ ! -e up ]; do sleep 0.01; done
$ dag-run t.dag --date 2026-11-20 2>err; echo $?; sed 's/pid [0-9]*/pid N/' err; touch go; wait
> 75
> dag-run: t of 2026-11-20 is being run by pid N

# dag-run: --resume skips what is done, and runs what changed and what stands below it
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\techo a >>ran\nb: a\n\tsh b.sh\nc: b\n\techo c >>ran\nd:\n\techo d >>ran\n' >t.dag; echo 'echo b >>ran' >b.sh
$ dag-run t.dag --date 2026-11-20 >/dev/null; dag-run t.dag --date 2026-11-20 --resume; tr -d '\n' <ran; echo
$ echo 'echo B >>ran' >b.sh; dag-run t.dag --date 2026-11-20 --resume -n | sed 's/(run.*//; s/run 2026.*/run R/'; dag-run t.dag --date 2026-11-20 --resume >/dev/null; tr -d '\n' <ran; echo
> abcd
> 2026-11-20  a                        skip  done 
> 2026-11-20  b                        run   its text changed since run R
> 2026-11-20  c                        run   b runs
> 2026-11-20  d                        skip  done 
> abcdBc

# dag-run: NODE@-1 waits for the day before, in the range and outside it
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'z: z@-1\n\techo $DT >>ran; [ $DT != 2026-11-21 ] || [ -e ok ] || exit 3\n' >t.dag
$ dag-run t.dag --from 2026-11-20 --to 2026-11-22 -j 3 2>/dev/null | json-map --keep dt,severity,text | sed 's/ in [0-9.]* s//; s/ after [0-9.]* s//'
$ dag-run t.dag --date 2026-11-22 2>/dev/null | json-map --keep text; touch ok
$ dag-run t.dag --from 2026-11-21 --to 2026-11-22 -j 3 | json-map --keep dt,severity; cat ran
> {"dt":"2026-11-20","severity":"ok","text":"done"}
> {"dt":"2026-11-21","severity":"fail","text":"ended with 3"}
> {"dt":"2026-11-22","severity":"fail","text":"not run: z@-1 failed"}
> {"text":"not run: z of 2026-11-21 failed"}
> {"dt":"2026-11-21","severity":"ok"}
> {"dt":"2026-11-22","severity":"ok"}
> 2026-11-20
> 2026-11-21
> 2026-11-21
> 2026-11-22

# dag-run: --only runs one node, whatever it waits for
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\texit 1\nb: a\n\techo b\n' >t.dag
$ dag-run t.dag --date 2026-11-20 --only b | json-map --keep name,severity
> {"name":"b","severity":"ok"}

# dag-run: what a node prints is in its log
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\techo out; echo err >&2\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null; grep -v ==== wh/main/_state/dag/t/2026-11-20/a.log
> out
> err

# dag-run: an unknown node, a circle, a name twice, an empty node, a wrong setting
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ t() { printf "$1" >t.dag; dag-run t.dag --date 2026-11-20; echo $?; }
$ t 'a: b\n\ttrue\n'; t 'a: b\n\ttrue\nb: a\n\ttrue\n'; t 'a:\n\ttrue\na:\n\ttrue\n'; t 'a:\n'; t 'a: x=1\n\ttrue\n'; t 'a: timeout=1d\n\ttrue\n'; t 'a\n\ttrue\n'; t 'a: a@-1\n\ttrue\n' | tail -n 1
> 2
> 2
> 2
> 2
> 2
> 2
> 2
> 0
! dag-run: t.dag:1: a waits for 'b', which is no node of this file
! dag-run: t.dag:1: a waits for itself, round a circle of nodes
! dag-run: t.dag:3: the node 'a' stands twice
! dag-run: t.dag:1: the node 'a' has no shell lines
! dag-run: t.dag:1: x=1: unknown setting (retries, delay, timeout)
! dag-run: t.dag:1: timeout=1d: an exact duration is needed (30s, 5m, 2h)
! dag-run: t.dag:1: expected 'NAME: …', found 'a'

# dag-run: there is no default day, and no default warehouse
$ echo 'a:' >t.dag; PIPEHOUSE_ROOT=$PWD dag-run t.dag 2>&1 | head -n 1; dag-run t.dag --date 2026-02-30 2>&1 | head -n 1; PIPEHOUSE_ROOT=$PWD dag-run t.dag --date 2026-02-30 2>&1 | head -n 1
> dag-run: give --date D, or --from D and --to D
> dag-run: PIPEHOUSE_ROOT is not set
> dag-run: --date: '2026-02-30': no such date

# dag-run: the event of a failure has the last message of the last attempt, whatever bytes it is of
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ { printf 'a:\n\techo { | json-map x=y\nb:\n\techo "foo: b"; printf "foo: \\377\\n"; nosuch\n'
$   printf 'c: retries=1 delay=1ms\n\t[ -e x ] || { touch x; echo "foo: first"; exit 75; }; echo hi; exit 3\n'; } >t.dag
$ dag-run t.dag --date 2026-11-20 --keep-going 2>/dev/null | sed 's/ after [0-9.]* s//' | json-map --keep text
> {"text":"ended with 3, saying \"json-map: <stdin>:1: the line ends inside an object\""}
> {"text":"ended with 4, saying \"bash: line 1: nosuch: command not found\""}
> {"text":"ended with 3"}
$ printf 'a:\n\tprintf "foo: \\377\\n"; exit 3\n' >u.dag; dag-run u.dag --date 2026-11-20 2>/dev/null | sed 's/ after [0-9.]* s//' | json-map --keep text
> {"text":"ended with 3, saying \"foo: \\xff\""}

# dag-run: who reads its events may end: the night goes on, and says so
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh; printf 'a:\n\tsleep 1; echo a >>ran\nb: a\n\techo b >>ran\nc: b\n\techo c >>ran\n' >t.dag
$ (dag-run t.dag --date 2026-11-20; echo $? >status) | true; cat ran status
$ (dag-run t.dag --date 2026-11-20; echo $? >status) >/dev/full; cat ran status
> a
> b
> c
> 4
> a
> b
> c
> a
> b
> c
> 4
! dag-run: nobody reads its events any more: the nodes go on
! dag-run: stdout: No space left on device
! dag-run: nobody reads its events any more: the nodes go on

# dag-run: half an event that a killed check left does not keep the failure from who is to be told
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\techo \047{"event":"dq.check","severity":"warn","name":"x"}\047 >>"$PIPEHOUSE_RUN/events.ndjson"\n\tprintf \047{"event":"dq.check","sev\047 >>"$PIPEHOUSE_RUN/events.ndjson"; exit 3\n' >t.dag
$ dag-run t.dag --date 2026-11-20 2>err | json-map --keep event,severity; grep "left out" err
> {"event":"dq.check","severity":"warn"}
> {"event":"dag.node","severity":"fail"}
> dag-run: a of 2026-11-20: an event of a check is no record: it is left out
