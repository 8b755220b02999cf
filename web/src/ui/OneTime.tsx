// What is told once: to be copied now.
import { Button, CopyButton, TextInput } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'

export const OneTime = ({ label, text }: { label: string; text: string }) => (
  <div style={{ display: 'flex', alignItems: 'flex-end', gap: 8, marginBottom: 16 }}>
    <TextInput
      label={label}
      readOnly
      value={text}
      style={{ flex: 1 }}
      onFocus={(event) => event.currentTarget.select()}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 } }}
    />
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          onClick={copy}
          leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
        >
          {copied ? 'Copied' : 'Copy'}
        </Button>
      )}
    </CopyButton>
  </div>
)
