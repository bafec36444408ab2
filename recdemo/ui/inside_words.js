// What is said below the stage: the step in words or a lesson's sentence, and the sum behind a number.

// The step's words; within a lesson its sentence or, before the first, its question.
function say(view) {
  const { now, lesson, guess, data, parts: { name, formula, says } } = view
  name.textContent = now.name
  formula.innerHTML = now.math
  says.className = lesson === null ? "says" : "says lesson"
  if (lesson === QUESTION) return ask(view)
  const sentence = lesson === null ? null : data.lesson.says[lesson]
  says.replaceChildren(...rich(view, sentence ? sentence.text : now.says))
  if (sentence && guess && sentence.step === data.lesson.step) {
    const guessed = guess === data.lesson.answer ? "You guessed right" : `You guessed **${guess}**`
    says.append(node("br"), ...rich(view, `${guessed}: ${data.lesson.told}`))
  }
}

function ask(view) {
  const { data: { lesson }, parts: { says, stage } } = view
  const choose = choice => {
    view.guess = choice
    view.lesson = 0
    go(view, view.byId.get(lesson.says[0].step))
    stage.focus({ preventScroll: true })
  }
  const choices = lesson.choices.map(one => node("button", { type: "button", textContent: one, title: one, onclick: () => choose(one) }))
  says.replaceChildren(...rich(view, lesson.ask), node("span", { className: "choices" }, ...choices))
}

// Words with ** about what is strong; a film among them is marked where it is pointed at.
function rich(view, text) {
  return text.split("**").map((part, k) => {
    if (k % 2 === 0) return part
    const strong = node("b", { textContent: part })
    const axis = view.steps.flatMap(one => one.axes).find(one => one.movie_ids?.length && one.labels.includes(part))
    if (axis) Object.assign(strong, { onpointerenter: () => markFilm(view, axis.movie_ids[axis.labels.indexOf(part)]), onpointerleave: () => markFilm(view, null) })
    return strong
  })
}

// Draw what a number comes from; returns it in words.
function explain(view, step, i) {
  const { sumTitle, sum } = view.parts
  if (!step.grid.flat.length) {
    sumTitle.textContent = "Nothing here: no film was watched"
    sum.replaceChildren()
    return sumTitle.textContent
  }
  const value = step.grid.flat[i]
  const title = cellName(step, i) || step.name
  const { relation, terms } = originOf(view, step, i)
  sumTitle.textContent = terms.length ? `${title} ${relation}` : title
  const largest = Math.max(1e-12, ...terms.map(([, x]) => Math.abs(x ?? 0)))
  const film = nameOfMarked(view)
  const whole = !step.sums?.[i] ? step.name : terms.length ? "together" : "value"
  sum.replaceChildren(...terms.map(([text, x]) => termRow(text, x, largest, film)), totalRow(whole, value))
  return `${title}: ${number(value)}. ${terms.map(([text, x]) => `${text} ${x === null ? "" : number(x)}`).join(", ")}`
}

// Pairs of a name and a number, which is null where there are many.
function originOf(view, step, i) {
  if (step.sums?.[i]) return { relation: "adds up from", terms: step.sums[i] }
  if (folds(view, step)) {
    const made = view.steps.filter(one => one.parent === step.id)
    return { relation: "is made by these steps", terms: made.map(one => [one.name, one.axes.length ? null : one.grid.flat[0]]) }
  }
  const sources = sourcesOf(view, step)
  const terms = sources.flatMap((one, k) => {
    const from = reads(step, sources, k, i)
    if (from.length > 6) return [[`${one.name}: ${from.length} numbers`, null]]
    return from.map(j => [one.axes.length ? `${one.name}: ${cellName(one, j)}` : one.name, one.grid.flat[j]])
  })
  return { relation: "is made from", terms }
}

function nameOfMarked(view) {
  const movie = filmMarked(view)
  const axis = movie === null ? null : view.steps.flatMap(one => one.axes).find(one => one.movie_ids?.includes(movie))
  return axis?.labels[axis.movie_ids.indexOf(movie)]
}

function termRow(text, x, largest, film) {
  const name = node("span", { textContent: text, title: text })
  name.classList.toggle("marked", Boolean(film) && text.includes(film))
  if (x === null) return node("div", { className: "term" }, name, node("span"))
  const bar = node("i")
  const long = (50 * Math.abs(x)) / largest
  bar.style.cssText = `--from:${x < 0 ? 50 - long : 50}%;--long:${long}%;--tone:var(--${x < 0 ? "down" : "up"})`
  return node("div", { className: "term" }, name, bar, node("span", { textContent: signed(x) }))
}

function totalRow(text, x) {
  const bar = node("i")
  bar.style.cssText = "background:none"
  return node("div", { className: "term total" }, node("span", { textContent: text, title: text }), bar, node("span", { textContent: number(x) }))
}
