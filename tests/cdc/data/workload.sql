create table item(
  shop int not null, sku varchar(20) not null, qty bigint unsigned not null, price decimal(16,2) not null,
  ratio decimal(20,10), weight double, state enum('new','on sale','gone') not null, tags set('hot','cold','odd one'),
  onoff bit(1), mask bit(12), small tinyint, pic varbinary(16), name varchar(50), remark text, day date,
  made datetime(6), seen datetime(3), noted datetime, touched timestamp null, opens time(3), born year,
  primary key (sku, shop)
);
insert into item values
 (1,'a-1',18446744073709551615,19.99,0.0000000001,0.1,'new','hot,odd one',b'1',b'101000000001',-128,x'00ff10','plain','line\none','2024-02-29','2024-03-10 02:30:00.123456','2024-03-10 02:30:00.120','2024-03-10 02:30:00','2024-03-10 02:30:00','23:59:59.999',2024),
 (1,'b"2',0,-0.01,null,1e300,'gone',null,b'0',null,null,null,'quote " back \\ tab\t 中文 😀',null,null,null,null,null,null,null,null),
 (2,'a-1',1,99999999999999.99,1234567890.0123456789,-1.5,'on sale','',null,b'000000000000',127,x'','','','1000-01-01','9999-12-31 23:59:59.999999','1970-01-01 00:00:00.000','2026-11-20 00:00:00','2038-01-19 03:14:07','00:00:00.000',1970);
update item set state='on sale',price=20 where shop=1 and sku='a-1';
update item set sku='c-3' where sku='b"2';
begin; insert into item(shop,sku,qty,price,state) values(3,'d',3,3,'new'),(4,'d',4,4.4,'new'); update item set name='x' where shop=3; delete from item where shop=4; commit;
begin; insert into item(shop,sku,qty,price,state) values(9,'z',9,9,'new'); rollback;
begin; delete from item where shop=3; insert into item(shop,sku,qty,price,state) values(3,'d',30,30.30,'gone'); commit;
update item set shop=shop+1,qty=7 order by shop desc;
alter table item add column origin varchar(20) not null default 'app' after qty, drop column small;
insert into item(shop,sku,qty,origin,price,state) values(5,'e',5,'web',5.5,'new');
update item set price=price-1;
create table visit(a int,b varchar(10));
insert into visit values(1,'x'),(1,'x'),(null,null);
update visit set b='y' where a=1;
delete from visit where a is null;
truncate table visit;
insert into visit values(2,'after');
delete from item where sku='c-3';
