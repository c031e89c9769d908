const host=document.currentScript.parentNode,
template=host.querySelector("template"),
root=host.shadowRoot||host.attachShadow({mode:"open"})
// Browsers without declarative shadow DOM leave the template in place.
if(template)root.append(template.content)
const find=selector=>root.querySelector(selector),
form=find("form"),
tab=find("[part=tab]"),
panel=find("[popover]"),
toggles=[...root.querySelectorAll("[name=allow]")]

let from
host.open=()=>panel.togglePopover(true)
// Closing gives the focus back, unless the visitor moved it elsewhere.
panel.onbeforetoggle=({newState})=>{
if(newState=="open")from=root.activeElement||document.activeElement
else if(root.activeElement)from.focus()
}
