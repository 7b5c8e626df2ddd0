# dag-run: a day of a range reads what the day before it committed
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ cat >t.dag <<'X'
$ z: z@-1
$ 	{ wh-cat --missing-ok d.z@$(date -d "$DT - 1 day" +%F); printf '{"day":"%s"}\n' $DT; } | cat | wh-put d.z dt=$DT
$ X
$ dag-run t.dag --from 2026-11-20 --to 2026-11-22 -j 4 >/dev/null; wh-cat d.z@2026-11-22
> {"day":"2026-11-20"}
> {"day":"2026-11-21"}
> {"day":"2026-11-22"}

# dag-run: a day that is run again takes the cumulative nodes of the days after it along, as far as something changed
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh in; for d in 20 21 22 23; do echo "{\"d\":$d}" >in/2026-11-$d; done
$ cat >t.dag <<'X'
$ src:
$ 	json-map --all in/$DT | wh-put o.src dt=$DT
$ z: src z@-1
$ 	{ wh-cat --missing-ok d.z@$(date -d "$DT - 1 day" +%F); wh-cat o.src@$DT; } | cat | wh-put d.z dt=$DT
$ top: z
$ 	wh-cat d.z@$DT | wh-put d.top dt=$DT
$ X
$ dag-run t.dag --from 2026-11-20 --to 2026-11-23 >/dev/null; echo '{"d":21.5}' >in/2026-11-21
$ dag-run t.dag --date 2026-11-21 -n | sed 's/(run.*/(run R)/'; dag-run t.dag --date 2026-11-21 | json-map --keep dt,name,text | sed 's/ in [0-9.]* s//'
$ echo; wh-cat d.z@2026-11-23; wh-cat d.top@2026-11-23 | wc -l
$ echo again; dag-run t.dag --date 2026-11-21 | json-map --keep dt,name,text | sed 's/ in [0-9.]* s//'
$ echo alone; echo '{"d":20.5}' >in/2026-11-20; dag-run t.dag --date 2026-11-20 --only src >/dev/null; dag-run t.dag --date 2026-11-20 --only z | json-map --keep dt,name; wh-cat d.z@2026-11-23 | head -n 1
> 2026-11-21  src                      run   asked for; done before (run R)
> 2026-11-21  z                        run   asked for; done before (run R)
> 2026-11-21  top                      run   asked for; done before (run R)
> 2026-11-22  z                        run   z@-1 runs; only if what it reads becomes another
> 2026-11-23  z                        run   z@-1 runs; only if what it reads becomes another
> {"dt":"2026-11-21","name":"src","text":"done"}
> {"dt":"2026-11-21","name":"z","text":"done"}
> {"dt":"2026-11-21","name":"top","text":"done"}
> {"dt":"2026-11-22","name":"z","text":"done"}
> {"dt":"2026-11-23","name":"z","text":"done"}
> 
> {"d":20}
> {"d":21.5}
> {"d":22}
> {"d":23}
> 4
> again
> {"dt":"2026-11-21","name":"src","text":"done"}
> {"dt":"2026-11-21","name":"z","text":"done"}
> {"dt":"2026-11-21","name":"top","text":"done"}
> {"dt":"2026-11-22","name":"z","text":"not needed: it reads what it read before"}
> {"dt":"2026-11-23","name":"z","text":"not needed: it reads what it read before"}
> alone
> {"dt":"2026-11-20","name":"z"}
> {"dt":"2026-11-21","name":"z"}
> {"dt":"2026-11-22","name":"z"}
> {"dt":"2026-11-23","name":"z"}
> {"d":20.5}

# dag-run: --resume catches up with later days that a kill left behind
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh; echo '{"v":1}' >in
$ cat >t.dag <<'X'
$ z: z@-1
$ 	[ $DT != 2026-11-22 ] || [ ! -e bad ] || exit 3; { wh-cat --missing-ok d.z@$(date -d "$DT - 1 day" +%F); [ $DT != 2026-11-20 ] || json-map --all in; } | cat | wh-put d.z dt=$DT
$ X
$ dag-run t.dag --from 2026-11-20 --to 2026-11-23 >/dev/null; echo '{"v":2}' >in; touch bad
$ dag-run t.dag --date 2026-11-20 2>/dev/null | json-map --keep dt,severity; rm bad; dag-run t.dag --date 2026-11-20 --resume -n | sed 's/(run.*/(run R)/; s/run 2.*/run R/'
$ dag-run t.dag --date 2026-11-20 --resume | json-map --keep dt,severity; wh-cat d.z@2026-11-23; dag-run t.dag --date 2026-11-20 --resume
> {"dt":"2026-11-20","severity":"ok"}
> {"dt":"2026-11-21","severity":"ok"}
> {"dt":"2026-11-22","severity":"fail"}
> {"dt":"2026-11-23","severity":"fail"}
> 2026-11-20  z                        skip  done (run R)
> 2026-11-22  z                        run   ended with 3 (run R)
> 2026-11-23  z                        run   z@-1 runs; only if what it reads becomes another
> {"dt":"2026-11-22","severity":"ok"}
> {"dt":"2026-11-23","severity":"ok"}
> {"v":2}

