#!/usr/bin/env bash
# ads.trade: orders, buyers, GMV, their mean, paid amount, refund amount and rate
set -euo pipefail

{
	wh-cat "dwd.order_info@$DT" | json-map --keep user_id,ordered=total_amount
	wh-cat "dwd.payment@$DT" | json-map --keep paid=total_amount
	wh-cat "dwd.refund@$DT" | json-map --keep refunded=refund_amount
} |
	window-agg 'orders=count(ordered)' 'buyers=distinct(user_id)' 'gmv=sum(ordered)' 'paid_amount=sum(paid)' \
		'refund_amount=sum(refunded)' |
	json-map --keep orders,buyers gmv='coalesce(gmv, 0.00)' paid_amount='coalesce(paid_amount, 0.00)' \
		refund_amount='coalesce(refund_amount, 0.00)' aov='gmv / orders' \
		refund_rate='coalesce(round(coalesce(refund_amount, 0.00) / gmv, 6), 0.000000)' |
	wh-put ads.trade "dt=$DT"
