// Starts what a test needs, the example server and a browser, and names what it looks at.
//
// About the choice cookie: its name starts with `__Host-` and it is `Secure`, which asks for HTTPS. Chromium (156 was
// looked at) makes an exception for what can't be overheard: it keeps such a cookie from http://127.0.0.1,
// http://localhost and http://*.localhost alike, and sends it back there. From http:// on any other name it drops the
// cookie without a word. So these tests run over plain HTTP on 127.0.0.1, with the cookie as it is in production.

import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import http from 'node:http'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

export const COOKIE = '__Host-consent'

export const PHONE = { width: 390, height: 844 }
export const SMALL = { width: 320, height: 640 }
export const DESKTOP = { width: 1280, height: 900 }

export const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url))

// The example server

const servers = new Map()

/**
/**
 * The example's address in this regime; it is started once for a test file. `csp` is what its pages say themselves, in
 * their heads, and `metaCsp` in `<meta>`; `pages` is a folder with more of them.
 */
export function site(regime = 'opt-in', layer = 'on', { csp, metaCsp, pages } = {}) {
  const says = { ...(csp && { CSP: csp }), ...(metaCsp && { META_CSP: metaCsp }), ...(pages && { PAGES: pages }) }
  const key = JSON.stringify([regime, layer, says])
  if (!servers.has(key)) servers.set(key, start({ REGIME: regime, LAYER: layer, ...says }))
  return servers.get(key).then(server => server.address)
}

