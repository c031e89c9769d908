// After the choice: the form and the popover do the work; this only covers old browsers and the back/forward cache.
(()=>{
const host=document.currentScript.previousElementSibling,
template=host.querySelector("template"),
root=host.shadowRoot||host.attachShadow({mode:"open"})
if(template)root.append(template.content)
onpageshow
})()
