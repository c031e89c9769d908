// H1, H3, H4: /article has a script, a pixel and a video of third parties; nobody is contacted without a yes.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import {
  accepted,
  button,
  COOKIE,
  DESKTOP,
  get,
  launch,
  opensSettings,
  part,
  PHONE,
  showsDecided,
  showsPrompt,
  site,
  toggle,
  visit,
  watch,
  withAndWithoutScript,
} from './support.js'

const NOBODY = { 'tag.js': 0, 'pixel.gif': 0, embed: 0 }
const ANALYTICS = { ...NOBODY, 'tag.js': 1 }
const MARKETING = { ...NOBODY, 'pixel.gif': 1, embed: 1 }
const ALL = { ...ANALYTICS, 'pixel.gif': 1, embed: 1 }

/** The third parties: by the name that the page calls them, which is another site to the browser. */
const others = address => address.replace(/127\.0\.0\.1:(\d+)/, (_, port) => `localhost:${+port + 1}`)

/** Counts whom the page contacts, by the third parties' own count and by the browser's requests. */
async function contacts(page, address) {
  const other = others(address)
  const requests = []
  let last = Date.now()
  for (const event of ['request', 'requestfinished', 'requestfailed']) page.on(event, () => (last = Date.now()))
  // Playwright's own `networkidle` doesn't come again where a frame gets its first address by script.
  const quiet = async () => {
    await page.waitForLoadState()
    while (Date.now() - last < 500) await page.waitForTimeout(100)
  }
  page.on('request', request => {
    const { origin, pathname } = new URL(request.url())
    if (origin !== address) requests.push(origin === other ? pathname.slice(1) : request.url())
  })
  const forget = async () => {
    requests.length = 0
    assert.equal((await fetch(`${other}/reset`, { method: 'POST' })).status, 204)
  }
  await forget()
  return {
    forget,
    /** Who was called since the last time: exactly these, 1 for once or more. */
    async are(expected, message) {
      await quiet()
      const hits = await (await fetch(`${other}/hits`)).json()
      const seen = Object.fromEntries(Object.keys(hits).map(name => [name, +requests.includes(name)]))
      const called = Object.fromEntries(Object.entries(hits).map(([name, count]) => [name, Math.min(count, 1)]))
      assert.deepEqual(called, expected, `${message}: the third parties' count`)
      assert.deepEqual(seen, expected, `${message}: the browser's requests`)
      assert.deepEqual(requests.filter(request => !(request in hits)), [], message)
      await forget()
    },
  }
}

/** Of these, who is called by a browser that runs scripts, or doesn't. */
const calledWith = (js, expected) => ({ ...expected, 'tag.js': js ? expected['tag.js'] : 0 })

const placeholder = page => page.locator('tower-consent[data-state=gated]')
const video = page => page.locator('.video iframe')

/** Waits until the page shows the choice. */
async function showsChoice(page, isVideoAllowed) {
  await showsDecided(page)
  await placeholder(page).waitFor({ state: isVideoAllowed ? 'detached' : 'visible' })
}

/** Goes back until /article shows: a choice without script leaves an entry of its own. */
async function backToArticle(page) {
  for (let steps = 0; steps < 4; steps++) {
    await page.goBack({ waitUntil: 'commit' })
    await page.locator('footer').waitFor({ state: 'attached' })
    if (new URL(page.url()).pathname === '/article') return
  }
  assert.fail('not back')
}

// H1

withAndWithoutScript('h1 nobody is contacted before the choice, and after a no', {}, async (page, address) => {
  const contacted = await contacts(page, address)
  await page.goto('/article')
  await showsPrompt(page)
  await contacted.are(NOBODY, 'before')
  await page.mouse.wheel(0, 9000)
  await page.reload()
  await contacted.are(NOBODY, 'reloaded')
  await button(page, 'prompt', 'reject').click()
  await showsChoice(page, false)
  await contacted.are(NOBODY, 'refused')
  await page.reload()
  await showsChoice(page, false)
  await contacted.are(NOBODY, 'refused and reloaded')
  await page.goto('/')
  await page.goBack()
  await contacted.are(NOBODY, 'Back')
})

