#!/usr/bin/env bash
# ads.members: the users there are at the end of the day, by level
set -euo pipefail

wh-cat "dim.user_zip@$DT" |
	json-map -w "end_date = '9999-12-31' AND deleted IS NULL" --keep user_level |
	window-agg -g user_level 'users=count()' |
	wh-put ads.members "dt=$DT"
