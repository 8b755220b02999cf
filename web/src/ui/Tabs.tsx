// Small tabs in the head of a panel or a page.
import { UnstyledButton } from '@mantine/core'
import { useRef } from 'react'
import classes from './Tabs.module.css'

interface Props<V extends string> {
  label: string
  value: V
  tabs: { value: V; label: string }[]
  onChange: (value: V) => void
  isLarge?: boolean
}

export const Tabs = <V extends string>({ label, value, tabs, onChange, isLarge }: Props<V>) => {
  const list = useRef<HTMLDivElement>(null)
  const step = (by: number) => {
    const at = tabs.findIndex((tab) => tab.value === value)
    const next = tabs[(at + by + tabs.length) % tabs.length]
    if (!next) return
    onChange(next.value)
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[tabs.indexOf(next)]?.focus()
  }
  return (
    <div
      ref={list}
      className={classes.tabs}
      role="tablist"
      aria-label={label}
      data-large={isLarge || undefined}
      onKeyDown={(event) => {
        if (event.key === 'ArrowRight') step(1)
        if (event.key === 'ArrowLeft') step(-1)
      }}
    >
      {tabs.map((tab) => (
        <UnstyledButton
          key={tab.value}
          role="tab"
          aria-selected={tab.value === value}
          tabIndex={tab.value === value ? 0 : -1}
          className={classes.tab}
          data-active={tab.value === value || undefined}
          onClick={() => onChange(tab.value)}
        >
          {tab.label}
        </UnstyledButton>
      ))}
    </div>
  )
}