async function start(variables) {
  for (let attempt = 1; ; attempt++) {
    // Other programs take ports too: where one was faster, the server ends, and we try others.
    const port = 20000 + Math.floor(Math.random() * 20000)
    if (!(await isFree(port)) || !(await isFree(port + 1))) continue
    const child = spawn(`${target}/debug/examples/server`, {
      env: { ...process.env, ...variables, PORT: `${port}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    child.stderr.on('data', text => (log += text))
    const isUp = await new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('exit', () => resolve(false))
      const knock = () => {
        const socket = connect(port + 1, '127.0.0.1')
        socket.on('connect', () => resolve(!socket.destroy().connecting))
        socket.on('error', () => child.exitCode === null && setTimeout(knock, 20))
      }
      knock()
    })
    if (isUp) return { address: `http://127.0.0.1:${port}`, child }
    if (attempt === 5) throw new Error(`The example server does not start:\n${log}`)
  }
}

function isFree(port) {
  return new Promise(resolve => {
    const server = createServer()
    server.on('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export async function stop() {
  for (const server of servers.values()) (await server).child.kill()
}

after(stop)

/**
 * A server in front of the site that changes what it answers: `change(headers, body, path)` returns the new body. It
 * stands for what the example doesn't have, where Playwright's interception would turn off the browser's caches.
 * Where `late(path, respond)` is true it sees to the answer.
 */
export async function inFront(address, change, late) {
  const server = http.createServer(async (request, response) => {
    const { url: path, method, headers } = request
    if (late?.(path, () => response.end())) return
    const onward = http.request(address + path, { method, headers: { ...headers, 'accept-encoding': 'identity' } })
    request.pipe(onward)
    onward.on('error', error => response.destroy(error))
    onward.on('response', async answer => {
      const chunks = []
      for await (const chunk of answer) chunks.push(chunk)
      const changed = { ...answer.headers }
      let body = Buffer.concat(chunks)
      if (/^text\/html/.test(changed['content-type'] ?? '') || method === 'POST') {
        delete changed['content-length']
        body = change(changed, body.toString(), path) ?? body
      }
      delete changed['transfer-encoding']
      response.writeHead(answer.statusCode, changed).end(body)
    })
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return `http://127.0.0.1:${server.address().port}`
}

/** What a client without script gets: `{ status, headers, body }`. Not `fetch`, which says that it is one. */
export function get(url, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { headers: { accept: 'text/html', ...headers } }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', text => (body += text))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }))
    })
    request.on('error', reject)
  })
}

/** The cookie line of a visitor who accepted. */
export async function accepted(address) {
  const answer = await fetch(`${address}/_consent/choice`, {
    method: 'POST',
    headers: { origin: address },
    body: new URLSearchParams({ choice: 'accept' }),
    redirect: 'manual',
  })
  return answer.headers.getSetCookie().find(line => line.startsWith(COOKIE)).split(';')[0]
}

// The browser

let browser

after(async () => (await browser)?.close())

export function launch({ args, ...options } = {}) {
  return chromium.launch({ ...chromiumWith(args), ...options })
}

/** What Playwright has to know of the browser. */
export function chromiumWith(args = []) {
  return {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // It looks for no server but ours.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  }
}

/** Runs `look(page, site)` in a fresh profile. `options` are Playwright's, and `regime`, `js`, `in` (a browser). */
export async function visit({ regime, layer, csp, metaCsp, pages, js = true, in: where, ...options }, look) {
  where ??= await (browser ??= launch())
  const address = options.baseURL ?? (await site(regime, layer, { csp, metaCsp, pages }))
  const context = await where.newContext({ javaScriptEnabled: js, viewport: DESKTOP, ...options, baseURL: address })
  context.setDefaultTimeout(10_000)
  try {
    const page = await context.newPage()
    return await look(page, address)
  } finally {
    await context.close()
  }
}

/** A test with script and without: the same must hold. */
export function withAndWithoutScript(name, options, look) {
  for (const js of [true, false]) {
    test(`${name}${js ? '' : ', without script'}`, () =>
      visit({ js, ...options }, (page, address) => look(page, address, js)))
  }
}

/** Collects what the browser refuses, from policies and from elsewhere. */
export async function watch(page) {
  const seen = []
  await page.exposeFunction('reportViolation', text => seen.push(text))
  await page.addInitScript(() =>
    addEventListener('securitypolicyviolation', event =>
      window.reportViolation(`${event.effectiveDirective} ${event.blockedURI.replace(location.origin, '')} ${event.sample}`),
    ),
  )
  page.on('console', message => {
    // The event says the same, without the whole policy.
    const isViolation = /violates the following (Content Security Policy|report-only)/.test(message.text())
    if (['error', 'warning'].includes(message.type()) && !isViolation) seen.push(message.text())
  })
  page.on('pageerror', error => seen.push(`${error}`))
  return seen
}

// The banner

/** Not what stands in for frames: those are `tower-consent[data-state=gated]`. */
const BANNER = 'tower-consent:is([data-state=ask], [data-state=decided])'

export const banner = page => page.locator(BANNER)
export const part = (page, name) => page.locator(`${BANNER} [part~=${name}]`)
/** The button that makes this choice (`accept`, `reject`, `save`) on this part (`prompt`, `settings`). */
export const button = (page, where, value) => part(page, where).locator(`button[value=${value}]`)
export const toggle = (page, slug) => page.locator(`input[name=allow][value=${slug}]`)
export const opensSettings = page => part(page, 'prompt').locator('button[popovertarget]')

/** Decides on the front page, by the prompt. */
export async function chooses(page, value) {
  await page.goto('/')
  await button(page, 'prompt', value).click()
  await showsDecided(page)
}

/** Waits until the page shows that the visitor decided. */
export async function showsDecided(page) {
  await page.locator('tower-consent[data-state=decided]').waitFor({ state: 'attached' })
  await part(page, 'prompt').waitFor({ state: 'hidden' })
  await part(page, 'tab').waitFor()
}

/** Waits until the page asks. */
export async function showsPrompt(page) {
  await page.locator('tower-consent[data-state=ask]').waitFor({ state: 'attached' })
  await part(page, 'prompt').waitFor()
  await part(page, 'tab').waitFor({ state: 'hidden' })
}

/** Which toggles are on, as the visitor sees it. */
export const togglesOn = page =>
  page.locator('input[name=allow]').evaluateAll(all => all.filter(one => one.checked).map(one => one.value))

/** The choice cookie as the browser keeps it. */
export async function choiceCookie(page) {
  return (await page.context().cookies()).find(cookie => cookie.name === COOKIE)
}

/** What the server holds for this visitor: `/_consent/state`. */
export async function state(page) {
  const other = await page.context().newPage()
  await other.goto('/_consent/state')
  const text = await other.locator('body').textContent()
  await other.close()
  return JSON.parse(text)
}

/** Names of the app's cookies that this visitor's browser keeps. */
export async function appCookies(page) {
  const names = (await page.context().cookies()).filter(({ name }) => name !== COOKIE).map(({ name }) => name)
  return names.sort()
}

/** The element with the focus, shadow trees included. */
export const focused = page =>
  page.evaluateHandle(() => {
    let element = document.activeElement
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement
    return element
  })
