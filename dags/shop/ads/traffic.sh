#!/usr/bin/env bash
# ads.traffic: PV, UV, IP and new devices
set -euo pipefail

wh-cat "dwd.page_view@$DT" |
	window-agg 'pv=count()' 'uv=distinct(coalesce(uid, mid))' 'ip=distinct(ip)' \
		"new_devices=distinct(mid WHERE is_new = '1')" |
	wh-put ads.traffic "dt=$DT"
