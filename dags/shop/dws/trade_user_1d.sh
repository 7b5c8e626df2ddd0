#!/usr/bin/env bash
# dws.trade_user_1d: what each user ordered
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	window-agg -g user_id 'orders=count()' 'amount=sum(total_amount)' 'first_order=min(create_time)' \
		'last_order=max(create_time)' |
	wh-put dws.trade_user_1d "dt=$DT"
