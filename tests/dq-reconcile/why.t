# --lacks, --extra, --flushed: each record with its reason, and nothing else apart
$ printf '{"w":%d,"g":"%s","n":%d,"v":%s}\n' 10 a 3 30.0 10 b 1 5 20 a 2 4.50 30 a 7 1 40 a 1 1 >night
$ printf '{"w":%d,"g":"%s","n":%d,"v":%s}\n' 10 a 2 20.0 20 a 3 6.50 30 a 7 1 >live
$ echo '{"w":10,"g":"a","n":1,"v":10}' >late; echo '{"w":1e1,"g":"b","n":1,"v":5.0}' >bad; echo '{"w":20,"g":"a","n":1,"v":2}' >twice
$ dq-reconcile -k w,g --sum n,v --lacks late=late --lacks rejected=bad --extra repeated=twice --flushed w=30 --result r night live | sed 1d | jq -c '[.is,.key.w,.key.g,.why,.explained]'
$ jq -c '[.severity,.bad,.rows,.value]' r
> ["differs",10,"a",{"late":1},true]
> ["only_a",10,"b",{"rejected":1},true]
> ["differs",20,"a",{"repeated":1},true]
> ["only_a",40,"a",{"unflushed":1},true]
> ["warn",0,5,3]
! dq-reconcile: night and live are equal but for what is explained: 5 and 3 rows, n 14 and 12, v 41.50 and 27.50; 4 explained (late 1, rejected 1, repeated 1, unflushed 1)

# a reason that does not add up explains nothing, one without the sum does
$ echo '{"w":1,"n":5}' >a; echo '{"w":1,"n":2}' >b; echo '{"w":1,"n":2}' >late; echo '{"w":1}' >some
$ dq-reconcile -k w --sum n --lacks late=late a b | tail -n 1 | jq -c '[.why,.explained]'; dq-reconcile -k w --sum n --lacks late=late a b >/dev/null 2>&1; echo $?
$ dq-reconcile -k w --sum n --lacks late=some a b 2>/dev/null | tail -n 1 | jq -c '[.why,.explained]'
> [{"late":1},false]
> 1
> [{"late":1},true]
! dq-reconcile: a and b are apart: 1 and 1 rows, n 5 and 2; 0 only in A, 0 only in B, 1 with other values, 0 within the tolerance

# several reasons of one key are added up, what is explained does not hide what is not
$ printf '{"id":%d,"n":%d}\n' 1 10 2 5 3 1 >a; printf '{"id":%d,"n":%d}\n' 1 8 2 4 3 1 >b
$ printf '{"id":1,"n":%d}\n' 2 1 >late; echo '{"id":1,"n":1}' >twice
$ dq-reconcile -k id --sum n --lacks late=late --extra twice=twice --result r a b | sed 1d | jq -c '[.key.id,.why,.explained]'; jq -c '[.severity,.bad]' r
> [1,{"late":2,"twice":1},true]
> [2,{},false]
> ["fail",1]
! dq-reconcile: a and b are apart: 3 and 3 rows, n 16 and 13; 0 only in A, 0 only in B, 1 with other values, 0 within the tolerance; 1 explained (late 1, twice 1)

# a row that stands twice on one side; a reason in a pipe; what is equal needs none
$ printf '{"id":%d,"n":%d}\n' 1 4 2 6 >a; printf '{"id":%d,"n":%d}\n' 1 4 2 6 2 6 >b
$ printf '{"id":%d,"n":%d}\n' 1 4 2 6 | dq-reconcile -k id --sum n --extra repeated=- a b 2>/dev/null | sed 1d
> {"is":"only_b","key":{"id":2},"a":null,"b":{"n":6},"within":false,"why":{"repeated":1},"explained":true}

# --flushed of a field, and of text
$ printf '{"id":%d,"at":"%s"}\n' 1 09:59 2 10:01 3 10:02 >a; printf '{"id":%d,"at":"%s"}\n' 1 09:59 2 10:00 >b
$ dq-reconcile -k id --fields at --flushed at=10:00 a b 2>/dev/null | sed 1d | jq -c '[.key.id,.why,.explained]'
> [2,{"unflushed":1},true]
> [3,{"unflushed":1},true]

# rows without a key have no reason
$ printf '{"id":null,"n":1}\n{"id":1,"n":1}\n' >a; echo '{"id":9,"n":1}' >b; echo '{"id":1,"n":1}' >late; echo '{"id":9,"n":1}' >twice
$ dq-reconcile -k id --sum n --lacks late=late --extra twice=twice a b >/dev/null
! dq-reconcile: a and b are apart: 2 and 1 rows, n 2 and 1; 2 explained (late 1, twice 1); 1 and 0 rows without a key, which differ
? 1

# usage
$ for o in --lacks=late --lacks==x --lacks=x= --flushed=w --flushed=y=1 '--lacks=a=x --extra=a=y'; do dq-reconcile -k w $o a b; echo $?; done 2>&1 | grep -v "^usage"
> dq-reconcile: --lacks: 'late': NAME=FILE is needed
> 2
> dq-reconcile: --lacks: '=x': NAME=FILE is needed
> 2
> dq-reconcile: --lacks: 'x=': NAME=FILE is needed
> 2
> dq-reconcile: --flushed: NAME=VALUE is needed
> 2
> dq-reconcile: --flushed: 'y' is no name of -k or --fields
> 2
> dq-reconcile: --extra: 'a=y': that name twice
> 2
