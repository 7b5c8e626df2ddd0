#!/usr/bin/env bash
# ads.refund: refunds asked for, by how many, and what was paid back
set -euo pipefail

{
	wh-cat "dwd.refund@$DT" | json-map --keep id,user_id
	wh-cat "dwd.refund_payment@$DT" | json-map back=total_amount
} |
	window-agg 'refunds=count(id)' 'refund_buyers=distinct(user_id)' 'back=sum(back)' |
	json-map --keep refunds,refund_buyers refunded_amount='coalesce(back, 0.00)' |
	wh-put ads.refund "dt=$DT"
