// What was taken out of the page comes back, as if it had never been away.
const gated="tower-consent[data-state=gated]",
// What stands in for an element: around it, or empty before it.
standin=element=>element.closest(gated)||element.previousElementSibling?.closest(gated+":empty"),

// Every element in the order of the page, with those of shadow trees, templates, and the site's own frames.
all=root=>[...root?.querySelectorAll?.("*")||[]].flatMap(element=>[element,...all(element.shadowRoot),...all(element.content),...all(element.contentDocument)]),

restore=(element,moved)=>{
const name=element.localName,
isInert=/^(script|style)$/.test(name),
spot=new Text,
stand=standin(element)
// A frame that moves loads anew: first.
if(stand?.firstChild)stand.replaceWith(...stand.childNodes)
else stand?.remove()
// It starts when it is put in.
if(isInert||/^(link|meta|object)$/.test(name))element.replaceWith(spot)
for(const ours of["data-consent",isInert&&"type",(/^(iframe|embed|object|portal|fencedframe)$/.test(name)||element.dataset.consentDataConsent?.trim()==element.dataset.consent)&&"hidden",element.name=="tower-consent"&&"name"])element.removeAttribute(ours)
for(const attribute of moved){
const name=attribute.name.slice(13)
element.removeAttributeNode(attribute)
if(name=="shadowrootmode")location.reload()
element.setAttributeNS(name[5]==":"?"http://www.w3.org/1999/xlink":null,name,attribute.value)
}
if(name!="script")spot.replaceWith(element)
// Media look for their sources once.
if(element.parentNode?.networkState%3==0)element.parentNode.load()
return spot
},

// `again` shows the page anew where it can't be done in place.
bringBack=async(isAllowed,again)=>{
try{
if(document.readyState=="loading")await new Promise(done=>addEventListener("DOMContentLoaded",done))
let until=1/0
// The page's policy admits the vendors of the choice before.
addEventListener("securitypolicyviolation",event=>{
if(event.disposition=="enforce"&&event.timeStamp<until){
until=0
again()
}
})
// From inline scripts it would wipe out the page.
document.write=document.writeln=again
const scripts=[]
for(const element of all(document)){
const moved=[...element.attributes].filter(({name})=>name.startsWith("data-consent-"))
if((moved[0]||element.type=="text/plain")&&isAllowed(element.dataset.consent,element)){
const spot=restore(element,moved)
if(element.localName=="script"){
// The parser left it so that it would not wait for others.
if(!element.hasAttribute("async"))element.async=false
scripts.push({element,spot,isLast:!element.async&&(element.type=="module"||!!element.defer&&!!element.src)})
}
}
}
// As the parser would: first what blocks, in order, then what is deferred. Of external ones the browser keeps the order.
let before
for(const{element,spot}of scripts.sort((a,b)=>a.isLast-b.isLast)){
if(!element.src&&element.type!="module")await before
if(spot.isConnected&&element.src&&!element.async&&!element.noModule&&/^((text|application)\/(x-)?(java|ecma|j|live)script[\d.]*)?$/i.test(element.type))before=new Promise(done=>["load","error"].map(name=>element.addEventListener(name,done)))
spot.replaceWith(element)
}
delete document.write
delete document.writeln
until&&=performance.now()+5e3
}catch{
again()
}
}
