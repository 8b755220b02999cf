// A link that anybody may follow: made, copied, ended.
import { Button, Modal } from '@mantine/core'
import { IconShare2 } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type SavedKind, share, unshare } from '~/api/saved'
import type { Saved } from '~/api/types'
import { FormError } from './FormError'
import { OneTime } from './OneTime'

export const ShareMenu = ({ kind, saved }: { kind: SavedKind; saved: Saved }) => {
  const [isOpen, setOpen] = useState(false)
  const client = useQueryClient()
  const done = () => client.invalidateQueries({ queryKey: ['saved'] })
  const sharing = useMutation({ mutationFn: () => share(kind, saved.id), onSuccess: done })
  const ending = useMutation({ mutationFn: () => unshare(kind, saved.id), onSuccess: done })
  const isShared = saved.is_shared === true && !ending.isSuccess
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconShare2 size={14} stroke={1.6} />}
        onClick={() => {
          sharing.reset()
          ending.reset()
          setOpen(true)
        }}
      >
        {isShared ? 'Shared' : 'Share'}
      </Button>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={`Share “${saved.name}”`}>
        <p className="muted" style={{ marginTop: 0 }}>
          Whoever has the link sees this {kind} and its numbers, without an account, and nothing else. Nobody behind a
          number is shown.
        </p>
        {sharing.data && <OneTime label="Link" text={sharing.data} />}
        {!sharing.data && isShared && (
          <p>There is a link. It was told once; a new one takes its place, and the old one opens nothing any more.</p>
        )}
        <div style={{ display: 'flex', gap: 8 }}>
          {!sharing.data && (
            <Button loading={sharing.isPending} onClick={() => sharing.mutate()}>
              {isShared ? 'Make a new link' : 'Make a link'}
            </Button>
          )}
          {(isShared || sharing.data) && (
            <Button
              variant="default"
              loading={ending.isPending}
              onClick={() => ending.mutate(undefined, { onSuccess: () => sharing.reset() })}
            >
              End it
            </Button>
          )}
        </div>
        {(sharing.error ?? ending.error) && <FormError error={(sharing.error ?? ending.error) as Error} />}
      </Modal>
    </>
  )
}
