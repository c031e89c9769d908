(()=>{
const host=document.currentScript.parentNode,
template=host.querySelector("template"),
root=host.shadowRoot||host.attachShadow({mode:"open"})
// Browsers without declarative shadow DOM leave the template in place.
if(template)root.append(template.content)
const find=selector=>root.querySelector(selector),
form=find("form"),
prompt=find("[part=prompt]"),
panel=find("[popover]"),
tab=find("[part=tab]"),
toggles=[...root.querySelectorAll("[name=allow]")],
isOn=(state,toggle)=>!!{...state.categories,...state.vendors}[toggle.value]

// What has the focus is not hidden behind the prompt: the prompt makes room.
document.addEventListener("focusin",event=>{
const[target]=event.composedPath()
requestAnimationFrame(()=>{
const behind=target.getBoundingClientRect(),front=prompt.getBoundingClientRect()
if(target.getRootNode()!=root&&behind.top>=front.top&&behind.bottom<=front.bottom)host.toggleAttribute("data-top")
})
})

form.onsubmit=async event=>{
event.preventDefault()
const button=event.submitter,body=new URLSearchParams(new FormData(form))
body.set("choice",button.value)
try{
const response=await fetch(form.action,{method:"POST",headers:{accept:"application/json"},body}),state=await response.json()
if(!response.ok)throw response
for(const toggle of toggles)toggle.checked=toggle.defaultChecked=isOn(state,toggle)
host.dataset.state="decided"
host.removeAttribute("data-top")
tab.hidden=false
if(root.activeElement)tab.focus()
prompt.hidden=true
panel.hidePopover()
const status=find("[role=status]")
status.textContent=status.dataset.saved
host.dispatchEvent(new CustomEvent("tower-consent:change",{bubbles:true,composed:true,detail:state}))
// What was taken out of the page comes back with it.
if(toggles.some(toggle=>toggle.checked)&&document.querySelector("[data-consent]"))location.reload()
}catch{
// The way without script always works.
form.onsubmit=null
form.requestSubmit(button)
}
}

// Closing the panel gives the focus back, unless the visitor moved it elsewhere.
panel.onbeforetoggle=()=>root.activeElement&&(prompt.hidden?tab:find("[part=more]")).focus()

// Escape means no.
prompt.onkeydown=event=>{
if(event.key=="Escape"&&!panel.matches(":popover-open"))form.requestSubmit(find("[value=reject]"))
}

// Back to a page from before the choice.
addEventListener("pageshow",async event=>{
if(!event.persisted)return
const response=await fetch(new URL("state",form.action)),state=await response.json()
if(state.decided!=(host.dataset.state=="decided")||toggles.some(toggle=>toggle.defaultChecked!=isOn(state,toggle)))location.reload()
})
})()
