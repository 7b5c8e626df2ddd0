#!/usr/bin/env bash
# dws.user_register_1d: who registered, by where they came from
set -euo pipefail

wh-cat "dim.user_zip@$DT" |
	json-map --arg day="$DT" -w \
		"end_date = '9999-12-31' AND deleted IS NULL AND substr(create_time, 1, 10) = :day" --keep \
		id,source |
	window-agg -g source 'users=count()' |
	wh-put dws.user_register_1d "dt=$DT"
