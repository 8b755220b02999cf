"""Hogflare's lake in Spark, which reads it by its paths. The server may be running; write nothing to it."""
# pip install pyspark; choose the iceberg-spark-runtime of your Spark and Scala

from pyspark.sql import SparkSession

LAKE = "{lake}"

spark = (
    SparkSession.builder.appName("hogflare")
    .config("spark.jars.packages", "org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.0")
    .config("spark.sql.catalog.hogflare", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.hogflare.type", "hadoop")
    .config("spark.sql.catalog.hogflare.warehouse", f"file://{LAKE}")
    .config("spark.sql.catalog.hogflare.cache-enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)

# Events with the person that each belongs to now, also where persons were merged later.
spark.sql("""
    CREATE OR REPLACE TEMPORARY VIEW events AS
    SELECT coalesce(o.person_id, e.person_id) AS merged_person_id, e.*
    FROM hogflare.data.events e
    LEFT JOIN (
      SELECT team_id, old_person_id, person_id,
             row_number() OVER (PARTITION BY team_id, old_person_id ORDER BY version DESC) AS newest
      FROM hogflare.data.person_overrides
    ) o ON o.newest = 1 AND o.team_id = e.team_id AND o.old_person_id = e.person_id
""")

# The latest of each person.
spark.sql("""
    CREATE OR REPLACE TEMPORARY VIEW persons AS
    SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY team_id, id ORDER BY version DESC) AS newest
      FROM hogflare.data.persons
    ) latest WHERE newest = 1 AND is_deleted = 0
""")

# Events and persons of each day.
spark.sql("""
    SELECT CAST(timestamp AS DATE) AS day, count(*) AS events, count(DISTINCT merged_person_id) AS persons
    FROM events GROUP BY 1 ORDER BY 1
""").show()

# A property whose name begins with $ is quoted within the path.
spark.sql("""
    SELECT get_json_object(properties, "$['$current_url']") AS url, count(*) AS views
    FROM events WHERE event = '$pageview' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10
""").show()
