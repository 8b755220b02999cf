// Funnels: who goes on from step to step, and who does not.
import { Skeleton } from '@mantine/core'
import type { FunnelsAnswer, Step } from '~/api/types'
import * as format from '~/format/format'
import { DataTable } from '~/ui/DataTable'
import { tableOf } from '~/ui/Panel'
import { Empty } from '~/ui/States'
import { HEIGHT, InsightPanel } from './InsightPanel'
import classes from './Insights.module.css'
import { funnels } from './question'
import { PersonsButton } from './PersonsButton'
import { behindOf, useInsight, type ViewProps } from './view'

/** A funnel for each value, or one. */
const groupsOf = ({ results }: FunnelsAnswer): Step[][] =>
  Array.isArray(results[0]) ? (results as Step[][]) : [results as Step[]]

const nameOf = ({ custom_name, name }: Step) => custom_name ?? format.eventName(name)

export const FunnelsView = ({ scope, question, onBehind }: ViewProps) => {
  const request = funnels(question, scope)
  const canAsk = question.series.length > 1
  const answer = useInsight('funnels', request, scope.team, canAsk)
  const open = (step: number, title: string, value?: Step['breakdown_value']) =>
    onBehind(
      behindOf('funnels', request, scope.team, title, {
        funnelStep: step,
        ...(value === undefined ? {} : { breakdown: value }),
      }),
    )
  if (!canAsk)
    return (
      <InsightPanel
        title="Funnel"
        query={NOTHING}
        height={HEIGHT}
        isEmpty={() => true}
        empty={{ title: 'A funnel needs two steps', text: 'Add the event that comes after the first one.' }}
      >
        {() => null}
      </InsightPanel>
    )
  return (
    <InsightPanel
      title="Funnel"
      query={answer}
      isFlush={Boolean(question.breakdown)}
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      sql={({ sql }) => sql}
      isEmpty={(data) => groupsOf(data).every((steps) => (steps[0]?.count ?? 0) === 0)}
      empty={{ title: 'Nobody did the first step in this range' }}
      table={(data) =>
        tableOf({
          rows: groupsOf(data).flat(),
          columns: [
            ...(question.breakdown
              ? [{ title: 'Value', of: (step: Step) => format.breakdown(step.breakdown_value) }]
              : []),
            { title: 'Step', of: nameOf },
            { title: 'Persons', of: ({ count }) => count, isNumber: true },
            {
              title: 'Median time',
              of: ({ median_conversion_time }) => median_conversion_time,
              show: ({ median_conversion_time }) => format.duration(median_conversion_time),
              isNumber: true,
            },
            {
              title: 'Average time',
              of: ({ average_conversion_time }) => average_conversion_time,
              show: ({ average_conversion_time }) => format.duration(average_conversion_time),
              isNumber: true,
            },
          ],
        })
      }
    >
      {(data) => {
        const groups = groupsOf(data)
        return question.breakdown ? (
          <Broken groups={groups} onOpen={open} />
        ) : (
          <Steps steps={groups[0] ?? []} onOpen={open} />
        )
      }}
    </InsightPanel>
  )
}

const NOTHING = {
  data: true,
  error: null,
  isFetching: false,
  isPlaceholderData: false,
  refetch: () => Promise.reject(new Error('nothing is asked')),
} as never

type Open = (step: number, title: string, value?: Step['breakdown_value']) => void

const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0)

const Steps = ({ steps, onOpen }: { steps: Step[]; onOpen: Open }) => {
  const first = steps[0]?.count ?? 0
  if (steps.length === 0) return <Empty title="Nothing in this range" />
  return (
    <ol className={classes.steps}>
      {steps.map((step, index) => {
        const before = steps[index - 1]
        const lost = before ? before.count - step.count : 0
        return (
          <li key={index} className={classes.step}>
            <div className={classes.stepHead}>
              <span className="muted">{index + 1}</span>
              <strong className="cut">{nameOf(step)}</strong>
              <span className="num" style={{ marginLeft: 'auto' }}>
                {format.number(step.count)} <span className="unit">{step.count === 1 ? 'person' : 'persons'}</span>
              </span>
              <strong className="num" style={{ minWidth: 52 }}>
                {format.percent(share(step.count, first))}
              </strong>
            </div>
            <div className={classes.track}>
              <PersonsButton
                style={{ width: `${share(step.count, first) * 100}%` }}
                onClick={() => onOpen(index + 1, `Got to step ${index + 1}: ${nameOf(step)}`)}
                aria-label={`Persons who got to step ${index + 1}`}
              />
            </div>
            {before && (
              <div className={classes.stepFoot}>
                <span>{format.percent(share(step.count, before.count))} of the step before</span>
                <PersonsButton
                  className={classes.link}
                  onClick={() => onOpen(-(index + 1), `Got no further than step ${index}: ${nameOf(before)}`)}
                  disabled={lost === 0}
                >
                  {format.number(lost)} dropped off
                </PersonsButton>
                {step.median_conversion_time !== null && (
                  <span>median {format.duration(step.median_conversion_time)}</span>
                )}
              </div>
            )}
          </li>
        )
      })}
    </ol>
  )
}

const Broken = ({ groups, onOpen }: { groups: Step[][]; onOpen: Open }) => {
  const steps = groups[0] ?? []
  return (
    <DataTable
      label="Funnels by value"
      rows={groups}
      columns={[
        { title: 'Value', of: ([first]) => format.breakdown(first?.breakdown_value) },
        ...steps.map((step, index) => ({
          title: `${index + 1} ${nameOf(step)}`,
          of: (group: Step[]) => group[index]?.count ?? 0,
          show: (group: Step[]) => (
            <PersonsButton
              className={classes.link}
              onClick={() =>
                onOpen(
                  index + 1,
                  `${format.breakdown(group[0]?.breakdown_value)}: step ${index + 1}`,
                  group[0]?.breakdown_value,
                )
              }
            >
              {format.number(group[index]?.count ?? 0)}{' '}
              {index > 0 && (
                <span className="unit">{format.percent(share(group[index]?.count ?? 0, group[0]?.count ?? 0))}</span>
              )}
            </PersonsButton>
          ),
          isNumber: true,
        })),
        {
          title: 'All the way',
          of: (group) => share(group.at(-1)?.count ?? 0, group[0]?.count ?? 0),
          show: (group) => format.percent(share(group.at(-1)?.count ?? 0, group[0]?.count ?? 0)),
          isNumber: true,
        },
      ]}
    />
  )
}
