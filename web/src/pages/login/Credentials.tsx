// What an account is opened with: the two fields, on the way in and when the account is made.
import { PasswordInput, TextInput } from '@mantine/core'

export interface Account {
  email: string
  password: string
}

interface Props {
  account: Account
  change: (account: Account) => void
  /** Whether the password is a new one, so that the browser offers to make it. */
  isNew?: boolean
  error?: string
  /** Where the link says whose it is. */
  isWithoutEmail?: boolean
}

export const Credentials = ({ account, change, isNew = false, error, isWithoutEmail }: Props) => (
  <>
    {!isWithoutEmail && (
      <TextInput
        size="sm"
        label="Email"
        type="email"
        name="email"
        autoComplete="username"
        required
        autoFocus
        value={account.email}
        onChange={(event) => change({ ...account, email: event.currentTarget.value })}
      />
    )}
    <PasswordInput
      size="sm"
      label="Password"
      name="password"
      autoComplete={isNew ? 'new-password' : 'current-password'}
      required
      {...(isNew ? { description: 'At least 10 characters', minLength: 10 } : {})}
      value={account.password}
      onChange={(event) => change({ ...account, password: event.currentTarget.value })}
      error={error}
    />
  </>
)
