// One dashboard: its insights side by side, in their own ranges or in one for all.
import { Button, Menu, Select, Skeleton } from '@mantine/core'
import { IconExternalLink, IconLayoutGrid, IconPlus, IconX } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '~/api/access'
import { askSaved, askSavedOne, changeSaved } from '~/api/saved'
import type { Saved } from '~/api/types'
import { parseRange, PRESETS, type RangeName } from '~/filters/range'
import { keep } from '~/filters/search'
import { addressOf } from '~/pages/insights/SavedList'
import { type Scope, useMinute, useScope } from '~/scope'
import { FormError } from '~/ui/FormError'
import { Page } from '~/ui/Page'
import { type Behind, PersonsDrawer } from '~/ui/PersonsDrawer'
import { SavedMenu } from '~/ui/SavedMenu'
import { ShareMenu } from '~/ui/ShareMenu'
import { Empty, Trouble } from '~/ui/States'
import classes from './Dashboards.module.css'
import { Grid } from './Grid'
import { type Dashboard, readDashboard, type Tile, withTile, writeDashboard } from './model'
import { SavedTile } from './SavedTile'

const DashboardPage = () => {
  const { id } = useParams({ from: '/app/dashboards/$id' })
  const scope = useScope()
  const board = useQuery({
    queryKey: ['saved', 'one', id],
    queryFn: ({ signal }) => askSavedOne('dashboard', id, signal),
    placeholderData: undefined as never,
  })
  const insights = useQuery({
    queryKey: ['saved', 'insight', board.data?.project],
    queryFn: ({ signal }) => askSaved('insight', board.data?.project ?? 0, signal),
    enabled: board.data !== undefined,
  })
  const error = board.error ?? insights.error
  if (error && !(board.data && insights.data))
    return (
      <Page title="Dashboard">
        <Trouble
          error={error}
          retry={() => void (board.error ? board.refetch() : insights.refetch())}
          what="This dashboard could not be shown"
        />
      </Page>
    )
  if (!board.data || !insights.data)
    return (
      <Page title="Dashboard" isTitleHidden>
        <Skeleton height={28} width={240} />
        <Skeleton height={340} />
        <Skeleton height={340} />
      </Page>
    )
  return <Shown key={board.data.id} board={board.data} insights={insights.data} scope={scope} />
}

const OWN = 'own'

