// Draws a trace: one answer of a model, step by step, as numbers in colour. It knows operations and axes, no model.
// Alone among its words: a *grid* is how a step's numbers lie in panels of rows and columns; a *card* is a grid on the page.

const FLOW = 1400 // milliseconds in which the numbers of a step flow
const READ = 2400 // and in which it is read at least, while playing
const LETTER = 45 // of what is said
const LABEL = 9.5 // pixels, the lowest row that a label fits in
const WRAP = 40 // numbers of a row without names
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
const LOOKING = "looking film" // the axis of films that look at those of the axis "film"
// Operations whose numbers read all of the last axis.
const WHOLE = ["layer", "pair_layer", "network", "norm", "project", "attend", "feed_forward", "feed_forward_post", "relu_net", "sigmoid_net",
  "silu_project", "gated", "gated_layer", "gru", "rnn", "lstm", "augru", "word_windows", "convolution", "solve", "fusion"]
const views = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  if (!views.has(parentElement)) views.set(parentElement, make(parentElement))
  const view = views.get(parentElement)
  view.tell = setTriggerValue
  view.show(data)
  return view.close
}

const node = (name, values = {}, ...children) => {
  const made = Object.assign(document.createElement(name), values)
  made.append(...children)
  return made
}
const times = sizes => sizes.reduce((a, b) => a * b, 1)
const clamp = (low, x, high) => Math.max(low, Math.min(x, high))
const plus = x => (x < 0 ? `−${number(-x)}` : `+${number(x)}`)
const number = x => {
  if (x === null || x === undefined) return "–"
  const size = Math.abs(x)
  const text = size >= 1000 ? x.toFixed(0) : size >= 100 ? x.toFixed(1) : size >= 10 ? x.toFixed(2) : size >= 0.001 || !size ? x.toFixed(3) : x.toExponential(1)
  return text.replace("-", "−")
}

// How the numbers of a step lie: `place(i)` is the panel, row and column of a number, `index` the way back.
function gridOf(step) {
  const axes = step.axes
  const flat = [step.values].flat(Infinity)
  const sizes = axes.map(axis => axis.size)
  const strides = sizes.map((_, k) => times(sizes.slice(k + 1)))
  const coords = i => strides.map((stride, k) => Math.floor(i / stride) % sizes[k])
  const named = axis => (axis?.labels?.length ? axis : null)
  const grid = { flat, sizes, strides, coords, panels: 1, rows: 1, cols: 1, limit: Math.max(1e-12, ...flat.map(Math.abs)) }
  const parts = axes.length === 1 && axes[0].parts?.length > 1 && axes[0].parts.length < 24 ? axes[0].parts : null
  if (parts) {
    const starts = parts.map((_, k) => parts.slice(0, k).reduce((sum, [, size]) => sum + size, 0))
    Object.assign(grid, { rows: parts.length, cols: Math.max(...parts.map(part => part[1])), rowAxis: { labels: parts.map(part => part[0]) } })
    grid.place = i => {
      const row = starts.findLastIndex(start => start <= i)
      return [0, row, i - starts[row]]
    }
  } else if (pairsOf(axes)) {
    const [names, places] = pairsOf(axes)
    Object.assign(grid, { rows: names.length, cols: names.length, rowAxis: { labels: names }, colAxis: { labels: names }, place: i => [0, ...places[i]] })
  } else if (axes.length === 1 && named(axes[0])) {
    Object.assign(grid, { rows: sizes[0], rowAxis: axes[0], bars: true, place: i => [0, i, 0] })
  } else if (axes.length === 1) {
    const wide = sizes[0] <= WRAP ? sizes[0] : 32
    Object.assign(grid, { rows: Math.ceil(sizes[0] / wide), cols: wide, place: i => [0, Math.floor(i / wide), i % wide] })
  } else if (axes.length > 1) {
    const turned = !named(axes.at(-2)) && named(axes.at(-1))
    const [row, col] = turned ? [axes.length - 1, axes.length - 2] : [axes.length - 2, axes.length - 1]
    Object.assign(grid, { panels: times(sizes.slice(0, -2)), rows: sizes[row], cols: sizes[col], rowAxis: named(axes[row]), colAxis: named(axes[col]) })
    grid.place = i => [Math.floor(i / (grid.rows * grid.cols)), coords(i)[row], coords(i)[col]]
    grid.panelName = p => axes.slice(0, -2).map((axis, k) => nameOf(axis, coords(p * grid.rows * grid.cols)[k])).join(", ")
  } else grid.place = () => [0, 0, 0]
  grid.index = new Int32Array(grid.panels * grid.rows * grid.cols).fill(-1)
  for (let i = 0; i < flat.length; i++) {
    const [p, r, c] = grid.place(i)
    grid.index[(p * grid.rows + r) * grid.cols + c] = i
  }
  grid.signed = flat.some(x => x < 0)
  return grid
}

// Names and places of an axis of pairs, whose labels read “A × B”: it lies as a triangle.
const pairsOf = axes => {
  const pairs = axes.length === 1 && axes[0].labels?.length > 5 ? axes[0].labels.map(label => label.split(" × ")) : [[]]
  if (pairs.some(pair => pair.length !== 2)) return null
  const names = [...new Set(pairs.flat())]
  return [names, pairs.map(([a, b]) => [names.indexOf(b), names.indexOf(a)])]
}
const nameOf = (axis, i) => {
  if (axis.labels?.length) return axis.labels[i]
  let start = 0
  for (const [name, size] of axis.parts ?? []) {
    if (i < start + size) return size > 1 ? `${name}, number ${i - start + 1}` : name
    start += size
  }
  return `${axis.name} ${i + 1}`
}
const cellName = (step, i) => step.grid.coords(i).map((at, k) => nameOf(step.axes[k], at)).join(", ")
const shape = (step, item) => step.axes.map(axis => `${axis.size} ${axis.name.replace("film", item)}${axis.size === 1 ? "" : "s"}`).join(" × ")

