#!/usr/bin/env bash
# ads.activities: orders and amount under each activity, and what it took off
set -euo pipefail

wh-cat "dws.marketing_activity_1d@$DT" |
	json-map --all subsidy_rate='reduced_amount / amount' |
	wh-put ads.activities "dt=$DT"
