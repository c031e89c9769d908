// B9, H3: what was taken out of a page comes back in place and in order, and the page is then as if it had never been away.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  button,
  choiceCookie,
  focused,
  inFront,
  launch,
  opensSettings,
  part,
  showsDecided,
  showsPrompt,
  site,
  state,
  toggle,
  togglesOn,
  visit,
  watch,
} from './support.js'

// A third party, by the paths that the example declares

const asked = []
const tag = say => `say(${JSON.stringify(say)} + (document.currentScript ? ' ' + document.currentScript.dataset.own : ''))`
const ANSWERS = {
  '/tag.js': say => ['text/javascript', tag(say)],
  '/pixel.gif': () => ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g id="x"/></svg>'],
  '/pixel.gif/style.css': () => ['text/css', 'h1 { outline: 1px solid red }'],
  '/embed': say => ['text/html', `<!doctype html><title>${say}</title><button>Play</button>`],
}
const others = http.createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://x')
  const [say, wait = 0] = (searchParams.get('say') ?? '').split('~')
  asked.push({ path: request.url, referrer: request.headers.referer })
  const answer = ANSWERS[pathname]?.(say)
  const head = { 'access-control-allow-origin': '*', 'cache-control': 'no-store', 'content-type': answer?.[0] ?? 'text/plain' }
  setTimeout(() => response.writeHead(answer && say !== 'missing' ? 200 : 404, head).end(answer?.[1]), wait)
})
await new Promise(resolve => others.listen(0, '127.0.0.1', resolve))
const T = `http://localhost:${others.address().port}`

// The pages

const pages = mkdtempSync(join(tmpdir(), 'bring-back-'))
after(() => {
  others.close()
  others.closeAllConnections()
  rmSync(pages, { recursive: true })
})