// The numbers of a step read that a number of it is made from.
function reads(step, sources, k, i) {
  const source = sources[k]
  const at = step.grid.coords(i)
  const whole = WHOLE.includes(step.operation)
  const has = (one, name) => one.axes.some(axis => axis.name === name)
  const looks = !has(step, LOOKING) && sources.some(one => has(one, LOOKING)) // what films look at is mixed
  const called = axis => (looks && axis.name === "film" ? "" : looks && axis.name === LOOKING ? "film" : axis.name === "film" && !has(step, "film") ? LOOKING : axis.name)
  let fixed
  if (step.operation === "concat" && step.axes.length === 1) {
    const own = i - sources.slice(0, k).reduce((sum, one) => sum + one.grid.flat.length, 0)
    return own >= 0 && own < source.grid.flat.length ? [own] : []
  } else if (step.operation === "concat") {
    const own = at.at(-1) - sources.slice(0, k).reduce((sum, one) => sum + (one.axes.at(-1)?.size ?? 1), 0)
    if (own < 0 || own >= (source.axes.at(-1)?.size ?? 1)) return []
    fixed = source.axes.map((axis, n) => (n === source.axes.length - 1 ? own : at[step.axes.findIndex(one => one.name === axis.name)] ?? null))
  } else {
    fixed = source.axes.map((axis, n) => {
      const found = step.axes.findIndex(one => one.name === called(axis) && one.size === axis.size)
      return found < 0 || (whole && n === source.axes.length - 1) ? null : at[found]
    })
  }
  return [...source.grid.flat.keys()].filter(j => source.grid.coords(j).every((x, n) => fixed[n] === null || fixed[n] === x))
}

// A sum as its terms, one after the other: an array of the step's size for each. Null where they do not add up to it.
function termsOf(step, sources) {
  const out = step.grid.flat
  if (!["sum", "mean", "dot", "weighted_sum", "matmul"].includes(step.operation) || !sources.length) return null
  const names = step.axes.map(axis => axis.name)
  const along = list => {
    const axes = [...new Map(list.flatMap(one => one.axes).map(axis => [axis.name, axis])).values()]
    const gone = axes.filter(axis => !names.includes(axis.name))
    const swept = gone.find(axis => axis.labels?.length) ?? gone[0]
    const found = Array.from({ length: swept?.size ?? 1 }, () => new Float64Array(out.length))
    const sizes = axes.map(axis => axis.size)
    if (times(sizes) > 40000) return null
    const maps = [...list.map(one => one.axes.map((axis, k) => [axis.name, one.grid.strides[k]])), step.axes.map((axis, k) => [axis.name, step.grid.strides[k]])]
    const strides = maps.map(map => axes.map(axis => new Map(map).get(axis.name) ?? 0))
    for (let flat = 0; flat < times(sizes); flat++) {
      let rest = flat
      const at = sizes.map((_, k) => {
        const below = times(sizes.slice(k + 1))
        const x = Math.floor(rest / below)
        rest %= below
        return x
      })
      const places = strides.map(stride => stride.reduce((sum, s, k) => sum + s * at[k], 0))
      found[swept ? at[axes.indexOf(swept)] : 0][places.at(-1)] += times(list.map((one, n) => one.grid.flat[places[n]]))
    }
    if (step.operation === "mean") for (const term of found) for (const i of term.keys()) term[i] /= times(gone.map(axis => axis.size))
    return found
  }
  const several = step.operation === "sum" && sources.length > 1
  const groups = several ? sources.map(one => [one]) : step.operation === "sum" || step.operation === "mean" ? [sources.slice(0, 1)] : [sources.slice(0, 2), ...sources.slice(2).map(one => [one])]
  let terms = groups.map(along)
  if (terms.includes(null)) return null
  terms = several ? terms.map(list => list.reduce((a, b) => a.map((x, i) => x + b[i]))) : terms.flat()
  const fits = out.every((x, i) => Math.abs(x - terms.reduce((sum, term) => sum + term[i], 0)) < 2e-3 * Math.max(step.grid.limit, 1))
  return terms.length > 1 && fits ? terms : null
}

