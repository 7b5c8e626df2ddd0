#!/usr/bin/env bash
# dwd.error: errors of the app, cleaned, each once
set -euo pipefail
. dwd/log.env

wh-cat "ods.error_log@$DT" |
	json-map --keep "$DEVICE,page_id=page.page_id,error_code=err.error_code,msg=err.msg,ts,trace_id" |
	json-clean -s dwd/log.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k mid,ts |
	wh-put dwd.error "dt=$DT"
