#!/usr/bin/env bash
# ads.funnel_unordered: who saw each page at all on the day, against home
set -euo pipefail

wh-cat "dws.traffic_funnel_1d@$DT" |
	json-map -w "kind = 'unordered'" |
	dimjoin -k kind --fields first=users <(wh-cat "dws.traffic_funnel_1d@$DT" | json-map -w 'n = 1') |
	json-map --keep n,step,users rate='users * 1.00 / first' |
	wh-put ads.funnel_unordered "dt=$DT"
