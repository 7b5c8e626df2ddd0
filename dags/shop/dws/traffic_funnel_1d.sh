#!/usr/bin/env bash
# dws.traffic_funnel_1d: devices from home to payment, each step later than the one before, and each page by itself
set -euo pipefail

{
	wh-cat "dwd.page_view@$DT" |
		funnel-agg -u mid -t ts:ms --within day "home: page_id = 'home'" "good_detail: page_id = 'good_detail'" \
			"cart: page_id = 'cart'" "trade: page_id = 'trade'" "payment: page_id = 'payment'" |
		json-map kind="'ordered'" --keep n,step,users
	wh-cat "dwd.page_view@$DT" |
		funnel-agg -u mid -t ts:ms --within day --unordered "home: page_id = 'home'" \
			"good_detail: page_id = 'good_detail'" "trade: page_id = 'trade'" "payment: page_id = 'payment'" |
		json-map kind="'unordered'" --keep n,step,users
} |
	wh-put dws.traffic_funnel_1d "dt=$DT"
