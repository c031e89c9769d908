// The tab alone. (`const` would weigh more.)
{
let host=document.currentScript.parentNode,root=host.shadowRoot
// Browsers without declarative shadow DOM have no tab.
if(root){
let last,form=root.querySelector("form"),settings=form[1].popoverTargetElement
host.open=()=>settings.showPopover()
// Closing gives the focus back, unless the visitor moved it elsewhere.
settings.onbeforetoggle=()=>settings.contains(root.activeElement)?last.focus():last=root.activeElement||document.activeElement
// Back to a page from before another choice. The answer is `no-store`.
addEventListener("pageshow",async({persisted})=>{
if(persisted){
let{categories,vendors}=await(await fetch(form.action+"/../state")).json()
for(let{value}of form)if({...categories,...vendors}[value]==0)location.reload()
}
})
}
}
