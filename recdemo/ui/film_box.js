// A combobox (the ARIA pattern of that name) whose list the server finds: it is sent what is typed, and sends the films back.
// Enter takes the film marked. One is marked only where the words name it, or by an arrow key.

const WAIT = 90 // milliseconds after a key, in which the next one may come
const boxes = new WeakMap()

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  if (!boxes.has(parentElement)) boxes.set(parentElement, make(parentElement))
  const box = boxes.get(parentElement)
  box.ask = setStateValue
  box.tell = setTriggerValue
  box.show(data)
  return box.close
}

function make(root) {
  const [label, chips, input, clear, panel, said, list, keys, count] = [
    "label", ".chips", "input", ".clear", ".panel", "#said", "ul", ".keys", ".count",
  ].map(name => root.querySelector(name))
  const box = {}
  let data = {}
  let typing = false // or what is in the box is the film chosen
  let marked = -1
  let entered = false // Enter was pressed, and no film was marked
  let timer

  const answered = () => typing && data.typed === input.value
  const place = () => {
    const { left, top, bottom, width } = input.parentElement.getBoundingClientRect()
    const height = window.visualViewport?.height ?? window.innerHeight
    const below = height - bottom > Math.min(260, top)
    const wide = Math.min(Math.max(width, 360), window.innerWidth - 16)
    panel.style.width = `${wide}px`
    panel.style.left = `${Math.min(left, window.innerWidth - wide - 8)}px`
    panel.style.maxHeight = `${(below ? height - bottom : top) - 12}px`
    panel.style.top = below ? `${bottom + 4}px` : "auto"
    panel.style.bottom = below ? "auto" : `${window.innerHeight - top + 4}px`
  }
  const open = wanted => {
    if (wanted === panel.matches(":popover-open")) return
    panel.togglePopover(wanted)
    input.setAttribute("aria-expanded", wanted)
    for (const event of ["scroll", "resize"]) {
      wanted ? addEventListener(event, place, true) : removeEventListener(event, place, true)
    }
  }
  const mark = place => {
    marked = place
    for (const [i, item] of [...list.children].entries()) item.setAttribute("aria-selected", i === place)
    keys.hidden = place >= 0 || !list.children.length
    list.children[place]?.scrollIntoView({ block: "nearest" })
    place < 0 ? input.removeAttribute("aria-activedescendant") : input.setAttribute("aria-activedescendant", `film${place}`)
  }
  const draw = () => {
    const films = answered() ? data.films : []
    list.replaceChildren(...films.map(([, name], i) => {
      const item = Object.assign(document.createElement("li"), { id: `film${i}`, textContent: name })
      item.setAttribute("role", "option")
      item.onclick = () => take(i)
      return item
    }))
    said.textContent = answered() && (data.near || !films.length || (entered && marked < 0)) ? data.said : ""
    count.textContent = films.length ? data.count : ""
    mark(marked)
    open(typing && (films.length > 0 || said.textContent !== ""))
    place()
  }
  const rest = () => {
    typing = entered = false
    marked = -1
    input.value = data.value ?? ""
    draw()
  }
  const take = i => {
    const [movie] = data.films[i]
    data = { ...data, typed: null, value: data.keeps ? data.films[i][1] : "" }
    rest()
    box.ask("typed", "")
    box.tell("film", movie)
  }
  const answer = () => {
    marked = data.named ? 0 : -1
    if (entered && data.named) take(0)
    else draw()
  }
  const send = () => {
    clearTimeout(timer)
    if (answered()) answer()
    else box.ask("typed", input.value)
  }
  const enter = () => {
    entered = true
    if (answered() && marked >= 0) return take(marked)
    box.ask("entered", input.value) // and where else the film would be
    send()
  }
  const arrow = step => {
    const last = list.children.length - 1
    const next = marked + step
    if (last >= 0) mark(next < 0 ? last : next > last ? 0 : next)
  }

  panel.onmousedown = event => event.preventDefault() // the focus stays where somebody types
  input.onfocus = () => {
    input.select()
    draw()
  }
  input.onblur = () => (data.keeps ? rest() : open(false))
  input.oninput = () => {
    typing = true
    entered = false
    marked = -1
    clearTimeout(timer)
    if (input.value.trim()) timer = setTimeout(send, WAIT)
    else draw()
  }
  input.onkeydown = event => {
    const { key } = event
    event.stopPropagation() // letters are shortcuts of the page
    if (event.isComposing) return
    if (key === "Enter" && typing) enter()
    else if (key === "ArrowDown" || key === "ArrowUp") arrow(key === "ArrowDown" ? 1 : -1)
    else if (key === "Escape" && typing) rest()
    else if (key === "Backspace" && !input.value && data.chips.length) box.tell("gone", data.chips.at(-1)[0])
    else return
    event.preventDefault()
  }
  clear.onclick = () => box.tell("gone", data.chosen)

  box.close = () => {
    clearTimeout(timer)
    open(false)
  }
  box.show = given => {
    const before = data
    data = given
    label.textContent = data.label
    label.classList.toggle("bare", data.bare)
    label.title = input.title = data.help
    input.placeholder = data.placeholder
    input.disabled = data.full
    clear.hidden = !data.clears
    clear.ariaLabel = `Clear ${data.label}`
    chips.replaceChildren(...data.chips.map(([movie, name]) => {
      const chip = Object.assign(document.createElement("span"), { className: "chip" })
      const text = Object.assign(document.createElement("span"), { textContent: name })
      const gone = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: `Remove ${name}` })
      gone.onclick = () => box.tell("gone", movie)
      chip.append(text, gone)
      return chip
    }))
    if (!typing) input.value = data.value ?? ""
    if (!answered()) return
    if (data.typed !== before.typed) answer()
    else if (data.said !== before.said) draw()
  }
  return box
}
