#!/usr/bin/env bash
# dws.trade_status_1d: the steps that orders took
set -euo pipefail

wh-cat "dwd.order_status@$DT" |
	window-agg -g order_status 'orders=distinct(order_id)' |
	wh-put dws.trade_status_1d "dt=$DT"
