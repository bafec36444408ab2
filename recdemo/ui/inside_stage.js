// The stage: the step shown as a picture, from the cards that it reads, through its operation, to its own card.

const FLOW = 1400 // milliseconds in which the numbers of a step flow
const NARROW = 560 // pixels of a stage whose cards lie below each other
const SIGNS = {
  input: "in", lookup: "table", sum: "Σ", mean: "mean", product: "⊙", dot: "u·v", weighted_sum: "Σ a x", matmul: "A B", scale: "× λ",
  layer: "Wx+b", pair_layer: "Wx+b", network: "net", concat: "[ , ]", pairs: "Σ i<j", pair_products: "⊙", cross: "x₀⊙", cross_v2: "x₀⊙",
  norm: "÷ σ", project: "W x", attend: "A V", gru: "GRU", augru: "a·GRU", last: "last", feed_forward: "FFN", feed_forward_post: "FFN",
  relu_net: "net", sigmoid_net: "net", gated: "U ⊙", gated_layer: "W g⊙x", update_gates: "gate", silu_project: "W x", word_windows: "▭▭▭", convolution: "▭▭▭",
  strongest: "max", batch_norm: "÷ σ", solve: "A⁻¹b", rnn: "RNN", lstm: "LSTM", part: "cut", fusion: "⊗",
}
const SIGMOID = "M2 25C16 25 14 5 28 5"
const BARS = "M4 26V19M12 26V13M20 26V3M28 26V21"
const CURVES = {
  relu: "M2 22H15L27 5", leaky_relu: "M2 25L15 21L27 5", dice: "M2 23C14 23 13 20 17 17L27 5", silu: "M2 22C12 23 13 25 17 19L27 5", sigmoid: SIGMOID,
  tanh: SIGMOID, score: SIGMOID, softmax: BARS, softmax_dot: BARS,
}
const WORDS = {
  lookup: "look up", sum: "add up", mean: "take the mean", product: "multiply", dot: "dot product", weighted_sum: "weighted sum",
  matmul: "matrix product", pair_layer: "layer", concat: "side by side", pairs: "every pair", pair_products: "every pair", relu: "ReLU", dice: "Dice",
  leaky_relu: "Leaky ReLU", silu: "SiLU", score: "to the list", norm: "normalise", project: "turn", softmax_dot: "match, softmax", attend: "mix",
  feed_forward: "small network", feed_forward_post: "small network", relu_net: "small network", last: "take the last", cross: "cross", cross_v2: "cross",
  gru: "remember", rnn: "remember", lstm: "remember", augru: "move", update_gates: "how far", sigmoid_net: "small network", gated_layer: "gated layer",
  word_windows: "filters", convolution: "filters", strongest: "the largest", batch_norm: "normalise", silu_project: "turn", part: "a part", fusion: "every pair",
}

// The picture takes the height that is left below all else, on a screen wide enough to see both. Says whether that is another.
function grow({ parts: { inside, stage } }) {
  const top = inside.getBoundingClientRect().top + (document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0)
  const others = stage.offsetTop - inside.offsetTop + 178
  const before = inside.style.getPropertyValue("--stage"), height = `${clamp(216, innerHeight - top - others, 480)}px`
  inside.style.setProperty("--stage", height)
  return height !== before
}

