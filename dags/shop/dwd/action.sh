#!/usr/bin/env bash
# dwd.action: what was done on a page, cleaned, each once
set -euo pipefail

wh-cat "ods.action_log@$DT" |
	json-map --keep mid=common.mid,uid=common.uid,ar=common.ar,ba=common.ba,ch=common.ch,ip=common.ip,is_new=common.is_new,md=common.md,os=common.os,vc=common.vc,install_date=common.install_date,page_id=page.page_id,action_id=action.action_id,item=action.item,item_type=action.item_type,action_ts=action.ts,ordinal,ts,trace_id |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts,ordinal |
	wh-put dwd.action "dt=$DT"
