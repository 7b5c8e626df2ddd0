#!/usr/bin/env bash
# ads.merchant_sales: sales of each merchant
set -euo pipefail

wh-cat "dws.product_merchant_1d@$DT" |
	json-map --keep merchant_id,orders,items,buyers,amount |
	wh-put ads.merchant_sales "dt=$DT"
