#!/usr/bin/env bash
# dwd.payment: the payments that came in on the day, also for orders of the days before, beside what their order
# asked for
set -euo pipefail

wh-cat --missing-ok -n 8 "ods.payment_info@$DT" |
	json-map --all --drop ord --arg day="$DT" -w "substr(callback_time, 1, 10) = :day AND payment_status = '1602'" |
	json-clean -s dwd/payment.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k order_id -K id --fields order_amount=total_amount,order_time=create_time \
		<(wh-cat --missing-ok -n 8 "ods.order_info@$DT") |
	wh-put dwd.payment "dt=$DT"
