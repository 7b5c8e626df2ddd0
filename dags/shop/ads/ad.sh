#!/usr/bin/env bash
# ads.ad: each ad shown, clicked, bought by, on how many devices, and what that cost
set -euo pipefail

{
	wh-cat "dws.marketing_ad_1d@$DT"
	wh-cat "dwd.ad_cost@$DT" | json-map --keep ad_id,cost
} |
	window-agg -g ad_id 'shown=sum(shown)' 'clicked=sum(clicked)' 'bought=sum(bought)' 'reach=sum(reach)' \
		'cost=sum(cost)' |
	json-map --keep ad_id,cost shown='coalesce(shown, 0)' clicked='coalesce(clicked, 0)' \
		bought='coalesce(bought, 0)' \
		reach='coalesce(reach, 0)' ctr='clicked * 1.00 / shown' cpc='cost / clicked' \
			conversion='bought * 1.00 / clicked' \
		cpm='cost * 1000 / shown' |
	wh-put ads.ad "dt=$DT"
