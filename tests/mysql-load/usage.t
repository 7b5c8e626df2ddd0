# what the server knows is in tests/edge/mysql.py; here is what is refused before one is asked

# option file, table and keys are needed
$ mysql-load --table a.b -k id </dev/null 2>&1 | head -n 1; mysql-load --defaults-file f --table a.b </dev/null 2>&1 | head -n 1
> mysql-load: --defaults-file, --table and -k are needed
> mysql-load: --defaults-file, --table and -k are needed

# what is replaced knows no changes
$ mysql-load --defaults-file f --table a.b -k id --partition dt=2026-11-20 --op op </dev/null 2>&1 | head -n 1
> mysql-load: --op and --version-by need rows that stay: nothing that is replaced does

# nothing leaves an overlay
$ PIPEHOUSE_OVERLAY=$PWD/o mysql-load --defaults-file f --table a.b -k id </dev/null
! mysql-load: PIPEHOUSE_OVERLAY is set: nothing leaves the overlay
? 2

# in a run the input is a table, not a pipe and not a file
$ mkdir -p r/flow; export PIPEHOUSE_RUN=$PWD/r
$ mysql-load --defaults-file f --table a.b -k id </dev/null; echo $?
$ mysql-load --defaults-file f --table a.b -k id x.ndjson; echo $?
> 2
> 2
! mysql-load: in a run the input is wh:TABLE@D, not a pipe
! mysql-load: x.ndjson: in a run the input is wh:TABLE@D

# an option file of mode 640
$ : >f.cnf; chmod 640 f.cnf; mysql-load --defaults-file f.cnf --table a.b -k id </dev/null
! mysql-load: f.cnf: others can read it (mode 640): chmod 600
? 2

# no server is 75
$ printf '[client]\nsocket = no.sock\n' >f.cnf; chmod 600 f.cnf; mysql-load --defaults-file f.cnf --table a.b -k id </dev/null
! mysql-load: connect: Can't connect to local server through socket 'no.sock' (2) (2002)
? 75
