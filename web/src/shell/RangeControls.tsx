// When: a range of time, and what it is compared with.
import { Menu, Popover, UnstyledButton } from '@mantine/core'
import { IconCalendar, IconCheck, IconChevronDown } from '@tabler/icons-react'
import { lazy, Suspense, useState } from 'react'
import type { Comparison, RangeName, Resolved } from '~/filters/range'
import { PRESETS } from '~/filters/range'
import { partsOf } from '~/format/civil'
import * as format from '~/format/format'
import { type Ground, GroundProvider, useScope } from '~/scope'
import classes from './RangeControls.module.css'

const Calendar = lazy(() => import('./Calendar'))

export const RangeControls = ({ ground }: { ground: Ground }) => (
  <GroundProvider value={ground}>
    <Controls />
  </GroundProvider>
)

/** How a range is said. */
export const said = (name: RangeName, range: Resolved): string => {
  if (Object.hasOwn(PRESETS, name)) return PRESETS[name as keyof typeof PRESETS]
  const thisYear = new Date().getFullYear()
  const [from, to] = [format.day(range.from, thisYear), format.day(range.to, thisYear)]
  if (!range.isExact) return from === to ? from : `${from} – ${to}`
  const clock = (civil: string) => {
    const { hour, minute } = partsOf(civil)
    return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
  }
  return `${from}, ${clock(range.from)} – ${from === to ? '' : `${to}, `}${clock(range.to)}`
}

const Controls = () => {
  const scope = useScope()
  const [isOpen, setOpen] = useState(false)
  const choose = (name: RangeName) => {
    scope.setRange(name)
    setOpen(false)
  }
  return (
    <div className={classes.controls}>
      <Popover opened={isOpen} onChange={setOpen} position="bottom-end" trapFocus>
        <Popover.Target>
          <UnstyledButton className={classes.button} onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
            <IconCalendar size={15} stroke={1.6} aria-hidden />
            <span className="hidden">Range: </span>
            <span>{said(scope.rangeName, scope.range)}</span>
            <IconChevronDown size={13} stroke={1.6} aria-hidden />
          </UnstyledButton>
        </Popover.Target>
        <Popover.Dropdown p={0} className={classes.dropdown}>
          <div className={classes.presets}>
            {Object.entries(PRESETS).map(([name, label]) => (
              <UnstyledButton
                key={name}
                className={classes.preset}
                data-active={name === scope.rangeName || undefined}
                onClick={() => choose(name as RangeName)}
              >
                {label}
              </UnstyledButton>
            ))}
          </div>
          <div className={classes.calendar}>
            <Suspense fallback={<div className={classes.waiting} />}>
              <Calendar range={scope.range} onChoose={choose} />
            </Suspense>
            <div className="unit">Time zone of the project: {scope.zone}</div>
          </div>
        </Popover.Dropdown>
      </Popover>
      <Compare comparison={scope.comparison} onChange={scope.setComparison} />
    </div>
  )
}

const COMPARISONS: [Comparison | undefined, string][] = [
  [undefined, 'No comparison'],
  ['previous', 'Period before'],
  ['year', 'Year before'],
]

const Compare = ({
  comparison,
  onChange,
}: {
  comparison: Comparison | undefined
  onChange: (to: Comparison | undefined) => void
}) => (
  <Menu width={180}>
    <Menu.Target>
      <UnstyledButton className={classes.button} data-active={comparison ? true : undefined}>
        <span>{comparison === 'year' ? 'vs year before' : comparison ? 'vs before' : 'Compare'}</span>
        <IconChevronDown size={13} stroke={1.6} aria-hidden />
      </UnstyledButton>
    </Menu.Target>
    <Menu.Dropdown>
      {COMPARISONS.map(([value, label]) => (
        <Menu.Item
          key={label}
          onClick={() => onChange(value)}
          rightSection={value === comparison && <IconCheck size={14} />}
        >
          {label}
        </Menu.Item>
      ))}
    </Menu.Dropdown>
  </Menu>
)
