#!/usr/bin/env bash
# ads.page_traffic: views, visitors and mean stay of each page
set -euo pipefail

wh-cat "dws.traffic_page_1d@$DT" |
	json-map --keep page_id,pv,uv stay='stay_ms * 1.00 / pv' |
	wh-put ads.page_traffic "dt=$DT"
