#!/usr/bin/env bash
# dim.merchant: a merchant with its province and region
set -euo pipefail

wh-cat "ods.merchant_info@$DT" |
	json-clean -s dim/merchant.clean |
	dimjoin -k province_id -K id --fields province_name=name,region_id,region_name "wh:dim.province@$DT" |
	wh-put dim.merchant "dt=$DT"
