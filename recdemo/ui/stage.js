// What a page needs of the browser: it opens at its top, and in front of an audience it has keys and a dark stage.

const DARK = "(prefers-color-scheme: dark)"
// One for the window: each page loads this file again.
const stage = (window.recdemoStage ??= { ask: window.matchMedia.bind(window), present: false })

export default function ({ data }) {
  if (stage.place !== undefined && stage.place !== data.place) {
    document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0)
  }
  stage.place = data.place
  if (stage.present !== data.present) present(data.present)
}

function present(wanted) {
  stage.present = wanted
  // Streamlit asks the browser whether it likes dark pages, and asks again after printing.
  window.matchMedia = query => stage.ask(wanted && query === DARK ? "all" : query)
  dispatchEvent(new Event("afterprint"))
  if (stage.press) removeEventListener("keydown", stage.press)
  stage.press = wanted ? press : undefined
  if (wanted) addEventListener("keydown", press)
}

const KEYS = {
  ArrowRight: "guide_next", PageDown: "guide_next", ArrowLeft: "guide_back", PageUp: "guide_back", Escape: "present_off",
}
const BUSY = '[role="dialog"], [role="listbox"], [role="menu"], [data-testid="stPopoverBody"]'
const TAKES_KEYS = 'input, textarea, canvas, [role="radio"], [role="slider"], [role="grid"], [role="tab"], [contenteditable]'

function press(event) {
  const button = document.querySelector(`.st-key-${KEYS[event.key]} button`)
  const taken = event.composedPath()[0].closest?.(TAKES_KEYS) && event.key !== "Escape"
  if (!button || taken || event.defaultPrevented || document.querySelector(BUSY) || event.altKey || event.ctrlKey || event.metaKey) return
  event.preventDefault()
  button.click()
}
