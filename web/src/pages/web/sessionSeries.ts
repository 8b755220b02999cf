// How sessions were over time, which no insight tells: the share that bounced, or how long they lasted.
//
// Sessions are what the insights of the web count: those that begin in the range and have a view there, with all of
// their events from a day before it to a day after it.
import { moment, text } from '~/api/sql'
import type { Interval } from '~/api/types'
import type { Resolved } from '~/filters/range'
import { passing, type Scope, within } from '~/filters/sql'

const VIEWS = "event IN ('$pageview', '$screen')"
const DAY = 86_400_000
const SECONDS = "CAST(floor(date_part('epoch', max(timestamp))) - floor(date_part('epoch', min(timestamp))) AS DOUBLE)"

const VALUES = {
  bounced: 'avg(CASE WHEN steps = 1 AND seconds < 10 THEN 1.0 ELSE 0.0 END)',
  seconds: 'avg(seconds)',
}

export const sessionSeries = (
  metric: keyof typeof VALUES,
  interval: Interval,
  scope: Scope,
  range: Resolved,
): string => `WITH sessions AS (
  SELECT session_id, min(timestamp) AS began, ${SECONDS} AS seconds,
    count(*) FILTER (WHERE ${VIEWS} OR event = '$autocapture') AS steps
  FROM events
  WHERE team_id = ${scope.team}
    AND timestamp >= ${moment(range.since - DAY)} AND timestamp < ${moment(range.until + DAY)}
    AND session_id IN (
      SELECT session_id FROM events
      WHERE ${passing(scope)}
        AND ${within(range)}
        AND ${VIEWS} AND session_id <> ''
    )
  GROUP BY session_id
)
SELECT bucket(${text(interval)}, began, ${text(range.zone)}) AS day, ${VALUES[metric]} AS value
FROM sessions
WHERE began >= ${moment(range.since)} AND began < ${moment(range.until)}
GROUP BY 1 ORDER BY 1`
