#!/usr/bin/env bash
# dws.trade_province_1d: orders by province and channel
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	window-agg -g province_id,province_name,channel 'orders=count()' 'amount=sum(total_amount)' |
	wh-put dws.trade_province_1d "dt=$DT"
