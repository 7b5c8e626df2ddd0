#!/usr/bin/env bash
# dws.marketing_coupon_1d: each coupon as it was taken, used, ran out, and what it took off the day's orders
set -euo pipefail

{
	wh-cat "dwd.coupon_use@$DT" |
		json-map --keep coupon_id,taken,used,expired
	wh-cat "dwd.order_detail@$DT" |
		json-map -w 'coupon_id IS NOT NULL' --keep coupon_id,order_id,amount=split_coupon_amount
} |
	window-agg -g coupon_id 'taken=count(* WHERE taken)' 'used=count(* WHERE used)' \
		'expired=count(* WHERE expired)' \
		'orders=distinct(order_id)' 'reduced_amount=sum(amount)' |
	wh-put dws.marketing_coupon_1d "dt=$DT"
