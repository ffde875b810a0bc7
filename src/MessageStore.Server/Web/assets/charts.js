'use strict';
// Small SVG charts. Everything is made by DOM calls with text as text: nothing that comes from the database is ever read as markup.
const Charts = (() => {
  const width = 360, height = 150, left = 52, bottom = 20, top = 8;
  const svg = (name, attributes, text) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const frame = (points, most, label) => {
    const from = points[0].time, to = points.at(-1).time;
    const x = time => left + (width - left - 4) * (to > from ? (time - from) / (to - from) : 1);
    const y = value => height - bottom - (height - bottom - top) * (most > 0 ? value / most : 0);
    const root = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' });
    for (const share of [0, 0.5, 1]) {
      root.append(svg('line', { class: 'grid', x1: left, x2: width - 4, y1: y(most * share), y2: y(most * share) }));
      root.append(svg('text', { x: left - 6, y: y(most * share) + 4, 'text-anchor': 'end' }, label(most * share)));
    }
    const day = time => new Date(time).toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
    root.append(svg('text', { x: left, y: height - 4 }, day(from)));
    root.append(svg('text', { x: width - 4, y: height - 4, 'text-anchor': 'end' }, day(to)));
    return { root, x, y };
  };
  const thin = points => {
    const step = Math.ceil(points.length / 400);
    return points.filter((_, index) => index % step === 0 || index === points.length - 1);
  };
  const round = most => {
    if (most <= 0) return 1;
    const power = 10 ** Math.floor(Math.log10(most));
    return [1, 2, 5, 10].map(n => n * power).find(n => n >= most);
  };
  return {
    // Layers on one another, from the bottom up.
    stacked(points, layers, label) {
      points = thin(points);
      const most = round(Math.max(...points.map(p => layers.reduce((sum, layer) => sum + p[layer.key], 0))));
      const { root, x, y } = frame(points, most, label);
      const base = points.map(() => 0);
      for (const layer of layers) {
        const lower = points.map((p, i) => `${x(p.time)},${y(base[i])}`);
        points.forEach((p, i) => { base[i] += p[layer.key]; });
        const upper = points.map((p, i) => `${x(p.time)},${y(base[i])}`);
        root.append(svg('polygon', { class: layer.style, points: [...upper, ...lower.reverse()].join(' ') }));
      }
      return root;
    },
    // Beside one another. Where nothing is known there is a gap, and no line across it.
    lines(points, layers, label) {
      points = thin(points);
      const most = round(Math.max(...points.flatMap(p => layers.map(layer => p[layer.key] ?? 0))));
      const { root, x, y } = frame(points, most, label);
      for (const layer of layers) {
        const runs = [[]];
        for (const p of points) {
          if (p[layer.key] === null || p[layer.key] === undefined) runs.push([]);
          else runs.at(-1).push(`${x(p.time)},${y(p[layer.key])}`);
        }
        for (const run of runs.filter(r => r.length > 0)) {
          if (run.length === 1) root.append(svg('circle', { class: `dot ${layer.style}`, cx: run[0].split(',')[0], cy: run[0].split(',')[1], r: 2 }));
          else root.append(svg('polyline', { class: `line ${layer.style}`, points: run.join(' ') }));
        }
      }
      return root;
    },
  };
})();
