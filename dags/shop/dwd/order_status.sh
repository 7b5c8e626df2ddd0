#!/usr/bin/env bash
# dwd.order_status: the steps that orders took on the day, each once
set -euo pipefail

wh-cat --missing-ok "ods.order_status_log@$DT" |
	json-clean -s dwd/order_status.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k order_id,order_status |
	dimjoin -k order_id -K id --fields province_id,merchant_id,order_time=create_time \
		<(wh-cat --missing-ok -n 31 "ods.order_info@$DT") |
	wh-put dwd.order_status "dt=$DT"
