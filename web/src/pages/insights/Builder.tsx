// What is asked: series, breakdown, formula, and what a kind has of its own.
import { ActionIcon, Button, NumberInput, SegmentedControl, Select, Switch, TextInput, Tooltip } from '@mantine/core'
import { IconCopy, IconPlus, IconTrash } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import type { Math } from '~/api/types'
import { colourOf } from '~/charts/palette'
import { labelOf } from '~/filters/model'
import { Chips } from '~/ui/FilterBar'
import { EventPicker } from '~/ui/EventPicker'
import { PropertyPicker } from '~/ui/PropertyPicker'
import { PathRules, RetentionRules, WebRules } from './BuilderRules'
import classes from './Insights.module.css'
import {
  type Asked,
  filtersOfSeries,
  isOfNumber,
  type KindName,
  letter,
  MATHS,
  type Question,
  withSeriesFilters,
} from './question'

interface Props {
  kind: KindName
  question: Question
  onChange: (question: Question) => void
}

const MOST: Record<KindName, number> = {
  trends: 26,
  funnels: 20,
  retention: 2,
  paths: 0,
  lifecycle: 1,
  stickiness: 26,
  'web-overview': 0,
}
const NAMES: Record<KindName, [string, string]> = {
  trends: ['Series', 'Add a series'],
  funnels: ['Steps', 'Add a step'],
  retention: ['What counts as coming', 'Another event for coming again'],
  paths: ['', ''],
  lifecycle: ['What counts as coming', ''],
  stickiness: ['Series', 'Add a series'],
  'web-overview': ['', ''],
}

export const Builder = ({ kind, question, onChange }: Props) => {
  const { series } = question
  const shown = series.slice(0, MOST[kind])
  const put = (changed: Asked[]) => onChange({ ...question, series: changed })
  const [heading, add] = NAMES[kind]
  return (
    <form className={classes.builder} aria-label="What is asked" onSubmit={(event) => event.preventDefault()}>
      {MOST[kind] > 0 && (
        <fieldset className={classes.part}>
          <legend>{heading}</legend>
          {shown.map((asked, index) => (
            <Series
              key={index}
              kind={kind}
              asked={asked}
              index={index}
              isOnly={series.length === 1}
              onChange={(changed) => put(series.map((one, at) => (at === index ? changed : one)))}
              onCopy={() => put([...series.slice(0, index + 1), asked, ...series.slice(index + 1)])}
              onRemove={() => put(series.filter((_, at) => at !== index))}
            />
          ))}
          {series.length < MOST[kind] && (
            <Button
              variant="default"
              leftSection={<IconPlus size={14} stroke={1.6} />}
              onClick={() => put([...series, { event: '$pageview' }])}
            >
              {add}
            </Button>
          )}
        </fieldset>
      )}
      {kind === 'trends' && <Formula question={question} onChange={onChange} />}
      {(kind === 'trends' || kind === 'funnels' || kind === 'retention') && (
        <Breakdown question={question} onChange={onChange} />
      )}
      {kind === 'funnels' && <FunnelRules question={question} onChange={onChange} />}
      {kind === 'retention' && <RetentionRules question={question} onChange={onChange} />}
      {kind === 'paths' && <PathRules question={question} onChange={onChange} />}
      {kind === 'web-overview' && <WebRules question={question} onChange={onChange} />}
      {kind === 'stickiness' && (
        <Switch
          label="Count spans or more"
          description="As many or more, instead of exactly as many"
          checked={question.isCumulative ?? false}
          onChange={(event) => onChange({ ...question, isCumulative: event.currentTarget.checked || undefined })}
        />
      )}
    </form>
  )
}

interface SeriesProps {
  kind: KindName
  asked: Asked
  index: number
  isOnly: boolean
  onChange: (asked: Asked) => void
  onCopy: () => void
  onRemove: () => void
}

const Series = ({ kind, asked, index, isOnly, onChange, onCopy, onRemove }: SeriesProps) => {
  const name =
    kind === 'funnels'
      ? `Step ${index + 1}`
      : kind === 'retention'
        ? (['Coming', 'Coming again'][index] ?? '')
        : `Series ${letter(index)}`
  // One event, or two with a meaning of their own.
  const isNamed = kind === 'lifecycle' || kind === 'retention'
  return (
    <div className={classes.series} role="group" aria-label={name}>
      <div className={classes.line}>
        {!isNamed && (
          <span className={classes.letter} style={kind === 'funnels' ? undefined : { color: colourOf(index) }}>
            {kind === 'funnels' ? index + 1 : letter(index)}
          </span>
        )}
        <EventPicker
          event={asked.event}
          onChange={(event) => onChange({ ...asked, event })}
          label={`Event of ${name}`}
        />
        {(!isNamed || index > 0) && (
          <span className={classes.tools}>
            {!isNamed && (
              <Tooltip label="Copy">
                <ActionIcon size={24} onClick={onCopy} aria-label={`Copy ${name}`}>
                  <IconCopy size={14} stroke={1.6} />
                </ActionIcon>
              </Tooltip>
            )}
            <Tooltip label="Remove">
              <ActionIcon size={24} onClick={onRemove} disabled={isOnly} aria-label={`Remove ${name}`}>
                <IconTrash size={14} stroke={1.6} />
              </ActionIcon>
            </Tooltip>
          </span>
        )}
      </div>
      {kind === 'trends' && <MathOf asked={asked} name={name} onChange={onChange} />}
      <div className={classes.filters} data-flush={isNamed || undefined}>
        <Chips
          filters={filtersOfSeries(asked)}
          event={asked.event}
          onChange={(filters) => onChange(withSeriesFilters(asked, filters))}
        />
      </div>
    </div>
  )
}

