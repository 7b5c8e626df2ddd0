#!/usr/bin/env bash
# dwd.order_detail: the order lines of the day, wide: order, activity, coupon, product, merchant, and the user as of
# the day
set -euo pipefail

wh-cat "ods.order_detail@$DT" |
	json-map --all --drop ord |
	json-clean -s dwd/order_detail.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k order_id -K id --fill merchant_id,maintainer_id,signer_id "wh:dwd.order_info@$DT" |
	dimjoin -k order_id -K id "wh:dwd.order_info@$DT" \
		--fields user_id,province_id,region_id,channel,order_status,order_trace_id=trace_id |
	dimjoin -k id -K order_detail_id --fields activity_id,activity_rule_id \
		<(wh-cat --missing-ok "ods.order_detail_activity@$DT") |
	dimjoin -k id -K order_detail_id --fields coupon_id,coupon_use_id \
		<(wh-cat --missing-ok "ods.order_detail_coupon@$DT") |
	dimjoin -k sku_id -K id "wh:dim.sku@$DT" \
		--fields spu_id,spu_name,tm_id,tm_name,category1_id,category1_name,category2_id,category3_id,cost_price |
	dimjoin -k merchant_id -K id --fields merchant_name "wh:dim.merchant@$DT" |
	dimjoin -k user_id -K id --as-of create_time --fields user_level,gender "wh:dim.user_zip@$DT" |
	wh-put dwd.order_detail "dt=$DT"
