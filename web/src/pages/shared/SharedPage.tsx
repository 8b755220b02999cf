// What a link shows, to anybody: it asks for that alone, and nothing leads further.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useEffect } from 'react'
import flare from '~/assets/flare.svg'
import { Failure } from '~/api/client'
import { askShared, askSharedAnswer, type Shared } from '~/api/saved'
import type { Row } from '~/api/sql'
import { PRESETS } from '~/filters/range'
import { Grid } from '~/pages/dashboards/Grid'
import { readDashboard } from '~/pages/dashboards/model'
import { SavedTile } from '~/pages/dashboards/SavedTile'
import type { Ground } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { Panel, tableOf } from '~/ui/Panel'
import { Empty, Trouble } from '~/ui/States'
import classes from './Shared.module.css'

const SharedPage = () => {
  const { token } = useParams({ from: '/shared/$token' })
  const shared = useQuery({ queryKey: ['shared', token], queryFn: ({ signal }) => askShared(token, signal) })
  const title = shared.data?.name ?? 'Shared'
  useEffect(() => {
    document.title = `${title} · Hogflare`
  }, [title])
  const isGone = shared.error instanceof Failure && shared.error.trouble === 'missing'
  return (
    <div className={classes.page}>
      <header className={classes.head}>
        <img src={flare} alt="" width={20} height={20} />
        <span className="muted">Hogflare</span>
      </header>
      <main id="page" className={classes.main}>
        {!shared.data && !shared.error && (
          <>
            <Skeleton height={28} width={260} />
            <Skeleton height={360} />
          </>
        )}
        {isGone && <Empty title="This link opens nothing">It may have been ended, or replaced by another one.</Empty>}
        {shared.error && !isGone && (
          <Trouble error={shared.error} retry={() => void shared.refetch()} what="This could not be shown" />
        )}
        {shared.data && (
          <>
            <div>
              <h1>{shared.data.name}</h1>
              {shared.data.description && <p className="muted">{shared.data.description}</p>}
            </div>
            <Opened shared={shared.data} token={token} />
          </>
        )}
      </main>
    </div>
  )
}

const ALONE = 420

const Opened = ({ shared, token }: { shared: Shared; token: string }) => {
  const project = { team: 1, name: '', token: null, zone: shared.time_zone, events: 1 }
  const ground: Ground = { project, projects: [project], zone: shared.time_zone }
  const askOf = (id: string) => ({
    key: `${token}/${id}`,
    answer: (signal: AbortSignal) => askSharedAnswer<unknown>(token, id, signal),
  })
  if (shared.kind === 'query') return <Rows shared={shared} token={token} />
  if (shared.kind === 'insight') {
    const [insight] = shared.insights
    if (!insight) return null
    return (
      <div style={{ height: ALONE + 76 }}>
        <SavedTile saved={insight} ground={ground} height={ALONE} ask={askOf(insight.id)} />
      </div>
    )
  }
  const dashboard = readDashboard(shared.definition)
  const found = new Map(shared.insights.map((one) => [one.id, one]))
  const tiles = dashboard.tiles.filter(({ insight }) => found.has(insight))
  const range = dashboard.range
  return (
    <>
      {range && <p className="muted">{(PRESETS as Record<string, string>)[range] ?? range.replace('..', ' to ')}</p>}
      {tiles.length === 0 && <Empty title="Nothing is on this dashboard" />}
      <Grid
        tiles={tiles}
        nameOf={(insight) => found.get(insight)?.name ?? ''}
        draw={(insight, height) => {
          const saved = found.get(insight)
          return saved && <SavedTile saved={saved} ground={ground} range={range} height={height} ask={askOf(insight)} />
        }}
      />
    </>
  )
}

const Rows = ({ shared, token }: { shared: Shared; token: string }) => {
  const rows = useQuery({
    queryKey: ['shared', token, 'rows'],
    queryFn: ({ signal }) => askSharedAnswer<Row[]>(token, shared.id, signal),
  })
  const columnsOf = (found: Row[]) =>
    Object.keys(found[0] ?? {}).map((name) => ({
      title: name,
      of: (row: Row) => {
        const value = row[name]
        return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
      },
      isNumber: typeof found[0]?.[name] === 'number',
    }))
  return (
    <Panel
      title={shared.name}
      query={rows}
      isFlush
      height={300}
      skeleton={<Skeleton height={300} />}
      isEmpty={(found) => found.length === 0}
      empty={{ title: 'No rows' }}
      table={(found) => tableOf({ rows: found, columns: columnsOf(found) })}
    >
      {(found) => <DataTable label={shared.name} rows={found} columns={columnsOf(found)} />}
    </Panel>
  )
}

export default SharedPage
