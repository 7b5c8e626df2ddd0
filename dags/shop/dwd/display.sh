#!/usr/bin/env bash
# dwd.display: what was shown on a page, cleaned, each once
set -euo pipefail

wh-cat "ods.display_log@$DT" |
	json-map --keep mid=common.mid,uid=common.uid,ar=common.ar,ba=common.ba,ch=common.ch,ip=common.ip,is_new=common.is_new,md=common.md,os=common.os,vc=common.vc,install_date=common.install_date,page_id=page.page_id,display_type=display.display_type,item=display.item,item_type=display.item_type,place=display.order,pos_id=display.pos_id,ad_id=display.ad_id,ad_action=display.ad_action,ordinal,ts,trace_id |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts,ordinal |
	wh-put dwd.display "dt=$DT"
