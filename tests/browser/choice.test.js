// The visitor decides, with script and without (B1), in every regime.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  appCookies,
  button,
  choiceCookie,
  opensSettings,
  part,
  showsDecided,
  showsPrompt,
  state,
  toggle,
  togglesOn,
  visit,
  withAndWithoutScript,
} from './support.js'

const ALL = { preferences: true, analytics: true, marketing: true }
const NONE = { preferences: false, analytics: false, marketing: false }

/** Whether the server holds exactly this. */
async function holds(page, expected) {
  const { decided, categories } = await state(page)
  delete categories.necessary
  assert.deepEqual({ decided, categories }, expected)
}

withAndWithoutScript('c1 b1 k1 opt-in: accept', {}, async (page, _, js) => {
  await page.goto('/privacy?page=2')
  await showsPrompt(page)
  assert.deepEqual(await appCookies(page), ['session'])
  await page.goto('/')
  await page.mouse.wheel(0, 2000)
  await page.goto('/privacy?page=2')
  await holds(page, { decided: false, categories: NONE })
  assert.equal(await choiceCookie(page), undefined)

  await page.evaluate(() => (document.body.dataset.mark = 'same page'))
  await button(page, 'prompt', 'accept').click()
  await showsDecided(page)
  assert.match(page.url(), /\/privacy\?page=2$/, 'back where the choice was made')
  assert.equal(await page.evaluate(() => document.body.dataset.mark), js ? 'same page' : undefined, 'B9')
  await holds(page, { decided: true, categories: ALL })

  const { value, expires, ...attributes } = await choiceCookie(page)
  assert.deepEqual(attributes, {
    name: '__Host-consent',
    domain: '127.0.0.1',
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
  })
  const days = (expires - Date.now() / 1000) / 86400
  assert.ok(Math.abs(days - 180) < 0.1, `c5: ${days} days`)
  assert.match(value, /^1\.\d+\.\d+\.\w+\.[+\-a-z]+/)

  await page.goto('/')
  await showsDecided(page)
  assert.deepEqual(await appCookies(page), ['ad_id', 'session', 'visitor_id'], 'g2, g4')
})

withAndWithoutScript('c2 b1 opt-in: reject, in one action', {}, async page => {
  await page.goto('/')
  await button(page, 'prompt', 'reject').click()
  await showsDecided(page)
  await holds(page, { decided: true, categories: NONE })
  await page.goto('/article')
  await showsDecided(page)
  assert.deepEqual(await appCookies(page), ['session'])
  assert.deepEqual(await togglesOn(page), [])
})

withAndWithoutScript('c3 c4 b1 opt-in: toggles start off, and what is saved is what was switched on', {}, async page => {
  await page.goto('/')
  await opensSettings(page).click()
  await part(page, 'settings').waitFor()
  assert.deepEqual(await togglesOn(page), [])
  await toggle(page, 'analytics').click()
  await button(page, 'settings', 'save').click()
  await showsDecided(page)
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await holds(page, { decided: true, categories: { ...NONE, analytics: true } })
  assert.deepEqual(await togglesOn(page), ['analytics'])
  await page.goto('/')
  assert.deepEqual(await togglesOn(page), ['analytics'])
  assert.deepEqual(await appCookies(page), ['session', 'visitor_id'])
})

withAndWithoutScript('c7 b1 opt-in: reopen and withdraw, in no more actions than giving', {}, async page => {
  await page.goto('/')
  await button(page, 'prompt', 'accept').click()
  await showsDecided(page)
  await page.goto('/article')
  assert.deepEqual(await appCookies(page), ['ad_id', 'session', 'visitor_id'])

  await part(page, 'tab').click()
  await part(page, 'settings').waitFor()
  assert.deepEqual(await togglesOn(page), ['preferences', 'analytics', 'marketing'])
  await button(page, 'settings', 'reject').click()
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await showsDecided(page)
  await holds(page, { decided: true, categories: NONE })
  assert.deepEqual(await togglesOn(page), [])
  assert.deepEqual(await appCookies(page), ['session'], 'g7: the cookies go with the consent')
})

withAndWithoutScript('c7 b1 opt-in: give after refusing', {}, async page => {
  await page.goto('/')
  await button(page, 'prompt', 'reject').click()
  await showsDecided(page)
  await part(page, 'tab').click()
  await button(page, 'settings', 'accept').click()
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await showsDecided(page)
  await holds(page, { decided: true, categories: ALL })
})

withAndWithoutScript('c7 every page has the control, a missing one and a slow one too', {}, async page => {
  await page.goto('/')
  await button(page, 'prompt', 'reject').click()
  await showsDecided(page)
  for (const path of ['/', '/article', '/article/swifts', '/privacy', '/nothing-here', '/stream']) {
    await page.goto(path)
    await showsDecided(page)
    await part(page, 'tab').click()
    await part(page, 'settings').waitFor()
  }
})

withAndWithoutScript('c3 b1 closing the settings is not consent', {}, async page => {
  await page.goto('/')
  await opensSettings(page).click()
  await toggle(page, 'marketing').click()
  await part(page, 'close').click()
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await holds(page, { decided: false, categories: NONE })
  await opensSettings(page).click()
  await page.keyboard.press('Escape')
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await holds(page, { decided: false, categories: NONE })
})

test('c3 Escape in the prompt means refuse', () =>
  visit({}, async page => {
    await page.goto('/')
    await button(page, 'prompt', 'accept').focus()
    await page.keyboard.press('Escape')
    await showsDecided(page)
    await holds(page, { decided: true, categories: NONE })
  }))

