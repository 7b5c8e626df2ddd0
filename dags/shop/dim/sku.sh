#!/usr/bin/env bash
# dim.sku: a sku with its spu, brand, categories and merchant; one that the source deleted stays, marked, for old
# facts refer to it
set -euo pipefail

before=$(date -d "$DT - 1 day" +%F)
{
	wh-cat "ods.sku_info@$DT" |
		json-map --keep id,sku_name,spu_id,tm_id,category3_id,merchant_id,price,cost_price,is_sale,create_time \
			deleted=FALSE |
		dimjoin -k spu_id -K id --fields spu_name "wh:ods.spu_info@$DT" |
		dimjoin -k tm_id -K id --fields tm_name "wh:ods.base_trademark@$DT" |
		dimjoin -k category3_id -K id --fields category3_name=name,category2_id "wh:ods.base_category3@$DT" |
		dimjoin -k category2_id -K id --fields category2_name=name,category1_id "wh:ods.base_category2@$DT" |
		dimjoin -k category1_id -K id --fields category1_name=name "wh:ods.base_category1@$DT" |
		dimjoin -k merchant_id -K id --fields merchant_name "wh:ods.merchant_info@$DT"
	wh-cat --missing-ok "dim.sku@$before" |
		dimjoin -k id --type anti "wh:ods.sku_info@$DT" |
		json-map --all deleted=TRUE
} |
	wh-put dim.sku "dt=$DT"
