#!/usr/bin/env bash
# ads.channel_traffic: views, visitors and visits by the store that the app came from
set -euo pipefail

{
	wh-cat "dws.traffic_channel_1d@$DT" | json-map --keep channel,pv,uv
	wh-cat "dws.traffic_visit_1d@$DT" | json-map --keep channel=ch,visit=mid
} |
	window-agg -g channel 'pv=sum(pv)' 'uv=sum(uv)' 'vv=count(visit)' |
	wh-put ads.channel_traffic "dt=$DT"
