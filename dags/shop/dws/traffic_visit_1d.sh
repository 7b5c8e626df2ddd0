#!/usr/bin/env bash
# dws.traffic_visit_1d: visits: runs of pages of one device, ended by an entry page or 30 minutes of rest
set -euo pipefail

wh-cat "dwd.page_view@$DT" |
	window-agg -t ts:ms --session 30m --break 'last_page_id IS NULL' -g mid 'pages=count()' \
		'stay_ms=sum(during_time)' \
		'entry_page=first(page_id)' 'exit_page=last(page_id)' 'ch=min(ch)' |
	wh-put dws.traffic_visit_1d "dt=$DT"
