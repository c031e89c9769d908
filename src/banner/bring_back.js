// What was taken out of the page comes back, as if it had never been away.
const gated="tower-consent[data-vendor]",
// What stands in for an element: around it, or empty before it.
standin=element=>element.closest(gated)||element.previousElementSibling?.closest(gated+":empty"),

// Every element in the order of the page, with those of shadow trees, templates, and frames that are the site's own.
all=root=>[...root?.querySelectorAll?.("*")||[]].flatMap(element=>[element,...all(element.shadowRoot),...all(element.content),...all(element.contentDocument)]),

// `moved` are its attributes that the gate renamed. Returns where a script is to be put.
restore=(element,moved)=>{
const name=element.localName,
isInert=/^(script|style)$/.test(name),
isHidden=/^(iframe|embed|object|portal|fencedframe)$/.test(name)||element.dataset.consentDataConsent?.trim()==element.dataset.consent,
spot=new Text,
stand=standin(element)
// First, since a frame that moves loads anew.
if(stand?.firstChild)stand.replaceWith(...stand.childNodes)
else stand?.remove()
// These start when they are put in.
if(isInert||/^(link|meta|object)$/.test(name))element.replaceWith(spot)
for(const own of["data-consent",isInert&&"type",isHidden&&"hidden",...element.name=="tower-consent"?["name","loading"]:[]])element.removeAttribute(own)
for(const attribute of moved){
const name=attribute.name.slice(13)
element.removeAttributeNode(attribute)
if(name=="shadowrootmode")location.reload()
element.setAttributeNS(name[5]==":"?"http://www.w3.org/1999/xlink":null,name,attribute.value)
}
// The gate puts `-->` before its text.
if(name=="style")element.textContent=element.textContent.slice(3)
if(name!="script")spot.replaceWith(element)
// Media that found no source look again.
if(element.parentNode?.networkState%3==0)element.parentNode.load()
return spot
},

// `again` is for what can't be done in place: it shows the page anew.
bringBack=async(isAllowed,again)=>{
let until=1/0,before
const fail=()=>{
if(performance.now()<until){
until=0
again()
}
}
try{
if(document.readyState=="loading")await new Promise(done=>addEventListener("DOMContentLoaded",done))
// The page's policy is from before the choice.
addEventListener("securitypolicyviolation",({disposition})=>disposition=="enforce"&&fail())
// From an inline script it would wipe out the page.
document.write=document.writeln=fail
const scripts=[]
for(const element of all(document)){
const moved=[...element.attributes].filter(({name})=>name.startsWith("data-consent-"))
if((moved[0]||element.type=="text/plain")&&isAllowed(element.dataset.consent,element)){
const spot=restore(element,moved)
if(element.localName=="script"){
// One that the parser passed over would be `async`.
if(!element.hasAttribute("async"))element.async=false
scripts.push({element,spot,isDeferred:!element.async&&(element.type=="module"||!!element.defer&&!!element.src)})
}
}
}
// An inline one waits for the blocking ones before it. The rest of the order the browser keeps.
for(const{element,spot}of scripts.sort((a,b)=>a.isDeferred-b.isDeferred)){
if(!element.src&&element.type!="module")await before
if(spot.isConnected&&element.src&&!element.async&&!element.noModule&&/^(|\w+\/(x-)?(java|ecma|j|live)script[\d.]*)$/i.test(element.type))before=new Promise(done=>["load","error"].map(name=>element.addEventListener(name,done)))
spot.replaceWith(element)
}
delete document.write
delete document.writeln
until&&=performance.now()+5e3
}catch{
fail()
}
}
