SELECT team_id, session_id, person_id, distinct_id, start_timestamp, end_timestamp, duration,
  entry_current_url, entry_host, entry_pathname, exit_current_url, exit_pathname,
  entry_referrer, entry_referring_domain,
  entry_utm_source, entry_utm_medium, entry_utm_campaign, entry_utm_term, entry_utm_content,
  coalesce(channel_type, 'Unknown') AS channel_type,
  pageview_count, screen_count, autocapture_count, event_count,
  CASE WHEN pageview_count + screen_count + autocapture_count > 0
    THEN pageview_count + screen_count + autocapture_count = 1 AND duration < 10 END AS is_bounce
FROM (
  SELECT team_id, session_id,
    first_value(person_id ORDER BY "timestamp" DESC, person_id) AS person_id,
    first_value(distinct_id ORDER BY "timestamp" DESC, distinct_id) AS distinct_id,
    min("timestamp") AS start_timestamp,
    max("timestamp") AS end_timestamp,
    CAST(floor(date_part('epoch', max("timestamp"))) - floor(date_part('epoch', min("timestamp"))) AS BIGINT) AS duration,
    first_value(current_url ORDER BY is_page DESC, "timestamp", current_url) FILTER (WHERE current_url <> '') AS entry_current_url,
    first_value(host ORDER BY is_page DESC, "timestamp", host) FILTER (WHERE host <> '') AS entry_host,
    first_value(pathname ORDER BY is_page DESC, "timestamp", pathname) FILTER (WHERE pathname <> '') AS entry_pathname,
    first_value(current_url ORDER BY is_page DESC, "timestamp" DESC, current_url) FILTER (WHERE current_url <> '') AS exit_current_url,
    first_value(pathname ORDER BY is_page DESC, "timestamp" DESC, pathname) FILTER (WHERE pathname <> '') AS exit_pathname,
    first_value(referrer ORDER BY is_page DESC, "timestamp", referrer) FILTER (WHERE referrer <> '') AS entry_referrer,
    first_value(referring_domain ORDER BY is_page DESC, "timestamp", referring_domain) FILTER (WHERE referring_domain <> '') AS entry_referring_domain,
    first_value(utm_source ORDER BY is_page DESC, "timestamp", utm_source) FILTER (WHERE utm_source <> '') AS entry_utm_source,
    first_value(utm_medium ORDER BY is_page DESC, "timestamp", utm_medium) FILTER (WHERE utm_medium <> '') AS entry_utm_medium,
    first_value(utm_campaign ORDER BY is_page DESC, "timestamp", utm_campaign) FILTER (WHERE utm_campaign <> '') AS entry_utm_campaign,
    first_value(utm_term ORDER BY is_page DESC, "timestamp", utm_term) FILTER (WHERE utm_term <> '') AS entry_utm_term,
    first_value(utm_content ORDER BY is_page DESC, "timestamp", utm_content) FILTER (WHERE utm_content <> '') AS entry_utm_content,
    first_value(channel ORDER BY is_page DESC, "timestamp", channel) FILTER (WHERE channel <> '') AS channel_type,
    count(*) FILTER (WHERE event = '$pageview') AS pageview_count,
    count(*) FILTER (WHERE event = '$screen') AS screen_count,
    count(*) FILTER (WHERE event = '$autocapture') AS autocapture_count,
    count(*) AS event_count
  FROM (
    SELECT *, CASE WHEN event IN ('$pageview', '$screen') THEN 1 ELSE 0 END AS is_page,
      CASE WHEN event = '$pageview' THEN channel_type END AS channel
    FROM events WHERE session_id <> ''
  ) AS seen
  GROUP BY team_id, session_id
) AS sessions