withAndWithoutScript('h1 h3 all are contacted after a yes, and nobody after its withdrawal', {}, async (page, address, js) => {
  const contacted = await contacts(page, address)
  await page.goto('/article?page=2')
  await contacted.are(NOBODY, 'before')
  await button(page, 'prompt', 'accept').click()
  await showsChoice(page, true)
  await contacted.are(calledWith(js, ALL), 'accepted')
  assert.match(page.url(), /\/article\?page=2$/)
  if (js) assert.equal(await page.evaluate(() => document.documentElement.dataset.tag), 'ran')
  await page.frameLocator('.video iframe').getByRole('button', { name: 'Play' }).waitFor()
  assert.equal(await page.locator('[data-consent]').count(), 0)

  await page.goto('/')
  await contacted.are(NOBODY, 'another page')
  await page.goto('/article')
  await contacted.are(calledWith(js, ALL), 'accepted before')

  await part(page, 'tab').click()
  await button(page, 'settings', 'reject').click()
  await showsChoice(page, false)
  await contacted.are(NOBODY, 'withdrawn')
  await page.reload()
  await showsChoice(page, false)
  await contacted.are(NOBODY, 'withdrawn and reloaded')
})

for (const [value, expected] of [['analytics', ANALYTICS], ['marketing', MARKETING]]) {
  withAndWithoutScript(`h1 ${value} only`, {}, async (page, address, js) => {
    const contacted = await contacts(page, address)
    await page.goto('/article')
    await opensSettings(page).click()
    await toggle(page, value).click()
    await contacted.are(NOBODY, 'before it is saved')
    await button(page, 'settings', 'save').click()
    await showsDecided(page)
    await page.locator(`[data-consent=${value === 'analytics' ? 'example-metrics' : 'example-ads'}]`).waitFor({ state: 'detached' })
    await contacted.are(calledWith(js, expected), 'saved')
    await page.reload()
    await showsChoice(page, value === 'marketing')
    await contacted.are(calledWith(js, expected), 'reloaded')
  })
}

const browsers = new Map()

before(async () => {
  browsers.set('http cache', await launch())
  browsers.set('bfcache', await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] }))
})

after(() => Promise.all([...browsers.values()].map(browser => browser.close())))

for (const cache of ['http cache', 'bfcache']) {
  for (const js of [true, false]) {
    // A page that comes from the back/forward cache as it was loads nothing: what counts is that it isn't loaded anew.
    test(`h1 v3 nobody is contacted by Back after a withdrawal, ${cache}${js ? '' : ', without script'}`, () =>
      visit({ js, in: browsers.get(cache) }, async (page, address) => {
        const contacted = await contacts(page, address)
        await page.goto('/article')
        await button(page, 'prompt', 'accept').click()
        await showsChoice(page, true)
        await contacted.are(calledWith(js, ALL), 'accepted')
        await page.goto('/privacy')
        await part(page, 'tab').click()
        await button(page, 'settings', 'reject').click()
        await part(page, 'settings').waitFor({ state: 'hidden' })
        await showsDecided(page)
        await contacted.are(NOBODY, 'withdrawn')
        await backToArticle(page)
        await showsChoice(page, false)
        await contacted.are(NOBODY, 'Back')
      }))

    test(`h3 v3 Back to a page from before a yes shows it whole, ${cache}${js ? '' : ', without script'}`, () =>
      visit({ js, in: browsers.get(cache) }, async (page, address) => {
        const contacted = await contacts(page, address)
        await page.goto('/article')
        await showsPrompt(page)
        await page.goto('/privacy')
        await button(page, 'prompt', 'accept').click()
        await showsDecided(page)
        await contacted.are(NOBODY, 'accepted elsewhere')
        await backToArticle(page)
        await showsChoice(page, true)
        await contacted.are(calledWith(js, ALL), 'Back')
      }))
  }
}

test('h1 opt-out: all are contacted until the visitor opts out', () =>
  visit({ regime: 'opt-out' }, async (page, address) => {
    const contacted = await contacts(page, address)
    await page.goto('/article')
    await contacted.are(ALL, 'before')
    await button(page, 'prompt', 'reject').click()
    await showsDecided(page)
    await contacted.are(NOBODY, 'opted out')
    await page.reload()
    await showsChoice(page, false)
    await contacted.are(NOBODY, 'reloaded')
  }))

test('h1 c9 opt-out: the signal is enough', () =>
  visit({ regime: 'opt-out', extraHTTPHeaders: { 'Sec-GPC': '1' } }, async (page, address) => {
    const contacted = await contacts(page, address)
    await page.goto('/article')
    await contacted.are(NOBODY, 'both categories share data')
  }))

// H3, H5

