# json-clean: equal values are equal when encrypted, others differ; null stays null; what is not named stays
$ mkdir -p wh/main/keys; (umask 077; echo "k1 $(printf %064d 7)" >wh/main/keys/pii); export PIPEHOUSE_ROOT=wh
$ echo '* encrypt key=pii' >s; json-clean -s s >out
$ jq -c '[.a, .b, .c, .d] | [map(if . == null then . else .[:10] end), .[0] == .[1], .[0] == .[2]]' out; grep -c 京 out
< {"a":"北京","b":"\u5317\u4eac","c":"北京 ","d":null}
< {"a":"","b":"","c":"x"}
< {"a":1,"b":"1","c":true}
> [["enc:v1:k1:","enc:v1:k1:","enc:v1:k1:",null],true,false]
> [["enc:v1:k1:","enc:v1:k1:","enc:v1:k1:",null],true,false]
> [["enc:v1:k1:","enc:v1:k1:","enc:v1:k1:",null],false,false]
> 0
? 1

# json-clean: decrypt gives back what was there: text, numbers as written, arrays, objects
$ mkdir -p wh/main/keys; (umask 077; echo "k1 $(printf %0128d 7)" >wh/main/keys/pii); export PIPEHOUSE_ROOT=wh
$ echo '* encrypt key=pii' >e; echo '* decrypt key=pii' >d; json-clean -s e | json-clean -s d
< {"a":"北京","b":1.10,"c":[1, {"x":"y"}],"d":{"k" : -0},"e":true,"f":null,"g":"","h":"\u0000\n","i":"enc"}
> {"a":"北京","b":1.10,"c":[1, {"x":"y"}],"d":{"k" : -0},"e":true,"f":null,"g":"","h":"\u0000\n","i":"enc"}

# json-clean: encrypting what is encrypted changes nothing
$ mkdir -p wh/main/keys; (umask 077; echo "k1 $(printf %064d 7)" >wh/main/keys/pii); export PIPEHOUSE_ROOT=wh
$ echo '* encrypt key=pii' >s; json-clean -s s >once; json-clean -s s --stats st once | cmp - once; jq -c '[.in, .passed, .changed]' st
< {"a":"x","b":1}
< {"a":"y","b":[]}
> [2,2,0]

