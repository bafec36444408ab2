// A card: the grid of a step on the page, with the names of its rows and columns.

const LABEL = 9.5 // pixels, the lowest row that a label fits in

function cardOf(view, step, kind) {
  const title = node("span", { textContent: step.name, title: step.name })
  const caption = node("figcaption")
  caption.innerHTML = step.sign
  caption.append(kind === "in" ? node("button", { type: "button", onclick: () => go(view, step), title: `Go to ${step.name}` }, title) : title)
  caption.append(node("small", { textContent: shapeOf(step, view.data.item) }))
  const card = { step, kind, grid: step.grid, canvases: [], labels: [], figure: node("figure", {}, caption) }
  card.body = card.figure.appendChild(node("div", { className: step.axes.length ? "panels" : "number" }))
  return card
}

// Make the pictures of a card as large as its room.
function fit(view, card, width, height) {
  const { grid, step } = card
  Object.assign(card, { canvases: [], labels: [] })
  if (!grid.flat.length) return card.body.replaceChildren("–")
  if (!step.axes.length) {
    const end = step === view.steps.at(-1)
    card.body.replaceChildren(end ? view.data.shown : number(grid.flat[0]), ...(end ? [node("small", { textContent: view.data.as })] : []))
    return card.body.setAttribute("aria-label", step.alt)
  }
  const names = grid.rowAxis ? clamp(60, width * 0.36, 190) : 0
  const under = grid.colAxis && grid.panels === 1 && width > 240 && height > 110 ? 56 : 0
  const large = clamp(22, view.parts.stage.clientHeight / 12, 34) // pixels of a cell at most
  let best = { score: -1 }
  for (let across = 1; across <= grid.panels; across++) {
    const down = Math.ceil(grid.panels / across)
    const wide = Math.min(grid.bars ? 150 : large, ((width - names) / across - 10 - (grid.bars ? 62 : 0)) / grid.cols)
    const high = Math.min(grid.rowAxis && !grid.colAxis ? large - 3 : large + 2, (height / down - (grid.panels > 1 ? 18 : 2) - under) / grid.rows)
    const score = Math.min(wide, 14) * Math.min(high, 14)
    if (score > best.score) best = { score, across, wide: Math.max(wide, 0.5), high: Math.max(high, 0.5) }
  }
  Object.assign(card, best, { under })
  card.body.replaceChildren(...Array.from({ length: grid.panels }, (_, p) => panelOf(view, card, p, names)))
}

function panelOf(view, card, p, namesWidth) {
  const { grid, step, wide, high } = card
  const canvas = node("canvas", { tabIndex: 0, ariaLabel: step.alt })
  canvas.setAttribute("role", "img")
  const size = [wide * grid.cols, high * grid.rows]
  canvas.style.cssText = `width:${size[0]}px;height:${size[1]}px`
  const dots = window.devicePixelRatio || 1
  Object.assign(canvas, { width: Math.ceil(size[0] * dots), height: Math.ceil(size[1] * dots) })
  canvas.getContext("2d").scale(dots, dots)
  card.canvases.push(canvas)
  const under = event => {
    const box = canvas.getBoundingClientRect()
    const [r, c] = [Math.floor((event.clientY - box.top) / high), Math.floor((event.clientX - box.left) / wide)]
    return grid.at(p, clamp(0, r, grid.rows - 1), clamp(0, c, grid.cols - 1))
  }
  canvas.onpointermove = canvas.onpointerdown = event => point(view, card, under(event))
  canvas.onpointerleave = event => event.pointerType === "mouse" && point(view, null) // a finger may leave, what it tapped stays
  canvas.onclick = event => pin(view, movieAt(step, under(event)))
  canvas.onfocus = () => canvas.matches(":focus-visible") && point(view, card, view.pointed?.card === card ? view.pointed.i : grid.at(p, 0, 0), true)
  canvas.onblur = () => point(view, null)
  canvas.onkeydown = event => walk(view, event, card, p)
  const panel = node("div", { className: "panel" })
  if (grid.panels > 1) panel.append(node("em", { textContent: grid.panelName(p) }))
  if (grid.rowAxis && p % card.across === 0) panel.append(rowNames(view, card, namesWidth))
  panel.append(canvas)
  if (grid.bars) panel.append(node("div", { className: "nums" }, ...grid.flat.map((x, i) => besideRow(card, i, node("span", { textContent: high < LABEL ? "" : number(x) })))))
  if (card.under && wide >= 7) panel.append(columnNames(card))
  return panel
}

function besideRow({ high }, row, label) {
  label.style.cssText = `top:${(row + 0.5) * high}px;font-size:${clamp(9.5, high, 11.5)}px`
  return label
}

