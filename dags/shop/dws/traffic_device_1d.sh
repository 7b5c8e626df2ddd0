#!/usr/bin/env bash
# dws.traffic_device_1d: what each device did; one that says it is new is new
set -euo pipefail

wh-cat "dwd.page_view@$DT" |
	window-agg -g mid 'pages=count()' 'stay_ms=sum(during_time)' "news=count(* WHERE is_new = '1')" \
		'ch=min(ch)' 'ar=min(ar)' 'ba=min(ba)' |
	wh-put dws.traffic_device_1d "dt=$DT"
