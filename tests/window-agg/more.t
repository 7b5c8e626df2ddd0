# deviations: of the population as in MariaDB, of a sample with two values at least; exact, four digits more than the longest number
$ window-agg -g g 'sd=stddev(x)' 'pop=STDDEV_POP(x)' 'samp=stddev_samp(x)'
< {"g":1,"x":2}
< {"g":1,"x":4}
< {"g":1,"x":4}
< {"g":1,"x":4}
< {"g":1,"x":5}
< {"g":1,"x":5}
< {"g":1,"x":7}
< {"g":1,"x":9}
< {"g":2,"x":"-1.5"}
< {"g":3,"x":null}
< {"g":4,"x":99999999999999999999999999999999999999}
< {"g":4,"x":-99999999999999999999999999999999999999}
> {"g":1,"sd":2.0000,"pop":2.0000,"samp":2.1381}
> {"g":2,"sd":0.00000,"pop":0.00000,"samp":null}
> {"g":3,"sd":null,"pop":null,"samp":null}
! window-agg: group 4: standard deviation outside 10^38
? 3

# quantiles: nearest rank, exact for small whole numbers and a single one, within 1 % otherwise, never outside what came
$ for i in $(seq 0 100); do echo "{\"x\":$i,\"y\":$((i * 1000)),\"z\":$((-i)).5}"; done | window-agg 'a=quantile(x,0)' 'b=quantile(x,0.5)' 'c=quantile(x,0.501)' 'd=quantile(x,1.0)' 'y=quantile(y,0.5)' 'top=quantile(y,1)' 'z=quantile(z,0.25)' 'n=quantile(none,0.5)' 'w=quantile(x,0.5 WHERE x > 98)'
> {"a":0,"b":50,"c":50,"d":100,"y":49920,"top":100000,"z":-75.5,"n":null,"w":99}

# quantile of one number is that number, whatever its bucket; 1 and 1.00 are the same, printed with the most digits met
$ printf '{"g":1,"x":1234567.89}\n{"g":2,"x":1}\n{"g":2,"x":1.00}\n{"g":3,"x":-0.0000000001}\n{"g":3,"x":0}\n' | window-agg -g g 'p=quantile(x,0.5)'
> {"g":1,"p":1234567.89}
> {"g":2,"p":1.00}
> {"g":3,"p":-0.0000000001}

# collect: sorted by kind, then as numbers or texts are; as they stood, or distinct in canonical form
$ window-agg 'all=collect(v)' 'set=collect(distinct v)' 'some=collect(v WHERE n > 1)' 'none=collect(w)'
< {"v":10,"n":1}
< {"v":9.0,"n":2}
< {"v":9,"n":1}
< {"v":"b","n":1}
< {"v":"\u0061b","n":1}
< {"v":"a","n":1}
< {"v":true,"n":2}
< {"v":null,"n":2}
< {"v":[2, 1],"n":1}
< {"v":{"k":1},"n":1}
> {"all":[true,9,9.0,10,"a","\u0061b","b",[2, 1],{"k":1}],"set":[true,9,10,"a","ab","b",[2, 1],{"k":1}],"some":[true,9.0],"none":null}

# topk: the most frequent, ties in order, exact
$ for i in 3 1 2 3 1 3 9 10; do echo "{\"v\":$i}"; done | window-agg 'one=topk(v,1)' 'two=topk(v,3)' 'all=topk(v,100)' 'none=topk(w,2)'
> {"one":[{"value":3,"n":3}],"two":[{"value":3,"n":3},{"value":1,"n":2},{"value":2,"n":1}],"all":[{"value":3,"n":3},{"value":1,"n":2},{"value":2,"n":1},{"value":9,"n":1},{"value":10,"n":1}],"none":null}

# an array cannot be counted as a key
$ window-agg 't=topk(v,1)' 'h=hll(v)'
< {"v":[1]}
! window-agg: <stdin>:1: an array cannot be a key
? 3

# hll is exact up to 2048 values; beyond that within a few percent
$ seq 2048 | sed 's/.*/{"v":"&"}/' | window-agg 'h=hll(v)' 'd=distinct(v)'; seq 100000 | sed 's/.*/{"v":&}/' | window-agg 'h=hll(v)' | json-map 'ok=h BETWEEN 97600 AND 102400'
> {"h":2048,"d":2048}
> {"ok":true}

