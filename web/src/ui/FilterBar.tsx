// The filters of a page: the same chips everywhere.
import { ActionIcon, Button, Checkbox, CloseButton, Menu, Popover, Select, TextInput } from '@mantine/core'
import { IconFilter, IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Operator } from '~/api/types'
import { type Filter, labelOf, type Offered, OPERATORS, takesManyValues, takesNoValue } from '~/filters/model'
import * as format from '~/format/format'
import { valuesQuery } from '~/names'
import { useGroundNow, useScope } from '~/scope'
import classes from './FilterBar.module.css'
import { PropertyPicker } from './PropertyPicker'

/** The filters of the address. */
export const FilterBar = () => {
  const scope = useScope()
  return (
    <div className={classes.bar}>
      <Chips filters={scope.filters} onChange={scope.setFilters} />
      <Menu position="bottom-start" closeOnItemClick={false} width={240}>
        <Menu.Target>
          <ActionIcon aria-label="Whom to leave out" size="md">
            <IconFilter
              size={16}
              stroke={1.6}
              color={scope.withoutBots || scope.withoutTests ? 'var(--accent)' : undefined}
            />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Leave out</Menu.Label>
          <Menu.CheckboxItem checked={scope.withoutBots} onChange={scope.setWithoutBots}>
            Bots
          </Menu.CheckboxItem>
          <Menu.CheckboxItem checked={scope.withoutTests} onChange={scope.setWithoutTests}>
            Internal and test users
          </Menu.CheckboxItem>
        </Menu.Dropdown>
      </Menu>
      {scope.filters.length > 1 && (
        <Button variant="subtle" color="gray" onClick={() => scope.setFilters([])}>
          Clear
        </Button>
      )}
    </div>
  )
}

interface ChipsProps {
  filters: Filter[]
  onChange: (filters: Filter[]) => void
  /** Suggests properties of this event. */
  event?: string | null | undefined
}

export const Chips = ({ filters, onChange, event }: ChipsProps) => {
  const [draft, setDraft] = useState<Filter>()
  return (
    <>
      {filters.map((filter, index) => (
        <Chip
          key={`${index}-${filter.key}`}
          filter={filter}
          onChange={(changed) => onChange(filters.map((one, at) => (at === index ? changed : one)))}
          onRemove={() => onChange(filters.filter((_, at) => at !== index))}
        />
      ))}
      {draft && (
        <Chip
          filter={draft}
          isNew
          onChange={(made) => {
            setDraft(undefined)
            onChange([...filters, made])
          }}
          onRemove={() => setDraft(undefined)}
        />
      )}
      <PropertyPicker
        label="Add a filter"
        event={event}
        className={classes.add}
        isPlain
        onChoose={(of, key) => setDraft({ of, key, operator: 'exact', values: [] })}
      >
        <IconPlus size={14} stroke={1.6} aria-hidden /> Filter
      </PropertyPicker>
    </>
  )
}

interface ChipProps {
  filter: Filter
  onChange: (filter: Filter) => void
  onRemove: () => void
  isNew?: boolean
}

/** A value as people say it. */
const said = ({ of, key }: Filter, value: string): string => {
  if (of === 'event' && key === '$geoip_country_code') return format.country(value)
  return of === 'event_metadata' && key === 'event' ? format.eventName(value) : value
}

const Chip = ({ filter, onChange, onRemove, isNew = false }: ChipProps) => {
  const [isOpen, setOpen] = useState(isNew)
  const label = labelOf(filter.of, filter.key)
  const close = () => {
    setOpen(false)
    if (isNew) onRemove()
  }
  return (
    <Popover
      opened={isOpen}
      onChange={(open) => (open ? setOpen(true) : close())}
      position="bottom-start"
      trapFocus
      width={320}
    >
      <span className={classes.chip}>
        <Popover.Target>
          <button type="button" className={classes.said} onClick={() => (isOpen ? close() : setOpen(true))}>
            <span className="hidden">Change the filter: </span>
            <span>{label}</span> <span className="muted">{OPERATORS[filter.operator as Offered]}</span>{' '}
            <span className="cut">{filter.values.map((value) => said(filter, value)).join(', ')}</span>
          </button>
        </Popover.Target>
        <CloseButton size="xs" onClick={onRemove} aria-label={`Remove the filter ${label}`} />
      </span>
      <Popover.Dropdown>
        <Editor
          filter={filter}
          onDone={(changed) => {
            setOpen(false)
            onChange(changed)
          }}
        />
      </Popover.Dropdown>
    </Popover>
  )
}

