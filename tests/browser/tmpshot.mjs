import { visit, stop, launch, PHONE, DESKTOP } from './support.js'
const b = await launch()
for (const [n, viewport] of [['phone', PHONE], ['desktop', DESKTOP]]) for (const colorScheme of ['light','dark']) await visit({ in: b, viewport, colorScheme, js: false }, async page => {
  await page.goto('/article')
  await page.locator('.video').scrollIntoViewIfNeeded()
  await page.locator('.video').screenshot({ path: `/tmp/ph-${n}-${colorScheme}.png` })
  console.log(n, await page.locator('.video').evaluate(v => [...v.children].map(e => [e.outerHTML.slice(0,90), JSON.stringify(e.getBoundingClientRect())])))
})
await b.close(); await stop(); process.exit()