# a collected array of 64 MiB is written, one of a byte more is an error
$ head -c 16000000 /dev/zero | tr '\0' x >pad; for n in 3108848 3108849; do { for i in 1 2 3 4; do printf '{"v":"%s"}\n' "$(cat pad)"; done; printf '{"v":"%s"}\n' "$(head -c $n pad)"; } >in; window-agg 'c=collect(v)' in | wc -c; done
> 67108871
> 0
! window-agg: group : collected values longer than a line may be (64 MiB)

# collected values longer than a line may be are an error of their group
$ head -c 14000000 /dev/zero | tr '\0' x >pad; for i in 1 2 3 4 5; do printf '{"v":"%s%d"}\n' "$(cat pad)" $i; done | window-agg 'c=collect(v)'
! window-agg: group : collected values longer than a line may be (64 MiB)
? 3

# --partial and --merge: the groups stand there to sort by, the state is the last field
$ printf '{"t":1,"g":"a","x":1}\n{"t":61,"g":"b","x":2}\n' | window-agg -t t:s -w 1m -g g 's=sum(x)' --partial | sed 's/"$partial":"[^"]*"/"$partial":"..."/'
> {"g":"a","$at":0,"$partial":"..."}
> {"g":"b","$at":60000000,"$partial":"..."}

# --merge answers as one process would, for any split
$ for f in 1 2 3; do for i in 1 2 3 4; do echo "{\"g\":\"g$((i % 2))\",\"x\":$((f * i)).$f,\"t\":$((f * 10 + i))}"; done >f$f; done
$ set -- -t t:s -g g 'n=count()' 's=sum(x)' 'd=distinct(x)' 'l=last(x)' 'q=quantile(x,0.5)' 'sd=stddev(x)' 'c=collect(x)'; window-agg "$@" f1 f2 f3 >want; for f in f3 f1 f2; do window-agg "$@" --partial $f; done | window-agg "$@" --merge | cmp - want && window-agg "$@" --session 7s f1 f2 f3 >want && for f in f2 f3 f1; do window-agg "$@" --session 7s --partial $f; done | sort | window-agg "$@" --session 7s --merge | cmp - want && wc -l <want
> 6

# --merge of nothing is what nothing gives
$ window-agg 'n=count()' --partial </dev/null | window-agg 'n=count()' --merge
> {"n":0}

# states made with other arguments, damaged ones and plain records are bad; any other argument of the answer is free
$ echo '{"t":1,"g":1}' | window-agg -t t:s -w 1m -g g 'n=count()' --partial >p; window-agg -t t:s -w 2m -g g 'n=count()' --merge p; window-agg -t t:s -w 1m -g g 'n=count(x)' --merge p; sed 's/"$partial":"..../&x/' p | window-agg -t t:s -w 1m -g g 'n=count()' --merge; echo '{"g":1}' | window-agg -g g 'n=count()' --merge --on-error skip; window-agg -t t:s -w 1m -g g 'n=count()' --merge --time-format s p
> {"window_start":0,"window_end":60,"g":1,"n":1}
! window-agg: p:1: a partial state made with other arguments
! window-agg: p:1: a partial state made with other arguments
! window-agg: <stdin>:1: not a partial state, or a damaged one

# what takes a number takes one
$ window-agg 'q=quantile(x,2)' </dev/null 2>&1 | head -1; window-agg 'q=quantile(x)' </dev/null 2>&1 | head -1; window-agg 'q=topk(x,0)' </dev/null 2>&1 | head -1; window-agg 'q=mean(x)' </dev/null 2>&1 | head -1
> window-agg: q: quantile takes a value and a number from 0 to 1: quantile(ms,0.95)
> window-agg: q: quantile takes a value and a number from 0 to 1: quantile(ms,0.95)
> window-agg: q: topk takes a value and how many, at most 100000: topk(sku_id,10)
> window-agg: q: 'mean' is none of count sum avg min max first last distinct quantile stddev stddev_samp hll topk collect
