// One event with all that came with it.
import { Drawer, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { askSql, type Row } from '~/api/sql'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { useScope } from '~/scope'
import { Properties } from '~/ui/Properties'
import { Statement } from '~/ui/SqlView'
import { Empty, Trouble } from '~/ui/States'
import { whole } from './events'
import classes from './Live.module.css'

/** `name` is its uuid and its time, as the address has them. */
export const EventDrawer = ({ name, onClose }: { name: string; onClose: () => void }) => {
  const scope = useScope()
  const [uuid = '', timestamp = ''] = name.split('~')
  const sql = whole(scope.team, uuid, timestamp)
  const found = useQuery({
    queryKey: ['event', sql],
    queryFn: async ({ signal }) => (await askSql(sql, signal))[0] ?? null,
    placeholderData: undefined as never,
    staleTime: Infinity,
  })
  const row = found.data
  return (
    <Drawer opened onClose={onClose} size="lg" title={row ? format.eventName(String(row.event)) : 'Event'}>
      {found.isPending && Array.from({ length: 10 }, (_, index) => <Skeleton key={index} height={24} mb={10} />)}
      {found.error && <Trouble error={found.error} retry={() => void found.refetch()} />}
      {row === null && <Empty title="This event is not there">It may have been erased.</Empty>}
      {row && <Whole row={row} zone={scope.zone} sql={sql} />}
    </Drawer>
  )
}

const parse = (json: unknown): Record<string, unknown> => {
  try {
    const parsed: unknown = JSON.parse(String(json))
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

const isSaid = (value: unknown) => value !== null && value !== undefined && value !== ''

/** What was added to what was sent: each column with what it is of. */
const ADDED: [string, string][] = [
  ['browser', 'user agent'],
  ['os', 'user agent'],
  ['device_type', 'user agent'],
  ['country_code', 'address'],
  ['city', 'address'],
  ['referring_domain', 'referrer'],
  ['bot', 'user agent'],
]

const MODES: Record<string, string> = {
  full: 'with a profile',
  propertyless: 'without a profile',
  force_upgrade: 'with a profile from now on',
}

/** What happened on the way from the SDK to here, as far as the row tells. */
const Way = ({ row, zone }: { row: Row; zone: string }) => {
  const late = (format.instant(String(row.created_at)) ?? 0) - (format.instant(String(row.timestamp)) ?? 0)
  const found = ADDED.filter(([column]) => isSaid(row[column])).map(([column]) => `${column} ${String(row[column])}`)
  const extra = Object.keys(parse(row.extra))
  const steps: [string, string][] = [
    [
      'Sent',
      [
        isSaid(row.lib)
          ? `by ${String(row.lib)} ${String(row.lib_version ?? '')}`.trim()
          : 'by a client without a name',
        isSaid(row.sent_at) ? `at ${format.clock(String(row.sent_at), zone)}` : '',
      ]
        .filter(Boolean)
        .join(', '),
    ],
    [
      'Decoded',
      [
        isSaid(row.source) ? `as ${String(row.source)}` : '',
        late > 60_000 ? `${format.duration(late / 1000)} after it happened` : '',
        extra.length > 0 ? `kept besides: ${extra.join(', ')}` : '',
      ]
        .filter(Boolean)
        .join('; ') || 'as it was sent',
    ],
    ['Enriched', found.length > 0 ? found.join(', ') : 'with nothing'],
    [
      'Person',
      `${MODES[String(row.person_mode)] ?? String(row.person_mode ?? 'unknown')}${isSaid(row.person_created_at) ? `, since ${format.time(String(row.person_created_at), zone)}` : ''}`,
    ],
    [
      'Written',
      isSaid(row.journal_offset)
        ? `row ${format.number(Number(row.journal_offset))} of journal ${String(row.journal_id).slice(0, 8)}, at ${format.clock(String(row.created_at), zone)}`
        : `at ${format.clock(String(row.created_at), zone)}`,
    ],
  ]
  return (
    <section aria-label="On the way">
      <ol className={classes.way}>
        {steps.map(([step, told]) => (
          <li key={step}>
            <strong>{step}</strong> <span className="muted">{told}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

const Whole = ({ row, zone, sql }: { row: Row; zone: string; sql: string }) => {
  const scope = useScope()
  const known = {
    event: row.event,
    'happened at': format.time(String(row.timestamp), zone),
    'received at': format.time(String(row.created_at), zone),
    'distinct id': row.distinct_id,
    uuid: row.uuid,
    session: row.session_id,
    'person mode': row.person_mode,
  }
  return (
    <>
      <p style={{ marginTop: 0 }}>
        <Link to="/persons/$id" params={{ id: String(row.person_id) }} search={keep as never}>
          Go to the person
        </Link>
      </p>
      <Way row={row} zone={zone} />
      <Properties title="Event" properties={known} isOrdered />
      <Properties
        title="Properties"
        properties={parse(row.properties)}
        onPick={(key, value) => scope.pick({ of: 'event', key, operator: 'exact', values: [value] })}
      />
      {row.person_properties && <Properties title="Sets of its person" properties={parse(row.person_properties)} />}
      {row.elements_chain && <Properties title="Element" properties={{ elements_chain: row.elements_chain }} />}
      <Statement sql={sql} />
    </>
  )
}
