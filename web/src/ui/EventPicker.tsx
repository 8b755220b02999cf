// Which event.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import * as format from '~/format/format'
import { eventsQuery } from '~/names'
import { useGroundNow } from '~/scope'
import { Picker } from './Picker'

const ALL = '\u0000'

interface Props {
  event: string | null | undefined
  onChange: (event: string | null) => void
  label: string
}

export const EventPicker = ({ event, onChange, label }: Props) => {
  const { project } = useGroundNow()
  const [isOpen, setOpen] = useState(false)
  const events = useQuery({ ...eventsQuery(project.team), enabled: isOpen })
  const choices = (events.data ?? []).map((one) => {
    const shown = format.eventName(one.event)
    return {
      value: one.event,
      label: shown,
      about: shown === one.event ? undefined : one.event,
      count: format.compact(one.total),
    }
  })
  return (
    <Picker
      label={label}
      groups={[
        { label: 'Everything', choices: [{ value: ALL, label: 'All events' }] },
        { label: 'Events of 30 days', choices },
      ]}
      value={event ?? ALL}
      isLoading={events.isFetching}
      takesText
      onOpen={() => setOpen(true)}
      onChoose={(value) => onChange(value === ALL ? null : value)}
    >
      <span className="cut">{format.eventName(event)}</span>
    </Picker>
  )
}
