#!/usr/bin/env bash
# dim.date: the day itself: its week from Monday, its month, quarter and year
set -euo pipefail

date -d "$DT" '+{"id":"%F","year":%-Y,"quarter":%q,"month":%-m,"week":"%G-W%V","weekday":%u,"day_of_year":%-j}' |
	json-map --all weekend='weekday > 5' week_start="date_trunc('week', id)" month_start="date_trunc('month', id)" |
	wh-put dim.date "dt=$DT"
