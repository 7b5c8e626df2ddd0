#!/usr/bin/env bash
# dwd.refund: the refunds asked for on the day
set -euo pipefail

wh-cat "ods.order_refund_info@$DT" |
	cdc-merge -k id |
	json-map --arg day="$DT" -w "substr(create_time, 1, 10) = :day" |
	json-clean -s dwd/trade.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	wh-put dwd.refund "dt=$DT"
