#!/usr/bin/env bash
# dwd.favour: the favourites made or taken back on the day
set -euo pipefail

wh-cat --missing-ok -n 366 "ods.favor_info@$DT" |
	json-map --arg day="$DT" -w "substr(create_time, 1, 10) = :day OR substr(cancel_time, 1, 10) = :day" |
	json-clean -s dwd/user_act.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	json-map --all --arg day="$DT" added='substr(create_time, 1, 10) = :day' \
		cancelled='coalesce(substr(cancel_time, 1, 10) = :day, FALSE)' |
	dimjoin -k sku_id -K id --fields spu_id,tm_id,category1_id,category2_id,category3_id "wh:dim.sku@$DT" |
	wh-put dwd.favour "dt=$DT"
