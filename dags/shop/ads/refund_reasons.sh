#!/usr/bin/env bash
# ads.refund_reasons: refunds by their reason; quality and service are complaints
set -euo pipefail

wh-cat "dws.risk_refund_1d@$DT" |
	json-map --keep reason,reason_name,refunds,amount \
		complaint="CASE WHEN reason IN ('1301', '1305') THEN 1 ELSE 0 END" |
	wh-put ads.refund_reasons "dt=$DT"
