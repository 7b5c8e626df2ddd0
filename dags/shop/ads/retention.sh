#!/usr/bin/env bash
# ads.retention: of the devices that were new 1, 2, 3, 7, 14 and 30 days ago, how many are here today
set -euo pipefail

news() {
	wh-cat --missing-ok -n 31 --dt "dws.traffic_device_1d@$DT" |
		json-map -w 'news > 0' mid=mid cohort=dt day=dt
}
{
	news
	news | dimjoin -k mid --type semi "wh:dws.traffic_device_1d@$DT" | json-map --all --arg day="$DT" day=:day
} |
	retention-agg -u mid --cohort cohort --day day --days 1,2,3,7,14,30 |
	json-map --arg day="$DT" -w "date_add('day', day, cohort) = :day" --keep day,users,kept \
		rate='kept * 1.00 / users' |
	wh-put ads.retention "dt=$DT"
