// The console of an operation. The portal says how to call (one POST: URL, headers, body, a credential for 15 minutes), and the
// browser calls the gateway itself. Without this script, or where a browser may not send something, the portal calls.
(() => {
  const form = document.querySelector('[data-tryit]'), code = document.querySelector('[data-code]');
  if (code) {
    // One language at a time; without a script they stand below one another. What was chosen last stays.
    const panes = [...code.querySelectorAll('[data-language]')], tabs = [...code.querySelectorAll('[role=tab]')];
    panes.forEach((p, i) => { p.role = 'tabpanel'; p.setAttribute('aria-labelledby', tabs[i].id); p.querySelector('.code-lang').hidden = true; });
    const choose = tab => tabs.forEach((t, i) => { const me = t === tab; t.setAttribute('aria-selected', me); t.tabIndex = me ? 0 : -1; panes[i].hidden = !me; });
    choose(tabs.find(t => t.textContent === localStorage.getItem('language')) ?? tabs[0]);
    code.addEventListener('click', e => { const t = e.target.closest('[role=tab]'); if (t) localStorage.setItem('language', t.textContent); });
  }
  if (!form) return;
  const out = form.querySelector('[data-answer]'), send = form.querySelector('.btn.is-primary');
  const print = list => list?.forEach((text, i) => { const pane = code.querySelectorAll('[data-language] code')[i]; if (pane) pane.textContent = text; });
  // Credentials live here and nowhere else: they end with the page.
  const kept = new Map(), which = () => ['environment', 'application', 'kind'].map(n => form.elements[n]?.value).join('\n');

  const ask = async more => {
    // Of a file the portal needs the name alone.
    const typed = [...new FormData(form)].flatMap(([n, v]) => typeof v === 'string' ? [[n, v]] : v.name ? [[n, v.name]] : []);
    const body = new URLSearchParams([...typed, ...more]);
    const res = await fetch(form.action, { method: 'POST', headers: { accept: 'application/json' }, body });
    if (!res.headers.get('content-type')?.startsWith('application/json')) throw { problem: res.redirected ? 'Your session has ended. Sign in and try again.' : 'The portal did not answer as it should. Load the page again.' };
    const said = await res.json();
    if (!res.ok) throw said;
    return said;
  };
  const wrong = fields => form.querySelectorAll('[data-error]').forEach(n => {
    const text = fields[n.dataset.error], field = form.elements[n.dataset.error];
    n.hidden = !text; n.textContent = text ?? '';
    if (text) field?.setAttribute('aria-invalid', 'true'); else field?.removeAttribute('aria-invalid');
  });

  /* What is typed is seen in the code. */
  let asked = 0;
  form.addEventListener('change', async () => {
    const mine = ++asked;
    try { const said = await ask([['only', 'code']]); if (mine === asked) print(said.code); } catch { /* it is told on sending */ }
  });

  const el = (name, text, cls) => { const n = document.createElement(name); if (text !== undefined) n.textContent = text; if (cls) n.className = cls; return n; };
  const show = (...nodes) => { out.replaceChildren(...nodes); out.hidden = false; };
  const size = n => n < 1024 ? `${n} bytes` : `${(n / 1024).toFixed(1)} KiB`;
  const tint = text => {
    // Strings, names, numbers and words of JSON, each in an element of its own; nothing is ever read as HTML.
    const all = document.createDocumentFragment(), parts = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
    let end = 0;
    for (const m of text.matchAll(parts)) {
      all.append(text.slice(end, m.index), el('span', m[1] ?? m[0], m[1] ? m[2] ? 'k' : 's' : 'n'), m[1] ? m[2] ?? '' : '');
      end = m.index + m[0].length;
    }
    all.append(text.slice(end));
    return all;
  };
  const body = async res => {
    const bytes = await res.arrayBuffer(), type = res.headers.get('content-type') ?? '';
    let text = '';
    try { text = new TextDecoder('utf-8', { fatal: true }).decode(bytes); } catch { return [bytes, el('p', `The body is no text (${type}), so it is not shown.`, 'small muted')]; }
    if (!text) return [bytes, el('p', 'No body.', 'small muted')];
    const pre = el('pre'); pre.tabIndex = 0; pre.role = 'group'; pre.ariaLabel = 'Response body';
    let json; try { json = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it is */ }
    if (json && json.length < 2e5) pre.append(tint(json)); else pre.textContent = (json ?? text).slice(0, 2e5);
    return [bytes, pre];
  };

  const answer = async (res, took) => {
    const [bytes, shown] = await body(res), h = n => res.headers.get(n), row = el('div', undefined, 'row'), list = el('dl', undefined, 'facts'), more = el('details');
    row.append(el('span', `${res.status} ${res.statusText}`.trim(), `badge mono ${res.status < 400 ? 'is-ok' : res.status < 500 ? 'is-warn' : 'is-bad'}`), el('span', `${took} ms, ${size(bytes.byteLength)}`, 'muted'));
    const nodes = [row];
    if (h('x-ratelimit-limit')) nodes.push(el('p', `${Number(h('x-ratelimit-remaining')).toLocaleString('en')} of ${Number(h('x-ratelimit-limit')).toLocaleString('en')} calls left, for ${Number(h('x-ratelimit-reset')).toLocaleString('en')} s.`, 'small'));
    nodes.push(shown);
    if (res.status >= 400 && h('x-request-id')) { const p = el('p', 'Request ID ', 'small'); const why = el('a', 'see why'); why.href = `/refusals?request_id=${encodeURIComponent(h('x-request-id'))}`; p.append(el('code', h('x-request-id'), 'lines'), '. If the gateway refused the call, ', why, '.'); nodes.push(p); }
    for (const [name, value] of res.headers) { const d = el('div'), dt = el('dt'), dd = el('dd'); dt.append(el('code', name)); dd.append(el('code', value, 'lines')); d.append(dt, dd); list.append(d); }
    more.append(el('summary', `${list.children.length} headers`, 'small'), list); nodes.push(more);
    show(...nodes);
  };

  const failed = said => {
    if (said.fields) {
      wrong(said.fields); out.hidden = true;
      form.elements[Object.keys(said.fields)[0]]?.focus();
    } else show(Object.assign(el('p', said.problem ?? 'Something broke. Load the page again.', 'error'), { role: 'alert' }));
  };

  /* The body. A form with files is written here and not by FormData, which gives each part that has a media type a file name too. */
  const fileOf = p => form.elements[p.field].files[p.index], safe = text => text.replace(/["\r\n]/g, c => ({ '"': '%22', '\r': '%0D', '\n': '%0A' })[c]);
  const payload = (said, headers) => {
    if (said.file) {
      const f = fileOf(said.file);
      if (said.file.open && f.type) headers.set('content-type', f.type);
      return f;
    }
    if (!said.form) return said.body ?? undefined;
    const edge = `portico-${[...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join('')}`, all = [];
    for (const p of said.form) {
      const f = p.field === undefined ? undefined : fileOf(p), type = p.type || (f ? f.type || 'application/octet-stream' : '');
      all.push(`--${edge}\r\nContent-Disposition: form-data; name="${safe(p.name)}"${f ? `; filename="${safe(f.name)}"` : ''}${type ? `\r\nContent-Type: ${type}` : ''}\r\n\r\n`, f ?? p.text, '\r\n');
    }
    headers.set('content-type', `multipart/form-data; boundary=${edge}`);
    return new Blob([...all, `--${edge}--\r\n`]);
  };

  let plain = false;
  form.addEventListener('submit', async e => {
    if (plain) return;
    e.preventDefault(); e.stopPropagation();
    if (send.disabled) return;
    wrong({}); send.disabled = true; show(el('p', 'Sending…', 'small muted'));
    try {
      const key = which(), old = kept.get(key), lives = old && Date.now() < old.until;
      const said = await ask(lives ? [['kept', '1']] : []);
      print(said.code);
      if (said.credential) kept.set(key, { ...said.credential, until: Date.now() + (said.credential.seconds - 20) * 1000 });
      // A browser sends no cookie of ours to another origin: then the portal calls.
      if (said.headers.some(([name]) => name === 'cookie')) { plain = true; form.requestSubmit(); return; }
      const credential = kept.get(key), headers = new Headers(said.headers);
      if (credential) headers.set(credential.header, credential.value);
      const sent = ['GET', 'HEAD'].includes(said.method) ? undefined : payload(said, headers);
      const began = performance.now();
      let res;
      try {
        res = await fetch(said.url, { method: said.method, headers, body: sent, credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store', redirect: 'follow' });
      } catch {
        const again = el('button', 'Let the portal call', 'btn is-sm'); again.type = 'button';
        again.addEventListener('click', () => { plain = true; form.requestSubmit(); });
        show(Object.assign(el('p', `No answer from ${new URL(said.url).origin}: this browser cannot reach it.`, 'error'), { role: 'alert' }), again);
        return;
      }
      if (res.status === 401) kept.delete(key);
      await answer(res, Math.round(performance.now() - began));
    } catch (said) { failed(said); } finally { send.disabled = false; }
  }, true);
})();
