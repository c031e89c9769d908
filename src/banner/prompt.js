// The prompt, while it asks.
const prompt=root.querySelector("[part=prompt]")

// What has the focus is not hidden behind the prompt: the prompt makes room.
document.addEventListener("focusin",event=>{
const[target]=event.composedPath()
requestAnimationFrame(()=>{
const behind=target.getBoundingClientRect(),front=prompt.getBoundingClientRect()
if(target.getRootNode()!=root&&behind.top>=front.top&&behind.bottom<=front.bottom)host.toggleAttribute("data-top")
})
})

host.addEventListener("tower-consent:change",({detail})=>{
prompt.hidden=detail.decided
if(detail.decided)host.removeAttribute("data-top")
})

// Escape means no.
prompt.onkeydown=event=>{
if(event.key=="Escape"&&!settings.matches(":popover-open"))root.querySelector("[value=reject]").click()
}
