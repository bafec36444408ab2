// Points at one thing after another, beside it; shown once for each number that the page asks for.

const GAP = 14, EDGE = 8, EVERY = 150
// One for the window: each page loads this file again.
const tour = (window.recdemoTour ??= { shown: 0 })

export default function ({ data, parentElement }) {
  tour.pointers = data.pointers
  if (!data.number) return end()
  if (data.number <= tour.shown) return
  end()
  tour.shown = data.number
  tour.step = 0
  const page = location.pathname
  const own = document.createElement("div")
  own.id = "recdemo-tour"
  const style = name => getComputedStyle(parentElement.host ?? parentElement).getPropertyValue(`--st-${name}`)
  own.innerHTML = `<style>
    #recdemo-tour > * {position: fixed; z-index: 1000000; box-sizing: border-box; visibility: hidden;}
    #recdemo-tour .ring {border: 3px solid ${style("primary-color")}; border-radius: 10px; pointer-events: none;}
    #recdemo-tour .card {width: 270px; padding: 12px 14px; border-radius: 10px; background: ${style("background-color")};
      color: ${style("text-color")}; border: 1px solid ${style("border-color")}; box-shadow: 0 6px 24px rgba(0,0,0,.28);
      font: 15px/1.4 ${style("font").replaceAll('"', "'")};}
    #recdemo-tour b {font-size: 16px;} #recdemo-tour p {margin: 4px 0 10px;}
    #recdemo-tour footer {display: flex; gap: 8px; align-items: center;} #recdemo-tour footer span {flex: 1;}
    #recdemo-tour button {font: inherit; cursor: pointer; border-radius: 8px; padding: 3px 12px; color: inherit;
      background: none; border: 1px solid ${style("border-color")};}
    #recdemo-tour .next {background: ${style("primary-color")}; color: #fff; border-color: transparent;}
    @media (prefers-reduced-motion: no-preference) {#recdemo-tour > * {transition: left .2s, top .2s, width .2s, height .2s;}}
  </style><div class="ring"></div><section class="card" aria-label="Tour" aria-live="polite"><b></b><p></p>
  <footer><span></span><button class="leave">Close</button><button class="next"></button></footer></section>`
  document.body.append(own)
  own.querySelector(".leave").onclick = end
  own.querySelector(".next").onclick = () => (++tour.step < tour.pointers.length ? say() : end())
  tour.own = own
  tour.press = event => event.key === "Escape" && end()
  addEventListener("keydown", tour.press)
  say()
  tour.timer = setInterval(() => (location.pathname === page ? place() : end()), EVERY)
}

function end() {
  clearInterval(tour.timer)
  removeEventListener("keydown", tour.press)
  tour.own?.remove()
  tour.own = undefined
}

function say() {
  const { title, text } = tour.pointers[tour.step]
  tour.own.querySelector("b").textContent = title
  tour.own.querySelector("p").textContent = text
  tour.own.querySelector("span").textContent = `${tour.step + 1} of ${tour.pointers.length}`
  tour.own.querySelector(".next").textContent = tour.step + 1 < tour.pointers.length ? "Next" : "Done"
  tour.fresh = true
  place()
}

function seen(selectors) {
  return [...document.querySelectorAll(selectors)].find(found => {
    const box = found.getBoundingClientRect()
    return box.width && box.height && box.right > 0 && found.checkVisibility({ visibilityProperty: true })
  })
}

function place() {
  const [ring, card] = [".ring", ".card"].map(part => tour.own.querySelector(part))
  const target = seen(tour.pointers[tour.step].place)
  for (const part of [ring, card]) part.style.visibility = target ? "visible" : "hidden"
  if (!target) return // not drawn yet
  if (tour.fresh) target.scrollIntoView({ block: "nearest" })
  tour.fresh = false
  const box = target.getBoundingClientRect(), { width, height } = card.getBoundingClientRect()
  const right = Math.min(box.right, innerWidth - EDGE), bottom = Math.min(box.bottom, innerHeight - EDGE)
  const left = Math.max(box.left, EDGE), top = Math.max(box.top, EDGE)
  Object.assign(ring.style, px({ left: left - 4, top: top - 4, width: right - left + 8, height: bottom - top + 8 }))
  const across = Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))
  const down = Math.max(EDGE, Math.min(top, innerHeight - height - EDGE))
  // Beside it where there is room, never over it; where it fills the window, at its end.
  const places = [[box.right + GAP, down], [box.left - GAP - width, down], [across, box.bottom + GAP], [across, box.top - GAP - height]]
  const fits = ([x, y]) => x >= EDGE && y >= EDGE && x + width <= innerWidth - EDGE && y + height <= innerHeight - EDGE
  const [x, y] = places.find(fits) ?? [across, innerHeight - height - EDGE]
  Object.assign(card.style, px({ left: x, top: y }))
}

const px = sizes => Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, `${size}px`]))
