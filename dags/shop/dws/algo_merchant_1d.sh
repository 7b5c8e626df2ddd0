#!/usr/bin/env bash
# dws.algo_merchant_1d: everything of a merchant, for models
set -euo pipefail

wh-cat "dws.product_merchant_1d@$DT" |
	json-map -w 'merchant_id IS NOT NULL' --all order_value='amount / orders' |
	dimjoin -k merchant_id -K id --fields level,province_id,region_id "wh:dim.merchant@$DT" |
	wh-put dws.algo_merchant_1d "dt=$DT"
