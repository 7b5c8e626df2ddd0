# wh-gc: old versions go once nobody may ask for them, live files and the rows stay
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i}" | wh-put a.t dt=2026-11-20; done; wh-gc a.t | json-map --keep floor,files; wh-gc -n --keep 0 a.t | json-map --keep floor,files,records; ls wh/main/a/t/.pool/*/*z | wc -l
$ wh-gc --keep 0 a.t | json-map --keep floor,files,records; ls wh/main/a/t/.pool/*/*z | wc -l; wh-cat a.t; wh-fsck; echo '{"id":4}' | wh-put a.t dt=2026-11-20; wh-cat a.t; wh-rollback a.t dt=2026-11-20 >/dev/null; wh-cat a.t; wh-fsck
> {"floor":0,"files":0}
> {"floor":4,"files":2,"records":0}
> 3
> {"floor":4,"files":2,"records":0}
> 1
> {"id":3}
> {"id":4}
> {"id":3}

# wh-gc: records at or below the floor go when they are a day old; the log reads on from its checkpoint, also without HEAD
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put a.t --partition-by t; done; touch -d '2 days ago' wh/main/a/t/_log/*.json; wh-gc --keep 0 a.t | json-map --keep floor,records; ls wh/main/a/t/_log
$ wh-cat a.t | wc -l; rm wh/main/a/t/_log/HEAD; wh-ls | json-map --keep table,commit,rows; echo '{"id":4,"t":"2026-11-20"}' | wh-put a.t --partition-by t; wh-cat a.t | wc -l; wh-ls -v a.t | json-map --keep n; wh-fsck
> {"floor":4,"records":4}
> 00000000000000000004.ckpt.zst
> FLOOR
> HEAD
> 3
> {"table":"a.t","commit":4,"rows":3}
> 4
> {"n":5}

# wh-gc: days past keep are dropped, seen from --date; the last day of a snapshot stays whatever its age
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'keep 3d\n' | wh-table a.t -; printf 'kind snapshot\nkeep 3d\n' | wh-table a.s -; for d in 14 15 16 17; do for t in a.t a.s; do echo '{"id":1}' | wh-put $t dt=2026-11-$d; done; done
$ wh-gc --date 2026-11-18 | grep table | json-map --keep table,days,files; wh-ls a.t | json-map --keep dt; ls -d wh/main/a/t/dt=*; wh-gc --date 2027-01-01 | grep table | json-map --keep table,days; wh-ls a.s | json-map --keep dt; wh-cat a.t 2>/dev/null; echo $?; wh-rollback a.t dt=2026-11-17 >/dev/null; wh-cat --dt a.t; wh-fsck
> {"table":"a.s","days":2,"files":0}
> {"table":"a.t","days":2,"files":0}
> {"dt":"2026-11-16"}
> {"dt":"2026-11-17"}
> wh/main/a/t/dt=2026-11-16
> wh/main/a/t/dt=2026-11-17
> {"table":"a.s","days":1}
> {"table":"a.t","days":2}
> {"dt":"2026-11-17"}
> 1
> {"id":1,"dt":"2026-11-17"}

# wh-gc: files of dead writers go when they are a day old, behind a fence; those of a run at work stay
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-20; p=wh/main/a/t/.pool/2026-11-20; : >$p/r-1-00000000000000000000000000000000-0.pz; wh-gc a.t | json-map --keep orphans; touch -d '2 days ago' $p/r-1-*; wh-fsck | json-map --keep found,file; wh-gc a.t | json-map --keep orphans; ls $p | wc -l; wh-ls -v a.t | tail -n 1 | json-map --keep kind,app
$ wh-run 'echo "{\"id\":2}" | wh-put a.t dt=2026-11-20; touch -d "2 days ago" '$p'/*z; PIPEHOUSE_RUN= wh-gc --keep 0 a.t | json-map --keep orphans,files'; wh-cat a.t; wh-fsck
> {"orphans":0}
> {"found":"orphan","file":"r-1-00000000000000000000000000000000-0.pz"}
> {"orphans":1}
> 1
> {"kind":"fence","app":"*"}
> {"orphans":0,"files":0}
> {"id":2}

# wh-gc: what a run at work has begun to read stays readable for it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-20
$ wh-run 'wh-cat a.t; echo "{\"id\":2}" | PIPEHOUSE_RUN= wh-put a.t dt=2026-11-20; PIPEHOUSE_RUN= wh-gc --keep 0 a.t | json-map --keep floor,files; wh-cat a.t'; wh-cat a.t; wh-gc --keep 0 a.t | json-map --keep floor,files
> {"id":1}
> {"floor":2,"files":0}
> {"id":1}
> {"id":2}
> {"floor":3,"files":1}

# wh-gc: records of ended runs
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-run 'echo "{}" | wh-put a.t dt=2026-11-20'; wh-run false; wh-gc | grep runs; touch -d '40 days ago' wh/main/_run/done/* wh/main/_run/failed/*; wh-gc -n | grep runs; wh-gc | grep runs; ls wh/main/_run/done wh/main/_run/failed
> {"runs":0}
> {"runs":2}
> {"runs":2}
> wh/main/_run/done:
> 
> wh/main/_run/failed:

# wh-gc: two at once, and what is no usage
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-20; : >wh/main/a/t/_log/.gc; flock wh/main/a/t/_log/.gc wh-gc a.t; echo $?; wh-gc a.no; echo $?; wh-gc --keep tomorrow 2>/dev/null; echo $?; wh-gc --keep -1d 2>/dev/null; echo $?; wh-gc --date soon 2>/dev/null; echo $?
> 75
> 1
> 2
> 2
> 2
! wh-gc: a.t: another wh-gc is at work
! wh-gc: a.no: no such table

# wh-gc: a day that was dropped and is below the floor is as if it had never been, and can be written anew
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'keep 2d\n' | wh-table a.t -; for d in 17 18 19; do echo "{\"id\":$d}" | wh-put a.t dt=2026-11-$d; done; wh-gc --keep 0 --date 2026-11-19 a.t | json-map --keep days; wh-gc --keep 0 --date 2026-11-19 a.t | json-map --keep days,floor; ls wh/main/a/t/.pool/*/*z | wc -l
$ wh-cat a.t@2026-11-17 2>/dev/null; echo $?; wh-rollback a.t dt=2026-11-17 2>/dev/null; echo $?; echo '{"id":1}' | wh-put a.t dt=2026-11-17; wh-cat --dt a.t; wh-fsck
> {"days":1}
> {"days":0,"floor":5}
> 2
> 1
> 1
> {"id":1,"dt":"2026-11-17"}
> {"id":18,"dt":"2026-11-18"}
> {"id":19,"dt":"2026-11-19"}
