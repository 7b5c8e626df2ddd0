#!/usr/bin/env bash
# dwd.order_detail: the order lines of the day, wide: order, sku, user as of the day
set -euo pipefail

wh-cat "ods.order_detail@$DT" |
	cdc-merge -k id |
	json-map --arg day="$DT" -w "substr(create_time, 1, 10) = :day" |
	json-clean -s dwd/trade.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k order_id -K id --fill merchant_id "wh:dwd.order_info@$DT" |
	dimjoin -k order_id -K id --fields user_id,province_id,channel,order_trace_id=trace_id "wh:dwd.order_info@$DT" |
	dimjoin -k sku_id -K id --fields spu_id,spu_name,tm_id,tm_name,category1_id,category1_name,cost_price "wh:dim.sku@$DT" |
	dimjoin -k user_id -K id --as-of create_time --fields user_level,gender "wh:dim.user_zip@$DT" |
	wh-put dwd.order_detail "dt=$DT"
