# ingest: the same command again adds nothing, a grown file only what is new
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest "$@" -d ods.l --partition-by t; }
$ printf '{"t":"2026-11-20","n":1}\n{"t":"2026-11-21","n":2}\n' >a; i a; i a; ls wh/main/ods/l/_log/*.json | wc -l
$ printf '{"t":"2026-11-20","n":3}\n' >>a; i a; i a; wh-cat --dt ods.l
> 2
> {"t":"2026-11-20","n":1,"dt":"2026-11-20"}
> {"t":"2026-11-20","n":3,"dt":"2026-11-20"}
> {"t":"2026-11-21","n":2,"dt":"2026-11-21"}

# ingest: a file written byte by byte, ingested after each byte, gives each line once
$ export PIPEHOUSE_ROOT=$PWD/wh
$ python3 -c '
$ import subprocess
$ text = b"{\"t\":\"2026-11-20\",\"n\":1}\n\n{\"t\":\"2026-11-20\",\"n\":2}\r\n{\"t\":\"2026-11-20\",\"n\":3}"
$ for k in range(len(text)):
$     with open("a", "ab") as f: f.write(text[k:k+1])
$     subprocess.run(["ingest", "a", "-d", "ods.l", "--partition-by", "t"], check=True, stderr=subprocess.DEVNULL)'
$ wh-cat ods.l
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
> {"t":"2026-11-20","n":3}

# ingest: a log renamed by rotation is read on, the new one from its beginning
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest -f 'app.log*' --until end -d ods.l --partition-by t; }
$ echo '{"t":"2026-11-20","n":1}' >app.log; i; mv app.log app.log.1; echo '{"t":"2026-11-20","n":2}' >>app.log.1
$ echo '{"t":"2026-11-20","n":1}' >app.log; i; i; mv app.log.1 app.log.2; mv app.log app.log.1; i; wh-cat ods.l
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}

# ingest: a file that was cut is an error, said aloud, until it is said to be a new one; others are read meanwhile
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest a b -d ods.l --partition-by t "$@"; }
$ printf '{"t":"2026-11-20","n":1}\n{"t":"2026-11-20","n":2}\n' >a; : >b; i; : >a; i; echo $?
$ echo '{"t":"2026-11-20","n":3}' >a; echo '{"t":"2026-11-20","n":4}' >b; i; echo $?; i; echo $?; i --cut new; i; echo '{"t":"2026-11-20","n":5}' >>a; i; wh-cat ods.l
> 3
> 3
> 3
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
> {"t":"2026-11-20","n":4}
> {"t":"2026-11-20","n":3}
> {"t":"2026-11-20","n":5}
! ingest: a: it was cut: 50 bytes had been read that it does not hold any more; what came behind them is lost (rotate by renaming; --cut new reads it from its beginning)
! ingest: a: it was cut: 50 bytes had been read that it does not hold any more; what came behind them is lost (rotate by renaming; --cut new reads it from its beginning)
! ingest: a: it was cut: 50 bytes had been read that it does not hold any more; what came behind them is lost (rotate by renaming; --cut new reads it from its beginning)
! ingest: a: it was cut, and is read from its beginning: what had been written to it behind byte 50, if anything was, is lost

# ingest: a log that is copied and cut: read on from its beginning, nothing torn or twice; what the copy alone has is told and counted
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest -f a.log --until end --cut new -d ods.l --partition-by t --stats s; }
$ printf '{"t":"2026-11-20","n":1}\n{"t":"2026-11-20","n":2' >a.log; i; printf '}\n' >>a.log; i; printf '{"t":"2026-11-20","n":3}\n' >>a.log
$ cp a.log a.log.1; : >a.log; i; printf '{"t":"2026-11-20","n":4}\n{"t":"2026-' >>a.log; i; printf '11-20","n":5}\n' >>a.log; i
$ cp a.log a.log.1; : >a.log; for n in 6 7 8 9; do echo '{"t":"2026-11-20","n":'$n'}' >>a.log; done; i; i
$ wh-cat ods.l | json-map n=n; json-map n=files_lost s | tr -d '\n'; echo
> {"n":1}
> {"n":2}
> {"n":4}
> {"n":5}
> {"n":6}
> {"n":7}
> {"n":8}
> {"n":9}
> {"n":0}{"n":0}{"n":0}{"n":1}{"n":0}{"n":1}{"n":0}
! ingest: a.log:2: the last line is not whole: left for the next time
! ingest: a.log:2: the last line is not whole: left for the next time
! ingest: a.log: it was cut, and is read from its beginning: what had been written to it behind byte 50, if anything was, is lost
! ingest: a.log: it was cut, and is read from its beginning: what had been written to it behind byte 50, if anything was, is lost

# ingest: a log renamed to where the pattern does not see it is read to its end
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest -f "$PWD/app.log" --until end -d ods.l --partition-by t; }
$ echo '{"t":"2026-11-20","n":1}' >app.log; i; echo '{"t":"2026-11-20","n":2}' >>app.log; mv app.log app.log.1; echo '{"t":"2026-11-20","n":3}' >app.log; i
$ echo '{"t":"2026-11-20","n":4}' >>app.log.1; i; mv app.log.1 app.log.2; echo '{"t":"2026-11-20","n":5}' >>app.log.2; i; i; wh-cat ods.l | sort
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
> {"t":"2026-11-20","n":3}
> {"t":"2026-11-20","n":4}
> {"t":"2026-11-20","n":5}

# ingest: a file is read once, however many names lead to it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"t":"2026-11-20","n":1}' >a; ln a b; ln -s a c; ingest a b c a -d ods.l --partition-by t; ingest -f '[abc]' --until end -d ods.l --partition-by t; wh-cat ods.l
> {"t":"2026-11-20","n":1}

# ingest: a restored copy is read on
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest a -d ods.l --partition-by t; }
$ echo '{"t":"2026-11-20","n":1}' >a; i; cp a b; rm a; cp b c; mv c a; echo '{"t":"2026-11-20","n":2}' >>a; i; wh-cat ods.l
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
! ingest: a: another file was read under this name, and its bytes were the same: it is taken for a copy, and read on behind byte 25

# ingest: a log that was rotated and removed while nobody looked: that is told, and counted, once
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest -f 'app.lo[g]' --until end -d ods.l --partition-by t --stats st; }
$ echo '{"t":"2026-11-20","n":1}' >app.log; i; rm app.log; echo '{"t":"2026-11-20","n":2}' >app.log; i; i; wh-cat ods.l; json-map --keep files_lost,files_missed st
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
> {"files_lost":0,"files_missed":0}
> {"files_lost":1,"files_missed":0}
> {"files_lost":0,"files_missed":0}
! ingest: app.log: a file that was read under this name is gone, and its end was not seen: what was written to it behind byte 25, if anything was, is lost

# ingest: an operand may be replaced as one likes: of that nothing is told
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest a -d ods.l --partition-by t; }
$ for n in 1 2 3; do echo '{"t":"2026-11-20","n":'$n'}' >b; mv b a; i; i; done; wh-cat ods.l
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}
> {"t":"2026-11-20","n":3}

# ingest: a log renamed while nobody looked, and nothing under its name, is found where it was
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest -f "$PWD/app.log" --until end -d ods.l --partition-by t; }
$ echo '{"t":"2026-11-20","n":1}' >app.log; i; mv app.log app.log.1; echo '{"t":"2026-11-20","n":2}' >>app.log.1; i; i; wh-cat ods.l
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":2}

# ingest: what has got the inode of a log that is gone is none of ours
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest -f 'app.lo[g]' --until end -d ods.l --partition-by t 2>/dev/null; }
$ echo '{"t":"2026-11-20","n":1}' >app.log; i; n=$(stat -c %i app.log); rm app.log
$ for k in $(seq 200); do printf '{"t":"2026-11-20","n":1}\n{"t":"2026-11-20","n":2}\n' >other.$k; [ $(stat -c %i other.$k) != $n ] || break; done
$ echo '{"t":"2026-11-20","n":3}' >app.log; i; wh-cat ods.l
> {"t":"2026-11-20","n":1}
> {"t":"2026-11-20","n":3}

# ingest: broken lines go to the rejects with line and offset, also behind a position
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { ingest a -d ods.l --partition-by t --reject bad; }
$ printf 'x\n{"t":"2026-11-20"}\n' >a; i; printf '{"t":null}\ny\n{"t":"2026-11-21"}\n' >>a; i; i; json-map --keep source,line,offset,reason,raw bad; wh-cat ods.l
> {"source":"a","line":1,"offset":0,"reason":"not a JSON object","raw":"x"}
> {"source":"a","line":3,"offset":21,"reason":"no day: the value is null or absent","raw":"{\"t\":null}"}
> {"source":"a","line":4,"offset":32,"reason":"not a JSON object","raw":"y"}
> {"t":"2026-11-20"}
> {"t":"2026-11-21"}

# ingest: rejects are in their file before the rows beside them are committed
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'x\n{"t":"2026-11-20"}\n' >a; ingest -f a -d ods.l --partition-by t --reject bad --every 20ms & p=$!
$ until [ -n "$(wh-cat --missing-ok ods.l)" ]; do sleep 0.02; done; kill -9 $p; wait $p 2>/dev/null; json-map --keep raw bad
> {"raw":"x"}

# ingest: a broken line without rejects commits nothing
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"t":"2026-11-20"}\nx\n' >a; ingest a -d ods.l --partition-by t; echo $?; wh-ls; find wh -name '*.pz' 2>/dev/null
> 3
! ingest: a:2: not a JSON object

# ingest: zstd and gzip, read again from their beginning and passed over
$ export PIPEHOUSE_ROOT=$PWD/wh
$ seq 1 50000 | sed 's/.*/{"t":"2026-11-20","n":&}/' >plain; gzip -kc plain >a.gz; zstd -qc plain >b.zst
$ for i in 1 2; do ingest a.gz b.zst -d ods.l --partition-by t; done; wh-cat ods.l | wc -l; wh-cat ods.l | sort | uniq -c | awk '$1 != 2' | wc -l
$ seq 50001 50003 | sed 's/.*/{"t":"2026-11-20","n":&}/' | zstd -qc >>b.zst; ingest b.zst -d ods.l --partition-by t; wh-cat ods.l | tail -n 3
> 100000
> 0
> {"t":"2026-11-20","n":50001}
> {"t":"2026-11-20","n":50002}
> {"t":"2026-11-20","n":50003}