# json-clean: a new key stands first: it encrypts, all decrypt, and encrypting again changes the key of old values
$ mkdir -p wh/main/keys; umask 077; export PIPEHOUSE_ROOT=wh; echo "old $(printf %064d 7)" >wh/main/keys/pii
$ echo 'a encrypt key=pii' >e; echo 'a decrypt key=pii' >d
$ echo '{"a":"x"}' | json-clean -s e >old
$ printf 'new %0128d\nold %064d\n' 8 7 >wh/main/keys/pii
$ cut -c1-16 old; json-clean -s d old; json-clean -s e old | tee new | cut -c1-16; json-clean -s d new
$ echo '{"a":"x"}' | json-clean -s e | cmp - new
> {"a":"enc:v1:old
> {"a":"x"}
> {"a":"enc:v1:new
> {"a":"x"}

# json-clean: what was changed, what another key sealed and what is not sealed do not decrypt
$ mkdir -p wh/main/keys; (umask 077; echo "k1 $(printf %064d 7)" >wh/main/keys/pii); export PIPEHOUSE_ROOT=wh
$ echo 'a encrypt key=pii' >e; echo 'a decrypt key=pii' >d
$ echo '{"a":"xyz"}' | json-clean -s e >x; sed 's/:k1:./:k1:!/; p; s/k1:!/k2:A/' x >y
$ json-clean -s d --reject r y; jq -r .reason r; json-clean -s e --reject q y; jq -r .reason q; json-clean -s d --reject p; jq -r .reason p
< {"a":"xyz"}
< {"a":1}
> a: a sealed value that does not open: it was changed, or its key was
> a: sealed under a key that is not in the file
> a: a sealed value that does not open: it was changed, or its key was
> a: sealed under a key that is not in the file
> a: not a sealed value
> a: not a sealed value

# json-clean: decrypt is the first step, encrypt the last; decrypt and mask go together
$ mkdir -p wh/main/keys; (umask 077; echo "k1 $(printf %064d 7)" >wh/main/keys/pii; echo "z $(printf %064d 9)" >wh/main/keys/other)
$ export PIPEHOUSE_ROOT=wh; echo 'a encrypt key=pii trim' >e; echo 'a mask phone decrypt key=pii' >d; echo 'a decrypt key=pii encrypt key=other' >o
$ printf '%s\n' '{"a":" 13812345678"}' | json-clean -s e | tee x | json-clean -s d; json-clean -s o x | cut -c1-15
> {"a":"138****5678"}
> {"a":"enc:v1:z:

# json-clean: a file of keys that others may read is refused
$ mkdir -p wh/main/keys; echo "k1 $(printf %064d 7)" >wh/main/keys/pii; chmod 640 wh/main/keys/pii
$ echo 'a encrypt key=pii' >s; echo '{"a":1}' | PIPEHOUSE_ROOT=wh json-clean -s s
! json-clean: wh/main/keys/pii: others can read it (mode 640): chmod 600
? 2

# json-clean: a key file's mistake is said without its bytes
$ mkdir -p wh/main/keys; (umask 077; echo "k1 deadbeef" >wh/main/keys/pii)
$ echo 'a encrypt key=pii' >s; echo '{"a":1}' | PIPEHOUSE_ROOT=wh json-clean -s s
! json-clean: wh/main/keys/pii:1: a key has 64 or 128 hexadecimal digits
? 2

# json-clean: no file of keys
$ echo 'a encrypt key=pii' >s; echo '{"a":1}' | PIPEHOUSE_ROOT=wh json-clean -s s
! json-clean: wh/main/keys/pii: No such file or directory
? 4

# json-clean: the keys are the tenant's
$ mkdir -p wh/shop/keys; (umask 077; echo "k1 $(printf %064d 7)" >wh/shop/keys/pii)
$ echo 'a encrypt key=pii' >s; echo '{"a":1}' | PIPEHOUSE_ROOT=wh PIPEHOUSE_TENANT=shop json-clean -s s | cut -c1-15
> {"a":"enc:v1:k1

# json-clean: a name of keys leads nowhere else
$ echo 'a encrypt key=../../etc' >s; PIPEHOUSE_ROOT=wh json-clean -s s
! json-clean: key=NAME: a name is at most 32 of [A-Za-z0-9_-]
? 2

# json-clean: encrypt needs key=NAME
$ echo 'a encrypt pii' >s; PIPEHOUSE_ROOT=wh json-clean -s s
! json-clean: s:1: encrypt and decrypt need key=NAME: pii
? 2

# json-clean: encrypt needs a warehouse
$ echo 'a encrypt key=pii' >s; json-clean -s s
! json-clean: PIPEHOUSE_ROOT is not set: where is the warehouse?
? 2

# json-clean: a file of keys is a plain file
$ mkdir -p wh/main/keys/dir; mkfifo -m 600 wh/main/keys/pipe; export PIPEHOUSE_ROOT=wh
$ for k in dir pipe; do echo "a encrypt key=$k" >s; json-clean -s s </dev/null; echo $?; done
> 2
> 2
! json-clean: wh/main/keys/dir: not a plain file
! json-clean: wh/main/keys/pipe: not a plain file

# json-clean: no key in records of a run, counts, rejects or messages
$ mkdir -p wh/main/keys; (umask 077; echo "k1 deadbeef0123$(printf %052d 7)" >wh/main/keys/pii); export PIPEHOUSE_ROOT=$PWD/wh
$ echo 'a encrypt key=pii' >s; printf '%s\n' '{"a":"x"}' '{"a":"enc:v1:k1:AAAA"}' >in
$ wh-run 'json-clean -s s --reject r --stats st in | wh-put a.b dt=2026-11-20' 2>err; echo $?; wh-cat a.b@2026-11-20 | cut -c1-16
$ grep -rl deadbeef0123 . | sort; wc -l <r
> 0
> {"a":"enc:v1:k1:
> ./wh/main/keys/pii
> 1
