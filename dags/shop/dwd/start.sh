#!/usr/bin/env bash
# dwd.start: app starts, cleaned, each once
set -euo pipefail
. dwd/log.env

wh-cat "ods.start_log@$DT" |
	json-map --keep "$DEVICE,entry=start.entry,loading_time=start.loading_time,open_ad_id=start.open_ad_id,\
open_ad_ms=start.open_ad_ms,open_ad_skip_ms=start.open_ad_skip_ms,ts,trace_id" |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts |
	wh-put dwd.start "dt=$DT"
