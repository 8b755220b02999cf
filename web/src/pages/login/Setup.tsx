// The first account: whoever has the token that the server printed becomes the owner. Later links are for those who
// are invited, or need another password.
import { Button, TextInput } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { setUp } from '~/api/access'
import { askSetUp } from '~/api/people'
import { queryClient } from '~/queries'
import { type Account, Credentials } from './Credentials'
import { Gate } from './Gate'
import { Insecure } from './Insecure'
import { useSending } from './Login'
import classes from './Login.module.css'

const Setup = () => {
  const search = useSearch({ from: '/setup' })
  const navigate = useNavigate()
  const [token, setToken] = useState(search.token ?? '')
  const [account, setAccount] = useState<Account>({ email: '', password: '' })
  const found = useQuery({ queryKey: ['setup'], queryFn: ({ signal }) => askSetUp(signal), retry: false })
  const isInvited = found.data?.is_done === true
  const { error, isSending, onSubmit } = useSending(async () => {
    await setUp(token.trim(), isInvited ? undefined : account.email, account.password)
    queryClient.clear()
    await navigate({ to: '/', replace: true })
  })
  // Which of both it is decides what is asked.
  if (found.isPending) return null
  return (
    <Gate title={isInvited ? 'Choose a password' : 'Make the first account'}>
      <form className={classes.form} onSubmit={onSubmit}>
        {!search.token && (
          <TextInput
            size="sm"
            label="Set-up token"
            description="The server printed it at its first start, or somebody gave you a link with it."
            required
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
          />
        )}
        <Credentials account={account} change={setAccount} isNew isWithoutEmail={isInvited} error={error} />
        <Button type="submit" size="sm" loading={isSending}>
          {isInvited ? 'Log in' : 'Make it'}
        </Button>
      </form>
      <Insecure />
    </Gate>
  )
}

export default Setup
