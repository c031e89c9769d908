// Back to a page from before another choice. The answer is `no-store`.
addEventListener("pageshow",async event=>{
if(event.persisted){
const form=document.querySelector("tower-consent").shadowRoot.querySelector("form"),state=await(await fetch(new URL("state",form.action))).json()
for(const{name,value,defaultChecked}of form)if(name=="allow"&&defaultChecked!={...state.categories,...state.vendors}[value])location.reload()
}
})
