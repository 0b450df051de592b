// Tagwerk: what this page pushes to its dataLayer, sent to the site's own server.
// It sets no cookie and stores nothing unless analytics_storage is granted. MIT OR Apache-2.0.
(function () {
  'use strict';

  const BATCH_WAIT = 250; // ms that an event waits for company
  const BATCH_BYTES = 60000; // browsers let 64 KiB be on the way when a page is left
  const QUEUE_BYTES = 1000000; // what may wait while there is no network; the oldest go first
  const LONGEST_PAUSE = 300000; // ms between two tries
  const STORED = 'tagwerk.'; // what waits outlives the page under this name, with consent
  const STORED_FOR = 7 * 24 * 3600 * 1000;

  const script = document.currentScript || document.querySelector('script[src*="/tagwerk.js"]');
  const options = script.dataset;
  const endpoint = new URL(options.endpoint || 'tagwerk/events', script.src).href;
  const name = options.queue || 'dataLayer';
  const pushed = (window[name] = window[name] || []);
  if (pushed.tagwerk) return; // the page has this script twice
  Object.defineProperty(pushed, 'tagwerk', { value: true });

  // ---- The model: what all pushes so far add up to, by the rules of Google's dataLayer.

  const model = {};
  const own = (value, key) => Object.prototype.hasOwnProperty.call(value, key);
  const kind = (value) => Object.prototype.toString.call(value).slice(8, -1);

  // An object literal, of this window or of another: no date, no element, no instance of a class.
  function isPlain(value) {
    if (kind(value) !== 'Object' || value.nodeType || value === value.window) return false;
    const prototype = Object.getPrototypeOf(value);
    return !prototype || own(prototype, 'isPrototypeOf');
  }

  // Objects merge key by key, arrays place by place; everything else replaces what was there. An
  // object with `_clear` replaces the values of its keys.
  function merge(from, to) {
    const mayMerge = !from._clear;
    for (const key of Object.keys(from)) {
      const value = from[key];
      if (key === '__proto__') continue;
      if (mayMerge && kind(value) === 'Array') {
        if (kind(to[key]) !== 'Array') to[key] = [];
        merge(value, to[key]);
      } else if (mayMerge && isPlain(value)) {
        if (!own(to, key) || !isPlain(to[key])) to[key] = {};
        merge(value, to[key]);
      } else {
        to[key] = value;
      }
    }
    delete to._clear;
  }

  // `set('a.b', 1)` merges `{a: {b: 1}}`.
  function set(key, value) {
    merge(String(key).split('.').reduceRight((inner, part) => ({ [part]: inner }), value), model);
  }

  function get(key) {
    return find(String(key).split('.'));
  }

  function find(path) {
    return path.reduce((at, part) => (at != null && own(at, part) ? at[part] : undefined), model);
  }

  // `['cart.push', 'x']` calls the method of what is in the model.
  function call(command) {
    if (typeof command[0] !== 'string') return;
    const path = command[0].split('.');
    const method = path.pop();
    const target = find(path);
    if (target != null && typeof target[method] === 'function') target[method](...command.slice(1));
  }

  function take(update) {
    const type = kind(update);
    if (type === 'Arguments' || (type === 'Array' && update[0] === 'consent')) {
      gtag([].slice.call(update));
    } else if (type === 'Array') {
      call(update);
    } else if (typeof update === 'function') {
      update.call({ get, set });
    } else if (isPlain(update)) {
      for (const key of Object.keys(update)) set(key, update[key]);
      if (typeof update.event === 'string') fire(update.event, {});
    }
  }

  // gtag('consent', …), gtag('set', …) and gtag('event', …); all others are Google's own business.
  function gtag([command, first, second]) {
    if (command === 'consent' && isPlain(second)) askedConsent(first, second);
    if (command === 'set' && isPlain(first)) take(first);
    if (command === 'set' && typeof first === 'string') take({ [first]: second });
    if (command === 'event' && typeof first === 'string') fire(first, isPlain(second) ? second : {});
  }

  // A push must not fail because of us.
  function tryTo(take, update) {
    try {
      take(update);
    } catch (error) {
      console.error('tagwerk: a push could not be read', error);
    }
  }

  // ---- Consent: what the page says of it, as {analytics_storage: true, …}.

  const said = { initial: {}, default: {}, region: {}, update: {} };
  let consent = {};
  let holdUntil = 0; // events wait for an answer that the page is about to get

  for (const type of ['ad_storage', 'ad_user_data', 'ad_personalization', 'analytics_storage']) {
    if (options.consent) said.initial[type] = options.consent === 'granted';
  }

  function askedConsent(how, values) {
    if (how !== 'default' && how !== 'update') return;
    // Where the visitor is, we do not know: what is denied in some region counts everywhere.
    const to = how === 'default' && values.region ? said.region : said[how];
    for (const type of Object.keys(values)) {
      const isGranted = values[type] === 'granted';
      if (isGranted && to === said.region) continue;
      if (isGranted || values[type] === 'denied') to[type] = isGranted;
    }
    if (how === 'default' && values.wait_for_update > 0) {
      holdUntil = Date.now() + Number(values.wait_for_update);
      schedule(Number(values.wait_for_update));
    }
    changeConsent(how === 'update');
  }

  function changeConsent(isUpdate) {
    const before = consent.analytics_storage;
    const now = Object.assign({}, said.initial, said.default, said.region, said.update);
    // Events that wait for the answer get it, too: they hold the same object.
    consent = isUpdate && Date.now() < holdUntil ? Object.assign(consent, now) : now;
    if (isUpdate) holdUntil = 0;
    if (consent.analytics_storage || isUpdate) adopt();
    if (!isUpdate) return;
    if (before !== consent.analytics_storage) tellConsent = true; // the cookie is the server's
    store();
    schedule(0);
  }

  // ---- The queue: events that the server has not confirmed yet.

  const pageId = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    (byte + 256).toString(16).slice(1)).join('');
  let queue = [];
  let isStored = false;
  let count = 0;
  let dropped = 0;
  let tellConsent = false;

  function fire(event, more) {
    if (!event || event.startsWith('gtm.')) return; // Tag Manager's own
    const data = Object.assign({}, model, more, { event });
    const json = JSON.stringify({ id: `${pageId}-${++count}`, at: Date.now(), page: pageData() });
    add({ json: `${json.slice(0, -1)},"data":${toJson(data)}`, consent });
    schedule(bytes() > BATCH_BYTES ? 0 : BATCH_WAIT);
  }

  function pageData() {
    return {
      page_location: location.href,
      page_referrer: document.referrer || undefined,
      page_title: document.title,
      page_encoding: document.characterSet,
      language: navigator.language,
      screen_resolution: `${screen.width}x${screen.height}`,
      viewport_size: `${innerWidth}x${innerHeight}`,
    };
  }

  // Elements, functions and rings cannot be sent; what is beside them can.
  function toJson(data) {
    const sendable = (key, value) => {
      if (typeof value === 'bigint') return String(value);
      return value && (value.nodeType || value === value.window) ? undefined : value;
    };
    const parts = [];
    for (const key of Object.keys(data)) {
      try {
        const value = JSON.stringify(data[key], sendable);
        if (value !== undefined) parts.push(`${JSON.stringify(key)}:${value}`);
      } catch (error) {
        console.warn(`tagwerk: ${key} is left out`, error);
      }
    }
    return `{${parts.join()}}`;
  }

  function add(event) {
    event.bytes = new TextEncoder().encode(event.json).length + 300; // with its consent
    queue.push(event);
    while (bytes() > QUEUE_BYTES) {
      queue.shift();
      dropped += 1; // the server is told
    }
  }

  const bytes = () => queue.reduce((sum, event) => sum + event.bytes, 0);

  // Without consent what waits ends with the page.
  function store() {
    const left = consent.analytics_storage ? queue.map(({ json, consent }) => ({ json, consent })) : [];
    if (!left.length && !isStored) return;
    isStored = left.length > 0;
    try {
      if (isStored) localStorage.setItem(STORED + pageId, JSON.stringify({ at: Date.now(), left }));
      else localStorage.removeItem(STORED + pageId);
    } catch (error) {
      // Storage may be full or forbidden; then memory has to do.
    }
  }

  // Takes over what earlier pages could not send, or forgets it without consent. If such a page
  // still lives, an event comes twice, and the server knows it by its id.
  function adopt() {
    try {
      for (const key of Object.keys(localStorage)) {
        if (!key.startsWith(STORED) || key === STORED + pageId) continue;
        const { at, left } = JSON.parse(localStorage.getItem(key));
        localStorage.removeItem(key);
        if (!consent.analytics_storage || Date.now() - at > STORED_FOR) continue;
        left.forEach(({ json, consent }) => add({ json, consent }));
        store();
        schedule(BATCH_WAIT);
      }
    } catch (error) {
      // As above.
    }
  }

  // ---- Sending: one batch at a time; when the page is left, all of them at once.

  let timer;
  let timerAt = Infinity;
  let pause = 0; // after a failure, and longer after each
  let tryAt = 0;
  let isBusy = false;

  function schedule(wait) {
    const at = Math.max(Date.now() + wait, tryAt, holdUntil);
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(() => {
      timerAt = Infinity;
      flush(false);
    }, at - Date.now());
  }

  function flush(isLeaving) {
    if (navigator.onLine === false || (isBusy && !isLeaving)) return;
    do {
      const batch = nextBatch();
      if (!batch.length && !tellConsent) return;
      send(batch, isLeaving);
    } while (isLeaving && !pause);
  }

  function nextBatch() {
    const batch = [];
    let size = 0;
    for (const event of queue) {
      if (event.isSent) continue;
      size += event.bytes;
      if (batch.length && (event.isAlone || batch[0].isAlone || size > BATCH_BYTES)) break;
      batch.push(event);
    }
    return batch;
  }

  function send(batch, isLeaving) {
    const events = batch.map((event) => `${event.json},"consent":${JSON.stringify(event.consent)}}`);
    const head = JSON.stringify({ page_id: pageId, sent_at: Date.now(), consent, dropped });
    const body = `${head.slice(0, -1)},"events":[${events.join()}]}`;
    const told = { dropped, consent: tellConsent };
    tellConsent = false;
    dropped = 0;
    isBusy = true;
    // A text is sent as text/plain, which no browser asks about beforehand.
    if (isLeaving && !('keepalive' in Request.prototype)) {
      settle(batch, told, navigator.sendBeacon(endpoint, body) ? 200 : 0);
      return;
    }
    // A second try goes without: others on the page may have used up what may outlive it.
    const size = batch.reduce((sum, event) => sum + event.bytes, 0);
    const keepalive = size <= BATCH_BYTES && (isLeaving || !pause);
    for (const event of batch) Object.assign(event, { isSent: true, outlives: keepalive });
    fetch(endpoint, { method: 'POST', body, keepalive, credentials: 'include' })
      .then((answer) => answer.status, () => 0)
      .then((status) => settle(batch, told, status));
  }

  function settle(batch, told, status) {
    isBusy = false;
    const isDone = status >= 200 && status < 300;
    const isRefused = status === 400 || status === 413;
    if (!isDone) dropped += told.dropped;
    if (isDone) {
      pause = tryAt = 0;
    } else if (isRefused && batch.length < 2) {
      console.warn('tagwerk: the server refuses an event', batch.map((event) => event.json).join());
    } else {
      // Of several that are refused together, all but one may be good.
      for (const event of batch) Object.assign(event, { isSent: false, isAlone: isRefused });
      if (told.consent) tellConsent = true;
      if (!isRefused) pause = Math.min(LONGEST_PAUSE, pause * 2 || 1000);
      tryAt = isRefused ? 0 : Date.now() + pause * (0.5 + Math.random() / 2);
      batch = [];
    }
    queue = queue.filter((event) => !batch.includes(event));
    store();
    if (queue.some((event) => !event.isSent) || tellConsent) schedule(0);
  }

  function leave() {
    // What is on its way and would end with the page goes once more.
    for (const event of queue) event.isSent = event.isSent && event.outlives;
    flush(true);
    store();
  }

  // ---- Begin: what was pushed before, in order, then whatever comes.

  changeConsent(false);
  for (let at = 0; at < pushed.length; at += 1) tryTo(take, pushed[at]);
  const push = pushed.push;
  pushed.push = function () {
    const result = push.apply(pushed, arguments);
    for (const update of arguments) tryTo(take, update);
    return result;
  };

  addEventListener('pagehide', leave);
  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && leave());
  addEventListener('online', () => {
    tryAt = 0;
    schedule(0);
  });
})();