const Editor = ({ filter, onDone }: { filter: Filter; onDone: (filter: Filter) => void }) => {
  const [operator, setOperator] = useState<Operator>(filter.operator)
  const [values, setValues] = useState(filter.values)
  const isDone = takesNoValue(operator) || values.some((value) => value !== '')
  return (
    <form
      className={classes.editor}
      onSubmit={(event) => {
        event.preventDefault()
        if (isDone) onDone({ ...filter, operator, values: takesNoValue(operator) ? [] : values })
      }}
    >
      <div className={classes.comparison}>
        <strong className="cut">{labelOf(filter.of, filter.key)}</strong>
        <Select
          w={150}
          aria-label="How it is compared"
          data={Object.entries(OPERATORS).map(([value, label]) => ({ value, label }))}
          value={operator}
          allowDeselect={false}
          maxDropdownHeight={360}
          comboboxProps={{ withinPortal: false, shadow: 'none' }}
          onChange={(chosen) => chosen && setOperator(chosen as Offered)}
        />
      </div>
      {takesManyValues(operator) && <Values filter={filter} values={values} onChange={setValues} />}
      {!takesManyValues(operator) && !takesNoValue(operator) && (
        <TextInput
          aria-label="Value"
          value={values[0] ?? ''}
          onChange={(event) => setValues([event.currentTarget.value])}
          data-autofocus
        />
      )}
      <Button type="submit" disabled={!isDone}>
        Apply
      </Button>
    </form>
  )
}

interface ValuesProps {
  filter: Filter
  values: string[]
  onChange: (values: string[]) => void
}

const OFFERED = 50

/** Any of several: those that there are, and what somebody types. */
const Values = ({ filter, values, onChange }: ValuesProps) => {
  const { project } = useGroundNow()
  const [search, setSearch] = useState('')
  const known = useQuery(valuesQuery(project.team, filter.of, filter.key))
  const typed = search.trim()
  const counts = new Map((known.data ?? []).map(({ value, total }) => [String(value), total]))
  const all = [...new Set([...filter.values, ...values, ...counts.keys()])]
  const found = all
    .filter((value) => `${value} ${said(filter, value)}`.toLowerCase().includes(typed.toLowerCase()))
    .slice(0, OFFERED)
  const offered = typed !== '' && !all.includes(typed) ? [...found, typed] : found
  const toggle = (value: string) =>
    onChange(values.includes(value) ? values.filter((one) => one !== value) : [...values, value])
  return (
    <>
      <TextInput
        aria-label="Search values"
        placeholder="Search or type a value"
        value={search}
        data-autofocus
        onChange={(event) => setSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || typed === '') return
          event.preventDefault()
          // What is meant is what was typed, unless only one value has it in it.
          const chosen = found.length === 1 ? (found[0] ?? typed) : typed
          if (!values.includes(chosen)) onChange([...values, chosen])
          setSearch('')
        }}
      />
      <ul className={classes.values} aria-label="Values">
        {offered.map((value) => (
          <li key={value}>
            <label className={classes.value}>
              <Checkbox size="xs" checked={values.includes(value)} onChange={() => toggle(value)} />
              <span className="cut">{said(filter, value)}</span>
              <span className="unit">{counts.has(value) ? format.compact(counts.get(value)) : ''}</span>
            </label>
          </li>
        ))}
        {offered.length === 0 && <li className="muted">{known.isFetching ? 'Looking…' : 'No values in two weeks'}</li>}
      </ul>
    </>
  )
}