// Where rows are low, of as many of the largest as there is room for.
function rowNames(view, card, width) {
  const { grid, high } = card
  const size = r => Math.max(...Array.from({ length: grid.cols }, (_, c) => Math.abs(grid.flat[grid.at(0, r, c)] ?? 0)))
  const order = [...Array(grid.rows).keys()].sort((a, b) => size(b) - size(a))
  const taken = []
  for (const r of order) if (taken.every(other => Math.abs(other - r) * high >= LABEL)) taken.push(r)
  const list = node("div", { className: "rows" })
  list.style.width = `${width - 6}px`
  list.append(...taken.map(r => rowName(view, card, r)))
  return list
}

function rowName(view, card, r) {
  const { labels, movie_ids: movies } = card.grid.rowAxis
  const movie = movies?.[r] ?? null
  const label = besideRow(card, r, node("button", { type: "button", tabIndex: -1, textContent: labels[r], title: labels[r] }))
  if (movie !== null) Object.assign(label, { onpointerenter: () => markFilm(view, movie), onpointerleave: () => markFilm(view, null), onclick: () => pin(view, movie) })
  card.labels.push([label, movie])
  return label
}

function columnNames(card) {
  const { grid, wide } = card
  const list = node("div", { className: "cols" })
  list.append(...grid.colAxis.labels.map((name, c) => {
    const label = node("span", { textContent: name, title: name })
    label.style.left = `${(c + 0.5) * wide}px`
    card.labels.push([label, grid.colAxis.movie_ids?.[c] ?? null])
    return label
  }).filter((_, c) => wide >= LABEL || c % Math.ceil(LABEL / wide) === 0))
  return list
}

// Numbers from `until` on are not there yet; a box stands about those in `lit`, in each panel.
function paint(view, card, { values = card.grid.flat, until = Infinity, lit = [] } = {}) {
  const { grid, wide, high } = card
  const [up, down, mark, text] = ["--up", "--down", "--mark", "--st-text-color"].map(name => colour(view, name))
  const gap = Math.min(wide, high) > 5 ? 1 : Math.min(wide, high) > 2.5 ? 0.5 : 0
  for (const [p, canvas] of card.canvases.entries()) {
    const ink = canvas.getContext("2d")
    ink.clearRect(0, 0, wide * grid.cols, high * grid.rows)
    for (let r = 0; r < grid.rows; r++) {
      for (let c = 0; c < grid.cols; c++) {
        const i = grid.at(p, r, c)
        if (i < 0) continue
        const x = values[i]
        const there = i < until
        ink.fillStyle = !there ? text : x < 0 ? down : up
        const share = clamp(0, Math.abs(x) / grid.limit, 1)
        ink.globalAlpha = there ? (grid.bars ? 0.9 : 0.04 + 0.96 * share ** 0.7) : 0.05
        const [left, top, w, h] = [c * wide + gap / 2, r * high + gap / 2, wide - gap, high - gap]
        if (!grid.bars || !there) ink.fillRect(left, top, w, h)
        else {
          const zero = grid.signed ? (grid.flat.some(one => one > 0) ? w / 2 : w) : 0
          const long = share * (grid.signed && zero < w ? w / 2 : w)
          ink.fillRect(x < 0 ? zero - long : zero, top + h * 0.12, long, h * 0.76)
          ink.globalAlpha = 0.35
          ink.fillStyle = text
          ink.fillRect(zero - 0.5, top, 1, h)
        }
      }
    }
    ink.globalAlpha = 1
    ink.strokeStyle = mark
    ink.lineWidth = 1.5
    const [r, c] = filmAt(view, grid)
    if (r >= 0) ink.strokeRect(0.75, r * high + 0.75, wide * grid.cols - 1.5, high - 1.5)
    if (c >= 0) ink.strokeRect(c * wide + 0.75, 0.75, wide - 1.5, high * grid.rows - 1.5)
    ink.lineWidth = 2
    if (card === view.cards.at(-1)) ink.strokeStyle = text
    const box = boxAbout(grid, p, lit)
    if (box) ink.strokeRect(box.c * wide + 1, box.r * high + 1, box.cols * wide - 2, box.rows * high - 2)
  }
  for (const [label, movie] of card.labels) label.classList.toggle("marked", movie !== null && movie === filmMarked(view))
}

// Row and column of the film marked.
const filmAt = (view, grid) => [grid.rowAxis, grid.colAxis].map(axis => axis?.movie_ids?.indexOf(filmMarked(view)) ?? -1)

// The rectangle about some numbers, in one panel; null where none of them lies there.
function boxAbout(grid, panel, lit) {
  const places = lit.map(grid.place).filter(([p]) => p === panel)
  if (!places.length) return null
  const [rows, cols] = [places.map(place => place[1]), places.map(place => place[2])]
  const [r, c] = [Math.min(...rows), Math.min(...cols)]
  return { r, c, rows: Math.max(...rows) - r + 1, cols: Math.max(...cols) - c + 1 }
}
