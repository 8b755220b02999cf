// Of what visits consist: pages, sources, places, devices, events.
import { UnstyledButton } from '@mantine/core'
import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { askInsightSoon } from '~/api/insights'
import type { Answers, TrendsRequest, WebBreakdown, WebOverviewAnswer, WebRow } from '~/api/types'
import { isSame } from '~/filters/model'
import * as format from '~/format/format'
import type { Scope } from '~/scope'
import { type Bar, BarList, BarListSkeleton } from '~/ui/BarList'
import { Panel, tableOf } from '~/ui/Panel'
import { Tabs } from '~/ui/Tabs'
import { beside, filterOf, keyOf, said } from './visits'
import classes from './Web.module.css'

interface Group {
  name: 'pages' | 'sources' | 'places' | 'devices'
  label: string
  tables: { table: WebBreakdown; name: string; label: string }[]
}

const GROUPS: Group[] = [
  {
    name: 'pages',
    label: 'Pages',
    tables: [
      { table: 'Page', name: 'all', label: 'Pages' },
      { table: 'InitialPage', name: 'entry', label: 'Entry' },
      { table: 'ExitPage', name: 'exit', label: 'Exit' },
      { table: 'Host', name: 'hosts', label: 'Hosts' },
      { table: 'ScreenName', name: 'screens', label: 'Screens' },
    ],
  },
  {
    name: 'sources',
    label: 'Sources',
    tables: [
      { table: 'InitialReferringDomain', name: 'referrers', label: 'Referrers' },
      { table: 'InitialChannelType', name: 'channels', label: 'Channels' },
      { table: 'InitialUTMSource', name: 'source', label: 'UTM source' },
      { table: 'InitialUTMMedium', name: 'medium', label: 'Medium' },
      { table: 'InitialUTMCampaign', name: 'campaign', label: 'Campaign' },
    ],
  },
  {
    name: 'places',
    label: 'Places',
    tables: [
      { table: 'Country', name: 'countries', label: 'Countries' },
      { table: 'Region', name: 'regions', label: 'Regions' },
      { table: 'City', name: 'cities', label: 'Cities' },
    ],
  },
  {
    name: 'devices',
    label: 'Devices',
    tables: [
      { table: 'DeviceType', name: 'types', label: 'Devices' },
      { table: 'Browser', name: 'browsers', label: 'Browsers' },
      { table: 'OS', name: 'systems', label: 'Systems' },
    ],
  },
]

export type Chosen = Partial<Record<Group['name'], string>>

const chosenOf = ({ name, tables }: Group, chosen: Chosen) =>
  tables.find((one) => one.name === chosen[name]) ?? (tables[0] as Group['tables'][number])

/** The tables that are seen: they are asked for together. */
export const tablesOf = (chosen: Chosen): WebBreakdown[] => GROUPS.map((group) => chosenOf(group, chosen).table)

interface Props {
  scope: Scope
  overview: UseQueryResult<WebOverviewAnswer>
  chosen: Chosen
  onChoose: (members: Record<string, string | undefined>) => void
}

export const Breakdowns = ({ scope, overview, chosen, onChoose }: Props) => (
  <div className={classes.grid}>
    {GROUPS.map((group) => {
      const { table, name, label } = chosenOf(group, chosen)
      return (
        <VisitsBy
          key={group.name}
          scope={scope}
          table={table}
          title={label}
          overview={overview}
          head={
            <Tabs
              label={group.label}
              value={name}
              tabs={group.tables.map((one) => ({ value: one.name, label: one.label }))}
              onChange={(value) => onChoose({ [group.name]: value === group.tables[0]?.name ? undefined : value })}
            />
          }
        />
      )
    })}
    <div className={classes.wide}>
      <Events scope={scope} />
    </div>
  </div>
)

const SHOWN = 9
const HEIGHT = SHOWN * 30 + 32

interface VisitsByProps {
  scope: Scope
  table: WebBreakdown
  title: string
  overview: UseQueryResult<WebOverviewAnswer>
  head: React.ReactNode
}

const VisitsBy = ({ scope, table, title, overview, head }: VisitsByProps) => {
  const [isAll, setAll] = useState(false)
  // Of another choice of tables this one may be missing; then it is on its way.
  const rows = overview.data?.tables?.[table]
  const query = { ...overview, data: rows && overview.data } as UseQueryResult<WebOverviewAnswer>
  const rowsOf = ({ tables }: WebOverviewAnswer) => tables?.[table] ?? []
  return (
    <Panel
      title={title}
      head={head}
      query={query}
      height={HEIGHT}
      skeleton={<BarListSkeleton rows={SHOWN} />}
      isEmpty={(data) => rowsOf(data).length === 0}
      empty={{
        title: `No ${title.toLowerCase()} in this range`,
        text: 'A longer range or fewer filters may show some.',
      }}
      sql={({ sql }) => sql}
      table={(data) => tableOf({ rows: rowsOf(data), columns: columnsOf(table, title) })}
    >
      {(data) => (
        <>
          <BarList
            bars={barsOf(rowsOf(data), table, scope, isAll ? Infinity : SHOWN)}
            heads={[title, 'Visitors', table === 'Page' || table === 'ScreenName' ? 'Views' : 'Sessions']}
          />
          {rowsOf(data).length > SHOWN && (
            <UnstyledButton className={classes.more} onClick={() => setAll(!isAll)}>
              {isAll ? 'Fewer' : `All ${format.number(rowsOf(data).length)}`}
            </UnstyledButton>
          )}
        </>
      )}
    </Panel>
  )
}

