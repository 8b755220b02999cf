"""What BI tools send when they look at a database, in their shape and not in their words."""

import psycopg
import pytest

from harness.postgres_door import EVENTS, Lake


def ask(lake: Lake, statement: str) -> list[tuple]:
    """Asks by both protocols, which must say the same."""
    with lake.connect() as session:
        simple = psycopg.ClientCursor(session).execute(statement).fetchall()
        extended = session.execute(statement).fetchall()
    # Not every statement says an order.
    assert sorted(simple, key=repr) == sorted(extended, key=repr)
    return extended


def test_what_drivers_ask_first(lake: Lake) -> None:
    assert ask(lake, "select 1") == [(1,)]
    assert ask(lake, "select version()")[0][0].startswith("PostgreSQL 16")
    assert ask(lake, "select pg_catalog.version()")[0][0].startswith("PostgreSQL 16")
    assert ask(lake, "select current_schema(), current_database(), current_user") == [("public", "hogflare", "somebody")]
    assert ask(lake, "select current_setting('server_version_num')::int / 100 as version") == [(1600,)]
    assert ask(lake, "select set_config('search_path', '', false)") == [("",)]
    assert ask(lake, "select oid, typname from pg_type where typname in ('text', 'timestamptz') order by 2")
    assert ask(lake, "select pg_is_in_recovery()") == [(False,)]


def test_schemas_and_tables(lake: Lake) -> None:
    schemas = ask(
        lake,
        "select nspname as table_schem, null as table_catalog from pg_catalog.pg_namespace where nspname <> 'pg_toast' "
        "and (nspname !~ '^pg_temp_' or nspname = (pg_catalog.current_schemas(true))[1]) order by table_schem",
    )
    assert "public" in {row[0] for row in schemas}
    tables = ask(
        lake,
        "select n.nspname as schema, c.relname as name, case c.relkind when 'r' then 'TABLE' when 'v' then 'VIEW' end "
        "as type, d.description, stat.n_live_tup as rows from pg_catalog.pg_class as c "
        "inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid "
        "left join pg_catalog.pg_description as d on c.oid = d.objoid and d.objsubid = 0 "
        "and d.classoid = 'pg_class'::regclass "
        "left join pg_stat_user_tables as stat on n.nspname = stat.schemaname and c.relname = stat.relname "
        "where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'f', 'm') "
        "and n.nspname in ('public') order by type, schema, name",
    )
    assert ("public", "events", "TABLE") in {row[:3] for row in tables}
    may = ask(
        lake,
        "with table_privileges as (select null as role, t.schemaname as schema, t.objectname as table, "
        "pg_catalog.has_any_column_privilege(current_user, '\"' || replace(t.schemaname, '\"', '\"\"') || '\".\"' || "
        "replace(t.objectname, '\"', '\"\"') || '\"', 'select') as select from ("
        "select schemaname, tablename as objectname from pg_catalog.pg_tables union "
        "select schemaname, viewname as objectname from pg_catalog.pg_views union "
        "select schemaname, matviewname as objectname from pg_catalog.pg_matviews) t "
        "where t.schemaname !~ '^pg_' and t.schemaname <> 'information_schema' "
        "and pg_catalog.has_schema_privilege(current_user, t.schemaname, 'usage')) "
        "select t.* from table_privileges t",
    )
    assert (None, "public", "events", True) in may


