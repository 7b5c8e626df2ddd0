#!/usr/bin/env bash
# reconcile.sh DAY: the clicks that ad_clicks.pipe counted in real time, held against the night's, each ad and five minutes
# What differs comes with its reason: late (the job's late.ndjson), rejected (what it refused and the night did not, such as
# a time ahead of the clock), unflushed (windows that it has yet to write).  Ends with 1 where something has none.
# From a node behind the night's dwd.action and dwd.display; the event of it is dag-run's, and wh-alert's.
set -euo pipefail
cd "$(dirname "$0")"
. ./env.sh
export DT=${1:?DAY}
next=$(date -d "$DT + 1 day" +%F)
job=${PIPEHOUSE_STATE:-$PIPEHOUSE_ROOT/${PIPEHOUSE_TENANT:-main}/_state}/ad_clicks
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What the job's windows count.
count() { window-agg -t ts:ms -w 5m -g ad_id 'clicks=count()' --time-format sql; }
today() { json-map -w "date_format(ts, '%F') = :day" --arg day="$DT"; }
# What the job was told before it counts: records of the app's log to clicks.
clicks() {
	json-map --on-error skip -w 'page IS NOT NULL' --keep mid=common.mid,ts,actions,displays |
		json-clean -s log.clean --reject /dev/null |
		dedup -k mid,ts |
		fan-out 'json-split -e actions --as ad --keep mid,ts' 'json-split -e displays --as ad --keep mid,ts' |
		json-map -w 'ad.ad_action = 1' --keep ts,ad_id=ad.ad_id
}
lines() { [ ! -e "$1" ] || cat "$1"; }

# The mark first: what is written behind it may be there already, and is not missed.
mark=$(pipe-run ad_clicks.pipe status --json | json-map -w 'wm IS NOT NULL' m="date_format(wm, '%F %T')" | cut -d'"' -f4 || true)
mysql-extract --defaults-file "$SHOP_ADS_CNF" --table "$SHOP_ADS_DB.rt_ad_clicks" --columns window_end,ad_id,clicks \
	--where 'window_start >= :from AND window_start < :to' --arg from="$DT" --arg to="$next" >"$tmp/live"
{
	wh-cat "dwd.action@$DT"
	wh-cat "dwd.display@$DT"
} | json-map -w 'ad_action = 1' --keep ts,ad_id | count >"$tmp/night"
lines "$job/late.ndjson" | json-map --keep ts,ad_id | today | count >"$tmp/late"
lines "$job/broken.ndjson" | jq -r '.raw // empty' | clicks | today | count >"$tmp/rejected"

dq-reconcile -k window_end,ad_id --sum clicks --table ads.rt_ad_clicks --lacks late="$tmp/late" --lacks rejected="$tmp/rejected" \
	--flushed window_end="${mark:-0}" "$tmp/night" "$tmp/live"
