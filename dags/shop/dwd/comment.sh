#!/usr/bin/env bash
# dwd.comment: the comments of the day, with the product and the name of what they say
set -euo pipefail

wh-cat --missing-ok "ods.comment_info@$DT" |
	json-clean -s dwd/comment.clean --reject "$PIPEHOUSE_RUN/rejects.ndjson" |
	dimjoin -k sku_id -K id --fields spu_id,tm_id,category1_id,category2_id,category3_id "wh:dim.sku@$DT" |
	dimjoin -k appraise -K dic_code --fields appraise_name=dic_name "wh:ods.base_dic@$DT" |
	wh-put dwd.comment "dt=$DT"
