# wh-ls: tables, with what they hold
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"id":1}\n{"id":2}\n' | wh-put b.y dt=2026-11-20; echo '{"id":1}' | wh-put b.y dt=2026-11-18; echo 'kind snapshot' | wh-table a.x -
$ wh-ls | json-map --keep table,kind,commit,days,first,last,files,rows
> {"table":"a.x","kind":"snapshot","commit":1,"days":0,"first":null,"last":null,"files":0,"rows":0}
> {"table":"b.y","kind":"append","commit":3,"days":2,"first":"2026-11-18","last":"2026-11-20","files":2,"rows":3}

# wh-ls: days of a table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 18 19 20; do echo '{"id":1}' | wh-put b.y dt=2026-11-$d; done
$ wh-ls b.y@2026-11-19..2026-11-20 | json-map --keep dt,rows,commit; wh-ls b.y@last | json-map --keep dt; wh-ls b.y@2026-11-21; echo $?
> {"dt":"2026-11-19","rows":1,"commit":3}
> {"dt":"2026-11-20","rows":1,"commit":4}
> {"dt":"2026-11-20"}
> 1
! wh-ls: b.y@2026-11-21: nothing committed

# wh-ls: -v shows commits
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 18 19; do echo '{"id":1}' | wh-put b.y dt=2026-11-$d; done
$ wh-ls -v b.y | json-map --keep n,kind,base; wh-ls -v b.y@2026-11-19 | json-map --keep n
> {"n":1,"kind":"meta","base":0}
> {"n":2,"kind":"data","base":0}
> {"n":3,"kind":"data","base":2}
> {"n":3}

# wh-ls: --why names the input whose rows differ, and not one that was only committed again
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for t in x y; do echo '{"id":1}' | wh-put a.$t dt=2026-11-20; done
$ wh-run 'wh-cat a.x@2026-11-20 | cat - <(wh-cat a.y@2026-11-20) | wh-put b.z dt=2026-11-20'
$ echo '{"id":1}' | wh-put a.x dt=2026-11-21; echo '{"id":2}' | wh-put a.y dt=2026-11-20
$ wh-run 'wh-cat a.x@2026-11-20 | cat - <(wh-cat a.y@2026-11-20) | wh-put b.z dt=2026-11-20'
$ wh-ls --why b.z
> {"dt":"2026-11-20","commit":3,"before":2,"input":"a.y@2026-11-20","was":2,"is":3,"why":"other rows"}

# wh-ls: --why where no input differs
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"id":1}' | wh-put a.x dt=2026-11-20
$ wh-run 'wh-cat a.x@2026-11-20 | wh-put b.z dt=2026-11-20'; wh-ls --why b.z | json-map --keep why
$ wh-run 'wh-cat a.x@2026-11-20 | json-map "id=id" "n=1" | wh-put b.z dt=2026-11-20'; wh-ls --why b.z | json-map --keep why
$ echo '{}' | wh-put b.z dt=2026-11-20;  wh-ls --why b.z | json-map --keep why
> {"why":"the day's first commit"}
> {"why":"the same inputs: the command or its files changed"}
> {"why":"read only before"}

# wh-ls: an empty warehouse has no tables
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-ls; wh-ls a.b
! wh-ls: a.b: nothing committed
? 1

# wh-ls: tenants are apart
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{}' | PIPEHOUSE_TENANT=one wh-put a.b dt=2026-11-20; wh-ls; PIPEHOUSE_TENANT=one wh-ls | json-map --keep table; PIPEHOUSE_TENANT=../x wh-ls
> {"table":"a.b"}
! wh-ls: PIPEHOUSE_TENANT: '../x' is no tenant name ([a-z0-9_-]+)
? 2

# wh-ls: an overlay hides tables and takes what is written
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for t in x y; do echo '{"id":1}' | wh-put a.$t dt=2026-11-20; done
$ export PIPEHOUSE_OVERLAY=$PWD/over; echo '{"id":2}' | wh-put a.x dt=2026-11-20; wh-cat a.x; wh-cat a.y; wh-ls | json-map --keep table
$ unset PIPEHOUSE_OVERLAY; wh-cat a.x
> {"id":2}
> {"id":1}
> {"table":"a.x"}
> {"table":"a.y"}
> {"id":1}
