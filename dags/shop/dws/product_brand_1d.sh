#!/usr/bin/env bash
# dws.product_brand_1d: sales and refunds of each brand
set -euo pipefail

{
	wh-cat "dwd.order_detail@$DT" |
		json-map --keep tm_id,tm_name,order_id,user_id,num=sku_num,amount=split_total_amount
	wh-cat "dwd.refund@$DT" |
		json-map --keep tm_id,tm_name,refund_order_id=order_id,refund_amount
} |
	window-agg -g tm_id,tm_name 'orders=distinct(order_id)' 'items=sum(num)' 'buyers=distinct(user_id)' \
		'amount=sum(amount)' \
		'refund_orders=distinct(refund_order_id)' 'refund_amount=sum(refund_amount)' |
	wh-put dws.product_brand_1d "dt=$DT"
