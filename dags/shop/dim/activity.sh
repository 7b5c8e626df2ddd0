#!/usr/bin/env bash
# dim.activity: an activity with the name of its type
set -euo pipefail

wh-cat "ods.activity_info@$DT" |
	json-clean -s dim/marketing.clean |
	dimjoin -k activity_type -K dic_code --fields type_name=dic_name "wh:ods.base_dic@$DT" |
	wh-put dim.activity "dt=$DT"
