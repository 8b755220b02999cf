// Who are you: an account, where the server has them, or its read key.
import { Button, PasswordInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { findAccess, logIn, showKey, useAccess } from '~/api/access'
import { queryClient } from '~/queries'
import { type Account, Credentials } from './Credentials'
import { Gate } from './Gate'
import { Insecure } from './Insecure'
import classes from './Login.module.css'

const Login = () => {
  const access = useAccess()
  const { next } = useSearch({ from: '/login' })
  const navigate = useNavigate()
  const [withKey, setWithKey] = useState(false)
  useQuery({ queryKey: ['access'], queryFn: findAccess, retry: false })
  useEffect(() => {
    if (access === undefined || access.by === 'nobody') return
    // What was asked before was answered for somebody else, or for nobody.
    queryClient.clear()
    void navigate({ href: next?.startsWith('/') && !next.startsWith('//') ? next : '/', replace: true })
  }, [access])
  const offers = access?.by === 'nobody' ? access.offers : 'key'
  return (
    <Gate title="Log in to Hogflare">
      {offers === 'account' && !withKey ? <WithAccount /> : <ReadKey />}
      {offers === 'account' && (
        <button type="button" className={classes.other} onClick={() => setWithKey(!withKey)}>
          {withKey ? 'Use an account' : 'Use the read key'}
        </button>
      )}
      <Insecure />
    </Gate>
  )
}

/** Sends a form, and keeps what went wrong. */
export const useSending = (send: () => Promise<void>) => {
  const [error, setError] = useState<string>()
  const [isSending, setSending] = useState(false)
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    setSending(true)
    setError(undefined)
    send()
      .catch((caught: Error) => setError(caught instanceof TypeError ? 'The server does not answer.' : caught.message))
      .finally(() => setSending(false))
  }
  return { error, isSending, onSubmit }
}

const WithAccount = () => {
  const [account, setAccount] = useState<Account>({ email: '', password: '' })
  const { error, isSending, onSubmit } = useSending(() => logIn(account.email, account.password))
  return (
    <form className={classes.form} onSubmit={onSubmit}>
      <Credentials account={account} change={setAccount} error={error} />
      <Button type="submit" size="sm" loading={isSending}>
        Log in
      </Button>
    </form>
  )
}

const ReadKey = () => {
  const [key, setKey] = useState('')
  const { error, isSending, onSubmit } = useSending(() => showKey(key.trim()))
  return (
    <form className={classes.form} onSubmit={onSubmit}>
      <PasswordInput
        size="sm"
        label="Read key"
        description={
          <>
            <code>hogflare key show</code> prints it. It stays in this tab.
          </>
        }
        name="read-key"
        autoComplete="off"
        required
        autoFocus
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
        error={error}
      />
      <Button type="submit" size="sm" loading={isSending}>
        Log in
      </Button>
    </form>
  )
}

export default Login