const page = (name, head, body = '<h1>A page</h1>') =>
  writeFileSync(
    join(pages, `${name}.html`),
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${name}</title>
<script>window.log = []; window.say = text => log.push(text)</script>${head}</head><body>${body}</body></html>`,
  )

const external = (say, attributes = '') => `<script ${attributes} data-own="${say}" src="${T}/tag.js?say=${say}"></script>\n`
const inline = (say, attributes = '') => `<script ${attributes} data-own="${say}" data-consent="analytics">${tag(say)}</script>\n`
const integrity = say => `integrity="sha256-${createHash('sha256').update(tag(say)).digest('base64')}" crossorigin`

page(
  'scripts',
  [
    `<script type="importmap" data-consent="analytics">{"imports":{"named":"${T}/tag.js?say=named"}}</script>`,
    external('slow~400'),
    inline('after slow'),
    external('deferred slow~300', 'defer'),
    external('module slow~200', 'type=module'),
    inline('inline module', 'type=module'),
    `<script type="module" data-consent="analytics">import "named"; say("importer")</script>`,
    external('async', 'async=async'),
    inline('async inline module', 'type=module async'),
    external('nomodule', 'nomodule'),
    external('template', 'type=text/template'),
    external('parameter', 'type="text/javascript; charset=utf-8"'),
    external('unknown', 'type=text/unknown'),
    '<script type="application/json" data-consent="analytics" id="data">{"a": 1}</script>',
    inline('inline nomodule', 'nomodule'),
  ].join(''),
  [
    '<h1>Scripts</h1>',
    external('first~200'),
    external('second'),
    external('third~100', 'type=text/javascript'),
    inline('after third'),
    external('missing'),
    inline('after missing', 'type=application/javascript'),
    external('wrong', 'integrity="sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" crossorigin'),
    external('right', integrity('right')),
    inline('after right', 'defer'),
    external('private', 'referrerpolicy=no-referrer'),
    inline('once more', 'async'),
    external('deferred', 'defer'),
    external('module', 'type=module'),
    `<script data-consent="marketing">say("marketing")</script>`,
    `<svg><script data-consent="analytics">say("svg")</script></svg>`,
    '<p>The end</p>',
  ].join(''),
)

page(
  'elements',
  `<link rel="stylesheet" href="${T}/pixel.gif/style.css">
<link rel="preload" as="image" imagesrcset="${T}/pixel.gif?1 1x" href="${T}/pixel.gif">
<style data-consent="marketing" media="all">h1 { color: rgb(1, 2, 3) }</style>
<style>@import "${T}/pixel.gif/style.css"; h1 { letter-spacing: 3px }</style>
<link rel="canonical" href="/elements" data-consent="marketing">`,
  `<h1>Elements</h1>
<iframe src="${T}/embed?say=frame" width="300" height="100" name="video" title="Video" hidden></iframe>
<iframe src="${T}/embed?say=second" width="300" height="100" title="Second"></iframe>
<iframe srcdoc="<img src='${T}/pixel.gif?srcdoc'>" title="Third"></iframe>
<embed src="${T}/embed?say=embed" width="50" height="40">
<object data="${T}/embed?say=object" width="50" height="40"><p>Without</p></object>
<object data="${T}/embed?say=outer" width="50" height="40"><iframe src="${T}/embed?say=inner"></iframe></object>
<img src="${T}/pixel.gif?say=img" srcset="${T}/pixel.gif?say=2x 2x" alt="" id="img">
<img src="${T}/pixel.gif?say=hidden" alt="" hidden>
<picture><source srcset="${T}/pixel.gif?say=source"><img src="/favicon.svg" alt="" id="picture"></picture>
<video id="video" muted><source src="${T}/pixel.gif?say=media"><track src="${T}/pixel.gif?say=track" default></video>
<video poster="${T}/pixel.gif?say=poster"></video>
<input type="image" src="${T}/pixel.gif?say=input" alt="Go">
<a href="/privacy" ping="${T}/pixel.gif?say=ping">Away</a>
<table background="${T}/pixel.gif?say=table"><tr><td style="background: url(${T}/pixel.gif?say=style)">Cell</td></tr></table>
<svg width="9" height="9"><image href="${T}/pixel.gif?say=svg" width="9" height="9"/><image xlink:href="${T}/pixel.gif?say=xlink" width="9" height="9"/><use href="${T}/pixel.gif#x"/></svg>
<div data-consent="marketing">We <b>advertise</b>.</div>
<p data-consent="marketing" hidden>Never to be seen</p>
<p data-consent="necessary">Always</p>
<noscript><img src="${T}/pixel.gif?say=noscript" alt=""></noscript>
<template id="template"><img src="${T}/pixel.gif?say=template" alt=""><script src="${T}/tag.js?say=template"></script></template>
<template data-consent="marketing"><p>Marked</p></template>
<div id="shadow"><template shadowrootmode="open"><img src="${T}/pixel.gif?say=shadow" alt=""><script data-consent="analytics">say('shadow')</script><slot></slot></template>In the light</div>
<script type="text/plain" data-other="x">never()</script>
<p>The end</p>`,
)

page('embeds', inline('tag'), `<h1>Embeds</h1>
<iframe id="one" src="${T}/embed?say=one" width="600" height="300" title="One"></iframe>
<iframe id="two" src="${T}/embed?say=two" width="600" height="300" title="Two"></iframe>
<object id="three" data="${T}/embed?say=three" width="600" height="300"></object>
<script data-consent="example-video">say('video script')</script>
<img id="ad" src="${T}/pixel.gif?say=ad" alt="">`)

page('cloned', '', `<h1>Cloned</h1><template><iframe id="one" src="${T}/embed?say=one" title="One"></iframe></template><main></main>`)
page('inner', '', `<h1>Inner</h1><img src="${T}/pixel.gif?say=inner" alt="">`)
page('outer', '', '<h1>Outer</h1><iframe src="/inner" title="Inner"></iframe>')
page('writes', '', `<h1>Writes</h1><script data-consent="analytics">say('before'); document.write('<p id=written>Written</p>')</script><p>The end</p>`)
page('marked', inline('analytics') + '<script data-consent="example-metrics">say("metrics")</script>', '<h1>Marked</h1><script data-consent="marketing">say("marketing")</script>')
page('nonces', external('tag', 'nonce="abc"') + inline('inline', 'nonce="abc"'))
page('csp', external('tag') + inline('inline', 'nonce="abc"'), `<h1>Policy</h1><iframe src="${T}/embed?say=csp" title="One" width="300" height="100"></iframe>`)

// Not a policy of any kind, unless a test says so.
const ANY = "img-src *"

const look = (options, look) => visit({ pages, csp: ANY, ...options }, look)

const wholes = new Map()

/** What is read of the page of this name, as it is for a visitor who accepted before. */
function whole(name, read) {
  const key = `${name} ${read.name}`
  if (!wholes.has(key)) wholes.set(key, look({}, async page => {
    await page.goto('/privacy')
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    await page.goto(`/${name}`)
    await page.waitForLoadState('networkidle')
    return read(page)
  }))
  return wholes.get(key)
}

/** Counts the loads of the page itself. */
function loads(page) {
  const seen = []
  page.on('request', request => request.isNavigationRequest() && request.frame() === page.mainFrame() && seen.push(`${request.method()} ${new URL(request.url()).pathname}`))
  return seen
}

const logOf = page => page.evaluate(() => window.log)

/** All elements with their attributes, in every tree, without the banner; a page's text too. */
const treeOf = page =>
  page.evaluate(() => {
    const read = node => {
      if (node.nodeType === Node.TEXT_NODE) return node.data
      if (node.nodeType !== Node.ELEMENT_NODE || node.matches('tower-consent:is([data-state=ask], [data-state=decided])')) return []
      const attributes = [...node.attributes].map(({ namespaceURI, name, value }) => `${namespaceURI ?? ''} ${name}=${value}`).sort()
      const children = list => [...(list ?? [])].flatMap(read).reduce((all, one) => {
        // Where the banner was, two texts may meet.
        if (typeof one === 'string' && typeof all.at(-1) === 'string') all.push(all.pop() + one)
        else all.push(one)
        return all
      }, [])
      // Nobody who runs scripts parses these.
      const own = node.localName === 'noscript' ? [] : children(node.childNodes)
      return [[node.namespaceURI, node.localName, attributes, own, children(node.shadowRoot?.childNodes), children(node.content?.childNodes)]]
    }
    return read(document.documentElement)
  })

/** Waits until nothing of the page is gated any more, and all of it is loaded. */
async function isWhole(page) {
  await page.waitForFunction(() => {
    const all = [...document.querySelectorAll('*')]
    return !all.some(one => /^(?!.*data-other).* (data-consent-[a-z]|type="text.plain"|data-state="gated")/.test(one.cloneNode().outerHTML))
  })
  await page.waitForLoadState('networkidle')
}

/** In which ways a visitor comes to allow everything: what happens before the last click, and where that is. */
const WAYS = {
  'by the prompt': {
    come: async (page, path) => {
      await page.goto(path)
      await showsPrompt(page)
      return button(page, 'prompt', 'accept')
    },
  },
  'by the tab, after a no': {
    come: async (page, path) => {
      await page.goto('/privacy')
      await button(page, 'prompt', 'reject').click()
      await showsDecided(page)
      await page.goto(path)
      await part(page, 'tab').click()
      return button(page, 'settings', 'accept')
    },
  },
  'by the tab, in the page that asked': {
    come: async (page, path) => {
      await page.goto(path)
      await button(page, 'prompt', 'reject').click()
      await showsDecided(page)
      await part(page, 'tab').click()
      return button(page, 'settings', 'accept')
    },
  },
  'by the tab, after opting out': {
    options: { regime: 'opt-out' },
    come: async (page, path) => {
      await page.goto(path)
      await button(page, 'prompt', 'reject').click()
      await page.locator('[data-consent]').first().waitFor({ state: 'attached' })
      await showsDecided(page)
      await part(page, 'tab').click()
      return button(page, 'settings', 'accept')
    },
  },
}

const withoutAsync = log => log.filter(text => !/^async/.test(text))
const onlyAsync = log => log.filter(text => /^async/.test(text)).sort()

for (const [name, { come, options }] of Object.entries(WAYS)) {
  test(`h3 b9 scripts run as they would have, once and in order, ${name}`, async () => {
    const expected = await whole('scripts', logOf)
    assert.ok(expected.length >= 20, `${expected}`)
    await look(options, async page => {
      const accept = await come(page, '/scripts')
      assert.deepEqual(await logOf(page), [])
      const seen = loads(page)
      asked.length = 0
      await accept.click()
      await page.waitForFunction(count => window.log.length >= count, expected.length)
      await page.waitForLoadState('networkidle')
      const log = await logOf(page)
      assert.deepEqual(withoutAsync(log), withoutAsync(expected))
      assert.deepEqual(onlyAsync(log), onlyAsync(expected))
      assert.deepEqual(seen, [], 'no reload')
      assert.deepEqual(asked.filter(({ path }) => path.includes('private')).map(({ referrer }) => referrer), [undefined])
      assert.equal(await page.evaluate(() => document.querySelector('h1').textContent), 'Scripts')
    })
  })

  test(`h3 b9 the page is the one of a visitor who allowed from the start, ${name}`, async () => {
    for (const path of ['scripts', 'elements', 'embeds', 'marked']) {
      const expected = await whole(path, treeOf)
      await look(options, async page => {
        const accept = await come(page, `/${path}`)
        assert.notDeepEqual(await treeOf(page), expected)
        const seen = loads(page)
        await accept.click()
        await isWhole(page)
        assert.deepEqual(await treeOf(page), expected, path)
        assert.deepEqual(seen, [], 'no reload')
      })
    }
  })
}

test('h3 b9 what comes back is fetched as it would have been', async () => {
  const requests = async () => [...new Set(asked.map(({ path }) => path))].sort()
  asked.length = 0
  const expected = await whole('elements', requests)
  assert.ok(expected.length >= 20, `${expected}`)
  await look({}, async page => {
    await page.goto('/elements')
    await page.waitForLoadState('networkidle')
    asked.length = 0
    await button(page, 'prompt', 'accept').click()
    await isWhole(page)
    assert.deepEqual(await requests(), expected)
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('h1')).color), 'rgb(1, 2, 3)')
  })
})

test('h3 b9 what is allowed comes back, the rest stays out, and nothing runs twice', () =>
  look({}, async page => {
    await page.goto('/marked')
    await opensSettings(page).click()
    await toggle(page, 'analytics').click()
    await button(page, 'settings', 'save').click()
    await showsDecided(page)
    await page.waitForFunction(() => window.log.length === 2)
    await part(page, 'tab').click()
    await toggle(page, 'marketing').click()
    await button(page, 'settings', 'save').click()
    await page.waitForFunction(() => window.log.length >= 3)
    assert.deepEqual(await logOf(page), ['analytics analytics', 'metrics', 'marketing'])
    // The marks are the author's.
    assert.deepEqual(await page.locator('[data-consent]').evaluateAll(all => all.map(one => one.dataset.consent)), ['analytics', 'example-metrics', 'marketing'])
  }))

test('h3 b9 a page that still loads comes back whole', async () => {
  // The end of the page is late.
  const baseURL = await inFront(await site('opt-in', 'on', { csp: ANY, pages }), (_, body) => body.replace('<p>The end</p>', '<script src="/late.js"></script><p>The end</p>'), (path, respond) => path === '/late.js' && setTimeout(respond, 1500))
  await look({ baseURL }, async page => {
    const expected = await whole('scripts', logOf)
    await page.goto('/scripts', { waitUntil: 'commit' })
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    assert.equal(await page.evaluate(() => document.readyState), 'loading')
    await page.waitForFunction(count => window.log.length >= count, expected.length)
    assert.deepEqual(withoutAsync(await logOf(page)), withoutAsync(expected))
  })
})

test("h3 b9 the site's own frames come back, too", () =>
  look({}, async page => {
    await page.goto('/outer')
    const picture = page.frameLocator('iframe').locator('img')
    assert.equal(await picture.getAttribute('src'), null)
    const seen = loads(page)
    await button(page, 'prompt', 'accept').click()
    await page.waitForLoadState('networkidle')
    assert.equal(await picture.getAttribute('src'), `${T}/pixel.gif?say=inner`)
    assert.deepEqual(seen, [])
  }))

// What can't be done in place

test('h3 b9 what an inline script writes comes with a load of its own, and the page is not wiped out', () =>
  look({}, async page => {
    await page.goto('/writes')
    const seen = loads(page)
    await button(page, 'prompt', 'accept').click()
    await page.locator('#written').waitFor()
    await page.getByText('The end').waitFor()
    await page.waitForLoadState('networkidle')
    assert.deepEqual(seen, ['GET /writes'])
    assert.deepEqual(await logOf(page), ['before'])
  }))

const SCRIPTS = `script-src 'nonce-abc' 'sha256-${createHash('sha256').update('window.log = []; window.say = text => log.push(text)').digest('base64')}'`

for (const [name, csp] of Object.entries({ nonces: SCRIPTS, 'nonces and strict-dynamic': `${SCRIPTS} 'strict-dynamic'` })) {
  test(`h3 b4 scripts keep their nonces, ${name}`, () =>
    look({ csp }, async page => {
      const seen = await watch(page)
      await page.goto('/nonces')
      const been = loads(page)
      await button(page, 'prompt', 'accept').click()
      await isWhole(page)
      assert.deepEqual(await logOf(page), ['tag tag', 'inline inline'])
      assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('[data-own]')].map(one => one.nonce)), ['abc', 'abc'])
      // The example has no icon for such pages.
      assert.deepEqual([been, seen.filter(text => !/404/.test(text))], [[], []])
    }))
}

test('h3 b4 where a script must not set the address of another, the page is loaded anew', () =>
  look({ csp: "require-trusted-types-for 'script'" }, async page => {
    await page.goto('/csp')
    const seen = loads(page)
    await button(page, 'prompt', 'accept').click()
    await page.frameLocator('iframe').getByRole('button', { name: 'Play' }).waitFor()
    await isWhole(page)
    assert.deepEqual(await logOf(page), ['tag tag', 'inline inline'])
    assert.deepEqual(seen, ['GET /csp'])
  }))

/** The page's policy has the third party while it is allowed, as the layer does with the sources of a vendor. */
const guarded = () =>
  site('opt-in', 'on', { csp: `default-src 'none'; ${SCRIPTS}`, pages }).then(address =>
    inFront(address, (headers, body) => {
      const csp = headers['content-security-policy']
      if (csp && !body.includes('data-consent-')) headers['content-security-policy'] = csp.replace(/'nonce-abc'|frame-src/g, `$& ${T}`)
    }))

for (const way of ['by the prompt', 'by the tab, after a no']) {
  test(`h3 b4 g11 where the page's policy is from before the choice it is loaded anew, once, ${way}`, async () =>
    look({ baseURL: await guarded() }, async page => {
      const accept = await WAYS[way].come(page, '/csp')
      const seen = loads(page)
      await accept.click()
      await page.frameLocator('iframe').getByRole('button', { name: 'Play' }).waitFor()
      await page.waitForLoadState('networkidle')
      assert.deepEqual(await logOf(page), ['tag tag', 'inline inline'])
      assert.deepEqual(seen, ['GET /csp'])
    }))
}

