# json-clean: what no rule changes passes byte for byte, blanks and escapes too
$ printf '%s\n' "* null '' null NULL '\\N'" '* control trim' >s; json-clean -s s
< { "a" : 1.10 , "b":"x\u0041\/", "c":[ "" , "null" ], "d":{"e":" "},"f":-0,"g":1e400}
< {}
< {"a":null,"b":true}
> { "a" : 1.10 , "b":"x\u0041\/", "c":[ "" , "null" ], "d":{"e":" "},"f":-0,"g":1e400}
> {}
> {"a":null,"b":true}

# json-clean: the texts that stand for null become null, each in its place
$ printf '%s\n' "* null '' null NULL '\\N' 0000-00-00" >s; json-clean -s s
< {"a":"","b":"null","c" : "NULL", "d":"\\N","e":"0000-00-00","f":"Null","g":" ","h":0}
> {"a":null,"b":null,"c" : null, "d":null,"e":null,"f":"Null","g":" ","h":0}

# json-clean: null may also name numbers, as they are written
$ echo 'a null -1 0' >s; json-clean -s s
< {"a":-1}
< {"a":0}
< {"a":0.0}
< {"a":"-1"}
< {"a":false}
> {"a":null}
> {"a":null}
> {"a":0.0}
> {"a":null}
> {"a":false}

# json-clean: a run of control characters becomes one blank, escapes that need no change stay where nothing is changed
$ echo '* control' >s; json-clean -s s
< {"a":"x\ty","b":"x\r\n\u0000y","c":"\u0085\u2028z","d":"\u007f","e":"q\"\\\/","f":"é“你”"}
> {"a":"x y","b":"x y","c":" z","d":" ","e":"q\"\\\/","f":"é“你”"}

# json-clean: control characters of more than one byte
$ echo '* control' >s; printf '{"a":"x\302\205y","b":"\177","c":"\342\200\251","d":"\302\240","e":"12345678\177"}\n' | json-clean -s s
> {"a":"x y","b":" ","c":" ","d":" ","e":"12345678 "}

# json-clean: trim takes blanks of all kinds from both ends
$ echo '* trim' >s; json-clean -s s
< {"a":" x y ","b":"\tx\n","c":"   ","d":"　中 文　","e":"\u00a0x\ufeff","f":"x"}
> {"a":"x y","b":"x","c":"","d":"中 文","e":"x","f":"x"}

# json-clean: the order of steps is fixed, whatever the order they are written in: what control and trim leave empty is null
$ printf '%s\n' "* null ''" '* trim' '* control' >s; json-clean -s s
< {"a":" \t\n ","b":"x"}
> {"a":null,"b":"x"}

# json-clean: lower, upper
$ printf '%s\n' 'a lower' 'b upper' >s; json-clean -s s
< {"a":"ÀB\u0043","b":"straße"}
< {"a":"x","b":"X"}
> {"a":"àbc","b":"STRAßE"}
> {"a":"x","b":"X"}

# json-clean: dates of several forms become the first of them
$ echo 'd date %Y-%m-%d %Y/%m/%d %Y%m%d' >s; json-clean -s s --on-error skip
< {"d":"2024-11-05"}
< {"d":"2024/11/05"}
< {"d":"20241105"}
< {"d":20241105}
< {"d":"2024/2/9"}
< {"d":"2024-02-30"}
< {"d":""}
< {"d":null}
< {}
> {"d":"2024-11-05"}
> {"d":"2024-11-05"}
> {"d":"2024-11-05"}
> {"d":"2024-11-05"}
> {"d":"2024-02-09"}
> {"d":null}
> {}

# json-clean: date sql takes all times that are texts, date ... to writes another form
$ printf '%s\n' 'a date sql' 'b date s to rfc3339' 'c date auto to ms' 'd date auto to day' 'e date %d/%b/%Y:%T to s' >s
$ json-clean -s s --tz Asia/Shanghai
< {"a":"2024-11-20T00:00:00Z","b":1732060800,"c":"2024-11-20 08:00:00.5","d":1732060800123,"e":"20/Nov/2024:08:00:00"}
< {"a":"2024-11-20","b":"5","c":1732060800,"d":"2024-11-20"}
> {"a":"2024-11-20 08:00:00","b":"2024-11-20T08:00:00+08:00","c":1732060800500,"d":"2024-11-20","e":1732060800}
> {"a":"2024-11-20 00:00:00","b":"1970-01-01T08:00:05+08:00","c":1732060800000,"d":"2024-11-20"}

# json-clean: date alone only judges
$ echo 't date' >s; json-clean -s s --on-error skip
< {"t":"2024-11-20T00:00:00.10Z"}
< {"t":1732060800}
< {"t":"2024-11-31"}
< {"t":"soon"}
< {"t":12}
< {"t":[]}
> {"t":"2024-11-20T00:00:00.10Z"}
> {"t":1732060800}

