{
const root=document.currentScript.parentNode.shadowRoot
// Browsers without declarative shadow DOM have no tab.
if(root){
const form=root.querySelector("form"),tab=form[1]
// Closing gives the focus back, unless the visitor moved it elsewhere.
tab.popoverTargetElement.onbeforetoggle=()=>root.activeElement&&tab.focus()
// Back to a page from before another choice. The answer is `no-store`.
addEventListener("pageshow",async event=>{
if(event.persisted){
const state=await(await fetch(new URL("state",form.action))).json()
for(const{value,defaultChecked}of form)if({...state.categories,...state.vendors}[value]==!defaultChecked)location.reload()
}
})
}
}