test('h3 b4 a policy that only reports is no reason to load', async () => {
  const baseURL = await inFront(await site('opt-in', 'on', { csp: ANY, pages }), headers => {
    headers['content-security-policy-report-only'] = "default-src 'none'"
  })
  await look({ baseURL }, async page => {
    await page.goto('/csp')
    const seen = loads(page)
    await button(page, 'prompt', 'accept').click()
    await isWhole(page)
    assert.deepEqual(await logOf(page), ['tag tag', 'inline inline'])
    assert.deepEqual(seen, [])
  })
})

test('c8 b9 opt-out: what runs is stopped by a load, after the event', () =>
  look({ regime: 'opt-out' }, async page => {
    await page.addInitScript(() => addEventListener('tower-consent:change', ({ detail }) => sessionStorage.setItem('told', `${sessionStorage.getItem('told') ?? ''} ${detail.categories.analytics}`)))
    await page.goto('/scripts')
    assert.ok((await logOf(page)).length > 10)
    const seen = loads(page)
    await button(page, 'prompt', 'reject').click()
    await page.waitForFunction(() => window.log?.length === 0)
    await showsDecided(page)
    assert.deepEqual(seen, ['GET /scripts'])
    assert.equal(await page.evaluate(() => sessionStorage.getItem('told')), ' false')
  }))

