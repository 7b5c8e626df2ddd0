# json-from-csv: the first row names the columns, cells are text byte for byte
$ json-from-csv
< id,name,zip,note
< 1,John,00184, a b 
< 2,"Doe, John",1.10,"say ""hi"""
< 3,é中,-0,"	x\y"
> {"id":"1","name":"John","zip":"00184","note":" a b "}
> {"id":"2","name":"Doe, John","zip":"1.10","note":"say \"hi\""}
> {"id":"3","name":"é中","zip":"-0","note":"\tx\\y"}

# json-from-csv: a line break in quotes is part of the cell, CR LF too
$ printf 'a,b\r\n"x\r\ny","z\n"\r\n"\n\n",""\r\n' | json-from-csv
> {"a":"x\r\ny","b":"z\n"}
> {"a":"\n\n","b":""}

# json-from-csv: nothing is null, two quotes are the empty string
$ json-from-csv
< a,b,c
< ,"",x
< ,,
> {"a":null,"b":"","c":"x"}
> {"a":null,"b":null,"c":null}

# json-from-csv: the last line may lack its end, CRLF or not
$ printf 'a,b\n1,2' | json-from-csv; printf 'a\r\n1\r' | json-from-csv; printf 'a\n"1"' | json-from-csv
> {"a":"1","b":"2"}
> {"a":"1"}
> {"a":"1"}

# json-from-csv: a byte order mark is passed over, in each file, and only at its beginning
$ printf '\357\273\277a,b\n1,\357\273\2772\n' >x; printf '\357\273\277"a",b\n3,4\n' >y; json-from-csv x y | od -An -c -w60 | tr -s ' '
>  { " a " : " 1 " , " b " : " 357 273 277 2 " } \n { " a " : " 3 " , " b " : " 4 " } \n

# json-from-csv: each file has its own header
$ printf 'a,b\n1,2\n' >x; printf 'c,a,d\n3,4,5\n' >y; json-from-csv x y -
< z
< 9
> {"a":"1","b":"2"}
> {"c":"3","a":"4","d":"5"}
> {"z":"9"}

# json-from-csv: no rows, no header, nothing
$ json-from-csv </dev/null; echo a,b | json-from-csv; printf '\n\n' | json-from-csv

# json-from-csv: empty lines are passed over and counted
$ json-from-csv --stats s; jq -c '[.in, .used, .made, .blank]' s
< 
< a,b
< 
< 1,2
< 
> {"a":"1","b":"2"}
> [2,2,1,3]

# json-from-csv: with one column an empty line is a row
$ json-from-csv --stats s; jq -c '[.in, .used, .made, .blank]' s
< a
< 1
< 
< ""
> {"a":"1"}
> {"a":null}
> {"a":""}
> [4,4,3,0]

# json-from-csv --columns: no header; --skip-header: one that does not count
$ printf '1,2\n3,4\n' >x; json-from-csv --columns a,b x; json-from-csv --columns a,b --skip-header x x --stats s
$ jq -c '[.in, .used, .dropped, .made]' s
> {"a":"1","b":"2"}
> {"a":"3","b":"4"}
> {"a":"3","b":"4"}
> {"a":"3","b":"4"}
> [4,2,2,2]

# json-from-csv --number: digits as they are; what is none is that row's error
$ json-from-csv --number a,b --on-error skip --reject r; jq -c '[.line, .reason]' r
< a,b,c
< 1,1.10,1
< -0,1e400,
< ,,x
< 01,1,x
< 1.,1,x
<  1,1,x
< 1 ,1,x
< "",1,x
< 0x1,1,x
< true,1,x
< 12345678901234567890123,+1,x
< 5,"6",7
> {"a":1,"b":1.10,"c":"1"}
> {"a":-0,"b":1e400,"c":null}
> {"a":null,"b":null,"c":"x"}
> {"a":5,"b":6,"c":"7"}
> [5,"a cell of a number column that is no number"]
> [6,"a cell of a number column that is no number"]
> [7,"a cell of a number column that is no number"]
> [8,"a cell of a number column that is no number"]
> [9,"a cell of a number column that is no number"]
> [10,"a cell of a number column that is no number"]
> [11,"a cell of a number column that is no number"]
> [12,"a cell of a number column that is no number"]

# json-from-csv --number: a column that is not there
$ printf 'a,b\n1,2\n' >x; printf 'b\n1\n' >y; json-from-csv --number a x y
> {"a":1,"b":"2"}
! json-from-csv: y:1: header: no column has a name that --number gives (--columns gives names)
? 3

# json-from-csv --null: a text that stands for null
$ json-from-csv --null '\N' --number b
< a,b
< \N,\N
< ,1
< "\N",2
> {"a":null,"b":null}
> {"a":null,"b":1}
> {"a":null,"b":2}

# json-from-csv -d: tabs, semicolons
$ printf 'a\tb\n1,5\t"x\ty"\n' | json-from-csv -d tab; printf 'a;b\n1,5;2\n' | json-from-csv -d ';'
> {"a":"1,5","b":"x\ty"}
> {"a":"1,5","b":"2"}

# json-from-csv: ragged rows are rejected with the line they begin on
$ json-from-csv --reject r; jq -c '[.line, .offset, .reason, .raw]' r
< a,b
< 1
< "x
< y",2,3
< 4,5
< ,,
> {"a":"4","b":"5"}
> [2,4,"fewer cells than columns","1"]
> [3,6,"more cells than columns","\"x\ny\",2,3"]
> [6,20,"more cells than columns",",,"]

