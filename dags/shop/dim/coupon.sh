#!/usr/bin/env bash
# dim.coupon: a coupon with the names of its type and range, and its activity
set -euo pipefail

wh-cat "ods.coupon_info@$DT" |
	json-clean -s dim/marketing.clean |
	dimjoin -k coupon_type -K dic_code --fields type_name=dic_name "wh:ods.base_dic@$DT" |
	dimjoin -k range_type -K dic_code --fields range_name=dic_name "wh:ods.base_dic@$DT" |
	dimjoin -k activity_id -K id --fields activity_name "wh:ods.activity_info@$DT" |
	wh-put dim.coupon "dt=$DT"
