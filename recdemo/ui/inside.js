// Draws a trace: one answer of a model, step by step, as numbers in colour. It knows operations and axes, no model.
// Alone among its words: a *grid* is how a step's numbers lie in panels of rows and columns; a *card* is a grid on the page; the *view* is
// all that one picture knows, handed from function to function.
//
// This file says what is shown: the step gone to, played or taught, and the film or number pointed at. The files inside_*.js say how:
// inside_numbers.js where numbers lie and come from, inside_card.js a card, inside_stage.js cards and what flows between them,
// inside_line.js the line of all steps, inside_words.js all that is said. To the browser they are one file, which inside.py puts together.

const READ = 2400 // milliseconds in which a step is read at least, while playing
const LETTER = 45 // and of what is said
const QUESTION = -1 // the place in a lesson before its first sentence
const PARTS = {
  inside: ".inside", stage: ".stage", wires: ".wires", ins: ".ins", op: ".op", out: ".out", line: ".line", name: "h3", formula: ".formula", says: ".says",
  sumTitle: "h4", sum: ".terms", aloud: ".aloud", back: ".back", play: ".play", next: ".next", speed: ".speed", count: ".count", fold: ".fold", learn: ".learn",
}
const HEAD = `<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:var(--faint);stroke:none"/></marker></defs>`
const views = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  if (!views.has(parentElement)) views.set(parentElement, make(parentElement))
  const view = views.get(parentElement)
  view.tell = setTriggerValue
  show(view, data)
  return view.close
}

function make(root) {
  const parts = Object.fromEntries(Object.entries(PARTS).map(([name, selector]) => [name, root.querySelector(selector)]))
  const view = {
    root,
    parts,
    calm: matchMedia("(prefers-reduced-motion: reduce)"),
    data: {},
    steps: [], // all, in order
    byId: new Map(),
    opened: new Set(), // ids of the steps that show what is folded into them
    now: undefined, // the step shown
    cards: [], // of the step shown: those read, and last its own
    terms: null, // of the step shown, where it is a sum
    flows: false, // numbers are on their way
    playing: false,
    mark: null, // the film marked, as long as it is pointed at
    pinned: null, // or until another is
    pointed: null, // the number pointed at: {card, i}
    lesson: null, // or the number of its sentence shown, or QUESTION
    guess: null,
    markedInLine: null, // the film
    told: undefined, // the step that the server knows of
    frame: undefined, // of what flows; and what is waited for: to play on, to tell the server
    timer: undefined,
    telling: undefined,
  }
  view.close = () => {
    stop(view)
    halt(view)
    clearTimeout(view.telling)
  }
  parts.back.onclick = () => stepBy(view, -1)
  parts.next.onclick = () => stepBy(view, 1)
  parts.play.onclick = () => play(view)
  parts.learn.onclick = () => learn(view)
  parts.fold.onclick = () => fold(view)
  parts.op.onclick = () => folds(view, view.now) && fold(view)
  parts.inside.onkeydown = event => press(view, event)
  parts.wires.innerHTML = HEAD
  let width = 0
  const watch = new ResizeObserver(() => {
    if (!view.now || !(Math.abs(parts.stage.clientWidth - width) >= 4 || grow(view))) return
    width = parts.stage.clientWidth
    go(view, view.now, false)
  })
  watch.observe(parts.stage)
  watch.observe(parts.inside) // what stands above the picture may grow when its letters have come
  parts.stage.ontransitionend = () => view.now && go(view, view.now, false) // the theme has changed
  return view
}

function show(view, data) {
  const before = view.data
  view.data = data
  if (before.key === data.key) {
    if (data.turn !== before.turn && data.step !== view.now.id) go(view, view.byId.get(data.step))
    return
  }
  stop(view)
  const { steps } = data.trace
  for (const one of steps) one.grid = gridOf(one)
  const byId = new Map(steps.map(one => [one.id, one]))
  Object.assign(view, { steps, byId, opened: new Set(), lesson: null, pinned: null, guess: null, told: data.step })
  go(view, byId.get(data.step) ?? byId.get(view.now?.id) ?? steps[0], Boolean(before.key))
}

// ---- what all files use ----------------------------------------------------------------------------------------

const clamp = (low, x, high) => Math.max(low, Math.min(x, high))
const node = (name, values = {}, ...children) => {
  const made = Object.assign(document.createElement(name), values)
  made.append(...children)
  return made
}
const colour = (view, name) => getComputedStyle(view.parts.stage).getPropertyValue(name).trim()
const sourcesOf = (view, step) => step.inputs.map(id => view.byId.get(id)).filter(Boolean)
const filmMarked = view => view.mark ?? view.pinned

// ---- the step shown --------------------------------------------------------------------------------------------

function go(view, step, animate = true) {
  if (!step) return
  const { data, parts } = view
  clearTimeout(view.timer)
  halt(view)
  for (const id of parents(view, step)) view.opened.add(id)
  Object.assign(view, { now: step, pointed: null, mark: null })
  if (view.lesson !== null && view.lesson !== QUESTION && data.lesson.says[view.lesson].step !== step.id) view.lesson = null
  parts.inside.classList.toggle("night", isDark(view))
  lay(view)
  say(view)
  drawBar(view)
  drawLine(view)
  explain(view, step, largestOf(step))
  reveal(view, null)
  if (animate) flow(view)
  parts.aloud.textContent = step.alt
  tellSoon(view)
  const reading = Math.max(READ, parts.says.textContent.length * LETTER)
  if (view.playing) view.timer = setTimeout(() => (parts.next.disabled ? stop(view) : move(view, 1)), (FLOW + reading) / Number(parts.speed.value))
}

