// One issue: how often, since when, where it is thrown, and who met it.
import { Button, Skeleton } from '@mantine/core'
import { IconArrowLeft, IconUsers } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { askInsight, askPersonsBehind } from '~/api/insights'
import type { ErrorsAnswer, ErrorsRequest, Issue } from '~/api/types'
import { TimeChart } from '~/charts/TimeChart'
import { rangeOfSpans } from '~/filters/range'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import type { Scope } from '~/scope'
import { FilterBar } from '~/ui/FilterBar'
import { Page } from '~/ui/Page'
import { Panel, tableOf } from '~/ui/Panel'
import { type Behind, PersonsDrawer } from '~/ui/PersonsDrawer'
import { Properties } from '~/ui/Properties'
import classes from './Errors.module.css'
import { errorsRequest } from './Errors'
import { type Exception, exceptionsOf, shortPath } from './stack'

const PAGE = 100
const CHART = 180

export const OneIssue = ({ scope, fingerprint }: { scope: Scope; fingerprint: string }) => {
  const request: ErrorsRequest = { ...errorsRequest(scope), fingerprint }
  const navigate = useNavigate({ from: '/errors' })
  const [behind, setBehind] = useState<Behind>()
  const issue = useQuery({
    queryKey: ['errors', 'one', scope.team, request],
    queryFn: ({ signal }) => askInsight('errors', request, scope.team, signal),
  })
  const found = issue.data?.results[0]
  const persons = () =>
    setBehind({
      title: `Met ${found?.name ?? 'this error'}`,
      key: ['errors', scope.team, request],
      ask: (offset, signal) =>
        askPersonsBehind('errors', request, { limit: PAGE, offset } as never, scope.team, signal),
    })
  return (
    <Page title={found?.name ?? 'Error'} end={<FilterBar />}>
      <div className={classes.tools}>
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconArrowLeft size={14} stroke={1.6} />}
          onClick={() => void navigate({ search: (old) => ({ ...old, issue: undefined }) })}
        >
          All errors
        </Button>
        <p className={classes.message}>{found?.description}</p>
        <Button
          variant="default"
          leftSection={<IconUsers size={14} stroke={1.6} />}
          disabled={!found}
          onClick={persons}
          className={classes.persons}
        >
          These persons
        </Button>
      </div>
      <Panel
        title="Occurrences"
        query={issue}
        height={CHART + 64}
        skeleton={<Skeleton height={CHART + 56} />}
        sql={({ sql }) => sql}
        isEmpty={({ results }) => results.length === 0}
        empty={{ title: 'Not in this range', text: 'A longer range, or fewer filters, may show it.' }}
        table={(data) =>
          tableOf({
            rows: data.days.map((day, index) => ({
              day,
              count: data.results[0]?.aggregations.volumeRange[index] ?? 0,
            })),
            columns: [
              { title: 'Time', of: ({ day }) => day },
              { title: 'Occurrences', of: ({ count }) => count, isNumber: true },
            ],
          })
        }
      >
        {(data) => <Over data={data} scope={scope} />}
      </Panel>
      {found && <Last issue={found} zone={scope.zone} />}
      {behind && <PersonsDrawer behind={behind} onClose={() => setBehind(undefined)} />}
    </Page>
  )
}

const Over = ({ data: { results, days, interval }, scope }: { data: ErrorsAnswer; scope: Scope }) => {
  const [issue] = results
  if (!issue) return null
  const { occurrences, users, sessions, volumeRange } = issue.aggregations
  const facts: [string, string, string?][] = [
    ['Occurrences', format.number(occurrences)],
    ['Persons', format.number(users)],
    ['Sessions', format.number(sessions)],
    ['First seen', format.ago(issue.first_seen), format.time(issue.first_seen, scope.zone)],
    ['Last seen', format.ago(issue.last_seen), format.time(issue.last_seen, scope.zone)],
  ]
  return (
    <>
      <dl className={classes.facts}>
        {facts.map(([label, value, title]) => (
          <div key={label}>
            <dt className="muted">{label}</dt>
            <dd title={title}>{value}</dd>
          </div>
        ))}
      </dl>
      <TimeChart
        label="Occurrences"
        height={CHART}
        look="bar"
        spans={days}
        series={[{ key: 'errors', label: 'Occurrences', data: volumeRange, colour: 0 }]}
        tick={(span) => format.tick(span, interval)}
        title={(span) => format.span(span, interval)}
        onZoom={(first, last) => scope.setRange(rangeOfSpans(days[first] ?? '', days[last] ?? '', interval))}
      />
    </>
  )
}

const Last = ({ issue, zone }: { issue: Issue; zone: string }) => {
  const { properties, person_id, distinct_id, timestamp } = issue.last_event
  const { $exception_list: _, ...others } = properties
  return (
    <div className={classes.columns}>
      <section className={classes.box} aria-label="Stack">
        <h2>Stack of the last one</h2>
        {exceptionsOf(properties).map((exception, index) => (
          <Stack key={index} exception={exception} isCause={index > 0} />
        ))}
      </section>
      <section className={classes.box} aria-label="Last event">
        <h2>Last event</h2>
        <p>
          {format.time(timestamp ?? issue.last_seen, zone)}, by{' '}
          <Link to="/persons/$id" params={{ id: person_id }} search={keep as never} className={classes.who}>
            {distinct_id}
          </Link>
        </p>
        <Properties title="Properties" properties={others} />
      </section>
    </div>
  )
}

const Stack = ({ exception, isCause }: { exception: Exception; isCause: boolean }) => (
  <div className={classes.stack}>
    <p>
      {isCause && <span className="muted">Caused by </span>}
      <strong>{exception.type}</strong> {exception.value}{' '}
      {exception.isHandled !== undefined && (
        <span className="unit">{exception.isHandled ? 'caught' : 'not caught'}</span>
      )}
    </p>
    {exception.frames.length === 0 && <p className="muted">No stack came with it.</p>}
    <ol className={classes.frames}>
      {exception.frames.map((frame, index) => (
        <li key={index} data-own={frame.isOwn || undefined} title={frame.where}>
          <code>{frame.call}</code>
          <span className="muted">
            {shortPath(frame.where)}
            {frame.line && `:${frame.line}`}
          </span>
        </li>
      ))}
    </ol>
  </div>
)
