# wh-rollback: a day as it was before its last change, or at a commit; nothing is copied, nothing removed
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i}" | wh-put a.t dt=2026-11-20; done; ls wh/main/a/t/.pool/2026-11-20 >before
$ wh-rollback a.t dt=2026-11-20; wh-cat a.t; wh-rollback a.t dt=2026-11-20 --to 2; wh-cat a.t; zstdcat -q wh/main/a/t/dt=2026-11-20/*.zst; wh-rollback a.t dt=2026-11-20 --to 4; wh-cat a.t
$ ls wh/main/a/t/.pool/2026-11-20 | diff before -; wh-fsck
> {"table":"a.t","dt":"2026-11-20","to":3,"rows":1}
> {"id":2}
> {"table":"a.t","dt":"2026-11-20","to":2,"rows":1}
> {"id":1}
> {"id":1}
> {"table":"a.t","dt":"2026-11-20","to":4,"rows":1}
> {"id":3}

# wh-rollback: only that day; taken back twice is where one began; what is there already is no commit
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 19 20; do for i in 1 2; do echo "{\"id\":$i}" | wh-put a.t dt=2026-11-$d; done; done
$ wh-rollback a.t dt=2026-11-19 >out; wh-cat --dt a.t; wh-rollback a.t dt=2026-11-19 >out; wh-cat --dt a.t; n=$(ls wh/main/a/t/_log/*.json | wc -l)
$ wh-rollback a.t dt=2026-11-19 --to 3 >out; wh-rollback a.t dt=2026-11-20 --to 5 >out; echo $(($(ls wh/main/a/t/_log/*.json | wc -l) - n))
> {"id":1,"dt":"2026-11-19"}
> {"id":2,"dt":"2026-11-20"}
> {"id":2,"dt":"2026-11-19"}
> {"id":2,"dt":"2026-11-20"}
> 0

# wh-rollback: before its first commit a day is not there: no view, and readers end with 1; a new put makes it again
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-20; echo '{"id":1}' | wh-put a.t dt=2026-11-21
$ wh-rollback a.t dt=2026-11-20; wh-cat a.t@2026-11-20 2>/dev/null; echo $?; ls wh/main/a/t; wh-ls a.t | json-map --keep dt; wh-cat a.t@last:2026-11-20 2>/dev/null || echo none; echo '{"id":1}' | wh-put a.t dt=2026-11-20; wh-cat --dt a.t; wh-fsck
> {"table":"a.t","dt":"2026-11-20","to":1,"rows":null}
> 1
> _log
> _table
> dt=2026-11-21
> {"dt":"2026-11-21"}
> none
> {"id":1,"dt":"2026-11-20"}
> {"id":1,"dt":"2026-11-21"}

# wh-rollback: --run takes back every table and day of a run, and nothing else
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for t in a.x a.z; do echo '{"id":1}' | wh-put $t dt=2026-11-20; done; wh-ls | json-map --keep table,rows >before
$ wh-run 'for t in a.x a.y a.z; do printf "{\"id\":7}\n{\"id\":8}\n" | wh-put $t dt=2026-11-20; done; echo "{\"id\":9}" | wh-put a.x dt=2026-11-21'
$ echo '{"id":5}' | wh-put a.x dt=2026-11-22
$ r=$(wh-ls -v a.y | tail -n 1 | json-map r=run | cut -d '"' -f 4); wh-rollback --run "$r"; wh-cat --dt a.x; wh-cat a.y 2>/dev/null; echo $?; wh-cat a.z; ls wh/main/_run/failed 2>/dev/null; wh-fsck
> {"table":"a.x","dt":"2026-11-20","to":2,"rows":1}
> {"table":"a.x","dt":"2026-11-21","to":3,"rows":null}
> {"table":"a.y","dt":"2026-11-20","to":1,"rows":null}
> {"table":"a.z","dt":"2026-11-20","to":2,"rows":1}
> {"id":1,"dt":"2026-11-20"}
> {"id":5,"dt":"2026-11-22"}
> 1
> {"id":1}

# wh-rollback: --run refuses where others have changed a day since, in any table; --force takes that too; a compaction is no change
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-run 'for t in a.x a.y; do echo "{\"id\":1,\"t\":\"2026-11-20\"}" | wh-put $t --partition-by t; done'
$ r=$(wh-ls -v a.y | tail -n 1 | json-map r=run | cut -d '"' -f 4); echo '{"id":2,"t":"2026-11-20"}' | wh-put a.y --partition-by t; wh-compact a.y >/dev/null
$ wh-rollback --run "$r"; echo $?; wh-cat a.x; wh-cat a.y; ls wh/main/_run | grep -v failed; wh-rollback --run "$r" --force >/dev/null; wh-cat a.y 2>/dev/null; echo $?
> 1
> {"id":1,"t":"2026-11-20"}
> {"id":1,"t":"2026-11-20"}
> {"id":2,"t":"2026-11-20"}
> done
> 1
! wh-rollback: a.y@2026-11-20: commit 3 of wh-put  has changed it since

# wh-rollback: a run that only was compacted since is taken back
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1,"t":"2026-11-20"}\n' | wh-put a.y --partition-by t
$ wh-run 'echo "{\"id\":2,\"t\":\"2026-11-20\"}" | wh-put a.y --partition-by t'; wh-compact a.y >/dev/null
$ r=$(wh-ls -v a.y | json-map -w 'run IS NOT NULL' r=run | head -n 1 | cut -d '"' -f 4); wh-rollback --run "$r"; wh-cat a.y
> {"table":"a.y","dt":"2026-11-20","to":2,"rows":1}
> {"id":1,"t":"2026-11-20"}

# wh-rollback: a source that the run read goes back with its rows, and is read again; one read on since is no way back
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"t":"2026-11-20","n":1}\n' >log; wh-run 'ingest log -d a.l --partition-by t'; r=$(wh-ls -v a.l | tail -n 1 | json-map r=run | cut -d '"' -f 4)
$ wh-rollback --run "$r" >/dev/null; wh-cat a.l 2>/dev/null; ingest log -d a.l --partition-by t; ingest log -d a.l --partition-by t; wh-cat a.l
$ printf '{"t":"2026-11-21","n":2}\n' >>log; wh-run 'ingest log -d a.l --partition-by t'; r=$(wh-ls -v a.l | tail -n 1 | json-map r=run | cut -d '"' -f 4)
$ printf '{"t":"2026-11-22","n":3}\n' >>log; ingest log -d a.l --partition-by t; wh-rollback --run "$r" 2>&1 | sed 's/source [^ ]*/source X/'; wh-cat a.l
> {"t":"2026-11-20","n":1}
> wh-rollback: a.l: source X has been read on since (commit 9)
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-21","n":2}
> {"t":"2026-11-22","n":3}