# ingest: in a run it is staged, and its position with it
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"t":"2026-11-20","n":1}\n' >a
$ wh-run 'ingest a -d ods.l --partition-by t; false'; wh-ls; for i in 1 2; do wh-run 'ingest a -d ods.l --partition-by t'; done; wh-cat ods.l
> {"t":"2026-11-20","n":1}

# ingest: two at once of the same file bring each line once
$ export PIPEHOUSE_ROOT=$PWD/wh
$ seq 1 2000 | sed 's/.*/{"t":"2026-11-20","n":&}/' >a
$ for k in 1 2 3 4 5 6; do for i in 1 2 3; do (ingest a -d ods.l --partition-by t 2>/dev/null; echo $? >>st) & done; wait; seq 1 100 | sed "s/.*/{\"t\":\"2026-11-20\",\"n\":\"$k.&\"}/" >>a; done
$ ingest a -d ods.l --partition-by t; wh-cat ods.l | cmp - a; sort -u st | grep -v -x -e 0 -e 75; true

# ingest: 3 commits of 64 MiB, with a row in each
$ export PIPEHOUSE_ROOT=$PWD/wh
$ python3 -c '
$ pad = "x" * 1000
$ for i in range(150000): print("{\"t\":\"2026-11-20\",\"n\":%d,\"p\":\"%s\"}" % (i, pad))' >big
$ ingest big -d ods.l --partition-by t && wh-ls -v ods.l | grep -c '"kind":"data"'; wh-cat ods.l | cmp - big
> 3

