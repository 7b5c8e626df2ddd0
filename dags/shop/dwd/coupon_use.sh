#!/usr/bin/env bash
# dwd.coupon_use: the coupons that were taken, used in an order or ran out on the day
set -euo pipefail

wh-cat --missing-ok -n 366 "ods.coupon_use@$DT" |
	json-map --arg day="$DT" --all --drop ord -w \
		"substr(get_time, 1, 10) = :day OR substr(used_time, 1, 10) = :day OR
		(substr(expire_time, 1, 10) = :day AND used_time IS NULL)" |
	json-clean -s dwd/coupon_use.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	json-map --all --arg day="$DT" taken='substr(get_time, 1, 10) = :day' \
		used='coalesce(substr(used_time, 1, 10) = :day, FALSE)' \
		expired='coalesce(substr(expire_time, 1, 10) = :day, FALSE) AND used_time IS NULL' |
	dimjoin -k coupon_id -K id --fields coupon_name,type_name "wh:dim.coupon@$DT" |
	wh-put dwd.coupon_use "dt=$DT"
