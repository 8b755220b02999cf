// The dashboards of a project.
import { Button, Skeleton } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '~/api/access'
import { askSaved, save } from '~/api/saved'
import type { Saved } from '~/api/types'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { type Named, NamedForm } from '~/ui/NamedForm'
import { Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { SavedMenu } from '~/ui/SavedMenu'
import { readDashboard } from './model'

const HEIGHT = 320

const Dashboards = () => {
  const scope = useScope()
  const canSave = useMay('save') && scope.team > 0
  const [isMaking, setMaking] = useState(false)
  const boards = useQuery({
    queryKey: ['saved', 'dashboard', scope.team],
    queryFn: ({ signal }) => askSaved('dashboard', scope.team, signal),
    enabled: scope.team > 0,
  })
  const make = canSave && (
    <Button leftSection={<IconPlus size={14} stroke={1.6} />} onClick={() => setMaking(true)}>
      New dashboard
    </Button>
  )
  return (
    <Page title="Dashboards" end={<div style={{ marginLeft: 'auto' }}>{make}</div>}>
      <Panel
        title="All of this project"
        query={scope.team > 0 ? boards : ({ ...boards, data: [] } as never)}
        isFlush
        height={HEIGHT}
        skeleton={<Skeleton height={HEIGHT} />}
        isEmpty={(rows) => rows.length === 0}
        empty={{
          title: 'No dashboard yet',
          text: canSave
            ? 'A dashboard shows saved insights side by side, and can be shared by a link.'
            : scope.team > 0
              ? 'Whoever may save makes the first one.'
              : 'Dashboards are of a project; these events have none.',
          action: make,
        }}
      >
        {(rows) => (
          <DataTable
            label="Dashboards"
            rows={rows}
            columns={[
              {
                title: 'Name',
                of: ({ name }) => name,
                show: ({ id, name, description }) => (
                  <>
                    <Link to="/dashboards/$id" params={{ id }} search={keep as never}>
                      {name}
                    </Link>{' '}
                    <span className="unit">{description}</span>
                  </>
                ),
              },
              {
                title: 'Insights',
                of: ({ definition }) => readDashboard(definition).tiles.length,
                isNumber: true,
                width: 90,
              },
              { title: 'By', of: ({ owner }) => owner ?? null, width: 200 },
              { title: 'Shared', of: ({ is_shared }) => (is_shared ? 'by a link' : ''), width: 100 },
              {
                title: 'Changed',
                of: ({ updated_at }) => updated_at,
                show: ({ updated_at }) => (
                  <span title={format.time(updated_at, scope.zone)}>{format.ago(updated_at)}</span>
                ),
                width: 110,
              },
              ...(canSave
                ? [
                    {
                      title: '',
                      of: () => '',
                      show: (one: Saved) => <SavedMenu kind="dashboard" saved={one} />,
                      width: 48,
                    },
                  ]
                : []),
            ]}
          />
        )}
      </Panel>
      {isMaking && <Make team={scope.team} onClose={() => setMaking(false)} />}
    </Page>
  )
}

const Make = ({ team, onClose }: { team: number; onClose: () => void }) => {
  const client = useQueryClient()
  const navigate = useNavigate()
  const making = useMutation({
    mutationFn: (named: Named) => save('dashboard', team, { ...named, definition: { tiles: [] } }),
    onSuccess: async ({ id }) => {
      await client.invalidateQueries({ queryKey: ['saved'] })
      void navigate({ to: '/dashboards/$id', params: { id }, search: keep as never })
    },
  })
  const before = { name: '', description: '' }
  return <NamedForm title="New dashboard" verb="Make it" before={before} naming={making} onClose={onClose} />
}

export default Dashboards
