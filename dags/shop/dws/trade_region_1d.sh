#!/usr/bin/env bash
# dws.trade_region_1d: orders by region, and its place by their amount; of equal ones the smaller id comes first
set -euo pipefail

wh-cat "dwd.order_info@$DT" |
	window-agg -g region_id,region_name 'orders=count()' 'amount=sum(total_amount)' |
	json-map -w 'region_id IS NOT NULL' |
	topn -n 100 --by 'amount * 100000000000 - region_id' |
	wh-put dws.trade_region_1d "dt=$DT"
