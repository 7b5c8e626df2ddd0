#!/usr/bin/env bash
# dwd.display: what was shown on a page, cleaned, each once
set -euo pipefail
. dwd/log.env

wh-cat "ods.display_log@$DT" |
	json-map --keep "$WHO,page_id=page.page_id,display_type=display.display_type,item=display.item,\
item_type=display.item_type,place=display.order,pos_id=display.pos_id,ad_id=display.ad_id,\
ad_action=display.ad_action,ordinal,ts,trace_id" |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts,ordinal |
	wh-put dwd.display "dt=$DT"