test('c7 b9 what came back is stopped by a load, too', () =>
  look({}, async page => {
    await page.goto('/marked')
    await button(page, 'prompt', 'accept').click()
    await page.waitForFunction(() => window.log.length === 3)
    const seen = loads(page)
    await part(page, 'tab').click()
    await button(page, 'settings', 'reject').click()
    await page.waitForFunction(() => window.log?.length === 0)
    await showsDecided(page)
    assert.deepEqual(seen, ['GET /marked'])
    assert.deepEqual(await togglesOn(page), [])
  }))

test('b9 without the network the form is sent', () =>
  look({}, async page => {
    await page.goto('/marked')
    await page.evaluate(() => (window.fetch = () => Promise.reject(new TypeError('no'))))
    const seen = loads(page)
    await button(page, 'prompt', 'accept').click()
    await page.waitForFunction(() => window.log.length === 3)
    assert.deepEqual(seen, ['POST /_consent/choice', 'GET /marked'])
  }))

// What stands in for frames

const standins = page => page.locator('tower-consent[data-state=gated]')
const frames = page => page.locator('iframe, object').evaluateAll(all => all.map(one => `${one.id} ${one.getAttribute(one.localName === 'object' ? 'data' : 'src') !== null && !one.hidden}`))

for (const key of ['Enter', 'click']) {
  test(`h4 b9 once: the embeds of this vendor come back, without a request to the site, by ${key}`, async () =>
    look({}, async (page, address) => {
      await page.goto('/embeds')
      assert.equal(await standins(page).count(), 3)
      const requests = []
      page.on('request', request => request.url().startsWith(address) && requests.push(request.url()))
      const once = standins(page).nth(1).locator('[value=once]')
      if (key === 'click') await once.click()
      else {
        await once.focus()
        await page.keyboard.press('Enter')
      }
      await standins(page).first().waitFor({ state: 'detached' })
      assert.deepEqual(await frames(page), ['one true', 'two true', 'three true'])
      assert.equal(await page.evaluate(() => document.activeElement.id), 'two', 'the focus goes on')
      await page.waitForLoadState('networkidle')
      assert.deepEqual(requests, [])
      assert.deepEqual(await logOf(page), [], 'no script of the vendor, or of another')
      assert.equal(await page.locator('#ad').getAttribute('src'), null)
      assert.equal(await choiceCookie(page), undefined)
      await showsPrompt(page)
    }))
}

