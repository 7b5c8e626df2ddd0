#!/usr/bin/env bash
# ads.brand_sales: sales and refunds of each brand
set -euo pipefail

wh-cat "dws.product_brand_1d@$DT" |
	json-map --keep tm_id,tm_name,orders,buyers,refund_orders items='coalesce(items, 0)' \
		amount='coalesce(amount, 0.00)' \
		refund_amount='coalesce(refund_amount, 0.00)' refund_rate='coalesce(refund_amount, 0.00) / amount' |
	wh-put ads.brand_sales "dt=$DT"
