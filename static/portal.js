// Portal behaviour. Every page works without it; this only makes things quicker.
// Nothing is inline and nothing is evaluated, so  script-src 'self'  is enough. `data-*` attributes say what an element does.
const $$ = (sel, root = document) => [...root.querySelectorAll(sel)];
const on = (type, sel, fn) => document.addEventListener(type, e => { const t = e.target.closest?.(sel); if (t) fn(t, e); });

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
  if (once) { once.setAttribute('data-saved', ''); $$('[data-unsaved]', once).forEach(n => { n.hidden = true; }); }
  setTimeout(() => { delete btn.dataset.copied; use?.setAttribute('href', was[0]); if (label) label.textContent = was[1]; }, 1600);
}
on('click', '[data-copy]', b => copy(b.dataset.copy, b));
on('click', '[data-copy-pane]', b => {
  const pre = b.closest('.code').querySelector('div:not([hidden]) > pre').cloneNode(true);
  $$('[hidden]', pre).forEach(n => n.remove());
  $$('[data-secret]', pre).forEach(n => { n.textContent = n.dataset.secret; });
  copy(pre.textContent, b);
});
$$('[data-secret]').forEach(n => { n.textContent = n.dataset.masked; });

/* The secret that is shown once: leaving before copying asks first. */
on('click', '[data-once-done]', (a, e) => {
  const once = a.closest('[data-once]'), warn = once.querySelector('[data-unsaved]');
  if (once.hasAttribute('data-saved') || !warn.hidden) return;
  e.preventDefault();
  warn.hidden = false; a.textContent = 'Leave anyway';
});

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
$$('[data-must-match]').forEach(wake);

/* Fields that only count for one choice of a select: <div data-when="field=value"> or data-when-not. */
const when = (attribute, wanted) => $$(`[${attribute}]`).forEach(n => {
  const [name, value] = n.getAttribute(attribute).split('='), field = n.closest('form').elements[name];
  const apply = () => { n.hidden = value.split('|').includes(field.value) !== wanted; };
  field.addEventListener('change', apply); apply();
});
when('data-when', true); when('data-when-not', false);

/* One press is one submission: a double click must not send a form twice. Coming back wakes it again. */
on('submit', 'form[method=post]', (f, e) => { if (e.defaultPrevented) return; if (f.dataset.sent !== undefined) e.preventDefault(); else f.dataset.sent = ''; });
addEventListener('pageshow', () => $$('form[data-sent]').forEach(f => { delete f.dataset.sent; }));

/* Countdown of an old key's last hour. The server prints the text; this keeps it fresh. */
$$('[data-countdown]').forEach(t => {
  const end = Date.now() + t.dataset.countdown * 1000;
  const tick = () => {
    const s = Math.max(0, Math.round((end - Date.now()) / 1000));
    t.textContent = s >= 600 ? `${Math.ceil(s / 60)} min` : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
    if (s) setTimeout(tick, 1000); else t.closest('.timer').textContent = 'Ended';
  };
  tick();
});

/* Forms that filter: fetch the same URL a full submit would open, and swap the part that changes.
   The address bar follows, so reload, back and sharing all work. Without this they just submit. */
let latest;
const swap = async form => {
  const url = new URL(form.action); url.search = new URLSearchParams([...new FormData(form)].filter(([, v]) => v));
  latest?.abort(); latest = new AbortController();
  try {
    const res = await fetch(url, { signal: latest.signal, headers: { 'x-partial': form.dataset.swap } });
    const doc = new DOMParser().parseFromString(await res.text(), 'text/html');
    for (const id of form.dataset.swap.split(' ')) document.getElementById(id).replaceWith(doc.getElementById(id));
    history.replaceState(null, '', url);
  } catch (e) { if (e.name !== 'AbortError') form.submit(); }
};
let typing;
on('input', '[data-swap] [type=search]', i => { clearTimeout(typing); typing = setTimeout(swap, 180, i.form); });
on('change', '[data-swap]', (f, e) => { if (e.target.type !== 'search') swap(f); });
on('submit', '[data-swap]', (f, e) => { e.preventDefault(); clearTimeout(typing); swap(f); });

/* Small comforts */
document.querySelector('[data-summary]')?.focus();
$$('[data-js-text]').forEach(n => { n.textContent = n.dataset.jsText; });
addEventListener('keydown', e => { if (e.key === '/' && !e.target.closest('input, textarea, select, [contenteditable]')) { const s = document.querySelector('[data-hotkey="/"]'); if (s) { e.preventDefault(); s.focus(); } } });
$$('.side [aria-current]').forEach(a => { a.parentElement.scrollLeft = a.offsetLeft - a.parentElement.clientWidth / 2; });
const narrow = matchMedia('(max-width: 59.99rem)');
$$('.filters-box').forEach(d => { d.open = !narrow.matches; narrow.addEventListener('change', () => { d.open = !narrow.matches; }); });

/* An answer that travels to an application in a form goes at once. */
document.querySelector('form[data-submits]')?.submit();
