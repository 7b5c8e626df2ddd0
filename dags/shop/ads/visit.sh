#!/usr/bin/env bash
# ads.visit: VV, the visits, their bounces, pages and stay
set -euo pipefail

wh-cat "dws.traffic_visit_1d@$DT" |
	window-agg 'vv=count()' 'bounced=count(* WHERE pages = 1)' 'pages=sum(pages)' 'stay=sum(stay_ms)' |
	json-map --keep vv,bounced bounce_rate='bounced * 1.00 / vv' pages_per_visit='pages * 1.00 / vv' \
		stay_per_visit='stay * 1.00 / vv' |
	wh-put ads.visit "dt=$DT"
