// V3: after a choice, Back and reload show the new state, whichever cache the page comes from.
//
// Chromium's back/forward cache is off under Playwright unless its flag is taken away, and a page comes from there
// only when its context has no interception. Each test says whether the page came from it.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { button, inFront, launch, part, showsDecided, showsPrompt, site, togglesOn, visit } from './support.js'

const browsers = new Map()
let fresh
const asked = []

before(async () => {
  browsers.set('http cache', await launch())
  browsers.set('http cache of pages that stay fresh', browsers.get('http cache'))
  browsers.set('bfcache', await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] }))
  fresh = await inFront(await site(), (headers, body, path) => {
    // As if the app had said so: the layer keeps what the app says, but for a page that asks.
    if (/^(private|undefined)$/.test(headers['cache-control'])) headers['cache-control'] = 'private, max-age=600'
    asked.push(path)
  })
})

after(() => Promise.all([...browsers.values()].map(browser => browser.close())))

for (const cache of ['http cache', 'http cache of pages that stay fresh', 'bfcache']) {
  for (const js of [true, false]) {
    const name = text => `v3 ${text}, ${cache}${js ? '' : ', without script'}`
    const look = async look => 
      visit({ js, in: browsers.get(cache), baseURL: cache.endsWith('fresh') ? fresh : undefined }, look)

    for (const choice of ['accept', 'reject']) {
      test(name(`Back to a page that asked, after ${choice}`), () =>
        look(async page => {
          await page.goto('/')
          await showsPrompt(page)
          await page.goto('/article')
          await button(page, 'prompt', choice).click()
          await showsDecided(page)
          await back(page, '/')
          await showsDecided(page)
          assert.deepEqual(await togglesOn(page), choice === 'accept' ? ['preferences', 'analytics', 'marketing'] : [])
        }))
    }

    test(name('Back to a page from before a withdrawal'), () =>
      look(async page => {
        await page.goto('/')
        await button(page, 'prompt', 'accept').click()
        await showsDecided(page)
        await page.goto('/privacy')
        await page.goto('/article')
        await part(page, 'tab').click()
        await button(page, 'settings', 'reject').click()
        await part(page, 'settings').waitFor({ state: 'hidden' })
        await showsDecided(page)
        await back(page, '/privacy')
        await shows(page, [])
        await back(page, '/')
        await shows(page, [])
      }))

    test(name('a link to a page from before a withdrawal'), () =>
      look(async page => {
        await page.goto('/')
        await button(page, 'prompt', 'accept').click()
        await showsDecided(page)
        await page.goto('/article')
        await page.goto('/')
        await shows(page, ['preferences', 'analytics', 'marketing'])
        await part(page, 'tab').click()
        await button(page, 'settings', 'reject').click()
        await part(page, 'settings').waitFor({ state: 'hidden' })
        await showsDecided(page)
        await page.locator('nav a[href="/article"]').click()
        await page.waitForURL('**/article')
        await shows(page, [])
      }))

    test(name('reload after a choice, after another'), () =>
      look(async page => {
        await page.goto('/article')
        await button(page, 'prompt', 'accept').click()
        await showsDecided(page)
        await page.reload()
        await showsDecided(page)
        await shows(page, ['preferences', 'analytics', 'marketing'])
        await part(page, 'tab').click()
        await button(page, 'settings', 'reject').click()
        await part(page, 'settings').waitFor({ state: 'hidden' })
        await page.reload()
        await showsDecided(page)
        await shows(page, [])
      }))

    test(name('forward again, and the policy page'), () =>
      look(async page => {
        await page.goto('/_consent')
        assert.deepEqual(await togglesOn(page), [])
        await page.goto('/')
        await button(page, 'prompt', 'accept').click()
        await showsDecided(page)
        await back(page, '/_consent')
        await shows(page, ['preferences', 'analytics', 'marketing'])
        await page.locator('button[value=reject]').click()
        await shows(page, [])
      }))
  }
}

for (const cache of ['http cache', 'http cache of pages that stay fresh', 'bfcache']) {
  test(`v3 a link to a page from before a withdrawal by script, ${cache}`, () =>
    visit({ in: browsers.get(cache), baseURL: cache.endsWith('fresh') ? fresh : undefined }, async page => {
      const other = await page.context().newPage()
      await other.goto('/privacy')
      await page.goto('/')
      await button(page, 'prompt', 'accept').click()
      await showsDecided(page)
      await page.goto('/article')
      await shows(page, ['preferences', 'analytics', 'marketing'])
      await page.goto('/')
      // It still asks, and has the script that needs no load.
      await button(other, 'prompt', 'reject').click()
      await showsDecided(other)
      await page.locator('nav a[href="/article"]').click()
      await page.waitForURL('**/article')
      await shows(page, [])
    }))
}

test('v3 pages that stay fresh really come from the http cache', () =>
  visit({ baseURL: fresh }, async page => {
    await page.goto('/')
    await button(page, 'prompt', 'reject').click()
    await showsDecided(page)
    asked.length = 0
    await page.goto('/privacy')
    await page.goto('/article')
    await page.locator('nav a[href="/privacy"]').click()
    await page.waitForURL('**/privacy')
    await showsDecided(page)
    assert.deepEqual(asked, ['/privacy', '/article'])
  }))

// A cache that is not there would make all of the above pass.
for (const cache of ['http cache', 'bfcache']) {
  test(`v3 the ${cache} is really there`, () =>
    visit({ in: browsers.get(cache) }, async page => {
      await page.goto('/api/time')
      const first = await page.locator('body').textContent()
      await page.evaluate(() => (document.documentElement.dataset.mark = 'kept'))
      await page.waitForTimeout(1100)
      await page.goto('/echo')
      await page.goBack({ waitUntil: 'commit' })
      await page.locator('body').waitFor()
      assert.equal(await page.evaluate(() => document.documentElement.dataset.mark), cache === 'bfcache' ? 'kept' : undefined)
      assert.equal(await page.locator('body').textContent(), first)
    }))
}

/** Goes back until the page at this path shows: a choice without script leaves an entry of its own. */
async function back(page, path) {
  const steps = []
  do {
    steps.push(page.url())
    // A page from the back/forward cache fires no load event.
    await page.goBack({ waitUntil: 'commit' })
    await page.locator('footer, form').first().waitFor({ state: 'attached' })
  } while (new URL(page.url()).pathname !== path && steps.length < 4)
  assert.equal(new URL(page.url()).pathname, path, steps.join(' < '))
}

/** Waits until these toggles are on: where the page mends itself by a reload, this takes a moment. */
async function shows(page, expected) {
  for (let left = 20; ; left--) {
    const on = await togglesOn(page).catch(() => undefined)
    try {
      return assert.deepEqual(on, expected)
    } catch (error) {
      if (left === 0) throw error
      await page.waitForTimeout(100)
    }
  }
}
