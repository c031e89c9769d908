// Pictures of every state, for people to look at: `npm run shots` fills shots/.

import { mkdir, rm } from 'node:fs/promises'
import { DESKTOP, button, launch, opensSettings, part, PHONE, showsDecided, showsPrompt, SMALL, stop, visit } from './support.js'

const STATES = {
  ask: page => page.goto('/article').then(() => showsPrompt(page)),
  settings: async page => {
    await page.goto('/article')
    await opensSettings(page).click()
    await part(page, 'settings').waitFor()
  },
  decided: async page => {
    await page.goto('/article')
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    await page.reload()
  },
  reopened: async page => {
    await STATES.decided(page)
    await part(page, 'tab').click()
    await part(page, 'settings').waitFor()
  },
  'policy-page': page => page.goto('/_consent'),
}

/** In the place of the video, before the choice. */
const PLACEHOLDER = async page => {
  await page.goto('/article')
  await button(page, 'prompt', 'reject').click()
  await showsDecided(page)
  await page.locator('tower-consent[data-state=gated]').evaluate(one => one.scrollIntoView({ block: 'center' }))
}

const folder = new URL('shots/', import.meta.url).pathname
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const browser = await launch()
for (const regime of ['opt-in', 'opt-out', 'notice']) {
  for (const [state, come] of Object.entries(STATES)) {
    if (regime !== 'opt-in' && state !== 'ask') continue
    for (const [size, viewport] of Object.entries({ phone: PHONE, small: SMALL, desktop: DESKTOP })) {
      for (const colorScheme of ['light', 'dark']) {
        for (const dir of ['ltr', 'rtl']) {
          await visit({ regime, viewport, colorScheme, in: browser }, async page => {
            await come(page)
            await page.evaluate(dir => {
              const form = document.querySelector('tower-consent')?.shadowRoot.querySelector('form')
              ;(form ?? document.documentElement).dir = dir
            }, dir)
            const path = `${folder}${regime}-${state}-${size}-${colorScheme}-${dir}.png`
            await page.screenshot({ path, fullPage: state === 'policy-page' })
          })
        }
      }
    }
  }
}
for (const [name, options] of Object.entries({ forced: { forcedColors: 'active' }, gpc: { extraHTTPHeaders: { 'Sec-GPC': '1' } } })) {
  for (const state of ['ask', 'settings', 'decided']) {
    await visit({ viewport: PHONE, in: browser, ...options }, async page => {
      await STATES[state](page)
      await page.screenshot({ path: `${folder}${name}-${state}-phone.png` })
    })
  }
}
for (const [size, viewport] of Object.entries({ phone: PHONE, small: SMALL, desktop: DESKTOP })) {
  for (const colorScheme of ['light', 'dark']) {
    await visit({ viewport, colorScheme, in: browser }, async page => {
      await PLACEHOLDER(page)
      await page.screenshot({ path: `${folder}placeholder-${size}-${colorScheme}.png` })
    })
  }
}
await browser.close()
await stop()
