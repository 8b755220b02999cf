// Retention: of those who came, how many came again, and when.
import { Skeleton } from '@mantine/core'
import type { Cohort, RetentionPeriod } from '~/api/types'
import { momentOf } from '~/format/civil'
import * as format from '~/format/format'
import { useMinute } from '~/scope'
import { tableOf } from '~/ui/Panel'
import { HEIGHT, InsightPanel } from './InsightPanel'
import classes from './Retention.module.css'
import { retention } from './question'
import { average, begun, isToCome } from './cohorts'
import { PersonsButton } from './PersonsButton'
import { behindOf, useInsight, type ViewProps } from './view'

export const RetentionView = ({ scope, question, onBehind }: ViewProps) => {
  const request = retention(question, scope)
  const period = question.period ?? 'Day'
  const answer = useInsight('retention', request, scope.team)
  const now = useMinute()
  const open = (cohort: Cohort, interval: number) =>
    onBehind(
      behindOf('retention', request, scope.team, titleOf(cohort, interval, period), {
        day: cohort.date,
        interval,
        ...(cohort.breakdown_value === undefined ? {} : { breakdown: cohort.breakdown_value }),
      }),
    )
  return (
    <InsightPanel
      title="Retention"
      head={<span className="muted">Of those who came in a {period.toLowerCase()}, how many came again</span>}
      query={answer}
      isFlush
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      isEmpty={({ results }) => results.every(({ values }) => (values[0]?.count ?? 0) === 0)}
      empty={{ title: 'Nobody came in this range' }}
      table={({ results }) =>
        tableOf({
          rows: results,
          columns: [
            ...(question.breakdown
              ? [{ title: 'Value', of: (cohort: Cohort) => format.breakdown(cohort.breakdown_value) }]
              : []),
            { title: period, of: ({ date }) => date.slice(0, 16).replace('T', ' ') },
            ...(results[0]?.values ?? []).map(({ label }, index) => ({
              title: label,
              of: ({ values }: Cohort) => values[index]?.count ?? null,
              isNumber: true,
            })),
          ],
        })
      }
    >
      {({ results }) => {
        const values = [...new Set(results.map((cohort) => format.breakdown(cohort.breakdown_value)))]
        return (
          <div className={classes.scroll} tabIndex={0} role="region" aria-label="Cohorts">
            {values.map((value) => (
              <Cohorts
                key={value}
                title={question.breakdown ? value : undefined}
                cohorts={begun(results.filter((cohort) => format.breakdown(cohort.breakdown_value) === value))}
                period={period}
                now={now}
                zone={scope.zone}
                onOpen={open}
              />
            ))}
          </div>
        )
      }}
    </InsightPanel>
  )
}

const named = (date: string, period: RetentionPeriod) => {
  const civil = date.slice(0, 19)
  if (period === 'Hour') return `${format.tick(civil, 'day')}, ${format.tick(civil, 'hour')}`
  return period === 'Month' ? format.span(civil, 'month') : format.tick(civil, 'day')
}

const titleOf = ({ date }: Cohort, interval: number, period: RetentionPeriod) => {
  const came = `Came ${period === 'Day' ? 'on' : 'in the ' + period.toLowerCase() + ' of'} ${named(date, period)}`
  return interval === 0 ? came : `${came}, and again ${format.plural(interval, period.toLowerCase())} later`
}

interface CohortsProps {
  title: string | undefined
  cohorts: Cohort[]
  period: RetentionPeriod
  now: number
  zone: string
  onOpen: (cohort: Cohort, interval: number) => void
}

const Cohorts = ({ title, cohorts, period, now, zone, onOpen }: CohortsProps) => {
  const spans = cohorts[0]?.values.length ?? 0
  const began = (cohort: Cohort) => momentOf(cohort.date.slice(0, 19), zone)
  const hasCome = (cohort: Cohort, interval: number) => !isToCome(began(cohort), interval, period, now)
  const means = average(cohorts, (cohort, interval) => hasCome(cohort, interval + 1))
  return (
    <table className={classes.table}>
      {title !== undefined && <caption>{title}</caption>}
      <thead>
        <tr>
          <th scope="col">{period === 'Day' ? 'Came on' : 'Came in'}</th>
          <th scope="col" className="num">
            Persons
          </th>
          {Array.from({ length: spans }, (_, index) => (
            <th key={index} scope="col" className="num">
              {period} {index}
            </th>
          ))}
        </tr>
        <tr className={classes.mean}>
          <th scope="row">On average</th>
          <td className="num">
            {format.number(
              Math.round(
                cohorts.reduce((sum, cohort) => sum + (cohort.values[0]?.count ?? 0), 0) / Math.max(1, cohorts.length),
              ),
            )}
          </td>
          {means.map((mean, index) => (
            <td key={index} className="num">
              {mean === undefined ? '' : format.percent(mean)}
            </td>
          ))}
        </tr>
      </thead>
      <tbody>
        {cohorts.map((cohort) => {
          const whole = cohort.values[0]?.count ?? 0
          return (
            <tr key={cohort.date}>
              <th scope="row">{named(cohort.date, period)}</th>
              <td className="num">{format.number(whole)}</td>
              {cohort.values.map(({ count }, index) => {
                if (!hasCome(cohort, index)) return <td key={index} />
                const share = whole > 0 ? count / whole : 0
                return (
                  <td key={index}>
                    <PersonsButton
                      className={classes.cell}
                      style={{ '--share': `${Math.round(8 + 46 * Math.sqrt(share))}%` } as React.CSSProperties}
                      data-running={!hasCome(cohort, index + 1) || undefined}
                      disabled={count === 0}
                      title={`${format.plural(count, 'person', 'persons')} of ${format.number(whole)}${hasCome(cohort, index + 1) ? '' : ', so far'}`}
                      onClick={() => onOpen(cohort, index)}
                    >
                      {whole > 0 ? format.percent(share) : format.NOTHING}
                    </PersonsButton>
                  </td>
                )
              })}
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
