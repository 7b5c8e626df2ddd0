#!/usr/bin/env bash
# dws.product_merchant_1d: sales of each merchant
set -euo pipefail

wh-cat "dwd.order_detail@$DT" |
	window-agg -g merchant_id,merchant_name 'orders=distinct(order_id)' 'items=sum(sku_num)' \
		'buyers=distinct(user_id)' \
		'amount=sum(split_total_amount)' |
	wh-put dws.product_merchant_1d "dt=$DT"
