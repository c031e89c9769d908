// H1, H2, G9: every way in which a page makes a browser fetch, one by one. Each is first seen to work where no layer is; then
// nobody is called before the choice and after a no, and the same are called as without the layer after a yes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { button, chooses, part, showsDecided, visit } from './support.js'
import { browserOf, siteOf, StandIn } from './standin.js'

/** Hosts of vendors that the catalog knows, one for each case in turn. */
const HOSTS = [
  'www.youtube.com',
  'connect.facebook.net',
  'static.hotjar.com',
  'www.clarity.ms',
  'snap.licdn.com',
  'analytics.tiktok.com',
  's.pinimg.com',
  'platform.twitter.com',
  'player.vimeo.com',
  'cdn.segment.com',
  'bat.bing.com',
  'www.google-analytics.com',
  'static.criteo.net',
  'cdn.taboola.com',
]

// When Chromium fetches: whether or not scripts run, only if they do, only if they don't, or (any more) not at all.
const ALWAYS = 'always'
const SCRIPT = 'with script'
const PLAIN = 'without script'
const NEVER = 'never'

/** In `html` URL is https://HOST/PATH, HOST one of the above, and PATH the case's own. */
const CASES = Object.entries({
  // Scripts
  'script src': [SCRIPT, '<script src="URL.js"></script>'],
  'script async': [SCRIPT, '<script async src="URL.js"></script>'],
  'script defer': [SCRIPT, '<script defer src="URL.js"></script>'],
  'script module': [SCRIPT, '<script type="module" src="URL.js"></script>'],
  'script nomodule': [NEVER, '<script nomodule src="URL.js"></script>'],
  'script language': [SCRIPT, '<script language="javascript1.5" type="text/JScript" src="URL.js"></script>'],
  'script with attributes': [SCRIPT, '<script crossorigin="anonymous" referrerpolicy="no-referrer" fetchpriority="high" src="URL.js"></script>'],
  'inline module': [SCRIPT, '<script type="module">import "https://connect.facebook.net/PATH.js"</script>'],
  'inline script': [SCRIPT, '<script>new Image().src = "https://connect.facebook.net/PATH.gif"</script>'],
  'inline script, marked': [SCRIPT, '<script data-consent="marketing">new Image().src = ["//unknown", "example/PATH.gif"].join(".")</script>'],
  'svg script href': [SCRIPT, '<svg><script href="URL.js"></script></svg>'],
  'svg script xlink:href': [SCRIPT, '<svg><script xlink:href="URL.js"></script></svg>'],
  'svg inline script': [SCRIPT, '<svg><script>new Image().src = "https://connect.facebook.net/PATH.gif"</script></svg>'],
  'speculation rules': [SCRIPT, '<script type="speculationrules">{"prefetch": [{"source": "list", "urls": ["URL.html"], "eagerness": "immediate"}]}</script>'],
  'speculation rules, escaped': [SCRIPT, '<script type="speculationrules">{"prefetch": [{"source": "list", "urls": ["https:\\u002f\\u002fHOST/PATH.html"], "eagerness": "immediate"}]}</script>'],

  'script of base64': [SCRIPT, `<script src="data:text/javascript;base64,${btoa('new Image().src = "https://connect.facebook.net/script-of-base64.gif"')}"></script>`],

  // Frames
  'iframe src': [ALWAYS, '<iframe src="URL.html"></iframe>'],
  'iframe lazy': [ALWAYS, '<iframe loading="lazy" src="URL.html"></iframe>'],
  'iframe srcdoc': [ALWAYS, '<iframe srcdoc="<img src=URL.gif>"></iframe>'],
  'iframe srcdoc, escaped': [ALWAYS, '<iframe srcdoc="&lt;img src=&quot;https:&amp;#x2f;/HOST/PATH.gif&quot;>"></iframe>'],
  'iframe srcdoc, script': [SCRIPT, '<iframe srcdoc="<script src=URL.js></script>"></iframe>'],
  'iframe srcdoc, base': [ALWAYS, '<iframe srcdoc="<base href=https://HOST/><img src=PATH.gif>"></iframe>'],
  'iframe srcdoc, nested': [ALWAYS, `<iframe srcdoc='<iframe srcdoc="<img src=URL.gif>"></iframe>'></iframe>`],
  'iframe src data': [ALWAYS, '<iframe src="data:text/html,<img src=URL.gif>"></iframe>'],
  'iframe src javascript': [SCRIPT, `<iframe src="javascript:'<img src=URL.gif>'"></iframe>`],
  embed: [ALWAYS, '<embed src="URL.html" type="text/html">'],
  'embed image': [ALWAYS, '<embed src="URL.gif" type="image/gif">'],
  'object data': [ALWAYS, '<object data="URL.html" type="text/html"></object>'],
  'object image': [ALWAYS, '<object data="URL.gif" type="image/gif"></object>'],
  'object fallback': [ALWAYS, '<object><img src="URL.gif"></object>'],
  'object param': [NEVER, '<object type="text/html"><param name="src" value="URL.html"></object>'],

  // Pictures
  'img src': [ALWAYS, '<img src="URL.gif">'],
  'img lazy': [ALWAYS, '<img loading="lazy" src="URL.gif">'],
  'img crossorigin': [ALWAYS, '<img crossorigin src="URL.gif">'],
  'img srcset': [ALWAYS, '<img srcset="URL.gif">'],
  'img srcset, density': [ALWAYS, '<img src="/own.gif" srcset="/own.gif 2x, URL.gif 1x">'],
  'img srcset, width': [ALWAYS, '<img src="/own.gif" srcset="/own.gif 100w,URL.gif 2000w" sizes="100vw">'],
  'img srcset, commas': [ALWAYS, '<img srcset=",URL.gif,">'],
  'img srcset, no space': [ALWAYS, '<img srcset="data:,x 3x,URL.gif 1x">'],
  'picture source': [ALWAYS, '<picture><source srcset="URL.gif"><img src="/own.gif"></picture>'],
  'picture source media': [ALWAYS, '<picture><source media="(min-width: 1px)" srcset="/own.gif 3x, URL.gif" type="image/gif"><img src="/own.gif"></picture>'],
  'image is img': [ALWAYS, '<image src="URL.gif">'],
  'input image': [ALWAYS, '<input type="image" src="URL.gif">'],
  'td background': [ALWAYS, '<table><tr><td background="URL.gif">x</table>'],
  'table background': [ALWAYS, '<table background="URL.gif"><tr><td>x</table>'],
  'img lowsrc': [NEVER, '<img lowsrc="URL.gif">'],
  'img attributionsrc': [NEVER, '<img attributionsrc="URL.json">'],

  // Sound and video
  'video src': [ALWAYS, '<video src="URL.mp4" preload="auto"></video>'],
  'video poster': [ALWAYS, '<video poster="URL.gif"></video>'],
  'video source': [ALWAYS, '<video preload="auto"><source src="URL.mp4"></video>'],
  'video second source': [ALWAYS, '<video preload="auto"><source src="/own.mp4"><source src="URL.mp4"></video>'],
  'video track': [ALWAYS, '<video src="/own.mp4" crossorigin><track default kind="captions" src="URL.vtt"></video>'],
  'audio src': [ALWAYS, '<audio src="URL.mp3" preload="auto"></audio>'],
  'audio source': [ALWAYS, '<audio preload="auto"><source src="URL.mp3"></audio>'],

  // Links
  stylesheet: [ALWAYS, '<link rel="stylesheet" href="URL.css">'],
  'stylesheet, several rels': [ALWAYS, '<link rel="author STYLESHEET" href="URL.css">'],
  'stylesheet, other media': [ALWAYS, '<link rel="stylesheet" media="print" href="URL.css">'],
  'alternate stylesheet': [ALWAYS, '<link rel="alternate stylesheet" title="other" href="URL.css">'],
  'preload script': [SCRIPT, '<link rel="preload" as="script" href="URL.js">'],
  'preload style': [ALWAYS, '<link rel="preload" as="style" href="URL.css">'],
  'preload image': [ALWAYS, '<link rel="preload" as="image" href="URL.gif">'],
  'preload font': [ALWAYS, '<link rel="preload" as="font" crossorigin href="URL.woff2">'],
  'preload fetch': [ALWAYS, '<link rel="preload" as="fetch" crossorigin href="URL.json">'],
  'preload track': [ALWAYS, '<link rel="preload" as="track" href="URL.vtt">'],
  'preload imagesrcset': [ALWAYS, '<link rel="preload" as="image" imagesrcset="/own.gif 3x, URL.gif 1x">'],
  modulepreload: [SCRIPT, '<link rel="modulepreload" href="URL.js">'],
  prefetch: [ALWAYS, '<link rel="prefetch" href="URL.html">'],
  'prefetch script': [ALWAYS, '<link rel="prefetch" as="script" href="URL.js">'],
  'apple-touch-icon': [NEVER, '<link rel="apple-touch-icon" href="URL.gif">'],
  prerender: [NEVER, '<link rel="prerender" href="URL.html">'],

  'stylesheet in a URL': [ALWAYS, `<link rel="stylesheet" href="data:text/css,@import 'URL.css'">`],

  // Styles
  'style @import': [ALWAYS, '<style>@import "URL.css";</style>'],
  'style @import url': [ALWAYS, '<style>@import url(URL.css) screen;</style>'],
  'style url': [ALWAYS, '<style>#PATH { background: url("URL.gif") }</style><p id="PATH">x</p>'],
  'style escaped': [ALWAYS, '<style>#PATH { background: url("https:\\2f\\2fHOST/PATH.gif") }</style><p id="PATH">x</p>'],
  'style @import, escaped': [ALWAYS, '<style>@\\69mport "URL.css";</style>'],
  'style @import, commented and continued': [ALWAYS, '<style>@import/**/"https:/\\\n/HOST/PATH.css";</style>'],
  'style function escaped': [ALWAYS, '<p style="background: u\\72l(https:\\2f /HOST/PATH.gif)">x</p>'],
  'style image-set': [ALWAYS, '<style>#PATH { background: image-set("URL.gif" 1x) }</style><p id="PATH">x</p>'],
  'style font': [ALWAYS, '<style>@font-face { font-family: PATH; src: url(URL.woff2) }</style><p style="font-family: PATH">x</p>'],
  'style content': [ALWAYS, '<style>#PATH::before { content: url(URL.gif) }</style><p id="PATH">x</p>'],
  'style marked': [ALWAYS, '<style data-consent="marketing">#PATH { background: url("https://unknown.example/PATH.gif") }</style><p id="PATH">x</p>'],
  'style attribute': [ALWAYS, '<p style="background: url(URL.gif)">x</p>'],
  'style attribute, escaped': [ALWAYS, '<p style="background: url(&quot;https:\\/\\/HOST/PATH.gif&quot;)">x</p>'],
  'style in svg': [ALWAYS, '<svg><style>#PATH { background: url(URL.gif) }</style></svg><p id="PATH">x</p>'],
  'style list': [ALWAYS, '<ul style="list-style-image: url(URL.gif)"><li>x</ul>'],
  'style border': [ALWAYS, '<p style="border: 1px solid; border-image: url(URL.gif) 1">x</p>'],
  'style cursor': [ALWAYS, '<p style="cursor: url(URL.gif), auto">x</p>'],
  'style mask': [ALWAYS, '<p style="mask-image: url(URL.gif)">x</p>'],
  'style filter': [NEVER, '<p style="filter: url(URL.svg#a)">x</p>'],
  'style variable': [ALWAYS, '<p style="--theirs: url(URL.gif); background: var(--theirs)">x</p>'],

  // SVG
  'svg image href': [ALWAYS, '<svg><image href="URL.gif" width="9" height="9"/></svg>'],
  'svg image xlink:href': [ALWAYS, '<svg><image xlink:href="URL.gif" width="9" height="9"/></svg>'],
  'svg use': [NEVER, '<svg><use href="URL.svg#a"/></svg>'],
  'svg feImage': [ALWAYS, '<svg><filter id="PATH"><feImage href="URL.gif"/></filter><rect width="9" height="9" filter="url(#PATH)"/></svg>'],
  'svg filter attribute': [NEVER, '<svg><rect width="9" height="9" filter="url(URL.svg#a)"/></svg>'],
  'svg mask attribute': [ALWAYS, '<svg><rect width="9" height="9" mask="url(URL.svg#a)"/></svg>'],
  'svg clip-path attribute': [ALWAYS, '<svg><rect width="9" height="9" clip-path="url(URL.svg#a)"/></svg>'],
  'svg fill attribute': [ALWAYS, '<svg><rect width="9" height="9" fill="url(URL.svg#a)"/></svg>'],
  'svg cursor attribute': [ALWAYS, '<svg><rect width="9" height="9" cursor="url(URL.gif), auto"/></svg>'],
  'svg style attribute': [ALWAYS, '<svg style="background: url(URL.gif)"><rect width="9" height="9"/></svg>'],
  'svg set href': [ALWAYS, '<svg><image width="9" height="9"><set attributeName="href" to="URL.gif"/></image></svg>'],
  'svg animate href': [ALWAYS, '<svg><image width="9" height="9"><animate attributeName="href" values="URL.gif;URL.gif" dur="1s"/></image></svg>'],
  'html in svg': [ALWAYS, '<svg><foreignObject width="9" height="9"><img src="URL.gif"></foreignObject></svg>'],
  'svg in svg in title': [ALWAYS, '<svg><title><img src="URL.gif"></title></svg>'],

  // Where elements stand
  'noscript img': [PLAIN, '<noscript><img src="URL.gif"></noscript>'],
  'noscript iframe': [PLAIN, '<noscript><iframe src="URL.html" height="0" width="0" style="display:none"></iframe></noscript>'],
  'noscript stylesheet': [PLAIN, '<noscript><link rel="stylesheet" href="URL.css"></noscript>'],
  'noscript style': [PLAIN, '<noscript><style>#PATH { background: url(URL.gif) }</style></noscript><p id="PATH">x</p>'],
  'noscript marked': [PLAIN, '<noscript data-consent="marketing"><img src="https://unknown.example/PATH.gif"></noscript>'],
  template: [NEVER, '<template><img src="URL.gif"></template>'],
  'declarative shadow root': [ALWAYS, '<div><template shadowrootmode="open"><img src="URL.gif"></template></div>'],
  'closed shadow root': [ALWAYS, '<div><template shadowrootmode="closed"><img src="URL.gif"></template></div>'],
  'in a table, where it has no place': [ALWAYS, '<table><img src="URL.gif"></table>'],
  'in select': [ALWAYS, '<select><option><img src="URL.gif"></select>'],
  'behind a comment': [ALWAYS, '<!--><img src="URL.gif">-->'],
  'behind a bogus comment': [ALWAYS, '<!x "><img src="URL.gif">'],
  'in a comment': [NEVER, '<!-- <img src="URL.gif"> -->'],
  'in a text area': [NEVER, '<textarea><img src="URL.gif"></textarea>'],
  'behind a text area': [ALWAYS, '<textarea><!-- </textarea><img src="URL.gif"><!-- -->'],
  'behind a script': [ALWAYS, '<script>"<!-- <script>"</script><img src="URL.gif">--></script><img src="URL.gif">'],
  'in math': [ALWAYS, '<math><mtext><img src="URL.gif"></mtext></math>'],
  'in a svg CDATA section': [NEVER, '<svg><desc></desc><![CDATA[<img src="URL.gif">]]></svg>'],

  // How tags are written
  'upper case': [ALWAYS, '<IMG SRC="HTTPS://WWW.YOUTUBE.COM/PATH.gif">'],
  unquoted: [ALWAYS, '<img src=URL.gif>'],
  'single quotes': [ALWAYS, "<img src='URL.gif'>"],
  'slashes for spaces': [ALWAYS, '<img/alt="x"/src="URL.gif"/>'],
  'spaces around =': [ALWAYS, '<img src \n=\t "URL.gif">'],
  'no space between': [ALWAYS, '<img alt="x"src="URL.gif">'],
  'twice, the first counts': [ALWAYS, '<img src="URL.gif" src="/own.gif">'],
  'twice, the second does not': [NEVER, '<img src="/own.gif" src="URL.gif">'],
  '> in a value': [ALWAYS, '<img alt="a > b" src="URL.gif">'],
  'numeric references': [ALWAYS, '<img src="https&#58;&#x2F;&#x2f;HOST&#47;PATH.gif">'],
  'named references': [ALWAYS, '<img src="https&colon;&sol;&sol;HOST&sol;PATH&period;gif">'],
  'references to blanks and backslashes': [ALWAYS, '<img src="&#x9;h&NewLine;ttps:&bsol;/HOST/PATH.gif">'],
  'references in srcset': [ALWAYS, '<img srcset="&#x20;https:&#47;&#x2f;HOST/PATH.gif&#x20;1x&#44; /own.gif 9x">'],
  'references in the host': [ALWAYS, '<img src="https://www.&#121;outube.com/PATH.gif">'],

  // How URLs are written
  'plain http': [ALWAYS, '<img src="http://HOST/PATH.gif">'],
  'protocol-relative': [ALWAYS, '<img src="//HOST/PATH.gif">'],
  'spaces around': [ALWAYS, '<img src=" \n URL.gif\t ">'],
  'control characters before': [ALWAYS, '<img src="&#1;&#31;URL.gif">'],
  'tabs and newlines inside': [ALWAYS, '<img src="ht\ttps:/\n/www.you\ttube.c\nom/PATH.gif">'],
  'written tabs and newlines': [ALWAYS, '<img src="https:/&Tab;/www.you&NewLine;tube.com/PATH.gif">'],
  backslashes: [ALWAYS, '<img src="https:\\\\HOST\\PATH.gif">'],
  'protocol-relative backslashes': [ALWAYS, '<img src="\\\\HOST/PATH.gif">'],
  'slash and backslash': [ALWAYS, '<img src="/\\HOST/PATH.gif">'],
  'slashes, backslashes, newlines, tabs': [ALWAYS, '<img src="https:\n/\\HOST\t/PATH.gif">'],
  'one slash': [ALWAYS, '<img src="https:/HOST/PATH.gif">'],
  'no slash': [ALWAYS, '<img src="https:HOST/PATH.gif">'],
  'five slashes': [ALWAYS, '<img src="https://///HOST/PATH.gif">'],
  userinfo: [NEVER, '<img src="https://news.example:x@HOST/PATH.gif">'],
  'empty userinfo': [ALWAYS, '<img src="https://@HOST/PATH.gif">'],
  'userinfo of a frame': [NEVER, '<iframe src="https://news.example@HOST/PATH.html"></iframe>'],
  port: [ALWAYS, '<img src="https://HOST:8443/PATH.gif">'],
  'default port': [ALWAYS, '<img src="https://HOST:0443/PATH.gif">'],
  'trailing dot': [ALWAYS, '<img src="https://HOST./PATH.gif">'],
  'upper-case host': [ALWAYS, '<img src="https://WWW.YouTube.COM/PATH.gif">'],
  'percent-encoded host': [ALWAYS, '<img src="https://www.%79outube%2ecom/PATH.gif">'],
  'full-width host': [ALWAYS, '<img src="https://www.&#xff59;outube.com/PATH.gif">'],
  'ideographic full stop': [ALWAYS, '<img src="https://www&#x3002;youtube&#xff0e;com/PATH.gif">'],
  'soft hyphen in the host': [ALWAYS, '<img src="https://www.you&shy;tube.com/PATH.gif">'],
  'deep subdomain': [ALWAYS, '<img src="https://a.b.c.youtube.com/PATH.gif">'],
  'dot segments': [ALWAYS, '<img src="https://www.facebook.com/x/../%2e/tr/PATH.gif">'],

  // What authors mark
  'img marked': [ALWAYS, '<img data-consent="marketing" src="https://unknown.example/PATH.gif">'],
  'iframe marked': [ALWAYS, '<iframe data-consent="analytics" src="https://unknown.example/PATH.html"></iframe>'],
  'iframe srcdoc marked': [ALWAYS, '<iframe data-consent="marketing" srcdoc="<img src=https://unknown.example/PATH.gif>"></iframe>'],
  'script marked': [SCRIPT, '<script data-consent="youtube" src="https://unknown.example/PATH.js"></script>'],
  'link marked': [ALWAYS, '<link data-consent="preferences" rel="stylesheet" href="https://unknown.example/PATH.css">'],
  'video marked': [ALWAYS, '<video data-consent="marketing" poster="https://unknown.example/PATH.gif"></video>'],
  'source marked': [ALWAYS, '<video preload="auto"><source data-consent="marketing" src="https://unknown.example/PATH.mp4"></video>'],
  'object marked': [ALWAYS, '<object data-consent="marketing" data="https://unknown.example/PATH.html"></object>'],
  'embed marked': [ALWAYS, '<embed data-consent="marketing" type="text/html" src="https://unknown.example/PATH.html">'],
  'style attribute marked': [ALWAYS, '<p data-consent="marketing" style="background: url(https://unknown.example/PATH.gif)">x</p>'],
  'shadow root marked': [ALWAYS, '<div><template data-consent="marketing" shadowrootmode="open"><img src="https://unknown.example/PATH.gif"></template></div>'],
  'input marked': [ALWAYS, '<input data-consent="marketing" type="image" src="https://unknown.example/PATH.gif">'],
  'svg image marked': [ALWAYS, '<svg><image data-consent="marketing" href="https://unknown.example/PATH.gif" width="9" height="9"/></svg>'],
}).map(([name, [when, html]], index) => {
  const path = name.replace(/\W+/g, '-').toLowerCase()
  const host = HOSTS[index % HOSTS.length]
  return { name, when, path, html: html.replaceAll('URL', 'https://HOST/PATH').replaceAll('HOST', host).replaceAll('PATH', path) }
})

