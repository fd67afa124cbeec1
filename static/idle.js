// Warns before a session ends for want of use. The server says how long it lasts; other tabs may have prolonged it, so it is
// asked again before anything is shown. Times are kept as moments: a sleeping laptop stops every timer.
const facts = document.querySelector('[data-idle]')?.dataset;
if (facts) {
  const WARN = 120, LONGEST = 86400, FIRST = Number(facts.idle);
  // A session shorter than that is warned about in its last third.
  const warn = Math.min(WARN, FIRST / 3);
  let ends = Date.now() + FIRST * 1000, timer, box;
  const left = () => Math.max(0, Math.ceil((ends - Date.now()) / 1000));
  const later = seconds => { clearTimeout(timer); timer = setTimeout(look, Math.min(seconds, LONGEST) * 1000); };
  const dialog = () => {
    if (box) return box;
    box = document.createElement('dialog');
    box.className = 'dialog'; box.id = 'idle';
    box.setAttribute('closedby', 'none'); box.setAttribute('aria-labelledby', 'idle-title');
    box.innerHTML = `<div class="dialog-head"><h2 id="idle-title">Are you still there?</h2></div>
      <div class="dialog-body"><p data-warning>You are signed out in <strong></strong>, to keep your account safe. What you have typed and not saved would be lost.</p><p data-over>You are signed out. What is on this page is not saved.</p></div>
      <div class="dialog-foot"><form method="post" data-warning><button class="btn">Sign out</button></form><button type="button" class="btn is-primary" data-warning data-keep autofocus>Stay signed in</button><a class="btn is-primary" data-over>Sign in</a></div>`;
    box.querySelector('form').action = facts.idleSignOut;
    box.querySelector('a').href = `${facts.idleSignIn}?next=${encodeURIComponent(location.pathname + location.search)}`;
    box.querySelector('[data-keep]').addEventListener('click', async () => { try { lasts(await ask('POST')); } catch { look(); } });
    box.addEventListener('cancel', e => e.preventDefault());
    return document.body.appendChild(box);
  };
  const show = state => {
    const box = dialog();
    for (const name of ['warning', 'over']) box.querySelectorAll(`[data-${name}]`).forEach(e => { e.hidden = name !== state; });
    if (!box.open) box.showModal();
  };
  const lasts = seconds => {
    ends = Date.now() + seconds * 1000;
    if (seconds <= 0) { clearTimeout(timer); show('over'); }
    else if (seconds > warn + 1) { box?.close(); later(seconds - warn); }
    else { show('warning'); tick(); }
  };
  const tick = () => {
    clearTimeout(timer);
    const seconds = left();
    dialog().querySelector('strong').textContent = seconds > 90 ? `${Math.ceil(seconds / 60)} minutes` : `${seconds} seconds`;
    if (seconds) timer = setTimeout(tick, 1000); else look();
  };
  const ask = async (method = 'GET') => {
    const answer = await fetch(facts.idleState, { method, headers: { accept: 'application/json' }, redirect: 'manual' });
    return answer.ok ? (await answer.json()).seconds : 0;
  };
  // Without an answer the server is away, not the session.
  const look = async () => { try { lasts(await ask()); } catch { later(10); } };
  document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
  later(FIRST - warn);
}
