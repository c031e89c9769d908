import { visit, stop, launch, PHONE, button } from './support.js'
import { readFileSync } from 'node:fs'
const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')
const b = await launch()
await visit({ in: b, viewport: PHONE }, async page => {
  await page.addInitScript(AXE)
  await page.addInitScript(() => { window.shifts = []
        new PerformanceObserver(list => window.shifts.push(...list.getEntries().map(e => [e.value, e.hadRecentInput, e.startTime, e.sources.map(s => [s.node?.outerHTML?.slice(0,80) ?? s.node?.nodeName, JSON.stringify(s.previousRect), JSON.stringify(s.currentRect)])]))).observe({ type: 'layout-shift', buffered: true }) })
  await page.goto('/article')
  await page.locator('[data-state=gated]').scrollIntoViewIfNeeded()
  console.log(JSON.stringify(await page.evaluate(() => window.shifts), null, 1))
  await button(page, 'prompt', 'reject').click()
  await page.waitForTimeout(300)
  console.log(JSON.stringify(await page.evaluate(() => window.shifts), null, 1))
  const found = await page.evaluate(() => window.axe.run(document))
  for (const k of ['passes','incomplete']) console.log(k, JSON.stringify(found[k].filter(({ id }) => /contrast|link/.test(id)).map(({ id, nodes }) => [id, nodes.map(n => n.target).filter(t=>/tower/.test(JSON.stringify(t)))])))
})
await b.close(); await stop(); process.exit()
