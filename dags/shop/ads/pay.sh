#!/usr/bin/env bash
# ads.pay: orders paid, by how many, cancelled, and the share of the day's orders paid on the day
set -euo pipefail

{
	wh-cat "dwd.payment@$DT" | json-map --keep paid=order_id,payer=user_id
	wh-cat "dwd.order_info@$DT" | json-map --keep id,order_status
	wh-cat "dwd.order_info@$DT" |
		dimjoin -k id -K order_id --type semi <(wh-cat "dwd.payment@$DT" | dedup -k order_id) |
		json-map own=id
} |
	window-agg 'paid_orders=distinct(paid)' 'payers=distinct(payer)' \
		"cancelled=count(* WHERE order_status = '1003')" \
		'orders=count(id)' 'own=count(own)' |
	json-map --keep paid_orders,payers,cancelled pay_rate='own * 1.00 / orders' |
	wh-put ads.pay "dt=$DT"
