// B4: the banner runs under the strictest policies, and admits nothing but itself.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browserOf, siteOf, StandIn } from './standin.js'
import { button, inFront, opensSettings, part, showsDecided, site, toggle, visit, watch } from './support.js'

async function everyState(page) {
  await opensSettings(page).click()
  await part(page, 'settings').waitFor()
  await part(page, 'close').click()
  await button(page, 'prompt', 'accept').click()
  await showsDecided(page)
  await page.reload()
  await showsDecided(page)
  await part(page, 'tab').click()
  await button(page, 'settings', 'reject').click()
  await part(page, 'settings').waitFor({ state: 'hidden' })
  await showsDecided(page)
}

for (const regime of ['opt-in', 'opt-out', 'notice']) {
  test(`b4 ${regime}: no violation on the example's pages`, () =>
    visit({ regime }, async page => {
      const seen = await watch(page)
      for (const path of ['/', '/article', '/privacy', '/stream']) {
        await page.context().clearCookies()
        await page.goto(path)
        await everyState(page)
      }
      await page.goto('/_consent')
      await page.locator('button[value=accept]').click()
      await page.locator('button[value=reject]').click()
      await page.waitForLoadState()
      assert.deepEqual(seen, [])
    }))
}

// What an app may say; a comma separates policies.
const STRICT = {
  "default-src 'none'": "default-src 'none'",
  'all that can be none is none':
    "default-src 'none'; script-src 'none'; style-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'; " +
    "frame-ancestors 'none'; img-src 'none'",
  'two policies': "default-src 'none'; form-action 'none', script-src 'none'; style-src-elem 'none'; style-src-attr 'none'",
  'nonces and strict-dynamic': "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; style-src 'nonce-abc'",
  'trusted types': "default-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'a sandbox': "default-src 'none'; sandbox allow-scripts allow-forms allow-same-origin",
}

// The last is said in the pages themselves.
const POLICIES = [
  ...Object.entries(STRICT).map(([name, csp]) => [name, { csp }]),
  ['a policy in meta', { metaCsp: STRICT['all that can be none is none'].replace("frame-ancestors 'none'; ", '') }],
]

for (const [name, policy] of POLICIES) {
  test(`b4 no violation of the banner's under ${name}`, async () => {
    // Such a policy refuses the page's own style and pictures, too: that much is the page's.
    const pages = await visit({ ...policy, layer: 'off' }, async page => {
      const seen = await watch(page)
      await page.goto('/privacy')
      await page.waitForLoadState('networkidle')
      return new Set(seen)
    })
    assert.ok(pages.size > 0)
    await visit({ ...policy }, async page => {
      const seen = await watch(page)
      await page.goto('/privacy')
      assert.equal(await button(page, 'prompt', 'accept').evaluate(isStyled), true)
      await everyState(page)
      const own = seen.filter(text => !pages.has(text))
      assert.deepEqual(own, [])
    })
  })

  test(`b4 under ${name}, without script`, () =>
    visit({ ...policy, js: false }, async page => {
      await page.goto('/privacy')
      assert.equal(await button(page, 'prompt', 'accept').evaluate(isStyled), true)
      await everyState(page)
    }))
}

const isStyled = element => getComputedStyle(element).fontWeight === '600'

test("b4 what the page's policy forbids stays forbidden", async () => {
  const csp = STRICT["default-src 'none'"]
  // The page's own inline code is put in where it passes by.
  const baseURL = await inFront(await site('opt-in', 'on', { csp }), (_, body) =>
    body.replace('</head>', '<style>body { outline: 1px solid }</style><script>document.title = "ran"</script></head>'))
  await visit({ baseURL }, async page => {
    await page.goto('/privacy')
    await part(page, 'prompt').waitFor()
    assert.notEqual(await page.title(), 'ran')
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).outlineStyle), 'none')
  })
})

for (const [where, policy] of [
  ['the head', { csp: "default-src 'self'" }],
  ['meta', { metaCsp: "default-src 'self'" }],
]) {
  test(`g11 who is allowed runs under a policy in ${where} that knows nobody, and nobody else is let in`, () =>
    visit(policy, async page => {
      const seen = await watch(page)
      await page.goto('/article')
      await opensSettings(page).click()
      await toggle(page, 'analytics').click()
      await button(page, 'settings', 'save').click()
      await showsDecided(page)
      // What the old policy refuses in place comes with another load.
      await page.locator('html[data-tag=ran]').waitFor({ state: 'attached' })
      seen.length = 0
      await page.goto('/article')
      await page.locator('html[data-tag=ran]').waitFor({ state: 'attached' })
      assert.deepEqual(seen, [])
      // The video is of another category.
      const loads = await page.evaluate(async () => {
        const origin = new URL(document.querySelector('[data-consent-src$="/embed"]').getAttribute('data-consent-src')).origin
        const refused = new Promise(resolve => addEventListener('securitypolicyviolation', resolve, { once: true }))
        document.body.append(Object.assign(document.createElement('iframe'), { src: `${origin}/embed` }))
        return (await refused).effectiveDirective
      })
      assert.equal(loads, 'frame-src')
    }))

  test(`g11 the same with everything allowed in ${where}, without script`, () =>
    visit({ ...policy, js: false }, async page => {
      await page.goto('/article')
      await button(page, 'prompt', 'accept').click()
      await showsDecided(page)
      await page.frameLocator('.video iframe').getByRole('button', { name: 'Play' }).waitFor()
    }))
}

