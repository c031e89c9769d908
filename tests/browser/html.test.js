// B7: a page that validated before validates after. The W3C's validator, nothing filtered.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { accepted, get, site } from './support.js'

const VNU = fileURLToPath(new URL('node_modules/vnu-jar/build/dist/vnu.jar', import.meta.url))
const PATHS = ['/', '/article', '/article/swifts', '/privacy', '/stream', '/nothing-here']
const GPC = { 'sec-gpc': '1' }

test("b7 the validator accepts the example's pages, with the banner and without", async () => {
  const pages = new Map()
  const decided = { cookie: await accepted(await site()) }
  const add = async (regime, layer, path, headers, expected) => {
    const { body } = await get((await site(regime, layer)) + path, headers)
    const state = body.match(/<tower-consent[^>]* data-state="?(\w+)/)?.[1]
    assert.equal(state, expected, path)
    pages.set(`${regime} ${layer} ${expected ?? 'none'} ${path}${headers['sec-gpc'] ? ' gpc' : ''}`, body)
  }
  for (const path of PATHS) {
    await add('opt-in', 'off', path, {}, undefined)
    for (const regime of ['opt-in', 'opt-out', 'notice']) await add(regime, 'on', path, {}, 'ask')
    await add('opt-in', 'on', path, decided, 'decided')
    await add('opt-out', 'on', path, GPC, 'decided')
    await add('opt-in', 'on', path, GPC, 'ask')
  }
  for (const regime of ['opt-in', 'opt-out', 'notice']) {
    for (const headers of [{}, decided, GPC]) {
      const { body } = await get((await site(regime)) + '/_consent', headers)
      pages.set(`${regime} policy page ${Object.keys(headers)}`, body)
    }
  }

  // The validator looks past what is in a template: so the banner's inside is looked at as a page of its own.
  for (const [name, body] of [...pages]) {
    const insides = [...body.matchAll(/<template shadowrootmode=open(?: shadowrootclonable)?>(<style>.*?<\/style>)(.*?)<\/template>/gs)]
    // After it, one for the video.
    const isGated = /<tower-consent data-state=gated/.test(body)
    assert.equal(insides.length, /^opt-in off|policy page/.test(name) ? 0 : isGated ? 2 : 1, name)
    assert.equal(isGated, /^opt-in on ask \/article$| \/article gpc$/.test(name), name)
    for (const [index, [, style, inside]] of insides.entries()) {
      pages.set(`inside ${index ? 'placeholder ' : ''}${name}`, page(withoutContainers(style), withoutParts(inside)))
    }
  }
  // And a fault is seen.
  pages.set('fault', pages.get('inside opt-in on ask /').replace(' role=region', ' role=region fault'))

  const folder = await mkdtemp(join(tmpdir(), 'vnu-'))
  try {
    const files = new Map()
    for (const [name, body] of pages) {
      const file = join(folder, `${name.replace(/\W+/g, '-')}.html`)
      await writeFile(file, body)
      files.set(file, name)
    }
    assert.equal(files.size, pages.size)
    const found = await promisify(execFile)('java', ['-jar', VNU, '--format', 'json', '--stdout', '--exit-zero-always', ...files.keys()], {
      maxBuffer: 1 << 26,
    })
    const messages = JSON.parse(found.stdout).messages
    const faults = messages.filter(({ url }) => url.endsWith('/fault.html'))
    assert.deepEqual(faults.map(({ message }) => message), ['Attribute “fault” not allowed on element “div” at this point.'])
    // A gated picture has no address: that is the point of it. One on each page that is gated, and nothing else is said.
    const isGatedPixel = ({ message, extract }) =>
      message === 'Element “img” is missing one or more of the following attributes: “src”, “srcset”.' && extract.includes('<img data-consent="example-ads" class="pixel" data-consent-src=')
    const pixels = messages.filter(isGatedPixel).map(({ url }) => url)
    assert.equal(new Set(pixels).size, pixels.length)
    assert.equal(pixels.length, [...pages.values()].filter(body => body.includes('<tower-consent data-state=gated')).length)
    const report = messages.filter(message => !faults.includes(message) && !isGatedPixel(message)).map(({ url, lastLine, type, message, extract }) => `${url} ${lastLine} ${type} ${message} | ${extract}`)
    assert.deepEqual(report, [])
  } finally {
    await rm(folder, { recursive: true })
  }
})

// `part` is an attribute of every element by CSS Shadow Parts; the validator knows HTML's own.
const withoutParts = html => html.replace(/(?<=<\w[^>]*) part=\w+/g, '')

// Nor does its CSS know container queries.
const withoutContainers = style => style.replace(/\ncontainer-type:size/, '').replace(/@container [^{]*{[^{}]*{[^{}]*}\s*}/, '')

const page = (head, body) => `<!DOCTYPE html><html lang="en"><head><title>Banner</title>${head}</head><body><h1>Banner</h1>${body}</body></html>`
