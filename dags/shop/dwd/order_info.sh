#!/usr/bin/env bash
# dwd.order_info: the orders made on the day, as they stand, with province and region; tel_key joins where the number
# itself is masked
set -euo pipefail

wh-cat "ods.order_info@$DT" |
	json-map --all --drop ord tel_key=consignee_tel |
	json-clean -s dwd/order_info.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k province_id -K id --fields province_name=name,region_id,region_name "wh:dim.province@$DT" |
	wh-put dwd.order_info "dt=$DT"
