# what brokers say is in tests/edge/emit.py; here is what is refused before one is asked

# brokers and topic are needed
$ emit -b h:1 </dev/null 2>&1 | head -n 1; emit -t o </dev/null 2>&1 | head -n 1; emit -b h:1 -t '' </dev/null 2>&1 | head -n 1
> emit: -b, and one of -t and --route, are needed
> emit: -b, and one of -t and --route, are needed
> emit: -b, and one of -t and --route, are needed

# a topic or a file of routes, which must lead somewhere
$ emit -b h:1 -t o --route r </dev/null 2>&1 | head -n 1; emit -b 127.0.0.1:1 --route nothere </dev/null; emit -b 127.0.0.1:1 --route /dev/null </dev/null; echo 'by a' >r; emit -b 127.0.0.1:1 --route r </dev/null
$ echo 'a -' >r; emit -b 127.0.0.1:1 --route r </dev/null; echo 'a b key=[' >r; emit -b 127.0.0.1:1 --route r </dev/null
> emit: -b, and one of -t and --route, are needed
! emit: nothere: No such file or directory
! emit: /dev/null: it leads to no table
! emit: r: it leads to no table
! emit: r: it leads to no topic
! emit: r:1: key: path '[': column 2: an index is a whole number from 0 on, a name in brackets needs quotes
? 2

# an id has a name
$ emit -b h:1 -t o --id '' </dev/null 2>&1 | head -n 1
> emit: --id: from 1 to 200 bytes

# nothing leaves an overlay
$ PIPEHOUSE_OVERLAY=$PWD/o emit -b 127.0.0.1:1 -t o </dev/null
! emit: PIPEHOUSE_OVERLAY is set: nothing leaves the overlay
? 2

# in a run the input is a table, not a pipe and not a file
$ mkdir -p r/flow; export PIPEHOUSE_RUN=$PWD/r
$ emit -b 127.0.0.1:1 -t o </dev/null; echo $?
$ emit -b 127.0.0.1:1 -t o x.ndjson; echo $?
> 2
> 2
! emit: in a run the input is wh:TABLE@D, not a pipe
! emit: x.ndjson: in a run the input is wh:TABLE@D

# another machine is spoken to behind TLS
$ emit -b kafka.example:9092 -t o </dev/null
! emit: kafka.example:9092: not encrypted: give --properties with security.protocol=ssl, or --insecure
? 2

# a property file that others can read, and one that would loosen what is promised
$ : >p; chmod 644 p; emit -b 127.0.0.1:1 -t o --properties p </dev/null; echo $?
$ echo acks=1 >p; chmod 600 p; emit -b 127.0.0.1:1 -t o --properties p </dev/null; echo $?
> 2
> 2
! emit: p: others can read it (mode 644): chmod 600
! emit: p:1: acks is not the file's to say
