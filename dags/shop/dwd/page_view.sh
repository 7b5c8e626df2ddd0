#!/usr/bin/env bash
# dwd.page_view: page views, cleaned, each once
set -euo pipefail
. dwd/log.env

wh-cat "ods.page_log@$DT" |
	json-map --keep "$DEVICE,page_id=page.page_id,last_page_id=page.last_page_id,item=page.item,\
item_type=page.item_type,during_time=page.during_time,source_type=page.source_type,ts,trace_id" |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts |
	wh-put dwd.page_view "dt=$DT"
