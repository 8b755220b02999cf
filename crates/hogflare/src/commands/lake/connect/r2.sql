-- What a pipeline of Cloudflare landed in R2, in R2 SQL (Basin SQL); this is not the lake in the data folder.
--   npx wrangler r2 sql query "<account id>_<bucket>" "<one statement>"
-- The token is in WRANGLER_R2_SQL_AUTH_TOKEN; "Admin Read only" is enough. Always bound __ingest_ts of events.

-- Events of each day.
SELECT date_trunc('day', timestamp) AS day, count(*) AS events, count(DISTINCT person_id) AS persons
FROM default.events WHERE __ingest_ts > now() - INTERVAL '8 days' GROUP BY 1 ORDER BY 1;

-- The same with the person that each belongs to now; needs CLOUDFLARE_OVERRIDES_PIPELINE_ENDPOINT.
WITH merged_events AS (
  SELECT coalesce(o.person_id, e.person_id) AS merged_person_id, e.timestamp
  FROM default.events e
  LEFT JOIN (
    SELECT team_id, old_person_id, person_id,
           row_number() OVER (PARTITION BY team_id, old_person_id ORDER BY version DESC) AS newest
    FROM default.person_overrides
  ) o ON o.newest = 1 AND o.team_id = e.team_id AND o.old_person_id = e.person_id
  WHERE e.__ingest_ts > now() - INTERVAL '8 days'
)
SELECT date_trunc('day', timestamp) AS day, count(*) AS events, count(DISTINCT merged_person_id) AS persons
FROM merged_events GROUP BY 1 ORDER BY 1;

-- A property whose name begins with $ needs no quotes here.
SELECT json_get_str(properties, '$current_url') AS url, count(*) AS views
FROM default.events WHERE __ingest_ts > now() - INTERVAL '8 days' AND event = '$pageview'
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10;