withAndWithoutScript('c8 opt-out: allowed until the visitor opts out', { regime: 'opt-out' }, async page => {
  await page.goto('/')
  await showsPrompt(page)
  await holds(page, { decided: false, categories: ALL })
  assert.deepEqual(await appCookies(page), ['ad_id', 'mystery', 'session', 'visitor_id'])
  await button(page, 'prompt', 'reject').click()
  await showsDecided(page)
  await holds(page, { decided: true, categories: NONE })
  await page.goto('/')
  assert.deepEqual(
    (await appCookies(page)).filter(name => name !== 'mystery'),
    ['session'],
  )
})

withAndWithoutScript('c8 opt-out: accept, then save less', { regime: 'opt-out' }, async page => {
  await page.goto('/')
  await button(page, 'prompt', 'accept').click()
  await showsDecided(page)
  await holds(page, { decided: true, categories: ALL })
  await part(page, 'tab').click()
  await toggle(page, 'marketing').click()
  await button(page, 'settings', 'save').click()
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await showsDecided(page)
  await holds(page, { decided: true, categories: { ...ALL, marketing: false } })
})

withAndWithoutScript('c8 notice: the visitor is told, and can turn all off', { regime: 'notice' }, async page => {
  await page.goto('/')
  await showsPrompt(page)
  await holds(page, { decided: false, categories: ALL })
  await opensSettings(page).click()
  assert.deepEqual(await togglesOn(page), ['preferences', 'analytics', 'marketing'])
  await button(page, 'settings', 'reject').click()
  await showsDecided(page)
  await holds(page, { decided: true, categories: NONE })
})

withAndWithoutScript('c8 notice: one button says that it was read', { regime: 'notice' }, async page => {
  await page.goto('/')
  await button(page, 'prompt', 'accept').click()
  await showsDecided(page)
  await holds(page, { decided: true, categories: ALL })
})

for (const regime of ['opt-in', 'opt-out', 'notice']) {
  withAndWithoutScript(`b1 b10 ${regime}: the policy page decides, too`, { regime }, async page => {
    await page.goto('/article')
    await part(page, 'prompt').locator('a').first().click()
    await page.waitForURL('**/_consent')
    assert.deepEqual(await togglesOn(page), regime === 'opt-in' ? [] : ['preferences', 'analytics', 'marketing'])
    const names = await page.locator('tbody th').allTextContents()
    assert.deepEqual(names, ['__Host-consent', '__Host-consent-once', 'session', 'visitor_id', 'ad_id'])

    await page.locator('button[value=reject]').click()
    await page.waitForURL('**/_consent')
    await holds(page, { decided: true, categories: NONE })
    await toggle(page, 'analytics').click()
    await page.locator('button[value=save]').click()
    await page.waitForURL('**/_consent')
    await holds(page, { decided: true, categories: { ...NONE, analytics: true } })
    assert.deepEqual(await togglesOn(page), ['analytics'])
    await page.goto('/')
    await showsDecided(page)
  })
}

const GPC = { extraHTTPHeaders: { 'Sec-GPC': '1' } }

withAndWithoutScript('c9 c10 opt-out: the signal decides from the first answer', { regime: 'opt-out', ...GPC }, async page => {
  await page.goto('/')
  await showsDecided(page)
  const held = await state(page)
  assert.equal(held.gpc, true)
  assert.equal(held.categories.marketing, false)
  assert.ok(!(await appCookies(page)).includes('ad_id'))
  await part(page, 'tab').click()
  await part(page, 'settings').getByText('Global Privacy Control').waitFor()
})

withAndWithoutScript('c10 opt-out: a choice made under the signal overrides it', { regime: 'opt-out', ...GPC }, async page => {
  await page.goto('/')
  await part(page, 'tab').click()
  await button(page, 'settings', 'accept').click()
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await holds(page, { decided: true, categories: ALL })
})

withAndWithoutScript('c9 opt-in: the signal is honored and grants nothing', { ...GPC }, async page => {
  await page.goto('/')
  await showsPrompt(page)
  await holds(page, { decided: false, categories: NONE })
  await part(page, 'prompt').getByText('Global Privacy Control').waitFor()
})

for (const regime of ['opt-in', 'opt-out']) {
  for (const js of [true, false]) {
    for (const colorScheme of ['light', 'dark']) {
      test(`c2 ${regime}: accept and refuse weigh the same, ${colorScheme}${js ? '' : ', without script'}`, () =>
        visit({ regime, js, colorScheme }, async page => {
          await page.goto('/')
          for (const width of [320, 390, 800, 1280]) {
            await page.setViewportSize({ width, height: 800 })
            const [accept, reject] = await Promise.all(['accept', 'reject'].map(value => looks(button(page, 'prompt', value))))
            assert.deepEqual(accept, reject, `at ${width} px`)
          }
        }))
    }
  }
}

/** All that makes one button weigh more than another. */
const looks = locator =>
  locator.evaluate(element => {
    const style = getComputedStyle(element)
    // Where it stands is its own; its size is compared in whole pixels.
    const own = /^(perspective-origin|transform-origin|inset|top|right|bottom|left|width|inline-size|height|block-size)/
    const box = element.getBoundingClientRect()
    return {
      tag: element.localName,
      type: element.type,
      width: Math.round(box.width),
      height: Math.round(box.height),
      style: Object.fromEntries([...style].filter(name => !own.test(name)).map(name => [name, style.getPropertyValue(name)])),
    }
  })