# wh-rollback: a keyed day before a bad night, its deltas, tombstones and all
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table a.k -
$ printf '{"id":1,"o":1,"d":"2026-11-20"}\n{"id":2,"o":1,"d":"2026-11-20","gone":true}\n' | wh-put a.k; wh-run 'printf "{\"id\":1,\"o\":9,\"d\":\"2026-11-20\",\"bad\":1}\n" | wh-put a.k'
$ r=$(wh-ls -v a.k | tail -n 1 | json-map r=run | cut -d '"' -f 4); wh-rollback --run "$r" >/dev/null; wh-cat a.k; printf '{"id":2,"o":0,"d":"2026-11-20"}\n{"id":1,"o":2,"d":"2026-11-20"}\n' | wh-put a.k; wh-cat a.k; ls wh/main/a/k; wh-fsck
> {"id":1,"o":1,"d":"2026-11-20"}
> {"id":1,"o":2,"d":"2026-11-20"}
> _log
> _table

# wh-rollback: what is not there, what is not kept, what is no usage
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-20; echo '{"id":2}' | wh-put a.t dt=2026-11-20; wh-gc --keep 0 a.t >/dev/null
$ for w in 'a.no dt=2026-11-20' 'a.t dt=2026-11-19' 'a.t dt=2026-11-20 --to 99' 'a.t dt=2026-11-20' '--run nothing'; do wh-rollback $w; echo $?; done; for w in 'a.t' 'a.t dt=20' 'a.t dt=2026-11-20 --to x' '--run r --to 1' 'a.t --run r' 'a.t dt=2026-11-20 --force'; do wh-rollback $w 2>/dev/null; echo $?; done; wh-cat a.t
> 1
> 1
> 1
> 1
> 1
> 2
> 2
> 2
> 2
> 2
> 2
> {"id":2}
! wh-rollback: a.no@2026-11-20: never committed
! wh-rollback: a.t@2026-11-19: never committed
! wh-rollback: a.t: there is no commit 99
! wh-rollback: a.t: commit 2 is not kept any more
! wh-rollback: no table has a commit of run nothing

# wh-rollback: what wh-compact took away is there to go back to, also when ingest has started again since
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"n\":$i,\"d\":\"2026-11-20\"}" >>log; test $i -lt 3 || wh-compact a.t >/dev/null; ingest log -d a.t --partition-by d; done
$ wh-rollback a.t dt=2026-11-20 --to 2 >/dev/null; wh-cat a.t; wh-fsck
> {"n":1,"d":"2026-11-20"}
