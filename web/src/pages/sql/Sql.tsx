// The SQL console: ask, look, ask again.
import { ActionIcon, Button, Drawer, Skeleton, Tooltip } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import {
  IconBookmark,
  IconDeviceFloppy,
  IconDownload,
  IconHistory,
  IconPlayerPlay,
  IconPlayerStop,
  IconSchema,
  IconTrash,
} from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { useMay } from '~/api/access'
import { askCsv, askSql, name, type Row } from '~/api/sql'
import * as format from '~/format/format'
import { useScope } from '~/scope'
import { Waiting } from '~/ui/Panel'
import { Page } from '~/ui/Page'
import { fileName, save } from '~/ui/csv'
import { Empty, Trouble } from '~/ui/States'
import { Tabs } from '~/ui/Tabs'
import { Results } from './Results'
import { ResultChart } from './ResultChart'
import { queryOf, SavedQueries, SaveQuery } from './SavedQueries'
import { type Schema, schemaQuery } from './schema'
import classes from './Sql.module.css'

const Editor = lazy(() => import('./Editor'))

interface Past {
  sql: string
  at: number
  rows: number | null
  milliseconds: number
}

interface Answer {
  sql: string
  rows: Row[]
  milliseconds: number
}

const REMEMBERED = 100

const usual = (team: number) => `SELECT event, count(*) AS events, count(DISTINCT person_id) AS persons
FROM events
WHERE team_id = ${team}
  AND timestamp >= now() - INTERVAL '7 days'
GROUP BY event
ORDER BY events DESC
LIMIT 100`

const Sql = () => {
  const scope = useScope()
  const { q, show } = useSearch({ from: '/app/sql' })
  const navigate = useNavigate({ from: '/sql' })
  const [text, setText] = useState(q ?? usual(scope.team))
  const [panel, setPanel] = useState<'history' | 'saved' | 'save' | 'tables'>()
  const canSave = useMay('save') && scope.team > 0
  const schema = useQuery(schemaQuery)
  const asking = useAsking()
  const run = (sql: string) => {
    void navigate({ search: (old) => ({ ...old, q: sql }), replace: q === undefined, resetScroll: false })
    void asking.run(sql)
  }
  // A link that somebody was given is run at once; so is what the page begins with.
  useEffect(() => {
    void asking.run(text)
  }, [])
  useEffect(() => {
    if (q !== undefined && q !== text) setText(q)
  }, [q])
  const { answer, error, isRunning } = asking
  return (
    <Page
      title="SQL"
      end={
        <div className={classes.actions}>
          <Waiting isWaiting={isRunning} />
          {isRunning ? (
            <Button color="gray" variant="default" leftSection={<IconPlayerStop size={14} />} onClick={asking.stop}>
              Stop
            </Button>
          ) : (
            <Button
              leftSection={<IconPlayerPlay size={14} />}
              rightSection={<kbd className={classes.key}>Ctrl ↵</kbd>}
              onClick={() => run(text)}
            >
              Run
            </Button>
          )}
          <Button variant="default" leftSection={<IconSchema size={14} />} onClick={() => setPanel('tables')}>
            Tables
          </Button>
          <Button variant="default" leftSection={<IconHistory size={14} />} onClick={() => setPanel('history')}>
            History
          </Button>
          {canSave && (
            <Button variant="default" leftSection={<IconDeviceFloppy size={14} />} onClick={() => setPanel('save')}>
              Save
            </Button>
          )}
          {scope.team > 0 && (
            <Button variant="default" leftSection={<IconBookmark size={14} />} onClick={() => setPanel('saved')}>
              Saved
            </Button>
          )}
        </div>
      }
    >
      <div className={classes.editor}>
        <Suspense fallback={<pre className={classes.waiting}>{text}</pre>}>
          <Editor value={text} onChange={setText} onRun={run} schema={schema.data} />
        </Suspense>
      </div>
      <section className={classes.results} aria-label="Answer" aria-busy={isRunning}>
        {error && <Trouble error={error} what="The question was not answered" />}
        {!answer && isRunning && <Skeleton height={240} />}
        {answer && !error && (
          <div data-stale={isRunning || undefined} className={classes.answer}>
            <header className={classes.head}>
              <Tabs
                label="How the answer is shown"
                value={show === 'chart' ? 'chart' : 'table'}
                tabs={[
                  { value: 'table', label: 'Table' },
                  { value: 'chart', label: 'Chart' },
                ]}
                onChange={(value) =>
                  void navigate({
                    search: (old) => ({ ...old, show: value === 'chart' ? 'chart' : undefined }),
                    replace: true,
                    resetScroll: false,
                  })
                }
              />
              <span className="unit">
                {format.plural(answer.rows.length, 'row')} · {format.duration(answer.milliseconds / 1000)}
              </span>
              <Tooltip label="Save as CSV">
                <ActionIcon
                  aria-label="Save as CSV"
                  onClick={() => void askCsv(answer.sql).then((csv) => save(fileName('query'), csv))}
                >
                  <IconDownload size={16} stroke={1.6} />
                </ActionIcon>
              </Tooltip>
            </header>
            {answer.rows.length === 0 ? (
              <Empty title="No rows">The question was answered, and nothing fits it.</Empty>
            ) : show === 'chart' ? (
              <ResultChart rows={answer.rows} zone={scope.zone} />
            ) : (
              <Results rows={answer.rows} />
            )}
          </div>
        )}
      </section>
      {panel === 'history' && (
        <History
          past={asking.past}
          onClose={() => setPanel(undefined)}
          onForget={asking.forget}
          onChoose={(sql) => {
            setText(sql)
            setPanel(undefined)
          }}
        />
      )}
      {panel === 'save' && <SaveQuery team={scope.team} sql={text} onClose={() => setPanel(undefined)} />}
      {panel === 'saved' && (
        <SavedQueries
          team={scope.team}
          sql={text}
          onClose={() => setPanel(undefined)}
          onChoose={(saved) => {
            setText(queryOf(saved))
            setPanel(undefined)
            run(queryOf(saved))
          }}
        />
      )}
      {panel === 'tables' && (
        <Tables
          schema={schema.data}
          onClose={() => setPanel(undefined)}
          onAsk={(sql) => {
            setText(sql)
            setPanel(undefined)
            run(sql)
          }}
        />
      )}
    </Page>
  )
}

