// Oneself: colours, account, password, keys.
import { Button, PasswordInput, SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { logOut, useAccess } from '~/api/access'
import { changePassword } from '~/api/people'
import { Keys } from '~/shell/Keys'
import { FormError } from '~/ui/FormError'
import { Part } from './Part'
import classes from './Settings.module.css'

export const You = () => {
  const access = useAccess()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <div>
      <Part title="Appearance" about="Of this browser.">
        <SegmentedControl
          aria-label="Colours"
          value={colorScheme}
          onChange={(value) => setColorScheme(value as 'auto' | 'light' | 'dark')}
          data={[
            { value: 'auto', label: 'As the system' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
        />
      </Part>
      <Part
        title="Access"
        about={
          access?.by === 'session'
            ? 'You are logged in with your account.'
            : 'You read with the read key, which stays in this tab until it is closed. It changes nothing.'
        }
      >
        {access?.by === 'session' && (
          <p>
            {access.user.email} <span className="muted">{access.user.role}</span>
          </p>
        )}
        <Button variant="default" onClick={() => void logOut()}>
          Log out
        </Button>
      </Part>
      {access?.by === 'session' && (
        <Part title="Password" about="Another one ends all your other sessions.">
          <Password />
        </Part>
      )}
      <Part title="Keys" about="From anywhere but a text.">
        <Keys />
      </Part>
    </div>
  )
}

const Password = () => {
  const [present, setPresent] = useState('')
  const [password, setPassword] = useState('')
  const changing = useMutation({
    mutationFn: () => changePassword(present, password),
    onSuccess: () => {
      setPresent('')
      setPassword('')
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    changing.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <PasswordInput
        size="xs"
        label="The present one"
        autoComplete="current-password"
        required
        value={present}
        onChange={(event) => setPresent(event.currentTarget.value)}
      />
      <PasswordInput
        size="xs"
        label="The new one"
        description="At least 10 characters"
        autoComplete="new-password"
        required
        minLength={10}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {changing.error && <FormError error={changing.error} />}
      <div className={classes.buttons}>
        <Button type="submit" variant="default" loading={changing.isPending}>
          Change the password
        </Button>
        {changing.isSuccess && <span role="status">It is changed.</span>}
      </div>
    </form>
  )
}
