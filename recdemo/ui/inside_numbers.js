// The numbers of a step: how they lie, what they are called, which numbers each is made from.

const WRAP = 40 // numbers of a row without names
const LOOKING = "looking film" // the axis of films that look at those of the axis "film"
// Operations whose numbers read all of the last axis.
const WHOLE = ["layer", "pair_layer", "network", "norm", "project", "attend", "feed_forward", "feed_forward_post", "relu_net", "sigmoid_net",
  "silu_project", "gated", "gated_layer", "gru", "rnn", "lstm", "augru", "word_windows", "convolution", "solve", "fusion"]

const times = sizes => sizes.reduce((a, b) => a * b, 1)
const number = x => {
  if (x === null || x === undefined) return "–"
  const size = Math.abs(x)
  const text = size >= 1000 ? x.toFixed(0) : size >= 100 ? x.toFixed(1) : size >= 10 ? x.toFixed(2) : size >= 0.001 || !size ? x.toFixed(3) : x.toExponential(1)
  return text.replace("-", "−")
}
const signed = x => (x < 0 ? `−${number(-x)}` : `+${number(x)}`)

// `place(i)` is the panel, row and column of a number, `at` the way back: −1 where none lies.
function gridOf(step) {
  const axes = step.axes
  const flat = [step.values].flat(Infinity)
  const sizes = axes.map(axis => axis.size)
  const strides = sizes.map((_, k) => times(sizes.slice(k + 1)))
  const coords = i => strides.map((stride, k) => Math.floor(i / stride) % sizes[k])
  const named = axis => (axis?.labels?.length ? axis : null)
  const grid = { flat, strides, coords, panels: 1, rows: 1, cols: 1, limit: Math.max(1e-12, ...flat.map(Math.abs)), signed: flat.some(x => x < 0) }
  const parts = axes.length === 1 && axes[0].parts?.length > 1 && axes[0].parts.length < 24 ? axes[0].parts : null
  const pairs = pairsOf(axes)
  if (parts) {
    const starts = parts.map((_, k) => parts.slice(0, k).reduce((sum, [, size]) => sum + size, 0))
    Object.assign(grid, { rows: parts.length, cols: Math.max(...parts.map(part => part[1])), rowAxis: { labels: parts.map(part => part[0]) } })
    grid.place = i => {
      const row = starts.findLastIndex(start => start <= i)
      return [0, row, i - starts[row]]
    }
  } else if (pairs) {
    const { names, places } = pairs
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
  const cell = (p, r, c) => (p * grid.rows + r) * grid.cols + c
  const index = new Int32Array(grid.panels * grid.rows * grid.cols).fill(-1)
  for (const i of flat.keys()) index[cell(...grid.place(i))] = i
  grid.at = (p, r, c) => index[cell(p, r, c)]
  return grid
}

// Names and places of an axis of pairs, whose labels read “A × B”: it lies as a triangle.
function pairsOf(axes) {
  const pairs = axes.length === 1 && axes[0].labels?.length > 5 ? axes[0].labels.map(label => label.split(" × ")) : [[]]
  if (pairs.some(pair => pair.length !== 2)) return null
  const names = [...new Set(pairs.flat())]
  return { names, places: pairs.map(([a, b]) => [names.indexOf(b), names.indexOf(a)]) }
}

function nameOf(axis, i) {
  if (axis.labels?.length) return axis.labels[i]
  let start = 0
  for (const [name, size] of axis.parts ?? []) {
    if (i < start + size) return size > 1 ? `${name}, number ${i - start + 1}` : name
    start += size
  }
  return `${axis.name} ${i + 1}`
}
const cellName = (step, i) => step.grid.coords(i).map((at, k) => nameOf(step.axes[k], at)).join(", ")
const shapeOf = (step, item) => step.axes.map(axis => `${axis.size} ${axis.name.replace("film", item)}${axis.size === 1 ? "" : "s"}`).join(" × ")
const largestOf = step => step.grid.flat.reduce((best, x, i) => (Math.abs(x) > Math.abs(step.grid.flat[best]) ? i : best), 0)

// The film that a number is about, or null.
function movieAt(step, i) {
  const k = step.axes.findIndex(axis => axis.movie_ids?.length)
  return k < 0 || i < 0 ? null : step.axes[k].movie_ids[step.grid.coords(i)[k]]
}

// The numbers of the k-th step read that the step's number i is made from.
function reads(step, sources, k, i) {
  const source = sources[k]
  const at = step.grid.coords(i)
  const whole = WHOLE.includes(step.operation)
  const has = (one, name) => one.axes.some(axis => axis.name === name)
  const mixes = !has(step, LOOKING) && sources.some(one => has(one, LOOKING)) // what films look at
  const nameInStep = axis => {
    if (mixes) return axis.name === "film" ? "" : axis.name === LOOKING ? "film" : axis.name
    return axis.name === "film" && !has(step, "film") ? LOOKING : axis.name
  }
  let wanted // on each axis of the source: where, or null for all along it
  if (step.operation === "concat" && step.axes.length === 1) {
    const own = i - sources.slice(0, k).reduce((sum, one) => sum + one.grid.flat.length, 0)
    return own >= 0 && own < source.grid.flat.length ? [own] : []
  } else if (step.operation === "concat") {
    const own = at.at(-1) - sources.slice(0, k).reduce((sum, one) => sum + (one.axes.at(-1)?.size ?? 1), 0)
    if (own < 0 || own >= (source.axes.at(-1)?.size ?? 1)) return []
    wanted = source.axes.map((axis, n) => (n === source.axes.length - 1 ? own : at[step.axes.findIndex(one => one.name === axis.name)] ?? null))
  } else {
    wanted = source.axes.map((axis, n) => {
      const found = step.axes.findIndex(one => one.name === nameInStep(axis) && one.size === axis.size)
      return found < 0 || (whole && n === source.axes.length - 1) ? null : at[found]
    })
  }
  return [...source.grid.flat.keys()].filter(j => source.grid.coords(j).every((x, n) => wanted[n] === null || wanted[n] === x))
}

// Axes that a step sums over, since it lacks them; and the one of these along which its terms are taken.
const summedOver = (step, axes) => axes.filter(axis => !step.axes.some(one => one.name === axis.name))
const alongOf = summed => summed.find(axis => axis.labels?.length) ?? summed[0]

// A sum as its terms, one after the other: an array of the step's size for each. Null where they do not add up to it.
function termsOf(step, sources) {
  const { operation, grid } = step
  if (!["sum", "mean", "dot", "weighted_sum", "matmul"].includes(operation) || !sources.length) return null
  const several = operation === "sum" && sources.length > 1
  const factors = several ? sources.map(one => [one])
    : operation === "sum" || operation === "mean" ? [sources.slice(0, 1)]
    : [sources.slice(0, 2), ...sources.slice(2).map(one => [one])]
  let terms = factors.map(list => termsOfProduct(step, list))
  if (terms.includes(null)) return null
  terms = several ? terms.map(list => list.reduce((a, b) => a.map((x, i) => x + b[i]))) : terms.flat()
  const fits = grid.flat.every((x, i) => Math.abs(x - terms.reduce((sum, term) => sum + term[i], 0)) < 2e-3 * Math.max(grid.limit, 1))
  return terms.length > 1 && fits ? terms : null
}

// The same of one product of sources. Null where it would take long.
function termsOfProduct(step, factors) {
  const axes = [...new Map(factors.flatMap(one => one.axes).map(axis => [axis.name, axis])).values()]
  const sizes = axes.map(axis => axis.size)
  if (times(sizes) > 40000) return null
  const summed = summedOver(step, axes)
  const along = alongOf(summed)
  const terms = Array.from({ length: along?.size ?? 1 }, () => new Float64Array(step.grid.flat.length))
  // How far to go in each factor, and last in the step, for one more on each axis.
  const strides = [...factors, step].map(({ axes: own, grid }) => {
    const byName = new Map(own.map((axis, k) => [axis.name, grid.strides[k]]))
    return axes.map(axis => byName.get(axis.name) ?? 0)
  })
  for (let flat = 0; flat < times(sizes); flat++) {
    let rest = flat
    const at = sizes.map((_, k) => {
      const below = times(sizes.slice(k + 1))
      const x = Math.floor(rest / below)
      rest %= below
      return x
    })
    const places = strides.map(stride => stride.reduce((sum, s, k) => sum + s * at[k], 0))
    terms[along ? at[axes.indexOf(along)] : 0][places.at(-1)] += times(factors.map((one, n) => one.grid.flat[places[n]]))
  }
  if (step.operation === "mean") for (const term of terms) for (const i of term.keys()) term[i] /= times(summed.map(axis => axis.size))
  return terms
}