function lay(view) {
  grow(view)
  const { now, parts: { stage, ins, out } } = view
  const read = sourcesOf(view, now)
  view.terms = termsOf(now, [...new Set(read)])
  const sources = [...new Set(read)].map(step => cardOf(view, step, "in"))
  const own = cardOf(view, now, "out")
  view.cards = [...sources, own]
  ins.replaceChildren(...sources.map(card => card.figure))
  out.replaceChildren(own.figure)
  const alone = !sources.length
  stage.classList.toggle("alone", alone)
  const narrow = stage.clientWidth < NARROW
  const high = narrow ? 190 : stage.clientHeight - 16
  const wide = narrow ? stage.clientWidth - 20 : (stage.clientWidth - 24 - 104) / (alone ? 1 : 2)
  const wanted = sources.map(({ grid, step }) => 24 + (step.axes.length ? Math.min(grid.rows * (grid.rowAxis ? stage.clientHeight / 14 : 24) * (grid.panels > 3 ? 2 : 1) + (grid.colAxis ? 54 : 0), 260) : 30))
  const room = (narrow ? 200 : high) - 8 * (wanted.length - 1)
  const share = Math.min(1, room / wanted.reduce((a, b) => a + b, 0))
  sources.forEach((card, k) => fit(view, card, wide, Math.max(14, wanted[k] * share - 24)))
  fit(view, own, wide - (alone ? 0 : 8), high - 22)
  drawOperation(view)
}

function drawOperation(view) {
  const { now: { operation }, parts: { op } } = view
  const curve = CURVES[operation]
  op.querySelector("b").innerHTML = curve ? `<svg viewBox="0 0 30 30"><path d="${curve}"/></svg>` : SIGNS[operation] ?? "ƒ"
  op.classList.toggle("opens", folds(view, view.now))
  op.querySelector("i").textContent = WORDS[operation] ?? operation.replaceAll("_", " ")
}

// What is true of a cell is drawn: what it reads, and threads from there.
function reveal(view, i, { values, until } = {}) {
  const own = view.cards.at(-1)
  const read = view.cards.slice(0, -1)
  const lit = i === null ? read.map(() => []) : read.map((_, k) => reads(view.now, read.map(card => card.step), k, i))
  read.forEach((card, k) => paint(view, card, { lit: lit[k] }))
  paint(view, own, { values, until, lit: i === null ? [] : [i] })
  drawWires(view, read.map((card, k) => (lit[k].length ? boxOn(view, card, lit[k]) : null)), i === null ? null : boxOn(view, own, [i]))
}

// The rectangle about some numbers of a card, in pixels of the stage.
function boxOn({ parts: { stage } }, card, lit) {
  const home = stage.getBoundingClientRect()
  for (const [p, canvas] of card.canvases.entries()) {
    const box = boxAbout(card.grid, p, lit)
    if (!box) continue
    const at = canvas.getBoundingClientRect()
    return { x: at.left - home.left + box.c * card.wide, y: at.top - home.top + box.r * card.high, w: box.cols * card.wide, h: box.rows * card.high }
  }
  const at = card.body.getBoundingClientRect()
  return { x: at.left - home.left, y: at.top - home.top, w: Math.min(at.width, 120), h: at.height }
}

// And about all of it.
function boxOf({ parts: { stage } }, card) {
  const home = stage.getBoundingClientRect()
  const first = card.canvases[0]?.getBoundingClientRect() ?? card.body.getBoundingClientRect()
  const last = card.canvases.at(-1)?.getBoundingClientRect() ?? first
  const tall = { y: first.top - home.top, h: last.bottom - first.top }
  if (card.kind === "in") return { ...tall, x: first.left - home.left, w: Math.max(last.right, first.right) - first.left + (card.grid.bars ? 58 : 0) }
  const figure = card.figure.getBoundingClientRect()
  return { ...tall, x: figure.left - home.left, w: figure.width }
}

