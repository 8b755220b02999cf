// Lifecycle: above the line those who came, below it those who stayed away.
import { Skeleton } from '@mantine/core'
import { useMemo } from 'react'
import type { LifecycleLine } from '~/api/types'
import { TimeChart } from '~/charts/TimeChart'
import { colourOf, QUIET } from '~/charts/palette'
import { endOf, rangeOfSpans } from '~/filters/range'
import * as format from '~/format/format'
import { useMinute } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { tableOf } from '~/ui/Panel'
import { HEIGHT, InsightPanel, useHeight } from './InsightPanel'
import classes from './Insights.module.css'
import { IntervalControl } from './LookControls'
import { lifecycle } from './question'
import { PersonsButton } from './PersonsButton'
import { behindOf, intervalOf, useInsight, usePlace, type ViewProps } from './view'

const STATUSES: Record<LifecycleLine['status'], { label: string; about: string; colour: number }> = {
  new: { label: 'New', about: 'came to be in this span', colour: 4 },
  returning: { label: 'Returning', about: 'came in the span before, too', colour: 1 },
  resurrecting: { label: 'Resurrecting', about: 'came back after being away', colour: 2 },
  dormant: { label: 'Dormant', about: 'came in the span before, and not in this', colour: QUIET },
}

export const LifecycleView = ({ scope, question, onChange, onBehind }: ViewProps) => {
  const interval = intervalOf(question, scope)
  const request = lifecycle(question, interval, scope)
  const height = useHeight()
  const isAlone = usePlace() === undefined
  const answer = useInsight('lifecycle', request, scope.team)
  const now = useMinute()
  const lines = answer.data?.results
  const series = useMemo(
    () =>
      (lines ?? []).map((line) => ({
        key: line.status,
        label: STATUSES[line.status].label,
        data: line.data,
        colour: STATUSES[line.status].colour,
      })),
    [lines],
  )
  const open = (status: LifecycleLine['status'], day?: string) =>
    onBehind(
      behindOf(
        'lifecycle',
        request,
        scope.team,
        [STATUSES[status].label, day && format.span(day, interval)].filter(Boolean).join(', '),
        { status, ...(day ? { day } : {}) },
      ),
    )
  return (
    <InsightPanel
      title="Lifecycle"
      head={
        <div className={classes.head}>
          <span className="muted">Who is new, comes again, comes back, and stays away</span>
          <IntervalControl scope={scope} question={question} onChange={onChange} />
        </div>
      }
      query={answer}
      height={HEIGHT + 8}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      isEmpty={({ results }) => results.every(({ data }) => data.every((value) => value === 0))}
      empty={{
        title: 'Nobody with a profile came',
        text: 'Only persons who were identified, or have properties, are counted here.',
      }}
      table={({ results }) =>
        tableOf({
          rows: (results[0]?.days ?? []).map((day, index) => ({ day, index })),
          columns: [
            { title: 'Date', of: ({ day }) => day, show: ({ day }) => format.span(day, interval) },
            ...results.map((line) => ({
              title: STATUSES[line.status].label,
              of: ({ index }: { index: number }) => line.data[index] ?? 0,
              isNumber: true,
            })),
          ],
        })
      }
    >
      {({ results }) => {
        const spans = results[0]?.days ?? []
        return (
          <>
            <TimeChart
              label="Lifecycle"
              height={height}
              look="stack"
              spans={spans}
              series={series}
              tick={(span) => format.tick(span, interval)}
              title={(span) => format.span(span, interval)}
              value={(value) => format.number(Math.abs(value))}
              isRunning={endOf(spans.at(-1) ?? '1970-01-01', interval, scope.zone) > now}
              onZoom={(first, last) => scope.setRange(rangeOfSpans(spans[first] ?? '', spans[last] ?? '', interval))}
            />
            {isAlone && (
              <div className={classes.legendTable}>
                <DataTable
                  label="Kinds of persons"
                  isSortable={false}
                  rows={results}
                  columns={[
                    {
                      title: 'Persons',
                      of: ({ status }) => status,
                      show: ({ status }) => (
                        <span title={STATUSES[status].about}>
                          <span className={classes.mark} style={{ background: colourOf(STATUSES[status].colour) }} />
                          {STATUSES[status].label} <span className="unit">{STATUSES[status].about}</span>
                        </span>
                      ),
                    },
                    {
                      title: `Last full ${interval}`,
                      of: ({ data }) => Math.abs(data.at(-2) ?? 0),
                      show: ({ status, data, days }) => (
                        <PersonsButton
                          className={classes.link}
                          title="These persons"
                          onClick={() => open(status, days.at(-2))}
                        >
                          {format.number(Math.abs(data.at(-2) ?? 0))}
                        </PersonsButton>
                      ),
                      isNumber: true,
                    },
                    {
                      title: `Per ${interval}`,
                      of: ({ data }) => Math.abs(average(data)),
                      show: ({ data }) => format.number(Math.round(Math.abs(average(data)) * 10) / 10),
                      isNumber: true,
                    },
                  ]}
                />
              </div>
            )}
          </>
        )
      }}
    </InsightPanel>
  )
}

const average = (values: number[]) => values.reduce((total, value) => total + value, 0) / Math.max(1, values.length)
