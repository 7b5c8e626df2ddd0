#!/usr/bin/env bash
# dws.trade_pay_1d: what was paid, by the way of paying
set -euo pipefail

wh-cat "dwd.payment@$DT" |
	window-agg -g payment_type 'payments=count()' 'orders=distinct(order_id)' 'payers=distinct(user_id)' \
		'amount=sum(total_amount)' |
	wh-put dws.trade_pay_1d "dt=$DT"
