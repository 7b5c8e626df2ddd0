#!/usr/bin/env bash
# dws.traffic_page_1d: the views of each page
set -euo pipefail

wh-cat "dwd.page_view@$DT" |
	window-agg -g page_id 'pv=count()' 'uv=distinct(coalesce(uid, mid))' 'stay_ms=sum(during_time)' |
	wh-put dws.traffic_page_1d "dt=$DT"
