# routes: a day that is a path is that record's error, and nothing is written beside the table
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; wh-put --partition-by d t.x --reject rej; echo $?; jq -r .reason rej | sort -u | wc -l; find . -name '*..*' -o -name passwd -o -name x -type f -o -name y; ls wh/main/t/x | grep dt=
< {"d":"../../../x"}
< {"d":"/etc/passwd"}
< {"d":"2026-11-20/../../y"}
< {"d":"2026-11-20\u0000"}
< {"d":"..%2f..%2fx"}
< {"d":".."}
< {"d":"2026-11-20"}
> 0
> 1
> dt=2026-11-20

# routes: names of tables that are paths
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; for t in ../x t../x 't./../x' /etc/x t.x/../y "t.$(printf 'a\nb')" t..x .t.x; do echo '{}' | wh-put "$t" dt=2026-11-20 2>/dev/null; echo $?; done | sort | uniq -c | tr -s ' '; find . -name 'x*' -o -name 'y*'
>  8 2

# temporary files: a name that is new (O_EXCL), appended to, or none at all; nothing for others to read but outputs, which get a name here later
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; umask 000; seq 2000 | sed 's/.*/{"id":&,"v":1}/' >a; seq 2 2001 | sed 's/.*/{"id":&,"v":1}/' >b; echo 'fail exec /bin/false' >c; chmod 644 c
$ trace() { LSAN_OPTIONS=detect_leaks=0 strace -qq -f -e trace=openat,open,creat -o "tr.$1" "$@" >/dev/null 2>&1; }
$ trace dq-reconcile -k id --sum v -S 64K --result res -o out a b; echo '{"severity":"fail"}' >e; trace wh-alert --config c --spool s --dedupe 1h --tries 1 e; trace dq-check --history h --table t.x --dt 2026-11-20 --result r2 --tee-bad bad 'not_null(v)' a
$ cat tr.* | grep O_CREAT | grep -v 'O_EXCL\|O_APPEND\|\.lock"'; cat tr.* | grep -c 'O_CREAT\|O_TMPFILE' | sed 's/[1-9][0-9]*/some/'; find s -perm /077 | wc -l; cat tr.* | grep O_TMPFILE | grep -v '0600\|(AT_FDCWD, "\.", .*O_WRONLY'; true
> some
> 0

# temporary files: links and FIFOs that somebody laid in the way are not followed
$ mkdir s; chmod 700 s; echo 'fail exec /bin/false' >c; echo mine >victim; ln -s ../victim s/.lock; echo '{"severity":"fail"}' | wh-alert --config c --spool s --tries 1 >/dev/null 2>&1; echo $?; cat victim
$ mkdir h; ln -s ../victim h/t.x.ndjson; echo '{}' | dq-check --history h --table t.x --dt 2026-11-20 'rows(1,)' >/dev/null 2>&1; echo $?; cat victim
> 4
> mine
> 4
> mine

# an alert hook: what the event says is never an argument, never a word for a shell
$ cat >hook <<'E2'
$ #!/bin/sh
$ echo "$# $1"; cat
$ E2
$ chmod 700 hook; cat >wrap <<E2
$ #!/bin/sh
$ exec $PWD/hook "\$@" >>$PWD/heard
$ E2
$ chmod 700 wrap; echo "fail exec $PWD/wrap 'a;b \$(id)'" >c; wh-alert --config c --spool s; cat heard; ls | tr '\n' ' '; echo
< {"severity":"fail","name":"$(touch x); `touch y`; touch z","text":"' \" ; | & > w < -rf \\ * ? \n"}
> 1 a;b $(id)
> {"severity":"fail","name":"$(touch x); `touch y`; touch z","text":"' \" ; | & > w < -rf \\ * ? \n"}
> c heard hook s wrap 

# names and texts of checks and sides drive no terminal and end no line
$ echo '{"id":1}' >"$(printf 'a\033[1m\nb')"; dq-check 'not_null("\u001b[31my")' --result r "$(printf './a\033[1m\nb')" >/dev/null 2>err; wc -l <err; tr -d '\012\040-\176' <err | wc -c; jq -r .text r | tr -d '\040-\176' | wc -c
> 1
> 0
> 1
