# json-clean: mask phone keeps the first 3 and last 4 of 11 digits and more, the last 2 of 7 to 10, none of fewer
$ echo '* mask phone' >s; json-clean -s s
< {"a":"13812345678","b":"138-1234-5678","c":"+86 138 1234 5678","d":"(010)6552-9988","e":"65529988","f":"110","g":""}
< {"a":13812345678,"b":null,"c":"１３８１２３４５６７８","d":"1234567","e":"123456","f":"-"}
> {"a":"138****5678","b":"138-****-5678","c":"+86 1** **** 5678","d":"(010)****-9988","e":"******88","f":"***","g":""}
> {"a":"138****5678","b":null,"c":"１３８****５６７８","d":"*****67","e":"******","f":"-"}

# json-clean: text that has slipped into a phone does not show
$ echo '* mask phone' >s; json-clean -s s
< {"a":"张三 13812345678","b":"call me maybe","c":"13812345678/13998765432"}
> {"a":"** 1******5678","b":"**** ** *****","c":"138****************5432"}

# json-clean: mask name keeps the first character, blanks and middle dots
$ echo '* mask name' >s; json-clean -s s
< {"a":"张三","b":"欧阳修","c":"张","d":"John Smith","e":"买买提·艾力","f":" x y","g":"😀b","h":"\u0041\u0042","i":"é","j":""}
> {"a":"张*","b":"欧**","c":"*","d":"J*** *****","e":"买**·**","f":" x *","g":"😀*","h":"A*","i":"*","j":""}

# json-clean: mask address keeps at most six characters and at most half, and no digit
$ echo '* mask address' >s; json-clean -s s
< {"a":"北京市朝阳区建国路88号","b":"上海","c":"1 High Street, London","d":"8号院","e":"","f":"北"}
> {"a":"北京市朝阳区******","b":"上*","c":"* High***************","d":"***","e":"","f":"*"}

# json-clean: mask email, card, all
$ printf '%s\n' 'e mask email' 'c mask card' 'x mask all' >s; json-clean -s s
< {"e":"john.doe@example.com","c":"6222 0212 3456 7890 123","x":"a b\n中"}
< {"e":"j@x.org","c":"12345678901","x":1.50}
< {"e":"no address","c":"123456789012","x":true}
< {"e":"a@b@c.org","c":"","x":""}
> {"e":"j*******@example.com","c":"**** **** **** ***0 123","x":"*****"}
> {"e":"*@x.org","c":"***********","x":"****"}
> {"e":"n* *******","c":"********9012","x":"****"}
> {"e":"a**@c.org","c":"","x":""}

# json-clean: a mask over what it made changes nothing
$ printf '%s\n' 'a mask phone' 'b mask name' 'c mask address' 'd mask email' 'e mask card' 'f mask all' >s
$ cat >in
$ json-clean -s s in >once && json-clean -s s once | cmp - once && ! cmp -s in once
< {"a":"138-1234-5678","b":"欧阳 修","c":"北京市朝阳区建国路88号","d":"john.doe@example.com","e":"6222021234567890","f":"x"}
< {"a":"1234567","b":"x","c":"８号 a","d":"@","e":"0","f":" "}
< {"a":13812345678,"b":12,"c":1.5,"d":true,"e":622202123456,"f":false}

# json-clean: null stays null, an array or an object is never let through unmasked
$ echo 'a mask name' >s; json-clean -s s --on-error skip --reject r; jq -r .reason r
< {"a":null,"b":1}
< {"b":1}
< {"a":["张三"]}
< {"a":{"n":"张三"}}
> {"a":null,"b":1}
> {"b":1}
> a: an array or an object cannot be masked
> a: an array or an object cannot be masked

# json-clean: masks come last, whatever the order they are written in: behind trim, fill and default
$ printf '%s\n' "a mask phone fill b default 13900000000 trim null ''" >s; json-clean -s s
< {"a":" 13812345678 "}
< {"a":"","b":"13812345678"}
< {"a":null}
> {"a":"138****5678"}
> {"a":"138****5678","b":"13812345678"}
> {"a":"139****0000"}

# json-clean: the later mask holds; keep takes it back
$ printf '%s\n' 'a mask all' 'a mask name' 'b mask all' 'b keep' >s; json-clean -s s
< {"a":"xy","b":"xy"}
> {"a":"x*","b":"xy"}

# json-clean: a mask of a nested field and of names by pattern
$ printf '%s\n' 'user.tel mask phone' '*_name mask name' >s; json-clean -s s
< {"user":{"tel":"13812345678","x":1.10},"user_name":"张三"}
> {"user":{"tel":"138****5678","x":1.10},"user_name":"张*"}

# json-clean: no mask of that name
$ echo 'a mask fone' >s; json-clean -s s
! json-clean: s:1: a mask is phone, name, address, email, card or all: fone
? 2

# json-clean: a mask needs a name
$ echo 'a mask' >s; json-clean -s s
! json-clean: s:1: a mask is phone, name, address, email, card or all
? 2

# json-clean: mask and encrypt on one line contradict each other
$ mkdir -p wh/main/keys; (umask 077; echo "k1 $(printf %064d 7)" >wh/main/keys/pii)
$ echo 'a mask all encrypt key=pii' >s; PIPEHOUSE_ROOT=wh json-clean -s s
! json-clean: s:1: mask and encrypt do not go together
? 2
