// A part of a page that has an answer of its own: its head, its menu (table, SQL, file), and its four states.
//
// Its height is the same whatever it shows, so that nothing jumps.
import { ActionIcon, Button, Menu, Skeleton } from '@mantine/core'
import { IconDots, IconDownload, IconTable, IconTerminal2 } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import * as format from '~/format/format'
import type { ColumnOf } from './DataTable'
import { fileName, save, toCsv } from './csv'
import classes from './Panel.module.css'
import { Empty, Trouble } from './States'

// Only those who ask for them load them.
const DataTable = lazy(() => import('./DataTable').then((parts) => ({ default: parts.DataTable<unknown> })))
const SqlView = lazy(() => import('./SqlView').then((parts) => ({ default: parts.SqlView })))

interface TableOf<R> {
  columns: ColumnOf<R>[]
  rows: R[]
}

/** A table, whatever its rows are. */
export type Table = TableOf<unknown>

export const tableOf = <R,>(table: TableOf<R>): Table => table as unknown as Table

export interface PanelProps<T> {
  title: string
  /** Beside the title: tabs, or what is chosen. */
  head?: ReactNode
  query: Pick<
    UseQueryResult<T>,
    'data' | 'error' | 'isFetching' | 'isPlaceholderData' | 'refetch' | 'fetchStatus' | 'isEnabled'
  >
  height?: number
  /** What is drawn while nothing is there. */
  skeleton?: ReactNode
  sql?: ((data: T) => string[]) | undefined
  table?: ((data: T) => Table) | undefined
  isEmpty?: (data: T) => boolean
  empty?: { title: string; text?: string; action?: ReactNode }
  children: (data: T) => ReactNode
  /** More of the menu. */
  menu?: ReactNode
  /** A table goes from edge to edge. */
  isFlush?: boolean
  /** As high as what it stands in; what is more can be scrolled to. */
  isFilling?: boolean
  /** Without statements: not everybody may run them. */
  canHideSql?: boolean
}

export const Panel = <T,>(props: PanelProps<T>) => {
  const { title, head, query, height, children, table, isEmpty, isFlush } = props
  const sql = props.canHideSql ? undefined : props.sql
  const [isTable, setTable] = useState(false)
  const [isSql, setSql] = useState(false)
  const { data } = query
  return (
    <section
      className={classes.panel}
      aria-label={title}
      aria-busy={query.isFetching}
      data-filling={props.isFilling || undefined}
    >
      <header className={classes.header}>
        <h2 className={head ? 'hidden' : classes.title}>{title}</h2>
        {head}
        <div className={classes.end}>
          <Waiting isWaiting={query.isFetching} />
          {(sql || table || props.menu) && (
            <Menu>
              <Menu.Target>
                <ActionIcon aria-label={`More about ${title}`} size="sm">
                  <IconDots size={16} stroke={1.6} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                {props.menu}
                {table && (
                  <Menu.Item
                    disabled={!data}
                    leftSection={<IconTable size={15} stroke={1.6} />}
                    onClick={() => setTable(!isTable)}
                  >
                    {isTable ? 'Hide the table' : 'Show the table'}
                  </Menu.Item>
                )}
                {sql && (
                  <Menu.Item
                    disabled={!data}
                    leftSection={<IconTerminal2 size={15} stroke={1.6} />}
                    onClick={() => setSql(true)}
                  >
                    Show the SQL
                  </Menu.Item>
                )}
                {table && (
                  <Menu.Item
                    disabled={!data}
                    leftSection={<IconDownload size={15} stroke={1.6} />}
                    onClick={() => data && download(title, table(data))}
                  >
                    Save as CSV
                  </Menu.Item>
                )}
              </Menu.Dropdown>
            </Menu>
          )}
        </div>
      </header>
      <div
        className={classes.body}
        style={{ minHeight: height }}
        tabIndex={props.isFilling ? 0 : undefined}
        data-stale={query.isPlaceholderData || undefined}
        data-flush={isFlush || undefined}
      >
        <Content {...props} isEmptyNow={data !== undefined && Boolean(isEmpty?.(data))}>
          {children}
        </Content>
      </div>
      {isTable && data !== undefined && table && (
        <div className={classes.table}>
          <Suspense fallback={<Skeleton height={200} />}>
            <DataTable {...table(data)} label={`Table of ${title}`} height={420} />
          </Suspense>
        </div>
      )}
      {isSql && data !== undefined && sql && <SqlView title={title} sql={sql(data)} onClose={() => setSql(false)} />}
    </section>
  )
}

const Content = <T,>({
  query,
  height,
  skeleton,
  children,
  isEmptyNow,
  empty,
  title,
}: PanelProps<T> & { isEmptyNow: boolean }) => {
  const { data, error, refetch } = query
  if (error && data === undefined)
    return <Trouble error={error} retry={() => void refetch()} what={`“${title}” could not be shown`} />
  if (data === undefined && query.fetchStatus === 'idle' && query.isEnabled)
    return (
      <Empty
        title="Stopped"
        action={
          <Button variant="default" onClick={() => void refetch()}>
            Ask again
          </Button>
        }
      />
    )
  if (data === undefined) return skeleton ?? <Skeleton height={height ?? 200} />
  return (
    <>
      {error && (
        <Trouble
          error={error}
          retry={() => void refetch()}
          what="This is from before; newer data could not be fetched"
        />
      )}
      {isEmptyNow ? (
        <Empty title={empty?.title ?? 'Nothing in this range'} action={empty?.action}>
          {empty?.text}
        </Empty>
      ) : (
        children(data)
      )}
    </>
  )
}

const download = (title: string, { columns, rows }: Table) =>
  save(
    fileName(title),
    toCsv(
      columns.map((column) => column.title),
      rows.map((row) => columns.map((column) => column.of(row))),
    ),
  )

/** Time spent, once it is long. */
export const Waiting = ({ isWaiting }: { isWaiting: boolean }) => {
  const [seconds, setSeconds] = useState(0)
  useEffect(() => {
    setSeconds(0)
    if (!isWaiting) return
    const begun = Date.now()
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - begun) / 1000)), 1000)
    return () => clearInterval(timer)
  }, [isWaiting])
  return seconds >= 2 ? (
    <span className="unit" role="status">
      {format.duration(seconds)}
    </span>
  ) : null
}