# ingest: -f goes on until it is told to stop, and that is a success
$ export PIPEHOUSE_ROOT=$PWD/wh
$ echo '{"t":"2026-11-20","n":1}' >a.log; ingest -f '*.log' -d ods.l --partition-by t & p=$!
$ until [ -n "$(wh-cat --missing-ok ods.l)" ]; do sleep 0.02; done; kill $p; wait $p; echo $?; wh-cat ods.l
> 0
> {"t":"2026-11-20","n":1}

# ingest: a day by an expression that hands a value on as it stands
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '{"a":1763683200}\n{"b":1763683199000}\n{"b":"2026-11-20"}\n' >a; ingest a -d ods.l --partition-by 'coalesce(a, b)'; wh-cat --dt ods.l
> {"b":1763683199000,"dt":"2025-11-20"}
> {"a":1763683200,"dt":"2025-11-21"}
> {"b":"2026-11-20","dt":"2026-11-20"}

# ingest: without -d the records go to the standard output
$ printf '{"a":1}\n' >a; echo '{"a":2}' | ingest a -; echo '{"a":3}' | ingest
> {"a":1}
> {"a":2}
> {"a":3}

# ingest: the standard input has no position
$ export PIPEHOUSE_ROOT=$PWD/wh
$ for i in 1 2; do echo '{"t":"2026-11-20"}' | ingest -d ods.l --partition-by t; done; wh-cat ods.l | wc -l
> 2