test('h4 what stands in for a frame does so in a clone of a template, too', () =>
  look({}, async page => {
    await page.goto('/cloned')
    await page.evaluate(() => document.querySelector('main').append(document.querySelector('template').content.cloneNode(true)))
    await standins(page).locator('[value=once]').click()
    await page.frameLocator('main #one').getByRole('button', { name: 'Play' }).waitFor()
  }))

test('h4 b9 once, of an object', async () =>
  look({}, async page => {
    await page.goto('/embeds')
    await button(page, 'prompt', 'reject').click()
    await showsDecided(page)
    await page.reload()
    await standins(page).nth(2).locator('[value=once]').click()
    await standins(page).first().waitFor({ state: 'detached' })
    assert.deepEqual(await frames(page), ['one true', 'two true', 'three true'])
  }))

for (const decided of [false, true]) {
  test(`h4 b9 always: all of this vendor comes back, and the rest is as it was, ${decided ? 'after a no' : 'before the choice'}`, async () =>
    look({}, async page => {
      await page.goto('/embeds')
      if (decided) {
        await button(page, 'prompt', 'reject').click()
        await showsDecided(page)
        await page.reload()
      }
      await page.evaluate(() => addEventListener('tower-consent:change', ({ detail }) => (window.told = detail)))
      const seen = loads(page)
      await standins(page).first().locator('[value=allow]').click()
      await standins(page).first().waitFor({ state: 'detached' })
      await page.waitForFunction(() => window.log.length > 0)
      assert.deepEqual(await frames(page), ['one true', 'two true', 'three true'])
      assert.deepEqual(await logOf(page), ['video script'])
      assert.equal(await page.locator('#ad').getAttribute('src'), null)
      assert.equal(await page.evaluate(() => document.activeElement.id), 'one')
      assert.equal(await page.evaluate(() => window.told.vendors['example-video']), true)
      assert.match(await part(page, 'tab').locator('xpath=..').locator('[role=status]').textContent(), /.+/)
      await (decided ? showsDecided : showsPrompt)(page)
      assert.deepEqual(seen, [])
    }))
}

