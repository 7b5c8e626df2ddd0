# the same records through each pipe; lines are merged whole
$ seq 30000 | awk '{ printf "{\"id\":%d,\"x\":\"%0*d\"}\n", $1, $1 % 500, 0 }' >in; fan-out cat 'sort -r' 'json-map --keep id' <in | sort >a; (cat in in; json-map --keep id in) | sort | cmp - a && echo whole
$ fan-out --ordered 'json-map --keep id' 'wc -l' 'head -1' 'grep -c 99' -- in | tail -3 >a; head -2 a; tail -1 a | grep -qx "$(grep -c 99 in)" && echo equal
> whole
> 30000
> {"id":1,"x":"0"}
> equal

# the worst status of all pipes, and of each in a pipe; who wants no more does not end the others
$ echo '{"id":1}' >in; fan-out cat 'false' <in; echo $?; fan-out 'exit 3' cat 'exit 1' <in | sort; fan-out 'cat | sh -c "cat; exit 75" | cat' <in; echo $?; seq 100000 | sed 's/.*/{"id":&}/' | fan-out 'head -1 >/dev/null || :' 'wc -l'
> {"id":1}
> 1
> {"id":1}
> 75
> 100000

# a pipe that is killed ends all
$ yes '{"id":1}' | fan-out 'cat >/dev/null' 'head -c 100000 >/dev/null; kill -9 $$'; echo $?
> 4
! fan-out: pipe 2 of 2: killed by signal 9 (Killed)

# misuse
$ fan-out 2>&1 | head -1
> fan-out: one PIPE is required, at most 1024
