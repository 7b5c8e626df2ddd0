# in a barrier job: a control line is one line again behind the copies, with an account of what came and what they wrote
$ n=0123456789abcdef0123456789abcdef; mkdir -p job; echo $n >job/nonce; echo s >job/sinks; export PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1
$ line() { echo "{\"\$barrier\":\"$n\",\"id\":$1,\"run\":1,\"kind\":\"$2\",\"n\":$3,\"now\":5,\"wm\":null,\"from\":{},\"to\":{},\"pins\":{},\"hops\":[]}"; }
$ { line 0 open 0; echo '{"id":1}'; echo '{"id":2}'; line 1 mark 2; line 2 mark 0; echo '{"id":3}'; line 3 end 1; } >in; cat in | shard -n 2 -k id -- json-map -w 'id < 3' | jq -c 'if .id and .n then [.id, .kind, .n, .hops[]] else . end'
> [0,"open",0,{"t":"shard","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]
> {"id":1}
> {"id":2}
> [1,"mark",2,{"t":"shard","in":2,"pass":0,"drop":0,"used":2,"rej":0,"made":2}]
> [2,"mark",0,{"t":"shard","in":0,"pass":0,"drop":0,"used":0,"rej":0,"made":0}]
> [3,"end",0,{"t":"shard","in":1,"pass":0,"drop":0,"used":1,"rej":0,"made":0}]

# what is held for a slow copy is bounded: 60 MB in two epochs
@ sanitized
$ n=0123456789abcdef0123456789abcdef; mkdir -p job; echo $n >job/nonce; echo s >job/sinks; export PIPEHOUSE_JOB="$PWD/job" PIPEHOUSE_JOB_RUN=1
$ line() { echo "{\"\$barrier\":\"$n\",\"id\":$1,\"run\":1,\"kind\":\"$2\",\"n\":$3,\"now\":5,\"wm\":null,\"from\":{},\"to\":{},\"pins\":{},\"hops\":[]}"; }
$ epoch() { awk 'BEGIN { for (i = 0; i < 60000; i++) printf "{\"id\":%d,\"x\":\"%0500d\"}\n", i, 0 }'; }
$ { line 0 open 0; epoch; line 1 mark 60000; epoch; line 2 end 60000; } | shard -n 2 -k id -S 4M --stats st -- sh -c '[ $SHARD = 0 ] && sleep 0.3; exec json-map --all' | wc -l; jq '.peak_kib < 20000' st
> 120003
> true
