#!/usr/bin/env bash
# dws.marketing_activity_1d: what was sold under each activity, and what it took off
set -euo pipefail

wh-cat "dwd.order_detail@$DT" |
	json-map -w 'activity_id IS NOT NULL' |
	window-agg -g activity_id 'orders=distinct(order_id)' 'amount=sum(split_total_amount)' \
		'reduced_amount=sum(split_activity_amount)' |
	wh-put dws.marketing_activity_1d "dt=$DT"
