// Insights that were saved: to open, to rename, to put on a dashboard.
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMay } from '~/api/access'
import { askSaved } from '~/api/saved'
import type { Saved } from '~/api/types'
import { keep } from '~/filters/search'
import * as format from '~/format/format'
import { type Scope, useMinute, useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { Panel } from '~/ui/Panel'
import { SavedMenu } from '~/ui/SavedMenu'
import { KINDS, writeQuestion } from './question'
import { readSaved } from './saved'
import { AddToDashboard } from './SaveInsight'

/** Where a saved insight is shown. */
export const addressOf = (
  saved: Pick<Saved, 'id' | 'definition'>,
  { team, zone }: Pick<Scope, 'team' | 'zone'>,
  now: number,
) => {
  const opened = readSaved(saved.definition, zone, now)
  if (!opened) return undefined
  return {
    kind: opened.kind,
    search: { project: team, ...opened.search, q: writeQuestion(opened.question), id: saved.id },
  }
}

const HEIGHT = 320

export const SavedList = () => {
  const scope = useScope()
  const now = useMinute()
  const canSave = useMay('save')
  const saved = useQuery({
    queryKey: ['saved', 'insight', scope.team],
    queryFn: ({ signal }) => askSaved('insight', scope.team, signal),
    enabled: scope.team > 0,
  })
  return (
    <Panel
      title="Saved insights"
      query={scope.team > 0 ? saved : ({ ...saved, data: [] } as never)}
      isFlush
      height={HEIGHT}
      skeleton={<Skeleton height={HEIGHT} />}
      isEmpty={(rows) => rows.length === 0}
      empty={{
        title: 'None is saved yet',
        text: canSave
          ? 'Ask something, and save it under a name: it keeps up with time.'
          : 'Whoever may save insights finds “Save” below each question.',
      }}
    >
      {(rows) => (
        <DataTable
          label="Saved insights"
          rows={rows}
          columns={[
            {
              title: 'Name',
              of: ({ name }) => name,
              show: (one) => {
                const address = addressOf(one, scope, now)
                return (
                  <>
                    {address ? (
                      <Link
                        to="/insights/$kind"
                        params={{ kind: address.kind }}
                        search={
                          ((old: object) => ({
                            ...keep(old),
                            f: undefined,
                            compare: undefined,
                            range: undefined,
                            ...address.search,
                          })) as never
                        }
                      >
                        {one.name}
                      </Link>
                    ) : (
                      one.name
                    )}{' '}
                    <span className="unit">{one.description}</span>
                  </>
                )
              },
            },
            {
              title: 'Kind',
              of: (one) => kindOf(one, scope.zone, now),
              width: 120,
            },
            { title: 'By', of: ({ owner }) => owner ?? null, width: 180 },
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
                    show: (one: Saved) => (
                      <span style={{ display: 'flex', justifyContent: 'flex-end', gap: 4 }}>
                        <AddToDashboard saved={one} zone={scope.zone} />
                        <SavedMenu kind="insight" saved={one} />
                      </span>
                    ),
                    width: 220,
                  },
                ]
              : []),
          ]}
        />
      )}
    </Panel>
  )
}

const kindOf = ({ definition }: Saved, zone: string, now: number) => {
  const opened = readSaved(definition, zone, now)
  return opened ? KINDS[opened.kind] : String((definition as { kind?: unknown }).kind ?? '')
}
