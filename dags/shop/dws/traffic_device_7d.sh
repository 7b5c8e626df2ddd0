#!/usr/bin/env bash
# dws.traffic_device_7d: what each device did in 7 days, from the days alone
set -euo pipefail

wh-cat --missing-ok -n 7 "dws.traffic_device_1d@$DT" |
	window-agg -g mid 'days=count()' 'pages=sum(pages)' 'stay_ms=sum(stay_ms)' 'news=sum(news)' |
	wh-put dws.traffic_device_7d "dt=$DT"
