# ingest --route: changes of four producers to the tables of their names, the rest to another
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'shop.orders ods.orders day=d\nshop.user* ods.users day=d\n* ods.unrouted\n' >feed.route
$ cat >a <<'.'
$ {"database":"shop","table":"orders","type":"insert","d":"2026-11-20","n":1}
$ {"db":"shop","table":"user_info","d":"2026-11-20","n":2}
$ {"source":{"db":"shop","table":"orders"},"d":"2026-11-21","n":3}
$ {"payload":{"source":{"db":"shop","table":"users"}},"d":"2026-11-20","n":4}
$ {"database":"shop","table":"order","d":"2026-11-20","n":5}
$ {"d":"2026-11-20","n":6}
$ {"database":{"x":1},"table":7,"d":"2026-11-20","n":7}
$ .
$ i() { ingest a --route feed.route --partition-by d; }
$ i; i; for t in orders users unrouted; do echo $t; wh-cat ods.$t | json-map --keep n; done
$ echo '{"database":"shop","table":"orders","d":"2026-11-20","n":8}' >>a; i; i; wh-cat ods.orders | wc -l; wh-cat ods.unrouted | wc -l; ls wh/main/_jobs/feed/_log/*.json | wc -l
> orders
> {"n":1}
> {"n":3}
> users
> {"n":2}
> {"n":4}
> unrouted
> {"n":5}
> {"n":6}
> {"n":7}
> 3
> 3
> 4

# ingest --route: by another expression, a number too; what has no line is kept with its word, on its day or the day it came
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'by kind   # of event\n1 ods.one\n"two words" ods.two\n' >r
$ printf '{"kind":1.0,"d":"2026-11-20"}\n{"kind":"two words","d":"2026-11-20"}\n{"kind":"x","d":"2026-11-19"}\n{"d":"2026-11-20"}\n{"kind":"y\\u00e9\\n","n":1.50}\n{"_word":7,"kind":"z","d":"2026-11-20"}\n' >a
$ a=$(date -u +%F); ingest a --route r --job j --partition-by d --stats s; b=$(date -u +%F); wh-cat ods.one; wh-cat ods.two; ls wh/main/_jobs; grep -o '"unrouted":[0-9]*' s
$ wh-cat ods.unrouted@2026-11-19; wh-cat ods.unrouted@2026-11-20; wh-cat ods.unrouted@$a..$b
> {"kind":1.0,"d":"2026-11-20"}
> {"kind":"two words","d":"2026-11-20"}
> j
> "unrouted":4
> {"kind":"x","d":"2026-11-19","_word":"x"}
> {"d":"2026-11-20","_word":null}
> {"_word":"z","kind":"z","d":"2026-11-20"}
> {"kind":"y\u00e9\n","n":1.50,"_word":"yé\n"}

# ingest --route: a dash is no place: such records are rejects; a line may keep the word
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'by k\na* ods.a word=was\nno -\n* ods.rest\n' >r; printf '{"k":"ab","d":"2026-11-20"}\n{"k":"no","d":"2026-11-20"}\n{"k":"c","d":"2026-11-20"}\n' >x
$ ingest x --route r --partition-by d --reject bad; wh-cat ods.a; wh-cat ods.rest; json-map --keep line,reason bad; wh-cat ods.unrouted; echo $?
> {"k":"ab","d":"2026-11-20","was":"ab"}
> {"k":"c","d":"2026-11-20"}
> {"line":2,"reason":"no route leads to a table"}
> 1
! wh-cat: ods.unrouted: never committed

# ingest --route: a bad record commits nothing, to no table
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'by k\na ods.a\nb ods.b\n' >r; printf '{"k":"a","d":"2026-11-20"}\n{"k":"b","d":"2026-11-20"}\n{"k":"b","d":"noon"}\n' >x
$ ingest x --route r --partition-by d 2>&1 | sed 's/: .*: .*/: bad/'; wh-ls; find wh -name '*.pz'; sed -i 3d x; ingest x --route r --partition-by d; wh-cat ods.a; wh-cat ods.b
> ingest: bad
> {"k":"a","d":"2026-11-20"}
> {"k":"b","d":"2026-11-20"}

# ingest --route: as records, as mysql-extract writes a table of routes
$ export PIPEHOUSE_ROOT=$PWD/wh
$ cat >r <<'.'
$ {"pos":1,"by":"k","comment":"what it is called"}
$ {"pos":2,"word":"a*","target":"ods.a","day":"substr(at, 1, 10)","key":null,"by":null}
$ {"pos":3,"word":"*","target":"ods.b","day":"at"}
$ .
$ printf '{"k":"ab","at":"2026-11-20T"}\n{"k":"c","at":"2026-11-21"}\n' >x; ingest x --route r; wh-cat ods.a@2026-11-20; wh-cat ods.b@2026-11-21
$ t() { printf "$1" >r; ingest x --route r 2>&1 | head -n 1; }
$ t '{"word":"a"}\n'; t '{"word":1,"target":"a.b"}\n'; t '{"word":"a","target":"a.b"}\nx\n'; t '{"word":"a","target":"a.b"\n'; t '{"by":"1 +"}\n'
> {"k":"ab","at":"2026-11-20T"}
> {"k":"c","at":"2026-11-21"}
> ingest: r:1: it leads nowhere
> ingest: r:1: word is no text
> ingest: r:2: not a JSON object
> ingest: r:1: the line ends inside an object
> ingest: r:1: by: column 4: a value expected, but the expression ends

