// The licences of all that is built into the pages, as a file beside them: made anew with each build.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const LICENSE = /^(licen[cs]e|copying|notice)/i
const RULE = `\n${'-'.repeat(78)}\n\n`

/** The folder of the package that a module is of. */
const packageOf = (id: string): string | undefined => {
  const path = id.replace(/^\0/, '').replace(/[?#].*$/, '')
  const at = path.lastIndexOf('/node_modules/')
  if (at < 0) return undefined
  const [first = '', second = ''] = path.slice(at + '/node_modules/'.length).split('/')
  return join(path.slice(0, at), 'node_modules', first.startsWith('@') ? join(first, second) : first)
}

interface Named {
  name: string
  version: string
  license?: string
  homepage?: string
}

const described = (folder: string): string | undefined => {
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return undefined
  const { name, version, license, homepage } = JSON.parse(readFileSync(manifest, 'utf8')) as Named
  const texts = readdirSync(folder, { withFileTypes: true })
    .filter((file) => file.isFile() && LICENSE.test(file.name))
    .map(({ name }) => name)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
  const head = [`${name} ${version}`, license ?? '', homepage ?? ''].filter(Boolean).join('\n')
  return [head, ...texts].join('\n\n')
}

export const licenses = (): Plugin => ({
  name: 'licenses',
  apply: 'build',
  generateBundle() {
    const folders = new Set([...this.getModuleIds()].map(packageOf).filter((folder) => folder !== undefined))
    const texts = [...folders]
      .sort()
      .map(described)
      .filter((text) => text !== undefined)
    if (texts.length === 0) this.error('no package was found')
    const source = `Hogflare's pages are made with these.\n${RULE}${texts.join(RULE)}\n`
    this.emitFile({ type: 'asset', fileName: 'licenses.txt', source })
  },
})
