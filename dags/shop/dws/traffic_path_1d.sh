#!/usr/bin/env bash
# dws.traffic_path_1d: the ways from page to page
set -euo pipefail

wh-cat "dwd.page_view@$DT" |
	window-agg -g last_page_id,page_id 'n=count()' 'uv=distinct(coalesce(uid, mid))' |
	wh-put dws.traffic_path_1d "dt=$DT"
