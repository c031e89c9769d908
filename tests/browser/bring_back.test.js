// B9, H3: what was taken out of a page comes back in place and in order, and the page is then as if it had never been away.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { accepted, button, COOKIE, focused, inFront, opensSettings, part, showsDecided, showsPrompt, site, toggle, visit } from './support.js'

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

page('inner', '', `<h1>Inner</h1><img src="${T}/pixel.gif?say=inner" alt="">`)
page('outer', '', '<h1>Outer</h1><iframe src="/inner" title="Inner"></iframe>')
page('writes', '', `<h1>Writes</h1><script data-consent="analytics">say('before'); document.write('<p id=written>Written</p>')</script><p>The end</p>`)
page('marked', inline('analytics') + '<script data-consent="example-metrics">say("metrics")</script>', '<h1>Marked</h1><script data-consent="marketing">say("marketing")</script>')
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
    assert.ok(expected.length > 20, `${expected}`)
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
