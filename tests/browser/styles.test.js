// B2, B3, B8: the banner and the page leave each other alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { button, DESKTOP, inFront, opensSettings, part, PHONE, showsDecided, showsPrompt, site, visit } from './support.js'

/** The example with this style in its pages, under this layer. */
async function styled(css, layer = 'on', regime = 'opt-in') {
  return inFront(await site(regime, layer), (headers, body) => {
    delete headers['content-security-policy']
    return body.replace('</head>', `<style>${css}</style></head>`)
  })
}

/** How each part of the banner looks, and where it stands. */
const look = page =>
  page.evaluate(() => {
    const root = document.querySelector('tower-consent').shadowRoot
    return [...root.querySelectorAll('form, form *')].map(element => {
      const style = getComputedStyle(element)
      const { x, y, width, height } = element.getBoundingClientRect()
      return {
        element: `${element.localName} ${element.getAttribute('part') ?? element.getAttribute('value') ?? element.className}`,
        box: [x, y, width, height],
        style: Object.fromEntries([...style].map(name => [name, style.getPropertyValue(name)])),
      }
    })
  })

/** What the visitor can really hit: the prompt's buttons are on top. */
async function isOnTop(page, locator) {
  const box = await locator.boundingBox()
  return locator.evaluate(
    (element, [x, y]) => element.contains(element.getRootNode().elementFromPoint(x, y)),
    [box.x + box.width / 2, box.y + box.height / 2],
  )
}

// No page hides html and body themselves and is still a page; all else may be.
const HOSTILE = {
  'all unset and hidden': 'body *, body *::before, body *::after { all: unset !important; display: none !important }',
  'the host by name': `
    tower-consent, tower-consent * { display: none !important; visibility: hidden !important; opacity: 0 !important;
      position: static !important; inset: auto auto 100% 100% !important; width: 0 !important; height: 0 !important;
      transform: scale(0) !important; clip-path: inset(50%) !important; filter: opacity(0) !important; z-index: -1 !important;
      content-visibility: hidden !important; pointer-events: none !important; contain: strict !important }`,
  'a blocker of cookie banners': `
    [class*=cookie], [id*=cookie], [data-state], tower-consent[data-state=ask] { display: none !important }`,
  'loud inheritance': `
    html { font: italic 900 9px/3 cursive !important; letter-spacing: 1em !important; word-spacing: 2em !important;
      text-transform: uppercase !important; text-align: right !important; color: lime !important; cursor: none !important;
      visibility: hidden !important; white-space: pre !important; text-indent: 5em !important; writing-mode: horizontal-tb;
      color-scheme: dark !important; line-height: 5 !important; list-style: square !important; user-select: none !important;
      pointer-events: none !important; quotes: "x" "y"; text-shadow: 0 0 9px red !important }`,
  'element rules': `
    button, input, form, label, p, a, div, h2, b { border: 9px dashed red !important; padding: 40px !important;
      margin: 40px !important; float: right !important; font-size: 50px !important; appearance: auto !important }
    :focus-visible { outline: none !important } ::backdrop { background: lime !important }
    [popover] { display: block !important } [part=prompt] { display: none !important }`,
  'everything else on top': 'main { position: relative; z-index: 2147483646 } footer { position: fixed; inset: 0; z-index: 2147483646 }',
  'Bootstrap-like resets': `
    *, *::before, *::after { box-sizing: content-box; margin: 0; padding: 0; border: 0 } button { background: none }
    body > :not(main) { display: none } :root { --a: red; --s: red }`,
}

for (const [name, css] of Object.entries(HOSTILE)) {
  for (const js of [true, false]) {
    test(`b3 hostile CSS does not change the banner: ${name}${js ? '' : ', without script'}`, async () => {
      const looks = []
      for (const baseURL of [await styled(''), await styled(css)]) {
        await visit({ baseURL, js, viewport: PHONE, colorScheme: 'light' }, async page => {
          await page.goto('/privacy')
          await showsPrompt(page)
          const ask = await look(page)
          for (const value of ['reject', 'accept']) assert.ok(await isOnTop(page, button(page, 'prompt', value)), value)
          await opensSettings(page).click()
          await part(page, 'settings').waitFor()
          const settings = await look(page)
          await button(page, 'settings', 'accept').click()
          await part(page, 'settings').waitFor({ state: 'hidden' })
          await showsDecided(page)
          await page.mouse.move(0, 0)
          await page.reload()
          await showsDecided(page)
          assert.ok(await isOnTop(page, part(page, 'tab')))
          looks.push({ ask, settings, decided: await look(page) })
        })
      }
      const [expected, found] = looks
      for (const state of Object.keys(expected)) {
        assert.equal(found[state].length, expected[state].length)
        for (const [index, one] of expected[state].entries()) assert.deepEqual(differences(one, found[state][index]), {}, state)
      }
    })
  }
}

