#!/usr/bin/env bash
# ads.funnel_ordered: how far devices came from home to payment within the day
set -euo pipefail

wh-cat "dws.traffic_funnel_1d@$DT" |
	json-map -w "kind = 'ordered'" |
	dimjoin -k kind --fields first=users <(wh-cat "dws.traffic_funnel_1d@$DT" | json-map -w 'n = 1') |
	json-map --keep n,step,users rate='users * 1.00 / first' |
	wh-put ads.funnel_ordered "dt=$DT"
