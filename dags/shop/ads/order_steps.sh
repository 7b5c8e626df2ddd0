#!/usr/bin/env bash
# ads.order_steps: how many orders took each step
set -euo pipefail

wh-cat "dws.trade_status_1d@$DT" |
	wh-put ads.order_steps "dt=$DT"
