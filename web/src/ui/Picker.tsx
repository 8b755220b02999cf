// A choice among many: a button that opens a list to search in.
import { Combobox, Loader, UnstyledButton, useCombobox } from '@mantine/core'
import { IconChevronDown } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import classes from './Picker.module.css'

export interface Choice {
  value: string
  label: string
  /** What else it is called, and found by. */
  about?: string | undefined
  /** How often there is one. */
  count?: string | undefined
}

export interface ChoiceGroup {
  label: string
  choices: Choice[]
}

interface Props {
  label: string
  groups: ChoiceGroup[]
  value?: string | undefined
  onChoose: (value: string) => void
  children: ReactNode
  isLoading?: boolean
  /** Whether what was typed is a choice, too. */
  takesText?: boolean
  /** Told when it opens, for whoever fetches only then. */
  onOpen?: () => void
  className?: string | undefined
  isPlain?: boolean
}

/** More than these are for typing. */
const SHOWN = 60

export const Picker = ({
  label,
  groups,
  value,
  onChoose,
  children,
  isLoading,
  takesText,
  onOpen,
  className,
  isPlain,
}: Props) => {
  const [search, setSearch] = useState('')
  const combobox = useCombobox({
    onDropdownClose: () => {
      combobox.resetSelectedOption()
      setSearch('')
    },
    onDropdownOpen: () => {
      combobox.focusSearchInput()
      onOpen?.()
    },
  })
  const wanted = search.trim().toLowerCase()
  const fits = ({ value: name, label: shown, about }: Choice) =>
    `${name} ${shown} ${about ?? ''}`.toLowerCase().includes(wanted)
  const found = groups
    .map((group) => ({ ...group, choices: group.choices.filter(fits).slice(0, SHOWN) }))
    .filter((group) => group.choices.length > 0)
  const typed = search.trim()
  const isNew =
    takesText && typed !== '' && !groups.some((group) => group.choices.some((choice) => choice.value === typed))
  return (
    <Combobox
      store={combobox}
      width={300}
      position="bottom-start"
      shadow="none"
      onOptionSubmit={(chosen) => {
        onChoose(chosen)
        combobox.closeDropdown()
      }}
    >
      <Combobox.Target targetType="button" withAriaAttributes>
        <UnstyledButton className={className ?? classes.button} onClick={() => combobox.toggleDropdown()}>
          <span className="hidden">{label}: </span>
          {children}
          {!isPlain && <IconChevronDown size={13} stroke={1.6} aria-hidden className={classes.arrow} />}
        </UnstyledButton>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          placeholder="Search"
          aria-label={`Search: ${label}`}
          size="xs"
        />
        <Combobox.Options mah={320} style={{ overflowY: 'auto' }} aria-label={label} tabIndex={0}>
          {isNew && <Combobox.Option value={typed}>Use “{typed}”</Combobox.Option>}
          {found.map((group) => (
            <Combobox.Group key={group.label} label={group.label}>
              {group.choices.map((choice) => (
                <Combobox.Option
                  key={choice.value}
                  value={choice.value}
                  active={choice.value === value}
                  className={classes.option}
                >
                  <span className="cut">
                    {choice.label}
                    {choice.about && <span className="unit"> {choice.about}</span>}
                  </span>
                  {choice.count && <span className="unit">{choice.count}</span>}
                </Combobox.Option>
              ))}
            </Combobox.Group>
          ))}
          {found.length === 0 && !isNew && (
            <Combobox.Empty>{isLoading ? <Loader size="xs" /> : 'Nothing is called so'}</Combobox.Empty>
          )}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  )
}
