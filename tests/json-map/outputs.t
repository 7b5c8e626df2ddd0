# -o through a link: what it leads to is replaced, not the link; the name of a descriptor is that descriptor
$ echo '{"a":1}' >in; echo old >target; ln -s target link; json-map --all -o link in; cat target; readlink link
$ mkdir dev; ln -s /proc/self/fd/1 dev/out; json-map --all -o /dev/stdout in >f; cat f; (echo before; json-map --all -o /dev/fd/3 in; echo behind) 3>&1 >g; cat g; readlink dev/out
$ json-map --all -o /dev/fd/77 in; echo $?; ls -A | tr '\n' ' '; echo
> {"a":1}
> target
> {"a":1}
> {"a":1}
> before
> behind
> /proc/self/fd/1
> 4
> dev f g in link target 
! json-map: /dev/fd/77: Bad file descriptor
