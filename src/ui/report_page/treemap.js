"use strict";
// The squarified treemap (Bruls, Huizing, van Wijk): rectangles of given areas, as near to squares as they can be had.

/** Lays `items` (each with a positive `value`, the largest first) into `box`; calls `place(item, x, y, width, height)`. */
function squarify(items, box, place) {
  let total = items.reduce((sum, item) => sum + item.value, 0);
  let { x, y, w, h } = box;
  let start = 0;
  while (start < items.length && w > 0 && h > 0 && total > 0) {
    const scale = (w * h) / total;
    const side = Math.min(w, h);
    let end = start;
    let sum = 0;
    let worst = Infinity;
    while (end < items.length) {
      const next = sum + items[end].value * scale;
      const length = next / side;
      const first = (items[start].value * scale) / length;
      const last = (items[end].value * scale) / length;
      const ratio = Math.max(length / last, last / length, first / length, length / first);
      if (ratio > worst) break;
      worst = ratio;
      sum = next;
      end += 1;
    }
    const length = sum / side;
    let offset = 0;
    for (let index = start; index < end; index += 1) {
      const breadth = (items[index].value * scale) / length;
      if (w >= h) place(items[index], x, y + offset, length, breadth);
      else place(items[index], x + offset, y, breadth, length);
      offset += breadth;
      total -= items[index].value;
    }
    if (w >= h) { x += length; w -= length; } else { y += length; h -= length; }
    start = end;
  }
}
