// H1, H2, H3: the snippets that vendors publish, in a browser for which their own host names lead to a stand-in. What stands at
// the head of each file is explained in `tests/snippets.rs`, which reads them, too.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { browserOf, siteOf, StandIn } from './standin.js'
import { chooses, visit } from './support.js'

const folder = new URL('../snippets/', import.meta.url)

const SNIPPETS = readdirSync(folder).map(file => {
  const [, head, html] = readFileSync(new URL(file, folder), 'utf8').match(/^<!--\n(.*?)-->\n(.*)$/s)
  const says = Object.fromEntries(head.split('\n').map(line => line.split(': ')))
  const hosts = key => says[key]?.split(' ').sort() ?? []
  return { name: file.replace('.html', ''), html, isNecessary: 'necessary' in says, called: js => hosts(js ? 'calls' : 'calls without script') }
})

const page = (...snippets) => `<!doctype html>
<html lang="en">
<head><title>News</title><script>document.documentElement.dataset.own = 'ran'</script></head>
<body>
<h1>News</h1>
${snippets.map(({ html }) => html).join('')}</body>
</html>
`

const standIn = await StandIn.start()
const browser = await browserOf(standIn)
const { gated } = await siteOf({
  '/': page(),
  '/all': page(...SNIPPETS),
  ...Object.fromEntries(SNIPPETS.map(snippet => [`/${snippet.name}`, page(snippet)])),
})

const unique = hosts => [...new Set(hosts)].sort()
const hostsCalled = () => unique([...standIn.places].map(place => place.replace(/\/.*/, '')))

for (const js of [true, false]) {
  const how = js ? '' : ', without script'
  const always = unique(SNIPPETS.filter(({ isNecessary }) => isNecessary).flatMap(({ called }) => called(js)))

  for (const [when, choice] of [['before the choice'], ['after a no', 'reject']]) {
    test(`h1 h2 only what is necessary is called ${when}${how}`, () =>
      visit({ in: browser, js, baseURL: gated }, async page => {
        if (choice) await chooses(page, choice)
        standIn.forget()
        await page.goto('/all')
        await page.mouse.wheel(0, 9000)
        await standIn.isQuiet()
        assert.deepEqual(hostsCalled(), always)
        assert.equal(await page.evaluate(() => document.documentElement.dataset.own), js ? 'ran' : undefined)
      }))
  }

  test(`h3 each vendor is called after a yes, and nobody else${how}`, () =>
    visit({ in: browser, js, baseURL: gated }, async page => {
      await chooses(page, 'accept')
      standIn.forget()
      const everybody = unique(SNIPPETS.flatMap(({ called }) => called(js)))
      const seen = {}
      for (const { name } of SNIPPETS) {
        const tab = await page.context().newPage()
        const hosts = new Set()
        tab.on('request', request => hosts.add(new URL(request.url()).hostname))
        await tab.goto(`/${name}`)
        seen[name] = { tab, hosts }
      }
      await standIn.isQuiet(() => hostsCalled().length >= everybody.length)
      for (const { name, called } of SNIPPETS) {
        const { tab, hosts } = seen[name]
        hosts.delete('127.0.0.1')
        assert.deepEqual(unique(hosts), called(js), name)
        await tab.close()
      }
      assert.deepEqual(hostsCalled(), everybody)
    }))
}