// Wires between cards and operation; on them numbers that flow, or threads of the cell pointed at: boxes of what it reads, and its own.
function drawWires(view, sources, target) {
  const { stage, wires, ins, op, out } = view.parts
  const home = stage.getBoundingClientRect()
  const round = op.querySelector("b").getBoundingClientRect()
  const hub = { x: round.left - home.left, y: round.top - home.top, w: round.width, h: round.height }
  const middle = hub.y + hub.h / 2
  const narrow = stage.clientWidth < NARROW
  const [into, from] = narrow
    ? [[hub.x + hub.w / 2, hub.y], [hub.x + hub.w / 2, hub.y + hub.h]]
    : [[hub.x - 2, middle], [hub.x + hub.w + 2, middle]]
  const end = box => [box.x + box.w + 3, box.y + box.h / 2]
  const begin = box => [box.x - 5, box.y + box.h / 2]
  wires.querySelectorAll("path.wire, path.thread, path.flow").forEach(one => one.remove())
  const read = view.cards.slice(0, -1)
  const own = view.cards.at(-1)
  const [above, below] = [ins, out].map(one => one.getBoundingClientRect())
  const drawn = narrow
    ? [...(read.length ? [wire(view, [into[0], above.bottom - home.top], into, "wire")] : []), wire(view, from, [from[0], below.top - home.top], "wire")]
    : [...read.map(card => wire(view, end(boxOf(view, card)), into, "wire")), wire(view, from, begin(boxOf(view, own)), "wire")]
  if (view.flows) {
    drawn.push(...drawn.map(one => {
      const copy = one.cloneNode()
      copy.setAttribute("class", "flow")
      copy.removeAttribute("marker-end")
      return copy
    }))
  } else if (!narrow) {
    drawn.push(...sources.filter(Boolean).map(box => wire(view, end(box), into, "thread")))
    if (target) drawn.push(wire(view, from, begin(target), "thread"))
  }
  wires.append(...drawn)
}

function wire({ parts: { ins, op, out } }, [x1, y1], [x2, y2], kind) {
  const [above, hub, below] = [ins, op, out].map(one => one.getBoundingClientRect())
  const down = above.bottom <= hub.top + 4 && below.top >= hub.bottom - 4
  const bend = down ? `${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2}` : `${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2}`
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
  path.setAttribute("d", `M${x1} ${y1}C${bend} ${x2} ${y2}`)
  path.setAttribute("class", kind)
  if (kind === "wire") path.setAttribute("marker-end", "url(#head)")
  return path
}

// The step is made before one's eyes: a sum term by term, all else number by number.
function flow(view) {
  cancelAnimationFrame(view.frame)
  const { now, cards, terms } = view
  const start = performance.now()
  const long = view.calm.matches ? 1 : FLOW / Number(view.parts.speed.value)
  const cells = now.grid.flat.length
  const sum = new Float64Array(cells)
  view.flows = !view.calm.matches
  const tick = time => {
    const t = clamp(0, (time - start) / long, 1)
    if (t >= 1) {
      halt(view)
      return reveal(view, null)
    }
    if (terms && cells <= 512) {
      const until = Math.floor(t * (terms.length + 0.99))
      sum.fill(0)
      for (const term of terms.slice(0, until)) for (let i = 0; i < cells; i++) sum[i] += term[i]
      reveal(view, null, { values: sum })
      cards.slice(0, -1).forEach((card, k) => paint(view, card, { lit: ofTerm(view, until - 1, card, k) }))
      if (!cells || now.axes.length === 0) cards.at(-1).body.firstChild.textContent = number(sum[0])
    } else {
      const i = Math.floor(t * cells)
      reveal(view, cells > 2000 ? null : i, { until: i + 1 })
    }
    view.frame = requestAnimationFrame(tick)
  }
  view.frame = requestAnimationFrame(tick)
}

// Which numbers of the k-th card the n-th term of a sum is of.
function ofTerm({ now, cards }, n, card, k) {
  const all = [...card.grid.flat.keys()]
  if (now.operation === "sum" && cards.length > 2) return k === n ? all : []
  const along = alongOf(summedOver(now, cards.slice(0, -1).slice(0, 2).flatMap(one => one.step.axes)))
  const own = card.step.axes.findIndex(one => one.name === along?.name)
  return own < 0 || n < 0 ? [] : all.filter(i => card.grid.coords(i)[own] === n)
}

function halt(view) {
  cancelAnimationFrame(view.frame)
  view.flows = false
  if (view.cards.length && !view.now.axes.length) fit(view, view.cards.at(-1), 300, 100) // a number alone may stand at a part of its sum
}
