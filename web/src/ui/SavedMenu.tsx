// What is done with something that was saved: another name, or away with it.
import { ActionIcon, Button, Menu, Modal } from '@mantine/core'
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { changeSaved, deleteSaved, type SavedKind } from '~/api/saved'
import type { Saved } from '~/api/types'
import { FormError } from './FormError'
import { type Named, NamedForm } from './NamedForm'

interface Props {
  kind: SavedKind
  saved: Saved
  onDeleted?: () => void
}

export const SavedMenu = ({ kind, saved, onDeleted }: Props) => {
  const [open, setOpen] = useState<'rename' | 'delete'>()
  const close = () => setOpen(undefined)
  return (
    <>
      <Menu>
        <Menu.Target>
          <ActionIcon aria-label={`More about ${saved.name}`}>
            <IconDots size={16} stroke={1.6} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={15} stroke={1.6} />} onClick={() => setOpen('rename')}>
            Rename
          </Menu.Item>
          <Menu.Item leftSection={<IconTrash size={15} stroke={1.6} />} color="red" onClick={() => setOpen('delete')}>
            Delete
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {open === 'rename' && <Rename kind={kind} saved={saved} onClose={close} />}
      {open === 'delete' && <Delete kind={kind} saved={saved} onClose={close} onDeleted={onDeleted} />}
    </>
  )
}

const Rename = ({ kind, saved, onClose }: Props & { onClose: () => void }) => {
  const client = useQueryClient()
  const renaming = useMutation({
    mutationFn: (named: Named) =>
      changeSaved(kind, saved.id, { ...named, definition: saved.definition as Record<string, unknown> }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['saved'] })
      onClose()
    },
  })
  return <NamedForm title={`Rename “${saved.name}”`} verb="Rename" before={saved} naming={renaming} onClose={onClose} />
}

const Delete = ({
  kind,
  saved,
  onClose,
  onDeleted,
}: Props & { onClose: () => void; onDeleted?: (() => void) | undefined }) => {
  const client = useQueryClient()
  const deleting = useMutation({
    mutationFn: () => deleteSaved(kind, saved.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['saved'] })
      onClose()
      onDeleted?.()
    },
  })
  return (
    <Modal opened onClose={onClose} title={`Delete “${saved.name}”?`}>
      <p style={{ marginTop: 0 }}>
        {kind === 'insight' ? 'It goes from all dashboards, too. ' : ''}No event is deleted with it.
        {saved.is_shared ? ' Its link opens nothing any more.' : ''}
      </p>
      {deleting.error && <FormError error={deleting.error} />}
      <div style={{ display: 'flex', gap: 8 }}>
        <Button color="red" loading={deleting.isPending} onClick={() => deleting.mutate()}>
          Delete
        </Button>
        <Button variant="default" onClick={onClose}>
          Keep it
        </Button>
      </div>
    </Modal>
  )
}
