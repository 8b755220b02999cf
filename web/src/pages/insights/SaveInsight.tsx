// Keeping an insight: under a name, and on a dashboard where one likes.
import { Button, Menu, Select } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '~/api/access'
import { askSaved, changeSaved, save } from '~/api/saved'
import type { Saved } from '~/api/types'
import { keep } from '~/filters/search'
import { readDashboard, withTile, writeDashboard } from '~/pages/dashboards/model'
import type { Scope } from '~/scope'
import { FormError } from '~/ui/FormError'
import { type Named, NamedForm } from '~/ui/NamedForm'
import { ShareMenu } from '~/ui/ShareMenu'
import classes from './Insights.module.css'
import { isWhole, KINDS, type KindName, type Question } from './question'
import { isSameJson, writeSaved } from './saved'

interface Props {
  kind: KindName
  question: Question
  scope: Scope
  /** What is shown was saved as this. */
  saved: Saved | undefined
}

export const SaveInsight = (props: Props) => {
  const { kind, question, scope, saved } = props
  const canSave = useMay('save')
  const [isOpen, setOpen] = useState(false)
  const client = useQueryClient()
  const definition = () => writeSaved(kind, question, scope, Date.now())
  const keepChanges = useMutation({
    mutationFn: ({ id, name, description }: Saved) =>
      changeSaved('insight', id, { name, description, definition: definition() }),
    onSuccess: (changed) => {
      client.setQueryData(['saved', 'one', changed.id], changed)
      void client.invalidateQueries({ queryKey: ['saved'] })
    },
  })
  if (!canSave || scope.team === 0) return null
  const isAskable = question.series.every(isWhole)
  const isChanged = saved !== undefined && !isSameJson(saved.definition, definition())
  return (
    <div className={classes.save}>
      {saved ? (
        <>
          <Button
            disabled={!isAskable || !isChanged}
            loading={keepChanges.isPending}
            onClick={() => keepChanges.mutate(saved)}
          >
            {isChanged ? 'Save changes' : 'Saved'}
          </Button>
          <Button variant="default" onClick={() => setOpen(true)} disabled={!isAskable}>
            Save as another
          </Button>
          <ShareMenu kind="insight" saved={saved} />
        </>
      ) : (
        <Button onClick={() => setOpen(true)} disabled={!isAskable}>
          Save
        </Button>
      )}
      {keepChanges.error && <FormError error={keepChanges.error} />}
      {isOpen && <SaveForm {...props} onClose={() => setOpen(false)} />}
    </div>
  )
}

const NONE = ''

/** What an insight is called where nobody says. */
const nameOf = (kind: KindName, { series }: Question) => {
  const event = series[0]?.event
  const isOfEvents = kind !== 'paths' && kind !== 'web-overview'
  return isOfEvents && event ? `${KINDS[kind]} of ${event.replace(/^\$/, '')}` : KINDS[kind]
}

const SaveForm = ({ kind, question, scope, saved, onClose }: Props & { onClose: () => void }) => {
  const [board, setBoard] = useState(NONE)
  const navigate = useNavigate()
  const client = useQueryClient()
  const boards = useQuery({
    queryKey: ['saved', 'dashboard', scope.team],
    queryFn: ({ signal }) => askSaved('dashboard', scope.team, signal),
  })
  const saving = useMutation({
    mutationFn: async (named: Named) => {
      const definition = writeSaved(kind, question, scope, Date.now())
      const made = await save('insight', scope.team, { ...named, definition })
      const chosen = boards.data?.find(({ id }) => id === board)
      if (chosen) {
        const dashboard = readDashboard(chosen.definition)
        const tiles = withTile(dashboard.tiles, made.id)
        await changeSaved('dashboard', chosen.id, {
          name: chosen.name,
          description: chosen.description,
          definition: writeDashboard({ ...dashboard, tiles }, scope.zone, Date.now()),
        })
      }
      return made
    },
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['saved'] })
      onClose()
      void navigate({ to: '.', search: ((old: object) => ({ ...old, id: made.id })) as never })
    },
  })
  const before = { name: saved ? `${saved.name} (2)` : nameOf(kind, question), description: '' }
  return (
    <NamedForm title="Save this insight" verb="Save" before={before} naming={saving} onClose={onClose}>
      <Select
        label="On the dashboard"
        value={board}
        allowDeselect={false}
        data={[
          { value: NONE, label: 'None' },
          ...(boards.data ?? []).map((one) => ({ value: one.id, label: one.name })),
        ]}
        onChange={(chosen) => setBoard(chosen ?? NONE)}
      />
    </NamedForm>
  )
}

/** Puts what was saved on a dashboard. */
export const AddToDashboard = ({ saved, zone }: { saved: Saved; zone: string }) => {
  const client = useQueryClient()
  const boards = useQuery({
    queryKey: ['saved', 'dashboard', saved.project],
    queryFn: ({ signal }) => askSaved('dashboard', saved.project, signal),
  })
  const adding = useMutation({
    mutationFn: (board: Saved) => {
      const dashboard = readDashboard(board.definition)
      return changeSaved('dashboard', board.id, {
        name: board.name,
        description: board.description,
        definition: writeDashboard({ ...dashboard, tiles: withTile(dashboard.tiles, saved.id) }, zone, Date.now()),
      })
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ['saved'] }),
  })
  return (
    <Menu>
      <Menu.Target>
        <Button variant="subtle" color="gray" rightSection={<IconChevronDown size={13} />}>
          Add to a dashboard
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {boards.data?.map((board) => (
          <Menu.Item key={board.id} onClick={() => adding.mutate(board)}>
            {board.name}
          </Menu.Item>
        ))}
        {boards.data?.length === 0 && (
          <Menu.Item renderRoot={(props) => <Link to="/dashboards" search={keep as never} {...props} />}>
            Make the first one
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
