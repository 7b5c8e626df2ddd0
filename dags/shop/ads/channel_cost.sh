#!/usr/bin/env bash
# ads.channel_cost: what a visitor cost in each store that money was spent on
set -euo pipefail

wh-cat "dwd.channel_cost@$DT" |
	dimjoin -k channel --fields devices "wh:dws.traffic_channel_1d@$DT" |
	json-map --keep channel,cost visitors='coalesce(devices, 0)' cost_per_visitor='cost / devices' |
	wh-put ads.channel_cost "dt=$DT"