# dag-run: --resume runs again what reads other rows than it did, and -n says which
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh; echo '{"v":1}' >in
$ cat >t.dag <<'X'
$ src:
$ 	json-map --all in | wh-put o.src dt=$DT
$ week: src
$ 	wh-cat --missing-ok -n 7 o.src@$DT | wh-put d.week dt=$DT
$ other:
$ 	echo '{"x":1}' | wh-put o.other dt=$DT
$ X
$ dag-run t.dag --date 2026-11-20 >/dev/null; dag-run t.dag --date 2026-11-20 --resume -n | sed 's/(run.*/(run R)/'
$ echo '{"v":2}' >in; dag-run t.dag --date 2026-11-20 --only src >/dev/null; dag-run t.dag --date 2026-11-20 --resume -n | sed 's/(run.*/(run R)/; s/run 2.*/run R/'
$ dag-run t.dag --date 2026-11-20 --resume | json-map --keep name; wh-cat d.week@2026-11-20
$ echo; echo '{"v":0}' | wh-put o.src dt=2026-11-14; dag-run t.dag --date 2026-11-20 --resume -n --only week | sed -n 's/(run.*/(run R)/; s/run 2.*/run R/; 2p'; dag-run t.dag --date 2026-11-20 -n --only week | sed -n 's/(run.*/(run R)/; s/run 2.*/run R/; 2p'
> 2026-11-20  src                      skip  done (run R)
> 2026-11-20  week                     skip  done (run R)
> 2026-11-20  other                    skip  done (run R)
> 2026-11-20  src                      skip  done (run R)
> 2026-11-20  week                     run   o.src@2026-11-14..2026-11-20 differs: commit 3, then 2 of run R
> 2026-11-20  other                    skip  done (run R)
> {"name":"week"}
> {"v":2}
> 
> 2026-11-20  week                     skip  done (run R)
> 2026-11-20  week                     run   o.src@2026-11-14..2026-11-20 differs: commit 4, then 3 of run R

# dag-run: in an overlay everything goes there, what is known of the nodes too; a relative path means the same in the dag's directory
$ export PIPEHOUSE_ROOT=wh; mkdir wh dags; echo '{"v":1}' | wh-put o.src dt=2026-11-20
$ printf 'a:\n\twh-cat o.src@$DT | wh-put d.a dt=$DT; echo $PIPEHOUSE_STATE\n' >dags/t.dag
$ PIPEHOUSE_OVERLAY=try dag-run dags/t.dag --date 2026-11-20 | json-map --keep name,severity; PIPEHOUSE_OVERLAY=try wh-cat d.a@2026-11-20; wh-cat d.a@2026-11-20; echo $?; ls wh/main try | grep -v _view; [ "$(sed -n 2p try/_state/dag/t/2026-11-20/a.log)" = "$PWD/try/_state" ] && echo same
> {"name":"a","severity":"ok"}
> {"v":1}
> 1
> try:
> _run
> _state
> d
> 
> wh/main:
> o
> same
! wh-cat: d.a@2026-11-20: never committed

# dag-run: a node whose end nobody wrote down is known by its run: published, it is done and not run again
$ export PIPEHOUSE_ROOT=$PWD/wh; mkdir wh
$ printf 'a:\n\techo ran >>ran; echo "{}" | wh-put d.a dt=$DT\nb: a\n\twh-cat d.a@$DT | wh-put d.b dt=$DT\n' >t.dag
$ dag-run t.dag --date 2026-11-20 --only a >/dev/null; s=wh/main/_state/dag/t/2026-11-20; sed -i 's/"status":0,/"begun":true,/; s/"commits".*/"x":0}/' $s/a.json; echo 'd.a 0' >$s/pins
$ dag-run t.dag --date 2026-11-20 --resume -n | sed 's/(run.*//'; dag-run t.dag --date 2026-11-20 --resume | json-map --keep name,severity; cat ran; json-map --keep status,commits $s/a.json; cat $s/pins
$ echo; sed -i 's/"status":0,/"begun":true,/; s/"run":"[^"]*"/"run":"gone"/' $s/a.json; dag-run t.dag --date 2026-11-20 --resume | json-map --keep name,severity; cat ran
> 2026-11-20  a                        run   was cut off 
> 2026-11-20  b                        run   never run on this day
> {"name":"b","severity":"ok"}
> ran
> {"status":0,"commits":{"d.a":2}}
> d.a 2
> d.b 2
> 
> {"name":"a","severity":"ok"}
> {"name":"b","severity":"ok"}
> ran
> ran
