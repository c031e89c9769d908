// B5: for everyone. Keyboard only, small screens, reduced motion, forced colors, print, and axe in every state.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import {
  banner,
  button,
  DESKTOP,
  focused,
  opensSettings,
  part,
  PHONE,
  showsDecided,
  showsPrompt,
  SMALL,
  toggle,
  togglesOn,
  visit,
  withAndWithoutScript,
} from './support.js'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Every state that a visitor can see: how to come there. */
const STATES = {
  ask: async page => {
    await page.goto('/article')
    await showsPrompt(page)
  },
  'settings open': async page => {
    await page.goto('/article')
    await opensSettings(page).click()
    await part(page, 'settings').waitFor()
  },
  'just decided': async page => {
    await page.goto('/article')
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
  },
  decided: async page => {
    await STATES['just decided'](page)
    await page.reload()
    await showsDecided(page)
  },
  'settings open from the tab': async page => {
    await STATES.decided(page)
    await part(page, 'tab').click()
    await part(page, 'settings').waitFor()
  },
  'policy page': async page => {
    await page.goto('/_consent')
  },
}

/** In every state, in this setting. */
function inEveryState(name, options, look) {
  for (const [state, come] of Object.entries(STATES)) {
    test(`b5 ${name}: ${state}`, () =>
      visit(options, async page => {
        await come(page)
        await look(page, state)
      }))
  }
}

