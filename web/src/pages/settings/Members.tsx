// Who may come in: members, their roles, and links for those who are invited.
import { Button, Menu, Modal, Select, Skeleton, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useAccess, useMay } from '~/api/access'
import { askMembers, changeRole, invite, linkToPassword, removeMember } from '~/api/people'
import type { Member, Role } from '~/api/types'
import * as format from '~/format/format'
import { DataTable } from '~/ui/DataTable'
import { FormError } from '~/ui/FormError'
import { OneTime } from '~/ui/OneTime'
import { Trouble } from '~/ui/States'
import { Wide } from './Part'
import classes from './Settings.module.css'

const ROLES: Record<Role, string> = { owner: 'Owner', admin: 'Admin', viewer: 'Viewer' }

/** The roles that somebody may give. */
const rolesFor = (isOwner: boolean) =>
  Object.entries(ROLES)
    .filter(([role]) => isOwner || role !== 'owner')
    .map(([value, label]) => ({ value, label }))

export const Members = () => {
  const access = useAccess()
  const isOwner = useMay('owners')
  const [open, setOpen] = useState<'invite' | { remove: Member } | { link: Member }>()
  const client = useQueryClient()
  const members = useQuery({ queryKey: ['members'], queryFn: ({ signal }) => askMembers(signal) })
  const changing = useMutation({
    mutationFn: ({ id, role }: { id: string; role: Role }) => changeRole(id, role),
    onSettled: () => client.invalidateQueries({ queryKey: ['members'] }),
  })
  const me = access?.by === 'session' ? access.user.email : ''
  /** Of an owner only an owner changes anything. */
  const canChange = ({ role, email }: Member) => email !== me && (isOwner || role !== 'owner')
  return (
    <div className={classes.wides}>
      <Wide
        title="Members"
        about="Viewers read; admins save, share, and look after projects and members; owners also look after owners."
        end={
          <Button leftSection={<IconPlus size={14} stroke={1.6} />} onClick={() => setOpen('invite')}>
            Invite
          </Button>
        }
      >
        {members.error && <Trouble error={members.error} retry={() => void members.refetch()} />}
        {changing.error && <FormError error={changing.error} />}
        {members.isPending && <Skeleton height={120} />}
        {members.data && (
          <div className={classes.box}>
            <DataTable
              label="Members"
              rows={members.data}
              columns={[
                {
                  title: 'Email',
                  of: ({ email }) => email,
                  show: ({ email }) => (
                    <>
                      {email} {email === me && <span className="unit">you</span>}
                    </>
                  ),
                },
                {
                  title: 'Role',
                  of: ({ role }) => role,
                  show: (member) =>
                    canChange(member) ? (
                      <Select
                        aria-label={`Role of ${member.email}`}
                        w={110}
                        value={member.role}
                        allowDeselect={false}
                        data={rolesFor(isOwner)}
                        onChange={(role) => role && changing.mutate({ id: member.id, role: role as Role })}
                      />
                    ) : (
                      ROLES[member.role]
                    ),
                  width: 140,
                },
                {
                  title: 'Seen',
                  of: ({ seen_at }) => seen_at ?? null,
                  show: ({ seen_at, is_invited }) =>
                    is_invited ? (
                      <span className="muted">invited</span>
                    ) : seen_at ? (
                      format.ago(seen_at)
                    ) : (
                      format.NOTHING
                    ),
                  width: 110,
                },
                {
                  title: '',
                  of: () => '',
                  show: (member) =>
                    canChange(member) ? (
                      <Menu>
                        <Menu.Target>
                          <Button variant="default" aria-label={`Change ${member.email}`}>
                            Change
                          </Button>
                        </Menu.Target>
                        <Menu.Dropdown>
                          <Menu.Item onClick={() => setOpen({ link: member })}>Link for a password</Menu.Item>
                          <Menu.Item color="red" onClick={() => setOpen({ remove: member })}>
                            Remove
                          </Menu.Item>
                        </Menu.Dropdown>
                      </Menu>
                    ) : null,
                  width: 110,
                },
              ]}
            />
          </div>
        )}
      </Wide>
      {open === 'invite' && <Invite isOwner={isOwner} onClose={() => setOpen(undefined)} />}
      {typeof open === 'object' && 'link' in open && <Link member={open.link} onClose={() => setOpen(undefined)} />}
      {typeof open === 'object' && 'remove' in open && (
        <Remove member={open.remove} onClose={() => setOpen(undefined)} />
      )}
    </div>
  )
}

const Invite = ({ isOwner, onClose }: { isOwner: boolean; onClose: () => void }) => {
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  const client = useQueryClient()
  const inviting = useMutation({
    mutationFn: () => invite(email.trim(), role),
    onSuccess: () => client.invalidateQueries({ queryKey: ['members'] }),
  })
  return (
    <Modal opened onClose={onClose} title="Invite somebody">
      {inviting.data ? (
        <>
          <p className="muted" style={{ marginTop: 0 }}>
            Pass this link on to {email}: Hogflare sends no mail. It works once, for a week, and is not told again.
          </p>
          <OneTime label="Link" text={inviting.data} />
          <Button variant="default" onClick={onClose}>
            Close
          </Button>
        </>
      ) : (
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault()
            inviting.mutate()
          }}
        >
          <TextInput
            label="Email"
            type="email"
            required
            data-autofocus
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <Select
            label="Role"
            value={role}
            allowDeselect={false}
            data={rolesFor(isOwner)}
            onChange={(chosen) => setRole((chosen ?? 'viewer') as Role)}
          />
          {inviting.error && <FormError error={inviting.error} />}
          <Button type="submit" loading={inviting.isPending}>
            Make a link
          </Button>
        </form>
      )}
    </Modal>
  )
}

const Link = ({ member, onClose }: { member: Member; onClose: () => void }) => {
  const making = useMutation({ mutationFn: () => linkToPassword(member.id) })
  return (
    <Modal opened onClose={onClose} title={`Another password for ${member.email}`}>
      {making.data ? (
        <OneTime label="Link" text={making.data} />
      ) : (
        <>
          <p className="muted" style={{ marginTop: 0 }}>
            Whoever follows the link chooses a password. It ends all sessions of {member.email}.
          </p>
          {making.error && <FormError error={making.error} />}
          <Button loading={making.isPending} onClick={() => making.mutate()}>
            Make a link
          </Button>
        </>
      )}
    </Modal>
  )
}

const Remove = ({ member, onClose }: { member: Member; onClose: () => void }) => {
  const client = useQueryClient()
  const removing = useMutation({
    mutationFn: () => removeMember(member.id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['members'] })
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} title={`Remove ${member.email}?`}>
      <p style={{ marginTop: 0 }}>
        They are out at once, with their sessions and personal keys. What they saved stays.
      </p>
      {removing.error && <FormError error={removing.error} />}
      <div className={classes.buttons}>
        <Button color="red" loading={removing.isPending} onClick={() => removing.mutate()}>
          Remove
        </Button>
        <Button variant="default" onClick={onClose}>
          Keep
        </Button>
      </div>
    </Modal>
  )
}
