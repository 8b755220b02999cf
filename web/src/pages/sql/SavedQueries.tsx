// Questions in SQL that are kept under a name: to run, to share, to change.
import { Button, Drawer, Skeleton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMay } from '~/api/access'
import { askSaved, changeSaved, save } from '~/api/saved'
import type { Saved } from '~/api/types'
import * as format from '~/format/format'
import { type Named, NamedForm } from '~/ui/NamedForm'
import { SavedMenu } from '~/ui/SavedMenu'
import { ShareMenu } from '~/ui/ShareMenu'
import { Empty, Trouble } from '~/ui/States'
import classes from './Sql.module.css'

/** What was asked, of what was saved. */
export const queryOf = ({ definition }: Pick<Saved, 'definition'>): string => {
  const { query } = definition as { query?: unknown }
  return typeof query === 'string' ? query : ''
}

interface ListProps {
  team: number
  /** What stands in the editor. */
  sql: string
  onChoose: (saved: Saved) => void
  onClose: () => void
}

export const SavedQueries = ({ team, sql, onChoose, onClose }: ListProps) => {
  const canSave = useMay('save')
  const client = useQueryClient()
  const saved = useQuery({
    queryKey: ['saved', 'query', team],
    queryFn: ({ signal }) => askSaved('query', team, signal),
  })
  const changing = useMutation({
    mutationFn: ({ id, name, description }: Saved) =>
      changeSaved('query', id, { name, description, definition: { query: sql } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['saved'] }),
  })
  return (
    // Escape is for a dialog of its own first, which stands elsewhere in the document.
    <Drawer
      opened
      onClose={onClose}
      closeOnEscape={false}
      onKeyDown={(event) => {
        const isWithin = event.target instanceof Node && event.currentTarget.contains(event.target)
        if (event.key === 'Escape' && isWithin) onClose()
      }}
      title="Saved queries"
      size="lg"
    >
      {saved.error && <Trouble error={saved.error} retry={() => void saved.refetch()} />}
      {saved.isPending && <Skeleton height={240} />}
      {changing.error && <Trouble error={changing.error} />}
      {saved.data?.length === 0 && (
        <Empty title="None is saved yet">
          {canSave ? '“Save” above the editor keeps what stands in it.' : 'Whoever may save keeps the first one.'}
        </Empty>
      )}
      <ul className={classes.history}>
        {saved.data?.map((one) => (
          <li key={one.id} className={classes.saved}>
            <button type="button" className={classes.past} onClick={() => onChoose(one)}>
              <strong>{one.name}</strong>
              {one.description && <span className="muted">{one.description}</span>}
              <code>{queryOf(one)}</code>
              <span className="unit">
                {one.owner ? `${one.owner} · ` : ''}
                {format.ago(one.updated_at)}
              </span>
            </button>
            {canSave && (
              <div className={classes.actions}>
                <Button
                  variant="default"
                  disabled={queryOf(one) === sql}
                  loading={changing.isPending && changing.variables?.id === one.id}
                  onClick={() => changing.mutate(one)}
                >
                  Replace by the editor’s
                </Button>
                <ShareMenu kind="query" saved={one} />
                <SavedMenu kind="query" saved={one} />
              </div>
            )}
          </li>
        ))}
      </ul>
    </Drawer>
  )
}

export const SaveQuery = ({ team, sql, onClose }: { team: number; sql: string; onClose: () => void }) => {
  const client = useQueryClient()
  const saving = useMutation({
    mutationFn: (named: Named) => save('query', team, { ...named, definition: { query: sql } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['saved'] })
      onClose()
    },
  })
  return (
    <NamedForm
      title="Save this query"
      verb="Save"
      before={{ name: '', description: '' }}
      naming={saving}
      onClose={onClose}
    />
  )
}
