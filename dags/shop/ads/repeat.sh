#!/usr/bin/env bash
# ads.repeat: who bought in 30 days, and who did so again
set -euo pipefail

wh-cat "dws.trade_user_30d@$DT" |
	window-agg 'buyers_30d=count()' 'repeat_buyers_30d=count(* WHERE orders > 1)' |
	json-map --all repeat_rate_30d='repeat_buyers_30d * 1.00 / buyers_30d' |
	wh-put ads.repeat "dt=$DT"
