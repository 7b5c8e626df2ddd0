#!/usr/bin/env bash
# dwd.refund_payment: the refunds paid back on the day, asked for in the 30 days before
set -euo pipefail

wh-cat --missing-ok -n 31 "ods.refund_payment@$DT" |
	json-map --all --drop ord --arg day="$DT" -w "substr(callback_time, 1, 10) = :day AND refund_status = '1705'" |
	json-clean -s dwd/payment.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	wh-put dwd.refund_payment "dt=$DT"