const MathOf = ({ asked, name, onChange }: { asked: Asked; name: string; onChange: (asked: Asked) => void }) => (
  <div className={classes.math}>
    <Select
      aria-label={`What is computed of ${name}`}
      data={[
        { group: 'Counts', items: MATHS.filter((one) => !one.of) },
        { group: 'Of a number', items: MATHS.filter((one) => one.of) },
      ].map(({ group, items }) => ({ group, items: items.map(({ value, label }) => ({ value, label })) }))}
      value={asked.math ?? 'total'}
      allowDeselect={false}
      maxDropdownHeight={360}
      onChange={(math) =>
        onChange({ ...asked, math: math === 'total' ? undefined : ((math ?? undefined) as Math | undefined) })
      }
    />
    {isOfNumber(asked.math) && (
      <PropertyPicker
        label={`Number of ${name}`}
        event={asked.event}
        isWithoutColumns
        onChoose={(of, key) => onChange({ ...asked, property: key, of: of === 'person' ? 'person' : undefined })}
      >
        <span className="cut">
          {asked.property ? labelOf('event', asked.property) : <span className="muted">Choose a property</span>}
        </span>
      </PropertyPicker>
    )}
  </div>
)

const Formula = ({ question, onChange }: { question: Question; onChange: (question: Question) => void }) => {
  const [text, setText] = useState(question.formula ?? '')
  useEffect(() => setText(question.formula ?? ''), [question.formula])
  const apply = () =>
    text.trim() !== (question.formula ?? '') && onChange({ ...question, formula: text.trim() || undefined })
  return (
    <TextInput
      label="Formula"
      placeholder={question.series.length > 1 ? 'A / B * 100' : 'A * 2'}
      value={text}
      spellCheck={false}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={(event) => event.key === 'Enter' && apply()}
    />
  )
}

const Breakdown = ({ question, onChange }: { question: Question; onChange: (question: Question) => void }) => (
  <div className={classes.part}>
    <span className={classes.legend}>Breakdown</span>
    <div className={classes.line}>
      <PropertyPicker label="Break down by" onChoose={(of, key) => onChange({ ...question, breakdown: { of, key } })}>
        {question.breakdown ? (
          <span className="cut">{labelOf(question.breakdown.of, question.breakdown.key)}</span>
        ) : (
          <span className="muted">None</span>
        )}
      </PropertyPicker>
      {question.breakdown && (
        <Button variant="subtle" color="gray" onClick={() => onChange({ ...question, breakdown: undefined })}>
          Clear
        </Button>
      )}
    </div>
  </div>
)

const UNITS = [
  { value: 'minute', label: 'minutes' },
  { value: 'hour', label: 'hours' },
  { value: 'day', label: 'days' },
  { value: 'week', label: 'weeks' },
]

const FunnelRules = ({ question, onChange }: { question: Question; onChange: (question: Question) => void }) => (
  <>
    <div className={classes.part}>
      <span className={classes.legend}>Steps are done</span>
      <SegmentedControl
        fullWidth
        aria-label="Order of steps"
        value={question.order ?? 'ordered'}
        data={[
          { value: 'ordered', label: 'In order' },
          { value: 'strict', label: 'Back to back' },
          { value: 'unordered', label: 'Any order' },
        ]}
        onChange={(order) =>
          onChange({ ...question, order: order === 'ordered' ? undefined : (order as 'strict' | 'unordered') })
        }
      />
    </div>
    <div className={classes.part}>
      <span className={classes.legend}>Within, of the first step</span>
      <div className={classes.line}>
        <NumberInput
          size="xs"
          w={80}
          min={1}
          max={365}
          aria-label="Window"
          value={question.window ?? 14}
          onChange={(value) => typeof value === 'number' && value >= 1 && onChange({ ...question, window: value })}
        />
        <Select
          w={110}
          aria-label="Unit of the window"
          data={UNITS}
          value={question.unit ?? 'day'}
          allowDeselect={false}
          onChange={(unit) =>
            onChange({
              ...question,
              window: question.window ?? 14,
              unit: unit === 'day' ? undefined : (unit as 'minute' | 'hour' | 'week'),
            })
          }
        />
      </div>
    </div>
  </>
)
