#!/usr/bin/env bash
# ads.active: devices of the day, and of 7, 30 and 365 days
set -euo pipefail

{
	wh-cat "dws.traffic_device_1d@$DT" | json-map d=mid
	wh-cat "dws.traffic_device_7d@$DT" | json-map w=mid
	wh-cat "dws.traffic_device_30d@$DT" | json-map m=mid
	wh-cat --missing-ok -n 365 "dws.traffic_device_1d@$DT" | json-map y=mid
} |
	window-agg 'dau=count(d)' 'wau=count(w)' 'mau=count(m)' 'yau=distinct(y)' |
	json-map --all wau_dau='wau * 1.00 / dau' dau_mau='dau * 1.00 / mau' |
	wh-put ads.active "dt=$DT"