const Shown = ({ board, insights, scope }: { board: Saved; insights: Saved[]; scope: Scope }) => {
  const kept = readDashboard(board.definition)
  const { over } = useSearch({ from: '/app/dashboards/$id' })
  const navigate = useNavigate({ from: '/dashboards/$id' })
  const canSave = useMay('save')
  const now = useMinute()
  const [behind, setBehind] = useState<Behind>()
  const [draft, setDraft] = useState<Tile[]>()
  const client = useQueryClient()
  const keeping = useMutation({
    mutationFn: (changed: Dashboard) =>
      changeSaved('dashboard', board.id, {
        name: board.name,
        description: board.description,
        definition: writeDashboard(changed, scope.zone, Date.now()),
      }),
    onSuccess: (changed) => {
      client.setQueryData(['saved', 'one', board.id], changed)
      void client.invalidateQueries({ queryKey: ['saved', 'dashboard'] })
      setDraft(undefined)
    },
  })
  const found = new Map(insights.map((one) => [one.id, one]))
  const tiles = (draft ?? kept.tiles).filter(({ insight }) => found.has(insight))
  const range = over === OWN ? undefined : over ? parseRange(over) : kept.range
  const choose = (chosen: RangeName | undefined) =>
    void navigate({
      search: (old) => ({ ...old, over: chosen === kept.range ? undefined : (chosen ?? OWN) }),
      resetScroll: false,
    })
  const others = insights.filter(({ id }) => !kept.tiles.some((tile) => tile.insight === id))
  const draw = (insight: string, height: number) => {
    const saved = found.get(insight)
    if (!saved) return null
    const address = addressOf(saved, scope, now)
    return (
      <SavedTile
        saved={saved}
        ground={scope}
        range={range}
        height={height}
        onBehind={setBehind}
        menu={
          <>
            {address && (
              <Menu.Item
                leftSection={<IconExternalLink size={15} stroke={1.6} />}
                renderRoot={(props) => (
                  <Link
                    to="/insights/$kind"
                    params={{ kind: address.kind }}
                    search={((old: object) => ({ ...keep(old), ...address.search })) as never}
                    {...props}
                  />
                )}
              >
                Open
              </Menu.Item>
            )}
            {canSave && (
              <Menu.Item
                leftSection={<IconX size={15} stroke={1.6} />}
                onClick={() =>
                  keeping.mutate({ ...kept, tiles: kept.tiles.filter((tile) => tile.insight !== insight) })
                }
              >
                Take it off
              </Menu.Item>
            )}
          </>
        }
      />
    )
  }
  return (
    <Page
      title={board.name}
      end={
        <>
          <div className={classes.end}>
            <Select
              aria-label="Range of all insights"
              w={170}
              value={range ?? OWN}
              allowDeselect={false}
              data={[
                { value: OWN, label: 'Each in its own range' },
                ...Object.entries(PRESETS).map(([value, label]) => ({ value, label })),
                ...(range && !Object.hasOwn(PRESETS, range) ? [{ value: range, label: range }] : []),
              ]}
              onChange={(chosen) => choose(chosen === OWN || chosen === null ? undefined : parseRange(chosen))}
            />
            {canSave && range !== kept.range && (
              <Button
                variant="default"
                loading={keeping.isPending}
                onClick={() =>
                  keeping.mutate(range ? { ...kept, range } : { tiles: kept.tiles }, {
                    onSuccess: () => void navigate({ search: (old) => ({ ...old, over: undefined }) }),
                  })
                }
              >
                Keep this range
              </Button>
            )}
            {canSave && draft && (
              <>
                <Button loading={keeping.isPending} onClick={() => keeping.mutate({ ...kept, tiles: draft })}>
                  Done
                </Button>
                <Button variant="default" onClick={() => setDraft(undefined)}>
                  Cancel
                </Button>
              </>
            )}
            {canSave && !draft && (
              <>
                <Add insights={others} onAdd={(id) => keeping.mutate({ ...kept, tiles: withTile(kept.tiles, id) })} />
                <Button
                  variant="default"
                  leftSection={<IconLayoutGrid size={14} stroke={1.6} />}
                  disabled={tiles.length === 0}
                  onClick={() => setDraft(kept.tiles)}
                  className={classes.arrange}
                >
                  Arrange
                </Button>
                <ShareMenu kind="dashboard" saved={board} />
                <SavedMenu
                  kind="dashboard"
                  saved={board}
                  onDeleted={() => void navigate({ to: '/dashboards', search: keep as never })}
                />
              </>
            )}
          </div>
          {board.description && <p className={classes.description}>{board.description}</p>}
        </>
      }
    >
      {keeping.error && <FormError error={keeping.error} />}
      {draft && (
        <p className="muted" style={{ margin: 0 }}>
          Drag a tile by its handle, or its corner for another size. With keys: Tab to a handle, arrows move the tile,
          with Shift they change its size.
        </p>
      )}
      {tiles.length === 0 && (
        <Empty title="Nothing is on this dashboard yet">
          {canSave ? 'Add an insight that was saved, or save one and choose this dashboard.' : ''}
        </Empty>
      )}
      <Grid
        tiles={tiles}
        nameOf={(insight) => found.get(insight)?.name ?? ''}
        draw={draw}
        onArrange={draft ? setDraft : undefined}
      />
      {behind && <PersonsDrawer behind={behind} onClose={() => setBehind(undefined)} />}
    </Page>
  )
}

const Add = ({ insights, onAdd }: { insights: Saved[]; onAdd: (id: string) => void }) => (
  <Menu width={280}>
    <Menu.Target>
      <Button variant="default" leftSection={<IconPlus size={14} stroke={1.6} />}>
        Add
      </Button>
    </Menu.Target>
    <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
      <Menu.Label>Saved insights</Menu.Label>
      {insights.map(({ id, name }) => (
        <Menu.Item key={id} onClick={() => onAdd(id)}>
          {name}
        </Menu.Item>
      ))}
      {insights.length === 0 && <Menu.Item disabled>All of them are here</Menu.Item>}
      <Menu.Divider />
      <Menu.Item
        renderRoot={(props) => (
          <Link to="/insights/$kind" params={{ kind: 'trends' }} search={keep as never} {...props} />
        )}
      >
        Ask a new one
      </Menu.Item>
    </Menu.Dropdown>
  </Menu>
)

export default DashboardPage
