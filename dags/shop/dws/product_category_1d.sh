#!/usr/bin/env bash
# dws.product_category_1d: sales of each category of the third level, with those above it
set -euo pipefail

wh-cat "dwd.order_detail@$DT" |
	window-agg -g category1_id,category2_id,category3_id 'orders=distinct(order_id)' 'items=sum(sku_num)' \
		'buyers=distinct(user_id)' 'amount=sum(split_total_amount)' |
	wh-put dws.product_category_1d "dt=$DT"
