#!/usr/bin/env bash
# ads.coupons: coupons taken and used, and what they took off the day's orders
set -euo pipefail

wh-cat "dws.marketing_coupon_1d@$DT" |
	json-map -w 'taken > 0 OR used > 0 OR orders > 0' --keep coupon_id,taken,used \
		reduced_amount='coalesce(reduced_amount, 0.00)' |
	wh-put ads.coupons "dt=$DT"
