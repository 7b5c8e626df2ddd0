#!/usr/bin/env bash
# dws.product_sku_1d: sales and refunds of each sku
set -euo pipefail

{
	wh-cat "dwd.order_detail@$DT" |
		json-map --keep sku_id,order_id,num=sku_num,amount=split_total_amount
	wh-cat "dwd.refund@$DT" |
		json-map --keep sku_id,refund_order_id=order_id,refund_amount
} |
	window-agg -g sku_id 'amount=sum(amount)' 'items=sum(num)' 'orders=distinct(order_id)' \
		'refund_orders=distinct(refund_order_id)' 'refund_amount=sum(refund_amount)' |
	wh-put dws.product_sku_1d "dt=$DT"
