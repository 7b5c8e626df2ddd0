#!/usr/bin/env bash
# dws.risk_refund_1d: refunds by their reason
set -euo pipefail

wh-cat "dwd.refund@$DT" |
	window-agg -g reason=refund_reason_type,reason_name 'refunds=count()' 'buyers=distinct(user_id)' \
		'amount=sum(refund_amount)' |
	wh-put dws.risk_refund_1d "dt=$DT"