test('h4 b9 what was allowed always stays so when the settings are saved on the same page', () =>
  look({}, async page => {
    await page.goto('/embeds')
    await standins(page).first().locator('[value=allow]').click()
    await standins(page).first().waitFor({ state: 'detached' })
    await opensSettings(page).click()
    await toggle(page, 'preferences').press('Space')
    await button(page, 'settings', 'save').click()
    await showsDecided(page)
    assert.match((await choiceCookie(page)).value, /\.save\.\+preferences-analytics-marketing\+example_video$/)
  }))

test("h4 g11 once, where the page's policy is from before, is asked of the server", async () => {
  const baseURL = await inFront(await site('opt-in', 'on', { csp: "frame-src 'none'", pages }), headers => {
    const csp = headers['content-security-policy']
    // Where the vendor is allowed.
    if (csp) headers['content-security-policy'] = csp.replace('frame-src http', `frame-src ${T} http`)
  })
  await look({ baseURL }, async page => {
    await page.goto('/embeds')
    const seen = loads(page)
    await standins(page).first().locator('[value=once]').click()
    await page.frameLocator('#one').getByRole('button', { name: 'Play' }).waitFor()
    assert.deepEqual(seen, ['POST /_consent/choice', 'GET /embeds'])
    await showsPrompt(page)
  })
})

