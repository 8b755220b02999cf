// Which property, of the event or of its person.
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { labelOf, type Of } from '~/filters/model'
import { propertiesQuery } from '~/names'
import { useGroundNow } from '~/scope'
import { Picker } from './Picker'

interface Props {
  label: string
  onChoose: (of: Of, key: string) => void
  children: ReactNode
  /** Only properties of this event. */
  event?: string | null | undefined
  /** Without columns of the event itself. */
  isWithoutColumns?: boolean
  className?: string | undefined
  isPlain?: boolean
}

const COLUMNS = [
  { value: 'event_metadata:event', label: 'Event' },
  { value: 'event_metadata:distinct_id', label: 'Distinct id' },
]

export const PropertyPicker = ({ label, onChoose, children, event, isWithoutColumns, className, isPlain }: Props) => {
  const { project } = useGroundNow()
  const [isOpen, setOpen] = useState(false)
  const events = useQuery({ ...propertiesQuery(project.team, 'event', event), enabled: isOpen })
  const persons = useQuery({ ...propertiesQuery(project.team, 'person'), enabled: isOpen })
  const named = (of: Of, keys: { key: string }[] | undefined) =>
    (keys ?? []).map(({ key }) => {
      const shown = labelOf(of, key)
      return { value: `${of}:${key}`, label: shown, about: shown === key ? undefined : key }
    })
  return (
    <Picker
      label={label}
      groups={[
        ...(isWithoutColumns ? [] : [{ label: 'Event', choices: COLUMNS }]),
        { label: 'Event properties', choices: named('event', events.data) },
        { label: 'Person properties', choices: named('person', persons.data) },
      ]}
      isLoading={events.isFetching || persons.isFetching}
      takesText
      onOpen={() => setOpen(true)}
      className={className}
      isPlain={isPlain ?? false}
      onChoose={(value) => {
        const [of, ...key] = value.split(':')
        const isNamed = of === 'event' || of === 'person' || of === 'event_metadata'
        if (isNamed && key.length > 0) onChoose(of, key.join(':'))
        else onChoose('event', value)
      }}
    >
      {children}
    </Picker>
  )
}
