#!/usr/bin/env bash
# what went into dwd must be what ods holds, but for the records that the runs themselves say they rejected or dropped
set -euo pipefail

value() {	# of {"NAME":V}
	local v
	v=$(cat)
	v=${v#*:} v=${v%\}}
	printf '%s' "${v//\"/}"
}
for pair in start:start_log page_view:page_log action:action_log display:display_log error:error_log \
	order_info:order_info order_detail:order_detail refund:order_refund_info cart_add:cart_info comment:comment_info; do
	table=${pair%:*} source=${pair#*:}
	case $source in
	*_log) rows=$(wh-ls "ods.$source@$DT" | json-map --keep rows | value) ;;
	*) rows=$(wh-cat --missing-ok "ods.$source@$DT" | window-agg 'rows=count()' | value) ;;	# its newest rows are no files
	esac
	run=$(json-map --keep run "$PIPEHOUSE_STATE/dag/nightly/$DT/dwd_$table.json" | value)
	lost=$(cat "$PIPEHOUSE_ROOT/$PIPEHOUSE_TENANT/_run/done/$run/flow"/*.json |
		json-map -w '"end" IS NOT NULL' lost='stats.dropped + stats.rejected' | window-agg 'lost=sum(lost)' | value)
	wh-cat "dwd.$table@$DT" |
		dq-check --table "dwd.$table" 'fail rows(:n,:n)' --arg n="$((rows - lost))" >/dev/null
done
