# what the server knows is in tests/edge/mysql.py; here is what is refused before one is asked

# the table and the option file are needed
$ mysql-extract --table a.b 2>&1 | head -n 1; mysql-extract --defaults-file f 2>&1 | head -n 1
> mysql-extract: --defaults-file and --table are needed
> mysql-extract: --defaults-file and --table are needed

# there is no input
$ mysql-extract --defaults-file f --table a.b c 2>&1 | head -n 1
> mysql-extract: 'c': there is no input but the table

# bounds go with --since
$ for o in '--lag 1h' '--from 1' '--until 1' '--hwm f'; do mysql-extract --defaults-file f --table a.b $o 2>&1 | head -n 1; done
> mysql-extract: --lag, --overlap, --from, --until and --hwm go with --since
> mysql-extract: --lag, --overlap, --from, --until and --hwm go with --since
> mysql-extract: --lag, --overlap, --from, --until and --hwm go with --since
> mysql-extract: --lag, --overlap, --from, --until and --hwm go with --since

# one end, one beginning
$ mysql-extract --defaults-file f --table a.b --since c --until 1 --lag 1h 2>&1 | head -n 1
$ mysql-extract --defaults-file f --table a.b --since c --from 1 --hwm f 2>&1 | head -n 1
> mysql-extract: --until and --lag both say where to end
> mysql-extract: --from and --hwm both say where to begin

# an option file that is not there is 4
$ mysql-extract --defaults-file none.cnf --table a.b
! mysql-extract: none.cnf: No such file or directory
? 4

# an option file that others can read
$ : >open.cnf; chmod 644 open.cnf; mysql-extract --defaults-file open.cnf --table a.b
! mysql-extract: open.cnf: others can read it (mode 644): chmod 600
? 2

# an option file that includes another
$ printf '[client]\n!include /etc/mysql/my.cnf\n' >f.cnf; chmod 600 f.cnf; mysql-extract --defaults-file f.cnf --table a.b
! mysql-extract: f.cnf:2: other files are not included
? 2

# a port that is none
$ printf '[client]\nport = 3306x\n' >f.cnf; chmod 600 f.cnf; mysql-extract --defaults-file f.cnf --table a.b
! mysql-extract: f.cnf:2: not a port
? 2

# no server behind the socket is 75: try again
$ printf '[client]\nsocket = no.sock\n' >f.cnf; chmod 600 f.cnf; mysql-extract --defaults-file f.cnf --table a.b
! mysql-extract: connect: Can't connect to local server through socket 'no.sock' (2) (2002)
? 75
