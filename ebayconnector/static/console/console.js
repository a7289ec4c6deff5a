/* The console's own script: live regions, buttons that answer in words, dialogs, copying. No dependencies.

   [data-live=URL]         is fetched every 2 s while the tab is visible and merged in place
   form[data-act]          is posted in the background; the answer {message, level} becomes a toast
   [data-open=ID]          opens the <dialog> with that id; [data-close] closes the one it is in
   [data-copy=ID]          copies the text of the elements in #ID that carry [data-copy-text]
   select[data-navigate]   goes to the chosen option's value
   [data-countdown=TIME]   counts down to it each second, by the server's clock, which was data-now when sent
*/
(() => {
  "use strict";
  const POLL_MS = 2000;
  const DEADLINE_MS = 10000;

  // -- merging -------------------------------------------------------------------------------------
  // What the person opened or typed stays: `open` of <details> and the value of the focused field.
  const KEPT = new Set(["open"]);

  const keyOf = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || "" : "");

  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

  function mergeAttributes(from, to) {
    for (const { name } of [...from.attributes]) {
      if (!to.hasAttribute(name) && !KEPT.has(name)) from.removeAttribute(name);
    }
    for (const { name, value } of to.attributes) {
      if (!KEPT.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
  }

  function merge(from, to) {
    if (from.nodeType !== 1) {
      if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
      return;
    }
    if (from.dataset.busy !== undefined) return;
    mergeAttributes(from, to);
    mergeChildren(from, to);
  }

  function mergeChildren(from, to) {
    const keyed = new Map();
    for (const child of from.children) if (keyOf(child)) keyed.set(keyOf(child), child);
    let at = from.firstChild;
    for (const wanted of [...to.childNodes]) {
      const known = keyOf(wanted) ? keyed.get(keyOf(wanted)) : undefined;
      if (known && known !== at && alike(known, wanted)) from.insertBefore(known, at);
      const here = known && alike(known, wanted) ? known : at;
      if (here && alike(here, wanted)) {
        merge(here, wanted);
        at = here.nextSibling;
      } else {
        from.insertBefore(wanted, at);
      }
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  }

  // -- live regions --------------------------------------------------------------------------------
  class LoggedOut extends Error {}
  class Gone extends Error {}

  class Live {
    constructor(element) {
      this.element = element;
      this.timer = 0;
      this.failures = 0;
      this.asked = 0;
      document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.poll()));
      this.plan();
    }

    plan() {
      clearTimeout(this.timer);
      if (!document.hidden) this.timer = setTimeout(() => this.poll(), POLL_MS);
    }

    pause() {
      clearTimeout(this.timer);
    }

    async poll() {
      clearTimeout(this.timer);
      const number = ++this.asked;
      try {
        const html = await this.fetch();
        // An answer that a later question has overtaken would show the past.
        if (number === this.asked) this.show(html);
        this.failures = 0;
        this.say("");
      } catch (failure) {
        if (failure instanceof LoggedOut || failure instanceof Gone) return this.say(failure.message);
        this.failures += 1;
        this.say("Connection lost, trying again…");
      }
      if (number === this.asked) this.plan();
    }

    async fetch() {
      const answer = await fetch(this.element.dataset.live, {
        headers: { "X-Requested-With": "XMLHttpRequest" },
        credentials: "same-origin",
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
      if (answer.redirected) throw new LoggedOut("You are logged out. Reload the page to log in again.");
      if (answer.status === 404 || answer.status === 403) throw new Gone("This is no longer available to you.");
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }

    show(html) {
      const parsed = document.createElement("div");
      parsed.innerHTML = html;
      mergeChildren(this.element, parsed);
    }

    say(words) {
      const notice = document.querySelector("[data-live-notice]");
      if (!notice || notice.textContent === words) return;
      notice.textContent = words;
      notice.hidden = !words;
    }
  }

  const regions = [];
  const refreshAll = () => Promise.all(regions.map((region) => region.poll()));

  // -- toasts --------------------------------------------------------------------------------------
  function toast(message, level) {
    let box = document.getElementById("ec-toasts");
    if (!box) {
      box = document.createElement("div");
      box.id = "ec-toasts";
      box.setAttribute("role", "status");
      document.body.append(box);
    }
    const item = document.createElement("div");
    item.className = `ec-toast ec-${level}`;
    item.textContent = message;
    // In a modal dialog everything outside is inert, so the toast goes where the person is.
    (document.querySelector("dialog[open]") || box).append(item);
    setTimeout(() => item.remove(), level === "success" ? 5000 : 9000);
  }

  // -- buttons -------------------------------------------------------------------------------------
  async function send(form, submitter) {
    const body = new FormData(form, submitter);
    const answer = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json", "X-CSRFToken": body.get("csrfmiddlewaretoken") || "" },
      credentials: "same-origin",
      signal: AbortSignal.timeout(40000),
    });
    if (answer.redirected) throw new LoggedOut("You are logged out. Reload the page to log in again.");
    const json = (answer.headers.get("Content-Type") || "").includes("json");
    if (!json) throw new Error(`the server answered ${answer.status}`);
    return { ok: answer.ok, ...(await answer.json()) };
  }

  async function onSubmit(event) {
    const form = event.target;
    if (!form.matches("form[data-act]")) return;
    event.preventDefault();
    if (form.dataset.busy !== undefined) return;
    form.dataset.busy = "";
    try {
      const said = await send(form, event.submitter);
      toast(said.message, said.level);
      if (said.ok) closeDialogOf(form);
    } catch (failure) {
      const words = failure instanceof LoggedOut ? failure.message : `That did not work: ${failure.message}. Try again.`;
      toast(words, "error");
    } finally {
      delete form.dataset.busy;
      await refreshAll();
    }
  }

  function closeDialogOf(form) {
    const dialog = form.closest("dialog");
    if (!dialog) return;
    form.reset();
    dialog.close();
  }

  // -- countdowns ----------------------------------------------------------------------------------
  // The server writes the same words (sniper/admin/words.py), so that a poll does not make them jump.
  const pad = (number) => String(number).padStart(2, "0");

  function leftWords(leftMs) {
    if (leftMs <= 0) return "now";
    const seconds = Math.floor(leftMs / 1000);
    if (seconds >= 2 * 86400) return `${Math.floor(seconds / 86400)} days`;
    return `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  }

  const skews = new WeakMap();

  function skewOf(element) {
    const sent = element.dataset.now;
    const known = skews.get(element);
    if (known && known.sent === sent) return known.skew;
    const skew = Date.parse(sent) - Date.now();
    skews.set(element, { sent, skew });
    return skew;
  }

  function countDown() {
    for (const element of document.querySelectorAll("[data-countdown]")) {
      const words = leftWords(Date.parse(element.dataset.countdown) - Date.now() - skewOf(element));
      if (element.textContent !== words) element.textContent = words;
    }
  }

  // -- copying -------------------------------------------------------------------------------------
  async function copy(text) {
    // The clipboard API exists on https and loopback only; consoles also live on plain intranet names.
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  async function onClick(event) {
    const opener = event.target.closest("[data-open]");
    if (opener) document.getElementById(opener.dataset.open).showModal();
    const closer = event.target.closest("[data-close]");
    if (closer) closer.closest("dialog").close();
    const copier = event.target.closest("[data-copy]");
    if (!copier) return;
    const pieces = document.getElementById(copier.dataset.copy).querySelectorAll("[data-copy-text]");
    await copy([...pieces].map((piece) => piece.textContent.trim()).join("\n\n"));
    toast("Copied.", "success");
  }

  function onChange(event) {
    if (event.target.matches("select[data-navigate]")) window.location.assign(event.target.value);
  }

  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("change", onChange);
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-live]").forEach((element) => regions.push(new Live(element)));
    setInterval(countDown, 250);
  });
})();