def test_columns_with_types(lake: Lake) -> None:
    fields = ask(
        lake,
        "select c.column_name as name, case when c.udt_schema in ('public', 'pg_catalog') then format('%s', c.udt_name) "
        "else format('\"%s\".\"%s\"', c.udt_schema, c.udt_name) end as \"database-type\", "
        "c.ordinal_position - 1 as position, c.table_schema, c.table_name, pk.column_name is not null as \"pk?\", "
        "col_description(cast(cast(format('%I.%I', cast(c.table_schema as text), cast(c.table_name as text)) as regclass) "
        "as oid), c.ordinal_position) as comment, (column_default is null or lower(column_default) = 'null') "
        "and is_nullable = 'NO' and is_identity = 'NO' as required from information_schema.columns as c "
        "left join (select tc.table_schema, tc.table_name, kc.column_name from information_schema.table_constraints tc "
        "inner join information_schema.key_column_usage kc on tc.constraint_name = kc.constraint_name "
        "and tc.table_schema = kc.table_schema and tc.table_name = kc.table_name "
        "where tc.constraint_type = 'PRIMARY KEY') as pk on c.table_schema = pk.table_schema "
        "and c.table_name = pk.table_name and c.column_name = pk.column_name "
        "where c.table_schema !~ '^information_schema|catalog_history|pg_' and c.table_schema in ('public') "
        "order by c.table_name, position",
    )
    events = {row[0]: row[1] for row in fields if row[4] == "events"}
    assert (events["timestamp"], events["team_id"], events["properties"]) == ("timestamptz", "int8", "text")
    assert not any(row[5] for row in fields), "there are no primary keys"
    columns = ask(
        lake,
        "select n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull, a.atttypmod, a.attlen, "
        "row_number() over (partition by a.attrelid order by a.attnum) as attnum, t.typname, t.typtype "
        "from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid "
        "join pg_catalog.pg_attribute a on a.attrelid = c.oid join pg_catalog.pg_type t on a.atttypid = t.oid "
        "where c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped and c.relname like 'events' "
        "and n.nspname like 'public' order by n.nspname, c.relname, attnum",
    )
    assert {row[2]: row[8] for row in columns} == events
    with lake.connect() as session:
        sent = {column.name: column.type_code for column in session.execute("select * from events").description}
    assert sent == {row[2]: row[3] for row in columns}, "the catalog says what is sent"


def test_keys_and_indexes_of_which_there_are_none(lake: Lake) -> None:
    assert not ask(
        lake,
        "select fk.table_name from information_schema.referential_constraints r "
        "join information_schema.key_column_usage fk on r.constraint_name = fk.constraint_name",
    )
    assert not ask(
        lake,
        "select tc.relname, i.indisunique from pg_catalog.pg_index i join pg_catalog.pg_class tc on tc.oid = i.indrelid "
        "join pg_catalog.pg_namespace n on n.oid = tc.relnamespace where n.nspname = 'public'",
    )


def test_a_dashboard_with_buckets_of_time(lake: Lake) -> None:
    by_day = ask(
        lake,
        'select date_trunc(\'day\', "public"."events"."timestamp") as "timestamp", count(*) as "count" '
        'from "public"."events" where "public"."events"."timestamp" >= timestamp with time zone \'2026-01-01 00:00Z\' '
        'and "public"."events"."team_id" = 1 and "public"."events"."event" like \'ours%\' '
        "group by 1 order by 1 asc limit 1048575",
    )
    assert [row[0].day for row in by_day] == [1, 2, 3] and sum(row[1] for row in by_day) == EVENTS
    by_hour = ask(
        lake,
        "select floor(extract(epoch from timestamp) / 3600) * 3600 as \"time\", event as metric, count(*) as value "
        "from events where timestamp between '2026-01-01T00:00:00Z' and '2026-02-01T00:00:00Z' and team_id = 2 "
        "group by 1, 2 order by 1, 2",
    )
    assert sum(row[2] for row in by_hour) == EVENTS
    assert {row[1] for row in by_hour} == {"theirs 0", "theirs 1"}


def test_a_tool_lists_what_can_be_charted(lake: Lake) -> None:
    tables = ask(
        lake,
        "select quote_ident(table_name) as \"table\" from information_schema.tables "
        "where quote_ident(table_schema) not in ('information_schema', 'pg_catalog') and table_type = 'BASE TABLE' "
        "order by 1",
    )
    assert ("events",) in tables
    columns = ask(
        lake,
        "select quote_ident(column_name) as \"column\", data_type as \"type\" from information_schema.columns "
        "where quote_ident(table_name) = 'events' order by ordinal_position",
    )
    assert ("event", "text") in columns
    assert {kind for name, kind in columns if "timestamp" in name} == {"timestamp with time zone"}
    assert not ask(lake, "select extversion from pg_extension where extname = 'timescaledb'")


@pytest.mark.parametrize("name", ["events", "persons", "sessions", "groups"])
def test_every_row_can_be_read(lake: Lake, name: str) -> None:
    with lake.connect() as session:
        for binary in (False, True):
            session.cursor(binary=binary).execute(f'select * from "public"."{name}" limit 2000').fetchall()
