# wh-run: all tables of a pipe, or none
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1}\n{"id":2}\n' >in
$ wh-run 'cat in | tee >(wh-put a.x dt=2026-11-20) >(json-map -w "id = 2" | wh-put a.y dt=2026-11-20) | wh-put a.z dt=2026-11-20'
$ for t in x y z; do wh-cat a.$t | wc -l; done; ls wh/main/_run/done | wc -l; ls wh/main/_run
> 2
> 1
> 2
> 1
> done

# wh-run: a failure behind >( ) fails all, though bash does not know it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1}\n{"id":2}\n' >in
$ wh-run 'cat in | tee >(json-map -w "id / 1 = '"'x'"'" | wh-put a.x dt=2026-11-20) | wh-put a.z dt=2026-11-20' 2>/dev/null; echo $?
$ wh-ls; find wh -name '*.pz'
> 3

# wh-run: false at the end drops what was staged, and its files
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' >in; wh-run 'wh-put a.x dt=2026-11-20 in; false'; echo $?; wh-ls; find wh -name '*.pz'; ls wh/main/_run
> 1
> failed

# wh-run: a process of the pipe that is killed fails it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-run '(echo "{\"id\":1}"; sh -c "kill -9 \$\$") | wh-put a.x dt=2026-11-20' 2>/dev/null; echo $?; wh-ls
> 4

# wh-run: a filter that is killed in the middle fails it, pipefail or not
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-run 'set +o pipefail +e; (echo "{\"id\":1}"; sleep 1; echo "{\"id\":2}") | (json-map --all & p=$!; sleep 0.3; kill -9 $p) | wh-put a.x dt=2026-11-20; true' 2>/dev/null; echo $?; wh-ls
> 4

# wh-run: records lost between two of our tools are found
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1}\n{"id":2}\n' >in
$ wh-run 'mkfifo p; json-map --all in >p & { IFS= read -r l; wh-put a.x dt=2026-11-20; } <p; wait' ; wh-ls
! wh-run: json-map wrote 2 records, wh-put read 1

# wh-run: a foreign tool may stand in the pipe
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":2}\n{"id":1}\n' >in
$ wh-run 'json-map --all in | sort | wh-put a.x dt=2026-11-20' && wh-cat a.x
> {"id":1}
> {"id":2}

# wh-run: the statuses of the table pass, others become 4
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ for s in 0 1 2 3 4 5 75 6 77 127 255; do wh-run "exit $s"; printf '%s ' $?; done; echo
> 0 1 2 3 4 5 75 4 4 4 4 

# wh-run: -e, -u and pipefail hold
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ wh-run 'false; echo no'; wh-run 'echo $NOT_SET' 2>/dev/null; wh-run 'false | true'; echo $?
> 1

# wh-run: a table written twice in one run is refused
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' >in; wh-run 'wh-put a.x dt=2026-11-20 in; wh-put a.x dt=2026-11-20 in'; echo $?; wh-ls
> 2
! wh-run: a.x@2026-11-20 is written twice in one run

# wh-run: two appends of one run both get in
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1,"d":"2026-11-20"}' >in; wh-run 'wh-put a.x --partition-by d in; wh-put a.x --partition-by d in' && wh-cat a.x | wc -l
> 2

# wh-run: a day replaced by another meanwhile is 75, and nothing of the run gets in
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' >in; wh-put a.x dt=2026-11-20 <in
$ wh-run 'wh-put a.y dt=2026-11-20 in; echo "{\"id\":2}" | wh-put a.x dt=2026-11-20; echo "{\"id\":3}" | env -u PIPEHOUSE_RUN wh-put a.x dt=2026-11-20'
$ echo $?; wh-cat a.x; wh-ls | json-map --keep table
> 75
> {"id":3}
> {"table":"a.x"}
! wh-run: a.x@2026-11-20: commit 3 changed it meanwhile

# wh-run: what it reads does not see what it writes
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"n":1}' | wh-put a.x dt=2026-11-20
$ wh-run 'wh-cat a.x@2026-11-20 | json-map "n=n + 1" | wh-put a.x dt=2026-11-20'; wh-cat a.x
> {"n":2}

# wh-run: the record says who read and wrote what, and the commit its inputs
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"n":1}' | wh-put a.x dt=2026-11-20
$ wh-run 'wh-cat a.x@2026-11-20 | wh-put a.y dt=2026-11-20'
$ json-map --keep kind,inputs wh/main/_run/done/*/run.json; json-split -e tools wh/main/_run/done/*/run.json | json-map tool=tools.tool in=tools.in out=tools.out used=tools.used | sort
$ json-map --keep inputs,counts wh/main/a/y/_log/00000000000000000002.json
> {"kind":"publish","inputs":{"a.x":2}}
> {"tool":"wh-cat","in":0,"out":1,"used":0}
> {"tool":"wh-put","in":1,"out":0,"used":1}
> {"inputs":{"a.x":2},"counts":{"in":1,"used":1,"rejected":0}}

# wh-run: the runs of killed runners are dropped by the next
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' >in
$ wh-run 'wh-put a.x dt=2026-11-20 in; touch staged; sleep 20' & p=$!; while ! [ -e staged ]; do sleep 0.05; done; kill -9 $p; wait $p 2>/dev/null
$ find wh -name '*.pz' | wc -l; wh-run true; find wh -name '*.pz' | wc -l; ls wh/main/_run/failed | wc -l; wh-ls
> 1
> 0
> 1

# wh-run: SIGTERM stops the pipe and drops the run
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-run 'touch up; sleep 20 | cat' & p=$!; while ! [ -e up ]; do sleep 0.05; done; kill $p; wait $p; echo $?; ls wh/main/_run
> 4
> failed

# wh-run: no run in a run
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ wh-run "wh-run true" 2>&1 | head -n 1
> wh-run: a run does not stand in a run