# ingest: what it refuses
$ export PIPEHOUSE_ROOT=$PWD/wh; printf 'kind upsert\nkey id\norder o\nday d\n' | wh-table dim.t -
$ for a in '-d ods.l' '-f x y' '--until end' '-f x --until noon -d a.b' '-f x' '-d dim.t' '-b h' '-b h -t x -f y' '--lag -d a.b' '-b h -t x --lag' '-b h -t x -G g' \
$   '-b h -t x --max-lag 3' '-b h -t x --until beginning' '-b h -t x --from 1' '-b h -t x --from 1:' '-b h -t x --until 1' '-b , -t x' '-b h -t x --meta a.b' '-f x -d a.b --partition-by t --every 1d'
$ do ingest $a </dev/null 2>&1 | head -n 1; done
> ingest: --partition-by is required: table ods.l says no day
> ingest: -f is one pattern, and FILE not with it: quote the pattern, or the shell makes files of it
> ingest: --until: without -b only `end`, and only with -f
> ingest: --until: without -b only `end`, and only with -f
> ingest: -f without -d needs --until end
> ingest: dim.t is keyed: ingest appends; use wh-put --partition-by
> ingest: -b BROKERS and -t TOPIC,... go together
> ingest: -b, -f and FILE exclude each other
> ingest: -G, --meta, --null, --from, --lag, --lost-ok, --properties and --insecure need -b
> ingest: --lag needs -d: the table knows the offsets
> ingest: -G needs -d: the table knows the offsets
> ingest: --max-lag: a number of records, with --lag
> ingest: --until: end, a time, or PARTITION:OFFSET,...
> ingest: --from: '1' is neither beginning, end, a time, nor [TOPIC:]PARTITION:OFFSET,...
> ingest: --from: '1:' is neither beginning, end, a time, nor [TOPIC:]PARTITION:OFFSET,...
> ingest: --until: '1' is neither beginning, end, a time, nor [TOPIC:]PARTITION:OFFSET,...
> ingest: -b: no broker in ','
> ingest: --meta: a name of letters, digits and _, not 'a.b'
> ingest: --every: an exact duration of 1ms or more

# ingest: -f passes over what is no file, and says when there is none
$ export PIPEHOUSE_ROOT=$PWD/wh
$ mkdir logs logs/old.log; mkfifo logs/pipe.log; ln -s /dev/zero logs/zero.log; echo '{"t":"2026-11-20","n":1}' >logs/a.log
$ timeout 60 ingest -f 'logs/*.log' --until end -d ods.l --partition-by t; echo $?; wh-cat ods.l
$ ingest -f 'lgos/*.log' --until end -d ods.m --partition-by t; echo $?
> 0
> {"t":"2026-11-20","n":1}
> 0
! ingest: logs/old.log: no file, but a directory, a pipe or a device: it is passed over
! ingest: logs/pipe.log: no file, but a directory, a pipe or a device: it is passed over
! ingest: logs/zero.log: no file, but a directory, a pipe or a device: it is passed over
! ingest: lgos/*.log: no file matches

# ingest: a pattern that the shell has made files of
$ export PIPEHOUSE_ROOT=$PWD/wh
$ touch a.log b.log; ingest -f *.log --until end -d ods.l --partition-by t 2>&1 | head -n 1
> ingest: -f is one pattern, and FILE not with it: quote the pattern, or the shell makes files of it
