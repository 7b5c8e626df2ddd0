# more deltas than files may be open: all are merged, deleted keys stay deleted
$ mkdir wh; export PIPEHOUSE_ROOT=$PWD/wh; printf 'kind upsert\nkey id\norder o\ndeleted gone\nday d\n' | wh-table t.k -
$ for i in $(seq 105); do echo '{"id":'$((i % 7))',"o":'$i',"v":'$i',"d":"2026-11-20","gone":'$([ $((i % 7)) = 3 ] && [ $i -gt 70 ] && echo true || echo false)'}' | wh-put t.k || echo failed; done
$ sh -c 'ulimit -n 90; wh-cat t.k; echo $?' >got
$ python3 -c 'v = [(i % 7, i, i) for i in range(1, 106) if i % 7 != 3]
$ for k in sorted({x[0] for x in v}): best = max((x for x in v if x[0] == k), key=lambda x: x[1:]); print("{\"id\":%d,\"o\":%d,\"v\":%d,\"d\":\"2026-11-20\",\"gone\":false}" % best)
$ print(0)' >want
$ cmp got want; wc -l <got | tr -d ' '; ls
> 7
> got
> want
> wh
