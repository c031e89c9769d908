// A choice is sent, and applies, without a load.
const toggles=[...form].filter(({name})=>name=="allow"),
read=state=>({...state.categories,...state.vendors,undeclared:state.undeclared})
// What is on in this page, as far as it is known.
let was=Object.fromEntries(toggles.map(toggle=>[toggle.value,toggle.checked]))

const show=state=>{
const now=read(state),isLost=Object.keys(was).some(slug=>was[slug]&&!now[slug]),
status=root.querySelector("[role=status]"),
tab=form[1]
was=now
for(const toggle of toggles)toggle.checked=toggle.defaultChecked=now[toggle.value]
if(state.decided){
host.dataset.state="decided"
tab.hidden=false
if(root.activeElement)tab.focus()
}
host.dispatchEvent(new CustomEvent("tower-consent:change",{bubbles:true,composed:true,detail:state}))
settings.hidePopover()
status.textContent=status.dataset.saved
// What runs can't be stopped.
if(isLost)location.reload()
// A mark may have any name, such as `constructor`.
else bringBack(slug=>now[slug]==1,()=>location.reload())
}

// One after the other, so that the last word holds.
let sent=Promise.resolve()

// Of the banner, and of what stands in for frames.
document.addEventListener("click",async event=>{
const[button]=event.composedPath(),{host:own}=button.getRootNode(),{form}=button
if(button.name!="choice"||own?.localName!="tower-consent")return
event.preventDefault()
// The way without script always works; from where the form still is.
const submit=()=>{
root.append(form)
form.requestSubmit(button)
},
// What takes the place of the button.
shown=own!=host&&(own.firstElementChild||own.nextElementSibling)
if(button.value=="once")bringBack((slug,element)=>slug==own.dataset.vendor&&standin(element),submit)
else{
const body=new URLSearchParams(new FormData(form))
body.set("choice",button.value)
try{
const send=()=>fetch(form.action,{method:"POST",headers:{accept:"application/json"},body}),response=await(sent=sent.then(send,send)),state=await response.json()
if(!response.ok)throw response
// Saving keeps what has no toggle here yet.
if(own!=host&&toggles.every(({value})=>value!=form.allow.value))root.querySelector("form").append(form.allow)
// What allows all is no word about a vendor by itself.
if(button.value=="accept")for(const kept of root.querySelectorAll("form>[name=allow]"))kept.remove()
show(state)
}catch{
submit()
}
}
if(shown)shown.focus()
})

// Back to a page from before another choice. The answer is `no-store`.
addEventListener("pageshow",async({persisted})=>{
if(persisted){
const state=await(await fetch(form.action+"/../state")).json(),now=read(state)
if(state.decided!=(host.dataset.state=="decided")||Object.keys(was).some(slug=>was[slug]!=now[slug]))location.reload()
}
})
