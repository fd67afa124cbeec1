// Portal behaviour. Every page works without it; this only makes things quicker.
// Nothing is inline and nothing is evaluated, so  script-src 'self'  is enough. `data-*` attributes say what an element does.
// What must touch elements once they are there stands in `enhance`, which also runs for parts that are fetched later.
const $$ = (sel, root = document) => [...root.querySelectorAll(sel)];
const on = (type, sel, fn) => document.addEventListener(type, e => { const t = e.target.closest?.(sel); if (t) fn(t, e); });

const enhancers = [], enhance = fn => enhancers.push(fn);

/* Theme: follows the system until the visitor chooses; the cookie lets the server print the choice, so nothing flashes. */
const root = document.documentElement;
on('click', '[data-theme-toggle]', (_, e) => {
  e.preventDefault();
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`;
});

/* Icons and toasts */
const base = new URL('icons.svg', document.currentScript.src).pathname;
const icon = name => `<svg class="icon" aria-hidden="true"><use href="${base}#${name}"/></svg>`;
function toast(text, { bad = false } = {}) {
  const box = document.querySelector('.toasts'), el = document.createElement('div');
  el.className = bad ? 'toast is-bad' : 'toast';
  el.innerHTML = icon(bad ? 'circle-x' : 'circle-check') + '<span></span>';
  el.querySelector('span').textContent = text;
  // Modal dialogs make the rest of the page inert, so the toast has to live inside the open one.
  const host = document.querySelector('dialog[open]:modal');
  (host ? host.appendChild(box) : document.body.appendChild(box)).append(el);
  setTimeout(() => el.remove(), 4000);
}

/* Copy: a value, or the code pane next to the button. Secrets are shown masked and copied whole. */
async function copy(text, btn) {
  try { await navigator.clipboard.writeText(text); } catch { toast('Copying is blocked. Select the text instead.', { bad: true }); return; }
  const use = btn.querySelector('use'), label = btn.querySelector('span'), was = [use?.getAttribute('href'), label?.textContent];
  btn.dataset.copied = '';
  use?.setAttribute('href', base + '#check');
  if (label) label.textContent = 'Copied'; else toast('Copied');
  const once = btn.closest('[data-once]');
  if (once) { once.setAttribute('data-saved', ''); $$('[data-unsaved]', once).forEach(n => { n.hidden = true; }); $$('[data-once-done][data-was]', once).forEach(n => { n.textContent = n.dataset.was; }); }
  setTimeout(() => { delete btn.dataset.copied; use?.setAttribute('href', was[0]); if (label) label.textContent = was[1]; }, 1600);
}
on('click', '[data-copy]', b => copy(b.dataset.copy, b));
on('click', '[data-copy-pane]', b => {
  const pre = b.closest('.code').querySelector('div:not([hidden]) > pre').cloneNode(true);
  $$('[hidden]', pre).forEach(n => n.remove());
  $$('[data-secret]', pre).forEach(n => { n.textContent = n.dataset.secret; });
  copy(pre.textContent, b);
});
enhance(r => $$('[data-secret]', r).forEach(n => { n.textContent = n.dataset.masked; }));

/* The secret that is shown once: leaving before copying asks first. */
on('click', '[data-once-done]', (a, e) => {
  const once = a.closest('[data-once]'), warn = once.querySelector('[data-unsaved]');
  if (once.hasAttribute('data-saved') || !warn.hidden) { once.setAttribute('data-saved', ''); return; }
  e.preventDefault();
  warn.hidden = false; a.dataset.was = a.textContent; a.textContent = 'Leave anyway';
});
// Copied by hand counts too. Whoever closes the page, goes back or reloads is asked by the browser.
on('copy', '[data-once]', once => { once.setAttribute('data-saved', ''); $$('[data-unsaved]', once).forEach(n => { n.hidden = true; }); });
addEventListener('beforeunload', e => { if (document.querySelector('[data-once]:not([data-saved])')) e.preventDefault(); });

/* Dialogs: native invoker commands where the browser has them, these lines where it does not. */
if (!('commandForElement' in HTMLButtonElement.prototype)) on('click', '[commandfor]', b => {
  const d = document.getElementById(b.getAttribute('commandfor'));
  b.getAttribute('command') === 'close' ? d.close() : d.showModal();
});
on('click', 'dialog', (d, e) => { if (e.target === d && !d.matches('[closedby="none"]')) d.close(); });
on('click', '.menu button, .menu a', el => el.closest('.menu').hidePopover?.());

/* Tabs: arrow keys move, Home and End jump. */
const select = tab => {
  const list = tab.closest('[role=tablist]');
  $$('[role=tab]', list).forEach(t => {
    const me = t === tab;
    t.setAttribute('aria-selected', me); t.tabIndex = me ? 0 : -1;
    document.getElementById(t.getAttribute('aria-controls')).hidden = !me;
  });
  tab.focus();
};
on('click', '[role=tab]', select);
on('keydown', '[role=tab]', (t, e) => {
  const all = $$('[role=tab]', t.closest('[role=tablist]')), i = all.indexOf(t);
  const to = { ArrowRight: (i + 1) % all.length, ArrowLeft: (i - 1 + all.length) % all.length, Home: 0, End: all.length - 1 }[e.key];
  if (to !== undefined) { e.preventDefault(); select(all[to]); }
});

/* Destructive forms: the button wakes when the name matches. The server checks again. */
const wake = i => { const b = i.form.querySelector('[data-wakes]'); if (b) b.disabled = i.value.trim() !== i.dataset.mustMatch; };
on('input', '[data-must-match]', wake);
enhance(r => $$('[data-must-match]', r).forEach(wake));

/* Fields that only count for one choice of a select: <div data-when="field=value"> or data-when-not. */
const when = (r, attribute, wanted) => $$(`[${attribute}]`, r).forEach(n => {
  const [name, ...rest] = n.getAttribute(attribute).split('='), value = rest.join('='), form = n.closest('form');
  const apply = () => { n.hidden = value.split('|').includes(form.elements[name]?.value) !== wanted; };
  form.addEventListener('change', e => { if (e.target.name === name) apply(); }); apply();
});
enhance(r => { when(r, 'data-when', true); when(r, 'data-when-not', false); });

/* One press is one submission: a double click must not send a form twice. Coming back wakes it again. */
on('submit', 'form[method=post]', (f, e) => { if (e.defaultPrevented) return; if (f.dataset.sent !== undefined) e.preventDefault(); else f.dataset.sent = ''; });
addEventListener('pageshow', () => $$('form[data-sent]').forEach(f => { delete f.dataset.sent; }));

/* Countdown of an old key's last hour. The server prints the text; this keeps it fresh. */
enhance(r => $$('[data-countdown]', r).forEach(t => {
  const end = Date.now() + t.dataset.countdown * 1000;
  const tick = () => {
    const s = Math.max(0, Math.round((end - Date.now()) / 1000));
    t.textContent = s >= 7200 ? `${Math.ceil(s / 3600)} hours` : s >= 600 ? `${Math.ceil(s / 60)} min` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
    if (s) setTimeout(tick, 1000); else (t.closest('.timer') ?? t).textContent = 'Ended';
  };
  tick();
}));

/* Forms that filter: fetch the same URL a full submit would open, and swap the part that changes.
   The address bar follows, so reload, back and sharing all work. Without this they just submit. */
let latest;
const swap = async form => {
  const url = new URL(form.action); url.search = new URLSearchParams([...new FormData(form)].filter(([, v]) => v));
  latest?.abort(); latest = new AbortController();
  try {
    const res = await fetch(url, { signal: latest.signal, headers: { 'x-partial': form.dataset.swap } });
    const doc = new DOMParser().parseFromString(await res.text(), 'text/html');
    for (const id of form.dataset.swap.split(' ')) {
      const fresh = doc.getElementById(id);
      document.getElementById(id).replaceWith(fresh); enhanceAll(fresh);
    }
    history.replaceState(null, '', url);
  } catch (e) { if (e.name !== 'AbortError') form.submit(); }
};
let typing;
on('input', '[data-swap] [type=search]', i => { clearTimeout(typing); typing = setTimeout(swap, 180, i.form); });
on('change', '[data-swap]', (f, e) => { if (e.target.type !== 'search') swap(f); });
on('submit', '[data-swap]', (f, e) => { e.preventDefault(); clearTimeout(typing); swap(f); });

/* E-mail chips: Enter, comma, space or a pasted list; Backspace takes the last one back. The field without them takes a list. */
enhance(r => $$('[data-chips]', r).forEach(box => {
  const input = box.querySelector('input'), list = box.querySelector('ul'), err = document.getElementById(input.id + '-e') ?? r.querySelector(`[id="${input.id}-e"]`);
  const ok = v => /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(v);
  input.type = 'text'; input.removeAttribute('multiple'); input.inputMode = 'email'; input.name = ''; input.required = false;
  const check = () => {
    const bad = $$('.is-bad > span', list).map(s => s.textContent);
    if (err) { err.hidden = !bad.length; err.textContent = bad.length ? `${bad.join(', ')}: not a complete address.` : ''; }
    input.setAttribute('aria-invalid', !!bad.length);
    return !bad.length;
  };
  const add = v => {
    v = v.trim().replace(/^<|>$|[;,]$/g, ''); if (!v) return;
    if ($$('input', list).some(i => i.value.toLowerCase() === v.toLowerCase())) return;
    const li = document.createElement('li');
    li.className = ok(v) ? 'chip' : 'chip is-bad';
    li.innerHTML = `<span></span><button type="button">${icon('x')}</button><input type="hidden" name="${box.dataset.chips}">`;
    li.firstChild.textContent = v; li.querySelector('button').setAttribute('aria-label', 'Remove ' + v); li.lastChild.value = v;
    list.append(li); check();
  };
  const flush = () => { const text = input.value; input.value = ''; text.split(/[\s,;]+/).forEach(add); };
  flush();
  input.addEventListener('keydown', e => {
    if (['Enter', ',', ';', ' '].includes(e.key) && input.value.trim()) { e.preventDefault(); flush(); }
    else if (e.key === 'Enter') e.preventDefault();
    else if (e.key === 'Backspace' && !input.value) { list.lastElementChild?.remove(); check(); }
  });
  input.addEventListener('paste', e => { const t = e.clipboardData.getData('text'); if (/[\s,;]/.test(t.trim())) { e.preventDefault(); t.split(/[\s,;]+/).forEach(add); } });
  input.addEventListener('blur', flush);
  list.addEventListener('click', e => { const b = e.target.closest('button'); if (b) { b.parentElement.remove(); check(); input.focus(); } });
  box.addEventListener('click', e => { if (e.target === box) input.focus(); });
  input.form?.addEventListener('submit', e => { flush(); if (!check()) { e.preventDefault(); e.stopImmediatePropagation(); input.focus(); } });
}));

/* A link to a page with one form opens that form in a dialog: <a href="…" data-dialog>, and on that page <… data-dialog-part>.
   The form is sent as ever; what it answers is a page. Whatever goes wrong, the link simply leads there. */
on('click', 'a[data-dialog]', async (a, e) => {
  if (e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
  e.preventDefault();
  if (a.ariaBusy === 'true') return;
  a.ariaBusy = 'true';
  try {
    const res = await fetch(a.href), doc = new DOMParser().parseFromString(await res.text(), 'text/html');
    const part = doc.querySelector('[data-dialog-part]'), title = doc.querySelector('h1');
    if (!res.ok || !part) throw 0;
    // Ids of the fetched part must not meet those of the page below.
    const names = ['id', 'for', 'list', 'form', 'aria-describedby', 'aria-labelledby', 'commandfor', 'popovertarget', 'data-filter-list'];
    names.forEach(n => [part, ...$$(`[${n}]`, part)].filter(x => x.hasAttribute(n)).forEach(x => x.setAttribute(n, x.getAttribute(n).trim().split(/\s+/).map(v => 'd-' + v).join(' '))));
    [part, ...$$('form', part)].filter(f => f.matches('form')).forEach(f => { if (!f.hasAttribute('action')) f.action = res.url; });
    const d = document.createElement('dialog');
    d.className = 'dialog' + (part.dataset.dialogPart === 'wide' ? ' is-wide' : ''); d.setAttribute('aria-labelledby', 'd-title');
    d.innerHTML = `<div class="dialog-head"><div><h2 id="d-title"></h2></div><button type="button" class="btn is-ghost is-icon is-sm" aria-label="Close">${icon('x')}</button></div><div class="dialog-body"></div>`;
    d.querySelector('h2').textContent = part.dataset.dialogTitle ?? title.textContent;
    part.classList.remove('card', 'card-body', 'narrow'); d.lastChild.append(part);
    const close = e => { e.preventDefault(); d.close(); };
    d.querySelector('button').addEventListener('click', close);
    $$('a', d).filter(c => c.matches('[data-cancel]') || c.href.split('#')[0] === location.href.split('#')[0]).forEach(c => c.addEventListener('click', close));
    d.addEventListener('close', () => { document.body.append(document.querySelector('.toasts')); d.remove(); a.focus(); });
    document.body.append(d); enhanceAll(d); d.showModal();
    (d.querySelector('[autofocus]') ?? d.querySelector('.dialog-body :is(input:not([type=hidden]), select, textarea)'))?.focus();
  } catch { location.assign(a.href); } finally { a.ariaBusy = null; }
});

/* Times: the server prints UTC; the reader sees the time where they are, and UTC on hovering. */
const at = (d, o) => new Intl.DateTimeFormat('en-GB', o).format(d);
enhance(r => $$('time[datetime]', r).forEach(t => {
  const d = new Date(t.dateTime), utc = t.textContent.trim(), day = { day: 'numeric', month: 'long', year: 'numeric' };
  if (isNaN(d)) return;
  const whole = `${at(d, day)}, ${at(d, { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })}`;
  if (/ UTC$/.test(utc)) { t.textContent = whole; t.title = utc; }
  else { if (/^\d+ \p{L}+ \d{4}$/u.test(utc)) t.textContent = at(d, day); t.title = whole; }
}));

/* Charts: the day under the pointer, written into the legend. */
enhance(r => $$('[data-hover-readout]', r).forEach(svg => {
  const out = $$('[data-part]', svg.closest('.card').querySelector('[data-readout]')), rest = out.map(n => n.textContent);
  const show = v => out.forEach((n, i) => { n.textContent = v[i]; });
  svg.addEventListener('pointermove', e => { const d = e.target.closest('.day'); show(d ? d.dataset.v.split('|') : rest); });
  svg.addEventListener('pointerleave', () => show(rest));
}));

/* Small comforts */
on('input', '[data-filter-list]', i => $$('[data-filter-text]', document.getElementById(i.dataset.filterList)).forEach(n => { n.hidden = !n.dataset.filterText.includes(i.value.trim().toLowerCase()); }));
enhance(r => $$('[data-js-text]', r).forEach(n => { n.textContent = n.dataset.jsText; }));
enhance(r => $$('[data-js-only]', r).forEach(n => { n.hidden = false; }));
addEventListener('keydown', e => { if (e.key === '/' && !e.target.closest('input, textarea, select, [contenteditable]')) { const s = document.querySelector('[data-hotkey="/"]'); if (s) { e.preventDefault(); s.focus(); } } });
$$('.side [aria-current]').forEach(a => { a.parentElement.scrollLeft = a.offsetLeft - a.parentElement.clientWidth / 2; });
const narrow = matchMedia('(max-width: 59.99rem)');
$$('.filters-box').forEach(d => { d.open = !narrow.matches; narrow.addEventListener('change', () => { d.open = !narrow.matches; }); });

const enhanceAll = r => enhancers.forEach(fn => fn(r));
enhanceAll(document);
document.querySelector('[data-summary]')?.focus();

/* An answer that travels to an application in a form goes at once. */
document.querySelector('form[data-submits]')?.submit();
