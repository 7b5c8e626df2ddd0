#!/usr/bin/env bash
# dws.product_sku_30d: sales and refunds of each sku in 30 days, from the days alone
set -euo pipefail

wh-cat --missing-ok -n 30 "dws.product_sku_1d@$DT" |
	window-agg -g sku_id 'amount=sum(amount)' 'items=sum(items)' 'orders=sum(orders)' \
		'refund_orders=sum(refund_orders)' \
		'refund_amount=sum(refund_amount)' |
	wh-put dws.product_sku_30d "dt=$DT"
