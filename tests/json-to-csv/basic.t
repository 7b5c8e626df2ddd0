# json-to-csv: the first record's fields are the columns; later ones may lack some, or have another order
$ json-to-csv
< {"id":1,"name":"John","v":1.10}
< {"v":-0,"id":2}
< {"name":null,"v":1e400,"id":"007"}
> id,name,v
> 1,John,1.10
> 2,,-0
> 007,,1e400

# json-to-csv: a field that is no column makes its record bad: it would be lost
$ json-to-csv --reject r; jq -c '[.line, .reason]' r
< {"a":1}
< {"a":1,"b":2}
< {"a":1,"a":2}
< {"\u0061":3}
> a
> 1
> 3
> [2,"a field that is no column (--columns)"]
> [3,"a field that stands twice"]

# json-to-csv --columns: paths, new names, what is absent is null
$ json-to-csv --columns id,user=common.uid,first='tags[0]'
< {"id":1,"common":{"uid":"u"},"tags":["x"],"more":1}
< {"id":2}
> id,user,first
> 1,u,x
> 2,,

# json-to-csv: cells are quoted where they must be; null is nothing, the empty string two quotes
$ json-to-csv
< {"a":"x,y","b":"say \"hi\"","c":"l1\nl2","d":"\r","e":"","f":null,"g":" x "}
> a,b,c,d,e,f,g
> "x,y","say ""hi""","l1
> l2","'","",, x 

# json-to-csv: true and false, arrays and objects as they stand
$ json-to-csv
< {"a":true,"b":[1, "x"],"c":{"k":1.0},"d":[],"e":"é\u00e9\/"}
> a,b,c,d,e
> true,"[1, ""x""]","{""k"":1.0}",[],éé/

# json-to-csv: what a spreadsheet would run gets an apostrophe; numbers, and what cannot be run, none
$ json-to-csv --columns a --no-header
< {"a":"=cmd|' /C calc'!A0"}
< {"a":"+1"}
< {"a":"+1-2"}
< {"a":"-1"}
< {"a":"-1.5e-3"}
< {"a":"-1."}
< {"a":"-x"}
< {"a":"@SUM(1)"}
< {"a":"\tx"}
< {"a":"\rx"}
< {"a":"\nx"}
< {"a":"'=x"}
< {"a":"'x"}
< {"a":"x=1"}
< {"a":-1}
< {"a":"-"}
> '=cmd|' /C calc'!A0
> +1
> '+1-2
> -1
> -1.5e-3
> '-1.
> '-x
> '@SUM(1)
> '	x
> "'x"
> "'
> x"
> ''=x
> 'x
> x=1
> -1
> '-

# json-to-csv --no-guard: as they are; names are guarded too
$ echo '{"=a":"=x"}' >x; json-to-csv x; json-to-csv --no-guard x
> '=a
> '=x
> =a
> =x

# json-to-csv --crlf, -d
$ printf '%s\n' '{"a":1,"b":"x;y\tz"}' >x; json-to-csv --crlf x | od -An -c | tr -s ' '; json-to-csv -d tab x | tr '\t' T; json-to-csv -d ';' x | tr '\t' T
>  a , b \r \n 1 , x ; y \t z \r \n
> aTb
> 1T"x;yTz"
> a;b
> 1;"x;yTz"

# json-to-csv --null: null as a text; that very text is a record's error
$ json-to-csv --null '\N' --reject r; jq -r .reason r
< {"a":null,"b":""}
< {"a":"\\N","b":1}
> a,b
> \N,""
> a text that stands for null (--null)

# json-to-csv: a NUL cannot be written, in a name neither
$ json-to-csv --reject r; jq -r .reason r; echo '{"a\u0000":1}' | json-to-csv
< {"a":"\u0000"}
< {"a":"x"}
> a
> x
> a NUL, which CSV cannot hold
! json-to-csv: <stdin>:1: a name with a NUL, which CSV cannot hold
? 3

# json-to-csv: no records: only columns that were asked for have names
$ json-to-csv </dev/null; json-to-csv --columns a,b </dev/null; json-to-csv --columns a --no-header </dev/null
> a,b

# json-to-csv: a record without fields has no columns; the next one may
$ json-to-csv --on-error skip
< {}
< {"a":1}
< {}
> a
> 1
> 

# json-to-csv: the header counts as made, so lines out are passed and made
$ json-to-csv --stats s; jq -c '[.in, .passed, .made]' s
< {"a":1}
< {"a":2}
> a
> 1
> 2
> [2,2,1]

# json-to-csv: there and back, every string, null and name
$ json-to-csv | json-from-csv --unguard
< {"a b":"=x","é":"","=c":null,"d,":"'=","e":"a\"b\r\n,c","f":"'x","g":"﻿y","":"z"}
! json-from-csv: <stdin>:1: header: a column without a name (--columns gives names)
? 3

# json-to-csv: there and back, every string, null and name but the empty one
$ json-to-csv | json-from-csv --unguard
< {"﻿q":"﻿","a b":"=x","é":"","=c":null,"d,":"'=","e":"a\"b\r\n,c","f":"'x","g":"\ty"}
< {"﻿q":"1","a b":"+1","é":"''-","=c":"-","d,":"","e":"\n","f":" ","g":null}
> {"﻿q":"﻿","a b":"=x","é":"","=c":null,"d,":"'=","e":"a\"b\r\n,c","f":"'x","g":"\ty"}
> {"﻿q":"1","a b":"+1","é":"''-","=c":"-","d,":"","e":"\n","f":" ","g":null}

# json-to-csv: from CSV and back every byte, but for quotes that were not needed
$ cat >x; json-from-csv x | json-to-csv --no-guard | cmp - x && json-from-csv --number a x | json-to-csv --no-guard | cmp - x
< a,b,c
< 1.10,"x
< y",
< -0,"""",""
< 3,=x,"a,b"

# json-to-csv: usage
$ for o in '-d ab' '-d ,,' '--columns a,a' '--columns a['; do json-to-csv $o </dev/null 2>&1 | head -n 1; done
> json-to-csv: -d: one character of ASCII, or tab
> json-to-csv: -d: one character of ASCII, or tab
> json-to-csv: --columns: the name 'a' stands twice
> json-to-csv: --columns: path 'a[': column 3: an index is a whole number from 0 on, a name in brackets needs quotes

# threads: the header comes once and first, whatever they are given first
$ { printf '{"a":1,\n%.0s' $(seq 300); seq 2000 | sed 's/.*/{"a":&,"b":"x&"}/'; } >in; for a in '' '--columns a,b'; do for j in 1 2 4; do rm -f r; PIPEHOUSE_BLOCK=1000 json-to-csv $a -j $j --reject r in >out; (echo a,b; seq 2000 | sed 's/.*/&,x&/') | cmp - out && wc -l <r; done; done
> 300
> 300
> 300
> 300
> 300
> 300

# threads and no record at all
$ printf '[]\n%.0s' $(seq 3000) >in; for j in 1 2 4; do PIPEHOUSE_BLOCK=1000 json-to-csv --columns a,b -j $j --reject r$j in; wc -l <r$j; done
> a,b
> 3000
> a,b
> 3000
> a,b
> 3000
