"""Hogflare's lake in PyIceberg, with DuckDB for SQL. The server may be running."""
# pip install 'pyiceberg[sql-sqlite,pyarrow]' duckdb

import duckdb
from pyiceberg.catalog.sql import SqlCatalog

LAKE = "{lake}"

catalog = SqlCatalog("hogflare", uri=f"sqlite:///{LAKE}/catalog.db", warehouse=f"file://{LAKE}")


def read(table, **options):
    """Reads rows of a table; only files and columns that the options ask for."""
    return catalog.load_table(f"default.{table}").scan(**options).to_arrow()


db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
since = "timestamp >= '2020-01-01T00:00:00+00:00'"
columns = ("uuid", "event", "distinct_id", "timestamp", "team_id", "person_id", "properties")
db.register("events_raw", read("events", row_filter=since, selected_fields=columns))
db.register("person_overrides_raw", read("person_overrides"))
db.register("persons_raw", read("persons"))

# Events with the person that each belongs to now, also where persons were merged later.
db.execute("""
    CREATE VIEW events AS
    SELECT e.* REPLACE (coalesce(o.person_id, e.person_id) AS person_id)
    FROM events_raw e
    LEFT JOIN (
      SELECT * FROM person_overrides_raw
      QUALIFY row_number() OVER (PARTITION BY team_id, old_person_id ORDER BY version DESC) = 1
    ) o ON o.team_id = e.team_id AND o.old_person_id = e.person_id
""")

# The latest of each person.
db.execute("""
    CREATE VIEW persons AS
    SELECT * FROM (
      SELECT * FROM persons_raw QUALIFY row_number() OVER (PARTITION BY team_id, id ORDER BY version DESC) = 1
    ) WHERE is_deleted = 0
""")

# Events and persons of each day.
days = db.sql("""
    SELECT CAST(timestamp AS DATE) AS day, count(*) AS events, count(DISTINCT person_id) AS persons
    FROM events GROUP BY 1 ORDER BY 1
""")
print(days)

# A property whose name begins with $ is quoted within the path.
urls = db.sql("""
    SELECT properties->>'$."$current_url"' AS url, count(*) AS views
    FROM events WHERE event = '$pageview' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10
""")
print(urls)
