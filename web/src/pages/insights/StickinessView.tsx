// Stickiness: how many came in one span of the range, in two, and so on.
import { Skeleton } from '@mantine/core'
import { useMemo } from 'react'
import type { StickinessLine } from '~/api/types'
import { colourOf } from '~/charts/palette'
import { TimeChart } from '~/charts/TimeChart'
import * as format from '~/format/format'
import { DataTable } from '~/ui/DataTable'
import { tableOf } from '~/ui/Panel'
import { HEIGHT, InsightPanel, useHeight } from './InsightPanel'
import classes from './Insights.module.css'
import { IntervalControl } from './LookControls'
import { stickiness } from './question'
import { behindOf, intervalOf, useInsight, usePlace, type ViewProps } from './view'

const nameOf = (line: StickinessLine) => format.eventName(line.label)

export const StickinessView = ({ scope, question, onChange, onBehind }: ViewProps) => {
  const interval = intervalOf(question, scope)
  const request = stickiness(question, interval, scope)
  const height = useHeight()
  const isAlone = usePlace() === undefined
  const answer = useInsight('stickiness', request, scope.team)
  const lines = answer.data?.results
  const now = (lines ?? []).filter((line) => line.compare_label !== 'previous')
  const series = useMemo(
    () =>
      (lines ?? []).map((line, index) => ({
        key: `${index}`,
        label: nameOf(line),
        data: line.data,
        colour: line.action.order,
        isBefore: line.compare_label === 'previous',
      })),
    [lines],
  )
  const spans = (now[0]?.days ?? []).map(String)
  const title = (span: string) =>
    `${question.isCumulative ? 'In at least ' : 'In '}${format.plural(Number(span), interval)}`
  return (
    <InsightPanel
      title="Stickiness"
      head={
        <div className={classes.head}>
          <span className="muted">In how many {interval}s of the range persons came</span>
          <IntervalControl scope={scope} question={question} onChange={onChange} />
        </div>
      }
      query={answer}
      height={HEIGHT + 8}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      isEmpty={({ results }) => results.every(({ data }) => data.every((value) => value === 0))}
      table={() =>
        tableOf({
          rows: spans.map((span, index) => ({ span, index })),
          columns: [
            { title: `${interval}s`, of: ({ span }) => Number(span), isNumber: true },
            ...now.map((line) => ({
              title: nameOf(line),
              of: ({ index }: { index: number }) => line.data[index] ?? 0,
              isNumber: true,
            })),
          ],
        })
      }
    >
      {() => (
        <>
          <TimeChart
            label="Stickiness"
            height={height}
            look="bar"
            spans={spans}
            series={series}
            tick={(span) => span}
            title={title}
            onPick={(span, key) => {
              const line = (lines ?? [])[Number(key)]
              const day = line?.days[span]
              if (line && day !== undefined)
                onBehind(
                  behindOf('stickiness', request, scope.team, `${nameOf(line)}: ${title(String(day))}`, {
                    series: line.action.order,
                    day,
                  }),
                )
            }}
          />
          {isAlone && (
            <div className={classes.legendTable}>
              <DataTable
                label="Series of the chart"
                isSortable={false}
                rows={now}
                columns={[
                  {
                    title: 'Series',
                    of: nameOf,
                    show: (line) => (
                      <>
                        <span className={classes.mark} style={{ background: colourOf(line.action.order) }} />
                        {nameOf(line)}
                      </>
                    ),
                  },
                  {
                    title: 'Persons',
                    of: ({ data }) =>
                      question.isCumulative ? (data[0] ?? 0) : data.reduce((sum, value) => sum + value, 0),
                    isNumber: true,
                  },
                  { title: `In every ${interval}`, of: ({ data }) => data.at(-1) ?? 0, isNumber: true },
                ]}
              />
            </div>
          )}
        </>
      )}
    </InsightPanel>
  )
}
