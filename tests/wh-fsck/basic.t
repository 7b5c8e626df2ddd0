# wh-fsck: nothing to say of what is well, of every kind of table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table a.k -; printf '{"id":1,"o":1,"d":"2026-11-20"}\n{"id":2,"o":1,"d":"2026-11-20","gone":true}\n' | wh-put a.k; wh-compact a.k >/dev/null
$ echo 'codec gz' | wh-table a.g -; for i in 1 2; do seq 1 5000 | sed "s/.*/{\"id\":&,\"v\":$i}/" | wh-put a.g dt=2026-11-20; done; wh-put a.e dt=2026-11-20 </dev/null; wh-fsck --stats s; json-map --keep damage,stale,orphans,commits,files,rows s
> {"damage":0,"stale":0,"orphans":0,"commits":8,"files":5,"rows":10004}

# wh-fsck: each kind of damage is found, and told where
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i,\"t\":\"2026-11-20\"}" | wh-put a.t --partition-by t; done; cp -a wh ok; p=wh/main/a/t/.pool/2026-11-20; l=wh/main/a/t/_log
$ f=$(ls $p/*z | head -n 1); g=$(ls $p/*z | tail -n 1); rm "$f"; wh-fsck | json-map --keep found,dt,commit,text; echo
$ rm -r wh; cp -a ok wh; printf x >>"$g"; wh-fsck | json-map -w "found = 'damage'" --keep dt,text; echo; rm -r wh; cp -a ok wh; n=$(($(stat -c %s "$g") - 3)); printf '\001' | dd of="$g" bs=1 seek=$n conv=notrunc status=none; wh-fsck --quick | json-map -w "found = 'damage'" --keep text; wh-fsck | json-map -w "found = 'damage'" --keep text; echo
$ rm -r wh; cp -a ok wh; sed -i 's/"rows":1/"rows":2/' $l/00000000000000000003.json; wh-fsck 2>/dev/null | json-map --keep found,commit,text; echo; rm -r wh; cp -a ok wh; rm $l/00000000000000000003.json; wh-fsck | json-map --keep found,commit,text
> {"found":"damage","dt":"2026-11-20","commit":2,"text":"the file is gone"}
> {"found":"stale","dt":"2026-11-20","commit":null,"text":"the view is not what the log says"}
> 
> {"dt":"2026-11-20","text":"its size is not what was committed"}
> 
> {"text":"its bytes are not those that were committed"}
> 
> {"found":"damage","commit":3,"text":"the record is torn or was changed"}
> 
> {"found":"damage","commit":3,"text":"the record is missing, and later ones are there"}

# wh-fsck: stale views are told, and made again with --repair-views; so is _table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for d in 19 20; do echo '{"id":1}' | wh-put a.t dt=2026-11-$d; done; d=wh/main/a/t; rm -r $d/dt=2026-11-19; echo x >$d/dt=2026-11-20/zz; mkdir $d/dt=2026-11-21; echo 'kind snapshot' >$d/_table
$ wh-fsck | json-map --keep found,dt,file; wh-fsck >/dev/null; echo $?; wh-fsck --repair-views | json-map --keep found,dt,file; wh-fsck; echo $?; ls $d $d/dt*; cat $d/_table
> {"found":"stale","dt":"2026-11-19","file":null}
> {"found":"stale","dt":"2026-11-20","file":null}
> {"found":"stale","dt":"2026-11-21","file":null}
> {"found":"stale","dt":null,"file":"_table"}
> 1
> {"found":"repaired","dt":"2026-11-19","file":null}
> {"found":"repaired","dt":"2026-11-20","file":null}
> {"found":"repaired","dt":"2026-11-21","file":null}
> {"found":"repaired","dt":null,"file":"_table"}
> 0
> wh/main/a/t:
> _log
> _table
> dt=2026-11-19
> dt=2026-11-20
> 
> wh/main/a/t/dt=2026-11-19:
> 000000.ndjson.zst
> 
> wh/main/a/t/dt=2026-11-20:
> 000000.ndjson.zst
> kind append

# wh-fsck: a checkpoint that is torn, or that says something else than the records
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2 3; do echo "{\"id\":$i}" | wh-put a.t dt=2026-11-20; done; wh-gc --keep 0 a.t >/dev/null; echo '{"id":4}' | wh-put a.t dt=2026-11-20; c=wh/main/a/t/_log/00000000000000000004.ckpt.zst; cp $c keep; head -c 60 keep >$c; wh-fsck 2>/dev/null | json-map --keep found,commit,text; cp keep $c; wh-fsck; zstdcat keep | sed 's/"ckpt":4/"ckpt":5/' | zstd -q >wh/main/a/t/_log/00000000000000000005.ckpt.zst; wh-fsck | head -n 1 | json-map --keep found,commit,text
> {"found":"damage","commit":4,"text":"the checkpoint that FLOOR stands on cannot be read"}
> {"found":"damage","commit":5,"text":"its checkpoint differs from the records"}

# wh-fsck: a table that is not there, a bad name, a directory that is no warehouse
$ export PIPEHOUSE_ROOT=$PWD/wh
$ wh-fsck; echo $?; wh-fsck a.no; echo $?; wh-fsck nix; echo $?; PIPEHOUSE_ROOT= wh-fsck; echo $?
> 0
> 1
> 2
> 2
! wh-fsck: a.no: no such table
! wh-fsck: 'nix': a table is LAYER.TABLE
! wh-fsck: PIPEHOUSE_ROOT is not set: where is the warehouse?
