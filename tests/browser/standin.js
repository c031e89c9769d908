// The web as the browser sees it: one server that stands in for every host there is, by HTTP and HTTPS on any port, and
// counts who calls which; and a site of any pages behind the layer, as `examples/proxy.rs` puts it there.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { launch, target } from './support.js'

// The third parties

/** What is answered, by the end of the path. Style sheets, frames and pictures of theirs fetch on. */
const BODIES = {
  js: ['text/javascript', 'document.documentElement.dataset.ran = "yes"'],
  css: ['text/css', '@import "/then/imported.css"; .theirs { background: url(/then/picture.gif) }'],
  html: ['text/html', '<!doctype html><title>Theirs</title><img src="/then/framed.gif" alt="">'],
  svg: ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g id="a"><rect width="9" height="9"/></g></svg>'],
  gif: ['image/gif', Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64')],
  mp4: ['video/mp4', ''],
  mp3: ['audio/mpeg', ''],
  vtt: ['text/vtt', 'WEBVTT\n'],
  json: ['application/json', '{}'],
  webmanifest: ['application/manifest+json', '{ "name": "Theirs" }'],
  woff2: ['font/woff2', ''],
}

/** What Chromium asks for by itself. */
const BROWSERS_OWN = /^(accounts\.google\.com\/ListAccounts|content-autofill\.googleapis\.com\/v1\/pages\/.*|update\.googleapis\.com\/service\/.*)$/

/** Who was called since the last `forget`: places, as `host/path`. */
export class StandIn {
  places = new Set()
  #last = 0

  static async start() {
    const standIn = new StandIn()
    const answer = (request, response) => standIn.#answer(request, response)
    const plain = http.createServer(answer)
    const secure = https.createServer(certificate(), answer)
    // A browser that speaks TLS begins with byte 22, on whatever port.
    const server = net.createServer(socket => {
      socket.on('error', () => {})
      socket.once('readable', () => {
        const first = socket.read()
        if (!first) return socket.destroy()
        socket.unshift(first)
        const speaks = first[0] === 22 ? secure : plain
        speaks.emit('connection', socket)
      })
    })
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    after(() => server.close())
    server.unref()
    standIn.port = server.address().port
    return standIn
  }

  /** Those of a browser for which this is every host but the site, and but those that begin with `lookup.`. */
  get args() {
    const rules = [`MAP * 127.0.0.1:${this.port}`, 'EXCLUDE 127.0.0.1', 'EXCLUDE lookup.*']
    return [`--host-resolver-rules=${rules}`, '--ignore-certificate-errors']
  }

  forget() {
    this.places.clear()
  }

  /** Waits until nobody was called for half a second, and all that is expected was seen, if it ever will be. */
  async isQuiet(isAllSeen = () => true) {
    const end = Date.now() + 10_000
    this.#last = Date.now()
    while ((Date.now() < end && !isAllSeen()) || Date.now() < this.#last + 500) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  has(places) {
    return places.every(place => this.places.has(place))
  }

  #answer(request, response) {
    const host = request.headers.host.toLowerCase().replace(/:\d+$/, '')
    const path = request.url.replace(/[?#].*/s, '')
    if (!BROWSERS_OWN.test(host + path)) this.places.add(host + path)
    this.#last = Date.now()
    const [kind, body] = BODIES[extension(path)] ?? BODIES.js
    response.writeHead(200, {
      'content-type': kind,
      // An answer from a cache would not be counted.
      'cache-control': 'no-store',
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
    })
    response.end(body)
  }
}

const extension = path => path.match(/\.(\w+)$/)?.[1]

/** One that the browser is told not to look at. */
function certificate() {
  const pem = execFileSync(
    'openssl',
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=standin -keyout - -out -'.split(' '),
    { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' },
  )
  return { key: pem, cert: pem }
}

/** A browser for which the stand-in is every host but the site. */
export async function browserOf(standIn) {
  const browser = await launch({ args: standIn.args })
  after(() => browser.close())
  return browser
}

// The site

/**
 * A site with these pages, `{ '/path': html | { headers, body } }`: `{ bare, gated }`, its address without the layer and behind it.
 * `policy` is TOML; without one the whole catalog is known.
 */
export async function siteOf(pages, policy) {
  const server = http.createServer((request, response) => {
    const page = pages[request.url.replace(/\?.*/s, '')]
    const { headers = {}, body } = typeof page === 'string' ? { body: page } : (page ?? own(request.url))
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...headers }).end(body)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  const bare = `http://127.0.0.1:${server.address().port}`
  return { bare, gated: await behindLayer(bare, policy) }
}

/** What pages fetch of the site's own. */
function own(path) {
  const [kind, body] = BODIES[extension(path)] ?? BODIES.html
  return { headers: { 'content-type': kind }, body: kind === 'text/html' || kind === 'text/css' ? '' : body }
}

async function behindLayer(upstream, policy) {
  const folder = mkdtempSync(join(tmpdir(), 'consent-'))
  const file = join(folder, 'consent.toml')
  if (policy) writeFileSync(file, policy)
  const child = spawn(`${target}/debug/examples/proxy`, {
    env: { ...process.env, UPSTREAM: upstream, PORT: '0', ...(policy && { POLICY: file }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  after(() => {
    child.kill()
    rmSync(folder, { recursive: true })
  })
  for await (const line of createInterface(child.stdout)) return line
  throw new Error('The proxy does not start')
}
