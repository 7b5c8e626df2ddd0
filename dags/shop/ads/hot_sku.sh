#!/usr/bin/env bash
# ads.hot_sku: the ten products that sold most, with their refunds; of equal ones the smaller id comes first
set -euo pipefail

wh-cat "dws.product_sku_1d@$DT" |
	json-map -w 'amount IS NOT NULL' |
	topn -n 10 --by 'amount * 100000000000 - sku_id' |
	json-map --keep rank,sku_id,amount,items,orders,refund_orders refund_amount='coalesce(refund_amount, 0.00)' |
	wh-put ads.hot_sku "dt=$DT"