# json-clean: type int
$ echo 'n type int' >s; json-clean -s s --on-error skip
< {"n":"007"}
< {"n":5}
< {"n":5.0}
< {"n":"1e2"}
< {"n":" -3 "}
< {"n":9223372036854775807}
< {"n":9223372036854775808}
< {"n":1.5}
< {"n":"x"}
< {"n":""}
< {"n":true}
< {"n":null}
> {"n":7}
> {"n":5}
> {"n":5}
> {"n":100}
> {"n":-3}
> {"n":9223372036854775807}
> {"n":null}

# json-clean: type decimal keeps the digits of a text and does not touch a number
$ printf '%s\n' 'n type decimal' 'm type decimal(10,2)' >s; json-clean -s s --on-error skip
< {"n":"19.90","m":"12.5"}
< {"n":1.10e1,"m":1.10}
< {"n":"12345678901234567890.123","m":12345678.90}
< {"n":1e400}
< {"n":"1,5"}
< {"m":0.123456789012345678901234567890}
< {"m":123456789}
< {"m":1.000}
> {"n":19.90,"m":12.5}
> {"n":1.10e1,"m":1.10}
> {"n":12345678901234567890.123,"m":12345678.90}
> {"m":1.000}

# json-clean: type string
$ echo 's type string' >s; json-clean -s s --on-error skip
< {"s":1.10}
< {"s":"x\u0041"}
< {"s":true}
< {"s":18446744073709551615}
< {"s":{}}
> {"s":"1.10"}
> {"s":"x\u0041"}
> {"s":"true"}
> {"s":"18446744073709551615"}

# json-clean: type bool
$ echo 'b type bool' >s; json-clean -s s --on-error skip
< {"b":1}
< {"b":"0"}
< {"b":"True"}
< {"b":false}
< {"b":2}
< {"b":"yes"}
< {"b":{}}
> {"b":true}
> {"b":false}
> {"b":true}
> {"b":false}

# json-clean: type json unpacks a text that holds JSON, on one line
$ echo 'j type json' >s; json-clean -s s --on-error skip
< {"j":"{\"a\": [1.10,\n \"x\\n\"]}"}
< {"j":{"a":1}}
< {"j":"7"}
< {"j":"{"}
< {"j":"{} {}"}
> {"j":{"a": [1.10,  "x\n"]}}
> {"j":{"a":1}}
> {"j":7}

# json-clean: required, with the field's name in the reason
$ printf '%s\n' "* null ''" 'id required' 'u.tel required' >s; json-clean -s s --reject r; cat r
< {"id":1,"u":{"tel":"1"}}
< {"id":"","u":{"tel":"1"}}
< {"u":{"tel":"1"}}
< {"id":1,"u":{"tel":null}}
< {"id":1}
> {"id":1,"u":{"tel":"1"}}
> {"tool":"json-clean","run":null,"source":"<stdin>","line":2,"offset":25,"reason":"id: required, but null or absent","raw":"{\"id\":\"\",\"u\":{\"tel\":\"1\"}}"}
> {"tool":"json-clean","run":null,"source":"<stdin>","line":3,"offset":51,"reason":"id: required, but null or absent","raw":"{\"u\":{\"tel\":\"1\"}}"}
> {"tool":"json-clean","run":null,"source":"<stdin>","line":4,"offset":69,"reason":"u.tel: required, but null or absent","raw":"{\"id\":1,\"u\":{\"tel\":null}}"}
> {"tool":"json-clean","run":null,"source":"<stdin>","line":5,"offset":95,"reason":"u.tel: required, but null or absent","raw":"{\"id\":1}"}

# json-clean: fill takes the first other value that is not null after the field's own steps
$ printf '%s\n' "m null '' null" 'm trim fill order.m other' >s; json-clean -s s
< {"m":"a","order":{"m":"b"}}
< {"m":"","order":{"m":" b "}}
< {"order":{"m":"null"},"other":7.10}
< {"m":null}
< {}
> {"m":"a","order":{"m":"b"}}
> {"m":"b","order":{"m":" b "}}
> {"order":{"m":"null"},"other":7.10,"m":7.10}
> {"m":null}
> {}

# json-clean: default, as JSON or as text; required holds behind it
$ printf '%s\n' 'a default 0' "b default '0'" 'c default n/a required' 'd default false' 'e fill a default :day' >s
$ json-clean -s s --arg day=2024-11-20
< {"a":null,"x":1}
< {"a":5,"b":5,"c":5,"d":5,"e":5}
< {"a":5}
> {"a":0,"x":1,"b":"0","c":"n/a","d":false,"e":"2024-11-20"}
> {"a":5,"b":5,"c":5,"d":5,"e":5}
> {"a":5,"b":"0","c":"n/a","d":false,"e":5}