# json-from-csv: quotes where they may not be
$ json-from-csv --reject r; jq -c '[.line, .reason, .raw]' r
< a,b
< x"y,1
< "x"y,1
< "x" ,1
<  "x",1
< "x""y",1
> {"a":"x\"y","b":"1"}
> [2,"a quote inside a cell without quotes, or text behind a closing quote","x\"y,1"]
> [3,"a quote inside a cell without quotes, or text behind a closing quote","\"x\"y,1"]
> [4,"a quote inside a cell without quotes, or text behind a closing quote","\"x\" ,1"]
> [5,"a quote inside a cell without quotes, or text behind a closing quote"," \"x\",1"]

# json-from-csv: a quote that is never closed takes the rest of its file, and no more
$ printf 'a,b\n1,2\n3,"x\n4,5\n' >x; json-from-csv --reject r x x; jq -c '[.line, .reason, .raw]' r
> {"a":"1","b":"2"}
> {"a":"1","b":"2"}
> [3,"a quote that is never closed","3,\"x\n4,5"]
> [3,"a quote that is never closed","3,\"x\n4,5"]

# json-from-csv: a CR outside quotes that no LF follows
$ printf 'a,b\n1,2\r3,4\n5,6\r\r\n\r7,8\n"x\ry",9\n' | json-from-csv --reject r; jq -c '[.line, .reason, .raw]' r
> {"a":"x\ry","b":"9"}
> [2,"a CR outside quotes that no LF follows","1,2\r3,4"]
> [3,"a CR outside quotes that no LF follows","5,6\r"]
> [4,"a CR outside quotes that no LF follows","\r7,8"]

# json-from-csv: a lone CR in a last line without an end
$ printf 'a,b\n1,2\r3,' | json-from-csv --reject r; jq -c '[.line, .reason, .raw]' r; printf 'a,b\n1,2\r' | json-from-csv
> [2,"a CR outside quotes that no LF follows","1,2\r3,"]
> {"a":"1","b":"2"}

# json-from-csv: only CR as line end is a header that is bad
$ printf 'a,b\r1,2\r3,4\r' | json-from-csv --on-error skip
! json-from-csv: <stdin>:1: header: a CR outside quotes that no LF follows
? 3

# json-from-csv: bytes that are no UTF-8, a NUL
$ printf 'a,b\n\377,1\n\0,2\nx,3\n\355\240\200,4\n' | json-from-csv --reject r; jq -c '[.line, .reason]' r
> {"a":"x","b":"3"}
> [2,"a cell that is not UTF-8, or holds a NUL"]
> [3,"a cell that is not UTF-8, or holds a NUL"]
> [5,"a cell that is not UTF-8, or holds a NUL"]

# json-from-csv: without --reject the first bad row ends it
$ printf 'a,b\n1,2\n3\n4,5\n' | json-from-csv
> {"a":"1","b":"2"}
! json-from-csv: <stdin>:3: fewer cells than columns
? 3

# json-from-csv: a header with a name twice, without a name, that is no text
$ for h in a,b,a a,,b 'a,""' '"x' 'a"b'; do printf '%s\n1,2,3\n' "$h" | json-from-csv --on-error skip; done; printf '\377\n' | json-from-csv
! json-from-csv: <stdin>:1: header: two columns of one name (--columns gives names)
! json-from-csv: <stdin>:1: header: a column without a name (--columns gives names)
! json-from-csv: <stdin>:1: header: a column without a name (--columns gives names)
! json-from-csv: <stdin>:1: header: a quote that is never closed
! json-from-csv: <stdin>:1: header: a quote inside a cell without quotes, or text behind a closing quote
! json-from-csv: <stdin>:1: header: a column whose name is not UTF-8, or holds a NUL (--columns gives names)
? 3

# json-from-csv --max-line: a line, and a row of many lines, above the limit; the next line begins a row
$ (echo a,b; head -c 3000 /dev/zero | tr '\0' x; echo; echo '1,"'; seq 1000; echo '3,4') >x
$ json-from-csv --max-line 2000 --reject r x | tail -n 1; jq -c '[.line, .reason]' r | head -n 2
> {"a":"3","b":"4"}
> [2,"a row longer than the limit (--max-line): is a quote not closed?"]
> [3,"a row longer than the limit (--max-line): is a quote not closed?"]

# json-from-csv --unguard: the apostrophe of json-to-csv is taken off, others stay
$ json-from-csv --unguard
< "'=a",b
< '=1+1,'x
< ''=x,'-5
< '-x,''y
> {"=a":"=1+1","b":"'x"}
> {"=a":"'=x","b":"-5"}
> {"=a":"-x","b":"''y"}

# json-from-csv: usage
$ for o in '-d ab' '-d "' '--skip-header' '--columns a,,b' '--columns a,a' '--columns a --number b'; do json-from-csv $o </dev/null 2>&1 | head -n 1; done
> json-from-csv: -d: one character of ASCII, or tab
> json-from-csv: -d: one character of ASCII, or tab
> json-from-csv: --skip-header goes with --columns
> json-from-csv: --columns: a column without a name
> json-from-csv: --columns: two columns of one name
> json-from-csv: --columns: no column has a name that --number gives
