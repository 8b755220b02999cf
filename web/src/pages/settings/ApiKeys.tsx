// API keys: made, told once, and taken back.
import { Button, Checkbox, Modal, MultiSelect, Select, Skeleton, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useAccess, useMay } from '~/api/access'
import { askKeys, deleteKey, makeKey, type ToKey } from '~/api/people'
import type { ApiKey } from '~/api/types'
import * as format from '~/format/format'
import { type Scope, useScope } from '~/scope'
import { DataTable } from '~/ui/DataTable'
import { FormError } from '~/ui/FormError'
import { OneTime } from '~/ui/OneTime'
import { Empty, Trouble } from '~/ui/States'
import { Wide } from './Part'
import classes from './Settings.module.css'

const SCOPES: Record<ToKey['scopes'][number], string> = {
  read: 'Read',
  save: 'Save and share',
  erase: 'Erase persons',
  projects: 'Look after projects',
  audit: 'Read the audit log',
}

export const Keys = () => {
  const scope = useScope()
  const [isMaking, setMaking] = useState(false)
  const [revoked, setRevoked] = useState<ApiKey>()
  const keys = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => askKeys(signal) })
  const nameOf = (id: number) => scope.projects.find(({ team }) => team === id)?.name ?? `Project ${id}`
  return (
    <div className={classes.wides}>
      <Wide
        title="API keys"
        about={
          <>
            For programs that read, shown as <code>Authorization: Bearer …</code>. SDKs need none: they send with a
            project’s token.
          </>
        }
        end={
          <Button leftSection={<IconPlus size={14} stroke={1.6} />} onClick={() => setMaking(true)}>
            New key
          </Button>
        }
      >
        {keys.error && <Trouble error={keys.error} retry={() => void keys.refetch()} />}
        {keys.isPending && <Skeleton height={120} />}
        {keys.data?.length === 0 && <Empty title="No key yet">A key is told once, when it is made.</Empty>}
        {keys.data && keys.data.length > 0 && (
          <div className={classes.box}>
            <DataTable
              label="API keys"
              rows={keys.data}
              columns={[
                {
                  title: 'Name',
                  of: ({ label }) => label,
                  show: ({ label, hint, kind }) => (
                    <>
                      {label}{' '}
                      <code className="unit">
                        {kind === 'personal' ? 'phx' : 'phs'}_…{hint}
                      </code>
                    </>
                  ),
                },
                { title: 'May', of: ({ scopes }) => scopes.map((one) => SCOPES[one].toLowerCase()).join(', ') },
                {
                  title: 'Projects',
                  of: ({ projects }) => (projects.length === 0 ? 'all' : projects.map(nameOf).join(', ')),
                },
                { title: 'By', of: ({ created_by }) => created_by },
                {
                  title: 'Used',
                  of: ({ used_at }) => used_at ?? null,
                  show: ({ used_at }) => (used_at ? format.ago(used_at) : 'never'),
                  width: 100,
                },
                {
                  title: 'Ends',
                  of: ({ expires_at }) => expires_at ?? null,
                  show: ({ expires_at }) => (expires_at ? format.ago(expires_at) : 'never'),
                  width: 90,
                },
                {
                  title: '',
                  of: () => '',
                  show: (key) => (
                    <Button variant="default" onClick={() => setRevoked(key)} aria-label={`Revoke ${key.label}`}>
                      Revoke
                    </Button>
                  ),
                  width: 100,
                },
              ]}
            />
          </div>
        )}
      </Wide>
      {isMaking && <Make scope={scope} onClose={() => setMaking(false)} />}
      {revoked && <Revoke apiKey={revoked} onClose={() => setRevoked(undefined)} />}
    </div>
  )
}

const DAYS = { never: 'Never', '30': 'In 30 days', '90': 'In 90 days', '365': 'In a year' }

const Make = ({ scope, onClose }: { scope: Scope; onClose: () => void }) => {
  const access = useAccess()
  const maySecure = useMay('projects')
  const [kind, setKind] = useState<ToKey['kind']>('personal')
  const [label, setLabel] = useState('')
  const [scopes, setScopes] = useState<string[]>(['read'])
  const [projects, setProjects] = useState<string[]>([])
  const [days, setDays] = useState<string>('never')
  const client = useQueryClient()
  const making = useMutation({
    mutationFn: () =>
      makeKey({
        kind,
        label: label.trim(),
        scopes: scopes as ToKey['scopes'],
        ...(projects.length > 0 ? { projects: projects.map(Number) } : {}),
        ...(days === 'never' ? {} : { expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() }),
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
  })
  // No key has a permission that its maker has not.
  const offered = Object.entries(SCOPES).filter(
    ([name]) => access?.by === 'session' && access.permissions.includes(name as never),
  )
  const isWhole = label.trim() !== '' && scopes.length > 0 && (kind === 'personal' || projects.length > 0)
  return (
    <Modal opened onClose={onClose} title="New API key">
      {making.data ? (
        <>
          <p className="muted" style={{ marginTop: 0 }}>
            Keep it now: it is not told again.
          </p>
          <OneTime label="Key" text={making.data.secret} />
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </>
      ) : (
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault()
            making.mutate()
          }}
        >
          <TextInput
            label="Name"
            placeholder="Notebook"
            required
            maxLength={200}
            data-autofocus
            value={label}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
          {maySecure && (
            <Select
              label="Whose"
              value={kind}
              allowDeselect={false}
              data={[
                { value: 'personal', label: 'Yours: it goes with you (phx_…)' },
                { value: 'secure', label: 'Of projects: it stays (phs_…)' },
              ]}
              onChange={(chosen) => setKind(chosen as ToKey['kind'])}
            />
          )}
          <Checkbox.Group label="May" value={scopes} onChange={setScopes}>
            <div className={classes.checks}>
              {offered.map(([value, shown]) => (
                <Checkbox key={value} size="xs" value={value} label={shown} />
              ))}
            </div>
          </Checkbox.Group>
          <MultiSelect
            size="xs"
            label="Projects"
            placeholder={projects.length === 0 ? (kind === 'personal' ? 'All' : 'At least one') : ''}
            value={projects}
            data={scope.projects
              .filter(({ team }) => team > 0)
              .map(({ team, name }) => ({ value: String(team), label: name }))}
            onChange={setProjects}
          />
          <Select
            label="Ends"
            value={days}
            allowDeselect={false}
            data={Object.entries(DAYS).map(([value, shown]) => ({ value, label: shown }))}
            onChange={(chosen) => setDays(chosen ?? 'never')}
          />
          {making.error && <FormError error={making.error} />}
          <Button type="submit" loading={making.isPending} disabled={!isWhole}>
            Make it
          </Button>
        </form>
      )}
    </Modal>
  )
}

const Revoke = ({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) => {
  const client = useQueryClient()
  const revoking = useMutation({
    mutationFn: () => deleteKey(apiKey.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['keys'] })
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={`Revoke “${apiKey.label}”?`}>
      <p style={{ marginTop: 0 }}>Whatever uses it is refused at once.</p>
      {revoking.error && <FormError error={revoking.error} />}
      <div className={classes.buttons}>
        <Button color="red" loading={revoking.isPending} onClick={() => revoking.mutate()}>
          Revoke
        </Button>
        <Button variant="default" onClick={onClose}>
          Keep it
        </Button>
      </div>
    </Modal>
  )
}
