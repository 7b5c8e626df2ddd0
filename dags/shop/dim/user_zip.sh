#!/usr/bin/env bash
# dim.user_zip: each user over time; a row holds on the days start_date..end_date
set -euo pipefail

before=$(date -d "$DT - 1 day" +%F)
wh-cat --missing-ok "ods.user_info@$DT" |
	cdc-merge -k id --scd2 --date "$DT" --base "wh:dim.user_zip@$before" --missing-ok |
	json-clean -s dim/user.clean |
	wh-put dim.user_zip "dt=$DT"