test('h3 h5 after a yes the page is as the application made it, but for the banner', async () => {
  const [on, off] = await Promise.all([site(), site('opt-in', 'off')])
  const headers = async (address, cookie) => ({ cookie: `${cookie ? `${cookie}; ` : ''}session=1; visitor_id=2; ad_id=3; mystery=4` })
  for (const path of ['/', '/article', '/article/swifts', '/privacy', '/stream', '/nothing-here']) {
    const bare = (await get(off + path, await headers(off))).body.replaceAll(others(off), 'OTHERS')
    const whole = (await get(on + path, await headers(on, await accepted(on)))).body.replaceAll(others(on), 'OTHERS')
    assert.equal(withoutBanner(whole), bare, path)
    const gated = (await get(on + path, await headers(on))).body.replaceAll(others(on), 'OTHERS')
    const undone = withoutBanner(gated)
      .replace(/<tower-consent data-state=gated .*?<\/template>(.*?)<\/tower-consent>/gs, '$1')
      .replace(/ data-consent="[^"]*"| type="text\/plain"| hidden=""| name="tower-consent" loading="lazy"/g, '')
      .replaceAll('data-consent-', '')
    assert.equal(undone, bare, `${path}: what was gated can be brought back`)
  }
})

function withoutBanner(page) {
  const [banner] = page.match(/<tower-consent[^>]* data-state=(?:ask|decided).*?<\/tower-consent>(?:<script>.*?<\/script>)?/s)
  return page.replace(banner, '')
}

// H4

const sizes = { phone: PHONE, desktop: DESKTOP, small: { width: 320, height: 640 } }

for (const [name, viewport] of Object.entries(sizes)) {
  withAndWithoutScript(`h4 a placeholder stands for the video, in its size, ${name}`, { viewport }, async page => {
    await page.goto('/article')
    const there = await placeholder(page).boundingBox()
    await placeholder(page).getByText('Example Video is not loaded here').waitFor()
    assert.equal(await video(page).evaluate(frame => frame.getClientRects().length), 0, 'nothing is left of the frame')
    await button(page, 'prompt', 'accept').click()
    await showsChoice(page, true)
    const frame = await video(page).boundingBox()
    for (const side of ['width', 'height']) {
      assert.ok(Math.abs(there[side] - frame[side]) <= 4, `${side}: ${there[side]} for ${frame[side]}`)
    }
  })
}

withAndWithoutScript('h4 the links of the placeholder lead to the settings and to the content', {}, async (page, address) => {
  const contacted = await contacts(page, address)
  await page.goto('/article')
  await button(page, 'prompt', 'reject').click()
  await showsChoice(page, false)
  await contacted.are(NOBODY, 'before')
  const link = placeholder(page).getByRole('link', { name: 'Open at Example Video' })
  const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()])
  await opened.waitForLoadState()
  assert.equal(opened.url(), `${others(address)}/embed`)
  assert.equal(await opened.evaluate(() => [window.opener, document.referrer].join()).catch(error => `${error}`), ',')
  await opened.close()
  await contacted.forget()

  await placeholder(page).getByRole('link', { name: 'Cookie settings' }).click()
  await page.waitForURL('**/_consent')
  await toggle(page, 'marketing').check()
  await page.locator('button[value=save]').click()
  await page.waitForURL('**/_consent')
  await page.goto('/article')
  await showsChoice(page, true)
  await contacted.are(MARKETING, 'allowed')
})

for (const answered of [false, true]) {
  const when = answered ? 'after a no' : 'before the choice'
  withAndWithoutScript(`h4 just this vendor is allowed, for now or always, ${when}`, {}, async (page, address) => {
    const contacted = await contacts(page, address)
    const allow = name => placeholder(page).getByRole('button', { name, exact: true })
    const plays = () => page.frameLocator('.video iframe').getByRole('button', { name: 'Play' }).waitFor()
    const isAskedAsBefore = () => (answered ? showsDecided : showsPrompt)(page)
    const ONE = { ...NOBODY, embed: 1 }
    await page.goto('/article?page=2')
    if (answered) await button(page, 'prompt', 'reject').click()
    await isAskedAsBefore()
    await contacted.are(NOBODY, 'before')

    await allow('Allow Example Video').click()
    await plays()
    await contacted.are(ONE, 'for now')
    assert.match(page.url(), /\/article\?page=2$/)
    await page.goto('/article?page=2')
    await isAskedAsBefore()
    await placeholder(page).waitFor()
    await contacted.are(NOBODY, 'and not longer')

    await allow('Always allow Example Video').click()
    await plays()
    await contacted.are(ONE, 'always')
    await page.goto('/article?page=2')
    await isAskedAsBefore()
    await plays()
    await contacted.are(ONE, 'from then on')

    // The settings take it back.
    await (answered ? part(page, 'tab') : opensSettings(page)).click()
    await toggle(page, 'example-video').uncheck()
    await button(page, 'settings', 'save').click()
    await showsDecided(page)
    await contacted.forget()
    await page.goto('/article')
    await placeholder(page).waitFor()
    await contacted.are(NOBODY, 'taken back')
  })
}

