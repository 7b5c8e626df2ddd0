#!/usr/bin/env bash
# dwd.ad_cost: what each ad cost on the day, each once
set -euo pipefail

wh-cat "ods.ad_cost@$DT" |
	json-clean -s dwd/ad_cost.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k ad_id |
	wh-put dwd.ad_cost "dt=$DT"
