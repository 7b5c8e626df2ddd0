#!/usr/bin/env bash
# dim.activity_rule: what an activity gives, and for what
set -euo pipefail

wh-cat "ods.activity_rule@$DT" |
	json-clean -s dim/marketing.clean |
	dimjoin -k activity_id -K id --fields activity_name,start_time,end_time "wh:ods.activity_info@$DT" |
	wh-put dim.activity_rule "dt=$DT"
