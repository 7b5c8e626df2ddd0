#!/usr/bin/env bash
# dwd.order_info: the orders made on the day, as they stood at its end
set -euo pipefail

wh-cat "ods.order_info@$DT" |
	cdc-merge -k id |
	json-map --arg day="$DT" -w "substr(create_time, 1, 10) = :day" |
	json-clean -s dwd/trade.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k province_id -K id --fields province_name=name,region_name "wh:dim.province@$DT" |
	wh-put dwd.order_info "dt=$DT"
