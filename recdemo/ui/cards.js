// Draws lists of films as cards, and films watched as switches. Knows no model: what is shown, and said, comes with the data.

const views = new WeakMap()
const STYLE = "recdemo-pointed" // marks rows of the sidebar's history, which lie outside of this component
const ROW = '[class*="st-key-side_row_"]'

export default function ({ data, parentElement, setTriggerValue }) {
  if (!views.has(parentElement)) views.set(parentElement, make(parentElement))
  const view = views.get(parentElement)
  view.tell = setTriggerValue
  view.show(data)
  return view.close
}

const element = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text })

function make(root) {
  const view = {}
  const [out, lists] = [".out", ".lists"].map(name => root.querySelector(name))
  const calm = matchMedia("(prefers-reduced-motion: reduce)")
  const items = new Map() // of cards, by list and film: a card keeps its focus, and moves
  let data = { lists: [] }
  let all = false // films watched that mattered little are shown, too

  // A film pointed at is marked everywhere, with the films that it is a reason for, or its own reason.
  const point = movie => {
    const films = data.lists.flatMap(list => list.films)
    const linked = new Set(movie === null ? [] : [movie])
    for (const film of films) {
      if (film.id === movie && film.because) linked.add(film.because.id)
      if (film.because?.id === movie) linked.add(film.id)
    }
    for (const one of root.querySelectorAll("[data-film]")) one.classList.toggle("marked", linked.has(Number(one.dataset.film)))
    let style = document.getElementById(STYLE)
    if (!style) document.head.append((style = Object.assign(document.createElement("style"), { id: STYLE })))
    style.textContent = [...linked].map(id => `.st-key-side_row_${id} {background: #5b8fd04d; border-radius: 0.4rem}`).join("\n")
  }
  const film = event => {
    const one = event.composedPath().find(node => node.dataset?.film || node.matches?.(ROW))
    if (!one) return null
    return Number(one.dataset.film ?? one.className.match(/st-key-side_row_(\d+)/)?.[1])
  }
  let pointed = null
  const over = event => {
    const movie = film(event)
    if (movie !== pointed) point((pointed = movie))
  }
  // The list ends where the screen does, and is scrolled within.
  const fit = () => {
    const top = lists.getBoundingClientRect().top + (document.querySelector('[data-testid="stMain"]')?.scrollTop ?? 0)
    lists.style.setProperty("--room", `${innerHeight - top - 12}px`)
  }
  addEventListener("resize", fit)
  addEventListener("pointerover", over)
  root.addEventListener("focusin", over)

  const button = (className, text, press, title = "") => {
    const made = element("button", className, text)
    Object.assign(made, { type: "button", title, onclick: press })
    return made
  }
  const drawOut = () => {
    const had = root.activeElement ?? root.getRootNode().activeElement
    const focus = had?.dataset?.film && out.contains(had) ? had.dataset.film : null
    const { leave_out: given } = data
    out.hidden = !given
    if (!given) return
    out.setAttribute("aria-label", given.label)
    const shown = all || given.films.slice(given.first).some(one => one.off) ? given.films : given.films.slice(0, given.first)
    const chips = shown.map(one => {
      const chip = button("", one.name, () => view.tell("off", one.id), one.title)
      chip.dataset.film = one.id
      chip.setAttribute("aria-pressed", one.off)
      return chip
    })
    const more = given.films.length - shown.length
    const extra = more ? [button("more", `${more} more`, () => ((all = true), drawOut()))] : []
    const acts = given.acts.map(act => button("act", act.label, () => view.tell(act.event, 0), act.help))
    out.replaceChildren(element("span", "label", `${given.label}:`), ...chips, ...extra, ...acts)
    if (focus) out.querySelector(`[data-film="${focus}"]`)?.focus()
  }

  const makeCard = (list, one) => {
    const item = element("li", "")
    const card = button("card", "", () => pick(one.id))
    card.dataset.film = one.id
    const tile = element("span", "tile")
    const parts = { card, tile, item }
    for (const name of ["place", "moved", "title", "year"]) tile.append((parts[name] = element("span", name)))
    const score = element("span", "score")
    const bar = element("span", "bar")
    bar.append(element("i", ""))
    score.append(bar, (parts.score = element("span", "")))
    card.append(tile, score, (parts.because = element("span", "because")))
    item.append(card)
    return parts
  }
  const fill = (parts, one) => {
    const { card, tile } = parts
    for (const name of ["place", "moved", "title", "year", "score"]) parts[name].textContent = one[name]
    const [a, b = `color-mix(in srgb, ${a} 80%, #000)`, c = `color-mix(in srgb, ${b} 80%, #000)`] = one.colours
    for (const [name, value] of Object.entries({ a, b, c, turn: `${one.turn}deg` })) tile.style.setProperty(`--${name}`, value)
    card.style.setProperty("--share", `${100 * one.share}%`)
    parts.because.textContent = one.because ? `Because you liked ${one.because.title}` : ""
    card.ariaLabel = one.said
    card.title = one.aside
    card.setAttribute("aria-pressed", one.id === data.chosen)
    card.disabled = one.still ?? false
    if (one.poster !== parts.poster) {
      parts.poster = one.poster
      tile.querySelector("img")?.remove()
      if (!one.poster) return
      const picture = Object.assign(document.createElement("img"), { alt: "", referrerPolicy: "no-referrer", loading: "lazy" })
      picture.onerror = () => picture.remove()
      picture.src = one.poster
      parts.year.after(picture)
      tile.append(parts.place, parts.moved) // above the picture
    }
  }
  const pick = movie => {
    view.tell("film", movie)
    if (innerWidth > 640) return
    const reason = document.querySelector(".st-key-reason") // on a phone it is below
    reason?.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" })
  }
  const drawLists = () => {
    const focused = root.getRootNode().activeElement ?? root.activeElement
    const before = new Map([...items].map(([key, { item }]) => [key, item.getBoundingClientRect()]))
    const wanted = new Set(data.lists.flatMap((list, i) => list.films.map(one => `${i} ${one.id}`)))
    for (const key of items.keys()) if (!wanted.has(key)) items.delete(key)
    while (lists.children.length > data.lists.length) lists.lastChild.remove()
    for (const [i, list] of data.lists.entries()) {
      let place = lists.children[i]
      if (!place) {
        place = element("div", "")
        place.append(element("p", "name"), document.createElement("ol"))
        lists.append(place)
      }
      place.className = `list ${list.tiles ? "tiles" : "rows"}`
      place.firstChild.textContent = list.name
      const ol = place.lastChild
      ol.setAttribute("aria-label", list.alt)
      const cards = list.films.map(one => {
        const key = `${i} ${one.id}`
        if (!items.has(key)) items.set(key, makeCard(list, one))
        fill(items.get(key), one)
        return items.get(key).item
      })
      if (cards.some((card, at) => ol.children[at] !== card) || ol.children.length !== cards.length) {
        const { scrollLeft, scrollTop } = ol
        ol.replaceChildren(...cards)
        Object.assign(ol, { scrollLeft, scrollTop })
      }
    }
    if (focused?.isConnected && lists.contains(focused)) focused.focus({ preventScroll: true })
    if (calm.matches || !before.size) return
    for (const [key, { item }] of items) {
      const [was, is] = [before.get(key), item.getBoundingClientRect()]
      if (!was) item.animate({ opacity: [0, 1] }, 400)
      else if (was.x !== is.x || was.y !== is.y) {
        item.animate({ transform: [`translate(${was.x - is.x}px, ${was.y - is.y}px)`, "none"] }, { duration: 400, easing: "ease-out" })
      }
    }
  }

  view.show = given => {
    data = given
    drawOut()
    fit()
    drawLists()
    requestAnimationFrame(fit) // once what is above has its place
    if (pointed !== null) point(pointed)
  }
  view.close = () => {
    removeEventListener("resize", fit)
    removeEventListener("pointerover", over)
    document.getElementById(STYLE)?.remove()
    views.delete(root)
  }
  return view
}