function differences(one, other) {
  const differing = {}
  if (one.element !== other.element) differing.element = [one.element, other.element]
  if (`${one.box}` !== `${other.box}`) differing[`${one.element} box`] = [one.box, other.box]
  for (const [name, value] of Object.entries(one.style)) {
    if (other.style[name] !== value) differing[`${one.element} ${name}`] = [value, other.style[name]]
  }
  return differing
}

/** Every element of the page but the banner's: what it looks like, and where it stands. */
const pageLook = page =>
  page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter(element => !element.closest('tower-consent') && !element.previousElementSibling?.matches('tower-consent + script'))
      .filter(element => !element.matches('tower-consent + script'))
      .map(element => {
        const style = getComputedStyle(element)
        const { x, y, width, height } = element.getBoundingClientRect()
        return {
          element: `${element.localName}.${element.className}`,
          box: [x, y, width, height],
          style: Object.fromEntries([...style].map(name => [name, style.getPropertyValue(name)])),
        }
      }),
  )

// B8: also where children of body are laid out by it.
const BODIES = {
  'as it is': '',
  flex: 'body { display: flex; gap: 40px; justify-content: space-between }',
  'flex column': 'body { display: flex; flex-direction: column; min-height: 100vh; gap: 3em } main { flex: 1 }',
  grid: 'body { display: grid; grid-template-columns: 1fr 3fr 1fr; gap: 30px }',
  'grid with rows': 'body { display: grid; grid-template-rows: auto 1fr auto; min-height: 100vh }',
  columns: 'body { columns: 3 }',
}

for (const [name, css] of Object.entries(BODIES)) {
  for (const viewport of [PHONE, DESKTOP]) {
    for (const js of [viewport === DESKTOP]) {
      test(`b3 b8 the page is as without the banner: ${name}, ${viewport.width} px${js ? '' : ', without script'}`, async () => {
        const looks = []
        for (const layer of ['off', 'on']) {
          // Opt-out: the page asks, and is whole.
          await visit({ baseURL: await styled(css, layer, 'opt-out'), js, viewport }, async page => {
            await page.goto('/article')
            await page.waitForLoadState('networkidle')
            looks.push(await pageLook(page))
            if (layer === 'off') return
            await button(page, 'prompt', 'accept').click()
            await showsDecided(page)
            await page.reload()
            await page.waitForLoadState('networkidle')
            looks.push(await pageLook(page))
          })
        }
        const [bare, ask, decided] = looks
        for (const found of [ask, decided]) {
          assert.equal(found.length, bare.length)
          for (const [index, one] of bare.entries()) assert.deepEqual(differences(one, found[index]), {})
        }
      })
    }
  }
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`b8 nothing shifts, ${viewport.width} px`, () =>
    visit({ viewport }, async page => {
      await page.addInitScript(() => {
        window.shifts = []
        new PerformanceObserver(list => window.shifts.push(...list.getEntries().filter(entry => !entry.hadRecentInput).map(({ value }) => value))).observe({
          type: 'layout-shift',
          buffered: true,
        })
      })
      const shifts = () => page.evaluate(() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(window.shifts), 100))))
      for (const path of ['/', '/article', '/stream']) {
        await page.context().clearCookies()
        await page.goto(path)
        await showsPrompt(page)
        assert.deepEqual(await shifts(), [], 'ask')
        await opensSettings(page).click()
        await part(page, 'close').click()
        await button(page, 'prompt', 'accept').click()
        await showsDecided(page)
        assert.deepEqual(await shifts(), [], 'chosen')
        await page.reload()
        await showsDecided(page)
        assert.deepEqual(await shifts(), [], 'decided')
      }
    }))
}

for (const js of [true, false]) {
  test(`b2 the banner makes no request of its own${js ? '' : ', without script'}`, async () => {
    const lists = []
    for (const layer of ['off', 'on']) {
      // Opt-out: the page asks, and is whole.
      await visit({ regime: 'opt-out', layer, js }, async (page, address) => {
        const requests = []
        const other = address.replace(/127.0.0.1:(\d+)/, (_, port) => `localhost:${+port + 1}`)
        page.on('request', request => requests.push(request.url().replace(address, '').replace(other, 'third party')))
        await page.goto('/article')
        await page.waitForLoadState('networkidle')
        if (layer === 'on') {
          await opensSettings(page).click()
          await part(page, 'settings').waitFor()
          await part(page, 'close').click()
        }
        lists.push(requests.sort())
      })
    }
    assert.deepEqual(lists[1], lists[0])
  })
}
