// A chip under the pointer, or pressed, leaves only its contender in the plots.
const chips = [...document.querySelectorAll(".chip")];
const marks = new Map();
for (const chip of chips) {
  const key = chip.dataset.key;
  const found = [...document.querySelectorAll(`figure svg [stroke="${key}"], figure svg [fill="${key}"]`)];
  marks.set(chip, found);
  for (const mark of found) {
    const title = document.createElementNS(mark.namespaceURI, "title");
    title.textContent = chip.textContent;
    mark.append(title);
  }
}
function show(hovered) {
  const chosen = chips.filter((chip) => chip === hovered || chip.getAttribute("aria-pressed") === "true");
  for (const chip of chips) {
    const dim = chosen.length > 0 && !chosen.includes(chip);
    marks.get(chip).forEach((mark) => mark.classList.toggle("dim", dim));
  }
}
for (const chip of chips) {
  chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", chip.getAttribute("aria-pressed") !== "true");
    show();
  });
  // A finger that taps would hover for ever.
  chip.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(chip));
  chip.addEventListener("pointerleave", () => show());
}
