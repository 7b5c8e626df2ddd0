# wh-cat: days, ranges, last, last:D
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 17 18 20; do echo "{\"n\":$d}" | wh-put a.t dt=2026-11-$d; done
$ for w in @2026-11-18 @2026-11-17..2026-11-18 @last @last:2026-11-19 ''; do echo "-- $w"; wh-cat a.t$w; done
> -- @2026-11-18
> {"n":18}
> -- @2026-11-17..2026-11-18
> {"n":17}
> {"n":18}
> -- @last
> {"n":20}
> -- @last:2026-11-19
> {"n":18}
> -- 
> {"n":17}
> {"n":18}
> {"n":20}

# wh-cat: a day in a range that was never committed ends it before the first row
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 17 18 20; do echo "{\"n\":$d}" | wh-put a.t dt=2026-11-$d; done
$ wh-cat a.t@2026-11-18..2026-11-20; echo $?; wh-cat --missing-ok a.t@2026-11-18..2026-11-20
> 1
> {"n":18}
> {"n":20}
! wh-cat: a.t@2026-11-19: never committed

# wh-cat: -n days end at the operand's day
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 17 18 19; do echo "{\"n\":$d}" | wh-put a.t dt=2026-11-$d; done
$ wh-cat -n 2 a.t@2026-11-18; wh-cat -n 1 a.t@last; wh-cat -n 9 --missing-ok a.t@last | wc -l; wh-cat -n 2 a.t; echo $?
> {"n":17}
> {"n":18}
> {"n":19}
> 3
> 2
! wh-cat: a.t: -n needs a day that the days end at

# wh-cat: snapshot and scd2 tables mean their last day
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo 'kind snapshot' | wh-table a.s -
$ for d in 17 18; do echo "{\"n\":$d}" | wh-put a.s dt=2026-11-$d; done; wh-cat a.s
> {"n":18}

# wh-cat: --dt, also where there is no other member, or blanks
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-put a.t dt=2026-11-18 && wh-cat --dt a.t
< {}
< { }
< {"a":{}}
< {"a" : 1 } 
< {"a":[1,{"dt":1}]}
> {"dt":"2026-11-18"}
> { "dt":"2026-11-18"}
> {"a":{},"dt":"2026-11-18"}
> {"a" : 1 ,"dt":"2026-11-18"}
> {"a":[1,{"dt":1}],"dt":"2026-11-18"}

# wh-cat: no such table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-cat a.none; echo $?; wh-cat --missing-ok a.none@last; echo $?
> 1
> 0
! wh-cat: a.none: never committed

# wh-cat: operands that are none
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for w in a.t@ a.t@2026-02-30 a.t@2026-11-20..2026-11-19 a.t@lst a; do wh-cat $w; done
! wh-cat: 'a.t@': a day is missing after '@'
! wh-cat: 'a.t@2026-02-30': no such day
! wh-cat: 'a.t@2026-11-20..2026-11-19': the range ends before it begins
! wh-cat: 'a.t@lst': days are D, D..D, last or last:D, D as YYYY-MM-DD
! wh-cat: 'a': a table is LAYER.TABLE
? 2

# wh-cat: a file that was changed is found by its frames
$ export PIPEHOUSE_ROOT=$PWD/wh
$ seq 1000 | sed 's/.*/{"id":&}/' | wh-put a.t dt=2026-11-18
$ f=$(echo wh/main/a/t/.pool/2026-11-18/*.pz); chmod u+w $f; printf X | dd of=$f bs=1 seek=700 conv=notrunc status=none
$ wh-cat a.t >/dev/null 2>&1; echo $?
> 3

# wh-cat: a file that is gone is 75
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-18; rm wh/main/a/t/.pool/2026-11-18/*.pz; wh-cat a.t
! wh-cat: a.t@2026-11-18: a file of commit 2 is gone: collected meanwhile?
? 75

# wh-cat: 600 commits, read through a checkpoint and without it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in $(seq 300); do echo "{\"i\":$i,\"d\":\"2026-11-20\"}"; done | split -l 1 --filter='wh-put a.t --partition-by d' -
$ ls wh/main/a/t/_log | grep -c ckpt; wh-cat a.t | wc -l; wh-cat a.t >with; rm wh/main/a/t/_log/*.ckpt.zst wh/main/a/t/_log/HEAD; wh-cat a.t | cmp - with && echo same
> 1
> 300
> same

# wh-cat: all of a run reads one commit
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.t dt=2026-11-18
$ wh-run 'wh-cat a.t@last >before; env -u PIPEHOUSE_RUN wh-put a.t dt=2026-11-18 <<<"{\"id\":2}"; wh-cat a.t@last >after'
$ cat before after; wh-cat a.t
> {"id":1}
> {"id":1}
> {"id":2}

# wh-cat: --follow gives commits one after the other (follow.py)
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 2 1; do echo "{\"n\":$i,\"d\":\"2026-11-2$i\"}" | wh-put a.t --partition-by d; done
$ wh-cat a.t; echo --; wh-cat --follow --until end --commit at a.t; wh-cat --follow --from now --until end a.t
> {"n":1,"d":"2026-11-21"}
> {"n":2,"d":"2026-11-22"}
> --
> {"n":2,"d":"2026-11-22","at":2}
> {"n":1,"d":"2026-11-21","at":3}

# wh-cat: no days at all is a mistake, and so are options that say nothing here
$ export PIPEHOUSE_ROOT=$PWD/wh; echo '{"n":1}' | wh-put ods.n dt=2026-11-20
$ for o in '-n 0' '-n x' '--late 5s' '--pin a.b'; do wh-cat $o ods.n@2026-11-20 2>&1 | head -n 1; done
> wh-cat: -n: a number of days, 1 or more
> wh-cat: -n: a number of days, 1 or more
> wh-cat: --event-time, --late, --idle, --max-future and --pin go with --barriers
> wh-cat: --event-time, --late, --idle, --max-future and --pin go with --barriers
