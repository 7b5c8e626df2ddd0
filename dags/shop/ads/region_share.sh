#!/usr/bin/env bash
# ads.region_share: the share of each region, its place, and how that changed since the day before
set -euo pipefail

before=$(date -d "$DT - 1 day" +%F)
wh-cat "dws.trade_region_1d@$DT" |
	dimjoin -k region_id --fields before=rank <(wh-cat --missing-ok "dws.trade_region_1d@$before") |
	json-map --all day="'all'" |
	dimjoin -k day --fields every \
		<(wh-cat "dws.trade_region_1d@$DT" | window-agg 'every=sum(amount)' | json-map --keep every \
			day="'all'") |
	json-map --keep region_id,region_name,amount,rank share='round(amount / every, 6)' rank_change='before - rank' |
	wh-put ads.region_share "dt=$DT"
