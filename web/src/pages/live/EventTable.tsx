// A list of events, each with what one looks for first.
import { Skeleton, Tooltip } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import type { Scope } from '~/scope'
import type { LiveEvent } from './events'
import classes from './Live.module.css'

interface Props {
  events: LiveEvent[]
  scope: Scope
  onOpen: (event: LiveEvent) => void
}

export const EventTable = ({ events, scope, onOpen }: Props) => {
  const isNew = useNew(events)
  const pick = (key: string, value: string | null, of: 'event' | 'event_metadata' = 'event') =>
    value !== null && scope.pick({ of, key, operator: 'exact', values: [value] })
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col" className={classes.time}>
            Time
          </th>
          <th scope="col" className={classes.name}>
            Event
          </th>
          <th scope="col">Person</th>
          <th scope="col" className={classes.middle} style={{ width: '26%' }}>
            Page
          </th>
          <th scope="col" className={classes.wide} style={{ width: 148 }}>
            With
          </th>
          <th scope="col" className={classes.wide} style={{ width: 110 }}>
            SDK
          </th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => (
          <tr key={event.uuid + event.created_at} data-new={isNew(event) || undefined} onClick={() => onOpen(event)}>
            <td>
              <Tooltip label={format.time(event.timestamp, scope.zone)}>
                <span className="muted">{format.clock(event.timestamp, scope.zone)}</span>
              </Tooltip>
            </td>
            <td>
              <button type="button" className={classes.open} onClick={stopping(() => onOpen(event))}>
                {format.eventName(event.event)}
              </button>
            </td>
            <td>
              <Link
                to="/persons/$id"
                params={{ id: event.person_id }}
                search={keep as never}
                className={classes.person}
                onClick={(click) => click.stopPropagation()}
                title={event.distinct_id}
              >
                {event.distinct_id}
              </Link>
            </td>
            <td className={classes.middle}>
              <button
                type="button"
                className={classes.pick}
                onClick={stopping(() => pick('$pathname', event.pathname))}
                title={event.current_url ?? ''}
              >
                {event.pathname ?? event.current_url ?? <span className="muted">{format.NOTHING}</span>}
              </button>
            </td>
            <td className={classes.wide}>
              <button type="button" className={classes.pick} onClick={stopping(() => pick('$browser', event.browser))}>
                {event.browser ?? <span className="muted">{format.NOTHING}</span>}
              </button>{' '}
              {event.country_code && (
                <span className="unit" title={format.country(event.country_code)}>
                  {event.country_code}
                </span>
              )}
            </td>
            <td className={`${classes.wide} muted`}>{event.lib ?? format.NOTHING}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const stopping = (act: () => void) => (event: React.MouseEvent) => {
  event.stopPropagation()
  act()
}

/** Tells what was not there when the list was drawn last; of the first list nothing is new. */
const useNew = (events: LiveEvent[]) => {
  const known = useRef<Set<string>>(undefined)
  const seen = known.current
  useEffect(() => {
    known.current = new Set(events.map(({ uuid }) => uuid))
  }, [events])
  return ({ uuid }: LiveEvent) => seen !== undefined && !seen.has(uuid)
}

export const EventTableSkeleton = ({ rows = 12 }: { rows?: number }) => (
  <div className={`${classes.frame} ${classes.skeleton}`}>
    {Array.from({ length: rows }, (_, index) => (
      <Skeleton key={index} height={24} />
    ))}
  </div>
)
