(() => {
  const body = document.body, tip = document.getElementById('tip');
  for (const item of document.querySelectorAll('.legend li')) {
    const of = document.querySelectorAll('.figure .' + item.dataset.variant);
    const choose = on => { body.classList.toggle('one', on); of.forEach(part => part.classList.toggle('chosen', on)); };
    item.addEventListener('pointerenter', () => choose(true));
    item.addEventListener('pointerleave', () => choose(false));
  }
  const shown = value => {
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(+value.toPrecision(4));
  };
  const invert = (share, low, high, log) => log ? low * (high / low) ** share : low + share * (high - low);
  const vertices = path => [...path.getAttribute('d').matchAll(/([\d.-]+) ([\d.-]+)/g)].map(part => [+part[1], +part[2]]);
  for (const svg of document.querySelectorAll('svg[data-frame]')) {
    const [left, top, width, height, xLow, xHigh, xLog, yLow, yHigh, yLog] = svg.dataset.frame.split(' ').map(Number);
    let curves;
    svg.addEventListener('pointermove', event => {
      curves ??= [...svg.querySelectorAll('.variant')].filter(group => group.querySelector('path.line')).map(group =>
        [group.querySelector('title').textContent, [...group.querySelectorAll('path.line')].flatMap(vertices)]);
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      const near = vertex => Math.abs(vertex[0] - point.x);
      const closest = curves.map(([name, all]) => [name, all.reduce((a, b) => near(b) < near(a) ? b : a, all[0])]);
      const hits = closest.filter(([, vertex]) => vertex && near(vertex) < width / 8).slice(0, 16);
      tip.hidden = point.x < left || point.x > left + width || hits.length === 0;
      if (tip.hidden) return;
      const at = hits.reduce((a, b) => near(b[1]) < near(a[1]) ? b : a)[1][0];
      const lines = ['at ' + shown(invert((at - left) / width, xLow, xHigh, xLog))];
      for (const [name, [, y]] of hits) lines.push(name + ': ' + shown(invert(1 - (y - top) / height, yLow, yHigh, yLog)));
      tip.replaceChildren(...lines.map(line => Object.assign(document.createElement('div'), { textContent: line })));
      tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 6) + 'px';
      tip.style.top = Math.min(event.clientY + 12, innerHeight - tip.offsetHeight - 6) + 'px';
    });
    svg.addEventListener('pointerleave', () => { tip.hidden = true; });
  }
})();
