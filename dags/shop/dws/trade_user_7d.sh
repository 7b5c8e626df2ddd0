#!/usr/bin/env bash
# dws.trade_user_7d: what each user ordered in 7 days, from the days alone
set -euo pipefail

wh-cat --missing-ok -n 7 "dws.trade_user_1d@$DT" |
	window-agg -g user_id 'days=count()' 'orders=sum(orders)' 'amount=sum(amount)' 'last_order=max(last_order)' |
	wh-put dws.trade_user_7d "dt=$DT"
