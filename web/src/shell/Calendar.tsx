// Days by the calendar: two clicks are a range.
import '@mantine/dates/styles.layer.css'

import { Button } from '@mantine/core'
import { DatePicker } from '@mantine/dates'
import { useState } from 'react'
import type { RangeName, Resolved } from '~/filters/range'
import { civilOf, dateOf } from '~/format/civil'

type Days = [string | null, string | null]

const Calendar = ({ range, onChoose }: { range: Resolved; onChoose: (name: RangeName) => void }) => {
  const [days, setDays] = useState<Days>([dateOf(range.from), dateOf(range.to)])
  const [from, to] = days
  return (
    <>
      <DatePicker
        type="range"
        allowSingleDateInRange
        size="sm"
        value={days}
        onChange={(chosen) => setDays(chosen as Days)}
        defaultDate={dateOf(range.to)}
        maxDate={dateOf(civilOf(Date.now(), range.zone))}
        weekendDays={[]}
        hideOutsideDates
        ariaLabels={{ previousMonth: 'Month before', nextMonth: 'Month after' }}
      />
      <Button
        fullWidth
        mt={8}
        mb={8}
        disabled={!from || !to}
        onClick={() => from && to && onChoose(`${dateOf(from)}..${dateOf(to)}`)}
      >
        Show these days
      </Button>
    </>
  )
}

export default Calendar
