#!/usr/bin/env bash
# ads.page_path: from which page to which
set -euo pipefail

wh-cat "dws.traffic_path_1d@$DT" |
	json-map -w 'last_page_id IS NOT NULL' --keep last_page_id,page_id,n |
	wh-put ads.page_path "dt=$DT"