// The interface for the page's own scripts

const STATES = {
  ask: async page => page.goto('/marked-and-linked'),
  'just decided': async page => {
    await page.goto('/marked-and-linked')
    await button(page, 'prompt', 'reject').click()
    await showsDecided(page)
  },
  'something denied': async page => {
    await STATES['just decided'](page)
    await page.goto('/marked-and-linked')
  },
  'everything allowed': async page => {
    await page.goto('/marked-and-linked')
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    await page.goto('/marked-and-linked')
  },
}

// The manual's example is the page's.
const [, EXAMPLE] = readFileSync(new URL('../../src/manual/script.md', import.meta.url), 'utf8').match(/```html\n(.*?)```/s)
page('marked-and-linked', inline('analytics') , `<h1>Marked</h1>${EXAMPLE}`)

for (const [name, come] of Object.entries(STATES)) {
  test(`b9 the page's own link opens the settings, and gets the focus back, ${name}`, () =>
    look({}, async page => {
      await come(page)
      const link = page.locator('#cookies')
      for (const close of [() => page.keyboard.press('Escape'), () => part(page, 'close').click()]) {
        await link.focus()
        await page.keyboard.press('Enter')
        await part(page, 'settings').waitFor()
        assert.equal(await (await focused(page)).getAttribute('part'), 'close')
        await close()
        await part(page, 'settings').waitFor({ state: 'hidden' })
        assert.equal(await (await focused(page)).getAttribute('id'), 'cookies')
      }
      assert.match(page.url(), /\/marked-and-linked$/)
      assert.equal(await page.evaluate(() => document.querySelector('tower-consent').dataset.state), name === 'ask' ? 'ask' : 'decided')
    }))
}

