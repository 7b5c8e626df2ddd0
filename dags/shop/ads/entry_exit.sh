#!/usr/bin/env bash
# ads.entry_exit: the pages that visits began and ended with
set -euo pipefail

{
	wh-cat "dws.traffic_visit_1d@$DT" | json-map page_id=entry_page entry=1
	wh-cat "dws.traffic_visit_1d@$DT" | json-map page_id=exit_page leave=1
} |
	window-agg -g page_id 'entries=count(entry)' 'exits=count(leave)' |
	wh-put ads.entry_exit "dt=$DT"
