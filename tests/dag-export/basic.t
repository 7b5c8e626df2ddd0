# dag-export: dot holds every node and every edge, @-1 dashed
$ printf 'c: b a@-1 c@-1 retries=2\n\ttrue\nb: a\n\ttrue\na:\n\ttrue\n' >t.dag; dag-export --to dot t.dag
> digraph "t" {
> 	rankdir=LR;
> 	node [shape=box];
> 	"c";
> 	"b";
> 	"a";
> 	"b" -> "c";
> 	"a" -> "c" [style=dashed, label="@-1"];
> 	"c" -> "c" [style=dashed, label="@-1"];
> 	"a" -> "b";
> }

# dag-export: a line of cron says everything; later times go on with --resume and do not wait
$ mkdir wh; echo 'tz Asia/Shanghai' >wh/warehouse.conf; mkdir wh/main; mv wh/warehouse.conf wh/main; printf 'a:\n\ttrue\n' >t.dag
$ PIPEHOUSE_ROOT=wh dag-export --to cron --at 00:30 --at 02:05 -j 4 t.dag >out; grep -v '^#' out | sed "s,$PWD,HERE,g; s,'[^']*/dag-run','BIN/dag-run',; s,PATH='[^']*',PATH=P,"
> CRON_TZ=Asia/Shanghai
> 30 0 * * * PIPEHOUSE_ROOT='HERE/wh' PIPEHOUSE_TENANT='main' PATH=P; export PIPEHOUSE_ROOT PIPEHOUSE_TENANT PATH; mkdir -p 'HERE/wh/main/_state'; flock -E 75 'HERE/wh/main/_state/t.cron.lock' 'BIN/dag-run' 'HERE/t.dag' --date yesterday -j 4 >>'HERE/wh/main/_state/t.cron.log' 2>&1
> 5 2 * * * PIPEHOUSE_ROOT='HERE/wh' PIPEHOUSE_TENANT='main' PATH=P; export PIPEHOUSE_ROOT PIPEHOUSE_TENANT PATH; mkdir -p 'HERE/wh/main/_state'; flock -E 75 -n 'HERE/wh/main/_state/t.cron.lock' 'BIN/dag-run' 'HERE/t.dag' --date yesterday -j 4 --resume >>'HERE/wh/main/_state/t.cron.log' 2>&1

# dag-export: a user field, another state, the events to wh-alert
$ mkdir wh state; printf 'a:\n\ttrue\n' >t.dag; touch a.conf; export PIPEHOUSE_ROOT=$PWD/wh PIPEHOUSE_TENANT=acme PIPEHOUSE_STATE=state
$ dag-export --to cron --user wh --alert a.conf --log /var/log/n.log --date today t.dag | tail -n 1 | sed "s,$PWD,HERE,g; s,'[^']*/dag-run','BIN/dag-run',; s,PATH='[^']*',PATH=P,"
> 30 0 * * * wh PIPEHOUSE_ROOT='HERE/wh' PIPEHOUSE_TENANT='acme' PIPEHOUSE_STATE='HERE/state' PATH=P; export PIPEHOUSE_ROOT PIPEHOUSE_TENANT PATH PIPEHOUSE_STATE; mkdir -p 'HERE/wh/acme/_state'; flock -E 75 'HERE/wh/acme/_state/t.cron.lock' 'BIN/dag-run' 'HERE/t.dag' --date today 2>>'/var/log/n.log' | wh-alert --config 'HERE/a.conf' >>'/var/log/n.log' 2>&1

# dag-export: what cron and sh would misread is quoted, and comes out as it was
$ mkdir -p "o'b %d \$x" && cd "o'b %d \$x" && printf 'a:\n\techo "$DT $PIPEHOUSE_ROOT" >said\n' >t.dag
$ PIPEHOUSE_ROOT=. dag-export --to cron --date today t.dag >tab; tail -n 1 tab | cut -d ' ' -f 6- | sed 's/\\%/%/g' >cmd
$ grep -c '[^\\]%' tab; env -i HOME=/ ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"} /bin/sh cmd; echo $?; cat main/_state/t.cron.log | json-map --keep name,severity; [ "$(cut -c 11- said)" = " $PWD" ] && echo right
> 0
> 0
> {"name":"a","severity":"ok"}
> right

# dag-export: what cannot be said in a table is refused
$ mkdir 'b\s' && printf 'a:\n\ttrue\n' >'b\s/t.dag'; cp 'b\s/t.dag' .; PIPEHOUSE_ROOT=$PWD dag-export --to cron 'b\s/t.dag' 2>&1 | sed "s,$PWD,HERE,"; PIPEHOUSE_ROOT=$PWD dag-export --to cron --log /$(printf '%0990d' 0) t.dag 2>err; echo $?; cut -c 1-29 err
> dag-export: 'HERE/b\s/t.dag': a line of cron cannot hold a backslash or a control character
> 2
> dag-export: the line of 00:30

# dag-export: usage
$ printf 'a:\n\ttrue\n' >t.dag; t() { dag-export "$@" 2>&1 | head -n 1; }
$ t; t --to cron; t t.dag; t --to dolphinscheduler t.dag; t --to cron t.dag; t --to dot --at 01:00 t.dag; export PIPEHOUSE_ROOT=.; t --to cron --at 24:00 t.dag; t --to cron --at 02:00 --at 01:59 t.dag; t --to cron --user 'a b' t.dag; t --to cron --log x t.dag; t --to dot t.dag t.dag
> dag-export: --to cron or --to dot?
> dag-export: which dag? a FILE is needed
> dag-export: --to cron or --to dot?
> dag-export: --to: 'dolphinscheduler' is neither cron nor dot
> dag-export: PIPEHOUSE_ROOT is not set: the warehouse is written into each line
> dag-export: --at, --user, --alert and --log are for --to cron
> dag-export: --at: '24:00' is no time of day, HH:MM
> dag-export: --at: 01:59 does not come behind 02:00 on one day
> dag-export: --user: 'a b' is no user's name
> dag-export: --log: 'x' does not begin at the root directory
> dag-export: 't.dag' is one too many
