// What everything that is saved is given: a name, and some words about it.
import { Button, Modal, TextInput } from '@mantine/core'
import type { UseMutationResult } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { FormError } from './FormError'

export interface Named {
  name: string
  description: string
}

interface Props {
  title: string
  /** What the button says. */
  verb: string
  before: Named
  naming: Pick<UseMutationResult<unknown, Error, Named>, 'mutate' | 'error' | 'isPending'>
  onClose: () => void
  /** What is asked besides. */
  children?: ReactNode
}

export const NamedForm = ({ title, verb, before, naming, onClose, children }: Props) => {
  const [name, setName] = useState(before.name)
  const [description, setDescription] = useState(before.description)
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        style={{ display: 'grid', gap: 12 }}
        onSubmit={(event) => {
          event.preventDefault()
          naming.mutate({ name: name.trim(), description: description.trim() })
        }}
      >
        <TextInput
          label="Name"
          required
          maxLength={200}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="Description"
          maxLength={2000}
          value={description}
          onChange={(event) => setDescription(event.currentTarget.value)}
        />
        {children}
        {naming.error && <FormError error={naming.error} />}
        <Button type="submit" loading={naming.isPending} disabled={name.trim() === ''}>
          {verb}
        </Button>
      </form>
    </Modal>
  )
}
