#!/usr/bin/env bash
# ads.risk: burst buyers, payments that are not what the order asked for, orders paid twice
set -euo pipefail

{
	wh-cat "dws.risk_burst_1d@$DT" | json-map burst=user_id
	wh-cat "dws.risk_payment_1d@$DT" | json-map --keep payments,unequal,differs
} |
	window-agg 'burst_buyers=distinct(burst)' 'unequal=sum(unequal)' 'differs=sum(differs)' \
		'paid_twice=count(* WHERE payments > 1)' |
	json-map --keep burst_buyers,paid_twice unequal_payments='coalesce(unequal, 0)' \
		unequal_amount='coalesce(differs, 0.00)' |
	wh-put ads.risk "dt=$DT"
