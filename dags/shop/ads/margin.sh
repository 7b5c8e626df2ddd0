#!/usr/bin/env bash
# ads.margin: what the day's order lines brought beyond their cost
set -euo pipefail

wh-cat "dwd.order_detail@$DT" |
	json-map -w 'cost_price IS NOT NULL' amount=split_total_amount \
		margin='split_total_amount - cost_price * sku_num' |
	window-agg 'margin=sum(margin)' 'amount=sum(amount)' |
	json-map margin='coalesce(margin, 0.00)' margin_rate='margin / amount' |
	wh-put ads.margin "dt=$DT"