// axe

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [PHONE, DESKTOP]) {
    for (const regime of viewport === PHONE ? ['opt-in'] : ['opt-in', 'opt-out', 'notice']) {
      for (const [state, come] of Object.entries(STATES)) {
        test(`b5 axe finds nothing: ${state}, ${regime}, ${colorScheme}, ${viewport.width} px`, () =>
          visit({ regime, colorScheme, viewport }, async page => {
            // Not a script element: the page's policy would refuse it.
            await page.addInitScript(AXE)
            await come(page)
            const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
            const report = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => `${node.target} ${node.failureSummary}`).join(' | ')}`)
            assert.deepEqual(report, [])
          }))
      }
    }
  }
}

// Keyboard

const describe = element =>
  element.evaluate(
    one => `${one.localName} ${one.getAttribute('part') ?? ''} ${one.value ?? ''} ${one.closest('[part=settings]') ? 'settings' : ''}`.replace(/ +/g, ' ').trim(),
  )

/** Tabs until this element has the focus, and checks on the way that one sees where the focus is. */
async function tabTo(page, locator, most = 20) {
  const wanted = await locator.elementHandle()
  for (let step = 1; step <= most; step++) {
    await page.keyboard.press('Tab')
    const now = await focused(page)
    const outline = await now.evaluate(one => {
      const { outlineStyle, outlineWidth } = getComputedStyle(one)
      return [outlineStyle, parseFloat(outlineWidth)]
    })
    assert.ok(outline[0] !== 'none' && outline[1] >= 2, `${await describe(now)} shows its focus: ${outline}`)
    if (await now.evaluate((one, wanted) => one === wanted, wanted)) return step
  }
  assert.fail(`not reached by ${most} tabs`)
}

const open = page => part(page, 'settings').evaluate(panel => panel.matches(':popover-open'))

withAndWithoutScript('b5 keyboard: the prompt comes first, takes no focus, and holds none', {}, async page => {
  await page.goto('/article')
  await showsPrompt(page)
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'body')
  const stops = []
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press('Tab')
    stops.push(await (await focused(page)).evaluate(one => (one.getRootNode() === document ? 'page' : one.value || one.localName)))
  }
  assert.deepEqual(stops.slice(0, 5), ['a', 'reject', 'accept', 'button', 'page'])
  for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+Tab')
  assert.notEqual(await (await focused(page)).evaluate(one => one.getRootNode() === document), true)
})

for (const [value, key] of [['accept', 'Enter'], ['reject', 'Space']]) {
  withAndWithoutScript(`b5 keyboard: ${value} by ${key}`, {}, async (page, _, js) => {
    await page.goto('/article')
    assert.ok((await tabTo(page, button(page, 'prompt', value))) <= 4)
    await page.keyboard.press(key)
    await showsDecided(page)
    assert.deepEqual(await togglesOn(page), value === 'accept' ? ['preferences', 'analytics', 'marketing'] : [])
    // The focus is not lost with the prompt.
    if (js) assert.equal(await describe(await focused(page)), 'button tab')
  })
}

withAndWithoutScript('b5 keyboard: settings, a toggle, Save', {}, async page => {
  await page.goto('/article')
  await tabTo(page, opensSettings(page))
  await page.keyboard.press('Enter')
  assert.ok(await open(page))
  await tabTo(page, toggle(page, 'analytics'))
  await page.keyboard.press('Space')
  assert.deepEqual(await togglesOn(page), ['analytics'])
  await tabTo(page, button(page, 'settings', 'save'))
  await page.keyboard.press('Enter')
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await showsDecided(page)
  assert.deepEqual(await togglesOn(page), ['analytics'])
})

withAndWithoutScript('b5 keyboard: Enter on a toggle saves', {}, async page => {
  await page.goto('/article')
  await tabTo(page, opensSettings(page))
  await page.keyboard.press('Enter')
  await tabTo(page, toggle(page, 'marketing'))
  await page.keyboard.press('Space')
  await page.keyboard.press('Enter')
  await showsDecided(page)
  assert.deepEqual(await togglesOn(page), ['marketing'])
})

/**
 * The focus is back on this part. Chromium loses what had it before a popover in a shadow tree: without script the
 * focus is nowhere, and Tab goes on from where it was.
 */
async function focusIsBackOn(page, name, js) {
  if (js) return assert.equal(await describe(await focused(page)), `button ${name}`)
  await page.keyboard.press('Tab')
  assert.ok(await (await focused(page)).evaluate(one => one.getRootNode() !== document || one.matches('header a')))
}

withAndWithoutScript('b5 keyboard: Escape closes the settings, and the focus returns', {}, async (page, _, js) => {
  await page.goto('/article')
  await tabTo(page, opensSettings(page))
  await page.keyboard.press('Enter')
  assert.ok(await open(page))
  await tabTo(page, toggle(page, 'preferences'))
  await page.keyboard.press('Escape')
  assert.ok(!(await open(page)))
  await showsPrompt(page)
  await focusIsBackOn(page, 'more', js)
})

withAndWithoutScript('b5 keyboard: reopen by the tab, withdraw, and the focus returns', {}, async (page, _, js) => {
  await page.goto('/article')
  await button(page, 'prompt', 'accept').click()
  await showsDecided(page)
  await page.reload()
  await showsDecided(page)
  assert.ok((await tabTo(page, part(page, 'tab'))) <= 1, 'the tab comes first')
  await page.keyboard.press('Enter')
  assert.ok(await open(page))
  await page.keyboard.press('Escape')
  await focusIsBackOn(page, 'tab', js)
  await part(page, 'tab').focus()
  await page.keyboard.press('Enter')
  await tabTo(page, button(page, 'settings', 'reject'))
  await page.keyboard.press('Enter')
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await showsDecided(page)
  assert.deepEqual(await togglesOn(page), [])
})

// With script: only script can move the prompt, or the page, out of the way of what gets the focus.
for (const viewport of [PHONE, DESKTOP]) {
  test(`b5 what has the focus is not hidden behind the banner, ${viewport.width} px`, () =>
    visit({ viewport }, async page => {
      for (const path of ['/', '/article']) {
        await page.context().clearCookies()
        await page.goto(path)
        await showsPrompt(page)
        const hidden = []
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press('Tab')
          await page.waitForTimeout(50)
          const one = await focused(page)
          const where = await one.evaluate(element => {
            if (element === document.body) return 'end'
            if (element.getRootNode().host?.matches('[data-state=ask]')) return 'banner'
            const prompt = document.querySelector('tower-consent').shadowRoot.querySelector('[part=prompt]').getBoundingClientRect()
            const box = element.getBoundingClientRect()
            const isBehind = box.top >= prompt.top && box.bottom <= prompt.bottom && box.left >= prompt.left && box.right <= prompt.right
            return isBehind ? `${element.localName} ${element.textContent.trim()}` : 'seen'
          })
          if (where === 'end') break
          if (!['banner', 'seen'].includes(where)) hidden.push(where)
        }
        assert.deepEqual(hidden, [], path)
      }
    }))
}

// Sizes

inEveryState('no scrolling sideways at 320 px', { viewport: SMALL, colorScheme: 'light' }, async page => {
  const wide = await page.evaluate(() => {
    const root = document.querySelector('tower-consent')?.shadowRoot
    const all = [document.documentElement, ...(root ? root.querySelectorAll('[part]') : [])]
    return all.filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth).map(one => `${one.localName} ${one.getAttribute('part')}`)
  })
  assert.deepEqual(wide, [])
  if ((await banner(page).count()) === 0) return
  for (const name of ['prompt', 'settings', 'tab']) {
    if (!(await part(page, name).isVisible())) continue
    const box = await part(page, name).boundingBox()
    assert.ok(box.x >= 0 && box.x + box.width <= 320 && box.y >= 0 && box.y + box.height <= 640, `${name}: ${JSON.stringify(box)}`)
  }
})

inEveryState('targets of at least 24 px', { viewport: PHONE }, async page => {
  const small = await page.evaluate(() => {
    const root = document.querySelector('tower-consent')?.shadowRoot ?? document
    return [...root.querySelectorAll('button, input:not([type=hidden], :disabled)')]
      .map(one => [one.textContent || one.value, one.getBoundingClientRect()])
      .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
      .map(([text, box]) => `${text}: ${box.width} x ${box.height}`)
  })
  assert.deepEqual(small, [])
})

inEveryState('400% zoom of a small window: all can be reached', { viewport: { width: 320, height: 256 } }, async page => {
  const root = (await banner(page).count()) ? 'tower-consent ' : ''
  for (const one of await page.locator(`${root}button:visible`).all()) {
    await one.scrollIntoViewIfNeeded()
    const box = await one.boundingBox()
    assert.ok(box.y >= 0 && box.y + box.height <= 257, `${await one.textContent()}: ${JSON.stringify(box)}`)
  }
})

// Preferences

inEveryState('reduced motion: nothing moves', { reducedMotion: 'reduce' }, async page => {
  const moving = await page.evaluate(() => {
    const root = document.querySelector('tower-consent')?.shadowRoot ?? document
    return root.getAnimations({ subtree: true }).length
  })
  assert.equal(moving, 0)
})

inEveryState('forced colors: every control has an outline of its own', { forcedColors: 'active' }, async page => {
  const bare = await page.evaluate(() => {
    const root = document.querySelector('tower-consent')?.shadowRoot ?? document
    return [...root.querySelectorAll('button, input:not([type=hidden]), [part=prompt], [part=settings]')]
      .filter(one => one.getClientRects().length)
      .filter(one => {
        const { borderTopStyle, borderTopWidth } = getComputedStyle(one)
        return borderTopStyle === 'none' || parseFloat(borderTopWidth) < 1
      })
      .map(one => one.outerHTML)
  })
  assert.deepEqual(bare, [])
})

test('b5 forced colors: a toggle that is on differs from one that is off', () =>
  visit({ forcedColors: 'active', viewport: PHONE }, async page => {
    await page.goto('/article')
    await opensSettings(page).click()
    const one = toggle(page, 'analytics')
    await page.mouse.move(0, 0)
    const off = await one.screenshot()
    await one.check()
    await page.mouse.move(0, 0)
    assert.ok(!off.equals(await one.screenshot()))
  }))

withAndWithoutScript('b5 print: the banner stays off the paper', {}, async page => {
  for (const state of ['ask', 'decided']) {
    await STATES[state](page)
    await page.emulateMedia({ media: 'print' })
    assert.equal(await banner(page).evaluate(host => getComputedStyle(host).display), 'none')
    await page.emulateMedia({ media: 'screen' })
    await page.context().clearCookies()
  }
})

withAndWithoutScript('b5 the prompt is a named region, the settings a named dialog, in a language', {}, async page => {
  await page.goto('/article')
  await page.getByRole('region', { name: /.+/ }).and(part(page, 'prompt')).waitFor()
  await opensSettings(page).click()
  await page.getByRole('dialog', { name: /.+/ }).and(part(page, 'settings')).waitFor()
  assert.equal(await banner(page).locator('form').getAttribute('lang'), 'en')
  assert.equal(await banner(page).locator('form').getAttribute('dir'), 'ltr')
})

test('b9 a choice is told to the page and to screen readers', () =>
  visit({}, async page => {
    await page.addInitScript(() =>
      addEventListener('tower-consent:change', ({ detail }) => (document.documentElement.dataset.told = detail.categories.analytics)))
    await page.goto('/privacy')
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    assert.equal(await page.evaluate(() => document.documentElement.dataset.told), 'true')
    assert.match(await banner(page).locator('[role=status]').textContent(), /.+/)
  }))
