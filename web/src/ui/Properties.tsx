// Properties by name, to search, to copy, and to filter by.
import { ActionIcon, CopyButton, TextInput } from '@mantine/core'
import { IconCheck, IconCopy, IconFilter } from '@tabler/icons-react'
import { useState } from 'react'
import { labelOf } from '~/filters/model'
import * as format from '~/format/format'
import classes from './Properties.module.css'

interface Props {
  title: string
  properties: Record<string, unknown>
  /** As given; by name where nothing is said. */
  isOrdered?: boolean
  onPick?: ((key: string, value: string) => void) | undefined
}

/** More than these can be searched in. */
const MANY = 12

/** What the application sends itself stands before what SDKs add. */
const rank = (key: string) => (key.startsWith('$initial_') ? 2 : key.startsWith('$') ? 1 : 0)

const isSimple = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

export const Properties = ({ title, properties, isOrdered, onPick }: Props) => {
  const [search, setSearch] = useState('')
  const all = Object.entries(properties)
  const sorted = isOrdered
    ? all
    : [...all].sort(([one], [other]) => rank(one) - rank(other) || one.localeCompare(other))
  const wanted = search.trim().toLowerCase()
  const shown = sorted.filter(([key, value]) =>
    `${key} ${labelOf('event', key)} ${format.value(value)}`.toLowerCase().includes(wanted),
  )
  return (
    <section className={classes.section}>
      <header className={classes.head}>
        <h3>
          {title} <span className="unit">{isOrdered ? '' : all.length}</span>
        </h3>
        {all.length > MANY && (
          <TextInput
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            placeholder="Search"
            aria-label={`Search in ${title}`}
          />
        )}
      </header>
      {all.length === 0 && <p className="muted">None.</p>}
      <dl className={classes.list}>
        {shown.map(([key, value]) => (
          <div key={key} className={classes.row}>
            <dt title={key}>
              {labelOf('event', key)}
              {labelOf('event', key) !== key && <span className={`unit ${classes.key}`}>{key}</span>}
            </dt>
            <dd className={classes.value} data-kind={value === null || value === undefined ? 'none' : typeof value}>
              {typeof value === 'object' && value !== null ? (
                <pre>{JSON.stringify(value, null, 2)}</pre>
              ) : (
                format.value(value)
              )}
            </dd>
            <dd className={classes.tools}>
              {onPick && isSimple(value) && (
                <ActionIcon
                  size={24}
                  onClick={() => onPick(key, String(value))}
                  aria-label={`Only events with this ${key}`}
                >
                  <IconFilter size={14} stroke={1.6} />
                </ActionIcon>
              )}
              <CopyButton value={format.value(value)}>
                {({ copied, copy }) => (
                  <ActionIcon size={24} onClick={copy} aria-label={`Copy ${key}`}>
                    {copied ? <IconCheck size={14} stroke={1.6} /> : <IconCopy size={14} stroke={1.6} />}
                  </ActionIcon>
                )}
              </CopyButton>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