# json-clean: * and ? stand for names of the record; the last line that gives a step decides; keep forgets the lines above
$ printf '%s\n' '* trim upper' '*_id type int' 'c?de lower' 'raw keep' 'x.y trim' >s; json-clean -s s
< {"name":" a ","user_id":"7","_id":"8","id":"9","code":" A","cde":"b","raw":" r ","x":{"y":" z "},"\u006eame":" q"}
> {"name":"A","user_id":7,"_id":8,"id":"9","code":"a","cde":"B","raw":" r ","x":{"y":"z"},"\u006eame":"Q"}

# json-clean: a step replaces the same step of a line above, others stay
$ printf '%s\n' "* null '' trim" "memo null none" >s; json-clean -s s
< {"a":" ","memo":" "}
< {"a":"none","memo":"none "}
> {"a":null,"memo":""}
> {"a":"none","memo":null}

# json-clean: the same with the fields in another order, and fields that come and go
$ printf '%s\n' '* trim' 'b upper' >s; json-clean -s s
< {"a":" 1","b":" x"}
< {"b":" x","a":" 1"}
< {"c":" ","b":"y","a":"z "}
< {"a":" 1","b":" x"}
> {"a":"1","b":"X"}
> {"b":"X","a":"1"}
> {"c":"","b":"Y","a":"z"}
> {"a":"1","b":"X"}

# json-clean: nested values, array elements
$ printf '%s\n' 'data[0].id type int' "'a.\"x.y\"' trim" >s; json-clean -s s
< {"data":[{"id":"1"},{"id":"2"}],"a":{"x.y":" z"}}
< {"data":[]}
> {"data":[{"id":1},{"id":"2"}],"a":{"x.y":"z"}}
> {"data":[]}

# json-clean: a field that the spec names and that stands twice is an error, others pass
$ echo 'a trim' >s; json-clean -s s --on-error skip
< {"a":" x","a":" y"}
< {"b":" x","b":" y"}
> {"b":" x","b":" y"}

# json-clean: comments, quotes and indented lines as in every spec
$ printf '%s\n' '# all' "a  # the first" "   trim   # its step" "   null ''" >s; json-clean -s s
< {"a":" "}
> {"a":null}

# json-clean: a quoted word is never a step
$ printf '%s\n' "a null 'trim' trim" >s; json-clean -s s
< {"a":" trim "}
> {"a":null}

# json-clean: mistakes are told with their line
$ for l in 'a' 'a blur phone' 'a type number' 'a type decimal(2,3)' 'a date soon' 'a date %Q' 'a date sql to' 'a date sql to ms s' 'a fill' 'a default' 'a lower upper' 'a trim trim' 'a. trim' 'a.b default 1' 'a default :x' 'a date %G'; do
$ echo "$l" >s; json-clean -s s </dev/null; done
! json-clean: s:1: a pattern without a step: a
! json-clean: s:1: no step of that name: blur
! json-clean: s:1: a type is int, decimal, decimal(P,S), string, bool or json: number
! json-clean: s:1: a type is int, decimal, decimal(P,S), string, bool or json: decimal(2,3)
! json-clean: s:1: a time is auto, sql, rfc3339, day, s, ms, us or a pattern of date(1)'s letters: soon
! json-clean: s:1: a time is auto, sql, rfc3339, day, s, ms, us or a pattern of date(1)'s letters: %Q
! json-clean: s:1: one form belongs behind `to`
! json-clean: s:1: one form belongs behind `to`
! json-clean: s:1: fill needs a path
! json-clean: s:1: default needs a value
! json-clean: s:1: lower and upper do not go together
! json-clean: s:1: a step stands twice: trim
! json-clean: s:1: path 'a.': column 3: a name is missing
! json-clean: s: fill and default need a field of the record itself, not a.b
! json-clean: s:1: no --arg of that name: :x
! json-clean: s:1: a time is auto, sql, rfc3339, day, s, ms, us or a pattern of date(1)'s letters: %G
? 2

# json-clean: two places that hold each other are a mistake
$ printf '%s\n' 'a trim' 'a.b trim' >s; json-clean -s s </dev/null
! json-clean: s:2: this path and one above are one place: a.b
? 2

# json-clean: -s is not optional, and its file must be there
$ json-clean </dev/null; echo $?; json-clean -s nowhere </dev/null
> 2
! json-clean: -s is required
! usage: json-clean -s SPEC [FILE ...]
! json-clean: nowhere: No such file or directory
? 4

# json-clean: what changed is counted
$ echo '* trim' >s; printf '{"a":" "}\n{"a":""}\n' | json-clean -s s --stats t >/dev/null; grep -o '"changed":[0-9]*' t
> "changed":1