const ALL = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>All that fetches</title>
<style>div { float: left; width: 20px; height: 20px; overflow: hidden }</style></head>
<body background="https://www.youtube.com/body-background.gif">
${CASES.map(({ html }) => `<div>${html}</div>`).join('\n')}
<div><a id="ping" href="#there" ping="https://connect.facebook.net/ping.json https://bat.bing.com/second-ping.json">x</a></div>
<img src="https://notyoutube.com/nobody.gif" alt="">
</body>
</html>
<!-- Behind the page --><img src="https://www.clarity.ms/behind-the-page.gif" alt="">
`

const page = (html, headers = {}) => ({ headers, body: `<!doctype html><title>x</title>${html}` })

/** What has to be a page by itself: when it fetches, the page, and what of www.youtube.com. */
const PAGES = {
  base: [ALWAYS, page('<base href="https://www.youtube.com/x/"><img src="base.gif"><img src="/base-root.gif"><style>@import "base.css"; body { background: url(base-style.gif) }</style>'),
    ['base-root.gif', 'x/base-style.gif', 'x/base.css', 'x/base.gif']],
  'base, protocol-relative': [ALWAYS, page('<BASE HREF=//www.youtube.com/base/><img src="?x">'), ['base/']],
  'two bases, the first counts': [NEVER, page('<base href="/x/"><base href="https://www.youtube.com/"><img src="second-base.gif">'), ['second-base.gif']],
  'meta refresh': [ALWAYS, page('<meta http-equiv="refresh" content="0; url=https://www.youtube.com/refresh.html">'), ['refresh.html']],
  'meta refresh, written loosely': [ALWAYS, page(`<meta content=' 0, "//www.youtube.com/loose-refresh.html' http-equiv=Refresh>`), ['loose-refresh.html']],
  'meta refresh in noscript': [PLAIN, page('<noscript><meta http-equiv="refresh" content="0;url=https://www.youtube.com/noscript-refresh.html"></noscript>'), ['noscript-refresh.html']],
  'noscript in the head': [PLAIN, { body: '<!doctype html><head><title>x</title><noscript><style>@import "https://www.youtube.com/head-import.css"</style><img src="https://www.youtube.com/head.gif"></noscript>' },
    ['head-import.css', 'head.gif']],
  'two types, the last counts': [ALWAYS, page('<img src="https://www.youtube.com/two-types.gif">', { 'content-type': ['text/plain', 'text/html'] }), ['two-types.gif']],
  frameset: [ALWAYS, page('<frameset cols="*,*"><frame src="https://www.youtube.com/frame.html"><frame src="/own.html"></frameset>'), ['frame.html']],
  noframes: [NEVER, page('<frameset><noframes><img src="https://www.youtube.com/noframes.gif"></noframes></frameset>'), ['noframes.gif']],
  plaintext: [NEVER, page('<body><plaintext><img src="https://www.youtube.com/plaintext.gif">'), ['plaintext.gif']],
  'a tag without end': [NEVER, page('<body><img src="https://www.youtube.com/unfinished.gif"'), ['unfinished.gif']],
  'a style without end': [ALWAYS, page('<body><style>body { background: url(https://www.youtube.com/unfinished-style.gif)'), ['unfinished-style.gif']],
  'import map': [SCRIPT, page('<script type="importmap">{"imports": {"theirs": "https://www.youtube.com/imported-by-name.js"}}</script><script type="module">import "theirs"</script>'), ['imported-by-name.js']],
  'a frame of the site': [ALWAYS, page('<iframe src="/inner/framed"></iframe>'), ['framed-here.gif']],
  'a fragment': [SCRIPT, page(`<script>fetch('/inner/fetched').then(answer => answer.text()).then(html => document.body.innerHTML = html)</script>`), ['fetched.gif']],
  'a fragment of htmx': [SCRIPT, page(`<script>fetch('/inner/swapped', { headers: { 'hx-request': 'true' } }).then(answer => answer.text()).then(html => document.body.innerHTML = html)</script>`), ['swapped.gif']],
  manifest: [ALWAYS, page('<link rel="manifest" href="https://www.youtube.com/manifest.webmanifest">'), ['manifest.webmanifest']],
  icon: [ALWAYS, page('<link rel="icon" href="https://www.youtube.com/icon.gif"><p>x'), ['icon.gif']],
  'Link preload': [ALWAYS, page('', { link: '<https://www.youtube.com/link-preload.css>; rel=preload; as=style, </own.gif>; rel=preload; as=image' }), ['link-preload.css']],
  'Link prefetch': [ALWAYS, page('', { link: '<https://www.youtube.com/link-prefetch.js>; rel="prefetch"' }), ['link-prefetch.js']],
  'Link modulepreload': [SCRIPT, page('', { link: '<https://www.youtube.com/link-modulepreload.js>; rel=modulepreload' }), ['link-modulepreload.js']],
  'Link stylesheet': [NEVER, page('', { link: '<https://www.youtube.com/link-stylesheet.css>; rel=stylesheet' }), ['link-stylesheet.css']],
  Refresh: [ALWAYS, page('', { refresh: '0; url=https://www.youtube.com/refresh-header.html' }), ['refresh-header.html']],
  'Speculation-Rules': [ALWAYS, page('', { 'speculation-rules': '"https://www.youtube.com/rules.json"' }), ['rules.json']],
}

const pathOf = name => `/${name.replace(/\W+/g, '-').toLowerCase()}`

/** What is called by a browser that runs scripts, or doesn't. `cases` are the names of files. */
const fetchedWith = js => {
  const isFetched = when => when === ALWAYS || when === (js ? SCRIPT : PLAIN)
  return {
    cases: CASES.filter(({ when }) => isFetched(when)).map(({ path }) => path),
    pages: Object.values(PAGES).filter(([when]) => isFetched(when)).flatMap(([, , places]) => places.map(place => `www.youtube.com/${place}`)),
  }
}

/** It is no vendor's, and shows that the page loads. */
const NOBODYS = 'notyoutube.com/nobody.gif'

const standIn = await StandIn.start()
const browser = await browserOf(standIn)
const site = await siteOf({
  '/': page('<p>Front page'),
  '/all': ALL,
  '/inner/framed': page('<img src="https://www.youtube.com/framed-here.gif">'),
  '/inner/fetched': '<p>x<img src="https://www.youtube.com/fetched.gif">',
  '/inner/swapped': '<p>x<img src="https://www.youtube.com/swapped.gif">',
  ...Object.fromEntries(Object.entries(PAGES).map(([name, [, page]]) => [pathOf(name), page])),
})

/** The cases whose files were asked for. */
function casesSeen() {
  const files = new Set([...standIn.places].map(place => place.match(/([^/.]*)[^/]*$/)[1]))
  return CASES.filter(({ path }) => files.has(path)).map(({ path }) => path)
}

/** Whom all these pages call: what they name, not what vendors' own pages and style sheets call. */
async function calledBy(page, isAllSeen) {
  standIn.forget()
  await page.goto('/all')
  await page.locator('#ping').click()
  await Promise.all(Object.keys(PAGES).map(async name => {
    const other = await page.context().newPage()
    await other.goto(pathOf(name))
    if (name === 'manifest') await (await page.context().newCDPSession(other)).send('Page.getAppManifest')
  }))
  await standIn.isQuiet(isAllSeen)
  return [...standIn.places].filter(place => !/\/then\/|\/favicon\.ico$/.test(place)).sort()
}

for (const js of [true, false]) {
  const how = js ? '' : ', without script'
  const options = { in: browser, js }
  let all

  test(`every one of these fetches where nobody gates it${how}`, () =>
    visit({ ...options, baseURL: site.bare }, async page => {
      const { cases, pages } = fetchedWith(js)
      all = await calledBy(page, () => standIn.has(pages) && casesSeen().length >= cases.length)
      assert.deepEqual(casesSeen(), cases)
      assert.deepEqual(pages.filter(place => !all.includes(place)), [])
      const never = Object.values(PAGES).filter(([when]) => when === NEVER).flatMap(([, , places]) => places)
      assert.deepEqual(never.filter(place => all.includes(`www.youtube.com/${place}`)), [])
    }))

  test(`h1 h2 g9 none fetches before the choice${how}`, () =>
    visit({ ...options, baseURL: site.gated }, async page => {
      await calledBy(page)
      assert.deepEqual([...standIn.places], [NOBODYS])
    }))

  test(`h1 h2 g9 none fetches after a no${how}`, () =>
    visit({ ...options, baseURL: site.gated }, async page => {
      await chooses(page, 'reject')
      await calledBy(page)
      assert.deepEqual([...standIn.places], [NOBODYS])
    }))

  test(`h3 every one fetches after a yes${how}`, () =>
    visit({ ...options, baseURL: site.gated }, async page => {
      await chooses(page, 'accept')
      assert.deepEqual(await calledBy(page, () => standIn.has(all)), all)
    }))

  test(`h1 h3 a no on the page itself changes nothing, and a yes brings all${how}`, () =>
    visit({ ...options, baseURL: site.gated }, async page => {
      standIn.forget()
      await page.goto('/all')
      await button(page, 'prompt', 'reject').click()
      await showsDecided(page)
      await standIn.isQuiet()
      assert.deepEqual([...standIn.places], [NOBODYS])
      await part(page, 'tab').click()
      await button(page, 'settings', 'accept').click()
      await part(page, 'settings').waitFor({ state: 'hidden' })
      await page.reload()
      const { cases } = fetchedWith(js)
      await standIn.isQuiet(() => casesSeen().length >= cases.length)
      assert.deepEqual(casesSeen(), cases)
    }))
}
