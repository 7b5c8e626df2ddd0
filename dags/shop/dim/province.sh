#!/usr/bin/env bash
# dim.province: a province with its region
set -euo pipefail

wh-cat "ods.base_province@$DT" |
	dimjoin -k region_id -K id --fields region_name "wh:ods.base_region@$DT" |
	wh-put dim.province "dt=$DT"
