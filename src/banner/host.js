// What every script begins with that lets the page stay after a choice.
const host=document.currentScript.parentNode,
template=host.querySelector("template"),
root=host.shadowRoot||host.attachShadow({mode:"open"})
// Browsers without declarative shadow DOM leave the template in place.
if(template)root.append(template.content)
let last,form=root.querySelector("form"),settings=root.querySelector("[popover]")
host.open=()=>settings.showPopover()
// Closing gives the focus back, unless the visitor moved it elsewhere.
settings.onbeforetoggle=()=>settings.contains(root.activeElement)?last.focus():last=root.activeElement||document.activeElement
