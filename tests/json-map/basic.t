# json-map: kept fields in the order asked, absent ones are null
$ json-map --keep z=b.c,a
< {"a":1.10,"b":{"c":"x"}}
< {"b":1}
> {"z":"x","a":1.10}
> {"z":null,"a":null}

# json-map: kept, then named
$ json-map --keep a n='a + 1'
< {"a":1.5}
> {"a":1.5,"n":2.5}

# json-map: -w alone copies lines byte for byte, blanks and all
$ json-map -w 'a = 1'
< { "a" : 1.0 , "b":[ 1, 2 ]}
< {"a":2}
< {"a":null}
< {"b":1}
> { "a" : 1.0 , "b":[ 1, 2 ]}

# json-map: --all replaces in place and appends
$ json-map --all a='a * 2' c="'x'"
< {"a": 1.50, "b":-0}
> {"a": 3.00, "b":-0,"c":"x"}

# json-map: --all --drop takes members out wherever they stand
$ json-map --all --drop a
< {"a":1,"b":2}
< {"b":2, "a":1}
< { "a" : 1 }
< {"b":{"a":1}}
> {"b":2}
> {"b":2}
> { }
> {"b":{"a":1}}

# json-map: a nested member is dropped, its neighbours stay
$ json-map --all --drop b.x,b.z
< {"b":{"x":1,"y":2,"z":3}}
> {"b":{"y":2}}

# json-map: a dropped key with an escaped quote before it
$ json-map --all --drop 'b'
< {"a\"":"\\","b":"}{\"","c":1}
> {"a\"":"\\","c":1}

# json-map: append to an empty object
$ json-map --all n=1
< {}
< { }
> {"n":1}
> { "n":1}

# json-map: a string that meets a number and is none is that record's error
$ json-map -w 'a > 1'
< {"a":"12"}
< {"a":"x"}
> {"a":"12"}
! json-map: <stdin>:2: a text that is no number meets a number
? 3

# json-map: --arg is never pasted into the expression
$ json-map --arg "who=x' OR 1=1" -w 'a = :who'
< {"a":"x"}
< {"a":"x' OR 1=1"}
> {"a":"x' OR 1=1"}

# json-map: nothing to do is a usage error
$ json-map
! json-map: nothing to do: give -w, --keep, NAME=EXPR or --all
! usage: json-map [-w WHERE] [--keep PATHS] [--all [--drop PATHS]] [NAME=EXPR ...] [FILE ...]
? 2

# json-map: two equal names are a usage error
$ json-map a=1 a=2
! json-map: the name 'a' stands twice
! usage: json-map [-w WHERE] [--keep PATHS] [--all [--drop PATHS]] [NAME=EXPR ...] [FILE ...]
? 2

# json-map: one place cannot be both set and dropped
$ json-map --all --drop a.b a=1
! json-map: '"a"' and 'a.b' are one place
! usage: json-map [-w WHERE] [--keep PATHS] [--all [--drop PATHS]] [NAME=EXPR ...] [FILE ...]
? 2

# json-map: a file that looks like a word is written ./
$ echo '{"a":1}' > a=1 && json-map --keep a ./a=1
> {"a":1}

# json-map: behind -- all operands are files
$ echo '{"a":1}' > a=1 && json-map --keep a -- a=1
> {"a":1}

# json-map: numbers that no double can hold pass as they are
$ json-map n=n
< {"n":18446744073709551615}
< {"n":1e400}
< {"n":-0}
< {"n":100000000000000000000000000000000000000000000000000000000000000000000000000.10}
> {"n":18446744073709551615}
> {"n":1e400}
> {"n":-0}
> {"n":100000000000000000000000000000000000000000000000000000000000000000000000000.10}

# json-map: -o writes a file whole or not at all
$ printf '{"a":1}\n{"a":\n' > in; json-map --keep a -o out in; echo $?; ls out 2>&1; true
> 3
> ls: cannot access 'out': No such file or directory
! json-map: in:2: the line ends where a value should be

# json-map: --stats counts every record once
$ json-map -w 'a > 1' --on-error skip --stats s && sed 's/,"second_in.*"reasons/,"reasons/; s/,"seconds.*/}/' s
< {"a":1}
< {"a":2}
< {"a":
> {"a":2}
> {"tool":"json-map","run":null,"status":0,"in":3,"passed":1,"dropped":1,"used":0,"rejected":1,"made":0,"out":1,"blank":0,"reasons":{"the line ends where a value should be":1}}

# json-map: once its inputs are open, a filter can start no program and open no socket
@ sanitized
$ PIPEHOUSE_SANDBOX=probe json-map --keep a
< {"a":1}
> {"a":1}
! execve: Operation not permitted
! socket: Operation not permitted
! ptrace: Operation not permitted

# a name that is not UTF-8 would make records that are none
$ for w in "$(printf '\377=a')" "--keep=$(printf '\377=a')"; do echo '{"a":1}' | json-map "$w"; echo $?; done 2>&1 | grep -v usage
$ for w in --as --index; do echo '{"a":[1]}' | json-split -e a $w "$(printf '\377')"; echo $?; done 2>&1 | grep -v usage
> json-map: NAME=EXPR: the name '\xff' is not UTF-8
> 2
> json-map: --keep: the name '\xff' is not UTF-8
> 2
> json-split: --as: the name '\xff' is not UTF-8
> 2
> json-split: --index: the name '\xff' is not UTF-8
> 2

# json-map: a time whose day lies past the last one where the clock is, is none
$ json-map --tz Asia/Shanghai --reject r 'day=CAST(t AS DATE)' "text=date_format(t, '%F %T')" "hour=date_trunc('hour', t)"; grep -o 'time outside[^"]*' r
< {"t":"9999-12-31T15:59:59Z"}
< {"t":"9999-12-31T16:00:00Z"}
< {"t":"9999-12-31 23:59:59"}
> {"day":"9999-12-31","text":"9999-12-31 23:59:59","hour":"9999-12-31T23:00:00+08:00"}
> {"day":"9999-12-31","text":"9999-12-31 23:59:59","hour":"9999-12-31 23:00:00"}
> time outside the years 0001 to 9999

# json-map: nor is one that is reached by adding
$ json-map --tz Asia/Shanghai "x=date_add('hour', 1, t)"
< {"t":"9999-12-31 22:59:59"}
< {"t":"9999-12-31 23:00:00"}
> {"x":"9999-12-31 23:59:59"}
! json-map: <stdin>:2: time outside the years 0001 to 9999
? 3

# json-map: nor one before the first
$ json-map --tz=-08:00 "x=date_add('hour', -1, t)"
< {"t":"0001-01-01T09:00:00Z"}
< {"t":"0001-01-01T08:59:59Z"}
> {"x":"0001-01-01T00:00:00-08:00"}
! json-map: <stdin>:2: time outside the years 0001 to 9999
? 3
