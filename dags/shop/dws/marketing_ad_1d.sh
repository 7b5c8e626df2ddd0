#!/usr/bin/env bash
# dws.marketing_ad_1d: how often each ad was shown (0), clicked (1), bought by (2), and on how many devices
set -euo pipefail

{
	wh-cat "dwd.display@$DT" | json-map -w 'ad_id IS NOT NULL' --keep ad_id,ad_action,mid
	wh-cat "dwd.action@$DT" | json-map -w 'ad_id IS NOT NULL' --keep ad_id,ad_action,mid
} |
	window-agg -g ad_id 'shown=count(* WHERE ad_action = 0)' 'clicked=count(* WHERE ad_action = 1)' \
		'bought=count(* WHERE ad_action = 2)' 'reach=distinct(mid WHERE ad_action = 0)' |
	wh-put dws.marketing_ad_1d "dt=$DT"
