// H1, G9: hints that make a browser look up or connect to a host without asking it for anything. Chromium follows them only
// in a profile that it keeps, and looks up what it doesn't connect to: its own log of the network tells.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chromium } from 'playwright-core'
import { siteOf, StandIn } from './standin.js'
import { button, chromiumWith, showsDecided } from './support.js'

const HINTS = {
  preconnect: host => ({ html: `<link rel="preconnect" href="https://${host}">` }),
  'preconnect-cors': host => ({ html: `<LINK REL="x PreConnect" crossorigin href=//${host}>` }),
  lookup: host => ({ html: `<link rel="dns-prefetch" href="//${host}">` }),
  'noscript-preconnect': host => ({ html: `<noscript><link rel="preconnect" href="https://${host}"></noscript>` }),
  'header-preconnect': host => ({ link: `<https://${host}>; rel=preconnect` }),
  'lookup.header': host => ({ link: `<https://${host}>; rel="dns-prefetch"` }),
}

const isFollowed = (hint, js) => !js || !hint.startsWith('noscript')

const STATES = ['ungated', 'before', 'refused', 'accepted']

/** Each page names hosts of its own; all but one are a vendor's. */
function hinting(state) {
  const hints = Object.entries(HINTS).map(([hint, write]) => write(`${hint}.${state}.hotjar.com`))
  const of = kind => hints.flatMap(hint => hint[kind] ?? [])
  return {
    headers: { link: of('link').join(', ') },
    body: `<!doctype html><title>${state}</title>${of('html').join('\n')}<link rel="preconnect" href="https://${state}.news.example"><p>x`,
  }
}

for (const js of [true, false]) {
  test(`h1 g9 no vendor is looked up before the choice, nor after a no${js ? '' : ', without script'}`, async () => {
    const standIn = await StandIn.start()
    const { bare, gated } = await siteOf({
      '/': '<!doctype html><title>Front page</title><p>x',
      ...Object.fromEntries(STATES.map(state => [`/${state}`, hinting(state)])),
    })
    const folder = mkdtempSync(join(tmpdir(), 'hints-'))
    const log = join(folder, 'log.json')
    const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      ...chromiumWith([...standIn.args, `--log-net-log=${log}`]),
      javaScriptEnabled: js,
    })
    const page = await context.newPage()
    const look = async address => {
      await page.goto(address)
      await page.waitForLoadState('networkidle')
      await standIn.isQuiet()
    }
    await look(`${bare}/ungated`)
    await look(`${gated}/before`)
    for (const [choice, state] of [['reject', 'refused'], ['accept', 'accepted']]) {
      await context.clearCookies()
      await page.goto(gated)
      await button(page, 'prompt', choice).click()
      await showsDecided(page)
      await look(`${gated}/${state}`)
    }
    await context.close()
    const { events } = JSON.parse(readFileSync(log))
    rmSync(folder, { recursive: true })

    // What isn't said in the site's own headers.
    const told = JSON.stringify(events.filter(({ params }) => !params?.headers))
    const seen = new Set(told.match(/[\w.-]+\.(hotjar\.com|news\.example)/g))
    const expected = STATES.flatMap(state => [
      ...Object.keys(HINTS)
        .filter(hint => (state === 'ungated' || state === 'accepted') && isFollowed(hint, js))
        .map(hint => `${hint}.${state}.hotjar.com`),
      `${state}.news.example`,
    ])
    assert.deepEqual([...seen].sort(), expected.sort())
  })
}