// The server is told where one stays, not every step passed.
function tellSoon(view) {
  clearTimeout(view.telling)
  view.telling = setTimeout(() => {
    if (view.told !== view.now.id) view.tell("step", view.now.id)
    view.told = view.now.id
  }, 400)
}

function isDark(view) {
  const [r, g, b] = colour(view, "--st-background-color").match(/\w\w/g)?.map(part => parseInt(part, 16)) ?? [255, 255, 255]
  return 0.3 * r + 0.6 * g + 0.1 * b < 100
}

function move(view, by) {
  if (view.lesson !== null) {
    const { says } = view.data.lesson
    view.lesson = clamp(QUESTION, view.lesson + by, says.length - 1)
    return go(view, view.byId.get(says[Math.max(view.lesson, 0)].step))
  }
  const list = shown(view)
  go(view, list[clamp(0, list.indexOf(view.now) + by, list.length - 1)])
}

// ---- the bar above, and its keys -----------------------------------------------------------------------------------

function drawBar(view) {
  const { now, lesson, data, parts: { count, back, next, fold, learn } } = view
  const list = shown(view)
  const at = list.indexOf(now)
  if (lesson === null) {
    count.textContent = `Step ${at + 1} of ${list.length}`
    back.disabled = at === 0
    next.disabled = at === list.length - 1
  } else {
    const { says } = data.lesson
    count.textContent = lesson === QUESTION ? "First, a guess" : `Lesson, ${lesson + 1} of ${says.length}`
    back.disabled = lesson === QUESTION
    next.disabled = lesson === says.length - 1
  }
  const owner = foldOf(view)
  fold.hidden = !owner
  if (owner) fold.textContent = view.opened.has(owner.id) ? `Close “${owner.name}”` : `Open: ${view.steps.filter(one => one.parent === owner.id).length} steps inside`
  learn.hidden = !data.lesson
  learn.ariaPressed = lesson !== null
  drawPlay(view)
}
function drawPlay({ playing, parts }) {
  parts.play.replaceChildren(...(playing ? ["❚❚", node("span", { textContent: " Pause" })] : ["▶", node("span", { textContent: " Play" })]))
}

function stepBy(view, by) {
  stop(view)
  move(view, by)
}

function play(view) {
  view.parts.play.classList.remove("fresh")
  if (view.playing) return stop(view)
  view.playing = true
  if (view.parts.next.disabled && view.lesson === null) go(view, shown(view)[0])
  else if (view.lesson === QUESTION) move(view, 1)
  else go(view, view.now)
}
function stop(view) {
  view.playing = false
  clearTimeout(view.timer)
  drawPlay(view)
}

function learn(view) {
  stop(view)
  const { lesson } = view.data
  const begins = view.lesson === null
  view.lesson = !begins ? null : lesson.choices.length ? QUESTION : 0
  view.guess = null
  go(view, begins ? view.byId.get(lesson.says[0].step) : view.now)
}

// The step that the bar opens or closes: the one shown, or the one that it is folded into.
const foldOf = view => (folds(view, view.now) ? view.now : view.byId.get(view.now.parent))
function fold(view) {
  const owner = foldOf(view)
  if (view.opened.delete(owner.id)) return go(view, owner)
  view.opened.add(owner.id)
  go(view, view.steps.find(one => one.parent === owner.id))
}

function press(view, event) {
  const { key, target } = event
  const { back, next } = view.parts
  if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "SELECT") return
  event.stopPropagation() // letters are shortcuts of the page
  if (key === "ArrowRight" && !next.disabled) stepBy(view, 1)
  else if (key === "ArrowLeft" && !back.disabled) stepBy(view, -1)
  else if (key === " " && target.tagName !== "BUTTON") play(view)
  else if (key === "Home") go(view, shown(view)[0])
  else if (key === "End") go(view, shown(view).at(-1))
  else return
  event.preventDefault()
}

// ---- the number pointed at, the film marked --------------------------------------------------------------------

function point(view, card, i = 0, aloud = false) {
  if (card && i < 0) return
  if (card && view.pointed?.card === card && view.pointed.i === i) return
  if (card) halt(view)
  view.pointed = card ? { card, i } : null
  view.mark = card ? movieAt(card.step, i) : null
  const own = card && card === view.cards.at(-1)
  reveal(view, own ? i : null)
  if (card && !own) paint(view, card, { lit: [i] })
  const words = explainPointed(view)
  if (aloud) view.parts.aloud.textContent = words
  markLine(view)
}
function explainPointed(view) {
  const { pointed, now } = view
  return pointed ? explain(view, pointed.card.step, pointed.i) : explain(view, now, largestOf(now))
}

function markFilm(view, movie) {
  view.mark = movie
  view.cards.forEach(card => paint(view, card))
  markLine(view)
  explainPointed(view)
}
function pin(view, movie) {
  view.pinned = view.pinned === movie ? null : movie
  markFilm(view, view.mark)
}

// Keys on a picture walk from number to number.
function walk(view, event, card, p) {
  const { grid } = card
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
  if (event.key === "Escape") view.parts.stage.focus()
  else if (event.key === "Enter") pin(view, movieAt(card.step, view.pointed?.i ?? 0))
  else if (moves[event.key]) {
    const [, r, c] = grid.place(view.pointed?.card === card ? view.pointed.i : 0)
    const [dr, dc] = moves[event.key]
    point(view, card, grid.at(p, clamp(0, r + dr, grid.rows - 1), clamp(0, c + dc, grid.cols - 1)), true)
  } else return
  event.stopPropagation()
  event.preventDefault()
}
