#!/usr/bin/env bash
# dws.trade_channel_1d: orders by the channel that they were made in
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	window-agg -g channel 'orders=count()' 'buyers=distinct(user_id)' 'amount=sum(total_amount)' |
	wh-put dws.trade_channel_1d "dt=$DT"
