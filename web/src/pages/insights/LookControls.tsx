// How an answer is drawn, and how long its points are.
import { SegmentedControl, Select } from '@mantine/core'
import type { Interval } from '~/api/types'
import { intervalsOf } from '~/filters/range'
import type { Look, Question } from './question'
import classes from './Insights.module.css'
import { intervalOf, type ViewProps } from './view'

const LOOKS: { value: Look; label: string }[] = [
  { value: 'line', label: 'Lines' },
  { value: 'area', label: 'Areas' },
  { value: 'bar', label: 'Columns' },
  { value: 'stack', label: 'Stacked' },
  { value: 'total', label: 'Totals' },
  { value: 'number', label: 'Number' },
]

export const IntervalControl = ({ scope, question, onChange }: Pick<ViewProps, 'scope' | 'question' | 'onChange'>) => (
  <SegmentedControl
    aria-label="How long a point is"
    value={intervalOf(question, scope)}
    data={intervalsOf(scope.range).map((value) => ({ value, label: value.slice(0, 1).toUpperCase() + value.slice(1) }))}
    onChange={(interval) => onChange({ ...question, interval: interval as Interval })}
  />
)

export const LookControls = (props: Pick<ViewProps, 'scope' | 'question' | 'onChange'>) => {
  const { question, onChange } = props
  const look = question.look ?? 'line'
  const change = (changed: Partial<Question>) => onChange({ ...question, ...changed })
  return (
    <div className={classes.head}>
      <div>
        <Select
          w={112}
          aria-label="How it is drawn"
          data={LOOKS}
          value={look}
          allowDeselect={false}
          onChange={(value) =>
            change({ look: value === 'line' ? undefined : ((value ?? undefined) as Look | undefined) })
          }
        />
        {(look === 'line' || look === 'area') && (
          <Select
            w={124}
            aria-label="Whether values add up"
            data={[
              { value: 'each', label: 'Each point' },
              { value: 'sum', label: 'Cumulative' },
            ]}
            value={question.isCumulative ? 'sum' : 'each'}
            allowDeselect={false}
            onChange={(value) => change({ isCumulative: value === 'sum' || undefined })}
          />
        )}
      </div>
      {look !== 'total' && look !== 'number' && <IntervalControl {...props} />}
    </div>
  )
}
