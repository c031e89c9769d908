// H1, H3, H4, B9, V3 in Firefox: what differs between browsers is what comes back in place, and what a frame is given when one
// goes Back.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import puppeteer from 'puppeteer-core'
import { site } from './support.js'

const NOBODY = { 'tag.js': 0, 'pixel.gif': 0, embed: 0 }
const VIDEO = { ...NOBODY, embed: 1 }
const ALL = { 'tag.js': 1, 'pixel.gif': 1, embed: 1 }

const browsers = new Map()
after(() => Promise.all([...browsers.values()].map(async browser => (await browser).close())))

function launch(preferences) {
  const key = JSON.stringify(preferences)
  if (!browsers.has(key)) {
    const executablePath = process.env.FIREFOX ?? '/usr/bin/firefox-esr'
    browsers.set(key, puppeteer.launch({ browser: 'firefox', executablePath, extraPrefsFirefox: preferences }))
  }
  return browsers.get(key)
}

/** Runs `look` with a page of a fresh profile, and a function that tells who was called since the last time: 1 for once or more. */
async function visit(preferences, look) {
  const address = await site()
  const others = address.replace(/127\.0\.0\.1:(\d+)/, (_, port) => `localhost:${+port + 1}`)
  const called = async () => {
    // Long enough for what would be fetched by mistake.
    await new Promise(resolve => setTimeout(resolve, 1500))
    const hits = await (await fetch(`${others}/hits`)).json()
    await fetch(`${others}/reset`, { method: 'POST' })
    return Object.fromEntries(Object.entries(hits).map(([name, count]) => [name, Math.min(count, 1)]))
  }
  const context = await (await launch(preferences)).createBrowserContext()
  try {
    const page = await context.newPage()
    await page.setViewport({ width: 1280, height: 900 })
    await fetch(`${others}/reset`, { method: 'POST' })
    await look(page, address, called)
  } finally {
    await context.close()
  }
}

const choose = (page, where, value) => page.locator(`tower-consent >>> [part=${where}] [value=${value}]`).click()
const openSettings = page => page.locator('tower-consent >>> [part=tab]').click()
const loads = page => page.evaluate(() => performance.timeOrigin)

test('h1 h3 b9 what was taken out comes back in place after a yes', () =>
  visit({}, async (page, address, called) => {
    await page.goto(`${address}/article`)
    assert.deepEqual(await called(), NOBODY)
    const loaded = await loads(page)
    await choose(page, 'prompt', 'accept')
    assert.deepEqual(await called(), ALL)
    assert.equal(await loads(page), loaded, 'without a load')
    assert.equal(await page.$$eval('[data-consent], tower-consent[data-state=gated]', all => all.length), 0)
    assert.equal(await page.evaluate(() => document.documentElement.dataset.tag), 'ran')
  }))

test('h4 b9 just this vendor is allowed in its place, for now and always', () =>
  visit({}, async (page, address, called) => {
    await page.goto(`${address}/article`)
    await page.locator('tower-consent[data-state=gated] >>> [value=once]').click()
    assert.deepEqual(await called(), VIDEO)
    await page.goto(`${address}/article`)
    assert.deepEqual(await called(), NOBODY)
    await page.locator('tower-consent[data-state=gated] >>> [value=allow]').click()
    assert.deepEqual(await called(), VIDEO)
    await page.goto(`${address}/article`)
    assert.deepEqual(await called(), VIDEO)
  }))

// Firefox gives a frame what it had in its place when the page was left, whatever the page says now.
for (const [kept, preferences] of [['kept', {}], ['not kept', { 'browser.sessionhistory.max_total_viewers': 0 }]]) {
  test(`h1 v3 Back after a withdrawal calls nobody, pages being ${kept}`, () =>
    visit(preferences, async (page, address, called) => {
      await page.goto(`${address}/article`)
      await choose(page, 'prompt', 'accept')
      assert.deepEqual(await called(), ALL)
      await page.reload()
      assert.deepEqual(await called(), ALL)
      await page.goto(`${address}/`)
      await openSettings(page)
      await choose(page, 'settings', 'reject')
      assert.deepEqual(await called(), NOBODY)
      await page.evaluate(() => history.back())
      assert.deepEqual(await called(), NOBODY)
      for (let steps = 0; steps < 3 && !page.url().endsWith('/article'); steps++) {
        await page.evaluate(() => history.back())
        assert.deepEqual(await called(), NOBODY)
      }
      assert.ok(page.url().endsWith('/article'))
      assert.equal(await page.$eval('.video iframe', frame => frame.getAttribute('src')), null)
    }))
}

test('c7 h1 a withdrawal on the page itself stops what came back, reload included', () =>
  visit({}, async (page, address, called) => {
    await page.goto(`${address}/article`)
    await choose(page, 'prompt', 'accept')
    assert.deepEqual(await called(), ALL)
    await openSettings(page)
    await choose(page, 'settings', 'reject')
    assert.deepEqual(await called(), NOBODY)
    await page.reload()
    assert.deepEqual(await called(), NOBODY)
  }))

test('h1 nobody is called without script', () =>
  visit({ 'javascript.enabled': false }, async (page, address, called) => {
    await page.goto(`${address}/article`)
    assert.deepEqual(await called(), NOBODY)
  }))
