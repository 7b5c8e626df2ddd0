#!/usr/bin/env bash
# dws.risk_payment_1d: orders that were paid more than once, or not with what they asked for
set -euo pipefail

wh-cat "dwd.payment@$DT" |
	json-map --keep order_id,total_amount,order_amount differs='abs(total_amount - order_amount)' |
	window-agg -g order_id 'payments=count()' 'unequal=count(* WHERE differs > 0)' 'differs=sum(differs)' |
	json-map -w 'payments > 1 OR unequal > 0' |
	wh-put dws.risk_payment_1d "dt=$DT"
