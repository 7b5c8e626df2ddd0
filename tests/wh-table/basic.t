# wh-table: what is said is shown, and _table is its copy
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder ts\nday ts:ms\ntz Asia/Shanghai\nkeep 30d\nowner data team\ncolumn id int the key\n' >t; wh-table a.t t; wh-table a.t | cmp - t; cmp t wh/main/a/t/_table

# wh-table: the same again is no commit, another is one
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for k in append append snapshot; do echo "kind $k" | wh-table a.t -; done; ls wh/main/a/t/_log/*.json | wc -l; cat wh/main/a/t/_table
> 2
> kind snapshot

# wh-table: a lost _table is made again
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo 'kind snapshot' | wh-table a.t -; rm wh/main/a/t/_table; echo 'kind snapshot' | wh-table a.t -; cat wh/main/a/t/_table
> kind snapshot

# wh-table: no such table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-table a.t
! wh-table: a.t: no such table
? 1

# wh-table: specs that are none
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for s in 'kind wide' 'kind append\nkind append' 'kind upsert' 'tz Moon/Base' 'codec lz4' 'kee 3d' 'day' 'column x' 'kind scd2' 'deleted x'; do printf "$s\n" >s; wh-table a.t s; done; ls wh 2>&1
> ls: cannot access 'wh': No such file or directory
! wh-table: s:1: kind: kind is append, snapshot, upsert or scd2
! wh-table: s:2: 'kind' stands twice
! wh-table: s: kind upsert needs key and order
! wh-table: s:1: tz: unknown time zone
! wh-table: s:1: codec: codec is zst or gz
! wh-table: s:1: kee: unknown word (kind, key, order, deleted, day, tz, keep, codec, trace, owner, comment or column)
! wh-table: s:1: day: one value is needed
! wh-table: s:1: column: column NAME TYPE [pii] TEXT
! wh-table: s: kind scd2 needs a key
! wh-table: s: deleted is for kind upsert
? 2

# wh-table: data forbids what would change its meaning
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\nday d\n' | wh-table a.t -; echo '{"id":1,"o":1,"d":"2026-11-20"}' | wh-put a.t
$ for s in 'kind append' 'kind upsert\nkey x\norder o\nday d' 'kind upsert\nkey id\norder o\nday x' 'kind upsert\nkey id\norder o\nday d\ndeleted x'; do printf "$s\n" | wh-table a.t -; done; printf 'kind upsert\nkey id\norder o\nday d\nkeep 7d\n' | wh-table a.t - && wh-table a.t | head -n 5
> kind upsert
> key id
> order o
> day d
> keep 7d
! wh-table: a.t: a table with data does not become a keyed one, or cease to be one
! wh-table: a.t: key, order and deleted of a keyed table with data stay
! wh-table: a.t: the day of a table with data stays
! wh-table: a.t: key, order and deleted of a keyed table with data stay

# wh-table: columns as they were seen, in that order
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"b":1,"a":"x"}\n{"b":null,"a":[1],"c \\u00e9":{}}\n' | wh-put a.t dt=2026-11-20; echo '{"b":true}' | wh-put a.t dt=2026-11-21; wh-table a.t
> kind append
> # seen "b" null boolean number
> # seen "a" string array
> # seen "c é" object

# wh-table: a writer that began before the change is told to begin again
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo 'kind append' | wh-table a.t -
$ mkfifo p; wh-put a.t dt=2026-11-20 <p & exec 3>p; yes '{}' | head -n 50000 >&3; echo 'kind snapshot' | wh-table a.t -; echo '{}' >&3; exec 3>&-; wait $!; echo $?
> 75
! wh-put: a.t: commit 2 changed what the table is
