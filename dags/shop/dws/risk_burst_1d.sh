#!/usr/bin/env bash
# dws.risk_burst_1d: users with five orders or more within one hour of the clock
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	window-agg -t create_time -w 1h --time-format sql -g user_id 'orders=count()' 'amount=sum(total_amount)' |
	json-map -w 'orders >= 5' |
	wh-put dws.risk_burst_1d "dt=$DT"
