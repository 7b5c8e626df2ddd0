#!/usr/bin/env bash
# ads.visit: VV, the visits
set -euo pipefail

wh-cat "dws.traffic_visit_1d@$DT" |
	window-agg 'vv=count()' |
	wh-put ads.visit "dt=$DT"