export const columnsOf = (table: WebBreakdown, title: string) => [
  {
    title,
    of: (row: WebRow) => (Array.isArray(row.breakdown_value) ? row.breakdown_value.join(' · ') : row.breakdown_value),
    show: (row: WebRow) => said(table, row),
  },
  { title: 'Visitors', of: ({ visitors }: WebRow) => visitors, isNumber: true },
  { title: 'Views', of: ({ views }: WebRow) => views, isNumber: true },
  { title: 'Sessions', of: ({ sessions }: WebRow) => sessions, isNumber: true },
  {
    title: 'Bounce rate',
    of: ({ bounce_rate }: WebRow) => bounce_rate,
    show: ({ bounce_rate }: WebRow) => format.percent(bounce_rate),
    isNumber: true,
  },
]

/** Rows as bars; without a scope nothing can be picked. */
export const barsOf = (rows: WebRow[], table: WebBreakdown, scope: Scope | undefined, limit: number): Bar[] =>
  rows.slice(0, limit).map((row) => {
    const filter = filterOf(table, row)
    const aside = beside(table, row)
    return {
      key: keyOf(row),
      label: (
        <>
          {said(table, row)} {aside && <span className="unit">{aside}</span>}
        </>
      ),
      title: said(table, row),
      value: row.visitors,
      other: table === 'Page' || table === 'ScreenName' ? row.views : row.sessions,
      before: row.previous?.visitors,
      onPick: scope && filter && (() => scope.pick(filter)),
      onExclude:
        scope &&
        filter &&
        (() =>
          filter.operator === 'is_not_set' ? scope.pick({ ...filter, operator: 'is_set' }) : scope.exclude(filter)),
      isPicked: filter !== undefined && (scope?.filters.some((one) => isSame(one, filter)) ?? false),
    }
  })

const EVENTS = 50

const eventsOf = ({ results, sql }: Answers['trends']) => {
  const persons = new Map(
    results.filter(({ order }) => order === 1).map((line) => [String(line.breakdown_value), line.aggregated_value]),
  )
  const rows = results
    .filter(({ order, breakdown_value }) => order === 0 && breakdown_value !== format.OTHER)
    .map((line) => ({
      event: String(line.breakdown_value),
      total: line.aggregated_value ?? 0,
      persons: persons.get(String(line.breakdown_value)) ?? 0,
    }))
  return { rows, sql }
}

/** All events, not only views. */
const Events = ({ scope }: { scope: Scope }) => {
  const [isAll, setAll] = useState(false)
  const request: TrendsRequest = {
    ...scope.within,
    series: [
      { kind: 'EventsNode', event: null },
      { kind: 'EventsNode', event: null, math: 'dau' },
    ],
    breakdownFilter: { breakdown: 'event', breakdown_type: 'event_metadata', breakdown_limit: EVENTS },
    trendsFilter: { display: 'ActionsBarValue' },
  }
  const events = useQuery({
    queryKey: ['web-events', scope.team, request],
    queryFn: (asking) => askInsightSoon('trends', request, scope.team, asking, eventsOf),
  })
  return (
    <Panel
      title="Events"
      query={events}
      height={HEIGHT}
      skeleton={<BarListSkeleton rows={SHOWN} />}
      isEmpty={({ rows }) => rows.length === 0}
      empty={{ title: 'No events in this range' }}
      sql={({ sql }) => sql}
      table={({ rows }) =>
        tableOf({
          rows,
          columns: [
            { title: 'Event', of: ({ event }) => event, show: ({ event }) => format.eventName(event) },
            { title: 'Events', of: ({ total }) => total, isNumber: true },
            { title: 'Persons', of: ({ persons }) => persons, isNumber: true },
          ],
        })
      }
    >
      {({ rows }) => (
        <>
          <BarList
            heads={['Event', 'Events', 'Persons']}
            bars={rows.slice(0, isAll ? EVENTS : SHOWN).map(({ event, total, persons }) => {
              const filter = {
                of: 'event_metadata' as const,
                key: 'event',
                operator: 'exact' as const,
                values: [event],
              }
              return {
                key: event,
                label: format.eventName(event),
                title: format.eventName(event),
                value: total,
                other: persons,
                onPick: () => scope.pick(filter),
                onExclude: () => scope.exclude(filter),
                isPicked: scope.filters.some((one) => isSame(one, filter)),
              }
            })}
          />
          {rows.length > SHOWN && (
            <UnstyledButton className={classes.more} onClick={() => setAll(!isAll)}>
              {isAll ? 'Fewer' : `All ${format.number(rows.length)}`}
            </UnstyledButton>
          )}
        </>
      )}
    </Panel>
  )
}