withAndWithoutScript('h4 b5 the placeholder is reached by keyboard, and read in a language', {}, async page => {
  await page.goto('/article')
  await button(page, 'prompt', 'reject').click()
  await showsChoice(page, false)
  const controls = await placeholder(page).locator('button, a').all()
  assert.equal(controls.length, 4)
  await controls[0].focus()
  for (const control of controls) {
    const { height } = await control.boundingBox()
    assert.ok(height >= 24, `${height} px`)
    assert.equal(await control.evaluate(one => one.getRootNode().activeElement === one), true)
    await page.keyboard.press('Tab')
  }
  assert.deepEqual(await placeholder(page).locator('[lang]').evaluate(one => [one.lang, one.dir]), ['en', 'ltr'])
})

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [PHONE, DESKTOP]) {
    test(`h4 b5 axe finds nothing where a placeholder stands, ${colorScheme}, ${viewport.width} px`, () =>
      visit({ colorScheme, viewport }, async page => {
        await page.addInitScript(AXE)
        await page.goto('/article')
        await button(page, 'prompt', 'reject').click()
        await showsDecided(page)
        await page.reload()
        await showsChoice(page, false)
        const found = await page.evaluate(() => window.axe.run(document))
        assert.deepEqual(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => `${node.target} ${node.failureSummary}`).join(' | ')}`), [])
        const looked = found.passes.filter(({ id }) => id === 'color-contrast').flatMap(({ nodes }) => nodes)
        assert.ok(looked.some(({ target }) => `${target}`.includes('data-state="gated"')), 'axe looks into it')
      }))
  }

  test(`h4 the placeholder keeps its outline in forced colors, ${colorScheme}`, () =>
    visit({ colorScheme, forcedColors: 'active' }, async page => {
      await page.goto('/article')
      const outline = await placeholder(page).evaluate(one => {
        const { borderTopStyle, borderTopWidth } = getComputedStyle(one)
        return [borderTopStyle, borderTopWidth]
      })
      assert.deepEqual(outline, ['solid', '1px'])
    }))
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`h4 b8 nothing shifts where a placeholder stands, ${viewport.width} px`, () =>
    visit({ viewport }, async page => {
      await page.addInitScript(() => {
        window.shifts = []
        new PerformanceObserver(list => window.shifts.push(...list.getEntries().filter(entry => !entry.hadRecentInput).map(({ value }) => value))).observe({ type: 'layout-shift', buffered: true })
      })
      for (const choice of ['reject', 'accept']) {
        await page.context().clearCookies()
        await page.goto('/article')
        await placeholder(page).scrollIntoViewIfNeeded()
        await button(page, 'prompt', choice).click()
        await showsChoice(page, choice === 'accept')
        await page.waitForTimeout(200)
        assert.deepEqual(await page.evaluate(() => window.shifts), [], choice)
      }
    }))
}

// B4, B9

for (const value of ['accept', 'reject']) {
  test(`b4 no violation on a page with third parties, ${value}`, () =>
    visit({}, async page => {
      const seen = await watch(page)
      await page.goto('/article')
      await showsPrompt(page)
      assert.equal(await placeholder(page).evaluate(host => getComputedStyle(host).borderTopStyle), 'solid', 'the style applies')
      await button(page, 'prompt', value).click()
      await showsChoice(page, value === 'accept')
      await page.waitForLoadState('networkidle')
      await page.reload()
      await showsChoice(page, value === 'accept')
      await page.waitForLoadState('networkidle')
      assert.deepEqual(seen, [])
    }))
}

test('b9 h3 a choice applies without a reload, and what was taken out comes back once', () =>
  visit({}, async (page, address) => {
    const loads = []
    page.on('request', request => request.isNavigationRequest() && request.frame() === page.mainFrame() && loads.push(request.url().replace(address, '')))
    for (const choice of ['reject', 'accept']) {
      await page.context().clearCookies()
      await page.goto('/article')
      loads.length = 0
      const contacted = await contacts(page, address)
      await button(page, 'prompt', choice).click()
      await showsChoice(page, choice === 'accept')
      await page.waitForTimeout(300)
      assert.deepEqual(loads, [], choice)
      await contacted.are(choice === 'accept' ? ALL : NOBODY, choice)
    }
    const cookies = await page.context().cookies(address)
    assert.equal(cookies.filter(({ name }) => name === COOKIE).length, 1)
  }))
