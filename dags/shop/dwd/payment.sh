#!/usr/bin/env bash
# dwd.payment: the payments that were made on the day
set -euo pipefail

wh-cat "ods.payment_info@$DT" |
	cdc-merge -k id |
	json-map --arg day="$DT" -w "substr(callback_time, 1, 10) = :day AND payment_status = '1602'" |
	json-clean -s dwd/trade.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	wh-put dwd.payment "dt=$DT"
