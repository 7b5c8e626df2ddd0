# dag-run: --from-node runs a node and all below it; what they do not stand on is left alone
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\techo a >>ran\nb: a\n\techo b >>ran\nc: b\n\techo c >>ran\nd: a\n\techo d >>ran\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null; rm ran; dag-run t.dag --date 2026-11-20 --from-node b -n | sed 's/(run.*/(run R)/'; dag-run t.dag --date 2026-11-20 --from-node b | json-map --keep name,severity; cat ran
> 2026-11-20  a                        skip  not asked for (--from-node b)
> 2026-11-20  b                        run   asked for; done before (run R)
> 2026-11-20  c                        run   asked for; done before (run R)
> 2026-11-20  d                        skip  not asked for (--from-node b)
> {"name":"b","severity":"ok"}
> {"name":"c","severity":"ok"}
> b
> c

# dag-run: --downstream runs what stands below a node, not the node
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\techo a >>ran\nb: a\n\techo b >>ran\nc: b\n\techo c >>ran\nd: a\n\techo d >>ran\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null; rm ran; dag-run t.dag --date 2026-11-20 --downstream a | json-map --keep name; sort ran
> {"name":"b"}
> {"name":"c"}
> {"name":"d"}
> b
> c
> d

# dag-run: … but when the node is not done, nothing below it could be: it runs too
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\t[ -e ok ] || exit 3\nb: a\n\ttrue\nc:\n\ttrue\n' >t.dag
$ dag-run t.dag --date 2026-11-20 2>/dev/null >/dev/null; touch ok; dag-run t.dag --date 2026-11-20 --downstream a -n | sed 's/(run[^)]*)/(run R)/'; dag-run t.dag --date 2026-11-20 --downstream a | json-map --keep name,severity
> 2026-11-20  a                        run   ended with 3 (run R), and what stands below it waits for it
> 2026-11-20  b                        run   never run on this day
> 2026-11-20  c                        skip  not asked for (--downstream a)
> {"name":"a","severity":"ok"}
> {"name":"b","severity":"ok"}

# dag-run: what a node waits for and nobody asked for must have been done before
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\ttrue\nb:\n\ttrue\nc: a b\n\ttrue\n' >t.dag
$ dag-run t.dag --date 2026-11-20 --from-node b | json-map --keep name,severity,text | sed 's/ in [0-9.]* s//'; dag-run t.dag --date 2026-11-20 --from-node b >/dev/null; echo $?
> {"name":"c","severity":"fail","text":"not run: a was never run"}
> {"name":"b","severity":"ok","text":"done"}
> 1

# dag-run: one of --only, --from-node, --downstream and --log; of a node that is there
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh; printf 'a:\n\ttrue\n' >t.dag
$ t() { dag-run t.dag --date 2026-11-20 "$@" 2>&1 | head -n 1; }
$ t --only a --from-node a; t --downstream a --log a; t --from-node x; t --log x; t --log a
> dag-run: --only and --from-node exclude each other
> dag-run: --downstream and --log exclude each other
> dag-run: --from-node: 'x' is no node of t.dag
> dag-run: --log: 'x' is no node of t.dag
> dag-run: a of 2026-11-20 has no log: it was never run

# dag-run: --log prints the last call of a node, all its attempts, and runs nothing
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a: retries=1 delay=10ms\n\techo try >>n; echo call $(cat call), try $(wc -l <n); [ $(wc -l <n) -ge 2 ] || exit 75\n' >t.dag
$ echo 1 >call; dag-run t.dag --date 2026-11-20 >/dev/null; echo 2 >call; rm n; dag-run t.dag --date 2026-11-20 >/dev/null
$ dag-run t.dag --date 2026-11-20 --log a | sed 's/run 20.*/run R/; s/after .* s/after T s/'; wc -l <n; dag-run t.dag --date 2026-11-21 --log a
> ==== 2026-11-20 a, attempt 1, run R
> call 2, try 1
> ==== ended with 75 after T s
> ==== 2026-11-20 a, attempt 2, run R
> call 2, try 2
> ==== ended with 0 after T s
> 2
! dag-run: a of 2026-11-21 has no log: it was never run
? 1

# dag-run: two nodes of a day may be run alone at once; one of them not twice, and not beside the whole day
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\ttouch up; while [ ! -e go ]; do sleep 0.01; done\nb:\n\ttrue\n' >t.dag
$ dag-run t.dag --date 2026-11-20 --only a >/dev/null 2>&1 & while [ ! -e up ]; do sleep 0.01; done
$ dag-run t.dag --date 2026-11-20 --only b | json-map --keep name,severity
$ dag-run t.dag --date 2026-11-20 --only a 2>err; echo $?; sed 's/pid [0-9]*/pid N/' err; dag-run t.dag --date 2026-11-20; echo $?; touch go; wait
> {"name":"b","severity":"ok"}
> 75
> dag-run: t of 2026-11-20 is being run by pid N
> 75
! dag-run: t of 2026-11-20 is being run, node by node

# dag-run: with --keep-going a failed day does not stop the days after it
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'z: z@-1\n\t[ $DT != 2026-11-21 ] || exit 3\na:\n\techo $DT >>ran\n' >t.dag
$ dag-run t.dag --from 2026-11-20 --to 2026-11-22 --keep-going 2>/dev/null | json-map --keep dt,name,severity; cat ran
> {"dt":"2026-11-20","name":"z","severity":"ok"}
> {"dt":"2026-11-20","name":"a","severity":"ok"}
> {"dt":"2026-11-21","name":"z","severity":"fail"}
> {"dt":"2026-11-22","name":"z","severity":"fail"}
> {"dt":"2026-11-21","name":"a","severity":"ok"}
> {"dt":"2026-11-22","name":"a","severity":"ok"}
> 2026-11-20
> 2026-11-21
> 2026-11-22

# dag-run: a day that was rolled back is made again, by --resume and by --downstream; one that has an older state is not
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh; echo '{"v":1}' >in
$ printf 'a:\n\tjson-map --all in | wh-put d.a dt=$DT\nb: a\n\twh-cat d.a@$DT | wh-put d.b dt=$DT\n' >t.dag
$ dag-run t.dag --date 2026-11-20 >/dev/null; wh-rollback d.a dt=2026-11-20 >/dev/null; dag-run t.dag --date 2026-11-20 --downstream a -n | sed 's/ of run.*//'; dag-run t.dag --date 2026-11-20 --resume -n | sed 's/after run.*//'
$ echo '{"v":2}' >in; dag-run t.dag --date 2026-11-20 --downstream a >/dev/null; wh-cat d.b@2026-11-20
$ echo '{"v":3}' >in; dag-run t.dag --date 2026-11-20 >/dev/null; wh-cat d.b@2026-11-20; wh-rollback d.a dt=2026-11-20 >/dev/null; dag-run t.dag --date 2026-11-20 --downstream a | json-map --keep name; wh-cat d.b@2026-11-20
> 2026-11-20  a                        run   d.a@2026-11-20 was rolled back, and what stands below it waits for it
> 2026-11-20  b                        run   d.a@2026-11-20 differs: commit 3, then 2
> 2026-11-20  a                        run   d.a@2026-11-20 was rolled back 
> 2026-11-20  b                        run   a runs
> {"v":2}
> {"v":3}
> {"name":"b"}
> {"v":2}
