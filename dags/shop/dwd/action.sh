#!/usr/bin/env bash
# dwd.action: what was done on a page, cleaned, each once
set -euo pipefail
. dwd/log.env

wh-cat "ods.action_log@$DT" |
	json-map --keep "$WHO,page_id=page.page_id,action_id=action.action_id,item=action.item,\
item_type=action.item_type,ad_id=action.ad_id,ad_action=action.ad_action,action_ts=action.ts,ordinal,ts,trace_id" |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts,ordinal |
	wh-put dwd.action "dt=$DT"
