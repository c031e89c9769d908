{
const host=document.currentScript.parentNode,root=host.shadowRoot
// Browsers without declarative shadow DOM have no tab.
if(root){
const form=root.querySelector("form"),panel=form[1].popoverTargetElement
let from
host.open=()=>panel.togglePopover(true)
// Closing gives the focus back, unless the visitor moved it elsewhere.
panel.onbeforetoggle=({newState})=>{
if(newState=="open")from=root.activeElement||document.activeElement
else if(root.activeElement)from.focus()
}
// Back to a page from before another choice. The answer is `no-store`.
addEventListener("pageshow",async event=>{
if(event.persisted){
const state=await(await fetch(new URL("state",form.action))).json()
for(const{value,defaultChecked}of form)if({...state.categories,...state.vendors}[value]==!defaultChecked)location.reload()
}
})
}
}
