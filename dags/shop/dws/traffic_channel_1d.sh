#!/usr/bin/env bash
# dws.traffic_channel_1d: the views by the store that the app came from
set -euo pipefail

wh-cat "dwd.page_view@$DT" |
	window-agg -g channel=ch 'pv=count()' 'uv=distinct(coalesce(uid, mid))' 'devices=distinct(mid)' |
	wh-put dws.traffic_channel_1d "dt=$DT"
