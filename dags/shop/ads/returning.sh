#!/usr/bin/env bash
# ads.returning: devices that are back after 7 days or more
set -euo pipefail

wh-cat "dws.traffic_device_1d@$DT" |
	dimjoin -k mid --type anti \
		<(wh-cat --missing-ok -n 6 "dws.traffic_device_1d@$(date -d "$DT - 1 day" +%F)" | json-map --keep \
			mid | dedup -k mid) |
	dimjoin -k mid --type semi \
		<(wh-cat --missing-ok -n 358 "dws.traffic_device_1d@$(date -d "$DT - 7 day" +%F)" | json-map \
			--keep mid | dedup -k mid) |
	window-agg 'returning_devices=count()' |
	wh-put ads.returning "dt=$DT"