test('b9 the state is told by address, by event, and by the element', () =>
  look({}, async page => {
    await page.addInitScript(() => document.addEventListener('tower-consent:change', ({ target, detail }) => (window.told = [target.dataset.state, detail])))
    await page.goto('/marked')
    const read = () => page.evaluate(async () => (await fetch('/_consent/state')).json())
    assert.equal((await read()).decided, false)
    await opensSettings(page).click()
    await toggle(page, 'analytics').click()
    await button(page, 'settings', 'save').click()
    await showsDecided(page)
    assert.deepEqual(await page.evaluate(() => window.told), ['decided', await read()])
    assert.deepEqual(await read(), await state(page))
    const { categories, vendors } = await read()
    assert.deepEqual([categories.analytics, categories.marketing, vendors['example-metrics'], vendors['google-analytics'], vendors.youtube], [true, false, true, true, false])
  }))

page('odd-marks', `<script data-consent="constructor">say('nobody allowed this')</script>`)

test('h3 a mark that names nothing is never allowed, whatever its name', () =>
  look({}, async page => {
    await page.goto('/odd-marks')
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    await page.waitForLoadState('networkidle')
    assert.deepEqual(await logOf(page), [])
  }))

test('c4 of two quick choices the last holds, however long the first one takes', () =>
  look({}, async page => {
    let count = 0
    await page.route('**/_consent/choice', async route => {
      if (count++ === 0) await new Promise(done => setTimeout(done, 500))
      await route.continue()
    })
    await page.goto('/marked')
    await button(page, 'prompt', 'accept').click()
    const reloaded = page.waitForEvent('load')
    await button(page, 'prompt', 'reject').click()
    await reloaded
    await showsDecided(page)
    assert.deepEqual(await logOf(page), [])
    assert.match((await choiceCookie(page)).value, /\.reject\./)
  }))

page('lone', '', '<h1>Lone</h1><iframe src="https://www.youtube.com/embed/1" title="One"></iframe>')

test('c7 a vendor allowed by itself is no longer kept once all was allowed, and then nothing', () =>
  look({}, async page => {
    await page.route('https://www.youtube.com/**', route => route.fulfill({ body: '' }))
    await page.goto('/lone')
    const changed = page.evaluate(() => new Promise(done => addEventListener('tower-consent:change', done, { once: true })).then(() => {}))
    await page.locator('tower-consent[data-vendor=youtube] button[value=allow]').click()
    await changed
    await button(page, 'prompt', 'accept').click()
    await showsDecided(page)
    await part(page, 'tab').click()
    for (const slug of await togglesOn(page)) await toggle(page, slug).click()
    const reloaded = page.waitForEvent('load')
    await button(page, 'settings', 'save').click()
    await reloaded
    assert.equal((await state(page)).vendors.youtube, false)
  }))
