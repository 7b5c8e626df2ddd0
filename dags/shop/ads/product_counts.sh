#!/usr/bin/env bash
# ads.product_counts: how many products, brands and categories there are
set -euo pipefail

{
	wh-cat "ods.sku_info@$DT" |
		json-map --arg day="$DT" sku=id on_sale='is_sale = 1' news='substr(create_time, 1, 10) = :day'
	wh-cat "ods.spu_info@$DT" | json-map spu=id
	wh-cat "ods.base_trademark@$DT" | json-map brand=id
	wh-cat "ods.base_category3@$DT" | json-map category=id
} |
	window-agg 'skus=count(sku)' 'spus=count(spu)' 'brands=count(brand)' 'categories=count(category)' \
		'on_sale=count(* WHERE on_sale)' 'new_skus=count(* WHERE news)' |
	wh-put ads.product_counts "dt=$DT"
