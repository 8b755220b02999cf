// Errors: what goes wrong, by issue; and one issue, with its stack and those who met it.
import { Select, Skeleton, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { askInsight } from '~/api/insights'
import type { ErrorsRequest, Issue } from '~/api/types'
import { intervalsOf, usualInterval } from '~/filters/range'
import * as format from '~/format/format'
import { type Scope, useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { FilterBar } from '~/ui/FilterBar'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { Sparkline } from '~/ui/Sparkline'
import classes from './Errors.module.css'
import { OneIssue } from './OneIssue'
import { shortPath } from './stack'

const ORDERS = {
  last_seen: 'Last seen',
  first_seen: 'First seen',
  occurrences: 'Occurrences',
  users: 'Persons',
  sessions: 'Sessions',
} as const
type Order = keyof typeof ORDERS

const LIMIT = 100
/** More columns than these are no line any more. */
const COLUMNS = 60

/** What is asked of a range: the same for the list and for one issue. */
export const errorsRequest = (scope: Scope): ErrorsRequest => {
  const usual = usualInterval(scope.range)
  const interval = usual === 'minute' ? 'hour' : usual
  return { ...scope.within, interval: intervalsOf(scope.range).includes(interval) ? interval : 'day' }
}

const Errors = () => {
  const scope = useScope()
  const { issue } = useSearch({ from: '/app/errors' })
  return issue === undefined ? <Issues scope={scope} /> : <OneIssue scope={scope} fingerprint={issue} />
}

const HEIGHT = 420

const Issues = ({ scope }: { scope: Scope }) => {
  const { search = '', by } = useSearch({ from: '/app/errors' })
  const navigate = useNavigate({ from: '/errors' })
  const [typed, setTyped] = useState(search)
  const [wanted] = useDebouncedValue(typed.trim(), 250)
  useEffect(() => {
    if (wanted !== search) void navigate({ search: (old) => ({ ...old, search: wanted || undefined }), replace: true })
  }, [wanted])
  const order: Order = by && Object.hasOwn(ORDERS, by) ? (by as Order) : 'last_seen'
  const request: ErrorsRequest = {
    ...errorsRequest(scope),
    orderBy: order,
    orderDirection: 'DESC',
    limit: LIMIT,
    ...(search ? { searchQuery: search } : {}),
  }
  const issues = useQuery({
    queryKey: ['errors', scope.team, request],
    queryFn: ({ signal }) => askInsight('errors', request, scope.team, signal),
    placeholderData: keepPreviousData,
  })
  const open = ({ fingerprint }: Issue) => void navigate({ search: (old) => ({ ...old, issue: fingerprint }) })
  return (
    <Page title="Errors" end={<FilterBar />}>
      <div className={classes.tools}>
        <TextInput
          aria-label="Search in type and message"
          placeholder="Search in type and message"
          leftSection={<IconSearch size={14} stroke={1.6} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          className={classes.search}
        />
        <Select
          aria-label="Sorted by"
          w={150}
          value={order}
          allowDeselect={false}
          data={Object.entries(ORDERS).map(([value, label]) => ({ value, label }))}
          onChange={(chosen) =>
            void navigate({
              search: (old) => ({ ...old, by: chosen === 'last_seen' ? undefined : (chosen ?? undefined) }),
              replace: true,
            })
          }
        />
      </div>
      <Panel
        title="Issues"
        query={issues}
        isFlush
        height={HEIGHT}
        skeleton={<Skeleton height={HEIGHT} />}
        sql={({ sql }) => sql}
        isEmpty={({ results }) => results.length === 0}
        empty={{
          title: search ? 'No error has this in it' : 'No errors in this range',
          text: search ? '' : 'SDKs send them as $exception events; see “Error tracking” in their settings.',
        }}
        table={({ results }) =>
          tableOf({
            rows: results,
            columns: [
              { title: 'Type', of: ({ name }) => name },
              { title: 'Message', of: ({ description }) => description },
              { title: 'Thrown in', of: ({ frame }) => frame },
              { title: 'Occurrences', of: ({ aggregations }) => aggregations.occurrences, isNumber: true },
              { title: 'Persons', of: ({ aggregations }) => aggregations.users, isNumber: true },
              { title: 'Sessions', of: ({ aggregations }) => aggregations.sessions, isNumber: true },
              { title: 'First seen', of: ({ first_seen }) => first_seen },
              { title: 'Last seen', of: ({ last_seen }) => last_seen },
            ],
          })
        }
      >
        {({ results, days, hasMore }) => (
          <>
            <DataTable
              label="Issues"
              rows={results}
              isSortable={false}
              onRow={open}
              columns={[
                {
                  title: 'Issue',
                  of: ({ name }) => name,
                  show: (one) => <Named issue={one} onOpen={() => open(one)} />,
                },
                {
                  title: 'Over time',
                  of: () => '',
                  show: ({ aggregations: { volumeRange } }) => (
                    <Sparkline
                      values={volumeRange.slice(-COLUMNS)}
                      label={`At most ${format.number(Math.max(0, ...volumeRange))} in one of ${days.length} spans`}
                    />
                  ),
                  width: 140,
                },
                { title: 'Times', of: ({ aggregations }) => aggregations.occurrences, isNumber: true, width: 80 },
                { title: 'Persons', of: ({ aggregations }) => aggregations.users, isNumber: true, width: 80 },
                {
                  title: 'First',
                  of: ({ first_seen }) => first_seen,
                  show: ({ first_seen }) => (
                    <span title={format.time(first_seen, scope.zone)}>{format.ago(first_seen)}</span>
                  ),
                  width: 96,
                },
                {
                  title: 'Last',
                  of: ({ last_seen }) => last_seen,
                  show: ({ last_seen }) => (
                    <span title={format.time(last_seen, scope.zone)}>{format.ago(last_seen)}</span>
                  ),
                  width: 96,
                },
              ]}
            />
            {hasMore && <p className={`muted ${classes.more}`}>Only the first {LIMIT} are shown.</p>}
          </>
        )}
      </Panel>
    </Page>
  )
}

const Named = ({ issue, onOpen }: { issue: Issue; onOpen: () => void }) => {
  const [call = '', where = ''] = issue.frame?.split(' ') ?? []
  return (
    <span className={classes.issue}>
      <span className="cut">
        <button
          type="button"
          className={classes.open}
          onClick={(event) => {
            event.stopPropagation()
            onOpen()
          }}
        >
          {issue.name ?? 'Error'}
        </button>{' '}
        {issue.description}
      </span>
      {issue.frame && (
        <span className={`unit cut ${classes.frame}`}>
          {call} {shortPath(where)}
        </span>
      )}
    </span>
  )
}

export default Errors
