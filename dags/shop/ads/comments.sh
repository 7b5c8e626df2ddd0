#!/usr/bin/env bash
# ads.comments: comments good, middling, bad and by default, and their share
set -euo pipefail

wh-cat "dws.product_comment_1d@$DT" |
	window-agg -g appraise 'comments=sum(comments)' |
	json-map --all day="'all'" |
	dimjoin -k day --fields every \
		<(wh-cat "dws.product_comment_1d@$DT" | window-agg 'every=sum(comments)' | json-map --keep every \
			day="'all'") |
	json-map --keep appraise,comments rate='comments * 1.00 / every' |
	wh-put ads.comments "dt=$DT"
