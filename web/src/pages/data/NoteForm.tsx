// What people say of an event or a property; whoever may not change it reads it.
import { Button, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useMay } from '~/api/access'
import type { Saved } from '~/api/types'
import { FormError } from '~/ui/FormError'
import classes from './Data.module.css'
import { keepNote, noteOn, notesQuery, type Of, ownerOf } from './notes'

interface Props {
  team: number
  of: Of
  name: string
}

export const NoteForm = (props: Props) => {
  const notes = useQuery(notesQuery(props.team))
  const canSave = useMay('save') && props.team > 0
  const note = noteOn(notes.data, props.of, props.name)
  if (!canSave)
    return note ? (
      <p style={{ marginTop: 0 }}>
        {note.description} {ownerOf(note) && <span className="muted">Looked after by {ownerOf(note)}.</span>}
      </p>
    ) : null
  if (!notes.data) return null
  return <Form key={note?.updated_at ?? 'none'} {...props} note={note} />
}

const Form = ({ team, of, name, note }: Props & { note: Saved | undefined }) => {
  const [description, setDescription] = useState(note?.description ?? '')
  const [owner, setOwner] = useState(ownerOf(note))
  const client = useQueryClient()
  const keeping = useMutation({
    mutationFn: () => keepNote(team, of, name, { description: description.trim(), owner: owner.trim() }, note),
    onSuccess: () => client.invalidateQueries({ queryKey: ['saved', 'note'] }),
  })
  const isChanged = description.trim() !== (note?.description ?? '') || owner.trim() !== ownerOf(note)
  return (
    <form
      className={classes.note}
      onSubmit={(event) => {
        event.preventDefault()
        keeping.mutate()
      }}
    >
      <Textarea
        size="xs"
        label="Description"
        placeholder="What it means, and when it is sent"
        autosize
        minRows={2}
        maxRows={8}
        maxLength={2000}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
      />
      <TextInput
        label="Who looks after it"
        placeholder="A person or a team"
        maxLength={200}
        value={owner}
        onChange={(event) => setOwner(event.currentTarget.value)}
      />
      {keeping.error && <FormError error={keeping.error} />}
      <Button type="submit" variant="default" disabled={!isChanged} loading={keeping.isPending}>
        Save
      </Button>
    </form>
  )
}
