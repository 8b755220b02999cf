// What there is: events, properties, and what was put aside.
import { Drawer, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { askSql, moment, text } from '~/api/sql'
import type { Saved } from '~/api/types'
import { LABELS } from '~/filters/model'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { valuesQuery } from '~/names'
import { type Scope, useScope } from '~/scope'
import { BarList } from '~/ui/BarList'
import { DataTable } from '~/ui/DataTable'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { SendSome, Trouble } from '~/ui/States'
import { Tabs } from '~/ui/Tabs'
import classes from './Data.module.css'
import { NoteForm } from './NoteForm'
import { noteOn, notesQuery, ownerOf } from './notes'
import { type Sampled, sampled } from './sample'

const TABS = {
  events: 'Events',
  properties: 'Event properties',
  persons: 'Person properties',
  quarantine: 'Quarantine',
} as const
type Tab = keyof typeof TABS

const Data = () => {
  const scope = useScope()
  const { tab } = useSearch({ from: '/app/data' })
  const navigate = useNavigate({ from: '/data' })
  const shown: Tab = Object.hasOwn(TABS, tab ?? '') ? (tab as Tab) : 'events'
  return (
    <Page title="Data">
      <Tabs
        label="What is listed"
        isLarge
        value={shown}
        tabs={Object.entries(TABS).map(([value, label]) => ({ value: value as Tab, label }))}
        onChange={(value) =>
          void navigate({ search: (old) => ({ ...old, tab: value === 'events' ? undefined : value }) })
        }
      />
      {shown === 'events' && <Events scope={scope} />}
      {shown === 'properties' && <PropertiesOf scope={scope} of="event" />}
      {shown === 'persons' && <PropertiesOf scope={scope} of="person" />}
      {shown === 'quarantine' && <Quarantine scope={scope} />}
    </Page>
  )
}

const HEIGHT = 420

const DAYS = 30
const DAY_MS = 86_400_000

interface Known {
  event: string
  total: number
  recent: number
  first: string
  last: string
}

/** All events that ever came, and how many of late. */
const catalogue = (team: number, hour: number) =>
  `SELECT event, count(*) AS total, count(*) FILTER (WHERE timestamp >= ${moment(hour - DAYS * DAY_MS)}) AS recent, min(timestamp) AS first, max(timestamp) AS last
FROM events
WHERE team_id = ${team}
GROUP BY event
ORDER BY recent DESC, total DESC, event
LIMIT 1000`

const Events = ({ scope }: { scope: Scope }) => {
  const sql = catalogue(scope.team, Math.floor(Date.now() / 3_600_000) * 3_600_000)
  const events = useQuery({ queryKey: ['catalogue', sql], queryFn: ({ signal }) => askSql<Known>(sql, signal) })
  const notes = useQuery(notesQuery(scope.team))
  const [opened, setOpened] = useState<Known>()
  const described = (event: string) => noteOn(notes.data, 'event', event)
  return (
    <>
      <Panel
        title="Events"
        query={events}
        isFlush
        height={HEIGHT}
        skeleton={<Skeleton height={HEIGHT} />}
        sql={() => [sql]}
        isEmpty={(rows) => rows.length === 0}
        empty={{ title: 'No events yet', action: <SendSome /> }}
        table={(rows) =>
          tableOf({
            rows,
            columns: [
              { title: 'Event', of: ({ event }) => event },
              { title: 'Description', of: ({ event }) => described(event)?.description ?? null },
              { title: 'Owner', of: ({ event }) => ownerOf(described(event)) },
              { title: 'In 30 days', of: ({ recent }) => recent, isNumber: true },
              { title: 'Ever', of: ({ total }) => total, isNumber: true },
              { title: 'First', of: ({ first }) => first },
              { title: 'Last', of: ({ last }) => last },
            ],
          })
        }
      >
        {(rows) => (
          <DataTable
            label="Events"
            rows={rows}
            onRow={setOpened}
            columns={[
              {
                title: 'Event',
                of: ({ event }) => event,
                show: ({ event }) => (
                  <span className={classes.named}>
                    <span>
                      {format.eventName(event)}{' '}
                      {format.eventName(event) !== event && <span className="unit">{event}</span>}
                    </span>
                    {described(event) && <span className="unit cut">{described(event)?.description}</span>}
                  </span>
                ),
              },
              { title: 'Owner', of: ({ event }) => ownerOf(described(event)), width: 140 },
              { title: 'In 30 days', of: ({ recent }) => recent, isNumber: true, width: 110 },
              { title: 'Ever', of: ({ total }) => total, isNumber: true, width: 110 },
              {
                title: 'First',
                of: ({ first }) => first,
                show: ({ first }) => <span title={format.time(first, scope.zone)}>{format.ago(first)}</span>,
                width: 100,
              },
              {
                title: 'Last',
                of: ({ last }) => last,
                show: ({ last }) => <span title={format.time(last, scope.zone)}>{format.ago(last)}</span>,
                width: 100,
              },
            ]}
          />
        )}
      </Panel>
      {opened && <OneEvent scope={scope} known={opened} onClose={() => setOpened(undefined)} />}
    </>
  )
}

const OneEvent = ({ scope, known, onClose }: { scope: Scope; known: Known; onClose: () => void }) => {
  const { event } = known
  const sql = sampleOf(scope.team, event)
  const properties = useQuery({
    queryKey: ['sample', sql],
    queryFn: async ({ signal }) => sampled((await askSql<SampleRow>(sql, signal)).map((row) => row.properties)),
    placeholderData: undefined as never,
  })
  return (
    <Drawer opened onClose={onClose} title={format.eventName(event)} size="lg">
      <dl className={classes.facts}>
        {(
          [
            ['Name', event],
            ['In 30 days', format.number(known.recent)],
            ['Ever', format.number(known.total)],
            ['First', format.time(known.first, scope.zone)],
            ['Last', format.time(known.last, scope.zone)],
          ] as const
        ).map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <NoteForm team={scope.team} of="event" name={event} />
      <p>
        <Link
          to="/insights/$kind"
          params={{ kind: 'trends' }}
          search={((old: object) => ({ ...keep(old), q: JSON.stringify({ series: [{ event }] }) })) as never}
        >
          Show its trend
        </Link>
      </p>
      {properties.isPending && <Skeleton height={200} />}
      {properties.error && <Trouble error={properties.error} retry={() => void properties.refetch()} />}
      {properties.data && (
        <>
          <h3>Properties of the newest {SAMPLE}</h3>
          <SampleTable rows={properties.data} of="event" />
        </>
      )}
    </Drawer>
  )
}

const SAMPLE = 400

interface SampleRow {
  properties: string | null
}

/** The newest events: what comes now, and not what came once. */
const sampleOf = (team: number, event?: string) => `SELECT properties
FROM events
WHERE team_id = ${team}${event === undefined ? '' : ` AND event = ${text(event)}`}
ORDER BY timestamp DESC
LIMIT ${SAMPLE}`

const samplePersons = (team: number) => `SELECT properties
FROM persons
WHERE team_id = ${team}
LIMIT ${SAMPLE}`

interface SampleProps {
  rows: Sampled[]
  of: 'event' | 'person'
  notes?: Saved[] | undefined
  onRow?: (row: Sampled) => void
}

const SampleTable = ({ rows, of, notes, onRow }: SampleProps) => (
  <DataTable
    label="Properties"
    rows={rows}
    onRow={onRow}
    columns={[
      {
        title: 'Property',
        of: ({ key }) => key,
        show: ({ key }) => {
          const note = noteOn(notes, of === 'event' ? 'property' : 'person', key)
          return (
            <span className={classes.named}>
              <span>
                {(of === 'event' && LABELS[key]) || key}{' '}
                {of === 'event' && LABELS[key] && <span className="unit">{key}</span>}
              </span>
              {note && <span className="unit cut">{note.description}</span>}
            </span>
          )
        },
      },
      { title: 'Type', of: ({ types }) => types.join(', '), width: 120 },
      {
        title: 'For example',
        of: ({ examples }) => examples.join(', '),
        show: ({ examples }) => (
          <span className="cut muted" style={{ display: 'block', maxWidth: 320 }} title={examples.join('\n')}>
            {examples.join(', ')}
          </span>
        ),
      },
      { title: 'In the sample', of: ({ total }) => total, isNumber: true, width: 120 },
    ]}
  />
)

const PropertiesOf = ({ scope, of }: { scope: Scope; of: 'event' | 'person' }) => {
  const sql = of === 'event' ? sampleOf(scope.team) : samplePersons(scope.team)
  const properties = useQuery({
    queryKey: ['sample', sql],
    queryFn: async ({ signal }) => sampled((await askSql<SampleRow>(sql, signal)).map((row) => row.properties)),
  })
  const notes = useQuery(notesQuery(scope.team))
  const [opened, setOpened] = useState<string>()
  return (
    <Panel
      title={of === 'event' ? 'Properties of the newest events' : 'Properties of a sample of persons'}
      query={properties}
      isFlush
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={() => [sql]}
      isEmpty={(rows) => rows.length === 0}
      empty={{ title: 'No properties yet' }}
      table={(rows) =>
        tableOf({
          rows,
          columns: [
            { title: 'Property', of: ({ key }) => key },
            { title: 'Type', of: ({ types }) => types.join(', ') },
            { title: 'For example', of: ({ examples }) => examples.join(', ') },
            { title: 'In the sample', of: ({ total }) => total, isNumber: true },
          ],
        })
      }
    >
      {(rows) => (
        <>
          <SampleTable rows={rows} of={of} notes={notes.data} onRow={({ key }) => setOpened(key)} />
          {opened && <Values scope={scope} of={of} name={opened} onClose={() => setOpened(undefined)} />}
        </>
      )}
    </Panel>
  )
}

const Values = ({
  scope,
  of,
  name,
  onClose,
}: {
  scope: Scope
  of: 'event' | 'person'
  name: string
  onClose: () => void
}) => {
  const values = useQuery({ ...valuesQuery(scope.team, of, name), placeholderData: undefined as never })
  return (
    <Drawer opened onClose={onClose} title={name} size="md">
      <NoteForm team={scope.team} of={of === 'event' ? 'property' : 'person'} name={name} />
      {values.error && <Trouble error={values.error} retry={() => void values.refetch()} />}
      {values.isPending && <Skeleton height={300} />}
      {values.data && (
        <BarList
          heads={['Value', of === 'event' ? 'Events of 14 days' : 'Persons']}
          bars={values.data.slice(0, 100).map(({ value, total }) => ({
            key: String(value),
            label: String(value),
            title: String(value),
            value: total,
          }))}
        />
      )}
    </Drawer>
  )
}

interface Reason {
  reason: string
  total: number
  last: string
}

const Quarantine = ({ scope }: { scope: Scope }) => {
  const sql = `SELECT reason, count(*) AS total, max(timestamp) AS last FROM quarantine WHERE team_id = ${scope.team} GROUP BY reason ORDER BY total DESC, reason LIMIT 200`
  const reasons = useQuery({ queryKey: ['quarantine', sql], queryFn: ({ signal }) => askSql<Reason>(sql, signal) })
  const navigate = useNavigate()
  return (
    <Panel
      title="Events that are not counted, by reason"
      query={reasons}
      isFlush
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={() => [sql]}
      isEmpty={(rows) => rows.length === 0}
      empty={{
        title: 'Nothing is in quarantine',
        text: 'Events that PostHog would drop are kept here, each with its reason.',
      }}
      table={(rows) =>
        tableOf({
          rows,
          columns: [
            { title: 'Reason', of: ({ reason }) => reason },
            { title: 'Events', of: ({ total }) => total, isNumber: true },
          ],
        })
      }
    >
      {(rows) => (
        <DataTable
          label="Reasons"
          rows={rows}
          onRow={({ reason }) =>
            void navigate({
              to: '/sql',
              search: ((old: object) => ({
                ...keep(old),
                q: `SELECT timestamp, event, distinct_id, reason, properties\nFROM quarantine\nWHERE team_id = ${scope.team} AND reason = '${reason.replaceAll("'", "''")}'\nORDER BY timestamp DESC\nLIMIT 100`,
              })) as never,
            })
          }
          columns={[
            { title: 'Reason', of: ({ reason }) => reason },
            { title: 'Events', of: ({ total }) => total, isNumber: true, width: 140 },
            { title: 'Last', of: ({ last }) => last, show: ({ last }) => format.ago(last), width: 140 },
          ]}
        />
      )}
    </Panel>
  )
}

export default Data