function make(root) {
  const find = name => root.querySelector(name)
  const [stage, wires, ins, op, out, line, said, formula, says, sumTitle, sum, aloud] = [
    ".stage", ".wires", ".ins", ".op", ".out", ".line", "h3", ".formula", ".says", "h4", ".terms", ".aloud",
  ].map(find)
  const [back, play, next, speed, count, fold, learn] = [".back", ".play", ".next", ".speed", ".count", ".fold", ".learn"].map(find)
  const view = {}
  const calm = matchMedia("(prefers-reduced-motion: reduce)")
  let data = {}
  let steps = [] // all, in order
  let byId = new Map()
  let opened = new Set() // ids of the steps that show what is folded into them
  let now // the step shown
  let cards = [] // of the step shown: those read, and last its own
  let terms = null
  let playing = false
  let mark = null // the film marked
  let seen = null // the film marked in the line of steps
  let pinned = null
  let lesson = null // or the number of its sentence shown; −1 is the question
  let guess = null
  let hot = null // the cell pointed at: {card, i}
  let frame, timer, telling, told

  const inner = step => (opened.has(step.id) ? steps.filter(one => one.parent === step.id).flatMap(one => [...inner(one), one]) : [])
  const shown = () => steps.filter(step => !step.parent).flatMap(step => [...inner(step), step])
  const parents = step => (step.parent ? [...parents(byId.get(step.parent)), step.parent] : [])
  const folds = step => steps.some(one => one.parent === step.id)
  const dark = () => {
    const [r, g, b] = css("--st-background-color").match(/\w\w/g)?.map(part => parseInt(part, 16)) ?? [255, 255, 255]
    return 0.3 * r + 0.6 * g + 0.1 * b < 100
  }
  const css = name => getComputedStyle(stage).getPropertyValue(name).trim()

  // ---- cards -------------------------------------------------------------------------------------------------

  const cardOf = (step, kind) => {
    const grid = step.grid
    const title = node("span", { textContent: step.name, title: step.name })
    const caption = node("figcaption")
    caption.innerHTML = step.sign
    caption.append(kind === "in" ? node("button", { type: "button", onclick: () => go(step), title: `Go to ${step.name}` }, title) : title, node("small", { textContent: shape(step, data.item) }))
    const card = { step, grid, kind, canvases: [], labels: [], figure: node("figure", {}, caption), from: 0 }
    card.body = card.figure.appendChild(node("div", { className: step.axes.length ? "panels" : "number" }))
    return card
  }

  // Make the pictures of a card as large as its room.
  const fit = (card, width, height) => {
    const { grid, step } = card
    Object.assign(card, { canvases: [], labels: [] })
    if (!grid.flat.length) return card.body.replaceChildren("–")
    if (!step.axes.length) {
      const end = step === steps.at(-1)
      card.body.replaceChildren(end ? data.shown : number(grid.flat[0]), ...(end ? [node("small", { textContent: data.as })] : []))
      return card.body.setAttribute("aria-label", step.alt)
    }
    const names = grid.rowAxis ? clamp(60, width * 0.36, 190) : 0
    const under = grid.colAxis && grid.panels === 1 && width > 240 && height > 110 ? 56 : 0
    const large = clamp(22, stage.clientHeight / 12, 34) // pixels of a cell at most
    let best = { score: -1 }
    for (let across = 1; across <= grid.panels; across++) {
      const down = Math.ceil(grid.panels / across)
      const wide = Math.min(grid.bars ? 150 : large, ((width - names) / across - 10 - (grid.bars ? 62 : 0)) / grid.cols)
      const high = Math.min(grid.rowAxis && !grid.colAxis ? large - 3 : large + 2, (height / down - (grid.panels > 1 ? 18 : 2) - under) / grid.rows)
      const score = Math.min(wide, 14) * Math.min(high, 14)
      if (score > best.score) best = { score, across, wide: Math.max(wide, 0.5), high: Math.max(high, 0.5) }
    }
    Object.assign(card, best, { under })
    card.body.replaceChildren(...Array.from({ length: grid.panels }, (_, p) => panel(card, p, names)))
  }

  const panel = (card, p, width) => {
    const { grid, step, wide, high } = card
    const canvas = node("canvas", { tabIndex: 0, ariaLabel: step.alt })
    canvas.setAttribute("role", "img")
    const size = [wide * grid.cols, high * grid.rows]
    canvas.style.cssText = `width:${size[0]}px;height:${size[1]}px`
    const dots = window.devicePixelRatio || 1
    Object.assign(canvas, { width: Math.ceil(size[0] * dots), height: Math.ceil(size[1] * dots) })
    canvas.getContext("2d").scale(dots, dots)
    card.canvases.push(canvas)
    const at = event => {
      const box = canvas.getBoundingClientRect()
      const [r, c] = [Math.floor((event.clientY - box.top) / high), Math.floor((event.clientX - box.left) / wide)]
      return grid.index[(p * grid.rows + clamp(0, r, grid.rows - 1)) * grid.cols + clamp(0, c, grid.cols - 1)]
    }
    canvas.onpointermove = canvas.onpointerdown = event => point(card, at(event))
    canvas.onpointerleave = event => event.pointerType === "mouse" && point(null) // a finger may leave, what it tapped stays
    canvas.onclick = event => pin(movieAt(step, at(event)))
    canvas.onfocus = () => canvas.matches(":focus-visible") && point(card, hot?.card === card ? hot.i : grid.index[p * grid.rows * grid.cols], true)
    canvas.onblur = () => point(null)
    canvas.onkeydown = event => walk(event, card, p)
    const made = node("div", { className: "panel" })
    if (grid.panels > 1) made.append(node("em", { textContent: grid.panelName(p) }))
    if (grid.rowAxis && p % card.across === 0) made.append(rows(card, width))
    made.append(canvas)
    if (grid.bars) made.append(node("div", { className: "nums" }, ...grid.flat.map((x, i) => place(node("span", { textContent: high < LABEL ? "" : number(x) }), (i + 0.5) * high, high))))
    if (card.under && wide >= 7) made.append(columns(card))
    return made
  }

  const place = (label, y, high) => {
    label.style.cssText = `top:${y}px;font-size:${clamp(9.5, high, 11.5)}px`
    return label
  }

  // Names of rows; where rows are low, of as many of the largest as there is room for.
  const rows = (card, width) => {
    const { grid, high } = card
    const size = r => Math.max(...Array.from({ length: grid.cols }, (_, c) => Math.abs(grid.flat[grid.index[r * grid.cols + c]] ?? 0)))
    const order = [...Array(grid.rows).keys()].sort((a, b) => size(b) - size(a))
    const taken = []
    for (const r of order) if (taken.every(other => Math.abs(other - r) * high >= LABEL)) taken.push(r)
    const list = node("div", { className: "rows" })
    list.style.width = `${width - 6}px`
    list.append(...taken.map(r => label(card, grid.rowAxis, r, (r + 0.5) * high)))
    return list
  }
  const label = (card, axis, i, y) => {
    const movie = axis.movie_ids?.[i] ?? null
    const made = place(node("button", { type: "button", tabIndex: -1, textContent: axis.labels[i], title: axis.labels[i] }), y, card.high)
    if (movie !== null) Object.assign(made, { onpointerenter: () => marked(movie), onpointerleave: () => marked(null), onclick: () => pin(movie) })
    card.labels.push([made, movie])
    return made
  }
  const columns = card => {
    const { grid, wide } = card
    const list = node("div", { className: "cols" })
    list.append(...grid.colAxis.labels.map((name, c) => {
      const made = node("span", { textContent: name, title: name })
      made.style.left = `${(c + 0.5) * wide}px`
      card.labels.push([made, grid.colAxis.movie_ids?.[c] ?? null])
      return made
    }).filter((_, c) => wide >= LABEL || c % Math.ceil(LABEL / wide) === 0))
    return list
  }

  const movieAt = (step, i) => {
    const at = step.grid.coords(i)
    const k = step.axes.findIndex(axis => axis.movie_ids?.length)
    return k < 0 || i < 0 ? null : step.axes[k].movie_ids[at[k]]
  }

  // ---- painting ----------------------------------------------------------------------------------------------

  const paint = (card, { values = card.grid.flat, until = Infinity, lit = [] } = {}) => {
    const { grid, wide, high, step } = card
    const [up, down, strong, dim] = ["--up", "--down", "--mark", "--st-text-color"].map(css)
    const gap = Math.min(wide, high) > 5 ? 1 : Math.min(wide, high) > 2.5 ? 0.5 : 0
    for (const [p, canvas] of card.canvases.entries()) {
      const ink = canvas.getContext("2d")
      ink.clearRect(0, 0, wide * grid.cols, high * grid.rows)
      for (let r = 0; r < grid.rows; r++) {
        for (let c = 0; c < grid.cols; c++) {
          const i = grid.index[(p * grid.rows + r) * grid.cols + c]
          if (i < 0) continue
          const x = values[i]
          const seen = i < until
          ink.fillStyle = !seen ? dim : x < 0 ? down : up
          const share = clamp(0, Math.abs(x) / grid.limit, 1)
          ink.globalAlpha = seen ? (grid.bars ? 0.9 : 0.04 + 0.96 * share ** 0.7) : 0.05
          const [left, top, w, h] = [c * wide + gap / 2, r * high + gap / 2, wide - gap, high - gap]
          if (!grid.bars || !seen) ink.fillRect(left, top, w, h)
          else {
            const zero = grid.signed ? (grid.flat.some(one => one > 0) ? w / 2 : w) : 0
            const long = share * (grid.signed && zero < w ? w / 2 : w)
            ink.fillRect(x < 0 ? zero - long : zero, top + h * 0.12, long, h * 0.76)
            ink.globalAlpha = 0.35
            ink.fillStyle = dim
            ink.fillRect(zero - 0.5, top, 1, h)
          }
        }
      }
      ink.globalAlpha = 1
      ink.strokeStyle = strong
      ink.lineWidth = 1.5
      const [r, c] = filmAt(grid)
      if (r >= 0) ink.strokeRect(0.75, r * high + 0.75, wide * grid.cols - 1.5, high - 1.5)
      if (c >= 0) ink.strokeRect(c * wide + 0.75, 0.75, wide - 1.5, high * grid.rows - 1.5)
      ink.lineWidth = 2
      if (card === cards.at(-1)) ink.strokeStyle = dim
      for (const box of boxes(grid, p, lit)) ink.strokeRect(box.c * wide + 1, box.r * high + 1, box.cols * wide - 2, box.rows * high - 2)
    }
    for (const [made, movie] of card.labels) made.classList.toggle("marked", movie !== null && movie === (mark ?? pinned))
  }

  // Row and column of the film marked.
  const filmAt = grid => [grid.rowAxis, grid.colAxis].map(axis => axis?.movie_ids?.indexOf(mark ?? pinned) ?? -1)

  // The rectangle about some numbers, in one panel.
  const boxes = (grid, panel, lit) => {
    const places = lit.map(grid.place).filter(([p]) => p === panel)
    if (!places.length) return []
    const [rs, cs] = [places.map(at => at[1]), places.map(at => at[2])]
    const [r, c] = [Math.min(...rs), Math.min(...cs)]
    return [{ r, c, rows: Math.max(...rs) - r + 1, cols: Math.max(...cs) - c + 1 }]
  }

  const boxOn = (card, lit) => {
    const home = stage.getBoundingClientRect()
    for (const [p, canvas] of card.canvases.entries()) {
      const [box] = boxes(card.grid, p, lit)
      if (!box) continue
      const at = canvas.getBoundingClientRect()
      return { x: at.left - home.left + box.c * card.wide, y: at.top - home.top + box.r * card.high, w: box.cols * card.wide, h: box.rows * card.high }
    }
    const at = card.body.getBoundingClientRect()
    return { x: at.left - home.left, y: at.top - home.top, w: Math.min(at.width, 120), h: at.height }
  }

  // What is true of a cell is drawn: what it reads, threads from there, and its sum.
  const reveal = (i, { values, until } = {}) => {
    const own = cards.at(-1)
    const read = cards.slice(0, -1)
    const lit = i === null ? read.map(() => []) : read.map((_, k) => reads(now, read.map(card => card.step), k, i))
    read.forEach((card, k) => paint(card, { lit: lit[k] }))
    paint(own, { values, until, lit: i === null ? [] : [i] })
    thread(read.map((card, k) => (lit[k].length ? boxOn(card, lit[k]) : null)), i === null ? null : boxOn(own, [i]))
  }

  const curve = (from, to, kind) => {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path")
    const down = ins.getBoundingClientRect().bottom <= op.getBoundingClientRect().top + 4 && out.getBoundingClientRect().top >= op.getBoundingClientRect().bottom - 4
    const [x1, y1, x2, y2] = [...from, ...to]
    const bend = down ? `${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2}` : `${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2}`
    path.setAttribute("d", `M${x1} ${y1}C${bend} ${x2} ${y2}`)
    path.setAttribute("class", kind)
    if (kind !== "thread" && kind !== "flow") path.setAttribute("marker-end", "url(#head)")
    return path
  }
  const thread = (sources, target) => {
    const home = stage.getBoundingClientRect()
    const round = op.querySelector("b").getBoundingClientRect()
    const hub = { x: round.left - home.left, y: round.top - home.top, w: round.width, h: round.height }
    const middle = hub.y + hub.h / 2
    const narrow = stage.clientWidth < 560
    const [left, right] = narrow
      ? [[hub.x + hub.w / 2, hub.y], [hub.x + hub.w / 2, hub.y + hub.h]]
      : [[hub.x - 2, middle], [hub.x + hub.w + 2, middle]]
    const end = box => [box.x + box.w + 3, box.y + box.h / 2]
    const begin = box => [box.x - 5, box.y + box.h / 2]
    const all = card => {
      const box = card.figure.getBoundingClientRect()
      const inner = card.canvases[0]?.getBoundingClientRect() ?? card.body.getBoundingClientRect()
      const last = card.canvases.at(-1)?.getBoundingClientRect() ?? inner
      return { x: (card.kind === "in" ? inner.left : box.left) - home.left, y: inner.top - home.top, w: card.kind === "in" ? Math.max(last.right, inner.right) - inner.left + (card.grid.bars ? 58 : 0) : box.width, h: last.bottom - inner.top }
    }
    wires.querySelectorAll("path.wire, path.thread, path.flow").forEach(one => one.remove())
    const read = cards.slice(0, -1)
    const own = cards.at(-1)
    const [above, below] = [ins, out].map(one => one.getBoundingClientRect())
    const drawn = narrow
      ? [...(read.length ? [curve([left[0], above.bottom - home.top], left, "wire")] : []), curve(right, [right[0], below.top - home.top], "wire")]
      : [...read.map(card => curve(end(all(card)), left, "wire")), curve(right, begin(all(own)), "wire")]
    if (view.flows) drawn.push(...drawn.map(wire => { const copy = wire.cloneNode(); copy.setAttribute("class", "flow"); copy.removeAttribute("marker-end"); return copy }))
    else if (!narrow) drawn.push(...sources.filter(Boolean).map(box => curve(end(box), left, "thread")), ...(target ? [curve(right, begin(target), "thread")] : []))
    wires.append(...drawn)
  }

  // ---- the sum behind a cell ---------------------------------------------------------------------------------

  const explain = (step, i) => {
    if (!step.grid.flat.length) {
      sumTitle.textContent = "Nothing here: no film was watched"
      sum.replaceChildren()
      return sumTitle.textContent
    }
    const read = step.inputs.map(id => byId.get(id)).filter(Boolean)
    const value = step.grid.flat[i]
    const cell = cellName(step, i)
    let list = step.sums?.[i]
    let kind = list ? "adds up from" : "is made from"
    list ??= read.flatMap((one, k) => {
      const from = reads(step, read, k, i)
      return from.length > 0 && from.length <= 6
        ? from.map(j => [one.axes.length ? `${one.name}: ${cellName(one, j)}` : one.name, one.grid.flat[j]])
        : from.length ? [[`${one.name}: ${from.length} numbers`, null]] : []
    })
    if (folds(step) && !step.sums?.[i]) {
      kind = "is made by these steps"
      list = steps.filter(one => one.parent === step.id).map(one => [one.name, one.axes.length ? null : one.grid.flat[0]])
    }
    sumTitle.textContent = list.length ? `${cell || step.name} ${kind}` : cell || step.name
    const largest = Math.max(1e-12, ...list.map(([, x]) => Math.abs(x ?? 0)))
    const film = mark ?? pinned
    const title = film === null ? "" : steps.flatMap(one => one.axes).find(axis => axis.movie_ids?.includes(film))
    const name = title && title.labels[title.movie_ids.indexOf(film)]
    const row = ([text, x], total) => {
      const made = node("div", { className: total ? "term total" : "term" }, node("span", { textContent: text, title: text }), node("i"), node("span", { textContent: x === null ? "" : total ? number(x) : plus(x) }))
      made.firstChild.classList.toggle("marked", Boolean(name) && text.includes(name))
      if (x === null) made.children[1].remove()
      const long = x === null || total ? 0 : (50 * Math.abs(x)) / largest
      if (x !== null) made.children[1].style.cssText = total ? "background:none" : `--from:${x < 0 ? 50 - long : 50}%;--long:${long}%;--tone:var(--${x < 0 ? "down" : "up"})`
      return made
    }
    sum.replaceChildren(...list.map(one => row(one, false)), row([list.length ? "together" : "value", value], true))
    if (kind !== "adds up from") sum.lastChild.firstChild.textContent = step.name
    return `${cell || step.name}: ${number(value)}. ${list.map(([text, x]) => `${text} ${x === null ? "" : number(x)}`).join(", ")}`
  }
  const largestOf = step => step.grid.flat.reduce((best, x, i) => (Math.abs(x) > Math.abs(step.grid.flat[best]) ? i : best), 0)

  const point = (card, i = 0, speak = false) => {
    if (card && i < 0) return
    if (card && hot?.card === card && hot.i === i) return
    if (card) halt()
    hot = card ? { card, i } : null
    mark = card ? movieAt(card.step, i) : null
    const own = card && card === cards.at(-1)
    reveal(own ? i : null)
    if (card && !own) paint(card, { lit: [i] })
    const words = card ? explain(card.step, i) : explain(now, largestOf(now))
    if (speak) aloud.textContent = words
    marks()
  }
  const marked = movie => {
    mark = movie
    cards.forEach(card => paint(card))
    marks()
    explain(hot?.card.step ?? now, hot?.i ?? largestOf(now))
  }
  const pin = movie => {
    pinned = pinned === movie ? null : movie
    marked(mark)
  }
  // A film marked is seen in the line of steps, too.
  const marks = anew => {
    if (!anew && seen === (mark ?? pinned)) return
    seen = mark ?? pinned
    for (const item of line.querySelectorAll("canvas")) thumb(item, byId.get(item.dataset.step))
  }

  const walk = (event, card, p) => {
    const { grid } = card
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }
    if (event.key === "Escape") stage.focus()
    else if (event.key === "Enter") pin(movieAt(card.step, hot?.i ?? 0))
    else if (moves[event.key]) {
      const [, r, c] = grid.place(hot?.card === card ? hot.i : 0)
      const [dr, dc] = moves[event.key]
      const i = grid.index[(p * grid.rows + clamp(0, r + dr, grid.rows - 1)) * grid.cols + clamp(0, c + dc, grid.cols - 1)]
      point(card, i, true)
    } else return
    event.stopPropagation()
    event.preventDefault()
  }

  // ---- the line of steps -------------------------------------------------------------------------------------

  const thumb = (canvas, step) => {
    const { grid } = step
    const ink = canvas.getContext("2d")
    if (!grid.flat.length) return
    const [w, h] = [grid.panels * (grid.cols + 1) - 1, grid.rows]
    const big = Math.max(1, Math.ceil(24 / h), Math.ceil(20 / w))
    Object.assign(canvas, { width: w * big, height: h * big })
    canvas.style.width = `${clamp(10, (26 * w) / h, 64)}px`
    const [up, down, strong] = ["--up", "--down", "--mark"].map(css)
    grid.flat.forEach((x, i) => {
      const [p, r, c] = grid.place(i)
      ink.fillStyle = x < 0 ? down : up
      ink.globalAlpha = 0.05 + 0.95 * clamp(0, Math.abs(x) / grid.limit, 1)
      ink.fillRect((p * (grid.cols + 1) + c) * big, r * big, big, big)
    })
    ink.globalAlpha = 1
    ink.strokeStyle = strong
    ink.lineWidth = Math.max(1, big / 3)
    const [r, c] = filmAt(grid)
    if (r >= 0) ink.strokeRect(0, r * big, w * big, big)
    for (let p = 0; c >= 0 && p < grid.panels; p++) ink.strokeRect((p * (grid.cols + 1) + c) * big, 0, big, h * big)
  }
  const drawLine = () => {
    const list = shown()
    const at = list.indexOf(now)
    const held = line.contains(root.activeElement)
    line.querySelector("ol").replaceChildren(...list.map((step, k) => {
      const canvas = node("canvas")
      canvas.dataset.step = step.id
      const button = node("button", { type: "button", title: step.name, ariaLabel: step.alt, onclick: () => go(step) }, canvas, node("span", { textContent: step.name }))
      if (step === now) button.setAttribute("aria-current", "step")
      button.tabIndex = step === now ? 0 : -1
      const item = node("li", {}, button)
      item.classList.toggle("folded", folds(step) && !opened.has(step.id))
      item.classList.toggle("inner", Boolean(step.parent))
      item.classList.toggle("later", k > at)
      item.classList.toggle("source", now.inputs.includes(step.id))
      return item
    }))
    if (held) line.querySelector("[aria-current]").focus()
    marks(true)
    requestAnimationFrame(arcs)
  }
  // Arcs from the steps read to the step shown.
  const arcs = () => {
    const svg = line.querySelector("svg")
    const home = line.getBoundingClientRect()
    const middle = id => {
      const item = line.querySelector(`canvas[data-step="${CSS.escape(id)}"]`)?.getBoundingClientRect()
      return item && [item.left + item.width / 2 - home.left + line.scrollLeft, item.top - home.top]
    }
    const [x, y] = middle(now.id) ?? [0, 0]
    svg.style.width = `${line.scrollWidth}px`
    svg.innerHTML = now.inputs.map(middle).filter(Boolean)
      .map(([from, top]) => `<path d="M${from} ${top - 2}C${from} ${top - 17} ${x} ${y - 17} ${x} ${y - 3}" fill="none" stroke="${css("--mark")}" stroke-width="1.5" marker-end="url(#tip)"/>`).join("")
    const current = line.querySelector("[aria-current]")?.parentElement
    if (current) line.scrollLeft = clamp(0, current.offsetLeft - line.clientWidth / 2 + 30, line.scrollWidth)
  }

  // ---- the step ----------------------------------------------------------------------------------------------

  // The picture takes the height that is left below all else, on a screen wide enough to see both.
  const grow = () => {
    const top = find(".inside").getBoundingClientRect().top + (document.querySelector("[data-testid=stMain]")?.scrollTop ?? 0)
    const others = stage.offsetTop - find(".inside").offsetTop + 178
    find(".inside").style.setProperty("--stage", `${clamp(216, innerHeight - top - others, 480)}px`)
  }

  const lay = () => {
    grow()
    const read = now.inputs.map(id => byId.get(id)).filter(Boolean)
    cards = [...new Set(read)].map(step => cardOf(step, "in"))
    cards.push(cardOf(now, "out"))
    ins.replaceChildren(...cards.slice(0, -1).map(card => card.figure))
    out.replaceChildren(cards.at(-1).figure)
    stage.classList.toggle("alone", cards.length === 1)
    const narrow = stage.clientWidth < 560
    const high = narrow ? 190 : stage.clientHeight - 16
    const wide = narrow ? stage.clientWidth - 20 : (stage.clientWidth - 24 - 104) / (cards.length === 1 ? 1 : 2)
    const want = cards.slice(0, -1).map(({ grid, step }) => 24 + (step.axes.length ? Math.min(grid.rows * (grid.rowAxis ? stage.clientHeight / 14 : 24) * (grid.panels > 3 ? 2 : 1) + (grid.colAxis ? 54 : 0), 260) : 30))
    const room = (narrow ? 200 : high) - 8 * (want.length - 1)
    const share = Math.min(1, room / want.reduce((a, b) => a + b, 0))
    cards.slice(0, -1).forEach((card, k) => fit(card, wide, Math.max(14, want[k] * share - 24)))
    fit(cards.at(-1), wide - (cards.length === 1 ? 0 : 8), high - 22)
    const [sign, curve] = [SIGNS[now.operation], CURVES[now.operation]]
    op.querySelector("b").innerHTML = curve ? `<svg viewBox="0 0 30 30"><path d="${curve}"/></svg>` : sign ?? "ƒ"
    op.classList.toggle("opens", folds(now))
    op.querySelector("i").textContent = WORDS[now.operation] ?? now.operation.replaceAll("_", " ")
    terms = termsOf(now, cards.slice(0, -1).map(card => card.step))
  }

  const write = () => {
    const list = shown()
    const at = list.indexOf(now)
    said.textContent = now.name
    formula.innerHTML = now.math
    const line = lesson !== null && lesson >= 0 ? data.lesson.says[lesson] : null
    says.className = lesson === null ? "says" : "says lesson"
    if (lesson === -1) ask()
    else {
      says.replaceChildren(...rich(line ? line.text : now.says))
      if (line && guess && line.step === data.lesson.step) says.append(node("br"), ...rich(`${guess === data.lesson.answer ? "You guessed right" : `You guessed **${guess}**`}: ${data.lesson.told}`))
    }
    count.textContent = lesson === null ? `Step ${at + 1} of ${list.length}` : lesson < 0 ? "First, a guess" : `Lesson, ${lesson + 1} of ${data.lesson.says.length}`
    back.disabled = lesson === null ? at === 0 : lesson < 0
    next.disabled = lesson === null ? at === list.length - 1 : lesson === data.lesson.says.length - 1
    const owner = folds(now) ? now : byId.get(now.parent)
    fold.hidden = !owner
    if (owner) fold.textContent = opened.has(owner.id) ? `Close “${owner.name}”` : `Open: ${steps.filter(one => one.parent === owner.id).length} steps inside`
    fold.onclick = () => {
      if (opened.delete(owner.id)) return go(owner)
      opened.add(owner.id)
      go(steps.find(one => one.parent === owner.id))
    }
    learn.hidden = !data.lesson
    learn.ariaPressed = lesson !== null
    showPlay()
  }
  const showPlay = () => play.replaceChildren(...(playing ? ["❚❚", node("span", { textContent: " Pause" })] : ["▶", node("span", { textContent: " Play" })]))
  // Words with ** about what is strong; a film among them is marked where it is pointed at.
  const rich = text => text.split("**").map((part, k) => {
    if (k % 2 === 0) return part
    const strong = node("b", { textContent: part })
    const axis = steps.flatMap(one => one.axes).find(one => one.movie_ids?.length && one.labels.includes(part))
    if (axis) Object.assign(strong, { onpointerenter: () => marked(axis.movie_ids[axis.labels.indexOf(part)]), onpointerleave: () => marked(null) })
    return strong
  })
  const ask = () => {
    const choose = one => () => {
      guess = one
      lesson = 0
      go(byId.get(data.lesson.says[0].step))
      stage.focus({ preventScroll: true })
    }
    says.replaceChildren(...rich(data.lesson.ask), node("span", { className: "choices" }, ...data.lesson.choices.map(one => node("button", { type: "button", textContent: one, title: one, onclick: choose(one) }))))
  }

  const flow = () => {
    cancelAnimationFrame(frame)
    const start = performance.now()
    const long = calm.matches ? 1 : FLOW / Number(speed.value)
    const cells = now.grid.flat.length
    const one = new Float64Array(cells)
    view.flows = !calm.matches
    const tick = time => {
      const t = clamp(0, (time - start) / long, 1)
      if (t >= 1) {
        view.flows = false
        reveal(null)
        return
      }
      if (terms && cells <= 512) {
        const until = Math.floor(t * (terms.length + 0.99))
        one.fill(0)
        for (const term of terms.slice(0, until)) for (let i = 0; i < cells; i++) one[i] += term[i]
        reveal(null, { values: one })
        const film = swept(until - 1)
        cards.slice(0, -1).forEach((card, k) => paint(card, { lit: film(card, k) }))
        if (!cells || now.axes.length === 0) cards.at(-1).body.firstChild.textContent = number(one[0])
      } else {
        const i = Math.floor(t * cells)
        reveal(cells > 2000 ? null : i, { until: i + 1 })
      }
      frame = requestAnimationFrame(tick)
    }
    frame = requestAnimationFrame(tick)
  }
  // Which numbers of a card the n-th term of a sum is of.
  const swept = n => (card, k) => {
    const names = now.axes.map(axis => axis.name)
    if (now.operation === "sum" && cards.length > 2) return k === n ? [...card.grid.flat.keys()] : []
    const gone = cards.slice(0, -1).slice(0, 2).flatMap(one => one.step.axes).filter(axis => !names.includes(axis.name))
    const axis = gone.find(one => one.labels?.length) ?? gone[0]
    const own = card.step.axes.findIndex(one => one.name === axis?.name)
    return own < 0 || n < 0 ? [] : [...card.grid.flat.keys()].filter(i => card.grid.coords(i)[own] === n)
  }

  const halt = () => {
    cancelAnimationFrame(frame)
    view.flows = false
    if (cards.length && !now.axes.length) fit(cards.at(-1), 300, 100)
  }
  const stop = () => {
    playing = false
    clearTimeout(timer)
    showPlay()
  }

  const go = (step, animate = true) => {
    if (!step) return
    clearTimeout(timer)
    halt()
    for (const id of parents(step)) opened.add(id)
    now = step
    hot = mark = null
    if (lesson !== null && lesson >= 0 && data.lesson.says[lesson].step !== step.id) lesson = null
    find(".inside").classList.toggle("night", dark())
    lay()
    write()
    drawLine()
    explain(now, largestOf(now))
    reveal(null)
    if (animate) flow()
    aloud.textContent = now.alt
    clearTimeout(telling)
    telling = setTimeout(() => {
      if (told !== now.id) view.tell("step", now.id)
      told = now.id
    }, 400)
    const words = says.textContent.length
    if (playing) timer = setTimeout(() => (next.disabled ? stop() : move(1)), (FLOW + Math.max(READ, words * LETTER)) / Number(speed.value))
  }
  const move = by => {
    if (lesson !== null) {
      lesson = clamp(-1, lesson + by, data.lesson.says.length - 1)
      return go(byId.get(data.lesson.says[Math.max(lesson, 0)].step))
    }
    const list = shown()
    go(list[clamp(0, list.indexOf(now) + by, list.length - 1)])
  }

  back.onclick = () => { stop(); move(-1) }
  next.onclick = () => { stop(); move(1) }
  op.onclick = () => folds(now) && fold.onclick()
  play.onclick = () => {
    play.classList.remove("fresh")
    if (playing) return stop()
    playing = true
    if (next.disabled && lesson === null) go(shown()[0])
    else if (lesson === -1) move(1)
    else go(now)
  }
  learn.onclick = () => {
    stop()
    lesson = lesson === null ? (data.lesson.choices.length ? -1 : 0) : null
    guess = null
    go(lesson === null ? now : byId.get(data.lesson.says[0].step))
  }
  find(".inside").onkeydown = event => {
    const { key, target } = event
    if (event.ctrlKey || event.metaKey || event.altKey || target.tagName === "SELECT") return
    event.stopPropagation() // letters are shortcuts of the page
    const space = key === " " && target.tagName !== "BUTTON"
    if (key === "ArrowRight" && !next.disabled) next.onclick()
    else if (key === "ArrowLeft" && !back.disabled) back.onclick()
    else if (space) play.onclick()
    else if (key === "Home") go(shown()[0])
    else if (key === "End") go(shown().at(-1))
    else return
    event.preventDefault()
  }
  wires.innerHTML = `<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:var(--faint);stroke:none"/></marker></defs>`

  let width = 0
  const watch = new ResizeObserver(() => {
    if (!now || Math.abs(stage.clientWidth - width) < 4) return
    width = stage.clientWidth
    go(now, false)
  })
  watch.observe(stage)
  stage.ontransitionend = () => now && go(now, false) // the theme has changed

  view.close = () => {
    stop()
    halt()
    clearTimeout(telling)
  }
  view.show = given => {
    const before = data
    data = given
    if (before.key === data.key) {
      if (data.turn !== before.turn && data.step !== now.id) go(byId.get(data.step))
      return
    }
    stop()
    told = data.step
    steps = data.trace.steps
    byId = new Map(steps.map(step => [step.id, step]))
    for (const step of steps) step.grid = gridOf(step)
    opened = new Set()
    lesson = pinned = guess = null
    go(byId.get(data.step) ?? byId.get(now?.id) ?? steps[0], Boolean(before.key))
  }
  return view
}
