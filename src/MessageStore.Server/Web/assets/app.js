'use strict';
// The page: a part for each tab, drawn from /api. Text from the database goes in as text only; there is no innerHTML here.
const main = document.getElementById('main');
let drawing = 0;

const el = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined));
  return node;
};

const get = async path => {
  const answer = await fetch(path, { headers: { Accept: 'application/json' } });
  if (answer.status === 401) { location.href = '/signin'; throw new Error('Signed out.'); }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => null);
    throw new Error(problem?.detail ?? `${path} answered ${answer.status}.`);
  }
  return answer.json();
};

const size = bytes => {
  let value = bytes, unit = 0;
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  while (value >= 1000 && unit < units.length - 1) { value /= 1024; unit++; }
  return `${unit === 0 ? value : value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
};
const count = n => n.toLocaleString();
const many = (n, one) => `${count(n)} ${one}${n === 1 ? '' : /(s|x)$/.test(one) ? 'es' : 's'}`;
const when = text => text ? new Date(text).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : '';
const seconds = text => {
  const match = /^(?:(\d+)\.)?(\d+):(\d+):(\d+(?:\.\d+)?)$/.exec(text ?? '');
  return match ? ((+(match[1] ?? 0) * 24 + +match[2]) * 60 + +match[3]) * 60 + +match[4] : null;
};
const age = s => {
  if (s === null || s === undefined) return 'never';
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
};

const wait = s => s >= 1 ? `${s.toFixed(1)} s` : `${s * 1000 >= 10 ? Math.round(s * 1000) : (s * 1000).toFixed(1)} ms`;
const took = s => s < 10 ? wait(s) : age(s);

const card = (label, value, more, style) => el('div', { class: 'card' }, el('div', { class: 'label' }, label), el('div', { class: `value ${style ?? ''}` }, value), el('div', { class: 'more' }, more ?? ''));
const table = (heads, rows, empty) => el('div', { class: 'scroll' }, rows.length === 0
  ? el('div', { class: 'empty' }, empty)
  : el('table', {}, el('thead', {}, el('tr', {}, heads.map(h => el('th', { class: h.startsWith('#') ? 'number' : '' }, h.replace('#', ''))))), el('tbody', {}, rows)));
const cells = (...values) => values.map(v => typeof v === 'object' && v !== null && !(v instanceof Node) ? el('td', { class: v.style }, v.text) : el('td', {}, v ?? ''));
const decision = text => el('span', { class: text === 'Failed' ? 'bad' : text === 'Ran' ? 'good' : '' }, text);
const n = text => ({ text, style: 'number' });
const w = text => ({ text, style: 'nowrap' });

const parts = {
  async overview() {
    const [{ database, health }, series] = await Promise.all([get('/api/status'), get('/api/series')]);
    const points = series.map(p => ({ time: Date.parse(p.time), hot: p.hotBytes, cold: p.archivedBytes, age: p.backupAgeSeconds, append: p.appendP99Seconds, read: p.readP99Seconds }));
    const warnings = database.storageGroups.filter(g => g.warning).map(g => `${g.name}: ${g.warning}`);
    return [
      ...health.problems.map(text => el('p', { class: 'problem' }, text)),
      ...warnings.map(text => el('p', { class: 'problem' }, text)),
      el('div', { class: 'cards' },
        card('State', health.isHealthy ? 'All well' : 'Look here', database.state, health.isHealthy ? 'good' : 'bad'),
        card('Newest backup', age(seconds(database.backupAge)), 'ago, of the group that is worst off', database.backupAge ? '' : 'bad'),
        card('Messages', count(database.messageCount), many(database.mailboxCount, 'mailbox')),
        card('In the store', size(database.hotBytes), many(database.hotMessageCount, 'message')),
        card('In the archive', size(database.archivedBytes), many(database.archivedMessageCount, 'message')),
        database.nodes ? card('Missing copies', database.underReplicatedCount === null ? 'unknown' : count(database.underReplicatedCount), database.copiesTested ? `tested ${when(database.copiesTested)}` : 'never tested', database.underReplicatedCount > 0 ? 'bad' : '') : null),
      el('h2', {}, 'Over time'),
      points.length > 1 ? el('div', { class: 'charts' },
        el('figure', {}, el('figcaption', {}, 'Bytes of mail', el('span', { class: 'key hot' }, 'store'), el('span', { class: 'key cold' }, 'archive')),
          Charts.stacked(points, [{ key: 'cold', style: 'cold' }, { key: 'hot', style: 'hot' }], size)),
        el('figure', {}, el('figcaption', {}, el('span', { class: 'key age' }, 'Age of the newest backup')), Charts.lines(points, [{ key: 'age', style: 'age' }], age)),
        el('figure', {}, el('figcaption', {}, '99 of 100 wait at most', el('span', { class: 'key append' }, 'storing'), el('span', { class: 'key read' }, 'opening')),
          Charts.lines(points, [{ key: 'append', style: 'append' }, { key: 'read', style: 'read' }], wait)))
        : el('p', { class: 'note' }, 'The curves begin with the second look, five minutes after the first start.'),
      el('h2', {}, 'Storage groups'),
      table(['Group', 'State', '#Mailboxes', '#Messages', '#Archived', '#Store', '#Log', '#Backup'], database.storageGroups.map(g => el('tr', {}, cells(
        g.name, el('span', { class: g.state === 'Open' ? 'good' : 'bad', title: g.reason }, g.state), n(count(g.mailboxCount)), n(count(g.messageCount)), n(count(g.archivedMessageCount)),
        n(size(g.storeBytes)), n(size(g.logBytes)), n(age(seconds(g.backupAge)))))), 'No storage groups.'),
      el('h2', {}, 'Where it lies'),
      table(['What', 'Path'], [['Database', database.path], ['Store', database.storePath], ['Logs', database.logPath], ['Backups', database.backupPath], ['Archives', database.archivePath]]
        .map(([what, path]) => el('tr', {}, cells(what, path))), ''),
    ];
  },

  async mail(query) {
    if (query.get('id')) return message(query);
    const skip = +(query.get('skip') ?? 0), first = 50;
    const ask = new URLSearchParams([...query].filter(([key, value]) => value && key !== 'skip'));
    ask.set('skip', skip); ask.set('first', first);
    const mailboxes = await get('/api/mailboxes');
    const page = mailboxes.length > 0 ? await get(`/api/messages?${ask}`) : { count: 0, messages: [] };
    const search = el('form', { class: 'search', role: 'search', onsubmit: event => {
      event.preventDefault();
      go('mail', Object.fromEntries(new FormData(search)));
    } },
    el('select', { name: 'mailbox', 'aria-label': 'Mailbox' }, el('option', { value: '' }, 'All mailboxes'), mailboxes.map(m => el('option', { value: m.name, selected: m.name === query.get('mailbox') }, m.name))),
    el('input', { name: 'q', placeholder: 'Words', 'aria-label': 'Words, as Find-StoredMessage takes them', value: query.get('q') ?? '' }),
    el('input', { name: 'from', placeholder: 'Sender', 'aria-label': 'Sender', value: query.get('from') ?? '' }),
    el('input', { name: 'subject', placeholder: 'Subject', 'aria-label': 'Subject', value: query.get('subject') ?? '' }),
    el('button', {}, 'Search'));
    const move = to => go('mail', { ...Object.fromEntries(query), skip: to });
    return [
      search,
      ...(page.notices ?? []).map(text => el('p', { class: 'note' }, text)),
      table(['From', 'Subject', 'Mailbox', 'Received', '#Size'], page.messages.map(m => {
        const open = () => go('mail', { ...Object.fromEntries(query), id: m.id });
        return el('tr', { class: `link ${m.isRead ? '' : 'unread'}`, tabindex: 0, onclick: open, onkeydown: event => { if (event.key === 'Enter') open(); } },
          cells(m.from, el('span', {}, m.subject || '(no subject)', ' ', m.isArchived ? el('span', { class: 'tag' }, 'archived') : null), m.mailbox, w(when(m.receivedDate)), n(size(m.size))));
      }), 'Nothing found.'),
      el('div', { class: 'pages' },
        el('button', { class: 'quiet', disabled: skip === 0, onclick: () => move(Math.max(0, skip - first)) }, 'Newer'),
        el('button', { class: 'quiet', disabled: skip + first >= page.count, onclick: () => move(skip + first) }, 'Older'),
        page.count > 0 ? `${count(skip + 1)} to ${count(Math.min(skip + first, page.count))} of ${page.goesOn ? 'more' : count(page.count)}` : ''),
    ];
  },

  async backups() {
    const backups = await get('/api/backups');
    return [el('h2', {}, 'Backups'), table(['Started', 'File', '#Messages', '#Size', 'State', 'Last drill'], backups.map(b => el('tr', {}, cells(
      w(when(b.started)), b.path.split(/[\\/]/).pop(), n(count(b.messages)), n(size(b.bytes)),
      el('span', { class: b.isComplete ? '' : 'bad', title: b.reason }, b.isComplete ? 'complete' : 'incomplete'),
      el('span', { class: b.lastDrill.startsWith('Verified') ? 'good' : b.lastDrill.startsWith('Failed') ? 'bad' : '' }, b.lastDrill || 'none'))))
      , 'No backups at the backup path.'),
    el('p', { class: 'note' }, 'Complete says that both ends of the file are there. Only a drill (Test-StorageGroupBackup) says that a backup is good.')];
  },

  async archives() {
    const archives = await get('/api/archives');
    return [el('h2', {}, 'Archives'), table(['Mailbox', '#Messages', '#Mail', '#On disk', 'Oldest', 'Newest'], archives.map(a => el('tr', {}, cells(
      a.mailbox, n(count(a.messageCount)), n(size(a.messageBytes)), n(size(a.fileBytes)), w(when(a.oldestStorageDate)), w(when(a.newestStorageDate))))), 'Nothing is archived yet.')];
  },

  async nodes() {
    const [{ database }, nodes] = await Promise.all([get('/api/status'), get('/api/nodes')]);
    if (!database.nodes) return [el('h2', {}, 'Storage nodes'), el('p', { class: 'note' }, 'Archived mail of this database goes to files. Set-MessageArchive -Target Nodes sends it to storage nodes.')];
    const state = unit => el('span', { class: unit.availability === 'Available' ? 'good' : unit.availability === 'Unavailable' ? 'bad' : '' }, `${unit.name}: ${unit.availability}`);
    return [
      el('div', { class: 'cards' },
        card('Copies of each message', count(database.nodes.copies), database.nodes.topology === 'Chain' ? 'one node hands it to the next' : 'sent to each'),
        card('Missing copies', database.underReplicatedCount === null ? 'unknown' : count(database.underReplicatedCount),
          database.copiesTested ? `messages with too few, tested ${when(database.copiesTested)}` : 'Test-StorageNode tests them', database.underReplicatedCount > 0 ? 'bad' : ''),
        card('Nodes', count(nodes.length), many(nodes.reduce((sum, node) => sum + node.units.length, 0), 'unit'))),
      el('h2', {}, 'Storage nodes'),
      table(['Node', 'Path', '#Group', '#Weight', 'Units', 'Record holds until'], nodes.map(node => el('tr', {}, cells(
        node.name, node.url, n(node.group), n(node.weight), el('span', {}, node.units.flatMap((unit, i) => i > 0 ? [', ', state(unit)] : [state(unit)])),
        node.expires ? el('span', { class: Date.parse(node.expires) < Date.now() ? 'bad' : '' }, when(node.expires)) : 'always'))), 'There is no record of a node in the directory.'),
    ];
  },

  async history() {
    const [plan, history] = await Promise.all([get('/api/plan'), get('/api/history')]);
    return [
      el('h2', {}, 'Next'),
      plan.schedule ? table(['Task', 'When', 'Next', 'Why not now'], plan.schedule.tasks.map(t => el('tr', {}, cells(t.task, t.when, w(when(t.nextRun)), t.reason))), '')
        : el('p', { class: 'note' }, 'This server keeps no schedule. Register-MaintenanceSchedule -Scheduler Server gives it one.'),
      el('h2', {}, 'Decisions'), table(['When', 'Task', 'Decision', 'Reason', '#Took'], history.map(r => el('tr', {}, cells(
      w(when(r.time)), r.task, decision(r.decision), r.reason, n(took(seconds(r.duration)))))),
    'Maintenance has not run yet.')];
  },
};

async function message(query) {
  const id = query.get('id');
  const { message: m, content, hasPage } = await get(`/api/messages/${encodeURIComponent(id)}`);
  const body = el('div');
  const show = asPage => body.replaceChildren(asPage
    ? el('iframe', { src: `/api/messages/${encodeURIComponent(id)}/page`, sandbox: 'allow-popups allow-popups-to-escape-sandbox', title: 'The message as its sender laid it out', referrerpolicy: 'no-referrer' })
    : el('pre', {}, content.text || '(no text)'));
  show(hasPage && !content.text);
  const back = Object.fromEntries([...query].filter(([key]) => key !== 'id'));
  return [
    el('div', { class: 'row' }, el('button', { class: 'quiet', onclick: () => go('mail', back) }, 'Back to the list')),
    el('article', { class: 'message' },
      el('h2', {}, m.subject || '(no subject)'),
      el('dl', {}, [['From', m.from], ['To', m.to], ['Date', when(m.date ?? m.receivedDate)], ['Where', `${m.mailbox} / ${m.folder}`], ['Size', size(m.size)], ['SHA-256', m.sha256]]
        .flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
      el('div', { class: 'row' },
        m.isArchived ? el('span', { class: 'tag' }, 'archived') : null,
        hasPage ? el('button', { class: 'quiet', onclick: () => show(false) }, 'Text') : null,
        hasPage ? el('button', { class: 'quiet', onclick: () => show(true) }, 'As its sender laid it out') : null,
        el('a', { href: `/api/messages/${encodeURIComponent(id)}/raw` }, 'Save as .eml')),
      body,
      content.isCut ? el('p', { class: 'note' }, 'The text is longer than what is shown. Save the message to read all of it.') : null,
      content.attachments.length > 0 ? el('h2', {}, 'Attached') : null,
      el('div', { class: 'row' }, content.attachments.map(a => el('a', { href: `/api/messages/${encodeURIComponent(id)}/parts/${a.number}` }, `${a.fileName || a.mediaType} (${size(a.size)})`))),
      el('details', {}, el('summary', {}, 'All of the header'), el('dl', {}, content.headers.flatMap(h => [el('dt', {}, h.name), el('dd', {}, h.value)])))),
  ];
}

function go(part, query) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== 0)).toString();
  location.hash = text ? `${part}?${text}` : part;
}

async function draw() {
  const turn = ++drawing;
  const [name, query] = location.hash.slice(1).split('?');
  const part = parts[name] ? name : 'overview';
  for (const link of document.querySelectorAll('#tabs a')) link.toggleAttribute('aria-current', link.hash === `#${part}`);
  try {
    const nodes = await parts[part](new URLSearchParams(query ?? ''));
    if (turn === drawing) main.replaceChildren(...nodes);
  } catch (error) {
    if (turn === drawing) main.replaceChildren(el('p', { class: 'problem' }, error.message));
  }
}

window.addEventListener('hashchange', draw);
setInterval(() => { if (!document.hidden && ['', '#overview'].includes(location.hash)) draw(); }, 30000);
draw();
