-- Hogflare's lake in DuckDB. The server may be running; rows come some ten seconds after they were acknowledged.
INSTALL avro;
LOAD avro;
INSTALL iceberg;
LOAD iceberg;
SET TimeZone = 'UTC';

CREATE OR REPLACE VIEW events_raw AS SELECT * FROM iceberg_scan('{lake}/data/events');
CREATE OR REPLACE VIEW person_overrides_raw AS SELECT * FROM iceberg_scan('{lake}/data/person_overrides');
CREATE OR REPLACE VIEW persons_raw AS SELECT * FROM iceberg_scan('{lake}/data/persons');
CREATE OR REPLACE VIEW groups_raw AS SELECT * FROM iceberg_scan('{lake}/data/groups');

-- Events with the person that each belongs to now, also where persons were merged later.
CREATE OR REPLACE VIEW events AS
  SELECT e.* REPLACE (coalesce(o.person_id, e.person_id) AS person_id)
  FROM events_raw e
  LEFT JOIN (
    SELECT * FROM person_overrides_raw
    QUALIFY row_number() OVER (PARTITION BY team_id, old_person_id ORDER BY version DESC) = 1
  ) o ON o.team_id = e.team_id AND o.old_person_id = e.person_id;

-- The latest of each person and group.
CREATE OR REPLACE VIEW persons AS
  SELECT * FROM (
    SELECT * FROM persons_raw
    QUALIFY row_number() OVER (PARTITION BY team_id, id ORDER BY version DESC) = 1
  ) WHERE is_deleted = 0;
CREATE OR REPLACE VIEW groups AS
  SELECT * FROM (
    SELECT * FROM groups_raw
    QUALIFY row_number() OVER (PARTITION BY team_id, group_type_index, group_key ORDER BY version DESC) = 1
  ) WHERE is_deleted = 0;

-- Events and persons of each day.
SELECT CAST(timestamp AS DATE) AS day, count(*) AS events, count(DISTINCT person_id) AS persons
FROM events GROUP BY 1 ORDER BY 1;

-- A property whose name begins with $ is quoted within the path; many have columns of their own, as current_url.
SELECT properties->>'$."$current_url"' AS url, count(*) AS views
FROM events WHERE event = '$pageview' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10;
