// What retention, paths and visits have of their own.
import { Checkbox, NumberInput, SegmentedControl, Select, Switch, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { PathType, RetentionPeriod } from '~/api/types'
import { eventsQuery, valuesQuery } from '~/names'
import { useGroundNow } from '~/scope'
import { Picker } from '~/ui/Picker'
import classes from './Insights.module.css'
import {
  MOST_SPANS,
  MOST_STEPS,
  PATH_TYPES,
  PERIODS,
  type Question,
  TABLES,
  USUAL_SPANS,
  USUAL_STEPS,
} from './question'

interface Props {
  question: Question
  onChange: (question: Question) => void
}

const COMING = [
  { value: 'each', label: 'In each span in which they came' },
  { value: 'first', label: 'In the span of the first time' },
  { value: 'ever', label: 'In the span of the first time ever' },
]

export const RetentionRules = ({ question, onChange }: Props) => (
  <>
    <div className={classes.part}>
      <span className={classes.legend}>A span is</span>
      <SegmentedControl
        fullWidth
        aria-label="How long a span is"
        value={question.period ?? 'Day'}
        data={[...PERIODS]}
        onChange={(period) =>
          onChange({ ...question, period: period === 'Day' ? undefined : (period as RetentionPeriod) })
        }
      />
    </div>
    <NumberInput
      size="xs"
      label="Spans that are followed"
      min={2}
      max={MOST_SPANS}
      clampBehavior="blur"
      value={question.spans ?? USUAL_SPANS}
      onChange={(spans) =>
        typeof spans === 'number' && spans >= 2 && spans <= MOST_SPANS && onChange({ ...question, spans })
      }
    />
    <Select
      label="Persons count"
      data={COMING}
      value={question.who ?? 'each'}
      allowDeselect={false}
      onChange={(who) => onChange({ ...question, who: who === 'first' || who === 'ever' ? who : undefined })}
    />
    <Switch
      label="Then or later"
      description="Who came again in a span or in any after it"
      checked={question.isCumulative ?? false}
      onChange={(event) => onChange({ ...question, isCumulative: event.currentTarget.checked || undefined })}
    />
  </>
)

export const PathRules = ({ question, onChange }: Props) => {
  const types = question.types ?? ['$pageview', '$screen']
  return (
    <>
      <Checkbox.Group
        label="Ways lead over"
        value={types}
        onChange={(chosen) => chosen.length > 0 && onChange({ ...question, types: chosen as PathType[] })}
      >
        <div className={classes.checks}>
          {Object.entries(PATH_TYPES).map(([value, label]) => (
            <Checkbox key={value} size="xs" value={value} label={label} />
          ))}
        </div>
      </Checkbox.Group>
      <Item
        label="Begin at"
        none="Anywhere"
        value={question.start}
        onChange={(start) => onChange({ ...question, start })}
      />
      <Item label="End at" none="Anywhere" value={question.end} onChange={(end) => onChange({ ...question, end })} />
      <TagsInput
        size="xs"
        label="Leave out"
        placeholder={question.without?.length ? '' : 'A page or an event'}
        value={question.without ?? []}
        onChange={(without) => onChange({ ...question, without: without.length > 0 ? without : undefined })}
      />
      <NumberInput
        size="xs"
        label="Steps"
        min={2}
        max={MOST_STEPS}
        clampBehavior="blur"
        value={question.steps ?? USUAL_STEPS}
        onChange={(steps) =>
          typeof steps === 'number' && steps >= 2 && steps <= MOST_STEPS && onChange({ ...question, steps })
        }
      />
    </>
  )
}

const ANY = '\u0000'

interface ItemProps {
  label: string
  none: string
  value: string | undefined
  onChange: (value: string | undefined) => void
}

/** An address or an event, as ways have them. */
const Item = ({ label, none, value, onChange }: ItemProps) => {
  const { project } = useGroundNow()
  const pages = useQuery(valuesQuery(project.team, 'event', '$current_url'))
  const events = useQuery(eventsQuery(project.team))
  const addresses = new Set((pages.data ?? []).map((page) => page.value.replace(/\/$/, '')))
  return (
    <div className={classes.part}>
      <span className={classes.legend}>{label}</span>
      <div className={classes.line}>
        <Picker
          label={label}
          value={value ?? ANY}
          takesText
          isLoading={pages.isFetching || events.isFetching}
          groups={[
            { label: none, choices: [{ value: ANY, label: none }] },
            { label: 'Pages', choices: [...addresses].map((address) => ({ value: address, label: address })) },
            {
              label: 'Events',
              choices: (events.data ?? [])
                .filter(({ event }) => !event.startsWith('$'))
                .map(({ event }) => ({ value: event, label: event })),
            },
          ]}
          onChoose={(chosen) => onChange(chosen === ANY ? undefined : chosen)}
        >
          {value ? <span className="cut">{value}</span> : <span className="muted">{none}</span>}
        </Picker>
      </div>
    </div>
  )
}

const FIGURES_ALONE = 'none'

export const WebRules = ({ question, onChange }: Props) => (
  <Select
    label="Visits by"
    data={[
      { value: FIGURES_ALONE, label: 'Nothing: figures alone' },
      ...Object.entries(TABLES).map(([value, label]) => ({ value, label })),
    ]}
    value={question.table ?? FIGURES_ALONE}
    allowDeselect={false}
    maxDropdownHeight={360}
    onChange={(table) =>
      onChange({
        ...question,
        table: table === FIGURES_ALONE ? undefined : ((table ?? undefined) as Question['table']),
      })
    }
  />
)
