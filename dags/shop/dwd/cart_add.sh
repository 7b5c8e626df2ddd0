#!/usr/bin/env bash
# dwd.cart_add: what was put into carts on the day
set -euo pipefail

wh-cat --missing-ok "ods.cart_info@$DT" |
	json-clean -s dwd/user_act.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k sku_id -K id --fields spu_id,tm_id,category1_id,category2_id,category3_id "wh:dim.sku@$DT" |
	wh-put dwd.cart_add "dt=$DT"
