# DIM in CSV: cells are strings, nothing is null; --number says which columns are numbers
$ printf 'id,name,fee\n1,"pen, blue",1.10\n2,,\n"3","a ""b""","x\ny"\n' >d.csv; dimjoin -k id --key-as text --fields name,fee d.csv
< {"id":1}
< {"id":"2"}
< {"id":3}
< {"id":4}
> {"id":1,"name":"pen, blue","fee":"1.10"}
> {"id":"2","name":null,"fee":null}
> {"id":3,"name":"a \"b\"","fee":"x\ny"}
> {"id":4,"name":null,"fee":null}

# DIM in CSV: numbers, tabs, compressed, --as, as-of
$ printf 'id\tfee\n1\t1.10\n' >d.tsv; zstd -q d.tsv; echo '{"id":1.0}' | dimjoin -k id --number id,fee --as d d.tsv.zst; printf '\357\273\277id,v,start_date,end_date\r\n1,a,2026-01-01,2026-01-31\r\n1,b,2026-02-01,\r\n' | gzip >d.csv.gz; printf '{"id":1,"t":"2026-01-31"}\n{"id":1,"t":"2026-02-01"}\n' | dimjoin -k id --number id --as-of t --fields v d.csv.gz
> {"id":1.0,"d":{"id":1,"fee":1.10}}
> {"id":1,"t":"2026-01-31","v":"a"}
> {"id":1,"t":"2026-02-01","v":"b"}

# DIM in CSV: a bad row is one of DIM, known by its line; the others stay
$ printf 'id,n\n1,a\n2\n3,b,c\n"4\nx",d\n5,e"f\n6,\377\n1,z\n7,g\n' >d.csv; printf '{"id":"1"}\n{"id":"7"}\n' | dimjoin -k id --fields n --reject r d.csv; jq -r '"\(.source) \(.line) \(.reason)"' r; dimjoin -k id --fields n d.csv </dev/null
> {"id":"1","n":"a"}
> {"id":"7","n":"g"}
> d.csv 3 fewer cells than columns
> d.csv 4 more cells than columns
> d.csv 7 a quote inside a cell without quotes, or text behind a closing quote
> d.csv 8 a cell that is not UTF-8, or holds a NUL
> d.csv 9 this key stands twice in the dimension
! dimjoin: d.csv:3: fewer cells than columns
? 3

# DIM in CSV: headers that are none
$ for h in 'id,,n' 'id,id' 'i\377' 'id,"n'; do printf "$h\n1,2,3\n" >d.csv; dimjoin -k id --fields n --reject r d.csv </dev/null; echo $?; done; printf 'id,n\n1,x\n' >d.csv; dimjoin -k id --fields n --number id,no d.csv </dev/null; echo $?; echo '{"id":1}' | dimjoin -k id --fields n --number id,n d.csv; echo $?; dimjoin -k id --fields n --number id d 2>&1 </dev/null | head -1
> 3
> 3
> 3
> 3
> 3
> 3
> dimjoin: --number goes with a DIM that is CSV: a name that ends in .csv or .tsv
! dimjoin: d.csv:1: header: a column without a name
! dimjoin: d.csv:1: header: two columns of one name
! dimjoin: d.csv:1: header: a column whose name is not UTF-8, or holds a NUL
! ...

# DIM in CSV: numbers and strings that do not meet are said
$ printf 'id,n\n1,x\n' >d.csv; dimjoin -k id --type semi d.csv
< {"id":1}
! dimjoin: nothing matched: the key id is a number in the records and a string in DIM (--key-as text)

# DIM in CSV: 100,000 rows, against NDJSON of the same
$ seq 1 100000 | awk '{ printf "k%d,%d,x%d\n", $1, $1 * 7, $1 % 13 }' >rows; { echo k,n,s; cat rows; } >d.csv; awk -F, '{ printf "{\"k\":\"%s\",\"n\":%s,\"s\":\"%s\"}\n", $1, $2, $3 }' rows >d.json; seq 1 7 120000 | sed 's/.*/{"k":"k&"}/' >in; dimjoin -k k --number n --fields n,s d.csv in | sha256sum >a; dimjoin -k k --fields n,s d.json in | sha256sum | cmp - a && grep -c . d.csv
> 100001
