#!/usr/bin/env bash
# dwd.refund: the refunds asked for on the day, with the product and the name of the reason
set -euo pipefail

wh-cat --missing-ok "ods.order_refund_info@$DT" |
	json-map --all --drop ord |
	json-clean -s dwd/refund.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k sku_id -K id --fields spu_id,tm_id,tm_name,category1_id,category2_id,category3_id "wh:dim.sku@$DT" |
	dimjoin -k refund_reason_type -K dic_code --fields reason_name=dic_name "wh:ods.base_dic@$DT" |
	wh-put dwd.refund "dt=$DT"