// G11: vendors are admitted while they are allowed, and not before.

const POLICY = `
site = "Example News"
catalog = ["youtube", "hotjar"]

[[vendor]]
slug = "example-chat"
name = "Example Chat"
category = "marketing"
hosts = ["chat.example"]
csp = { "style-src" = ["https://chat.example"], "img-src" = ["https://chat.example"] }
`

const PAGE = `<!doctype html>
<html lang="en">
<head>
<title>Example News</title>
<link rel="stylesheet" href="https://chat.example/chat.css">
<script nonce="abc" src="https://static.hotjar.com/hotjar.js"></script>
</head>
<body>
<h1 class="theirs">Example News</h1>
<iframe src="https://www.youtube.com/video.html" width="400" height="300"></iframe>
<img src="https://i.ytimg.com/picture.gif" alt="">
</body>
</html>
`

const MARKETING = ['chat.example/chat.css', 'chat.example/then/picture.gif', 'i.ytimg.com/picture.gif', 'www.youtube.com/video.html']
const ALL = [...MARKETING, 'static.hotjar.com/hotjar.js'].sort()

const VENDOR = /hotjar|youtube|ytimg|chat\.example/

const GATED = {
  'nothing by default': ["default-src 'none'"],
  'itself only': ["default-src 'self'; object-src 'none'; base-uri 'none'"],
  'none of each': ["default-src 'none'; script-src 'none'; style-src 'none'; img-src 'none'; frame-src 'none'; connect-src 'none'; form-action 'none'"],
  'elements and fallbacks': ["script-src-elem 'self'; style-src-elem 'self'; child-src 'none'; img-src 'self'; default-src 'self'"],
  'nonces and strict-dynamic': ["default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; style-src 'nonce-abc'"],
  'two in a line, one more in another': ["default-src 'none', script-src 'none'; style-src 'self'", "img-src 'self'; frame-src 'self'"],
}

const CSP = 'content-security-policy'

/** Under which of them reports are looked for, too. */
const REPORTED = ['nothing by default', 'nonces and strict-dynamic', 'two in a line, one more in another']

const pages = [
  ...Object.entries(GATED).map(([name, policies], index) => ({ name, policies, header: CSP, path: `/enforced/${index}` })),
  ...REPORTED.map((name, index) => ({ name: `${name}, report-only`, policies: GATED[name], header: `${CSP}-report-only`, path: `/reported/${index}` })),
]

const standIn = await StandIn.start()
const browser = await browserOf(standIn)
const news = await siteOf(
  Object.fromEntries(pages.map(({ path, header, policies }) => [path, { headers: { [header]: policies }, body: PAGE }])),
  POLICY,
)

for (const { path, name, header } of pages) {
  test(`g11 vendors run while they are allowed, and only then, under ${name}`, async () => {
    const load = async (page, seen, expected = []) => {
      // Bringing back tries what the page's policy, from before the choice, may refuse.
      await standIn.isQuiet(() => true)
      standIn.forget()
      seen.length = 0
      const response = await page.goto(path)
      await standIn.isQuiet(() => standIn.has(expected))
      const policies = (await response.headersArray()).filter(one => one.name.toLowerCase() === header).map(({ value }) => value)
      return { called: [...standIn.places].filter(place => !/framed|imported/.test(place)).sort(), policies: policies.join() }
    }

    // Without the layer the policy does what it says.
    await visit({ in: browser, baseURL: news.bare }, async page => {
      const seen = await watch(page)
      const { called } = await load(page, seen)
      assert.ok(seen.some(text => VENDOR.test(text)), 'violations')
      assert.equal(called.includes('i.ytimg.com/picture.gif'), header !== CSP)
    })

    await visit({ in: browser, baseURL: news.gated }, async page => {
      const seen = await watch(page)
      const loadClean = async expected => {
        const loaded = await load(page, seen, expected)
        // The browser looks for a picture of the site's by itself.
        assert.deepEqual(seen.filter(text => !text.includes('/favicon.ico')), [])
        return loaded
      }
      const before = await loadClean()
      assert.deepEqual(before.called, [])
      assert.doesNotMatch(before.policies, VENDOR)
      assert.equal(await button(page, 'prompt', 'accept').evaluate(isStyled), true)
      const placeholder = page.locator('tower-consent[data-state=gated]')
      assert.equal(await placeholder.evaluate(one => getComputedStyle(one).borderTopStyle), 'solid')

      await button(page, 'prompt', 'reject').click()
      await showsDecided(page)
      const refused = await loadClean()
      assert.deepEqual(refused.called, [])
      assert.doesNotMatch(refused.policies, VENDOR)

      await part(page, 'tab').click()
      await toggle(page, 'marketing').check()
      await button(page, 'settings', 'save').click()
      await part(page, 'settings').waitFor({ state: 'hidden' })
      const some = await loadClean(MARKETING)
      assert.deepEqual(some.called, MARKETING)
      assert.match(some.policies, /youtube/)
      assert.doesNotMatch(some.policies, /hotjar/)

      await part(page, 'tab').click()
      await button(page, 'settings', 'accept').click()
      await part(page, 'settings').waitFor({ state: 'hidden' })
      const all = await loadClean(ALL)
      assert.deepEqual(all.called, ALL)
    })
  })
}
