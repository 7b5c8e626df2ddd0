#!/usr/bin/env bash
# dwd.channel_cost: what each store of the app cost on the day, each once
set -euo pipefail

wh-cat "ods.channel_cost@$DT" |
	json-clean -s dwd/channel_cost.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dedup -k channel |
	wh-put dwd.channel_cost "dt=$DT"
