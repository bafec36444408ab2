// The line of all steps, each a small picture; some have steps folded into them.

const folds = (view, step) => view.steps.some(one => one.parent === step.id)
const inner = (view, step) => (view.opened.has(step.id) ? view.steps.filter(one => one.parent === step.id).flatMap(one => [...inner(view, one), one]) : [])
const shown = view => view.steps.filter(step => !step.parent).flatMap(step => [...inner(view, step), step])
const parents = (view, step) => (step.parent ? [...parents(view, view.byId.get(step.parent)), step.parent] : [])

function drawLine(view) {
  const { root, parts: { line }, now, opened } = view
  const list = shown(view)
  const at = list.indexOf(now)
  const held = line.contains(root.activeElement)
  line.querySelector("ol").replaceChildren(...list.map((step, k) => {
    const canvas = node("canvas")
    canvas.dataset.step = step.id
    const button = node("button", { type: "button", title: step.name, ariaLabel: step.alt, onclick: () => go(view, step) }, canvas, node("span", { textContent: step.name }))
    if (step === now) button.setAttribute("aria-current", "step")
    button.tabIndex = step === now ? 0 : -1
    const item = node("li", {}, button)
    item.classList.toggle("folded", folds(view, step) && !opened.has(step.id))
    item.classList.toggle("inner", Boolean(step.parent))
    item.classList.toggle("later", k > at)
    item.classList.toggle("source", now.inputs.includes(step.id))
    return item
  }))
  if (held) line.querySelector("[aria-current]").focus()
  drawThumbs(view)
  requestAnimationFrame(() => drawArcs(view))
}

// Where the film marked has changed, it is marked in the line, too.
function markLine(view) {
  if (view.markedInLine !== filmMarked(view)) drawThumbs(view)
}
function drawThumbs(view) {
  view.markedInLine = filmMarked(view)
  for (const canvas of view.parts.line.querySelectorAll("canvas")) thumb(view, canvas, view.byId.get(canvas.dataset.step))
}

function thumb(view, canvas, { grid }) {
  const ink = canvas.getContext("2d")
  if (!grid.flat.length) return
  const [w, h] = [grid.panels * (grid.cols + 1) - 1, grid.rows]
  const big = Math.max(1, Math.ceil(24 / h), Math.ceil(20 / w))
  Object.assign(canvas, { width: w * big, height: h * big })
  canvas.style.width = `${clamp(10, (26 * w) / h, 64)}px`
  const [up, down, mark] = ["--up", "--down", "--mark"].map(name => colour(view, name))
  grid.flat.forEach((x, i) => {
    const [p, r, c] = grid.place(i)
    ink.fillStyle = x < 0 ? down : up
    ink.globalAlpha = 0.05 + 0.95 * clamp(0, Math.abs(x) / grid.limit, 1)
    ink.fillRect((p * (grid.cols + 1) + c) * big, r * big, big, big)
  })
  ink.globalAlpha = 1
  ink.strokeStyle = mark
  ink.lineWidth = Math.max(1, big / 3)
  const [r, c] = filmAt(view, grid)
  if (r >= 0) ink.strokeRect(0, r * big, w * big, big)
  for (let p = 0; c >= 0 && p < grid.panels; p++) ink.strokeRect((p * (grid.cols + 1) + c) * big, 0, big, h * big)
}

// Arcs from the steps read to the step shown.
function drawArcs(view) {
  const { parts: { line }, now } = view
  const svg = line.querySelector("svg")
  const home = line.getBoundingClientRect()
  const middle = id => {
    const item = line.querySelector(`canvas[data-step="${CSS.escape(id)}"]`)?.getBoundingClientRect()
    return item && [item.left + item.width / 2 - home.left + line.scrollLeft, item.top - home.top]
  }
  const [x, y] = middle(now.id) ?? [0, 0]
  svg.style.width = `${line.scrollWidth}px`
  svg.innerHTML = now.inputs.map(middle).filter(Boolean)
    .map(([from, top]) => `<path d="M${from} ${top - 2}C${from} ${top - 17} ${x} ${y - 17} ${x} ${y - 3}" fill="none" stroke="${colour(view, "--mark")}" stroke-width="1.5"/>`).join("")
  const current = line.querySelector("[aria-current]")?.parentElement
  if (current) line.scrollLeft = clamp(0, current.offsetLeft - line.clientWidth / 2 + 30, line.scrollWidth)
}