# ingest --route: each commit names the version of the file, the first of a version holds it
$ export PIPEHOUSE_ROOT=$PWD/wh; printf 'by k\na ods.a\n' >r; i() { printf '{"k":"a","d":"2026-11-20"}\n' >>x; ingest x --route r --partition-by d; }
$ i; i; echo '* ods.b' >>r; i; for f in wh/main/_jobs/r/_log/*.json wh/main/ods/a/_log/*.json; do jq -r 'select(.kind == "data") | .route[:8] + " " + (.routes | tojson)' $f; done >got
$ a=$(printf 'by k\na ods.a\n' | sha256sum | cut -c 1-8); b=$(sha256sum r | cut -c 1-8); sed "s/$a/first/; s/$b/second/" got
> first "by k\na ods.a\n"
> first "by k\na ods.a\n"
> second "by k\na ods.a\n* ods.b\n"
> first null
> first null
> second null

# ingest --route: a table that another started with -d has is its own: positions are the job's
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf '* ods.a day=d\n' >r; printf '{"d":"2026-11-20"}\n' >x; ingest x -d ods.a --partition-by d; ingest x --route r; ingest x --route r; wh-cat ods.a | wc -l
> 2

# ingest --route: killed at each of its links, the next start brings everything to its end, once
$ printf 'by k\na ods.a day=d\nb ods.b day=d\n' >r; seq 1 1000 | awk '{ printf "{\"k\":\"%s\",\"d\":\"2026-11-20\",\"n\":%d}\n", $1 % 2 ? "a" : "b", $1 }' >x
$ grep '"a"' x >a; grep '"b"' x >b
$ for k in $(seq 1 40); do
$     export PIPEHOUSE_ROOT=$PWD/wh$k
$     strace -f -qq -o /dev/null -e inject=linkat,link:signal=KILL:when=$k ingest x --route r 2>/dev/null && break
$     ingest x --route r; wh-cat ods.a | cmp - a && wh-cat ods.b | cmp - b || echo "wrong after $k"
$     find wh$k/main/ods -name 's-*.pz' -links 1
$ done
$ echo $((k > 5 && k < 40))
> 1

# ingest --route: what the job has committed and its tables do not have yet is nobody's for wh-gc
$ export PIPEHOUSE_ROOT=$PWD/wh
$ i() { seq $1 | awk '{ printf "{\"k\":\"%s\",\"d\":\"2026-11-20\",\"n\":%d}\n", $1 % 2 ? "a" : "b", $1 }' >x; shift; "$@" ingest x --route r 2>/dev/null; }
$ printf 'by k\na ods.a day=d\nb ods.b day=d\n' >r; i 10; i 20 strace -f -qq -o /dev/null -e inject=linkat,link:signal=KILL:when=3; wh-cat ods.a | wc -l; wh-cat ods.b | wc -l
$ find wh -name '*.pz' -links 1 | wc -l; find wh -name '*.pz' -exec touch -d '3 days ago' {} +; wh-gc >/dev/null; i 20; wh-cat ods.a | wc -l; wh-cat ods.b | wc -l
> 5
> 5
> 2
> 10
> 10

# ingest --route: what it refuses
$ export PIPEHOUSE_ROOT=$PWD/wh; echo '{}' >x
$ t() { printf "$1" >r; ingest x --route r 2>&1 | head -n 1; }
$ t ''; t 'a\n'; t 'a b.c d e\n'; t 'by x\nby y\na b.c\n'; t 'a b.c\n'; t 'a nodot day=d\n'; ingest x --route nothere 2>&1; ingest x --route r -d a.b 2>&1 | head -n 1
$ ingest x --job j 2>&1 | head -n 1; ingest x --route r --job A/b 2>&1; wh-run 'ingest x --route r' 2>&1 | head -n 1; ingest -b h -t x -G g --route r 2>&1 | head -n 1
> ingest: r: it leads to no table
> ingest: r:1: not WORD NAME [day=EXPR] [key=PATH] [word=NAME], nor by EXPR
> ingest: r:1: not WORD NAME [day=EXPR] [key=PATH] [word=NAME], nor by EXPR
> ingest: r:2: a second `by`
> ingest: --partition-by is required: table b.c says no day
> ingest: 'nodot': a table is LAYER.TABLE
> ingest: nothere: No such file or directory
> ingest: -d and --route exclude each other
> ingest: --job goes with --route
> ingest: job 'A/b': at most 64 of a-z, 0-9 and _
> ingest: --route commits by itself: not in a run
> ingest: -G: with -d only: the job of --route has one writer

# ingest --route: records that are called like the one before, or nearly so, go where each belongs
$ export PIPEHOUSE_ROOT=$PWD/wh
$ printf 'by "coalesce(a, b) || c"\nxy ods.xy\nx ods.x\ny1 ods.y1\n' >f.route
$ cat >a <<'.'
$ {"a":"x","c":"y","n":1}
$ {"a":"x","c":"y","n":2}
$ {"b":"x","c":"y","n":3}
$ {"a":"xy","c":"","n":4}
$ {"a":"\u0078","c":"y","n":5}
$ {"a":"x","c":"","n":6}
$ {"a":"x","n":7}
$ {"a":"x","c":null,"n":8}
$ {"a":"y","c":1,"n":9}
$ {"a":"y","c":"1","n":10}
$ {"a":"y","c":1.0,"n":11}
$ {"a":"y","c":1,"n":12}
$ {"n":13}
$ {"n":14}
$ {"a":{},"c":1,"n":15}
$ {"a":{},"c":1,"n":16}
$ {"a":"x","c":"y","n":17}
$ .
$ ingest a --route f.route --partition-by "'2026-11-20'"; for t in xy x y1 unrouted; do echo $t $(wh-cat ods.$t | json-map n=n | tr -dc '0-9\n'); done
> xy 1 2 3 4 5 17
> x 6
> y1 9 10 12
> unrouted 7 8 11 13 14 15 16
