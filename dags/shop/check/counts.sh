#!/usr/bin/env bash
# what went into dwd must be what ods holds, but for the records that the runs themselves say they rejected or dropped
set -euo pipefail

for pair in start:start_log page_view:page_log action:action_log display:display_log error:error_log; do
	table=${pair%:*} source=${pair#*:}
	rows=$(wh-ls "ods.$source@$DT" | json-map --keep rows)			# {"rows":N}
	rows=${rows#*:} rows=${rows%\}}
	run=$(json-map --keep run "$PIPEHOUSE_STATE/dag/nightly/$DT/dwd_$table.json")	# {"run":"ID"}
	run=${run#*:\"} run=${run%\"\}}
	lost=$(cat "$PIPEHOUSE_ROOT/$PIPEHOUSE_TENANT/_run/done/$run/flow"/*.json |
		json-map -w '"end" IS NOT NULL' lost='stats.dropped + stats.rejected' | window-agg 'lost=sum(lost)')
	lost=${lost#*:} lost=${lost%\}}
	wh-cat "dwd.$table@$DT" |
		dq-check --table "dwd.$table" 'fail rows(:n,:n)' --arg n="$((rows - lost))" >/dev/null
done
