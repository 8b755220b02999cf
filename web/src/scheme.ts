// Light or dark: what the system says, unless somebody chose.
import { localStorageColorSchemeManager } from '@mantine/core'

const manager = localStorageColorSchemeManager({ key: 'hogflare.scheme' })

const apply = () => {
  const chosen = manager.get('auto')
  const isDark = chosen === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark'
  document.documentElement.dataset.mantineColorScheme = isDark ? 'dark' : 'light'
}

export const scheme = { manager, apply }
