#!/usr/bin/env bash
# dwd.error: errors of the app, cleaned, each once
set -euo pipefail

wh-cat "ods.error_log@$DT" |
	json-map --keep mid=common.mid,uid=common.uid,ar=common.ar,ba=common.ba,ch=common.ch,ip=common.ip,is_new=common.is_new,md=common.md,os=common.os,vc=common.vc,install_date=common.install_date,page_id=page.page_id,error_code=err.error_code,msg=err.msg,ts,trace_id |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts |
	wh-put dwd.error "dt=$DT"