/** One question at a time; hanging up ends it on the server, too. */
const useAsking = () => {
  const [answer, setAnswer] = useState<Answer>()
  const [error, setError] = useState<Error>()
  const [isRunning, setRunning] = useState(false)
  const [past, setPast] = useLocalStorage<Past[]>({
    key: 'hogflare.sql',
    defaultValue: [],
    getInitialValueInEffect: false,
  })
  const asked = useRef<AbortController>(undefined)
  useEffect(() => () => asked.current?.abort(), [])
  const remember = (one: Past) =>
    setPast((old) => [one, ...old.filter(({ sql }) => sql !== one.sql)].slice(0, REMEMBERED))
  const run = async (sql: string) => {
    asked.current?.abort()
    const mine = new AbortController()
    asked.current = mine
    setRunning(true)
    setError(undefined)
    const begun = performance.now()
    try {
      const rows = await askSql(sql, mine.signal)
      const milliseconds = performance.now() - begun
      setAnswer({ sql, rows, milliseconds })
      remember({ sql, at: Date.now(), rows: rows.length, milliseconds })
    } catch (caught) {
      if (mine.signal.aborted) return
      setError(caught as Error)
      remember({ sql, at: Date.now(), rows: null, milliseconds: performance.now() - begun })
    } finally {
      if (asked.current === mine) setRunning(false)
    }
  }
  const stop = () => {
    asked.current?.abort()
    setRunning(false)
  }
  return { answer, error, isRunning, run, stop, past, forget: () => setPast([]) }
}

interface HistoryProps {
  past: Past[]
  onChoose: (sql: string) => void
  onForget: () => void
  onClose: () => void
}

const History = ({ past, onChoose, onForget, onClose }: HistoryProps) => (
  <Drawer opened onClose={onClose} title="History" size="lg">
    {past.length === 0 && <Empty title="Nothing was asked yet">What you ask is kept in this browser alone.</Empty>}
    <ul className={classes.history}>
      {past.map((one) => (
        <li key={one.sql}>
          <button type="button" className={classes.past} onClick={() => onChoose(one.sql)}>
            <code>{one.sql}</code>
            <span className="unit">
              {format.ago(one.at)} · {one.rows === null ? 'failed' : format.plural(one.rows, 'row')} ·{' '}
              {format.duration(one.milliseconds / 1000)}
            </span>
          </button>
        </li>
      ))}
    </ul>
    {past.length > 0 && (
      <Button variant="default" leftSection={<IconTrash size={14} />} onClick={onForget}>
        Forget all
      </Button>
    )}
  </Drawer>
)

const Tables = ({
  schema,
  onAsk,
  onClose,
}: {
  schema: Schema | undefined
  onAsk: (sql: string) => void
  onClose: () => void
}) => (
  <Drawer opened onClose={onClose} title="Tables" size="md">
    {!schema && <Skeleton height={400} />}
    {schema?.map(({ table, columns }) => (
      <details key={table} className={classes.table} open={table === 'events'}>
        <summary>
          <strong>{table}</strong> <span className="unit">{columns.length}</span>
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            ml="auto"
            onClick={(event) => {
              event.preventDefault()
              onAsk(`SELECT * FROM ${name(table)} LIMIT 100`)
            }}
          >
            100 rows
          </Button>
        </summary>
        <ul>
          {columns.map((column) => (
            <li key={column.name}>
              <code>{column.name}</code>
              <span className="unit">{column.type}</span>
            </li>
          ))}
        </ul>
      </details>
    ))}
  </Drawer>
)

export default Sql
